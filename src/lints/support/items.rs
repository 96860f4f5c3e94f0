//! Which item of a container an op is about.

use crate::analysis::Analysis;
use crate::analysis::access::Definitions;
use crate::analysis::lockset::OpId;
use crate::analysis::path::Path;
use crate::ir::{Callee, Const, Local, OpKind, Place, Projection};
use crate::program::Fun;

/// Methods that give the same key in another form.
const CONVERTING: &[&str] = &["as_ref", "as_str", "borrow", "clone", "into", "to_owned", "to_string"];

/// A key is followed through so many copies.
const MAX_COPIES: usize = 16;

/// Which item of a container.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Item {
    At(Path),
    Constant(Const),
}

/// The item that an op is about.
pub fn item_of(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>, op: OpId) -> Option<Item> {
    let key = match &definitions.op(op)?.kind {
        OpKind::Call { arguments, .. } => arguments.first()?.value,
        OpKind::Load { place, .. } | OpKind::Store { place, .. } => match place.projections.last()? {
            Projection::Key(key) => return Some(Item::Constant(*key)),
            Projection::Index(key) => *key,
            _ => return None,
        },
        _ => return None,
    };
    named(analysis, function, definitions, key, 0)
}

/// What a key is, behind copies, borrows and conversions.
fn named(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>, key: Local, depth: usize) -> Option<Item> {
    let values = &analysis.facts(function).values;
    let key = values.origin(key);
    let of_place = |place: &Place| match place.as_local() {
        Some(local) if depth < MAX_COPIES => named(analysis, function, definitions, local, depth + 1),
        _ => values.place(analysis.program, place).map(Item::At),
    };
    match definitions.first(key).map(|it| &it.kind) {
        Some(OpKind::Const { value, .. }) => Some(Item::Constant(*value)),
        Some(OpKind::Call { callee: Callee::Method { receiver, name }, .. }) if CONVERTING.contains(&name.as_str()) => of_place(receiver),
        Some(OpKind::Load { place, .. }) => of_place(place),
        _ => values.path(key).cloned().map(Item::At),
    }
}
