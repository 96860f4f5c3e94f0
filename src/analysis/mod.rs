//! What is held where, and what follows from it. Knows no lint.
//!
//! In: the linked program. Out: an [`Analysis`]: for each function ([`facts`]) the paths of its values ([`values`]), its
//! locksets ([`lockset`]) and accesses ([`access`]), its summary ([`summary`]), who runs it ([`callers`]) and what those
//! hold ([`entry`]); for the program the lock-order graph ([`order`]), the accesses of each shared state ([`state`]), what
//! other threads have of it ([`sharing`]), how it flows through calls ([`flow`]), which
//! fields have one object ([`given`]), and where its functions wait ([`waits`]).

pub mod access;
pub mod atomics;
pub mod callers;
pub mod constants;
pub mod declared;
pub mod definitions;
pub mod entry;
pub mod facts;
pub mod flow;
pub mod given;
pub mod lockset;
pub mod order;
pub mod path;
mod paths;
mod runs;
pub mod sharing;
pub mod state;
pub mod summary;
pub mod values;
pub mod waits;
pub mod ways;

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use self::access::Access;
use self::facts::{AllFacts, Facts};
use self::path::Key;
use self::state::Interest;
use self::summary::Summary;
use self::values::Values;
use crate::program::{Fun, Program};

/// The results of the analysis of a program.
#[derive(Debug)]
pub struct Analysis<'a> {
    pub program: &'a Program<'a>,
    facts: AllFacts<'a>,
    pub declared: declared::Declared,
    pub callers: callers::Callers,
    pub entry: entry::EntryLocksets,
    pub states: state::States,
    pub sharing: sharing::Sharing,
    pub flows: flow::Flows,
    pub given: given::Given,
    pub waits: waits::Waits,
    /// Who writes each atomic, once that was asked.
    atomic_writers: OnceLock<FxHashMap<Key, Vec<Fun>>>,
}

impl Analysis<'_> {
    pub fn facts(&self, function: Fun) -> &Facts {
        self.facts.get(function)
    }

    /// The paths of a function's values.
    pub fn values(&self, function: Fun) -> &Values {
        self.facts.values(function)
    }

    pub fn summary(&self, function: Fun) -> &Summary {
        self.facts.summaries.get(function)
    }

    /// The functions that write the atomic at a place.
    pub fn atomic_writers(&self, key: &Key) -> &[Fun] {
        self.atomic_writers.get_or_init(|| atomics::atomic_writers(self)).get(key).map_or(&[], Vec::as_slice)
    }

    /// The access that a use of a state is.
    pub fn access(&self, usage: &state::Use) -> &Access {
        &self.facts(usage.function).accesses[usage.access as usize]
    }
}

/// Analyses `program`: its functions, and the states of interest.
pub fn analyse<'a>(program: &'a Program<'a>, interest: Interest) -> Analysis<'a> {
    let (runs, callees) = runs::runs(program);
    let facts = AllFacts::of(program, callees);
    let declared = declared::Declared::of(program);
    // Each goes over its tables in one order and by itself; what needs nothing of the other runs beside it.
    let ((callers, entry), (sharing, flows)) = rayon::join(
        || {
            let callers = callers::callers(program, &facts, runs);
            let entry = entry::entry_locksets(program, &facts, &declared, &callers);
            (callers, entry)
        },
        || rayon::join(|| sharing::sharing(program, &facts), || flow::flows(program, &facts)),
    );
    let (states, (waits, given)) = rayon::join(
        || state::states(program, &facts, &callers, &entry, &declared, &sharing, interest),
        || rayon::join(|| waits::waits(program, &callers), || given::given(program, &facts)),
    );
    Analysis { program, facts, declared, callers, entry, states, sharing, flows, given, waits, atomic_writers: OnceLock::new() }
}
