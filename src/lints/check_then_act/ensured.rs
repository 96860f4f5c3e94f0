//! An item that is put into a container if it is not there, in one critical section, and taken for granted in a later
//! one, while another function takes items out.

use rustc_hash::FxHashMap;

use super::super::support::{Graph, Item, REMOVING, Recent, finding, is_for_one_thread, item_of, label, state_name, statement, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::path::{Key, Owner};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Callee, Language, OpId, OpKind, Projection};
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
    for uses in state.uses.chunk_by(|one, other| one.function == other.function) {
        let function = uses[0].function;
        if function == removal.function || !uses.iter().any(|it| it.writes && !it.construction) || is_for_one_thread(analysis, owner, function) {
            continue;
        }
        let branches = all_branches.get(function, || Branches::new(analysis.program.function(function)));
        let item = |usage: &Use| item_of(analysis, function, branches.definitions(), usage.op);
        let mut relied: FxHashMap<Item, Vec<&Use>> = FxHashMap::default();
        for usage in uses.iter().filter(|it| is_relied_on(analysis, branches, it)) {
            if let Some(item) = item(usage) {
                relied.entry(item).or_default().push(usage);
            }
        }
        if relied.is_empty() {
            continue;
        }
        let graph = Graph::new(analysis.program.function(function));
        for (index, put) in uses.iter().enumerate().filter(|it| it.1.writes && !it.1.construction) {
            let Some(later) = item(put).and_then(|it| relied.get(&it)) else { continue };
            let mut later = later.iter().filter(|it| it.op != put.op).take(MAX_TRIES).filter(|it| graph.leads(put.op, it.op, &[]));
            let Some((taken, lock)) = later.find_map(|it| lock_between(analysis, function, put.op, it.op).map(|lock| (*it, lock))) else { continue };
            // The nearest first, those before it first of all.
            let reads = uses[..index].iter().rev().chain(&uses[index + 1..]).filter(|it| !it.writes).take(MAX_TRIES);
            let is_tested = || reads.into_iter().any(|it| branches.decision(it.op, put.op).is_some());
            let ensures =
                matches!(branches.op(put.op), Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if ENSURING.contains(&name.as_str()));
            if (ensures || is_tested()) && !branches.is_caught(taken.op) {
                findings.push(report(analysis, put, taken, removal, &lock));
                return;
            }
        }
    }
}

fn removes(analysis: &Analysis<'_>, usage: &Use) -> bool {
    analysis.access(usage).kind == AccessKind::Mutate
        && match analysis.program.function(usage.function).op(usage.op).map(|it| &it.kind) {
            Some(OpKind::Delete { .. }) => true,
            Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => REMOVING.contains(&name.as_str()) || *name == "retain",
            _ => false,
        }
}

/// Whether what is read has to be there: `d[k]`, `map.get(&k).unwrap()`.
fn is_relied_on(analysis: &Analysis<'_>, branches: &Branches<'_>, usage: &Use) -> bool {
    match branches.op(usage.op) {
        Some(OpKind::Load { place, .. }) => matches!(place.projections.last(), Some(Projection::Key(_) | Projection::Index(_))),
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. }) if GIVING.contains(&name.as_str()) => {
            analysis.program.language(usage.function) == Language::Rust && branches.is_insisted_on(*dest)
        }
        _ => false,
    }
}

/// The lock that is held at both, and given up in between.
fn lock_between(analysis: &Analysis<'_>, function: Fun, put: OpId, taken: OpId) -> Option<Key> {
    let locksets = &analysis.facts(function).locksets;
    let (before, after) = (locksets.before(put), locksets.before(taken));
    let across = locksets.is_held_across(put, taken);
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
