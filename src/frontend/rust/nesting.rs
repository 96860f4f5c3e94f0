//! How deep a file's syntax can nest, found from its tokens before they are parsed.
//!
//! `syn` recurses: into brackets, and through what nests without any (`!!!!x`, `a = b = c`, `A<B<C<…`, `else if`).
//! Long chains (`a + b + …`, `a.b().c()…`) are parsed in a loop, but the tree they give is as deep as they are long,
//! and freeing it recurses. [`measure`] bounds both, so that the caller can refuse the file or take a stack that is
//! large enough. It is an upper bound, up to a small constant factor: a token that *may* nest is taken to do so.
//!
//! The walk has a stack of its own. `proc_macro2` lexes and frees tokens without recursion.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The depth of a token stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nesting {
    /// Levels at which the parser may recurse.
    pub(super) recursion: usize,
    /// Links of the longest chain, added up along the brackets around it.
    pub(super) chain: usize,
}

/// Whether a word is a keyword that an operand may follow directly, so that they nest without brackets.
fn is_prefix(word: &str) -> bool {
    matches!(
        word,
        "async"
            | "box"
            | "break"
            | "const"
            | "do"
            | "dyn"
            | "else"
            | "fn"
            | "for"
            | "if"
            | "impl"
            | "in"
            | "let"
            | "loop"
            | "match"
            | "move"
            | "mut"
            | "raw"
            | "ref"
            | "return"
            | "static"
            | "unsafe"
            | "where"
            | "while"
            | "yield"
    )
}

/// The depth of `tokens`.
pub(super) fn measure(tokens: TokenStream) -> Nesting {
    let mut around = Vec::new();
    let mut levels = Levels::default();
    let mut tokens = tokens.into_iter();
    loop {
        match tokens.next() {
            Some(TokenTree::Group(group)) => {
                levels.open(group.delimiter());
                around.push(std::mem::replace(&mut tokens, group.stream().into_iter()));
            }
            Some(TokenTree::Ident(ident)) => levels.ident(&ident.to_string()),
            Some(TokenTree::Literal(_)) => levels.literal(),
            Some(TokenTree::Punct(punct)) => levels.punct(punct.as_char(), punct.spacing()),
            None => match around.pop() {
                Some(outer) => {
                    levels.close();
                    tokens = outer;
                }
                None => return levels.finish(),
            },
        }
    }
}

/// The measure of tokens that come one after the other; brackets match.
#[derive(Default)]
pub(super) struct Levels {
    level: Level,
    around: Vec<Level>,
}

impl Levels {
    pub(super) fn open(&mut self, delimiter: Delimiter) {
        self.level.group(delimiter);
        self.around.push(std::mem::take(&mut self.level));
    }

    pub(super) fn close(&mut self) {
        self.level.end_segment();
        let outer = self.around.pop().unwrap_or_default();
        let inner = std::mem::replace(&mut self.level, outer).deepest;
        self.level.inner.recursion = self.level.inner.recursion.max(inner.recursion + 1);
        self.level.inner.chain = self.level.inner.chain.max(inner.chain + 1);
    }

    pub(super) fn ident(&mut self, ident: &str) {
        self.level.ident(ident);
    }

    pub(super) fn literal(&mut self) {
        self.level.before = Before::Operand;
    }

    pub(super) fn punct(&mut self, c: char, spacing: Spacing) {
        self.level.punct(c, spacing);
    }

    /// A doc comment: an attribute.
    pub(super) fn doc(&mut self) {
        self.punct('#', Spacing::Alone);
        self.open(Delimiter::Bracket);
        self.close();
    }

    pub(super) fn finish(mut self) -> Nesting {
        while !self.around.is_empty() {
            self.close();
        }
        self.level.end_segment();
        self.level.deepest
    }
}

/// What stands before a token.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// Something an infix operator can follow.
    Operand,
    /// A block or body: what follows may be the next statement or item.
    Braces,
    #[default]
    Operator,
    /// The first character of an operator, joined to the next one.
    Joined(char),
}

/// The tokens between two brackets.
///
/// They fall into segments, the statements, items or list elements: nothing in one nests in another.
#[derive(Default)]
struct Level {
    /// Of the current segment, its brackets' contents not counted.
    own: Nesting,
    /// The deepest brackets of the current segment.
    inner: Nesting,
    /// Of the segments before.
    deepest: Nesting,
    before: Before,
    /// `<` that are still open, and the most that were. A comma inside them ends no segment.
    angles: usize,
    most_angles: usize,
    /// Between the `|` around a closure's parameters.
    in_parameters: bool,
    /// The segment is a `use`, where `::` nests.
    is_use: bool,
}

