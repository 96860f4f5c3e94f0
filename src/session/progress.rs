//! How far a run is. The session counts; whoever shares the counters may show them. Neither knows the other.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counters of one run.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicUsize,
    lowered: AtomicUsize,
}

impl Progress {
    /// So many files are to be lowered.
    pub(super) fn begin(&self, files: usize) {
        self.files.store(files, Relaxed);
    }

    /// One more is.
    pub(super) fn step(&self) {
        self.lowered.fetch_add(1, Relaxed);
    }

    /// How many files are lowered, and of how many; of none until they are known.
    pub fn lowered(&self) -> (usize, usize) {
        (self.lowered.load(Relaxed), self.files.load(Relaxed))
    }
}
