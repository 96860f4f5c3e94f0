//! The report for people: each finding as an argument that can be followed without opening an editor.
//!
//! A finding is its message; the source lines of every place concerned, the reported ones first; the schedule that ends
//! badly; why the state is taken for shared and the lock for its guard; and what to do. Findings of several files stand
//! under headings. [`super::narrated`] says the same without drawings.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::places::Places;
use super::snippet::{self, Mark};
use super::text::{columns, count, visible, wrap};
use super::{Layout, Report, rule_url, schedule, summary};
use crate::finding::{Evidence, EvidenceKind, FileId, Finding, Label};
use crate::source::Files;

/// Labels shown of one finding; no one reads more.
pub const MOST_LABELS: usize = 12;
/// Columns of the longest title in the margin, `help: `.
const TITLE: usize = 6;
/// A terminal of fewer columns has none to spare for a margin.
const NARROW: usize = 60;

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    let several = report.findings.windows(2).any(|it| it[0].location.file != it[1].location.file);
    for findings in report.findings.chunk_by(|a, b| a.location.file == b.location.file) {
        if several {
            heading(findings, &report.files, layout, &mut out);
        }
        for finding in findings {
            render_finding(finding, &report.files, layout, &mut out);
            out.push('\n');
        }
    }
    if !layout.quiet {
        summary::render(report, layout, &mut out);
        summary::hints(report, layout, &mut out);
    }
    out
}

/// `━━ app/metrics.py ━━ 2 findings ━━━━`, over the findings of a file; the path is never cut.
fn heading(findings: &[Finding], files: &Files, layout: &Layout, out: &mut String) {
    let Some(first) = findings.first() else { return };
    let name = &files.get(first.location.file).name;
    let number = count(findings.len(), "finding");
    let used = columns(&visible(name)) + number.len() + 8;
    let rest = "━".repeat(layout.prose().saturating_sub(used));
    let bar = layout.paint("━━", layout.dim());
    let name = layout.file_link(visible(name).style(layout.bold()), name);
    let line = format!("{bar} {name} {bar} {number} {}", layout.paint(&rest, layout.dim()));
    let _ = writeln!(out, "{}\n", line.trim_end());
}

fn render_finding(finding: &Finding, files: &Files, layout: &Layout, out: &mut String) {
    header(finding, layout, out);
    let by_file = marks_by_file(finding, layout);
    let shown: Vec<FileId> = by_file.iter().map(|it| it.0).collect();
    let places = Places::new(finding, &shown, files);
    for (file, marks) in by_file {
        out.push_str(&snippet::render(&places, file, &marks, layout));
    }
    if let more @ 1.. = finding.labels.len().saturating_sub(MOST_LABELS) {
        paragraph("", layout.bold(), &format!("and {} more; `--format json` has them all", count(more, "place")), layout, out);
    }
    let room = layout.prose().saturating_sub(margin_width(layout));
    let schedule = schedule::lines(&finding.interleaving, &places, room, layout.severity(finding.severity), layout);
    for (i, line) in schedule.iter().enumerate() {
        margin(if i == 0 { "how" } else { "" }, layout.bold(), line, layout, out);
    }
    if !schedule.is_empty() {
        out.push('\n');
    }
    let (against, reasons): (Vec<_>, Vec<_>) = finding.evidence.iter().partition(|it| it.kind == EvidenceKind::Caveat);
    for (i, evidence) in reasons.into_iter().enumerate() {
        paragraph(if i == 0 { "why" } else { "and" }, layout.bold(), &with_place(evidence, &places), layout, out);
    }
    for evidence in against {
        paragraph("but", layout.bold(), &with_place(evidence, &places), layout, out);
    }
    paragraph("in", layout.bold(), &format!("`{}` ({} confidence)", finding.symbol, finding.confidence), layout, out);
    paragraph("help", layout.help(), &finding.help, layout, out);
    if let Some(fix) = &finding.fix {
        paragraph("fix", layout.help(), &fix.message, layout, out);
    }
}

