//! `blocking-under-lock`: a wait with a lock held.
//!
//! What is waited for decides. A thread that takes the lock before it ends, an event that is set under it, a queue that is
//! filled under it: none of them comes. Everything else comes some day, and keeps those who want the lock waiting; that
//! is told where others take the lock for something short.

use std::cell::OnceCell;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::support::{Graph, expression, finding, implements_lock, label, statement, step};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Held, HeldBy};
use crate::analysis::path::{Key, Owner};
use crate::analysis::waits::Wait;
use crate::analysis::ways::{self, Way};
use crate::catalog::{BlockingKind, Concurrency, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Rule, Severity};
use crate::ir::{Callee, Language, Local, OpId, OpKind, Terminator};
use crate::program::Fun;

pub const BLOCKING_UNDER_LOCK: Lint = Lint {
    rule: Rule {
        name: "blocking-under-lock",
        group: "deadlock",
        severity: Severity::Warning,
        languages: &[Language::Python, Language::Rust],
        summary: "A lock is held while its holder waits for something else",
        page: include_str!("../../lints/blocking-under-lock.md"),
    },
    check: Check::Program(check),
};

/// Calls on the way to the wait are named up to here.
const MAX_CHAIN: usize = 8;

/// Methods that take the thread or receiver out of what holds it.
const TAKING: &[&str] = &["as_mut", "as_ref", "pop", "remove", "take"];

/// A wait so many calls away may be the exception in what is called.
const MAX_DEPTH: u32 = 3;

/// For each lock and wait the function that holds the one and comes to the other.
type Nearest = IndexMap<(Key, Fun, OpId), (Fun, Wait, Way, Held), FxBuildHasher>;

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    // For each lock a critical section in which nothing waits: who wants that, waits for no reason.
    let mut short: FxHashMap<Key, (Fun, OpId)> = FxHashMap::default();
    // One wait under one lock is one mistake, however many ways lead to it: told where it is nearest.
    let mut nearest: Nearest = IndexMap::default();
    for function in program.function_ids() {
        let locksets = &analysis.facts(function).locksets;
        if locksets.locks.is_empty() || program.is_exempt(function) {
            continue;
        }
        let waits = waits(analysis, function);
        let waiting: FxHashSet<Key> = waits.iter().flat_map(|it| locksets.before(it.0.op)).map(|it| locksets.lock(it).key).collect();
        for acquisition in &locksets.acquisitions {
            let key = locksets.locks[acquisition.lock as usize].key;
            // Through a helper that hands the guard value out, too.
            let stays = || acquisition.via.is_none() || locksets.is_held_somewhere(acquisition.lock);
            if !acquisition.tries && !waiting.contains(&key) && !short.contains_key(&key) && stays() {
                short.insert(key, (function, acquisition.op));
            }
        }
        if implements_lock(program, function) {
            continue;
        }
        let mut seen: FxHashSet<(u32, OpId)> = FxHashSet::default();
        for (wait, way) in waits {
            for held in locksets.before(wait.op).iter().filter(|it| locksets.keeps_out(it) && it.by != HeldBy::Decorator) {
                let lock = locksets.lock(held);
                let gives_up = wait.via.is_some_and(|it| analysis.summary(it).releases.iter().any(|it| it.key == lock.key));
                let is_shared = !matches!(lock.key.owner, Owner::Local(..) | Owner::Interpreter);
                if lock.scope != Scope::Thread || gives_up || !is_shared || !seen.insert((held.lock, held.at)) {
                    continue;
                }
                let Some((inner, op, _)) = way.last().copied() else { continue };
                let slot = nearest.entry((lock.key, inner, op)).or_insert_with(|| (function, wait, way.clone(), *held));
                if wait.depth < slot.1.depth {
                    *slot = (function, wait, way.clone(), *held);
                }
            }
        }
    }
    let wakes = OnceCell::new();
    for ((lock, ..), (function, wait, way, held)) in nearest {
        findings.extend(report(analysis, (function, &wait, &way), &held, short.get(&lock).copied(), &wakes));
    }
}

