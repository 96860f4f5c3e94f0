//! `self-deadlock`: a lock taken again by the thread that holds it.
//!
//! At each acquisition, direct or inside a call, the same lock object (equal definite paths) is looked up among those
//! surely held. Re-entrant locks and try-locks are left alone; two shared holders are a warning.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::Lint;
use super::support::{expression, finding, label, statement, step, witness};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Acquisition, Held, OpId};
use crate::catalog::{Mode, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Severity};
use crate::ir::Language;
use crate::program::Fun;

pub const SELF_DEADLOCK: Lint = Lint {
    name: "self-deadlock",
    group: "deadlock",
    severity: Severity::Error,
    languages: &[Language::Python, Language::Rust],
    summary: "A lock is taken again by the thread that holds it",
    page: include_str!("../../lints/self-deadlock.md"),
    check,
};

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    for function in analysis.program.function_ids() {
        if analysis.program.is_exempt(function) {
            continue;
        }
        let locksets = &analysis.facts(function).locksets;
        // One finding for one statement and lock, however many paths lead to it.
        let mut seen: IndexMap<(OpId, u32), (), FxBuildHasher> = IndexMap::default();
        for acquisition in &locksets.acquisitions {
            let wanted = &locksets.locks[acquisition.lock as usize];
            if acquisition.tries || wanted.reentrant || !wanted.excludes() {
                continue;
            }
            let held = locksets.before(acquisition.op).iter().find(|it| it.sure && locksets.lock(it).is_same(wanted) && conflicts(it, acquisition));
            if let Some(held) = held
                && seen.insert((acquisition.op, acquisition.lock), ()).is_none()
            {
                findings.push(report(analysis, function, held, acquisition));
            }
        }
    }
}

/// Two holders of one thread that wait for each other, now or when a writer queues between them.
fn conflicts(held: &Held, acquisition: &Acquisition) -> bool {
    !(held.mode == Mode::Shared && acquisition.mode == Mode::Shared && acquisition.recursive)
}

fn report(analysis: &Analysis<'_>, function: Fun, held: &Held, acquisition: &Acquisition) -> Finding {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let wanted = &locksets.locks[acquisition.lock as usize];
    let lock = wanted.key.display(program);
    let both_read = held.mode == Mode::Shared && acquisition.mode == Mode::Shared;
    let location = statement(analysis, function, acquisition.op);
    let mut it = finding(&SELF_DEADLOCK, analysis, function, location, Confidence::High);
    if both_read {
        it.severity = Severity::Warning;
    }
    let who = if wanted.scope == Scope::Async { "task" } else { "thread" };
    let through = acquisition.via.map(|(callee, _)| program.symbol(callee));
    it.message = match (&through, both_read) {
        (Some(callee), false) => format!("`{callee}` takes `{lock}`, which this {who} already holds"),
        (None, false) => format!("`{lock}` is taken again by the {who} that holds it"),
        (Some(callee), true) => format!("`{callee}` read-locks `{lock}` again under a read lock: it hangs when a writer waits in between"),
        (None, true) => format!("`{lock}` is read-locked again under a read lock: it hangs when a writer waits in between"),
    };
    it.caption = if through.is_some() { format!("waits for `{lock}` in here") } else { format!("waits for `{lock}`") };
    it.help = match program.language(function) {
        Language::Python => format!("move the work that needs `{lock}` into a helper that expects it held, or make it an `RLock`"),
        Language::Rust => format!("end the first guard of `{lock}` before this, or hand the guard value on instead of locking again"),
    };
    it.locks = vec![lock.clone()];
    let first = expression(analysis, function, held.at);
    it.labels.push(label(first, Role::LockHeld, format!("`{lock}` is taken here and still held")));
    if acquisition.via.is_some() {
        it.labels.extend(witness(analysis, function, acquisition));
    }
    it.evidence.push(Evidence {
        kind: EvidenceKind::NotReentrant,
        message: if both_read {
            format!("`{lock}` lets no reader in while a writer waits")
        } else {
            format!("`{lock}` cannot be taken twice by one {who}")
        },
        location: None,
    });
    let inner = it.labels.last().map_or(location, |it| it.location);
    let second = if acquisition.via.is_some() { inner } else { location };
    it.interleaving.push(step('A', first, format!("takes `{lock}`")));
    if both_read {
        it.interleaving.push(step('B', first, format!("waits to write `{lock}`, which A reads")));
        it.interleaving.push(step('A', second, format!("waits for `{lock}` behind B: neither goes on")));
    } else {
        it.interleaving.push(step('A', second, format!("waits for `{lock}`, which A itself holds: it never goes on")));
    }
    it
}
