//! Lists that many have: each is kept once, and is a number wherever it stands.
//!
//! The ways through objects that a program spells out are few beside the places that spell them: `.name` stands
//! everywhere. A list of four bytes that is copied, not cloned, makes all that holds one small. Lists are only ever added,
//! by several threads at once, and last as long as the process; as with names, nothing observable may depend on their
//! numbers.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

/// Threads that add lists at once seldom meet in one of so many.
const SHARDS: usize = 64;

/// Longer lists than this are put together on the heap before they are looked up.
const USUAL: usize = 8;

/// What lists can be made of.
pub trait Item: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    fn lists() -> &'static Lists<Self>;
}

type Shard<T> = Mutex<HashTable<(&'static [T], u32)>>;

/// All lists of one kind of item.
pub struct Lists<T: 'static> {
    shards: [Shard<T>; SHARDS],
    all: boxcar::Vec<&'static [T]>,
}

impl<T: 'static> Default for Lists<T> {
    fn default() -> Self {
        Lists { shards: std::array::from_fn(|_| Mutex::default()), all: boxcar::Vec::with_capacity(1 << 12) }
    }
}

impl<T: Item> Lists<T> {
    fn keep(&self, items: &[T]) -> u32 {
        let hash = FxBuildHasher.hash_one(items);
        // The table in a shard takes the lowest and the highest bits.
        let mut shard = self.shards[(hash >> 32) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, number)) = shard.find(hash, |it| it.0 == items) {
            return *number;
        }
        let items: &'static [T] = Box::leak(items.into());
        let number = u32::try_from(self.all.push(items) + 1).expect("memory ends before four billion lists");
        shard.insert_unique(hash, (items, number), |it| FxBuildHasher.hash_one(it.0));
        number
    }
}

/// A list that is kept once; the empty one is nowhere.
pub struct List<T>(u32, PhantomData<fn() -> T>);

impl<T: Item> List<T> {
    pub const fn new() -> Self {
        List(0, PhantomData)
    }

    pub fn as_slice(&self) -> &'static [T] {
        match self.0 {
            0 => &[],
            number => T::lists().all[number as usize - 1],
        }
    }

    pub fn push(&mut self, item: T) {
        let mut items: SmallVec<[T; USUAL]> = SmallVec::from_slice(self);
        items.push(item);
        *self = items[..].into();
    }

    /// Takes the last item off.
    pub fn pop(&mut self) -> Option<T> {
        let (last, rest) = self.as_slice().split_last()?;
        *self = rest.into();
        Some(*last)
    }
}

impl<T: Item> From<&[T]> for List<T> {
    fn from(items: &[T]) -> Self {
        if items.is_empty() { List::new() } else { List(T::lists().keep(items), PhantomData) }
    }
}

impl<T: Item> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let items: SmallVec<[T; USUAL]> = items.into_iter().collect();
        items[..].into()
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
