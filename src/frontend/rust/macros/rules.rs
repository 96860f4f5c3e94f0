//! `macro_rules!`: matching a call against the rules, and writing what it stands for.
//!
//! In: a definition's tokens, a call's tokens. Out: the tokens the call becomes. Tokens that the call gave keep their
//! spans; those of the definition get the one that is asked for. Rules are tried in order, repetitions take all they can
//! (the compiler refuses definitions for which that would matter); names are not made hygienic.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Ident, Punct, Span, TokenStream, TokenTree};
use quote::ToTokens;
use rustc_hash::FxHashMap;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};

/// Tokens of calls and of what they become that are looked at in one file: more is no code that anybody reads.
pub(in super::super) const MAX_TOKENS: usize = 500_000;

/// What a call gave for one name of the pattern.
#[derive(Clone, Debug)]
enum Binding {
    Tokens(TokenStream),
    /// For each round of a repetition.
    Rounds(Rc<Vec<Bindings>>),
}

type Bindings = FxHashMap<String, Binding>;

/// A piece of a pattern or of a transcription.
#[derive(Clone, Debug)]
enum Piece {
    Token(TokenTree),
    /// `$name:fragment`; in a transcription without one.
    Variable(String, String),
    /// `$( … ) separator *`
    Repetition {
        inner: Vec<Piece>,
        separator: Option<Punct>,
        most_once: bool,
        least_once: bool,
    },
    Group(Delimiter, Vec<Piece>),
}

/// What `call` becomes by the rules in `definition`; none if no rule fits, if one has what is not read here, or if there
/// is nothing left of `budget`, in tokens.
pub(super) fn expand(definition: TokenStream, call: &TokenStream, span: Span, budget: &mut usize) -> Option<TokenStream> {
    let cost = 1 + count(call);
    let mut rules = definition.into_iter();
    loop {
        let TokenTree::Group(pattern) = rules.next()? else { return None };
        let arrow = [rules.next()?, rules.next()?];
        if arrow.iter().map(ToString::to_string).collect::<String>() != "=>" {
            return None;
        }
        let TokenTree::Group(body) = rules.next()? else { return None };
        *budget = budget.checked_sub(cost)?;
        let pattern = pieces(pattern.stream(), true)?;
        let whole =
            |input: ParseStream<'_>| match_all(&pattern, input).and_then(|it| if input.is_empty() { Ok(it) } else { Err(input.error("left over")) });
        if let Ok(bindings) = whole.parse2(call.clone()) {
            let mut out = TokenStream::new();
            transcribe(&pieces(body.stream(), false)?, &bindings, span, budget, &mut out)?;
            return Some(out);
        }
        // The semicolon between rules.
        rules.next()?;
    }
}

/// Splits a pattern or a transcription into its pieces.
fn pieces(tokens: TokenStream, is_pattern: bool) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        found.push(match token {
            TokenTree::Punct(it) if it.as_char() == '$' => match tokens.next()? {
                TokenTree::Ident(name) if name == "crate" => Piece::Token(TokenTree::Ident(name)),
                TokenTree::Ident(name) if is_pattern => {
                    let (TokenTree::Punct(_), TokenTree::Ident(fragment)) = (tokens.next()?, tokens.next()?) else { return None };
                    Piece::Variable(name.to_string(), fragment.to_string())
                }
                TokenTree::Ident(name) => Piece::Variable(name.to_string(), String::new()),
                TokenTree::Group(it) if it.delimiter() == Delimiter::Parenthesis => {
                    let inner = pieces(it.stream(), is_pattern)?;
                    let is_count = |it: &TokenTree| matches!(it, TokenTree::Punct(it) if matches!(it.as_char(), '*' | '+' | '?'));
                    let mut next = tokens.next()?;
                    let mut separator = None;
                    if !is_count(&next)
                        || matches!((&next, tokens.peek()), (TokenTree::Punct(it), Some(after)) if it.as_char() != '*' && is_count(after))
                    {
                        let TokenTree::Punct(it) = next else { return None };
                        separator = Some(it);
                        next = tokens.next()?;
                    }
                    let count = next.to_string();
                    Piece::Repetition { inner, separator, most_once: count == "?", least_once: count == "+" }
                }
                _ => return None,
            },
            TokenTree::Group(it) => Piece::Group(it.delimiter(), pieces(it.stream(), is_pattern)?),
            other => Piece::Token(other),
        });
    }
    Some(found)
}

