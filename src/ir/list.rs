//! Lists that many have: each is kept once, and is a number wherever it stands.
//!
//! The ways through objects that a program spells out are few beside the places that spell them: `.name` stands
//! everywhere. A list of four bytes that is copied, not cloned, makes all that holds one small. A list is the one before
//! its last item and that item, so that a chain of any length takes as much room as it has items, however it is put
//! together; in one piece it lies only once it was looked at. Lists are only ever added, by several threads at once, and
//! last as long as the process; as with names, nothing observable may depend on their numbers.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Mutex, OnceLock, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Threads that add lists at once seldom meet in one of so many.
const SHARDS: usize = 64;

/// What lists can be made of.
pub trait Item: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    fn lists() -> &'static Lists<Self>;
}

/// By the number of the list before the last item, and the last item: the number.
type Shard<T> = Mutex<HashTable<(u32, T, u32)>>;

/// All lists of one kind of item.
pub struct Lists<T: 'static> {
    shards: [Shard<T>; SHARDS],
    all: boxcar::Vec<Kept<T>>,
}

struct Kept<T> {
    before: u32,
    last: T,
    whole: OnceLock<Box<[T]>>,
}

impl<T: 'static> Default for Lists<T> {
    fn default() -> Self {
        Lists { shards: std::array::from_fn(|_| Mutex::default()), all: boxcar::Vec::with_capacity(1 << 12) }
    }
}

impl<T: Item> Lists<T> {
    /// The number of a list with one more item.
    fn longer(&self, before: u32, last: T) -> u32 {
        let hash = FxBuildHasher.hash_one((before, last));
        // The table in a shard takes the lowest and the highest bits.
        let mut shard = self.shards[(hash >> 32) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, number)) = shard.find(hash, |it| it.0 == before && it.1 == last) {
            return *number;
        }
        let index = self.all.push(Kept { before, last, whole: OnceLock::new() });
        let number = u32::try_from(index + 1).expect("memory ends before four billion lists");
        shard.insert_unique(hash, (before, last, number), |it| FxBuildHasher.hash_one((it.0, it.1)));
        number
    }

    fn kept(&self, number: u32) -> Option<&Kept<T>> {
        self.all.get((number as usize).checked_sub(1)?)
    }

    fn put_together(&self, number: u32) -> Box<[T]> {
        let mut items: Vec<T> = std::iter::successors(self.kept(number), |it| self.kept(it.before)).map(|it| it.last).collect();
        items.reverse();
        items.into()
    }
}

/// A list that is kept once; the empty one is nowhere.
pub struct List<T>(u32, PhantomData<fn() -> T>);

impl<T: Item> List<T> {
    pub const fn new() -> Self {
        List(0, PhantomData)
    }

    pub fn as_slice(&self) -> &'static [T] {
        let lists = T::lists();
        lists.kept(self.0).map_or(&[], |it| it.whole.get_or_init(|| lists.put_together(self.0)))
    }

    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    pub fn last(&self) -> Option<&'static T> {
        T::lists().kept(self.0).map(|it| &it.last)
    }

    pub fn push(&mut self, item: T) {
        *self = List(T::lists().longer(self.0, item), PhantomData);
    }

    /// Takes the last item off.
    pub fn pop(&mut self) -> Option<T> {
        let kept = T::lists().kept(self.0)?;
        *self = List(kept.before, PhantomData);
        Some(kept.last)
    }
}

impl<T: Item> From<&[T]> for List<T> {
    fn from(items: &[T]) -> Self {
        items.iter().copied().collect()
    }
}

impl<T: Item, const N: usize> From<[T; N]> for List<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Item> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().fold(List::new(), |mut list, it| {
            list.push(it);
            list
        })
    }
}

impl<T: Item> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<'l, T: Item> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

impl<T: Item> Default for List<T> {
    fn default() -> Self {
        List::new()
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for List<T> {}

impl<T> Hash for List<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Item> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Projection;

    #[test]
    fn lists_are_kept_once() {
        let [a, b] = ["a", "b"].map(|it| Projection::Field(crate::ir::Name::new(it)));
        let mut list: List<Projection> = [a, b].into_iter().collect();
        assert_eq!(list, List::from(&[a, b][..]));
        assert_eq!((list.as_slice(), list.last()), (&[a, b][..], Some(&b)));
        assert_eq!((list.pop(), list), (Some(b), List::from(&[a][..])));
        assert_eq!((list.pop(), list.pop(), list.is_empty()), (Some(a), None, true));
        assert!(list.as_slice().is_empty());
    }

    #[test]
    fn a_long_chain_takes_no_more_room_than_its_items() {
        let mut list: List<Projection> = List::new();
        (0..100_000).for_each(|_| list.push(Projection::Deref));
        assert_eq!(list.len(), 100_000);
    }
}
