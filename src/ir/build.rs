//! Building one function's control-flow graph, op by op: what both frontends share.

use std::cell::RefCell;

use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::{
    Block, BlockId, Const, Function, FunctionKind, LoadKind, Local, LocalDecl, LocalKind, Locals, Name, Op, OpId, OpKind, Owner, Param, ParamKind,
    Place, Range, Statement, Stmt, StoreKind, Terminator, Told, TypeRef,
};

/// Room for more ops than this is not kept for the next function.
const MAX_ROOM: usize = 1 << 14;

thread_local! {
    /// Room that functions were built in before: each of them would grow its own a step at a time.
    static ROOMS: RefCell<Vec<Room>> = const { RefCell::new(Vec::new()) };
}

/// A block of a finished function.
#[derive(Clone, Copy, Default)]
struct Kept {
    number: BlockId,
    /// Where its next op belongs.
    next: usize,
}

/// What grows while a function is built, empty.
#[derive(Debug, Default)]
struct Room {
    ops: Vec<Op>,
    homes: Vec<BlockId>,
    blocks: Vec<Block>,
    live: Vec<bool>,
    statements: Vec<Statement>,
}

/// A function under construction, and the block that ops are appended to.
///
/// After a terminator the builder stands in a fresh, unreachable block, so that code after `return` needs no special
/// case; [`FunctionBuilder::finish`] removes what nothing reaches.
#[derive(Debug)]
pub struct FunctionBuilder {
    pub function: Function,
    current: BlockId,
    stmt: Stmt,
    unwind: Option<BlockId>,
    /// By op, in the order in which they are built: the block that it stands in.
    homes: Vec<BlockId>,
    /// By block: whether control can get there by what was built so far.
    live: Vec<bool>,
}

impl FunctionBuilder {
    pub fn new(name: Name, scope: Name, kind: FunctionKind, owner: Owner, range: Range) -> Self {
        let Room { ops, homes, blocks, live, statements } = ROOMS.with_borrow_mut(Vec::pop).unwrap_or_default();
        let function = Function {
            name,
            scope,
            kind,
            owner,
            is_async: false,
            is_generator: false,
            is_unsafe: false,
            is_public: false,
            is_test: false,
            is_move: false,
            generics: ThinVec::new(),
            params: Vec::new(),
            returns: None,
            attributes: ThinVec::new(),
            told: Told::default(),
            locals: Locals::default(),
            annotations: ThinVec::new(),
            statements,
            ops,
            blocks,
            range,
            name_range: range,
        };
        let mut builder = FunctionBuilder { function, current: BlockId(0), stmt: Stmt(0), unwind: None, homes, live };
        builder.current = builder.new_block();
        builder.live[0] = true;
        builder.begin_statement(range);
        builder
    }

    /// A new, empty block, which unwinds to where the builder unwinds now.
    pub fn new_block(&mut self) -> BlockId {
        let id = BlockId::from_index(self.function.blocks.len());
        self.function.blocks.push(Block {
            first: OpId(0),
            count: 0,
            terminator: Terminator::Unreachable,
            terminator_range: Range::default(),
            unwind: self.unwind,
        });
        self.live.push(false);
        id
    }

    pub fn current(&self) -> BlockId {
        self.current
    }

    /// Whether control can get to where the builder stands, by the jumps built so far: false behind a `return`, in a
    /// block that nothing leads to yet, and behind those.
    pub fn is_live(&self) -> bool {
        self.live[self.current.index()]
    }

    /// Goes on in `block`.
    pub fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// Sets where exceptions go from the ops and blocks made from now on: goes on in a new block unless the current one is
    /// empty. Gives back the old target.
    pub fn set_unwind(&mut self, unwind: Option<BlockId>) -> Option<BlockId> {
        let old = std::mem::replace(&mut self.unwind, unwind);
        if old != unwind {
            if let Some(target) = unwind {
                self.live[target.index()] |= self.is_live();
            }
            if self.function.blocks[self.current.index()].count == 0 {
                self.function.blocks[self.current.index()].unwind = unwind;
            } else {
                let next = self.new_block();
                self.fall_into(next, Range::default());
            }
        }
        old
    }

