//! `if self._sock: self._sock.close()`: a reference that is tested, and read again, while others clear it.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use super::super::support::{
    Guard, REMOVING, Recent, Shared, finding, has_to_do_with, is_at_hand, is_for_one_thread, is_method, label, shared, state_name, statement,
    stays_on_loop, step,
};
use super::CHECK_THEN_ACT;
use super::branches::{Branches, Decision};
use super::swept::swept;
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, VIEWS};
use crate::analysis::path::{Owner, Step};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Evidence, Finding, Role};
use crate::ir::{Base, Callee, Const, Language, OpId, OpKind, Place};
use crate::program::Fun;

/// So many tests of one state in one function are tried; one finding is enough.
const MAX_TRIES: usize = 16;

/// How another function makes what was tested go away, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lints) enum Loss {
    /// Stores `None`.
    Clears,
    /// Takes something out of a container.
    TakesOut,
    /// Puts another container in its place.
    Replaces,
}

/// Why the state is taken for shared.
enum Why<'a> {
    Guarded(Guard<'a>),
    Shared(Shared),
    /// Somebody who has all such objects makes it go away.
    Swept(Evidence),
}

pub(super) fn reuse<'a>(
    analysis: &'a Analysis<'_>,
    owner: &Owner,
    state: &State,
    all_branches: &mut Recent<Branches<'a>>,
    findings: &mut Vec<Finding>,
) {
    let program = analysis.program;
    if program.language(state.uses[0].function) != Language::Python {
        return;
    }
    let writes = state.uses.iter().filter(|it| it.writes && !it.construction && !analysis.callers.is_unseen(it.function));
    let mut guard = Guard::of(analysis, owner, state);
    // Who replaces a container under no lock knows that nobody looks.
    let counts = |loss: Loss| loss != Loss::Replaces || guard.is_some();
    let mut losses: Vec<(&Use, Loss)> = writes.filter_map(|it| loss(analysis, it).filter(|it| counts(*it)).map(|loss| (it, loss))).collect();
    if losses.is_empty() {
        return;
    }
    losses.sort_by_key(|it| it.1);
    // What a lock guards elsewhere, or what several threads are known to use.
    if guard.is_none() && (is_method(program, owner) || !matches!(owner, Owner::Field(..)) || state.guard().is_some()) {
        return;
    }
    let mut tried: FxHashMap<Fun, usize> = FxHashMap::default();
    let sweep = OnceCell::new();
    for usage in state.uses.iter().filter(|it| !it.writes && !it.construction && it.held.is_empty() && !it.maybe_guarded) {
        let function = usage.function;
        let access = analysis.access(usage);
        // What is run for all objects may run twice for one.
        let swept = || sweep.get_or_init(|| sweep_of(analysis, &losses)).as_ref();
        let other = losses.iter().find(|it| it.0.function != function).copied();
        let Some((lost, loss)) = other.or_else(|| swept().filter(|_| guard.is_none()).map(|it| (it.0, Loss::Clears))) else { continue };
        let tries = tried.entry(function).or_default();
        if *tries >= MAX_TRIES
            || program.function(function).is_async
            || access.kind != AccessKind::Read
            || is_view(analysis, usage)
            || stays_on_loop(analysis, state, function)
            || is_for_one_thread(analysis, owner, function)
        {
            continue;
        }
        let keeps_out = |guard: &Guard<'_>| {
            analysis.entry.callers_hold(function, &guard.lock)
                || !is_at_hand(program, function, access, &guard.lock)
                || has_to_do_with(analysis, function, &guard.lock)
        };
        if guard.as_ref().is_some_and(keeps_out) {
            continue;
        }
        *tries += 1;
        let Some(used) = used_after(analysis, function, access, loss, all_branches, |_, _, _| true) else { continue };
        let why = match (guard.take(), swept().filter(|it| it.0.op == lost.op && it.0.function == lost.function)) {
            (Some(it), _) => Why::Guarded(it),
            (None, Some((_, sign))) => Why::Swept(sign.clone()),
            (None, None) => match shared(analysis, owner, state, usage, access, false) {
                Some(it) => Why::Shared(it),
                None => continue,
            },
        };
        *tries = MAX_TRIES;
        findings.push(report(analysis, &why, usage, used, (lost, loss)));
        if let Why::Guarded(it) = why {
            guard = Some(it);
        }
    }
}

/// The first write of `None` by something that is run for all objects of its class; and what runs it.
fn sweep_of<'a>(analysis: &Analysis<'_>, losses: &[(&'a Use, Loss)]) -> Option<(&'a Use, Evidence)> {
    let clears = losses.iter().filter(|it| it.1 == Loss::Clears && !analysis.entry.callers_hold_one(it.0.function));
    clears.take(MAX_TRIES).find_map(|it| swept(analysis, it.0.function).map(|sign| (it.0, sign)))
}

/// Whether the write makes what was there go away.
pub(in crate::lints) fn loss(analysis: &Analysis<'_>, usage: &Use) -> Option<Loss> {
    let access = analysis.access(usage);
    let ir = analysis.program.function(usage.function);
    if access.kind == AccessKind::Mutate {
        return match ir.op(usage.op).map(|it| &it.kind) {
            Some(OpKind::Delete { .. }) => Some(Loss::TakesOut),
            Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if REMOVING.contains(&name.as_str()) => Some(Loss::TakesOut),
            _ => None,
        };
    }
    if access.kind != AccessKind::Write || access.changes_in_place() {
        return None;
    }
    match ir.constant_at(access.value, access.op) {
        Some(Const::None) => Some(Loss::Clears),
        Some(_) => None,
        None => Some(Loss::Replaces),
    }
}

/// Whether it is `d.values()` or the like: nothing is tested that is there once.
pub(in crate::lints) fn is_view(analysis: &Analysis<'_>, usage: &Use) -> bool {
    match analysis.program.function(usage.function).op(usage.op).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => VIEWS.contains(&name.as_str()),
        _ => false,
    }
}

