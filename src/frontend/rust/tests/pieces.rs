//! Files that are read in pieces: what comes out is that of a file which is parsed as a whole.

use super::super::{Edition, lower_whole, preamble, split};
use super::lower;
use crate::ir;

#[test]
fn pieces_are_lowered_as_the_whole() {
    let long = "    total += add!(a, b) + TABLE[3]; // é\n".repeat(300);
    let numbers = "0x10, 2_000u16, 3,\n".repeat(40);
    let source = format!(
        "#!/usr/bin/env rust
//! Of the file.
#![allow(dead_code)]
pub const ONE: u32 = 1;
pub(crate) const MINUS: core::ffi::c_int = -0x1F_i32 as _;
const BIG: u128 = 0xFFFF_FFFF_FFFF_FFFF;
const FLOAT: f64 = 1.5;
/// Of the constant.
#[cfg(test)]
const CHECKED: u8 = 3 as u8;
type Alias = a::b::C;
#[link(name = \"a\")]
extern \"C\" {{ fn f(it: &'static u8); }}
unsafe extern \"C\" {{ static mut SHARED: u8; }}
/// Of the function.
fn first(a: u32, b: u32) -> u32 {{
    let mut total = 0;
{long}    let table = [{numbers}];
    take(&[[{numbers}], []], vec![{numbers}], [1; 2]);
    total
}}
/* été */ static TABLE: [u16; 120] = [{numbers}];
mod inner {{
    const TWO: i64 = 2;
    fn second(a: u32, b: u32) -> u32 {{
        let mut total = 0;
{long}        total
    }}
}}
macro_rules! add {{ ($a:expr, $b:expr) => {{ $a + $b + [{numbers}].len() }} }}
fn third() {{ add!(1, 2); }}
"
    );
    let first = preamble(&source);
    let found = split::split(&source, first).expect("the brackets match");
    assert_eq!(found.pieces.len(), 3);
    let whole = lower_whole(&source, first, Edition::E2024, &[]).expect("the test's source is Rust");
    assert_eq!(ir::print(&lower(&source, Edition::E2024), &source), ir::print(&whole, &source));
}

#[test]
fn what_only_looks_like_items_is_parsed_as_a_whole() {
    let long = "a(); ".repeat(2_000);
    // No item ends at the first brace.
    let source = format!("const A: u8 = if b {{ {long} 1 }} else {{ 2 }} + 1;\nconst B: fn() = {{ {long} f }}\nas fn();\nfn c() {{ {long} }}\n");
    let whole = lower_whole(&source, 0, Edition::E2024, &[]).expect("the test's source is Rust");
    assert_eq!(ir::print(&lower(&source, Edition::E2024), &source), ir::print(&whole, &source));
}
