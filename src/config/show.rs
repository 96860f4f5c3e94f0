//! The effective settings as text, each with where it comes from.

use std::fmt::Write;

use super::{Config, Overrides};
use crate::lints::LINTS;
use crate::program::Runtime;
use crate::session::Options;

/// `min-confidence = "high"  # command line`, one setting a line.
pub fn show(config: &Config, overrides: &Overrides, options: &Options) -> String {
    let file = config.file.as_deref().unwrap_or("none");
    let from = |on_command_line: bool, in_file: bool| match () {
        () if on_command_line => "command line",
        () if in_file => file,
        () => "default",
    };
    let mut out = format!("# configuration: {file}\n");
    let mut line = |key: &str, value: String, from: &str| {
        let _ = writeln!(out, "{key} = {value}  # {from}");
    };
    let applied: Vec<&str> = LINTS.iter().map(|it| it.rule.name).filter(|it| !options.ignore.iter().any(|name| name == it)).collect();
    let rules = match (overrides.rules.is_empty(), config.rules.is_empty()) {
        (false, false) if overrides.rules.select.is_none() => format!("{file}, command line"),
        (said_not, file_not) => from(!said_not, !file_not).to_string(),
    };
    line("select", format!("{applied:?}"), &rules);
    line("min-confidence", format!("\"{}\"", options.min_confidence), from(overrides.min_confidence.is_some(), config.min_confidence.is_some()));
    line("min-severity", format!("\"{}\"", options.min_severity), from(overrides.min_severity.is_some(), config.min_severity.is_some()));
    line("include-tests", options.include_tests.to_string(), from(overrides.include_tests.is_some(), config.include_tests.is_some()));
    line("exclude", format!("{:?}", options.exclude.patterns()), from(false, !options.exclude.is_empty()));
    for it in &options.per_file_ignores {
        line(&format!("per-file-ignores.{:?}", it.files.patterns().join("")), format!("{:?}", it.rules), file);
    }
    if let Some(baseline) = &config.baseline {
        line("baseline", format!("{:?}", baseline.display().to_string()), file);
    }
    if let Some(runtime) = options.setting.runtime {
        let name = match runtime {
            Runtime::Gil => "gil",
            Runtime::FreeThreaded => "free-threaded",
        };
        line("python.runtime", format!("{name:?}"), file);
    }
    for it in &options.setting.orders {
        let names: Vec<&str> = it.locks.iter().map(|it| it.as_str()).collect();
        line("lock-order.order", format!("{:?}", names.join(" < ")), it.place.as_str());
    }
    for catalog in [options.setting.catalogs.python, options.setting.catalogs.rust] {
        let mut own: Vec<&str> = catalog.own().iter().map(|it| it.as_str()).collect();
        own.sort_unstable();
        if !own.is_empty() {
            line(&format!("rows of {:?}", catalog.language), format!("{own:?}"), file);
        }
    }
    out
}
