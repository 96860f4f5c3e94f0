//! `unused-ignore`: a comment that silences no finding.
//!
//! Made after all others: the comments know by then which of them were of use ([`Ignores`]).

use super::support::finding_in;
use super::{Check, Ignores, Lint};
use crate::finding::{Applicability, Confidence, Finding, Fix, Rule, Severity};
use crate::ir::{Extent, Language};

pub const UNUSED_IGNORE: Lint = Lint {
    rule: Rule {
        name: "unused-ignore",
        group: "lock-use",
        severity: Severity::Warning,
        languages: &[Language::Python, Language::Rust],
        summary: "A comment silences findings that there are none of",
        page: include_str!("../../lints/unused-ignore.md"),
    },
    check: Check::Ignores(check),
};

fn check(ignores: &Ignores<'_>, findings: &mut Vec<Finding>) {
    for unused in ignores.unused() {
        let mut it = finding_in(&UNUSED_IGNORE, unused.symbol, unused.at, Confidence::High);
        let (word, what) = match unused.extent {
            Extent::Statement => ("ignore", "statement"),
            Extent::File => ("ignore-file", "file"),
        };
        let rules: Vec<String> = unused.rules.iter().map(|it| format!("`{it}`")).collect();
        let rules = rules.join(", ");
        let of = if rules.is_empty() { String::new() } else { format!(" of {rules}") };
        it.message = format!("`lockset: {word}`{of} silences nothing: this {what} has no such finding");
        it.caption = "not needed".to_string();
        it.help = if unused.all { "remove the comment".to_string() } else { format!("remove {rules} from the comment") };
        let message = it.help.clone();
        it.fix = unused.edit.map(|edit| Fix { applicability: Applicability::Safe, message, edits: vec![edit] });
        findings.push(it);
    }
}
