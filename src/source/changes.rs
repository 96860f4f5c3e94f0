//! Which lines changed since a revision, as git knows it.
//!
//! The executable is asked, as all hooks and CI steps do: it knows the repository's formats, filters, worktrees and
//! configuration, and libraries that know as much are larger than lockset. What it prints is read by `diffy`.
//!
//! *Since* is since the branch left the revision: what counts is the difference between the working tree and the merge
//! base of the revision and `HEAD`. So what others did to `main` in the meantime is no change of this branch, and for an
//! ancestor (a tag, `HEAD~3`) the merge base is the revision itself. Committed, staged and unstaged changes count, and so
//! do untracked files that are not ignored.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use rustc_hash::FxHashMap;

use super::Files;
use crate::finding::Location;

/// Lines by file.
#[derive(Clone, Debug, Default)]
pub struct Changes(FxHashMap<PathBuf, Changed>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Changed {
    Whole,
    /// Half-open ranges of lines, from 0, in order.
    Lines(Vec<std::ops::Range<usize>>),
}

/// Why it is not known what changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    #[error("`--since` needs git, which is not there")]
    NoGit,
    #[error("`--since` needs a git repository: {}: {reason}", path.display())]
    NoRepository { path: PathBuf, reason: String },
    #[error("`--since {0}`: give one revision; the changes from there to the working tree are what counts")]
    Range(String),
    #[error("`--since {0}`: no revision is called so")]
    Unknown(String),
    #[error("`--since {0}`: no revision is called so in this shallow clone; fetch it with `git fetch --unshallow` or `git fetch origin {0}`")]
    UnknownShallow(String),
    #[error("`--since {0}`: it has no history in common with HEAD")]
    Unrelated(String),
    #[error("`--since {0}`: this shallow clone does not reach back to where the branch left it; fetch more with `git fetch --unshallow`")]
    Shallow(String),
    #[error("git {command} failed: {reason}")]
    Git { command: String, reason: String },
    #[error("what git diff printed cannot be read: {0}")]
    Diff(String),
}

/// The lines changed since `revision` in the repositories that `paths` lie in.
pub fn changes(paths: &[PathBuf], revision: &str) -> Result<Changes, ChangesError> {
    // `origin/main...` is what git diff calls the same.
    let revision = revision.strip_suffix("...").unwrap_or(revision);
    if revision.contains("..") {
        return Err(ChangesError::Range(revision.to_string()));
    }
    // No name of a revision begins so, but options do.
    if revision.is_empty() || revision.starts_with('-') {
        return Err(ChangesError::Unknown(revision.to_string()));
    }
    let mut tops: Vec<PathBuf> = Vec::new();
    // Of a path that is not there, the run itself will tell.
    for path in paths.iter().filter(|it| it.exists()) {
        let top = top_of(path)?;
        if !tops.contains(&top) {
            tops.push(top);
        }
    }
    let mut changes = Changes::default();
    for top in tops {
        let base = merge_base(&top, revision)?;
        let diff = ["diff", "--unified=0", "--inter-hunk-context=0", "--find-renames", "--no-color", "--no-ext-diff", "--no-textconv"];
        let form = ["--src-prefix=a/", "--dst-prefix=b/", "--no-relative", "--ignore-submodules=all", &base, "--", "*.py", "*.rs"];
        changes.add_diff(&top, &run(&top, diff.into_iter().chain(form))?)?;
        let untracked = run(&top, ["ls-files", "--others", "--exclude-standard", "-z", "--", "*.py", "*.rs"])?;
        for name in untracked.split(|it| *it == 0).filter(|it| !it.is_empty()) {
            changes.0.insert(resolved(&top, name), Changed::Whole);
        }
    }
    Ok(changes)
}

impl Changes {
    /// Whether a line of the place was changed.
    pub fn has(&self, files: &Files, at: Location) -> bool {
        match self.0.get(&files.get(at.file).path) {
            None => false,
            Some(Changed::Whole) => true,
            Some(Changed::Lines(changed)) => {
                let (first, last) = (files.start(at).line - 1, files.end(at).line - 1);
                let next = changed.partition_point(|it| it.end <= first);
                changed.get(next).is_some_and(|it| it.start <= last)
            }
        }
    }

