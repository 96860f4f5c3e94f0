//! What a run found, and how it is printed: one file a format. Knows no analysis.
//!
//! A format is a function from a [`Report`] to text. Nothing it prints can be trusted: names, messages and source
//! lines come from the analysed tree, so all that goes to a terminal passes through [`text::visible`].

mod checklist;
mod concise;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
mod places;
mod rdjson;
#[cfg(test)]
mod samples;
mod sarif;
mod schedule;
#[cfg(test)]
mod schemas;
mod snippet;
mod statistics;
mod style;
mod summary;
pub mod text;

use std::time::Duration;

pub use github::step_summary;
pub use style::Layout;

use crate::finding::review::StateReview;
use crate::finding::{Comparison, Finding, Rule};
use crate::source::{Files, Skipped};

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Report {
    pub files: Files,
    /// The rules that were applied, sorted by name.
    pub rules: Vec<&'static Rule>,
    /// Sorted by file name, line and rule.
    pub findings: Vec<Finding>,
    /// Filled where a format shows them ([`Format::needs_states`]).
    pub states: Vec<StateReview>,
    /// What would stand among them if no comment silenced it; sorted alike.
    pub suppressed: Vec<Finding>,
    /// What would stand among them if the baseline did not have it; sorted alike.
    pub baselined: Vec<Finding>,
    /// How many findings are left out only because they are not sure enough.
    pub unsure: usize,
    /// What the baseline says of the run; nothing without one.
    pub comparison: Comparison,
    /// Sorted by file name.
    pub skipped: Vec<Skipped>,
    /// What the user should know beyond that, one line each.
    pub notes: Vec<String>,
    pub stats: Stats,
}

/// What it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files read.
    pub files: usize,
    /// Of these, lowered in this run.
    pub parsed: usize,
    /// Of these, taken from the cache.
    pub cached: usize,
    pub lines: usize,
    /// Why nothing is kept for the next run, if something is in the way.
    pub uncached: Option<String>,
    pub duration: Duration,
    /// The time each stage took, in order.
    pub stages: Vec<(&'static str, Duration)>,
}

/// A form of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Each finding with its source lines, evidence and interleaving.
    #[default]
    Full,
    /// One line a finding.
    Concise,
    /// One JSON document.
    Json,
    /// JSON, one line a finding.
    Jsonl,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
    /// Annotations and a job summary for GitHub Actions.
    Github,
    /// A Code Quality report for GitLab.
    Gitlab,
    /// JUnit XML, for test reports of CI servers.
    Junit,
    /// The Reviewdog Diagnostic Format, for comments in pull requests.
    Rdjson,
    /// A Markdown checklist for a code review: five questions for every shared state.
    Checklist,
}

/// How `--statistics` are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticsForm {
    Text,
    /// One JSON array.
    Json,
    /// JSON, one line a rule.
    Jsonl,
}

impl Format {
    /// Whether the format shows what is known of each shared state.
    pub fn needs_states(self) -> bool {
        self == Format::Checklist
    }

    /// The form of statistics that goes with this format; none where the format has no place for them.
    pub fn statistics(self) -> Option<StatisticsForm> {
        match self {
            Format::Full | Format::Concise => Some(StatisticsForm::Text),
            Format::Json => Some(StatisticsForm::Json),
            Format::Jsonl => Some(StatisticsForm::Jsonl),
            Format::Sarif | Format::Github | Format::Gitlab | Format::Junit | Format::Rdjson | Format::Checklist => None,
        }
    }
}

/// The report as text.
pub fn render(report: &Report, format: Format, layout: &Layout) -> String {
    match format {
        Format::Full => full::render(report, layout),
        Format::Concise => concise::render(report, layout),
        Format::Json => json::render(report),
        Format::Jsonl => json::render_lines(report),
        Format::Sarif => sarif::render(report),
        Format::Github => github::render(report, layout),
        Format::Gitlab => gitlab::render(report),
        Format::Junit => junit::render(report),
        Format::Rdjson => rdjson::render(report),
        Format::Checklist => checklist::render(report, layout),
    }
}

/// In place of the findings, how many there are of each rule.
pub fn render_statistics(report: &Report, form: StatisticsForm, layout: &Layout) -> String {
    match form {
        StatisticsForm::Text => statistics::text(report, layout),
        StatisticsForm::Json => statistics::json(report),
        StatisticsForm::Jsonl => statistics::json_lines(report),
    }
}

/// Where the rule's page is in the repository, if it is known where that is.
fn rule_url(rule: &str) -> Option<String> {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => None,
        repository => Some(format!("{repository}/lints/{rule}.md")),
    }
}
