//! Which shared places a function reads and writes, and what a written value was computed from.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::path::{Key, Owner, Path, Root, Step};
use super::values::Values;
use crate::ir::{Block, Callee, Function, Language, Local, LocalKind, Name, OpId, OpKind, Projection, StoreKind, exact};
use crate::program::{Fun, Program, Target, Ty};

/// Methods of maps that give what an iteration goes over.
pub const VIEWS: &[&str] = &["items", "keys", "values"];

/// A value is followed back through this many ops at most.
const MAX_WALK: usize = 512;

/// A definition is looked for in this many blocks at most, on all paths together.
const MAX_BLOCKS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    Read,
    /// A plain store.
    Write,
    /// `+=` and kin.
    Update,
    /// A method that changes its receiver in one step: `append`, `insert`.
    Mutate,
}

/// A read or write of a place that other code can reach.
#[derive(Clone, Debug)]
pub struct Access {
    pub op: OpId,
    pub key: Key,
    pub path: Path,
    pub kind: AccessKind,
    /// What was read, or is written.
    pub value: Local,
}

impl Access {
    /// Whether it changes what is in a container, as against what the container is.
    pub fn changes_in_place(&self) -> bool {
        self.kind == AccessKind::Mutate || matches!(self.path.steps.last(), Some(Step::Key(_) | Step::Item))
    }
}

impl Access {
    /// Whether it may put something into the container that the state is, or take it out; what goes on inside its items
    /// leaves it as it is.
    pub fn may_resize(&self) -> bool {
        let inside = self.path.steps.iter().rev().take_while(|it| matches!(it, Step::Key(_) | Step::Item)).count();
        inside == usize::from(self.kind != AccessKind::Mutate)
    }
}

impl AccessKind {
    pub fn writes(self) -> bool {
        self != AccessKind::Read
    }
}

/// Methods of `Option` and of what can be copied that look at what is there, and leave it.
const LOOKING: &[&str] = &["as_deref", "as_ref", "clone", "cloned", "copied", "is_none", "is_some", "is_some_and"];

/// The accesses of a function to fields, globals, and data behind locks, in op order.
pub fn accesses(program: &Program<'_>, values: &Values) -> Vec<Access> {
    let function = values.function;
    let ir = program.function(function);
    let catalog = program.catalog(function);
    let is_python = program.language(function) == Language::Python;
    let mut found = Vec::new();
    let mut container;
    for (id, op) in ir.numbered() {
        let (place, kind, value) = match &op.kind {
            // `del d[k]` takes out of the container, as `pop` does.
            OpKind::Delete { place } if matches!(place.projections.last(), Some(Projection::Key(_) | Projection::Index(_))) => {
                let Some(value) = place.locals().last() else { continue };
                container = *place;
                container.projections.pop();
                (&container, AccessKind::Mutate, value)
            }
            OpKind::Load { dest, place, .. } => (place, AccessKind::Read, *dest),
            OpKind::Store { place, value, kind } => (place, if *kind == StoreKind::Update { AccessKind::Update } else { AccessKind::Write }, *value),
            // `slot.lock().unwrap().is_none()`: what is behind the lock is an `Option`, whatever is in it.
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. }
                if !is_python
                    && LOOKING.contains(&name.as_str())
                    && !matches!(program.target(function, *dest), Target::Function { .. })
                    && values.place(program, receiver).is_some_and(|it| it.steps.last() == Some(&Step::Data)) =>
            {
                (receiver, AccessKind::Read, *dest)
            }
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, arguments } => match program.target(function, *dest) {
                Target::Method { ty, name } => match catalog.container(*ty) {
                    Some(row) if row.thread_safe => continue,
                    // What goes in is the last argument: `insert(k, v)`, `push(v)`.
                    Some(row) if row.mutating.contains(name) => (receiver, AccessKind::Mutate, arguments.last().map_or(*dest, |it| it.value)),
                    // `lock().unwrap()` hands the guard value on, and reads nothing yet.
                    Some(_) if catalog.tables.passing.unwrapping.contains(name) => continue,
                    Some(_) => (receiver, AccessKind::Read, *dest),
                    None => match catalog.atomic(*ty) {
                        Some(row) if row.load.contains(name) => (receiver, AccessKind::Read, *dest),
                        _ => continue,
                    },
                },
                // Whatever it is of, it looks inside.
                Target::Unknown if *name == "get" || *name == "len" => (receiver, AccessKind::Read, *dest),
                Target::Unknown if is_python && VIEWS.contains(&name.as_str()) => (receiver, AccessKind::Read, *dest),
                // The same of a container of the program's own.
                Target::Function { function: called, .. } if *name == "get" && is_python && is_container(program, *called) => {
                    (receiver, AccessKind::Read, *dest)
                }
                _ => continue,
            },
            _ => continue,
        };
        // A variable that holds an object is no place of the object's: only what lies behind it is.
        let is_captured = |it: Local| matches!(ir.local(it).kind(), LocalKind::Captured(_)) && program.language(function) == Language::Python;
        if place.as_local().is_some_and(|it| !is_captured(it)) && !matches!(op.kind, OpKind::Call { .. }) {
            continue;
        }
        let Some(path) = values.place(program, place) else { continue };
        let Some((key, ty)) = path.resolve(program, function) else { continue };
        let shared = match key.owner {
            Owner::Field(..) | Owner::Global(..) => true,
            Owner::Local(..) | Owner::Param(..) | Owner::Guarding(_) | Owner::Interpreter => {
                path.steps.contains(&Step::Data) || matches!(path.root, Root::Captured(_))
            }
        };
        let is_code = matches!(ty, Ty::Function(_) | Ty::BoundMethod(_) | Ty::ClassObject(_) | Ty::Module(_));
        if shared && !is_code && ty.lock(program.catalog(function)).is_none() {
            found.push(Access { op: id, key, path, kind, value });
        }
    }
    exact(&mut found);
    found
}

