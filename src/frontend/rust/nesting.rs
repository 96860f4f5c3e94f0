//! How deep a file's syntax can nest, found from its tokens before they are parsed.
//!
//! `syn` recurses: into brackets, and through what nests without any (`!!!!x`, `a = b = c`, `A<B<C<…`, `else if`).
//! Long chains (`a + b + …`, `a.b().c()…`) are parsed in a loop, but the tree they give is as deep as they are long,
//! and freeing it recurses. [`measure`] bounds both, so that the caller can refuse the file or take a stack that is
//! large enough. It is an upper bound, up to a small constant factor: a token that *may* nest is taken to do so.
//!
//! The walk has a stack of its own. `proc_macro2` lexes and frees tokens without recursion.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, TokenStream, TokenTree, token_stream};

/// The depth of a token stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nesting {
    /// Levels at which the parser may recurse.
    pub(super) recursion: usize,
    /// Links of the longest chain, added up along the brackets around it.
    pub(super) chain: usize,
}

/// Keywords that an operand may follow directly, so that they nest without brackets.
const PREFIXES: &[&str] = &[
    "as", "async", "await", "box", "break", "const", "do", "dyn", "else", "fn", "for", "if", "impl", "in", "let", "loop", "match", "move", "mut",
    "raw", "ref", "return", "static", "unsafe", "where", "while", "yield",
];

/// The depth of `tokens`.
pub(super) fn measure(tokens: TokenStream) -> Nesting {
    let mut around = Vec::new();
    let mut level = Level::new(tokens);
    loop {
        match level.tokens.next() {
            Some(TokenTree::Group(group)) => {
                level.group(group.delimiter());
                around.push(std::mem::replace(&mut level, Level::new(group.stream())));
            }
            Some(TokenTree::Ident(ident)) => level.ident(&ident),
            Some(TokenTree::Literal(_)) => level.before = Before::Operand,
            Some(TokenTree::Punct(punct)) => level.punct(&punct),
            None => {
                level.end_segment(0);
                let Some(parent) = around.pop() else { return level.deepest };
                let inner = std::mem::replace(&mut level, parent).deepest;
                level.inner.recursion = level.inner.recursion.max(inner.recursion + 1);
                level.inner.chain = level.inner.chain.max(inner.chain + 1);
            }
        }
    }
}

/// What stands before a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Something an infix operator can follow.
    Operand,
    /// A block or body: what follows may be the next statement or item.
    Braces,
    Operator,
    /// The first character of an operator, joined to the next one.
    Joined(char),
}

/// The tokens between two brackets.
///
/// They fall into segments, the statements, items or list elements: nothing in one nests in another.
struct Level {
    tokens: token_stream::IntoIter,
    /// Of the current segment, its brackets' contents not counted.
    own: Nesting,
    /// The deepest brackets of the current segment.
    inner: Nesting,
    /// Of the segments before.
    deepest: Nesting,
    before: Before,
    /// `<` that are still open. A list inside them is no end of a segment.
    angles: usize,
    /// The segment is a `use`, where `::` nests.
    is_use: bool,
}

impl Level {
    fn new(tokens: TokenStream) -> Self {
        Level {
            tokens: tokens.into_iter(),
            own: Nesting::default(),
            inner: Nesting::default(),
            deepest: Nesting::default(),
            before: Before::Operator,
            angles: 0,
            is_use: false,
        }
    }

    fn end_segment(&mut self, angles: usize) {
        self.deepest.recursion = self.deepest.recursion.max(self.own.recursion + self.inner.recursion);
        self.deepest.chain = self.deepest.chain.max(self.own.chain + self.inner.chain);
        self.own = Nesting { recursion: angles, chain: 0 };
        self.inner = Nesting::default();
        self.angles = angles;
        self.is_use = false;
        self.before = Before::Operator;
    }

    fn group(&mut self, delimiter: Delimiter) {
        self.own.chain += 1;
        self.before = if delimiter == Delimiter::Brace { Before::Braces } else { Before::Operand };
    }

