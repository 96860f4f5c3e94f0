//! A table of answers that fills while it is asked, by several threads at once.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap};

/// Threads seldom meet in one of so many.
const SHARDS: usize = 64;

/// The answers of a function of `K` that gives the same answer whenever it is asked.
pub(super) struct Memo<K, V> {
    shards: Vec<Mutex<FxHashMap<K, V>>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    /// The answer for `key`: the one known, or what `answer` gives. `answer` may ask this table for other keys.
    pub(super) fn get(&self, key: K, answer: impl FnOnce() -> V) -> V {
        // The table in a shard takes the lowest and the highest bits.
        let shard = &self.shards[(FxBuildHasher.hash_one(&key) >> 32) as usize % SHARDS];
        let known = shard.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let value = answer();
            shard.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value.clone());
            value
        })
    }
}

impl<K, V> fmt::Debug for Memo<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}
