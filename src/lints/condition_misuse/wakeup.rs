//! Whether the wake-up can come: the notifier must be able to run, and what it changed must not slip in between the
//! waiter's test and its wait.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::{CONDITION_MISUSE, Call};
use crate::analysis::Analysis;
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops};
use crate::analysis::definitions::Definitions;
use crate::analysis::lockset::{Acquisition, Held};
use crate::analysis::path::Key;
use crate::catalog::{Effect, Scope};
use crate::finding::{Confidence, Finding, Role, Severity};
use crate::ir::{Language, OpId, Terminator};
use crate::program::Fun;

/// So many callers of a function that waits are looked at.
const MAX_CALLERS: usize = 8;

pub(super) fn wakeup(analysis: &Analysis<'_>, calls: &[Call], findings: &mut Vec<Finding>) {
    let mut notifies: IndexMap<Key, Vec<&Call>, FxBuildHasher> = IndexMap::default();
    for it in calls.iter().filter(|it| it.effect == Effect::Notify) {
        notifies.entry(it.key).or_default().push(it);
    }
    let mut reported: Vec<(Fun, Key)> = Vec::new();
    for wait in calls.iter().filter(|it| it.effect == Effect::Wait && it.scope != Scope::Async) {
        let Some(notifies) = notifies.get(&wait.key) else { continue };
        findings.extend(locked_out(analysis, wait, notifies));
        if analysis.program.language(wait.function) == Language::Rust {
            for it in slipped(analysis, wait, notifies) {
                if !reported.contains(&(it.0, wait.key)) {
                    reported.push((it.0, wait.key));
                    findings.push(it.1);
                }
            }
        }
    }
}

/// A wait with another lock held that every notifier needs: in the function that waits, or in one that calls it.
fn locked_out(analysis: &Analysis<'_>, wait: &Call, notifies: &[&Call]) -> Option<Finding> {
    let place = |key: Key| analysis.given.place(key);
    let own = place(analysis.facts(wait.function).locksets.lock(&wait.held?).key);
    let sites = analysis.callers.sites(wait.function).iter().take(MAX_CALLERS).filter(|it| !analysis.program.is_exempt(it.0));
    let mut places = std::iter::once((wait.function, wait.op)).chain(sites.copied());
    places.find_map(|(function, op)| {
        let locksets = &analysis.facts(function).locksets;
        let needed = |it: &&Held| {
            let lock = locksets.lock(it);
            locksets.keeps_out(it)
                && place(lock.key) != own
                && place(lock.key) != wait.key
                && lock.path.as_ref().is_some_and(|it| it.is_definite())
                && lock.key.is_named(analysis.program)
                && notifies.iter().all(|notify| needs(analysis, notify, &place(lock.key)))
        };
        let other = locksets.before(op).iter().find(needed)?;
        report_locked_out(analysis, wait, (function, op, other), notifies)
    })
}

/// Whether the notifier has to get the lock first: it holds it, its callers do, or it takes it on every way.
fn needs(analysis: &Analysis<'_>, notify: &Call, lock: &Key) -> bool {
    let there = &analysis.facts(notify.function).locksets;
    let is_taken =
        |it: &&Acquisition| it.via.is_none() && !it.tries && it.op < notify.op && analysis.given.place(there.locks[it.lock as usize].key) == *lock;
    let taken: Vec<OpId> = there.acquisitions.iter().filter(is_taken).map(|it| it.op).collect();
    there.before(notify.op).iter().any(|held| held.sure && analysis.given.place(there.lock(held).key) == *lock)
        || analysis.entry.callers_hold(notify.function, lock)
        || !taken.is_empty() && Graph::new(analysis.program.function(notify.function)).has_to_pass(notify.op, &taken)
}

fn report_locked_out(analysis: &Analysis<'_>, wait: &Call, (function, op, other): (Fun, OpId, &Held), notifies: &[&Call]) -> Option<Finding> {
    let program = analysis.program;
    let (lock, name) = (analysis.facts(function).locksets.lock(other).key.display(program), wait.name.display(program));
    let location = statement(analysis, function, op);
    let mut it = finding(&CONDITION_MISUSE, analysis, function, location, Confidence::Medium);
    if !wait.timed {
        it.severity = Severity::Error;
    }
    it.message = format!("`{name}` is waited for with `{lock}` held, which who notifies it needs");
    it.caption = format!("gives up its own lock meanwhile, and keeps `{lock}`");
    it.help = format!("give `{lock}` up before the wait, or let one lock do for both");
    it.locks = vec![name.clone(), lock.clone()];
    let taken = expression(analysis, function, other.at);
    it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is taken here")));
    let waited = expression(analysis, wait.function, wait.op);
    if function != wait.function {
        it.labels.push(label(waited, Role::Await, format!("`{name}` is waited for here")));
    }
    let notify = notifies.first()?;
    let there = expression(analysis, notify.function, notify.op);
    it.labels.push(label(there, Role::LockWanted, format!("notified here, after `{lock}` is taken")));
    it.interleaving.push(step('A', waited, format!("waits for `{name}`, and holds `{lock}`")));
    it.interleaving.push(step('B', there, format!("needs `{lock}` to get here: neither goes on")));
    Some(it)
}

