//! `lockset rules`: the registry as a table or as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::{Failure, Outcome, print};
use crate::finding::{Rule, Severity};
use crate::ir::Language;
use crate::lints::LINTS;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The form of the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table
    #[default]
    Text,
    /// A JSON array
    Json,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    group: &'static str,
    languages: Vec<&'static str>,
    severity: Severity,
    summary: &'static str,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let rows: Vec<Row> = LINTS.iter().map(|it| row(&it.rule)).collect();
    match arguments.format {
        Format::Text => print(&table(&rows))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&rows)?))?,
    }
    Ok(Outcome::Clean)
}

fn row(rule: &Rule) -> Row {
    let languages = rule.languages.iter().map(|it| match it {
        Language::Python => "python",
        Language::Rust => "rust",
    });
    Row { name: rule.name, group: rule.group, languages: languages.collect(), severity: rule.severity, summary: rule.summary }
}

fn table(rows: &[Row]) -> String {
    let width = |text: fn(&Row) -> usize| rows.iter().map(text).max().unwrap_or(0);
    let (name, group) = (width(|it| it.name.len()), width(|it| it.group.len()));
    let languages = width(|it| it.languages.join(", ").len());
    let mut out = String::new();
    for row in rows {
        let languages_text = row.languages.join(", ");
        let _ = writeln!(out, "{:name$}  {:group$}  {languages_text:languages$}  {:7}  {}", row.name, row.group, row.severity, row.summary);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |name, group, severity, summary| Row { name, group, languages: vec!["python", "rust"], severity, summary };
        vec![
            row("lock-order", "deadlock", Severity::Error, "locks taken in orders that form a cycle"),
            row("split-snapshot", "snapshot", Severity::Warning, "values that belong together, read apart"),
        ]
    }

    #[test]
    fn a_table() {
        let expect = "\
lock-order      deadlock  python, rust  error    locks taken in orders that form a cycle
split-snapshot  snapshot  python, rust  warning  values that belong together, read apart
";
        assert_eq!(table(&rows()), expect);
    }
}
