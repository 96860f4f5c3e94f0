//! Comments that silence findings: what they reach, what is counted, what is said of those that are wrong or of no use.

use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;
use serde_json::Value;

use crate::support;

/// Two lost updates in one class; `{…}` takes a comment.
const PYTHON: &str = "\
import threading{file}

class Metrics:
    def __init__(self):
        self._lock = threading.Lock()
        self.total = 0
        self.errors = 0

    def inc(self, by):
        {above}
        self.total += by({open}
            1,{middle}
        ){end}

    def fail(self, by):
        self.errors += by(1){other}

    def reset(self):
        with self._lock:
            self.total = 0
            self.errors = 0

    def add(self, n):
        with self._lock:
            self.total += n
            self.errors += n
";

const RUST: &str = "\
use std::sync::Mutex;
use std::thread;

pub fn run() {
    thread::spawn(move || {{head}
        let gate = Mutex::new(0);
        {before}let _ = gate{open}
            .lock(){middle}
            .unwrap();{end}
        work();
    });{outside}
}

fn work() {}
";

/// `text` with comments in place of its holes.
fn filled(text: &str, comments: &[(&str, &str)]) -> String {
    let holes = ["file", "above", "open", "middle", "end", "other", "head", "before", "outside"];
    holes.iter().fold(text.to_owned(), |text, hole| {
        let comment = comments.iter().find(|it| it.0 == *hole).map_or("", |it| it.1);
        text.replace(&format!("{{{hole}}}"), comment)
    })
}

fn report(name: &str, text: &str, arguments: &[&str]) -> Value {
    let directory = support::tree(&[(name, text)]);
    support::json(command(directory.path()).args(["--format", "json"]).args(arguments))
}

fn command(directory: &Path) -> Command {
    let mut command = support::lockset(directory);
    command.arg("check");
    command
}

fn rules<'r>(report: &'r Value, list: &str) -> Vec<&'r str> {
    report[list].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect()
}

/// The rules of what is found and of what is suppressed, in the Python text with one comment.
fn python(hole: &str, comment: &str) -> (Vec<String>, Vec<String>) {
    let report = report("a.py", &filled(PYTHON, &[(hole, comment)]), &[]);
    let owned = |list| rules(&report, list).into_iter().map(str::to_owned).collect();
    (owned("findings"), owned("suppressed"))
}

#[test]
fn a_comment_on_any_line_of_the_statement_or_above_it() {
    assert_eq!(python("none", "").0, ["unguarded-update"; 2]);
    for hole in ["above", "open", "middle", "end"] {
        for comment in ["# lockset: ignore[unguarded-update] why", "#lockset:ignore[ race ]", "# noqa # lockset: ignore", "# LOCKSET: ignore[all]"] {
            let (found, suppressed) = python(hole, comment);
            assert_eq!((found, suppressed), (vec!["unguarded-update".to_owned()], vec!["unguarded-update".to_owned()]), "{hole}: {comment}");
        }
    }
}

#[test]
fn a_comment_reaches_no_other_statement_and_no_other_rule() {
    let (found, suppressed) = python("other", "  # lockset: ignore[lock-order, check-then-act]");
    assert_eq!((found.len(), suppressed.len()), (3, 0), "two updates, and the comment");
    let text = filled(PYTHON, &[("other", "  # lockset: ignore")]);
    let report = report("a.py", &text, &[]);
    assert_eq!(report["findings"][0]["state"], "Metrics.total");
    assert_eq!(report["suppressed"][0]["state"], "Metrics.errors");
}

#[test]
fn a_whole_file() {
    assert_eq!(python("end", "  # lockset: ignore-file[race]"), (vec![], vec!["unguarded-update".to_owned(); 2]));
    assert_eq!(python("file", "  # lockset: ignore-file"), (vec![], vec!["unguarded-update".to_owned(); 2]));
}

#[test]
fn rust() {
    let check = |hole: &str, comment: &str| {
        let report = report("a.rs", &filled(RUST, &[(hole, comment)]), &[]);
        let findings = rules(&report, "findings").join(" ");
        (findings, rules(&report, "suppressed").join(" "))
    };
    let silenced = (String::new(), "ineffective-lock".to_owned());
    assert_eq!(check("none", "").0, "ineffective-lock");
    for hole in ["open", "middle", "end"] {
        assert_eq!(check(hole, " // lockset: ignore[ineffective-lock]"), silenced, "{hole}");
    }
    assert_eq!(check("before", "/* lockset: ignore[lock-use] why */ "), silenced);
    assert_eq!(check("before", "/*\n * some words\n * lockset: ignore\n */\n        "), silenced);
    assert_eq!(check("before", "// lockset: ignore\n        #[allow(let_underscore_lock)]\n        "), silenced);
    // The statement around it is another.
    assert_eq!(check("head", " // lockset: ignore").0, "unused-ignore ineffective-lock");
    assert_eq!(check("outside", " // lockset: ignore").0, "ineffective-lock unused-ignore");
}

#[test]
fn a_rule_that_was_not_applied_makes_no_comment_useless() {
    let text = filled(PYTHON, &[("other", "  # lockset: ignore[race, deadlock]"), ("end", "  # lockset: ignore")]);
    assert_eq!(rules(&report("a.py", &text, &[]), "findings"), ["unused-ignore"]);
    for arguments in [["--select", "unused-ignore"], ["--select", "unused-ignore,lock-order"], ["--ignore", "lock-order"]] {
        assert_eq!(rules(&report("a.py", &text, &arguments), "findings"), [""; 0], "{arguments:?}");
    }
    let one = ["--select", "unused-ignore,deadlock"];
    assert_eq!(rules(&report("a.py", &text, &one), "findings"), ["unused-ignore"]);
    assert_eq!(rules(&report("a.py", &text, &["--ignore", "unused-ignore"]), "findings"), [""; 0]);
}

