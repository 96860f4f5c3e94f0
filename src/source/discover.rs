//! Which files a run reads.
//!
//! A named file is always taken; a named directory is walked as `ripgrep` and Ruff walk: `.gitignore` and `.ignore`
//! are honoured (in a repository or not), hidden entries and the usual build and environment directories are left
//! out, and links are not followed, so the walk neither leaves the tree nor goes round in circles. What is reached
//! twice, through overlapping or repeated paths, is taken once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::{Globs, Skipped};
use crate::ir::Language;

/// Directories that hold what tools made, unless they are a module of the source ([`is_module`]).
///
/// Ruff's default excludes that are not hidden already, and Cargo's and Python's own.
const MADE_BY_TOOLS: &[&str] =
    &["__pycache__", "__pypackages__", "_build", "buck-out", "build", "dist", "node_modules", "site-packages", "target", "venv"];

#[derive(Clone, Debug, Default)]
pub struct DiscoverOptions {
    /// Take test files, too.
    pub include_tests: bool,
    /// What a walk leaves out.
    pub exclude: Globs,
    /// Leave out what is named, too, where a walk of the working directory would not come to it.
    pub force_exclude: bool,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// See [`super::SourceFile::path`].
    pub path: PathBuf,
    /// See [`super::SourceFile::name`].
    pub name: String,
    pub language: Language,
}

/// What a search gives, sorted by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    pub candidates: Vec<Candidate>,
    pub skipped: Vec<Skipped>,
    /// Files left out because they are tests.
    pub tests: usize,
}

/// A named path that cannot be searched.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct DiscoverError {
    pub path: PathBuf,
    pub reason: String,
}

/// Finds the files below `paths`.
pub fn discover(paths: &[PathBuf], options: &DiscoverOptions) -> Result<Discovery, DiscoverError> {
    let here = working_directory();
    let mut found = BTreeMap::new();
    let mut skipped = BTreeSet::new();
    let mut tests = BTreeSet::new();
    for given in paths {
        let root = resolve(given)?;
        if options.force_exclude && is_left_out(&root, &here, &options.exclude) {
            continue;
        }
        if !root.is_dir() {
            match language_of(&root) {
                Ok(language) if options.force_exclude && !options.include_tests && is_test(root.strip_prefix(&here).unwrap_or(&root), language) => {
                    tests.insert(root);
                }
                Ok(language) => {
                    found.insert(root, language);
                }
                Err(reason) => {
                    skipped.insert(Skipped { file: name_of(&root, &here), reason: reason.to_string() });
                }
            }
            continue;
        }
        let with_tests = options.include_tests || !options.force_exclude && names_tests(given);
        let base = if options.force_exclude && root.starts_with(&here) { &here } else { &root };
        for entry in walk(&root, &options.exclude) {
            match entry {
                Err(error) => {
                    skipped.insert(walk_error(&error, &root, &here));
                }
                Ok(entry) => {
                    let Some(language) = entry.file_type().filter(|it| it.is_file()).and_then(|_| language_of(entry.path()).ok()) else { continue };
                    if !with_tests && is_test(entry.path().strip_prefix(base).unwrap_or(entry.path()), language) {
                        tests.insert(entry.into_path());
                    } else {
                        found.insert(entry.into_path(), language);
                    }
                }
            }
        }
    }
    let tests = tests.iter().filter(|it| !found.contains_key(*it)).count();
    let mut candidates: Vec<_> = found.into_iter().map(|(path, language)| Candidate { name: name_of(&path, &here), path, language }).collect();
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Discovery { candidates, skipped: skipped.into_iter().collect(), tests })
}

/// The one file at `path`, if it is of a language that is read.
pub fn candidate(path: &Path) -> Result<Candidate, DiscoverError> {
    let resolved = resolve(path)?;
    let language = language_of(&resolved).map_err(|reason| DiscoverError { path: path.to_path_buf(), reason: reason.to_string() })?;
    Ok(Candidate { name: name_of(&resolved, &working_directory()), path: resolved, language })
}

