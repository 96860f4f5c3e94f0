//! Anything is lowered or refused, and to an IR that is well formed.

use std::path::Path;

use proptest::prelude::*;

use super::{Edition, ir, lower};
use crate::ir::{self as lowered, Function, Local, OpKind};

/// This crate's own sources: real code of every kind.
fn sources() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = ignore::Walk::new(root).map(|it| it.expect("the sources can be listed").into_path());
    files.filter(|it| it.extension().is_some_and(|it| it == "rs")).map(|it| std::fs::read_to_string(it).expect("a source can be read")).collect()
}

#[test]
fn own_sources_are_lowered_well() {
    for source in sources() {
        for edition in [Edition::E2021, Edition::E2024] {
            let module = lower(&source, edition);
            module.functions.iter().for_each(check_drops);
        }
    }
}

/// In one block nothing is dropped twice without a new value in between.
fn check_drops(function: &Function) {
    for block in &function.blocks {
        let mut dropped: Vec<Local> = Vec::new();
        for op in function.ops_of(block) {
            if let OpKind::Drop { local } = op.kind {
                assert!(!dropped.contains(&local), "{local:?} dies twice in {}", function.name);
                dropped.push(local);
            } else if let Some(made) = op.kind.defines() {
                dropped.retain(|it| *it != made);
            }
        }
    }
}

#[test]
fn a_comment_changes_ranges_only() {
    let shape = |source: &str| -> Vec<String> { ir(source).lines().map(|it| it.split("  ;").next().unwrap_or("").trim_end().to_owned()).collect() };
    let plain = "fn f(s: &S) -> u8 { let g = s.m.lock(); if let Some(x) = g.get(1) { h(x) } else { 0 } }\n";
    let commented = "/* a */ fn f(s: &S) -> u8 { // b\n let g = s.m.lock(); /* c */ if let Some(x) = g.get(1) { h(x) // d\n } else { 0 } }\n";
    assert_eq!(shape(plain), shape(commented));
}

#[test]
fn a_name_changes_itself_only() {
    let source = "fn f(s: &S) -> u8 { let guard = s.m.lock(); for x in guard.iter() { h(x, &guard); } guard.len() }\n";
    assert_eq!(ir(source).replace("guard", "other"), ir(&source.replace("guard", "other")));
}

#[test]
fn what_stands_before_the_first_token_shifts_nothing() {
    for before in ["\u{feff}", "#!/usr/bin/env run\n", "\u{feff}#!/usr/bin/env run\n"] {
        let source = format!("{before}fn f(s: &S) {{ s.é(); }}\n");
        let module = lower(&source, Edition::E2024);
        let texts: Vec<&str> = module.functions.iter().flat_map(|it| &it.ops).map(|it| &source[it.range().as_usize()]).collect();
        assert!(texts.contains(&"s.é()"), "{texts:?}");
    }
}

#[test]
fn captures_name_what_is_around_them() {
    let module = lower("fn f(a: u8) { let b = 1; g(move || a + b); }\n", Edition::E2024);
    let closure = module.functions.iter().find(|it| it.kind == lowered::FunctionKind::Closure).expect("the closure is lowered");
    let captured: Vec<_> = closure.captured().filter_map(|it| closure.local(it.0).name).collect();
    assert_eq!(captured, ["a", "b"]);
}

/// Words that, strung together, are often almost Rust.
const WORDS: &[&str] = &[
    "fn f(x: T)",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "let x =",
    "let Some(x) = y else",
    "if",
    "if let Some(y) =",
    "else",
    "match x",
    "=>",
    "loop",
    "'a: loop",
    "while",
    "for x in",
    "break 'a",
    "return",
    "x",
    "y",
    ".lock()",
    ".unwrap()",
    ".f",
    "?",
    ".await",
    "async move",
    "move |z|",
    "&",
    "&mut",
    "*",
    "+",
    "=",
    "+=",
    "==",
    "&&",
    "||",
    "..",
    ";",
    ",",
    "::",
    "<T>",
    "impl S",
    "struct S",
    "static N: u8 = 1;",
    "use a::b;",
    "mod m",
    "macro!(x, y)",
    "println!(\"{x}\")",
    "#[test]",
    "unsafe",
    "1",
    "\"s\"",
    "'c'",
    "_",
    "|",
    "!",
    "é",
    "// c\n",
    "ref",
    "self",
    "where T: Send",
    "const",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn anything_like_rust_is_lowered_or_refused(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let source = words.join(" ");
        if let Ok(module) = super::super::lower(&source, Edition::E2021) {
            lowered::check::check(&module, &source);
        }
    }

    #[test]
    fn anything_inside_a_function_is_lowered_or_refused(words in prop::collection::vec(prop::sample::select(WORDS), 0..30)) {
        let source = format!("fn f(x: &S, y: u8) {{ {} }}", words.join(" "));
        if let Ok(module) = super::super::lower(&source, Edition::E2024) {
            lowered::check::check(&module, &source);
            module.functions.iter().for_each(check_drops);
        }
    }
}
