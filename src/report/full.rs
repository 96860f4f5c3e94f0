//! The report for people: each finding as an argument that can be followed without opening an editor.
//!
//! A finding is its message; the source lines of every place concerned, file by file, the reported one first; why the
//! state is taken for shared and the lock for its guard; the schedule that ends badly; and what to do.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::snippet::{self, Mark};
use super::text::{count, wrap};
use super::{Layout, Report, schedule, summary};
use crate::finding::{Evidence, EvidenceKind, FileId, Finding, Label};
use crate::source::Files;

/// Columns of the margin that holds `why:`, `help:` and their kin.
const MARGIN: usize = 8;
/// Labels shown of one finding; no one reads more.
const MOST_LABELS: usize = 12;

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        render_finding(finding, &report.files, layout, &mut out);
        out.push('\n');
    }
    if !layout.quiet {
        summary::render(report, layout, &mut out);
        if !report.findings.is_empty() {
            out.push_str("For more on a rule: lockset explain RULE\n");
        }
    }
    out
}

fn render_finding(finding: &Finding, files: &Files, layout: &Layout, out: &mut String) {
    header(finding, layout, out);
    for (file, marks) in marks_by_file(finding, layout) {
        out.push_str(&snippet::render(files, file, &marks, layout));
    }
    if let more @ 1.. = finding.labels.len().saturating_sub(MOST_LABELS) {
        paragraph("", layout.bold(), &format!("and {} more; `--format json` has them all", count(more, "place")), layout, out);
    }
    let (against, reasons): (Vec<_>, Vec<_>) = finding.evidence.iter().partition(|it| it.kind == EvidenceKind::Caveat);
    for (i, evidence) in reasons.into_iter().enumerate() {
        paragraph(if i == 0 { "why" } else { "and" }, layout.bold(), &with_place(evidence, files), layout, out);
    }
    for evidence in against {
        paragraph("but", layout.bold(), &with_place(evidence, files), layout, out);
    }
    paragraph("in", layout.bold(), &format!("`{}` ({} confidence)", finding.symbol, finding.confidence), layout, out);
    let schedule = schedule::lines(&finding.interleaving, files, layout.width.saturating_sub(MARGIN));
    if !schedule.is_empty() {
        out.push('\n');
        for (i, line) in schedule.iter().enumerate() {
            margin(if i == 0 { "how" } else { "" }, layout.bold(), line, out);
        }
        out.push('\n');
    }
    paragraph("help", layout.help(), &finding.help, layout, out);
    if let Some(fix) = &finding.fix {
        paragraph("fix", layout.help(), &fix.message, layout, out);
    }
}

/// `error[unguarded-update]: the message`.
fn header(finding: &Finding, layout: &Layout, out: &mut String) {
    let head = format!("{}[{}]:", finding.severity, finding.rule);
    for (i, line) in wrap(&format!("{head} {}", finding.message), layout.width).iter().enumerate() {
        let _ = match line.split_at_checked(head.len()).filter(|it| i == 0 && it.0 == head) {
            Some((head, rest)) => writeln!(out, "{}{}", head.style(layout.severity(finding.severity)), rest.style(layout.bold())),
            None => writeln!(out, "{}", line.style(layout.bold())),
        };
    }
}

/// The reported file's marks first, then those of the others in the order they are named in.
fn marks_by_file(finding: &Finding, layout: &Layout) -> Vec<(FileId, Vec<Mark>)> {
    let primary = Mark { range: finding.location.range, message: finding.caption.clone(), primary: true, style: layout.severity(finding.severity) };
    let mut by_file = vec![(finding.location.file, vec![primary])];
    for Label { location, message, .. } in finding.labels.iter().take(MOST_LABELS) {
        let mark = Mark { range: location.range, message: message.clone(), primary: false, style: layout.label() };
        match by_file.iter_mut().find(|(file, _)| *file == location.file) {
            Some((_, marks)) => marks.push(mark),
            None => by_file.push((location.file, vec![mark])),
        }
    }
    by_file
}

fn with_place(evidence: &Evidence, files: &Files) -> String {
    evidence.location.map_or_else(|| evidence.message.clone(), |it| format!("{} ({})", evidence.message, files.place(it)))
}

/// Text beside a title in the margin, wrapped.
fn paragraph(title: &str, style: Style, text: &str, layout: &Layout, out: &mut String) {
    for (i, line) in wrap(text, layout.width.saturating_sub(MARGIN)).iter().enumerate() {
        margin(if i == 0 { title } else { "" }, style, line, out);
    }
}

fn margin(title: &str, style: Style, line: &str, out: &mut String) {
    if title.is_empty() {
        let _ = writeln!(out, "{}{line}", " ".repeat(MARGIN));
        return;
    }
    let blanks = " ".repeat(MARGIN.saturating_sub(title.len() + 2));
    let _ = writeln!(out, "{blanks}{} {line}", format_args!("{title}:").style(style));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn check(report: &Report, width: usize) -> String {
        render(report, &Layout { width, ..Layout::default() })
    }

    #[test]
    fn wide() {
        insta::assert_snapshot!(check(&samples::report(), 120));
    }

    #[test]
    fn ordinary() {
        insta::assert_snapshot!(check(&samples::report(), 80));
    }

    #[test]
    fn narrow() {
        insta::assert_snapshot!(check(&samples::report(), 60));
    }

    #[test]
    fn a_finding_with_very_many_places_stays_readable() {
        let mut report = samples::report();
        let label = report.findings[0].labels[0].clone();
        report.findings[0].labels = vec![label; 100_000];
        let text = check(&report, 80);
        assert!(text.contains("        and 99,988 places more; `--format json` has them all\n"), "{text}");
        assert!(text.lines().count() < 200);
    }

    #[test]
    fn color_changes_nothing_but_color() {
        for report in [samples::report(), samples::hostile()] {
            let colored = render(&report, &Layout { width: 80, color: true, ..Layout::default() });
            let mut plain = String::new();
            for (i, part) in colored.split("\x1b[").enumerate() {
                plain.push_str(if i == 0 { part } else { part.split_once('m').expect("a style ends with an m").1 });
            }
            assert!(plain.len() < colored.len());
            assert_eq!(plain, check(&report, 80));
        }
    }

    #[test]
    fn hostile_text_is_neutralised() {
        let text = check(&samples::hostile(), 80);
        assert!(text.chars().all(|it| it == '\n' || !it.is_control()), "{text:?}");
        insta::assert_snapshot!(text);
    }
}
