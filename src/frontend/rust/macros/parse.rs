//! The grammars of well-known macros' bodies.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Block, Expr, ExprBlock, Ident, LitStr, Pat, Token, Type, Visibility, braced, bracketed, parenthesized, token};

/// `x; n`.
pub(super) struct Repeated {
    pub(super) element: Expr,
}

impl Parse for Repeated {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let element = input.parse()?;
        input.parse::<Token![;]>()?;
        input.parse::<Expr>()?;
        Ok(Repeated { element })
    }
}

/// `value, pattern if guard`.
pub(super) struct Matches {
    pub(super) value: Expr,
    pub(super) pattern: Pat,
    pub(super) guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.parse::<Option<Token![if]>>()?.is_some() { Some(input.parse()?) } else { None };
        input.parse::<Option<Token![,]>>()?;
        Ok(Matches { value, pattern, guard })
    }
}

/// `biased; a, b`.
pub(super) struct Futures {
    pub(super) futures: Vec<Expr>,
}

impl Parse for Futures {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        parse_biased(input)?;
        let futures = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
        Ok(Futures { futures: futures.into_iter().collect() })
    }
}

fn parse_biased(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    Ok(())
}

/// A branch of a `select!`.
pub(super) struct Branch {
    /// None for `else`, `default` and `complete`.
    pub(super) pattern: Option<Pat>,
    /// The future, or the operands of `recv` and `send`.
    pub(super) operands: Vec<Expr>,
    pub(super) guard: Option<Expr>,
    pub(super) body: Expr,
}

/// The branches of tokio's and futures' `select!` (`pattern = future, if guard => body`) or of crossbeam's (`recv(r) -> pattern => body`).
pub(super) struct Select {
    pub(super) branches: Vec<Branch>,
    /// Waits by `.await`, not by blocking.
    pub(super) is_async: bool,
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        parse_biased(input)?;
        let mut branches = Vec::new();
        let mut is_async = true;
        while !input.is_empty() {
            let mut guard = None;
            let (pattern, operands) = if is_fallback(input) {
                (None, parse_fallback(input)?)
            } else if is_channel_operation(input) {
                is_async = false;
                input.parse::<Ident>()?;
                let operands = parse_arguments(input)?;
                input.parse::<Token![->]>()?;
                (Some(Pat::parse_multi_with_leading_vert(input)?), operands)
            } else {
                let pattern = Pat::parse_multi_with_leading_vert(input)?;
                input.parse::<Token![=]>()?;
                let future = input.parse()?;
                if input.parse::<Option<Token![,]>>()?.is_some() {
                    input.parse::<Token![if]>()?;
                    guard = Some(input.parse()?);
                }
                (Some(pattern), vec![future])
            };
            input.parse::<Token![=>]>()?;
            let body = if input.peek(token::Brace) {
                let block: Block = input.parse()?;
                input.parse::<Option<Token![,]>>()?;
                Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block })
            } else {
                let body = input.parse()?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
                body
            };
            branches.push(Branch { pattern, operands, guard, body });
        }
        Ok(Select { branches, is_async })
    }
}

/// `else =>`, `default =>`, `default(timeout) =>`, `complete =>`.
fn is_fallback(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    let is_word = fork.parse::<Token![else]>().is_ok() || fork.parse::<Ident>().is_ok_and(|it| it == "default" || it == "complete");
    is_word && (fork.peek(Token![=>]) || fork.peek(token::Paren) && fork.peek2(Token![=>]))
}

fn parse_fallback(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    if input.parse::<Option<Token![else]>>()?.is_none() {
        input.parse::<Ident>()?;
    }
    if input.peek(token::Paren) { parse_arguments(input) } else { Ok(Vec::new()) }
}

fn is_channel_operation(input: ParseStream<'_>) -> bool {
    let is_word = input.fork().parse::<Ident>().is_ok_and(|it| it == "recv" || it == "send");
    is_word && input.peek2(token::Paren) && input.peek3(Token![->])
}

fn parse_arguments(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let inner;
    parenthesized!(inner in input);
    Ok(Punctuated::<Expr, Token![,]>::parse_terminated(&inner)?.into_iter().collect())
}

/// The expressions in a `json!` body.
pub(super) struct Json {
    pub(super) values: Vec<Expr>,
}

impl Parse for Json {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut values = Vec::new();
        parse_json(input, &mut values)?;
        Ok(Json { values })
    }
}

