//! Which shared places a function reads and writes, and what a written value was computed from.

use rustc_hash::FxHashSet;

use super::lockset::{Locksets, OpId};
use super::path::{Key, Owner, Path, Root, Step};
use super::values::Values;
use crate::ir::{Callee, Function, Local, OpKind, StoreKind};
use crate::program::{Program, Target, Ty};

/// A value is followed back through this many ops at most.
const MAX_WALK: usize = 512;

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

impl AccessKind {
    pub fn writes(self) -> bool {
        self != AccessKind::Read
    }
}

/// The accesses of a function to fields, globals, and data behind locks, in op order.
pub fn accesses(program: &Program<'_>, values: &Values, locksets: &Locksets) -> Vec<Access> {
    let function = values.function;
    let ir = program.function(function);
    let catalog = program.catalog(function);
    let mut found = Vec::new();
    for (block, index, op) in ir.ops() {
        let (place, kind, value) = match &op.kind {
            OpKind::Load { dest, place, .. } => (place, AccessKind::Read, *dest),
            OpKind::Store { place, value, kind } => (place, if *kind == StoreKind::Update { AccessKind::Update } else { AccessKind::Write }, *value),
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } => match program.target(function, *dest) {
                Target::Method { ty, name } => match catalog.container(*ty) {
                    Some(row) if row.thread_safe => continue,
                    Some(row) if row.mutating.contains(name) => (receiver, AccessKind::Mutate, *dest),
                    Some(_) => (receiver, AccessKind::Read, *dest),
                    None => match catalog.atomic(*ty) {
                        Some(row) if row.load.contains(name) => (receiver, AccessKind::Read, *dest),
                        _ => continue,
                    },
                },
                Target::Unknown if *name == "get" || *name == "len" => (receiver, AccessKind::Read, *dest),
                _ => continue,
            },
            _ => continue,
        };
        // A variable that holds an object is no place of the object's: only what lies behind it is.
        if place.as_local().is_some() && !matches!(kind, AccessKind::Mutate) && !matches!(op.kind, OpKind::Call { .. }) {
            continue;
        }
        let Some(path) = values.place(program, place) else { continue };
        let Some((key, ty)) = path.resolve(program, function) else { continue };
        let shared = match key.owner {
            Owner::Field(..) | Owner::Global(..) => true,
            Owner::Local(..) | Owner::Param(..) => path.steps.contains(&Step::Data) || matches!(path.root, Root::Captured(_)),
        };
        let is_code = matches!(ty, Ty::Function(_) | Ty::BoundMethod(_) | Ty::ClassObject(_) | Ty::Module(_));
        if shared && !is_code && ty.lock(program.language(function)).is_none() {
            found.push(Access { op: locksets.op_id(block, index), key, path, kind, value });
        }
    }
    found
}

/// Which ops define each local, for walking back.
#[derive(Debug)]
pub struct Definitions {
    by_local: Vec<Vec<u32>>,
}

impl Definitions {
    pub fn new(ir: &Function) -> Definitions {
        let mut by_local = vec![Vec::new(); ir.locals.len()];
        for (id, (_, _, op)) in ir.ops().enumerate() {
            if let Some(local) = op.kind.defines() {
                by_local[local.index()].push(id as u32);
            }
        }
        Definitions { by_local }
    }

    /// The ops whose results `value` was computed from, itself included, nearest first. Over-approximates: a variable
    /// may come from any of its stores.
    pub fn sources(&self, ir: &Function, value: Local) -> Vec<OpId> {
        let ops: Vec<&crate::ir::Op> = ir.ops().map(|it| it.2).collect();
        let mut seen: FxHashSet<Local> = FxHashSet::default();
        let mut queue = std::collections::VecDeque::from([value]);
        let mut found = Vec::new();
        while let Some(local) = queue.pop_front() {
            if !seen.insert(local) || seen.len() > MAX_WALK {
                continue;
            }
            for id in &self.by_local[local.index()] {
                found.push(OpId(*id));
                queue.extend(ops[*id as usize].kind.uses());
            }
        }
        found
    }
}
