//! Which ops give each local of a function its values, for walking back from a use.

use std::cell::RefCell;
use std::ops::{Deref, Index};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::ir::{Base, Block, Callee, Function, Local, Op, OpId, OpKind};

/// A value is followed back through this many ops at most.
const MAX_WALK: usize = 512;

/// A definition is looked for in this many blocks at most, on all paths together.
const MAX_BLOCKS: usize = 4096;

/// Which ops define each local, for walking back.
#[derive(Debug)]
pub struct Definitions<'f> {
    ir: &'f Function,
    by_local: Lists,
    predecessors: Lists,
    /// The definitions that reach the beginning of a block, where that was asked.
    entering: RefCell<FxHashMap<(Local, u32), Reaching>>,
}

/// Ids of ops: most often one. Who asks for the same as others shares it with them.
#[derive(Clone, Debug)]
enum Reaching {
    None,
    One(u32),
    Many(Rc<[u32]>),
}

impl Deref for Reaching {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Reaching::None => &[],
            Reaching::One(id) => std::slice::from_ref(id),
            Reaching::Many(ids) => ids,
        }
    }
}

impl From<&[u32]> for Reaching {
    fn from(ids: &[u32]) -> Self {
        match ids {
            [] => Reaching::None,
            [id] => Reaching::One(*id),
            ids => Reaching::Many(ids.into()),
        }
    }
}

/// A list of numbers for each of many, in one piece.
#[derive(Debug)]
struct Lists {
    /// Where each begins in `items`, and where the last one ends.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// The lists of `count` from pairs of a list's index and an item, of which those of one list come in its order. They are
    /// gone through twice.
    fn of(count: usize, pairs: impl Iterator<Item = (usize, u32)> + Clone) -> Lists {
        let mut starts = vec![0; count + 1];
        for (list, _) in pairs.clone() {
            starts[list + 1] += 1;
        }
        for list in 0..count {
            starts[list + 1] += starts[list];
        }
        let mut items = vec![0; starts[count] as usize];
        // Each list's start is moved up to its end, which is where the next one starts.
        for (list, item) in pairs {
            items[starts[list] as usize] = item;
            starts[list] += 1;
        }
        starts.rotate_right(1);
        starts[0] = 0;
        Lists { starts, items }
    }

    fn get(&self, list: usize) -> Option<&[u32]> {
        let (start, end) = (*self.starts.get(list)?, *self.starts.get(list + 1)?);
        Some(&self.items[start as usize..end as usize])
    }
}

impl Index<usize> for Lists {
    type Output = [u32];

