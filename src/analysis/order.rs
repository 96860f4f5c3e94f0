//! The lock-order graph: an edge for each lock taken while another is held, with its witness (Goodlock).
//!
//! Vertices are places ([`Key`]), not objects. A cycle is reported when its edges can wait for each other: each lock of
//! it is taken, or held, exclusively somewhere on the cycle, and no outer lock (a *gate*) is held at all of its edges.

use indexmap::IndexMap;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::Analysis;
use super::atomics::{is_exclusive, is_fresh};
use super::definitions::Definitions;
use super::lockset::{Acquisition, Held, LockRef};
use super::path::{Key, Owner, Path, Root, Step};
use crate::catalog::Mode;
use crate::ir::{Local, OpKind, Operation};
use crate::program::{Fun, Said};

/// One witness that `to` is taken while `from` is held.
#[derive(Clone, Debug)]
pub struct Edge {
    pub from: Key,
    pub to: Key,
    /// The two as this place calls them.
    pub names: (Key, Key),
    pub function: Fun,
    pub held: Held,
    pub acquisition: Acquisition,
    pub held_mode: Mode,
    /// Other locks surely held there.
    pub gates: Vec<Key>,
    /// Both instances are known, from one object or global each.
    pub definite: bool,
    /// Where else `to` is taken while `from` is held, in other functions.
    pub also: Vec<(Fun, Acquisition)>,
}

impl Edge {
    /// Whether the lock held, and the one wanted, keep readers out too.
    fn modes(&self) -> (bool, bool) {
        (self.held_mode == Mode::Exclusive, self.acquisition.mode == Mode::Exclusive)
    }
}

/// A cycle, as edges in order; the last leads back to the first's `from`.
pub type Cycle = Vec<Edge>;

/// Choices tried for the edges of one cycle.
const MAX_CHOICES: usize = 256;

/// The edges between two places, one for each way of reading or writing, with its first witness; in program order.
pub type Edges = IndexMap<(Key, Key), Vec<Edge>, FxBuildHasher>;

/// Every edge of the program.
pub fn edges(analysis: &Analysis<'_>) -> Edges {
    let mut found = Edges::default();
    for function in analysis.program.function_ids() {
        if analysis.program.is_exempt(function) {
            continue;
        }
        let locksets = &analysis.facts(function).locksets;
        for acquisition in &locksets.acquisitions {
            let wanted = &locksets.locks[acquisition.lock as usize];
            if acquisition.tries || !wanted.excludes() {
                continue;
            }
            let before = locksets.before(acquisition.op);
            // A re-entrant lock taken again waits for nobody.
            if wanted.reentrant && before.iter().any(|it| it.sure && locksets.lock(it).is_same(wanted)) {
                continue;
            }
            for held in before.iter().filter(|it| it.sure) {
                let lock = locksets.lock(held);
                let (from, to) = (canonical(analysis, function, lock), canonical(analysis, function, wanted));
                if lock.opaque || !lock.excludes() || (from == to && (!may_swap(analysis, function, lock, wanted) || compares(analysis, function))) {
                    continue;
                }
                // Before the object is published no other thread can want its locks.
                let own = |it: &LockRef| it.path.as_ref().is_some_and(|it| it.root == Root::Param(0));
                let fresh =
                    |it: &LockRef| it.path.as_ref().is_some_and(|it| matches!(it.root, Root::Local(local) if is_fresh(analysis, function, local)));
                let has_to_itself = |it: &LockRef| it.path.as_ref().is_some_and(|it| !it.steps.is_empty() && is_exclusive(analysis, function, it));
                if fresh(lock) || fresh(wanted) || [lock, wanted].iter().any(|it| has_to_itself(it)) {
                    continue;
                }
                if analysis.program.is_construction(function) && own(lock) && own(wanted) {
                    continue;
                }
                let definite = from != to && [lock, wanted].iter().all(|it| it.path.as_ref().is_some_and(Path::is_definite));
                let mut gates: Vec<Key> = before.iter().filter(|it| it.sure && it.lock != held.lock).map(|it| locksets.lock(it).key).collect();
                gates.extend(analysis.entry.held(function).iter().map(|it| it.0));
                gates.iter_mut().for_each(|it| *it = analysis.given.place(*it));
                let shown = |it: &LockRef, place: Key| if it.key.is_named(analysis.program) { it.key } else { place };
                let names = (shown(lock, from), shown(wanted, to));
                let (held_mode, also) = (held.mode, Vec::new());
                let edge = Edge { from, to, names, function, held: *held, acquisition: *acquisition, held_mode, gates, definite, also };
                add(found.entry((from, to)).or_default(), edge);
            }
        }
    }
    found
}

