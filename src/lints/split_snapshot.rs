//! `split-snapshot`: values that belong together, read in two critical sections of one lock and used together.
//!
//! For each value built of several (a tuple, dict or struct, a comparison, a call), the shared reads it was computed
//! from are found; two of different state, under two acquisitions of one lock, are a torn snapshot where both states
//! are written under one acquisition of that lock elsewhere.

use rustc_hash::FxHashMap;

use super::Lint;
use super::support::{expression, finding, label, statement, step};
use crate::analysis::Analysis;
use crate::analysis::access::{AccessKind, Definitions};
use crate::analysis::lockset::OpId;
use crate::analysis::path::{Key, Owner};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Severity};
use crate::ir::{Language, Local, OpKind};
use crate::program::{Fun, Target};

pub const SPLIT_SNAPSHOT: Lint = Lint {
    name: "split-snapshot",
    group: "snapshot",
    severity: Severity::Warning,
    languages: &[Language::Python, Language::Rust],
    summary: "Values that belong together are read in two critical sections and used together",
    page: include_str!("../../lints/split-snapshot.md"),
    check,
};

/// A read of guarded state in a critical section of its own.
#[derive(Clone, Debug)]
struct SectionRead {
    owner: Owner,
    lock: Key,
    /// The acquisition, or the call inside which the lock is taken and given up.
    section: OpId,
    /// Where the value comes from in this function.
    op: OpId,
    /// No lock is held, though one guards the state elsewhere.
    outside: bool,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let together = written_together(analysis);
    if together.is_empty() {
        return;
    }
    for function in analysis.program.function_ids() {
        if analysis.program.is_exempt(function) {
            continue;
        }
        let reads = section_reads(analysis, function);
        if reads.len() >= 2
            && let Some(found) = torn(analysis, function, &reads, &together)
        {
            findings.push(found);
        }
    }
}

type Together = FxHashMap<(Owner, Owner), (Fun, OpId, OpId)>;

/// Pairs of states written under one acquisition, with the first place that does.
fn written_together(analysis: &Analysis<'_>) -> Together {
    let mut together = Together::default();
    for function in analysis.program.function_ids() {
        if analysis.program.is_construction(function) || analysis.program.is_exempt(function) {
            continue;
        }
        let facts = analysis.facts(function);
        let mut sections: FxHashMap<OpId, Vec<(Owner, OpId)>> = FxHashMap::default();
        for access in facts.accesses.iter().filter(|it| it.kind.writes()) {
            let before = facts.locksets.before(access.op);
            let mut sites: Vec<OpId> = before.iter().filter(|it| it.sure && !facts.locksets.lock(it).opaque).map(|it| it.at).collect();
            if !analysis.entry.held(function).is_empty() {
                sites.push(OpId(u32::MAX));
            }
            for site in sites {
                sections.entry(site).or_default().push((access.key.owner, access.op));
            }
        }
        let mut ordered: Vec<_> = sections.into_iter().collect();
        ordered.sort_by_key(|it| it.0);
        for (_, writes) in ordered {
            for (a, a_op) in writes.iter().take(64) {
                for (b, b_op) in writes.iter().take(64).filter(|it| it.0 != *a) {
                    together.entry((*a, *b)).or_insert((function, *a_op, *b_op));
                }
            }
        }
    }
    together
}

fn section_reads(analysis: &Analysis<'_>, function: Fun) -> Vec<SectionRead> {
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    let mut reads = Vec::new();
    if locksets.locks.is_empty() {
        return reads;
    }
    for access in facts.accesses.iter().filter(|it| it.kind == AccessKind::Read) {
        for held in locksets.before(access.op).iter().filter(|it| it.sure && !locksets.lock(it).opaque) {
            reads.push(SectionRead { owner: access.key.owner, lock: locksets.lock(held).key, section: held.at, op: access.op, outside: false });
        }
    }
    for access in facts.accesses.iter().filter(|it| it.kind == AccessKind::Read) {
        if locksets.before(access.op).is_empty()
            && analysis.entry.held(function).is_empty()
            && !analysis.entry.claims_lock(function)
            && let Some((lock, _)) = analysis.states.get(&access.key.owner).and_then(|it| it.guard())
        {
            reads.push(SectionRead { owner: access.key.owner, lock, section: access.op, op: access.op, outside: true });
        }
    }
    for (block, index, op) in analysis.program.function(function).ops() {
        let Some(callee) = analysis.program.called(function, &op.kind) else { continue };
        let id = locksets.op_id(block, index);
        for (owner, lock) in analysis.flows.returned(callee) {
            let held =
                locksets.before(id).iter().any(|it| locksets.lock(it).key == *lock) || analysis.entry.held(function).iter().any(|it| it.0 == *lock);
            if !held {
                reads.push(SectionRead { owner: *owner, lock: *lock, section: id, op: id, outside: false });
            }
        }
    }
    reads
}

