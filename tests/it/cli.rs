//! The command line as users and other programs meet it: commands, options, exit codes, streams.

use assert_cmd::Command;
use lockset::lints::LINTS;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{json, lockset, metrics, tree};

#[test]
fn without_a_command_it_checks_the_working_directory() {
    let directory = metrics();
    let plain = lockset(&directory).args(["--format", "concise", "--quiet"]).output().unwrap();
    let check = lockset(&directory).args(["check", ".", "--format", "concise", "--quiet"]).output().unwrap();
    assert_eq!((plain.status, plain.stdout), (check.status, check.stdout));
}

#[test]
fn the_exit_code_is_1_if_and_only_if_there_are_findings() {
    let directory = metrics();
    let found = !json(lockset(&directory).args(["--format", "json"]))["findings"].as_array().unwrap().is_empty();
    for format in ["full", "concise", "json"] {
        lockset(&directory).args(["check", "--format", format]).assert().code(i32::from(found));
    }
    lockset(&directory).args(["check", "--exit-zero"]).assert().code(0);
    lockset(&tree(&[("a.py", "x = 1\n")])).assert().code(0);
}

#[test]
fn strict_minds_files_that_could_not_be_analysed() {
    let directory = tree(&[("good.py", "x = 1\n")]);
    lockset(&directory).arg("--strict").assert().code(0);
    std::fs::write(directory.path().join("bad.py"), b"x = '\xff'\n").unwrap();
    lockset(&directory).assert().code(0).stdout(contains("bad.py: not UTF-8"));
    let message = "lockset: error: 1 file could not be analysed, and --strict is given\n";
    lockset(&directory).args(["--strict", "--exit-zero"]).assert().code(2).stdout(contains("bad.py: not UTF-8")).stderr(contains(message));
}

