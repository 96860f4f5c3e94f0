//! A file's tokens as a flat sequence: what can be said of a file before anything is made of it.
//!
//! The compiler's lexer finds them, and no token is copied, so a scan costs a small part of what `proc_macro2` takes for
//! the same text. Where the two could read a text differently the scan gives up, and its caller has to ask `proc_macro2`.

use proc_macro2::{Delimiter, Spacing};
use ra_ap_rustc_lexer::{Cursor, FrontmatterAllowed, LiteralKind, TokenKind};

/// A token; a doc comment is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'s> {
    Open(Delimiter),
    Close(Delimiter),
    /// With its `r#`, if it has one.
    Ident(&'s str),
    Punct(char, Spacing),
    Literal,
    /// `///`, `//!`, `/** */`, `/*! */`
    Doc,
}

/// What can follow in an operator.
const PUNCTUATION: &[u8] = b"~!@#$%^&*-=+|;:,<.>/?'";

/// A text that is not read here: it is no Rust, or is written in a way that is rare.
#[derive(Debug)]
pub(super) struct Unclear;

pub(super) struct Scanner<'s> {
    text: &'s str,
    at: usize,
    cursor: Cursor<'s>,
    /// The name of a lifetime, whose mark is a token of its own.
    name: Option<&'s str>,
}

impl<'s> Scanner<'s> {
    /// Reads `text` from the byte `at` on.
    pub(super) fn new(text: &'s str, at: usize) -> Self {
        Scanner { text, at, cursor: Cursor::new(&text[at..], FrontmatterAllowed::No), name: None }
    }

    /// The byte behind the last token.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Option<Token<'s>>, Unclear> {
        if let Some(name) = self.name.take() {
            return Ok(Some(Token::Ident(name)));
        }
        loop {
            let found = self.cursor.advance_token();
            let start = self.at;
            self.at += found.len as usize;
            let text = &self.text[start..self.at];
            return Ok(Some(match found.kind {
                TokenKind::Eof => return Ok(None),
                TokenKind::Whitespace
                | TokenKind::LineComment { doc_style: None }
                | TokenKind::BlockComment { doc_style: None, terminated: true } => {
                    continue;
                }
                TokenKind::LineComment { .. } | TokenKind::BlockComment { terminated: true, .. } => Token::Doc,
                // Other alphabets: which letters are part of a name is for `proc_macro2` to say. A prefix that means nothing to
                // the compiler is a name in what macros take.
                TokenKind::Ident | TokenKind::RawIdent | TokenKind::UnknownPrefix if text.is_ascii() => Token::Ident(text),
                TokenKind::Lifetime { starts_with_number: false } if text.is_ascii() => {
                    self.name = text.strip_prefix('\'');
                    Token::Punct('\'', Spacing::Joint)
                }
                TokenKind::Literal { kind, suffix_start } if is_whole(kind) && text.as_bytes()[suffix_start as usize..].is_ascii() => Token::Literal,
                TokenKind::Literal { .. } => return Err(Unclear),
                TokenKind::OpenParen => Token::Open(Delimiter::Parenthesis),
                TokenKind::OpenBracket => Token::Open(Delimiter::Bracket),
                TokenKind::OpenBrace => Token::Open(Delimiter::Brace),
                TokenKind::CloseParen => Token::Close(Delimiter::Parenthesis),
                TokenKind::CloseBracket => Token::Close(Delimiter::Bracket),
                TokenKind::CloseBrace => Token::Close(Delimiter::Brace),
                _ => match text.as_bytes() {
                    [mark] if PUNCTUATION.contains(mark) => Token::Punct(char::from(*mark), self.spacing()),
                    _ => return Err(Unclear),
                },
            }));
        }
    }

    /// Whether what comes next goes on with the operator that ends here.
    fn spacing(&self) -> Spacing {
        match &self.text.as_bytes()[self.at..] {
            [b'/', b'/' | b'*', ..] => Spacing::Alone,
            [next, ..] if PUNCTUATION.contains(next) => Spacing::Joint,
            _ => Spacing::Alone,
        }
    }
}

/// Whether a literal has an end.
fn is_whole(kind: LiteralKind) -> bool {
    match kind {
        LiteralKind::Int { empty_int: empty, .. } | LiteralKind::Float { empty_exponent: empty, .. } => !empty,
        LiteralKind::Char { terminated }
        | LiteralKind::Byte { terminated }
        | LiteralKind::Str { terminated }
        | LiteralKind::ByteStr { terminated }
        | LiteralKind::CStr { terminated } => terminated,
        LiteralKind::RawStr { n_hashes } | LiteralKind::RawByteStr { n_hashes } | LiteralKind::RawCStr { n_hashes } => n_hashes.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::{TokenStream, TokenTree};

    use super::*;

    fn scanned(source: &str) -> Option<Vec<String>> {
        let mut scanner = Scanner::new(source, 0);
        let mut found = Vec::new();
        while let Some(token) = scanner.next().ok()? {
            match token {
                // `#[doc = "…"]`
                Token::Doc => found.extend(["punct # Alone", "open", "ident doc", "punct = Alone", "literal", "close"].map(str::to_string)),
                Token::Open(_) => found.push("open".to_string()),
                Token::Close(_) => found.push("close".to_string()),
                Token::Ident(it) => found.push(format!("ident {it}")),
                Token::Punct(it, spacing) => found.push(format!("punct {it} {spacing:?}")),
                Token::Literal => found.push("literal".to_string()),
            }
        }
        Some(found)
    }

    fn of_stream(tokens: TokenStream, found: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(it) => {
                    found.push("open".to_string());
                    of_stream(it.stream(), found);
                    found.push("close".to_string());
                }
                TokenTree::Ident(it) => found.push(format!("ident {it}")),
                TokenTree::Punct(it) => found.push(format!("punct {} {:?}", it.as_char(), it.spacing())),
                TokenTree::Literal(_) => found.push("literal".to_string()),
            }
        }
    }

    #[test]
    fn tokens_are_those_of_the_parser() {
        let sources = [
            "fn f<'a>(x: &'a str) -> Vec<u8> { x.y?; 'l: loop { break 'l } }",
            r##"let s = "a\"b{" ; let r = r#"}"{"#; let b = b"\\"; let c = c"x"; let d = br"{"; let e = cr#"}"#;"##,
            r"['a', '\'', '\\', '\n', '\x41', '\u{1F600}', b'{', b'\'', '{', 'é', '_']",
            "1 1.5 1. 1..2 1.max(2) 1.0e-5 1e+5 0xE 0xe+1 1_000u64 0b1 1f32 x.0.1",
            "/// doc { \n//// none { \n// none {\n/* none /* { */ */ /** doc { */ /**/ /*** none { */ fn f() {}",
            "a += b << c >>= d /= 2; e => f :: g ..= h / /* c */ i /// doc",
            "r#type r#fn a_b _ __ $x @ ~ # ! ?",
        ];
        for source in sources {
            let mut expected = Vec::new();
            of_stream(source.parse().expect("the test's source lexes"), &mut expected);
            assert_eq!(scanned(source), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_is_not_clear() {
        for source in ["\"open", "r#\"open\"", "/* open", "'", "'ab'é", "\u{a0}", "été", "'\\x4", "`"] {
            assert_eq!(scanned(source).filter(|it| it.len() < 3), None, "{source}");
        }
    }
}
