//! What comments declare of guards, callers, threads and orders, in the analysis's own terms.

use rustc_hash::{FxHashMap, FxHashSet};

use super::path::{Key, Owner};
use crate::finding::Location;
use crate::program::{Cls, Confined, Fun, Place, Program, Said, Threaded};

/// A declared guard.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredGuard {
    pub lock: Key,
    pub at: Location,
    /// Said in passing: as strong as a majority of the writes, and no stronger.
    pub prose: bool,
}

/// The declarations of a program.
#[derive(Debug, Default)]
pub struct Declared {
    guards: FxHashMap<Owner, DeclaredGuard>,
    requires: FxHashMap<Fun, Vec<(Key, Location)>>,
    classes: FxHashSet<Cls>,
    states: FxHashSet<Owner>,
    threads: FxHashMap<Threaded, (bool, Location)>,
    orders: Vec<(Vec<Key>, Said)>,
}

impl Declared {
    pub fn of(program: &Program<'_>) -> Declared {
        let mut declared = Declared::default();
        for it in &program.claims.guarded {
            let guard = DeclaredGuard { lock: key(it.lock), at: it.at, prose: it.prose };
            let slot = declared.guards.entry(owner(it.state)).or_insert(guard);
            // A directive counts before what is said in passing.
            if slot.prose && !guard.prose {
                *slot = guard;
            }
        }
        for (function, lock, at) in &program.claims.requires {
            declared.requires.entry(*function).or_default().push((key(*lock), *at));
        }
        for (what, _) in &program.claims.confined {
            match what {
                Confined::Class(class) => _ = declared.classes.insert(*class),
                Confined::State(place) => _ = declared.states.insert(owner(*place)),
            }
        }
        for (what, several, at) in &program.claims.threads {
            // What it is said not to be made for counts before what is said in passing.
            let slot = declared.threads.entry(*what).or_insert((*several, *at));
            if slot.0 && !several {
                *slot = (false, *at);
            }
        }
        declared.orders = program.claims.orders.iter().map(|(locks, at)| (locks.iter().map(|it| key(*it)).collect(), *at)).collect();
        declared
    }

    pub fn guard(&self, owner: &Owner) -> Option<&DeclaredGuard> {
        self.guards.get(owner)
    }

    /// The locks that callers of the function must hold.
    pub fn required(&self, function: Fun) -> &[(Key, Location)] {
        self.requires.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The functions that say what their callers must hold.
    pub fn requiring(&self) -> impl Iterator<Item = (Fun, &[(Key, Location)])> {
        let mut all: Vec<_> = self.requires.iter().map(|(function, locks)| (*function, locks.as_slice())).collect();
        all.sort_unstable_by_key(|it| it.0);
        all.into_iter()
    }

    /// Whether the state is said to stay on one thread.
    pub fn is_confined(&self, owner: &Owner) -> bool {
        self.states.contains(owner) || matches!(owner, Owner::Field(class, _) if self.classes.contains(class))
    }

    /// Whether the docs and comments of a class or function have several threads in mind (or rule them out), and where
    /// they say so.
    pub fn expects_threads(&self, what: Threaded) -> Option<(bool, Location)> {
        self.threads.get(&what).copied()
    }

    /// Where it is declared that `first` is taken before `second`.
    pub fn order(&self, first: &Key, second: &Key) -> Option<Said> {
        let position = |locks: &[Key], lock: &Key| locks.iter().position(|it| it == lock);
        let says = |locks: &[Key]| position(locks, first).zip(position(locks, second)).is_some_and(|(one, other)| one < other);
        self.orders.iter().find(|it| says(&it.0)).map(|it| it.1)
    }

    pub fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }
}

fn owner(place: Place) -> Owner {
    match place {
        Place::Field(class, name) => Owner::Field(class, name),
        Place::Global(module, name) => Owner::Global(module, name),
    }
}

fn key(place: Place) -> Key {
    Key { owner: owner(place), item: false, data: false }
}
