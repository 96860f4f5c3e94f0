//! `--since REV`, with the real git.

use std::fs;
use std::path::Path;
use std::process::Command;

use predicates::str::{contains, is_empty};
use serde_json::Value;
use tempfile::TempDir;

/// Runs git as nobody in particular, and without the configuration of this machine.
fn git(directory: &Path, arguments: &[&str]) {
    let mut command = isolated(Command::new("git"), directory);
    command.args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn isolated(mut command: Command, directory: &Path) -> Command {
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command.env("GIT_CEILING_DIRECTORIES", directory.parent().unwrap()).current_dir(directory);
    command
}

fn check(directory: &Path, since: &str) -> assert_cmd::Command {
    let mut command = isolated(Command::new(env!("CARGO_BIN_EXE_lockset")), directory);
    command.args(["check", "--since", since]);
    assert_cmd::Command::from_std(command)
}

/// `file:line` of what is found.
fn found(directory: &Path, since: &str) -> Vec<String> {
    let output = check(directory, since).args(["--format", "json"]).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|it| format!("{}:{}", it["file"].as_str().unwrap(), it["range"]["start"]["line"])).collect()
}

/// Two functions with a lock that keeps nobody out; `more` stands between them.
fn signer(more: &str) -> String {
    let function = |name: &str| format!("def {name}(request):\n    with threading.Lock():\n        request.sign()\n\n");
    format!("import threading\n\n{}{more}{}", function("first"), function("second"))
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn commit(directory: &Path) {
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "--quiet", "--message", "x"]);
}

/// A repository whose `main` has `a.py`, on a branch of its own.
fn repository() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    git(directory.path(), &["init", "--quiet"]);
    write(directory.path(), "a.py", &signer(""));
    commit(directory.path());
    git(directory.path(), &["tag", "v1"]);
    git(directory.path(), &["checkout", "--quiet", "-b", "topic"]);
    directory
}

#[test]
fn committed_staged_unstaged_and_untracked() {
    let repository = repository();
    let root = repository.path();
    assert_eq!(found(root, "main"), [""; 0]);
    write(root, "a.py", &signer("x = 1\n\n").replace("second(request)", "second(request, day)"));
    assert_eq!(found(root, "main"), [""; 0], "the statement itself is as it was");
    write(
        root,
        "a.py",
        &signer("x = 1\n\n").replace("def second(request):\n    with threading.Lock()", "def second(request):\n    with threading.RLock()"),
    );
    assert_eq!(found(root, "main"), ["a.py:10"]);
    git(root, &["add", "a.py"]);
    assert_eq!(found(root, "main"), ["a.py:10"]);
    commit(root);
    assert_eq!(found(root, "main"), ["a.py:10"]);
    assert_eq!(found(root, "HEAD"), [""; 0]);
    write(root, "new.py", &signer(""));
    write(root, "ignored.py", &signer(""));
    write(root, ".gitignore", "ignored.py\n");
    assert_eq!(found(root, "HEAD"), ["new.py:4", "new.py:8"]);
    assert_eq!(found(root, "main"), ["a.py:10", "new.py:4", "new.py:8"]);
}

