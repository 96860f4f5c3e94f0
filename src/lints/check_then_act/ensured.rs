//! An item that is put into a container if it is not there, in one critical section, and taken for granted in a later
//! one, while another function takes items out.

use super::super::support::{Graph, REMOVING, Recent, finding, is_for_one_thread, is_insisted_on, item_of, label, state_name, statement, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::lockset::{OpId, op_of};
use crate::analysis::path::{Key, Owner};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Callee, Language, OpKind, Projection};
use crate::program::Fun;

/// Methods that put an item in unless there is one.
const ENSURING: &[&str] = &["entry", "setdefault"];

/// Methods that give an item, if there is one.
const GIVING: &[&str] = &["get", "get_mut", "remove"];

/// So many reads before an item is put in are tried as its test, and so many after it as what relies on it.
const MAX_TRIES: usize = 16;

pub(super) fn ensured<'a>(
    analysis: &'a Analysis<'a>,
    owner: &Owner,
    state: &State,
    all_branches: &mut Recent<Branches<'a>>,
    findings: &mut Vec<Finding>,
) {
    let takes_out = |it: &&Use| it.writes && !it.construction && !analysis.callers.is_unseen(it.function) && removes(analysis, it);
    let Some(removal) = state.uses.iter().find(takes_out) else { return };
    for (index, put) in state.uses.iter().enumerate().filter(|it| it.1.writes && !it.1.construction) {
        let function = put.function;
        let access = analysis.access(put);
        let later = uses_around(state, index).filter(|it| removal.function != function && is_relied_on(analysis, it));
        let mut later = later.take(MAX_TRIES).peekable();
        if later.peek().is_none() || is_for_one_thread(analysis, owner, function) {
            continue;
        }
        let graph = Graph::new(analysis.program.function(function));
        let mut later = later.filter(|it| graph.leads(put.op, it.op, &[]));
        let Some(item) = item_of(analysis, function, access.op) else { continue };
        let Some((taken, lock)) = later.find_map(|it| {
            let same = item_of(analysis, function, it.op).is_some_and(|it| it == item);
            same.then(|| lock_between(analysis, function, put.op, it.op)).flatten().map(|lock| (it, lock))
        }) else {
            continue;
        };
        let branches = all_branches.get(function, || Branches::new(analysis.program.function(function)));
        let reads = uses_around(state, index).filter(|it| !it.writes).take(MAX_TRIES);
        let is_tested = || reads.into_iter().any(|it| branches.decision(it.op, put.op).is_some());
        let ensures =
            matches!(branches.op(access.op), Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if ENSURING.contains(&name.as_str()));
        if (ensures || is_tested()) && !branches.is_caught(taken.op) {
            findings.push(report(analysis, put, taken, removal, &lock));
            return;
        }
    }
}

/// The other uses of the same function.
fn uses_around(state: &State, index: usize) -> impl Iterator<Item = &Use> {
    let function = state.uses[index].function;
    let own = move |it: &&Use| it.function == function;
    state.uses[..index].iter().rev().take_while(own).chain(state.uses[index + 1..].iter().take_while(own))
}

fn removes(analysis: &Analysis<'_>, usage: &Use) -> bool {
    analysis.access(usage).kind == AccessKind::Mutate
        && match op_of(analysis.program.function(usage.function), usage.op).map(|it| &it.kind) {
            Some(OpKind::Delete { .. }) => true,
            Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => REMOVING.contains(&name.as_str()) || *name == "retain",
            _ => false,
        }
}

/// Whether what is read has to be there: `d[k]`, `map.get(&k).unwrap()`.
fn is_relied_on(analysis: &Analysis<'_>, usage: &Use) -> bool {
    let ir = analysis.program.function(usage.function);
    match op_of(ir, usage.op).map(|it| &it.kind) {
        Some(OpKind::Load { place, .. }) => matches!(place.projections.last(), Some(Projection::Key(_) | Projection::Index(_))),
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. }) if GIVING.contains(&name.as_str()) => {
            analysis.program.language(usage.function) == Language::Rust && is_insisted_on(ir, *dest)
        }
        _ => false,
    }
}

/// The lock that is held at both, and given up in between.
fn lock_between(analysis: &Analysis<'_>, function: Fun, put: OpId, taken: OpId) -> Option<Key> {
    let locksets = &analysis.facts(function).locksets;
    let (before, after) = (locksets.before(put), locksets.before(taken));
    let across = after.iter().any(|it| before.iter().any(|held| held.at == it.at));
    let both = after.iter().filter(|it| locksets.keeps_out(it)).map(|it| locksets.lock(it));
    let both = both.map(|it| it.key).find(|key| before.iter().any(|it| locksets.keeps_out(it) && locksets.lock(it).key == *key));
    both.filter(|lock| {
        !across
            && analysis.entry.held(function).is_empty()
            && !analysis.entry.callers_hold_one(function)
            && !analysis.entry.callers_hold(function, lock)
    })
}

fn report(analysis: &Analysis<'_>, put: &Use, taken: &Use, removal: &Use, lock: &Key) -> Finding {
    let function = taken.function;
    let access: &Access = analysis.access(taken);
    let (lock, name) = (lock.display(analysis.program), state_name(analysis, access));
    let (ensures, relies) = (statement(analysis, function, put.op), statement(analysis, function, taken.op));
    let removed = statement(analysis, removal.function, removal.op);
    let remover = analysis.program.symbol(removal.function);
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, relies, Confidence::Medium);
    it.message = format!("`{name}` is put there in one critical section of `{lock}` and taken for granted in a later one");
    it.caption = "what was put there may be gone by now".to_string();
    it.help = format!("hold `{lock}` across both, or keep what was put there");
    it.state = Some(name.clone());
    it.locks = vec![lock.clone()];
    it.labels.push(label(ensures, Role::Write, "put there unless it is there already"));
    it.labels.push(label(removed, Role::OtherAccess, format!("`{remover}` takes it out")));
    it.evidence.push(Evidence { kind: EvidenceKind::GuardedElsewhere, message: format!("`{remover}` takes items out"), location: Some(removed) });
    it.interleaving.push(step('A', ensures, "makes sure that the item is there"));
    it.interleaving.push(step('A', ensures, format!("gives `{lock}` up")));
    it.interleaving.push(step('B', removed, "takes it out"));
    it.interleaving.push(step('A', relies, "does not find it, and fails"));
    it
}
