//! The report for people: each finding as an argument that can be followed without opening an editor.
//!
//! A finding is its message; the source lines of every place concerned, the reported file's first; the schedule that ends
//! badly; why the state is taken for shared and the lock for its guard; and what to do. Findings of several files stand
//! under headings. annotate-snippets draws it, rustc's own renderer, or tells it ([`Layout::narrated`]): sentences with
//! no drawings, for screen readers and braille.

use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Element, Group, Level, Renderer};
use owo_colors::OwoColorize;

use super::places::Places;
use super::snippet::{self, Mark};
use super::text::{columns, count, visible, wrap};
use super::{Layout, Report, rule_url, schedule, summary};
use crate::finding::{Evidence, EvidenceKind, FileId, Finding, Label, Severity};
use crate::source::Files;

/// Labels shown of one finding; no one reads more.
const MOST_LABELS: usize = 12;
/// Columns left of a paragraph: the frame and the longest title, ` 123 ├ help: `.
const MARGIN: usize = 14;
/// Columns that a paragraph has at least.
const FEWEST: usize = 24;
/// Columns that a title has at least to be broken here, and not by the terminal.
const FEWEST_OF_TITLE: usize = 48;

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    let renderer = if layout.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(layout.width).decor_style(DecorStyle::Unicode).no_graphics(layout.narrated).hyperlink(layout.links.is_some());
    let mut number = 0;
    let several = report.findings.windows(2).any(|it| it[0].location.file != it[1].location.file);
    for findings in report.findings.chunk_by(|a, b| a.location.file == b.location.file) {
        if several && !layout.narrated {
            heading(findings, &report.files, layout, &mut out);
        }
        for finding in findings {
            number += 1;
            if layout.narrated {
                let _ = writeln!(out, "Finding {number} of {}", report.findings.len());
            }
            let _ = writeln!(out, "{}\n", renderer.render(&[group(finding, &report.files, layout)]));
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

fn group<'a>(finding: &'a Finding, files: &Files, layout: &Layout) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let head = format!("{}[{}]: ", finding.severity, finding.rule).len();
    let message = match layout.prose().saturating_sub(head) {
        room if room < FEWEST_OF_TITLE || layout.narrated => visible(&finding.message).into_owned(),
        room => wrap(&finding.message, room).join("\n"),
    };
    let mut title = level.primary_title(message).id(finding.rule);
    if let Some(url) = rule_url(finding.rule) {
        title = title.id_url(url);
    }
    let by_file = marks_by_file(finding);
    let shown: Vec<FileId> = by_file.iter().map(|it| it.0).collect();
    let places = Places::new(finding, &shown, files);
    let snippets = by_file.into_iter().flat_map(|(file, marks)| snippet::of(files, file, &marks, layout));
    title.elements(snippets).elements(paragraphs(finding, &places, layout))
}

/// What stands under the source.
fn paragraphs(finding: &Finding, places: &Places, layout: &Layout) -> Vec<Element<'static>> {
    let room = layout.prose().saturating_sub(MARGIN).max(FEWEST);
    let mut all = Vec::new();
    let mut put = |title: &'static str, text: String| all.push(Element::from(Level::NOTE.with_name(title).message(text)));
    let paragraph = |text: &str| if layout.narrated { visible(text).into_owned() } else { wrap(text, room).join("\n") };
    if let more @ 1.. = finding.labels.len().saturating_sub(MOST_LABELS) {
        put("and", paragraph(&format!("{} more; `--format json` has them all", count(more, "place"))));
    }
    let schedule = schedule::lines(&finding.interleaving, places, room, layout.severity(finding.severity), layout);
    if !schedule.is_empty() {
        put("how", schedule.join("\n"));
    }
    let (against, reasons): (Vec<_>, Vec<_>) = finding.evidence.iter().partition(|it| it.kind == EvidenceKind::Caveat);
    let titles = std::iter::once("why").chain(std::iter::repeat("and"));
    for (title, evidence) in titles.zip(reasons).chain(against.into_iter().map(|it| ("but", it))) {
        put(title, paragraph(&with_place(evidence, places)));
    }
    put("in", paragraph(&format!("`{}` ({} confidence)", finding.symbol, finding.confidence)));
    put("help", paragraph(&finding.help));
    if let Some(fix) = &finding.fix {
        put("fix", paragraph(&fix.message));
    }
    all
}

