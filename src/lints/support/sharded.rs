//! Operations on maps that lock each of them by itself (`DashMap`).

use crate::analysis::Analysis;
use crate::analysis::atomics::is_exclusive;
use crate::analysis::path::{Key, Owner, Path};
use crate::catalog::LockKind;
use crate::ir::{Callee, Local, Name, OpId, OpKind};
use crate::program::{Fun, Target};

/// An operation on such a map.
pub struct ShardedOp {
    pub op: OpId,
    pub map: Path,
    pub method: Name,
    pub result: Local,
    /// The last argument: what goes in.
    pub value: Option<Local>,
}

/// The operations of a function, in order.
pub fn sharded_ops(analysis: &Analysis<'_>, function: Fun) -> Vec<ShardedOp> {
    let program = analysis.program;
    let facts = analysis.facts(function);
    let catalog = program.catalog(function);
    let mut found = Vec::new();
    if !facts.locksets.concerns_locks() {
        return found;
    }
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, .. }, arguments } = &op.kind else { continue };
        let Target::Method { ty, name } = program.target(function, *dest) else { continue };
        if catalog.lock(*ty).is_none_or(|it| it.kind != LockKind::Sharded) {
            continue;
        }
        if let Some(map) = analysis.values(function).place(program, receiver) {
            let value = arguments.last().map(|it| it.value);
            found.push(ShardedOp { op: id, map, method: *name, result: *dest, value });
        }
    }
    found
}

/// Whether a lock is held at `op`, or nobody else has what is at `path`.
pub fn is_guarded(analysis: &Analysis<'_>, function: Fun, op: OpId, path: &Path) -> bool {
    !analysis.facts(function).locksets.guards(op).is_empty() || !analysis.entry.held(function).is_empty() || is_exclusive(analysis, function, path)
}

/// The map, where others have it and nothing keeps them out of it at `op`.
pub fn open_map(analysis: &Analysis<'_>, function: Fun, op: &ShardedOp) -> Option<Key> {
    let (key, _) = op.map.resolve(analysis.program, function)?;
    (matches!(key.owner, Owner::Field(..) | Owner::Global(..)) && !is_guarded(analysis, function, op.op, &op.map)).then_some(key)
}
