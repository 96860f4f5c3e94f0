//! `guard-escape`: mutable state that a lock guards, handed out by reference.
//!
//! For each state whose changes in place are mostly under a lock, the functions are looked at that return or yield the
//! container itself, a view of it, or a lazy iterator over it. And those that put a new container in place of a shared
//! one that others read without a lock, and change the new one afterwards.

use rustc_hash::{FxHashMap, FxHashSet};

use super::support::{Graph, Guard, Recent, finding, is_at_hand, label, state_name, statement, step};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind, VIEWS};
use crate::analysis::path::{Owner, Step};
use crate::analysis::state::{State, Use};
use crate::finding::{Confidence, Finding, Role, Rule, Severity};
use crate::ir::{Base, Callee, FunctionKind, Language, Local, OpId, OpKind, Place, Projection, Terminator};
use crate::program::{Fun, Target, Ty};

/// Functions whose result goes over their argument only when it is gone over itself.
const LAZY: &[&str] = &["enumerate", "filter", "iter", "itertools.chain", "itertools.islice", "map", "reversed", "zip"];

pub const GUARD_ESCAPE: Lint = Lint {
    rule: Rule {
        name: "guard-escape",
        group: "snapshot",
        severity: Severity::Warning,
        languages: &[Language::Python],
        summary: "Mutable state that a lock guards is handed out by reference",
        page: include_str!("../../lints/guard-escape.md"),
    },
    check: Check::Program(check),
};

/// How a value leaves a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Return,
    Yield,
}

/// What is handed out: the container, or something that goes on referring to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Itself,
    View,
    Lazy,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mut known: Recent<Handed> = Recent::default();
    for (owner, state) in analysis.states.iter() {
        let Some(guard) = Guard::of(analysis, owner, state).filter(|_| is_python(analysis, state)) else { continue };
        if guard.changes.is_majority() || guard.is_explicit() && guard.changes.under > 0 {
            let mut seen: FxHashSet<Fun> = FxHashSet::default();
            for usage in state.uses.iter().filter(|it| !it.writes && !it.construction) {
                let handed = known.get(usage.function, || Handed::of(analysis, usage.function));
                if let Some((way, form)) = handed.way(analysis, usage)
                    && is_changed_below(analysis, state, usage)
                    && seen.insert(usage.function)
                {
                    findings.extend(report(analysis, &guard, usage, way, form));
                }
            }
        }
        published(analysis, &guard, owner, state, findings);
    }
}

fn is_python(analysis: &Analysis<'_>, state: &State) -> bool {
    state.uses.first().is_some_and(|it| analysis.program.language(it.function) == Language::Python)
}

/// What a function hands out, by the local it was read into.
struct Handed {
    direct: FxHashMap<Local, Way>,
    lazy: FxHashMap<Local, Way>,
}

impl Handed {
    fn of(analysis: &Analysis<'_>, function: Fun) -> Handed {
        let ir = analysis.program.function(function);
        let values = analysis.values(function);
        let mut direct: FxHashMap<Local, Way> = FxHashMap::default();
        for block in &ir.blocks {
            if let Terminator::Return(Some(value)) = block.terminator {
                direct.insert(values.origin(value), Way::Return);
            }
        }
        // A context manager's caller has what it yields for as long as it is inside.
        let is_manager = ir.attributes.iter().any(|it| it.path.last().ends_with("contextmanager"));
        for op in &ir.ops {
            if let OpKind::Yield { value: Some(value), from: false, .. } = op.kind
                && !is_manager
            {
                direct.insert(values.origin(value), Way::Yield);
            }
        }
        let mut lazy: FxHashMap<Local, Way> = FxHashMap::default();
        for op in &ir.ops {
            if let OpKind::Call { dest, callee: Callee::Path(name), arguments } = &op.kind
                && LAZY.contains(&name.as_str())
                && let Some(way) = direct.get(dest)
            {
                lazy.extend(arguments.iter().map(|it| (values.origin(it.value), *way)));
            }
        }
        Handed { direct, lazy }
    }

