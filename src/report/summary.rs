//! The end of a report for people: how much was found, in how much, and what was left out.

use std::fmt::Write;

use owo_colors::OwoColorize;

use super::text::{count, thousands, visible};
use super::{Layout, Report};
use crate::finding::Severity;

/// `Found 3 findings (2 errors, 1 warning) in 12 files`.
pub fn found(report: &Report) -> String {
    format!("{}{} in {}", number(report), severities(report), count(report.stats.files, "file"))
}

/// `Found 3 findings (2 errors, 1 warning) in 12 files (1,234 lines, 0.05 s)`, and a line for each skipped file.
pub fn render(report: &Report, layout: &Layout, out: &mut String) {
    let scope =
        format!("in {} ({}, {:.2} s)", count(report.stats.files, "file"), count(report.stats.lines, "line"), report.stats.duration.as_secs_f64());
    let _ = writeln!(out, "{}{} {scope}", number(report).style(layout.bold()), severities(report));
    for (findings, why) in [(&report.suppressed, "suppressed by comments"), (&report.baselined, "known from the baseline")] {
        if !findings.is_empty() {
            let _ = writeln!(out, "{} {why}", thousands(findings.len()));
        }
    }
    if !report.skipped.is_empty() {
        let _ = writeln!(out, "Skipped {}:", count(report.skipped.len(), "file"));
    }
    for skipped in &report.skipped {
        let _ = writeln!(out, "  {}: {}", visible(&skipped.file), visible(&skipped.reason));
    }
}

fn number(report: &Report) -> String {
    match report.findings.len() {
        0 => "Found nothing".to_string(),
        number => format!("Found {}", count(number, "finding")),
    }
}

/// ` (2 errors, 1 warning)`; nothing for no findings.
fn severities(report: &Report) -> String {
    let nouns = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "info")];
    let part = |(severity, noun): (Severity, &str)| {
        let number = report.findings.iter().filter(|it| it.severity == severity).count();
        match severity {
            _ if number == 0 => None,
            Severity::Info => Some(format!("{} {noun}", thousands(number))),
            _ => Some(count(number, noun)),
        }
    };
    let parts: Vec<String> = nouns.into_iter().filter_map(part).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
