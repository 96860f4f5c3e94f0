//! A container that one function goes over while another puts something in or takes something out, and no lock at either.
//!
//! A loop over a `dict`, a `set` or a `deque` fails when its size changes meanwhile; one over a `list` misses what moves up
//! when something before it goes. Guarded elsewhere or not, that is so: what it takes is a sign that several threads are
//! there.

use rustc_hash::FxHashSet;

use super::super::support::{REMOVING, Recent, finding, is_for_one_thread, is_method, label, shared, state_name, statement, stays_on_loop, step};
use super::{INCONSISTENT_GUARD, is_whole};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::path::{Owner, Root};
use crate::analysis::state::{State, Use};
use crate::catalog::Concurrency;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Severity};
use crate::ir::{Callee, Function, Language, Local, OpKind};
use crate::program::{Fun, Ty};

/// Functions that go over what they are given when somebody goes over what they give.
const LAZY: &[&str] = &["chain", "enumerate", "filter", "map", "reversed", "zip"];

/// Methods that put something into a container, and that take it out.
const PUTTING: &[&str] = &["add", "append", "appendleft"];
const TAKING: &[&str] = &["discard", "pop", "popleft", "remove"];

/// So many changes of each container are looked at.
const MAX_CHANGES: usize = 64;

pub(super) fn bare(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mut known: Recent<FxHashSet<Local>> = Recent::default();
    for (owner, state) in analysis.states.iter() {
        let changes = changes(analysis, owner, state);
        if changes.is_empty() {
            continue;
        }
        let mut seen: FxHashSet<Fun> = FxHashSet::default();
        for usage in state.uses.iter().filter(|it| !it.writes && is_bare(analysis, it) && is_whole(analysis, it)) {
            let access = analysis.access(usage);
            let values = known.get(usage.function, || gone_over(analysis, usage.function));
            if !values.contains(&analysis.values(usage.function).origin(access.value)) || seen.contains(&usage.function) {
                continue;
            }
            let change = changes.iter().find(|it| it.function != usage.function);
            if let Some(change) = change
                && !is_for_one_thread(analysis, owner, usage.function)
                && !stays_on_loop(analysis, state, usage.function)
                && let Some(evidence) = why(analysis, owner, state, usage, change)
            {
                seen.insert(usage.function);
                findings.push(report(analysis, usage, change, evidence));
            }
        }
    }
}

/// Where the container that a state is gets or loses items, with no lock held; nothing if a lock guards it somewhere.
fn changes<'a>(analysis: &Analysis<'_>, owner: &Owner, state: &'a State) -> Vec<&'a Use> {
    let program = analysis.program;
    let is_state = matches!(owner, Owner::Field(..)) && !is_method(program, owner);
    if !is_state || program.language(state.uses[0].function) != Language::Python || state.guard().is_some() || state.declared.is_some() {
        return Vec::new();
    }
    let Owner::Field(class, name) = owner else { return Vec::new() };
    let Some((_, Ty::External(path, _))) = program.field(*class, *name) else { return Vec::new() };
    let is_list = match program.catalogs.python.container(*path) {
        Some(row) if !row.thread_safe => *path == "list",
        _ => return Vec::new(),
    };
    let counts = |it: &&Use| {
        let access = analysis.access(it);
        access.may_resize() && (!is_list || removes(program.function(it.function), access)) && is_bare(analysis, it)
    };
    state.uses.iter().filter(|it| it.writes).take(MAX_CHANGES).filter(counts).collect()
}

fn is_bare(analysis: &Analysis<'_>, usage: &Use) -> bool {
    let is_own = matches!(analysis.access(usage).path.root, Root::Local(_));
    !usage.construction
        && usage.held.is_empty()
        && !usage.maybe_guarded
        && !is_own
        && !analysis.program.function(usage.function).is_async
        && !analysis.callers.is_unseen(usage.function)
        && !analysis.entry.callers_hold_one(usage.function)
}

fn removes(ir: &Function, access: &Access) -> bool {
    match ir.op(access.op).map(|it| &it.kind) {
        Some(OpKind::Delete { .. }) => true,
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => REMOVING.contains(&name.as_str()),
        _ => false,
    }
}

/// The values that a function's loops go over, item by item.
fn gone_over(analysis: &Analysis<'_>, function: Fun) -> FxHashSet<Local> {
    let values = analysis.values(function);
    let ir = analysis.program.function(function);
    let mut found: FxHashSet<Local> = FxHashSet::default();
    for op in &ir.ops {
        if let OpKind::Iterate { value, .. } = &op.kind {
            found.insert(values.origin(*value));
        }
    }
    // `both = chain(self.free, self.used)`, and a loop over `both`.
    for op in &ir.ops {
        if let OpKind::Load { dest, place, .. } = &op.kind
            && let Some(variable) = place.as_local().filter(|_| found.contains(dest))
        {
            found.insert(variable);
        }
    }
    let mut lazy: FxHashSet<Local> = FxHashSet::default();
    for op in &ir.ops {
        match &op.kind {
            OpKind::Store { place, value, .. } if place.as_local().is_some_and(|it| found.contains(&it)) => {
                lazy.insert(values.origin(*value));
            }
            _ => {}
        }
    }
    for op in &ir.ops {
        if let OpKind::Call { dest, callee: Callee::Path(name), arguments } = &op.kind
            && LAZY.contains(&name.last())
            && (found.contains(dest) || lazy.contains(dest))
        {
            found.extend(arguments.iter().map(|it| values.origin(it.value)));
        }
    }
    found
}

