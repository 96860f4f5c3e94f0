//! `self-deadlock`: a lock taken again by the thread that holds it.
//!
//! At each acquisition, direct or inside a call, the same lock object (equal definite paths) is looked up among those
//! surely held; so are those that a function holds around a callback, and for code that interrupts (signal handlers,
//! finalisers) those that the interrupted code may hold. Re-entrant locks and try-locks are left alone; two shared holders
//! are a warning.

mod foreign;

use rustc_hash::FxHashSet;

use self::foreign::{dispatched, foreign};
use super::support::{Graph, expression, finding, is_by_name, label, statement, step, witness};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Acquisition, Held, HeldBy, LockRef, Reentry};
use crate::analysis::path::{Key, Root, Step};
use crate::catalog::{Concurrency, LockKind, Mode, Scope};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Rule, Severity};
use crate::ir::{Base, Callee, FunctionId, Language, LoadKind, Local, Name, OpId, OpKind, Place, Projection, Terminator};
use crate::program::{Cls, Concurrent, Fun, bindings};

pub const SELF_DEADLOCK: Lint = Lint {
    rule: Rule {
        name: "self-deadlock",
        group: "deadlock",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "A lock is taken again by the thread that holds it",
        page: include_str!("../../../lints/self-deadlock.md"),
    },
    check: Check::Program(check),
};

/// Calls on the way to where a lock is taken are looked at up to here.
const MAX_CHAIN: usize = 8;

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let interrupting = interrupts(analysis);
    for function in analysis.program.function_ids() {
        if analysis.program.is_exempt(function) {
            continue;
        }
        let locksets = &analysis.facts(function).locksets;
        if !locksets.concerns_locks() {
            continue;
        }
        // One finding for one statement and lock, however many paths lead to it; of reads under reads one for the function.
        let mut seen: FxHashSet<(OpId, u32)> = FxHashSet::default();
        let mut read: FxHashSet<Key> = FxHashSet::default();
        for acquisition in locksets.acquisitions.iter().filter(|it| waits(analysis, function, it)) {
            let wanted = &locksets.locks[acquisition.lock as usize];
            // A decorator that holds the lock at one of its calls holds it there for sure.
            let is_held = |it: &&Held| it.sure || it.by == HeldBy::Decorator;
            let mut held = locksets.before(acquisition.op).iter().filter(is_held);
            let held = held.find(|it| {
                !is_given_away(analysis, function, it, acquisition)
                    && !is_signal(analysis, function, it, wanted)
                    && locksets.lock(it).is_same(wanted)
                    && conflicts(it.mode, acquisition)
                    && !(wanted.kind == LockKind::Cell && both_read(it, acquisition))
            });
            if let Some(held) = held
                && seen.insert((acquisition.op, acquisition.lock))
                && (!both_read(held, acquisition) || read.insert(wanted.key))
            {
                findings.push(report(analysis, function, held, acquisition));
            } else if held.is_none()
                && let Some(held) = kept_behind(analysis, function, acquisition)
                && seen.insert((acquisition.op, acquisition.lock))
            {
                let mut it = report(analysis, function, held, acquisition);
                it.confidence = it.confidence.min(Confidence::Medium);
                findings.push(it);
            }
        }
        foreign(analysis, function, findings);
        dispatched(analysis, function, findings);
        for reentry in locksets.reentries.iter().filter(|it| waits(analysis, function, &it.taken)) {
            let wanted = &locksets.locks[reentry.taken.lock as usize];
            if reentry.held.is_same(wanted) && conflicts(reentry.held_mode, &reentry.taken) && seen.insert((reentry.taken.op, reentry.taken.lock)) {
                findings.push(report_callback(analysis, function, reentry));
            }
        }
        if let Some(entry) = interrupting.iter().find(|it| it.function == function) {
            for acquisition in locksets.acquisitions.iter().filter(|it| waits(analysis, function, it)) {
                if let Some(holder) = interrupted(analysis, function, acquisition) {
                    findings.push(report_interrupt(analysis, entry, acquisition, holder));
                    // The first says what is to be done.
                    break;
                }
            }
        }
    }
}

