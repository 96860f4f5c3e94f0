//! What the tests of the command line share: a tree of sources, and lockset run in it.

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A program with a lost update in it, in line 9.
pub const METRICS: &str = "\
import threading

class Metrics:
    def __init__(self):
        self._lock = threading.Lock()
        self.total = 0

    def inc(self):
        self.total += 1

    def reset(self):
        with self._lock:
            self.total = 0

    def add(self, n):
        with self._lock:
            self.total += n
";

/// A directory with `files`.
pub fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

/// [`METRICS`] as `app/metrics.py`.
pub fn metrics() -> TempDir {
    tree(&[("app/metrics.py", METRICS)])
}

/// `lockset`, in `directory`, in a known environment.
pub fn lockset(directory: &(impl AsRef<Path> + ?Sized)) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockset"));
    command.current_dir(directory).timeout(Duration::from_secs(120));
    for variable in ["LOCKSET_CACHE_DIR", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "GITHUB_STEP_SUMMARY", "NO_GRAPHICS"] {
        command.env_remove(variable);
    }
    command
}

/// The same with arguments.
pub fn lockset_with(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = lockset(directory);
    command.args(arguments);
    command
}

/// What a command prints, as JSON.
pub fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}
