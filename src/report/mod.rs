//! What a run found, and how it is printed: one file a format. Knows no analysis.
//!
//! A format is a function from a [`Report`] to text. Nothing it prints can be trusted: names, messages and source
//! lines come from the analysed tree, so all that goes to a terminal passes through [`text::visible`].

mod concise;
mod full;
mod json;
#[cfg(test)]
mod samples;
mod schedule;
mod snippet;
mod statistics;
mod style;
mod summary;
pub mod text;

use std::time::Duration;

pub use style::Layout;

use crate::finding::{Finding, Rule};
use crate::source::{Files, Skipped};

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Report {
    pub files: Files,
    /// The rules that were applied, sorted by name.
    pub rules: Vec<&'static Rule>,
    /// Sorted by file name, line and rule.
    pub findings: Vec<Finding>,
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
}

/// The report as text.
pub fn render(report: &Report, format: Format, layout: &Layout) -> String {
    match format {
        Format::Full => full::render(report, layout),
        Format::Concise => concise::render(report, layout),
        Format::Json => json::render(report),
    }
}

/// In place of the findings, how many there are of each rule.
pub fn render_statistics(report: &Report, format: Format, layout: &Layout) -> String {
    match format {
        Format::Full | Format::Concise => statistics::text(report, layout),
        Format::Json => statistics::json(report),
    }
}
