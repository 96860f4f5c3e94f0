//! What was made from a state in one critical section, and put where changes of that state are announced in a later one.
//!
//! `handler = Handler(self._levels)`, `self._handlers[key] = handler`, each under the lock by itself: who changes the levels
//! in between, and goes over the handlers to tell them, does not meet the new one.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{finding, label, statement, step};
use super::{MAX_TOGETHER, SPLIT_SNAPSHOT};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::definitions::Definitions;
use crate::analysis::lockset::Held;
use crate::analysis::path::{Key, Owner};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Base, Callee, Local, OpId, OpKind};
use crate::program::Fun;

/// For a state, the container of those that are told of its changes, and the lock held meanwhile: who tells them, where it
/// writes the state, and where it reads the container.
type Tellers = FxHashMap<(Owner, Owner, Key), (Fun, OpId, OpId)>;

pub(super) fn published(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let mut tellers = Tellers::default();
    for function in program.function_ids().filter(|it| !program.is_exempt(*it) && !program.is_construction(*it)) {
        tell(analysis, function, &mut tellers);
    }
    if tellers.is_empty() {
        return;
    }
    for function in program.function_ids().filter(|it| !program.is_exempt(*it) && !program.is_construction(*it)) {
        findings.extend(late(analysis, function, &tellers));
    }
}

fn held<'a>(analysis: &'a Analysis<'_>, function: Fun, op: OpId) -> impl Iterator<Item = (Key, &'a Held)> {
    let locksets = &analysis.facts(function).locksets;
    locksets.before(op).iter().filter(|it| locksets.keeps_out(it)).map(|it| (locksets.lock(it).key, it))
}

/// The states that the function writes before it goes over a container, under a lock, and calls each item.
fn tell(analysis: &Analysis<'_>, function: Fun, tellers: &mut Tellers) {
    let facts = analysis.facts(function);
    let is_field = |it: &&Access| matches!(it.key.owner, Owner::Field(..));
    if facts.locksets.locks.is_empty() {
        return;
    }
    let written: Vec<&Access> = facts.accesses.iter().filter(|it| it.kind.writes()).filter(is_field).take(MAX_TOGETHER).collect();
    if written.is_empty() {
        return;
    }
    let told = told(analysis, function);
    let listeners = facts.accesses.iter().filter(|it| it.kind == AccessKind::Read && told.contains(&analysis.values(function).origin(it.value)));
    for listeners in listeners.filter(is_field).take(MAX_TOGETHER) {
        for (lock, _) in held(analysis, function, listeners.op) {
            for state in written.iter().filter(|it| it.op < listeners.op && it.key.owner != listeners.key.owner) {
                tellers.entry((state.key.owner, listeners.key.owner, lock)).or_insert((function, state.op, listeners.op));
            }
        }
    }
}

/// What the function goes over to call each item, or a method of it.
fn told(analysis: &Analysis<'_>, function: Fun) -> FxHashSet<Local> {
    let ir = analysis.program.function(function);
    let values = analysis.values(function);
    let mut called: FxHashSet<Local> = FxHashSet::default();
    let mut items: FxHashMap<Local, Local> = FxHashMap::default();
    let mut over: FxHashMap<Local, Local> = FxHashMap::default();
    let mut stored: Vec<(Local, Local)> = Vec::new();
    for op in &ir.ops {
        match &op.kind {
            OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => {
                if let Base::Local(local) = receiver.base {
                    called.insert(values.origin(local));
                }
            }
            OpKind::Call { callee: Callee::Value(local), .. } => {
                called.insert(values.origin(*local));
            }
            OpKind::Iterate { dest, value, .. } => {
                over.insert(*dest, values.origin(*value));
            }
            OpKind::Next { dest, iterator } => {
                items.insert(*dest, *iterator);
            }
            OpKind::Store { place, value, .. } => stored.extend(place.as_local().map(|it| (*value, it))),
            _ => {}
        }
    }
    let named = stored.iter().filter(|it| called.contains(&values.origin(it.1))).map(|it| it.0);
    let iterators = named.chain(called.iter().copied()).filter_map(|it| items.get(&it));
    iterators.filter_map(|it| over.get(it)).copied().collect()
}

/// A container that gets, under the lock, what was made from a state read under an earlier acquisition of it.
fn late(analysis: &Analysis<'_>, function: Fun, tellers: &Tellers) -> Option<Finding> {
    let facts = analysis.facts(function);
    if facts.locksets.locks.is_empty() || !analysis.entry.held(function).is_empty() {
        return None;
    }
    let mut definitions = None;
    let puts = facts.accesses.iter().filter(|it| it.kind.writes() && it.may_resize());
    for put in puts.take(MAX_TOGETHER) {
        for (lock, section) in held(analysis, function, put.op) {
            let is_under =
                |it: &Access, other: bool| held(analysis, function, it.op).any(|(key, held)| key == lock && (held.at == section.at) != other);
            let reads = facts.accesses.iter().filter(|it| it.kind == AccessKind::Read && it.op < put.op && it.path.root == put.path.root);
            for read in reads.take(MAX_TOGETHER) {
                let Some(teller) = tellers.get(&(read.key.owner, put.key.owner, lock)).filter(|it| it.0 != function) else { continue };
                let looks_again = || facts.accesses.iter().any(|it| it.key.owner == read.key.owner && is_under(it, false));
                if !is_under(read, true) || is_under(read, false) || looks_again() {
                    continue;
                }
                let definitions = definitions.get_or_insert_with(|| Definitions::new(analysis.program.function(function)));
                if definitions.sources(put.value, put.op).contains(&read.op) {
                    return Some(report(analysis, function, (read, put), &lock, *teller));
                }
            }
        }
    }
    None
}

fn report(
    analysis: &Analysis<'_>,
    function: Fun,
    (read, put): (&Access, &Access),
    lock: &Key,
    (teller, changes, tells): (Fun, OpId, OpId),
) -> Finding {
    let program = analysis.program;
    let name = |it: &Access| Key { item: false, data: false, ..it.key }.display(program);
    let (state, container, lock) = (name(read), name(put), lock.display(program));
    let (seen, location) = (statement(analysis, function, read.op), statement(analysis, function, put.op));
    let (changed, told) = (statement(analysis, teller, changes), statement(analysis, teller, tells));
    let teller = program.symbol(teller);
    let mut it = finding(&SPLIT_SNAPSHOT, analysis, function, location, Confidence::Medium);
    it.message =
        format!("`{container}` gets what was made from `{state}` in an earlier critical section of `{lock}`: a change in between passes it by");
    it.caption = format!("put where `{teller}` finds it, too late for what changed since");
    it.help = format!("read `{state}` and put what is made from it under one acquisition of `{lock}`");
    it.state = Some(format!("{state}, {container}"));
    it.locks = vec![lock.clone()];
    it.labels.push(label(seen, Role::Read, format!("`{state}` is read here, and `{lock}` given up")));
    it.labels.push(label(changed, Role::Write, format!("`{state}` is changed")));
    it.labels.push(label(told, Role::OtherAccess, format!("all that are in `{container}` are told")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::WrittenTogether,
        message: format!("`{teller}` changes `{state}`, and goes over `{container}` under `{lock}` to tell"),
        location: Some(told),
    });
    it.interleaving.push(step('A', seen, format!("reads the old `{state}` and gives `{lock}` up")));
    it.interleaving.push(step('B', changed, format!("changes `{state}`")));
    it.interleaving.push(step('B', told, format!("tells all that are in `{container}`")));
    it.interleaving.push(step('A', location, "puts in what was made from the old one: nobody will tell it"));
    it
}
