//! What is held where, and what follows from it. Knows no lint.
//!
//! In: the linked program. Out: an [`Analysis`]: for each function the paths of its values ([`values`]), its locksets
//! ([`lockset`]) and accesses ([`access`]), its summary ([`summary`]), who runs it ([`callers`]) and what those hold
//! ([`entry`]); for the program the lock-order graph ([`order`]), the accesses of each shared state ([`state`]), what
//! other threads have of it ([`sharing`]), how it flows through calls ([`flow`]), which
//! fields have one object ([`given`]), and where its functions wait ([`waits`]).

pub mod access;
pub mod atomics;
pub mod callers;
pub mod constants;
pub mod declared;
pub mod definitions;
pub mod entry;
pub mod flow;
pub mod given;
pub mod lockset;
pub mod order;
pub mod path;
mod paths;
pub mod sharing;
pub mod state;
pub mod summary;
pub mod values;
pub mod waits;
pub mod ways;

use std::sync::OnceLock;

use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use self::access::Access;
use self::lockset::Locksets;
use self::path::Key;
use self::state::Interest;
use self::summary::{Summaries, Summary};
use self::values::Values;
use crate::ir::OpKind;
use crate::program::{Fun, Program};

/// Everything known of one function.
#[derive(Debug)]
pub struct Facts {
    pub values: Values,
    pub locksets: Locksets,
    pub accesses: Box<[Access]>,
}

/// The results of the analysis of a program.
#[derive(Debug)]
pub struct Analysis<'a> {
    pub program: &'a Program<'a>,
    facts: Vec<Facts>,
    pub summaries: Summaries,
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
        &self.facts[function.0 as usize]
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
    let mut summaries = Summaries::new(program.function_ids().count());
    let mut facts: Vec<Option<Facts>> = program.function_ids().map(|_| None).collect();
    for Level { alone, cycles } in levels(program) {
        let found: Vec<(Facts, Option<Box<Summary>>)> = alone.par_iter().map(|it| facts_of(program, *it, &summaries)).collect();
        for (function, (found, summary)) in alone.into_iter().zip(found) {
            summaries.set(function, summary);
            facts[function.0 as usize] = Some(found);
        }
        // What one member of a cycle does, all do: the second time it is known.
        for function in cycles.iter().flat_map(|it| it.iter().chain(it)) {
            let (found, summary) = facts_of(program, *function, &summaries);
            summaries.set(*function, summary);
            facts[function.0 as usize] = Some(found);
        }
    }
    let facts: Vec<Facts> = facts.into_iter().map(|it| it.expect("every function is in one component")).collect();
    let declared = declared::Declared::of(program);
    // Each goes over its tables in one order and by itself; what needs nothing of the other runs beside it.
    let ((callers, entry), (sharing, flows)) = rayon::join(
        || {
            let callers = callers::callers(program, &facts);
            let entry = entry::entry_locksets(program, &facts, &declared, &callers);
            (callers, entry)
        },
        || rayon::join(|| sharing::sharing(program, &facts), || flow::flows(program, &facts)),
    );
    let (states, (waits, given)) = rayon::join(
        || state::states(program, &facts, &callers, &entry, &declared, &sharing, interest),
        || rayon::join(|| waits::waits(program, &callers), || given::given(program, &facts, &summaries)),
    );
    Analysis { program, facts, summaries, declared, callers, entry, states, sharing, flows, given, waits, atomic_writers: OnceLock::new() }
}

/// What there is to know of a function once its callees are summarised, and its own summary.
fn facts_of(program: &Program<'_>, function: Fun, summaries: &Summaries) -> (Facts, Option<Box<Summary>>) {
    let values = values::values(program, function, summaries);
    let locksets = lockset::locksets(program, &values, summaries);
    let summary = summary::summarise(program, &values, &locksets, summaries).kept();
    let accesses = access::accesses(program, &values);
    (Facts { values, locksets, accesses }, summary)
}

/// Functions that call only functions of the levels before, and each other in cycles.
#[derive(Default)]
struct Level {
    alone: Vec<Fun>,
    cycles: Vec<Vec<Fun>>,
}

/// The functions by how far they are from those that call nothing: each level can be done side by side.
fn levels(program: &Program<'_>) -> Vec<Level> {
    let graph = call_graph(program);
    let mut levels: Vec<Level> = Vec::new();
    let mut level_of = vec![0; graph.node_count()];
    for component in petgraph::algo::tarjan_scc(&graph) {
        // Callees come first; those in the component itself are at 0 still.
        let above = |node: &NodeIndex| graph.neighbors(*node).map(|it| level_of[it.index()]).max();
        let level = component.iter().filter_map(above).max().map_or(0, |it| it + 1);
        component.iter().for_each(|it| level_of[it.index()] = level);
        if levels.len() <= level {
            levels.resize_with(level + 1, Level::default);
        }
        match component[..] {
            [node] => levels[level].alone.push(graph[node]),
            _ => levels[level].cycles.push(component.into_iter().map(|it| graph[it]).collect()),
        }
    }
    levels
}

/// Who calls whom.
fn call_graph(program: &Program<'_>) -> DiGraph<Fun, ()> {
    let functions: Vec<Fun> = program.function_ids().collect();
    let callees: Vec<Callees> = functions.par_iter().map(|it| callees(program, *it)).collect();
    let mut graph: DiGraph<Fun, ()> = DiGraph::with_capacity(functions.len(), callees.iter().map(|it| it.len()).sum());
    for function in &functions {
        graph.add_node(*function);
    }
    for (function, callees) in functions.into_iter().zip(callees) {
        for callee in callees {
            graph.add_edge(NodeIndex::new(function.0 as usize), NodeIndex::new(callee.0 as usize), ());
        }
    }
    graph
}

type Callees = SmallVec<[Fun; 8]>;

/// What a function runs, itself or by what it gives away.
fn callees(program: &Program<'_>, function: Fun) -> Callees {
    let mut callees = Callees::new();
    let mut edge = |callee: Fun| callees.push(callee);
    program.wrappers(function).iter().for_each(|it| edge(*it));
    for op in &program.function(function).ops {
        let called = program.called(function, &op.kind);
        called.into_iter().for_each(&mut edge);
        program.implied(function, &op.kind).iter().for_each(|it| edge(it.run));
        // What a callback does, the call that it is given to does; a future, whoever awaits it.
        match &op.kind {
            OpKind::Closure { function: nested, .. } => edge(program.fun(program.module_of(function), *nested)),
            OpKind::Call { arguments, .. } if called.is_some() => program.callables(function, arguments).for_each(|it| edge(it.1)),
            op => program.run_at_once(function, op).into_iter().for_each(|it| edge(it.1)),
        }
    }
    callees
}
