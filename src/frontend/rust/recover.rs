//! What can be read of a file that `syn` refuses as a whole: item by item, and in an `impl`, `trait` or `mod` member
//! by member.
//!
//! Older code has syntax that is gone (`type Callback = Fn(u32) + Send;`), newer code some that is not known yet; either
//! is a few lines of a file.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::TokenStreamExt;
use syn::{Error, File, ImplItem, Item, TraitItem};

/// Modules in modules are looked into this deep: each level is parsed once more.
const MAX_DEPTH: usize = 4;

/// What stands in a pair of braces, or in a file.
#[derive(Clone, Copy)]
enum Members {
    Items,
    OfImpl,
    OfTrait,
}

/// The file without what cannot be read, and why not.
///
/// # Errors
///
/// When nothing can be read.
pub(super) fn recover(tokens: TokenStream) -> Result<(File, Vec<Error>), Error> {
    let mut lost = Vec::new();
    let rest = readable(tokens, Members::Items, &mut lost, 0);
    let file: File = syn::parse2(rest)?;
    match lost.first() {
        Some(first) if file.items.is_empty() => Err(first.clone()),
        _ => Ok((file, lost)),
    }
}

/// The tokens of the members that can be read.
fn readable(tokens: TokenStream, members: Members, lost: &mut Vec<Error>, depth: usize) -> TokenStream {
    let mut rest = TokenStream::new();
    for member in split(tokens) {
        match parse(members, member.iter().cloned().collect()) {
            Ok(()) => rest.append_all(member),
            Err(error) => {
                let known = lost.len();
                match within(&member, lost, depth) {
                    Some(part) if parse(members, part.clone()).is_ok() => rest.extend(part),
                    _ => {
                        lost.truncate(known);
                        lost.push(error);
                    }
                }
            }
        }
    }
    rest
}

fn parse(members: Members, tokens: TokenStream) -> syn::Result<()> {
    // What stands for the container, as `#![allow(…)]`, is no member.
    if is_inner_attribute(&tokens) {
        return Ok(());
    }
    match members {
        Members::Items => syn::parse2::<Item>(tokens).map(drop),
        Members::OfImpl => syn::parse2::<ImplItem>(tokens).map(drop),
        Members::OfTrait => syn::parse2::<TraitItem>(tokens).map(drop),
    }
}

fn is_inner_attribute(tokens: &TokenStream) -> bool {
    let mut tokens = tokens.clone().into_iter();
    matches!((tokens.next(), tokens.next()), (Some(TokenTree::Punct(a)), Some(TokenTree::Punct(b))) if a.as_char() == '#' && b.as_char() == '!')
}

/// An `impl`, `trait` or `mod` without those of its members that cannot be read.
fn within(member: &[TokenTree], lost: &mut Vec<Error>, depth: usize) -> Option<TokenStream> {
    if depth >= MAX_DEPTH {
        return None;
    }
    let keywords = ["impl", "trait", "mod", "fn", "struct", "enum", "union", "macro_rules"];
    let keyword = member.iter().find_map(|it| match it {
        TokenTree::Ident(word) => keywords.into_iter().find(|it| word == it),
        _ => None,
    })?;
    let members = match keyword {
        "impl" => Members::OfImpl,
        "trait" => Members::OfTrait,
        "mod" => Members::Items,
        _ => return None,
    };
    let (TokenTree::Group(body), head) = member.split_last()? else { return None };
    if body.delimiter() != Delimiter::Brace {
        return None;
    }
    let mut group = Group::new(Delimiter::Brace, readable(body.stream(), members, lost, depth + 1));
    group.set_span(body.span());
    Some(head.iter().cloned().chain([TokenTree::Group(group)]).collect())
}

/// The tokens of each member: up to a `;`, or up to its braces where it ends with them.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut members = Vec::new();
    let mut member: Vec<TokenTree> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(it) => it.as_char() == ';',
            TokenTree::Ident(word) => {
                words.push(word.to_string());
                false
            }
            TokenTree::Group(it) if it.delimiter() == Delimiter::Brace => !ends_with_semicolon(&words),
            TokenTree::Group(it) => it.delimiter() == Delimiter::Bracket && member.len() == 2 && is_mark(&member[1], '!') && is_mark(&member[0], '#'),
            TokenTree::Literal(_) => false,
        };
        member.push(token);
        if ends {
            members.push(std::mem::take(&mut member));
            words.clear();
        }
    }
    members.extend((!member.is_empty()).then_some(member));
    members
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(it) if it.as_char() == mark)
}

/// Whether a member that begins with these words has braces inside: a constant, `use`, `type`.
fn ends_with_semicolon(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str).skip_while(|it| matches!(*it, "pub" | "default" | "unsafe"));
    match words.next() {
        Some("const") => !matches!(words.next(), Some("fn" | "unsafe" | "async" | "extern")),
        Some("static" | "use" | "type" | "let") => true,
        _ => false,
    }
}
