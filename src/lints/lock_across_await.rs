//! `lock-across-await`: a lock that stops threads, held while the task that holds it is suspended.
//!
//! At each await, the locks surely held are looked at. The executor's thread goes on with other tasks; the first of them
//! that wants the lock stops the thread, and with it the task that would give the lock up.

use rustc_hash::FxHashSet;

use super::support::{expression, finding, label, statement, step};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Held, HeldBy, LockRef};
use crate::catalog::{LockKind, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Rule, Severity};
use crate::ir::{FunctionKind, Language, Name, OpId, OpKind};
use crate::program::Fun;

pub const LOCK_ACROSS_AWAIT: Lint = Lint {
    rule: Rule {
        name: "lock-across-await",
        group: "deadlock",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "A lock of threads is held while the task that holds it is suspended",
        page: include_str!("../../lints/lock-across-await.md"),
    },
    check: Check::Program(check),
};

/// Decorators under which a generator is a coroutine, and its `yield` an await.
const COROUTINES: &[&str] = &["coroutine", "inlineCallbacks", "engine"];

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    for function in program.function_ids() {
        let locksets = &analysis.facts(function).locksets;
        if locksets.locks.is_empty() || program.is_exempt(function) {
            continue;
        }
        // The first await of a critical section says it all.
        let mut seen: FxHashSet<(u32, OpId)> = FxHashSet::default();
        for (id, op) in program.function(function).numbered() {
            if !suspends(analysis, function, &op.kind) {
                continue;
            }
            let at = id;
            for held in locksets.before(at).iter().filter(|it| stops_threads(locksets.lock(it)) && it.by != HeldBy::Decorator) {
                if seen.insert((held.lock, held.at)) {
                    findings.push(report(analysis, function, at, held));
                }
            }
        }
    }
}

/// Whether whoever wants the lock and does not get it stops its thread, or panics.
fn stops_threads(lock: &LockRef) -> bool {
    !lock.opaque && lock.scope == Scope::Thread && (lock.excludes() || matches!(lock.kind, LockKind::Sharded | LockKind::Cell))
}

/// Whether the task may be put aside at the op for others to run.
fn suspends(analysis: &Analysis<'_>, function: Fun, op: &OpKind) -> bool {
    let ir = analysis.program.function(function);
    match op {
        OpKind::Yield { from, .. } => {
            let is_coroutine = || ir.attributes.iter().any(|it| COROUTINES.contains(&it.path.last()));
            let is_manager = || ir.attributes.iter().any(|it| it.path.as_str().ends_with("contextmanager"));
            *from && ir.name == Name::new("__await__")
                || is_coroutine()
                || ir.is_async && ir.kind != FunctionKind::GeneratorExpression && !is_manager()
        }
        op => analysis.waits.suspends_at(function, op),
    }
}

fn report(analysis: &Analysis<'_>, function: Fun, at: OpId, held: &Held) -> Finding {
    let program = analysis.program;
    let wanted = analysis.facts(function).locksets.lock(held);
    let lock = wanted.key.display(program);
    let confidence = if held.sure { Confidence::High } else { Confidence::Low };
    let location = statement(analysis, function, at);
    let mut it = finding(&LOCK_ACROSS_AWAIT, analysis, function, location, confidence);
    let is_cell = wanted.kind == LockKind::Cell;
    let keeps = if is_cell { "borrowed" } else { "held" };
    it.message = format!("`{lock}` is {keeps} while `{}` is suspended", program.symbol(function));
    it.caption = "other tasks run here".to_string();
    it.help = match (program.language(function), wanted.kind) {
        (Language::Python, _) => format!("await after `{lock}` is given up; if it has to be held, make it an `asyncio.Lock`"),
        (_, LockKind::Cell) => format!("end the borrow of `{lock}` before the await"),
        (_, LockKind::Sharded) => format!("take what is needed out of `{lock}` (`.map(|it| it.clone())`), and await after that"),
        _ => format!("end the guard of `{lock}` before the await, in a block of its own; if it has to be held, make it an async lock"),
    };
    it.locks = vec![lock.clone()];
    if is_cell {
        it.severity = Severity::Warning;
    }
    let taken = expression(analysis, function, held.at);
    it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is {} here", if is_cell { "borrowed" } else { "taken" })));
    it.evidence.push(Evidence {
        kind: EvidenceKind::ByType,
        message: match wanted.kind {
            LockKind::Cell => "a second borrow panics".to_string(),
            _ if wanted.reentrant => {
                format!("`{lock}` belongs to the thread: another task of the same thread gets in, too, and one of another thread stops it")
            }
            _ => format!("who waits for `{lock}` stops the thread that runs the tasks, this one among them"),
        },
        location: None,
    });
    it.interleaving.push(step('A', taken, format!("{} `{lock}`", if is_cell { "borrows" } else { "takes" })));
    it.interleaving.push(step('A', location, "is suspended: the thread goes on with task B"));
    if is_cell {
        it.interleaving.push(step('B', taken, format!("borrows `{lock}`, too: it panics")));
    } else if wanted.reentrant {
        it.interleaving.push(step('B', taken, format!("takes `{lock}` on the same thread, and sees what A has half done")));
    } else {
        it.interleaving.push(step('B', taken, format!("waits for `{lock}`, and stops the thread: A never goes on to give it up")));
    }
    it
}