/// `error[unguarded-update]: the message`.
fn header(finding: &Finding, layout: &Layout, out: &mut String) {
    let head = format!("{}[{}]:", finding.severity, finding.rule);
    for (i, line) in wrap(&format!("{head} {}", finding.message), layout.prose()).iter().enumerate() {
        let _ = match line.strip_prefix(&head).filter(|_| i == 0) {
            Some(rest) => {
                let rule = layout.url_link(finding.rule, rule_url(finding.rule).as_deref());
                let head = format!("{}[{rule}]:", finding.severity);
                writeln!(out, "{}{}", head.style(layout.severity(finding.severity)), layout.paint(rest, layout.bold()))
            }
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

fn with_place(evidence: &Evidence, places: &Places) -> String {
    evidence.location.map_or_else(|| evidence.message.clone(), |it| format!("{} ({})", evidence.message, places.line(it)))
}

/// Text beside a title in the margin, wrapped.
fn paragraph(title: &str, style: Style, text: &str, layout: &Layout, out: &mut String) {
    for (i, line) in wrap(text, layout.prose().saturating_sub(margin_width(layout))).iter().enumerate() {
        margin(if i == 0 { title } else { "" }, style, line, layout, out);
    }
}

/// Columns of the margin that holds `why:`, `help:` and their kin.
fn margin_width(layout: &Layout) -> usize {
    if layout.width < NARROW { TITLE } else { TITLE + 2 }
}

fn margin(title: &str, style: Style, line: &str, layout: &Layout, out: &mut String) {
    let width = margin_width(layout);
    let _ = match title {
        "" => writeln!(out, "{}{line}", " ".repeat(width)),
        _ => writeln!(out, "{}{} {line}", " ".repeat(width.saturating_sub(title.len() + 2)), format_args!("{title}:").style(style)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn check(report: &Report, width: usize) -> String {
        render(report, &Layout { width, ..Layout::default() })
    }

    /// No line is wider than the terminal, but those with a path that must not be cut.
    fn fits(text: &str, width: usize, path: &str) {
        for line in text.lines().filter(|it| !it.contains(path) || path.is_empty()) {
            assert!(columns(line) <= width, "{width}: {line}");
        }
    }

    #[test]
    fn at_every_width() {
        for width in [40, 60, 100, 200] {
            let text = check(&samples::report(), width);
            fits(&text, width, "");
            insta::assert_snapshot!(format!("report_{width}"), text);
        }
    }

    #[test]
    fn hard_source_at_every_width() {
        for width in [40, 60, 100, 200] {
            let text = check(&samples::crowded(), width);
            fits(&text, width, "kasse.py");
            insta::assert_snapshot!(format!("crowded_{width}"), text);
        }
    }

    #[test]
    fn files_of_one_name_are_told_apart() {
        insta::assert_snapshot!(check(&samples::same_names(), 80));
    }

    #[test]
    fn links_change_nothing_but_links() {
        let linked = render(&samples::report(), &Layout { links: Some("/project".to_string()), ..Layout::default() });
        assert!(linked.contains("\x1b]8;;file:///project/app/metrics.py\x1b\\app/metrics.py:11:9\x1b]8;;\x1b\\"), "{linked:?}");
        let mut plain = String::new();
        for (i, part) in linked.split("\x1b]8;;").enumerate() {
            plain.push_str(if i == 0 { part } else { part.split_once("\x1b\\").expect("a link ends").1 });
        }
        assert_eq!(plain, check(&samples::report(), 100));
    }

    #[test]
    fn quiet_says_nothing_else() {
        let text = render(&samples::report(), &Layout { quiet: true, ..Layout::default() });
        assert!(!text.contains("Found ") && !text.contains("lockset explain"), "{text}");
    }

    #[test]
    fn one_file_needs_no_heading() {
        let mut report = samples::report();
        assert!(check(&report, 80).starts_with("━━ app/metrics.py ━━ 2 findings ━━━"));
        report.findings.truncate(2);
        assert!(check(&report, 80).starts_with("error["));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_shown_within_the_terminal(
            source in "[ab.; \t\r\n\u{c}é漢👍ש\u{1b}\u{301}\u{200d}\u{202e}]{0,300}",
            words in proptest::collection::vec("[ab`._ :\n\r\t\u{1b}漢é\u{7}\u{9b}\u{2028}]{0,80}", 7),
            ranges in proptest::collection::vec((0..320u32, 0..60u32), 1..16),
            width in 40..200usize,
            color: bool,
        ) {
            let report = samples::of_words(&source, &words, &ranges);
            let text = render(&report, &Layout { width, color, ..Layout::default() });
            let mut plain = String::new();
            for (i, part) in text.split("\x1b[").enumerate() {
                plain.push_str(if i == 0 { part } else { part.split_once('m').expect("a style ends with an m").1 });
            }
            proptest::prop_assert!(plain.chars().all(|it| it == '\n' || !it.is_control()), "{plain:?}");
            for line in plain.lines() {
                proptest::prop_assert!(columns(line) <= width, "{width}: {line}\n{plain}");
            }
            let told = super::super::narrated::render(&report, &Layout { narrated: true, ..Layout::default() });
            proptest::prop_assert!(told.chars().all(|it| it == '\n' || !it.is_control()), "{told:?}");
        }
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