/// Whether the acquisition can wait for its own thread at all.
fn waits(analysis: &Analysis<'_>, function: Fun, acquisition: &Acquisition) -> bool {
    let wanted = &analysis.facts(function).locksets.locks[acquisition.lock as usize];
    // A callee that gives the lock up first, and takes it again, knows what it does.
    let gives_up = acquisition.via.is_some_and(|(callee, _)| analysis.summary(callee).releases.iter().any(|it| it.key == wanted.key));
    !gives_up
        && !acquisition.tries
        && !is_got_first(analysis, acquisition)
        && !wanted.reentrant
        && (wanted.excludes() || matches!(wanted.kind, LockKind::Sharded | LockKind::Cell))
}

/// Whether on the way to where the lock is taken it was got once without waiting: `if lock.acquire(False)`. Who holds it
/// does not come by there.
fn is_got_first(analysis: &Analysis<'_>, acquisition: &Acquisition) -> bool {
    let mut via = acquisition.via;
    for _ in 0..MAX_CHAIN {
        let Some((callee, index)) = via else { return false };
        let Some(take) = analysis.summary(callee).takes.get(index as usize) else { return false };
        let locksets = &analysis.facts(callee).locksets;
        let ir = analysis.program.function(callee);
        let is_try = |it: &&Acquisition| it.tries && it.via.is_none() && it.op != take.op && locksets.locks[it.lock as usize].key == take.lock.key;
        for tried in locksets.acquisitions.iter().filter(is_try) {
            let got = ir.op(tried.op).and_then(|it| it.kind.defines());
            let succeeds = ir.blocks.iter().find_map(|it| match it.terminator {
                Terminator::Branch { condition, then, otherwise } if Some(condition) == got && then != otherwise => Some(then),
                _ => None,
            });
            if succeeds.is_some_and(|it| Graph::new(ir).is_in_arm(it, ir.block_of(take.op))) {
                return true;
            }
        }
        via = take.via;
    }
    false
}

/// Whether the guard value is an argument of the call that takes the lock, and the callee may have dropped it, or given it
/// on, by then.
fn is_given_away(analysis: &Analysis<'_>, function: Fun, held: &Held, acquisition: &Acquisition) -> bool {
    let program = analysis.program;
    let (HeldBy::Value(owner, _), Some((callee, take))) = (held.by, acquisition.via) else { return false };
    let Some(OpKind::Call { dest, arguments, .. }) = program.function(function).op(acquisition.op).map(|it| &it.kind) else { return false };
    let Some(given) = arguments.iter().map(|it| it.value).find(|it| *it == owner || analysis.values(function).origin(*it) == owner) else {
        return false;
    };
    let bound = bindings(program, program.target(function, *dest), arguments);
    let keeps = bound.iter().find(|it| it.0 == callee && it.2 == given).is_some_and(|(_, parameter, _)| {
        analysis.summary(callee).takes.get(take as usize).is_some_and(|it| keeps_until(analysis, callee, *parameter, it.op))
    });
    !keeps
}

/// The lock held behind which the value was kept that ends here, where its `drop` takes such a lock: what is kept in a table
/// and leads back to one leads back to that one.
fn kept_behind<'a>(analysis: &'a Analysis<'_>, function: Fun, acquisition: &Acquisition) -> Option<&'a Held> {
    let program = analysis.program;
    let (values, locksets) = (analysis.values(function), &analysis.facts(function).locksets);
    let ir = program.function(function);
    let op = ir.op(acquisition.op)?;
    let run = acquisition.via?.0;
    let wanted = &locksets.locks[acquisition.lock as usize];
    let around =
        || locksets.before(acquisition.op).iter().filter(|it| it.sure && locksets.lock(it).key == wanted.key && conflicts(it.mode, acquisition));
    around().next()?;
    if !program.implied(function, &op.kind).iter().any(|it| it.run == run) {
        return None;
    }
    let made_from = |value: Local| {
        let value = values.origin(value);
        ir.ops.iter().find_map(|op| match &op.kind {
            OpKind::Call { dest, callee: Callee::Method { receiver, .. }, .. } if *dest == value => values.place(program, receiver),
            _ => None,
        })
    };
    let from = match &op.kind {
        OpKind::Drop { local } => made_from(*local)?,
        OpKind::Call { callee: Callee::Path(_), arguments, .. } => made_from(arguments.first()?.value)?,
        OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => values.place(program, receiver)?,
        OpKind::Store { place, .. } => values.place(program, place)?,
        _ => return None,
    };
    around().find(|it| from.locks().any(|path| locksets.lock(it).path.as_ref() == Some(&path)))
}