    pub fn unwind(&self) -> Option<BlockId> {
        self.unwind
    }

    /// The statement that ops belong to from now on. Gives back the one before, for [`FunctionBuilder::resume_statement`].
    pub fn begin_statement(&mut self, range: Range) -> Stmt {
        let old = self.stmt;
        self.stmt = Stmt::from_index(self.function.statements.len());
        self.function.statements.push(Statement { range });
        old
    }

    pub fn resume_statement(&mut self, stmt: Stmt) {
        self.stmt = stmt;
    }

    pub fn statement(&self) -> Stmt {
        self.stmt
    }

    pub fn temp(&mut self) -> Local {
        self.new_local(LocalKind::Temporary, None, None)
    }

    pub fn new_local(&mut self, kind: LocalKind, name: Option<Name>, ty: Option<TypeRef>) -> Local {
        let id = self.function.locals.push(LocalDecl::new(kind, name));
        self.function.annotations.extend(ty.map(|it| (id, it)));
        id
    }

    /// Notes what the declaration of `local` is annotated with; the first counts.
    pub fn annotate(&mut self, local: Local, ty: TypeRef) {
        if self.function.annotation(local).is_some() {
            return;
        }
        let annotations = &mut self.function.annotations;
        if let Err(at) = annotations.binary_search_by_key(&local, |it| it.0) {
            annotations.insert(at, (local, ty));
        }
    }

    /// A parameter. All parameters are made before any other local.
    pub fn param(&mut self, name: Name, kind: ParamKind, ty: Option<TypeRef>, default: Option<Const>, range: Range) -> Local {
        let local = self.new_local(LocalKind::Param, Some(name), None);
        self.function.params.push(Param { local, name, kind, ty, default, default_name: None, range });
        local
    }

    pub fn push(&mut self, kind: OpKind, range: Range) {
        let stmt = self.stmt;
        self.function.ops.push(Op::new(kind, range, stmt));
        self.homes.push(self.current);
        self.function.blocks[self.current.index()].count += 1;
    }

    /// Loads `place` into a new temporary.
    pub fn load(&mut self, place: Place, kind: LoadKind, range: Range) -> Local {
        let dest = self.temp();
        self.push(OpKind::Load { dest, place, kind }, range);
        dest
    }

    pub fn store(&mut self, place: Place, value: Local, kind: StoreKind, range: Range) {
        self.push(OpKind::Store { place, value, kind }, range);
    }

    pub fn constant(&mut self, value: Const, range: Range) -> Local {
        let dest = self.temp();
        self.push(OpKind::Const { dest, value }, range);
        dest
    }

    /// Ends the current block and goes on in a fresh, as yet unreachable one.
    pub fn terminate(&mut self, terminator: Terminator, range: Range) {
        if self.is_live() {
            terminator.successors().iter().for_each(|it| self.live[it.index()] = true);
        }
        let block = &mut self.function.blocks[self.current.index()];
        block.terminator = terminator;
        block.terminator_range = range;
        self.current = self.new_block();
    }

    /// Ends the current block with a jump; the builder then stands in a fresh block.
    pub fn goto(&mut self, target: BlockId, range: Range) {
        self.terminate(Terminator::Goto(target), range);
    }

    /// Ends the current block with a jump and goes on in its target.
    pub fn fall_into(&mut self, target: BlockId, range: Range) {
        self.goto(target, range);
        self.switch_to(target);
    }

