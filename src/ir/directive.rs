//! What comments claim about locks.

use serde::{Deserialize, Serialize};

use super::{Name, Range};

/// A comment that says which lock guards what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    pub claim: Claim,
    /// The comment.
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
}
