//! What is known of each function by itself and by what it calls: the paths of its values, its locksets, its accesses,
//! its summary.
//!
//! Bottom-up over the strongly connected components of the call graph (Tarjan): functions that call only such as are done
//! are done side by side, those of a cycle one after the other, twice.

use std::sync::OnceLock;

use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;

use super::access::{self, Access};
use super::lockset::{self, Locksets};
use super::runs::Callees;
use super::summary::{self, Summaries, Summary};
use super::values::{self, Values};
use crate::ir::Language;
use crate::program::{Fun, Program};

/// What a function does with locks, and with what others can reach.
#[derive(Debug)]
pub struct Facts {
    pub locksets: Locksets,
    pub accesses: Box<[Access]>,
}

/// The facts of all functions of a program.
#[derive(Debug)]
pub struct AllFacts<'a> {
    program: &'a Program<'a>,
    pub summaries: Summaries,
    each: Vec<Facts>,
    /// There are as many as there are locals in a program, and of few functions they are asked for again: of the others
    /// they are found anew.
    values: Vec<OnceLock<Box<Values>>>,
}

impl<'a> AllFacts<'a> {
    /// Finds them; `callees` are those of each function.
    pub(super) fn of(program: &'a Program<'a>, callees: Vec<Callees>) -> AllFacts<'a> {
        let count = callees.len();
        let mut summaries = Summaries::new(count);
        let mut each: Vec<Option<Facts>> = (0..count).map(|_| None).collect();
        let values: Vec<OnceLock<Box<Values>>> = (0..count).map(|_| OnceLock::new()).collect();
        let find = |function: Fun, summaries: &Summaries| {
            let Summarised { values: found, locksets, summary } = summarised(program, function, summaries);
            let accesses = access::accesses(program, &found);
            // Who looks at locks asks for them, and most of what looks at all of Rust.
            if locksets.concerns_locks() || program.language(function) == Language::Rust {
                _ = values[function.0 as usize].set(Box::new(found));
            }
            (Facts { locksets, accesses }, summary)
        };
        for Level { alone, cycles } in levels(callees) {
            let found: Vec<(Facts, Option<Box<Summary>>)> = alone.par_iter().map(|it| find(*it, &summaries)).collect();
            for (function, (found, summary)) in alone.into_iter().zip(found) {
                summaries.set(function, summary);
                each[function.0 as usize] = Some(found);
            }
            // What one member of a cycle does, all do: the second time it is known.
            for cycle in cycles {
                for function in &cycle {
                    summaries.set(*function, summarised(program, *function, &summaries).summary);
                }
                for function in cycle {
                    let (found, summary) = find(function, &summaries);
                    summaries.set(function, summary);
                    each[function.0 as usize] = Some(found);
                }
            }
        }
        let each = each.into_iter().map(|it| it.expect("every function is in one component")).collect();
        AllFacts { program, summaries, each, values }
    }

    pub fn get(&self, function: Fun) -> &Facts {
        &self.each[function.0 as usize]
    }

    /// The paths of a function's values.
    pub fn values(&self, function: Fun) -> &Values {
        self.values[function.0 as usize].get_or_init(|| Box::new(values::values(self.program, function, &self.summaries)))
    }
}

/// A function whose callees are summarised, and what its summary is made of.
struct Summarised {
    values: Values,
    locksets: Locksets,
    summary: Option<Box<Summary>>,
}

fn summarised(program: &Program<'_>, function: Fun, summaries: &Summaries) -> Summarised {
    let values = values::values(program, function, summaries);
    let locksets = lockset::locksets(program, &values, summaries);
    let summary = summary::summarise(program, &values, &locksets, summaries).kept();
    Summarised { values, locksets, summary }
}

/// Functions that call only functions of the levels before, and each other in cycles.
#[derive(Default)]
struct Level {
    alone: Vec<Fun>,
    cycles: Vec<Vec<Fun>>,
}

/// The functions by how far they are from those that call nothing: each level can be done side by side.
fn levels(callees: Vec<Callees>) -> Vec<Level> {
    let graph = call_graph(callees);
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
fn call_graph(callees: Vec<Callees>) -> DiGraph<Fun, ()> {
    let mut graph: DiGraph<Fun, ()> = DiGraph::with_capacity(callees.len(), callees.iter().map(|it| it.len()).sum());
    for number in 0..callees.len() {
        graph.add_node(Fun(number as u32));
    }
    for (number, callees) in callees.into_iter().enumerate() {
        for callee in callees {
            graph.add_edge(NodeIndex::new(number), NodeIndex::new(callee.0 as usize), ());
        }
    }
    graph
}
