//! The end of a report for people: how much was found, in how much, and what was left out.

use std::fmt::Write;

use owo_colors::OwoColorize;

use super::text::{columns, count, thousands, visible, wrap};
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
    let (number, rest) = (number(report), format!("{} {scope}", severities(report)));
    for (i, line) in wrapped(&format!("{number}{rest}"), layout).iter().enumerate() {
        let _ = match line.strip_prefix(&number).filter(|_| i == 0) {
            Some(rest) => writeln!(out, "{}{rest}", number.style(layout.bold())),
            None => writeln!(out, "{line}"),
        };
    }
    for (findings, why) in [(&report.suppressed, "suppressed by comments"), (&report.baselined, "known from the baseline")] {
        if !findings.is_empty() {
            let _ = writeln!(out, "{} {why}", thousands(findings.len()));
        }
    }
    if report.unsure > 0 {
        for line in wrapped(&format!("{} of lower confidence; `--min-confidence low` shows all", thousands(report.unsure)), layout) {
            let _ = writeln!(out, "{line}");
        }
    }
    if !report.skipped.is_empty() {
        let _ = writeln!(out, "Skipped {}:", count(report.skipped.len(), "file"));
    }
    for skipped in &report.skipped {
        let (file, reason) = (visible(&skipped.file), visible(&skipped.reason));
        let line = format!("  {file}: {reason}");
        if layout.narrated || columns(&line) <= layout.width {
            let _ = writeln!(out, "{line}");
            continue;
        }
        // The path stays whole: it is what a reader copies.
        let _ = writeln!(out, "  {file}:");
        for line in wrap(&reason, layout.prose().saturating_sub(4)) {
            let _ = writeln!(out, "    {line}");
        }
    }
}

/// What to do next, in two lines at the end; nothing if nothing was found.
pub fn hints(report: &Report, layout: &Layout, out: &mut String) {
    let Some(first) = report.findings.first() else { return };
    let hints = [
        format!("More on a rule: `lockset explain {}`", first.rule),
        "To accept a finding: a comment `lockset: ignore[RULE] why`; to accept all: `--write-baseline`".to_string(),
    ];
    for line in hints.iter().flat_map(|it| wrapped(it, layout)) {
        let _ = writeln!(out, "{line}");
    }
}

/// `text` in lines that fit; in one, where lines are not for the eye.
fn wrapped(text: &str, layout: &Layout) -> Vec<String> {
    wrap(text, if layout.narrated { usize::MAX } else { layout.prose() })
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
