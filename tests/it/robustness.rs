//! Bad input: nothing that lies in a tree, and nothing that is typed, ends in a panic, a hang or a silent gap.
//!
//! What cannot be analysed is named with its reason, on stderr and in `skipped`, and the rest is analysed.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, lockset_with as lockset};

/// A tree with one good file, so that "the rest is analysed" can be seen.
fn tree() -> TempDir {
    support::tree(&[("good.py", "x = 1\n")])
}

/// The JSON report of `arguments`, which must end with 0 or 1.
fn report(directory: &Path, arguments: &[&str]) -> Value {
    let output = lockset(directory, arguments).args(["--format", "json"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {stderr}", output.status);
    assert!(!stderr.contains("panicked"), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The reason for which `file` was skipped.
fn reason(report: &Value, file: &str) -> Option<String> {
    let skipped = report["skipped"].as_array().unwrap();
    skipped.iter().find(|it| it["file"] == file).map(|it| it["reason"].as_str().unwrap().to_string())
}

/// How many files were read.
fn files(report: &Value) -> u64 {
    report["stats"]["files"].as_u64().unwrap()
}

#[test]
fn an_empty_tree() {
    let directory = tempfile::tempdir().unwrap();
    lockset(directory.path(), &["check", "."]).assert().code(0).stderr("lockset: note: no Python or Rust files under .\n");
    fs::create_dir(directory.path().join("tests")).unwrap();
    fs::write(directory.path().join("tests/a.py"), "").unwrap();
    lockset(directory.path(), &["check", "."]).assert().code(0).stderr(contains("but 1 test file; `--include-tests` analyses it"));
}

#[test]
fn an_empty_file() {
    let directory = tree();
    fs::write(directory.path().join("empty.py"), "").unwrap();
    fs::write(directory.path().join("empty.rs"), "").unwrap();
    assert_eq!(files(&report(directory.path(), &[])), 3);
}

#[test]
fn a_file_that_is_not_utf8() {
    let directory = tree();
    fs::write(directory.path().join("bad.py"), b"x = 1\ny = '\xff'\n").unwrap();
    fs::write(directory.path().join("latin.py"), b"# -*- coding: latin-1 -*-\ny = '\xff'\n").unwrap();
    fs::write(directory.path().join("bad.rs"), b"\xfe\xff").unwrap();
    let report = report(directory.path(), &[]);
    assert_eq!(reason(&report, "bad.py").unwrap(), "not UTF-8 at byte 11");
    assert_eq!(reason(&report, "bad.rs").unwrap(), "not UTF-8 at byte 0");
    assert_eq!(files(&report), 2);
    lockset(directory.path(), &[]).assert().stderr(contains("lockset: skipped: bad.py: not UTF-8 at byte 11\n"));
}

#[test]
fn a_file_of_50_megabytes() {
    let directory = tree();
    fs::write(directory.path().join("big.py"), vec![b'\n'; 50_000_000]).unwrap();
    let report = report(directory.path(), &[]);
    assert_eq!(reason(&report, "big.py").unwrap(), "50.0 MB is over the limit of 10 MB");
    assert_eq!(files(&report), 1);
}

#[test]
fn deep_nesting() {
    let directory = tree();
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    fs::write(directory.path().join("deep.py"), format!("x = {open}1{close}\n")).unwrap();
    fs::write(directory.path().join("deep.rs"), format!("fn f() {{ let x = {open}1{close}; }}\n")).unwrap();
    assert_eq!(files(&report(directory.path(), &[])), 3);
}

#[test]
fn nesting_that_never_ends() {
    let directory = tree();
    let texts = [("a.py", "("), ("b.py", "if x:\n"), ("c.rs", "{"), ("d.rs", "fn f() -> A<"), ("e.rs", "fn f() { if a { } else "), ("f.py", "not ")];
    for (name, text) in texts {
        fs::write(directory.path().join(name), text.repeat(50_000)).unwrap();
    }
    assert_eq!(files(&report(directory.path(), &[])), 7);
}

/// What takes the square of the time, or of the memory, does not come to an end here.
#[test]
fn much_of_the_same() {
    let directory = tree();
    let write = |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
    write("global.py", format!("import threading\nn = 0\ndef f():\n    global n\n{}", "    n += 1\n".repeat(20_000)));
    write("field.py", format!("class C:\n    def __init__(self):\n        self.n = 0\n    def m(self):\n{}", "        self.n += 1\n".repeat(20_000)));
    write("tested.py", format!("d = {{}}\ndef f(k):\n{}", "    if k not in d:\n        d[k] = g()\n".repeat(10_000)));
    let heir = |it: usize| format!("class C{it}(C{}):\n    def m(self):\n        return self.m()\n", it + 1);
    write("heirs.py", (0..20_000).map(heir).collect());
    assert_eq!(files(&report(directory.path(), &[])), 5);
}

#[test]
fn text_that_is_no_program() {
    let directory = tree();
    let noise: String = (0..20_000_u32).map(|i| char::from_u32(i.wrapping_mul(2_654_435_761) % 0xd000).unwrap_or(' ')).collect();
    for name in ["noise.py", "noise.rs"] {
        fs::write(directory.path().join(name), &noise).unwrap();
    }
    for name in ["nul.py", "nul.rs"] {
        fs::write(directory.path().join(name), "\0\0\0").unwrap();
    }
    assert_eq!(files(&report(directory.path(), &[])), 5);
}

#[test]
fn a_directory_with_the_name_of_a_file() {
    let directory = tree();
    fs::create_dir(directory.path().join("x.py")).unwrap();
    fs::write(directory.path().join("x.py/inner.py"), "").unwrap();
    assert_eq!(files(&report(directory.path(), &["check", "x.py"])), 1);
    assert_eq!(files(&report(directory.path(), &["check", "."])), 2);
}

#[test]
fn paths_that_overlap_or_repeat() {
    let directory = tree();
    fs::create_dir(directory.path().join("app")).unwrap();
    fs::write(directory.path().join("app/a.py"), "").unwrap();
    let absolute = directory.path().join("app/a.py").to_str().unwrap().to_string();
    assert_eq!(files(&report(directory.path(), &["check", ".", "app", "app/a.py", "app/../app/a.py", &absolute])), 2);
}

#[test]
fn a_file_of_another_kind() {
    let directory = tree();
    for name in ["notes.txt", "stub.pyi"] {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let report = report(directory.path(), &["check", "notes.txt", "stub.pyi", "good.py"]);
    assert_eq!(reason(&report, "notes.txt").unwrap(), "neither a .py nor a .rs file");
    assert_eq!(reason(&report, "stub.pyi").unwrap(), "a stub file: it declares, and does nothing");
    assert_eq!(files(&report), 1);
}

#[test]
fn a_manifest_that_does_not_parse() {
    let directory = tree();
    fs::write(directory.path().join("Cargo.toml"), "[package\n").unwrap();
    fs::write(directory.path().join("lib.rs"), "").unwrap();
    let expect = contains("lockset: note: Cargo.toml: line 1: ").and(contains("edition 2021 is assumed"));
    lockset(directory.path(), &[]).assert().stderr(expect);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links() {
        let directory = tree();
        let outside = tree();
        symlink(directory.path(), directory.path().join("round")).unwrap();
        symlink(outside.path(), directory.path().join("out")).unwrap();
        symlink("nowhere.py", directory.path().join("broken.py")).unwrap();
        assert_eq!(files(&report(directory.path(), &["check", "."])), 1);
        // A link that is named is followed.
        assert_eq!(files(&report(directory.path(), &["check", "out"])), 1);
        lockset(directory.path(), &["check", "broken.py"]).assert().code(2).stderr(contains("broken.py: no such file"));
    }

    #[test]
    fn links_in_a_circle() {
        let directory = tree();
        symlink("a.py", directory.path().join("b.py")).unwrap();
        symlink("b.py", directory.path().join("a.py")).unwrap();
        assert_eq!(files(&report(directory.path(), &["check", "."])), 1);
        lockset(directory.path(), &["check", "a.py"]).assert().code(2).stderr(contains("lockset: error: a.py: "));
    }

    #[test]
    fn odd_names() {
        let directory = tree();
        let names = ["a b.py", "größe.py", "two\nlines.py", "\x1b[31mred.py", "-v.py"];
        for name in names {
            fs::write(directory.path().join(name), b"\xff").unwrap();
        }
        let report = report(directory.path(), &["check", "."]);
        for name in names {
            assert_eq!(reason(&report, name).unwrap(), "not UTF-8 at byte 0");
        }
        let output = lockset(directory.path(), &["check", "."]).output().unwrap();
        let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(all.contains("two␊lines.py") && all.contains("␛[31mred.py"), "{all}");
        assert!(!all.contains('\x1b'), "{all}");
    }

    #[test]
    fn a_name_that_is_not_unicode() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let directory = tree();
        // Some file systems have no such names.
        if fs::write(directory.path().join(OsStr::from_bytes(b"\xff.py")), "").is_ok() {
            assert_eq!(files(&report(directory.path(), &["check", "."])), 2);
        }
    }

    #[test]
    fn what_may_not_be_read() {
        let directory = tree();
        let file = directory.path().join("locked.py");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        // Permissions do not bind root.
        if fs::read(&file).is_err() {
            assert_eq!(reason(&report(directory.path(), &["check", "."]), "locked.py").unwrap(), "permission denied");
        }
    }

    #[test]
    fn what_is_no_regular_file() {
        let directory = tree();
        let socket = directory.path().join("socket.py");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(files(&report(directory.path(), &["check", "."])), 1);
        let report = report(directory.path(), &["check", "socket.py", "good.py"]);
        assert_eq!(reason(&report, "socket.py").unwrap(), "not a regular file");
        assert_eq!(files(&report), 1);
    }
}

#[test]
fn notes_of_one_kind_are_counted_and_many_are_cut_off() {
    let broken = "def f():\n    a b\n\ndef g():\n    x = 1\n\ndef h():\n    c d\n";
    let names: Vec<String> = (10..22).map(|it| format!("m{it}.py")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), broken)).collect();
    let directory = support::tree(&files);
    let notes = |arguments: &[&str]| -> Vec<String> {
        let output = support::lockset_with(directory.path(), &["check", "--no-cache", "."]).args(arguments).output().unwrap();
        String::from_utf8(output.stderr).unwrap().lines().filter(|it| it.contains("note: ")).map(str::to_string).collect()
    };
    let few = notes(&[]);
    assert_eq!(few.len(), 11, "{few:#?}");
    assert_eq!(few[0], "lockset: note: m10.py:1: syntax error (and at 1 more place); the rest of the file is analysed");
    assert_eq!(few[10], "lockset: note: 2 more notes like these; `--verbose` shows them all");
    assert_eq!(notes(&["--verbose"]).len(), 12);
}
