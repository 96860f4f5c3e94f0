//! Values that others read together, written one right after the other in two critical sections of one lock.

use rustc_hash::FxHashMap;

use super::super::support::{finding, label, statement, step};
use super::{MAX_TOGETHER, Part, SPLIT_SNAPSHOT, object};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::lockset::Held;
use crate::analysis::path::{Key, Owner};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role};
use crate::ir::OpId;
use crate::program::Fun;

/// For each pair, where somebody reads both: the function, and the op of each.
type Readers = FxHashMap<(Part, Part), Option<(Fun, OpId, OpId)>>;

/// Two writes of a function.
struct Pair {
    function: Fun,
    first: (Part, OpId),
    second: (Part, OpId),
    lock: Key,
}

pub(super) fn written_apart(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let mut pairs: Vec<Pair> = Vec::new();
    for function in program.function_ids() {
        if !program.is_exempt(function) && !program.is_construction(function) && analysis.entry.held(function).is_empty() {
            pairs.extend(apart(analysis, function));
        }
    }
    if pairs.is_empty() {
        return;
    }
    let mut wanted = Readers::default();
    for pair in &pairs {
        wanted.insert(ordered(pair.first.0, pair.second.0), None);
    }
    read_together(analysis, &mut wanted);
    for pair in pairs {
        if let Some(Some(reader)) = wanted.get(&ordered(pair.first.0, pair.second.0)) {
            findings.push(report(analysis, &pair, *reader));
        }
    }
}

fn ordered(a: Part, b: Part) -> (Part, Part) {
    let of = |it: &Part| match it.owner {
        Owner::Field(class, name) => (class.0, name.as_str()),
        _ => (u32::MAX, ""),
    };
    if of(&a) <= of(&b) { (a, b) } else { (b, a) }
}

/// The first such pair of a function.
fn apart(analysis: &Analysis<'_>, function: Fun) -> Option<Pair> {
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    if locksets.locks.is_empty() {
        return None;
    }
    let held = |access: &Access| -> Vec<Held> { locksets.before(access.op).iter().filter(|it| locksets.keeps_out(it)).copied().collect() };
    let writes: Vec<&Access> = facts.accesses.iter().filter(|it| it.kind == AccessKind::Write && matches!(it.key.owner, Owner::Field(..))).collect();
    writes.windows(2).find_map(|pair| {
        let (first, second) = (pair[0], pair[1]);
        let (a, b) = (Part::of(first), Part::of(second));
        let (Owner::Field(one, _), Owner::Field(other, _)) = (a.owner, b.owner) else { return None };
        if one != other || a == b || object(&first.path) != object(&second.path) || !is_next(analysis, function, first.op, second.op) {
            return None;
        }
        let (before, after) = (held(first), held(second));
        let again = after.iter().find(|it| before.iter().any(|held| held.at != it.at && locksets.lock(held).is_same(locksets.lock(it))))?;
        let across = after.iter().any(|it| before.iter().any(|held| held.at == it.at));
        let lock = locksets.lock(again).key;
        (!across).then_some(Pair { function, first: (a, first.op), second: (b, second.op), lock })
    })
}

/// Whether the one statement comes right after the other.
fn is_next(analysis: &Analysis<'_>, function: Fun, first: OpId, second: OpId) -> bool {
    let (first, second) = (statement(analysis, function, first), statement(analysis, function, second));
    let (end, start) = (first.range.as_usize().end, second.range.as_usize().start);
    end <= start && {
        let between = analysis.program.files.get(first.file).text().get(end..start).unwrap_or("");
        between.chars().all(|it| it.is_whitespace() || it == ';')
    }
}

/// Finds who reads the wanted pairs in one critical section.
fn read_together(analysis: &Analysis<'_>, wanted: &mut Readers) {
    let program = analysis.program;
    for function in program.function_ids() {
        let facts = analysis.facts(function);
        if program.is_exempt(function) || facts.locksets.locks.is_empty() {
            continue;
        }
        let mut sections: FxHashMap<OpId, Vec<(Part, &Access)>> = FxHashMap::default();
        for access in facts.accesses.iter().filter(|it| it.kind != AccessKind::Write && matches!(it.key.owner, Owner::Field(..))) {
            for held in facts.locksets.before(access.op).iter().filter(|it| facts.locksets.keeps_out(it)) {
                sections.entry(held.at).or_default().push((Part::of(access), access));
            }
        }
        let mut sections: Vec<_> = sections.into_iter().collect();
        sections.sort_by_key(|it| it.0);
        for (_, reads) in sections {
            // One of them may be changed on the strength of the other.
            for (index, (a, first)) in reads.iter().take(MAX_TOGETHER).enumerate() {
                for (b, second) in reads[index + 1..].iter().take(MAX_TOGETHER) {
                    let is_read = first.kind == AccessKind::Read || second.kind == AccessKind::Read;
                    if let Some(slot @ None) = wanted.get_mut(&ordered(*a, *b)).filter(|_| is_read) {
                        *slot = Some((function, first.op, second.op));
                    }
                }
            }
        }
    }
}

fn report(analysis: &Analysis<'_>, pair: &Pair, (reader, read_a, read_b): (Fun, OpId, OpId)) -> Finding {
    let program = analysis.program;
    let (a, b) = (pair.first.0.display(analysis), pair.second.0.display(analysis));
    let (first, second) = (statement(analysis, pair.function, pair.first.1), statement(analysis, pair.function, pair.second.1));
    let (at_a, at_b): (Location, Location) = (statement(analysis, reader, read_a), statement(analysis, reader, read_b));
    let lock = pair.lock.display(program);
    let mut it = finding(&SPLIT_SNAPSHOT, analysis, pair.function, second, Confidence::Medium);
    it.message = format!("`{a}` and `{b}` are written in two critical sections of `{lock}`, and read together elsewhere");
    it.caption = format!("`{b}` is written in a second critical section");
    it.help = format!("write both under one acquisition of `{lock}`");
    it.state = Some(format!("{a}, {b}"));
    it.locks = vec![lock.clone()];
    it.labels.push(label(first, Role::Write, format!("`{a}` is written here, and `{lock}` given up")));
    it.labels.push(label(at_a, Role::Read, "one of them is read"));
    if at_b != at_a {
        it.labels.push(label(at_b, Role::Read, "and the other with it"));
    }
    it.evidence.push(Evidence {
        kind: EvidenceKind::WrittenTogether,
        message: format!("`{}` reads both under one acquisition of `{lock}`", program.symbol(reader)),
        location: Some(at_a),
    });
    it.interleaving.push(step('A', first, format!("writes a new `{a}` and gives `{lock}` up")));
    it.interleaving.push(step('B', at_a, format!("reads the new `{a}` and the old `{b}`")));
    it.interleaving.push(step('A', second, format!("writes the new `{b}`: B has acted on a pair that never was")));
    it
}
