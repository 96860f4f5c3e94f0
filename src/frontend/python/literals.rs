//! Constants and strings: what a literal's text says.

use super::context::Ctx;
use super::syntax::{Field, Kind, Node, Token};
use crate::ir::{Const, Name, Told};
use crate::source;

/// Literals longer than this many bytes are not kept.
const MAX_LITERAL: usize = 256;

/// A string literal, by its prefix.
enum Literal {
    Text(String),
    Bytes,
    /// An f-string or t-string.
    Format,
    /// Too long to keep.
    Long,
}

/// The innermost expression of `((e))`.
pub(super) fn strip(mut node: Node) -> Node {
    while node.kind() == Kind::ParenthesizedExpression {
        match node.first() {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The value of `node` when it is a literal, with its sign.
pub(super) fn constant(node: Node, source: &str) -> Option<Const> {
    let node = strip(node);
    Some(match node.kind() {
        Kind::None => Const::None,
        Kind::True => Const::Bool(true),
        Kind::False => Const::Bool(false),
        Kind::Ellipsis => Const::Other,
        Kind::Integer | Kind::Float => number(node.text(source), ""),
        Kind::UnaryOperator if node.starts_with(Token::Minus) => {
            let argument = node.child(Field::Argument)?;
            if !matches!(argument.kind(), Kind::Integer | Kind::Float) {
                return None;
            }
            negated(argument, source)
        }
        Kind::String | Kind::ConcatenatedString => match string(node, source, MAX_LITERAL) {
            Literal::Text(text) => Const::Str(Name::new(&text)),
            Literal::Bytes | Literal::Long => Const::Other,
            Literal::Format => return None,
        },
        _ => return None,
    })
}

/// The number literal `node` with a minus before it.
pub(super) fn negated(node: Node, source: &str) -> Const {
    number(node.text(source), "-")
}

/// The number written `text`, negated when `sign` is `-`.
fn number(text: &str, sign: &str) -> Const {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits.as_str()),
    };
    match i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        // Python 2 octals (`0777`).
        Ok(value) if radix != 10 || value == 0 || !digits.starts_with('0') => Const::Int(value),
        _ if text.len() > MAX_LITERAL => Const::Other,
        _ => Const::Number(Name::new(&format!("{sign}{text}"))),
    }
}

/// The text of a plain string literal (or of several side by side).
pub(super) fn text(node: Node, source: &str) -> Option<String> {
    match string(strip(node), source, usize::MAX) {
        Literal::Text(text) => Some(text),
        _ => None,
    }
}

fn string(node: Node, source: &str, limit: usize) -> Literal {
    if node.kind() == Kind::String {
        return single(node, source, limit);
    }
    if node.kind() != Kind::ConcatenatedString {
        return Literal::Bytes;
    }
    let mut whole = Literal::Text(String::new());
    for part in node.children() {
        whole = match (whole, single(part, source, limit)) {
            (Literal::Format, _) | (_, Literal::Format) => return Literal::Format,
            (Literal::Text(a), Literal::Text(b)) if a.len() + b.len() <= limit => Literal::Text(a + &b),
            (Literal::Bytes, _) | (_, Literal::Bytes) => Literal::Bytes,
            _ => Literal::Long,
        };
    }
    whole
}

fn single(node: Node, source: &str, limit: usize) -> Literal {
    let (Some(start), Some(end)) = (node.first_of(Kind::StringStart), node.first_of(Kind::StringEnd)) else { return Literal::Bytes };
    let prefix = start.text(source).trim_end_matches(['"', '\'']).to_ascii_lowercase();
    if prefix.contains(['f', 't']) {
        return Literal::Format;
    }
    if prefix.contains(['b', '`']) {
        return Literal::Bytes;
    }
    let content = source.get(start.range().end as usize..end.range().start as usize).unwrap_or("");
    if content.len() > limit {
        return Literal::Long;
    }
    Literal::Text(if prefix.contains('r') || !content.contains('\\') { content.to_string() } else { unescape(content) })
}

/// `content` with its escapes read; one that is not valid stays as it is written.
fn unescape(content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let (read, length) = match escape {
            '\n' => (None, 1),
            '\r' => (None, if rest.starts_with("\r\n") { 2 } else { 1 }),
            '\\' | '\'' | '"' => (Some(escape), 1),
            'a' => (Some('\x07'), 1),
            'b' => (Some('\x08'), 1),
            'f' => (Some('\x0c'), 1),
            'n' => (Some('\n'), 1),
            'r' => (Some('\r'), 1),
            't' => (Some('\t'), 1),
            'v' => (Some('\x0b'), 1),
            'x' => (coded(rest, 1, 2, 16), 3),
            'u' => (coded(rest, 1, 4, 16), 5),
            'U' => (coded(rest, 1, 8, 16), 9),
            '0'..='7' => {
                let digits = rest.bytes().take(3).take_while(|it| (b'0'..=b'7').contains(it)).count();
                (coded(rest, 0, digits, 8), digits)
            }
            _ => (None, 0),
        };
        match (read, escape) {
            (Some(read), _) => out.push(read),
            (None, '\n' | '\r') => {}
            (None, _) => {
                out.push('\\');
                continue;
            }
        }
        rest = rest.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The character whose code is the `count` digits of `text` from `skip` on.
fn coded(text: &str, skip: usize, count: usize, radix: u32) -> Option<char> {
    let digits = text.get(skip..skip + count)?;
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
}

impl<'t> Ctx<'t> {
    /// What the docstring of a body says.
    pub(super) fn told(&self, body: Node<'t>) -> Told {
        self.docstring(body).map(|it| source::told(&it)).unwrap_or_default()
    }

    fn docstring(&self, body: Node<'t>) -> Option<String> {
        let first = body.first().filter(|it| it.kind() == Kind::ExpressionStatement && !it.has_error())?;
        match first.children().as_slice() {
            [only] if matches!(only.kind(), Kind::String | Kind::ConcatenatedString) => text(*only, self.source),
            _ => None,
        }
    }
}
