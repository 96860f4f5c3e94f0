//! Where a task gives way to others: between two points without such a place, what tasks share stays as it is.

use super::Graph;
use crate::analysis::Analysis;
use crate::analysis::path::Key;
use crate::catalog::Scope;
use crate::ir::{OpId, OpKind};
use crate::program::Fun;

/// Whether the lock keeps the tasks of an event loop apart, and no threads, as `function` or who calls it takes it.
pub fn is_for_tasks(analysis: &Analysis<'_>, function: Fun, lock: &Key) -> bool {
    let takes = |it: Fun| {
        let locksets = &analysis.facts(it).locksets;
        let ir = analysis.program.function(it);
        let entered = |op: OpId| matches!(ir.op(op).map(|it| &it.kind), Some(OpKind::Enter { is_async: true, .. }));
        locksets.acquisitions.iter().any(|it| {
            let taken = &locksets.locks[it.lock as usize];
            taken.key == *lock && (taken.scope == Scope::Async || entered(it.op))
        })
    };
    takes(function) || analysis.callers.sites(function).iter().any(|it| takes(it.0))
}

/// Whether the function may be suspended on a way from one op to the other. Leaving `async with lock` goes on at once.
pub fn suspends_between(analysis: &Analysis<'_>, function: Fun, from: OpId, to: OpId) -> bool {
    suspensions(analysis, function, from, to, &[], &[]).next().is_some()
}

/// Where the function may be suspended on a way from one op to the other that passes none of `before` until then, and none
/// of `after` from then on.
pub fn suspensions<'a>(
    analysis: &'a Analysis<'_>,
    function: Fun,
    from: OpId,
    to: OpId,
    before: &[OpId],
    after: &[OpId],
) -> impl Iterator<Item = OpId> + use<'a> {
    let graph = Graph::new(analysis.program.function(function));
    let suspends = move |op: &OpKind| matches!(op, OpKind::Yield { .. }) || analysis.waits.suspends_at(function, op);
    let is_between = graph.between(from, to, before, after);
    let (first, last) = if from < to { (from, to) } else { (OpId(0), OpId(u32::MAX)) };
    let near = graph.from(first).take_while(move |it| it.0 <= last);
    near.filter(move |(id, op)| suspends(&op.kind) && is_between(*id)).map(|it| it.0)
}
