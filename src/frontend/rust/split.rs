//! A file's text in pieces of whole items, found without parsing it.
//!
//! What `proc_macro2` and `syn` make of a text takes many times its room. Made of a piece at a time, it stays in the
//! processor's cache, and the next piece uses the memory again.

use std::ops::Range;

use proc_macro2::Delimiter;

use super::nesting::{Levels, Nesting};
use super::scan::{Scanner, Token, Unclear};

/// A piece has so many bytes or more, if the file has.
const LEAST: usize = 8 << 10;

/// A file as its tokens show it.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) nesting: Nesting,
    /// In order, and nothing is between them.
    pub(super) pieces: Vec<Range<usize>>,
}

/// Splits `source` from the byte `offset` on; brackets that do not match are unclear.
///
/// That the pieces are whole items is very likely, and not sure: whoever parses one sees.
pub(super) fn split(source: &str, offset: usize) -> Result<Split, Unclear> {
    let mut scanner = Scanner::new(source, offset);
    let mut levels = Levels::default();
    let mut open: Vec<Delimiter> = Vec::new();
    let mut pieces = Vec::new();
    let mut start = offset;
    // Behind what could be the end of an item, if it was the last token.
    let mut end = None;
    while let Some(token) = scanner.next()? {
        if let Some(end) = end.take().filter(|_| begins_item(token)) {
            pieces.push(start..end);
            start = end;
        }
        match token {
            Token::Open(delimiter) => {
                levels.open(delimiter);
                open.push(delimiter);
            }
            Token::Close(delimiter) => {
                if open.pop() != Some(delimiter) {
                    return Err(Unclear);
                }
                levels.close();
            }
            Token::Ident(word) => levels.ident(word),
            Token::Punct(mark, spacing) => levels.punct(mark, spacing),
            Token::Literal => levels.literal(),
            Token::Doc => levels.doc(),
        }
        let may_end = matches!(token, Token::Close(Delimiter::Brace) | Token::Punct(';', _));
        let at = scanner.offset();
        if may_end && open.is_empty() && at - start >= LEAST && source.as_bytes().get(at).is_some_and(u8::is_ascii_whitespace) {
            end = Some(at);
        }
    }
    if !open.is_empty() {
        return Err(Unclear);
    }
    pieces.push(start..source.len());
    Ok(Split { nesting: levels.finish(), pieces })
}

/// Whether an item can begin with a token.
fn begins_item(token: Token<'_>) -> bool {
    match token {
        Token::Ident(word) => !matches!(word, "as" | "else" | "where"),
        Token::Punct(mark, _) => mark == '#',
        Token::Doc => true,
        Token::Open(_) | Token::Close(_) | Token::Literal => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_items() {
        let filler = "x ".repeat(LEAST);
        let items = [
            format!("//! A file.\n#![allow(a)]\nfn f() {{ let s = \"}}\"; {filler} }}"),
            format!("\n/// Doc.\n#[a]\npub const A: B = B {{ a: [{filler}] }};"),
            format!("\nstatic C: u8 = if a {{ {filler} }} else {{ b }};"),
            format!("\nimpl A {{ {filler} }} // end"),
            "\nfn g() {}\n".to_string(),
        ];
        let source = items.concat();
        let found = split(&source, 0).expect("the brackets match");
        let ends = |it: &str| it.trim_end_matches(" // end").len();
        let pieces: Vec<&str> = found.pieces.iter().map(|it| &source[it.clone()]).collect();
        assert_eq!(pieces.len(), items.len());
        assert_eq!(pieces[0], items[0]);
        assert_eq!(pieces[3].len(), ends(&items[3]));
        assert_eq!(pieces.concat(), source);
    }

    #[test]
    fn brackets_that_do_not_match() {
        for source in ["fn f() {", "}", "( ]"] {
            assert!(split(source, 0).is_err(), "{source}");
        }
    }
}
