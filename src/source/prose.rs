//! Comments and docstrings that speak of threads: whether the author expects several.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Match, MatchKind};

use super::directive::{Lines, boundary};
use crate::ir::{Claim, Directive, Range, Told};

/// Who writes so has several threads in mind.
const SEVERAL: &[&str] = &[
    "thread-safe",
    "thread safe",
    "threadsafe",
    "across threads",
    "between threads",
    "different threads",
    "multiple threads",
    "multithreaded",
    "multi-threaded",
    "several threads",
    "concurrent threads",
    "shared by threads",
];

/// Who writes so has one in mind.
const ONE: &[&str] =
    &["eventloop thread", "event loop thread", "event-loop thread", "loop's thread", "only in the main thread", "only from the main thread"];

/// By these the doc of a function says that its caller has a lock.
const HELD: &[&str] = &["must hold", "lock held", "with the lock", "holding the lock", "lock is held", "must be held", "caller holds"];

/// The patterns of [`FINDER`] from here on are those of [`HELD`].
const HELD_FROM: usize = SEVERAL.len() + ONE.len();

/// So near before one of these, a word that says no turns it round.
const NEAR: usize = 6;

/// And so many bytes at most.
const NEAR_BYTES: usize = 60;

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder = &mut AhoCorasick::builder();
    let words = SEVERAL.iter().chain(ONE).chain(HELD);
    builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words).expect("a few short words make an automaton")
});

/// Whether a comment has one of the words.
pub(super) fn is_likely(comment: &str) -> bool {
    FINDER.is_match(comment)
}

/// The claims that comments of a file make in passing. `comment` gives the comment that has the byte at an offset.
pub fn prose(text: &str, mut comment: impl FnMut(usize) -> Option<Range>) -> Vec<Directive> {
    let mut found: Vec<Directive> = Vec::new();
    let mut lines = Lines::new(text);
    for word in FINDER.find_iter(text) {
        let is_new = found.last().is_none_or(|it| it.range.as_usize().end <= word.start());
        if let Some(range) = comment(word.start()).filter(|_| is_new)
            && let Some(several) = expects_threads(&text[range.as_usize()])
        {
            found.push(Directive { claim: Claim::Threads { several }, range, line: lines.of(range) });
        }
    }
    found
}

/// What a doc says of threads and locks.
pub fn told(doc: &str) -> Told {
    // Nearly all have none of the words.
    if !FINDER.is_match(doc) {
        return Told::default();
    }
    let caller_locks = FINDER.find_iter(doc).any(|it| it.pattern().as_usize() >= HELD_FROM);
    Told { several_threads: expects_threads(doc), caller_locks }
}

/// Whether a text says that several threads use what it is about, or that they must not; none where it does not say.
fn expects_threads(text: &str) -> Option<bool> {
    let mut says = None;
    let of_threads = |it: &Match| it.pattern().as_usize() < HELD_FROM;
    for word in FINDER.find_iter(text).filter(of_threads) {
        let is_part = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
        let rest = &text[word.end()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let start = boundary(text, word.start().saturating_sub(NEAR_BYTES));
        let before = text[start..word.start()].rsplit(|it: char| !(it.is_alphanumeric() || it == '\'')).filter(|it| !it.is_empty());
        let before = before.take(NEAR);
        // `This does not guarantee thread-safety.`
        if rest.starts_with("ty") && before.clone().any(says_no) && before.clone().any(promises) {
            return Some(false);
        }
        // `call_soon_threadsafe` is a name, `thread-safety` a subject, `Is it thread-safe?` a question.
        if is_part(text[..word.start()].chars().next_back()) || is_part(rest.chars().next()) || rest.starts_with('?') {
            continue;
        }
        match (word.pattern().as_usize() < SEVERAL.len(), before.clone().any(says_no)) {
            (true, true) | (false, false) => return Some(false),
            (true, false) => says = Some(true),
            (false, true) => {}
        }
    }
    says
}

fn says_no(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    matches!(word.as_str(), "not" | "no" | "non" | "never" | "nor" | "cannot" | "without") || word.ends_with("n't")
}

fn promises(word: &str) -> bool {
    ["ensure", "guarantee", "offer", "promise", "provide"].iter().any(|it| word.to_ascii_lowercase().starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_threads() {
        for text in [
            "The client object is thread-safe and has connection-pooling built in.",
            "# TODO: make this threadsafe.",
            "# If several threads run this at once, the last one wins.",
            "Thread-safe blocking connection pool",
            "can be shared by multiple clients (safely across threads if required)",
        ] {
            assert_eq!(expects_threads(text), Some(true), "{text}");
        }
        for text in [
            "Tracks a moving average. Not thread-safe.",
            "This class isn't thread safe",
            "a non-thread-safe cache",
            "NOT really threadsafe!",
            "must not be shared between threads",
            "UNSAFE. Must be called on the eventloop thread.",
            "The Session is **not safe for use in concurrent threads.**",
            "It doesn't guarantee thread-safety; append and pop are thread-safe.",
        ] {
            assert_eq!(expects_threads(text), Some(false), "{text}");
        }
        for text in [
            "Starts the thread.",
            "a thread of discussion",
            "spread safely",
            "uses add_callback_threadsafe()",
            "for thread-safety, see below",
            "We have no thread-safety issues here.",
            "Provides thread-safety to others.",
            "Is the session thread-safe?",
            "",
        ] {
            assert_eq!(expects_threads(text), None, "{text}");
        }
    }
}
