//! Which item of a container an op is about.

use crate::analysis::Analysis;
use crate::analysis::lockset::{OpId, op_of};
use crate::analysis::path::Path;
use crate::ir::{Callee, Const, Function, Local, OpKind, Place, Projection};
use crate::program::Fun;

/// Methods that give the same key in another form.
const CONVERTING: &[&str] = &["as_ref", "as_str", "borrow", "clone", "into", "to_owned", "to_string"];

/// Methods that fail if there is none.
const INSISTING: &[&str] = &["expect", "unwrap"];

/// A key is followed through so many copies.
const MAX_COPIES: usize = 16;

/// Which item of a container.
#[derive(Debug, PartialEq)]
pub enum Item {
    At(Path),
    Constant(Const),
}

/// The item that an op is about.
pub fn item_of(analysis: &Analysis<'_>, function: Fun, op: OpId) -> Option<Item> {
    let key = match &op_of(analysis.program.function(function), op)?.kind {
        OpKind::Call { arguments, .. } => arguments.first()?.value,
        OpKind::Load { place, .. } | OpKind::Store { place, .. } => match place.projections.last()? {
            Projection::Key(key) => return Some(Item::Constant(*key)),
            Projection::Index(key) => *key,
            _ => return None,
        },
        _ => return None,
    };
    named(analysis, function, key, 0)
}

/// What a key is, behind copies, borrows and conversions.
fn named(analysis: &Analysis<'_>, function: Fun, key: Local, depth: usize) -> Option<Item> {
    let ir = analysis.program.function(function);
    let values = &analysis.facts(function).values;
    let key = values.origin(key);
    if let Some(constant) = ir.constant(key) {
        return Some(Item::Constant(constant));
    }
    let of_place = |place: &Place| match place.as_local() {
        Some(local) if depth < MAX_COPIES => named(analysis, function, local, depth + 1),
        _ => values.place(analysis.program, place).map(Item::At),
    };
    let made = ir.ops().map(|it| &it.2.kind).find(|it| it.defines() == Some(key));
    match made {
        Some(OpKind::Call { callee: Callee::Method { receiver, name }, .. }) if CONVERTING.contains(&name.as_str()) => of_place(receiver),
        Some(OpKind::Load { place, .. }) => of_place(place),
        _ => values.path(key).cloned().map(Item::At),
    }
}

/// Whether the function fails if the `Option` in a value is empty.
pub fn is_insisted_on(ir: &Function, value: Local) -> bool {
    ir.ops().any(|(_, _, op)| match &op.kind {
        OpKind::Call { callee: Callee::Method { receiver, name }, .. } => receiver.as_local() == Some(value) && INSISTING.contains(&name.as_str()),
        _ => false,
    })
}
