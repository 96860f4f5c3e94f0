//! `split-snapshot`: values that belong together, read in two critical sections of one lock and used together.
//!
//! For each value built of several (a tuple, dict or struct, a comparison, a call), the shared reads it was computed
//! from are found; two of different state, under two acquisitions of one lock, are a torn snapshot where both states
//! are written under one acquisition of that lock elsewhere.

mod published;
mod written;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use self::published::published;
use self::written::written_apart;
use super::support::{expression, finding, is_for_tasks, label, statement, step, suspends_between};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::atomics::{AtomicKind, AtomicOp, atomic_ops, is_exclusive};
use crate::analysis::definitions::Definitions;
use crate::analysis::path::{Key, Owner, Path, Step};
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Rule, Severity};
use crate::ir::{Const, Language, Local, Op, OpId, OpKind, Operation};
use crate::program::{Cls, Fun, Target, Ty};

pub const SPLIT_SNAPSHOT: Lint = Lint {
    rule: Rule {
        name: "split-snapshot",
        group: "snapshot",
        severity: Severity::Warning,
        languages: &[Language::Python, Language::Rust],
        summary: "Values that belong together are read in two critical sections and used together",
        page: include_str!("../../../lints/split-snapshot.md"),
    },
    check: Check::Program(check),
};

/// Of more writes or reads than this in one critical section, the rest are left out.
const MAX_TOGETHER: usize = 64;

/// A state, or one item of a tuple that lives there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Part {
    owner: Owner,
    item: Option<i64>,
}

impl Part {
    fn of(access: &Access) -> Part {
        let item = match access.path.steps.last() {
            Some(Step::Field(name)) => name.as_str().parse().ok(),
            Some(Step::Key(Const::Int(index))) => Some(*index),
            _ => None,
        };
        Part { owner: access.key.owner, item }
    }

    fn whole(owner: Owner) -> Part {
        Part { owner, item: None }
    }

    fn display(&self, analysis: &Analysis<'_>) -> String {
        let owner = Key { owner: self.owner, item: false, data: false }.display(analysis.program);
        self.item.map_or(owner.clone(), |it| format!("{owner}[{it}]"))
    }
}

/// A read of guarded state in a critical section of its own.
#[derive(Clone, Debug)]
struct SectionRead {
    part: Part,
    /// None for an atomic, which needs none.
    lock: Option<Key>,
    /// The acquisition, or the call inside which the lock is taken and given up.
    section: OpId,
    /// Where the value comes from in this function.
    op: OpId,
    /// No lock is held, though one guards the state elsewhere.
    outside: bool,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let together = written_together(analysis);
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
    written_apart(analysis, findings);
    published(analysis, findings);
}

/// What is written together, with the first place that does: function, and the op of each write.
#[derive(Default)]
struct Together {
    pairs: FxHashMap<(Part, Part), (Fun, OpId, OpId)>,
    /// Structs and tuples of which a new one is put in place under a lock.
    classes: FxHashMap<Cls, (Fun, OpId)>,
    tuples: FxHashMap<Owner, (Fun, OpId)>,
}

impl Together {
    fn get(&self, a: Part, b: Part) -> Option<(Fun, OpId, OpId)> {
        let whole = || match (a.owner, b.owner) {
            (one, other) if one == other => self.tuples.get(&one),
            (Owner::Field(one, _), Owner::Field(other, _)) if one == other => self.classes.get(&one),
            _ => None,
        };
        self.pairs.get(&(a, b)).copied().or_else(|| whole().map(|(function, op)| (*function, *op, *op)))
    }

    fn add(&mut self, function: Fun, writes: &[(Part, OpId)]) {
        for (a, a_op) in writes.iter().take(MAX_TOGETHER) {
            for (b, b_op) in writes.iter().take(MAX_TOGETHER).filter(|it| it.0 != *a) {
                self.pairs.entry((*a, *b)).or_insert((function, *a_op, *b_op));
            }
        }
    }
}

