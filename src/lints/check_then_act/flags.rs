//! `if !busy.load(o) { busy.store(true, o); … }`: a flag that is tested and set in two steps.

use std::cell::LazyCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{expression, finding, label, statement, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, is_exclusive};
use crate::analysis::path::{Key, Owner};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Language, Local};
use crate::program::Fun;

/// So many operations on atomics before a store are looked at.
const MAX_BACK: usize = 32;

pub(super) fn flags(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let functions = || program.function_ids().filter(|it| program.language(*it) == Language::Rust && !program.is_exempt(*it));
    let mut cleared: FxHashSet<Key> = FxHashSet::default();
    let mut set: Vec<(Fun, AtomicOp, AtomicOp, Key)> = Vec::new();
    for function in functions() {
        let ops = atomic_ops(analysis, function);
        if ops.iter().all(|it| it.kind != AtomicKind::Store) {
            continue;
        }
        let ir = program.function(function);
        let branches = LazyCell::new(|| Branches::new(ir));
        let constants: FxHashMap<Local, bool> = ir.ops().filter_map(|it| it.2.kind.truth()).collect();
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
            let bare = analysis.facts(function).locksets.before(store.op).is_empty() && analysis.entry.held(function).is_empty();
            if bare
                && matches!(key.owner, Owner::Field(..) | Owner::Global(..))
                && !is_exclusive(analysis, function, &store.path)
                && branches.decision(load.op, store.op).is_some()
            {
                set.push((function, load.clone(), store.clone(), key));
            }
        }
    }
    // A flag that nobody clears says that something is done, and doing it twice does no harm as a rule.
    findings.extend(set.into_iter().filter(|it| cleared.contains(&it.3)).map(|it| report(analysis, it.0, &it.1, &it.2, &it.3)));
}

fn report(analysis: &Analysis<'_>, function: Fun, load: &AtomicOp, store: &AtomicOp, key: &Key) -> Finding {
    let name = key.display(analysis.program);
    let (tested, set) = (expression(analysis, function, load.op), statement(analysis, function, store.op));
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, set, Confidence::High);
    it.message = format!("`{name}` is tested and then set in two steps: two threads can both find it clear");
    it.caption = "sets what the test found clear".to_string();
    it.help = format!("test and set in one step: `if !{name}.swap(true, …)`, or a compare-exchange");
    it.state = Some(name.clone());
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    it.evidence.push(Evidence { kind: EvidenceKind::ByType, message: format!("`{name}` is an atomic: several threads use it"), location: None });
    it.interleaving.push(step('A', tested, "reads false"));
    it.interleaving.push(step('B', tested, "reads false, too"));
    it.interleaving.push(step('A', set, "writes true and goes on"));
    it.interleaving.push(step('B', set, "writes true and goes on: both are in"));
    it
}
