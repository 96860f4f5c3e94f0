//! Attributes and doc comments, and what of them marks a test.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Stmt, Token};

use super::context::Ctx;
use super::types;
use crate::ir::{self, AttributeArgument, Name, Told};
use crate::source;

impl Ctx<'_> {
    /// The attributes but the doc comments.
    pub(super) fn attributes(&self, attributes: &[Attribute]) -> Vec<ir::Attribute> {
        attributes.iter().filter(|it| !it.path().is_ident("doc")).map(|it| self.attribute(it)).collect()
    }

    fn attribute(&self, attribute: &Attribute) -> ir::Attribute {
        let arguments = match &attribute.meta {
            Meta::Path(_) => None,
            Meta::List(list) => Some(self.arguments(list.tokens.clone())),
            Meta::NameValue(it) => {
                let text = Name::new(self.text(self.expr_range(&it.value)));
                Some(vec![AttributeArgument { name: None, text }])
            }
        };
        let range = self.range_between(attribute.pound_token.span, attribute.bracket_token.span.close());
        ir::Attribute { path: types::simple_path(attribute.path()), arguments, range }
    }

    /// The arguments between the commas of `tokens`.
    fn arguments(&self, tokens: TokenStream) -> Vec<AttributeArgument> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_comma = |it: &TokenTree| matches!(it, TokenTree::Punct(punct) if punct.as_char() == ',');
        tokens.split(is_comma).filter(|it| !it.is_empty()).map(|it| self.argument(it)).collect()
    }

    fn argument(&self, tokens: &[TokenTree]) -> AttributeArgument {
        let (name, value) = match tokens {
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' && !value.is_empty() => {
                (Some(types::ident(name)), value)
            }
            _ => (None, tokens),
        };
        let text = match value {
            [first, .., last] => self.text(self.range_between(first.span(), last.span())),
            [only] => self.text(self.range(only.span())),
            [] => "",
        };
        AttributeArgument { name, text: Name::new(text) }
    }
}

/// What the doc comments say.
pub(super) fn told(attributes: &[Attribute]) -> Told {
    let lines: Vec<String> = attributes.iter().filter_map(doc_text).collect();
    if lines.is_empty() { Told::default() } else { source::told(&lines.join("\n")) }
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(it) if it.path.is_ident("doc") => {
            let text = string(&it.value)?;
            Some(text.strip_prefix(' ').unwrap_or(&text).to_string())
        }
        _ => None,
    }
}

/// The value of `#[path = "…"]`.
pub(super) fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|it| match &it.meta {
        Meta::NameValue(it) if it.path.is_ident("path") => string(&it.value),
        _ => None,
    })
}

fn string(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// Whether what has these attributes is only there in tests: `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, ….
pub(super) fn marks_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| match &it.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.parse_args::<Meta>().is_ok_and(|it| implies_test(&it)),
        meta => {
            let name = types::simple_path(meta.path());
            matches!(name.last(), "test" | "bench" | "rstest" | "test_case" | "quickcheck" | "proptest" | "wasm_bindgen_test")
        }
    })
}

/// Whether a `cfg` predicate holds in tests alone.
fn implies_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
        Meta::List(list) => {
            let Ok(inner) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else { return false };
            if list.path.is_ident("all") {
                inner.iter().any(implies_test)
            } else {
                list.path.is_ident("any") && !inner.is_empty() && inner.iter().all(implies_test)
            }
        }
    }
}

/// A `cfg` predicate in its canonical text, and whether it is negated.
fn condition(attribute: &Attribute) -> Option<(String, bool)> {
    let Meta::List(list) = &attribute.meta else { return None };
    if !list.path.is_ident("cfg") {
        return None;
    }
    let text = |it: &Meta| it.to_token_stream().to_string();
    match list.parse_args::<Meta>().ok()? {
        Meta::List(not) if not.path.is_ident("not") => Some((text(&not.parse_args::<Meta>().ok()?), true)),
        predicate => Some((text(&predicate), false)),
    }
}

/// Which of the statements of one block are left out, because they stand for the others: of `#[cfg(x)]` and
/// `#[cfg(not(x))]` no build has both, and the one without `not` is read.
pub(super) fn alternatives(statements: &[Stmt]) -> Vec<bool> {
    let conditions: Vec<Option<(String, bool)>> = statements.iter().map(|it| of_statement(it).iter().find_map(condition)).collect();
    let is_there = |predicate: &String| conditions.iter().flatten().any(|it| it.0 == *predicate && !it.1);
    conditions.iter().map(|it| matches!(it, Some((predicate, true)) if is_there(predicate))).collect()
}

fn of_statement(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(it) => &it.attrs,
        Stmt::Macro(it) => &it.attrs,
        Stmt::Item(_) => &[],
        Stmt::Expr(expr, _) => match expr {
            Expr::Assign(it) => &it.attrs,
            Expr::Block(it) => &it.attrs,
            Expr::Call(it) => &it.attrs,
            Expr::ForLoop(it) => &it.attrs,
            Expr::If(it) => &it.attrs,
            Expr::Loop(it) => &it.attrs,
            Expr::Macro(it) => &it.attrs,
            Expr::Match(it) => &it.attrs,
            Expr::MethodCall(it) => &it.attrs,
            Expr::Return(it) => &it.attrs,
            Expr::Unsafe(it) => &it.attrs,
            Expr::While(it) => &it.attrs,
            _ => &[],
        },
    }
}