/// The reported file's marks first, then those of the others in the order they are named in.
fn marks_by_file(finding: &Finding) -> Vec<(FileId, Vec<Mark<'_>>)> {
    let primary = Mark { range: finding.location.range, message: &finding.caption, primary: true };
    let mut by_file = vec![(finding.location.file, vec![primary])];
    for Label { location, message, .. } in finding.labels.iter().take(MOST_LABELS) {
        let mark = Mark { range: location.range, message, primary: false };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn check(report: &Report, width: usize) -> String {
        render(report, &Layout { width, ..Layout::default() })
    }

    /// The same without what [`Layout::color`] adds.
    fn uncolored(text: &str) -> String {
        text.split("\x1b[").enumerate().map(|(i, part)| if i == 0 { part } else { part.split_once('m').expect("a style ends with an m").1 }).collect()
    }

    #[test]
    fn at_every_width() {
        for width in [40, 60, 100, 200] {
            insta::assert_snapshot!(format!("report_{width}"), check(&samples::report(), width));
        }
    }

    #[test]
    fn hard_source_at_every_width() {
        for width in [40, 60, 100, 200] {
            insta::assert_snapshot!(format!("crowded_{width}"), check(&samples::crowded(), width));
        }
    }

    #[test]
    fn all_is_said_without_drawings() {
        let text = render(&samples::report(), &Layout { narrated: true, ..Layout::default() });
        assert!(!text.contains(['│', '─', '╭', '╰', '·', '━', '\x1b']), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn files_of_one_name_are_told_apart() {
        insta::assert_snapshot!(check(&samples::same_names(), 80));
    }

    #[test]
    fn links_change_nothing_but_links() {
        let linked = render(&samples::report(), &Layout { links: Some("/project".to_string()), ..Layout::default() });
        assert!(linked.contains("\x1b]8;;file:///project/app/metrics.py\x1b\\app/metrics.py\x1b]8;;\x1b\\:11:9"), "{linked:?}");
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
        fn any_text_is_shown(
            source in "[ab.; \t\r\n\u{c}é漢👍ש\u{1b}\u{301}\u{200d}\u{202e}]{0,300}",
            words in proptest::collection::vec("[ab`._ :\n\r\t\u{1b}漢é\u{7}\u{9b}\u{2028}]{0,80}", 7),
            ranges in proptest::collection::vec((0..320u32, 0..60u32), 1..16),
            width in 40..200usize,
            color: bool,
        ) {
            let report = samples::of_words(&source, &words, &ranges);
            let text = render(&report, &Layout { width, color, ..Layout::default() });
            let plain = uncolored(&text);
            proptest::prop_assert!(plain.chars().all(|it| it == '\n' || !it.is_control()), "{plain:?}");
            let told = render(&report, &Layout { narrated: true, ..Layout::default() });
            proptest::prop_assert!(told.chars().all(|it| it == '\n' || !it.is_control()), "{told:?}");
        }
    }

    #[test]
    fn a_finding_with_very_many_places_stays_readable() {
        let mut report = samples::report();
        let label = report.findings[0].labels[0].clone();
        report.findings[0].labels = vec![label; 100_000];
        let text = check(&report, 80);
        assert!(text.contains("├ and: 99,988 places more; `--format json` has them all\n"), "{text}");
        assert!(text.lines().count() < 200);
    }

    #[test]
    fn color_changes_nothing_but_color() {
        for report in [samples::report(), samples::hostile()] {
            let colored = render(&report, &Layout { width: 80, color: true, ..Layout::default() });
            let plain = uncolored(&colored);
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
