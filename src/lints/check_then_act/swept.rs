//! What a pool does to all its objects at once: it closes connections that others have in use.
//!
//! A class with a lock that gives its objects out, and has a method that goes over all of them and calls one of theirs,
//! runs that method on whatever thread asks for it, beside the one that was given the object.

use rustc_hash::FxHashSet;

use super::super::support::{owned_lock, statement};
use crate::analysis::Analysis;
use crate::analysis::path::{Path, Root};
use crate::finding::{Evidence, EvidenceKind};
use crate::ir::{Callee, Local, OpId, OpKind};
use crate::program::{Cls, Fun, Program, Ty};

/// So many calls of a method are looked at, each so many calls up.
const MAX_SITES: usize = 64;
const MAX_CALLS: usize = 3;

/// Why `method` can run on an object that somebody else has in use: the call for all of them.
pub(super) fn swept(analysis: &Analysis<'_>, method: Fun) -> Option<Evidence> {
    let class = analysis.program.class_of(method)?;
    let mut work = vec![method];
    for _ in 0..MAX_CALLS {
        for called in std::mem::take(&mut work) {
            for (caller, op) in analysis.callers.sites(called).iter().take(MAX_SITES) {
                if let Some(sign) = sweep(analysis, class, *caller, *op) {
                    return Some(sign);
                }
                if is_on_self(analysis, *caller, *op) {
                    work.push(*caller);
                }
            }
        }
    }
    None
}

/// Whether the call is one for each object of a class that the caller's class has and gives out.
fn sweep(analysis: &Analysis<'_>, class: Cls, caller: Fun, op: OpId) -> Option<Evidence> {
    let program = analysis.program;
    let holder = program.class_of(caller).filter(|it| !is_related(program, *it, class))?;
    let receiver = receiver(analysis, caller, op)?;
    let lock = owned_lock(program, holder, false)?;
    if !is_item(analysis, caller, receiver) {
        return None;
    }
    let gives = |it: &Fun| {
        !program.function(*it).name.as_str().starts_with('_')
            && matches!(&program.types(*it).returns, Ty::Class(given, _) if is_related(program, *given, class))
    };
    let methods = program
        .ancestry(holder)
        .into_owned()
        .into_iter()
        .flat_map(|it| program.class(it).methods.iter().map(move |id| program.fun(program.module_of_class(it), *id)));
    let giver = methods.into_iter().find(|it| gives(it))?;
    let message = format!(
        "`{}` calls it for all that there are, those that `{}` gave out as well; `{}` expects several threads, for it owns `{}`",
        program.symbol(caller),
        program.symbol(giver),
        program.class_name(holder),
        lock.shown
    );
    Some(Evidence { kind: EvidenceKind::HeldBy, message, location: Some(statement(analysis, caller, op)) })
}

fn is_related(program: &Program<'_>, one: Cls, other: Cls) -> bool {
    program.ancestry(one).contains(&other) || program.ancestry(other).contains(&one)
}

/// The variable that a method is called on.
fn receiver(analysis: &Analysis<'_>, caller: Fun, op: OpId) -> Option<Local> {
    match analysis.program.function(caller).op(op).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { receiver, .. }, .. }) => receiver.as_local(),
        _ => None,
    }
}

fn is_on_self(analysis: &Analysis<'_>, caller: Fun, op: OpId) -> bool {
    receiver(analysis, caller, op).is_some_and(|it| analysis.values(caller).path(it) == Some(Path::new(Root::Param(0))))
}

/// Whether the variable goes over something, item by item.
fn is_item(analysis: &Analysis<'_>, function: Fun, variable: Local) -> bool {
    let ir = analysis.program.function(function);
    let values = analysis.values(function);
    let items: FxHashSet<Local> = ir
        .ops
        .iter()
        .filter_map(|it| match &it.kind {
            OpKind::Next { dest, .. } => Some(*dest),
            _ => None,
        })
        .collect();
    ir.ops.iter().any(
        |it| matches!(&it.kind, OpKind::Store { place, value, .. } if place.as_local() == Some(variable) && items.contains(&values.origin(*value))),
    )
}
