//! `unguarded-update`: a new value of shared state computed from its old one, with nothing to keep another thread out.
//!
//! For each store, the value is followed back to a read of the same place. Then: is a lock held across both, and if
//! not, what says that the state is shared? One finding for each state and function.

use std::cell::LazyCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Lint;
use super::support::{expression, finding, initial_value, label, statement, step};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, Definitions};
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, is_exclusive, is_fresh};
use crate::analysis::lockset::{Held, OpId, op_of};
use crate::analysis::path::{Key, Owner, Root, Step};
use crate::analysis::state::{State, Use};
use crate::catalog::Scope;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Severity};
use crate::ir::{Base, Callee, Language, Local, Name, Op, OpKind, ParamKind, Place, TypeRef};
use crate::program::{Fun, Program, Ty};

/// Definitions of functions are kept for so many functions at once.
const MAX_KEPT: usize = 64;

pub const UNGUARDED_UPDATE: Lint = Lint {
    name: "unguarded-update",
    group: "race",
    severity: Severity::Error,
    languages: &[Language::Python, Language::Rust],
    summary: "Shared state is updated from its old value with nothing to keep another thread out",
    page: include_str!("../../lints/unguarded-update.md"),
    check,
};

/// Why the state is taken for shared, and how strong that is.
struct Shared {
    confidence: Confidence,
    evidence: Vec<Evidence>,
    guard: Option<(Key, Location)>,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mut seen: FxHashSet<(Owner, Fun)> = FxHashSet::default();
    let mut definitions: FxHashMap<Fun, Definitions<'_>> = FxHashMap::default();
    for (owner, state) in analysis.states.iter() {
        // A method that is replaced, by a patch or a test, is no state that counts.
        if matches!(owner, Owner::Field(class, name) if analysis.program.method(*class, *name).is_some()) {
            continue;
        }
        for usage in state.uses.iter().filter(|it| it.writes && !it.construction) {
            let access = &analysis.facts(usage.function).accesses[usage.access as usize];
            let Some(read) = read_before(analysis, &mut definitions, usage.function, access) else { continue };
            let found = match split_sections(analysis, usage.function, access, read) {
                Some(lock) => Some(stale(analysis, usage.function, (read.op, access.op), &state_name(analysis, access), lock)),
                None if access.kind == AccessKind::Mutate => None,
                None => match analysis.program.language(usage.function) {
                    Language::Python => bare(analysis, owner, state, usage, access, read),
                    Language::Rust => unchecked(analysis, owner, usage, access, read),
                },
            };
            if let Some(found) = found
                && seen.insert((*owner, usage.function))
            {
                findings.push(found);
            }
        }
    }
    for function in analysis.program.function_ids() {
        if !analysis.program.is_exempt(function) {
            through_calls(analysis, function, &mut seen, findings);
        }
        if analysis.program.language(function) == Language::Rust && !analysis.program.is_exempt(function) {
            atomics(analysis, function, findings);
        }
    }
}

/// The latest read of the same place that the written value was computed from.
fn read_before<'f>(
    analysis: &'f Analysis<'_>,
    definitions: &mut FxHashMap<Fun, Definitions<'f>>,
    function: Fun,
    write: &Access,
) -> Option<&'f Access> {
    let facts = analysis.facts(function);
    // A container's own method is one step, but what goes in may be stale.
    if write.kind == AccessKind::Read {
        return None;
    }
    let reads =
        || facts.accesses.iter().filter(|it| it.kind == AccessKind::Read && it.op < write.op && it.path == write.path || is_lookup(it, write));
    reads().next()?;
    let ir = analysis.program.function(function);
    // The states of a function follow one another.
    if definitions.len() >= MAX_KEPT {
        definitions.clear();
    }
    let definitions = definitions.entry(function).or_insert_with(|| Definitions::new(ir));
    let sources: FxHashSet<OpId> = definitions.sources(write.value, write.op).into_iter().collect();
    let read = reads().filter(|it| sources.contains(&it.op) && it.op < write.op).max_by_key(|it| it.op)?;
    (!definitions.is_copy(write.value, write.op, read.op)).then_some(read)
}

/// `d.get(k)` before `d[k] = …`.
fn is_lookup(read: &Access, write: &Access) -> bool {
    read.kind == AccessKind::Read && write.path.steps.last().is_some_and(|it| matches!(it, Step::Key(_) | Step::Item)) && {
        let mut container = write.path.clone();
        container.steps.pop();
        container == read.path
    }
}