/// The ops under locks that wait, by themselves or in what they call, in order, each with the way to the wait.
fn waits(analysis: &Analysis<'_>, function: Fun) -> Vec<(Wait, Way)> {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let direct = analysis.waits.direct(function).iter().filter(|it| !locksets.before(it.op).is_empty());
    let mut found: Vec<(Wait, Way)> = direct.map(|it| (*it, vec![(function, it.op, None)])).collect();
    for (id, op) in program.function(function).numbered() {
        let Some(callee) = program.called(function, &op.kind).filter(|_| !locksets.before(id).is_empty()) else { continue };
        let ir = program.function(callee);
        if callee == function || ir.is_async || ir.is_generator {
            continue;
        }
        found.extend(ways::way(analysis, function, id, callee));
    }
    found.sort_by_key(|it| (it.0.op, it.0.kind));
    found
}

/// Whether what is waited for is behind the lock itself: `self.jobs.lock().unwrap().recv()` shares a receiver.
fn is_behind(analysis: &Analysis<'_>, function: Fun, wait: &Wait, lock: &Key) -> bool {
    let program = analysis.program;
    let Some(OpKind::Call { callee: Callee::Method { receiver, .. }, .. }) = program.function(function).op(wait.op).map(|it| &it.kind) else {
        return false;
    };
    // `self.thread.lock().unwrap().take().unwrap().join()`
    let ir = program.function(function);
    let unwrapping = &program.catalog(function).tables.passing.unwrapping;
    let mut receiver = receiver;
    for _ in 0..MAX_CHAIN {
        let from = receiver.as_local().and_then(|local| ir.ops.iter().find(|it| it.kind.defines() == Some(local)));
        match from.map(|it| &it.kind) {
            Some(OpKind::Call { callee: Callee::Method { receiver: of, name }, .. })
                if TAKING.contains(&name.as_str())
                    || unwrapping.contains(name) && analysis.values(function).place(program, receiver).is_none_or(|it| it.steps.is_empty()) =>
            {
                receiver = of;
            }
            _ => break,
        }
    }
    let path = analysis.values(function).place(program, receiver);
    path.is_some_and(|it| it.locks().any(|it| it.resolve(program, function).is_some_and(|it| it.0 == *lock)))
}

/// Who would end the wait, if all of them want the lock first: that of the spawn, or of the calls that wake the waiter.
fn completed_under(analysis: &Analysis<'_>, wait: &Wait, way: &Way, lock: &Key, wakes: &OnceCell<Wakes>) -> Option<(Fun, OpId)> {
    let (inner, op, _) = way.last().copied()?;
    match wait.kind {
        BlockingKind::Join => joined(analysis, inner, lock),
        BlockingKind::Wait | BlockingKind::Queue => {
            let key = called_on(analysis, inner, &analysis.program.function(inner).op(op)?.kind, &["wait", "get"])?;
            woken(analysis, wakes.get_or_init(|| wakes_of(analysis)).get(&key)?, lock)
        }
        _ => None,
    }
}

/// Threads that the module of the join starts: the lock they take, if all do.
fn joined(analysis: &Analysis<'_>, function: Fun, lock: &Key) -> Option<(Fun, OpId)> {
    let program = analysis.program;
    let module = program.module_of(function);
    let started = program.threads.entries.iter().filter(|it| it.how == Concurrency::Thread && program.module_of(it.function) == module);
    let mut takes = started.map(|it| analysis.summary(it.function).takes.iter().find(|it| it.lock.key == *lock).map(|take| (it.function, take.op)));
    let first = takes.next()??;
    takes.all(|it| it.is_some()).then_some(first)
}

/// The calls that set an event, or put into a queue, by its place.
type Wakes = FxHashMap<Key, Vec<(Fun, OpId)>>;

