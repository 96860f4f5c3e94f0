//! The tree that tree-sitter gives: for texts with syntax errors.

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::sync::LazyLock;

use super::{Damage, Entry, Field, Kind, Token, Tree};
use crate::ir::Range;

const TOKENS: &[(&str, Token)] = &[
    ("!=", Token::Equality),
    ("*", Token::Star),
    (",", Token::Comma),
    ("-", Token::Minus),
    (":", Token::Colon),
    ("<", Token::Order),
    ("<=", Token::Order),
    ("<>", Token::Equality),
    ("==", Token::Equality),
    (">", Token::Order),
    (">=", Token::Order),
    ("_", Token::Underscore),
    ("and", Token::And),
    ("async", Token::Async),
    ("from", Token::From),
    ("in", Token::In),
    ("is", Token::Is),
    ("is not", Token::IsNot),
    ("not in", Token::NotIn),
    ("or", Token::Or),
    ("|", Token::Pipe),
];

/// What a number of the grammar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Node(Kind),
    Token(Token),
    Comment,
    /// A token that means nothing to the lowering.
    Skipped,
}

struct Grammar {
    language: tree_sitter::Language,
    /// By the grammar's kind number.
    symbols: Vec<Symbol>,
    /// By the grammar's field number.
    fields: Vec<Option<Field>>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language = tree_sitter::Language::new(tree_sitter_python::LANGUAGE);
    let symbol = |id: u16| {
        let text = language.node_kind_for_id(id).unwrap_or("");
        match language.node_kind_is_named(id) {
            true if text == "comment" => Symbol::Comment,
            true => Symbol::Node(known(Kind::NAMES, text).unwrap_or(Kind::Other)),
            false => known(TOKENS, text).map_or(Symbol::Skipped, Symbol::Token),
        }
    };
    let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    let symbols = (0..count).map(symbol).collect();
    let count = u16::try_from(language.field_count()).unwrap_or(u16::MAX);
    let fields = (0..=count).map(|id| language.field_name_for_id(id).and_then(|it| known(Field::NAMES, it))).collect();
    Grammar { language, symbols, fields }
});

/// What `table`, which is sorted, has for `text`.
fn known<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    table.binary_search_by_key(&text, |it| it.0).ok().map(|at| table[at].1)
}
/// A run of so many comment lines is left as it is.
const MAX_COMMENTS: usize = 256;

/// Of a longer one so many are kept at each end.
const COMMENTS_KEPT: usize = 16;

fn parser() -> Option<tree_sitter::Parser> {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&GRAMMAR.language).ok()?;
    Some(parser)
}

/// Parses `source`; none when the parser fails.
pub(super) fn parse(source: &str) -> Option<Tree> {
    let mut parser = parser()?;
    parser.parse(thinned(source).as_ref(), None).map(|it| flat(&it))
}

/// Parses `range` of `source` alone; offsets are those of the whole.
pub(super) fn parse_part(source: &str, range: Range) -> Option<Tree> {
    let (start, end) = (range.as_usize().start, range.as_usize().end);
    // Rows and columns are not asked for.
    let point = tree_sitter::Point { row: 0, column: 0 };
    let part = tree_sitter::Range { start_byte: start, end_byte: end, start_point: point, end_point: point };
    let mut parser = parser()?;
    parser.set_included_ranges(&[part]).ok()?;
    parser.parse(source, None).map(|it| flat(&it))
}

/// The source with long runs of comment lines blanked but for their ends. For each comment the grammar's scanner looks
/// over all that follow for the next indentation: a run of thousands would take it minutes.
fn thinned(source: &str) -> Cow<'_, str> {
    let mut text: Option<Vec<u8>> = None;
    let mut run: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    for line in source.split_inclusive('\n').chain([""]) {
        let code = line.trim();
        // What looks like a comment may be in a string, and end it.
        if code.starts_with('#') && !code.contains("\"\"\"") && !code.contains("'''") {
            run.push(at..at + line.trim_end().len());
        } else if !code.is_empty() || line.is_empty() {
            if run.len() > MAX_COMMENTS {
                let text = text.get_or_insert_with(|| source.as_bytes().to_vec());
                run[COMMENTS_KEPT..run.len() - COMMENTS_KEPT].iter().for_each(|it| text[it.clone()].fill(b' '));
            }
            run.clear();
        }
        at += line.len();
    }
    text.and_then(|it| String::from_utf8(it).ok()).map_or(Cow::Borrowed(source), Cow::Owned)
}

/// The nodes of `parsed` in source order.
fn flat(parsed: &tree_sitter::Tree) -> Tree {
    let mut tree = Tree::default();
    let mut cursor = parsed.walk();
    let mut opened = Vec::new();
    loop {
        let node = cursor.node();
        let entry = match symbol(node) {
            Symbol::Comment => {
                tree.comments.push(Range::new(node.start_byte(), node.end_byte()));
                None
            }
            // Of what may stand anywhere only errors are kept.
            _ if node.is_extra() && !node.is_error() => None,
            Symbol::Node(kind) => Some(entry(node, kind, None, cursor.field_id())),
            Symbol::Token(token) => Some(entry(node, Kind::Other, Some(token), cursor.field_id())),
            Symbol::Skipped if node.is_missing() || node.has_error() => Some(entry(node, Kind::Other, Some(Token::Other), cursor.field_id())),
            Symbol::Skipped => None,
        };
        let at = entry.map(|it| tree.open(it));
        if at.is_some() && cursor.goto_first_child() {
            opened.extend(at);
            continue;
        }
        at.into_iter().for_each(|it| tree.close(it));
        while !cursor.goto_next_sibling() {
            let Some(parent) = opened.pop().filter(|_| cursor.goto_parent()) else { return tree };
            tree.close(parent);
        }
    }
}

fn symbol(node: tree_sitter::Node) -> Symbol {
    if node.is_error() {
        return Symbol::Node(Kind::Error);
    }
    GRAMMAR.symbols.get(usize::from(node.kind_id())).copied().unwrap_or(Symbol::Node(Kind::Other))
}

fn entry(node: tree_sitter::Node, kind: Kind, token: Option<Token>, field: Option<NonZeroU16>) -> Entry {
    let range = Range::new(node.start_byte(), node.end_byte());
    let damage = match (node.is_missing(), node.has_error()) {
        (true, _) => Damage::Missing,
        (false, true) => Damage::Inside,
        (false, false) => Damage::None,
    };
    let field = field.and_then(|it| GRAMMAR.fields.get(usize::from(it.get())).copied().flatten());
    Entry { start: range.start, end: range.end, behind: 0, kind, field, token, damage }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_the_grammar() {
        assert!(Kind::NAMES.is_sorted_by_key(|it| it.0) && Field::NAMES.is_sorted_by_key(|it| it.0) && TOKENS.is_sorted_by_key(|it| it.0));
        for (text, kind) in Kind::NAMES {
            assert!(GRAMMAR.symbols.contains(&Symbol::Node(*kind)), "no node is called {text}");
        }
        for (text, field) in Field::NAMES {
            assert!(GRAMMAR.fields.contains(&Some(*field)), "no field is called {text}");
        }
        for (text, token) in TOKENS {
            assert!(GRAMMAR.symbols.contains(&Symbol::Token(*token)), "no token is called {text}");
        }
    }
}
