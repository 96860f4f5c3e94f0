//! Tests that stand before the mutex is taken: what is changed, and notified, between such a test and the wait is slept
//! through, whether the notifier passes the mutex or not. Only the same test under the mutex would see it.

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::{CONDITION_MISUSE, Call};
use crate::analysis::Analysis;
use crate::analysis::atomics::{AtomicKind, atomic_ops};
use crate::analysis::definitions::Definitions;
use crate::analysis::lockset::Held;
use crate::analysis::path::{Key, Owner};
use crate::catalog::{Effect, Scope};
use crate::finding::{Confidence, Finding, Role, Severity};
use crate::ir::{Callee, Language, OpId, OpKind, Terminator};
use crate::program::{Fun, Target};

/// Callers of the function that waits, and callees that load and store, are looked at so many calls away.
const MAX_DEPTH: usize = 2;

/// So many callers of one function are looked at.
const MAX_CALLERS: usize = 8;

/// An op that loads or changes an atomic, itself or in what it calls.
#[derive(Clone, Copy)]
struct Touch {
    op: OpId,
    key: Key,
    /// As the function calls it that does it itself.
    name: Key,
    changes: bool,
}

/// A test before the mutex is taken.
struct Test {
    function: Fun,
    op: OpId,
    key: Key,
    name: Key,
}

/// What functions do to atomics, as far as that was asked.
struct Touches<'a, 'p> {
    analysis: &'a Analysis<'p>,
    known: FxHashMap<(Fun, usize), Vec<Touch>>,
}

pub(super) fn outside(analysis: &Analysis<'_>, calls: &[Call], findings: &mut Vec<Finding>) {
    let mut notifies: IndexMap<Key, Vec<&Call>, FxBuildHasher> = IndexMap::default();
    for it in calls.iter().filter(|it| it.effect == Effect::Notify) {
        notifies.entry(it.key).or_default().push(it);
    }
    let mut touches = Touches { analysis, known: FxHashMap::default() };
    // One for each wait: the mend is the same for all that is tested before it.
    let mut reported: Vec<(Fun, Key)> = Vec::new();
    let is_wait = |it: &&Call| it.effect == Effect::Wait && it.scope != Scope::Async && !it.timed;
    for wait in calls.iter().filter(is_wait) {
        let (Some(notifies), Some(held)) = (notifies.get(&wait.key), wait.held) else { continue };
        if analysis.program.language(wait.function) != Language::Rust {
            continue;
        }
        for test in tests(&mut touches, wait, &held) {
            let change = notifies.iter().find_map(|notify| change(&mut touches, notify, &held, wait, test.key).map(|op| (*notify, op)));
            if let Some((notify, op)) = change
                && !reported.contains(&(wait.function, wait.key))
            {
                reported.push((wait.function, wait.key));
                findings.push(report(analysis, wait, &held, &test, notify, op));
            }
        }
    }
}

impl Touches<'_, '_> {
    /// What `function` does to atomics of fields and statics, in order.
    fn of(&mut self, function: Fun, depth: usize) -> Vec<Touch> {
        if let Some(known) = self.known.get(&(function, depth)) {
            return known.clone();
        }
        let program = self.analysis.program;
        let own = atomic_ops(self.analysis, function).into_iter().filter_map(|it| {
            let (key, _) = it.path.resolve(program, function)?;
            let is_named = matches!(key.owner, Owner::Field(..) | Owner::Global(..));
            is_named.then(|| Touch { op: it.op, key: self.analysis.given.place(key), name: key, changes: it.kind != AtomicKind::Load })
        });
        let mut found: Vec<Touch> = own.collect();
        if depth < MAX_DEPTH {
            for (id, op) in program.function(function).numbered() {
                let Some(callee) = program.called(function, &op.kind).filter(|it| *it != function) else { continue };
                let inner = self.of(callee, depth + 1);
                found.extend(inner.into_iter().map(|it| Touch { op: id, ..it }));
            }
        }
        found.sort_by_key(|it| it.op);
        // By depth: what is cut off there is not what the function does when it is asked for itself.
        self.known.insert((function, depth), found.clone());
        found
    }
}

/// Atomics whose loads decide, before the mutex is taken, whether the wait is come to: in the function that waits and its
/// callers. Not those that are loaded again under the mutex.
fn tests(touches: &mut Touches<'_, '_>, wait: &Call, held: &Held) -> Vec<Test> {
    let analysis = touches.analysis;
    let program = analysis.program;
    let locksets = &analysis.facts(wait.function).locksets;
    let graph = Graph::new(program.function(wait.function));
    let loads: Vec<Touch> = touches.of(wait.function, 0).into_iter().filter(|it| !it.changes).collect();
    let is_under = |op: OpId| locksets.before(op).iter().any(|it| it.lock == held.lock);
    let mut again: Vec<Key> = loads.iter().filter(|it| is_under(it.op) && graph.leads(it.op, wait.op, &[])).map(|it| it.key).collect();
    // `wait_while(guard, |jobs| …)` tests under the mutex, too.
    if let Some(OpKind::Call { arguments, .. }) = graph.op(wait.op).map(|it| &it.kind) {
        for (_, closure) in program.callables(wait.function, arguments) {
            again.extend(touches.of(closure, 0).into_iter().map(|it| it.key));
        }
    }
    let mut found = deciding(analysis, wait.function, &loads, held.at, |op| !is_under(op));
    let mut callers: Vec<(Fun, OpId)> = analysis.callers.sites(wait.function).iter().take(MAX_CALLERS).copied().collect();
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for (caller, site) in callers.drain(..) {
            if program.is_exempt(caller) {
                continue;
            }
            let loads: Vec<Touch> = touches.of(caller, 0).into_iter().filter(|it| !it.changes && it.op != site).collect();
            found.extend(deciding(analysis, caller, &loads, site, |_| true));
            next.extend(analysis.callers.sites(caller).iter().take(MAX_CALLERS));
        }
        callers = next;
    }
    found.retain(|it| !again.contains(&it.key));
    found
}