/// States written under one acquisition, or one right after the other where they are atomics.
fn written_together(analysis: &Analysis<'_>) -> Together {
    let program = analysis.program;
    let mut together = Together::default();
    for function in program.function_ids() {
        if program.is_construction(function) || program.is_exempt(function) {
            continue;
        }
        let facts = analysis.facts(function);
        let concerns_locks = facts.locksets.concerns_locks() || !analysis.entry.held(function).is_empty();
        let mut sections: BTreeMap<OpId, Vec<(Part, OpId)>> = BTreeMap::new();
        for access in facts.accesses.iter().filter(|it| concerns_locks && it.kind.writes()) {
            let before = facts.locksets.before(access.op);
            let mut sites: Vec<OpId> = before.iter().filter(|it| it.sure && !facts.locksets.lock(it).opaque).map(|it| it.at).collect();
            if !analysis.entry.held(function).is_empty() {
                sites.push(OpId::ENTRY);
            }
            if access.kind == AccessKind::Write && !sites.is_empty() {
                match access.path.resolve(program, function).map(|it| it.1) {
                    Some(Ty::Class(class, _)) if access.path.steps.last() == Some(&Step::Data) => {
                        together.classes.entry(class).or_insert((function, access.op));
                    }
                    Some(Ty::Tuple(_)) => {
                        together.tuples.entry(access.key.owner).or_insert((function, access.op));
                    }
                    _ => {}
                }
            }
            for site in sites {
                sections.entry(site).or_default().push((Part::of(access), access.op));
            }
        }
        sections.values().for_each(|it| together.add(function, it));
        if program.language(function) == Language::Rust {
            let ops = atomic_ops(analysis, function);
            let mut blocks: IndexMap<(usize, Path), Vec<(Part, OpId)>, FxBuildHasher> = IndexMap::default();
            for it in ops.iter().filter(|it| it.kind != AtomicKind::Load) {
                if let (Some(object), Some(part)) = (object(&it.path), atomic_part(analysis, function, &it.path)) {
                    blocks.entry((it.block, object)).or_default().push((part, it.op));
                }
            }
            blocks.values().for_each(|it| together.add(function, it));
        }
    }
    together
}

/// The object that the place at the end of `path` belongs to.
fn object(path: &Path) -> Option<Path> {
    let (last, steps) = path.steps.split_last()?;
    matches!(last, Step::Field(_)).then(|| Path { root: path.root, steps: steps.into() })
}

fn atomic_part(analysis: &Analysis<'_>, function: Fun, path: &Path) -> Option<Part> {
    let (key, _) = path.resolve(analysis.program, function)?;
    matches!(key.owner, Owner::Field(..)).then(|| Part::whole(key.owner))
}

/// Loads of atomics that others can write meanwhile: each stands for itself.
fn loads(analysis: &Analysis<'_>, function: Fun) -> Vec<SectionRead> {
    let bare = |it: &AtomicOp| analysis.facts(function).locksets.before(it.op).is_empty() && !is_exclusive(analysis, function, &it.path);
    let ops = atomic_ops(analysis, function);
    let read = |it: &AtomicOp| {
        let part = atomic_part(analysis, function, &it.path)?;
        Some(SectionRead { part, lock: None, section: it.op, op: it.op, outside: false })
    };
    ops.iter().filter(|it| it.kind == AtomicKind::Load && bare(it)).filter_map(read).collect()
}