#[test]
fn a_file_that_is_not_analysed_has_no_useless_comments() {
    assert_eq!(rules(&report("a.rs", "fn f( // lockset: ignore[race]\n", &[]), "findings"), [""; 0]);
}

#[test]
fn only_its_name_silences_unused_ignore() {
    assert_eq!(python("above", "# lockset: ignore[race, unused-ignore]").0, ["unguarded-update"]);
    let text = "# lockset: ignore-file[unused-ignore]\nx = 1  # lockset: ignore\n";
    let report = report("a.py", text, &[]);
    assert_eq!((rules(&report, "findings"), rules(&report, "suppressed")), (vec![], vec!["unused-ignore"]));
    assert_eq!(rules(&self::report("a.py", "# lockset: ignore-file\n", &[]), "findings"), ["unused-ignore"]);
}

#[test]
fn a_mistake_in_a_comment_names_what_was_probably_meant() {
    let help = |comment: &str| report("a.py", &format!("x = 1  # {comment}\n"), &[])["findings"][0]["help"].as_str().unwrap_or("").to_owned();
    assert_eq!(help("lockset: ingore[race]"), "write `lockset: ignore`");
    assert_eq!(help("lockset: ignore-flie"), "write `lockset: ignore-file`");
    assert_eq!(help("lockset: ignore[unguarded_updates]"), "write `unguarded-update`");
    assert_eq!(help("lockset: ignore[E501]"), "`lockset rules` names them all");
}

#[test]
fn the_summary_counts_what_is_suppressed_and_would_have_been_shown() {
    let directory = tempfile::tempdir().unwrap();
    let comments = [("end", "  # lockset: ignore"), ("other", "  # lockset: ignore")];
    std::fs::write(directory.path().join("a.py"), filled(PYTHON, &comments)).unwrap();
    command(directory.path()).assert().code(0).stdout(contains("2 suppressed by comments\n"));
    let quiet = command(directory.path()).args(["--min-severity", "error", "--ignore", "race"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&quiet.stdout).contains("suppressed"));
}

#[test]
fn a_comment_changes_no_fingerprint() {
    let print = |comments: &[(&str, &str)]| report("a.py", &filled(PYTHON, comments), &[])["findings"][0]["fingerprint"].clone();
    assert_eq!(print(&[("other", "  # lockset: ignore")]), print(&[]));
}

#[test]
fn very_many_comments() {
    let text = "# lockset: ignore[race]\nx = 1  # lockset: ignore[rase]\ndef f(): pass\n".repeat(20_000);
    assert_eq!(report("a.py", &text, &[])["findings"].as_array().unwrap().len(), 40_000);
}

/// `text` with the fix of its first `unused-ignore`; none where it has no fix.
fn fixed(name: &str, text: &str) -> Option<String> {
    let report = report(name, text, &[]);
    let found = report["findings"].as_array().unwrap().iter().find(|it| it["rule"] == "unused-ignore").expect("the comment is of no use");
    let [edit] = &found["fix"]["edits"].as_array()?[..] else { panic!("{found}") };
    let offset = |end: &str| edit["range"][end]["offset"].as_u64().unwrap() as usize;
    Some(format!("{}{}{}", &text[..offset("start")], edit["replacement"].as_str().unwrap(), &text[offset("end")..]))
}

#[test]
fn a_comment_of_no_use_is_taken_out() {
    let python = |text: &str| fixed("a.py", text);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(python("x = 1  # lockset: ignore[race] why not\ny = 2\n"), some("x = 1\ny = 2\n"));
    assert_eq!(python("x = 1\t#lockset: ignore\r\ny = 2\r\n"), some("x = 1\r\ny = 2\r\n"));
    assert_eq!(python("x = 1  # lockset: ignore"), some("x = 1"));
    assert_eq!(python("def f():\n    # lockset: ignore[race] why\n    return 1\n"), some("def f():\n    return 1\n"));
    assert_eq!(python("# lockset: ignore-file[race]"), some(""));
    assert_eq!(fixed("a.rs", "fn f() {} // lockset: ignore[race] why\n"), some("fn f() {}\n"));
    // What else the line says stays.
    assert_eq!(python("x = 1  # noqa: E501  # lockset: ignore[race] see #12  # type: ignore\n"), some("x = 1  # noqa: E501  # type: ignore\n"));
    assert_eq!(python("x = 1  # noqa # lockset: ignore\n"), some("x = 1  # noqa\n"));
    assert_eq!(python("# lockset: ignore[race]  # pylint: disable=all\nx = 1\n"), some("# pylint: disable=all\nx = 1\n"));
    // Words around it may be about it, and a block is not told from them.
    assert_eq!(python("x = 1  # for now lockset: ignore[race]\n"), None);
    assert_eq!(python("x = 1  # lockset: ignore[race] guarded-by: _lock\n"), None);
    assert_eq!(fixed("a.rs", "/* lockset: ignore[race] */ fn f() {}\n"), None);
}

#[test]
fn a_rule_of_no_use_is_taken_out_of_its_comment() {
    let text = |comment: &str| filled(PYTHON, &[("other", comment)]);
    for (before, after) in
        [("[race, deadlock] why", "[race] why"), ("[ lock-order,race , deadlock]", "[ race]"), ("[deadlock, race, unknown]", "[race, unknown]")]
    {
        let [before, after] = [before, after].map(|it| text(&format!("  # lockset: ignore{it}")));
        assert_eq!(fixed("a.py", &before), Some(after));
    }
}
