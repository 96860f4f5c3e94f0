//! `condition-misuse`: a condition variable or event used so that a wake-up is lost, or taken for more than it says.
//!
//! All waits and notifies of the program are gathered with what is held around them. [`predicate`] looks at what is
//! tested around a wait, [`wakeup`] at whether the wake-up can come at all, [`outside`] at tests that come before the
//! mutex, [`event`] at events that are cleared late, [`foreign_loop`] at event loops that another thread gives work
//! without waking them.

mod event;
mod foreign_loop;
mod outside;
mod predicate;
mod wakeup;

use super::support::{Graph, over_functions};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Held, HeldBy};
use crate::analysis::path::{Key, Owner, Path};
use crate::catalog::{Effect, LockMethod, Scope};
use crate::finding::{Finding, Rule, Severity};
use crate::ir::{Argument, Callee, Language, Name, OpId, OpKind};
use crate::program::{Fun, Target};

pub const CONDITION_MISUSE: Lint = Lint {
    rule: Rule {
        name: "condition-misuse",
        group: "lock-use",
        severity: Severity::Warning,
        languages: &[Language::Python, Language::Rust],
        summary: "A condition or event is used so that a wake-up can be lost, or is taken for granted",
        page: include_str!("../../../lints/condition-misuse.md"),
    },
    check: Check::Program(check),
};

/// A call that waits for a condition, or wakes who does.
struct Call {
    function: Fun,
    op: OpId,
    /// The condition.
    key: Key,
    /// As this function calls it.
    name: Key,
    effect: Effect,
    /// It is given a predicate that it tests itself.
    predicate: bool,
    /// It gives up after some time.
    timed: bool,
    scope: Scope,
    /// What keeps the condition's lock, where this function took it.
    held: Option<Held>,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let by_function = over_functions(analysis, |function, found| {
        let calls = condition_calls(analysis, function);
        let mut findings = Vec::new();
        event::event(analysis, function, &mut findings);
        if calls.iter().any(|it| it.effect == Effect::Wait) {
            let graph = Graph::new(analysis.program.function(function));
            predicate::predicate(analysis, &graph, &calls, &mut findings);
        }
        if !calls.is_empty() || !findings.is_empty() {
            found.push((calls, findings));
        }
    });
    let mut calls: Vec<Call> = Vec::new();
    for (made, found) in by_function {
        calls.extend(made);
        findings.extend(found);
    }
    wakeup::wakeup(analysis, &calls, findings);
    foreign_loop::foreign_loop(analysis, findings);
    outside::outside(analysis, &calls, findings);
}

/// The waits and notifies of a function whose condition is known.
fn condition_calls(analysis: &Analysis<'_>, function: Fun) -> Vec<Call> {
    let program = analysis.program;
    let (catalog, facts) = (program.catalog(function), analysis.facts(function));
    let mut found = Vec::new();
    if !facts.locksets.concerns_locks() {
        return found;
    }
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, .. }, arguments } = &op.kind else { continue };
        let Target::Method { ty, name } = program.target(function, *dest) else { continue };
        let Some(row) = catalog.lock(*ty) else { continue };
        let Some(method) = row.methods.iter().find(|it| it.name == *name && matches!(it.effect, Effect::Wait | Effect::Notify)) else { continue };
        let Some(path) = analysis.values(function).place(program, receiver) else { continue };
        let Some((key, _)) = path.resolve(program, function) else { continue };
        if !matches!(key.owner, Owner::Field(..) | Owner::Global(..)) {
            continue;
        }
        found.push(Call {
            function,
            op: id,
            key: analysis.given.place(key),
            name: key,
            effect: method.effect,
            predicate: method.predicate,
            timed: is_timed(program.language(function), *name, method, arguments),
            scope: row.scope,
            held: holder(analysis, function, id, &path, arguments),
        });
    }
    found
}

fn is_timed(language: Language, name: Name, method: &LockMethod, arguments: &[Argument]) -> bool {
    match language {
        Language::Python => arguments.len() > usize::from(method.predicate),
        Language::Rust => !matches!(name.as_str(), "wait" | "wait_while"),
    }
}

/// The acquisition, in this function, of the lock that a wait gives up meanwhile: the condition's own, or that of the
/// guard value it is given.
fn holder(analysis: &Analysis<'_>, function: Fun, op: OpId, path: &Path, arguments: &[Argument]) -> Option<Held> {
    let program = analysis.program;
    let facts = analysis.facts(function);
    let before = facts.locksets.before(op);
    match program.language(function) {
        Language::Python => {
            let lock =
                path.behind_condition(program, function).and_then(|it| it.resolve(program, function)).or_else(|| path.resolve(program, function))?.0;
            before.iter().find(|it| it.sure && facts.locksets.lock(it).key == lock).copied()
        }
        Language::Rust => {
            let guard = arguments.first()?.value;
            let ir = program.function(function);
            // `wait(&mut guard)` borrows it.
            let borrowed = ir.ops.iter().find_map(|op| match &op.kind {
                OpKind::Load { dest, place, .. } if *dest == guard => place.as_local(),
                _ => None,
            });
            let is_guard = |it: &&Held| matches!(it.by, HeldBy::Value(owner, _) if owner == guard || Some(owner) == borrowed);
            before.iter().find(is_guard).copied()
        }
    }
}
