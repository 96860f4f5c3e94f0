//! Why a state is taken for shared and a lock for its guard, and how strong that is.

use super::{belongs, implements_lock, is_at_hand, is_own, statement};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::path::{Key, Owner, Path, Root, Step};
use crate::analysis::state::{State, Use};
use crate::catalog::{Lock, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Location};
use crate::ir::{FunctionKind, Name, OpKind, Projection};
use crate::program::{Cls, Fun, Program, Threaded, Ty};

/// A class one in so many of whose methods is a coroutine lives on an event loop.
const LOOP_SHARE: usize = 5;

/// A lock is looked for so many calls up, at so many places each.
const MAX_CALLERS: usize = 3;
const MAX_SITES: usize = 16;

/// So many ops of a function are looked at for the lock.
const MAX_OPS: usize = 4096;

/// So many accesses of a function are looked at for what the lock guards.
const MAX_USES: usize = 256;

/// Why the state is taken for shared, and how strong that is.
pub struct Shared {
    pub confidence: Confidence,
    pub evidence: Vec<Evidence>,
    pub guard: Option<(Key, Location)>,
    /// It is in a container that locks each operation by itself.
    pub locks_each: bool,
    /// All objects of a class have it in common.
    pub of_class: bool,
    /// As far as is seen, one thread alone changes it.
    pub one_thread: bool,
    /// The class says that it is made for several threads.
    pub is_documented: bool,
    /// All that speaks for it is a lock that has nothing to do with the state, as far as is seen.
    pub unrelated: bool,
}

