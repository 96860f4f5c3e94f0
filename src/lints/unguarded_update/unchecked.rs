//! What the compiler of Rust does not check: two-step updates of atomics, `static mut`, `unsafe impl Sync`.

use std::cell::LazyCell;

use rustc_hash::FxHashSet;

use super::super::support::{expression, finding, initial_value, label, state_name, statement};
use super::{UNGUARDED_UPDATE, schedule};
use crate::analysis::Analysis;
use crate::analysis::access::Access;
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, have_one_handle, is_exclusive};
use crate::analysis::definitions::Definitions;
use crate::analysis::path::{Owner, Root};
use crate::analysis::state::Use;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Base, Op, OpId, OpKind, ParamKind, Place, TypeRef};
use crate::program::{Fun, Program};

/// Rust state that the compiler does not check: a `static mut`, a field of a type with an `unsafe impl Sync`.
pub(super) fn unchecked(analysis: &Analysis<'_>, owner: &Owner, usage: &Use, write: &Access, read: &Access) -> Option<Finding> {
    let program = analysis.program;
    // What an `unsafe fn` needs, its callers have promised; a compare-exchange is a lock made by hand.
    let promised = || program.function(usage.function).is_unsafe || has_exchange(analysis, usage.function, owner);
    if !usage.held.is_empty() || usage.maybe_guarded || promised() {
        return None;
    }
    let why = match owner {
        Owner::Global(module, name) if program.global_kind(*module, *name).is_some_and(|it| it.1) => {
            "a `static mut` is one place for all threads".to_string()
        }
        Owner::Field(class, _) if program.is_unchecked_sync(*class) && is_behind_shared_self(program, usage.function, write) => {
            format!("`unsafe impl Sync for {}` lets several threads in here", program.class_name(*class))
        }
        _ => return None,
    };
    let state = state_name(analysis, write);
    let (read_at, location) = (statement(analysis, usage.function, read.op), statement(analysis, usage.function, write.op));
    let mut it = finding(&UNGUARDED_UPDATE, analysis, usage.function, location, Confidence::High);
    it.message = format!("`{state}` is updated from its old value with no lock held");
    it.caption = "reads the old value, then writes the new one".to_string();
    it.help = format!("make `{state}` an atomic, or keep it inside a `Mutex`");
    it.state = Some(state.clone());
    it.evidence.push(Evidence { kind: EvidenceKind::ByType, message: why, location: None });
    schedule(&mut it, read_at, location, initial_value(analysis, owner, &[]), &state);
    Some(it)
}

/// Whether the function swaps an atomic of the state's own type against an expected value.
pub(super) fn has_exchange(analysis: &Analysis<'_>, function: Fun, owner: &Owner) -> bool {
    let Owner::Field(class, _) = owner else { return false };
    atomic_ops(analysis, function)
        .iter()
        .filter(|it| it.kind == AtomicKind::CompareExchange)
        .any(|it| it.path.resolve(analysis.program, function).is_some_and(|it| matches!(it.0.owner, Owner::Field(of, _) if of == *class)))
}

/// Reached through `&self`: others may have it, too.
pub(super) fn is_behind_shared_self(program: &Program<'_>, function: Fun, access: &Access) -> bool {
    access.path.root == Root::Param(0)
        && program
            .function(function)
            .params
            .first()
            .is_some_and(|it| it.kind == ParamKind::Receiver && matches!(it.ty, Some(TypeRef::Reference { mutable: false, .. })))
}

/// `a.store(a.load(o) + 1, o)`: the two halves of an update of one atomic, with no lock around them.
pub(super) fn atomics(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ops = atomic_ops(analysis, function);
    let definitions = LazyCell::new(|| Definitions::new(program.function(function)));
    for store in ops.iter().filter(|it| it.kind == AtomicKind::Store) {
        if !analysis.facts(function).locksets.guards(store.op).is_empty() {
            continue;
        }
        let Some(value) = store.value else { continue };
        let mut loads = ops.iter().filter(|it| it.kind == AtomicKind::Load && it.path == store.path).peekable();
        if loads.peek().is_none() {
            continue;
        }
        let sources: FxHashSet<OpId> = definitions.sources(value, store.op).into_iter().collect();
        let Some(AtomicOp { op: load, .. }) = loads.find(|it| sources.contains(&it.op)) else { continue };
        // Saved and put back.
        if definitions.is_copy(value, store.op, *load) {
            continue;
        }
        let Some((key, _)) = store.path.resolve(program, function) else { continue };
        // `&mut self` keeps everybody else out, and so does an object that is still its maker's own.
        if is_exclusive(analysis, function, &store.path) || !matches!(key.owner, Owner::Field(..) | Owner::Global(..)) {
            continue;
        }
        // What an `unsafe fn` needs, its callers have promised.
        if program.function(function).is_unsafe || have_one_handle(analysis, analysis.atomic_writers(&key).iter().copied()) {
            continue;
        }
        // Who loads relaxed what it stores with release is often the one writer, and publishes.
        let publishes = ordering(analysis, function, *load) == "Relaxed" && ordering(analysis, function, store.op) == "Release";
        let confidence = if publishes { Confidence::Low } else { Confidence::High };
        let state = key.display(program);
        let (read, write) = (statement(analysis, function, *load), statement(analysis, function, store.op));
        let mut it = finding(&UNGUARDED_UPDATE, analysis, function, write, confidence);
        it.message = format!("`{state}` is loaded and stored back in two steps: another thread's update in between is lost");
        it.caption = "stores what was computed from the load".to_string();
        it.help = format!("use one atomic operation on `{state}`: `fetch_add`, `fetch_update`, or a compare-exchange loop");
        it.state = Some(state.clone());
        if expression(analysis, function, *load) != write {
            it.labels.push(label(expression(analysis, function, *load), Role::Read, "the old value is loaded here"));
        }
        it.evidence.push(Evidence { kind: EvidenceKind::ByType, message: format!("`{state}` is an atomic: several threads use it"), location: None });
        schedule(&mut it, read, write, None, &state);
        findings.push(it);
    }
}

/// The memory ordering that an operation on an atomic names: `Relaxed`.
pub(super) fn ordering(analysis: &Analysis<'_>, function: Fun, op: OpId) -> &'static str {
    let ir = analysis.program.function(function);
    let Some(Op { kind: OpKind::Call { arguments, .. }, .. }) = ir.op(op) else { return "" };
    let Some(last) = arguments.last() else { return "" };
    // What is passed is loaded close before.
    ir.ops[..op.index()]
        .iter()
        .rev()
        .find_map(|op| match &op.kind {
            OpKind::Load { dest, place: Place { base: Base::Global(name), .. }, .. } if *dest == last.value => Some(name.last()),
            _ => None,
        })
        .unwrap_or("")
}
