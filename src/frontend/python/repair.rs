//! Parsing so that one broken statement does not take its neighbours along.
//!
//! Error recovery in the parser works on tokens: an unclosed bracket in one method can swallow the head of the next, or
//! the whole class. Indentation knows better. When a file has errors, it is split by its lines into *units*, the
//! statements and functions that stand directly in the module or in a class. Units that do not parse alone are cut out
//! (a `()` of the same length takes their place), and the rest is parsed again; if that makes the damage smaller, it is
//! what counts, and each broken unit is grafted back as a tree of its own, to lose no more than it must.

use rustc_hash::FxHashMap;

use super::syntax::{Kind, Node, Tree};
use crate::ir::Range;

/// A file's tree, and the trees of its broken units by the offset of the statement that stands for them.
pub(super) struct Parsed {
    pub(super) tree: Tree,
    pub(super) grafts: FxHashMap<u32, Tree>,
}

/// The length of `()`.
const SHORTEST: usize = 2;

/// Parses `source`; none when the parser fails.
pub(super) fn parse(source: &str) -> Option<Parsed> {
    let tree = Tree::parse(source)?;
    let before = damage(tree.root());
    let broken = if before == 0 { Vec::new() } else { broken_units(source, &tree) };
    if broken.is_empty() {
        return Some(Parsed { tree, grafts: FxHashMap::default() });
    }
    let repaired = Tree::parse(&cut(source, &broken))?;
    let after = damage(repaired.root()) + broken.iter().map(|it| damage(it.1.root())).sum::<usize>();
    if after >= before {
        return Some(Parsed { tree, grafts: FxHashMap::default() });
    }
    Some(Parsed { tree: repaired, grafts: broken.into_iter().map(|(range, tree)| (range.start, tree)).collect() })
}

/// How many bytes could not be read; missing tokens count one.
fn damage(root: Node) -> usize {
    let mut bytes = 0;
    let mut work = vec![root];
    while let Some(node) = work.pop() {
        if node.kind() == Kind::Error {
            bytes += node.range().as_usize().len().max(1);
        } else if node.is_missing() {
            bytes += 1;
        } else if node.has_error() {
            work.extend(node.tokens());
        }
    }
    bytes
}

/// The units near errors that do not parse alone, with their trees.
fn broken_units(source: &str, tree: &Tree) -> Vec<(Range, Tree)> {
    let root = tree.root();
    let damaged: Vec<Range> = match root.kind() {
        Kind::Module => root.children().into_iter().filter(|it| it.has_error()).map(Node::range).collect(),
        _ => vec![Range::new(0, source.len())],
    };
    let mut damaged = damaged.into_iter().peekable();
    let mut broken = Vec::new();
    for unit in units(source) {
        while damaged.next_if(|it| it.end <= unit.start).is_some() {}
        let is_near = damaged.peek().is_some_and(|it| it.start < unit.end);
        let text = source.get(unit.as_usize()).unwrap_or("");
        if !is_near || text.len() < SHORTEST || Tree::is_free_of_errors(text) {
            continue;
        }
        if let Some(tree) = Tree::parse_part(source, unit).filter(|it| damage(it.root()) > 0) {
            broken.push((unit, tree));
        }
    }
    broken
}

/// `source` with placeholders for `units`; every other byte keeps its offset.
fn cut(source: &str, units: &[(Range, Tree)]) -> String {
    let mut text = String::with_capacity(source.len());
    for (range, _) in units {
        let range = range.as_usize();
        text.push_str(&source[text.len()..range.start]);
        let inside = &source.as_bytes()[range.start + 1..range.end - 1];
        text.push('(');
        text.extend(inside.iter().map(|it| if *it == b'\n' { '\n' } else { ' ' }));
        text.push(')');
    }
    text.push_str(&source[text.len()..]);
    text
}

/// Statements and functions directly in the module or a class, by indentation alone: from the first byte of a line to
/// the end of the last line that belongs to it. Classes are no units, what they hold is.
fn units(source: &str) -> Vec<Range> {
    let mut units: Vec<Range> = Vec::new();
    // The indentations of the module and of the classes around the current line; none where a class's first line is yet
    // to come.
    let mut suites: Vec<Option<usize>> = vec![Some(0)];
    let (mut is_open, mut is_decorated, mut in_head) = (false, false, false);
    for line in lines(source) {
        if let Some(suite @ None) = suites.last_mut()
            && !in_head
            && !line.in_string
        {
            *suite = Some(line.indent);
        }
        while !line.continues() && suites.len() > 1 && suites.last().is_some_and(|it| it.is_some_and(|it| line.indent < it)) {
            suites.pop();
            is_open = false;
        }
        in_head &= !line.ends_head();
        if line.continues() || suites.last() != Some(&Some(line.indent)) {
            if let Some(unit) = units.last_mut().filter(|_| is_open) {
                unit.end = line.range.end;
            }
        } else if line.text.starts_with("class ") {
            // Its decorators stay with it.
            if is_decorated {
                units.pop();
            }
            suites.push(None);
            (is_open, is_decorated, in_head) = (false, false, !line.ends_head());
        } else {
            match units.last_mut().filter(|_| is_decorated) {
                Some(unit) => unit.end = line.range.end,
                None => units.push(line.range),
            }
            is_open = true;
            is_decorated = line.text.starts_with('@');
        }
    }
    units
}

/// A line with code on it, or with a part of a string.
struct Line<'s> {
    text: &'s str,
    /// The line starts inside a string.
    in_string: bool,
    indent: usize,
    /// From the first byte that is no blank to the end, without the line break.
    range: Range,
}

impl Line<'_> {
    /// Whether the line belongs to the statement before although it is indented like it.
    fn continues(&self) -> bool {
        let word = self.text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        self.in_string || self.text.starts_with([')', ']', '}']) || ["else", "elif", "except", "finally"].contains(&word)
    }

    /// Whether a `def`, `class` or the like may end its head here.
    fn ends_head(&self) -> bool {
        !self.in_string && self.text.split('#').next().unwrap_or("").trim_end().ends_with(':')
    }
}

/// The lines of `source` that have more than blanks and comments.
fn lines(source: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut string: Option<&str> = None;
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let text = line.trim_end();
        let code = text.trim_start_matches([' ', '\t', '\x0c', '\u{feff}']);
        let in_string = string.is_some();
        if !code.is_empty() && (in_string || !code.starts_with('#')) {
            let indent = text.len() - code.len();
            let indent_columns = text[..indent].chars().map(|it| if it == '\t' { 8 } else { usize::from(it == ' ') }).sum();
            lines.push(Line { text: code, in_string, indent: indent_columns, range: Range::new(start + indent, start + text.len()) });
        }
        string = string_after(line, string);
        start += line.len();
    }
    lines
}

/// The quotes of the triple-quoted string that is open at the end of `line`, given the one open at its start.
fn string_after<'s>(line: &'s str, open: Option<&'s str>) -> Option<&'s str> {
    let mut open = open;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let skip = match open {
            Some(quotes) if rest.starts_with(quotes) => {
                open = None;
                quotes.len()
            }
            _ if first == '\\' => first.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8),
            Some(_) => first.len_utf8(),
            None if rest.starts_with("\"\"\"") || rest.starts_with("'''") => {
                open = Some(&rest[..3]);
                3
            }
            None if first == '"' || first == '\'' => {
                open = Some(&rest[..1]);
                1
            }
            None if first == '#' => break,
            None => first.len_utf8(),
        };
        rest = &rest[skip..];
    }
    open.filter(|it| it.len() == 3)
}
