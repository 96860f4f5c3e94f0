//! Whether a write is an update: whether its value comes from a read of the same place.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, Definitions};
use crate::analysis::lockset::OpId;
use crate::analysis::path::Step;
use crate::program::Fun;

/// Definitions of functions are kept for so many functions at once.
const MAX_KEPT: usize = 64;

/// Answers for many writes, those of one function one after the other.
#[derive(Default)]
pub struct Updates<'f> {
    definitions: FxHashMap<Fun, Definitions<'f>>,
}

impl<'f> Updates<'f> {
    /// The latest read of the same place that the written value was computed from.
    pub fn read_before(&mut self, analysis: &'f Analysis<'_>, function: Fun, write: &Access) -> Option<&'f Access> {
        let facts = analysis.facts(function);
        // A container's own method is one step, but what goes in may be stale.
        if write.kind == AccessKind::Read {
            return None;
        }
        let reads =
            || facts.accesses.iter().filter(|it| it.kind == AccessKind::Read && it.op < write.op && it.path == write.path || is_lookup(it, write));
        reads().next()?;
        let ir = analysis.program.function(function);
        // The states of a function follow one another.
        if self.definitions.len() >= MAX_KEPT {
            self.definitions.clear();
        }
        let definitions = self.definitions.entry(function).or_insert_with(|| Definitions::new(ir));
        let sources: FxHashSet<OpId> = definitions.sources(write.value, write.op).into_iter().collect();
        let read = reads().filter(|it| sources.contains(&it.op) && it.op < write.op).max_by_key(|it| it.op)?;
        (!definitions.is_copy(write.value, write.op, read.op)).then_some(read)
    }
}

/// `d.get(k)` before `d[k] = …`.
fn is_lookup(read: &Access, write: &Access) -> bool {
    read.kind == AccessKind::Read && write.path.steps.last().is_some_and(|it| matches!(it, Step::Key(_) | Step::Item)) && {
        let mut container = write.path.clone();
        container.steps.pop();
        container == read.path
    }
}
