//! A container that is taken out and replaced in two steps, while others go on filling it.

use super::super::support::{REMOVING, Recent, finding, is_at_hand, is_for_one_thread, label, shared, state_name, statement, step};
use super::{UNGUARDED_UPDATE, switch_point};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::definitions::Definitions;
use crate::analysis::path::{Key, Owner, Path, Root};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{AggregateKind, Base, Callee, Language, OpId, OpKind};
use crate::program::{Fun, Target};

/// A replacement in a helper is looked at from so many of its callers.
const MAX_SITES: usize = 16;

/// The taking of a container and its replacement by an empty one.
struct Swap<'a> {
    usage: &'a Use,
    function: Fun,
    taken: &'a Access,
    /// The store, or the call of the helper that stores.
    replaced: OpId,
    held: Vec<Key>,
}

/// Definitions in the functions that were asked about last.
pub(super) type Known<'a> = Recent<Definitions<'a>>;

/// `batch = self.batch; self.batch = []`: whoever has looked the old one up already puts into it what nobody will see.
pub(super) fn swapped<'a>(analysis: &'a Analysis<'_>, owner: &Owner, state: &'a State, known: &mut Known<'a>) -> Option<Finding> {
    if !matches!(owner, Owner::Field(..) | Owner::Global(..)) {
        return None;
    }
    let program = analysis.program;
    let puts_in = |it: &Use| match program.function(it.function).op(it.op).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => !REMOVING.contains(&name.as_str()),
        Some(OpKind::Store { .. }) => true,
        _ => false,
    };
    let fills = |it: &&Use| {
        let changes = it.writes && analysis.access(it).changes_in_place();
        changes && !it.construction && !it.maybe_guarded && program.language(it.function) == Language::Python && puts_in(it)
    };
    let mut filling = state.uses.iter().filter(fills).peekable();
    filling.peek()?;
    let swap = state.uses.iter().filter(|it| it.writes && !it.construction && !it.maybe_guarded).find_map(|usage| swap(analysis, usage, known))?;
    let fill = filling.find(|it| {
        // A function that takes the lock may have it here by ways that are not seen.
        let locksets = &analysis.facts(it.function).locksets;
        let takes = |lock: &Key| locksets.acquisitions.iter().any(|it| it.via.is_none() && locksets.locks[it.lock as usize].key == *lock);
        let could_hold = |lock: &Key| is_at_hand(program, it.function, analysis.access(it), lock);
        let is_apart = it.function != swap.function && !it.held.iter().any(|held| swap.held.contains(&held.0));
        is_apart
            && swap.held.iter().all(|lock| could_hold(lock) && !takes(lock))
            && !program.function(it.function).is_async
            && !analysis.entry.callers_hold_one(it.function)
    })?;
    report(analysis, owner, state, &swap, fill)
}

/// The swap that a store of an empty container is part of, in its own function or in one that calls it.
fn swap<'a>(analysis: &'a Analysis<'_>, usage: &'a Use, known: &mut Known<'a>) -> Option<Swap<'a>> {
    let program = analysis.program;
    let store = analysis.access(usage);
    if store.kind != AccessKind::Write || store.changes_in_place() {
        return None;
    }
    let function = usage.function;
    let ir = program.function(function);
    let origins = known.get(function, || Definitions::new(ir)).origins(store.value, store.op);
    let is_empty = |it: &OpId| match ir.op(*it).map(|it| &it.kind) {
        Some(OpKind::Aggregate { kind: AggregateKind::List | AggregateKind::Set | AggregateKind::Dict, operands, .. }) => operands.is_empty(),
        Some(OpKind::Call { dest, arguments, .. }) => match program.target(function, *dest) {
            Target::External(path) => arguments.is_empty() && program.catalog(function).container(*path).is_some_and(|it| !it.thread_safe),
            _ => false,
        },
        _ => false,
    };
    if origins.is_empty() || !origins.iter().all(is_empty) {
        return None;
    }
    let held = |of: Fun, at: OpId| -> Vec<Key> {
        let locksets = &analysis.facts(of).locksets;
        let here = locksets.before(at).iter().map(|it| locksets.lock(it).key);
        here.chain(analysis.entry.held(of).iter().map(|it| it.0)).collect()
    };
    if let Some(taken) = taken(analysis, function, store.op, &store.path) {
        return Some(Swap { usage, function, taken, replaced: store.op, held: held(function, store.op) });
    }
    // The helper's own object is its caller's.
    if program.class_of(function).is_none() || store.path.root != Root::Param(0) {
        return None;
    }
    analysis.callers.sites(function).iter().take(MAX_SITES).find_map(|(caller, op)| {
        let taken = taken(analysis, *caller, *op, &store.path)?;
        Some(Swap { usage, function: *caller, taken, replaced: *op, held: held(*caller, *op) })
    })
}

