//! The table behind [`Name`](super::Name): texts in, small numbers out, and back.
//!
//! A number's text is read without a lock: the linking of a large program does little else. Texts are only ever added,
//! by several threads at once; each lies in a block that lives as long as the process.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::num::NonZeroU32;
use std::sync::{LazyLock, Mutex, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Threads that add texts at once seldom meet in one of so many.
const SHARDS: usize = 64;

/// Texts are laid down in blocks of so many bytes.
const BLOCK: usize = 64 << 10;

#[derive(Default)]
struct Shard {
    numbers: HashTable<(&'static str, NonZeroU32)>,
    /// What is left of the current block.
    free: &'static mut [u8],
}

struct Interner {
    shards: [Mutex<Shard>; SHARDS],
    texts: boxcar::Vec<&'static str>,
}

static INTERNER: LazyLock<Interner> = LazyLock::new(|| {
    let texts = boxcar::Vec::with_capacity(1 << 16);
    let shards = std::array::from_fn(|_| Mutex::new(Shard::default()));
    Interner { shards, texts }
});

fn hash(text: &str) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// So many texts a thread remembers by itself: a few names are most of what any file says.
const RECENT: usize = 2048;

thread_local! {
    /// By hash; what comes later takes the place.
    static RECENT_TEXTS: RefCell<Vec<Option<(&'static str, NonZeroU32)>>> = const { RefCell::new(Vec::new()) };
}

/// The number of `text`, the same for the whole run.
pub(super) fn intern(text: &str) -> NonZeroU32 {
    let hash = hash(text);
    RECENT_TEXTS.with_borrow_mut(|recent| {
        recent.resize(RECENT, None);
        let place = &mut recent[(hash >> 40) as usize % RECENT];
        match place {
            Some((known, number)) if *known == text => *number,
            _ => {
                let (known, number) = intern_shared(text, hash);
                *place = Some((known, number));
                number
            }
        }
    })
}

fn intern_shared(text: &str, hash: u64) -> (&'static str, NonZeroU32) {
    let interner = &*INTERNER;
    // The table in a shard takes the lowest and the highest bits.
    let shard = &interner.shards[(hash >> 32) as usize % SHARDS];
    // A text is added at the very end, so a panic leaves nothing half done.
    let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = shard.numbers.find(hash, |it| it.0 == text) {
        return *known;
    }
    let text = shard.keep(text);
    let index = interner.texts.push(text);
    let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new).expect("memory ends before four billion names");
    shard.numbers.insert_unique(hash, (text, number), |it| self::hash(it.0));
    (text, number)
}

/// The text of a number that [`intern`] gave.
pub(super) fn text(number: NonZeroU32) -> &'static str {
    INTERNER.texts[number.get() as usize - 1]
}

impl Shard {
    /// A copy of `text` that stays.
    fn keep(&mut self, text: &str) -> &'static str {
        if self.free.len() < text.len() {
            self.free = vec![0; BLOCK.max(text.len())].leak();
        }
        let (copy, free) = mem::take(&mut self.free).split_at_mut(text.len());
        self.free = free;
        copy.copy_from_slice(text.as_bytes());
        str::from_utf8(copy).expect("a copy of a text is one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_every_thread() {
        let words: Vec<String> = (0..5_000).map(|it| format!("intern_{it}")).chain([String::new(), "é".repeat(BLOCK)]).collect();
        let all: Vec<Vec<NonZeroU32>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| words.iter().map(|it| intern(it)).collect())).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(all.iter().all(|it| *it == all[0]));
        assert!(words.iter().zip(&all[0]).all(|(word, number)| text(*number) == word));
    }
}
