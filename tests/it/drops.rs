//! When Rust drops a guard value, as the compiler has it: one source is compiled and run, once for each edition, and read
//! by lockset. The lines at which the lock was held have to be the lines of the findings.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::common::check;

const SOURCE: &str = include_str!("../drops/guards.rs");

/// In the compiled program a probe tries the lock, and prints its line and whether that was held.
const TRIES: &str = r#"fn probe(&self, line: u32) -> u32 { println!("{line} {}", self.m.try_lock().is_err()); 0 }"#;

/// For lockset it takes the lock.
const TAKES: &str = "fn probe(&self, line: u32) -> u32 { self.m.lock().unwrap().push(line); 0 }";

#[test]
fn guard_values_end_where_the_compiler_drops_them_2021() {
    compare("2021");
}

#[test]
fn guard_values_end_where_the_compiler_drops_them_2024() {
    compare("2024");
}

fn compare(edition: &str) {
    let folder = TempDir::new().expect("a folder can be made");
    let (held, probed) = run(folder.path(), edition);
    // Of lines that no run gets to, the program says nothing.
    let found: BTreeSet<u32> = read(folder.path(), edition).intersection(&probed).copied().collect();
    let lines = |it: &BTreeSet<u32>| {
        it.iter().map(|line| format!("{line}: {}\n", SOURCE.lines().nth(*line as usize - 1).unwrap_or("").trim())).collect::<String>()
    };
    let missed: BTreeSet<u32> = held.difference(&found).copied().collect();
    let invented: BTreeSet<u32> = found.difference(&held).copied().collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "edition {edition}\nheld, and not found:\n{}found, and not held:\n{}",
        lines(&missed),
        lines(&invented)
    );
    assert!(held.len() > 20 && probed.len() - held.len() > 20, "the program says something of both");
}

/// The lines at which the lock was held at least once, and all lines that were reached.
fn run(folder: &Path, edition: &str) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let (source, program) = (folder.join("run.rs"), folder.join("run"));
    fs::write(&source, SOURCE.replace("/*PROBE*/", TRIES)).expect("it can be written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled =
        Command::new(rustc).args(["--edition", edition, "-A", "warnings", "-o"]).arg(&program).arg(&source).output().expect("rustc starts");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&program).output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    let lines = text.lines().map(|it| it.split_once(' ').expect("a line and an answer")).map(|it| (it.0.parse().expect("a number"), it.1 == "true"));
    let all: Vec<(u32, bool)> = lines.collect();
    (all.iter().filter(|it| it.1).map(|it| it.0).collect(), all.iter().map(|it| it.0).collect())
}

/// The lines at which lockset says that the lock is taken again.
fn read(folder: &Path, edition: &str) -> BTreeSet<u32> {
    let package = folder.join("package");
    fs::create_dir_all(package.join("src")).expect("it can be made");
    fs::write(package.join("Cargo.toml"), format!("[package]\nname = \"drops\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\n"))
        .expect("it can be written");
    fs::write(package.join("src/main.rs"), SOURCE.replace("/*PROBE*/", TAKES)).expect("it can be written");
    let findings = check(&package).unwrap_or_else(|error| panic!("{error}"));
    findings.iter().filter(|it| it.rule == "self-deadlock").map(|it| u32::try_from(it.line).expect("a line")).collect()
}
