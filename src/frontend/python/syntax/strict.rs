//! The tree that Ruff's parser gives: for texts without syntax errors.
//!
//! Parentheses around an expression leave no trace; all else has the shape of tree-sitter's grammar. What that has and
//! Ruff's nodes have no place for (a colon, the prefix of a relative import) is looked up in the text.

mod definition;
mod expression;
mod pattern;
mod statement;

use ruff_python_ast::token::{Token as RuffToken, TokenKind};
use ruff_python_ast::{Expr, Identifier, Mod, Stmt};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::super::{STACK_RESERVE, STACK_STEP};
use super::{Damage, Entry, Field, Kind, Token, Tree};
use crate::ir::Range;

/// Most texts have fewer nodes: room for so many is made at once.
const BYTES_PER_NODE: usize = 6;

/// How deep the walk goes before it looks at how much stack is left.
const UNCHECKED_DEPTH: usize = 64;

/// More stack than one level of brackets takes in the parser, in bytes.
const STACK_BRACKET: usize = 256;

/// Dropping Ruff's nodes recurses. What nests deeper than this is left to the end of the process.
const MAX_DROPPED: usize = 1_024;

/// More than dropping nodes of that depth takes, in bytes.
const STACK_DROPPED: usize = 8 * 1024 * 1024;

/// Parses `source`; none when it has a syntax error.
pub(super) fn parse(source: &str) -> Option<Tree> {
    // The parser grows its stack by itself, but not where it looks at the targets it has read once more.
    let stack = STACK_RESERVE + brackets(source).saturating_mul(STACK_BRACKET);
    let parsed = stacker::maybe_grow(stack, stack, || parse_unchecked(source, ParseOptions::from(Mode::Module)));
    let tree = Tree { entries: Vec::with_capacity(source.len() / BYTES_PER_NODE), ..Tree::default() };
    let mut builder = Builder { source, tree, depth: 0, deepest: 0 };
    // The ranges of a broken text need not make sense.
    if let (Mod::Module(module), true) = (parsed.syntax(), parsed.has_valid_syntax()) {
        let whole = TextRange::up_to(TextSize::of(source));
        builder.node(Kind::Module, None, whole, |it| it.statements(&module.body));
        let comments = parsed.tokens().iter().filter(|it| it.kind() == TokenKind::Comment);
        builder.tree.comments.extend(comments.map(|it| Range { start: it.start().to_u32(), end: it.end().to_u32() }));
    } else {
        builder.deepest = most_levels(parsed.tokens());
    }
    if builder.deepest > MAX_DROPPED {
        std::mem::forget(parsed);
    } else if builder.deepest > UNCHECKED_DEPTH {
        stacker::maybe_grow(STACK_DROPPED, STACK_DROPPED, || drop(parsed));
    }
    (!builder.tree.entries.is_empty()).then_some(builder.tree)
}

/// How many brackets are opened in `source`, wherever they stand.
fn brackets(source: &str) -> usize {
    // Few enough for a byte to count them, which the processor does for many at once.
    let chunks = source.as_bytes().chunks(usize::from(u8::MAX));
    chunks.map(|chunk| usize::from(chunk.iter().map(|it| u8::from(matches!(it, b'(' | b'[' | b'{'))).sum::<u8>())).sum()
}

/// Deeper than this the nodes of a text cannot nest: no token of a statement adds more than a level.
fn most_levels(tokens: &[RuffToken]) -> usize {
    let (mut levels, mut indentation, mut most) = (0, 0, 0);
    for token in tokens {
        match token.kind() {
            TokenKind::Newline => levels = 0,
            TokenKind::Indent => indentation += 1,
            _ => levels += 1,
        }
        most = most.max(levels);
    }
    indentation + most
}

struct Builder<'s> {
    source: &'s str,
    tree: Tree,
    depth: usize,
    deepest: usize,
}

impl Builder<'_> {
    /// A node, and below it what `inside` adds.
    fn node(&mut self, kind: Kind, field: Option<Field>, range: TextRange, inside: impl FnOnce(&mut Self)) {
        let opened = self.tree.open(entry(kind, field, None, range));
        inside(self);
        self.tree.close(opened);
    }

    fn leaf(&mut self, kind: Kind, field: Option<Field>, range: TextRange) {
        self.node(kind, field, range, |_| {});
    }

    fn token(&mut self, token: Token, field: Option<Field>, range: TextRange) {
        let opened = self.tree.open(entry(Kind::Other, field, Some(token), range));
        self.tree.close(opened);
    }

    fn identifier(&mut self, name: &Identifier, field: Option<Field>) {
        self.leaf(Kind::Identifier, field, name.range);
    }

    /// Runs `f` one level deeper, on more stack when it gets short.
    fn deeper(&mut self, f: impl FnOnce(&mut Self)) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > UNCHECKED_DEPTH {
            stacker::maybe_grow(STACK_RESERVE, STACK_STEP, || f(self));
        } else {
            f(self);
        }
        self.depth -= 1;
    }

    /// The colon that ends a head whose last part ends at `from`; brackets, commas and comments may stand between.
    fn colon(&mut self, from: TextSize) {
        let start = self.position(from, |it| it == b':');
        self.token(Token::Colon, None, TextRange::at(start, TextSize::new(1)));
    }

    /// Where the first byte stands, from `from` on and not in a comment, that is the one `is_sought`.
    fn position(&self, from: TextSize, is_sought: impl Fn(u8) -> bool) -> TextSize {
        let mut in_comment = false;
        let rest = self.source.as_bytes().get(from.to_usize()..).unwrap_or_default();
        let found = rest.iter().position(|it| {
            in_comment = if in_comment { !matches!(*it, b'\n' | b'\r') } else { *it == b'#' };
            !in_comment && is_sought(*it)
        });
        from + TextSize::try_from(found.unwrap_or(0)).unwrap_or_default()
    }

    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            self.deeper(|it| it.statement(statement));
        }
    }

    /// A suite.
    fn block(&mut self, field: Option<Field>, statements: &[Stmt]) {
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return };
        self.node(Kind::Block, field, first.range().cover(last.range()), |it| it.statements(statements));
    }

    fn expressions(&mut self, expressions: &[Expr]) {
        for expression in expressions {
            self.expression(expression, None);
        }
    }

    /// The items of a tuple without parentheses, each as `field`, or the only expression.
    fn spread(&mut self, expression: &Expr, field: Option<Field>) {
        match expression {
            Expr::Tuple(tuple) if !tuple.parenthesized => {
                tuple.elts.iter().for_each(|it| self.expression(it, field));
            }
            only => self.expression(only, field),
        }
    }

    fn expression(&mut self, expression: &Expr, field: Option<Field>) {
        self.deeper(|it| it.expression_of(expression, field));
    }
}

fn entry(kind: Kind, field: Option<Field>, token: Option<Token>, range: TextRange) -> Entry {
    Entry { start: range.start().to_u32(), end: range.end().to_u32(), behind: 0, kind, field, token, damage: Damage::None }
}