    /// Leads every jump past the blocks that do nothing but jump on. Linear in the number of blocks.
    pub fn skip_empty_blocks(&mut self) {
        let blocks = &mut self.function.blocks;
        let mut ends: Vec<Option<BlockId>> = vec![None; blocks.len()];
        for start in 0..blocks.len() {
            let mut passed = Vec::new();
            let mut at = BlockId::from_index(start);
            let end = loop {
                match (ends[at.index()], &blocks[at.index()]) {
                    (Some(end), _) => break end,
                    (None, Block { count: 0, terminator: Terminator::Goto(next), .. }) => {
                        // An empty endless loop ends where it is met again.
                        ends[at.index()] = Some(at);
                        passed.push(at);
                        at = *next;
                    }
                    _ => break at,
                }
            };
            passed.into_iter().for_each(|it| ends[it.index()] = Some(end));
        }
        let end = |it: &mut BlockId| *it = ends[it.index()].unwrap_or(*it);
        for block in blocks {
            block.unwind.iter_mut().for_each(end);
            block.terminator.targets_mut().for_each(end);
        }
    }

    /// The finished function: unreachable blocks removed, the rest numbered in reverse postorder. So a block comes after all
    /// that lead to it, those at a loop's end aside, the arms of a branch come as they stand in the source, and handlers last.
    pub fn finish(mut self) -> Function {
        let blocks = &mut self.function.blocks;
        let mut starts = vec![None; blocks.len()];
        for (op, home) in self.function.ops.iter().zip(&self.homes) {
            starts[home.index()].get_or_insert(op.range().start);
        }
        let order = reverse_postorder(blocks, &starts);
        // By block as they are numbered until now: what becomes of those that are reached.
        let mut kept: Vec<Option<Kept>> = vec![None; blocks.len()];
        let mut next = 0;
        for (number, id) in order.iter().enumerate() {
            kept[id.index()] = Some(Kept { number: BlockId::from_index(number), next });
            blocks[id.index()].first = OpId(next as u32);
            next += blocks[id.index()].count as usize;
        }
        let map = |id: BlockId| kept[id.index()].map(|it| it.number);
        let renumber = |id: &BlockId| {
            let block = &mut blocks[id.index()];
            let mut terminator = std::mem::replace(&mut block.terminator, Terminator::Unreachable);
            terminator.targets_mut().for_each(|it| *it = map(*it).unwrap_or(BlockId(0)));
            Block { terminator, unwind: block.unwind.and_then(map), ..*block }
        };
        let renumbered = order.iter().map(renumber).collect();
        let made = std::mem::replace(&mut self.function.blocks, renumbered);
        self.put_in_order(kept, next);
        // It is kept for the whole run as it is now.
        let function = &mut self.function;
        let mut room = Room { homes: self.homes, live: self.live, blocks: made, ..Room::default() };
        room.ops = exact(&mut function.ops);
        function.locals.settle();
        room.statements = exact(&mut function.statements);
        exact(&mut function.params);
        function.annotations.shrink_to_fit();
        function.attributes.shrink_to_fit();
        room.live.clear();
        room.homes.clear();
        room.blocks.clear();
        if room.ops.capacity() <= MAX_ROOM {
            ROOMS.with_borrow_mut(|it| it.push(room));
        }
        self.function
    }

    /// Puts the ops in the order of their blocks: each block's next one at its next place, `count` in all; the others go.
    fn put_in_order(&mut self, mut kept: Vec<Option<Kept>>, count: usize) {
        let ops = &mut self.function.ops;
        const GONE: usize = usize::MAX;
        let goal = |home: &BlockId| match &mut kept[home.index()] {
            Some(block) => {
                block.next += 1;
                block.next - 1
            }
            None => GONE,
        };
        let mut goals: Vec<usize> = self.homes.iter().map(goal).collect();
        if count == ops.len() && goals.is_sorted() {
            return;
        }
        // Each swap brings one op to its place.
        for at in 0..ops.len() {
            while goals[at] != at && goals[at] != GONE {
                let goal = goals[at];
                ops.swap(at, goal);
                goals.swap(at, goal);
            }
        }
        ops.truncate(count);
    }
}

