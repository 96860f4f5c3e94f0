//! Which lock guards a state, and whether a lock can.

use super::statement;
use crate::analysis::Analysis;
use crate::analysis::access::Access;
use crate::analysis::declared::DeclaredGuard;
use crate::analysis::path::{Key, Owner};
use crate::analysis::state::{State, Use};
use crate::catalog::Scope;
use crate::finding::{Evidence, EvidenceKind, Location};
use crate::ir::{Callee, Language, OpKind, Place};
use crate::program::{Fun, Program, Ty};

/// The lock that guards a state.
pub struct Guard<'a> {
    pub lock: Key,
    pub writes: Agreement<'a>,
    /// The writes that change a container in place, or what is in it.
    pub changes: Agreement<'a>,
    /// Those that may put something into the container itself, or take it out.
    pub resizes: Agreement<'a>,
    pub declared: Option<DeclaredGuard>,
}

/// How many of some writes after construction are under the lock.
pub struct Agreement<'a> {
    pub under: usize,
    pub all: usize,
    /// One of those under it.
    pub example: Option<&'a Use>,
}

impl Agreement<'_> {
    pub fn is_majority(&self) -> bool {
        2 * self.under > self.all
    }
}

impl<'a> Guard<'a> {
    /// The guard of a state: the lock that a comment names, else the one that at least half of the writes are under, of
    /// the state's own class or module.
    pub fn of(analysis: &Analysis<'_>, owner: &Owner, state: &'a State) -> Option<Guard<'a>> {
        let program = analysis.program;
        if is_method(program, owner) || !matches!(owner, Owner::Field(..) | Owner::Global(..)) {
            return None;
        }
        let lock = match state.declared {
            Some(declared) => declared.lock,
            None => inferred(analysis, owner, state)?,
        };
        let agreement = |counts: &dyn Fn(&Use) -> bool| {
            let all = || state.uses.iter().filter(|it| it.writes && !it.construction && counts(it));
            let under = || all().filter(|it| it.held.iter().any(|it| it.0 == lock));
            Agreement { under: under().count(), all: all().count(), example: under().next() }
        };
        let writes = agreement(&|_| true);
        let changes = agreement(&|it| analysis.access(it).changes_in_place());
        let resizes = agreement(&|it| analysis.access(it).may_resize());
        let agreed = state.declared.is_some() || 2 * writes.under >= writes.all || changes.is_majority();
        agreed.then_some(Guard { lock, writes, changes, resizes, declared: state.declared })
    }

    /// Whether a directive names it.
    pub fn is_explicit(&self) -> bool {
        self.declared.is_some_and(|it| !it.prose)
    }

    /// A place that shows that the lock is the guard: a write under it, else the comment that says so.
    pub fn shown(&self, analysis: &Analysis<'_>, agreement: &Agreement<'_>) -> Option<Location> {
        let example = agreement.example.map(|it| statement(analysis, it.function, it.op));
        example.or(self.declared.map(|it| it.at))
    }

    /// Why the lock is taken for the guard.
    pub fn evidence(&self, analysis: &Analysis<'_>, agreement: &Agreement<'_>, what: &str) -> Vec<Evidence> {
        let program = analysis.program;
        let lock = self.lock.display(program);
        let declared = self.declared.map(|it| Evidence {
            kind: EvidenceKind::Declared,
            message: format!("a comment says that `{lock}` guards it"),
            location: Some(it.at),
        });
        let counted = agreement.example.map(|it| Evidence {
            kind: EvidenceKind::GuardedElsewhere,
            message: format!("{} of its {} {what} hold `{lock}`, as in `{}`", agreement.under, agreement.all, program.symbol(it.function)),
            location: Some(statement(analysis, it.function, it.op)),
        });
        declared.into_iter().chain(counted).collect()
    }
}

fn inferred(analysis: &Analysis<'_>, owner: &Owner, state: &State) -> Option<Key> {
    let program = analysis.program;
    let (lock, example) = state.guard()?;
    let is_guard = program.language(example.function) == Language::Python
        && belongs(program, &lock, owner)
        && is_own(program, &lock, owner)
        && lock.owner != *owner
        && analysis.states.scope(&lock) != Scope::Async;
    is_guard.then_some(lock)
}

/// Whether a lock is the state's own: of the same class or a related one, or of the same module.
pub fn belongs(program: &Program<'_>, guard: &Key, owner: &Owner) -> bool {
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
pub fn is_own(program: &Program<'_>, guard: &Key, owner: &Owner) -> bool {
    match (guard.owner, owner) {
        (Owner::Field(lock, _), Owner::Field(class, _)) => program.ancestry(lock).contains(class) || program.ancestry(*class).contains(&lock),
        _ => true,
    }
}

/// Whether the function is part of a lock: its own state is guarded by what it implements.
pub fn implements_lock(program: &Program<'_>, function: Fun) -> bool {
    program.class_of(function).is_some_and(|it| program.has_lock_methods(it))
}

/// Whether the object that is written has the lock at all: a sibling's lock guards the sibling.
pub fn is_at_hand(program: &Program<'_>, function: Fun, write: &Access, guard: &Key) -> bool {
    match (guard.owner, write.path.root_type(program, function)) {
        (Owner::Field(lock, _), Ty::Class(class, _)) => {
            // The lock of another object may be anywhere; one of the same family has to be inherited.
            let family = program.ancestry(lock).iter().any(|it| program.ancestry(class).contains(it));
            !family || program.ancestry(class).contains(&lock)
        }
        _ => true,
    }
}

/// Whether the name is a method's: one that is replaced, by a patch or a test, is no state that counts.
pub fn is_method(program: &Program<'_>, owner: &Owner) -> bool {
    // In Rust, fields and methods have names of their own.
    let is_python = |class| program.module(program.module_of_class(class)).ir.language == Language::Python;
    matches!(owner, Owner::Field(class, name) if is_python(*class) && program.method(*class, *name).is_some())
}

/// Whether the function makes the lock anew, as after a fork, or tries it and does without where it is taken.
pub fn has_to_do_with(analysis: &Analysis<'_>, function: Fun, lock: &Key) -> bool {
    let program = analysis.program;
    let (values, locksets) = (analysis.values(function), &analysis.facts(function).locksets);
    let is_lock = |place: &Place| {
        let path = values.place(program, place);
        path.and_then(|it| it.resolve(program, function)).is_some_and(|it| it.0 == *lock)
    };
    program.function(function).ops.iter().any(|op| match &op.kind {
        OpKind::Store { place, .. } => is_lock(place),
        OpKind::Call { callee: Callee::Method { receiver, name }, .. } => *name == "_at_fork_reinit" && is_lock(receiver),
        _ => false,
    }) || locksets.acquisitions.iter().any(|it| it.tries && locksets.locks[it.lock as usize].key == *lock)
}