    fn ident(&mut self, ident: &Ident) {
        let is_prefix = PREFIXES.iter().any(|it| ident == it);
        if self.before == Before::Braces && !(ident == "else" || ident == "as") {
            self.end_segment(0);
        }
        self.is_use |= ident == "use";
        self.own.recursion += usize::from(is_prefix);
        self.before = if is_prefix { Before::Operator } else { Before::Operand };
    }

    fn punct(&mut self, punct: &Punct) {
        let c = punct.as_char();
        match (self.before, c) {
            (_, ';') | (Before::Joined('='), '>') => return self.end_segment(0),
            (_, ',') => return self.end_segment(self.angles),
            (Before::Braces, '#' | '\'') => self.end_segment(0),
            (Before::Joined('-'), '>') => {
                self.own.recursion += 1;
                self.before = Before::Operator;
                return;
            }
            (Before::Joined(':'), ':') => {
                self.own.recursion += usize::from(self.is_use);
                self.before = Before::Operator;
                return;
            }
            // The second half of `&&`, `||`, `..`, and of `==`, `<=`, `+=`, …
            (Before::Joined(first), _) if first == c && "&|.".contains(c) || c == '=' => {
                self.own.recursion += usize::from(!"=!<>".contains(first) && c == '=');
                self.before = Before::Operator;
                return;
            }
            (_, '>') => self.angles = self.angles.saturating_sub(1),
            _ => {}
        }
        let is_infix = matches!(self.before, Before::Operand | Before::Braces);
        let opens = c == '<';
        self.angles += usize::from(opens);
        if opens || !is_infix || c == '@' {
            self.own.recursion += 1;
        } else {
            self.own.chain += 1;
        }
        self.before = match (punct.spacing(), c) {
            // `x?` and `'a` are operands.
            (_, '?') if is_infix => Before::Operand,
            (Spacing::Joint, _) if is_infix => Before::Joined(c),
            _ => Before::Operator,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, recursion: usize, chain: usize) {
        let nesting = measure(source.parse().expect("the test's source lexes"));
        let is_close = |bound: usize, real: usize| bound >= real && bound <= 2 * real + 8;
        assert!(is_close(nesting.recursion, recursion) && is_close(nesting.chain, chain), "{source:.60}: {nesting:?}");
    }

    #[test]
    fn what_nests() {
        check(&format!("{}x{}", "(".repeat(500), ")".repeat(500)), 500, 1_000);
        check(&format!("fn f() {{ {}x }}", "!".repeat(500)), 500, 2);
        check(&format!("fn f() {{ {}x }}", "&&".repeat(250)), 500, 2);
        check(&"a = ".repeat(500), 500, 0);
        check(&"return ".repeat(500), 500, 0);
        check(&"A<u8, ".repeat(500), 500, 0);
        check(&"fn() -> ".repeat(500), 1_000, 500);
        check(&"|| ".repeat(500), 500, 0);
        check(&format!("use {}x;", "a::".repeat(500)), 500, 0);
        check(&format!("if a {{}} {}", "else if a {} ".repeat(250)), 500, 250);
    }

    #[test]
    fn what_is_a_chain() {
        for link in ["+ a ", "&& a ", "|| a ", "== a ", ".a", "?", "()", "[0]", "..a", "| a "] {
            check(&format!("x {}", link.repeat(500)), 0, 500);
        }
    }

    #[test]
    fn what_stands_side_by_side_does_not_nest() {
        check(&"if a { b } if !c { d } x += 1; ".repeat(500), 3, 2);
        check(&"fn f(x: &T) -> Vec<T> { x } #[a] pub fn g() {} ".repeat(500), 6, 4);
        check(&format!("[{}]", "-1, &x, ".repeat(500)), 2, 1);
        check(&format!("match x {{ {} }}", "A | B if !c => -1, C => {} ".repeat(500)), 4, 4);
    }
}
