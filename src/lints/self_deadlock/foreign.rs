//! Code that is not known, called with a lock held: stored callbacks, and methods of traits that several types have.

use super::super::support::{expression, finding, label, statement, step};
use super::{SELF_DEADLOCK, not_reentrant, who};
use crate::analysis::Analysis;
use crate::analysis::lockset::{LockRef, rebase};
use crate::analysis::path::{Owner, Root, Step};
use crate::finding::{Confidence, Finding, Role, Severity};
use crate::ir::{Argument, Callee, ClassKind, Language, Name, OpId, OpKind, Place};
use crate::program::{Cls, Fun, Receiver, Target, Ty, bindings};

/// So many types that have a trait are looked at.
const MAX_IMPLEMENTORS: usize = 16;

/// Stored callbacks that are called with a lock held that cannot be taken twice: what they do is not known. One for each
/// function.
pub(super) fn foreign(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let facts = analysis.facts(function);
    if program.language(function) != Language::Python || facts.locksets.locks.is_empty() {
        return;
    }
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee, .. } = &op.kind else { continue };
        if !matches!(program.target(function, *dest), Target::Unknown) {
            continue;
        }
        let stored = match callee {
            // `for listener in self._listeners: listener(event)`
            Callee::Value(local) => analysis.values(function).path(*local).filter(|it| it.steps.last() == Some(&Step::Item)),
            // `self._on_change(event)`
            Callee::Method { receiver, name } => {
                let path = analysis.values(function).place(program, receiver).filter(|it| it.steps.is_empty() && it.root == Root::Param(0));
                path.and_then(|it| it.then(Step::Field(*name)))
            }
            _ => None,
        };
        let Some((key, ty)) = stored.and_then(|it| it.resolve(program, function)) else { continue };

        let held = facts.locksets.before(id).iter().find(|it| facts.locksets.keeps_out(it) && !facts.locksets.lock(it).reentrant);
        let (Some(held), true, Owner::Field(class, name)) = (held, ty.is_unknown(), key.owner) else { continue };
        if program.field_location(class, name).is_none() {
            continue;
        }
        let (lock, callback) = (facts.locksets.lock(held).key.display(program), key.display(program));
        let location = statement(analysis, function, id);
        let mut it = finding(&SELF_DEADLOCK, analysis, function, location, Confidence::Low);
        it.severity = Severity::Warning;
        it.message = format!("`{callback}` is called with `{lock}` held: if what it runs comes back for that, it hangs");
        it.caption = "runs code that is not known here".to_string();
        it.help = format!("take what to call under `{lock}`, and call it after that is given up");
        it.locks = vec![lock.clone()];
        let taken = expression(analysis, function, held.at);
        it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is taken here")));
        it.evidence.push(not_reentrant(&lock, "thread"));
        it.interleaving.push(step('A', taken, format!("takes `{lock}`")));
        it.interleaving.push(step('A', location, format!("runs the callback, which asks this object for something, and waits for `{lock}`")));
        findings.push(it);
        return;
    }
}

/// A method that a call of a trait's method may run, and the lock held here that it takes.
struct Dispatch {
    id: OpId,
    runs: Fun,
    /// The take in the method's summary.
    take: usize,
    held: LockRef,
    held_at: OpId,
    /// Both are surely one object.
    is_same: bool,
}

/// Calls through a trait, with a lock held that one of its implementors takes. One for each function, the surest.
pub(super) fn dispatched(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    if program.language(function) != Language::Rust || locksets.locks.is_empty() {
        return;
    }
    let mut found: Option<Dispatch> = None;
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: callee @ Callee::Method { receiver, name }, arguments } = &op.kind else { continue };

        let held =
            locksets.before(id).iter().filter(|it| locksets.keeps_out(it) && !locksets.lock(it).reentrant).map(|it| (locksets.lock(it), it.at));
        let held: Vec<(&LockRef, OpId)> = held.collect();
        if held.is_empty() {
            continue;
        }
        let Some(class) = trait_of(analysis, function, receiver) else { continue };
        let known = if let Target::Function { function, .. } = program.target(function, *dest) { Some(*function) } else { None };
        for runs in implementations(analysis, class, *name) {
            // What the only one takes is seen as in any call.
            let is_new = known != Some(runs);
            let dispatch = takes_held(analysis, function, (callee, arguments), runs, &held);
            let dispatch = dispatch.filter(|it| is_new || !it.is_same).map(|it| Dispatch { id, ..it });
            if let Some(it) = dispatch
                && found.as_ref().is_none_or(|known| it.is_same && !known.is_same)
            {
                found = Some(it);
            }
        }
    }
    findings.extend(found.map(|it| report_dispatch(analysis, function, &it)));
}

