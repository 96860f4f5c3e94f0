//! A GitLab Code Quality report: one JSON array, which a merge request compares with that of its target branch by the
//! fingerprints.

use serde::Serialize;

use super::{Report, json};
use crate::finding::{Finding, Severity};
use crate::source::{Files, Position};

#[derive(Serialize)]
struct Issue<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
    check_name: &'a str,
    categories: [&'static str; 1],
    severity: &'static str,
    fingerprint: &'a str,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    positions: Positions,
}

#[derive(Serialize)]
struct Positions {
    begin: LineColumn,
    end: LineColumn,
}

#[derive(Serialize)]
struct LineColumn {
    line: usize,
    column: usize,
}

pub fn render(report: &Report) -> String {
    let issues: Vec<Issue<'_>> = report.findings.iter().map(|it| issue(&report.files, it)).collect();
    json::pretty(&issues)
}

fn issue<'a>(files: &'a Files, it: &'a Finding) -> Issue<'a> {
    let position = |it: Position| LineColumn { line: it.line, column: it.column };
    Issue {
        kind: "issue",
        description: format!("{}: {}", it.rule, it.message),
        check_name: it.rule,
        categories: ["Bug Risk"],
        severity: match it.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "info",
        },
        fingerprint: &it.fingerprint,
        location: Place {
            path: &files.get(it.location.file).name,
            positions: Positions { begin: position(files.start(it.location)), end: position(files.end(it.location)) },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, schemas};

    #[test]
    fn every_field() {
        insta::assert_snapshot!(render(&samples::report()));
    }

    #[test]
    fn it_is_valid() {
        for report in samples::all() {
            schemas::check("gitlab-code-quality.json", &render(&report));
        }
    }
}