/// `loses`: threads can be switched between the read and the write, so an update will be lost some day.
pub fn shared(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, write: &Access, loses: bool) -> Option<Shared> {
    let program = analysis.program;
    if stays_on_loop(analysis, state, usage.function) {
        return None;
    }
    let one_thread = analysis.sharing.is_on_thread(usage.function) && !updated_outside(analysis, state, usage);
    let of_class = is_of_class(analysis, owner, state, write);
    let with_switch = |plain: Confidence, switched: Confidence| if loses { switched } else { plain };
    let found = |confidence: Confidence, guard: Option<(Key, Location)>, sign: Evidence| {
        // What nobody is seen to call may be dead.
        let confidence = if analysis.callers.is_unseen(usage.function) { Confidence::Low } else { confidence };
        Shared { confidence, evidence: vec![sign], guard, locks_each: false, of_class, one_thread, is_documented: false, unrelated: false }
    };
    match guarded(analysis, owner, state, usage) {
        Some(Guarded { lock, example: Some(_), .. }) if analysis.entry.callers_hold(usage.function, &lock) => return None,
        Some(Guarded { lock, at, example, sign }) => {
            let is_certain = example.is_none() && state.declared.is_some_and(|it| !it.prose);
            let confidence = if is_certain { Confidence::High } else { with_switch(Confidence::Medium, Confidence::High) };
            return Some(found(confidence, Some((lock, at)), sign));
        }
        None => {}
    }
    if let Some(entry) = analysis.sharing.entry(usage.function, &write.path).map(|it| program.threads.entries[it as usize])
        && (entry.several || updated_outside(analysis, state, usage))
    {
        let message = format!("`{}` runs on other threads (`{}`)", program.symbol(entry.function), entry.what);
        let sign = Evidence { kind: EvidenceKind::ThreadTarget, message, location: Some(entry.location) };
        return Some(found(with_switch(Confidence::Medium, Confidence::High), None, sign));
    }
    // Whoever calls it holds some lock: what that is for, is not known, but it is not nothing.
    if analysis.entry.callers_hold_one(usage.function) {
        return None;
    }
    let class = match owner {
        Owner::Field(class, _) => Some(*class),
        _ => None,
    };
    match class.and_then(|it| says_of_threads(analysis, it, usage.function)) {
        Some((_, false, _)) => return None,
        Some((what, true, at)) => {
            let message = match what {
                Threaded::Class(class) => format!("`{}` is made for several threads, as its docs say", program.class_name(class)),
                Threaded::Function(function) => format!("`{}` expects several threads, as its docs or comments say", program.symbol(function)),
            };
            let sign = Evidence { kind: EvidenceKind::Declared, message, location: Some(at) };
            let is_documented = matches!(what, Threaded::Class(_));
            return Some(Shared { is_documented, ..found(with_switch(Confidence::Low, Confidence::Medium), None, sign) });
        }
        None => {}
    }
    let module = program.module_of(usage.function);
    if let Some(class) = class
        && let Some(lock) = owned_lock(program, class, of_class)
    {
        let started = program.threads.started_near(module);
        let message = format!("`{}` owns `{}`, so it expects several threads", program.class_name(class), lock.shown);
        let sign = Evidence { kind: EvidenceKind::OwnsLock, message, location: lock.location };
        let mut shared = found(Confidence::Low, None, sign);
        // Two signs of medium strength: a lock, and one place for all instances in a program with threads.
        if let Some(started) = started {
            let message = if of_class { "all instances share it, and the program starts threads" } else { "the program starts threads" };
            shared.evidence.push(Evidence { kind: EvidenceKind::Threads, message: message.to_string(), location: Some(started) });
            shared.confidence = if of_class { Confidence::Medium } else { Confidence::Low };
        }
        shared.unrelated = !of_class && !concerns(analysis, state, &lock);
        return Some(shared);
    }
    // A container that locks each of its operations says that several threads use it, and keeps no two operations together.
    if let Some((_, Ty::Class(class, _))) = container(&write.path).and_then(|it| it.resolve(program, usage.function))
        && let Some(lock) = owned_lock(program, class, false)
    {
        let message = format!("each operation of a `{}` takes its `{}`, and gives it up again", program.class_name(class), lock.shown);
        let sign = Evidence { kind: EvidenceKind::OwnsLock, message, location: lock.location };
        return Some(Shared { locks_each: true, ..found(Confidence::Medium, None, sign) });
    }
    // What an object with a lock has, its callers share with it.
    if let Some(class) = class
        && let Some((holder, lock)) = program.holders(class).iter().find_map(|it| owned_lock(program, *it, false).map(|lock| (*it, lock)))
    {
        let message = format!("`{}` has one, and owns `{}`, so it expects several threads", program.class_name(holder), lock.shown);
        return Some(found(Confidence::Low, None, Evidence { kind: EvidenceKind::HeldBy, message, location: lock.location }));
    }
    // One object for all threads: a global, or what all instances of a class have in common.
    let of_all = match owner {
        Owner::Global(..) => "this is one object for all of them",
        Owner::Field(..) if of_class => "all instances share this",
        _ => return None,
    };
    let started = program.threads.started_near(module).map(|it| ("starts threads", it));
    let (sign, location) = started.or_else(|| program.threads.locked_near(module).map(|it| ("has locks for threads", it)))?;
    let message = format!("the program {sign}, and {of_all}");
    let sign = Evidence { kind: EvidenceKind::Threads, message, location: Some(location) };
    Some(found(Confidence::Low, None, sign))
}

/// The lock that guards a state elsewhere, and has to do with a use of it.
pub struct Guarded {
    pub lock: Key,
    pub at: Location,
    /// The function that shows it; none if a comment says so.
    pub example: Option<Fun>,
    pub sign: Evidence,
}

