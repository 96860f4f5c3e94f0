//! `if self._sock: self._sock.close()`: a reference that is tested, and read again, while others clear it.

use rustc_hash::FxHashMap;

use super::super::support::{Guard, finding, has_to_do_with, is_at_hand, label, state_name, statement, stays_on_loop, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, VIEWS};
use crate::analysis::lockset::{OpId, op_of};
use crate::analysis::path::Owner;
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{Callee, Const, Language, OpKind, Place};
use crate::program::Fun;

/// So many tests of one state in one function are tried; one finding is enough.
const MAX_TRIES: usize = 16;

/// Methods that take something out of a container.
const REMOVING: &[&str] = &["clear", "discard", "pop", "popitem", "popleft", "remove"];

pub(super) fn reuse(analysis: &Analysis<'_>, owner: &Owner, state: &State, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let mut clears = state.uses.iter().filter(|it| it.writes && !it.construction && !analysis.callers.is_unseen(it.function) && clears(analysis, it)).peekable();
    if clears.peek().is_none() || program.language(state.uses[0].function) != Language::Python {
        return;
    }
    let clears: Vec<&Use> = clears.collect();
    let Some(guard) = Guard::of(analysis, owner, state) else { return };
    let mut tried: FxHashMap<Fun, usize> = FxHashMap::default();
    for usage in state.uses.iter().filter(|it| !it.writes && !it.construction && it.held.is_empty() && !it.maybe_guarded) {
        let function = usage.function;
        let Some(clear) = clears.iter().find(|it| it.function != function) else { continue };
        let access = analysis.access(usage);
        let tries = tried.entry(function).or_default();
        if *tries >= MAX_TRIES
            || program.function(function).is_async
            || analysis.entry.callers_hold(function, &guard.lock)
            || !is_at_hand(program, function, access, &guard.lock)
            || access.kind != AccessKind::Read
            || is_view(analysis, usage)
            || stays_on_loop(analysis, state, function)
            || has_to_do_with(analysis, function, &guard.lock)
        {
            continue;
        }
        *tries += 1;
        if let Some(used) = used_after(analysis, function, access) {
            *tries = MAX_TRIES;
            findings.push(report(analysis, &guard, usage, used, clear));
        }
    }
}

/// Whether the write stores `None`, or takes something out of a container.
fn clears(analysis: &Analysis<'_>, usage: &Use) -> bool {
    let access = analysis.access(usage);
    if access.kind == AccessKind::Mutate {
        return match op_of(analysis.program.function(usage.function), usage.op).map(|it| &it.kind) {
            Some(OpKind::Delete { .. }) => true,
            Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => REMOVING.contains(&name.as_str()),
            _ => false,
        };
    }
    let is_none = |op: &OpKind| matches!(op, OpKind::Const { dest, value: Const::None } if *dest == access.value);
    access.kind == AccessKind::Write && !access.changes_in_place() && analysis.program.function(usage.function).ops().any(|it| is_none(&it.2.kind))
}

/// Whether it is `d.values()` or the like: nothing is tested that is there once.
fn is_view(analysis: &Analysis<'_>, usage: &Use) -> bool {
    match op_of(analysis.program.function(usage.function), usage.op).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => VIEWS.contains(&name.as_str()),
        _ => false,
    }
}

/// Where the same place is read again, to call it or to look inside, on the strength of the test; with no lock held.
fn used_after(analysis: &Analysis<'_>, function: Fun, test: &Access) -> Option<OpId> {
    let program = analysis.program;
    let facts = analysis.facts(function);
    let goes_through = |place: &Place| {
        let path = facts.values.place(program, place)?;
        Some(path.root == test.path.root && path.steps.len() >= test.path.steps.len() && path.steps[..test.path.steps.len()] == test.path.steps[..])
    };
    let mut branches = None;
    for (block, index, op) in program.function(function).ops() {
        let id = facts.locksets.op_id(block, index);
        let place = match &op.kind {
            OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => receiver,
            // What is read whole is not used yet.
            OpKind::Load { place, .. } if place.projections.len() > test.path.steps.len() => place,
            _ => continue,
        };
        // A local that has the object keeps it.
        if id <= test.op || place.as_local().is_some() || !facts.locksets.before(id).is_empty() || goes_through(place) != Some(true) {
            continue;
        }
        let branches = branches.get_or_insert_with(|| Branches::new(program.function(function)));
        if branches.decision(test.op, id).is_some() && !branches.is_caught(id) {
            return Some(id);
        }
    }
    None
}

fn report(analysis: &Analysis<'_>, guard: &Guard<'_>, usage: &Use, used: OpId, clear: &Use) -> Finding {
    let program = analysis.program;
    let access = analysis.access(usage);
    let (name, lock) = (state_name(analysis, access), guard.lock.display(program));
    let (tested, location) = (statement(analysis, usage.function, usage.op), statement(analysis, usage.function, used));
    let cleared = statement(analysis, clear.function, clear.op);
    let mut it = finding(&CHECK_THEN_ACT, analysis, usage.function, location, Confidence::Medium);
    let takes_out = analysis.access(clear).kind == AccessKind::Mutate;
    it.message = match takes_out {
        true => format!("`{name}` is tested, and then looked into again: another thread may have taken it out in between"),
        false => format!("`{name}` is tested, and then read again to be used: another thread may have cleared it in between"),
    };
    it.caption = if takes_out { "may be gone by now".to_string() } else { "may be `None` by now".to_string() };
    it.help = format!("read `{name}` once, into a local, and test and use that; or do both under `{lock}`");
    it.state = Some(name.clone());
    it.locks = vec![lock];
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    let verb = if takes_out { "takes from" } else { "clears" };
    it.labels.push(label(cleared, Role::OtherAccess, format!("`{}` {verb} it here", program.symbol(clear.function))));
    it.evidence = guard.evidence(analysis, &guard.writes, "writes");
    it.interleaving.push(step('A', tested, format!("finds `{name}` there")));
    it.interleaving.push(step('B', cleared, format!("{verb} it")));
    let ends = if takes_out { "looks for it again: an error" } else { "reads it again: `None`, and an error" };
    it.interleaving.push(step('A', location, ends));
    it
}
