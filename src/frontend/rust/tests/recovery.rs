//! Files that are not all Rust: what is lost, and what is not.

use super::super::{Edition, lower};

/// The names of the functions that are left, and what is said of the rest with its line.
fn read(source: &str) -> (Vec<String>, Vec<String>) {
    let module = lower(source, Edition::E2018).unwrap();
    let functions = module.functions.iter().filter(|it| it.name != "<module>").map(|it| it.name.to_string()).collect();
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let lost = module.lost.iter().map(|it| format!("{}: {}", line(it.range.start as usize), it.reason)).collect();
    (functions, lost)
}

#[test]
fn one_item_is_lost() {
    let source = "#![allow(dead_code)]\nfn a() {}\ntype Callback = Fn(u32) + Send;\nconst N: usize = { 1 };\nfn b() { let x = ; }\nfn c() {}\n";
    let (functions, lost) = read(source);
    assert_eq!(functions, ["a", "c"]);
    assert_eq!(lost, ["3: syntax error (expected `;`)", "5: syntax error (expected an expression)"]);
}

#[test]
fn one_member_is_lost() {
    let source = "impl A {\n    pub fn a(&self) {}\n    fn b(&self) -> impl Fn() { 1 + }\n    fn c(&self) {}\n}\nmod m {\n    #![allow(x)]\n    trait T { fn d() {} fn e() {} fn 1(); }\n    fn f() {}\n}\n";
    let (functions, lost) = read(source);
    assert_eq!(functions, ["a", "c", "d", "e", "f"]);
    assert_eq!(lost.iter().map(|it| &it[..2]).collect::<Vec<_>>(), ["3:", "8:"]);
}

#[test]
fn what_has_no_rust_at_all_is_refused() {
    for source in ["import os\nprint(os)\n", "{% for x in y %}", "SELECT 1;", "fn f( {}"] {
        assert!(lower(source, Edition::E2024).is_err(), "{source}");
    }
}

#[test]
fn modules_in_modules_end_somewhere() {
    let deep = format!("{}fn a() {{ let = }}{}", "mod m { fn b() {} ".repeat(500), "}".repeat(500));
    let (functions, lost) = read(&deep);
    assert!(functions.len() < 10, "{functions:?}");
    assert_eq!(lost.len(), 1);
}