    /// Adds what a diff without context says of the files below `top`.
    fn add_diff(&mut self, top: &Path, diff: &[u8]) -> Result<(), ChangesError> {
        // No patch at all is an error of the parser's.
        if diff.trim_ascii().is_empty() {
            return Ok(());
        }
        for patch in PatchSet::parse_bytes(diff, ParseOptions::gitdiff()) {
            let patch = patch.map_err(|error| ChangesError::Diff(error.to_string()))?;
            let Some(text) = patch.patch().as_text() else { continue };
            let prefixed = |name: &[u8]| name.strip_prefix(b"b/").unwrap_or(name).to_vec();
            let name = match patch.operation() {
                FileOperation::Delete(_) => continue,
                FileOperation::Create(name) => prefixed(name),
                FileOperation::Modify { modified, .. } => prefixed(modified),
                FileOperation::Rename { to, .. } | FileOperation::Copy { to, .. } => to.to_vec(),
            };
            let lines = text.hunks().iter().map(|hunk| {
                let new = hunk.new_range();
                // Where lines were taken out, those on either side are another code than before. `+c,0` is behind line c.
                if new.is_empty() { new.start().saturating_sub(1)..new.start() + 1 } else { new.start() - 1..new.start() - 1 + new.len() }
            });
            self.0.insert(resolved(top, &name), Changed::Lines(lines.collect()));
        }
        Ok(())
    }
}

/// The top of the working tree that has `path`.
fn top_of(path: &Path) -> Result<PathBuf, ChangesError> {
    let directory = if path.is_dir() { path } else { path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")) };
    let output = git(directory, ["rev-parse", "--show-toplevel"])?;
    if !output.status.success() {
        return Err(ChangesError::NoRepository { path: path.to_path_buf(), reason: reason(&output) });
    }
    let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    Ok(resolved(Path::new(""), line))
}

/// The commit from which on changes count.
fn merge_base(top: &Path, revision: &str) -> Result<String, ChangesError> {
    let is_shallow = || run(top, ["rev-parse", "--is-shallow-repository"]).is_ok_and(|it| it.starts_with(b"true"));
    let name = revision.to_string();
    let commit = git(top, ["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
    if !commit.status.success() {
        return Err(if is_shallow() { ChangesError::UnknownShallow(name) } else { ChangesError::Unknown(name) });
    }
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_string();
    let base = git(top, ["merge-base", &commit, "HEAD"])?;
    if !base.status.success() {
        return Err(if is_shallow() { ChangesError::Shallow(name) } else { ChangesError::Unrelated(name) });
    }
    Ok(String::from_utf8_lossy(&base.stdout).trim().to_string())
}

/// What git prints; an error if it fails.
fn run<'a>(directory: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, ChangesError> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    let output = git(directory, arguments.iter().copied())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(ChangesError::Git { command: arguments.first().unwrap_or(&"").to_string(), reason: reason(&output) })
}

/// Runs git in a directory: without a pager, without hooks of the file system, and without writing to the index.
fn git<'a>(directory: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Output, ChangesError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false"]).args(arguments);
    command.env_remove("GIT_DIFF_OPTS").env("LC_ALL", "C");
    // Hooks have it relative to where they run, which is not where this does.
    if std::env::var_os("GIT_DIR").is_some_and(|it| Path::new(&it).is_relative()) {
        command.env_remove("GIT_DIR");
    }
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => ChangesError::NoGit,
        _ => ChangesError::Git { command: "start".to_string(), reason: error.to_string() },
    })
}

/// The last line of what git complains of.
fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|it| it.starts_with("fatal:") || it.starts_with("error:")).or(text.lines().last()).unwrap_or("");
    line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_string()
}

/// A name that git gives, as [`super::SourceFile::path`] has it.
fn resolved(top: &Path, name: &[u8]) -> PathBuf {
    let path = top.join(path_of(name));
    path.canonicalize().unwrap_or(path)
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::new(String::from_utf8_lossy(name).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(diff: &str) -> Vec<(String, Changed)> {
        let mut changes = Changes::default();
        changes.add_diff(Path::new("/no/such"), diff.as_bytes()).unwrap();
        let mut all: Vec<_> = changes.0.into_iter().map(|(path, it)| (path.strip_prefix("/no/such").unwrap().display().to_string(), it)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    #[test]
    fn lines_of_a_diff() {
        let diff = "\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -2 +2 @@ class A:
-x
+y
@@ -9,0 +10,3 @@ def f():
+--- a
++++ b
+@@ -1 +1 @@
@@ -20,2 +23,0 @@
-a
-b
diff --git \"a/gr\\303\\266\\303\\237e \\\"1\\\".py\" \"b/gr\\303\\266\\303\\237e \\\"1\\\".py\"
new file mode 100644
--- /dev/null
+++ \"b/gr\\303\\266\\303\\237e \\\"1\\\".py\"
@@ -0,0 +1 @@
+x
\\ No newline at end of file
";
        let first = Changed::Lines(std::iter::once(0..1).collect());
        assert_eq!(check(diff), [("a.py".to_string(), Changed::Lines(vec![1..2, 9..12, 22..24])), ("größe \"1\".py".to_string(), first)]);
    }

    #[test]
    fn what_cannot_be_a_revision() {
        let error = |revision: &str| changes(&[PathBuf::from(".")], revision).unwrap_err().to_string();
        assert_eq!(error("--output=x"), "`--since --output=x`: no revision is called so");
        assert_eq!(error(""), "`--since `: no revision is called so");
        assert!(error("a..b").contains("give one revision"));
    }
}