/// The lock that a comment names, or that others hold when they write the state.
pub fn guarded(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use) -> Option<Guarded> {
    let program = analysis.program;
    let access = analysis.access(usage);
    if let Some(declared) = state.declared.filter(|it| is_at_hand(program, usage.function, access, &it.lock)) {
        let message = format!("a comment says that `{}` guards it", declared.lock.display(program));
        let sign = Evidence { kind: EvidenceKind::Declared, message, location: Some(declared.at) };
        return Some(Guarded { lock: declared.lock, at: declared.at, example: None, sign });
    }
    let (lock, example) = state.guard()?;
    let is_guard = belongs(program, &lock, owner)
        && is_at_hand(program, usage.function, access, &lock)
        && (is_own(program, &lock, owner) || state.is_mostly_under(&lock))
        && !implements_lock(program, usage.function);
    let at = statement(analysis, example.function, example.op);
    let message = format!("`{}` writes it under `{}`", program.symbol(example.function), lock.display(program));
    let sign = Evidence { kind: EvidenceKind::GuardedElsewhere, message, location: Some(at) };
    is_guard.then_some(Guarded { lock, at, example: Some(example.function), sign })
}

/// Whether the function, or the class that has the state, says that it is for one thread.
pub fn is_for_one_thread(analysis: &Analysis<'_>, owner: &Owner, function: Fun) -> bool {
    matches!(owner, Owner::Field(class, _) if says_of_threads(analysis, *class, function).is_some_and(|it| !it.1))
}

/// What the function, the class, one that it inherits from, or one that inherits the function from it says of threads.
fn says_of_threads(analysis: &Analysis<'_>, class: Cls, function: Fun) -> Option<(Threaded, bool, Location)> {
    let program = analysis.program;
    let says = |it: Threaded| analysis.declared.expects_threads(it).map(|(several, at)| (it, several, at));
    let of_class = |it: Cls| says(Threaded::Class(it)).filter(|it| !it.1 || !lives_on_loop(program, class));
    let inherits = |it: &&Cls| program.method(**it, program.function(function).name) == Some(function);
    let below = || program.subclasses(class).iter().filter(inherits).find_map(|it| of_class(*it).filter(|it| it.1));
    says(Threaded::Function(function)).or_else(|| program.ancestry(class).iter().copied().find_map(of_class)).or_else(below)
}

/// Whether code that is not on a thread of the program's own changes the state as well.
fn updated_outside(analysis: &Analysis<'_>, state: &State, usage: &Use) -> bool {
    state.uses.iter().any(|it| {
        let kind = analysis.access(it).kind;
        it.function != usage.function
            && !it.construction
            && matches!(kind, AccessKind::Update | AccessKind::Mutate)
            && !analysis.sharing.is_on_thread(it.function)
            && analysis.callers.is_from_outside(it.function)
    })
}

/// Whether the state is an attribute of the class that all its objects have in common: it is reached through the class, or
/// a container that the class's own statements made is changed in place, and no object gets one of its own.
fn is_of_class(analysis: &Analysis<'_>, owner: &Owner, state: &State, write: &Access) -> bool {
    let program = analysis.program;
    let Owner::Field(class, name) = owner else { return false };
    let replacing = || {
        let whole = |it: &&Use| it.writes && !analysis.access(it).changes_in_place();
        state.uses.iter().filter(whole).filter(|it| program.function(it.function).kind != FunctionKind::ClassBody)
    };
    // Each class below gets one of its own.
    let resets = || replacing().any(|it| program.function(it.function).name == Name::new("__init_subclass__"));
    if matches!(write.path.root, Root::Class(_)) {
        return !resets();
    }
    let is_container = || match program.field(*class, *name) {
        Some((_, Ty::External(path, _))) => program.catalogs.python.container(*path).is_some(),
        _ => false,
    };
    let replaced = || replacing().any(|it| !matches!(analysis.access(it).path.root, Root::Class(_)));
    write.changes_in_place() && program.is_class_attribute(*class, *name) && is_container() && !replaced() && !resets()
}

/// Whether the function and all that write the state run on an event loop, in turn.
pub fn stays_on_loop(analysis: &Analysis<'_>, state: &State, function: Fun) -> bool {
    let on_loop = |it: Fun| analysis.callers.is_on_loop(it);
    on_loop(function) && state.uses.iter().filter(|it| it.writes && !it.construction).all(|it| on_loop(it.function))
}

