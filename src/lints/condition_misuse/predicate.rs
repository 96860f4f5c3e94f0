//! What is tested around a wait: nothing, or once only.

use std::cell::LazyCell;

use petgraph::algo::dominators::Dominators;
use petgraph::graph::NodeIndex;

use super::super::support::{Graph, expression, finding, label, statement, step};
use super::{CONDITION_MISUSE, Call};
use crate::analysis::Analysis;
use crate::catalog::{Effect, Scope};
use crate::finding::{Confidence, Finding, Role, Severity};
use crate::ir::{BlockId, Language, OpId, OpKind, Terminator};

/// What is wrong with the way a wait stands in its function.
enum Misuse {
    /// Nothing is tested between taking the lock and waiting.
    Blind { in_loop: bool },
    /// What it waits for is tested before it, and not again after it.
    Once,
    /// A coroutine waits as a thread does.
    InCoroutine,
}

pub(super) fn predicate(analysis: &Analysis<'_>, graph: &Graph<'_>, calls: &[Call], findings: &mut Vec<Finding>) {
    let dominators = LazyCell::new(|| graph.dominators());
    for wait in calls.iter().filter(|it| it.effect == Effect::Wait) {
        if graph.ir.is_async && wait.scope != Scope::Async && analysis.program.language(wait.function) == Language::Python {
            findings.push(report(analysis, wait, &Misuse::InCoroutine, Confidence::High));
            continue;
        }
        let Some(held) = wait.held.filter(|_| !wait.predicate) else { continue };
        let in_loop = graph.leads(wait.op, wait.op, &[]);
        let misuse = match (is_tested(graph, &dominators, held.at, wait.op), in_loop) {
            (true, true) => continue,
            (true, false) => Misuse::Once,
            (false, _) => Misuse::Blind { in_loop: graph.leads(wait.op, wait.op, &[held.at]) },
        };
        let confidence = confidence(analysis, graph, calls, wait, held.at, &misuse);
        findings.push(report(analysis, wait, &misuse, confidence));
    }
}

/// Whether every way from `taken` to `wait` goes through a test that decides whether to wait.
fn is_tested(graph: &Graph<'_>, dominators: &Dominators<NodeIndex>, taken: OpId, wait: OpId) -> bool {
    let (home, goal) = (graph.block_of(taken), graph.block_of(wait));
    if home == goal && taken < wait {
        return false;
    }
    let Some(above) = dominators.dominators(NodeIndex::new(goal.index())) else { return false };
    // The nearest first, up to where the lock is taken.
    let section = above.skip(1).map(|it| BlockId::from_index(it.index())).take_while(|it| *it != home);
    section.chain([home]).any(|block| {
        let ir = graph.ir.block(block);
        let is_item = |local| graph.ir.ops_of(ir).iter().any(|it| matches!(it.kind, OpKind::Next { dest, .. } if dest == local));
        match &ir.terminator {
            Terminator::Branch { .. } => true,
            Terminator::Switch { on, .. } => !is_item(*on),
            _ => false,
        }
    })
}

fn confidence(analysis: &Analysis<'_>, graph: &Graph<'_>, calls: &[Call], wait: &Call, taken: OpId, misuse: &Misuse) -> Confidence {
    let name = graph.ir.name.as_str();
    // A method that is the wait of a condition of its own leaves the test to who calls it.
    if name.contains("wait") || super::super::support::implements_lock(analysis.program, wait.function) {
        return Confidence::Low;
    }
    // Who wakes the other before it waits hands over, all under one lock.
    let hands_over = || calls.iter().any(|it| it.effect == Effect::Notify && it.op < wait.op && it.op > taken);
    match misuse {
        Misuse::Blind { in_loop: true } => Confidence::Low,
        // A loop around it looks again, and tasks change places only where one awaits what is not there.
        Misuse::Blind { .. } if wait.scope == Scope::Async && graph.leads(wait.op, wait.op, &[]) => Confidence::Low,
        Misuse::Blind { .. } | Misuse::Once if hands_over() => Confidence::Low,
        Misuse::Blind { .. } if !wait.timed && wait.scope != Scope::Async => Confidence::High,
        Misuse::Once if wait.timed => Confidence::Low,
        Misuse::Blind { .. } | Misuse::Once => Confidence::Medium,
        Misuse::InCoroutine => Confidence::High,
    }
}

fn report(analysis: &Analysis<'_>, wait: &Call, misuse: &Misuse, confidence: Confidence) -> Finding {
    let program = analysis.program;
    let function = wait.function;
    let name = wait.name.display(program);
    let location = statement(analysis, function, wait.op);
    let mut it = finding(&CONDITION_MISUSE, analysis, function, location, confidence);
    it.locks = vec![name.clone()];
    let waited = expression(analysis, function, wait.op);
    if let Some(held) = wait.held {
        it.labels.push(label(expression(analysis, function, held.at), Role::LockHeld, "the lock is taken here"));
    }
    let by_predicate = match program.language(function) {
        Language::Python => "`wait_for(lambda: …)`, or `while not …: wait()`",
        Language::Rust => "`wait_while(guard, |state| …)`, or `while … { guard = wait(guard) }`",
    };
    match misuse {
        Misuse::Blind { .. } => {
            if !wait.timed {
                it.severity = Severity::Error;
            }
            it.message = format!("the wait for `{name}` tests nothing first: a notify that came before it is lost");
            it.caption = "waits, whatever has happened already".to_string();
            it.help = format!("keep what is waited for in a variable under the lock, and wait by {by_predicate}; or use an event, which remembers");
            it.interleaving.push(step('B', waited, format!("notifies `{name}`, while nobody waits yet")));
            let sleeps =
                if wait.timed { "waits until the time is up: nobody wakes it" } else { "waits for a notify that has been: it never goes on" };
            it.interleaving.push(step('A', waited, sleeps));
        }
        Misuse::Once => {
            it.message = format!("what the wait for `{name}` waits for is tested once, and not again when it returns");
            it.caption = "returns when it is notified, and also when another was quicker".to_string();
            it.help = format!("test it again after every wake-up: {by_predicate}");
            it.interleaving.push(step('A', waited, format!("waits for `{name}`")));
            it.interleaving.push(step('B', waited, "notifies A; a third thread takes the lock first, and what A waits for"));
            it.interleaving.push(step('A', waited, "goes on as if it were there"));
        }
        Misuse::InCoroutine => {
            it.severity = Severity::Error;
            it.message = format!("a coroutine waits for `{name}` as a thread does: the event loop stands still, and with it whoever would notify");
            it.caption = "blocks the whole loop".to_string();
            it.help = "await a condition of the event loop, or wait on another thread (`asyncio.to_thread`)".to_string();
            it.interleaving.push(step('A', waited, "waits, and does not give the loop back"));
            it.interleaving.push(step('B', waited, format!("the task that would notify `{name}` never runs")));
        }
    }
    it
}