fn wakes_of(analysis: &Analysis<'_>) -> Wakes {
    let program = analysis.program;
    let mut wakes = Wakes::default();
    for function in program.function_ids().filter(|it| !program.is_exempt(*it)) {
        for (id, op) in program.function(function).numbered() {
            if let Some(key) = called_on(analysis, function, &op.kind, &["set", "put", "put_nowait"]) {
                wakes.entry(key).or_default().push((function, id));
            }
        }
    }
    wakes
}

/// The shared place that a method of one of those names is called on.
fn called_on(analysis: &Analysis<'_>, function: Fun, op: &OpKind, names: &[&str]) -> Option<Key> {
    let OpKind::Call { callee: Callee::Method { receiver, name }, .. } = op else { return None };
    let path = names.contains(&name.as_str()).then(|| analysis.values(function).place(analysis.program, receiver))??;
    path.resolve(analysis.program, function).map(|it| it.0).filter(|it| matches!(it.owner, Owner::Field(..) | Owner::Global(..)))
}

/// The first of the calls that wake the waiter, if all hold the lock.
fn woken(analysis: &Analysis<'_>, calls: &[(Fun, OpId)], lock: &Key) -> Option<(Fun, OpId)> {
    let holds = |(function, op): &(Fun, OpId)| {
        let locksets = &analysis.facts(*function).locksets;
        locksets.before(*op).iter().any(|it| it.sure && locksets.lock(it).key == *lock)
            || analysis.entry.held(*function).iter().any(|it| it.0 == *lock)
    };
    calls.iter().all(holds).then(|| calls.first().copied())?
}

/// Whether the function asks first if there is anything to wait for: `while not q.empty(): q.get()`, `if f.done(): f.result()`.
fn looks_first(analysis: &Analysis<'_>, function: Fun, wait: &Wait) -> bool {
    let ir = analysis.program.function(function);
    if matches!(wait.what.last(), "result" | "exception") {
        return is_done(analysis, function, wait.op);
    }
    wait.kind == BlockingKind::Queue
        && ir.ops[..wait.op.index()].iter().any(|op| match &op.kind {
            OpKind::Call { callee: Callee::Method { name, .. }, .. } => matches!(name.as_str(), "empty" | "qsize" | "is_empty" | "len"),
            _ => false,
        })
}

/// Whether the future that is waited for has said that it is done, on every way there.
fn is_done(analysis: &Analysis<'_>, function: Fun, wait: OpId) -> bool {
    let program = analysis.program;
    let ir = program.function(function);
    let place = |op: &OpKind| op.place().and_then(|it| analysis.values(function).place(program, it));
    let Some(waited) = ir.op(wait).and_then(|it| place(&it.kind)) else { return false };
    let is_asked = |condition: Local| {
        ir.ops.iter().any(|op| match &op.kind {
            OpKind::Call { dest, callee: Callee::Method { name, .. }, .. } => {
                *dest == condition && *name == "done" && place(&op.kind).as_ref() == Some(&waited)
            }
            _ => false,
        })
    };
    let home = ir.block_of(wait);
    let graph = Graph::new(ir);
    ir.blocks.iter().any(|it| match it.terminator {
        Terminator::Branch { condition, then, .. } => is_asked(condition) && graph.is_in_arm(then, home),
        _ => false,
    })
}

/// How sure a wait is a mistake that ends some day.
fn confidence(wait: &Wait, other: Option<(Fun, OpId)>) -> Confidence {
    let method = wait.what.last();
    // Who sends over a connection holds the lock of the connection; room in a queue there is always, if it has no bound.
    let is_own = method.starts_with("send") || method.starts_with("recv") && wait.kind == BlockingKind::Network || method == "put";
    match wait.kind {
        _ if other.is_none() || wait.depth > MAX_DEPTH => Confidence::Low,
        BlockingKind::File => Confidence::Low,
        _ if is_own => Confidence::Low,
        _ => Confidence::Medium,
    }
}

