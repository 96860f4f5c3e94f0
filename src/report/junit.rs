//! JUnit XML: a suite for each file that has findings, a failure for each finding. A file that was skipped is a skipped
//! case; where nothing is found one case passes, as a report without cases counts as a mistake in many places.
//!
//! XML has no way to write most control characters, so they are made visible.

use std::fmt::Write;

use owo_colors::Style;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::places::Places;
use super::text::visible;
use super::{Layout, Report, schedule, summary};
use crate::finding::{EvidenceKind, FileId, Finding};
use crate::source::{Files, Skipped};

/// Columns of a schedule.
const WIDTH: usize = 100;

pub fn render(report: &Report) -> String {
    let mut document = quick_junit::Report::new(env!("CARGO_PKG_NAME"));
    // Findings are sorted by file.
    for findings in report.findings.chunk_by(|a, b| a.location.file == b.location.file) {
        document.add_test_suite(failures(findings[0].location.file, findings, &report.files));
    }
    if report.findings.is_empty() {
        let mut suite = TestSuite::new(env!("CARGO_PKG_NAME"));
        let mut case = TestCase::new("no findings", TestCaseStatus::success());
        case.set_system_out(summary::found(report));
        suite.add_test_case(case);
        document.add_test_suite(suite);
    }
    for it in &report.skipped {
        document.add_test_suite(skipped(it));
    }
    let mut text = document.to_string().expect("writing to memory does not fail, and the strings are XML's");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn failures(file: FileId, findings: &[Finding], files: &Files) -> TestSuite {
    let name = visible(&files.get(file).name);
    let mut suite = TestSuite::new(name.as_ref());
    for finding in findings {
        let line = files.start(finding.location).line;
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(finding.rule).set_message(visible(&finding.message).as_ref()).set_description(description(finding, files));
        let mut case = TestCase::new(format!("{}: {} (line {line})", finding.rule, visible(&finding.symbol)), status);
        case.set_classname(name.as_ref());
        case.extra.insert(XmlString::new("file"), XmlString::new(name.as_ref()));
        case.extra.insert(XmlString::new("line"), XmlString::new(line.to_string()));
        suite.add_test_case(case);
    }
    suite
}

fn skipped(it: &Skipped) -> TestSuite {
    let name = visible(&it.file);
    let mut status = TestCaseStatus::skipped();
    status.set_message(visible(&it.reason).as_ref());
    let mut case = TestCase::new("skipped", status);
    case.set_classname(name.as_ref());
    let mut suite = TestSuite::new(name.as_ref());
    suite.add_test_case(case);
    suite
}

/// The finding as plain text: its places, evidence, schedule and help.
fn description(finding: &Finding, files: &Files) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", visible(&text));
    };
    line(format!("{}: {}[{}] {}", files.place(finding.location), finding.severity, finding.rule, finding.message));
    for label in &finding.labels {
        line(format!("  {}: {}", files.place(label.location), label.message));
    }
    for evidence in &finding.evidence {
        let place = evidence.location.map(|it| format!(" ({})", files.place(it))).unwrap_or_default();
        let title = if evidence.kind == EvidenceKind::Caveat { "but" } else { "why" };
        line(format!("{title}: {}{place}", evidence.message));
    }
    for row in schedule::lines(&finding.interleaving, &Places::new(finding, &[], files), WIDTH, Style::new(), &Layout::default()) {
        line(format!("  {row}"));
    }
    line(format!("help: {}", finding.help));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, schemas};

    #[test]
    fn a_suite_a_file() {
        insta::assert_snapshot!(render(&samples::report()));
    }

    #[test]
    fn nothing_found_is_a_case_that_passes() {
        insta::assert_snapshot!(render(&Report::default()));
    }

    #[test]
    fn it_is_valid() {
        for report in samples::all() {
            schemas::check_junit(&render(&report));
        }
    }
}
