//! Reports made by hand, for the tests of the formats.

use std::time::Duration;

use super::{Report, Stats};
use crate::finding::review::{Answer, StateReview, Verdict, settle};
use crate::finding::{Applicability, Confidence, Edit, Evidence, EvidenceKind, FileId, Finding, Fix, Label, Location, Role, Rule, Severity, Step};
use crate::ir::{Language, Range};
use crate::source::{Files, Skipped, SourceFile};

const METRICS: &str = r#"import threading


class Metrics:
    def __init__(self):
        self._lock = threading.Lock()
        self._requests_total = 0
        self._errors_total = 0

    def inc_requests(self):
        self._requests_total += 1

    def inc_errors(self):
        with self._lock:
            self._errors_total += 1

    def snapshot(self):
        with self._lock:
            requests = self._requests_total
        with self._lock:
            errors = self._errors_total
        return {"requests": requests, "errors": errors}
"#;

const SERVER: &str = r#"from concurrent.futures import ThreadPoolExecutor

from app.metrics import metrics

pool = ThreadPoolExecutor(max_workers=8)


def handle(request):
    metrics.inc_requests()
    return request.reply()


def serve(requests):
    for request in requests:
        pool.submit(handle, request)
"#;

const BANK: &str = r#"use std::sync::Mutex;

pub struct Bank {
    accounts: Mutex<Vec<u64>>,
    journal: Mutex<Vec<String>>,
}

impl Bank {
    pub fn deposit(&self, account: usize, amount: u64) {
        let mut accounts = self.accounts.lock().unwrap();
        accounts[account] += amount;
        self.journal.lock().unwrap().push(format!("deposit {amount}"));
    }

    pub fn replay(&self) {
        let journal = self.journal.lock().unwrap();
        for entry in journal.iter() {
            self.apply(entry);
        }
    }

    fn apply(&self, entry: &str) {
        let mut accounts = self.accounts.lock().unwrap();
        accounts[0] += entry.len() as u64;
    }
}
"#;

const fn rule(name: &'static str, group: &'static str, severity: Severity, page: &'static str) -> Rule {
    Rule { name, group, severity, languages: &[Language::Python, Language::Rust], summary: "What the rule finds", page }
}

static RULES: [Rule; 3] = [
    rule("lock-order", "deadlock", Severity::Error, "# lock-order\n\nLocks taken in orders that form a `cycle`.\n"),
    rule("split-snapshot", "snapshot", Severity::Warning, "# split-snapshot\n\nValues read apart.\n"),
    rule("unguarded-update", "race", Severity::Error, "# unguarded-update\n\nA *lost* update.\n"),
];

/// The tables of the sample files.
struct Tree {
    files: Files,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let language = |name: &str| if name.ends_with(".rs") { Language::Rust } else { Language::Python };
        Tree { files: Files::new(files.iter().map(|(name, text)| SourceFile::from_text(name, text, language(name))).collect()) }
    }

    /// The `nth` place (from 0) of `text` in a file.
    fn at(&self, file: u32, text: &str, nth: usize) -> Location {
        let file = FileId(file);
        let (start, _) = self.files.get(file).text().match_indices(text).nth(nth).expect("the sample has this text");
        Location { file, range: Range::new(start, start + text.len()) }
    }
}

/// The sample files.
fn sources() -> Tree {
    Tree::new(&[("app/metrics.py", METRICS), ("app/server.py", SERVER), ("src/bank.rs", BANK)])
}

/// A report of what is in `tree`.
fn about(tree: Tree, findings: Vec<Finding>) -> Report {
    Report { files: tree.files, rules: RULES.iter().collect(), findings, ..Report::default() }
}

fn label(location: Location, role: Role, message: &str) -> Label {
    Label { location, role, message: message.to_string() }
}

fn evidence(kind: EvidenceKind, message: &str, location: Option<Location>) -> Evidence {
    Evidence { kind, message: message.to_string(), location }
}

fn step(thread: char, location: Location, does: &str) -> Step {
    Step { thread, location, does: does.to_string() }
}

/// What a format must stand: all there is, text that is hostile or wide, and nothing.
pub fn all() -> [Report; 4] {
    [report(), hostile(), wide(), Report::default()]
}

/// Three findings in two languages, with all that a finding can have.
pub fn report() -> Report {
    let tree = sources();
    let findings = vec![unguarded_update(&tree), split_snapshot(&tree), lock_order(&tree)];
    let stats = Stats { files: 3, parsed: 3, cached: 0, lines: 1234, duration: Duration::from_millis(48), ..Stats::default() };
    let skipped = vec![
        Skipped { file: "app/broken.py".to_string(), reason: "line 3, column 5: expected `:`".to_string() },
        Skipped { file: "app/legacy.py".to_string(), reason: "not UTF-8 at byte 118".to_string() },
    ];
    Report { skipped, stats, ..about(tree, findings) }
}