fn what(wait: &Wait) -> &'static str {
    match wait.kind {
        BlockingKind::Join => "for a thread to end",
        BlockingKind::Wait => "for others to get on",
        BlockingKind::Queue => "for a queue",
        BlockingKind::Channel => "for a channel",
        BlockingKind::Sleep => "and sleeps",
        BlockingKind::Network => "for the network",
        BlockingKind::Subprocess => "for another process",
        BlockingKind::File => "for a disk",
    }
}

/// The finding of a wait in a function, by the way to it.
fn report(
    analysis: &Analysis<'_>,
    (function, wait, way): (Fun, &Wait, &Way),
    held: &Held,
    other: Option<(Fun, OpId)>,
    wakes: &OnceCell<Wakes>,
) -> Option<Finding> {
    let program = analysis.program;
    let wanted = analysis.facts(function).locksets.lock(held);
    if is_behind(analysis, function, wait, &wanted.key) || looks_first(analysis, function, wait) {
        return None;
    }
    let lock = wanted.key.display(program);
    let location = statement(analysis, function, wait.op);
    let completer = if wanted.reentrant && wait.kind != BlockingKind::Join { None } else { completed_under(analysis, wait, way, &wanted.key, wakes) };
    let grade = if completer.is_some() { Confidence::High } else { confidence(wait, other) };
    let mut it = finding(&BLOCKING_UNDER_LOCK, analysis, function, location, grade);
    let name = program.symbol(function);
    it.locks = vec![lock.clone()];
    let taken = expression(analysis, function, held.at);
    it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is taken here")));
    let mut waits = location;
    for &(caller, op, callee) in way {
        waits = expression(analysis, caller, op);
        if let Some(callee) = callee {
            it.labels.push(label(waits, Role::Call, format!("calls `{}`", program.symbol(callee))));
        }
    }
    it.labels.push(label(waits, Role::Await, format!("waits {}", what(wait))));
    it.interleaving.push(step('A', taken, format!("takes `{lock}`")));
    it.interleaving.push(step('A', waits, format!("waits {}", what(wait))));
    it.caption = format!("waits {}", what(wait));
    if let Some((completer, op)) = completer {
        let (who, place) = (program.symbol(completer), expression(analysis, completer, op));
        it.severity = Severity::Error;
        it.message = format!("`{name}` waits with `{lock}` held, which `{who}` needs before the wait can end");
        it.help = format!("give `{lock}` up before the wait");
        it.labels.push(label(place, Role::LockWanted, format!("needs `{lock}`")));
        it.evidence.push(Evidence {
            kind: EvidenceKind::ThreadTarget,
            message: format!("what ends the wait is in `{who}`, under `{lock}`"),
            location: Some(place),
        });
        it.interleaving.push(step('B', place, format!("waits for `{lock}`: neither goes on")));
        return Some(it);
    }
    it.message = format!("`{lock}` is held while `{name}` waits {}", what(wait));
    it.help = format!("take what is needed out under `{lock}`, give it up, and wait after that");
    match other {
        Some((who, op)) => {
            let (place, who) = (expression(analysis, who, op), program.symbol(who));
            it.labels.push(label(place, Role::OtherAccess, format!("`{who}` only takes `{lock}` for a moment")));
            it.evidence.push(Evidence {
                kind: EvidenceKind::GuardedElsewhere,
                message: format!("`{who}` takes `{lock}`, too, and waits for nothing else"),
                location: Some(place),
            });
            it.interleaving.push(step('B', place, format!("waits for `{lock}` as long as A waits")));
        }
        None => it.evidence.push(Evidence {
            kind: EvidenceKind::Caveat,
            message: format!("all that is done under `{lock}` waits: that may be what it is for"),
            location: None,
        }),
    }
    Some(it)
}
