//! Snapshots of the IR by topic, and properties that hold for every input.

mod assignments;
mod calls;
mod classes;
mod comprehensions;
mod conditions;
mod exits;
mod expressions;
mod hostile;
mod loops;
mod matches;
mod modules;
mod properties;
mod recovery;
mod scoping;
mod suspension;
mod types;

use crate::ir::{self, Function, Module};

/// Lowers `source`, checks what holds for every module, and gives its print.
fn ir(source: &str) -> String {
    ir::print(&lower(source), source)
}

/// Lowers `source`, and checks what holds for every module.
fn lower(source: &str) -> Module {
    let module = super::lower(source).expect("the parser gives a tree");
    ir::check::check(&module, source);
    module
}

/// The function called `name`.
fn function<'m>(module: &'m Module, name: &str) -> &'m Function {
    module.functions.iter().find(|it| it.name == name).expect("the source defines it")
}

/// Compares the IR of `source` with the snapshot that has the test's name.
macro_rules! snapshot {
    ($source:expr) => {{
        let source = $source;
        insta::with_settings!({ omit_expression => true, description => source.trim() }, {
            insta::assert_snapshot!($crate::frontend::python::tests::ir(source));
        });
    }};
}
use snapshot;