/// A file of that name, whether there is one or not.
pub(super) fn named(path: &Path) -> Result<Candidate, &'static str> {
    let language = language_of(path)?;
    let here = working_directory();
    let full = here.join(path);
    // What is there of the directories above it, with links resolved, as all paths are.
    let above = full.ancestors().skip(1).find_map(|it| Some((it, it.canonicalize().ok()?)));
    let resolved = above.and_then(|(given, real)| Some(real.join(full.strip_prefix(given).ok()?))).unwrap_or_else(|| full.clone());
    Ok(Candidate { name: name_of(&resolved, &here), path: resolved, language })
}

fn resolve(given: &Path) -> Result<PathBuf, DiscoverError> {
    given.canonicalize().map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_string(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
            _ => error.to_string(),
        };
        DiscoverError { path: given.to_path_buf(), reason }
    })
}

/// With its links resolved, as the paths compared with it are. Empty (nothing lies below it) if it is gone.
pub(super) fn working_directory() -> PathBuf {
    std::env::current_dir().and_then(|it| it.canonicalize()).unwrap_or_default()
}

/// What lies below `root`, in no order.
fn walk(root: &Path, exclude: &Globs) -> Vec<Result<DirEntry, ignore::Error>> {
    let exclude = exclude.clone();
    let walker = WalkBuilder::new(root)
        .threads(rayon::current_num_threads())
        .follow_links(false)
        .require_git(false)
        .filter_entry(move |entry| {
            let is_directory = entry.file_type().is_some_and(|it| it.is_dir());
            let is_made = || is_directory && is_made_by_tools(entry.file_name()) && !is_module(entry.path());
            entry.depth() == 0 || !exclude.match_entry(entry.path(), is_directory) && !is_made()
        })
        .build_parallel();
    let (found, entries) = mpsc::channel();
    walker.run(|| {
        let found = found.clone();
        Box::new(move |entry| match found.send(entry) {
            Ok(()) => WalkState::Continue,
            Err(_) => WalkState::Quit,
        })
    });
    drop(found);
    entries.into_iter().collect()
}

/// Whether a walk of `here` passes by `path`, or by a directory that it is in.
fn is_left_out(path: &Path, here: &Path, exclude: &Globs) -> bool {
    let is_hidden = |it: &Path| it.file_name().and_then(OsStr::to_str).is_some_and(|it| it.starts_with('.'));
    let passes_by = |it: &Path| {
        let is_directory = it != path || it.is_dir();
        let is_made = || is_directory && it.file_name().is_some_and(is_made_by_tools) && !is_module(it);
        is_hidden(it) || exclude.match_entry(it, is_directory) || is_made()
    };
    match path.starts_with(here) {
        true => path.ancestors().take_while(|it| *it != here).any(passes_by),
        false => exclude.match_file(path),
    }
}

fn is_made_by_tools(name: &OsStr) -> bool {
    name.to_str().is_some_and(|it| MADE_BY_TOOLS.binary_search(&it).is_ok())
}

/// A directory of the source that only has the name of a build directory: `src/build/mod.rs`, `src/target.rs` and
/// `src/target/` (but `build.rs` beside a `Cargo.toml` is no module), `src/build/__init__.py`.
fn is_module(directory: &Path) -> bool {
    directory.join("mod.rs").is_file()
        || directory.join("__init__.py").is_file()
        || directory.with_extension("rs").is_file() && !directory.with_file_name("Cargo.toml").is_file()
}

fn walk_error(error: &ignore::Error, root: &Path, here: &Path) -> Skipped {
    let file = error_path(error).map_or_else(|| name_of(root, here), |it| name_of(it, here));
    let reason = match error.io_error() {
        Some(error) if error.kind() == std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        Some(error) => error.to_string(),
        None => error.to_string(),
    };
    Skipped { file, reason }
}

/// The path an error of the walk carries: it is wrapped a few layers deep.
fn error_path(mut error: &ignore::Error) -> Option<&Path> {
    loop {
        match error {
            ignore::Error::WithPath { path, .. } => return Some(path),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error = err,
            _ => return None,
        }
    }
}

fn language_of(path: &Path) -> Result<Language, &'static str> {
    match path.extension().and_then(OsStr::to_str) {
        Some("py") => Ok(Language::Python),
        Some("rs") => Ok(Language::Rust),
        Some("pyi") => Err("a stub file: it declares, and does nothing"),
        _ => Err("neither a .py nor a .rs file"),
    }
}

