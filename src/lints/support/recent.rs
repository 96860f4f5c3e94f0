//! What is known of the functions that were asked about last.

use rustc_hash::FxHashMap;

use crate::program::Fun;

/// Answers are kept for so many functions at once.
const MAX_KEPT: usize = 64;

/// Something that is costly to find out, for each function; of functions that were not asked about for long it is forgotten.
/// The states of a function follow one another, so that few are asked about in turn.
pub struct Recent<T>(FxHashMap<Fun, T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent(FxHashMap::default())
    }
}

impl<T> Recent<T> {
    /// What is known of the function, or else `find` finds out.
    pub fn get(&mut self, function: Fun, find: impl FnOnce() -> T) -> &mut T {
        if self.0.len() >= MAX_KEPT && !self.0.contains_key(&function) {
            self.0.clear();
        }
        self.0.entry(function).or_insert_with(find)
    }

    /// What is known of the function, if it was asked about just now.
    pub fn known(&self, function: Fun) -> Option<&T> {
        self.0.get(&function)
    }
}
