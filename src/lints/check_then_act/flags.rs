//! `if !busy.load(o) { busy.store(true, o); … }`: a flag that is tested and set in two steps.

use rustc_hash::FxHashSet;

use super::super::support::{expression, finding, label, statement, step};
use super::CHECK_THEN_ACT;
use super::flow::Flow;
use crate::analysis::Analysis;
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, is_exclusive};
use crate::analysis::path::{Key, Owner};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Const, Language, OpKind};
use crate::program::Fun;

pub(super) fn flags(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let functions = || program.function_ids().filter(|it| program.language(*it) == Language::Rust && !program.is_exempt(*it));
    let mut cleared: FxHashSet<Key> = FxHashSet::default();
    let mut set: Vec<(Fun, AtomicOp, AtomicOp, Key)> = Vec::new();
    for function in functions() {
        let ops = atomic_ops(analysis, function);
        for store in ops.iter().filter(|it| it.kind == AtomicKind::Store) {
            let (Some((key, _)), Some(value)) = (store.path.resolve(program, function), stored(analysis, function, store)) else { continue };
            if !value {
                cleared.insert(key);
                continue;
            }
            let mut loads = ops.iter().filter(|it| it.kind == AtomicKind::Load && it.op < store.op && it.path == store.path).peekable();
            let bare = analysis.facts(function).locksets.before(store.op).is_empty() && analysis.entry.held(function).is_empty();
            if !bare
                || loads.peek().is_none()
                || is_exclusive(analysis, function, &store.path)
                || !matches!(key.owner, Owner::Field(..) | Owner::Global(..))
            {
                continue;
            }
            // A swap or compare-exchange in between decides.
            let ir = program.function(function);
            let flow = Flow::new(ir);
            let load = loads.filter(|it| flow.decision(ir, it.op, store.op).is_some()).last();
            let decided = |load: &&AtomicOp| {
                !ops.iter().any(|it| {
                    matches!(it.kind, AtomicKind::Update | AtomicKind::CompareExchange)
                        && it.op > load.op
                        && it.op < store.op
                        && it.path == store.path
                })
            };
            set.extend(load.filter(decided).map(|it| (function, it.clone(), store.clone(), key)));
        }
    }
    // A flag that nobody clears says that something is done, and doing it twice does no harm as a rule.
    findings.extend(set.into_iter().filter(|it| cleared.contains(&it.3)).map(|it| report(analysis, it.0, &it.1, &it.2, &it.3)));
}

/// The constant that is stored, if it is one.
fn stored(analysis: &Analysis<'_>, function: Fun, store: &AtomicOp) -> Option<bool> {
    analysis.program.function(function).ops().find_map(|(_, _, op)| match op.kind {
        OpKind::Const { dest, value: Const::Bool(value) } if Some(dest) == store.value => Some(value),
        _ => None,
    })
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
