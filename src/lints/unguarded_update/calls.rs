//! Updates in two calls, each of which takes and gives up the lock.

use std::cell::LazyCell;

use rustc_hash::FxHashSet;

use super::super::support::{is_read_again, state_name};
use super::stale;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::definitions::Definitions;
use crate::analysis::path::{Key, Owner, Path, Step};
use crate::finding::Finding;
use crate::ir::{Local, OpId};
use crate::program::Fun;

/// `self.set(self.get() + 1)`: read and written back by two calls, each of which takes and gives up the lock.
pub(super) fn through_calls(analysis: &Analysis<'_>, function: Fun, seen: &mut FxHashSet<(Owner, Fun)>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ir = program.function(function);
    let definitions = LazyCell::new(|| Definitions::new(ir));
    let locksets = &analysis.facts(function).locksets;
    for access in analysis.facts(function).accesses.iter().filter(|it| matches!(it.kind, AccessKind::Write | AccessKind::Mutate)) {
        let owner = access.key.owner;
        for held in locksets.before(access.op).iter().filter(|it| locksets.keeps_out(it)) {
            let lock = locksets.lock(held).key;
            let read = getter(analysis, &definitions, function, access.value, access.op, (owner, lock));
            let object = || holder(access);
            if let Some(read) = read.filter(|it| *it < held.at && !is_another(analysis, function, *it, object()))
                && !is_read_again(analysis, function, access, held.at)
                && seen.insert((owner, function))
            {
                findings.push(stale(analysis, function, (read, access.op), &state_name(analysis, access), lock));
            }
        }
    }
    for (write, op) in ir.numbered() {
        let (Some(call), Some(setter)) = (program.invocation(function, &op.kind), program.called(function, &op.kind)) else { continue };
        let written = analysis.flows.written(setter);
        if written.is_empty() || !locksets.before(write).is_empty() || !analysis.entry.held(function).is_empty() {
            continue;
        }
        let bound = crate::program::bindings(program, call.target, call.arguments);
        for (parameter, owner, lock) in written {
            let Some((_, _, value)) = bound.iter().find(|it| it.1 == *parameter) else { continue };
            if let Some(read) = getter(analysis, &definitions, function, *value, write, (*owner, *lock))
                && !is_another(analysis, function, read, receiver(analysis, function, write))
                && seen.insert((*owner, function))
            {
                let name = Key { owner: *owner, item: false, data: false }.display(program);
                findings.push(stale(analysis, function, (read, write), &name, *lock));
            }
        }
    }
}

/// The object whose method the op calls.
fn receiver(analysis: &Analysis<'_>, function: Fun, op: OpId) -> Option<Path> {
    let program = analysis.program;
    let call = program.invocation(function, &program.function(function).op(op)?.kind)?;
    let bound = crate::program::bindings(program, call.target, call.arguments);
    analysis.values(function).argument(program, call.target, &call.callee, &bound, 0)
}

/// The object whose field is accessed.
fn holder(access: &Access) -> Option<Path> {
    let Owner::Field(_, name) = access.key.owner else { return None };
    let field = access.path.steps.iter().rposition(|it| *it == Step::Field(name))?;
    Some(Path { root: access.path.root, steps: access.path.steps[..field].into() })
}

/// Whether the value was read from another object than the one that is written: a copy.
fn is_another(analysis: &Analysis<'_>, function: Fun, read: OpId, written: Option<Path>) -> bool {
    match (receiver(analysis, function, read), written) {
        (Some(read), Some(written)) => {
            let shorter = read.steps.len().min(written.steps.len());
            read.root != written.root || read.steps[..shorter] != written.steps[..shorter]
        }
        _ => false,
    }
}

/// The call that `value`, as used at `at`, was computed from, of a function that gives what it reads of `state`, and of
/// nothing else, under a lock of its own.
pub(super) fn getter(
    analysis: &Analysis<'_>,
    definitions: &Definitions<'_>,
    function: Fun,
    value: Local,
    at: OpId,
    state: (Owner, Key),
) -> Option<OpId> {
    definitions.sources(value, at).into_iter().find(|it| {
        let called = definitions.op(*it).and_then(|it| analysis.program.called(function, &it.kind));
        *it < at && called.is_some_and(|it| analysis.flows.given(it).contains(&state))
    })
}
