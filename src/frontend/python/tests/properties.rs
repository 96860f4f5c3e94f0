//! Anything is lowered, and to an IR that is well formed.

use proptest::prelude::*;

use super::lower;

/// Words that, strung together, are often almost Python.
const WORDS: &[&str] = &[
    "def f(x):",
    "class C:",
    "if x:",
    "else:",
    "elif y:",
    "while True:",
    "for a, *b in x:",
    "try:",
    "except E as e:",
    "except* A:",
    "finally:",
    "with a as b, c:",
    "async ",
    "await x",
    "return",
    "return x",
    "break",
    "continue",
    "yield x",
    "lambda y: x",
    "match x:",
    "case [a, *_]:",
    "case C(b=1) | None:",
    "case _ if x:",
    "x = ",
    "x += 1",
    "x: int",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "x",
    "y",
    "1",
    "'s'",
    "f'{x",
    "}'",
    "'''",
    "@d",
    "global x",
    "nonlocal y",
    "del x",
    "raise",
    "pass",
    "not ",
    "and ",
    "or ",
    "is ",
    "in ",
    "for i in x",
    "import a.b",
    "from . import c",
    "*x",
    "**y",
    ".z",
    "x()",
    ":=",
    "\\",
    "# c",
    "é",
    "\t",
    "\u{feff}",
    "\r",
    "type T = x",
    "print x",
    "exec x",
];

fn source() -> impl Strategy<Value = String> {
    let line = (0..6usize, prop::collection::vec(prop::sample::select(WORDS), 0..5));
    let text = |(indent, words): (usize, Vec<&str>)| format!("{}{}\n", "    ".repeat(indent), words.join(" "));
    prop::collection::vec(line, 0..24).prop_map(move |lines| lines.into_iter().map(text).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn anything_like_python_is_lowered(source in source()) {
        lower(&source);
    }

    #[test]
    fn anything_is_lowered(source in "\\PC{0,200}") {
        lower(&source);
    }
}
