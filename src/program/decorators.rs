//! Decorators of the program: what they put around a function.

use rustc_hash::FxHashMap;

use super::{Definition, Fun, Program};
use crate::ir::Name;

/// For each decorated function, the functions defined inside its decorators: one of them stands in for it and calls it.
pub(super) fn find(program: &Program<'_>) -> FxHashMap<Fun, Vec<Fun>> {
    let mut inside: FxHashMap<Fun, Vec<Fun>> = FxHashMap::default();
    for function in program.function_ids() {
        for outer in std::iter::successors(program.parent(function), |it| program.parent(*it)) {
            inside.entry(outer).or_default().push(function);
        }
    }
    let mut decorated: FxHashMap<Fun, Vec<Fun>> = FxHashMap::default();
    for function in program.function_ids() {
        let module = program.module_of(function);
        for attribute in &program.function(function).attributes {
            if let Definition::Function(decorator) = program.resolve(module, Name::new(""), attribute.path)
                && let Some(wrappers) = inside.get(&decorator)
            {
                decorated.entry(function).or_default().extend(wrappers);
            }
        }
    }
    decorated
}
