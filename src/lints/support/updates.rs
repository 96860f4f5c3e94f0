//! What a write stores: something computed from a read of the same place, a constant; and whether that read is fresh.

use std::cell::OnceCell;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, Definitions};
use crate::analysis::lockset::OpId;
use crate::analysis::path::{Owner, Step};
use crate::ir::{Const, OpKind};
use crate::program::Fun;

/// Definitions of functions are kept for so many functions at once.
const MAX_KEPT: usize = 64;

/// Answers for many writes, those of one function one after the other.
#[derive(Default)]
pub struct Updates<'f> {
    functions: FxHashMap<Fun, Function<'f>>,
}

/// What is asked of one function.
struct Function<'f> {
    definitions: OnceCell<Definitions<'f>>,
    /// What it reads anything of.
    read: FxHashSet<Owner>,
}

impl<'f> Updates<'f> {
    /// The latest read of the same place that the written value was computed from.
    pub fn read_before(&mut self, analysis: &'f Analysis<'_>, function: Fun, write: &Access) -> Option<&'f Access> {
        let accesses = &analysis.facts(function).accesses;
        // A container's own method is one step, but what goes in may be stale.
        if write.kind == AccessKind::Read {
            return None;
        }
        // The states of a function follow one another.
        if self.functions.len() >= MAX_KEPT {
            self.functions.clear();
        }
        let known = self.functions.entry(function).or_insert_with(|| Function {
            definitions: OnceCell::new(),
            read: accesses.iter().filter(|it| it.kind == AccessKind::Read).map(|it| it.key.owner).collect(),
        });
        if !known.read.contains(&write.key.owner) {
            return None;
        }
        let definitions = known.definitions.get_or_init(|| Definitions::new(analysis.program.function(function)));
        let is_read = |it: &&Access| it.kind == AccessKind::Read && (it.path == write.path || is_lookup(it, write));
        // Accesses stand in the order of their ops.
        let at = |op: OpId| {
            let first = accesses.partition_point(|it| it.op < op);
            accesses[first..].iter().take_while(move |it| it.op == op)
        };
        let sources = definitions.sources(write.value, write.op);
        let read = sources.into_iter().filter(|it| *it < write.op).flat_map(at).filter(is_read).max_by_key(|it| it.op)?;
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

/// Whether the state is read under the acquisition at `section` before it is written: the write is decided on a fresh
/// value.
pub fn is_read_again(analysis: &Analysis<'_>, function: Fun, write: &Access, section: OpId) -> bool {
    let facts = analysis.facts(function);
    facts.accesses.iter().any(|it| {
        it.kind == AccessKind::Read
            && it.op > section
            && it.op < write.op
            && it.key.owner == write.key.owner
            && facts.locksets.before(it.op).iter().any(|held| held.at == section)
    })
}

/// Whether what is stored is a constant: a flag that is set, a reference that is cleared.
pub fn stores_constant(analysis: &Analysis<'_>, function: Fun, write: &Access) -> bool {
    let is_constant = |op: &OpKind| matches!(op, OpKind::Const { dest, value } if *dest == write.value && !matches!(value, Const::Other));
    write.kind == AccessKind::Write && analysis.program.function(function).ops().any(|it| is_constant(&it.2.kind))
}
