//! Baselines on the command line: written, read, pruned, and wrong.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;

use crate::support::{METRICS, lockset_with as lockset, metrics as project};

fn write_baseline(directory: &Path) -> String {
    lockset(directory, &["check", "--write-baseline"]).assert().code(0);
    fs::read_to_string(directory.join(".lockset-baseline.json")).unwrap()
}

/// The statements and files of what is found beyond the baseline.
fn found(directory: &Path, arguments: &[&str]) -> Vec<(String, u64)> {
    let output = lockset(directory, &["check", "--format", "json", "--baseline", ".lockset-baseline.json"]).args(arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!findings.is_empty())));
    let line = |it: &Value| it["range"]["start"]["line"].as_u64().unwrap();
    findings.iter().map(|it| (it["file"].as_str().unwrap().to_owned(), line(it))).collect()
}

/// Puts `new` in place of the one `old` in a file.
fn edit(directory: &Path, name: &str, old: &str, new: &str) {
    let text = fs::read_to_string(directory.join(name)).unwrap();
    assert_eq!(text.matches(old).count(), 1);
    fs::write(directory.join(name), text.replace(old, new)).unwrap();
}

#[test]
fn what_is_written_is_not_reported() {
    let project = project();
    lockset(project.path(), &["check"]).assert().code(1);
    let text = write_baseline(project.path());
    let entry = r#"{"file":"app/metrics.py","symbol":"Metrics.inc","rule":"unguarded-update","state":"Metrics.total","statement":"self.total += 1"}"#;
    assert_eq!(text, format!("{{\"schema\": 1, \"findings\": [\n{entry}\n]}}\n"));
    assert_eq!(found(project.path(), &[]), []);
    lockset(project.path(), &["check", "--baseline", ".lockset-baseline.json"])
        .assert()
        .code(0)
        .stdout(contains("Found nothing in 1 file").and(contains("1 known from the baseline\n")))
        .stderr(is_empty());
    let output = lockset(project.path(), &["check", "--format", "json", "--baseline", ".lockset-baseline.json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["baselined"][0]["state"], "Metrics.total");
    assert_eq!(write_baseline(project.path()), text);
}

#[test]
fn it_holds_when_the_code_is_moved_indented_edited_renamed() {
    let project = project();
    write_baseline(project.path());
    edit(project.path(), "app/metrics.py", "class Metrics", "LIMIT = 4\n\nclass Metrics");
    assert_eq!(found(project.path(), &[]), []);
    edit(project.path(), "app/metrics.py", "        self.total += 1", "        if n:\n            self.total += \\\n                1");
    assert_eq!(found(project.path(), &[]), []);
    edit(project.path(), "app/metrics.py", "+= \\\n                1", "+= LIMIT");
    assert_eq!(found(project.path(), &[]), []);
    // Both at once is another one, until the baseline is brought up to date.
    lockset(project.path(), &["baseline", "prune"]).assert().code(0).stdout("dropped 0 of .lockset-baseline.json's 1 finding\n");
    fs::rename(project.path().join("app/metrics.py"), project.path().join("app/counters.py")).unwrap();
    assert_eq!(found(project.path(), &[]), []);
}

#[test]
fn a_second_mistake_is_reported() {
    let project = project();
    let signer = "import threading\n\ndef sign(request):\n    with threading.Lock():\n        request.sign()\n";
    fs::write(project.path().join("signer.py"), signer).unwrap();
    write_baseline(project.path());
    assert_eq!(found(project.path(), &[]), []);
    // One that is like the first, one that is not: neither is covered by its entry.
    for (again, lines) in [("threading.Lock()", 1), ("threading.RLock()", 2)] {
        let text = fs::read_to_string(project.path().join("signer.py")).unwrap();
        fs::write(project.path().join("signer.py"), format!("{text}    with {again}:\n        request.sign()\n")).unwrap();
        assert_eq!(found(project.path(), &[]).len(), lines);
    }
    assert_eq!(found(project.path(), &[]), [("signer.py".to_owned(), 6), ("signer.py".to_owned(), 8)]);
    fs::copy(project.path().join("app/metrics.py"), project.path().join("app/copy.py")).unwrap();
    assert!(found(project.path(), &[]).contains(&("app/copy.py".to_owned(), 9)));
}

#[test]
fn it_holds_in_another_working_directory() {
    let project = project();
    write_baseline(project.path());
    lockset(&project.path().join("app"), &["check", "--baseline", "../.lockset-baseline.json"]).assert().code(0);
    fs::create_dir(project.path().join("ci")).unwrap();
    lockset(project.path(), &["check", "--baseline", "ci/known.json", "--write-baseline"])
        .assert()
        .code(0)
        .stderr("lockset: note: wrote 1 finding to ci/known.json\n");
    assert!(fs::read_to_string(project.path().join("ci/known.json")).unwrap().contains("\"../app/metrics.py\""));
    lockset(&project.path().join("ci"), &["check", "..", "--baseline", "known.json"]).assert().code(0);
}

#[test]
fn what_is_fixed_is_counted_and_pruned() {
    let project = project();
    fs::write(project.path().join("other.py"), METRICS).unwrap();
    let before = write_baseline(project.path());
    edit(project.path(), "app/metrics.py", "        self.total += 1", "        with self._lock:\n            self.total += 1");
    let fixed = "lockset: note: 1 finding fixed since the baseline; `lockset baseline prune` drops what is no longer needed\n";
    let check = |arguments: &[&str]| lockset(project.path(), &["check", "--baseline", ".lockset-baseline.json"]).args(arguments).assert().code(0);
    check(&[]).stderr(fixed);
    // Neither a rule that is not applied nor a file that is not analysed is fixed.
    check(&["--select", "deadlock"]).stderr(is_empty());
    check(&["other.py"]).stderr(is_empty());
    lockset(project.path(), &["baseline", "prune", "other.py"]).assert().code(0);
    let text = || fs::read_to_string(project.path().join(".lockset-baseline.json")).unwrap();
    assert_eq!(text(), before);
    lockset(project.path(), &["baseline", "prune"]).assert().code(0).stdout("dropped 1 of .lockset-baseline.json's 2 findings\n");
    let pruned = text();
    assert!(pruned.contains("other.py") && !pruned.contains("app/metrics.py"), "{pruned}");
    lockset(project.path(), &["baseline", "prune"]).assert().code(0).stdout("dropped 0 of .lockset-baseline.json's 1 finding\n");
    assert_eq!(text(), pruned);
    // A file that is gone has no findings.
    fs::remove_file(project.path().join("other.py")).unwrap();
    check(&[]).stderr(fixed);
}

#[test]
fn writing_a_part_keeps_the_rest() {
    let project = project();
    fs::write(project.path().join("other.py"), METRICS).unwrap();
    let all = write_baseline(project.path());
    for part in [&["other.py"][..], &["--select", "deadlock"]] {
        lockset(project.path(), &["check", "--write-baseline"]).args(part).assert().code(0);
        assert_eq!(fs::read_to_string(project.path().join(".lockset-baseline.json")).unwrap(), all, "{part:?}");
    }
}

#[test]
fn what_a_comment_silences_needs_no_entry() {
    let project = project();
    write_baseline(project.path());
    edit(project.path(), "app/metrics.py", "+= 1", "+= 1  # lockset: ignore[race]");
    lockset(project.path(), &["check", "--baseline", ".lockset-baseline.json"]).assert().code(0).stderr(is_empty());
    lockset(project.path(), &["baseline", "prune"]).assert().code(0);
    assert_eq!(fs::read_to_string(project.path().join(".lockset-baseline.json")).unwrap(), "{\"schema\": 1, \"findings\": []}\n");
}

#[test]
fn what_is_no_baseline_is_named() {
    let project = project();
    let fails = |text: Option<&str>, arguments: &[&str], expect: &str| {
        if let Some(text) = text {
            fs::write(project.path().join("b.json"), text).unwrap();
        }
        lockset(project.path(), arguments).assert().code(2).stdout(is_empty()).stderr(contains(expect));
    };
    let check = ["check", "--baseline", "b.json"];
    fails(None, &check, "lockset: error: b.json: there is no such baseline; `lockset check --baseline b.json --write-baseline` writes one\n");
    fails(None, &["baseline", "prune"], "lockset: error: .lockset-baseline.json: there is no such baseline;");
    fails(None, &["check", "--baseline", "no/b.json", "--write-baseline"], "lockset: error: no/b.json: there is no directory no\n");
    fails(Some("x"), &check, "lockset: error: b.json: this is no baseline (expected value at line 1 column 1);");
    fails(Some("x"), &["check", "--baseline", "b.json", "--write-baseline"], "b.json: this is no baseline");
    fails(Some("{\"schema\": 7}"), &check, "lockset: error: b.json: its schema is 7, and this version of lockset reads 1;");
    fails(Some("<<<<<<< HEAD\n"), &["baseline", "prune", "--baseline", "b.json"], "b.json: line 1: an unfinished merge;");
    fails(None, &["check", "--baseline", "app"], "lockset: error: app: is a directory, and no baseline\n");
    let instead = "lockset: error: c.json: no such file or directory; `--baseline c.json --write-baseline` writes the baseline there\n";
    fails(None, &["check", "--write-baseline", "c.json"], instead);
}
