//! Entry locksets: what every caller of a private helper holds.
//!
//! Top-down over the call graph, as the greatest fixed point: a helper starts with "anything" and keeps what every call
//! site holds, itself or by its own entry lockset. Public functions, thread entry points and functions used as values
//! start with nothing. Calls during construction do not count: no other thread has the object yet.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::callers::Callers;
use super::declared::Declared;
use super::facts::AllFacts;
use super::path::Key;
use crate::catalog::Mode;
use crate::ir::{Callee, OpId, OpKind};
use crate::program::{Fun, FunLists, FunMap, Program};

/// A chain of helpers longer than this is not followed to its end.
const MAX_ROUNDS: usize = 12;

/// For each function, the locks its callers surely hold.
#[derive(Debug, Default)]
pub struct EntryLocksets {
    held: FxHashMap<Fun, Vec<(Key, Mode)>>,
    /// The same by the callers that are seen, where there may be others.
    known: FxHashMap<Fun, Vec<(Key, Mode)>>,
    /// Functions that say their caller holds a lock, by their name.
    claims: FxHashSet<Fun>,
}

impl EntryLocksets {
    pub fn held(&self, function: Fun) -> &[(Key, Mode)] {
        self.held.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Whether all callers that are seen hold the lock, and there are some.
    pub fn callers_hold(&self, function: Fun, lock: &Key) -> bool {
        self.known.get(&function).is_some_and(|it| it.iter().any(|it| it.0 == *lock))
    }

    /// Whether all callers that are seen hold one lock, and there are some.
    pub fn callers_hold_one(&self, function: Fun) -> bool {
        self.known.contains_key(&function)
    }

    /// Whether the function's name or doc says that its caller holds the lock.
    pub fn claims_lock(&self, function: Fun) -> bool {
        self.claims.contains(&function)
    }
}

/// Computes the entry locksets.
pub fn entry_locksets(program: &Program<'_>, facts: &AllFacts<'_>, declared: &Declared, callers: &Callers) -> EntryLocksets {
    let mut result = EntryLocksets::default();
    let functions: Vec<Fun> = program.function_ids().collect();
    result.claims = functions.into_par_iter().filter(|it| claims_lock(program, facts, *it)).collect();
    let sites = callers.all_sites();
    (result.held, result.known) =
        rayon::join(|| greatest(facts, declared, sites, |it| callers.are_known(program, it)), || greatest(facts, declared, sites, |_| true));
    for (function, locks) in declared.requiring() {
        for map in [&mut result.held, &mut result.known] {
            let held = map.entry(function).or_default();
            held.extend(locks.iter().map(|it| (it.0, Mode::Exclusive)));
        }
    }
    result
}

/// Whether the function's name, its doc or what it does says that its caller holds a lock.
fn claims_lock(program: &Program<'_>, facts: &AllFacts<'_>, function: Fun) -> bool {
    let ir = program.function(function);
    let name = ir.name.as_str();
    let is_named_so = || {
        ["_locked", "_lock_held", "_under_lock", "_with_lock"].iter().any(|it| name.ends_with(it))
            || name.ends_with("_unlocked") && name.starts_with("_")
    };
    let asks = |op: &OpKind| matches!(op, OpKind::Call { callee: Callee::Method { name, .. }, .. } if matches!(name.as_str(), "locked" | "_is_owned" | "is_owned" | "is_locked"));
    let has_locking_decorator = || program.wrappers(function).iter().any(|it| !facts.get(*it).locksets.locks.is_empty());
    ir.told.caller_locks || is_named_so() || ir.ops.iter().any(|it| asks(&it.kind)) || has_locking_decorator()
}

/// What all sites of each candidate hold, themselves or because all of theirs do.
fn greatest(
    facts: &AllFacts<'_>,
    declared: &Declared,
    sites: &FunLists<(Fun, OpId)>,
    is_candidate: impl Fn(Fun) -> bool,
) -> FxHashMap<Fun, Vec<(Key, Mode)>> {
    let mut open: Vec<(Fun, &[(Fun, OpId)])> = sites.iter().filter(|it| is_candidate(it.0)).collect();
    // None is "anything": not yet reached from a site that is known.
    let mut held: FunMap<Option<Vec<(Key, Mode)>>> = FunMap::default();
    open.iter().for_each(|it| held.insert(it.0, None));
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        // Nothing is what it stays: of these no more has to be asked.
        open.retain(|(function, sites)| {
            let meet = at_all(facts, declared, sites, |it| held.get(it).map(|it| it.as_deref()));
            let is_nothing = meet.as_ref().is_some_and(Vec::is_empty);
            if meet.is_some() && held.get(*function) != Some(&meet) {
                held.insert(*function, meet);
                changed = true;
            }
            !is_nothing
        });
        if !changed {
            break;
        }
    }
    held.into_entries().filter_map(|(function, held)| Some((function, held.filter(|it| !it.is_empty())?))).collect()
}

/// The locks held at all of `sites`, as far as is known of their functions; none where nothing is known of any.
/// `entered` gives what a function starts with: `Some(None)` where that is still open.
fn at_all<'h>(
    facts: &AllFacts<'_>,
    declared: &Declared,
    sites: &[(Fun, OpId)],
    entered: impl Fn(Fun) -> Option<Option<&'h [(Key, Mode)]>>,
) -> Option<Vec<(Key, Mode)>> {
    let mut meet: Option<Vec<(Key, Mode)>> = None;
    for (caller, op) in sites {
        let locksets = &facts.get(*caller).locksets;
        let mut here: Vec<(Key, Mode)> = locksets.before(*op).iter().filter(|it| it.sure).map(|it| (locksets.lock(it).key, it.mode)).collect();
        here.extend(declared.required(*caller).iter().map(|it| (it.0, Mode::Exclusive)));
        match entered(*caller) {
            Some(None) => continue,
            Some(Some(known)) => here.extend(known.iter().copied()),
            None => {}
        }
        match &mut meet {
            None => meet = Some(here),
            Some(meet) => meet.retain(|it| here.contains(it)),
        }
        if meet.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
    }
    meet
}
