//! `if not limit.reached(): limit.add()`: two calls that lock each by itself, and nothing that keeps them together.
//!
//! For each call that gives what a lock guards ([`crate::analysis::flow`]), the calls on the same object are looked at
//! that a branch on its result leads to, and that write the same state under the same lock.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{expression, finding, label, statement, step, stores_constant};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::access::AccessKind;
use crate::analysis::atomics::{is_exclusive, is_fresh};
use crate::analysis::path::{Key, Owner, Path, Root};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Callee, OpId, OpKind};
use crate::program::{Fun, Receiver, Target};

/// Calls on one object after a test that are looked at.
const MAX_AFTER: usize = 32;

/// A call of a method of some object.
struct Call {
    op: OpId,
    method: Fun,
    object: Path,
}

/// How a method writes a state under its lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// To a value that does not depend on what was there: a flag, an empty container.
    Settles,
    /// After it looked itself.
    Tests,
    /// Whatever is there.
    Blindly,
}

pub(super) fn pairs(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let mut known: FxHashMap<(Fun, Owner), Option<Writes>> = FxHashMap::default();
    let mut writes =
        |method: Fun, owner: &Owner, lock: &Key| *known.entry((method, *owner)).or_insert_with(|| write_of(analysis, method, owner, lock));
    for function in program.function_ids() {
        if program.is_exempt(function) || program.is_construction(function) || program.function(function).is_async {
            continue;
        }
        if !analysis.facts(function).locksets.concerns_locks() || !asks(analysis, function) {
            continue;
        }
        let calls = calls(analysis, function);
        let mut branches = None;
        let mut seen: FxHashSet<Owner> = FxHashSet::default();
        for (index, test) in calls.iter().enumerate() {
            for (owner, lock) in analysis.flows.returned(test.method) {
                // What takes the state away has it to itself.
                if writes(test.method, owner, lock).is_some() {
                    continue;
                }
                for act in calls[index + 1..].iter().filter(|it| it.object == test.object && it.method != test.method).take(MAX_AFTER) {
                    if writes(act.method, owner, lock) != Some(Writes::Blindly)
                        || seen.contains(owner)
                        || !is_apart(analysis, function, test, act, lock)
                    {
                        continue;
                    }
                    let branches = branches.get_or_insert_with(|| Branches::new(program.function(function)));
                    // An error that is handed on says that the call went wrong, and nothing of the state.
                    if branches.decision(test.op, act.op).is_some_and(|it| !it.hands_on) {
                        seen.insert(*owner);
                        findings.push(report(analysis, function, test, act, owner, lock));
                    }
                }
            }
        }
    }
}

/// Whether the function calls anything that gives what a lock guards.
fn asks(analysis: &Analysis<'_>, function: Fun) -> bool {
    let called = |op: &OpKind| match op {
        OpKind::Call { dest, .. } => match analysis.program.target(function, *dest) {
            Target::Function { function, .. } => Some(*function),
            _ => None,
        },
        _ => None,
    };
    analysis.program.function(function).ops.iter().filter_map(|it| called(&it.kind)).any(|it| !analysis.flows.returned(it).is_empty())
}

/// The calls of methods of objects that others may have.
fn calls(analysis: &Analysis<'_>, function: Fun) -> Vec<Call> {
    let program = analysis.program;
    let mut found = Vec::new();
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, .. }, .. } = &op.kind else { continue };
        let Target::Function { function: method, receiver: Receiver::Place } = program.target(function, *dest) else { continue };
        let Some(object) = analysis.values(function).place(program, receiver) else { continue };
        let own = matches!(object.root, Root::Local(local) if is_fresh(analysis, function, local)) || is_exclusive(analysis, function, &object);
        if object.is_definite() && !own {
            found.push(Call { op: id, method: *method, object });
        }
    }
    found
}

/// How the method writes the state under a lock that it takes itself, if it does.
fn write_of(analysis: &Analysis<'_>, method: Fun, owner: &Owner, lock: &Key) -> Option<Writes> {
    let facts = analysis.facts(method);
    let is_under = |op: OpId| facts.locksets.before(op).iter().any(|it| facts.locksets.keeps_out(it) && facts.locksets.lock(it).key == *lock);
    let mut writes = facts.accesses.iter().filter(|it| it.kind.writes() && it.key.owner == *owner && is_under(it.op)).peekable();
    writes.peek()?;
    let mut branches = None;
    let mut how = Writes::Settles;
    for write in writes {
        let settles = stores_constant(analysis, method, write) || is_settling(analysis, method, write.op);
        if settles {
            continue;
        }
        let branches = branches.get_or_insert_with(|| Branches::new(analysis.program.function(method)));
        let reads = facts.accesses.iter().filter(|it| it.kind == AccessKind::Read && it.key.owner == *owner && it.op < write.op && is_under(it.op));
        if reads.into_iter().any(|it| branches.decision(it.op, write.op).is_some()) {
            return Some(Writes::Tests);
        }
        how = Writes::Blindly;
    }
    Some(how)
}

/// Whether the call that writes is one that finds out by itself whether there is anything to do.
fn is_settling(analysis: &Analysis<'_>, method: Fun, op: OpId) -> bool {
    let op = analysis.program.function(method).op(op).map(|it| &it.kind);
    matches!(op, Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if super::SETTLING.contains(&name.as_str()))
}

/// Whether no lock is held across both.
fn is_apart(analysis: &Analysis<'_>, function: Fun, test: &Call, act: &Call, lock: &Key) -> bool {
    let locksets = &analysis.facts(function).locksets;
    let across = locksets.is_held_across(test.op, act.op);
    !across && !analysis.entry.callers_hold_one(function) && analysis.entry.held(function).is_empty() && !analysis.entry.callers_hold(function, lock)
}

fn report(analysis: &Analysis<'_>, function: Fun, test: &Call, act: &Call, owner: &Owner, lock: &Key) -> Finding {
    let program = analysis.program;
    let (lock, state) = (lock.display(program), Key { owner: *owner, item: false, data: false }.display(program));
    let (tests, acts) = (program.symbol(test.method), program.symbol(act.method));
    let (tested, location) = (expression(analysis, function, test.op), statement(analysis, function, act.op));
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, location, Confidence::Medium);
    it.message = format!("`{acts}` acts on what `{tests}` said, and `{lock}` was given up in between");
    it.caption = "another thread may have been here since the test".to_string();
    it.help = format!("make one method of the two that holds `{lock}` across both");
    it.state = Some(state.clone());
    it.locks = vec![lock.clone()];
    it.labels.push(label(tested, Role::Read, format!("`{state}` is looked at here, under `{lock}`")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::GuardedElsewhere,
        message: format!("both take `{lock}` for `{state}`, each by itself"),
        location: Some(program.location(act.method, program.function(act.method).name_range)),
    });
    it.interleaving.push(step('A', tested, format!("takes `{lock}`, looks, and gives it up")));
    it.interleaving.push(step('B', tested, "does the same, and sees the same"));
    it.interleaving.push(step('A', location, format!("changes `{state}`")));
    it.interleaving.push(step('B', location, format!("changes `{state}`, on a test that no longer holds")));
    it
}