/// The blocks that are reached from the first, each after those that lead to it, as far as they do not lead back. `starts`:
/// where the ops of each begin in the source, if it has any.
fn reverse_postorder(blocks: &[Block], starts: &[Option<u32>]) -> Vec<BlockId> {
    let start = |id: &BlockId| {
        let terminator = blocks[id.index()].terminator_range;
        starts[id.index()].or((terminator != Range::default()).then_some(terminator.start)).unwrap_or(u32::MAX)
    };
    let after = |id: BlockId| -> SmallVec<[BlockId; 4]> {
        let block = &blocks[id.index()];
        let mut after: SmallVec<[BlockId; 4]> = block.terminator.successors().into_iter().collect();
        after.sort_by_key(start);
        after.extend(block.unwind.filter(|_| block.count > 0 || block.terminator == Terminator::Raise));
        after
    };
    let mut seen = vec![false; blocks.len()];
    let mut order = Vec::with_capacity(blocks.len());
    let mut work: SmallVec<[(BlockId, SmallVec<[BlockId; 4]>); 8]> = SmallVec::new();
    seen[0] = true;
    work.push((BlockId(0), after(BlockId(0))));
    while let Some((block, rest)) = work.last_mut() {
        match rest.pop() {
            Some(next) if !std::mem::replace(&mut seen[next.index()], true) => work.push((next, after(next))),
            Some(_) => {}
            None => {
                order.push(*block);
                work.pop();
            }
        }
    }
    order.reverse();
    order
}

/// Moves what grew item by item to where there is room for it and no more, and gives the room that it had. Allocators
/// leave what shrinks by less than half where it is.
pub fn exact<T>(items: &mut Vec<T>) -> Vec<T> {
    let mut moved = Vec::new();
    if items.len() < items.capacity() {
        moved.reserve_exact(items.len());
        moved.append(items);
        std::mem::swap(items, &mut moved);
    }
    moved
}

impl Terminator {
    fn targets_mut(&mut self) -> impl Iterator<Item = &mut BlockId> {
        let (one, other, arms) = match self {
            Terminator::Goto(target) => (Some(target), None, Default::default()),
            Terminator::Branch { then, otherwise, .. } => (Some(then), Some(otherwise), Default::default()),
            Terminator::Switch { arms, .. } => (None, None, arms.as_mut_slice()),
            Terminator::Return(_) | Terminator::Raise | Terminator::Unreachable => (None, None, Default::default()),
        };
        one.into_iter().chain(other).chain(arms.iter_mut().map(|it| &mut it.target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> FunctionBuilder {
        FunctionBuilder::new(Name::new("f"), Name::new(""), FunctionKind::Function, Owner::Module, Range::default())
    }

    #[test]
    fn empty_blocks_are_skipped() {
        let mut b = builder();
        let (first, second, end) = (b.new_block(), b.new_block(), b.new_block());
        let condition = b.constant(Const::None, Range::default());
        b.terminate(Terminator::Branch { condition, then: first, otherwise: end }, Range::default());
        b.switch_to(first);
        b.fall_into(second, Range::default());
        b.fall_into(end, Range::default());
        b.terminate(Terminator::Return(None), Range::default());
        b.skip_empty_blocks();
        let function = b.finish();
        assert_eq!(function.blocks.len(), 2);
        assert_eq!(function.blocks[0].terminator, Terminator::Branch { condition, then: BlockId(1), otherwise: BlockId(1) });
    }

    #[test]
    fn an_empty_endless_loop_stays_one() {
        let mut b = builder();
        let (head, body) = (b.new_block(), b.new_block());
        b.fall_into(head, Range::default());
        b.fall_into(body, Range::default());
        b.goto(head, Range::default());
        b.skip_empty_blocks();
        let function = b.finish();
        let last = function.blocks.len() - 1;
        assert_eq!(function.blocks[last].terminator, Terminator::Goto(BlockId::from_index(last)));
    }

    #[test]
    fn liveness_follows_the_jumps() {
        let mut b = builder();
        let (after, handler) = (b.new_block(), b.new_block());
        assert!(b.is_live());
        b.set_unwind(Some(handler));
        b.terminate(Terminator::Return(None), Range::default());
        assert!(!b.is_live());
        b.fall_into(after, Range::default());
        assert!(!b.is_live(), "only dead code leads here");
        b.switch_to(handler);
        assert!(b.is_live());
    }
}