#[test]
fn json_has_the_promised_shape() {
    let directory = metrics();
    let document = json(lockset(&directory).args(["--format", "json"]));
    let has = |value: &Value, names: &[&str]| {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut names = names.to_vec();
        keys.sort_unstable();
        names.sort_unstable();
        assert_eq!(keys, names);
    };
    has(&document, &["schema", "tool", "findings", "suppressed", "baselined", "skipped", "stats"]);
    has(&document["stats"], &["files", "parsed", "cached", "lines", "milliseconds"]);
    assert_eq!(document["schema"], 1);
    assert_eq!(document["tool"]["name"], "lockset");
    assert_eq!(document["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&document["stats"]["files"], &document["stats"]["lines"]), (&Value::from(1), &Value::from(17)));
    for finding in document["findings"].as_array().unwrap() {
        assert_eq!(finding["file"], "app/metrics.py");
        assert!(finding["range"]["start"]["line"].as_u64().unwrap() >= 1);
        assert_eq!(finding["fingerprint"].as_str().unwrap().len(), 16);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let directory = metrics();
    let run = |threads: &str| {
        let mut document = json(lockset(&directory).args(["--format", "json", "--threads", threads, "--no-cache"]));
        document["stats"]["milliseconds"] = Value::Null;
        document.to_string()
    };
    assert_eq!(run("1"), run("4"));
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let expect = "lockset: error: no/such: no such file or directory\n";
    lockset(&metrics()).args(["check", "app", "no/such"]).assert().code(2).stdout(is_empty()).stderr(expect);
}

#[test]
fn a_mistyped_command_is_recognised() {
    lockset(&metrics()).arg("chekc").assert().code(2).stderr(contains("did you mean the command `lockset check`?"));
}

#[test]
fn usage_errors_exit_with_2() {
    let directory = metrics();
    for arguments in [
        &["--no-such-option"][..],
        &["--format", "yaml"],
        &["--threads", "0"],
        &["--threads", "1000000"],
        &["--min-confidence", "sure"],
        &["--quiet", "--verbose"],
        &["explain"],
        &["ir"],
        &["ir", "app/metrics.py", "--edition", "2020"],
        &["rules", "--format", "yaml"],
    ] {
        lockset(&directory).args(arguments).assert().code(2).stdout(is_empty()).stderr(is_empty().not());
    }
    lockset(&directory).arg("--formt").assert().code(2).stderr(contains("--format"));
}

#[test]
fn an_unknown_rule_is_an_error_that_names_the_nearest() {
    let directory = metrics();
    for option in ["--select", "--ignore"] {
        lockset(&directory).args(["check", option, "E501"]).assert().code(2).stderr(contains("no rule is called `E501`"));
    }
    for lint in LINTS {
        let typo = &lint.rule.name[..lint.rule.name.len() - 1];
        let hint = format!("no rule is called `{typo}`; did you mean `{}`?", lint.rule.name);
        lockset(&directory).args(["check", "--select", typo]).assert().code(2).stderr(contains(&hint));
        lockset(&directory).args(["explain", typo]).assert().code(2).stderr(contains(&hint));
    }
}

#[test]
fn rules_can_be_left_out() {
    let directory = metrics();
    let report = json(lockset(&directory).args(["--format", "json", "--ignore", "all"]));
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    for lint in LINTS {
        let report = json(lockset(&directory).args(["--format", "json", "--select", lint.rule.name]));
        assert!(report["findings"].as_array().unwrap().iter().all(|it| it["rule"] == lint.rule.name));
    }
}

#[test]
fn rules_lists_the_registry() {
    let directory = metrics();
    let text = String::from_utf8(lockset(&directory).arg("rules").output().unwrap().stdout).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|it| it.split(' ').next()).collect();
    assert_eq!(names, LINTS.iter().map(|it| it.rule.name).collect::<Vec<_>>());
    let rows = json(lockset(&directory).args(["rules", "--format", "json"]));
    assert_eq!(rows.as_array().unwrap().len(), LINTS.len());
    for (row, lint) in rows.as_array().unwrap().iter().zip(LINTS) {
        assert_eq!((&row["name"], &row["group"], &row["summary"]), (&lint.rule.name.into(), &lint.rule.group.into(), &lint.rule.summary.into()));
    }
}

#[test]
fn a_group_is_no_rule_to_explain() {
    let expect = "lockset: error: `snapshot` is a group of rules; give one of guard-escape, split-snapshot\n";
    lockset(&metrics()).args(["explain", "snapshot"]).assert().code(2).stdout(is_empty()).stderr(expect);
}

#[test]
fn explain_prints_the_page() {
    for lint in LINTS {
        lockset(&metrics()).args(["explain", lint.rule.name]).assert().code(0).stdout(lint.rule.page);
    }
}

#[test]
fn the_report_goes_to_a_file() {
    let directory = metrics();
    lockset(&directory).args(["--output", "report.txt", "--exit-zero"]).assert().code(0).stdout(is_empty());
    let text = std::fs::read_to_string(directory.path().join("report.txt")).unwrap();
    assert!(text.contains("in 1 file (17 lines, "), "{text}");
}

#[test]
fn a_report_that_has_nowhere_to_go_fails_before_the_work() {
    let directory = metrics();
    let expect = "lockset: error: no/dir/report.txt: there is no directory no/dir\n";
    lockset(&directory).args(["--output", "no/dir/report.txt"]).assert().code(2).stderr(expect);
    lockset(&directory).args(["--output", "app"]).assert().code(2).stderr("lockset: error: app: is a directory\n");
}

#[test]
fn color_is_for_those_who_want_it() {
    let directory = metrics();
    let escapes = || contains("\x1b[");
    lockset(&directory).arg("--exit-zero").assert().stdout(escapes().not());
    lockset(&directory).args(["--exit-zero", "--color", "always"]).assert().stdout(escapes());
    lockset(&directory).arg("--exit-zero").env("CLICOLOR_FORCE", "1").assert().stdout(escapes());
    lockset(&directory).arg("--exit-zero").env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").assert().stdout(escapes().not());
}

#[test]
fn what_is_told_beside_the_report() {
    let directory = tree(&[("a.py", "x = 1\n"), ("c.txt", "")]);
    lockset(&directory).arg("--timings").assert().stderr(contains("discover").and(contains("lower")));
    lockset(&directory).arg("--verbose").assert().stderr("lockset: info: configuration: none; read 1 file, 1 line\n");
    lockset(&directory).args(["--quiet", "c.txt"]).assert().code(0).stdout(is_empty()).stderr(is_empty());
}

#[test]
fn statistics_stand_in_place_of_the_findings() {
    let directory = metrics();
    lockset(&directory).args(["--statistics", "--exit-zero"]).assert().code(0).stdout(contains("in 1 file (17 lines, "));
    let rows = json(lockset(&directory).args(["--statistics", "--exit-zero", "--format", "json"]));
    assert!(rows.as_array().unwrap().iter().all(|it| it["count"].as_u64().unwrap() > 0));
}

#[test]
fn ir_reads_one_file() {
    let directory = tree(&[("a.txt", "")]);
    lockset(&directory).args(["ir", "none.py"]).assert().code(2).stderr("lockset: error: none.py: no such file or directory\n");
    lockset(&directory).args(["ir", "a.txt"]).assert().code(2).stderr("lockset: error: a.txt: neither a .py nor a .rs file\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let directory = metrics();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockset"));
    let result = command.args(["check", "--exit-zero"]).current_dir(directory.path()).stdout(writer).output().unwrap();
    assert_eq!(result.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&result.stderr).contains("error:"), "{result:?}");
}

