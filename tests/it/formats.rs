//! The formats for other programs, through the command line: valid by their schemas, alike in what they say, and true to
//! the bytes of the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::{schemas, support};

const MACHINE: [&str; 7] = ["json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson"];

fn lockset(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = support::lockset(directory);
    command.arg("check").args(arguments).args(["--exit-zero", "--no-cache"]);
    command
}

fn stdout(directory: &Path, arguments: &[&str]) -> String {
    let output = lockset(directory, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every finding of the fixtures, of any confidence, in a format.
fn fixtures(format: &str) -> String {
    stdout(Path::new(env!("CARGO_MANIFEST_DIR")), &["fixtures", "--min-confidence", "low", "--format", format])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn findings(text: &str) -> Vec<Value> {
    json(text)["findings"].as_array().unwrap().clone()
}

/// A finding whose line, name and path are not ASCII, and a file that cannot be read.
fn wide() -> TempDir {
    let source = "\
import threading

class Zähler:
    def __init__(self):
        self._lock = threading.Lock()
        self.größe = 0

    def inc(self):
        é = '漢字🦀'; self.größe += 1

    def add(self, n):
        with self._lock:
            self.größe += n
";
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("ä pp")).unwrap();
    fs::write(directory.path().join("ä pp/100%, 漢字.py"), source).unwrap();
    fs::write(directory.path().join("bäd.py"), b"\xff").unwrap();
    directory
}

#[test]
fn every_finding_of_the_fixtures_is_valid_in_every_format() {
    let all = findings(&fixtures("json"));
    assert!(all.len() > 20, "{} findings", all.len());

    let lines: Vec<Value> = fixtures("jsonl").lines().map(json).collect();
    assert_eq!(lines, all);

    let sarif = fixtures("sarif");
    schemas::check("sarif-2.1.0.json", &sarif);
    let run = &json(&sarif)["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), all.len());
    for (result, finding) in results.iter().zip(&all) {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&rule["id"], &result["ruleId"]), (&finding["rule"], &finding["rule"]));
        assert_eq!(result["partialFingerprints"]["lockset/v1"], finding["fingerprint"]);
        for flow in result["codeFlows"].as_array().into_iter().flatten() {
            assert!(flow["threadFlows"].as_array().unwrap().iter().all(|it| !it["locations"].as_array().unwrap().is_empty()));
        }
    }

    let gitlab = fixtures("gitlab");
    schemas::check("gitlab-code-quality.json", &gitlab);
    let mut prints: Vec<String> = json(&gitlab).as_array().unwrap().iter().map(|it| it["fingerprint"].to_string()).collect();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), all.len(), "GitLab drops what has the fingerprint of another");

    let rdjson = fixtures("rdjson");
    schemas::check("rdjson.json", &rdjson);
    assert_eq!(json(&rdjson)["diagnostics"].as_array().unwrap().len(), all.len());

    let junit = fixtures("junit");
    schemas::check_junit(&junit);
    assert_eq!(junit.matches("<failure ").count(), all.len());
    assert!(junit.contains(&format!("failures=\"{}\"", all.len())), "the sum at the root");

    let github = fixtures("github");
    assert_eq!(github.lines().count(), all.len());
    assert!(github.lines().all(|it| it.starts_with("::error ") || it.starts_with("::warning ") || it.starts_with("::notice ")));
}

#[test]
fn each_rule_of_the_run_is_in_the_sarif_with_its_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = json(&stdout(root, &["fixtures/metrics_store/bad", "--format", "sarif", "--select", "deadlock"]));
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(!rules.is_empty());
    for rule in rules {
        let page = fs::read_to_string(root.join(format!("lints/{}.md", rule["id"].as_str().unwrap()))).unwrap();
        assert_eq!(rule["help"]["markdown"], page);
        assert_eq!(rule["properties"]["group"], "deadlock");
    }
}