/// The lock under which both stand, but in two critical sections; none where one section covers both, or there is none.
fn split_sections(analysis: &Analysis<'_>, function: Fun, write: &Access, read: &Access) -> Option<Key> {
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    let (before_read, before_write) = (locksets.before(read.op), locksets.before(write.op));
    let keeps_out = |it: &Held| it.sure && !locksets.lock(it).opaque && locksets.lock(it).excludes();
    let split = before_write.iter().filter(|it| keeps_out(it)).find(|held| {
        let lock = locksets.lock(held);
        before_read.iter().any(|it| it.sure && it.at != held.at && locksets.lock(it).is_same(lock)) && !before_read.iter().any(|it| it.at == held.at)
    })?;
    // Any lock held across both keeps others out, as far as all agree on it.
    if before_write.iter().any(|it| before_read.contains(it)) {
        return None;
    }
    (!is_read_again(analysis, function, write, split.at)).then(|| locksets.lock(split).key)
}

/// Whether the state is read under the acquisition at `section` before it is written: the write is decided on a fresh
/// value.
fn is_read_again(analysis: &Analysis<'_>, function: Fun, write: &Access, section: OpId) -> bool {
    let facts = analysis.facts(function);
    facts.accesses.iter().any(|it| {
        it.kind == AccessKind::Read
            && it.op > section
            && it.op < write.op
            && it.key.owner == write.key.owner
            && facts.locksets.before(it.op).iter().any(|held| held.at == section)
    })
}

