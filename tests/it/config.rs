//! The configuration as a user meets it: where it is found, what it changes, what it says of mistakes.

use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{METRICS, lockset, tree};

/// The rules that find something in a tree, with `file:line`.
fn found(directory: &TempDir, arguments: &[&str]) -> Vec<String> {
    let out = lockset(directory).args(["check", "--format", "json"]).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() != Some(2), "{text}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let place = |it: &Value| format!("{} {}:{}", it["rule"].as_str().unwrap(), it["file"].as_str().unwrap(), it["range"]["start"]["line"]);
    report["findings"].as_array().unwrap().iter().map(place).collect()
}

const UPDATE: &str = "unguarded-update app/metrics.py:9";

#[test]
fn the_configuration_counts_and_the_command_line_counts_before_it() {
    let configured = |text: &str| tree(&[("app/metrics.py", METRICS), ("lockset.toml", text)]);
    let off = configured("ignore = ['race']");
    assert_eq!(found(&off, &[]), [""; 0]);
    assert_eq!(found(&off, &["--isolated"]), [UPDATE]);
    assert_eq!(found(&off, &["--select", "unguarded-update"]), [UPDATE]);
    assert_eq!(found(&off, &["--extend-select", "unguarded-update"]), [UPDATE]);
    let on = configured("select = ['unguarded-update']");
    assert_eq!(found(&on, &[]), [UPDATE]);
    assert_eq!(found(&on, &["--ignore", "race"]), [""; 0]);
    let sure = configured("min-confidence = 'high'");
    assert_eq!(found(&sure, &[]), [""; 0]);
    assert_eq!(found(&sure, &["--min-confidence", "medium"]), [UPDATE]);
    let other = tree(&[("app/metrics.py", METRICS), ("other/own.toml", "ignore = ['all']")]);
    assert_eq!(found(&other, &[]), [UPDATE]);
    assert_eq!(found(&other, &["--config", "other/own.toml"]), [""; 0]);
}

#[test]
fn files_can_be_left_out_whole_or_for_some_rules() {
    let configured = |text: &str| {
        let directory = tree(&[("app/metrics.py", METRICS), ("app/tests/test_a.py", METRICS), ("vendor/b.py", METRICS), ("lockset.toml", text)]);
        found(&directory, &["."])
    };
    let vendored = "unguarded-update vendor/b.py:9";
    assert_eq!(configured(""), [UPDATE, vendored]);
    assert_eq!(configured("exclude = ['vendor/']"), [UPDATE]);
    assert_eq!(configured("[per-file-ignores]\n'vendor/**' = ['race']"), [UPDATE]);
    assert_eq!(configured("[per-file-ignores]\n'vendor/**' = ['deadlock']"), [UPDATE, vendored]);
    assert_eq!(configured("include-tests = true").len(), 3);
    let tests = tree(&[("test_a.py", METRICS), ("pyproject.toml", "[tool.lockset]\ninclude-tests = true")]);
    assert_eq!(found(&tests, &[]).len(), 1);
    assert_eq!(found(&tests, &["--no-include-tests"]), [""; 0]);
    // A file that is named is read.
    let named = tree(&[("vendor/b.py", METRICS), ("lockset.toml", "exclude = ['vendor/']")]);
    assert_eq!(found(&named, &["vendor/b.py"]), [vendored]);
}

#[test]
fn mistakes_end_the_run() {
    let check = |name: &str, text: &str, expect: &str| {
        let directory = tree(&[("a.py", "x = 1\n"), (name, text)]);
        lockset(&directory).arg("a.py").assert().code(2).stdout(is_empty()).stderr(format!("lockset: error: {expect}\n"));
    };
    check("lockset.toml", "\nslect = []", "lockset.toml:2: unknown key `slect`; did you mean `select`?");
    check("pyproject.toml", "[tool.lockset]\nignore = ['rce']", "pyproject.toml:2: no rule is called `rce`; did you mean `race`?");
    let directory = tree(&[("a.py", "")]);
    lockset(&directory).args(["--config", "no.toml"]).assert().code(2).stderr("lockset: error: no.toml: no such file or directory\n");
    lockset(&directory).args(["--config", "no.toml", "--isolated"]).assert().code(2).stderr(contains("cannot be used with"));
}

