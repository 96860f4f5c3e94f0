//! Which branches an op depends on, and on what their conditions do.

use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, Definitions};
use crate::analysis::lockset::OpId;
use crate::analysis::path::Step;
use crate::ir::{Block, BlockId, Const, Function, Local, OpKind, Operation, Terminator};
use crate::program::{Fun, Target};

/// Branches further above than this decide nothing that a reader would see.
const MAX_ABOVE: usize = 32;

/// The branches of a function, and which block every way to another leads through.
pub(super) struct Flow<'f> {
    definitions: Definitions<'f>,
    blocks: &'f [Block],
    dominators: Dominators<NodeIndex>,
    /// First op of each block.
    starts: Vec<u32>,
    predecessors: Vec<Vec<u32>>,
}

impl<'f> Flow<'f> {
    pub(super) fn new(ir: &'f Function) -> Flow<'f> {
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(ir.blocks.len(), ir.blocks.len());
        let mut starts = Vec::with_capacity(ir.blocks.len());
        let mut predecessors = vec![Vec::new(); ir.blocks.len()];
        let mut count = 0;
        for block in &ir.blocks {
            graph.add_node(());
            starts.push(count);
            count += block.ops.len() as u32;
        }
        for (index, block) in ir.blocks.iter().enumerate() {
            for next in block.terminator.successors().into_iter().chain(block.unwind) {
                graph.add_edge(NodeIndex::new(index), NodeIndex::new(next.index()), ());
                predecessors[next.index()].push(index as u32);
            }
        }
        Flow { blocks: &ir.blocks, definitions: Definitions::new(ir), dominators: simple_fast(&graph, NodeIndex::new(0)), starts, predecessors }
    }

    /// The op with that id.
    pub(super) fn op(&self, id: OpId) -> Option<&'f OpKind> {
        self.definitions.op(id).map(|it| &it.kind)
    }

    fn block_of(&self, op: OpId) -> usize {
        self.starts.partition_point(|it| *it <= op.0).saturating_sub(1)
    }

    /// The nearest branch that `test` decides and of which every way to `act` goes through one arm; with the other arms.
    pub(super) fn decision(&self, test: OpId, act: OpId) -> Option<Decision> {
        let goal = NodeIndex::new(self.block_of(act));
        // The blocks every way to the act goes through, nearest first; the block itself is one.
        let above: Vec<NodeIndex> = self.dominators.dominators(goal)?.take(MAX_ABOVE).collect();
        above.windows(2).find_map(|pair| {
            let (below, branch) = (pair[0].index(), pair[1].index());
            let (condition, targets): (Local, Vec<BlockId>) = match &self.blocks[branch].terminator {
                Terminator::Branch { condition, then, otherwise } => (*condition, vec![*then, *otherwise]),
                Terminator::Switch { on, arms } => (*on, arms.iter().map(|it| it.target).collect()),
                _ => return None,
            };
            // An arm, not where the arms meet again.
            let is_arm = self.predecessors[below][..] == [branch as u32] && targets.iter().any(|it| it.index() != below);
            let sources = self.definitions.sources_at_end(condition, branch);
            // Whether a loop goes on is no decision on what it goes over.
            let goes_on = sources.first().is_some_and(|it| matches!(self.definitions.op(*it).map(|it| &it.kind), Some(OpKind::Next { .. })));
            let raises = targets.iter().any(|it| it.index() != below && matches!(self.blocks[it.index()].terminator, Terminator::Raise));
            (is_arm && !goes_on && sources.contains(&test)).then_some(Decision { sources, raises })
        })
    }
}

impl Flow<'_> {
    /// Whether the test compares the state with what is stored: whoever comes last stores the same.
    pub(super) fn compares(&self, decision: &Decision, analysis: &Analysis<'_>, function: Fun, act: &Access) -> bool {
        let values = &analysis.facts(function).values;
        let stored = values.origin(act.value);
        decision.sources.iter().filter_map(|it| self.definitions.op(*it)).any(|op| match &op.kind {
            OpKind::Compute { operation: Operation::Compare | Operation::Is | Operation::IsNot, operands, .. } => {
                operands.iter().any(|it| values.origin(*it) == stored)
            }
            _ => false,
        })
    }

    /// Whether the test is whether there is a container, and the act changes what is in it.
    pub(super) fn is_presence(&self, decision: &Decision, test: &Access, act: &Access) -> bool {
        let ops = || decision.sources.iter().filter_map(|it| self.definitions.op(*it)).map(|it| &it.kind);
        let is_none = |value: &Local| ops().any(|op| matches!(op, OpKind::Const { dest, value: Const::None } if dest == value));
        let compares = ops().any(|op| matches!(op, OpKind::Compute { operation: Operation::Compare | Operation::Is | Operation::IsNot, operands, .. } if operands.iter().any(is_none)));
        let inside = act.kind == AccessKind::Mutate || matches!(act.path.steps.last(), Some(Step::Key(_) | Step::Item));
        let whole =
            matches!(self.definitions.op(test.op).map(|it| &it.kind), Some(OpKind::Load { .. })) && test.path.steps.len() <= act.path.steps.len();
        inside && whole && compares
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