    fn index(&self, list: usize) -> &[u32] {
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

impl<'f> Definitions<'f> {
    pub fn new(ir: &'f Function) -> Definitions<'f> {
        let defined = ir.numbered().filter_map(|(id, op)| Some((op.kind.defines()?.index(), id.0)));
        let leads = |(index, block): (usize, &Block)| {
            let targets = block.terminator.successors().into_iter().chain(block.unwind);
            targets.map(move |it| (it.index(), index as u32)).collect::<SmallVec<[_; 3]>>()
        };
        let by_local = Lists::of(ir.locals.len(), defined);
        let predecessors = Lists::of(ir.blocks.len(), ir.blocks.iter().enumerate().flat_map(leads));
        Definitions { ir, by_local, predecessors, entering: RefCell::default() }
    }

    /// The op with that id.
    pub fn op(&self, id: OpId) -> Option<&'f Op> {
        self.ir.op(id)
    }

    /// The first op that gives `local` a value.
    pub fn first(&self, local: Local) -> Option<&'f Op> {
        self.by_local.get(local.index())?.first().map(|it| &self.ir.ops[*it as usize])
    }

    /// The index of the block that op stands in.
    pub fn block_of(&self, op: OpId) -> usize {
        self.ir.block_of(op).index()
    }

    /// The blocks that lead to a block, by exceptions too.
    pub fn predecessors(&self, block: usize) -> &[u32] {
        &self.predecessors[block]
    }

    /// The last definition of `local` in `block` before op `before`.
    fn latest(&self, local: Local, block: usize, before: u32) -> Option<u32> {
        let all = &self.by_local[local.index()];
        let &Block { first, count, .. } = &self.ir.blocks[block];
        let before = before.min(first.0 + count);
        let count = all.partition_point(|it| *it < before);
        all[..count].last().copied().filter(|it| *it >= first.0)
    }

    /// The definitions of `local` that reach op `at`, or the end of block `home`: backwards along the control flow to
    /// the nearest on each path.
    fn reaching(&self, local: Local, home: usize, at: u32) -> Reaching {
        let all = &self.by_local[local.index()];
        if all.len() <= 1 {
            return all.into();
        }
        if let Some(found) = self.latest(local, home, at) {
            return Reaching::One(found);
        }
        let key = (local, home as u32);
        if let Some(known) = self.entering.borrow().get(&key) {
            return known.clone();
        }
        let found = Reaching::from(&*self.entering(local, home));
        self.entering.borrow_mut().insert(key, found.clone());
        found
    }

    fn entering(&self, local: Local, home: usize) -> Vec<u32> {
        let mut found = Vec::new();
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut work: Vec<u32> = self.predecessors[home].to_vec();
        while let Some(block) = work.pop() {
            if found.len() >= MAX_WALK || seen.len() >= MAX_BLOCKS {
                break;
            }
            if !seen.insert(block) {
                continue;
            }
            match self.latest(local, block as usize, u32::MAX) {
                Some(definition) => found.push(definition),
                None => work.extend_from_slice(&self.predecessors[block as usize]),
            }
        }
        found
    }

    /// The ops whose results `value`, as used at `at`, was computed from, itself included.
    pub fn sources(&self, value: Local, at: OpId) -> Vec<OpId> {
        self.walk(value, self.block_of(at), at.0, OpKind::uses)
    }

    /// The same for a value that the terminator of `block` uses.
    pub fn sources_at_end(&self, value: Local, block: usize) -> Vec<OpId> {
        self.walk(value, block, u32::MAX, OpKind::uses)
    }

    /// The sources that `value`, as used at `at`, has of its own: what a call that is waited for is given, and what is asked
    /// for in a container, is no part of what comes back. Nor is what the ops are given of which `makes` is true.
    pub fn own_sources(&self, value: Local, at: OpId, makes: impl Fn(&OpKind) -> bool) -> Vec<OpId> {
        self.walk(value, self.block_of(at), at.0, |it| if makes(it) { SmallVec::new() } else { own_uses(it) })
    }

    /// The same for a value that the terminator of `block` uses.
    pub fn own_sources_at_end(&self, value: Local, block: usize) -> Vec<OpId> {
        self.walk(value, block, u32::MAX, own_uses)
    }

    fn walk<U: IntoIterator<Item = Local>>(&self, value: Local, home: usize, at: u32, uses: impl Fn(&OpKind) -> U) -> Vec<OpId> {
        let mut seen: FxHashSet<(Local, u32)> = FxHashSet::default();
        let mut queue = std::collections::VecDeque::from([(value, home, at)]);
        let mut found = Vec::new();
        while let Some((local, home, at)) = queue.pop_front() {
            for id in self.reaching(local, home, at).iter().copied() {
                if seen.len() >= MAX_WALK {
                    return found;
                }
                if seen.insert((local, id)) {
                    found.push(OpId(id));
                    let home = self.block_of(OpId(id));
                    // How much room a collection has is no part of what is in it.
                    if matches!(&self.ir.ops[id as usize].kind, OpKind::Call { callee: Callee::Path(name), .. } if name.last() == "with_capacity") {
                        continue;
                    }
                    queue.extend(uses(&self.ir.ops[id as usize].kind).into_iter().map(|it| (it, home, id)));
                }
            }
        }
        found
    }

    /// The ops that made `value`, as used at `at`: through variables and branches, and no further than the calls,
    /// literals and reads of state that gave it.
    pub fn origins(&self, value: Local, at: OpId) -> Vec<OpId> {
        self.walk_copies(value, self.block_of(at), at.0)
    }

    /// The same for a value that the terminator of `block` uses.
    pub fn origins_at_end(&self, value: Local, block: usize) -> Vec<OpId> {
        self.walk_copies(value, block, u32::MAX)
    }

    fn walk_copies(&self, value: Local, home: usize, at: u32) -> Vec<OpId> {
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut work = vec![(value, home, at)];
        let mut found = Vec::new();
        while let Some((local, home, at)) = work.pop() {
            for id in self.reaching(local, home, at).iter().copied() {
                if seen.len() >= MAX_WALK || !seen.insert(id) {
                    continue;
                }
                let home = self.block_of(OpId(id));
                match &self.ir.ops[id as usize].kind {
                    OpKind::Load { place, .. } if place.as_local().is_some() => work.extend(place.as_local().map(|it| (it, home, id))),
                    OpKind::Store { value, .. } => work.push((*value, home, id)),
                    _ => found.push(OpId(id)),
                }
            }
        }
        found
    }

    /// The parameters but the first that `value`, as used at `at`, was computed from.
    pub fn parameters(&self, ir: &Function, value: Local, at: OpId) -> Vec<u32> {
        self.roots(ir, value, at).into_iter().filter(|it| *it > 0).collect()
    }

    /// The parameters, the receiver included, that `value`, as used at `at`, is or was computed from.
    pub fn roots(&self, ir: &Function, value: Local, at: OpId) -> Vec<u32> {
        let sources = self.sources(value, at);
        let uses = |local: Local| local == value || sources.iter().any(|it| self.ir.ops[it.0 as usize].kind.uses().contains(&local));
        ir.params.iter().enumerate().filter(|(_, it)| uses(it.local)).map(|(index, _)| index as u32).collect()
    }

    /// Whether `value`, as used at `at`, is what `read` read and nothing was computed in between: saved and put back.
    pub fn is_copy(&self, value: Local, at: OpId, read: OpId) -> bool {
        let (mut local, mut at) = (value, at.0);
        for _ in 0..MAX_WALK {
            match self.reaching(local, self.block_of(OpId(at)), at)[..] {
                [id] if id == read.0 => return true,
                [id] => match &self.ir.ops[id as usize].kind {
                    OpKind::Load { place, .. } if place.as_local().is_some() => (local, at) = (place.as_local().unwrap_or(local), id),
                    OpKind::Store { value, .. } => (local, at) = (*value, id),
                    _ => return false,
                },
                _ => return false,
            }
        }
        false
    }
}

/// Of what an op uses, that which its result is made of.
fn own_uses(op: &OpKind) -> SmallVec<[Local; 4]> {
    match op {
        OpKind::Await { .. } | OpKind::Enter { .. } | OpKind::Next { .. } | OpKind::Closure { .. } => SmallVec::new(),
        OpKind::Call { callee: Callee::Value(_), .. } => SmallVec::new(),
        OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => receiver.as_local().into_iter().collect(),
        OpKind::Load { place, .. } => match place.base {
            Base::Local(base) => SmallVec::from_iter([base]),
            Base::Global(_) => SmallVec::new(),
        },
        _ => op.uses(),
    }
}