#[test]
fn columns_are_what_each_format_says_they_are() {
    let directory = wide();
    let name = "ä pp/100%, 漢字.py";
    let text = fs::read_to_string(directory.path().join(name)).unwrap();
    let run = |format: &str| stdout(directory.path(), &["--format", format]);
    let update = "self.größe += 1";
    let line = text.lines().position(|it| it.contains(update)).unwrap() + 1;
    let content = text.lines().nth(line - 1).unwrap();
    let byte = content.find(update).unwrap() + 1;
    let character = content[..byte - 1].chars().count() + 1;
    let characters = update.chars().count();
    assert_ne!(byte, character);

    let sarif = json(&run("sarif"));
    assert_eq!(sarif["runs"][0]["columnKind"], "unicodeCodePoints");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let region = serde_json::json!({"startLine": line, "startColumn": character, "endLine": line, "endColumn": character + characters});
    assert_eq!(place["region"], region);
    assert_eq!(place["artifactLocation"]["uri"], "%C3%A4%20pp/100%25%2C%20%E6%BC%A2%E5%AD%97.py");

    let rdjson = json(&run("rdjson"));
    let place = &rdjson["diagnostics"][0]["location"];
    assert_eq!(place["path"], name);
    let range = serde_json::json!({"start": {"line": line, "column": byte}, "end": {"line": line, "column": byte + update.len()}});
    assert_eq!(place["range"], range);

    let gitlab = json(&run("gitlab"));
    assert_eq!(gitlab[0]["location"]["path"], name);
    assert_eq!(gitlab[0]["location"]["positions"]["begin"], serde_json::json!({"line": line, "column": character}));

    let place = format!("file=ä pp/100%25%2C 漢字.py,line={line},endLine={line},col={character},endColumn={},", character + characters);
    assert!(run("github").contains(&place), "{}", run("github"));

    let junit = run("junit");
    assert!(junit.contains(&format!("file=\"{name}\" line=\"{line}\"")), "{junit}");

    schemas::check("sarif-2.1.0.json", &run("sarif"));
    schemas::check("rdjson.json", &run("rdjson"));
    schemas::check("gitlab-code-quality.json", &run("gitlab"));
    schemas::check_junit(&junit);
}

