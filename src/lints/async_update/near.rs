//! What a coroutine does between a read and what relies on it.

use rustc_hash::FxHashSet;

use super::super::check_then_act::branches::Branches;
use super::super::support::suspensions;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::ir::{OpId, OpKind};
use crate::program::Fun;

/// So many accesses before the read are looked at, and so many after it.
const MAX_NEAR: usize = 64;

/// The accesses around a read and what relies on it.
pub(super) struct Near<'a> {
    analysis: &'a Analysis<'a>,
    function: Fun,
    accesses: &'a [Access],
}

impl<'a> Near<'a> {
    pub(super) fn of(analysis: &'a Analysis<'a>, function: Fun, read: OpId, used: OpId) -> Near<'a> {
        let accesses = &analysis.facts(function).accesses;
        let [read, used] = [read, used].map(|op| accesses.partition_point(|it| it.op < op));
        let (first, last) = (read.saturating_sub(MAX_NEAR), used.max(read).min(read + MAX_NEAR) + 1);
        Near { analysis, function, accesses: &accesses[first..last.min(accesses.len())] }
    }

    /// The reads of the state that an access is of.
    pub(super) fn reads(&self, access: &Access) -> impl Iterator<Item = OpId> {
        self.accesses.iter().filter(|it| it.kind == AccessKind::Read && it.key.owner == access.key.owner).map(|it| it.op)
    }

    /// The writes of it.
    pub(super) fn writes(&self, access: &Access) -> impl Iterator<Item = OpId> {
        self.accesses.iter().filter(|it| it.kind.writes() && it.key.owner == access.key.owner).map(|it| it.op)
    }

    /// Whether what is written came back from a call that was given what was there: it is brought up to date, and so it is
    /// by whoever comes.
    pub(super) fn renews(&self, branches: &Branches<'_>, write: &Access) -> bool {
        let definitions = branches.definitions();
        let all: FxHashSet<OpId> = definitions.sources(write.value, write.op).into_iter().collect();
        let own: FxHashSet<OpId> = definitions.own_sources(write.value, write.op, |_| false).into_iter().collect();
        self.accesses.iter().any(|it| it.kind == AccessKind::Read && it.path == write.path && all.contains(&it.op) && !own.contains(&it.op))
    }

    /// The reads of the state that tell where the write goes, or what of another place of it is written. What an update reads
    /// to change it, tests nothing.
    pub(super) fn looks_again(&self, branches: &Branches<'_>, write: &Access) -> Vec<OpId> {
        let definitions = branches.definitions();
        let uses = branches.op(write.op).map(OpKind::uses).unwrap_or_default();
        let sources: FxHashSet<OpId> = uses.into_iter().flat_map(|it| definitions.sources(it, write.op)).collect();
        let is_one = |it: &&Access| it.kind == AccessKind::Read && it.key.owner == write.key.owner && it.path != write.path;
        self.accesses.iter().filter(is_one).map(|it| it.op).filter(|it| sources.contains(it)).collect()
    }

    /// Where others run between the read and the op that relies on it, unless the function looks `again` after that, or has
    /// told those who test that somebody is at it.
    pub(super) fn suspension(&self, branches: &Branches<'_>, read: &Access, used: OpId, again: &[OpId]) -> Option<OpId> {
        let first = suspensions(self.analysis, self.function, read.op, used, &[], again).next()?;
        let is_other = |it: &&Access| it.kind.writes() && it.key.owner != read.key.owner && self.is_tested(branches, it);
        let others: Vec<OpId> = self.accesses.iter().filter(is_other).map(|it| it.op).collect();
        if others.iter().any(|it| branches.always_passes(*it, read.op)) {
            return None;
        }
        let own = self.writes(read).filter(|it| *it != used);
        let claims: Vec<OpId> = own.chain(others).collect();
        if claims.is_empty() {
            return Some(first);
        }
        suspensions(self.analysis, self.function, read.op, used, &claims, again).next()
    }

    /// Whether a write is one that the function makes only where the same state allowed it.
    fn is_tested(&self, branches: &Branches<'_>, claim: &Access) -> bool {
        self.reads(claim).any(|it| branches.decision(it, claim.op).is_some())
    }
}
