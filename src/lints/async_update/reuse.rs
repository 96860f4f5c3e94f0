//! `if key in self.jobs: await …; self.jobs[key]`: what was tested is used after an await, and others take it out.

use rustc_hash::FxHashSet;

use super::super::check_then_act::branches::{Branches, Decision};
use super::super::check_then_act::reuse::{Loss, is_view, loss, used_after};
use super::super::support::{Item, Recent, finding, item_at, label, state_name, statement, step};
use super::near::Near;
use super::tasks::{Shared, Tasks};
use super::{ASYNC_UPDATE, MAX_TRIES, is_coroutine, is_own};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::path::Owner;
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{Base, Callee, Import, OpId, OpKind, Projection};
use crate::program::Fun;

pub(super) fn reuse<'a>(
    analysis: &'a Analysis<'_>,
    tasks: &Tasks<'_>,
    owner: &Owner,
    state: &State,
    all_branches: &mut Recent<Branches<'a>>,
    findings: &mut Vec<Finding>,
) {
    let is_tested = |it: &&Use| !it.writes && !it.construction && it.held.is_empty() && !it.maybe_guarded && is_coroutine(analysis, it.function);
    let mut tests = state.uses.iter().filter(is_tested).peekable();
    if tests.peek().is_none() {
        return;
    }
    let writes = state.uses.iter().filter(|it| it.writes && !it.construction && !analysis.callers.is_unseen(it.function));
    let losses = writes.filter_map(|it| loss(analysis, it).filter(|it| *it != Loss::Replaces).map(|loss| (it, loss)));
    let Some((lost, loss)) = losses.min_by_key(|it| it.1) else { return };
    let mut seen: FxHashSet<Fun> = FxHashSet::default();
    for usage in tests.take(MAX_TRIES) {
        let function = usage.function;
        let test = analysis.access(usage);
        if test.kind != AccessKind::Read
            || seen.contains(&function)
            || is_view(analysis, usage)
            || is_own(analysis, owner, function, test)
            || is_imported(analysis, function, test)
        {
            continue;
        }
        let mut awaited = None;
        let comes_late = |branches: &Branches<'_>, decision: &Decision, used: OpId| {
            let needs = || needs(analysis, function, branches, decision, test, used, loss);
            awaited = await_between(analysis, function, branches, decision, test, used).filter(|_| needs());
            awaited.is_some()
        };
        let used = used_after(analysis, function, test, loss, all_branches, comes_late);
        let (Some(used), Some(awaited)) = (used, awaited) else { continue };
        if let Some(shared) = tasks.shared(owner, state, usage, None) {
            seen.insert(function);
            findings.push(report(analysis, shared, usage, [awaited, used], (lost, loss)));
        }
    }
}

/// Where others run between the test and the use, with nothing of the function's own that makes up for it: it puts
/// something there before, or looks again after.
fn await_between(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, decision: &Decision, test: &Access, used: OpId) -> Option<OpId> {
    if !branches.is_own(decision, test) {
        return None;
    }
    let near = Near::of(analysis, function, test.op, used);
    let tests = near.reads(test).filter(|it| branches.decision(*it, used).is_some());
    let again: Vec<OpId> = near.writes(test).chain(tests).collect();
    near.suspension(branches, test, used, &again)
}

/// Whether the function imports the global itself: the name is its own, and keeps what it was given.
fn is_imported(analysis: &Analysis<'_>, function: Fun, test: &Access) -> bool {
    let program = analysis.program;
    let Some(OpKind::Load { place, .. }) = program.function(function).op(test.op).map(|it| &it.kind) else { return false };
    let module = program.module_of(function);
    let is_own = |it: &Import| it.item.is_some() && it.function.is_some_and(|it| program.fun(module, it) == function);
    matches!(place.base, Base::Global(name) if program.module(module).ir.imports.iter().any(|it| it.binds == name && is_own(it)))
}

/// Whether the use needs what the test found: the object itself, or the same item.
fn needs(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, decision: &Decision, test: &Access, used: OpId, loss: Loss) -> bool {
    let place = match branches.op(used) {
        Some(OpKind::Load { place, .. } | OpKind::Call { callee: Callee::Method { receiver: place, .. }, .. }) => *place,
        _ => return false,
    };
    let item = place.projections.iter().find_map(|it| match it {
        Projection::Key(key) => Some(Item::Constant(*key)),
        Projection::Index(key) => item_at(analysis, function, branches.definitions(), *key),
        _ => None,
    });
    loss == Loss::Clears || item.is_some() && item == branches.item(analysis, function, decision, test)
}

fn report(analysis: &Analysis<'_>, shared: Shared, usage: &Use, [awaited, used]: [OpId; 2], (lost, loss): (&Use, Loss)) -> Finding {
    let program = analysis.program;
    let name = state_name(analysis, analysis.access(usage));
    let [tested, paused, location] = [usage.op, awaited, used].map(|it| statement(analysis, usage.function, it));
    let place = statement(analysis, lost.function, lost.op);
    let (verb, gone, ends) = match loss {
        Loss::Clears => ("clears", "cleared it", "reads it again: `None`, and an error"),
        _ => ("takes from", "taken it out", "looks for it again: an error"),
    };
    // Of what is cleared at all, much is cleared when all is over.
    let confidence = match (loss, &shared.guard) {
        (Loss::Clears, None) => Confidence::Low,
        (Loss::Clears, Some(_)) => shared.confidence.min(Confidence::Medium),
        _ => shared.confidence,
    };
    let mut it = finding(&ASYNC_UPDATE, analysis, usage.function, location, confidence);
    it.message = format!("`{name}` is tested, and used after an `await`: another task may have {gone} in between");
    it.caption = "may be gone by now".to_string();
    it.help = format!("read `{name}` once, before the `await`, into a local, and use that; or test it again");
    it.state = Some(name.clone());
    it.locks = shared.guard.iter().map(|it| it.display(program)).collect();
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    if paused != location && paused != tested {
        it.labels.push(label(paused, Role::Await, "other tasks run here"));
    }
    it.labels.push(label(place, Role::OtherAccess, format!("`{}` {verb} it here", program.symbol(lost.function))));
    it.evidence = shared.evidence;
    it.interleaving.push(step('A', tested, format!("finds `{name}` there")));
    it.interleaving.push(step('A', paused, "is suspended: the loop goes on with task B"));
    it.interleaving.push(step('B', place, format!("{verb} it")));
    it.interleaving.push(step('A', location, ends));
    it
}
