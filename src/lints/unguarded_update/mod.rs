//! `unguarded-update`: a new value of shared state computed from its old one, with nothing to keep another thread out.
//!
//! For each store, the value is followed back to a read of the same place. Then: is a lock held across both, and if
//! not, what says that the state is shared? One finding for each state and function.

mod calls;
mod sharded;
mod swapped;
mod unchecked;

use rustc_hash::FxHashSet;

use self::calls::through_calls;
use self::sharded::sharded;
use self::swapped::{Known, swapped};
use self::unchecked::{atomics, unchecked};
use super::support::{
    Updates, belongs, expression, finding, initial_value, is_method, is_read_again, label, over_states, shared, state_name, statement, step,
};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::atomics::{have_one_handle, is_fresh};
use crate::analysis::path::{Key, Owner, Root};
use crate::analysis::state::{State, Use};
use crate::catalog::Scope;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Rule, Severity};
use crate::ir::{Callee, Language, OpId, OpKind};
use crate::program::{Fun, Program, Runtime};

pub const UNGUARDED_UPDATE: Lint = Lint {
    rule: Rule {
        name: "unguarded-update",
        group: "race",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "Shared state is updated from its old value with nothing to keep another thread out",
        page: include_str!("../../../lints/unguarded-update.md"),
    },
    check: Check::Program(check),
};

/// Methods that put something into a container beside what is there.
const ADDING: &[&str] = &["append", "appendleft", "extend", "push", "push_back", "push_front"];

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let of_states = over_states(analysis, |owner, state, (updates, known): &mut (Updates<'_>, Known), found| {
        if is_method(analysis.program, owner) {
            return;
        }
        let mut seen: FxHashSet<Fun> = FxHashSet::default();
        for usage in state.uses.iter().filter(|it| it.writes && !it.construction) {
            // One finding for each function.
            if seen.contains(&usage.function) {
                continue;
            }
            let access = analysis.access(usage);
            let Some(read) = updates.read_before(analysis, usage.function, access) else { continue };
            let update = match split_sections(analysis, usage.function, access, read) {
                Some(_) if adds_to(analysis, usage.function, access, read) || has_one_writer(analysis, state) => None,
                Some(lock) => Some(stale(analysis, usage.function, (read.op, access.op), &state_name(analysis, access), lock)),
                None if access.kind == AccessKind::Mutate => None,
                None => match analysis.program.language(usage.function) {
                    Language::Python => {
                        bare(analysis, owner, state, usage, (access, read), || updates.is_handed_out(analysis, usage.function, read, access))
                    }
                    Language::Rust => unchecked(analysis, owner, usage, access, read),
                },
            };
            if let Some(update) = update
                && seen.insert(usage.function)
            {
                found.push((Some((*owner, usage.function)), update));
            }
        }
        found.extend(swapped(analysis, owner, state, known).into_iter().map(|it| (None, it)));
    });
    let mut seen: FxHashSet<(Owner, Fun)> = of_states.iter().filter_map(|it| it.0).collect();
    findings.extend(of_states.into_iter().map(|it| it.1));
    for function in analysis.program.function_ids() {
        if analysis.facts(function).locksets.concerns_locks() && !analysis.program.is_exempt(function) {
            through_calls(analysis, function, &mut seen, findings);
        }
        if analysis.program.language(function) == Language::Rust && !analysis.program.is_exempt(function) {
            atomics(analysis, function, findings);
            findings.extend(sharded(analysis, function));
        }
    }
}

/// The lock under which both stand, but in two critical sections; none where one section covers both, or there is none.
fn split_sections(analysis: &Analysis<'_>, function: Fun, write: &Access, read: &Access) -> Option<Key> {
    // An object that was only made here has no others.
    if matches!(write.path.root, Root::Local(local) if is_fresh(analysis, function, local)) {
        return None;
    }
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    let (before_read, before_write) = (locksets.guards(read.op), locksets.guards(write.op));
    let split = before_write.iter().filter(|it| locksets.keeps_out(it)).find(|held| {
        let lock = locksets.lock(held);
        before_read.iter().any(|it| it.sure && it.at != held.at && locksets.lock(it).is_same(lock)) && !before_read.iter().any(|it| it.at == held.at)
    })?;
    // Any lock held across both keeps others out, as far as all agree on it.
    if before_write.iter().any(|it| before_read.contains(it)) {
        return None;
    }
    (!is_read_again(analysis, function, write, split.at)).then(|| locksets.lock(split).key)
}

/// Whether all that write the state do it through one handle that each of them has to itself.
fn has_one_writer(analysis: &Analysis<'_>, state: &State) -> bool {
    let writes = state.uses.iter().filter(|it| it.writes && !it.construction);
    writes.clone().all(|it| analysis.program.language(it.function) == Language::Rust) && have_one_handle(analysis, writes.map(|it| it.function))
}

