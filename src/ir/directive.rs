//! What comments claim about locks, and which findings they silence.

use serde::{Deserialize, Serialize};

use super::{Name, Range};

/// A comment that says which lock guards what, or which findings are not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    pub claim: Claim,
    /// The comment; of one that begins with `lockset:`, the words that direct.
    pub range: Range,
    /// The line of code that it stands on or, on lines of its own, above.
    pub line: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// `guarded-by: LOCK`; in prose (`protected by LOCK`) it may be about something else, and counts only where the name
    /// is a lock's.
    GuardedBy { lock: Name, prose: bool },
    /// `requires: LOCK`
    Requires(Name),
    /// `not-shared: why`
    NotShared,
    /// `lock-order: A < B`, the first taken first.
    LockOrder(Vec<Name>),
    /// Prose that has several threads in mind (`thread-safe`, `another thread`), or rules them out (`not thread-safe`).
    Threads { several: bool },
    /// `lockset: ignore[rule, …]`, `lockset: ignore-file[rule, …]`
    Ignore(Ignore),
    /// A comment that begins with `lockset:`, and what is wrong with it.
    Malformed(Malformed),
}

/// Findings that are not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignore {
    pub extent: Extent,
    /// Of rules and groups, as written; none for all.
    pub rules: Vec<IgnoredRule>,
}

/// What the documentation of a class or function says of threads and locks: all that is kept of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whether several threads use it, or must not; none where that is not said.
    pub several_threads: Option<bool>,
    /// Whether who calls it has a lock.
    pub caller_locks: bool,
}

/// How far an [`Ignore`] reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// The statement that has [`Directive::line`].
    Statement,
    File,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredRule {
    pub name: Box<str>,
    pub range: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Malformed {
    /// Neither `ignore` nor `ignore-file`; `listed` if a `[` follows.
    Word { word: Box<str>, listed: bool },
    /// `ignore[]`
    NoRule,
    /// `ignore[rule`
    Unclosed,
    /// `ignore(rule)`, `ignore: rule`
    NoBracket,
}