#[test]
fn the_settings_are_shown_with_where_they_come_from() {
    let directory = tree(&[("lockset.toml", "min-confidence = 'high'\nselect = ['deadlock']")]);
    let expect = "\
# configuration: lockset.toml
select = [\"blocking-under-lock\", \"lock-across-await\", \"lock-order\", \"self-deadlock\"]  # lockset.toml
min-confidence = \"high\"  # lockset.toml
min-severity = \"error\"  # command line
include-tests = false  # default
exclude = []  # default
";
    lockset(&directory).args(["check", "--show-settings", "--min-severity", "error"]).assert().code(0).stdout(expect);
}

#[test]
fn init_writes_a_file_once() {
    let directory = tree(&[("app/metrics.py", METRICS)]);
    lockset(&directory).arg("init").assert().code(0).stdout("lockset.toml: written\n");
    let written = std::fs::read_to_string(directory.path().join("lockset.toml")).unwrap();
    lockset(&directory).args(["init", "--stdout"]).assert().code(0).stdout(written);
    lockset(&directory).arg("init").assert().code(2).stderr(contains("lockset.toml: is there already, and is left as it is"));
    assert_eq!(found(&directory, &[]), [UPDATE]);
    lockset(&directory).args(["init", "app"]).assert().code(0);
    assert!(directory.path().join("app/lockset.toml").is_file());
    lockset(&directory).args(["init", "no/where.toml"]).assert().code(2).stderr(contains("there is no such directory"));
    lockset(&directory).args(["init", "no.txt"]).assert().code(2).stderr(contains("neither a directory nor a .toml file"));
}

/// What is found in `source`, of any confidence, without and with `rows`.
fn with_rows(name: &str, source: &str, rows: &str) -> (Vec<String>, Vec<String>) {
    let directory = tree(&[(name, source), ("lockset.toml", rows)]);
    (found(&directory, &["--isolated", "--min-confidence", "low"]), found(&directory, &["--min-confidence", "low"]))
}

#[test]
fn a_lock_row_makes_a_rule_fall_silent() {
    // The library's lock is taken by methods that are called as those of no lock.
    let source = "\
import threading
from fairness import Turnstile

class Metrics:
    def __init__(self):
        self.gate = Turnstile()
        self.total = 0
        threading.Thread(target=self.run).start()
        threading.Thread(target=self.run).start()

    def run(self):
        self.gate.enter()
        try:
            self.total = self.total + compute()
        finally:
            self.gate.leave()

    def reset(self):
        self.gate.enter()
        try:
            self.total += 1
        finally:
            self.gate.leave()
";
    let row = "[[lock]]\npath = 'fairness.Turnstile'\nkind = 'mutex'\n\
               methods = [{ name = 'enter', effect = 'acquire' }, { name = 'leave', effect = 'release' }]";
    let (before, after) = with_rows("a.py", source, row);
    assert!(before.iter().any(|it| it.starts_with("unguarded-update")), "{before:?}");
    assert_eq!(after, [""; 0]);
}

#[test]
fn a_lock_row_makes_a_rule_fire() {
    let source = "\
from .locks import Turnstile

class Pair:
    def __init__(self):
        self.one = Turnstile()
        self.two = Turnstile()

    def forth(self):
        self.one.enter()
        self.two.enter()
        self.two.leave()
        self.one.leave()

    def back(self):
        self.two.enter()
        self.one.enter()
        self.one.leave()
        self.two.leave()
";
    // The class is the program's own, and does what no analysis sees through.
    let own = "\
class Turnstile:
    def enter(self):
        native_enter(self)

    def leave(self):
        native_leave(self)
";
    let row = "[[lock]]\npath = 'app.locks.Turnstile'\nkind = 'mutex'\n\
               methods = [{ name = 'enter', effect = 'acquire' }, { name = 'leave', effect = 'release' }]";
    for init in [&[][..], &[("app/__init__.py", "")]] {
        let mut files = vec![("app/pair.py", source), ("app/locks.py", own), ("lockset.toml", row)];
        files.extend(init);
        let directory = tree(&files);
        assert_eq!(found(&directory, &["--isolated"]), [""; 0]);
        let after = found(&directory, &[]);
        assert!(after.iter().any(|it| it.starts_with("lock-order app/pair.py")), "{after:?}");
    }
}

#[test]
fn a_lock_row_of_rust() {
    let source = "\
use crate::latch::Latch;

pub struct Pair {
    one: Latch<u32>,
    two: Latch<u32>,
}

impl Pair {
    pub fn forth(&self) -> u32 {
        let one = self.one.shut();
        let two = self.two.shut();
        *one + *two
    }

    pub fn back(&self) -> u32 {
        let two = self.two.shut();
        let one = self.one.shut();
        *one + *two
    }
}
";
    let latch = "\
pub struct Latch<T> {
    value: std::cell::UnsafeCell<T>,
}

pub struct Shut<'l, T> {
    latch: &'l Latch<T>,
}

impl<T> Latch<T> {
    pub fn shut(&self) -> Shut<'_, T> {
        spin(self);
        Shut { latch: self }
    }
}
";
    let row = "[[lock]]\npath = 'demo::latch::Latch'\nkind = 'mutex'\nguards-data = true\nguards = ['demo::latch::Shut']\n\
               methods = [{ name = 'shut', effect = 'acquire' }]";
    let manifest = "[package]\nname = 'demo'\nedition = '2021'\n";
    let directory = tree(&[("Cargo.toml", manifest), ("src/lib.rs", source), ("src/latch.rs", latch), ("lockset.toml", row)]);
    assert_eq!(found(&directory, &["--isolated"]), [""; 0]);
    let after = found(&directory, &[]);
    assert!(after.iter().any(|it| it.starts_with("lock-order src/lib.rs")), "{after:?}");
}