fn torn(analysis: &Analysis<'_>, function: Fun, reads: &[SectionRead], together: &Together) -> Option<Finding> {
    let ir = analysis.program.function(function);
    let definitions = Definitions::new(ir);
    let by_op: FxHashMap<OpId, Vec<&SectionRead>> = reads.iter().fold(FxHashMap::default(), |mut map: FxHashMap<OpId, Vec<&SectionRead>>, it| {
        map.entry(it.op).or_default().push(it);
        map
    });
    for (at, (_, _, op)) in ir.ops().enumerate() {
        let joined: Vec<Local> = match &op.kind {
            OpKind::Aggregate { operands, .. } => operands.clone(),
            OpKind::Compute { operands, .. } => operands.to_vec(),
            OpKind::Call { dest, arguments, .. } if matches!(analysis.program.target(function, *dest), Target::Construct { .. }) => {
                arguments.iter().map(|it| it.value).collect()
            }
            _ => continue,
        };
        if joined.len() < 2 {
            continue;
        }
        let mut parts: Vec<&SectionRead> = joined
            .iter()
            .take(64)
            .flat_map(|it| definitions.sources(*it, OpId(at as u32)))
            .filter_map(|it| by_op.get(&it))
            .flatten()
            .copied()
            .collect();
        parts.sort_by_key(|it| (it.op, it.section));
        for (index, second) in parts.iter().enumerate() {
            let first = parts[..index].iter().find(|it| {
                it.lock == second.lock
                    && it.section != second.section
                    && it.owner != second.owner
                    && !(it.outside && second.outside)
                    && together.contains_key(&(it.owner, second.owner))
                    && !parts.iter().any(|other| other.owner == it.owner && other.section == second.section)
            });
            if let Some(first) = first {
                return Some(report(analysis, function, first, second, op.range, together));
            }
        }
    }
    None
}

fn report(
    analysis: &Analysis<'_>,
    function: Fun,
    first: &SectionRead,
    second: &SectionRead,
    joined: crate::ir::Range,
    together: &Together,
) -> Finding {
    let program = analysis.program;
    let name = |owner: Owner| Key { owner, item: false, data: false }.display(program);
    let (a, b, lock) = (name(first.owner), name(second.owner), second.lock.display(program));
    let location = expression(analysis, function, second.op);
    let mut it = finding(&SPLIT_SNAPSHOT, analysis, function, location, Confidence::High);
    it.message = if first.outside || second.outside {
        format!("`{a}` and `{b}` are read one under `{lock}`, one without it, and used together")
    } else {
        format!("`{a}` and `{b}` are read in two critical sections of `{lock}` and used together")
    };
    it.caption = if second.outside { format!("`{b}` is read without the lock") } else { format!("`{b}` is read in a second critical section") };
    it.help = format!("read both under one acquisition of `{lock}`");
    it.state = Some(format!("{a}, {b}"));
    it.locks = vec![lock.clone()];
    let first_at = expression(analysis, function, first.op);
    if first_at != location {
        it.labels.push(label(first_at, Role::Read, format!("`{a}` is read here")));
    }
    let joined: Location = program.location(function, joined);
    if joined != location && joined != first_at {
        it.labels.push(label(joined, Role::Read, "used together here"));
    }
    if let Some((writer, write_a, write_b)) = together.get(&(first.owner, second.owner)) {
        let (at_a, at_b) = (statement(analysis, *writer, *write_a), statement(analysis, *writer, *write_b));
        it.labels.push(label(at_a, Role::Write, format!("`{a}` is written")));
        it.labels.push(label(at_b, Role::Write, format!("`{b}` is written with it")));
        it.evidence.push(Evidence {
            kind: EvidenceKind::WrittenTogether,
            message: format!("`{}` writes both under one acquisition of `{lock}`", program.symbol(*writer)),
            location: Some(at_a),
        });
        it.interleaving.push(step('A', first_at, format!("reads the old `{a}` and gives `{lock}` up")));
        it.interleaving.push(step('B', at_a, format!("writes a new `{a}`")));
        it.interleaving.push(step('B', at_b, format!("writes a new `{b}`")));
        it.interleaving.push(step('A', location, format!("reads the new `{b}`: the two never were true at one time")));
    }
    it
}