/// Adds a witness to those of the same two places.
fn add(known: &mut Vec<Edge>, edge: Edge) {
    match known.iter_mut().find(|it| it.modes() == edge.modes()) {
        Some(first) => {
            first.gates.retain(|it| edge.gates.contains(it));
            if first.function != edge.function && first.also.iter().all(|it| it.0 != edge.function) {
                first.also.push((edge.function, edge.acquisition));
            }
        }
        None => known.push(edge),
    }
}

/// Whether both are the same lock of two arguments, or items of one table at two arguments: a caller can pass the two the
/// other way round.
fn may_swap(analysis: &Analysis<'_>, function: Fun, held: &LockRef, wanted: &LockRef) -> bool {
    let params = &analysis.program.function(function).params;
    let is_parameter = |it: Local| params.iter().any(|param| param.local == it);
    let at_arguments = || match (held.through, wanted.through) {
        (Some(one), Some(other)) => one != other && is_parameter(one) && is_parameter(other),
        _ => false,
    };
    match (&held.path, &wanted.path) {
        (Some(one), Some(other)) if one == other => at_arguments(),
        (Some(Path { root: Root::Param(a), steps: one }), Some(Path { root: Root::Param(b), steps: other })) => {
            a != b && one == other && !one.contains(&Step::Item)
        }
        _ => false,
    }
}

/// Whether the function compares two values that come from different parameters: by such a comparison it can choose
/// which of two locks to take first.
fn compares(analysis: &Analysis<'_>, function: Fun) -> bool {
    let ir = analysis.program.function(function);
    let definitions = Definitions::new(ir);
    ir.numbered().any(|(id, op)| match &op.kind {
        OpKind::Compute { operation: Operation::Compare | Operation::Order, operands, .. } => {
            let from: Vec<Vec<u32>> = operands.iter().map(|it| definitions.roots(ir, *it, id)).collect();
            from.iter().enumerate().any(|(at, one)| from[..at].iter().any(|other| one.iter().any(|it| !other.contains(it)) && !other.is_empty()))
        }
        _ => false,
    })
}

/// Whether one single thread of the program runs all edges, and nobody else.
fn on_one_thread(analysis: &Analysis<'_>, cycle: &[Edge]) -> bool {
    let runs: Vec<Option<u32>> = cycle.iter().map(|it| analysis.callers.only_thread(it.function)).collect();
    runs.first().is_some_and(|first| first.is_some() && runs.iter().all(|it| it == first))
        && cycle.iter().all(|it| matches!(it.from.owner, Owner::Field(..)))
}

/// The place of a lock; for one that a closure captured, as the function around it sees it. Locks of one role, such as
/// those around the sessions of a table, are one place, however they are reached.
fn canonical(analysis: &Analysis<'_>, function: Fun, lock: &LockRef) -> Key {
    let mut key = lock.key;
    let mut at = (function, lock.path);
    while let (inner, Some(path)) = &at
        && let Root::Captured(local) = path.root
        && let Some(outer) = analysis.program.captures_from(*inner)
    {
        let values = analysis.values(outer);
        let Some(path) = path.substitute(&|_| None, &|it| values.path(it).filter(|_| it == local)) else { break };
        key = path.resolve(analysis.program, outer).map_or(key, |it| it.0);
        at = (outer, Some(path));
    }
    match lock.guards {
        Some(class) if analysis.program.is_one_role(class) => Key { owner: Owner::Guarding(class), item: false, data: false },
        _ => analysis.given.place(key),
    }
}

/// The edges that a declared order forbids, each with where that is declared; first witnesses only.
pub fn against(analysis: &Analysis<'_>, edges: &Edges) -> Vec<(Edge, Said)> {
    if !analysis.declared.has_orders() {
        return Vec::new();
    }
    let forbidden = |edge: &Edge| analysis.declared.order(&edge.names.1, &edge.names.0).map(|at| (edge.clone(), at));
    edges.values().filter_map(|it| it.iter().find_map(forbidden)).collect()
}

