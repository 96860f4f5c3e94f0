//! A lock that is replaced while somebody holds it: who comes after takes the new one.

use super::super::support::{expression, finding, label, statement, step};
use super::{INEFFECTIVE_LOCK, makes_lock};
use crate::analysis::Analysis;
use crate::analysis::path::{Key, Owner};
use crate::catalog::Scope;
use crate::finding::{Confidence, Finding, Role};
use crate::ir::{FunctionKind, Language, OpId, OpKind};
use crate::program::Fun;

pub(super) fn replaced(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ir = program.function(function);
    // Before the object is there nobody holds its lock.
    if program.language(function) != Language::Python
        || matches!(ir.kind, FunctionKind::ModuleBody | FunctionKind::ClassBody)
        || program.is_construction(function)
    {
        return;
    }
    let mut made = Vec::new();
    for (id, op) in ir.numbered() {
        made.extend(makes_lock(program, function, &op.kind));
        let OpKind::Store { place, value, .. } = &op.kind else { continue };
        if !made.contains(&analysis.values(function).origin(*value)) {
            continue;
        }
        let Some((key, _)) = analysis.values(function).place(program, place).and_then(|it| it.resolve(program, function)) else { continue };
        if !matches!(key.owner, Owner::Field(..) | Owner::Global(..)) || key.item {
            continue;
        }

        if let Some(holder) = holder(analysis, function, id, &key) {
            findings.push(report(analysis, function, id, &key, holder));
        }
    }
}

/// Where the lock at `key` was taken that is held at the op: here, or in a caller.
fn holder(analysis: &Analysis<'_>, function: Fun, op: OpId, key: &Key) -> Option<(Fun, OpId, OpId)> {
    let held_at = |function: Fun, op: OpId| {
        let locksets = &analysis.facts(function).locksets;
        locksets
            .before(op)
            .iter()
            .find(|it| it.sure && locksets.lock(it).key == *key && locksets.lock(it).scope != Scope::Process)
            .map(|it| (function, it.at, op))
    };
    held_at(function, op).or_else(|| analysis.callers.sites(function).iter().find_map(|it| held_at(it.0, it.1)))
}

fn report(analysis: &Analysis<'_>, function: Fun, op: OpId, key: &Key, (holder, taken, call): (Fun, OpId, OpId)) -> Finding {
    let program = analysis.program;
    let lock = key.display(program);
    let location = statement(analysis, function, op);
    let mut it = finding(&INEFFECTIVE_LOCK, analysis, function, location, Confidence::High);
    it.message = format!("`{lock}` is replaced while it is held: who comes next takes the new one and gets in");
    it.caption = "the lock is another one from here on".to_string();
    it.help = format!("make `{lock}` once, in the constructor, and put back only what it guards");
    it.locks = vec![lock.clone()];
    let held = expression(analysis, holder, taken);
    it.labels.push(label(held, Role::LockHeld, format!("`{lock}` is taken here")));
    if holder != function {
        it.labels.push(label(expression(analysis, holder, call), Role::Call, format!("calls `{}` with it held", program.symbol(function))));
    }
    it.interleaving.push(step('A', held, format!("takes `{lock}`")));
    it.interleaving.push(step('A', location, "puts another lock in its place"));
    it.interleaving.push(step('B', held, "takes the new one: both are in"));
    it
}