/// Whether the function still has what was passed for its parameter when it comes to `op`, whichever way it gets there.
fn keeps_until(analysis: &Analysis<'_>, function: Fun, parameter: u32, op: OpId) -> bool {
    let program = analysis.program;
    let Some(local) = program.function(function).params.get(parameter as usize).map(|it| it.local) else { return false };
    let graph = Graph::new(program.function(function));
    let captures = |nested: FunctionId| {
        let closure = program.function(program.fun(program.module_of(function), nested));
        closure.captured().any(|it| it.1 == local)
    };
    // The whole, or what a pattern takes out of an `Option`.
    let is_part = |place: &Place| place.base == Base::Local(local) && matches!(place.projections.first(), None | Some(Projection::Variant(_)));
    let mut ends = graph.ops().filter(|(_, it)| match &it.kind {
        OpKind::Drop { local: dropped } => *dropped == local,
        OpKind::Load { place, kind: LoadKind::Value | LoadKind::Bind, .. } | OpKind::Store { place, .. } => is_part(place),
        OpKind::Closure { function: nested, .. } => captures(*nested),
        _ => false,
    });
    !ends.any(|(end, _)| end == op || graph.leads(end, op, &[]))
}

/// Whether the lock is a signal between threads: made here, taken, handed to others who will release it, and waited for.
fn is_signal(analysis: &Analysis<'_>, function: Fun, held: &Held, lock: &LockRef) -> bool {
    held.by == HeldBy::Release
        && analysis.program.language(function) == Language::Python
        && lock.path.as_ref().is_some_and(|it| matches!(it.root, Root::Local(_)) && it.steps.is_empty())
}

/// Two holders of one thread that wait for each other, now or when a writer queues between them.
fn conflicts(held: Mode, acquisition: &Acquisition) -> bool {
    !(held == Mode::Shared && acquisition.mode == Mode::Shared && acquisition.recursive)
}

fn both_read(held: &Held, acquisition: &Acquisition) -> bool {
    held.mode == Mode::Shared && acquisition.mode == Mode::Shared
}

/// Code that runs in the middle of other code, on the thread of that: signal handlers, finalisers, `__del__`.
fn interrupts(analysis: &Analysis<'_>) -> Vec<Concurrent> {
    analysis.program.threads.entries.iter().filter(|it| it.how == Concurrency::Interrupt).copied().collect()
}

/// Where ordinary code holds the lock that the interrupting `function` takes.
fn interrupted(analysis: &Analysis<'_>, function: Fun, acquisition: &Acquisition) -> Option<(Fun, OpId)> {
    let program = analysis.program;
    let wanted = &analysis.facts(function).locksets.locks[acquisition.lock as usize];
    let path = wanted.path.as_ref().filter(|it| it.is_definite())?;
    // Nobody else has the object that is being finalised, nor what is its own; what it was given, others have too.
    let given = || match (program.class_of(function), &path.steps[..]) {
        (Some(class), [Step::Field(field), _, ..]) => is_given(analysis, class, *field),
        _ => false,
    };
    let own = path.root == Root::Param(0) && program.function(function).name == Name::new("__del__") && !given();
    if own || !matches!(path.root, Root::Param(0) | Root::Global(..) | Root::Class(_) | Root::Captured(_)) {
        return None;
    }
    program.function_ids().filter(|it| *it != function && !program.is_exempt(*it)).find_map(|other| {
        let locksets = &analysis.facts(other).locksets;
        let held = locksets.acquisitions.iter().find(|it| it.via.is_none() && locksets.locks[it.lock as usize].key == wanted.key)?;
        // In between there has to be something that can be interrupted.
        locksets.is_held_somewhere(held.lock).then_some((other, held.op))
    })
}