    fn way(&self, analysis: &Analysis<'_>, usage: &Use) -> Option<(Way, Form)> {
        let program = analysis.program;
        let value = analysis.access(usage).value;
        let op = &program.function(usage.function).op(usage.op)?.kind;
        let form = match op {
            OpKind::Load { .. } => Form::Itself,
            OpKind::Call { dest, .. } => match program.target(usage.function, *dest) {
                Target::Unknown if is_view(op) => Form::View,
                Target::Method { ty, name } if program.catalog(usage.function).container(*ty).is_some_and(|it| it.views.contains(name)) => Form::View,
                _ => return None,
            },
            _ => return None,
        };
        let direct = self.direct.get(&value).map(|it| (*it, form));
        direct.or_else(|| self.lazy.get(&value).map(|it| (*it, Form::Lazy)))
    }
}

fn is_view(op: &OpKind) -> bool {
    matches!(op, OpKind::Call { callee: Callee::Method { name, .. }, .. } if VIEWS.contains(&name.as_str()))
}

/// How many keys and indices lead from the state to the place.
fn depth(access: &Access) -> usize {
    access.path.steps.iter().rev().take_while(|it| matches!(it, Step::Key(_) | Step::Item)).count()
}

/// Whether the object that is read, and not only what it stands in, is changed in place under a lock; and is a container
/// as far as is known.
fn is_changed_below(analysis: &Analysis<'_>, state: &State, usage: &Use) -> bool {
    let program = analysis.program;
    let read = analysis.access(usage);
    let is_container = match read.path.resolve(program, usage.function) {
        Some((_, Ty::External(path, _))) => program.catalog(usage.function).container(path).is_some_and(|it| !it.thread_safe),
        // What has views and takes items is a container.
        Some((_, Ty::Unknown)) => depth(read) > 0 || program.function(usage.function).op(usage.op).is_some_and(|it| is_view(&it.kind)),
        _ => false,
    };
    is_container
        && state.uses.iter().filter(|it| it.writes && !it.construction && !it.held.is_empty()).any(|it| {
            let write = analysis.access(it);
            let changed = match write.kind {
                AccessKind::Mutate => depth(write),
                _ if depth(write) > 0 => depth(write) - 1,
                _ => return false,
            };
            changed == depth(read)
        })
}

fn report(analysis: &Analysis<'_>, guard: &Guard<'_>, usage: &Use, way: Way, form: Form) -> Option<Finding> {
    let program = analysis.program;
    let function = usage.function;
    let ir = program.function(function);
    let access = analysis.access(usage);
    let there = guard.shown(analysis, &guard.changes)?;
    // What is taken out, and another put in its place, is the taker's own.
    let is_taken = analysis
        .facts(function)
        .accesses
        .iter()
        .any(|it| it.op > access.op && it.kind == AccessKind::Write && it.key.owner == access.key.owner && depth(it) == depth(access));
    // Who calls it under the lock may have the container itself.
    if is_taken || usage.maybe_guarded || analysis.entry.callers_hold(function, &guard.lock) || !is_at_hand(program, function, access, &guard.lock) {
        return None;
    }
    let under = usage.held.iter().any(|it| it.0 == guard.lock);
    let confidence = match () {
        () if !ir.is_public || ir.kind == FunctionKind::Closure => Confidence::Low,
        () if under => Confidence::High,
        () if guard.changes.under >= 2 => Confidence::Medium,
        () => Confidence::Low,
    };
    let (name, lock) = (state_name(analysis, access), guard.lock.display(program));
    let location = statement(analysis, function, usage.op);
    let mut it = finding(&GUARD_ESCAPE, analysis, function, location, confidence);
    let verb = if way == Way::Return { "returned" } else { "yielded" };
    let what = match form {
        Form::Itself => "itself",
        Form::View => "as a view",
        Form::Lazy => "as a lazy iterator",
    };
    it.message = format!("`{name}`, which `{lock}` guards, is {verb} {what}: who gets it uses it without the lock");
    it.caption = match form {
        Form::Itself => "hands out the container that others go on changing".to_string(),
        Form::View | Form::Lazy => "goes over the container when the lock is given up".to_string(),
    };
    it.help = match form {
        Form::Itself => format!("hand out a copy made under `{lock}` (`dict(…)`, `list(…)`, `.copy()`)"),
        Form::View | Form::Lazy => format!("make a list of it under `{lock}`, and hand that out"),
    };
    it.state = Some(name.clone());
    it.locks = vec![lock.clone()];
    it.labels.push(label(there, Role::OtherAccess, format!("changed under `{lock}` here")));
    it.evidence = guard.evidence(analysis, &guard.changes, "changes in place");
    it.interleaving.push(step('A', location, format!("gives `{name}` away, and goes over what it gave")));
    it.interleaving.push(step('B', there, format!("takes `{lock}` and changes it")));
    it.interleaving.push(step('A', location, "what A looks at changes under its eyes"));
    Some(it)
}

