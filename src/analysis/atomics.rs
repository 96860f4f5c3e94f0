//! Operations on atomics, and whether anybody else can be using the object meanwhile.

use rustc_hash::FxHashMap;

use super::Analysis;
use super::path::{Key, Path, Root};
use crate::ir::{Callee, Function, Language, Local, OpId, OpKind, ParamKind, TypeRef};
use crate::program::{Fun, Target, Ty};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomicKind {
    Load,
    Store,
    /// Read, change and write in one step.
    Update,
    /// The same, if it still has the expected value.
    CompareExchange,
}

/// One operation on an atomic whose place is known.
#[derive(Clone, Debug)]
pub struct AtomicOp {
    pub op: OpId,
    /// Index of its block.
    pub block: usize,
    pub path: Path,
    pub kind: AtomicKind,
    /// The first argument: what a store writes.
    pub value: Option<Local>,
}

/// The operations of `function` on atomics, in order.
pub fn atomic_ops(analysis: &Analysis<'_>, function: Fun) -> Vec<AtomicOp> {
    let program = analysis.program;
    let catalog = program.catalog(function);
    let values = analysis.values(function);
    let ir = program.function(function);
    let recognise = |(id, op): (OpId, &crate::ir::Op)| {
        let OpKind::Call { dest, callee: Callee::Method { receiver, name }, arguments } = &op.kind else { return None };
        let Target::Method { ty, .. } = program.target(function, *dest) else { return None };
        let row = catalog.atomic(*ty)?;
        let kind = match () {
            () if row.load.contains(name) => AtomicKind::Load,
            () if row.store.contains(name) => AtomicKind::Store,
            () if row.update.contains(name) => AtomicKind::Update,
            () if row.compare_exchange.contains(name) => AtomicKind::CompareExchange,
            () => return None,
        };
        let path = values.place(program, receiver)?;
        Some(AtomicOp { op: id, block: ir.block_of(id).index(), path, kind, value: arguments.first().map(|it| it.value) })
    };
    ir.numbered().filter_map(recognise).collect()
}

/// The functions that write the atomics of the program, by place.
pub(super) fn atomic_writers(analysis: &Analysis<'_>) -> FxHashMap<Key, Vec<Fun>> {
    let program = analysis.program;
    let mut writers: FxHashMap<Key, Vec<Fun>> = FxHashMap::default();
    for function in program.function_ids().filter(|it| program.language(*it) == Language::Rust) {
        for op in atomic_ops(analysis, function).iter().filter(|it| it.kind != AtomicKind::Load) {
            if let Some((key, _)) = op.path.resolve(program, function) {
                let writers = writers.entry(key).or_default();
                if writers.last() != Some(&function) {
                    writers.push(function);
                }
            }
        }
    }
    writers
}

/// Whether all writers are methods of one handle that is never copied and that each of them has to itself: others that
/// share what the handle leads to only read it.
pub fn have_one_handle(analysis: &Analysis<'_>, writers: impl IntoIterator<Item = Fun>) -> bool {
    let program = analysis.program;
    let mut handle = None;
    for writer in writers {
        let Some(class) = program.class_of(writer) else { return false };
        let has_to_itself = || analysis.callers.has_to_itself(writer) || owns_receiver(program.function(writer));
        if *handle.get_or_insert(class) != class || !has_to_itself() {
            return false;
        }
    }
    handle.is_some_and(|it| !program.is_clone(it))
}

/// `self`, `self: Box<Self>`: whoever calls it gives the object away.
fn owns_receiver(ir: &Function) -> bool {
    ir.params.first().is_some_and(|it| it.kind == ParamKind::Receiver)
        && matches!(&ir.params[0].ty, Some(TypeRef::Path { path, .. }) if matches!(path.last(), "Self" | "Box"))
}

/// Whether nobody else has the object at `path`: it is reached through `&mut`, by this function or all that call it, or
/// was made here.
pub fn is_exclusive(analysis: &Analysis<'_>, function: Fun, path: &Path) -> bool {
    let program = analysis.program;
    let ir = program.function(function);
    let root_is = match path.root {
        Root::Param(0) if analysis.callers.has_to_itself(function) => true,
        Root::Param(index) => matches!(ir.params.get(index as usize).and_then(|it| it.ty.as_ref()), Some(TypeRef::Reference { mutable: true, .. })),
        Root::Local(local) => is_fresh(analysis, function, local),
        _ => false,
    };
    // What is behind an `Arc` others may have all the same.
    let shares = |ty: &Ty| ty.shares(program.catalog(function));
    let is_shared = || {
        (1..=path.steps.len()).any(|count| {
            let part = Path { root: path.root, steps: path.steps[..count].into() };
            part.resolve(program, function).is_some_and(|it| shares(&it.1))
        })
    };
    root_is && !is_shared()
}

/// Made in this function: by a constructor, or a literal.
pub fn is_fresh(analysis: &Analysis<'_>, function: Fun, local: Local) -> bool {
    analysis.program.function(function).ops.iter().any(|op| match &op.kind {
        OpKind::Call { dest, .. } => *dest == local && matches!(analysis.program.target(function, *dest), Target::Construct { .. }),
        OpKind::Aggregate { dest, .. } => *dest == local,
        _ => false,
    })
}
