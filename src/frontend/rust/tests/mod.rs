//! Snapshots of the IR by topic, and properties that hold for every input.

mod closures;
mod control;
mod drops;
mod expressions;
mod hostile;
mod items;
mod macros;
mod patterns;
mod pieces;
mod properties;
mod recovery;
mod suspension;

use super::Edition;
use crate::ir::{self, Module};

/// Lowers `source` as edition 2024, checks what holds for every module, and gives its print.
fn ir(source: &str) -> String {
    ir_of(source, Edition::E2024)
}

/// The same as another edition.
fn ir_of(source: &str, edition: Edition) -> String {
    ir::print(&lower(source, edition), source)
}

/// Lowers `source`, and checks what holds for every module.
fn lower(source: &str, edition: Edition) -> Module {
    let module = super::lower(source, edition).expect("the test's source is Rust");
    ir::check::check(&module, source);
    module
}

/// Compares the IR of `source`, as edition 2024 where none is given, with the snapshot that has the test's name.
macro_rules! snapshot {
    ($source:expr) => {
        snapshot!($source, $crate::frontend::rust::Edition::E2024)
    };
    ($source:expr, $edition:expr) => {{
        let source = $source;
        insta::with_settings!({ omit_expression => true, description => source.trim() }, {
            insta::assert_snapshot!($crate::frontend::rust::tests::ir_of(source, $edition));
        });
    }};
}
use snapshot;
