//! `async-update`: state that tasks share is read, the task is suspended, and then the state is changed on the strength of
//! what was read.
//!
//! Between two awaits a task has the loop to itself; at an await all others may run. So for each write of a coroutine, the
//! read that it was computed from, or the test that allows it, is looked for, and an await on a way between the two
//! that nothing of the coroutine's own (a fresh read, a lock, an entry that claims the place) makes harmless.

mod near;
mod reuse;
mod tasks;

use rustc_hash::{FxHashMap, FxHashSet};

use self::near::Near;
use self::reuse::reuse;
use self::tasks::{Shared, Tasks};
use super::check_then_act::branches::{Branches, Decision, Made};
use super::check_then_act::{PLAIN, mutable_classes, reads_before, settles, takes_out};
use super::support::{
    Recent, Updates, finding, implements_lock, is_for_one_thread, is_method, is_of_caller, is_read_again, item_of, label, over_states, state_name,
    statement, step, stores_constant,
};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::atomics::is_exclusive;
use crate::analysis::lockset::Held;
use crate::analysis::path::{Key, Owner, Step};
use crate::analysis::state::Use;
use crate::catalog::Scope;
use crate::finding::{Confidence, Finding, Role, Rule, Severity};
use crate::ir::{Base, Language, OpId, OpKind};
use crate::program::{Cls, Fun, Target, Ty};

pub const ASYNC_UPDATE: Lint = Lint {
    rule: Rule {
        name: "async-update",
        group: "race",
        severity: Severity::Error,
        languages: &[Language::Python],
        summary: "State that tasks share is changed on the strength of what was read of it before an await",
        page: include_str!("../../../lints/async-update.md"),
    },
    check: Check::Program(check),
};

/// So many writes of one state in one function are tried; one finding is enough.
const MAX_TRIES: usize = 16;

/// A read, an await, and a write that relies on the read.
struct Case<'a> {
    /// As of where the state is looked at.
    read: Access,
    awaited: OpId,
    write: &'a Access,
    how: How,
    /// The lock of tasks that is taken for the write only.
    lock: Option<Key>,
}

/// How the write relies on the read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Its value was computed from it.
    Computed,
    /// It takes out what was seen there, and fails if that is gone.
    TakesOut,
    /// What was read allowed it.
    Decided { made: Made, raises: bool },
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mutable = mutable_classes(analysis);
    let tasks = Tasks::of(analysis);
    findings.extend(over_states(analysis, |owner, state, (updates, branches): &mut (Updates<'_>, Recent<Branches<'_>>), found| {
        if is_method(analysis.program, owner) || !matches!(owner, Owner::Field(..) | Owner::Global(..)) {
            return;
        }
        reuse(analysis, &tasks, owner, state, branches, found);
        let mut tries: FxHashMap<Fun, usize> = FxHashMap::default();
        for usage in state.uses.iter().filter(|it| it.writes && !it.construction && !it.maybe_guarded) {
            let function = usage.function;
            if !is_coroutine(analysis, function) {
                continue;
            }
            let tries = tries.entry(function).or_default();
            let write = analysis.access(usage);
            if *tries >= MAX_TRIES || is_own(analysis, owner, function, write) {
                continue;
            }
            *tries += 1;
            let branches = branches.get(function, || Branches::new(analysis.program.function(function)));
            let read = updates.read_before(analysis, function, write);
            let case = read.and_then(|it| computed(analysis, function, branches, it, write));
            let Some(case) = case.or_else(|| decided(analysis, usage, branches, &mutable)) else { continue };
            if let Some(shared) = tasks.shared(owner, state, usage, case.lock).filter(|it| !is_taken_between(analysis, function, &case, it)) {
                *tries = MAX_TRIES;
                found.push(report(analysis, usage, &case, shared));
            }
        }
    }));
}

/// Whether nobody else comes to the place while the function is at it, as far as is seen or said.
fn is_own(analysis: &Analysis<'_>, owner: &Owner, function: Fun, access: &Access) -> bool {
    is_exclusive(analysis, function, &access.path)
        || analysis.entry.callers_hold_one(function)
        || implements_lock(analysis.program, function)
        || is_for_one_thread(analysis, owner, function)
}

/// Whether the guard is taken between read and write, by something that is called there: it does what is to be done.
fn is_taken_between(analysis: &Analysis<'_>, function: Fun, case: &Case<'_>, shared: &Shared) -> bool {
    let locksets = &analysis.facts(function).locksets;
    let is_there = |op: OpId| op > case.read.op && op < case.write.op;
    case.lock.is_none() && locksets.acquisitions.iter().any(|it| is_there(it.op) && Some(locksets.locks[it.lock as usize].key) == shared.guard)
}