fn unguarded_update(tree: &Tree) -> Finding {
    let update = tree.at(0, "self._requests_total += 1", 0);
    Finding {
        rule: "unguarded-update",
        group: "race",
        severity: Severity::Error,
        confidence: Confidence::High,
        message: "`Metrics._requests_total` is updated without `Metrics._lock`, which guards it elsewhere".to_string(),
        help: "hold `self._lock` around the update: `with self._lock:`".to_string(),
        location: update,
        caption: "read, then written back, with no lock held".to_string(),
        symbol: "Metrics.inc_requests".to_string(),
        state: Some("Metrics._requests_total".to_string()),
        locks: vec!["Metrics._lock".to_string()],
        labels: vec![
            label(tree.at(0, "requests = self._requests_total", 0), Role::OtherAccess, "read here with `Metrics._lock` held"),
            label(tree.at(1, "metrics.inc_requests()", 0), Role::Call, "called here"),
            label(tree.at(1, "pool.submit(handle, request)", 0), Role::Spawn, "runs on the threads of a pool from here"),
        ],
        evidence: vec![
            evidence(
                EvidenceKind::GuardedElsewhere,
                "`Metrics._lock` is held at 1 of the 2 other places that touch `Metrics._requests_total`",
                Some(tree.at(0, "with self._lock:", 1)),
            ),
            evidence(
                EvidenceKind::ThreadTarget,
                "`handle` runs on several threads at once, and calls `Metrics.inc_requests`",
                Some(tree.at(1, "pool.submit(handle, request)", 0)),
            ),
            evidence(
                EvidenceKind::Caveat,
                "with the GIL of today's builds this statement seldom loses an update; nothing guarantees it, and free-threaded builds lose it",
                None,
            ),
        ],
        interleaving: vec![
            step('A', update, "reads 5"),
            step('B', update, "reads 5"),
            step('B', update, "writes 6"),
            step('A', update, "writes 6: the update of B is lost"),
        ],
        fix: Some(Fix {
            applicability: Applicability::Safe,
            message: "put the update into `with self._lock:`".to_string(),
            edits: vec![Edit { location: update, replacement: "with self._lock:\n            self._requests_total += 1".to_string() }],
        }),
        fingerprint: "0123456789abcdef".to_string(),
    }
}

