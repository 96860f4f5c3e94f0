//! `path:line:column: severity[rule] message`, one line a finding: for editors, `grep`, and a quick look.

use std::fmt::Write;

use owo_colors::OwoColorize;

use super::text::visible;
use super::{Layout, Report, summary};

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let at = report.files.start(finding.location);
        let name = &report.files.get(finding.location.file).name;
        let place = format!("{}:{}:{}", visible(name), at.line, at.column);
        let head = format!("{}[{}]", finding.severity, finding.rule);
        let _ = writeln!(out, "{}: {} {}", place.style(layout.bold()), head.style(layout.severity(finding.severity)), visible(&finding.message));
    }
    if !layout.quiet {
        summary::render(report, layout, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn one_line_a_finding() {
        insta::assert_snapshot!(render(&samples::report(), &Layout::default()));
    }

    #[test]
    fn quiet_is_only_the_findings() {
        let report = samples::report();
        assert_eq!(render(&report, &Layout { quiet: true, ..Layout::default() }).lines().count(), report.findings.len());
    }

    #[test]
    fn hostile_text_is_neutralised() {
        insta::assert_snapshot!(render(&samples::hostile(), &Layout::default()));
    }
}
