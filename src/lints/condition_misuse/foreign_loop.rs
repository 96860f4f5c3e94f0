//! An event loop that one thread runs, given work by another through a method that does not wake it.
//!
//! Of a loop's methods only `call_soon_threadsafe` may be called from other threads. The others put the work in, and the
//! loop sleeps on until something else wakes it; in debug mode they raise.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::support::{Graph, finding, label, over_functions, statement, step};
use super::CONDITION_MISUSE;
use crate::analysis::Analysis;
use crate::analysis::path::{Key, Owner, Root};
use crate::catalog::Concurrency;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{Base, Callee, Language, Local, Name, OpId, OpKind, Projection};
use crate::program::{Fun, Target, Ty, spawn_row, spawned_arguments};

/// The type of event loops.
const LOOP: &str = "asyncio.AbstractEventLoop";

/// Their methods that are for their own thread only.
const OWN: &[&str] = &["add_reader", "add_writer", "call_at", "call_later", "call_soon", "create_task", "remove_reader", "remove_writer", "stop"];

/// Their methods that run them.
const RUNNING: &[&str] = &["run_forever", "run_until_complete"];

/// A call of a loop's method.
struct Call {
    op: OpId,
    method: &'static str,
    receiver: Local,
    /// Where the loop lives, if that is a field or a global.
    key: Option<Key>,
    /// It is a parameter.
    is_param: bool,
}

pub(super) fn foreign_loop(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let mut running: FxHashMap<Key, (Fun, OpId)> = FxHashMap::default();
    let mut given: FxHashSet<Fun> = FxHashSet::default();
    let [run, own] = [RUNNING, OWN].map(|it| it.iter().map(|it| (Name::new(it), *it)).collect::<Vec<_>>());
    let runs = over_functions(analysis, |function, found| found.extend(calls(analysis, function, &run).into_iter().map(|it| (function, it))));
    for (function, call) in runs {
        match call.key {
            Some(key) if analysis.sharing.is_on_thread(function) => {
                running.entry(key).or_insert((function, call.op));
            }
            None if call.is_param => {
                given.insert(function);
            }
            _ => {}
        }
    }
    if running.is_empty() && given.is_empty() {
        return;
    }
    for function in program.function_ids().filter(|it| !program.is_exempt(*it)) {
        let is_elsewhere = !program.function(function).is_async
            && !program.is_construction(function)
            && !analysis.sharing.is_on_thread(function)
            && !analysis.callers.is_on_loop(function)
            && !analysis.callers.only_constructs(function)
            && !analysis.callers.is_unseen(function);
        if !is_elsewhere {
            continue;
        }
        let calls = calls(analysis, function, &own);
        if calls.is_empty() {
            continue;
        }
        let graph = Graph::new(program.function(function));
        let starts = starts(analysis, function, &graph, &given);
        for call in calls {
            // Before its thread starts and after its end the loop is nobody's.
            let ended = graph.ops().any(|(id, op)| {
                matches!(&op.kind, OpKind::Call { callee: Callee::Method { name, .. }, .. } if *name == "join") && graph.leads(id, call.op, &[])
            });
            if ended {
                continue;
            }
            let started = starts.iter().find(|it| graph.leads(it.op, call.op, &[]));
            let runner = match (call.key, started) {
                (None, Some(start)) if start.handed.contains(&call.receiver) => (function, start.op),
                (Some(key), _) if starts.is_empty() || started.is_some() => match running.get(&key) {
                    Some(runner) if analysis.callers.is_from_outside(function) => *runner,
                    _ => continue,
                },
                _ => continue,
            };
            findings.push(report(analysis, function, &call, runner));
            break;
        }
    }
}