/// Whether the lock has to do with the state: a function that uses the state takes the lock or hands it on, is called under
/// it somewhere, or uses what the lock guards, too.
fn concerns(analysis: &Analysis<'_>, state: &State, lock: &OwnedLock) -> bool {
    let program = analysis.program;
    let takes = |function: Fun| analysis.facts(function).locksets.locks.iter().any(|it| it.key.owner == lock.owner);
    let mentions = |function: Fun| {
        let values = analysis.values(function);
        program.function(function).ops.iter().take(MAX_OPS).any(|op| match &op.kind {
            OpKind::Load { place, .. } if place.projections.last() == Some(&Projection::Field(lock.name)) => {
                values.place(program, place).and_then(|it| it.resolve(program, function)).is_some_and(|it| it.0.owner == lock.owner)
            }
            _ => false,
        })
    };
    let uses_guarded = |function: Fun| {
        let guard = |owner: &Owner| analysis.states.get(owner).and_then(|it| it.guard()).map(|it| it.0.owner);
        analysis.facts(function).accesses.iter().take(MAX_USES).any(|it| guard(&it.key.owner) == Some(lock.owner))
    };
    let mut functions: Vec<Fun> = state.uses.iter().filter(|it| !it.construction).map(|it| it.function).collect();
    functions.dedup();
    functions.into_iter().any(|it| takes(it) || mentions(it) || is_called_under(analysis, it, lock, MAX_CALLERS) || uses_guarded(it))
}

/// Whether one of the function's callers, or of theirs, so many calls up, holds the lock.
fn is_called_under(analysis: &Analysis<'_>, function: Fun, lock: &OwnedLock, calls: usize) -> bool {
    analysis.callers.sites(function).iter().take(MAX_SITES).any(|(caller, op)| {
        let locksets = &analysis.facts(*caller).locksets;
        locksets.before(*op).iter().any(|it| locksets.lock(it).key.owner == lock.owner)
            || analysis.entry.held(*caller).iter().any(|it| it.0.owner == lock.owner)
            || calls > 1 && is_called_under(analysis, *caller, lock, calls - 1)
    })
}

/// The way to what an item was stored in.
fn container(path: &Path) -> Option<Path> {
    let mut path = *path;
    matches!(path.steps.pop(), Some(Step::Key(_) | Step::Item)).then_some(path)
}

/// A lock that a class has.
pub struct OwnedLock {
    owner: Owner,
    name: Name,
    pub shown: String,
    pub location: Option<Location>,
}

/// A lock of threads that the class has for state of that kind: what all objects share, a lock that they share; what each
/// has, one that each has. A counting semaphore is none.
pub fn owned_lock(program: &Program<'_>, class: Cls, of_class: bool) -> Option<OwnedLock> {
    if lives_on_loop(program, class) { None } else { lock_of(program, class, of_class, Scope::Thread) }
}

/// The same of a lock that keeps apart what `scope` says.
pub fn lock_of(program: &Program<'_>, class: Cls, of_class: bool, scope: Scope) -> Option<OwnedLock> {
    program.ancestry(class).iter().copied().find_map(|it| {
        let is_one =
            |name: Name, lock: &Lock| lock.scope == scope && program.is_class_attribute(it, name) == of_class && !program.is_counting(it, name);
        let mut locks = program.locks_of(it).filter(|(name, lock)| is_one(*name, lock));
        locks.next().map(|(name, _)| OwnedLock {
            owner: Owner::Field(it, name),
            name,
            shown: format!("{}.{name}", program.class_name(it)),
            location: program.field_location(it, name),
        })
    })
}

/// Whether the methods of a class are coroutines in good part: its objects belong to an event loop.
fn lives_on_loop(program: &Program<'_>, class: Cls) -> bool {
    let methods = &program.class(class).methods;
    let module = program.module_of_class(class);
    let coroutines = methods.iter().filter(|it| program.module(module).ir.function(**it).is_async).count();
    coroutines * LOOP_SHARE >= methods.len() && coroutines > 0
}