fn match_all(pattern: &[Piece], input: ParseStream<'_>) -> syn::Result<Bindings> {
    let mut bindings = Bindings::default();
    for piece in pattern {
        match piece {
            Piece::Token(expected) => {
                let found: TokenTree = input.parse()?;
                if found.to_string() != expected.to_string() {
                    return Err(input.error("another token"));
                }
            }
            Piece::Variable(name, fragment) => {
                let tokens = parse_fragment(fragment, input)?;
                bindings.insert(name.clone(), Binding::Tokens(tokens));
            }
            Piece::Group(delimiter, inner) => {
                let TokenTree::Group(group) = input.parse()? else { return Err(input.error("no group")) };
                if group.delimiter() != *delimiter {
                    return Err(input.error("another bracket"));
                }
                let all = |input: ParseStream<'_>| match_all(inner, input);
                bindings.extend(all.parse2(group.stream())?);
            }
            Piece::Repetition { inner, separator, most_once, least_once } => {
                let rounds = match_rounds(inner, separator.as_ref(), *most_once, input)?;
                if *least_once && rounds.is_empty() {
                    return Err(input.error("none"));
                }
                let mut names = Vec::new();
                variables(inner, &mut names);
                for name in names {
                    let of_name = |round: &Bindings| round.get(&name).map(|it| Bindings::from_iter([(name.clone(), it.clone())]));
                    bindings.insert(name.clone(), Binding::Rounds(Rc::new(rounds.iter().filter_map(of_name).collect())));
                }
            }
        }
    }
    Ok(bindings)
}

fn match_rounds(inner: &[Piece], separator: Option<&Punct>, most_once: bool, input: ParseStream<'_>) -> syn::Result<Vec<Bindings>> {
    let mut rounds = Vec::new();
    while !input.is_empty() && (!most_once || rounds.is_empty()) {
        let ahead = input.fork();
        if let Some(separator) = separator.filter(|_| !rounds.is_empty()) {
            match ahead.parse::<Punct>() {
                Ok(it) if it.as_char() == separator.as_char() => {}
                _ => break,
            }
        }
        let begin = ahead.cursor();
        match match_all(inner, &ahead) {
            Ok(bindings) if ahead.cursor() != begin => {
                input.advance_to(&ahead);
                rounds.push(bindings);
            }
            _ => break,
        }
    }
    Ok(rounds)
}

fn variables(pieces: &[Piece], names: &mut Vec<String>) {
    for piece in pieces {
        match piece {
            Piece::Variable(name, _) => names.push(name.clone()),
            Piece::Repetition { inner, .. } | Piece::Group(_, inner) => variables(inner, names),
            Piece::Token(_) => {}
        }
    }
}

/// The tokens of what `$x:fragment` stands for. An expression stays one.
fn parse_fragment(fragment: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    fn tokens<T: Parse + ToTokens>(input: ParseStream<'_>) -> syn::Result<TokenStream> {
        Ok(input.parse::<T>()?.into_token_stream())
    }
    match fragment {
        "expr" | "expr_2021" => Ok(TokenTree::Group(Group::new(Delimiter::None, tokens::<syn::Expr>(input)?)).into()),
        "ident" => Ok(input.call(<Ident as syn::ext::IdentExt>::parse_any)?.into_token_stream()),
        "tt" => tokens::<TokenTree>(input),
        "ty" => tokens::<syn::Type>(input),
        "path" => tokens::<syn::Path>(input),
        "literal" => tokens::<syn::Lit>(input),
        "lifetime" => tokens::<syn::Lifetime>(input),
        "block" => tokens::<syn::Block>(input),
        "stmt" => tokens::<syn::Stmt>(input),
        "item" => tokens::<syn::Item>(input),
        "vis" => tokens::<syn::Visibility>(input),
        "meta" => tokens::<syn::Meta>(input),
        "pat" => Ok(input.call(syn::Pat::parse_multi_with_leading_vert)?.into_token_stream()),
        "pat_param" => Ok(input.call(syn::Pat::parse_single)?.into_token_stream()),
        _ => Err(input.error("another fragment")),
    }
}