/// Whether the constructor stores a parameter in the field.
fn is_given(analysis: &Analysis<'_>, class: Cls, field: Name) -> bool {
    let program = analysis.program;
    let Some(init) = program.method(class, Name::new("__init__")).map(|it| program.function(it)) else { return false };
    let is_parameter = |value: Local| {
        init.ops.iter().any(|op| match &op.kind {
            OpKind::Load { dest, place, .. } => *dest == value && place.as_local().is_some_and(|from| init.params.iter().any(|it| it.local == from)),
            _ => false,
        })
    };
    init.ops.iter().any(|op| match &op.kind {
        OpKind::Store { place, value, .. } => {
            init.params.first().is_some_and(|it| place.base == Base::Local(it.local))
                && place.projections[..] == [Projection::Field(field)]
                && is_parameter(*value)
        }
        _ => false,
    })
}

fn who(lock: &LockRef) -> &'static str {
    if lock.scope == Scope::Async { "task" } else { "thread" }
}

fn not_reentrant(lock: &str, who: &str) -> Evidence {
    Evidence { kind: EvidenceKind::NotReentrant, message: format!("`{lock}` cannot be taken twice by one {who}"), location: None }
}

fn report_callback(analysis: &Analysis<'_>, function: Fun, reentry: &Reentry) -> Finding {
    let program = analysis.program;
    let wanted = &analysis.facts(function).locksets.locks[reentry.taken.lock as usize];
    let (lock, who) = (wanted.key.display(program), who(wanted));
    let location = statement(analysis, function, reentry.taken.op);
    let mut it = finding(&SELF_DEADLOCK, analysis, function, location, Confidence::High);
    let (runs, callback) = (program.symbol(reentry.inside.0), reentry.taken.via.map(|it| program.symbol(it.0)).unwrap_or_default());
    it.message = format!("`{runs}` calls `{callback}` while it holds `{lock}`, which `{callback}` takes again");
    it.caption = "the callback is given here".to_string();
    it.help = format!("call back after `{lock}` is given up, or let `{callback}` expect it held");
    it.locks = vec![lock.clone()];
    let called = expression(analysis, reentry.inside.0, reentry.inside.1);
    it.labels.push(label(called, Role::LockHeld, format!("called here, with `{lock}` held")));
    let inner = witness(analysis, function, &reentry.taken);
    it.labels.extend(inner.into_iter().skip(1));
    it.evidence.push(not_reentrant(&lock, who));
    let taken = it.labels.last().map_or(location, |it| it.location);
    it.interleaving.push(step('A', called, format!("holds `{lock}` and calls `{callback}`")));
    it.interleaving.push(step('A', taken, format!("waits for `{lock}`, which A itself holds: it never goes on")));
    it
}

fn report_interrupt(analysis: &Analysis<'_>, entry: &Concurrent, acquisition: &Acquisition, holder: (Fun, OpId)) -> Finding {
    let program = analysis.program;
    let function = entry.function;
    let wanted = &analysis.facts(function).locksets.locks[acquisition.lock as usize];
    let lock = wanted.key.display(program);
    let location = statement(analysis, function, acquisition.op);
    let mut it = finding(&SELF_DEADLOCK, analysis, function, location, Confidence::Medium);
    let (name, other) = (program.symbol(function), program.symbol(holder.0));
    it.message = format!("`{name}` can interrupt `{other}` while that holds `{lock}`, and then waits for it");
    it.caption = format!("waits for `{lock}`");
    it.help = format!("take no lock in `{name}`: set a flag or put into a `SimpleQueue` what ordinary code will do, or make `{lock}` an `RLock`");
    it.locks = vec![lock.clone()];
    let held = expression(analysis, holder.0, holder.1);
    it.labels.push(label(held, Role::LockHeld, format!("`{lock}` is held from here")));
    if acquisition.via.is_some() {
        it.labels.extend(witness(analysis, function, acquisition));
    }
    it.evidence.push(Evidence {
        kind: EvidenceKind::ThreadTarget,
        message: format!("`{name}` runs in the middle of other code (`{}`)", entry.what),
        location: Some(entry.location),
    });
    it.evidence.push(not_reentrant(&lock, "thread"));
    it.interleaving.push(step('A', held, format!("takes `{lock}`")));
    it.interleaving.push(step('A', location, format!("interrupts itself and waits for `{lock}`: it never goes on")));
    it
}