/// A container that is put in place under the lock for readers who take none, and changed after that.
fn published(analysis: &Analysis<'_>, guard: &Guard<'_>, owner: &Owner, state: &State, findings: &mut Vec<Finding>) {
    let reader = state.uses.iter().find(|it| !it.writes && !it.construction && it.held.is_empty() && !it.maybe_guarded);
    let Some(reader) = reader else { return };
    for usage in state.uses.iter().filter(|it| it.writes && !it.construction && it.held.iter().any(|it| it.0 == guard.lock)) {
        let access = analysis.access(usage);
        if access.kind != AccessKind::Write || access.key.item || access.changes_in_place() {
            continue;
        }
        if let Some((local, change)) = changed_after(analysis, usage, access) {
            findings.push(report_published(analysis, guard, owner, usage, reader, local, change));
            return;
        }
    }
}

/// The variable that was stored, and where it is changed in place while it still is what was stored.
fn changed_after(analysis: &Analysis<'_>, usage: &Use, write: &Access) -> Option<(Local, OpId)> {
    let program = analysis.program;
    let graph = Graph::new(program.function(usage.function));
    let stored = graph.ops().find_map(|(_, op)| match &op.kind {
        OpKind::Load { dest, place, .. } if *dest == write.value => place.as_local(),
        _ => None,
    })?;
    let catalog = program.catalog(usage.function);
    let is_stored = |place: &Place| place.base == Base::Local(stored);
    let new: Vec<OpId> = graph.ops().filter(|it| it.1.kind.defines() == Some(stored)).map(|it| it.0).collect();
    let mut changes = graph.ops().filter(|(_, op)| match &op.kind {
        OpKind::Store { place, .. } | OpKind::Delete { place } => {
            is_stored(place) && matches!(place.projections[..], [Projection::Key(_) | Projection::Index(_)])
        }
        OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } => {
            let changes = match program.target(usage.function, *dest) {
                Target::Method { ty, .. } => catalog.container(*ty).is_some_and(|it| it.mutating.contains(name)),
                // Its type is not known, but what it is called with is a container's alone.
                _ => matches!(name.as_str(), "append" | "pop" | "popitem" | "setdefault" | "update"),
            };
            receiver.as_local() == Some(stored) && changes
        }
        _ => false,
    });
    changes.find(|it| graph.leads(usage.op, it.0, &new)).map(|it| (stored, it.0))
}

fn report_published(analysis: &Analysis<'_>, guard: &Guard<'_>, owner: &Owner, usage: &Use, reader: &Use, local: Local, change: OpId) -> Finding {
    let program = analysis.program;
    let key = crate::analysis::path::Key { owner: *owner, item: false, data: false };
    let name = key.display(program);
    let variable = program.function(usage.function).local(local).name.map_or("it", |it| it.as_str());
    let location = statement(analysis, usage.function, change);
    let mut it = finding(&GUARD_ESCAPE, analysis, usage.function, location, Confidence::Medium);
    it.message = format!("`{variable}` is changed after it was put in place as `{name}`, which others read without a lock");
    it.caption = "changes what is published already".to_string();
    it.help = format!("make a new copy for every change, and put that in place as `{name}`");
    it.state = Some(name.clone());
    it.locks = vec![guard.lock.display(program)];
    let (stored, read) = (statement(analysis, usage.function, usage.op), statement(analysis, reader.function, reader.op));
    it.labels.push(label(stored, Role::Write, "published here"));
    it.labels.push(label(read, Role::OtherAccess, "read without the lock here"));
    it.interleaving.push(step('A', stored, format!("puts `{variable}` in place as `{name}`")));
    it.interleaving.push(step('B', read, "begins to go over it"));
    it.interleaving.push(step('A', location, "changes it: an error for B, or a state that was never meant to be seen"));
    it
}
