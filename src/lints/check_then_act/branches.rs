//! Which branches an op depends on, and on what their conditions do.

use std::cell::OnceCell;

use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashSet;

use crate::analysis::Analysis;
use crate::analysis::access::{Access, Definitions};
use crate::analysis::lockset::OpId;
use crate::ir::{BlockId, Const, Function, Local, OpKind, Operation, Terminator};
use crate::program::{Fun, Target};

/// Branches further above than this decide nothing that a reader would see.
const MAX_ABOVE: usize = 32;

/// The branches of a function, and which block every way to another leads through.
pub(super) struct Branches<'f> {
    definitions: Definitions<'f>,
    ir: &'f Function,
    dominators: Dominators<NodeIndex>,
    /// What something other than its drop looks at, where that was asked.
    used: OnceCell<FxHashSet<Local>>,
}

impl<'f> Branches<'f> {
    pub(super) fn new(ir: &'f Function) -> Branches<'f> {
        let definitions = Definitions::new(ir);
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(ir.blocks.len(), ir.blocks.len());
        ir.blocks.iter().for_each(|_| {
            graph.add_node(());
        });
        for block in 0..ir.blocks.len() {
            for before in definitions.predecessors(block) {
                graph.add_edge(NodeIndex::new(*before as usize), NodeIndex::new(block), ());
            }
        }
        Branches { ir, dominators: simple_fast(&graph, NodeIndex::new(0)), definitions, used: OnceCell::new() }
    }

    /// The op with that id.
    pub(super) fn op(&self, id: OpId) -> Option<&'f OpKind> {
        self.definitions.op(id).map(|it| &it.kind)
    }

    /// Whether anything but its drop looks at the value.
    pub(super) fn is_used(&self, value: Local) -> bool {
        let used = || {
            let ops = self.ir.ops().filter(|it| !matches!(it.2.kind, OpKind::Drop { .. })).flat_map(|it| it.2.kind.uses());
            let tested = self.ir.blocks.iter().filter_map(|it| match it.terminator {
                Terminator::Branch { condition: it, .. } | Terminator::Switch { on: it, .. } => Some(it),
                _ => None,
            });
            ops.chain(tested).collect()
        };
        self.used.get_or_init(used).contains(&value)
    }

    /// The nearest branch that `test` decides and of which every way to `act` goes through one arm; with the other arms.
    pub(super) fn decision(&self, test: OpId, act: OpId) -> Option<Decision> {
        let goal = NodeIndex::new(self.definitions.block_of(act));
        // The blocks every way to the act goes through, nearest first; the block itself is one.
        let above: Vec<NodeIndex> = self.dominators.dominators(goal)?.take(MAX_ABOVE).collect();
        above.windows(2).find_map(|pair| {
            let (below, branch) = (pair[0].index(), pair[1].index());
            let (condition, targets): (Local, Vec<BlockId>) = match &self.ir.blocks[branch].terminator {
                Terminator::Branch { condition, then, otherwise } => (*condition, vec![*then, *otherwise]),
                Terminator::Switch { on, arms } => (*on, arms.iter().map(|it| it.target).collect()),
                _ => return None,
            };
            // An arm, not where the arms meet again.
            let is_arm = self.definitions.predecessors(below) == [branch as u32] && targets.iter().any(|it| it.index() != below);
            let sources = self.definitions.sources_at_end(condition, branch);
            // Whether a loop goes on is no decision on what it goes over.
            let goes_on = sources.first().is_some_and(|it| matches!(self.definitions.op(*it).map(|it| &it.kind), Some(OpKind::Next { .. })));
            let raises = targets.iter().any(|it| it.index() != below && matches!(self.ir.blocks[it.index()].terminator, Terminator::Raise));
            (is_arm && !goes_on && sources.contains(&test)).then_some(Decision { sources, raises })
        })
    }
}

impl Branches<'_> {
    fn ops_of(&self, decision: &Decision) -> impl Iterator<Item = &'_ OpKind> {
        decision.sources.iter().filter_map(|it| self.op(*it))
    }

    /// The operands of the comparisons in a decision.
    fn compared(&self, decision: &Decision) -> impl Iterator<Item = Local> {
        self.ops_of(decision)
            .flat_map(|op| match op {
                OpKind::Compute { operation: Operation::Compare | Operation::Is | Operation::IsNot, operands, .. } => &operands[..],
                _ => &[],
            })
            .copied()
    }

    /// Whether the test compares the state with what is stored: whoever comes last stores the same.
    pub(super) fn compares(&self, decision: &Decision, analysis: &Analysis<'_>, function: Fun, act: &Access) -> bool {
        let values = &analysis.facts(function).values;
        let stored = values.origin(act.value);
        self.compared(decision).any(|it| values.origin(it) == stored)
    }

    /// Whether the test is whether there is a container, and the act changes what is in it.
    pub(super) fn is_presence(&self, decision: &Decision, test: &Access, act: &Access) -> bool {
        let is_none = |value: Local| self.ops_of(decision).any(|op| matches!(op, OpKind::Const { dest, value: Const::None } if *dest == value));
        let whole = matches!(self.op(test.op), Some(OpKind::Load { .. })) && test.path.steps.len() <= act.path.steps.len();
        whole && act.changes_in_place() && self.compared(decision).any(is_none)
    }

    /// Whether what is stored is an object made here, of which a second one is another.
    pub(super) fn is_made(&self, analysis: &Analysis<'_>, function: Fun, act: &Access) -> bool {
        let program = analysis.program;
        let sources = self.definitions.sources(act.value, act.op);
        sources.iter().filter_map(|it| self.definitions.op(*it)).any(|op| match &op.kind {
            OpKind::Call { dest, .. } => match program.target(function, *dest) {
                Target::Construct { .. } => true,
                Target::External(path) => path.last().starts_with(|it: char| it.is_ascii_uppercase()),
                _ => false,
            },
            _ => false,
        })
    }
}

/// A branch between a test and an act.
pub(super) struct Decision {
    /// What its condition was computed from.
    sources: Vec<OpId>,
    /// The other way raises: a precondition, more than a choice.
    pub(super) raises: bool,
}