/// Whether the write only puts something more into a container, and what it puts in was in there: nothing is overwritten.
fn adds_to(analysis: &Analysis<'_>, function: Fun, write: &Access, read: &Access) -> bool {
    let ir = analysis.program.function(function);
    let method = |id: OpId| match ir.op(id).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => Some(name.as_str()),
        _ => None,
    };
    write.kind == AccessKind::Mutate
        && method(write.op).is_some_and(|it| ADDING.contains(&it))
        && !method(read.op).is_some_and(|it| matches!(it, "len" | "count" | "is_empty"))
}

fn stale(analysis: &Analysis<'_>, function: Fun, (read, write): (OpId, OpId), state: &str, lock: Key) -> Finding {
    let program = analysis.program;
    let lock = lock.display(program);
    let (wrote, read_at) = (statement(analysis, function, write), statement(analysis, function, read));
    let mut it = finding(&UNGUARDED_UPDATE, analysis, function, wrote, Confidence::High);
    it.message = format!("`{state}` is written back from a value read before `{lock}` was given up in between");
    it.caption = "writes what was computed from the stale value".to_string();
    it.help = format!("read, compute and write under one acquisition of `{lock}`, or read `{state}` again under the second");
    it.state = Some(state.to_string());
    it.locks = vec![lock.clone()];
    it.labels.push(label(read_at, Role::Read, format!("`{state}` is read here, in an earlier critical section")));
    it.evidence.push(Evidence {
        kind: if program.language(function) == Language::Rust { EvidenceKind::ByType } else { EvidenceKind::GuardedElsewhere },
        message: format!("`{lock}` is taken for the read and again for the write, so others can write in between"),
        location: Some(read_at),
    });
    schedule(&mut it, read_at, wrote, None, state);
    it
}

fn schedule(it: &mut Finding, read: Location, write: Location, initial: Option<i64>, state: &str) {
    let (old, new) = match initial {
        Some(value) => (value.to_string(), (value + 1).to_string()),
        None => (format!("`{state}`"), "its new value".to_string()),
    };
    it.interleaving.push(step('A', read, format!("reads {old}")));
    it.interleaving.push(step('B', read, format!("reads {old}, too")));
    it.interleaving.push(step('A', write, format!("writes {new}")));
    it.interleaving.push(step('B', write, format!("writes {new}: A's update is lost")));
}

fn bare(
    analysis: &Analysis<'_>,
    owner: &Owner,
    state: &State,
    usage: &Use,
    (write, read): (&Access, &Access),
    mut is_handed_out: impl FnMut() -> bool,
) -> Option<Finding> {
    let program = analysis.program;
    let wrong = wrong_lock(program, owner, state, usage);
    if (!usage.held.is_empty() && wrong.is_none())
        || usage.maybe_guarded
        || matches!(owner, Owner::Param(..))
        || matches!(write.path.root, Root::Local(_) if matches!(owner, Owner::Local(..)))
    {
        return None;
    }
    // A method whose object never left the function, or that belongs to the thread it runs on.
    if matches!(write.path.root, Root::Local(local) if is_fresh(analysis, usage.function, local)) {
        return None;
    }
    // One loop runs its tasks in turn: between two awaits nothing else runs.
    if program.function(usage.function).is_async && write.kind == AccessKind::Update {
        return on_loop(analysis, state, usage, write);
    }
    if program.function(usage.function).is_async || state.guard().is_some_and(|(guard, _)| analysis.states.scope(&guard) == Scope::Async) {
        return None;
    }
    let switch = switch_point(analysis, usage.function, read.op, write.op);
    // Without the GIL nothing but chance keeps two threads apart, whatever stands between the read and the write.
    let loses = switch.is_some() || program.runtime == Some(Runtime::FreeThreaded);
    let mut shared = shared(analysis, owner, state, usage, write, loses)?;
    // A number that two threads are given is worse than a count that is off. What all objects of a class share is shared by
    // threads, and where other code runs in the middle of an update it is surely lost some day.
    if (shared.confidence == Confidence::Low || shared.locks_each) && !shared.one_thread {
        let counts = !shared.unrelated && (is_handed_out() || loses && shared.of_class);
        shared.confidence = if counts { Confidence::Medium } else { Confidence::Low };
    }
    let is_declared = state.declared.is_some_and(|it| !it.prose);
    if program.runtime == Some(Runtime::Gil) && !loses && !is_declared && shared.confidence < Confidence::High {
        shared.confidence = Confidence::Low;
    }
    let name = state_name(analysis, write);
    let location = statement(analysis, usage.function, write.op);
    let mut it = finding(&UNGUARDED_UPDATE, analysis, usage.function, location, shared.confidence);
    it.message = match &shared.guard {
        Some((guard, _)) if wrong.is_some() => {
            let held = wrong.map(|it| it.display(program)).unwrap_or_default();
            format!("`{name}` is updated under `{held}`, but `{}` guards it elsewhere", guard.display(program))
        }
        None if wrong.is_some() => {
            let held = wrong.map(|it| it.display(program)).unwrap_or_default();
            format!("`{name}` is updated under `{held}`, which no other update of it holds")
        }
        Some((guard, _)) => format!("`{name}` is updated without `{}`, which guards it elsewhere", guard.display(program)),
        None => format!("`{name}` is updated from its old value with no lock held"),
    };
    it.caption = "reads the old value, then writes the new one".to_string();
    it.help = match &shared.guard {
        Some((guard, _)) => format!("do the update under `{}`", guard.display(program)),
        None => format!("hold one lock at every access of `{name}`"),
    };
    if let Some((guard, place)) = &shared.guard {
        it.locks = vec![guard.display(program)];
        it.labels.push(label(*place, Role::OtherAccess, format!("under `{}` here", guard.display(program))));
    }
    if let Some(other) =
        state.uses.iter().find(|it| it.writes && !it.construction && it.op != usage.op && it.function != usage.function && it.held.is_empty())
    {
        it.labels.push(label(statement(analysis, other.function, other.op), Role::OtherAccess, "also written here"));
    }
    it.evidence = shared.evidence;
    let caveat = match (switch, program.runtime) {
        (_, Some(Runtime::FreeThreaded)) => None,
        (Some(_), _) => Some("other code runs between the read and the write, so the interpreter can switch threads there"),
        (None, Some(Runtime::Gil)) => Some("nothing guarantees the update, but an interpreter with the GIL rarely switches threads inside it"),
        (None, None) => Some("nothing guarantees the update: today's GIL builds rarely switch threads inside it, free-threaded builds lose it"),
    };
    it.evidence.extend(caveat.map(|message| Evidence {
        kind: EvidenceKind::Caveat,
        message: message.to_string(),
        location: switch.map(|op| expression(analysis, usage.function, op)),
    }));
    let projections = analysis.program.function(usage.function).op(write.op).and_then(|op| op.kind.place().map(|it| it.projections));
    let initial = initial_value(analysis, owner, projections.as_deref().unwrap_or(&[]));
    it.state = Some(name.clone());
    schedule(&mut it, location, location, initial, &name);
    Some(it)
}