/// The loads that decide whether `goal` is come to.
fn deciding(analysis: &Analysis<'_>, function: Fun, loads: &[Touch], goal: OpId, counts: impl Fn(OpId) -> bool) -> Vec<Test> {
    if loads.is_empty() {
        return Vec::new();
    }
    let graph = Graph::new(analysis.program.function(function));
    let definitions = Definitions::new(graph.ir);
    let mut sources = Vec::new();
    for (index, block) in graph.ir.blocks.iter().enumerate() {
        if let Terminator::Branch { condition: it, .. } | Terminator::Switch { on: it, .. } = block.terminator {
            sources.extend(definitions.sources_at_end(it, index));
        }
    }
    let decides = |it: &&Touch| counts(it.op) && sources.contains(&it.op) && graph.leads(it.op, goal, &[]);
    loads.iter().filter(decides).map(|it| Test { function, op: it.op, key: it.key, name: it.name }).collect()
}

/// Where the function of `notify` changes the atomic before it notifies, and nothing that is under the mutex.
fn change(touches: &mut Touches<'_, '_>, notify: &Call, held: &Held, wait: &Call, key: Key) -> Option<OpId> {
    let analysis = touches.analysis;
    let program = analysis.program;
    let graph = Graph::new(program.function(notify.function));
    let changes = touches.of(notify.function, 0);
    let change = changes.iter().find(|it| it.changes && it.key == key && graph.leads(it.op, notify.op, &[]))?.op;
    let mutex = analysis.given.place(analysis.facts(wait.function).locksets.lock(held).key);
    let locksets = &analysis.facts(notify.function).locksets;
    let is_under = |op: OpId| locksets.before(op).iter().any(|it| analysis.given.place(locksets.lock(it).key) == mutex);
    let unwrapping = &program.catalog(notify.function).tables.passing.unwrapping;
    let works = |(op, it): (OpId, &crate::ir::Op)| match &it.kind {
        OpKind::Store { place, .. } => place.as_local().is_none() && is_under(op),
        OpKind::Call { callee: Callee::Method { name, .. }, .. } if unwrapping.contains(name) => false,
        OpKind::Call { dest, .. } => {
            let is_drop = matches!(program.target(notify.function, *dest), Target::External(path) if path.last() == "drop");
            is_under(op) && !is_drop && op != notify.op && op != change
        }
        _ => false,
    };
    let takes_inside = locksets.acquisitions.iter().any(|it| it.via.is_some() && analysis.given.place(locksets.locks[it.lock as usize].key) == mutex);
    (!takes_inside && !analysis.entry.callers_hold(notify.function, &mutex) && !graph.ops().any(works)).then_some(change)
}

fn report(analysis: &Analysis<'_>, wait: &Call, held: &Held, test: &Test, notify: &Call, change: OpId) -> Finding {
    let program = analysis.program;
    let lock = analysis.facts(wait.function).locksets.lock(held).key.display(program);
    let (state, name) = (test.name.display(program), wait.name.display(program));
    let location = statement(analysis, wait.function, wait.op);
    let mut it = finding(&CONDITION_MISUSE, analysis, wait.function, location, Confidence::Medium);
    it.severity = Severity::Error;
    it.message = format!("`{state}` is tested before `{lock}` is taken, and not again under it: the wake-up that tells of its change can be lost");
    it.caption = format!("waits, whatever has become of `{state}` since the test");
    it.help = format!("test `{state}` again under `{lock}`, and change it under that");
    it.state = Some(state.clone());
    it.locks = vec![lock.clone()];
    let tested = expression(analysis, test.function, test.op);
    let (changed, notified) = (expression(analysis, notify.function, change), expression(analysis, notify.function, notify.op));
    let taken = expression(analysis, wait.function, held.at);
    it.labels.push(label(tested, Role::Read, "tested here"));
    it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is taken after that")));
    it.labels.push(label(changed, Role::Write, "changed here"));
    it.labels.push(label(notified, Role::OtherAccess, format!("and notified by `{name}`")));
    it.interleaving.push(step('A', tested, format!("finds `{state}` not yet changed")));
    it.interleaving.push(step('B', changed, "changes it"));
    it.interleaving.push(step('B', notified, "notifies: nobody waits yet"));
    it.interleaving.push(step('A', location, "waits for a notify that has been"));
    it
}
