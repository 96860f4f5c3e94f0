//! How many findings there are of each rule (`--statistics`), most first.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::OwoColorize;
use serde::Serialize;

use super::text::thousands;
use super::{Layout, Report, json, summary};

#[derive(Debug, Serialize)]
struct Row {
    rule: &'static str,
    group: &'static str,
    count: usize,
}

fn rows(report: &Report) -> Vec<Row> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry((finding.rule, finding.group)).or_default() += 1;
    }
    let mut rows: Vec<Row> = counts.into_iter().map(|((rule, group), count)| Row { rule, group, count }).collect();
    // Stable: rules of one count stay in the order of their names.
    rows.sort_by_key(|it| std::cmp::Reverse(it.count));
    rows
}

pub fn text(report: &Report, layout: &Layout) -> String {
    let rows = rows(report);
    let counts: Vec<String> = rows.iter().map(|it| thousands(it.count)).collect();
    let width = counts.iter().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (row, count) in rows.iter().zip(counts) {
        let _ = writeln!(out, "{count:>width$}  {}", row.rule.style(layout.bold()));
    }
    if !layout.quiet {
        summary::render(report, layout, &mut out);
    }
    out
}

pub fn json(report: &Report) -> String {
    json::pretty(&rows(report))
}

pub fn json_lines(report: &Report) -> String {
    json::lines(rows(report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn most_first() {
        insta::assert_snapshot!(text(&samples::report(), &Layout::default()));
    }

    #[test]
    fn as_json() {
        insta::assert_snapshot!(json(&samples::report()));
    }
}
