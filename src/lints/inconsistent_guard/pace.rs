//! What a function goes over item by item, and how.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::Analysis;
use crate::ir::{Callee, Local, OpKind, Operation, Place, Projection};
use crate::program::Fun;

/// Functions that go over all they are given, item by item.
const ITERATING: &[&str] = &["all", "any", "chain", "max", "min", "sorted", "sum", "filter", "map", "zip", "enumerate", "reversed", "join", "extend"];

/// Those of them that do it in one call of the interpreter, if they are given nothing else: a `key` is code of its own.
const IN_ONE_CALL: &[&str] = &["all", "any", "max", "min", "sorted", "sum", "join", "extend"];

/// How a container is gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// With code of the program between two items.
    Steps,
    OneCall,
}

/// The values that a function goes over item by item: by a loop, a comprehension, or a function that does so.
pub(super) fn iterated(analysis: &Analysis<'_>, function: Fun) -> FxHashMap<Local, Pace> {
    let values = analysis.values(function);
    let mut found = FxHashMap::default();
    let ir = analysis.program.function(function);
    // `items[:8]` is a copy.
    let bounds: FxHashSet<Local> = ir
        .ops
        .iter()
        .filter_map(|it| match it.kind {
            OpKind::Compute { dest, operation: Operation::Slice, .. } => Some(dest),
            _ => None,
        })
        .collect();
    let is_slice = |it: &Place| matches!(it.projections.last(), Some(Projection::Index(index)) if bounds.contains(index));
    let slices: FxHashSet<Local> = ir
        .ops
        .iter()
        .filter_map(|it| match &it.kind {
            OpKind::Load { dest, place, .. } if is_slice(place) => Some(*dest),
            _ => None,
        })
        .collect();
    for op in &ir.ops {
        match &op.kind {
            OpKind::Iterate { value, .. } if !slices.contains(value) => {
                found.insert(values.origin(*value), Pace::Steps);
            }
            OpKind::Call { callee: Callee::Path(name), arguments, .. } if ITERATING.contains(&name.last()) => {
                let pace = if arguments.len() == 1 && IN_ONE_CALL.contains(&name.as_str()) { Pace::OneCall } else { Pace::Steps };
                for argument in arguments {
                    let known = found.entry(values.origin(argument.value)).or_insert(pace);
                    *known = if *known == pace { pace } else { Pace::Steps };
                }
            }
            _ => {}
        }
    }
    found
}