/// Cycles that hang threads, shortest first, no two over one edge.
pub fn cycles(analysis: &Analysis<'_>, edges: &Edges) -> Vec<Cycle> {
    let mut graph: DiGraph<Key, usize> = DiGraph::new();
    let mut nodes: FxHashMap<Key, NodeIndex> = FxHashMap::default();
    for (index, (from, to)) in edges.keys().enumerate() {
        let from = *nodes.entry(*from).or_insert_with(|| graph.add_node(*from));
        let to = *nodes.entry(*to).or_insert_with(|| graph.add_node(*to));
        graph.add_edge(from, to, index);
    }
    let mut component: FxHashMap<NodeIndex, usize> = FxHashMap::default();
    for (index, members) in petgraph::algo::tarjan_scc(&graph).into_iter().enumerate() {
        members.into_iter().for_each(|it| {
            component.insert(it, index);
        });
    }
    let mut candidates: Vec<Vec<usize>> = Vec::new();
    let mut known: FxHashSet<Vec<NodeIndex>> = FxHashSet::default();
    for (index, (from, to)) in edges.keys().enumerate() {
        let (from, to) = (nodes[from], nodes[to]);
        if component[&from] != component[&to] {
            continue;
        }
        let Some(back) = shortest(&graph, to, from, &component) else { continue };
        let cycle: Vec<usize> = std::iter::once(index).chain(back).collect();
        let mut members: Vec<NodeIndex> = cycle.iter().map(|it| nodes[&edges.get_index(*it).expect("an edge's number").0.1]).collect();
        members.sort();
        if known.insert(members) {
            candidates.push(cycle);
        }
    }
    // A mistake closes many cycles at once; the short ones say it best, and one for each edge is enough.
    candidates.sort_by_key(Vec::len);
    let mut used: FxHashSet<usize> = FxHashSet::default();
    let mut found = Vec::new();
    for candidate in candidates {
        let hops: Vec<&[Edge]> = candidate.iter().map(|it| &edges[*it][..]).collect();
        if candidate.iter().all(|it| !used.contains(it))
            && let Some(cycle) = choose(analysis, &hops)
        {
            used.extend(candidate);
            found.push(cycle);
        }
    }
    found
}

/// One edge for each hop such that threads on them can wait for each other.
fn choose(analysis: &Analysis<'_>, hops: &[&[Edge]]) -> Option<Cycle> {
    let choices = hops.iter().fold(1usize, |count, it| count.saturating_mul(it.len())).min(MAX_CHOICES);
    (0..choices).find_map(|mut choice| {
        let pick = |it: &&[Edge]| {
            let edge = &it[choice % it.len()];
            choice /= it.len();
            edge.clone()
        };
        let cycle: Cycle = hops.iter().map(pick).collect();
        (can_wait(&cycle) && !on_one_thread(analysis, &cycle)).then_some(cycle)
    })
}

/// The edges of a shortest way from `start` to `goal`, by breadth-first search inside one component.
fn shortest(graph: &DiGraph<Key, usize>, start: NodeIndex, goal: NodeIndex, component: &FxHashMap<NodeIndex, usize>) -> Option<Vec<usize>> {
    use petgraph::visit::EdgeRef;
    let mut came: FxHashMap<NodeIndex, (NodeIndex, usize)> = FxHashMap::default();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        if node == goal {
            let mut way = Vec::new();
            let mut at = goal;
            while at != start {
                let (before, edge) = came[&at];
                way.push(edge);
                at = before;
            }
            way.reverse();
            return Some(way);
        }
        for edge in graph.edges(node) {
            let next = edge.target();
            if component[&next] == component[&start] && next != start && !came.contains_key(&next) {
                came.insert(next, (node, *edge.weight()));
                queue.push_back(next);
            }
        }
    }
    None
}

/// Whether threads on the cycle's edges can wait for each other: no gate around all of them, and at each lock holder
/// and waiter are not both readers.
fn can_wait(cycle: &[Edge]) -> bool {
    let gated = cycle.first().is_some_and(|first| first.gates.iter().any(|gate| cycle.iter().all(|it| it.gates.contains(gate))));
    let conflicts = cycle.iter().enumerate().all(|(index, edge)| {
        let next = &cycle[(index + 1) % cycle.len()];
        edge.acquisition.mode == Mode::Exclusive || next.held_mode == Mode::Exclusive
    });
    !gated && conflicts
}
