//! Runs lockset on a tree and compares what it finds with what the sources say should be found.
//!
//! [`check`] is the only place that knows how the tool is run: a directory in, [`Seen`] findings out.

use std::fmt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A finding, as far as a comment in a source can expect one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Relative to the checked directory, with `/`.
    pub file: String,
    /// From 1: where the statement starts.
    pub line: u64,
    pub rule: String,
    pub severity: String,
    /// Under medium confidence: not shown by default.
    pub low: bool,
    pub message: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = if self.low { "low " } else { "" };
        write!(f, "{low}{}: [{}] {}", self.severity, self.rule, self.message)
    }
}

/// Runs every rule on the tree at `root`, and gives the findings of every confidence, in order.
pub fn check(root: &Path) -> Result<Vec<Seen>, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_lockset"))
        .args(["check", "--format", "json", "--min-confidence", "low", "--no-cache", "."])
        .current_dir(root)
        .output()
        .map_err(|error| format!("lockset does not start: {error}"))?;
    // On standard error stands what was skipped, wholly or in part, and what went wrong: an example has none of it.
    if !output.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
    }
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("the report is not JSON: {error} ({})", output.status))?;
    let findings = report["findings"].as_array().ok_or("the report has no findings")?;
    let mut seen = findings.iter().map(read_finding).collect::<Result<Vec<Seen>, String>>()?;
    seen.sort();
    Ok(seen)
}

fn read_finding(finding: &Value) -> Result<Seen, String> {
    let text = |key: &str| finding[key].as_str().map(str::to_owned).ok_or_else(|| format!("a finding without {key}: {finding}"));
    let line = finding["range"]["start"]["line"].as_u64().ok_or_else(|| format!("a finding without a line: {finding}"))?;
    let file = text("file")?;
    Ok(Seen {
        file: file.strip_prefix("./").unwrap_or(&file).to_owned(),
        line,
        rule: text("rule")?,
        severity: text("severity")?,
        low: text("confidence")? == "low",
        message: text("message")?,
    })
}

/// The text of each comment in `line` of a file of the language with that comment sign: what stands after each `sign`.
pub fn comments<'a>(line: &'a str, sign: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(sign).skip(1).map(str::trim)
}

/// How a comment begins in the file called `name`; none when the file is neither Python nor Rust, nor a configuration.
pub fn comment_sign(name: &str) -> Option<&'static str> {
    match Path::new(name).extension()?.to_str()? {
        "py" | "toml" => Some("#"),
        "rs" => Some("//"),
        _ => None,
    }
}
