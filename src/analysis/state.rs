//! The accesses of each shared state over the whole program, and the lock that guards it.
//!
//! A state's guard is the lock that its writes agree on (Eraser's candidate lockset, restricted to writes, after
//! construction). Dissenting accesses do not clear it: they are what the lints report.

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use thin_vec::ThinVec;

use super::access::Access;
use super::callers::Callers;
use super::declared::{Declared, DeclaredGuard};
use super::entry::EntryLocksets;
use super::facts::{AllFacts, Facts};
use super::lockset::Held;
use super::path::{Key, Owner, Root};
use super::sharing::Sharing;
use crate::catalog::{Mode, Scope};
use crate::ir::{FunctionKind, OpId, exact};
use crate::program::{Fun, Program};

/// An access somewhere in the program.
#[derive(Clone, Debug)]
pub struct Use {
    pub function: Fun,
    /// Index into that function's accesses.
    pub access: u32,
    pub op: OpId,
    pub writes: bool,
    pub construction: bool,
    /// The locks surely held, by key; the caller's included.
    pub held: ThinVec<(Key, Mode)>,
    /// Something is held that may be a lock, or the function says its caller holds one.
    pub maybe_guarded: bool,
}

/// All uses of one state.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub uses: Vec<Use>,
    /// The guard that a comment names.
    pub declared: Option<DeclaredGuard>,
    /// The guard that the writes agree on, and which use shows it; once all uses are known.
    inferred: Option<(Key, usize)>,
}

/// Which states there is anything to say of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Each that is used.
    All,
    /// Those that are written once they are there, or have a guard that a comment names: what only constructors write,
    /// threads cannot disagree on.
    Changing,
}

/// The uses of each state, in the order of their first.
#[derive(Debug, Default)]
pub struct States {
    by_owner: IndexMap<Owner, State, FxBuildHasher>,
    scopes: FxHashMap<Key, Scope>,
}

impl States {
    pub fn iter(&self) -> impl Iterator<Item = (&Owner, &State)> {
        self.by_owner.iter()
    }

    /// What the lock at `key` keeps apart.
    pub fn scope(&self, key: &Key) -> Scope {
        self.scopes.get(key).copied().unwrap_or_default()
    }

    pub fn get(&self, owner: &Owner) -> Option<&State> {
        self.by_owner.get(owner)
    }
}

impl State {
    /// Whether at least two writes after construction are under the lock, and at least half of them.
    pub fn is_mostly_under(&self, lock: &Key) -> bool {
        let writes = self.uses.iter().filter(|it| it.writes && !it.construction);
        let (under, all) = writes.fold((0, 0), |(under, all), it| (under + usize::from(it.held.iter().any(|it| it.0 == *lock)), all + 1));
        under >= 2 && 2 * under >= all
    }

    /// The lock that guards the state, and a use under it: of the locks held at writes after construction, the one held
    /// at most of them.
    pub fn guard(&self) -> Option<(Key, &Use)> {
        self.inferred.map(|(lock, example)| (lock, &self.uses[example]))
    }

    fn infer_guard(&mut self) {
        let mut votes: IndexMap<Key, (usize, usize), FxBuildHasher> = IndexMap::default();
        for (index, it) in self.uses.iter().enumerate().filter(|it| it.1.writes && !it.1.construction) {
            for (key, _) in &it.held {
                votes.entry(*key).or_insert((0, index)).0 += 1;
            }
        }
        let most = votes.into_iter().rev().max_by_key(|(_, (count, _))| *count);
        self.inferred = most.map(|(lock, (_, example))| (lock, example));
    }
}

