//! An event that is cleared after the state it stands for was looked at: what was set in between is forgotten.

use std::sync::LazyLock;

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::CONDITION_MISUSE;
use crate::analysis::Analysis;
use crate::analysis::path::{Key, Path};
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{Callee, Language, Name, OpId, OpKind};
use crate::program::{Fun, Target};

/// Paths of the events of threads and processes.
const EVENTS: &[&str] = &["threading.Event", "multiprocessing.Event"];

/// Those of event loops.
const ASYNC_EVENTS: &[&str] = &["asyncio.Event", "anyio.Event", "trio.Event"];

/// So many looks at the state, and awaits between them, are gone through.
const MAX_LOOKS: usize = 64;

/// The methods that are looked for.
struct Names {
    wait: Name,
    clear: Name,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names { wait: Name::new("wait"), clear: Name::new("clear") });

pub(super) fn event(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    if program.language(function) != Language::Python {
        return;
    }
    let names = &*NAMES;
    let mut is_async = false;
    let mut waits: Vec<(OpId, Path)> = Vec::new();
    let mut clears: Vec<(OpId, Path)> = Vec::new();
    let facts = analysis.facts(function);
    for (id, op) in program.function(function).numbered() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } = &op.kind else { continue };
        let of = if *name == names.wait {
            &mut waits
        } else if *name == names.clear {
            &mut clears
        } else {
            continue;
        };
        if let Target::Method { ty, .. } = program.target(function, *dest)
            && (EVENTS.contains(&ty.as_str()) || ASYNC_EVENTS.contains(&ty.as_str()))
            && let Some(path) = analysis.values(function).place(program, receiver)
        {
            is_async |= ASYNC_EVENTS.contains(&ty.as_str());
            of.push((id, path));
        }
    }
    let Some((wait, clear)) = waits.iter().find_map(|wait| clears.iter().find(|it| it.1 == wait.1).map(|clear| (wait, clear))) else { return };
    let graph = Graph::new(program.function(function));
    let (from, to) = (wait.0, clear.0);
    if !graph.leads(from, to, &[]) || !graph.leads(to, from, &[]) {
        return;
    }
    // What looks at the state: reads of what others share, and calls of the program's own functions.
    let reads = facts.accesses.iter().map(|it| it.op).filter(|it| *it != from && *it != to);
    let calls = graph.ops().filter(|it| program.called(function, &it.1.kind).is_some()).map(|it| it.0);
    let looks: Vec<OpId> = reads.chain(calls).take(MAX_LOOKS).collect();
    // Tasks change places only where one awaits.
    let switches = |look: OpId| {
        let mut awaits = graph.ops().filter(|it| matches!(it.1.kind, OpKind::Await { .. })).map(|it| it.0).take(MAX_LOOKS);
        !is_async || awaits.any(|it| graph.leads(look, it, &[from, to]) && graph.leads(it, to, &[from, look]))
    };
    let before = looks.iter().find(|it| graph.leads(from, **it, &[to]) && graph.leads(**it, to, &[from]) && switches(**it));
    let after = || looks.iter().any(|it| graph.leads(to, *it, &[from]) && graph.leads(*it, from, &[to]));
    let Some(before) = before.filter(|_| !after()) else { return };
    let Some((key, _)) = clear.1.resolve(program, function) else { return };
    if is_set_under(analysis, function, (*before, to), &key) {
        return;
    }
    let name = key.display(program);
    let location = statement(analysis, function, to);
    let mut it = finding(&CONDITION_MISUSE, analysis, function, location, Confidence::Medium);
    it.message = format!("`{name}` is cleared after what it stands for was looked at: a `set` in between is forgotten");
    it.caption = "also clears what was set after the look".to_string();
    it.help = format!("clear `{name}` right after the wait, then look");
    it.locks = vec![name.clone()];
    let (waited, looked) = (expression(analysis, function, from), expression(analysis, function, *before));
    it.labels.push(label(waited, Role::Read, "waited for here"));
    it.labels.push(label(looked, Role::Read, "looked at here"));
    it.interleaving.push(step('A', looked, "looks, and finds what there is"));
    it.interleaving.push(step('B', looked, format!("adds more, and sets `{name}`")));
    it.interleaving.push(step('A', location, format!("clears `{name}`, and waits: what B added stays where it is")));
    findings.push(it);
}

/// Whether one acquisition of a lock covers the look and the clearing, and whoever sets the event holds that lock: then
/// nothing is set in between.
fn is_set_under(analysis: &Analysis<'_>, function: Fun, (look, clear): (OpId, OpId), event: &Key) -> bool {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let both = locksets.before(look).iter().filter(|it| it.sure && locksets.before(clear).iter().any(|held| held.sure && held.at == it.at));
    let locks: Vec<Key> = both.map(|it| locksets.lock(it).key).collect();
    if locks.is_empty() {
        return false;
    }
    let is_set = |setter: Fun, op: &OpKind| match op {
        OpKind::Call { callee: Callee::Method { receiver, name }, .. } if *name == "set" => {
            let path = analysis.values(setter).place(program, receiver);
            path.and_then(|it| it.resolve(program, setter)).is_some_and(|it| it.0 == *event)
        }
        _ => false,
    };
    let holds = |setter: Fun, op: OpId| {
        let locksets = &analysis.facts(setter).locksets;
        let held = locksets.before(op).iter().filter(|it| it.sure).map(|it| locksets.lock(it).key);
        held.chain(analysis.entry.held(setter).iter().map(|it| it.0)).any(|it| locks.contains(&it))
    };
    let mut sets = program.function_ids().flat_map(|setter| {
        let ops = program.function(setter).numbered().filter(move |it| is_set(setter, &it.1.kind));
        ops.map(move |it| (setter, it.0))
    });
    sets.next().is_some_and(|it| holds(it.0, it.1)) && sets.all(|it| holds(it.0, it.1))
}