/// Whether the function is one whose awaits let others of its loop run.
fn is_coroutine(analysis: &Analysis<'_>, function: Fun) -> bool {
    analysis.program.language(function) == Language::Python && analysis.program.function(function).is_async
}

/// A write of what was computed from a read before an await.
fn computed<'a>(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, read: &'a Access, write: &'a Access) -> Option<Case<'a>> {
    let definitions = branches.definitions();
    let makes = |it: &OpKind| matches!(it, OpKind::Call { dest, .. } if matches!(analysis.program.target(function, *dest), Target::Construct { .. }));
    // What is added to a container in place is added to what is there now; and the object itself may be put back.
    if write.kind == AccessKind::Mutate
        || write.kind == AccessKind::Update && is_container(analysis, function, write)
        || is_put_back(branches, read, write)
        || !definitions.own_sources(write.value, write.op, makes).contains(&read.op)
    {
        return None;
    }
    let is_keyed = matches!(write.path.steps.last(), Some(Step::Item));
    if is_keyed && item_of(analysis, function, definitions, read.op) != item_of(analysis, function, definitions, write.op) {
        return None;
    }
    let lock = apart(analysis, function, read, write)?;
    let near = Near::of(analysis, function, read.op, write.op);
    // Compared with what is there now, before it is written.
    let again: Vec<OpId> = near.reads(write).filter(|it| branches.decision(*it, write.op).is_some()).collect();
    let awaited = near.suspension(branches, read, write.op, &again)?;
    Some(Case { read: read.clone(), awaited, write, how: How::Computed, lock })
}

/// Whether what is written is the object that was there, or a new one if there was none: it is put back, changed or not.
fn is_put_back(branches: &Branches<'_>, read: &Access, write: &Access) -> bool {
    let origins = branches.definitions().origins(write.value, write.op);
    let makes = |it: &OpId| matches!(branches.op(*it), Some(OpKind::Aggregate { .. } | OpKind::Call { .. }));
    origins.contains(&read.op) && origins.iter().any(|it| *it != read.op && makes(it))
}

/// Whether `|=` and the like change in place what is there.
fn is_container(analysis: &Analysis<'_>, function: Fun, write: &Access) -> bool {
    let ty = write.path.resolve(analysis.program, function).map(|it| it.1);
    matches!(ty, Some(Ty::External(path, _)) if analysis.program.catalog(function).container(path).is_some())
}

/// A write that a test before an await allows.
fn decided<'a>(analysis: &'a Analysis<'_>, usage: &Use, branches: &Branches<'_>, mutable: &FxHashSet<Cls>) -> Option<Case<'a>> {
    let (function, write) = (usage.function, analysis.access(usage));
    let mut reads = reads_before(analysis, usage).peekable();
    reads.peek()?;
    let takes_out = takes_out(analysis, function, branches, write);
    let says_which = || stores_constant(analysis, function, write) || branches.is_flag(write) || is_named(branches, write);
    if !takes_out && (settles(branches, write) || says_which()) {
        return None;
    }
    // The nearest test decides.
    let (read, decision) = reads.find_map(|it| branches.decision(it.op, write.op).map(|decision| (it, decision)))?;
    if !branches.is_own(&decision, read)
        || branches.compares(&decision, analysis, function, write)
        || branches.is_presence(&decision, read, write)
        || is_of_another(analysis, function, branches, &decision, read, write)
        || is_of_caller(analysis, function, branches.definitions(), write.op)
    {
        return None;
    }
    let read = Access { op: branches.looks_at(&decision, read), ..read.clone() };
    let near = Near::of(analysis, function, read.op, write.op);
    if !takes_out && near.renews(branches, write) {
        return None;
    }
    let lock = apart(analysis, function, &read, write)?;
    let awaited = near.suspension(branches, &read, write.op, &near.looks_again(branches, write))?;
    let decided = || How::Decided { made: branches.made(analysis, function, write, mutable), raises: decision.raises };
    let how = if takes_out { How::TakesOut } else { decided() };
    Some(Case { read, awaited, write, how, lock })
}

/// Whether the test is about another item than the write.
fn is_of_another(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, decision: &Decision, test: &Access, write: &Access) -> bool {
    let tested = branches.item(analysis, function, decision, test);
    let written = item_of(analysis, function, branches.definitions(), write.op);
    tested.is_some() && written.is_some() && tested != written
}

/// Whether what is written is a name's value: a state that is gone into, `State.CONNECTED`.
fn is_named(branches: &Branches<'_>, write: &Access) -> bool {
    let is_name = |it: &OpId| matches!(branches.op(*it), Some(OpKind::Load { place, .. }) if matches!(place.base, Base::Global(_)));
    let origins = branches.definitions().origins(write.value, write.op);
    write.kind == AccessKind::Write && !origins.is_empty() && origins.iter().all(is_name)
}

