//! The Reviewdog Diagnostic Format (`rdjson`): one JSON document for `reviewdog -f=rdjson`, which puts findings into
//! pull requests. Columns count bytes of UTF-8 from 1, and ends are exclusive, as that format has it.

use serde::Serialize;

use super::{Report, json, rule_url};
use crate::finding::{Finding, Fix, Label, Location, Severity};
use crate::ir::Range;
use crate::source::Files;

#[derive(Serialize)]
struct DiagnosticResult<'a> {
    source: Source,
    diagnostics: Vec<Diagnostic<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    message: String,
    location: Place<'a>,
    severity: &'static str,
    code: Code<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestions: Option<[Suggestion; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    range: TextRange,
}

#[derive(Serialize)]
struct TextRange {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Suggestion {
    range: TextRange,
    text: String,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    location: Place<'a>,
}

pub fn render(report: &Report) -> String {
    json::pretty(&DiagnosticResult {
        source: Source { name: env!("CARGO_PKG_NAME"), url: env!("CARGO_PKG_REPOSITORY") },
        diagnostics: report.findings.iter().map(|it| diagnostic(&report.files, it)).collect(),
    })
}

fn diagnostic<'a>(files: &'a Files, it: &'a Finding) -> Diagnostic<'a> {
    Diagnostic {
        message: format!("{}\nhelp: {}", it.message, it.help),
        location: place(files, it.location),
        severity: match it.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
        code: Code { value: it.rule, url: rule_url(it.rule) },
        suggestions: it.fix.as_ref().and_then(|fix| suggestion(files, it.location, fix)).map(|it| [it]),
        related_locations: it.labels.iter().map(|it| related(files, it)).collect(),
    }
}

fn related<'a>(files: &'a Files, it: &'a Label) -> Related<'a> {
    Related { message: &it.message, location: place(files, it.location) }
}

fn place(files: &Files, location: Location) -> Place<'_> {
    Place { path: &files.get(location.file).name, range: range(files, location) }
}

fn range(files: &Files, location: Location) -> TextRange {
    let position = |offset: u32| {
        let at = files.position(location.file, offset);
        Position { line: at.line, column: files.byte_column(location.file, offset) }
    };
    TextRange { start: position(location.range.start), end: position(location.range.end) }
}

/// The edits of a fix as the one replacement that a suggestion is; none for edits of another file than the reported one,
/// which a suggestion cannot name.
fn suggestion(files: &Files, reported: Location, fix: &Fix) -> Option<Suggestion> {
    let mut edits: Vec<_> = fix.edits.iter().collect();
    edits.sort_by_key(|it| it.location.range);
    let (first, last) = (edits.first()?, edits.last()?);
    let whole = Range { start: first.location.range.start, end: last.location.range.end };
    let mut text = String::new();
    let mut at = whole.start;
    for edit in &edits {
        let Location { file, range } = edit.location;
        if file != reported.file || range.start < at {
            return None;
        }
        text.push_str(files.text(Location { file, range: Range { start: at, end: range.start } }));
        text.push_str(&edit.replacement);
        at = range.end;
    }
    Some(Suggestion { range: range(files, Location { file: reported.file, range: whole }), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Applicability, Edit, FileId};
    use crate::report::{samples, schemas};

    #[test]
    fn every_field() {
        insta::assert_snapshot!(render(&samples::report()));
    }

    #[test]
    fn it_is_valid() {
        for report in samples::all() {
            schemas::check("rdjson.json", &render(&report));
        }
    }

    #[test]
    fn columns_are_bytes() {
        let report = samples::wide();
        let document: serde_json::Value = serde_json::from_str(&render(&report)).unwrap();
        let range = &document["diagnostics"][0]["location"]["range"];
        assert_eq!(document["diagnostics"][0]["location"]["path"], "ä pp/100%, 漢字.py");
        assert_eq!(*range, serde_json::json!({"start": {"line": 2, "column": 7}, "end": {"line": 2, "column": 18}}));
    }

    #[test]
    fn several_edits_are_one_suggestion() {
        let report = samples::report();
        let at = |start, end| Location { file: FileId(0), range: Range::new(start, end) };
        let fix = |edits: &[(usize, usize, &str)]| Fix {
            applicability: Applicability::Safe,
            message: String::new(),
            edits: edits.iter().map(|it| Edit { location: at(it.0, it.1), replacement: it.2.to_string() }).collect(),
        };
        let check = |edits: &[(usize, usize, &str)]| suggestion(&report.files, at(0, 1), &fix(edits)).map(|it| it.text);
        assert_eq!(check(&[(7, 16, "queue"), (0, 0, "# first\n")]).as_deref(), Some("# first\nimport queue"));
        assert_eq!(check(&[(0, 5, "a"), (3, 8, "b")]), None, "these overlap");
        assert_eq!(check(&[]), None);
    }
}