/// Where the same place is read again, to call it or to look inside, on the strength of the test; with no lock held, and
/// where `counts` says that it matters.
pub(in crate::lints) fn used_after<'a>(
    analysis: &'a Analysis<'_>,
    function: Fun,
    test: &Access,
    loss: Loss,
    all_branches: &mut Recent<Branches<'a>>,
    mut counts: impl FnMut(&Branches<'_>, &Decision, OpId) -> bool,
) -> Option<OpId> {
    let program = analysis.program;
    let facts = analysis.facts(function);
    let container = match test.path.steps.last() {
        Some(Step::Key(_) | Step::Item) => test.path.steps.len() - 1,
        _ => test.path.steps.len(),
    };
    let is_item = |step: &Step| matches!(step, Step::Key(_) | Step::Item);
    let goes_through = |place: &Place| {
        let path = analysis.values(function).place(program, place)?;
        let through = path.root == test.path.root && path.steps.get(..test.path.steps.len()) == Some(&test.path.steps[..]);
        // Of another container only what is in it may be missing.
        let looks_up = || {
            path.root == test.path.root
                && path.steps.get(..container) == Some(&test.path.steps[..container])
                && path.steps.get(container).is_some_and(is_item)
        };
        Some(if loss == Loss::Replaces { looks_up() } else { through })
    };
    // What a local was given before is not read again.
    let reads_again = |place: &Place| match place.base {
        Base::Local(base) => analysis.values(function).path(base).is_none_or(|it| it.steps.len() < test.path.steps.len()),
        Base::Global(_) => true,
    };
    for (id, op) in program.function(function).numbered() {
        let place = match &op.kind {
            // `d.get(key, None)`: who says what he wants instead counts on its being gone.
            OpKind::Call { callee: Callee::Method { name, .. }, arguments, .. }
                if *name == "get" && arguments.len() > 1 && matches!(loss, Loss::TakesOut | Loss::Replaces) =>
            {
                continue;
            }
            OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => receiver,
            // What is read whole is not used yet.
            OpKind::Load { place, .. } if place.projections.len() > test.path.steps.len() => place,
            _ => continue,
        };
        // A local that has the object keeps it.
        if id <= test.op
            || place.as_local().is_some()
            || !reads_again(place)
            || !facts.locksets.before(id).is_empty()
            || goes_through(place) != Some(true)
        {
            continue;
        }
        let branches = &*all_branches.get(function, || Branches::new(program.function(function)));
        if branches.decision(test.op, id).is_some_and(|it| !branches.is_caught(id) && counts(branches, &it, id)) {
            return Some(id);
        }
    }
    None
}

fn report(analysis: &Analysis<'_>, why: &Why<'_>, usage: &Use, used: OpId, (lost, loss): (&Use, Loss)) -> Finding {
    let program = analysis.program;
    let name = state_name(analysis, analysis.access(usage));
    let (tested, location) = (statement(analysis, usage.function, usage.op), statement(analysis, usage.function, used));
    let place = statement(analysis, lost.function, lost.op);
    let confidence = match why {
        Why::Guarded(_) | Why::Swept(_) => Confidence::Medium,
        Why::Shared(shared) if shared.is_documented => Confidence::Medium,
        Why::Shared(_) => Confidence::Low,
    };
    let mut it = finding(&CHECK_THEN_ACT, analysis, usage.function, location, confidence);
    let (again, verb, caption, ends) = match loss {
        Loss::Clears => (
            "then read again to be used: another thread may have cleared it",
            "clears",
            "may be `None` by now",
            "reads it again: `None`, and an error",
        ),
        Loss::TakesOut => {
            ("then looked into again: another thread may have taken it out", "takes from", "may be gone by now", "looks for it again: an error")
        }
        Loss::Replaces => (
            "then looked into again: another thread may have put another in its place",
            "replaces",
            "may be another one by now",
            "looks into the other one: what was found may not be there",
        ),
    };
    it.message = format!("`{name}` is tested, and {again} in between");
    it.caption = caption.to_string();
    it.help = format!("read `{name}` once, into a local, and test and use that");
    it.state = Some(name.clone());
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    it.labels.push(label(place, Role::OtherAccess, format!("`{}` {verb} it here", program.symbol(lost.function))));
    match why {
        Why::Guarded(guard) => {
            let lock = guard.lock.display(program);
            it.help.push_str(&format!("; or do both under `{lock}`"));
            it.locks = vec![lock];
            it.evidence = guard.evidence(analysis, &guard.writes, "writes");
        }
        Why::Shared(shared) => it.evidence.clone_from(&shared.evidence),
        Why::Swept(sign) => it.evidence.push(sign.clone()),
    }
    it.interleaving.push(step('A', tested, format!("finds `{name}` there")));
    it.interleaving.push(step('B', place, format!("{verb} it")));
    it.interleaving.push(step('A', location, ends));
    it
}