fn report(analysis: &Analysis<'_>, function: Fun, held: &Held, acquisition: &Acquisition) -> Finding {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let wanted = &locksets.locks[acquisition.lock as usize];
    let lock = wanted.key.display(program);
    let both_read = both_read(held, acquisition);
    let confidence = if held.sure && !is_by_name(analysis, function, acquisition) { Confidence::High } else { Confidence::Medium };
    let location = statement(analysis, function, acquisition.op);
    let mut it = finding(&SELF_DEADLOCK, analysis, function, location, confidence);
    let is_cell = wanted.kind == LockKind::Cell;
    if both_read || is_cell {
        it.severity = Severity::Warning;
    }
    let who = who(wanted);
    let through = acquisition.via.map(|(callee, _)| program.symbol(callee));
    it.message = match (&through, both_read) {
        (Some(callee), _) if is_cell => format!("`{callee}` borrows `{lock}`, which is still borrowed here: it panics"),
        (None, _) if is_cell => format!("`{lock}` is borrowed again while it is still borrowed: it panics"),
        (Some(callee), false) => format!("`{callee}` takes `{lock}`, which this {who} already holds"),
        (None, false) => format!("`{lock}` is taken again by the {who} that holds it"),
        (Some(callee), true) => format!("`{callee}` read-locks `{lock}` again under a read lock: it hangs when a writer waits in between"),
        (None, true) => format!("`{lock}` is read-locked again under a read lock: it hangs when a writer waits in between"),
    };
    it.caption = match (through.is_some(), is_cell) {
        (true, false) => format!("waits for `{lock}` in here"),
        (false, false) => format!("waits for `{lock}`"),
        (true, true) => format!("borrows `{lock}` in here"),
        (false, true) => format!("borrows `{lock}` a second time"),
    };
    it.help = match program.language(function) {
        Language::Python => format!("move the work that needs `{lock}` into a helper that expects it held, or make it an `RLock`"),
        Language::Rust if is_cell => format!("end the first borrow of `{lock}` before this"),
        Language::Rust => format!("end the first guard of `{lock}` before this, or hand the guard value on instead of locking again"),
    };
    it.locks = vec![lock.clone()];
    let first = expression(analysis, function, held.at);
    let taken = if held.by == HeldBy::Decorator { "a decorator holds `{}` around this" } else { "`{}` is taken here and still held" };
    it.labels.push(label(first, Role::LockHeld, taken.replace("{}", &lock)));
    if acquisition.via.is_some() {
        it.labels.extend(witness(analysis, function, acquisition));
    }
    let mut why = not_reentrant(&lock, who);
    if is_cell {
        why.message = format!("`{lock}` can be borrowed once for writing, and not for reading meanwhile");
    } else if both_read {
        why.message = format!("`{lock}` lets no reader in while a writer waits");
    }
    it.evidence.push(why);
    let inner = it.labels.last().map_or(location, |it| it.location);
    let second = if acquisition.via.is_some() { inner } else { location };
    it.interleaving.push(step('A', first, format!("{} `{lock}`", if is_cell { "borrows" } else { "takes" })));
    if is_cell {
        it.interleaving.push(step('A', second, format!("borrows `{lock}` again: it panics")));
    } else if both_read {
        it.interleaving.push(step('B', first, format!("waits to write `{lock}`, which A reads")));
        it.interleaving.push(step('A', second, format!("waits for `{lock}` behind B: neither goes on")));
    } else {
        it.interleaving.push(step('A', second, format!("waits for `{lock}`, which A itself holds: it never goes on")));
    }
    it
}