/// The read before `replaced` whose value is kept in a variable that is used after it.
fn taken<'a>(analysis: &'a Analysis<'_>, function: Fun, replaced: OpId, path: &Path) -> Option<&'a Access> {
    let facts = analysis.facts(function);
    let ir = analysis.program.function(function);
    let before = |it: &&Access| it.op < replaced && it.kind == AccessKind::Read && it.path == *path;
    facts.accesses.iter().rfind(before).filter(|read| {
        let kept = ir.ops.iter().find_map(|op| match &op.kind {
            OpKind::Store { place, value, .. } if *value == read.value => place.as_local(),
            _ => None,
        });
        kept.is_some_and(|kept| {
            ir.numbered()
                .any(|(id, op)| id > replaced && op.kind.place().is_some_and(|it| it.base == Base::Local(kept)) && op.kind.defines() != Some(kept))
        })
    })
}

fn report(analysis: &Analysis<'_>, owner: &Owner, state: &State, swap: &Swap<'_>, fill: &Use) -> Option<Finding> {
    let program = analysis.program;
    let access = analysis.access(fill);
    if is_for_one_thread(analysis, owner, swap.function) || program.function(swap.function).is_async || program.is_exempt(swap.function) {
        return None;
    }
    let switch = switch_point(analysis, swap.function, swap.taken.op, swap.replaced);
    let signs = [(fill, access), (swap.usage, analysis.access(swap.usage))]
        .map(|(usage, access)| shared(analysis, owner, state, usage, access, switch.is_some()));
    let mut shared = signs.into_iter().flatten().max_by_key(|it| it.confidence)?;
    // A lock that is taken for the swap, and not for what is put in, says that threads meet here.
    let held = swap.held.first().map(|it| it.display(program));
    if held.is_some() && shared.confidence == Confidence::Low && !shared.unrelated {
        shared.confidence = Confidence::Medium;
    }
    // Who calls it may hold the lock, as far as is seen.
    if analysis.callers.sites(fill.function).is_empty() && !analysis.callers.is_from_outside(fill.function) {
        shared.confidence = Confidence::Low;
    }
    let name = state_name(analysis, swap.taken);
    let (location, filled) = (statement(analysis, swap.function, swap.replaced), statement(analysis, fill.function, fill.op));
    let took = statement(analysis, swap.function, swap.taken.op);
    let mut it = finding(&UNGUARDED_UPDATE, analysis, swap.function, location, shared.confidence);
    it.message = match &held {
        Some(lock) => format!("`{name}` is taken and replaced under `{lock}`, which those who fill it do not hold"),
        None => format!("`{name}` is taken and replaced in two steps, while others fill it, with no lock held"),
    };
    it.caption = "puts an empty one in its place".to_string();
    it.help = match &held {
        Some(lock) => format!("take `{lock}` where `{name}` is filled, too"),
        None => format!("hold one lock for the swap, and wherever `{name}` is filled"),
    };
    it.state = Some(name.clone());
    it.locks = held.into_iter().collect();
    it.labels.push(label(took, Role::Read, "taken out here"));
    it.labels.push(label(filled, Role::OtherAccess, "filled here"));
    it.evidence = shared.evidence;
    it.evidence.push(Evidence {
        kind: EvidenceKind::Caveat,
        message: "who fills it looks it up first, and puts in afterwards: the swap can come in between".to_string(),
        location: Some(filled),
    });
    it.interleaving.push(step('B', filled, format!("looks up `{name}`")));
    it.interleaving.push(step('A', took, "takes the same one"));
    it.interleaving.push(step('A', location, "replaces it, and works off what it took"));
    it.interleaving.push(step('B', filled, "puts into the old one what nobody will see"));
    Some(it)
}