fn split_snapshot(tree: &Tree) -> Finding {
    let returned = tree.at(0, r#"return {"requests": requests, "errors": errors}"#, 0);
    Finding {
        rule: "split-snapshot",
        group: "snapshot",
        severity: Severity::Warning,
        confidence: Confidence::Medium,
        message: "`Metrics._requests_total` and `Metrics._errors_total` are read in two critical sections and returned together".to_string(),
        help: "read both in one `with self._lock:`".to_string(),
        location: returned,
        caption: "put together here".to_string(),
        symbol: "Metrics.snapshot".to_string(),
        state: Some("Metrics._requests_total".to_string()),
        locks: vec!["Metrics._lock".to_string()],
        labels: vec![
            label(tree.at(0, "self._requests_total", 2), Role::Read, "first read"),
            label(tree.at(0, "self._errors_total", 2), Role::Read, "second read; the lock was given up in between"),
        ],
        evidence: vec![evidence(EvidenceKind::OwnsLock, "`Metrics` owns a lock", Some(tree.at(0, "self._lock = threading.Lock()", 0)))],
        interleaving: Vec::new(),
        fix: None,
        fingerprint: "00000000000000aa".to_string(),
    }
}

fn lock_order(tree: &Tree) -> Finding {
    let wanted = tree.at(2, "self.journal.lock()", 0);
    let held = tree.at(2, "self.accounts.lock()", 0);
    let other_held = tree.at(2, "self.journal.lock()", 1);
    let other_wanted = tree.at(2, "self.accounts.lock()", 1);
    Finding {
        rule: "lock-order",
        group: "deadlock",
        severity: Severity::Error,
        confidence: Confidence::High,
        message: "`Bank::deposit` takes `Bank.accounts` then `Bank.journal`, `Bank::replay` takes them the other way round".to_string(),
        help: "take `Bank.accounts` before `Bank.journal` everywhere".to_string(),
        location: wanted,
        caption: "`Bank.journal` is taken here".to_string(),
        symbol: "Bank::deposit".to_string(),
        state: None,
        locks: vec!["Bank.accounts".to_string(), "Bank.journal".to_string()],
        labels: vec![
            label(held, Role::LockHeld, "while `Bank.accounts`, taken here, is held"),
            label(other_held, Role::LockHeld, "`Bank.journal` is taken here"),
            label(tree.at(2, "self.apply(entry)", 0), Role::Call, "and held during this call"),
            label(other_wanted, Role::LockWanted, "which takes `Bank.accounts`"),
        ],
        evidence: vec![
            evidence(EvidenceKind::ByType, "`Bank` is `Sync`: its methods can run on several threads at once", None),
            evidence(EvidenceKind::NotReentrant, "no lock is held around both, and neither wait ends by itself", None),
        ],
        interleaving: vec![
            step('A', held, "takes Bank.accounts"),
            step('B', other_held, "takes Bank.journal"),
            step('A', wanted, "waits for Bank.journal, which B holds"),
            step('B', other_wanted, "waits for Bank.accounts, which A holds"),
        ],
        fix: None,
        fingerprint: "00000000000000bb".to_string(),
    }
}

/// The report, with what is known of two of its states.
pub fn reviewed() -> Report {
    let mut report = report();
    let tree = sources();
    let answer = |verdict, because: &str, places: &[Location]| Answer::new(verdict, because, places.to_vec());
    let open = answer(Verdict::Unknown, "not looked at", &[]);
    let metrics = StateReview {
        state: "Metrics._requests_total".to_string(),
        class: Some("Metrics".to_string()),
        subject: "Metrics".to_string(),
        location: tree.at(0, "self._requests_total = 0", 0),
        files: vec![FileId(0)],
        guard: Some("Metrics._lock".to_string()),
        is_shared: true,
        threads: answer(Verdict::Yes, "`handle` runs on other threads", &[tree.at(1, "pool.submit(handle, request)", 0)]),
        lock: open.clone(),
        snapshot: open.clone(),
        deadlock: open.clone(),
        tests: answer(Verdict::No, "no test file names `Metrics`", &[]),
    };
    let bank = StateReview {
        state: "Bank.accounts".to_string(),
        class: Some("Bank".to_string()),
        subject: "Bank".to_string(),
        location: tree.at(2, "accounts: Mutex<Vec<u64>>", 0),
        files: vec![FileId(2)],
        guard: Some("Bank.accounts".to_string()),
        threads: answer(Verdict::Unknown, "no thread that touches it is seen", &[]),
        lock: answer(Verdict::Yes, "`Bank.accounts` is the lock that it is in", &[]),
        tests: answer(Verdict::Yes, "`tests/bank.rs` names `Bank` and starts threads", &[]),
        ..metrics.clone()
    };
    let idle = StateReview { state: "Metrics._other".to_string(), is_shared: false, ..metrics.clone() };
    report.states = vec![metrics, idle, bank];
    settle(&mut report.states, &report.findings, &report.rules);
    report
}

/// One finding in a file whose name and text take more bytes than characters, and more columns.
pub fn wide() -> Report {
    let tree = Tree::new(&[("ä pp/100%, 漢字.py", "# é\n漢字漢字 += 1\n")]);
    let update = tree.at(0, "漢字 += 1", 0);
    let finding = Finding {
        message: "`漢字` is 100% updated with no lock held".to_string(),
        location: update,
        symbol: "größe".to_string(),
        labels: vec![label(tree.at(0, "漢字", 0), Role::Read, "läse hier")],
        evidence: Vec::new(),
        interleaving: vec![step('A', update, "reads 5"), step('B', update, "reads 5")],
        fix: None,
        ..finding(FileId(0))
    };
    let stats = Stats { files: 1, ..Stats::default() };
    Report { stats, ..about(tree, vec![finding]) }
}

/// One finding in a file that tries to write to the terminal.
pub fn hostile() -> Report {
    let text = "\tstats['\x1b[2J\x1b]0;owned\x07'] += 1  # \u{202e}evil\n";
    let tree = Tree::new(&[("a\x1b[31m\nb.py", text)]);
    let update = tree.at(0, "stats['\x1b[2J\x1b]0;owned\x07'] += 1", 0);
    let finding = Finding {
        message: "`stats['\x1b[2J']` is updated\nwithout a lock".to_string(),
        location: update,
        caption: "written \x1b[31mhere".to_string(),
        labels: vec![label(tree.at(0, "+= 1", 0), Role::Write, "\x07")],
        evidence: vec![evidence(EvidenceKind::Name, "called `\x1b[0m`", Some(update))],
        interleaving: vec![step('A', update, "reads \x1b[5m5"), step('B', update, "reads 5")],
        help: "do not\x08\x08 do".to_string(),
        fix: None,
        ..finding(FileId(0))
    };
    let skipped = vec![Skipped { file: "\x1b]8;;http://x\x07.py".to_string(), reason: "\x1b[1mwhy".to_string() }];
    Report { skipped, ..about(tree, vec![finding]) }
}

/// One finding in a file, with nothing but its place in it.
pub fn finding(file: FileId) -> Finding {
    Finding {
        location: Location { file, range: Range::new(0, 0) },
        labels: Vec::new(),
        evidence: Vec::new(),
        interleaving: Vec::new(),
        ..unguarded_update(&sources())
    }
}

/// One finding in two files of the same name.
pub fn same_names() -> Report {
    let tree = Tree::new(&[("bank/mod.rs", BANK), ("queue/mod.rs", BANK)]);
    let held = tree.at(1, "self.journal.lock()", 1);
    let finding = Finding {
        location: tree.at(0, "self.journal.lock()", 0),
        labels: vec![label(held, Role::LockHeld, "`Bank.journal` is taken here")],
        interleaving: vec![step('A', tree.at(0, "self.accounts.lock()", 0), "takes Bank.accounts"), step('B', held, "takes Bank.journal")],
        evidence: Vec::new(),
        ..lock_order(&sources())
    };
    about(tree, vec![finding])
}

/// Source that is hard to show: Windows line ends, tabs, wide and combining characters, a form feed, several labels and
/// nested ones on a line, a line of 600 columns, a statement of several lines, and no line end after the last.
const CROWDED: &str = "\u{c}\r\nclass Kasse:\r\n\tdef buchen(self, größe):\r\n\t\tself.summen['漢字'] = self.summen.get('漢字', 0) + self.größe  # 合計を更新する 👍🏽\r\n\t\tswap(self.first, self.second, self.third)\r\n\t\tself.buchen(\r\n\t\t\tself.third,\r\n\t\t)\r\n\t\tdata = [LONG self.first += 1]";

/// Two findings in hard source, under a long path.
pub fn crowded() -> Report {
    let path = "packages/accounting-service/src/main/python/accounting_service/ledger/transactions/kasse.py";
    let text = CROWDED.replace("LONG", &"0, ".repeat(200));
    let tree = Tree::new(&[(path, &text)]);
    let update = tree.at(0, "self.summen['漢字'] = self.summen.get('漢字', 0) + self.größe", 0);
    let nested = Finding {
        message: "`Kasse.summen['漢字']` is updated without `Kasse._lock_of_the_summen_and_of_everything_else`, which guards it elsewhere"
            .to_string(),
        location: update,
        symbol: "Kasse.buchen".to_string(),
        labels: vec![
            label(tree.at(0, "self.summen['漢字']", 0), Role::Write, "the new value is written here"),
            label(tree.at(0, "self.summen.get('漢字', 0)", 0), Role::Read, "the old one is read here"),
            label(tree.at(0, "self.größe", 0), Role::Read, "and this, which other threads change too"),
            label(tree.at(0, "self.first", 0), Role::Read, "the first is read"),
            label(tree.at(0, "self.second", 0), Role::Read, "then the second, with the lock given up in between"),
            label(tree.at(0, "self.third", 0), Role::Write, "and the third is written"),
            label(tree.at(0, "self.buchen(\r\n\t\t\tself.third,\r\n\t\t)", 0), Role::Call, "called again"),
        ],
        evidence: vec![evidence(EvidenceKind::OwnsLock, "`Kasse` owns a lock", Some(tree.at(0, "class Kasse", 0)))],
        interleaving: vec![
            step('A', update, "reads `Kasse.summen['漢字']`"),
            step('B', update, "reads `Kasse.summen['漢字']`, too"),
            step('B', update, "writes its new value and gives `Kasse._lock_of_the_summen_and_of_everything_else` up"),
            step('A', update, "writes its new value: B's update is lost"),
        ],
        fix: None,
        ..finding(FileId(0))
    };
    let far = Finding {
        message: "`Kasse.first` is updated with no lock held".to_string(),
        location: tree.at(0, "self.first += 1", 0),
        ..finding(FileId(0))
    };
    let stats = Stats { files: 1, lines: 9, ..Stats::default() };
    Report { stats, unsure: 3, ..about(tree, vec![nested, far]) }
}

/// A finding with any text everywhere.
pub fn of_words(source: &str, words: &[String], ranges: &[(u32, u32)]) -> Report {
    let tree = Tree::new(&[("a.py", source)]);
    let at = |i: usize| {
        let (start, length) = ranges[i % ranges.len()];
        Location { file: FileId(0), range: Range { start, end: start + length } }
    };
    let word = |i: usize| words[i % words.len()].clone();
    let finding = Finding {
        message: word(0),
        location: at(0),
        caption: word(1),
        symbol: word(2),
        labels: (1..ranges.len()).map(|i| label(at(i), Role::Read, &word(i))).collect(),
        evidence: vec![evidence(EvidenceKind::Name, &word(3), Some(at(1))), evidence(EvidenceKind::Caveat, &word(4), None)],
        interleaving: vec![step('A', at(0), &word(5)), step('\x1b', at(2), &word(6))],
        help: word(5),
        ..finding(FileId(0))
    };
    about(tree, vec![finding])
}