/// Whether a method is one of a class that items are stored in.
fn is_container(program: &Program<'_>, method: Fun) -> bool {
    program.class_of(method).is_some_and(|it| program.method(it, Name::new("__setitem__")).is_some())
}

/// Which ops define each local, for walking back.
#[derive(Debug)]
pub struct Definitions<'f> {
    ir: &'f Function,
    by_local: Vec<Vec<u32>>,
    predecessors: Vec<Vec<u32>>,
    /// The definitions that reach the beginning of a block, where that was asked.
    entering: RefCell<FxHashMap<(Local, u32), Reaching>>,
}

/// Ids of ops, shared by those who ask for the same.
type Reaching = Rc<[u32]>;

impl<'f> Definitions<'f> {
    pub fn new(ir: &'f Function) -> Definitions<'f> {
        let mut by_local = vec![Vec::new(); ir.locals.len()];
        for (id, op) in ir.numbered() {
            if let Some(local) = op.kind.defines() {
                by_local[local.index()].push(id.0);
            }
        }
        let mut predecessors = vec![Vec::new(); ir.blocks.len()];
        for (index, block) in ir.blocks.iter().enumerate() {
            for next in block.terminator.successors().into_iter().chain(block.unwind) {
                predecessors[next.index()].push(index as u32);
            }
        }
        Definitions { ir, by_local, predecessors, entering: RefCell::default() }
    }

    /// The op with that id.
    pub fn op(&self, id: OpId) -> Option<&'f crate::ir::Op> {
        self.ir.op(id)
    }

    /// The first op that gives `local` a value.
    pub fn first(&self, local: Local) -> Option<&'f crate::ir::Op> {
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
            return all.as_slice().into();
        }
        if let Some(found) = self.latest(local, home, at) {
            return [found].into();
        }
        let key = (local, home as u32);
        if let Some(known) = self.entering.borrow().get(&key) {
            return known.clone();
        }
        let found: Reaching = self.entering(local, home).into();
        self.entering.borrow_mut().insert(key, found.clone());
        found
    }

    fn entering(&self, local: Local, home: usize) -> Vec<u32> {
        let mut found = Vec::new();
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut work: Vec<u32> = self.predecessors[home].clone();
        while let Some(block) = work.pop() {
            if found.len() >= MAX_WALK || seen.len() >= MAX_BLOCKS {
                break;
            }
            if !seen.insert(block) {
                continue;
            }
            match self.latest(local, block as usize, u32::MAX) {
                Some(definition) => found.push(definition),
                None => work.extend(&self.predecessors[block as usize]),
            }
        }
        found
    }

    /// The ops whose results `value`, as used at `at`, was computed from, itself included.
    pub fn sources(&self, value: Local, at: OpId) -> Vec<OpId> {
        self.walk(value, self.block_of(at), at.0)
    }

    /// The same for a value that the terminator of `block` uses.
    pub fn sources_at_end(&self, value: Local, block: usize) -> Vec<OpId> {
        self.walk(value, block, u32::MAX)
    }

    fn walk(&self, value: Local, home: usize, at: u32) -> Vec<OpId> {
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
                    queue.extend(self.ir.ops[id as usize].kind.uses().into_iter().map(|it| (it, home, id)));
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
