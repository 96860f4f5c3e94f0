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

    /// Whether an op is on a way from just after `from` to `to`, exceptions aside, that passes none of `before` until it comes
    /// to the op, and none of `after` from then on; and neither of the two ends.
    pub fn between(&self, from: OpId, to: OpId, before: &[OpId], after: &[OpId]) -> impl Fn(OpId) -> bool + use<'f> {
        let ir = self.ir;
        let count = ir.blocks.len();
        let by_block = |ops: &[OpId], end: OpId| {
            let mut ops: Vec<(BlockId, OpId)> = ops.iter().chain([&end]).map(|it| (ir.block_of(*it), *it)).collect();
            ops.sort_unstable();
            ops
        };
        let (before, after) = (by_block(before, to), by_block(after, from));
        let first_in = |block: BlockId, at: u32| {
            let next = before.partition_point(|it| *it < (block, OpId(at)));
            before.get(next).filter(|it| it.0 == block).map(|it| it.1)
        };
        let last_in = |block: BlockId, until: u32| {
            let next = after.partition_point(|it| *it < (block, OpId(until)));
            next.checked_sub(1).map(|it| after[it]).filter(|it| it.0 == block).map(|it| it.1)
        };
        // Blocks come after those that lead to them: what lies between two is numbered so, unless a loop leads back.
        let (home, goal) = (ir.block_of(from).index(), ir.block_of(to).index());
        let (first, last) = if home <= goal { (home, goal) } else { (0, count - 1) };
        let place = move |it: BlockId| it.index().checked_sub(first).filter(|_| it.index() <= last);
        let graph = Graph { ir };
        let after_in = |it: BlockId| graph.after(it, Ways::Normal).filter(|it| place(*it).is_some());
        let mut into: Vec<Vec<BlockId>> = vec![Vec::new(); last + 1 - first];
        for block in (first..=last).map(BlockId::from_index) {
            after_in(block).for_each(|it| into[it.index() - first].push(block));
        }
        // Of each block, the ops that a way comes to: from one on, and until another; both if it is entered again.
        let mut reached: Vec<Vec<(u32, u32)>> = vec![Vec::new(); into.len()];
        let mut work = vec![(BlockId::from_index(home), from.0 + 1)];
        let mut seen = vec![false; into.len()];
        while let Some((block, at)) = work.pop() {
            let end = first_in(block, at);
            reached[block.index() - first].push((at, end.map_or(u32::MAX, |it| it.0)));
            if end.is_none() {
                work.extend(after_in(block).filter(|it| !std::mem::replace(&mut seen[it.index() - first], true)).map(|it| (it, 0)));
            }
        }
        let mut leading: Vec<Vec<(u32, u32)>> = vec![Vec::new(); into.len()];
        let mut work = vec![(BlockId::from_index(goal), to.0)];
        let mut seen = vec![false; into.len()];
        while let Some((block, until)) = work.pop() {
            let begin = last_in(block, until);
            leading[block.index() - first].push((begin.map_or(0, |it| it.0 + 1), until));
            if begin.is_none() {
                let before = into[block.index() - first].iter();
                work.extend(before.filter(|it| !std::mem::replace(&mut seen[it.index() - first], true)).map(|it| (*it, u32::MAX)));
            }
        }
        let within = |ranges: &[(u32, u32)], op: OpId| ranges.iter().any(|it| (it.0..it.1).contains(&op.0));
        move |op| place(ir.block_of(op)).is_some_and(|it| within(&reached[it], op) && within(&leading[it], op))
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
