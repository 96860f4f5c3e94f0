//! The report as one JSON document, for other programs. The fields, their names and their order are a promise
//! (`"schema": 1`): a field may be added, none is renamed or dropped.
//!
//! `jsonl` is its findings, one object a line.
//!
//! All but `stats.milliseconds` is the same for the same input.

use serde::Serialize;

use super::{Report, rule_url};
use crate::finding::{Applicability, Confidence, EvidenceKind, Finding, Location, Role, Severity};
use crate::source::{Files, Position};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    findings: Vec<FindingJson<'a>>,
    suppressed: Vec<FindingJson<'a>>,
    baselined: Vec<FindingJson<'a>>,
    skipped: Vec<SkippedJson<'a>>,
    stats: StatsJson,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    rule: &'a str,
    group: &'a str,
    severity: Severity,
    confidence: Confidence,
    message: &'a str,
    help: &'a str,
    url: String,
    #[serde(flatten)]
    place: PlaceJson<'a>,
    symbol: &'a str,
    state: Option<&'a str>,
    locks: &'a [String],
    labels: Vec<LabelJson<'a>>,
    evidence: Vec<EvidenceJson<'a>>,
    interleaving: Vec<StepJson<'a>>,
    fix: Option<FixJson<'a>>,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct PlaceJson<'a> {
    file: &'a str,
    range: RangeJson,
}

#[derive(Serialize)]
struct RangeJson {
    start: PositionJson,
    end: PositionJson,
}

#[derive(Serialize)]
struct PositionJson {
    line: usize,
    column: usize,
    offset: usize,
}

#[derive(Serialize)]
struct LabelJson<'a> {
    #[serde(flatten)]
    place: PlaceJson<'a>,
    role: Role,
    message: &'a str,
}

#[derive(Serialize)]
struct EvidenceJson<'a> {
    kind: EvidenceKind,
    message: &'a str,
    /// Absent where no line of the source is the evidence.
    #[serde(flatten)]
    place: Option<PlaceJson<'a>>,
}

#[derive(Serialize)]
struct StepJson<'a> {
    thread: char,
    file: &'a str,
    line: usize,
    does: &'a str,
}

#[derive(Serialize)]
struct FixJson<'a> {
    applicability: Applicability,
    message: &'a str,
    edits: Vec<EditJson<'a>>,
}

#[derive(Serialize)]
struct EditJson<'a> {
    #[serde(flatten)]
    place: PlaceJson<'a>,
    replacement: &'a str,
}

#[derive(Serialize)]
struct SkippedJson<'a> {
    file: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct StatsJson {
    files: usize,
    parsed: usize,
    cached: usize,
    lines: usize,
    milliseconds: u128,
}

pub fn render(report: &Report) -> String {
    let stats = &report.stats;
    pretty(&Document {
        schema: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        findings: findings(report, &report.findings),
        suppressed: findings(report, &report.suppressed),
        baselined: findings(report, &report.baselined),
        skipped: report.skipped.iter().map(|it| SkippedJson { file: &it.file, reason: &it.reason }).collect(),
        stats: StatsJson {
            files: stats.files,
            parsed: stats.parsed,
            cached: stats.cached,
            lines: stats.lines,
            milliseconds: stats.duration.as_millis(),
        },
    })
}

/// The findings, a line each.
pub fn render_lines(report: &Report) -> String {
    lines(report.findings.iter().map(|it| finding(&report.files, it)))
}

const PLAIN: &str = "these types have string keys only, and no serializer of their own";

/// `value` as indented JSON with a final newline.
pub fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect(PLAIN);
    text.push('\n');
    text
}

/// Each of `values` as JSON on a line of its own.
pub fn lines(values: impl IntoIterator<Item = impl Serialize>) -> String {
    values.into_iter().map(|it| serde_json::to_string(&it).expect(PLAIN) + "\n").collect()
}

fn findings<'a>(report: &'a Report, list: &'a [Finding]) -> Vec<FindingJson<'a>> {
    list.iter().map(|it| finding(&report.files, it)).collect()
}

fn finding<'a>(files: &'a Files, it: &'a Finding) -> FindingJson<'a> {
    FindingJson {
        rule: it.rule,
        group: it.group,
        severity: it.severity,
        confidence: it.confidence,
        message: &it.message,
        help: &it.help,
        url: rule_url(it.rule).unwrap_or_else(|| format!("lockset explain {}", it.rule)),
        place: place(files, it.location),
        symbol: &it.symbol,
        state: it.state.as_deref(),
        locks: &it.locks,
        labels: it.labels.iter().map(|it| LabelJson { place: place(files, it.location), role: it.role, message: &it.message }).collect(),
        evidence: it
            .evidence
            .iter()
            .map(|it| EvidenceJson { kind: it.kind, message: &it.message, place: it.location.map(|it| place(files, it)) })
            .collect(),
        interleaving: it
            .interleaving
            .iter()
            .map(|it| StepJson { thread: it.thread, file: &files.get(it.location.file).name, line: files.start(it.location).line, does: &it.does })
            .collect(),
        fix: it.fix.as_ref().map(|fix| FixJson {
            applicability: fix.applicability,
            message: &fix.message,
            edits: fix.edits.iter().map(|it| EditJson { place: place(files, it.location), replacement: &it.replacement }).collect(),
        }),
        fingerprint: &it.fingerprint,
    }
}

fn place(files: &Files, location: Location) -> PlaceJson<'_> {
    let position = |it: Position| PositionJson { line: it.line, column: it.column, offset: it.offset };
    PlaceJson {
        file: &files.get(location.file).name,
        range: RangeJson { start: position(files.start(location)), end: position(files.end(location)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_field_in_its_order() {
        insta::assert_snapshot!(render(&samples::report()).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn an_empty_report_is_a_whole_document() {
        insta::assert_snapshot!(render(&Report::default()).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn a_line_is_a_finding_of_the_document() {
        for report in [samples::report(), samples::hostile(), Report::default()] {
            let document: serde_json::Value = serde_json::from_str(&render(&report)).unwrap();
            let lines: Vec<serde_json::Value> = render_lines(&report).lines().map(|it| serde_json::from_str(it).unwrap()).collect();
            assert_eq!(document["findings"], serde_json::Value::Array(lines));
        }
    }

    #[test]
    fn hostile_text_stays_valid_json() {
        let text = render(&samples::hostile());
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert!(!text.contains('\x1b'));
    }
}