fn parse_json(input: ParseStream<'_>, values: &mut Vec<Expr>) -> syn::Result<()> {
    if input.peek(token::Brace) {
        let inner;
        braced!(inner in input);
        while !inner.is_empty() {
            keep(inner.parse()?, values);
            inner.parse::<Token![:]>()?;
            parse_json(&inner, values)?;
            inner.parse::<Option<Token![,]>>()?;
        }
    } else if input.peek(token::Bracket) {
        let inner;
        bracketed!(inner in input);
        while !inner.is_empty() {
            parse_json(&inner, values)?;
            inner.parse::<Option<Token![,]>>()?;
        }
    } else {
        keep(input.parse()?, values);
    }
    Ok(())
}

/// Literals and `null` hold nothing of interest.
fn keep(value: Expr, values: &mut Vec<Expr>) {
    let is_null = matches!(&value, Expr::Path(it) if it.path.is_ident("null"));
    if !is_null && !matches!(value, Expr::Lit(_)) {
        values.push(value);
    }
}

/// The branches of `cfg_if! { if #[cfg(…)] { … } else { … } }`.
pub(super) struct CfgIf {
    pub(super) branches: Vec<(Vec<Attribute>, TokenStream)>,
}

impl Parse for CfgIf {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut branches = Vec::new();
        loop {
            let attributes = if input.parse::<Option<Token![if]>>()?.is_some() { input.call(Attribute::parse_outer)? } else { Vec::new() };
            let inner;
            braced!(inner in input);
            branches.push((attributes, inner.parse()?));
            if input.parse::<Option<Token![else]>>()?.is_none() {
                return Ok(CfgIf { branches });
            }
        }
    }
}

/// `static NAME: Type = init;` in `thread_local!`, `static ref …` in `lazy_static!`.
pub(super) struct Static {
    pub(super) attributes: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) init: Expr,
}

/// Several of them.
pub(super) struct Statics {
    pub(super) statics: Vec<Static>,
}

impl Parse for Statics {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut statics = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            input.parse::<Visibility>()?;
            input.parse::<Token![static]>()?;
            input.parse::<Option<Token![ref]>>()?;
            let name = input.parse()?;
            input.parse::<Token![:]>()?;
            let ty = input.parse()?;
            input.parse::<Token![=]>()?;
            let init = input.parse()?;
            statics.push(Static { attributes, name, ty, init });
            if !input.is_empty() {
                input.parse::<Token![;]>()?;
            }
        }
        Ok(Statics { statics })
    }
}

/// The values among the arguments of a logging macro, which can have names (`target: x`, `user = id`, `key:? = x;`) and sigils (`%x`, `?x`).
pub(super) fn log_values(tokens: TokenStream) -> Vec<Expr> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.split(|it| is_punct(it, ",;")).filter_map(log_value).collect()
}

fn log_value(mut tokens: &[TokenTree]) -> Option<Expr> {
    // The name: up to a single `=`, or up to `:` behind the first word.
    if let [TokenTree::Ident(_), colon, rest @ ..] = tokens
        && is_punct(colon, ":")
        && !rest.first().is_some_and(|it| is_punct(it, ":"))
    {
        tokens = rest;
    }
    let is_name = |it: &TokenTree| matches!(it, TokenTree::Ident(_) | TokenTree::Literal(_)) || is_punct(it, ".:?%");
    let named = tokens.iter().position(|it| !is_name(it)).filter(|it| *it > 0 && is_punct(&tokens[*it], "="));
    if let Some(equals) = named
        && !tokens.get(equals + 1).is_some_and(|it| is_punct(it, "="))
    {
        tokens = &tokens[equals + 1..];
    }
    while let [sigil, rest @ ..] = tokens
        && is_punct(sigil, "?%")
    {
        tokens = rest;
    }
    syn::parse2(tokens.iter().cloned().collect()).ok()
}

fn is_punct(token: &TokenTree, any: &str) -> bool {
    matches!(token, TokenTree::Punct(it) if any.contains(it.as_char()))
}

/// The variables that a format string names: `{name}`, `{name:?}`, `{:width$}`.
pub(super) fn captured_names(format: &LitStr) -> Vec<String> {
    let text = format.value().replace("{{", "").replace("}}", "");
    let mut names = Vec::new();
    for piece in text.split('{').skip(1) {
        let Some((inside, _)) = piece.split_once('}') else { continue };
        let (argument, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let widths = spec.split('$').rev().skip(1).filter_map(|it| it.rsplit(|c: char| !is_word(c)).next());
        let is_name = |it: &&str| !it.is_empty() && it.chars().all(is_word) && !it.starts_with(|c: char| c.is_ascii_digit());
        names.extend(std::iter::once(argument.trim()).chain(widths).filter(is_name).map(str::to_string));
    }
    names
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
