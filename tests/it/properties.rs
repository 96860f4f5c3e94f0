//! What must not change a finding: comments, names, the number of threads, the order in which paths are given and functions
//! are defined.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Seen, check};

/// The bad programs of `fixtures/`, each with its sources by relative path.
fn programs() -> Vec<(String, Vec<(PathBuf, String)>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = fs::read_dir(&fixtures).expect("there are fixtures").map(|it| it.expect("they can be listed").path());
    let mut programs: Vec<_> =
        folders.map(|it| (it.file_name().unwrap_or_default().to_string_lossy().into_owned(), sources(&it.join("bad")))).collect();
    programs.retain(|it| !it.1.is_empty());
    assert!(programs.len() >= 4);
    programs
}

fn sources(root: &Path) -> Vec<(PathBuf, String)> {
    let files = ignore::Walk::new(root).filter_map(Result::ok).map(|it| it.into_path()).filter(|it| it.is_file());
    files.map(|it| (it.strip_prefix(root).unwrap_or(&it).to_path_buf(), fs::read_to_string(&it).expect("a source is text"))).collect()
}

/// What lockset says of `sources`.
fn findings(sources: &[(PathBuf, String)]) -> Vec<Seen> {
    let root = tempfile::Builder::new().prefix("properties-").tempdir().expect("a directory for the test");
    for (name, text) in sources {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(root.path())).expect("a folder for a source");
        fs::write(path, text).expect("a source can be written");
    }
    check(root.path()).expect("the sources are analysed")
}

fn is_code(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "py" || it == "rs")
}

#[test]
fn a_comment_changes_no_finding() {
    for (name, sources) in programs() {
        let before = findings(&sources);
        let commented: Vec<_> = sources
            .iter()
            .map(|(path, text)| match path.extension().and_then(|it| it.to_str()) {
                Some("py") => (path.clone(), format!("# A remark on a lock.\n{text}# The end.\n")),
                Some("rs") => (path.clone(), format!("// A remark on a lock.\n{text}// The end.\n")),
                _ => (path.clone(), text.clone()),
            })
            .collect();
        let mut after = findings(&commented);
        after.iter_mut().for_each(|it| it.line -= 1);
        assert_eq!(before, after, "{name}");
    }
}

/// Fields that a program gives its objects: `self.name = …`.
fn fields(sources: &[(PathBuf, String)]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in sources.iter().filter(|it| is_code(&it.0)) {
        for line in text.lines() {
            if let Some((name, _)) = line.trim_start().strip_prefix("self.").and_then(|it| it.split_once(" = "))
                && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
                // A lock's name is evidence, by design.
                && !["lock", "cond", "sem", "mutex"].iter().any(|it| name.contains(it))
            {
                names.insert(name.to_owned());
            }
        }
    }
    // A module of that name would have to be renamed, too.
    names.retain(|it| sources.iter().all(|(path, _)| path.file_stem().is_none_or(|stem| stem != it.as_str())));
    names
}

/// `text` with every whole word `from` replaced.
fn renamed(text: &str, from: &str, to: &str) -> String {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        result.push_str(before);
        result.push_str(if whole { to } else { from });
        rest = after;
    }
    result + rest
}

#[test]
fn a_field_under_another_name_changes_no_finding() {
    let mut count = 0;
    for (name, sources) in programs() {
        let before = findings(&sources);
        for field in fields(&sources) {
            let other = format!("{field}_of_it");
            let changed: Vec<_> = sources.iter().map(|(path, text)| (path.clone(), renamed(text, &field, &other))).collect();
            let mut expected = before.clone();
            expected.iter_mut().for_each(|it| it.message = renamed(&it.message, &field, &other));
            expected.sort();
            assert_eq!(expected, findings(&changed), "{name}: {field}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count} fields were renamed");
}

#[test]
fn neither_threads_nor_the_order_of_paths_change_a_byte() {
    for (name, sources) in programs() {
        let root = tempfile::Builder::new().prefix("properties-").tempdir().expect("a directory for the test");
        let mut paths = Vec::new();
        for (path, text) in &sources {
            fs::create_dir_all(root.path().join(path).parent().unwrap_or(root.path())).expect("a folder for a source");
            fs::write(root.path().join(path), text).expect("a source can be written");
            if is_code(path) {
                paths.push(path.clone());
            }
        }
        let report = |paths: &[PathBuf], threads: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockset"));
            let output =
                command.args(["check", "--format", "json", "--threads", threads, "--no-cache"]).args(paths).current_dir(root.path()).output();
            let text = String::from_utf8(output.expect("lockset starts").stdout).expect("a report is text");
            text.lines().filter(|it| !it.contains("\"milliseconds\"")).collect::<Vec<_>>().join("\n")
        };
        let forward = report(&paths, "1");
        assert_eq!(forward, report(&paths, "4"), "{name}: threads");
        paths.reverse();
        assert_eq!(forward, report(&paths, "4"), "{name}: order");
    }
}

/// An object that comes back through a chain of functions of one module, whichever way round these are defined.
#[test]
fn the_order_of_definitions_changes_no_finding() {
    const COUNTER: &str = "\
import threading

class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.total = 0

    def add(self):
        with self.lock:
            self.total += 1

    def take(self):
        with self.lock:
            self.total -= 1

def reset():
    f0().total = 0

";
    let links = (0..20).map(|it| format!("def f{it}():\n    return f{}()\n\n", it + 1)).chain(["def f20():\n    return Counter()\n\n".to_string()]);
    let links: Vec<String> = links.collect();
    for chain in [links.concat(), links.iter().rev().cloned().collect()] {
        let found = findings(&[(PathBuf::from("m.py"), format!("{COUNTER}{chain}"))]);
        assert_eq!(found.iter().map(|it| (it.rule.as_str(), it.line)).collect::<Vec<_>>(), [("inconsistent-guard", 17)], "{chain}");
    }
}