/// What keeps read and write apart: the lock that is taken for the write only, if any; none where one lock is held across
/// both, or the state is read again under the second, or the rules about locks have their own to say.
fn apart(analysis: &Analysis<'_>, function: Fun, read: &Access, write: &Access) -> Option<Option<Key>> {
    let locksets = &analysis.facts(function).locksets;
    // What lets in several keeps none of them out.
    let is_counting = |held: &Held| matches!(locksets.lock(held).key.owner, Owner::Field(class, name) if analysis.program.is_counting(class, name));
    let [at_read, at_write] = [read, write].map(|it| {
        let mut held = locksets.guards(it.op);
        held.retain(|it| !is_counting(it));
        held
    });
    if at_write.iter().any(|it| at_read.iter().any(|held| held.at == it.at)) || !analysis.entry.held(function).is_empty() {
        return None;
    }
    let Some(held) = at_write.iter().find(|it| locksets.keeps_out(it)) else { return at_write.is_empty().then_some(None) };
    let lock = locksets.lock(held);
    let is_split = at_read.iter().any(|it| locksets.lock(it).is_same(lock));
    let is_ours = lock.scope == Scope::Async && !is_split && !is_read_again(analysis, function, write, held.at);
    is_ours.then_some(Some(lock.key))
}

/// Whether what is written is a plain value: whoever comes last finds the same, as a rule.
fn is_plain(analysis: &Analysis<'_>, function: Fun, write: &Access) -> bool {
    matches!(analysis.program.local_type(function, write.value), Ty::External(path, _) if PLAIN.contains(&path.last()))
}

fn report(analysis: &Analysis<'_>, usage: &Use, case: &Case<'_>, shared: Shared) -> Finding {
    let program = analysis.program;
    let Case { ref read, awaited, write, how, ref lock } = *case;
    let function = usage.function;
    let [read_at, paused, wrote] = [read.op, awaited, write.op].map(|it| statement(analysis, function, it));
    let name = state_name(analysis, write);
    let confidence = match how {
        How::Decided { raises: true, .. } => Confidence::Low,
        How::Decided { .. } if is_plain(analysis, function, write) => Confidence::Low,
        How::Decided { made: Made::Value, .. } => shared.confidence.min(Confidence::Medium),
        _ => shared.confidence,
    };
    let mut it = finding(&ASYNC_UPDATE, analysis, function, wrote, confidence);
    let guard = lock.as_ref().or(shared.guard.as_ref()).map(|it| it.display(program));
    let hold = match &guard {
        Some(guard) => format!("hold `{guard}` across both"),
        None => "hold one `asyncio.Lock` across both".to_string(),
    };
    let [first, again, last] = match how {
        How::Computed => ["reads the old value", "reads the same", "writes what it computed from the old value: B's update is lost"],
        How::TakesOut => ["finds it there", "finds it, too, and takes it out", "takes out what is gone: an error"],
        How::Decided { .. } => ["tests, and goes on", "tests the same, and goes on, too", "changes it on a test that no longer holds"],
    };
    let (message, caption, help) = match (how, lock) {
        (How::Computed, _) => (
            format!("`{name}` is written back from a value that was read before an `await`"),
            "writes what was computed from the stale value",
            format!("await first, then read and write `{name}` in one go; or {hold}"),
        ),
        (_, Some(lock)) => (
            format!("`{name}` is tested before `{}` is taken, and not again under it", lock.display(program)),
            "acts on what the test saw",
            format!("test `{name}` again once the lock is held; or {hold}"),
        ),
        (How::TakesOut, None) => (
            format!("`{name}` is tested, and taken from after an `await`: another task may have been there in between"),
            "may be gone by now",
            format!("take it out before the `await`, or allow for its being gone; or {hold}"),
        ),
        (How::Decided { .. }, None) => (
            format!("`{name}` is tested, and changed after an `await`: another task may have done the same in between"),
            "acts on what the test saw",
            format!("test `{name}` again after the `await`, or put a placeholder there before it; or {hold}"),
        ),
    };
    it.message = message;
    it.caption = caption.to_string();
    it.help = help;
    if matches!(how, How::Decided { .. }) {
        it.severity = Severity::Warning;
    }
    it.state = Some(name.clone());
    it.locks = guard.into_iter().collect();
    if read_at != wrote {
        let what = if how == How::Computed { "read" } else { "tested" };
        it.labels.push(label(read_at, Role::Read, format!("`{name}` is {what} here")));
    }
    if paused != wrote && paused != read_at {
        it.labels.push(label(paused, Role::Await, "other tasks run here"));
    }
    it.evidence = shared.evidence;
    it.interleaving.push(step('A', read_at, first));
    it.interleaving.push(step('A', paused, "is suspended: the loop goes on with task B"));
    it.interleaving.push(step('B', read_at, again));
    it.interleaving.push(step('A', wrote, last));
    it
}
