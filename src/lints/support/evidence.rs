//! Why a state is taken for shared and a lock for its guard, and how strong that is.

use super::{belongs, implements_lock, is_at_hand, is_own, statement};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::lockset::OpId;
use crate::analysis::path::{Key, Owner, Path, Root, Step};
use crate::analysis::state::{State, Use};
use crate::catalog::{Catalog, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Location};
use crate::ir::{FunctionKind, Language, Name};
use crate::program::{Cls, Program, Ty};

/// A class one in so many of whose methods is a coroutine lives on an event loop.
const LOOP_SHARE: usize = 5;

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
}

pub fn shared(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, write: &Access, switch: Option<OpId>) -> Option<Shared> {
    let program = analysis.program;
    let one_thread = analysis.sharing.is_on_thread(usage.function) && !updated_outside(analysis, state, usage);
    let of_class = is_of_class(analysis, owner, state, write);
    let mut evidence = Vec::new();
    let with_switch = |plain: Confidence, switched: Confidence| if switch.is_some() { switched } else { plain };
    if let Some(declared) = state.declared.filter(|it| is_at_hand(program, usage.function, write, &it.lock)) {
        evidence.push(Evidence {
            kind: EvidenceKind::Declared,
            message: format!("a comment says that `{}` guards it", declared.lock.display(program)),
            location: Some(declared.at),
        });
        let confidence = if declared.prose { with_switch(Confidence::Medium, Confidence::High) } else { Confidence::High };
        return Some(Shared { confidence, evidence, guard: Some((declared.lock, declared.at)), locks_each: false, of_class, one_thread });
    }
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
        return Some(Shared {
            confidence: with_switch(Confidence::Medium, Confidence::High),
            evidence,
            guard: Some((guard, place)),
            locks_each: false,
            of_class,
            one_thread,
        });
    }
    if let Some(entry) = analysis.sharing.entry(usage.function, &write.path).map(|it| program.threads.entries[it as usize])
        && (entry.several || updated_outside(analysis, state, usage))
    {
        evidence.push(Evidence {
            kind: EvidenceKind::ThreadTarget,
            message: format!("`{}` runs on other threads (`{}`)", program.symbol(entry.function), entry.what),
            location: Some(entry.location),
        });
        return Some(Shared {
            confidence: with_switch(Confidence::Medium, Confidence::High),
            evidence,
            guard: None,
            locks_each: false,
            of_class,
            one_thread,
        });
    }
    // Whoever calls it holds some lock: what that is for, is not known, but it is not nothing.
    if analysis.entry.callers_hold_one(usage.function) {
        return None;
    }
    if let Owner::Field(class, _) = owner
        && let Some(lock) = owned_lock(program, *class, of_class)
    {
        evidence.push(Evidence {
            kind: EvidenceKind::OwnsLock,
            message: format!("`{}` owns `{lock}`, so it expects several threads", program.class_name(*class)),
            location: program.field_location(*class, Name::new(lock.rsplit('.').next().unwrap_or(""))),
        });
        // Two signs of medium strength: a lock, and one place for all instances in a program with threads.
        let confidence = match program.threads.started {
            Some(started) if of_class => {
                evidence.push(Evidence {
                    kind: EvidenceKind::Threads,
                    message: "all instances share it, and the program starts threads".to_string(),
                    location: Some(started),
                });
                Confidence::Medium
            }
            _ => Confidence::Low,
        };
        return Some(Shared { confidence, evidence, guard: None, locks_each: false, of_class, one_thread });
    }
    // A container that locks each of its operations says that several threads use it, and keeps no two operations together.
    if let Some((_, Ty::Class(class, _))) = container(&write.path).and_then(|it| it.resolve(program, usage.function))
        && let Some(lock) = owned_lock(program, class, false)
    {
        evidence.push(Evidence {
            kind: EvidenceKind::OwnsLock,
            message: format!("each operation of a `{}` takes its `{lock}`, and gives it up again", program.class_name(class)),
            location: program.field_location(class, Name::new(lock.rsplit('.').next().unwrap_or(""))),
        });
        return Some(Shared { confidence: Confidence::Medium, evidence, guard: None, locks_each: true, of_class, one_thread });
    }
    // What an object with a lock has, its callers share with it.
    if let Owner::Field(class, _) = owner
        && let Some((holder, lock)) = program.holders(*class).iter().find_map(|it| owned_lock(program, *it, false).map(|lock| (*it, lock)))
    {
        evidence.push(Evidence {
            kind: EvidenceKind::HeldBy,
            message: format!("`{}` has one, and owns `{lock}`, so it expects several threads", program.class_name(holder)),
            location: program.field_location(holder, Name::new(lock.rsplit('.').next().unwrap_or(""))),
        });
        return Some(Shared { confidence: Confidence::Low, evidence, guard: None, locks_each: false, of_class, one_thread });
    }
    // One object for all threads: a global, or what all instances of a class have in common.
    let of_all = match owner {
        Owner::Global(..) => Some("this is one object for all of them"),
        Owner::Field(..) if of_class => Some("all instances share this"),
        _ => None,
    };
    let sign = program.threads.started.map(|it| ("starts threads", it)).or(program.threads.locked.map(|it| ("has locks for threads", it)));
    if let (Some(why), Some((sign, location))) = (of_all, sign) {
        evidence.push(Evidence { kind: EvidenceKind::Threads, message: format!("the program {sign}, and {why}"), location: Some(location) });
        return Some(Shared { confidence: Confidence::Low, evidence, guard: None, locks_each: false, of_class, one_thread });
    }
    None
}

