//! Items of which the tokens say everything: numeric constants, aliases of plain paths, and blocks of foreign functions.
//!
//! Bindings that are generated consist of them by the hundred thousand. They are read here as they stand, and no tree is
//! made of them; whatever has more to it is left for `syn`.

use proc_macro2::Delimiter;

use super::scan::{Scanner, Token};
use crate::ir::{Name, Range, TypeRef};

#[derive(Debug, PartialEq)]
pub(super) enum Plain<'s> {
    Constant(Constant<'s>),
    /// `pub type Name = path;`
    Alias {
        name: &'s str,
        ty: TypeRef,
    },
    /// `extern "C" { … }` that declares no static: there is nothing in it to lower.
    Foreign,
}

/// `pub const NAME: path = -1 as path;`
#[derive(Debug, PartialEq)]
pub(super) struct Constant<'s> {
    pub(super) name: &'s str,
    pub(super) ty: TypeRef,
    /// From `const` to the semicolon.
    pub(super) range: Range,
    pub(super) number: i64,
    pub(super) number_range: Range,
    /// Where its minus sign begins, if it has one.
    pub(super) minus: Option<usize>,
    /// Where the type that it is cast to ends, if it is.
    pub(super) cast: Option<usize>,
}

/// The plain item that begins at the byte `at` or behind what says nothing there, and where it ends.
pub(super) fn plain(source: &str, at: usize) -> Option<(Plain<'_>, usize)> {
    let mut tokens = Tokens(Scanner::new(source, at));
    let mut token = tokens.next()?;
    let item = match token {
        Token::Doc | Token::Punct('#', _) => {
            token = tokens.behind_attributes(token)?;
            tokens.foreign(token)?
        }
        Token::Ident("extern" | "unsafe") => tokens.foreign(token)?,
        _ => {
            if token == Token::Ident("pub") {
                token = tokens.behind_visibility()?;
            }
            match token {
                Token::Ident("const") => Plain::Constant(tokens.constant()?),
                Token::Ident("type") => tokens.alias()?,
                _ => return None,
            }
        }
    };
    Some((item, tokens.0.offset()))
}

/// Numbers between brackets, of which no tree is made either: `[1, 2, …]`.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    /// Where its bracket opens.
    pub(super) start: usize,
    /// Behind its last bracket.
    pub(super) end: usize,
    pub(super) numbers: Vec<(i64, Range)>,
}

/// Shorter ones may as well be parsed; nobody writes a longer one as a pattern.
const LEAST_NUMBERS: usize = 64;

/// The table whose first number comes next.
pub(super) fn table(source: &str, at: usize) -> Option<Table> {
    let mut tokens = Tokens(Scanner::new(source, at));
    let mut numbers = Vec::new();
    loop {
        match tokens.next()? {
            Token::Literal => numbers.push((integer(tokens.0.text())?, Range::new(tokens.0.start(), tokens.0.offset()))),
            Token::Close(Delimiter::Bracket) => break,
            _ => return None,
        }
        match tokens.next()? {
            Token::Punct(',', _) => {}
            Token::Close(Delimiter::Bracket) => break,
            _ => return None,
        }
    }
    let (start, end) = (at - 1, tokens.0.offset());
    // What stands for it has as many bytes as characters.
    (numbers.len() >= LEAST_NUMBERS && source[start..end].is_ascii()).then_some(Table { start, end, numbers })
}

struct Tokens<'s>(Scanner<'s>);