#[test]
fn a_spawn_row_is_evidence_that_state_is_shared() {
    let source = "\
from work import Crew

class Metrics:
    def __init__(self):
        self.total = 0

    def run(self):
        self.total = self.total + compute()

    def start(self, crew: Crew):
        crew.put_to_work(self.run)
";
    let row = "[[spawn]]\npath = 'work.Crew.put_to_work'\nruns = 'pool'\nargument = 0";
    let (before, after) = with_rows("a.py", source, row);
    assert_eq!((before, after), (vec![], vec!["unguarded-update a.py:8".to_string()]));
}

#[test]
fn a_spawn_row_can_name_a_method_of_the_program() {
    let source = "\
class Crew:
    def put_to_work(self, job):
        native_start(job)

class Metrics:
    def __init__(self):
        self.total = 0

    def run(self):
        self.total = self.total + compute()

    def start(self, crew: Crew):
        crew.put_to_work(self.run)
";
    let row = "[[spawn]]\npath = 'a.Crew.put_to_work'\nruns = 'pool'\nargument = 0";
    let (before, after) = with_rows("a.py", source, row);
    assert_eq!((before, after), (vec![], vec!["unguarded-update a.py:10".to_string()]));
}

#[test]
fn a_blocking_row_makes_blocking_under_lock_fire() {
    let source = "\
import threading
import courier

class Outbox:
    def __init__(self):
        self._lock = threading.Lock()
        self.sent = []

    def send(self, letter):
        with self._lock:
            courier.deliver(letter)
            self.sent.append(letter)
";
    let row = "[[blocking]]\npath = 'courier.deliver'\nkind = 'network'";
    let (before, after) = with_rows("a.py", source, row);
    assert_eq!((before, after), (vec![], vec!["blocking-under-lock a.py:11".to_string()]));
}

#[test]
fn a_container_row_silences_what_each_operation_makes_whole() {
    let source = "\
import threading

class SafeTable(dict):
    def update(self, items):
        native_update(self, items)

class Cache:
    def __init__(self):
        self._lock = threading.Lock()
        self.items = SafeTable()

    def put(self, key, value):
        with self._lock:
            self.items.pop(key)
            self.items.setdefault(key, value)

    def drop(self, key):
        with self._lock:
            self.items.pop(key)

    def replace(self, key):
        self.items.pop(key)
";
    let row = "[[container]]\npath = 'a.SafeTable'\nthread-safe = true\nmutating = ['pop', 'setdefault', 'update']";
    let (before, after) = with_rows("a.py", source, row);
    assert_eq!((before, after), (vec!["inconsistent-guard a.py:22".to_string()], vec![]));
}

#[test]
fn a_declared_order_is_kept() {
    let source = "\
import threading

class Table:
    def __init__(self):
        self.lock = threading.Lock()

class Registry:
    def __init__(self, table: Table):
        self.lock = threading.Lock()
        self.table = table

    def sweep(self):
        with self.table.lock:
            with self.lock:
                pass
";
    let directory = tree(&[("a.py", source), ("lockset.toml", "[lock-order]\norder = [\n  'Registry.lock < a.Table.lock',\n]")]);
    assert_eq!(found(&directory, &["--isolated"]), [""; 0]);
    assert_eq!(found(&directory, &[]), ["lock-order a.py:14"]);
    let says = "lockset.toml:3 says that `Registry.lock` is taken before `Table.lock`";
    lockset(&directory).assert().code(1).stdout(contains(says));
    let wrong = tree(&[("a.py", source), ("lockset.toml", "[lock-order]\norder = ['Registry.lock < Nothing.lock']")]);
    let expect = "lockset.toml:2: `Nothing.lock` is no lock of the files analysed: the order is left out";
    lockset(&wrong).assert().code(0).stderr(contains(expect));
}

#[test]
fn the_runtime_changes_what_is_said() {
    let report = |runtime: &str| {
        let directory = tree(&[("app/metrics.py", METRICS), ("lockset.toml", &format!("[python]\nruntime = '{runtime}'"))]);
        let arguments = ["--format", "json", "--min-confidence", "low"];
        let out = lockset(&directory).args(arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let finding = &report["findings"][0];
        (finding["confidence"].as_str().unwrap().to_string(), finding["evidence"].to_string())
    };
    let (confidence, evidence) = report("free-threaded");
    assert!(confidence == "high" && !evidence.contains("caveat"), "{evidence}");
    let (confidence, evidence) = report("gil");
    assert!(confidence == "low" && evidence.contains("an interpreter with the GIL rarely switches"), "{evidence}");
}