/// Whether code that is not on a thread of the program's own changes the state as well.
fn updated_outside(analysis: &Analysis<'_>, state: &State, usage: &Use) -> bool {
    state.uses.iter().any(|it| {
        let kind = analysis.access(it).kind;
        it.function != usage.function
            && !it.construction
            && matches!(kind, AccessKind::Update | AccessKind::Mutate)
            && !analysis.sharing.is_on_thread(it.function)
    })
}

/// Whether the state is an attribute of the class that all its objects have in common: it is reached through the class, or
/// a container that the class's own statements made is changed in place, and no object gets one of its own.
fn is_of_class(analysis: &Analysis<'_>, owner: &Owner, state: &State, write: &Access) -> bool {
    let program = analysis.program;
    let Owner::Field(class, name) = owner else { return false };
    if matches!(write.path.root, Root::Class(_)) {
        return true;
    }
    let replaced = || {
        state.uses.iter().filter(|it| it.writes && program.function(it.function).kind != FunctionKind::ClassBody).any(|it| {
            let access = analysis.access(it);
            !access.changes_in_place() && !matches!(access.path.root, Root::Class(_))
        })
    };
    let is_container = || match program.field(*class, *name) {
        Some((_, Ty::External(path, _))) => Catalog::builtin(Language::Python).container(*path).is_some(),
        _ => false,
    };
    write.changes_in_place() && program.is_class_attribute(*class, *name) && is_container() && !replaced()
}

/// The way to what an item was stored in.
fn container(path: &Path) -> Option<Path> {
    let mut path = path.clone();
    matches!(path.steps.pop(), Some(Step::Key(_) | Step::Item)).then_some(path)
}

/// A lock of threads that the class has for state of that kind: what all objects share, a lock that they share; what each
/// has, one that each has.
fn owned_lock(program: &Program<'_>, class: Cls, of_class: bool) -> Option<String> {
    if lives_on_loop(program, class) {
        return None;
    }
    let language = program.module(program.module_of_class(class)).ir.language;
    program.ancestry(class).into_iter().find_map(|it| {
        let fields = program.fields_of(it).into_iter();
        let is_thread_lock = |ty: &Ty| ty.lock(language).is_some_and(|it| it.scope == Scope::Thread);
        let mut locks = fields.filter(|(name, ty)| is_thread_lock(ty) && program.is_class_attribute(it, *name) == of_class);
        locks.next().map(|(name, _)| format!("{}.{name}", program.class_name(it)))
    })
}

/// Whether the methods of a class are coroutines in good part: its objects belong to an event loop.
fn lives_on_loop(program: &Program<'_>, class: Cls) -> bool {
    let methods = &program.class(class).methods;
    let module = program.module_of_class(class);
    let coroutines = methods.iter().filter(|it| program.module(module).ir.function(**it).is_async).count();
    coroutines * LOOP_SHARE >= methods.len() && coroutines > 0
}