impl Level {
    fn end_segment(&mut self) {
        self.deepest.recursion = self.deepest.recursion.max(self.own.recursion + self.most_angles + self.inner.recursion);
        self.deepest.chain = self.deepest.chain.max(self.own.chain + self.inner.chain);
        self.own = Nesting::default();
        self.inner = Nesting::default();
        self.angles = 0;
        self.most_angles = 0;
        self.in_parameters = false;
        self.is_use = false;
        self.before = Before::Operator;
    }

    fn group(&mut self, delimiter: Delimiter) {
        self.own.chain += 1;
        self.before = if delimiter == Delimiter::Brace { Before::Braces } else { Before::Operand };
    }

    fn ident(&mut self, ident: &str) {
        let is_prefix = is_prefix(ident);
        if self.before == Before::Braces && !(ident == "else" || ident == "as") {
            self.end_segment();
        }
        self.is_use |= ident == "use";
        self.own.recursion += usize::from(is_prefix);
        self.own.chain += usize::from(ident == "as");
        self.before = if is_prefix { Before::Operator } else { Before::Operand };
    }

    fn punct(&mut self, c: char, spacing: Spacing) {
        match (self.before, c) {
            (_, ';') | (Before::Joined('='), '>') => return self.end_segment(),
            (_, ',') if self.angles == 0 && !self.in_parameters => return self.end_segment(),
            (Before::Braces, '#' | '\'') => self.end_segment(),
            (Before::Joined(first), _) if is_operator(first, c) => return self.second_half(first, c),
            _ => {}
        }
        let is_infix = matches!(self.before, Before::Operand | Before::Braces);
        match c {
            '<' => {
                self.angles += 1;
                self.most_angles = self.most_angles.max(self.angles);
            }
            '>' if self.angles > 0 => {
                self.angles -= 1;
                self.before = Before::Operand;
                return;
            }
            '|' if self.in_parameters => self.in_parameters = false,
            '|' if !is_infix => {
                self.in_parameters = true;
                self.own.recursion += 1;
            }
            ',' if self.in_parameters => {}
            // What an assignment or `@` is followed by nests in it.
            '=' | '@' if spacing == Spacing::Alone => self.own.recursion += 1,
            _ if is_infix => self.own.chain += 1,
            _ => self.own.recursion += 1,
        }
        self.before = match (spacing, c) {
            (_, '?') if is_infix => Before::Operand,
            (Spacing::Joint, _) if is_infix => Before::Joined(c),
            _ => Before::Operator,
        };
    }

    /// The second character of an operator.
    fn second_half(&mut self, first: char, c: char) {
        let nests = match (first, c) {
            ('-', '>') => true,
            (':', ':') => self.is_use,
            (_, '=') => !"=!<>".contains(first),
            _ => false,
        };
        self.own.recursion += usize::from(nests);
        self.before = Before::Operator;
    }
}

/// Whether two characters are the beginning of an operator that is not a pair of others.
fn is_operator(first: char, second: char) -> bool {
    second == '=' || (first, second) == ('-', '>') || first == second && "&|.:".contains(first)
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
        check(&"A<u8, &".repeat(500), 1_000, 500);
        check(&"fn() -> ".repeat(500), 1_000, 500);
        check(&"|| ".repeat(500), 500, 0);
        check(&"|a, b| ".repeat(500), 500, 0);
        check(&format!("use {}x;", "a::".repeat(500)), 500, 500);
        check(&format!("if a {{}} {}", "else if a {} ".repeat(250)), 500, 250);
    }

    #[test]
    fn what_is_a_chain() {
        for link in ["+ a ", "as T ", "&& a ", "|| a ", "== a ", ".a", "?", "()", "[0]", "..a", "| a "] {
            check(&format!("x {}", link.repeat(500)), 0, 500);
        }
    }

    #[test]
    fn what_stands_side_by_side_does_not_nest() {
        check(&"if a { b } if !c { d } x += 1; ".repeat(500), 3, 2);
        check(&"fn f(x: &T) -> Vec<T> { x } #[a] pub fn g() {} ".repeat(500), 4, 4);
        check(&format!("[{}]", "-1, &x, ".repeat(500)), 2, 1);
        check(&"A<B>::f() + ".repeat(500), 1, 1_000);
        check(&format!("match x {{ {} }}", "A | B if !c => -1, C => {} ".repeat(500)), 4, 4);
    }
}
