//! Atomics that are tested and set in two steps: `if !busy.load(o) { busy.store(true, o); … }`, a limit in front of a
//! `fetch_add`, a maximum that is stored over a greater one.

use std::cell::LazyCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{expression, finding, is_guarded, label, statement, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, have_one_handle};
use crate::analysis::path::{Key, Owner};
use crate::catalog::Concurrency;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Callee, Language, Local, OpId, OpKind};
use crate::program::{Fun, spawn_row};

/// So many operations on atomics before a store are looked at.
const MAX_BACK: usize = 32;

pub(super) fn flags(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let functions = || program.function_ids().filter(|it| program.language(*it) == Language::Rust && !program.is_exempt(*it));
    let mut cleared: FxHashSet<Key> = FxHashSet::default();
    let mut set: Vec<(Fun, AtomicOp, AtomicOp, Key)> = Vec::new();
    let mut starts: FxHashMap<(Fun, OpId), OpId> = FxHashMap::default();
    for function in functions() {
        let ops = atomic_ops(analysis, function);
        if ops.iter().all(|it| !matches!(it.kind, AtomicKind::Store | AtomicKind::Update)) {
            continue;
        }
        let ir = program.function(function);
        let branches = LazyCell::new(|| Branches::new(ir));
        let mut seen: FxHashSet<Key> = FxHashSet::default();
        for (index, act) in ops.iter().enumerate() {
            let before = ops[..index].iter().rev().take(MAX_BACK).find(|it| it.path == act.path);
            let Some(load) = before.filter(|it| it.kind == AtomicKind::Load) else { continue };
            let Some((key, _)) = act.path.resolve(program, function) else { continue };
            if is_guarded(analysis, function, act.op, &act.path) || !matches!(key.owner, Owner::Field(..) | Owner::Global(..)) || seen.contains(&key)
            {
                continue;
            }
            // An assertion is no limit, and what an `unsafe fn` needs, its callers have promised.
            let Some(decision) = branches.decision(load.op, act.op).filter(|it| !it.raises && !ir.is_unsafe) else { continue };
            let relies = match act.kind {
                // What `fetch_add` gives may be looked at again.
                AtomicKind::Update => branches.has_order(&decision) && counts(&branches, act.op),
                AtomicKind::Store => act.value.is_some_and(|it| branches.is_ordered(&decision, analysis, function, it)),
                _ => false,
            };
            if relies && !have_one_handle(analysis, analysis.atomic_writers(&key).iter().copied()) {
                seen.insert(key);
                findings.push(report_limit(analysis, function, load, act, &key));
            }
        }
        let constants: FxHashMap<Local, bool> = ir.ops.iter().filter_map(|it| it.kind.truth()).collect();
        for (index, store) in ops.iter().enumerate().filter(|it| it.1.kind == AtomicKind::Store) {
            let value = store.value.and_then(|it| constants.get(&it));
            let (Some((key, _)), Some(value)) = (store.path.resolve(program, function), value) else { continue };
            if !value {
                cleared.insert(key);
                continue;
            }
            // The nearest operation on the flag before; where that is a swap, it decides.
            let before = ops[..index].iter().rev().take(MAX_BACK).find(|it| it.path == store.path);
            let Some(load) = before.filter(|it| it.kind == AtomicKind::Load) else { continue };
            if !is_guarded(analysis, function, store.op, &store.path)
                && matches!(key.owner, Owner::Field(..) | Owner::Global(..))
                && branches.decision(load.op, store.op).is_some()
            {
                set.push((function, load.clone(), store.clone(), key));
                if let Some(start) = started(analysis, function, &branches, load.op) {
                    starts.insert((function, store.op), start);
                }
            }
        }
    }
    // A flag that nobody clears says that something is done, and doing it twice does no harm as a rule: unless it is to
    // start a thread.
    findings.extend(set.into_iter().filter_map(|(function, load, store, key)| {
        let start = starts.get(&(function, store.op)).copied();
        (cleared.contains(&key) || start.is_some())
            .then(|| report(analysis, function, &load, &store, &key, start.filter(|_| !cleared.contains(&key))))
    }));
}

