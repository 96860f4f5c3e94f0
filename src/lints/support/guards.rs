//! Whether a lock can be the guard of a state.

use crate::analysis::access::Access;
use crate::analysis::path::{Key, Owner};
use crate::ir::Name;
use crate::program::{Fun, Program, Ty};

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
    let has = |class, name| program.method(class, Name::new(name)).is_some();
    program.class_of(function).is_some_and(|it| has(it, "acquire") && has(it, "release"))
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
    matches!(owner, Owner::Field(class, name) if program.method(*class, *name).is_some())
}
