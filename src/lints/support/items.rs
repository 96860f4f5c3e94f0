//! Which item of a container an op is about.

use crate::analysis::Analysis;
use crate::analysis::definitions::Definitions;
use crate::analysis::path::Path;
use crate::ir::{Base, Callee, Const, Local, OpId, OpKind, Place, Projection};
use crate::program::{Fun, Target};

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
    match key_of(definitions, op)? {
        Key::Constant(key) => Some(Item::Constant(key)),
        Key::Local(key) => named(analysis, function, definitions, key, 0),
    }
}

/// The item that a key is the key of.
pub fn item_at(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>, key: Local) -> Option<Item> {
    named(analysis, function, definitions, key, 0)
}

/// Whether an op is about an item that only the calling thread has: its key is the thread, or what tells it from others.
pub fn is_of_caller(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>, op: OpId) -> bool {
    let Some(Key::Local(key)) = key_of(definitions, op) else { return false };
    let identifying = &analysis.program.catalog(function).tables.passing.identifying;
    let mut work = vec![(key, op)];
    for _ in 0..MAX_COPIES {
        let Some((value, at)) = work.pop() else { return false };
        for id in definitions.origins(value, at) {
            match definitions.op(id).map(|it| &it.kind) {
                Some(OpKind::Call { dest, .. }) if matches!(analysis.program.target(function, *dest), Target::External(path) if identifying.contains(path)) =>
                {
                    return true;
                }
                // `current_thread().ident`
                Some(OpKind::Load { place: Place { base: Base::Local(of), .. }, .. }) => work.push((*of, id)),
                _ => {}
            }
        }
    }
    false
}

enum Key {
    Constant(Const),
    Local(Local),
}

/// The key of the item that an op reads, writes, puts in or takes out.
fn key_of(definitions: &Definitions<'_>, op: OpId) -> Option<Key> {
    match &definitions.op(op)?.kind {
        OpKind::Call { arguments, .. } => Some(Key::Local(arguments.first()?.value)),
        OpKind::Load { place, .. } | OpKind::Store { place, .. } | OpKind::Delete { place } => match place.projections.last()? {
            Projection::Key(key) => Some(Key::Constant(*key)),
            Projection::Index(key) => Some(Key::Local(*key)),
            _ => None,
        },
        _ => None,
    }
}

/// What a key is, behind copies, borrows and conversions.
fn named(analysis: &Analysis<'_>, function: Fun, definitions: &Definitions<'_>, key: Local, depth: usize) -> Option<Item> {
    let values = analysis.values(function);
    let key = values.origin(key);
    let of_place = |place: &Place| match place.as_local() {
        Some(local) if depth < MAX_COPIES => named(analysis, function, definitions, local, depth + 1),
        _ => values.place(analysis.program, place).map(Item::At),
    };
    match definitions.first(key).map(|it| &it.kind) {
        Some(OpKind::Const { value, .. }) => Some(Item::Constant(*value)),
        Some(OpKind::Call { callee: Callee::Method { receiver, name }, .. }) if CONVERTING.contains(&name.as_str()) => of_place(receiver),
        Some(OpKind::Load { place, .. }) => of_place(place),
        _ => values.path(key).map(Item::At),
    }
}