/// `path` relative to `here` where it lies below it, with `/`.
pub(super) fn name_of(path: &Path, here: &Path) -> String {
    let shown = path.strip_prefix(here).unwrap_or(path);
    if std::path::MAIN_SEPARATOR == '/' {
        shown.to_string_lossy().into_owned()
    } else {
        shown.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// Whether `path`, relative to the directory that was named, is a test by the habits of pytest and Cargo.
fn is_test(path: &Path, language: Language) -> bool {
    let directories: &[&str] = match language {
        Language::Python => &["tests"],
        Language::Rust => &["tests", "benches"],
    };
    let in_directory = path.parent().is_some_and(|it| it.iter().any(|part| directories.iter().any(|name| part == *name)));
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or("");
    let by_name = language == Language::Python && (name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py");
    in_directory || by_name
}

/// Who names a directory of tests (`lockset check tests/unit`) means the tests.
fn names_tests(given: &Path) -> bool {
    given.is_relative() && given.components().any(|it| matches!(it, Component::Normal(name) if name == "tests" || name == "benches"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes empty `files` (a `.gitignore` gets `secret/`), searches `roots`, and gives the names found.
    fn check(files: &[&str], roots: &[&str], options: &DiscoverOptions) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        for name in files {
            let path = base.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, if name.ends_with(".gitignore") { "secret/\n" } else { "" }).unwrap();
        }
        let roots: Vec<PathBuf> = roots.iter().map(|it| base.join(it)).collect();
        let found = discover(&roots, options).unwrap();
        found.candidates.iter().map(|it| it.path.strip_prefix(&base).unwrap().to_str().unwrap().to_string()).collect()
    }

    const TREE: &[&str] = &[
        ".gitignore",
        ".hidden/a.py",
        "app/a.py",
        "app/a.pyi",
        "app/b.txt",
        "app/build/c.py",
        "app/dist/__init__.py",
        "crate/Cargo.toml",
        "crate/build.rs",
        "crate/build/made.rs",
        "secret/d.py",
        "src/build/mod.rs",
        "src/lib.rs",
        "src/target.rs",
        "src/target/e.rs",
        "target/debug/f.rs",
        "venv/g.py",
    ];

    #[test]
    fn what_a_walk_takes() {
        let expect = ["app/a.py", "app/dist/__init__.py", "crate/build.rs", "src/build/mod.rs", "src/lib.rs", "src/target.rs", "src/target/e.rs"];
        assert_eq!(check(TREE, &["."], &DiscoverOptions::default()), expect);
    }

    #[test]
    fn what_is_named_is_taken() {
        assert_eq!(check(TREE, &["secret/d.py", ".hidden/a.py", "venv"], &DiscoverOptions::default()), [".hidden/a.py", "secret/d.py", "venv/g.py"]);
    }

    #[test]
    fn what_is_reached_twice_is_taken_once() {
        assert_eq!(check(TREE, &["app", "app/a.py", "app/a.py", "."], &DiscoverOptions::default()).len(), 7);
    }

    #[test]
    fn tests_are_left_out() {
        let files = ["a.py", "a_test.py", "benches/b.rs", "conftest.py", "examples/e.rs", "test_a.py", "tests/t.rs", "tests/u.py"];
        assert_eq!(check(&files, &["."], &DiscoverOptions::default()), ["a.py", "examples/e.rs"]);
        assert_eq!(check(&files, &["."], &DiscoverOptions { include_tests: true, ..DiscoverOptions::default() }), files);
        assert_eq!(check(&files, &["tests/u.py", "tests"], &DiscoverOptions::default()), ["tests/t.rs", "tests/u.py"]);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(MADE_BY_TOOLS.is_sorted());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("o.py"), "").unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a.py"), "").unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("round")).unwrap();
        std::os::unix::fs::symlink(outside.path(), directory.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("o.py"), directory.path().join("o.py")).unwrap();
        let found = discover(&[directory.path().to_path_buf()], &DiscoverOptions::default()).unwrap();
        assert_eq!((found.candidates.len(), found.skipped.len()), (1, 0));
    }
}