/// The calls of some methods of event loops.
fn calls(analysis: &Analysis<'_>, function: Fun, methods: &[(Name, &'static str)]) -> Vec<Call> {
    let program = analysis.program;
    let mut found = Vec::new();
    if program.language(function) != Language::Python {
        return found;
    }
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } = &op.kind else { continue };
        let Some((_, method)) = methods.iter().find(|it| *name == it.0) else { continue };
        match program.target(function, *dest) {
            Target::Method { ty, .. } if *ty == LOOP => {}
            // Nothing else has a method of that name.
            Target::Unknown if *method == "run_forever" => {}
            _ => continue,
        }
        let path = analysis.values(function).place(program, receiver);
        let key = path.as_ref().and_then(|it| it.resolve(program, function)).map(|it| it.0);
        let (Some(variable), op) = (local_of(receiver.base), id) else { continue };
        found.push(Call {
            op,
            method,
            receiver: analysis.values(function).origin(variable),
            key: key.filter(|it| matches!(it.owner, Owner::Field(..) | Owner::Global(..))),
            is_param: path.is_some_and(|it| matches!(it.root, Root::Param(_)) && it.steps.is_empty()),
        });
    }
    found
}

fn local_of(base: Base) -> Option<Local> {
    match base {
        Base::Local(local) => Some(local),
        Base::Global(_) => None,
    }
}

/// A thread that a function starts.
struct Start {
    op: OpId,
    /// The variables with loops that it is given to run.
    handed: Vec<Local>,
}

fn starts(analysis: &Analysis<'_>, function: Fun, graph: &Graph<'_>, given: &FxHashSet<Fun>) -> Vec<Start> {
    let program = analysis.program;
    let values = analysis.values(function);
    // A variable that is given its value twice is read each time anew.
    let variable = |value: Local| {
        let read = graph.ops().find_map(|(_, op)| match &op.kind {
            OpKind::Load { dest, place, .. } if *dest == value => place.as_local(),
            _ => None,
        });
        values.origin(read.unwrap_or(value))
    };
    let mut found = Vec::new();
    for (id, op) in graph.ops() {
        let OpKind::Call { dest, arguments, .. } = &op.kind else { continue };
        let Some(row) = spawn_row(program, function, *dest).filter(|it| it.runs == Concurrency::Thread) else { continue };
        let mut handed = Vec::new();
        for target in spawned_arguments(row, arguments) {
            if let Ty::Function(run) | Ty::BoundMethod(run) = program.local_type(function, target)
                && given.contains(run)
            {
                let tuples = arguments.iter().filter_map(|it| graph.ops().find(|op| op.1.kind.defines() == Some(it.value)));
                handed.extend(tuples.flat_map(|it| it.1.kind.uses()).map(variable));
            }
            // `Thread(target=loop.run_forever)`
            handed.extend(graph.ops().find_map(|(_, op)| match &op.kind {
                OpKind::Load { dest, place, .. } if *dest == target => match place.projections.last() {
                    Some(Projection::Field(name)) if RUNNING.contains(&name.as_str()) => local_of(place.base).map(|it| values.origin(it)),
                    _ => None,
                },
                _ => None,
            }));
        }
        found.push(Start { op: id, handed });
    }
    found
}

fn report(analysis: &Analysis<'_>, function: Fun, call: &Call, (runner, run): (Fun, OpId)) -> Finding {
    let (location, running) = (statement(analysis, function, call.op), statement(analysis, runner, run));
    let method = call.method;
    let mut it = finding(&CONDITION_MISUSE, analysis, function, location, Confidence::Medium);
    it.message = format!("`{method}` is called on an event loop that another thread runs: the loop is not woken");
    it.caption = "only `call_soon_threadsafe` may be called from another thread".to_string();
    it.help = match method {
        "create_task" => "use `asyncio.run_coroutine_threadsafe`".to_string(),
        _ => format!("let the loop's own thread do it: `loop.call_soon_threadsafe(…)` with what calls `{method}`"),
    };
    it.labels.push(label(running, Role::Call, "another thread runs the loop from here"));
    it.evidence.push(Evidence {
        kind: EvidenceKind::ThreadTarget,
        message: "a thread of its own runs the loop".to_string(),
        location: Some(running),
    });
    it.interleaving.push(step('A', running, "runs the loop, which sleeps until something is due"));
    it.interleaving.push(step('B', location, format!("calls `{method}`, which wakes nobody")));
    it.interleaving.push(step('A', running, "sleeps on: the work waits for whatever wakes the loop next"));
    it
}