#[test]
fn help_and_version() {
    let directory = metrics();
    lockset(&directory).arg("--version").assert().code(0).stdout(starts_with("lockset "));
    for arguments in [&["--help"][..], &["help", "check"], &["check", "--help"], &["explain", "-h"]] {
        lockset(&directory).args(arguments).assert().code(0).stdout(contains("Usage: lockset")).stderr(is_empty());
    }
}

/// Runs the check on `source` from standard input.
fn piped(directory: &TempDir, arguments: &[&str], source: impl Into<Vec<u8>>) -> assert_cmd::assert::Assert {
    lockset(directory).arg("check").args(arguments).write_stdin(source).assert()
}

#[test]
fn source_comes_from_standard_input() {
    let directory = metrics();
    let source = std::fs::read_to_string(directory.path().join("app/metrics.py")).unwrap();
    let of_file = lockset(&directory).args(["app/metrics.py", "--format", "concise", "--quiet"]).output().unwrap().stdout;
    assert!(!of_file.is_empty());
    piped(&directory, &["-", "--stdin-filename", "app/metrics.py", "--format", "concise", "--quiet"], source.clone()).code(1).stdout(of_file);
    // A file that is not there (yet), in a place that is configured.
    let arguments = ["-", "--stdin-filename", "new/deep/a.py", "--format", "concise"];
    piped(&directory, &arguments, source.clone()).code(1).stdout(contains("new/deep/a.py:9:9: "));
    let configured = tree(&[("new/lockset.toml", "[per-file-ignores]\n'deep/' = ['race']")]);
    piped(&configured, &arguments, source).code(0);
}

#[test]
fn the_edition_of_standard_input_is_that_of_its_place() {
    let source = "\
use std::sync::Mutex;

pub fn run(lock: &Mutex<Option<u32>>) {
    if let Some(_) = *lock.lock().unwrap() {
    } else {
        lock.lock().unwrap().take();
    }
}
";
    let old = tree(&[("Cargo.toml", "[package]\nname = 'a'\nedition = '2021'")]);
    let new = tree(&[("Cargo.toml", "[package]\nname = 'a'\nedition = '2024'")]);
    let arguments = ["-", "--stdin-filename", "src/lib.rs", "--select", "self-deadlock"];
    piped(&old, &arguments, source).code(1);
    piped(&new, &arguments, source).code(0);
}

#[test]
fn standard_input_is_named_and_alone() {
    let directory = metrics();
    let check = |arguments: &[&str], source: &[u8], expect: &str| {
        piped(&directory, arguments, source).code(2).stdout(is_empty()).stderr(contains(expect));
    };
    check(&["-"], b"", "`-` needs `--stdin-filename NAME`");
    check(&["app", "--stdin-filename", "a.py"], b"", "give `-` as the path");
    check(&["--stdin-filename", "a.py"], b"", "give `-` as the path");
    check(&["-", "app", "--stdin-filename", "a.py"], b"", "`-` is the only path or none");
    check(&["-", "--stdin-filename", "a.txt"], b"", "a.txt: neither a .py nor a .rs file");
    check(&["-", "--stdin-filename", "a.py"], b"x\xff", "a.py: not UTF-8 at byte 1");
    check(&["-", "--stdin-filename", "a.rs"], &vec![b' '; 10_000_001], "a.rs: over the limit of 10 MB");
}

#[test]
fn completions_and_the_manual_name_every_option() {
    let directory = metrics();
    let out = |arguments: &[&str]| String::from_utf8(lockset(&directory).args(arguments).assert().code(0).get_output().stdout.clone()).unwrap();
    let help = out(&["check", "--help"]);
    let options: Vec<&str> = help.split_whitespace().filter(|it| it.starts_with("--")).map(|it| it.trim_end_matches([',', ';'])).collect();
    assert!(options.len() > 15, "{options:?}");
    let manual = out(&["man", "check"]).replace('\\', "");
    for option in &options {
        assert!(manual.contains(option), "{option}");
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = out(&["completions", shell]);
        assert!(script.contains("stdin-filename") && script.contains("explain"), "{shell}");
    }
    assert!(out(&["man"]).contains("lockset"));
    lockset(&directory).args(["man", "chekc"]).assert().code(2);
    lockset(&directory).args(["completions", "tcsh"]).assert().code(2);
}