/// Gathers the uses of the states of interest.
pub fn states(
    program: &Program<'_>,
    facts: &AllFacts<'_>,
    callers: &Callers,
    entry: &EntryLocksets,
    declared: &Declared,
    sharing: &Sharing,
    interest: Interest,
) -> States {
    let functions: Vec<Fun> = program.function_ids().filter(|it| !program.is_exempt(*it)).collect();
    let accesses = |it: Fun| &facts.get(it).accesses;
    let changes = |function: &Fun| {
        let makes = Makes::of(program, *function, callers);
        let changes: Vec<Owner> = accesses(*function).iter().filter(|it| it.kind.writes() && !makes.is_made_by(it)).map(|it| it.key.owner).collect();
        changes
    };
    let changing: FxHashSet<Owner> = functions.par_iter().flat_map_iter(changes).collect();
    let is_asked_for = |it: &Access| {
        let owner = &it.key.owner;
        interest == Interest::All || changing.contains(owner) || declared.guard(owner).is_some()
    };
    let uses = |function: &Fun| {
        let fact = facts.get(*function);
        let asked_for: Vec<usize> = (0..fact.accesses.len()).filter(|it| is_asked_for(&fact.accesses[*it])).collect();
        uses(program, fact, *function, &asked_for, callers, entry)
    };
    let mut states = States::default();
    for (function, uses) in functions.iter().zip(functions.par_iter().map(uses).collect::<Vec<_>>()) {
        let Facts { accesses, locksets } = facts.get(*function);
        if !locksets.locks.is_empty() {
            for held in accesses.iter().flat_map(|it| locksets.before(it.op)) {
                let lock = locksets.lock(held);
                states.scopes.insert(lock.key, lock.scope);
            }
        }
        for it in uses {
            let owner = accesses[it.access as usize].key.owner;
            let fresh = || State { declared: declared.guard(&owner).copied(), ..State::default() };
            states.by_owner.entry(owner).or_insert_with(fresh).uses.push(it);
        }
    }
    for state in states.by_owner.values_mut() {
        exact(&mut state.uses);
        state.infer_guard();
    }
    // What is said to stay on one thread does, unless a thread of the program is seen to reach it.
    states.by_owner.retain(|owner, state| {
        !declared.is_confined(owner)
            || state
                .uses
                .iter()
                .any(|it| !it.construction && sharing.entry(it.function, &facts.get(it.function).accesses[it.access as usize].path).is_some())
    });
    states
}

/// Which writes of a function make what they write.
struct Makes {
    /// It is a constructor, or runs only for those; or only while modules load.
    constructs: bool,
    /// It makes what the class or the module shares, too.
    whole: bool,
}

impl Makes {
    fn of(program: &Program<'_>, function: Fun, callers: &Callers) -> Makes {
        let loads = callers.only_loads(function);
        Makes {
            constructs: loads || program.is_construction(function) || callers.only_constructs(function),
            whole: loads || matches!(program.function(function).kind, FunctionKind::ModuleBody | FunctionKind::ClassBody),
        }
    }

    /// A constructor makes its own object; what the class or the module shares is there already.
    fn is_made_by(&self, access: &Access) -> bool {
        self.constructs && (self.whole || !matches!(access.path.root, Root::Class(_) | Root::Global(..)))
    }
}

/// What some accesses of a function are to the states that they are of.
fn uses(program: &Program<'_>, fact: &Facts, function: Fun, accesses: &[usize], callers: &Callers, entry: &EntryLocksets) -> Vec<Use> {
    if accesses.is_empty() {
        return Vec::new();
    }
    let locksets = &fact.locksets;
    let makes = Makes::of(program, function, callers);
    let may_keep_out = |it: &Held| {
        let lock = locksets.lock(it);
        let is_counting = matches!(lock.key.owner, Owner::Field(class, name) if program.is_counting(class, name));
        !is_counting && (lock.opaque || !lock.excludes() || !it.sure)
    };
    let of_access = |index: &usize| {
        let access = &fact.accesses[*index];
        let before = locksets.before(access.op);
        let mut held: ThinVec<(Key, Mode)> = before.iter().filter(|it| locksets.keeps_out(it)).map(|it| (locksets.lock(it).key, it.mode)).collect();
        held.extend_from_slice(entry.held(function));
        Use {
            function,
            access: *index as u32,
            op: access.op,
            writes: access.kind.writes(),
            construction: makes.is_made_by(access),
            held,
            maybe_guarded: entry.claims_lock(function) || before.iter().any(may_keep_out),
        }
    };
    accesses.iter().map(of_access).collect()
}