/// The trait that the type of what is at `place` is known by.
fn trait_of(analysis: &Analysis<'_>, function: Fun, place: &Place) -> Option<Cls> {
    let program = analysis.program;
    let (_, ty) = analysis.values(function).place(program, place)?.resolve(program, function)?;
    match ty.peeled(program.catalog(function)) {
        Ty::Class(class, _) if program.class(class).kind == ClassKind::Trait => Some(class),
        _ => None,
    }
}

fn implementations(analysis: &Analysis<'_>, class: Cls, name: Name) -> Vec<Fun> {
    let program = analysis.program;
    let methods = program.subclasses(class).iter().take(MAX_IMPLEMENTORS).filter_map(|it| program.method(*it, name));
    let mut methods: Vec<Fun> = methods.filter(|it| !program.is_exempt(*it)).collect();
    methods.dedup();
    methods
}

/// Whether `runs`, called here, takes one of the locks held.
fn takes_held(analysis: &Analysis<'_>, function: Fun, call: (&Callee, &[Argument]), runs: Fun, held: &[(&LockRef, OpId)]) -> Option<Dispatch> {
    let program = analysis.program;
    let values = analysis.values(function);
    let target = Target::Function { function: runs, receiver: Receiver::Place };
    let bound = bindings(program, &target, call.1);
    let argument = |index| values.argument(program, &target, call.0, &bound, index);
    let mut found = None;
    for (index, take) in analysis.summary(runs).takes_when(false).filter(|it| !it.1.tries) {
        let Some(wanted) = rebase(program, function, &take.lock, &argument, &|local| values.path(local)) else { continue };
        // What the object keeps may be the one that calls it.
        let comes_back = take.lock.path.as_ref().is_some_and(|it| it.root == Root::Param(0) && it.steps.len() > 1);
        let same = held.iter().find(|it| it.0.is_same(&wanted));
        let alike = || held.iter().find(|it| comes_back && it.0.key == wanted.key);
        let dispatch = |it: &(&LockRef, OpId), is_same| Dispatch { id: OpId::ENTRY, runs, take: index, held: it.0.clone(), held_at: it.1, is_same };
        match same {
            Some(it) => return Some(dispatch(it, true)),
            None => found = found.or_else(|| alike().map(|it| dispatch(it, false))),
        }
    }
    found
}

fn report_dispatch(analysis: &Analysis<'_>, function: Fun, dispatch: &Dispatch) -> Finding {
    let program = analysis.program;
    let Dispatch { id, runs, take, held, held_at, is_same } = dispatch;
    let (lock, runs_name) = (held.key.display(program), program.symbol(*runs));
    let location = statement(analysis, function, *id);
    let confidence = if *is_same { Confidence::Medium } else { Confidence::Low };
    let mut it = finding(&SELF_DEADLOCK, analysis, function, location, confidence);
    it.severity = if *is_same { Severity::Error } else { Severity::Warning };
    it.message = format!("this may run `{runs_name}`, which takes `{lock}`, and that is held here");
    it.caption = format!("waits for `{lock}` if it is `{runs_name}`");
    it.help = format!("call it after `{lock}` is given up");
    it.locks = vec![lock.clone()];
    it.labels.push(label(expression(analysis, function, *held_at), Role::LockHeld, format!("`{lock}` is taken here and still held")));
    let taken = analysis.summary(*runs).takes.get(*take).map_or(location, |it| expression(analysis, *runs, it.op));
    it.labels.push(label(taken, Role::LockWanted, "taken here"));
    it.evidence.push(not_reentrant(&lock, who(held)));
    it.interleaving.push(step('A', location, format!("holds `{lock}` and calls `{runs_name}`")));
    it.interleaving.push(step('A', taken, format!("waits for `{lock}`, which A itself holds: it never goes on")));
    it
}
