//! What the lints give and the reports print: a finding is an argument, with its places, evidence and schedule.
//!
//! This layer knows no analysis and no output format. Places are files and byte ranges; lines and columns are worked
//! out by the reports.

mod baseline;
mod fingerprint;
pub mod review;

use std::fmt;

pub use baseline::{Baseline, BaselineError, Comparison, Entry};
pub use fingerprint::fingerprint;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::ir::{Language, Name, Range};

/// Index of a file in the session's file table ([`crate::source::Files`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A range in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    pub file: FileId,
    pub range: Range,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely to end in a wrong value or a hang, or hard to be sure that it cannot.
    Warning,
    /// Ends in a wrong value or a hang under an ordinary schedule.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// How strong the evidence is that the state is shared and that this lock guards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        })
    }
}

/// A rule, as reports and lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Kebab-case; says what is wrong.
    pub name: &'static str,
    /// `race`, `snapshot`, `deadlock` or `lock-use`.
    pub group: &'static str,
    /// Of an ordinary finding; a finding may be graded down by its evidence.
    pub severity: Severity,
    pub languages: &'static [Language],
    /// One line: what it finds.
    pub summary: &'static str,
    /// The rule book's page (Markdown).
    pub page: &'static str,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, e.g. `unguarded-update`.
    #[serde(deserialize_with = "lasting")]
    pub rule: Lasting,
    #[serde(deserialize_with = "lasting")]
    pub group: Lasting,
    pub severity: Severity,
    pub confidence: Confidence,
    /// One sentence in the user's own identifiers, without a full stop.
    pub message: String,
    /// What to do, in one sentence.
    pub help: String,
    /// The statement that is wrong.
    pub location: Location,
    /// What the primary underline says.
    pub caption: String,
    /// The function the statement stands in: `Metrics.inc_requests`.
    pub symbol: String,
    /// The state concerned: `Metrics._requests_total`; none for a pure locking mistake.
    pub state: Option<String>,
    /// The locks concerned: `Metrics._lock`.
    pub locks: Vec<String>,
    /// The other statements of the story.
    pub labels: Vec<Label>,
    /// Why the state is taken for shared and the lock for its guard.
    pub evidence: Vec<Evidence>,
    /// The shortest schedule that ends badly, in order.
    pub interleaving: Vec<Step>,
    pub fix: Option<Fix>,
    /// Stable under moved lines and unrelated edits.
    pub fingerprint: String,
}

impl Finding {
    /// Every place that the finding speaks of.
    pub fn places(&self) -> impl Iterator<Item = Location> + '_ {
        let labels = self.labels.iter().map(|it| it.location);
        let evidence = self.evidence.iter().filter_map(|it| it.location);
        let steps = self.interleaving.iter().map(|it| it.location);
        std::iter::once(self.location).chain(labels).chain(evidence).chain(steps)
    }
}

/// The name of a rule or group. (Serde would have a field of the type as it stands borrow from what is read.)
type Lasting = &'static str;

fn lasting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    Name::deserialize(deserializer).map(Name::as_str)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    OtherAccess,
    LockHeld,
    LockWanted,
    Read,
    Write,
    Await,
    Spawn,
    /// A call on the way from the reported statement to the lock or access it leads to.
    Call,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub location: Location,
    pub role: Role,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A lock guards the state at other places.
    GuardedElsewhere,
    /// The code runs on a thread: a thread target, executor job, timer, signal or web handler, or reached from one.
    ThreadTarget,
    /// The object is a module-level singleton, or the state a module global.
    Singleton,
    /// A comment, annotation or docstring says so.
    Declared,
    /// The class (or module) owns a lock.
    OwnsLock,
    /// The object is part of one that owns a lock.
    HeldBy,
    /// The type can only be reached by several threads, or guards its data by itself (Rust).
    ByType,
    /// The program starts threads.
    Threads,
    /// A name that is usually given to shared state.
    Name,
    /// The lock cannot be taken twice by one thread.
    NotReentrant,
    /// The two values are written together elsewhere.
    WrittenTogether,
    /// What weakens the finding.
    Caveat,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub kind: EvidenceKind,
    pub message: String,
    pub location: Option<Location>,
}

/// One step of an interleaving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `A`, `B`.
    pub thread: char,
    pub location: Location,
    /// `reads 5`, `takes Bank.lock`, `waits for Bank.lock, which B holds`.
    pub does: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    Safe,
    Unsafe,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub applicability: Applicability,
    pub message: String,
    pub edits: Vec<Edit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    pub location: Location,
    pub replacement: String,
}
