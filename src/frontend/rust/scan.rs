//! A file's tokens as a flat sequence, straight from its bytes: what can be said of a file before anything is made of it.
//!
//! No token is copied, so a scan costs a small part of what `proc_macro2` takes for the same text. Where the two could
//! read a text differently the scan gives up, and its caller has to ask `proc_macro2`.

use proc_macro2::{Delimiter, Spacing};

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
}

impl<'s> Scanner<'s> {
    /// Reads `text` from the byte `at` on.
    pub(super) fn new(text: &'s str, at: usize) -> Self {
        Scanner { text, at }
    }

    /// The byte behind the last token.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Option<Token<'s>>, Unclear> {
        let bytes = self.text.as_bytes();
        loop {
            let Some(&byte) = bytes.get(self.at) else { return Ok(None) };
            match byte {
                b' ' | b'\t'..=b'\r' => self.at += 1,
                b'/' if self.peek(1) == Some(b'/') => {
                    let start = self.at;
                    self.at = memchr(b'\n', bytes, start).unwrap_or(bytes.len());
                    let comment = &bytes[start..self.at];
                    if comment.starts_with(b"//!") || comment.starts_with(b"///") && !comment.starts_with(b"////") {
                        return Ok(Some(Token::Doc));
                    }
                }
                b'/' if self.peek(1) == Some(b'*') => {
                    let start = self.at;
                    self.block_comment()?;
                    let comment = &bytes[start..self.at];
                    let is_outer = comment.starts_with(b"/**") && !comment.starts_with(b"/***") && comment.len() > 4;
                    if is_outer || comment.starts_with(b"/*!") {
                        return Ok(Some(Token::Doc));
                    }
                }
                _ => return self.token(byte).map(Some),
            }
        }
    }

    fn token(&mut self, byte: u8) -> Result<Token<'s>, Unclear> {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => {
                self.number();
                Ok(Token::Literal)
            }
            b'"' => self.string(),
            b'\'' => self.quote(),
            b'(' => self.bracket(Token::Open(Delimiter::Parenthesis)),
            b'[' => self.bracket(Token::Open(Delimiter::Bracket)),
            b'{' => self.bracket(Token::Open(Delimiter::Brace)),
            b')' => self.bracket(Token::Close(Delimiter::Parenthesis)),
            b']' => self.bracket(Token::Close(Delimiter::Bracket)),
            b'}' => self.bracket(Token::Close(Delimiter::Brace)),
            _ if PUNCTUATION.contains(&byte) => {
                self.at += 1;
                let is_comment = self.peek(0) == Some(b'/') && matches!(self.peek(1), Some(b'/' | b'*'));
                let is_joint = !is_comment && self.peek(0).is_some_and(|it| PUNCTUATION.contains(&it));
                Ok(Token::Punct(char::from(byte), if is_joint { Spacing::Joint } else { Spacing::Alone }))
            }
            _ => Err(Unclear),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn bracket(&mut self, token: Token<'s>) -> Result<Token<'s>, Unclear> {
        self.at += 1;
        Ok(token)
    }

    /// An identifier, or a literal that begins like one.
    fn word(&mut self) -> Result<Token<'s>, Unclear> {
        let start = self.at;
        self.skip_word();
        match (&self.text[start..self.at], self.peek(0)) {
            ("b" | "c", Some(b'"')) => self.string(),
            ("b", Some(b'\'')) => match self.quote()? {
                Token::Literal => Ok(Token::Literal),
                _ => Err(Unclear),
            },
            ("r", Some(b'#')) if self.peek(1).is_some_and(is_of_word) => {
                self.at += 1;
                self.skip_word();
                Ok(Token::Ident(&self.text[start..self.at]))
            }
            ("r" | "br" | "cr", Some(b'"' | b'#')) => self.raw_string(),
            (word, None | Some(0..=0x7f)) => Ok(Token::Ident(word)),
            // Other alphabets: which letters are part of a name is for `proc_macro2` to say.
            _ => Err(Unclear),
        }
    }

    fn skip_word(&mut self) {
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|it| is_of_word(**it)).count();
    }

    fn number(&mut self) {
        let start = self.at;
        self.skip_word();
        // `1..2` is a range, `1.max(2)` a call.
        if self.peek(0) == Some(b'.') && self.peek(1).is_none_or(|it| it != b'.' && (it.is_ascii_digit() || !is_of_word(it))) {
            self.at += 1;
            self.skip_word();
        }
        let number = &self.text.as_bytes()[start..self.at];
        let is_hexadecimal = number.starts_with(b"0x");
        if !is_hexadecimal && matches!(number.last(), Some(b'e' | b'E')) && matches!(self.peek(0), Some(b'+' | b'-')) {
            self.at += 1;
            self.skip_word();
        }
    }

    /// A string from its first quote on.
    fn string(&mut self) -> Result<Token<'s>, Unclear> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(Unclear),
            }
        }
        self.at += 1;
        self.skip_word();
        Ok(Token::Literal)
    }

    /// A raw string from its first `#` or quote on.
    fn raw_string(&mut self) -> Result<Token<'s>, Unclear> {
        let bytes = self.text.as_bytes();
        let hashes = bytes[self.at..].iter().take_while(|it| **it == b'#').count();
        self.at += hashes;
        if self.peek(0) != Some(b'"') {
            return Err(Unclear);
        }
        loop {
            self.at = memchr(b'"', bytes, self.at + 1).ok_or(Unclear)?;
            let behind = &bytes[self.at + 1..];
            if behind.len() >= hashes && behind[..hashes].iter().all(|it| *it == b'#') {
                self.at += 1 + hashes;
                self.skip_word();
                return Ok(Token::Literal);
            }
        }
    }

    /// A character, or the mark before a lifetime's name.
    fn quote(&mut self) -> Result<Token<'s>, Unclear> {
        let rest = &self.text[self.at + 1..];
        let mut characters = rest.chars();
        let length = match characters.next().ok_or(Unclear)? {
            '\\' => match characters.next().ok_or(Unclear)? {
                'x' => 4,
                'u' => rest.find('}').ok_or(Unclear)? + 1,
                _ => 2,
            },
            it => it.len_utf8(),
        };
        if rest.as_bytes().get(length) == Some(&b'\'') {
            self.at += length + 2;
            self.skip_word();
            return Ok(Token::Literal);
        }
        let is_lifetime = rest.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
        self.at += 1;
        if is_lifetime { Ok(Token::Punct('\'', Spacing::Joint)) } else { Err(Unclear) }
    }

    fn block_comment(&mut self) -> Result<(), Unclear> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            match bytes.get(self.at..self.at + 2) {
                Some(b"/*") => {
                    depth += 1;
                    self.at += 2;
                }
                Some(b"*/") => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                Some(_) => self.at += 1,
                None => return Err(Unclear),
            }
        }
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn memchr(byte: u8, bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|it| *it == byte).map(|it| from + it)
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