impl<'s> Tokens<'s> {
    fn next(&mut self) -> Option<Token<'s>> {
        self.0.next().ok()?
    }

    fn expect(&mut self, expected: Token<'_>) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        matches!(self.next()?, Token::Punct(it, _) if it == mark).then_some(())
    }

    /// Behind the bracket that closes the one before; none if one of `words` stands between.
    fn skip_group(&mut self, words: &[&str]) -> Option<()> {
        let mut open = 1_usize;
        let mut is_lifetime = false;
        while open > 0 {
            let token = self.next()?;
            match token {
                Token::Open(_) => open += 1,
                Token::Close(_) => open -= 1,
                Token::Ident(word) if !is_lifetime && words.contains(&word) => return None,
                _ => {}
            }
            is_lifetime = matches!(token, Token::Punct('\'', _));
        }
        Some(())
    }

    /// What stands behind the doc comments and attributes that begin with `token`.
    fn behind_attributes(&mut self, mut token: Token<'s>) -> Option<Token<'s>> {
        loop {
            match token {
                Token::Doc => {}
                Token::Punct('#', _) => {
                    self.expect(Token::Open(Delimiter::Bracket))?;
                    self.skip_group(&[])?;
                }
                _ => return Some(token),
            }
            token = self.next()?;
        }
    }

    /// What stands behind `pub` and its brackets.
    fn behind_visibility(&mut self) -> Option<Token<'s>> {
        let token = self.next()?;
        if token != Token::Open(Delimiter::Parenthesis) {
            return Some(token);
        }
        self.skip_group(&[])?;
        self.next()
    }

    fn name(&mut self) -> Option<&'s str> {
        match self.next()? {
            Token::Ident(word) if is_plain(word) => Some(word),
            _ => None,
        }
    }

    /// Behind `const`.
    fn constant(&mut self) -> Option<Constant<'s>> {
        let start = self.0.start();
        let name = self.name()?;
        self.mark(':')?;
        let (ty, end) = self.path()?;
        if end != Token::Punct('=', proc_macro2::Spacing::Alone) {
            return None;
        }
        let mut token = self.next()?;
        let mut minus = None;
        if let Token::Punct('-', _) = token {
            minus = Some(self.0.start());
            token = self.next()?;
        }
        let number = if token == Token::Literal { integer(self.0.text())? } else { return None };
        let number_range = Range::new(self.0.start(), self.0.offset());
        let mut cast = None;
        token = self.next()?;
        if token == Token::Ident("as") {
            token = match self.next()? {
                Token::Ident(word) if is_plain(word) || word == "_" => {
                    cast = Some(self.0.offset());
                    self.next()?
                }
                _ => return None,
            };
        }
        let is_end = matches!(token, Token::Punct(';', _));
        is_end.then(|| Constant { name, ty, range: Range::new(start, self.0.offset()), number, number_range, minus, cast })
    }

    /// Behind `type`.
    fn alias(&mut self) -> Option<Plain<'s>> {
        let name = self.name()?;
        self.mark('=')?;
        let (ty, end) = self.path()?;
        matches!(end, Token::Punct(';', _)).then_some(Plain::Alias { name, ty })
    }

    /// From `first` on.
    fn foreign(&mut self, first: Token<'s>) -> Option<Plain<'s>> {
        match first {
            Token::Ident("extern") => {}
            Token::Ident("unsafe") => self.expect(Token::Ident("extern"))?,
            _ => return None,
        }
        let mut token = self.next()?;
        if token == Token::Literal {
            token = self.next()?;
        }
        if token != Token::Open(Delimiter::Brace) {
            return None;
        }
        self.skip_group(&["static"])?;
        Some(Plain::Foreign)
    }

    /// A type that is a path without arguments, and the token behind it.
    fn path(&mut self) -> Option<(TypeRef, Token<'s>)> {
        let first = self.name()?;
        let mut text = None;
        loop {
            let token = self.next()?;
            if token != Token::Punct(':', proc_macro2::Spacing::Joint) {
                let path = text.as_deref().map_or_else(|| Name::new(first), Name::new);
                return Some((TypeRef::Path { path, arguments: Vec::new() }, token));
            }
            self.mark(':')?;
            let segment = self.name()?;
            text = Some(text.unwrap_or_else(|| first.to_string()) + "::" + segment);
        }
    }
}

