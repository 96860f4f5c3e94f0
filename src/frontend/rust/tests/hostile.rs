//! Inputs that are deep, long, or multiply: no overflow, and an error that says why.

use super::super::{Edition, lower};

fn in_function(body: &str) -> String {
    format!("fn f() {{ {body} }}")
}

fn repeat(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn long_chains_are_lowered() {
    for source in [
        in_function(&repeat("", "a", " + a", 100_000)),
        in_function(&repeat("", "a", " && a", 100_000)),
        in_function(&repeat("", "if a", " || a", 100_000)).replace("a }", "a {} }"),
        in_function(&repeat("", "a", ".b()", 50_000)),
        in_function(&repeat("", "a", ".b", 100_000)),
        in_function(&repeat("", "a", "[0]", 100_000)),
        in_function(&repeat("", "a", "()", 50_000)),
        in_function(&repeat("", "a", "?", 20_000)),
        in_function(&repeat("", "a", ".await", 50_000)),
        in_function(&repeat("", "a", " as T", 50_000)),
        in_function(&format!("[{}]", "g(), ".repeat(50_000))),
        in_function(&"let a = f();".repeat(50_000)),
        in_function(&"if a { b() } else { c() }".repeat(20_000)),
        in_function(&format!("match a {{ {} }}", "A | B => {} C if d => {}".repeat(10_000))),
        in_function(&format!("match a {{ {} => 1 }}", repeat("", "A", "| A", 50_000))),
        "mod a { fn f() {} }".repeat(10_000),
        format!("enum E {{ {} }}", "A,".repeat(50_000)),
        format!("static X: [u8; 9] = [{}];", "-1, ".repeat(200_000)),
        format!("m! {{ {} }}", "a => b + c; ".repeat(50_000)),
    ] {
        lower(&source, Edition::E2024).unwrap_or_else(|error| panic!("{source:.60}: {error}"));
    }
}

#[test]
fn deep_nesting_is_refused() {
    for source in [
        in_function(&repeat("(", "1", ")", 100_000)),
        in_function(&repeat("[", "1", "]", 100_000)),
        in_function(&repeat("{", "1", "}", 100_000)),
        in_function(&repeat("f(", "1", ")", 100_000)),
        in_function(&repeat("m!(", "1", ")", 100_000)),
        in_function(&repeat("!", "a", "", 100_000)),
        in_function(&repeat("&", "a", "", 100_000)),
        in_function(&repeat("*", "a", "", 100_000)),
        in_function(&repeat("|| ", "a", "", 100_000)),
        in_function(&repeat("|a, b| ", "a", "", 100_000)),
        in_function(&repeat("a = ", "1", "", 100_000)),
        in_function(&repeat("return ", "1", "", 100_000)),
        in_function(&repeat("if a {} else ", "{}", "", 50_000)),
        in_function(&repeat("async move {", "1", "}", 50_000)),
        in_function(&repeat("match a { _ => ", "1", "}", 50_000)),
        in_function(&format!("let {}a{} = b;", "(".repeat(50_000), ")".repeat(50_000))),
        in_function(&format!("let {}a = b;", "&".repeat(50_000))),
        in_function(&format!("let {}a = b;", "a @ ".repeat(50_000))),
        format!("type T = {}u8{};", "A<u8, ".repeat(50_000), ">".repeat(50_000)),
        format!("type T = {}u8;", "&".repeat(50_000)),
        format!("type T = {}u8;", "fn() -> ".repeat(50_000)),
        format!("use {}a;", "a::".repeat(50_000)),
        format!("use {}a{};", "{".repeat(50_000), "}".repeat(50_000)),
        repeat("mod a {", "", "}", 50_000),
        repeat("fn f() {", "", "}", 50_000),
        repeat("#![a(", "", ")]", 50_000),
    ] {
        let error = lower(&source, Edition::E2024).expect_err(&source[..60]);
        assert!(error.message.starts_with("nested too deeply ("), "{source:.60}: {error}");
    }
}

#[test]
fn what_is_just_not_too_deep_is_lowered() {
    let near = super::super::MAX_RECURSION - 10;
    for source in [
        in_function(&repeat("(", "1", ")", near)),
        in_function(&repeat("{", "1", "}", near)),
        in_function(&repeat("f(", "1", ")", near)),
        in_function(&repeat("m!(", "1", ")", near)),
        in_function(&repeat("!", "a", "", near)),
        in_function(&repeat("|| ", "a", "", near)),
        in_function(&repeat("a = ", "1", "", near)),
        in_function(&repeat("if a {} else ", "{}", "", near / 2 - 10)),
        in_function(&repeat("async move {", "1", "}", near / 4)),
        in_function(&repeat("match a { _ => ", "1", "}", near / 2)),
        in_function(&repeat("if let A(b) = c { ", "1", "}", near / 4)),
        in_function(&repeat("loop { while a { for b in c { unsafe {", "1", "}}}}", near / 10)),
        in_function(&format!("let {}a{} = b;", "(".repeat(near), ",)".repeat(near))),
        in_function(&format!("let x = {}g(){};", "&(".repeat(near / 2), ",)".repeat(near / 2))),
        format!("type T = {}u8{};", "A<u8, ".repeat(near), ">".repeat(near)),
        format!("use {}a;", "a::".repeat(near)),
        repeat("mod a {", "", "}", near),
        repeat("fn f() {", "", "}", near / 2),
        repeat("impl A { fn f() {", "", "} }", near / 4),
    ] {
        lower(&source, Edition::E2024).unwrap_or_else(|error| panic!("{source:.60}: {error}"));
    }
}

#[test]
fn many_exits_do_not_multiply() {
    let module = lower(&in_function(&"let a = f()?;".repeat(5_000)), Edition::E2024).expect("it is Rust");
    assert_eq!(module.lost.len(), 1);
    assert_eq!(module.lost[0].reason, "too many variables are alive at too many exits");
}
