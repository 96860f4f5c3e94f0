//! What the lints share: a finding about an op, the witness path of a lock taken through calls, what a value was before.

mod evidence;
mod graph;
mod guards;
mod ignores;
mod items;
mod names;
mod recent;
mod review;
mod sharded;
mod suspends;
mod sweep;
mod updates;

pub use self::evidence::{Guarded, Shared, guarded, is_for_one_thread, lock_of, owned_lock, shared, stays_on_loop};
pub use self::graph::{Graph, Ways};
pub use self::guards::{Guard, belongs, has_to_do_with, implements_lock, is_at_hand, is_method, is_own};
pub use self::ignores::Ignores;
pub use self::items::{Item, is_of_caller, item_at, item_of};
pub use self::names::nearest;
pub use self::recent::Recent;
pub use self::review::review;
pub use self::sharded::{ShardedOp, is_guarded, open_map, sharded_ops};
pub use self::suspends::{is_for_tasks, suspends_between, suspensions};
pub use self::sweep::{over_functions, over_states};
pub use self::updates::{Updates, is_read_again, stores_constant};
use crate::analysis::Analysis;
use crate::analysis::access::Access;
use crate::analysis::lockset::Acquisition;
use crate::analysis::path::{Key, Step as PathStep};
use crate::catalog::Mode;
use crate::finding::{Confidence, Finding, Label, Location, Role, Step};
use crate::ir::{Const, LocalKind, Op, OpId, OpKind, Projection};
use crate::lints::Lint;
use crate::program::{Fun, Receiver, Target};

/// Methods that take something out of a container.
pub const REMOVING: &[&str] = &["clear", "discard", "pop", "popitem", "popleft", "remove"];

/// A witness path longer than this is cut off: nobody reads further.
const MAX_CHAIN: usize = 8;

/// The statement that `op` of `function` belongs to; of a variable that ends, the place where it does.
pub fn statement(analysis: &Analysis<'_>, function: Fun, op: OpId) -> Location {
    let ir = analysis.program.function(function);
    let range = ir.op(op).map_or(ir.name_range, |it| match it.kind {
        OpKind::Drop { local } if ir.local(local).kind() == LocalKind::Variable => it.range(),
        _ => ir.statement_range(it),
    });
    analysis.program.location(function, range)
}

/// The expression that `op` of `function` was made of.
pub fn expression(analysis: &Analysis<'_>, function: Fun, op: OpId) -> Location {
    let ir = analysis.program.function(function);
    analysis.program.location(function, ir.op(op).map_or(ir.name_range, |it| it.range()))
}

/// A finding of `lint` at `location` in `function`, still without labels, evidence and schedule.
pub fn finding(lint: &Lint, analysis: &Analysis<'_>, function: Fun, location: Location, confidence: Confidence) -> Finding {
    finding_in(lint, analysis.program.symbol(function), location, confidence)
}

/// The same, in what `symbol` names.
pub fn finding_in(lint: &Lint, symbol: String, location: Location, confidence: Confidence) -> Finding {
    Finding {
        rule: lint.rule.name,
        group: lint.rule.group,
        severity: lint.rule.severity,
        confidence,
        message: String::new(),
        help: String::new(),
        location,
        caption: String::new(),
        symbol,
        state: None,
        locks: Vec::new(),
        labels: Vec::new(),
        evidence: Vec::new(),
        interleaving: Vec::new(),
        fix: None,
        fingerprint: String::new(),
    }
}

pub fn label(location: Location, role: Role, message: impl Into<String>) -> Label {
    Label { location, role, message: message.into() }
}

pub fn step(thread: char, location: Location, does: impl Into<String>) -> Step {
    Step { thread, location, does: does.into() }
}

/// The calls from an acquisition through calls to where the lock is really taken: each call, then the acquisition.
pub fn witness(analysis: &Analysis<'_>, function: Fun, acquisition: &Acquisition) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut at = (function, acquisition.op);
    let mut via = acquisition.via;
    while let Some((callee, index)) = via {
        let name = analysis.program.symbol(callee);
        labels.push(label(expression(analysis, at.0, at.1), Role::Call, format!("calls `{name}`")));
        let Some(take) = analysis.summary(callee).takes.get(index as usize) else { break };
        at = (callee, take.op);
        via = if labels.len() < MAX_CHAIN { take.via } else { None };
    }
    labels.push(label(expression(analysis, at.0, at.1), Role::LockWanted, how_taken(acquisition.mode)));
    labels
}

/// Whether a call on the way to the acquisition was resolved by the method's name alone, or the lock by the field's.
pub fn is_by_name(analysis: &Analysis<'_>, function: Fun, acquisition: &Acquisition) -> bool {
    let lock = &analysis.facts(function).locksets.locks[acquisition.lock as usize];
    if lock.path.as_ref().is_some_and(|it| it.is_by_name(analysis.program, function)) {
        return true;
    }
    let mut at = (function, acquisition.op);
    let mut via = acquisition.via;
    for _ in 0..MAX_CHAIN {
        let Some((callee, index)) = via else { break };
        if let Some(Op { kind: OpKind::Call { dest, .. }, .. }) = analysis.program.function(at.0).op(at.1)
            && matches!(analysis.program.target(at.0, *dest), Target::Function { receiver: Receiver::ByName, .. })
        {
            return true;
        }
        let Some(take) = analysis.summary(callee).takes.get(index as usize) else { break };
        at = (callee, take.op);
        via = take.via;
    }
    false
}

fn how_taken(mode: Mode) -> &'static str {
    match mode {
        Mode::Shared => "taken here for reading",
        Mode::Upgradable => "taken here as upgradable",
        Mode::Exclusive => "taken here",
    }
}

/// The value a state starts with, where construction stores one integer to it and nothing else.
pub fn initial_value(analysis: &Analysis<'_>, owner: &crate::analysis::path::Owner, projections: &[Projection]) -> Option<i64> {
    if projections.iter().any(|it| matches!(it, Projection::Key(_) | Projection::Index(_))) {
        return None;
    }
    let state = analysis.states.get(owner)?;
    let mut values = state.uses.iter().filter(|it| it.construction && it.writes).map(|it| {
        let access = analysis.access(it);
        match analysis.program.function(it.function).constant_at(access.value, access.op) {
            Some(Const::Int(value)) => Some(value),
            _ => None,
        }
    });
    let first = values.next().flatten()?;
    values.all(|it| it == Some(first)).then_some(first)
}

/// The name to show: `Metrics.total`, `stats["errors"]`.
pub fn state_name(analysis: &Analysis<'_>, access: &Access) -> String {
    let base = Key { item: false, data: false, ..access.key }.display(analysis.program);
    match access.path.steps.last() {
        Some(PathStep::Key(key)) => format!("{base}[{key}]"),
        Some(PathStep::Item) => format!("{base}[…]"),
        _ => base,
    }
}