#[test]
fn every_way_to_name_a_revision() {
    let repository = repository();
    let root = repository.path();
    write(root, "a.py", &signer("").replacen("Lock()", "RLock()", 1));
    commit(root);
    let hash = String::from_utf8(isolated(Command::new("git"), root).args(["rev-parse", "v1"]).output().unwrap().stdout).unwrap();
    for since in ["main", "main...", "v1", hash.trim(), &hash[..8], "HEAD~1", "topic~1", "@{-1}"] {
        assert_eq!(found(root, since), ["a.py:4"], "{since}");
    }
    let sub = root.join("sub");
    fs::create_dir(&sub).unwrap();
    let output = check(&sub, "main").args(["--format", "concise", "--quiet", "../a.py"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

#[test]
fn what_the_other_branch_did_is_no_change_of_this_one() {
    let repository = repository();
    let root = repository.path();
    git(root, &["checkout", "--quiet", "main"]);
    write(root, "a.py", &signer("").replacen("Lock()", "RLock()", 1));
    commit(root);
    git(root, &["checkout", "--quiet", "topic"]);
    assert_eq!(found(root, "main"), [""; 0]);
    write(root, "b.py", "x = 1\n");
    commit(root);
    assert_eq!(found(root, "main"), [""; 0]);
}

#[test]
fn another_place_of_the_finding_is_enough() {
    let repository = repository();
    let root = repository.path();
    let metrics = "import threading\n\nclass Metrics:\n    def __init__(self):\n        self._lock = threading.Lock()\n        self.total = 0\n\n    \
        def inc(self, by):\n        self.total += by(1)\n\n    def reset(self):\n        self.total = 0\n";
    write(root, "m.py", metrics);
    commit(root);
    write(root, "m.py", &metrics.replace("        self.total = 0\n", "        with self._lock:\n            self.total = 0\n"));
    assert!(found(root, "HEAD").contains(&"m.py:10".to_owned()), "{:?}", found(root, "HEAD"));
}

#[test]
fn what_was_taken_out_changes_what_stands_beside_it() {
    let repository = repository();
    let root = repository.path();
    write(
        root,
        "a.py",
        &signer("").replacen("def first", "@locked\n@logged\ndef first", 1).replace("import threading\n", "import threading\nx = 1\n"),
    );
    commit(root);
    write(root, "a.py", &signer("").replacen("    with", "    begin()\n    with", 1));
    commit(root);
    write(root, "a.py", &signer(""));
    assert_eq!(found(root, "HEAD"), ["a.py:4"]);
}

#[test]
fn renamed_files_and_odd_names() {
    let repository = repository();
    let root = repository.path();
    for name in ["größe und \"mehr\".py", "b/it's.py", "-x.py", "a\tb.py", "b/c.py"] {
        git(root, &["checkout", "--quiet", "--force", "main"]);
        git(root, &["checkout", "--quiet", "-B", "topic"]);
        write(root, "keep", "");
        fs::create_dir_all(root.join("b")).unwrap();
        git(root, &["mv", "--", "a.py", name]);
        commit(root);
        assert_eq!(found(root, "main"), [""; 0], "{name}");
        write(root, name, &signer("").replacen("Lock()", "RLock()", 1));
        assert_eq!(found(root, "main"), [format!("{name}:4")]);
        commit(root);
        assert_eq!(found(root, "main"), [format!("{name}:4")]);
        write(root, name, &signer("x = 1\n"));
        assert_eq!(found(root, "HEAD"), [format!("{name}:4")]);
        git(root, &["checkout", "--quiet", "--force", "topic"]);
    }
    write(root, "ü \"2\".py", &signer(""));
    assert_eq!(found(root, "HEAD"), ["ü \"2\".py:4", "ü \"2\".py:8"]);
}

#[test]
fn the_user_s_configuration_of_git_changes_nothing() {
    let repository = repository();
    let root = repository.path();
    let settings = [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.context", "9"),
        ("diff.interHunkContext", "9"),
        ("diff.external", "false"),
        ("diff.renames", "false"),
        ("diff.relative", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "false"),
        ("core.fsmonitor", "false-and-not-there"),
        ("core.autocrlf", "input"),
    ];
    for (name, value) in settings {
        git(root, &["config", name, value]);
    }
    write(root, "a.py", &signer("").replacen("Lock()", "RLock()", 1).replace('\n', "\r\n"));
    write(root, "größe.py", &signer(""));
    git(root, &["add", "größe.py"]);
    assert_eq!(found(root, "main"), ["a.py:4", "größe.py:4", "größe.py:8"]);
}

#[test]
fn worktrees() {
    let repository = repository();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    git(repository.path(), &["worktree", "add", "--quiet", tree.to_str().unwrap(), "-b", "other", "main"]);
    write(&tree, "a.py", &signer("").replacen("Lock()", "RLock()", 1));
    assert_eq!(found(&tree, "main"), ["a.py:4"]);
    assert_eq!(found(repository.path(), "main"), [""; 0]);
}

#[test]
fn a_merge_that_is_not_done() {
    let repository = repository();
    let root = repository.path();
    write(root, "a.py", &signer("").replacen("Lock()", "RLock()", 1));
    write(root, "c.py", &signer(""));
    commit(root);
    git(root, &["checkout", "--quiet", "main"]);
    write(root, "a.py", &signer("").replacen("Lock()", "Lock(  )", 1));
    commit(root);
    let merge = isolated(Command::new("git"), root).args(["-c", "user.name=A", "-c", "user.email=a@b", "merge", "topic"]).output().unwrap();
    assert!(!merge.status.success());
    assert!(found(root, "HEAD").contains(&"c.py:4".to_owned()));
}

#[test]
fn shallow_clones_say_what_to_fetch() {
    let repository = repository();
    let root = repository.path();
    write(root, "b.py", "x = 1\n");
    commit(root);
    let other = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.display());
    git(other.path(), &["clone", "--quiet", "--depth", "1", "--branch", "topic", &url, "clone"]);
    let clone = other.path().join("clone");
    check(&clone, "origin/main")
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("no revision is called so in this shallow clone; fetch it with `git fetch"));
    git(&clone, &["fetch", "--quiet", "--depth", "1", "origin", "main:refs/remotes/origin/main"]);
    check(&clone, "origin/main")
        .assert()
        .code(2)
        .stderr(contains("does not reach back to where the branch left it; fetch more with `git fetch --unshallow`"));
    git(&clone, &["fetch", "--quiet", "--unshallow"]);
    assert_eq!(found(&clone, "origin/main"), [""; 0]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let repository = repository();
    let root = repository.path();
    let fails = |since: &str, expect: &str| {
        check(root, since).assert().code(2).stdout(is_empty()).stderr(contains(expect));
    };
    fails("no-such", "lockset: error: `--since no-such`: no revision is called so\n");
    fails("main..topic", "give one revision");
    fails("--output=hacked", "no revision is called so");
    fails("HEAD:a.py", "no revision is called so");
    assert!(!root.join("hacked").exists());
    git(root, &["checkout", "--quiet", "--orphan", "apart"]);
    write(root, "b.py", "x = 1\n");
    commit(root);
    fails("main", "it has no history in common with HEAD");
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "a.py", "");
    check(outside.path(), "main").assert().code(2).stderr(contains("lockset: error: `--since` needs a git repository: .: not a git repository"));
    check(outside.path(), "main").arg("no/such.py").assert().code(2).stderr(contains("no/such.py: no such file"));
    check(root, "main").env("PATH", outside.path()).assert().code(2).stderr("lockset: error: `--since` needs git, which is not there\n");
}