/// Where a thread is started on the strength of the test: here, or in a function that is called here.
fn started(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, test: OpId) -> Option<OpId> {
    let program = analysis.program;
    let starts = |function: Fun, op: &OpKind| {
        let OpKind::Call { dest, .. } = op else { return false };
        spawn_row(program, function, *dest).is_some_and(|it| matches!(it.runs, Concurrency::Thread | Concurrency::Task))
    };
    let inside = |callee: Fun| program.function(callee).ops.iter().any(|it| starts(callee, &it.kind));
    let ops = program.function(function).numbered().map(|(id, it)| (id, &it.kind));
    let mut found = ops.filter(|(id, op)| *id > test && (starts(function, op) || program.called(function, op).is_some_and(inside)));
    found.find(|it| branches.decision(test, it.0).is_some()).map(|it| it.0)
}

/// Whether the op counts up or down, and nobody looks at what it gives.
fn counts(branches: &Branches<'_>, op: OpId) -> bool {
    match branches.op(op) {
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. }) => {
            matches!(name.as_str(), "fetch_add" | "fetch_sub") && !branches.is_used(*dest)
        }
        _ => false,
    }
}

fn report_limit(analysis: &Analysis<'_>, function: Fun, load: &AtomicOp, act: &AtomicOp, key: &Key) -> Finding {
    let name = key.display(analysis.program);
    let (tested, acted) = (expression(analysis, function, load.op), statement(analysis, function, act.op));
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, acted, Confidence::Medium);
    let counts = act.kind == AtomicKind::Update;
    if counts {
        it.message = format!("`{name}` is tested against a limit and then counted in two steps: two threads can both pass the test");
        it.caption = "counts on the strength of the test".to_string();
        it.help = format!("test and count in one step: `{name}.fetch_update(…)`, or look at what `fetch_add` gives and take it back");
    } else {
        it.message = format!("`{name}` is compared and then stored in two steps: a better value of another thread is overwritten");
        it.caption = "stores what was better than an old value".to_string();
        it.help = format!("compare and store in one step: `{name}.fetch_max(…)`, `fetch_min(…)`, or a compare-exchange loop");
    }
    it.state = Some(name.clone());
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    it.evidence.push(Evidence { kind: EvidenceKind::ByType, message: format!("`{name}` is an atomic: several threads use it"), location: None });
    it.interleaving.push(step('A', tested, "reads a value that passes the test"));
    it.interleaving.push(step('B', tested, "reads the same"));
    it.interleaving.push(step('A', acted, if counts { "counts" } else { "stores its value" }));
    it.interleaving.push(step('B', acted, if counts { "counts, too: beyond the limit" } else { "stores its own over A's, though that was better" }));
    it
}

fn report(analysis: &Analysis<'_>, function: Fun, load: &AtomicOp, store: &AtomicOp, key: &Key, start: Option<OpId>) -> Finding {
    let name = key.display(analysis.program);
    let (tested, set) = (expression(analysis, function, load.op), statement(analysis, function, store.op));
    let confidence = if start.is_some() { Confidence::Medium } else { Confidence::High };
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, set, confidence);
    it.message = format!("`{name}` is tested and then set in two steps: two threads can both find it clear");
    it.caption = "sets what the test found clear".to_string();
    it.help = format!("test and set in one step: `if !{name}.swap(true, …)`, or a compare-exchange");
    it.state = Some(name.clone());
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    it.evidence.push(Evidence { kind: EvidenceKind::ByType, message: format!("`{name}` is an atomic: several threads use it"), location: None });
    it.interleaving.push(step('A', tested, "reads false"));
    it.interleaving.push(step('B', tested, "reads false, too"));
    if let Some(start) = start.map(|it| expression(analysis, function, it)) {
        it.labels.push(label(start, Role::Spawn, "starts a thread on the strength of the test"));
        it.interleaving.push(step('A', start, "starts its thread"));
        it.interleaving.push(step('B', start, "starts another"));
        return it;
    }
    it.interleaving.push(step('A', set, "writes true and goes on"));
    it.interleaving.push(step('B', set, "writes true and goes on: both are in"));
    it
}
