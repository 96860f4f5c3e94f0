//! Named files are analysed with the project they are in, and reported alone: what pre-commit runs.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// A class that only another file runs on threads; each has a mistake that is seen with the other one alone.
const STORE: &str = "\
class Store:
    def __init__(self):
        self.total = 0

    def inc(self, by):
        self.total += by(1)
";

const SERVICE: &str = "\
import threading

from store import Store

class Service:
    def __init__(self):
        self.store = Store()

    def start(self, by):
        for _ in range(4):
            threading.Thread(target=self.store.inc, args=(by,)).start()

    def sign(self, request):
        with threading.Lock():
            request.sign()
";

fn project(marker: Option<&str>) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("store.py", STORE);
    write("service.py", SERVICE);
    write("broken.py", "def f(:\n");
    if let Some(marker) = marker {
        write(marker, "");
    }
    directory
}

fn lockset(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = support::lockset(directory);
    command.arg("check").args(arguments);
    command
}

/// `file rule` of what is found, and how many files were read.
fn check(directory: &Path, arguments: &[&str]) -> (Vec<String>, u64) {
    let output = lockset(directory, arguments).args(["--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |it: &Value| format!("{} {}", it["file"].as_str().unwrap(), it["rule"].as_str().unwrap());
    (report["findings"].as_array().unwrap().iter().map(text).collect(), report["stats"]["files"].as_u64().unwrap())
}

#[test]
fn the_project_is_context_and_nothing_else_is_reported() {
    for marker in ["pyproject.toml", "lockset.toml", ".git"] {
        let project = project(Some(marker));
        assert_eq!(check(project.path(), &["store.py"]), (vec!["store.py unguarded-update".to_owned()], 3), "{marker}");
        assert_eq!(check(project.path(), &["service.py"]).0, ["service.py ineffective-lock"]);
        assert_eq!(check(project.path(), &["service.py", "store.py"]).0.len(), 2);
        // A broken file that was not named is no matter of this run.
        lockset(project.path(), &["service.py"]).assert().code(1).stderr(is_empty());
        lockset(project.path(), &["broken.py"]).assert().stderr(contains("broken.py"));
    }
}

#[test]
fn without_context_and_without_a_project_a_file_is_alone() {
    let project = project(Some("pyproject.toml"));
    assert_eq!(check(project.path(), &["store.py", "--no-context"]), (vec![], 1));
    let bare = self::project(None);
    assert_eq!(check(bare.path(), &["store.py"]), (vec![], 1));
}

#[test]
fn tests_are_analysed_if_they_are_named() {
    let project = project(Some("pyproject.toml"));
    for name in ["test_sign.py", "test_more.py"] {
        fs::write(project.path().join(name), SERVICE).unwrap();
    }
    assert_eq!(check(project.path(), &["test_sign.py"]), (vec!["test_sign.py ineffective-lock".to_owned()], 4));
    assert_eq!(check(project.path(), &["test_sign.py", "--include-tests"]).1, 5);
}

#[test]
fn directories_are_reported_as_a_whole() {
    let project = project(Some("pyproject.toml"));
    fs::create_dir(project.path().join("sub")).unwrap();
    fs::write(project.path().join("sub/other.py"), SERVICE).unwrap();
    assert_eq!(check(project.path(), &["sub"]).1, 1);
    assert_eq!(check(project.path(), &["sub", "store.py"]).0, ["store.py unguarded-update", "sub/other.py ineffective-lock"]);
    assert_eq!(check(&project.path().join("sub"), &["../store.py"]).1, 4);
}

#[test]
fn a_file_of_the_project_has_the_findings_that_the_project_has_in_it() {
    let project = project(Some("pyproject.toml"));
    let all = check(project.path(), &["."]).0;
    let mut one_by_one: Vec<String> = ["broken.py", "service.py", "store.py"].iter().flat_map(|it| check(project.path(), &[it]).0).collect();
    one_by_one.sort();
    assert_eq!(all, one_by_one);
}

#[test]
fn a_baseline_is_for_what_is_named() {
    let project = project(Some("pyproject.toml"));
    lockset(project.path(), &["--write-baseline"]).assert().code(0);
    let all = fs::read_to_string(project.path().join(".lockset-baseline.json")).unwrap();
    lockset(project.path(), &["store.py", "--baseline", ".lockset-baseline.json"]).assert().code(0).stderr(is_empty());
    lockset(project.path(), &["store.py", "--write-baseline"]).assert().code(0);
    assert_eq!(fs::read_to_string(project.path().join(".lockset-baseline.json")).unwrap(), all);
}

#[test]
fn what_a_run_on_the_project_leaves_out_can_be_left_out_by_name() {
    let directory = project(Some(".git"));
    fs::write(directory.path().join("lockset.toml"), "exclude = ['vendor/']").unwrap();
    for name in ["vendor", "tests", "build"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    let names = ["service.py", "tests/a.py", "test_b.py", "vendor/c.py", "build/d.py", ".hidden.py"];
    for name in &names[1..] {
        fs::write(directory.path().join(name), SERVICE).unwrap();
    }
    let found = |arguments: &[&str]| check(directory.path(), &[&names[..], arguments].concat()).0;
    assert_eq!(found(&[]).len(), names.len());
    assert_eq!(found(&["--force-exclude"]), ["service.py ineffective-lock"]);
    assert_eq!(found(&["--force-exclude", "--include-tests"]).len(), 3);
    let named = |path: &str| lockset(directory.path(), &[path, "--force-exclude"]).assert();
    for path in ["tests", "vendor", "build", "test_b.py", "vendor/c.py"] {
        named(path).code(0).stderr(is_empty());
    }
}