/// Atomics that the waiter tests under its mutex, and a notifier changes without it: the change and the notify both fit
/// in between the test and the wait.
fn slipped(analysis: &Analysis<'_>, wait: &Call, notifies: &[&Call]) -> Vec<(Fun, Finding)> {
    let program = analysis.program;
    let Some(held) = wait.held else { return Vec::new() };
    let place = |key: Key| analysis.given.place(key);
    let own = analysis.facts(wait.function).locksets.lock(&held).key;
    let mutex = place(own);
    let tested = tested(analysis, wait);
    let mut found = Vec::new();
    for notify in notifies {
        let locksets = &analysis.facts(notify.function).locksets;
        let is_under = |op| locksets.before(op).iter().any(|it| place(locksets.lock(it).key) == mutex);
        let change = atomic_ops(analysis, notify.function).into_iter().filter(|it| it.op < notify.op && it.kind != AtomicKind::Load).find_map(|it| {
            let key = it.path.resolve(program, notify.function)?.0;
            tested.iter().find(|test| test.1 == place(key)).map(|test| (it.op, key, test.0.op))
        });
        let Some((change, key, test)) = change else { continue };
        let passes_mutex =
            locksets.acquisitions.iter().any(|it| it.op > change && it.op < notify.op && place(locksets.locks[it.lock as usize].key) == mutex);
        if is_under(change) || is_under(notify.op) || passes_mutex || analysis.entry.callers_hold_one(notify.function) {
            continue;
        }
        let (state, name, lock) = (key.display(program), wait.name.display(program), own.display(program));
        let location = statement(analysis, notify.function, change);
        let mut it = finding(&CONDITION_MISUSE, analysis, notify.function, location, Confidence::High);
        it.severity = if wait.timed { Severity::Warning } else { Severity::Error };
        it.message = format!("`{state}` is changed without `{lock}`, under which it is tested before the wait for `{name}`: the wake-up can be lost");
        it.caption = "can come just after the test, and the notify before the wait".to_string();
        it.help = format!("change it under `{lock}`, or take and drop that between the change and the notify");
        it.state = Some(state.clone());
        it.locks = vec![lock.clone()];
        let (tests, waits) = (expression(analysis, wait.function, test), expression(analysis, wait.function, wait.op));
        let notifying = expression(analysis, notify.function, notify.op);
        it.labels.push(label(tests, Role::Read, format!("tested under `{lock}`")));
        it.labels.push(label(waits, Role::LockHeld, "and waited for here"));
        it.interleaving.push(step('A', tests, format!("finds `{state}` not yet changed")));
        it.interleaving.push(step('B', location, "changes it"));
        it.interleaving.push(step('B', notifying, "notifies: nobody waits yet"));
        it.interleaving.push(step('A', waits, "waits for a notify that has been"));
        found.push((notify.function, it));
    }
    found
}

/// The atomics that decide whether `wait` waits, under its lock.
fn tested(analysis: &Analysis<'_>, wait: &Call) -> Vec<(AtomicOp, Key)> {
    let program = analysis.program;
    let locksets = &analysis.facts(wait.function).locksets;
    let loads: Vec<AtomicOp> = atomic_ops(analysis, wait.function).into_iter().filter(|it| it.kind == AtomicKind::Load).collect();
    if loads.is_empty() {
        return Vec::new();
    }
    let graph = Graph::new(program.function(wait.function));
    let definitions = Definitions::new(graph.ir);
    let mut sources = Vec::new();
    for (index, block) in graph.ir.blocks.iter().enumerate() {
        if let Terminator::Branch { condition: it, .. } | Terminator::Switch { on: it, .. } = block.terminator {
            sources.extend(definitions.sources_at_end(it, index));
        }
    }
    let under = |it: &AtomicOp| wait.held.is_some_and(|held| locksets.before(it.op).iter().any(|at| at.lock == held.lock));
    let decides = |it: &AtomicOp| sources.contains(&it.op) && under(it) && graph.leads(it.op, wait.op, &[]);
    loads.into_iter().filter(decides).filter_map(|it| it.path.resolve(program, wait.function).map(|key| (it, analysis.given.place(key.0)))).collect()
}