/// Why both may happen at once.
fn why(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, change: &Use) -> Option<Vec<Evidence>> {
    let program = analysis.program;
    let Owner::Field(class, _) = owner else { return None };
    // The class has a thread of its own, and the other of the two is not on it.
    let on_own_thread = |it: &Use| {
        let entry = &program.threads.entries[analysis.sharing.entry(it.function, &analysis.access(it).path)? as usize];
        let is_own = program.class_of(entry.function).is_some_and(|it| program.ancestry(it).contains(class));
        (is_own && entry.how == Concurrency::Thread).then_some(entry)
    };
    let outside = |it: &Use| !analysis.sharing.is_on_thread(it.function) && analysis.callers.is_from_outside(it.function);
    let beside = [(usage, change), (change, usage)].into_iter().find_map(|(one, other)| on_own_thread(one).filter(|_| outside(other)));
    if let Some(entry) = beside {
        let message = format!("`{}` runs on other threads (`{}`)", program.symbol(entry.function), entry.what);
        return Some(vec![Evidence { kind: EvidenceKind::ThreadTarget, message, location: Some(entry.location) }]);
    }
    // A pool is there for several at once, and has a lock, if for something else.
    let moved = state.uses.iter().filter(|it| it.writes && !it.construction).find(|it| moves(analysis, it))?;
    let shared = shared(analysis, owner, state, change, analysis.access(change), true)?;
    let expects = shared.evidence.iter().any(|it| matches!(it.kind, EvidenceKind::OwnsLock | EvidenceKind::Declared));
    if !expects || shared.unrelated || shared.one_thread {
        return None;
    }
    let mut evidence = shared.evidence;
    let message = format!("`{}` gives out and takes back what is in it", program.symbol(moved.function));
    evidence.push(Evidence { kind: EvidenceKind::Singleton, message, location: Some(statement(analysis, moved.function, moved.op)) });
    Some(evidence)
}

/// Whether a function puts into the container what it takes out of another one of the same object, or the other way round:
/// `self.used.remove(x); self.free.append(x)`.
fn moves(analysis: &Analysis<'_>, usage: &Use) -> bool {
    let ir = analysis.program.function(usage.function);
    let facts = analysis.facts(usage.function);
    let (puts, takes) = (moved(ir, analysis.access(usage), PUTTING), moved(ir, analysis.access(usage), TAKING));
    let (mine, others) = match (puts, takes) {
        (Some(mine), _) => (mine, TAKING),
        (_, Some(mine)) => (mine, PUTTING),
        _ => return false,
    };
    let names = |value: Local| {
        let stored = ir.ops.iter().filter_map(move |it| match &it.kind {
            OpKind::Store { place, value: it, .. } if *it == value => place.as_local(),
            _ => None,
        });
        stored.chain([analysis.values(usage.function).origin(value)]).collect::<Vec<Local>>()
    };
    let mine = names(mine);
    let other =
        |it: &&Access| it.kind == AccessKind::Mutate && it.path.root == analysis.access(usage).path.root && it.path != analysis.access(usage).path;
    let mut others = facts.accesses.iter().filter(other).filter_map(|it| moved(ir, it, others));
    others.any(|it| names(it).iter().any(|it| mine.contains(it)))
}

/// What the access puts in or takes out, by a method of one of these names.
fn moved(ir: &Function, access: &Access, methods: &[&str]) -> Option<Local> {
    match ir.op(access.op).map(|it| &it.kind) {
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, arguments }) if methods.contains(&name.as_str()) => {
            Some(if matches!(name.as_str(), "pop" | "popleft") { *dest } else { arguments.last()?.value })
        }
        _ => None,
    }
}

fn report(analysis: &Analysis<'_>, usage: &Use, change: &Use, evidence: Vec<Evidence>) -> Finding {
    let program = analysis.program;
    let name = state_name(analysis, analysis.access(usage));
    let (location, there) = (statement(analysis, usage.function, usage.op), statement(analysis, change.function, change.op));
    let changer = program.symbol(change.function);
    let mut it = finding(&INCONSISTENT_GUARD, analysis, usage.function, location, Confidence::Medium);
    it.severity = Severity::Warning;
    it.message = format!("`{name}` is iterated while `{changer}` may change it: no lock is held at either");
    it.caption = "goes over the container itself".to_string();
    it.help = "guard it with one lock at every use, and go over a copy made under it".to_string();
    it.state = Some(name.clone());
    it.labels.push(label(there, Role::OtherAccess, "its size changes here"));
    it.evidence = evidence;
    it.interleaving.push(step('A', location, format!("goes over `{name}`")));
    it.interleaving.push(step('B', there, "changes its size"));
    it.interleaving.push(step('A', location, "goes on: an error, or items missed or seen twice"));
    it
}
