//! What holds for the IR of every file.

use proptest::prelude::*;

use super::lower;
use crate::ir::{Function, Local, LocalKind, Module, Owner, ParamKind};

/// Ranges lie in their function and between characters; locals, blocks, statements and captures exist.
pub(super) fn check(module: &Module, source: &str) {
    for function in &module.functions {
        check_ops(function, source);
        check_blocks(function);
        for (index, param) in function.params.iter().enumerate() {
            assert_eq!(param.local, Local::from_index(index), "parameters are the first locals");
            assert!(param.kind != ParamKind::Receiver || index == 0);
        }
        for decl in &function.locals {
            assert!(source.get(decl.range.as_usize()).is_some(), "{decl:?}");
            if let LocalKind::Captured(outer) = decl.kind {
                let from = enclosing(module, function).expect("what captures is nested");
                assert!(outer.index() < from.locals.len(), "{decl:?} in {}", function.name);
            }
        }
    }
    for lost in &module.lost {
        assert!(source.get(lost.range.as_usize()).is_some(), "{lost:?}");
    }
}

fn check_ops(function: &Function, source: &str) {
    for (_, _, op) in function.ops() {
        assert!(function.range.contains(op.range), "{op:?} outside of {}", function.name);
        assert!(source.get(op.range.as_usize()).is_some(), "{op:?} splits a character");
        assert!(op.stmt.index() < function.statements.len());
        let statement = function.statement_range(op);
        assert!(statement.start <= op.range.start, "{op:?} before its statement {statement:?}");
        for local in op.kind.uses().into_iter().chain(op.kind.defines()) {
            assert!(local.index() < function.locals.len(), "{op:?}");
        }
    }
}

fn check_blocks(function: &Function) {
    for block in &function.blocks {
        for target in block.terminator.successors().into_iter().chain(block.unwind) {
            assert!(target.index() < function.blocks.len());
        }
    }
}

/// The function whose locals `function` captures.
fn enclosing<'m>(module: &'m Module, function: &Function) -> Option<&'m Function> {
    match function.owner {
        Owner::Function(outer) => Some(module.function(outer)),
        Owner::Class(class) => module.class(class).body.map(|it| module.function(it)),
        Owner::Module | Owner::Impl(_) => None,
    }
}

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