/// An update in a coroutine, without an await inside: whole as long as no thread reaches the state. Where one does, low.
fn on_loop(analysis: &Analysis<'_>, state: &State, usage: &Use, write: &Access) -> Option<Finding> {
    let other = state.uses.iter().find(|it| !it.construction && analysis.sharing.is_on_thread(it.function))?;
    let name = state_name(analysis, write);
    let location = statement(analysis, usage.function, write.op);
    let mut it = finding(&UNGUARDED_UPDATE, analysis, usage.function, location, Confidence::Low);
    it.message = format!("`{name}` is updated on the event loop, and a thread uses it as well");
    it.caption = "reads the old value, then writes the new one".to_string();
    it.help = format!("hold a `threading.Lock` at every access of `{name}`, or keep it to the loop's thread");
    it.state = Some(name.clone());
    it.labels.push(label(statement(analysis, other.function, other.op), Role::OtherAccess, "used on a thread here"));
    it.evidence.push(Evidence {
        kind: EvidenceKind::Caveat,
        message: "tasks of one loop switch at `await` only: without one in between the update is whole for them".to_string(),
        location: None,
    });
    schedule(&mut it, location, location, None, &name);
    Some(it)
}

/// The lock held here, where it keeps nobody out: all other writes agree on another one, or it is no lock of the state's
/// owner and no other write is under it.
fn wrong_lock(program: &Program<'_>, owner: &Owner, state: &State, usage: &Use) -> Option<Key> {
    let [(held, _)] = usage.held[..] else { return None };
    // The lock inside a lock class is another key in each of its methods.
    if matches!(held.owner, Owner::Param(..) | Owner::Local(..)) {
        return None;
    }
    let mut others = state.uses.iter().filter(|it| it.writes && !it.construction && !(it.function == usage.function && it.op == usage.op));
    if others.clone().next().is_none() || others.clone().any(|it| it.maybe_guarded || it.held.iter().any(|it| it.0 == held)) {
        return None;
    }
    let (guard, _) = state.guard()?;
    let agreed = guard != held && others.all(|it| it.held.iter().any(|it| it.0 == guard));
    let foreign = !belongs(program, &held, owner);
    (agreed || foreign).then_some(held)
}

/// A call between read and write, at which the interpreter may switch threads.
fn switch_point(analysis: &Analysis<'_>, function: Fun, read: OpId, write: OpId) -> Option<OpId> {
    let ir = analysis.program.function(function);
    ir.numbered()
        .skip(read.index())
        .take(write.index().saturating_sub(read.index()))
        .find(|(id, op)| match &op.kind {
            OpKind::Call { callee: Callee::Method { name, .. }, .. } if *id == read => *name == "get",
            OpKind::Call { .. } | OpKind::Await { .. } | OpKind::Enter { .. } => true,
            _ => false,
        })
        .map(|it| it.0)
}
