//! The cache through the command line: a warm run says what a cold one says, and nothing lies where it should not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, METRICS, lockset_with as lockset, tree};

const FORMATS: [&str; 10] = ["full", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson", "checklist"];

/// A copy of the fixtures.
fn fixtures() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let directory = tempfile::tempdir().unwrap();
    for entry in walkdir::WalkDir::new(&root) {
        let entry = entry.unwrap();
        let to = directory.path().join(entry.path().strip_prefix(&root).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    directory
}

/// A lost update, and a file that is none.
fn project() -> TempDir {
    tree(&[("metrics.py", METRICS), ("other.py", "x = 1\n")])
}

/// What a run prints on both streams, but what it took.
fn output(directory: &Path, arguments: &[&str]) -> (String, String) {
    let output = lockset(directory, &["check", "--min-confidence", "low"]).args(arguments).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let is_same = |line: &&str| !["\"parsed\":", "\"cached\":", "\"milliseconds\":"].iter().any(|it| line.trim_start().starts_with(it));
    // `Found 2 findings (2 errors) in 3 files (40 lines, 0.05 s)`
    let untimed = |line| if str::starts_with(line, "Found ") { line.rsplit_once(", ").map_or(line, |it| it.0) } else { line };
    (stdout.lines().filter(is_same).map(untimed).collect::<Vec<_>>().join("\n"), String::from_utf8(output.stderr).unwrap())
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    support::json(lockset(directory, &["check", "--format", "json"]).args(arguments))
}

/// Files lowered, and files taken from the cache.
fn taken(directory: &Path, arguments: &[&str]) -> (u64, u64) {
    let report = json(directory, arguments);
    (report["stats"]["parsed"].as_u64().unwrap(), report["stats"]["cached"].as_u64().unwrap())
}

fn rules(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect()
}

fn files(directory: &Path) -> BTreeSet<PathBuf> {
    walkdir::WalkDir::new(directory).into_iter().map(|it| it.unwrap().into_path()).collect()
}

fn append(path: &Path, text: &str) {
    fs::write(path, fs::read_to_string(path).unwrap() + text).unwrap();
}

#[test]
fn a_warm_run_says_what_a_cold_one_says_in_every_format() {
    let directory = fixtures();
    let root = directory.path();
    for format in FORMATS {
        let cold = output(root, &["--format", format, "--no-cache"]);
        assert!(cold.0.len() > 1000, "{format}");
        for pass in ["cold", "warm"] {
            assert_eq!(output(root, &["--format", format]), cold, "{format}, {pass}");
        }
    }
}

#[test]
fn touched_and_changed_files() {
    let directory = fixtures();
    let root = directory.path();
    let sources: Vec<PathBuf> = files(root).into_iter().filter(|it| it.extension().is_some_and(|it| it == "py" || it == "rs")).collect();
    let cold = || output(root, &["--format", "json", "--no-cache"]);
    let warm = || output(root, &["--format", "json"]);
    let before = cold();
    assert_eq!(warm(), before);
    for (number, path) in sources.iter().enumerate() {
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(number as u64)).unwrap();
    }
    assert_eq!(warm(), before, "touched");
    // One byte of some of the files, and back.
    for path in sources.iter().step_by(sources.len() / 8) {
        let text = fs::read(path).unwrap();
        fs::write(path, [b"\n", &text[..]].concat()).unwrap();
        assert_eq!(warm(), cold(), "{} is changed", path.display());
        fs::write(path, &text).unwrap();
        assert_eq!(warm(), before, "{} is as it was", path.display());
    }
    // One file less, one more, one that says other things under an old name.
    let (first, last) = (&sources[0], sources.last().unwrap());
    fs::rename(first, first.with_file_name("renamed.py")).unwrap();
    assert_eq!(warm(), cold());
    fs::remove_file(last).unwrap();
    assert_eq!(warm(), cold());
    fs::write(root.join("broken.py"), "def f(:\n").unwrap();
    fs::write(root.join("latin.py"), b"# coding: latin-1\nx = '\xe9'\n").unwrap();
    fs::write(root.join("bytes.py"), b"\xff").unwrap();
    for pass in ["cold", "warm"] {
        assert_eq!(warm(), cold(), "{pass}");
    }
}

#[test]
fn files_that_come_from_the_cache_are_counted() {
    let directory = project();
    let root = directory.path();
    assert_eq!(taken(root, &[]), (2, 0));
    assert_eq!(taken(root, &[]), (0, 2));
    append(&root.join("other.py"), "y = 2\n");
    assert_eq!(taken(root, &[]), (1, 1));
    assert_eq!(taken(root, &["--no-cache"]), (2, 0));
    assert_eq!(taken(root, &["--select", "deadlock"]), (0, 2), "the modules are the same");
}

#[test]
fn what_a_run_is_asked_for_counts() {
    let directory = project();
    let root = directory.path();
    let found = |arguments: &[&str]| rules(&json(root, arguments)).join(" ");
    assert_eq!(found(&[]), "unguarded-update");
    assert_eq!(found(&["--select", "deadlock"]), "");
    assert_eq!(found(&["--min-severity", "error"]), "unguarded-update");
    assert_eq!(found(&["other.py"]), "");
    assert_eq!(found(&["metrics.py"]), "unguarded-update");

    let configured = |text: &str| {
        fs::write(root.join("lockset.toml"), text).unwrap();
        output(root, &["--format", "json"]).0
    };
    let said: BTreeSet<String> =
        ["", "python.runtime = \"gil\"", "python.runtime = \"free-threaded\"", "per-file-ignores = { \"metrics.py\" = [\"race\"] }"]
            .map(configured)
            .into();
    assert!(said.len() >= 3, "{said:#?}");
    let lock = "[[lock]]\npath = \"threading.Lock\"\nkind = \"semaphore\"\ncontext-manager = true\n";
    let with_row = configured(lock);
    fs::write(root.join("lockset.toml"), lock).unwrap();
    assert_eq!(with_row, output(root, &["--format", "json", "--no-cache"]).0);
}

#[test]
fn a_baseline_and_its_counterpart() {
    let directory = project();
    let root = directory.path();
    lockset(root, &["check", "--write-baseline"]).assert().code(0);
    lockset(root, &["check"]).assert().code(1);
    lockset(root, &["check", "--baseline", ".lockset-baseline.json"]).assert().code(0);
    lockset(root, &["baseline", "prune"]).assert().code(0).stdout(contains("dropped 0 of"));
    fs::write(root.join("metrics.py"), "x = 1\n").unwrap();
    lockset(root, &["baseline", "prune"]).assert().code(0).stdout(contains("dropped 1 of"));
}

#[test]
fn without_a_cache_nothing_is_written() {
    let directory = project();
    let before = files(directory.path());
    lockset(directory.path(), &["check", "--no-cache"]).assert().code(1);
    lockset(directory.path(), &["check", "-", "--stdin-filename", "a.py"]).write_stdin("x = 1\n").assert().code(0);
    assert_eq!(files(directory.path()), before);
}

#[test]
fn it_lies_in_the_project() {
    let directory = project();
    let root = directory.path();
    fs::create_dir_all(root.join("src/deep")).unwrap();
    fs::create_dir(root.join("here")).unwrap();
    fs::write(root.join("src/deep/a.py"), "x = 1\n").unwrap();
    let check = |more: &[&str], place: &str| {
        lockset(&root.join("here"), &["check", "../src/deep"]).args(more).assert().code(0).stderr(is_empty());
        let tag = root.join(place).join("CACHEDIR.TAG");
        assert!(fs::read_to_string(&tag).unwrap().starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"), "{place}");
        fs::remove_dir_all(root.join(place)).unwrap();
        let left = files(root).into_iter().filter(|it| it.ends_with("CACHEDIR.TAG")).count();
        assert_eq!(left, 0, "{place}");
    };
    check(&[], "here/.lockset_cache");
    fs::create_dir(root.join(".git")).unwrap();
    check(&[], ".lockset_cache");
    fs::write(root.join("src/lockset.toml"), "").unwrap();
    check(&[], "src/.lockset_cache");
    check(&["--isolated"], ".lockset_cache");
    check(&["--cache-dir", "mine"], "here/mine");
    fs::write(root.join("here/lockset.toml"), "").unwrap();
    check(&["--config", "lockset.toml"], ".lockset_cache");
    lockset(root, &["check", "src"]).env("LOCKSET_CACHE_DIR", root.join("by variable")).assert().code(0);
    assert!(root.join("by variable/CACHEDIR.TAG").is_file());
}

#[test]
fn it_is_removed_if_it_is_one() {
    let directory = project();
    let root = directory.path();
    lockset(root, &["clean"]).assert().code(0).stdout(contains("there is no cache"));
    lockset(root, &["check"]).assert().code(1);
    lockset(root, &["clean"]).assert().code(0).stdout(contains(".lockset_cache: removed"));
    assert_eq!(files(root).len(), 3);
    fs::create_dir(root.join("mine")).unwrap();
    fs::write(root.join("mine/thesis.txt"), "").unwrap();
    lockset(root, &["clean", "no/such"]).assert().code(2).stderr("lockset: error: no/such: no such file or directory\n");
    lockset(root, &["clean", "--cache-dir", "mine"]).assert().code(2).stderr(contains("is not a cache of lockset"));
    let checked = lockset(root, &["check", "--cache-dir", "mine"]).assert().code(1);
    checked.stderr(contains("nothing is cached: mine: has other things in it than a cache of lockset"));
    assert_eq!(files(&root.join("mine")).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_written_is_no_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = project();
    let root = directory.path();
    let allow = |mode: u32| fs::set_permissions(root, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    // Nothing keeps root from writing.
    if File::create(root.join("probe")).is_ok() {
        allow(0o755);
        return;
    }
    lockset(root, &["check"]).assert().code(1).stderr(is_empty());
    lockset(root, &["check", "--verbose"]).assert().code(1).stderr(contains("nothing is cached: ").and(contains("ermission denied")));
    allow(0o755);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_tree_is_not_followed() {
    let (directory, elsewhere) = (project(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(elsewhere.path(), directory.path().join(".lockset_cache")).unwrap();
    lockset(directory.path(), &["check"]).assert().code(1).stderr(is_empty());
    lockset(directory.path(), &["clean"]).assert().code(2);
    assert_eq!(files(elsewhere.path()).len(), 1);
}

#[test]
fn a_cache_of_anything_is_passed_over() {
    let directory = project();
    let root = directory.path();
    let cold = output(root, &["--format", "json", "--no-cache"]);
    output(root, &["--format", "json"]);
    let kept: Vec<PathBuf> = files(&root.join(".lockset_cache")).into_iter().filter(|it| it.extension().is_some_and(|it| it == "bin")).collect();
    assert!(kept.len() >= 2, "{kept:?}");
    let spoil: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |it| it[..it.len() / 2].to_vec(),
        |it| it.iter().rev().copied().collect(),
        |mut it| {
            let last = it.len() - 1;
            it[last] ^= 1;
            it
        },
    ];
    for spoil in spoil {
        for path in &kept {
            fs::write(path, spoil(fs::read(path).unwrap_or_default())).unwrap();
        }
        assert_eq!(output(root, &["--format", "json"]), cold);
        assert_eq!(taken(root, &["--min-confidence", "low"]), (0, 2), "it is written anew");
    }
}

#[test]
fn two_runs_at_once() {
    let directory = fixtures();
    let root = directory.path();
    let cold = output(root, &["--format", "json", "--no-cache"]);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| [(); 2].map(|()| output(root, &["--format", "json"])))).collect();
        assert!(runs.into_iter().all(|it| it.join().unwrap().iter().all(|it| *it == cold)));
    });
    assert_eq!(taken(root, &["--min-confidence", "low"]).0, 0);
}
