//! What holds for the IR of every file, asked by the frontends' tests.

use super::{Function, Local, Module, Owner, ParamKind};

/// Ranges lie in their function and between characters; locals, blocks, statements and captures exist.
pub(crate) fn check(module: &Module, source: &str) {
    for function in &module.functions {
        check_ops(function, source);
        check_blocks(function);
        for (index, param) in function.params.iter().enumerate() {
            assert_eq!(param.local, Local::from_index(index), "parameters are the first locals");
            assert!(param.kind != ParamKind::Receiver || index == 0);
        }
        for (_, outer) in function.captured() {
            let from = enclosing(module, function).expect("what captures is nested");
            assert!(outer.index() < from.locals.len(), "{outer:?} in {}", function.name);
        }
    }
    for lost in &module.lost {
        assert!(source.get(lost.range.as_usize()).is_some(), "{lost:?}");
    }
}

fn check_ops(function: &Function, source: &str) {
    for op in &function.ops {
        assert!(function.range.contains(op.range()), "{op:?} outside of {}", function.name);
        assert!(source.get(op.range().as_usize()).is_some(), "{op:?} splits a character");
        assert!(op.stmt().index() < function.statements.len());
        let statement = function.statement_range(op);
        assert!(statement.start <= op.range().start, "{op:?} before its statement {statement:?}");
        for local in op.kind.uses().into_iter().chain(op.kind.defines()) {
            assert!(local.index() < function.locals.len(), "{op:?}");
        }
    }
}

fn check_blocks(function: &Function) {
    let mut next = 0;
    for block in &function.blocks {
        assert_eq!(block.first.index(), next, "blocks have their ops one behind the other");
        next += block.count as usize;
        for target in block.terminator.successors().into_iter().chain(block.unwind) {
            assert!(target.index() < function.blocks.len());
        }
    }
    assert_eq!(next, function.ops.len());
}

/// The function whose locals `function` captures.
fn enclosing<'m>(module: &'m Module, function: &Function) -> Option<&'m Function> {
    match function.owner {
        Owner::Function(outer) => Some(module.function(outer)),
        Owner::Class(class) => module.class(class).body.map(|it| module.function(it)),
        Owner::Module | Owner::Impl(_) => None,
    }
}
