//! `if !map.contains_key(&k) { map.insert(k, v) }` on a map that locks each operation by itself.

use std::cell::LazyCell;

use super::super::support::{ShardedOp, expression, finding, label, open_map, sharded_ops, statement, step};
use super::CHECK_THEN_ACT;
use super::branches::Branches;
use crate::analysis::Analysis;
use crate::analysis::path::Key;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role};
use crate::ir::Language;
use crate::program::Fun;

/// So many operations before an act are tried as its test.
const MAX_BACK: usize = 16;

pub(super) fn sharded(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    for function in program.function_ids() {
        if program.language(function) != Language::Rust || program.is_exempt(function) {
            continue;
        }
        let ops = sharded_ops(analysis, function);
        let branches = LazyCell::new(|| Branches::new(program.function(function)));
        for (index, act) in ops.iter().enumerate().filter(|it| it.1.method == "insert") {
            let Some(key) = open_map(analysis, function, act) else { continue };
            let tests = ops[..index].iter().rev().filter(|it| it.map == act.map).take(MAX_BACK);
            let mut tests = tests.filter(|it| matches!(it.method.as_str(), "contains_key" | "contains" | "get"));
            // Whoever looks at what `insert` gives, sees whether somebody was first.
            let test = tests.find(|it| !branches.is_used(act.result) && branches.decision(it.op, act.op).is_some());
            if let Some(test) = test {
                findings.push(report(analysis, function, test, act, &key));
                break;
            }
        }
    }
}

fn report(analysis: &Analysis<'_>, function: Fun, test: &ShardedOp, act: &ShardedOp, key: &Key) -> Finding {
    let name = key.display(analysis.program);
    let (tested, acted) = (expression(analysis, function, test.op), statement(analysis, function, act.op));
    // What a look-up did not find is often made again at no harm.
    let confidence = if test.method == "get" { Confidence::Low } else { Confidence::Medium };
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, acted, confidence);
    it.message = format!("`{name}` is looked into and then inserted into in two steps, each of which locks by itself");
    it.caption = "replaces what another thread may have put there since the test".to_string();
    it.help = format!("do both in one step: `{name}.entry(…).or_insert_with(…)`");
    it.state = Some(name.clone());
    it.labels.push(label(tested, Role::Read, format!("`{name}` is looked into here")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::ByType,
        message: format!("`{name}` is made for several threads, and keeps no two operations together"),
        location: None,
    });
    it.interleaving.push(step('A', tested, "finds nothing"));
    it.interleaving.push(step('B', tested, "finds nothing, too"));
    it.interleaving.push(step('A', acted, "inserts its own, and goes on to use it"));
    it.interleaving.push(step('B', acted, "replaces it"));
    it
}
