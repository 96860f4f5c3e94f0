//! The state of the dataflow: the acquisitions in force.

use rustc_hash::FxHashSet;

use super::{Held, HeldBy};
use crate::ir::{Local, Name};

pub(super) type State = Vec<Held>;

/// What may be held is told apart by where it was taken up to this many.
const MAX_MAYBE: usize = 32;

/// A function that holds more than this at once is not followed further: nobody writes one.
const MAX_HELD: usize = 128;

/// Keeps the state small: one acquisition for each lock that may be held is enough where there are many.
pub(super) fn bound(state: &mut State) {
    if state.len() > MAX_MAYBE {
        let mut seen = FxHashSet::default();
        state.retain(|it| it.sure || seen.insert(it.lock));
        state.truncate(MAX_HELD);
    }
}

/// Unites `from` into `into`; gives whether `into` changed.
pub(super) fn join(into: &mut State, from: &[Held]) -> bool {
    if into.as_slice() == from && into.is_sorted() {
        return false;
    }
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
    bound(&mut merged);
    let changed = merged != *into;
    *into = merged;
    changed
}

/// The guard value in `from`, or in that part of it, is in `to` now.
pub(super) fn hand_over(state: &mut State, from: Local, slot: Option<Name>, to: Local) {
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

/// The same for a pattern that takes a struct or variant apart: a guard value that is not known to be in another part.
pub(super) fn hand_over_part(state: &mut State, from: Local, part: Name, to: Local) {
    hand_over(state, from, Some(part), to);
    for held in state.iter_mut().filter(|it| it.by == HeldBy::Value(from, None)) {
        held.by = HeldBy::Value(to, None);
    }
    state.sort_unstable();
}

pub(super) fn release_value(state: &mut State, local: Local) {
    state.retain(|it| !matches!(it.by, HeldBy::Value(owner, _) if owner == local));
}