fn transcribe(pieces: &[Piece], bindings: &Bindings, span: Span, budget: &mut usize, out: &mut TokenStream) -> Option<()> {
    for piece in pieces {
        match piece {
            Piece::Token(token) => {
                *budget = budget.checked_sub(1)?;
                let mut token = token.clone();
                token.set_span(span);
                out.extend([token]);
            }
            Piece::Variable(name, _) => match bindings.get(name) {
                Some(Binding::Tokens(tokens)) => {
                    *budget = budget.checked_sub(count(tokens))?;
                    out.extend(tokens.clone());
                }
                // Outside the repetition that it belongs to; or for a macro that this one defines.
                Some(Binding::Rounds(_)) | None => return None,
            },
            Piece::Group(delimiter, inner) => {
                let mut stream = TokenStream::new();
                transcribe(inner, bindings, span, budget, &mut stream)?;
                let mut group = Group::new(*delimiter, stream);
                group.set_span(span);
                out.extend([TokenTree::Group(group)]);
            }
            Piece::Repetition { inner, separator, .. } => {
                let mut names = Vec::new();
                variables(inner, &mut names);
                let rounds: Vec<&Rc<Vec<Bindings>>> =
                    names.iter().filter_map(|it| if let Some(Binding::Rounds(rounds)) = bindings.get(it) { Some(rounds) } else { None }).collect();
                let most = rounds.iter().map(|it| it.len()).max()?;
                for round in 0..most {
                    if let Some(separator) = separator.as_ref().filter(|_| round > 0) {
                        let mut separator = separator.clone();
                        separator.set_span(span);
                        out.extend([TokenTree::Punct(separator)]);
                    }
                    let mut inside = bindings.clone();
                    for it in &rounds {
                        inside.extend(it.get(round)?.clone());
                    }
                    transcribe(inner, &inside, span, budget, out)?;
                }
            }
        }
    }
    Some(())
}

fn count(tokens: &TokenStream) -> usize {
    let mut count = 0;
    let mut open = vec![tokens.clone().into_iter()];
    while let Some(level) = open.last_mut() {
        match level.next() {
            Some(TokenTree::Group(it)) => open.push(it.stream().into_iter()),
            Some(_) => {}
            None => {
                open.pop();
                continue;
            }
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(definition: &str, call: &str, expected: Option<&str>) {
        let parse = |text: &str| text.parse::<TokenStream>().unwrap();
        let expanded = expand(parse(definition), &parse(call), Span::call_site(), &mut 10_000);
        let text = |it: TokenStream| it.to_string().split_whitespace().collect::<String>();
        assert_eq!(expanded.map(text), expected.map(|it| text(parse(it))), "{definition} for {call}");
    }

    #[test]
    fn fragments() {
        check("($m:expr) => { $m.lock().unwrap() }", "self.a[0]", Some("self.a[0].lock().unwrap()"));
        check("($m:ident . $f:tt) => { $m.$f }", "a.0", Some("a.0"));
        check("($t:ty, $b:block) => { <$t>::run(|| $b) }", "Vec<u8>, { 1 }", Some("<Vec<u8>>::run(|| { 1 })"));
        check("($p:pat => $l:literal) => { matches!($l, $p) }", "Some(_) | None => 3", Some("matches!(3, Some(_) | None)"));
        check("($e:odd) => { $e }", "1", None);
    }

    #[test]
    fn rules_in_order() {
        let definition = "(one) => { 1 }; (@ $e:expr) => { $e }; ($($t:tt)*) => { rest!($($t)*) };";
        check(definition, "one", Some("1"));
        check(definition, "@ f(2)", Some("f(2)"));
        check(definition, "a b", Some("rest!(a b)"));
    }

    #[test]
    fn repetitions() {
        check("($($k:ident = $v:expr),* $(,)?) => { [$(($k, $v)),*] }", "a = 1, b = 2,", Some("[(a, 1), (b, 2)]"));
        check("($first:expr $(; $rest:expr)+) => { $first $(+ $rest)+ }", "1; 2; 3", Some("1 + 2 + 3"));
        check("($($x:expr);+) => { 0 }", "", None);
        check("($($k:ident { $($v:expr),* })*) => { $($k: $($v.go();)*)* }", "a { 1, 2 } b { }", Some("a: 1.go(); 2.go(); b:"));
        check("($x:expr $(, $y:expr)*) => { $($x + $y),* }", "1, 2, 3", Some("1 + 2, 1 + 3"));
    }

    #[test]
    fn what_does_not_fit() {
        check("($x:expr) => { $x }", "1 2", None);
        check("($x:expr) => { ${count($x)} }", "1", None);
        check("not a rule", "1", None);
        check("", "", None);
    }

    #[test]
    fn what_grows_is_cut_off() {
        let rounds = "x ".repeat(2_000);
        check("($($x:ident)*) => { $($x + $x + $x + $x + $x + $x + $x + $x + $x + $x;)* }", &rounds, None);
    }
}
