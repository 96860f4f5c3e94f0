//! `let n = *map.get(&k)…; map.insert(k, n + 1)` on a map that locks each operation by itself.

use super::super::support::{ShardedOp, expression, finding, item_of, label, open_map, sharded_ops, statement, step};
use super::UNGUARDED_UPDATE;
use crate::analysis::Analysis;
use crate::analysis::definitions::Definitions;
use crate::analysis::path::Key;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::{OpKind, Operation};
use crate::program::Fun;

/// So many operations before an `insert` are tried as the read of what it was computed from.
const MAX_BACK: usize = 16;

/// The first such update of the function.
pub(super) fn sharded(analysis: &Analysis<'_>, function: Fun) -> Option<Finding> {
    let ops = sharded_ops(analysis, function);
    let mut definitions = None;
    ops.iter().enumerate().filter(|it| it.1.method == "insert").find_map(|(index, write)| {
        let key = open_map(analysis, function, write)?;
        let definitions = definitions.get_or_insert_with(|| Definitions::new(analysis.program.function(function)));
        let sources = definitions.sources(write.value?, write.op);
        let is_sum = |op: &OpKind| matches!(op, OpKind::Compute { operation: Operation::Arithmetic, .. });
        if !sources.iter().any(|it| definitions.op(*it).is_some_and(|it| is_sum(&it.kind))) {
            return None;
        }
        let item = item_of(analysis, function, definitions, write.op)?;
        let is_read = |it: &&ShardedOp| it.map == write.map && it.method == "get" && sources.contains(&it.op);
        let mut reads = ops[..index].iter().rev().take(MAX_BACK).filter(is_read);
        let read = reads.find(|it| item_of(analysis, function, definitions, it.op).as_ref() == Some(&item))?;
        Some(report(analysis, function, read, write, &key))
    })
}

fn report(analysis: &Analysis<'_>, function: Fun, read: &ShardedOp, write: &ShardedOp, key: &Key) -> Finding {
    let name = key.display(analysis.program);
    let (reads, writes) = (expression(analysis, function, read.op), statement(analysis, function, write.op));
    let mut it = finding(&UNGUARDED_UPDATE, analysis, function, writes, Confidence::High);
    it.message = format!("an item of `{name}` is computed from its old value and put back in two steps, each of which locks by itself");
    it.caption = "overwrites what other threads did since the read".to_string();
    it.help = format!("do both in one step: `*{name}.entry(…).or_default() += …`, or `alter`");
    it.state = Some(name.clone());
    it.labels.push(label(reads, Role::Read, "the old value is read here"));
    it.evidence.push(Evidence {
        kind: EvidenceKind::ByType,
        message: format!("`{name}` is made for several threads, and keeps no two operations together"),
        location: None,
    });
    it.interleaving.push(step('A', reads, "reads 5"));
    it.interleaving.push(step('B', reads, "reads 5, too"));
    it.interleaving.push(step('A', writes, "puts 6"));
    it.interleaving.push(step('B', writes, "puts 6: A's update is lost"));
    it
}