#[test]
fn no_progress_is_shown_where_nobody_looks() {
    lockset(&metrics()).args(["--exit-zero"]).assert().code(0).stderr(is_empty());
    lockset(&metrics()).args(["--exit-zero", "--no-progress"]).assert().code(0).stderr(is_empty());
}

#[test]
fn accessible_reports_have_no_drawings() {
    let directory = metrics();
    let run = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let told = run(lockset(&directory).args(["--accessible"]).env("CLICOLOR_FORCE", "1"));
    assert!(told.starts_with("Finding 1 of 1\nerror unguarded-update: `Metrics.total` "), "{told}");
    assert!(told.contains("\n at app/metrics.py:9:9: ") && told.contains(": `self.total += 1`\n"), "{told}");
    assert!(told.contains("\n how: thread A, line 9: "), "{told}");
    assert!(told.chars().all(|it| it == '\n' || !it.is_control()) && !told.contains(['│', '─', '╭', '┳']), "{told}");
    let times_apart = |text: &str| text.lines().filter(|it| !it.starts_with("Found ")).map(str::to_string).collect::<Vec<_>>();
    let by_variable = run(lockset(&directory).env("NO_GRAPHICS", "1"));
    assert_eq!(times_apart(&by_variable), times_apart(&told));
    assert!(run(lockset(&directory).env("NO_GRAPHICS", "0")).contains('│'));
    // Other forms are as they are.
    let concise = ["--format", "concise", "--quiet"];
    assert_eq!(run(lockset(&directory).args(concise).arg("--accessible")), run(lockset(&directory).args(concise)));
}

#[test]
fn colors_and_links_are_for_those_who_want_them() {
    let directory = metrics();
    let has = |command: &mut Command| {
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        (text.contains("\x1b["), text.contains("\x1b]8"))
    };
    assert_eq!(has(&mut lockset(&directory)), (false, false));
    assert_eq!(has(lockset(&directory).env("CLICOLOR_FORCE", "1")), (true, false));
    assert_eq!(has(lockset(&directory).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")), (false, false));
    assert_eq!(has(lockset(&directory).args(["--color", "always"])), (true, false));
    assert_eq!(has(lockset(&directory).args(["--color", "never"]).env("CLICOLOR_FORCE", "1")), (false, false));
    assert_eq!(has(lockset(&directory).env("FORCE_HYPERLINK", "1").env("TERM_PROGRAM", "WezTerm")), (false, false), "never in a pipe");
}

#[test]
fn hints_stand_once_at_the_end() {
    let directory = metrics();
    let run = |arguments: &[&str]| String::from_utf8(lockset(&directory).args(arguments).output().unwrap().stdout).unwrap();
    let text = run(&[]);
    assert!(text.ends_with("`--write-baseline`\n") && text.matches("lockset explain unguarded-update").count() == 1, "{text}");
    assert!(!run(&["--quiet"]).contains("lockset explain"));
    assert!(!run(&["--select", "lock-order"]).contains("lockset explain"));
    let high = run(&["--min-confidence", "high", "--select", "all"]);
    let low = run(&["--min-confidence", "low"]);
    assert_eq!(high.contains("of lower confidence"), high.matches("error[").count() < low.matches("error[").count(), "{high}");
    assert!(!low.contains("of lower confidence"), "{low}");
}

#[test]
fn the_width_is_that_of_the_terminal() {
    let source = format!(
        "import threading\n\ncount = 0\n\ndef work():\n    global count\n    count += 1  # {}\n\nfor _ in range(2):\n    threading.Thread(target=work).start()\n",
        "x".repeat(300)
    );
    let directory = tree(&[("a.py", &source)]);
    let widest = |columns: &str| {
        let output = lockset(&directory).env("COLUMNS", columns).args(["--min-confidence", "low"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // A title is the terminal's to break where it is narrow.
        text.lines().filter(|it| !it.starts_with("error[")).map(|it| it.chars().count()).max().unwrap()
    };
    assert_eq!(["1", "40", "80", "200"].map(widest), [40, 40, 80, 200]);
}