fn section_reads(analysis: &Analysis<'_>, function: Fun) -> Vec<SectionRead> {
    let facts = analysis.facts(function);
    let locksets = &facts.locksets;
    let mut reads = if analysis.program.language(function) == Language::Rust { loads(analysis, function) } else { Vec::new() };
    if locksets.locks.is_empty() {
        return reads;
    }
    for access in facts.accesses.iter().filter(|it| it.kind == AccessKind::Read) {
        for held in locksets.before(access.op).iter().filter(|it| it.sure && !locksets.lock(it).opaque) {
            reads.push(SectionRead { part: Part::of(access), lock: Some(locksets.lock(held).key), section: held.at, op: access.op, outside: false });
        }
    }
    for access in facts.accesses.iter().filter(|it| it.kind == AccessKind::Read) {
        if locksets.before(access.op).is_empty()
            && analysis.entry.held(function).is_empty()
            && !analysis.entry.claims_lock(function)
            && let Some((lock, _)) = analysis.states.get(&access.key.owner).and_then(|it| it.guard())
        {
            reads.push(SectionRead { part: Part::of(access), lock: Some(lock), section: access.op, op: access.op, outside: true });
        }
    }
    for (id, op) in analysis.program.function(function).numbered() {
        let Some(callee) = analysis.program.called(function, &op.kind) else { continue };
        for (owner, lock) in analysis.flows.returned(callee) {
            let held =
                locksets.before(id).iter().any(|it| locksets.lock(it).key == *lock) || analysis.entry.held(function).iter().any(|it| it.0 == *lock);
            if !held {
                reads.push(SectionRead { part: Part::whole(*owner), lock: Some(*lock), section: id, op: id, outside: false });
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
    for (at, op) in ir.numbered() {
        let joined: Vec<Local> = match &op.kind {
            OpKind::Aggregate { operands, .. } => operands.to_vec(),
            OpKind::Compute { operands, .. } => operands.to_vec(),
            OpKind::Call { dest, arguments, .. } if matches!(analysis.program.target(function, *dest), Target::Construct { .. }) => {
                arguments.iter().map(|it| it.value).collect()
            }
            _ => continue,
        };
        if joined.len() < 2 {
            continue;
        }
        let is_message = matches!(op.kind, OpKind::Compute { operation: Operation::Format, .. });
        let mut parts: Vec<&SectionRead> =
            joined.iter().take(64).flat_map(|it| definitions.sources(*it, at)).filter_map(|it| by_op.get(&it)).flatten().copied().collect();
        parts.sort_by_key(|it| (it.op, it.section));
        for (index, second) in parts.iter().enumerate() {
            let first = parts[..index].iter().find(|it| {
                it.lock == second.lock
                    && it.section != second.section
                    && it.part != second.part
                    && !(it.lock.is_none() && is_message)
                    && !(it.outside && second.outside)
                    && together.get(it.part, second.part).is_some()
                    && !parts.iter().any(|other| other.part == it.part && other.section == second.section)
                    && !is_undisturbed(analysis, function, it, second)
            });
            if let Some(first) = first {
                return Some(report(analysis, function, (first, second), op, together));
            }
        }
    }
    None
}

/// Whether no other task runs between the two reads, and the lock is one for tasks.
fn is_undisturbed(analysis: &Analysis<'_>, function: Fun, first: &SectionRead, second: &SectionRead) -> bool {
    first.lock.is_some_and(|it| is_for_tasks(analysis, function, &it)) && !suspends_between(analysis, function, first.op, second.op)
}

fn report(analysis: &Analysis<'_>, function: Fun, (first, second): (&SectionRead, &SectionRead), joined: &Op, together: &Together) -> Finding {
    let program = analysis.program;
    let (a, b) = (first.part.display(analysis), second.part.display(analysis));
    let location = expression(analysis, function, second.op);
    let confidence = match joined.kind {
        _ if second.lock.is_some() => Confidence::High,
        // A report of counters is often meant to be approximate; what is computed from two of them seldom is.
        OpKind::Compute { .. } => Confidence::Medium,
        _ => Confidence::Low,
    };
    let mut it = finding(&SPLIT_SNAPSHOT, analysis, function, location, confidence);
    let lock = second.lock.map(|it| it.display(program));
    match &lock {
        Some(lock) => {
            it.message = if first.outside || second.outside {
                format!("`{a}` and `{b}` are read one under `{lock}`, one without it, and used together")
            } else {
                format!("`{a}` and `{b}` are read in two critical sections of `{lock}` and used together")
            };
            it.caption =
                if second.outside { format!("`{b}` is read without the lock") } else { format!("`{b}` is read in a second critical section") };
            it.help = format!("read both under one acquisition of `{lock}`");
            it.locks = vec![lock.clone()];
        }
        None => {
            it.message = format!("`{a}` and `{b}` are written together, but loaded one by one and used together");
            it.caption = format!("`{b}` is loaded in a second step");
            it.help = "keep both in one lock or one atomic word, where the pair has to be true at one time".to_string();
        }
    }
    it.state = Some(format!("{a}, {b}"));
    let first_at = expression(analysis, function, first.op);
    if first_at != location {
        it.labels.push(label(first_at, Role::Read, format!("`{a}` is read here")));
    }
    let joined: Location = program.location(function, joined.range());
    if joined != location && joined != first_at {
        it.labels.push(label(joined, Role::Read, "used together here"));
    }
    if let Some((writer, write_a, write_b)) = together.get(first.part, second.part) {
        let (at_a, at_b) = (statement(analysis, writer, write_a), statement(analysis, writer, write_b));
        it.labels.push(label(at_a, Role::Write, format!("`{a}` is written")));
        it.labels.push(label(at_b, Role::Write, format!("`{b}` is written with it")));
        it.evidence.push(Evidence {
            kind: EvidenceKind::WrittenTogether,
            message: match &lock {
                Some(lock) => format!("`{}` writes both under one acquisition of `{lock}`", program.symbol(writer)),
                None => format!("`{}` writes both, one right after the other", program.symbol(writer)),
            },
            location: Some(at_a),
        });
        it.interleaving.push(step(
            'A',
            first_at,
            lock.map_or_else(|| format!("loads the old `{a}`"), |it| format!("reads the old `{a}` and gives `{it}` up")),
        ));
        it.interleaving.push(step('B', at_a, format!("writes a new `{a}`")));
        it.interleaving.push(step('B', at_b, format!("writes a new `{b}`")));
        it.interleaving.push(step('A', location, format!("reads the new `{b}`: the two never were true at one time")));
    }
    it
}
