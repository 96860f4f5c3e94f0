//! A lock that nobody else can have: made in the function that takes it, or by what it asks for it. And one that is
//! given up before anything was done under it.

use std::cell::LazyCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::{INEFFECTIVE_LOCK, makes_lock};
use crate::analysis::Analysis;
use crate::analysis::lockset::{Acquisition, HeldBy};
use crate::analysis::path::Root;
use crate::catalog::{LockKind, Scope};
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{Callee, FunctionKind, Language, Local, OpId, OpKind, Terminator};
use crate::program::{Fun, Target};

pub(super) fn fresh(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    if locksets.acquisitions.is_empty() {
        return;
    }
    if program.language(function) == Language::Rust {
        given_up_at_once(analysis, function, findings);
        return;
    }
    // A script's own statements run once.
    if program.function(function).kind == FunctionKind::ModuleBody {
        return;
    }
    let graph = Graph::new(program.function(function));
    let defines = |(id, op): (OpId, &'_ crate::ir::Op)| Some((op.kind.defines()?, id)).filter(|_| !matches!(op.kind, OpKind::Store { .. }));
    let definitions: FxHashMap<Local, (OpId, &OpKind)> =
        graph.ops().filter_map(|it| defines(it).map(|(local, id)| (local, (id, &it.1.kind)))).collect();
    let kept = LazyCell::new(|| kept(analysis, function));
    let mut seen: FxHashSet<Local> = FxHashSet::default();
    for taken in locksets.acquisitions.iter().filter(|it| it.via.is_none() && it.op != OpId::ENTRY) {
        let lock = &locksets.locks[taken.lock as usize];
        let of_path = || lock.path.as_ref().filter(|it| it.steps.is_empty()).map(|it| it.root);
        let local = match (graph.op(taken.op).map(|it| &it.kind), of_path()) {
            (Some(OpKind::Enter { manager, .. }), _) => analysis.values(function).origin(*manager),
            (_, Some(Root::Local(local))) => local,
            _ => continue,
        };
        if lock.kind == LockKind::Condition || seen.contains(&local) {
            continue;
        }
        let Some(made) = maker(analysis, function, &definitions, local) else { continue };
        if !kept.contains(&analysis.values(function).origin(local)) {
            seen.insert(local);
            findings.push(report(analysis, function, taken, &made));
        }
    }
}

/// Where a lock is made: in the function itself, or in one that makes another for every call.
enum Maker {
    Here(OpId),
    Function(Fun),
}

fn maker(analysis: &Analysis<'_>, function: Fun, definitions: &FxHashMap<Local, (OpId, &OpKind)>, local: Local) -> Option<Maker> {
    let program = analysis.program;
    let values = analysis.values(function);
    let (id, op) = *definitions.get(&local).or_else(|| definitions.get(&values.origin(local)))?;
    if makes_lock(program, function, op).is_some() {
        return Some(Maker::Here(id));
    }
    let called = program
        .called(function, op)
        .filter(|it| matches!(program.target(function, op.defines().unwrap_or(local)), Target::Function { .. }) && *it != function)?;
    makes_for_each_call(analysis, called).then_some(Maker::Function(called))
}

/// Whether every return of the function gives a lock that it has just made, and keeps no reference to.
fn makes_for_each_call(analysis: &Analysis<'_>, function: Fun) -> bool {
    let program = analysis.program;
    let ir = program.function(function);
    // A decorator may remember what was made (`cached_property`, `lru_cache`).
    let is_plain = ir.attributes.iter().all(|it| matches!(it.path.as_str(), "property" | "staticmethod" | "classmethod" | "abstractmethod"));
    if ir.is_async || ir.is_generator || !is_plain {
        return false;
    }
    let values = analysis.values(function);
    let made: FxHashSet<Local> = ir.ops.iter().filter_map(|it| makes_lock(program, function, &it.kind)).collect();
    let mut returns = ir.blocks.iter().filter_map(|it| if let Terminator::Return(value) = it.terminator { Some(value) } else { None }).peekable();
    let given_away = given_away(analysis, function);
    let is_new = |value: Local| made.contains(&value) && !given_away.contains(&value);
    returns.peek().is_some() && returns.all(|it| it.is_some_and(|value| is_new(values.origin(value))))
}

/// What somebody else can get hold of: what is stored, passed on, given out, or seen by a nested function.
fn kept(analysis: &Analysis<'_>, function: Fun) -> FxHashSet<Local> {
    let mut found = given_away(analysis, function);
    let values = analysis.values(function);
    for block in &analysis.program.function(function).blocks {
        if let Terminator::Return(Some(value)) = block.terminator {
            found.insert(values.origin(value));
        }
    }
    found
}

/// The same, what is returned aside.
fn given_away(analysis: &Analysis<'_>, function: Fun) -> FxHashSet<Local> {
    let program = analysis.program;
    let values = analysis.values(function);
    let mut found: FxHashSet<Local> = FxHashSet::default();
    for op in &program.function(function).ops {
        match &op.kind {
            OpKind::Store { place, value, .. } if place.as_local().is_none() => _ = found.insert(values.origin(*value)),
            OpKind::Call { arguments, .. } => found.extend(arguments.iter().map(|it| values.origin(it.value))),
            OpKind::Aggregate { operands, .. } => found.extend(operands.iter().map(|it| values.origin(*it))),
            OpKind::Yield { value: Some(value), .. } => _ = found.insert(values.origin(*value)),
            _ => {}
        }
    }
    found.extend(program.nested(function).flat_map(|it| program.function(it).captured()).map(|it| values.origin(it.1)));
    found
}

fn report(analysis: &Analysis<'_>, function: Fun, taken: &Acquisition, made: &Maker) -> Finding {
    let program = analysis.program;
    let lock = &analysis.facts(function).locksets.locks[taken.lock as usize];
    let who = if lock.scope == Scope::Async { "task" } else { "thread" };
    let location = statement(analysis, function, taken.op);
    let mut it = finding(&INEFFECTIVE_LOCK, analysis, function, location, Confidence::High);
    it.caption = format!("no other {who} can have this lock");
    it.locks =
        vec![if lock.key.is_named(program) { lock.key.display(program) } else { program.text(expression(analysis, function, taken.op)).to_string() }];
    let each = match made {
        Maker::Here(op) => {
            it.message = format!("the lock is made in this call of `{}`: every {who} takes one of its own", program.symbol(function));
            let there = expression(analysis, function, *op);
            if there.range != location.range && !location.range.contains(there.range) {
                it.labels.push(label(there, Role::Write, "made here, at every call"));
            }
            "makes a lock, and takes it"
        }
        Maker::Function(maker) => {
            let name = program.symbol(*maker);
            it.message = format!("`{name}` makes a lock for every call: every {who} takes one of its own");
            it.labels.push(label(program.location(*maker, program.function(*maker).name_range), Role::Call, "makes another each time"));
            "gets a lock that is new, and takes it"
        }
    };
    it.help = "make the lock once, where those who share the state find it: in `__init__`, in the class, or in the module".to_string();
    it.interleaving.push(step('A', location, each));
    it.interleaving.push(step('B', location, "does the same with another: both are in"));
    it
}

/// `let _ = m.lock();`: the guard value ends with its statement, and what comes after is not under the lock.
fn given_up_at_once(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let ir = program.function(function);
    let graph = Graph::new(ir);
    let passing = &program.catalog(function).tables.passing;
    for taken in locksets.acquisitions.iter().filter(|it| it.via.is_none() && !it.tries) {
        let lock = &locksets.locks[taken.lock as usize];
        let Some(stmt) = graph.op(taken.op).map(|it| it.stmt()) else { continue };
        if !lock.excludes() || lock.kind == LockKind::Condition || lock.scope == Scope::Async {
            continue;
        }
        // All that stands under it: what hands the guard value on, and what ends it.
        let rest = || graph.from(taken.op).skip(1);
        let ends = rest().take_while(|it| it.1.stmt() == stmt).all(|(_, op)| match &op.kind {
            OpKind::Drop { .. } => true,
            OpKind::Call { callee: Callee::Method { name, .. }, arguments, .. } => passing.unwrapping.contains(name) && arguments.len() < 2,
            _ => false,
        });
        let Some((next, _)) = rest().find(|it| it.1.stmt() != stmt).filter(|_| ends && by_value(analysis, function, taken)) else { continue };
        if graph.block_of(next) != graph.block_of(taken.op) || locksets.before(next).iter().any(|it| it.at == taken.op) {
            continue;
        }
        // Before a notify it is a barrier; and at the end of the function there is nothing left to keep others out of.
        let follows = graph.from(next).any(|it| !matches!(it.1.kind, OpKind::Drop { .. } | OpKind::Const { .. }));
        let wakes = || ir.ops.iter().any(|it| matches!(&it.kind, OpKind::Call { callee: Callee::Method { name, .. }, .. } if wakes(name.as_str())));
        if !follows || wakes() {
            continue;
        }
        let name = lock.key.display(program);
        let location = statement(analysis, function, taken.op);
        let guards_nothing = lock.guards.is_none();
        let confidence = if guards_nothing { Confidence::High } else { Confidence::Medium };
        let mut it = finding(&INEFFECTIVE_LOCK, analysis, function, location, confidence);
        it.message = format!("the guard value of `{name}` is dropped in the statement that makes it: what follows is not under the lock");
        it.caption = "taken and given up".to_string();
        it.help = format!("bind it to a name (`let _guard = …`), or say `drop(…)` where waiting for others to leave `{name}` is all that is wanted");
        it.locks = vec![name.clone()];
        it.interleaving.push(step('A', location, format!("takes `{name}`, gives it up, and goes on")));
        it.interleaving.push(step('B', location, "does the same: both are in"));
        findings.push(it);
    }
}

fn wakes(name: &str) -> bool {
    ["notify", "wake", "unpark", "signal"].iter().any(|it| name.starts_with(it))
}

/// Whether a guard value keeps the lock.
fn by_value(analysis: &Analysis<'_>, function: Fun, taken: &Acquisition) -> bool {
    let locksets = &analysis.facts(function).locksets;
    let next = OpId(taken.op.0 + 1);
    locksets.before(next).iter().any(|it| it.at == taken.op && matches!(it.by, HeldBy::Value(..)))
}
