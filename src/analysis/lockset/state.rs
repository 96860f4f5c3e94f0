//! The state of the dataflow: the acquisitions in force.

use super::{Held, HeldBy};
use crate::ir::Local;

pub(super) type State = Vec<Held>;

/// Unites `from` into `into`; gives whether `into` changed.
pub(super) fn join(into: &mut State, from: &[Held]) -> bool {
    let mut merged = Vec::with_capacity(into.len().max(from.len()));
    let identity = |it: &Held| (it.lock, it.at, it.by);
    for held in into.iter() {
        let both = from.iter().find(|it| identity(it) == identity(held));
        merged.push(Held {
            sure: held.sure && both.is_some_and(|it| it.sure),
            tried: held.tried.filter(|it| both.is_none_or(|other| other.tried == Some(*it))),
            ..*held
        });
    }
    for held in from {
        if !into.iter().any(|it| identity(it) == identity(held)) {
            merged.push(Held { sure: false, ..*held });
        }
    }
    merged.sort_unstable();
    let changed = merged != *into;
    *into = merged;
    changed
}

pub(super) fn hand_over(state: &mut State, from: Local, slot: Option<u32>, to: Local) {
    let mut changed = false;
    for held in state.iter_mut() {
        if let HeldBy::Value(owner, at) = held.by
            && owner == from
            && (slot.is_none() || slot == at)
        {
            held.by = HeldBy::Value(to, if slot.is_some() { None } else { at });
            changed = true;
        }
    }
    if changed {
        state.sort_unstable();
    }
}

pub(super) fn release_value(state: &mut State, local: Local) {
    state.retain(|it| !matches!(it.by, HeldBy::Value(owner, _) if owner == local));
}