/// Whether a word is a name and stands for itself.
fn is_plain(word: &str) -> bool {
    let is_keyword = matches!(
        word,
        "_" | "as"
            | "async"
            | "const"
            | "dyn"
            | "extern"
            | "fn"
            | "for"
            | "impl"
            | "in"
            | "let"
            | "mut"
            | "pub"
            | "ref"
            | "static"
            | "type"
            | "unsafe"
    );
    !is_keyword && !word.starts_with("r#")
}

/// The value of an integer literal, if it has 64 bits.
fn integer(text: &str) -> Option<i64> {
    let (radix, digits) = match text.get(..2) {
        Some("0x") => (16, &text[2..]),
        Some("0o") => (8, &text[2..]),
        Some("0b") => (2, &text[2..]),
        _ => (10, text),
    };
    let (digits, suffix) = digits.split_at(digits.find(['i', 'u']).unwrap_or(digits.len()));
    if !matches!(suffix, "" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize") {
        return None;
    }
    let mut value = None;
    for digit in digits.chars().filter(|it| *it != '_') {
        let digit = i64::from(digit.to_digit(radix)?);
        value = Some(value.unwrap_or(0_i64).checked_mul(i64::from(radix))?.checked_add(digit)?);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, value) in [("0", 0), ("1_000u16", 1000), ("0xFFi64", 255), ("0b1_01", 5), ("0o17", 15), ("9223372036854775807", i64::MAX)] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
        for text in ["1.0", "1f32", "1e3", "0x", "9223372036854775808", "\"1\"", "'u'", "1u", "0b2"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn plain_items() {
        let found = |source: &'static str| plain(source, 0).map(|it| (it.0, &source[it.1..]));
        let path = |it: &str| TypeRef::Path { path: Name::new(it), arguments: Vec::new() };
        let Some((Plain::Constant(constant), " rest")) = found("\npub(crate) const A: a::B = -0x10u8 as _; rest") else { panic!("no constant") };
        let expected = Constant {
            name: "A",
            ty: path("a::B"),
            range: Range::new(12, 42),
            number: 16,
            number_range: Range::new(29, 35),
            minus: Some(28),
            cast: Some(40),
        };
        assert_eq!(Constant { range: expected.range, number_range: expected.number_range, ..constant }, expected);
        assert_eq!(found("type A = b::C; rest"), Some((Plain::Alias { name: "A", ty: path("b::C") }, " rest")));
        assert_eq!(found("/// Doc.\n#[link(name = \"a\")]\nunsafe extern \"C\" { fn f(it: &'static u8); } rest"), Some((Plain::Foreign, " rest")));
    }

    #[test]
    fn tables() {
        let numbers = "0x1, 2,\n".repeat(LEAST_NUMBERS / 2);
        let source = format!("[{numbers}] rest");
        let found = table(&source, 1).expect("only numbers");
        assert_eq!((found.start, &source[found.end..], found.numbers.len()), (0, " rest", LEAST_NUMBERS));
        assert_eq!(found.numbers[1], (2, Range::new(6, 7)));
        for source in ["[1, 2]".to_string(), format!("[{numbers} a]"), format!("[{numbers} 1; 2]"), format!("[/* é */ {numbers}]")] {
            assert_eq!(table(&source, 1), None, "{source}");
        }
    }

    #[test]
    fn what_is_not_plain() {
        let sources = [
            "const A: u8 = B;",
            "const A: u8 = 1 + 2;",
            "const A: u8 = 1.0;",
            "const A: Vec<u8> = 1;",
            "const _: u8 = 1;",
            "const fn f() {}",
            "#[cfg(test)] const A: u8 = 1;",
            "/// Doc.\nconst A: u8 = 1;",
            "type A<T> = B;",
            "type A = B<u8>;",
            "extern \"C\" { static A: u8; }",
            "extern \"C\" fn f() {}",
            "#![a] extern {}",
        ];
        for source in sources {
            assert_eq!(plain(source, 0), None, "{source}");
        }
    }
}
