//! What a write stores: something computed from a read of the same place, a constant; and whether that read is fresh.

use std::cell::OnceCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::recent::Recent;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::definitions::Definitions;
use crate::analysis::path::{Owner, Path, Step};
use crate::ir::{Callee, Const, OpId, OpKind, Operation, Terminator};
use crate::program::Fun;

/// Answers for many writes, those of one function one after the other.
#[derive(Default)]
pub struct Updates<'f> {
    functions: Recent<Function<'f>>,
}

/// What is asked of one function.
struct Function<'f> {
    definitions: OnceCell<Definitions<'f>>,
    /// What it reads anything of.
    read: FxHashSet<Owner>,
    handed: OnceCell<Handed>,
}

impl<'f> Updates<'f> {
    /// The latest read of the same place that the written value was computed from.
    pub fn read_before(&mut self, analysis: &'f Analysis<'_>, function: Fun, write: &Access) -> Option<&'f Access> {
        let accesses = &analysis.facts(function).accesses;
        // A container's own method is one step, but what goes in may be stale.
        if write.kind == AccessKind::Read {
            return None;
        }
        let known = self.functions.get(function, || Function {
            definitions: OnceCell::new(),
            read: accesses.iter().filter(|it| matches!(it.kind, AccessKind::Read | AccessKind::Mutate)).map(|it| it.key.owner).collect(),
            handed: OnceCell::new(),
        });
        if !known.read.contains(&write.key.owner) {
            return None;
        }
        let definitions = known.definitions.get_or_init(|| Definitions::new(analysis.program.function(function)));
        // `d.setdefault(k, 0)` reads, too.
        let sets_default = |it: &Access| {
            let op = definitions.op(it.op).map(|it| &it.kind);
            it.kind == AccessKind::Mutate && matches!(op, Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if *name == "setdefault")
        };
        let reads = |it: &Access| it.kind == AccessKind::Read || it.op != write.op && sets_default(it);
        let is_read = |it: &&Access| reads(it) && (it.path == write.path || is_lookup(it, write));
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

impl<'f> Updates<'f> {
    /// Whether the number that an update reads, or makes, is given on by the function: returned, stored elsewhere, passed
    /// to a call, compared with a limit. Two threads then give on the same.
    pub fn is_handed_out(&mut self, analysis: &'f Analysis<'_>, function: Fun, read: &Access, write: &Access) -> bool {
        let Some(known) = self.functions.known(function) else { return false };
        let Some(definitions) = known.definitions.get() else { return false };
        // A number that is counted on.
        let counts = |it: &OpId| matches!(definitions.op(*it).map(|it| &it.kind), Some(OpKind::Compute { operation: Operation::Arithmetic, .. }));
        if !definitions.origins(write.value, write.op).iter().all(counts) {
            return false;
        }
        let handed = known.handed.get_or_init(|| Handed::of(analysis, function, definitions));
        let given = [handed.by_path.get(&write.path), handed.by_read.get(&read.op)];
        given.into_iter().flatten().any(|it| it.is_by_another_than(write.op))
    }
}

/// What a function gives on of what it reads: by the op that reads, and by the place that is read.
#[derive(Default)]
struct Handed {
    by_read: FxHashMap<OpId, Givers>,
    by_path: FxHashMap<Path, Givers>,
}

/// The ops that give something on, as far as is needed to tell whether there is another than a certain one.
#[derive(Clone, Copy)]
struct Givers {
    first: OpId,
    are_several: bool,
}

impl Givers {
    fn and(self, other: Givers) -> Givers {
        Givers { are_several: self.are_several || other.are_several || self.first != other.first, ..self }
    }

    fn is_by_another_than(self, op: OpId) -> bool {
        self.are_several || self.first != op
    }
}

impl Handed {
    fn of(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>) -> Handed {
        let ir = analysis.program.function(function);
        let mut handed = Handed::default();
        let mut give = |origins: Vec<OpId>, by: OpId| {
            let new = Givers { first: by, are_several: false };
            for origin in origins {
                handed.by_read.entry(origin).and_modify(|it| *it = it.and(new)).or_insert(new);
            }
        };
        // Only a store can be the update itself; what else gives on is another whichever it is.
        const ANOTHER: OpId = OpId::ENTRY;
        for (index, block) in ir.blocks.iter().enumerate() {
            if let Terminator::Return(Some(value)) = block.terminator {
                give(definitions.origins_at_end(value, index), ANOTHER);
            }
        }
        for (id, op) in ir.numbered() {
            match &op.kind {
                OpKind::Store { place, value, .. } if place.as_local().is_none() => give(definitions.origins(*value, id), id),
                OpKind::Call { arguments, callee, .. } if !matches!(callee, Callee::Path(_)) => {
                    arguments.iter().for_each(|it| give(definitions.origins(it.value, id), ANOTHER));
                }
                // A limit that it is held against.
                OpKind::Compute { operation: Operation::Compare | Operation::Order, operands, .. } => {
                    operands.iter().for_each(|it| give(definitions.origins(*it, id), ANOTHER));
                }
                _ => {}
            }
        }
        for read in analysis.facts(function).accesses.iter().filter(|it| it.kind == AccessKind::Read) {
            if let Some(by) = handed.by_read.get(&read.op).copied() {
                handed.by_path.entry(read.path).and_modify(|it| *it = it.and(by)).or_insert(by);
            }
        }
        handed
    }
}

/// `d.get(k)` before `d[k] = …`.
fn is_lookup(read: &Access, write: &Access) -> bool {
    write.path.steps.last().is_some_and(|it| matches!(it, Step::Key(_) | Step::Item)) && {
        let mut container = write.path;
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
    let constant = || analysis.program.function(function).constant_at(write.value, write.op);
    write.kind == AccessKind::Write && constant().is_some_and(|it| it != Const::Other)
}
