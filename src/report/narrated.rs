//! The report for people, told: sentences in place of drawings, for screen readers and braille.
//!
//! It says all that [`super::full`] shows, a thing a line, each line with what it is about at its beginning, and breaks
//! no lines: the reader's program does. (miette's narrated form knows no evidence, no schedules and no wide places.)

use std::fmt::Write;

use super::full::MOST_LABELS;
use super::text::{count, visible};
use super::{Layout, Report, summary};
use crate::finding::{EvidenceKind, Finding, Location};
use crate::source::Files;

/// Characters of a source line that are told; no one listens to more.
const MOST_SOURCE: usize = 200;

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    for (i, finding) in report.findings.iter().enumerate() {
        let _ = writeln!(out, "Finding {} of {}", i + 1, report.findings.len());
        tell(finding, &report.files, &mut out);
        out.push('\n');
    }
    if !layout.quiet {
        summary::render(report, layout, &mut out);
        summary::hints(report, layout, &mut out);
    }
    out
}

fn tell(finding: &Finding, files: &Files, out: &mut String) {
    let _ = writeln!(out, "{}, rule {}: {}", capital(&finding.severity.to_string()), finding.rule, visible(&finding.message));
    tell_place(finding.location, &finding.caption, files, out);
    for label in finding.labels.iter().take(MOST_LABELS) {
        tell_place(label.location, &label.message, files, out);
    }
    if let more @ 1.. = finding.labels.len().saturating_sub(MOST_LABELS) {
        let _ = writeln!(out, "And {} more; `--format json` has them all", count(more, "place"));
    }
    let (against, reasons): (Vec<_>, Vec<_>) = finding.evidence.iter().partition(|it| it.kind == EvidenceKind::Caveat);
    let titled = reasons.into_iter().map(|it| ("Why", it)).chain(against.into_iter().map(|it| ("But", it)));
    for (title, evidence) in titled {
        let place = evidence.location.map(|it| format!(" (file {}, line {})", name(it, files), files.start(it).line)).unwrap_or_default();
        let _ = writeln!(out, "{title}: {}{place}", visible(&evidence.message));
    }
    let _ = writeln!(out, "In: `{}`, {} confidence", visible(&finding.symbol), finding.confidence);
    if !finding.interleaving.is_empty() {
        let _ = writeln!(out, "How it goes wrong, in {}:", count(finding.interleaving.len(), "step"));
    }
    for (i, step) in finding.interleaving.iter().enumerate() {
        let thread = visible(step.thread.encode_utf8(&mut [0; 4])).into_owned();
        let (name, line) = (name(step.location, files), files.start(step.location).line);
        let _ = writeln!(out, "Step {}, thread {thread}, file {name}, line {line}: {}", i + 1, visible(&step.does));
    }
    let _ = writeln!(out, "Help: {}", visible(&finding.help));
    if let Some(fix) = &finding.fix {
        let _ = writeln!(out, "Fix: {}", visible(&fix.message));
    }
}

/// `File app/a.py, line 3, column 9: what is said of it`, and the line itself.
fn tell_place(at: Location, message: &str, files: &Files, out: &mut String) {
    let (start, end) = (files.start(at), files.end(at));
    let last = if end.line > start.line { format!(" to line {}", end.line) } else { String::new() };
    let message = if message.is_empty() { String::new() } else { format!(": {}", visible(message)) };
    let _ = writeln!(out, "File {}, line {}, column {}{last}{message}", name(at, files), start.line, start.column);
    let text = &files.get(at.file).text;
    let line = text[files.lines(at.file).range(text, start.line - 1)].trim();
    if !line.is_empty() {
        let cut = line.char_indices().nth(MOST_SOURCE).map(|it| it.0);
        let more = if cut.is_some() { " (cut)" } else { "" };
        let _ = writeln!(out, "Source line {}: {}{more}", start.line, visible(&line[..cut.unwrap_or(line.len())]));
    }
}

fn name(at: Location, files: &Files) -> String {
    visible(&files.get(at.file).name).into_owned()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |it| it.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn all_is_said_without_drawings() {
        let text = render(&samples::report(), &Layout::default());
        assert!(!text.contains(['│', '─', '╭', '╰', '·', '━', '\x1b']), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn quiet_is_only_the_findings() {
        let text = render(&samples::report(), &Layout { quiet: true, ..Layout::default() });
        assert!(text.starts_with("Finding 1 of 3\n") && !text.contains("Found"), "{text}");
    }

    #[test]
    fn long_lines_are_cut_and_long_lists_too() {
        let mut report = samples::wide();
        let label = report.findings[0].labels[0].clone();
        report.findings[0].labels = vec![label; 1000];
        let text = render(&report, &Layout::default());
        assert!(text.contains("And 988 places more; `--format json` has them all\n"), "{text}");
        let text = render(&samples::crowded(), &Layout::default());
        assert!(text.lines().all(|it| it.chars().count() < 400), "{text}");
    }

    #[test]
    fn hostile_text_is_neutralised() {
        let text = render(&samples::hostile(), &Layout::default());
        assert!(text.chars().all(|it| it == '\n' || !it.is_control()), "{text:?}");
        insta::assert_snapshot!(text);
    }
}
