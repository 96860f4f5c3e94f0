//! An event that is cleared after the state it stands for was looked at: what was set in between is forgotten.

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::CONDITION_MISUSE;
use crate::analysis::Analysis;
use crate::analysis::lockset::OpId;
use crate::analysis::path::Path;
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{Callee, Language, OpKind};
use crate::program::{Fun, Target};

/// Paths of the events of threads and processes.
const EVENTS: &[&str] = &["threading.Event", "multiprocessing.Event"];

/// Those of event loops.
const ASYNC_EVENTS: &[&str] = &["asyncio.Event", "anyio.Event", "trio.Event"];

/// So many looks at the state, and awaits between them, are gone through.
const MAX_LOOKS: usize = 64;

pub(super) fn event(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    if program.language(function) != Language::Python {
        return;
    }
    let mut is_async = false;
    let mut waits: Vec<(OpId, Path)> = Vec::new();
    let mut clears: Vec<(OpId, Path)> = Vec::new();
    let facts = analysis.facts(function);
    for (block, index, op) in program.function(function).ops() {
        let OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } = &op.kind else { continue };
        let of = match name.as_str() {
            "wait" => &mut waits,
            "clear" => &mut clears,
            _ => continue,
        };
        if let Target::Method { ty, .. } = program.target(function, *dest)
            && (EVENTS.contains(&ty.as_str()) || ASYNC_EVENTS.contains(&ty.as_str()))
            && let Some(path) = facts.values.place(program, receiver)
        {
            is_async |= ASYNC_EVENTS.contains(&ty.as_str());
            of.push((facts.locksets.op_id(block, index), path));
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