#[test]
fn what_was_skipped_is_said_once_where_both_streams_are_one_log() {
    let directory = wide();
    let reason = "not UTF-8 at byte 0";
    let skipped = || contains(format!("lockset: skipped: bäd.py: {reason}\n"));
    for format in MACHINE.into_iter().filter(|it| *it != "github") {
        lockset(directory.path(), &["--format", format]).assert().stderr(skipped());
    }
    lockset(directory.path(), &["--format", "github"]).assert().stderr(is_empty()).stdout(contains(format!("::{reason}\n")));
    lockset(directory.path(), &["--format", "github", "--output", "x.txt"]).assert().stderr(skipped()).stdout(is_empty());
    lockset(directory.path(), &["--format", "github", "--quiet"]).assert().stderr(is_empty()).stdout(contains(reason).not());
    let notifications = &json(&stdout(directory.path(), &["--format", "sarif"]))["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notifications[0]["message"]["text"], format!("skipped: {reason}"));
    assert_eq!(notifications[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "b%C3%A4d.py");
}

#[test]
fn the_step_summary_is_appended_to_the_file_that_the_runner_names() {
    let directory = wide();
    let summary = directory.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let run = |format: &str| lockset(directory.path(), &["--format", format]).env("GITHUB_STEP_SUMMARY", &summary).assert();
    run("json").code(0);
    assert_eq!(fs::read_to_string(&summary).unwrap(), "before\n", "only with `--format github`");
    run("github").code(0);
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n## lockset\n\nFound 1 finding (1 error) in 1 file\n"), "{text}");
    assert!(text.contains("| `ä pp/100%, 漢字.py:9` |"), "{text}");
    let nowhere = directory.path().join("no/summary.md");
    lockset(directory.path(), &["--format", "github"]).env("GITHUB_STEP_SUMMARY", nowhere).assert().code(2).stderr(contains("summary.md"));
}

#[test]
fn machine_formats_have_no_colour_and_go_to_a_file_unchanged() {
    let directory = wide();
    for format in MACHINE {
        let plain = stdout(directory.path(), &["--format", format]);
        lockset(directory.path(), &["--format", format, "--color", "always", "--output", "report"]).assert().code(0).stdout(is_empty());
        let file = fs::read_to_string(directory.path().join("report")).unwrap();
        assert!(!file.contains('\x1b'), "{format}");
        if format != "json" {
            assert_eq!(file, plain, "{format}: the same input gives the same bytes");
        }
    }
}

#[test]
fn nothing_found_is_a_whole_report() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.py"), "x = 1\n").unwrap();
    let run = |format: &str| stdout(directory.path(), &["--format", format]);
    schemas::check("sarif-2.1.0.json", &run("sarif"));
    assert_eq!(json(&run("sarif"))["runs"][0]["results"], Value::Array(Vec::new()), "no results are not unknown results");
    schemas::check_junit(&run("junit"));
    assert!(run("junit").contains("<testcase name=\"no findings\">"));
    assert_eq!((run("jsonl"), run("github"), run("gitlab")), (String::new(), String::new(), "[]\n".to_string()));
    schemas::check("rdjson.json", &run("rdjson"));
}

#[test]
fn statistics_go_with_formats_that_have_a_place_for_them() {
    let directory = wide();
    let array = json(&stdout(directory.path(), &["--statistics", "--format", "json"]));
    let lines: Vec<Value> = stdout(directory.path(), &["--statistics", "--format", "jsonl"]).lines().map(json).collect();
    assert_eq!(array, Value::Array(lines));
    for format in ["sarif", "github", "gitlab", "junit", "rdjson", "checklist"] {
        let message = format!("lockset: error: `--statistics` does not go with `--format {format}`, but with full, concise, json, jsonl\n");
        lockset(directory.path(), &["--statistics", "--format", format]).assert().code(2).stdout(is_empty()).stderr(message);
    }
}

#[test]
fn the_checklist_answers_five_questions_for_each_shared_state() {
    let app = "\
import threading

class Stats:
    def __init__(self):
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0
        self.name = 'x'

    def hit(self):
        with self._lock:
            self.hits += 1

    def miss(self):
        self.misses += 1

    def start(self):
        for _ in range(4):
            threading.Thread(target=self.hit).start()
            threading.Thread(target=self.miss).start()
";
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("stats.py"), app).unwrap();
    let part = |text: &str, state: &str| {
        let (_, rest) = text.split_once(&format!("#### `Stats.{state}`")).unwrap_or_else(|| panic!("{state} is not in\n{text}"));
        rest.split("####").next().unwrap().to_string()
    };
    let text = stdout(directory.path(), &["--format", "checklist"]);
    assert!(text.find("### Findings").unwrap() < text.find("### `Stats`").unwrap(), "findings come first");
    assert!(!text.contains("Stats.name") && !text.contains("#### `Stats._lock`"), "{text}");
    let hits = part(&text, "hits");
    assert!(
        hits.contains("- [x] Touched by several threads? **yes**: `Stats.hit` runs on other threads (`threading.Thread`) (`stats.py:19`)"),
        "{hits}"
    );
    assert!(hits.contains("- [x] A lock on all operations? **yes**: `Stats._lock` is held at its "), "{hits}");
    assert!(hits.contains("- [x] A risk of deadlock? **no**"), "{hits}");
    assert!(hits.contains("- [ ] Tests with several threads? **unknown**: no test files"), "{hits}");
    let misses = part(&text, "misses");
    assert!(misses.contains("- [ ] A lock on all operations? **no**"), "{misses}");
    assert!(misses.contains("(`stats.py:15`)"), "{misses}");

    let tests = |text: &str| {
        fs::write(directory.path().join("test_stats.py"), text).unwrap();
        part(&stdout(directory.path(), &["--format", "checklist"]), "hits")
    };
    assert!(tests("x = MyStats()\n").contains("- [ ] Tests with several threads? **no**: no test file names `Stats`"));
    assert!(tests("x = Stats()\n").contains("**no**: no test file that names `Stats` starts threads"));
    assert!(tests("Thread(target=Stats().hit)\n").contains("- [x] Tests with several threads? **yes**: `test_stats.py` names `Stats`"));
    let without = part(&stdout(directory.path(), &["--format", "checklist", "--select", "race"]), "hits");
    assert!(without.contains("**unknown**: the rules `lock-order` and `self-deadlock` were not both applied"), "{without}");
}

#[test]
fn the_checklist_of_all_fixtures_is_the_same_each_time() {
    let text = fixtures("checklist");
    let questions = text.matches("A lock on all operations?").count();
    assert!(questions > 20, "{questions}");
    assert_eq!(text, fixtures("checklist"));
}

#[test]
fn counts_agree_across_formats() {
    let command = |finding: &Value| match finding["severity"].as_str() {
        Some("error") => "::error ",
        Some("warning") => "::warning ",
        _ => "::notice ",
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let all = findings(&fixtures("json"));
    all.iter().for_each(|it| *counts.entry(command(it)).or_default() += 1);
    let github = fixtures("github");
    for (command, count) in counts {
        assert_eq!(github.lines().filter(|it| it.starts_with(command)).count(), count, "{command}");
    }
}