fn state_name(analysis: &Analysis<'_>, access: &Access) -> String {
    let base = Key { item: false, data: false, ..access.key }.display(analysis.program);
    match access.path.steps.last() {
        Some(Step::Key(key)) => format!("{base}[{key}]"),
        Some(Step::Item) => format!("{base}[…]"),
        _ => base,
    }
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

fn bare(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, write: &Access, read: &Access) -> Option<Finding> {
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
    let shared = shared(analysis, owner, state, usage, write, switch)?;
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
    it.evidence.push(Evidence {
        kind: EvidenceKind::Caveat,
        message: match switch {
            Some(_) => "other code runs between the read and the write, so the interpreter can switch threads there".to_string(),
            None => "nothing guarantees the update: today's GIL builds rarely switch threads inside it, free-threaded builds lose it".to_string(),
        },
        location: switch.map(|op| expression(analysis, usage.function, op)),
    });
    let projections = analysis
        .program
        .function(usage.function)
        .ops()
        .nth(write.op.0 as usize)
        .and_then(|(_, _, op)| op.kind.place().map(|it| it.projections.clone()));
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
    ir.ops()
        .enumerate()
        .map(|(index, (_, _, op))| (OpId(index as u32), op))
        .filter(|(id, _)| *id >= read && *id < write)
        .find(|(id, op)| match &op.kind {
            OpKind::Call { callee: Callee::Method { name, .. }, .. } if *id == read => *name == "get",
            OpKind::Call { .. } | OpKind::Await { .. } | OpKind::Enter { .. } => true,
            _ => false,
        })
        .map(|it| it.0)
}

fn shared(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, write: &Access, switch: Option<OpId>) -> Option<Shared> {
    let program = analysis.program;
    let mut evidence = Vec::new();
    let with_switch = |plain: Confidence, switched: Confidence| if switch.is_some() { switched } else { plain };
    if let Some((guard, example)) = state.guard()
        && belongs(program, &guard, owner)
        && is_at_hand(program, usage.function, write, &guard)
        && (is_own(program, &guard, owner) || state.is_mostly_under(&guard))
        && !implements_lock(program, usage.function)
    {
        let place = statement(analysis, example.function, example.op);
        evidence.push(Evidence {
            kind: EvidenceKind::GuardedElsewhere,
            message: format!("`{}` writes it under `{}`", program.symbol(example.function), guard.display(program)),
            location: Some(place),
        });
        return Some(Shared { confidence: with_switch(Confidence::Medium, Confidence::High), evidence, guard: Some((guard, place)) });
    }
    if let Some(entry) = analysis.sharing.entry(usage.function, &write.path).map(|it| program.threads.entries[it as usize])
        && (entry.several || updated_outside(analysis, state, usage))
    {
        evidence.push(Evidence {
            kind: EvidenceKind::ThreadTarget,
            message: format!("`{}` runs on other threads (`{}`)", program.symbol(entry.function), entry.what),
            location: Some(entry.location),
        });
        return Some(Shared { confidence: with_switch(Confidence::Medium, Confidence::High), evidence, guard: None });
    }
    if let Owner::Field(class, _) = owner
        && let Some(lock) = owned_lock(program, *class)
    {
        evidence.push(Evidence {
            kind: EvidenceKind::OwnsLock,
            message: format!("`{}` owns `{lock}`, so it expects several threads", program.class_name(*class)),
            location: program.field_location(*class, Name::new(lock.rsplit('.').next().unwrap_or(""))),
        });
        // Two signs of medium strength: a lock, and one place for all instances in a program with threads.
        let confidence = match program.threads.started {
            Some(started) if matches!(write.path.root, Root::Class(_)) => {
                evidence.push(Evidence {
                    kind: EvidenceKind::Threads,
                    message: "all instances share it, and the program starts threads".to_string(),
                    location: Some(started),
                });
                Confidence::Medium
            }
            _ => Confidence::Low,
        };
        return Some(Shared { confidence, evidence, guard: None });
    }
    // One object for all threads: a global, or what all instances of a class have in common.
    let of_all = match owner {
        Owner::Global(..) => Some("this is one object for all of them"),
        Owner::Field(..) if matches!(write.path.root, Root::Class(_)) => Some("all instances share this"),
        _ => None,
    };
    if let (Some(why), Some(started)) = (of_all, program.threads.started) {
        evidence.push(Evidence {
            kind: EvidenceKind::Threads,
            message: format!("the program starts threads, and {why}"),
            location: Some(started),
        });
        return Some(Shared { confidence: Confidence::Low, evidence, guard: None });
    }
    None
}

/// Whether a lock is the state's own: of the same class or a related one, or of the same module.
fn belongs(program: &Program<'_>, guard: &Key, owner: &Owner) -> bool {
    match (guard.owner, owner) {
        (Owner::Field(lock, _), Owner::Field(class, _)) => {
            program.ancestry(lock).contains(class)
                || program.ancestry(*class).contains(&lock)
                || program.module_of_class(lock) == program.module_of_class(*class)
        }
        (Owner::Global(module, _), Owner::Global(of, _)) => module == *of,
        (Owner::Global(module, _), Owner::Field(class, _)) => module == program.module_of_class(*class),
        _ => false,
    }
}

/// Whether the lock is a field of the state's own class, or of the same module.
fn is_own(program: &Program<'_>, guard: &Key, owner: &Owner) -> bool {
    match (guard.owner, owner) {
        (Owner::Field(lock, _), Owner::Field(class, _)) => program.ancestry(lock).contains(class) || program.ancestry(*class).contains(&lock),
        _ => true,
    }
}

/// Whether the function is part of a lock: its own state is guarded by what it implements.
fn implements_lock(program: &Program<'_>, function: Fun) -> bool {
    let has = |class, name| program.method(class, Name::new(name)).is_some();
    program.class_of(function).is_some_and(|it| has(it, "acquire") && has(it, "release"))
}

/// Whether the object that is written has the lock at all: a sibling's lock guards the sibling.
fn is_at_hand(program: &Program<'_>, function: Fun, write: &Access, guard: &Key) -> bool {
    match (guard.owner, write.path.root_type(program, function)) {
        (Owner::Field(lock, _), Ty::Class(class, _)) => {
            // The lock of another object may be anywhere; one of the same family has to be inherited.
            let family = program.ancestry(lock).iter().any(|it| program.ancestry(class).contains(it));
            !family || program.ancestry(class).contains(&lock)
        }
        _ => true,
    }
}

/// Whether code that is not on a thread of the program's own changes the state as well.
fn updated_outside(analysis: &Analysis<'_>, state: &State, usage: &Use) -> bool {
    state.uses.iter().any(|it| {
        let kind = analysis.facts(it.function).accesses[it.access as usize].kind;
        it.function != usage.function
            && !it.construction
            && matches!(kind, AccessKind::Update | AccessKind::Mutate)
            && !analysis.sharing.is_on_thread(it.function)
    })
}

fn owned_lock(program: &Program<'_>, class: crate::program::Cls) -> Option<String> {
    let language = program.module(program.module_of_class(class)).ir.language;
    program.ancestry(class).into_iter().find_map(|it| {
        program.fields_of(it).into_iter().find(|(_, ty)| ty.lock(language).is_some()).map(|(name, _)| format!("{}.{name}", program.class_name(it)))
    })
}

/// Rust state that the compiler does not check: a `static mut`, a field of a type with an `unsafe impl Sync`.
fn unchecked(analysis: &Analysis<'_>, owner: &Owner, usage: &Use, write: &Access, read: &Access) -> Option<Finding> {
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
fn has_exchange(analysis: &Analysis<'_>, function: Fun, owner: &Owner) -> bool {
    let Owner::Field(class, _) = owner else { return false };
    atomic_ops(analysis, function)
        .iter()
        .filter(|it| it.kind == AtomicKind::CompareExchange)
        .any(|it| it.path.resolve(analysis.program, function).is_some_and(|it| matches!(it.0.owner, Owner::Field(of, _) if of == *class)))
}

/// Reached through `&self`: others may have it, too.
fn is_behind_shared_self(program: &Program<'_>, function: Fun, access: &Access) -> bool {
    access.path.root == Root::Param(0)
        && program
            .function(function)
            .params
            .first()
            .is_some_and(|it| it.kind == ParamKind::Receiver && matches!(it.ty, Some(TypeRef::Reference { mutable: false, .. })))
}

/// `self.set(self.get() + 1)`: read and written back by two calls, each of which takes and gives up the lock.
fn through_calls(analysis: &Analysis<'_>, function: Fun, seen: &mut FxHashSet<(Owner, Fun)>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ir = program.function(function);
    let definitions = LazyCell::new(|| Definitions::new(ir));
    let locksets = &analysis.facts(function).locksets;
    for access in analysis.facts(function).accesses.iter().filter(|it| matches!(it.kind, AccessKind::Write | AccessKind::Mutate)) {
        let owner = access.key.owner;
        for held in locksets.before(access.op).iter().filter(|it| it.sure && !locksets.lock(it).opaque && locksets.lock(it).excludes()) {
            let lock = locksets.lock(held).key;
            let read = getter(analysis, &definitions, function, access.value, access.op, (owner, lock));
            if let Some(read) = read.filter(|it| *it < held.at)
                && !is_read_again(analysis, function, access, held.at)
                && seen.insert((owner, function))
            {
                findings.push(stale(analysis, function, (read, access.op), &state_name(analysis, access), lock));
            }
        }
    }
    for (index, (_, _, op)) in ir.ops().enumerate() {
        let write = OpId(index as u32);
        let (Some(call), Some(setter)) = (program.invocation(function, &op.kind), program.called(function, &op.kind)) else { continue };
        let written = analysis.flows.written(setter);
        if written.is_empty() || !locksets.before(write).is_empty() || !analysis.entry.held(function).is_empty() {
            continue;
        }
        let bound = crate::program::bindings(program, call.target, call.arguments);
        for (parameter, owner, lock) in written {
            let Some((_, _, value)) = bound.iter().find(|it| it.1 == *parameter) else { continue };
            if let Some(read) = getter(analysis, &definitions, function, *value, write, (*owner, *lock))
                && seen.insert((*owner, function))
            {
                let name = Key { owner: *owner, item: false, data: false }.display(program);
                findings.push(stale(analysis, function, (read, write), &name, *lock));
            }
        }
    }
}

/// The call that `value`, as used at `at`, was computed from, of a function that reads `state` under a lock of its own.
fn getter(analysis: &Analysis<'_>, definitions: &Definitions<'_>, function: Fun, value: Local, at: OpId, state: (Owner, Key)) -> Option<OpId> {
    definitions.sources(value, at).into_iter().find(|it| {
        let called = definitions.op(*it).and_then(|it| analysis.program.called(function, &it.kind));
        *it < at && called.is_some_and(|it| analysis.flows.returned(it).contains(&state))
    })
}

/// `a.store(a.load(o) + 1, o)`: the two halves of an update of one atomic, with no lock around them.
fn atomics(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ops = atomic_ops(analysis, function);
    let definitions = LazyCell::new(|| Definitions::new(program.function(function)));
    for store in ops.iter().filter(|it| it.kind == AtomicKind::Store) {
        if !analysis.facts(function).locksets.before(store.op).is_empty() {
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
fn ordering(analysis: &Analysis<'_>, function: Fun, op: OpId) -> &'static str {
    let ir = analysis.program.function(function);
    let Some(Op { kind: OpKind::Call { arguments, .. }, .. }) = op_of(ir, op) else { return "" };
    let Some(last) = arguments.last() else { return "" };
    ir.ops()
        .find_map(|(_, _, op)| match &op.kind {
            OpKind::Load { dest, place: Place { base: Base::Global(name), .. }, .. } if *dest == last.value => Some(name.last()),
            _ => None,
        })
        .unwrap_or("")
}
