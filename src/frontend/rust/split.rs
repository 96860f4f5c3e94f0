//! A file's text in pieces of whole items, found without parsing it.
//!
//! What `proc_macro2` and `syn` make of a text takes many times its room. Made of a piece at a time, it stays in the
//! processor's cache, and the next piece uses the memory again.

use std::ops::Range;

use proc_macro2::Delimiter;

use super::nesting::{Levels, Nesting};
use super::plain::{Plain, Table, plain, table};
use super::scan::{Scanner, Token, Unclear};

/// A piece has so many bytes or more, if the file has.
const LEAST: usize = 8 << 10;

/// A file as its tokens show it.
#[derive(Debug)]
pub(super) struct Split<'s> {
    pub(super) nesting: Nesting,
    /// In order, and nothing is between them.
    pub(super) pieces: Vec<Piece<'s>>,
    /// Those that are not in a macro's call or definition, in order.
    pub(super) tables: Vec<Table>,
}

#[derive(Debug)]
pub(super) enum Piece<'s> {
    /// Bytes with items, to be parsed.
    Items(Range<usize>),
    Plain(Plain<'s>),
}

/// Splits `source` from the byte `offset` on; brackets that do not match are unclear.
///
/// That the pieces are whole items is very likely, and not sure: whoever parses one sees.
pub(super) fn split(source: &str, offset: usize) -> Result<Split<'_>, Unclear> {
    let mut scanner = Scanner::new(source, offset);
    let mut levels = Levels::default();
    let mut open: Vec<Delimiter> = Vec::new();
    let mut pieces = Vec::new();
    let mut tables = Vec::new();
    let mut macros = MacroBrackets::default();
    let mut start = offset;
    // The last token could be the end of an item.
    let mut may_end = true;
    loop {
        if may_end && let Some((plain, end)) = plain(source, scanner.offset()).filter(|it| is_cut(source, it.1)) {
            items(source, start..scanner.offset(), &mut pieces);
            pieces.push(Piece::Plain(plain));
            scanner = Scanner::new(source, end);
            start = end;
            continue;
        }
        let end = scanner.offset();
        let Some(token) = scanner.next()? else { break };
        if may_end && end - start >= LEAST && begins_item(token) && is_cut(source, end) {
            items(source, start..end, &mut pieces);
            start = end;
        }
        macros.see(token, open.len());
        match token {
            Token::Open(delimiter) => {
                levels.open(delimiter);
                open.push(delimiter);
                if delimiter == Delimiter::Bracket
                    && macros.around.is_none()
                    && let Some(table) = table(source, scanner.offset())
                {
                    // Its last bracket comes next.
                    scanner = Scanner::new(source, table.end - 1);
                    levels.literal();
                    tables.push(table);
                }
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
        may_end = open.is_empty() && matches!(token, Token::Close(Delimiter::Brace) | Token::Punct(';', _));
    }
    if !open.is_empty() {
        return Err(Unclear);
    }
    items(source, start..source.len(), &mut pieces);
    Ok(Split { nesting: levels.finish(), pieces, tables })
}

/// Follows which tokens are a macro's own: in the brackets behind `name!` or `macro_rules! name`.
#[derive(Default)]
struct MacroBrackets {
    /// How many brackets are open around the outermost macro's.
    around: Option<usize>,
    is_named: bool,
    is_called: bool,
}

impl MacroBrackets {
    fn see(&mut self, token: Token<'_>, open: usize) {
        match token {
            Token::Open(_) if self.is_called && self.around.is_none() => self.around = Some(open),
            Token::Close(_) if self.around.is_some_and(|it| it + 1 >= open) => self.around = None,
            _ => {}
        }
        let is_name = matches!(token, Token::Ident(_));
        let is_call = self.is_named && matches!(token, Token::Punct('!', _));
        self.is_called = is_call || self.is_called && is_name;
        self.is_named = is_name;
    }
}

fn items(source: &str, range: Range<usize>, pieces: &mut Vec<Piece<'_>>) {
    if !source[range.clone()].trim_start().is_empty() {
        pieces.push(Piece::Items(range));
    }
}

/// Whether a piece can begin at a byte: none but the first begins with a token.
fn is_cut(source: &str, at: usize) -> bool {
    source.as_bytes().get(at).is_none_or(u8::is_ascii_whitespace)
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
        let text = |it: &Piece<'_>| if let Piece::Items(range) = it { source[range.clone()].to_string() } else { String::new() };
        let pieces: Vec<String> = found.pieces.iter().map(text).collect();
        assert_eq!(pieces.len(), items.len());
        assert_eq!(pieces[0], items[0]);
        assert_eq!(pieces[3].len(), ends(&items[3]));
        assert_eq!(pieces.concat(), source);
    }

    #[test]
    fn tables_of_macros_are_their_own() {
        let table = format!("[{}]", "1, ".repeat(100));
        let source =
            format!("fn f() {{ a({table}); if b != c {{ x!({table}); y![1]; }} }} macro_rules! m {{ () => {{ {table} }} }} static A: B = {table};");
        let found = split(&source, 0).expect("the brackets match");
        let starts: Vec<usize> = found.tables.iter().map(|it| it.start).collect();
        assert_eq!(starts, [source.find("[").unwrap(), source.rfind("[").unwrap()]);
    }

    #[test]
    fn brackets_that_do_not_match() {
        for source in ["fn f() {", "}", "( ]"] {
            assert!(split(source, 0).is_err(), "{source}");
        }
    }
}
