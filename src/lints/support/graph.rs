//! The control-flow graph of a function, as lints walk it: by ops, with or without the ways that exceptions take.

use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::ir::{BlockId, Function, Op, OpId};

/// A function's blocks and ops.
pub struct Graph<'f> {
    pub ir: &'f Function,
}

/// Which ways a walk takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// Those without an exception.
    Normal,
    All,
}

impl<'f> Graph<'f> {
    pub fn new(ir: &'f Function) -> Graph<'f> {
        Graph { ir }
    }

    /// Every op, in block order.
    pub fn ops(&self) -> impl Iterator<Item = (OpId, &'f Op)> + use<'f> {
        self.ir.numbered()
    }

    /// The ops from that one on, in block order.
    pub fn from(&self, first: OpId) -> impl Iterator<Item = (OpId, &'f Op)> + use<'f> {
        self.ir.numbered().skip(first.index())
    }

    pub fn op(&self, id: OpId) -> Option<&'f Op> {
        self.ir.op(id)
    }

    /// The block that op stands in.
    pub fn block_of(&self, op: OpId) -> BlockId {
        self.ir.block_of(op)
    }

    /// Where an exception in that op goes inside the function.
    pub fn unwind_of(&self, op: OpId) -> Option<BlockId> {
        self.ir.block(self.block_of(op)).unwind
    }

    /// The blocks that control can get to from the beginning of `from`, that one included; not through blocks of which
    /// `stops` is true.
    pub fn reached(&self, from: impl IntoIterator<Item = BlockId>, ways: Ways, stops: impl Fn(BlockId) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.ir.blocks.len()];
        let mut work: Vec<BlockId> = from.into_iter().collect();
        while let Some(block) = work.pop() {
            if std::mem::replace(&mut seen[block.index()], true) || stops(block) {
                continue;
            }
            work.extend(self.after(block, ways));
        }
        seen
    }

    /// The blocks that may come right after `block`.
    pub fn after(&self, block: BlockId, ways: Ways) -> impl Iterator<Item = BlockId> + use<> {
        let block = self.ir.block(block);
        block.terminator.successors().into_iter().chain(block.unwind.filter(|_| ways == Ways::All))
    }

    /// Whether control can get from just after `from` to `to` without passing any of `through`, exceptions aside.
    pub fn leads(&self, from: OpId, to: OpId, through: &[OpId]) -> bool {
        let (home, goal) = (self.block_of(from), self.block_of(to));
        let between = |block: BlockId, first: u32, last: u32| through.iter().any(|it| self.block_of(*it) == block && it.0 >= first && it.0 < last);
        if home == goal && from < to && !between(home, from.0 + 1, to.0) {
            return true;
        }
        if between(home, from.0 + 1, u32::MAX) || between(goal, 0, to.0) {
            return false;
        }
        let stops = |block: BlockId| block == goal || between(block, 0, u32::MAX);
        self.reached(self.after(home, Ways::Normal), Ways::Normal, stops)[goal.index()]
    }

    /// Whether every way from the function's beginning to `to` passes one of `through`, exceptions aside.
    pub fn has_to_pass(&self, to: OpId, through: &[OpId]) -> bool {
        let goal = self.block_of(to);
        if through.iter().any(|it| self.block_of(*it) == goal && *it < to) {
            return true;
        }
        let stops = |block: BlockId| block == goal || through.iter().any(|it| self.block_of(*it) == block);
        !self.reached([BlockId(0)], Ways::Normal, stops)[goal.index()]
    }

    /// Whether every way to `block` goes through the `arm` of a branch, and every way to that comes from the branch.
    pub fn is_in_arm(&self, arm: BlockId, block: BlockId) -> bool {
        let all = (0..self.ir.blocks.len()).map(BlockId::from_index);
        let before = all.filter(|it| self.after(*it, Ways::All).any(|next| next == arm)).count();
        let above = |it: NodeIndex| it.index() == arm.index();
        before == 1 && self.dominators().dominators(NodeIndex::new(block.index())).is_some_and(|mut it| it.any(above))
    }

    /// Which blocks every way to a block goes through, exceptions included.
    pub fn dominators(&self) -> Dominators<NodeIndex> {
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(self.ir.blocks.len(), self.ir.blocks.len());
        self.ir.blocks.iter().for_each(|_| {
            graph.add_node(());
        });
        for index in 0..self.ir.blocks.len() {
            for next in self.after(BlockId::from_index(index), Ways::All) {
                graph.add_edge(NodeIndex::new(index), NodeIndex::new(next.index()), ());
            }
        }
        simple_fast(&graph, NodeIndex::new(0))
    }
}
