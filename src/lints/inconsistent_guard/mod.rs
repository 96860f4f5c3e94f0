//! `inconsistent-guard`: state that a lock guards elsewhere, touched without it.
//!
//! The guard of a state is the lock that its writes agree on ([`crate::analysis::state`]). For each function that dissents
//! the worst use is reported: a write, else an iteration while others resize, else a read. Updates, whose new value comes
//! from the old one, are `unguarded-update`'s.

mod bare;
mod pace;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use self::bare::bare;
use self::pace::{Pace, iterated};
use super::check_then_act::branches::Branches;
use super::support::{
    Guard, Recent, Updates, belongs, finding, has_to_do_with, implements_lock, is_at_hand, is_for_tasks, is_method, is_own, label, state_name,
    statement, step, stores_constant, suspends_between,
};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{AccessKind, VIEWS};
use crate::analysis::atomics::is_fresh;
use crate::analysis::facts::Facts;
use crate::analysis::lockset::Acquisition;
use crate::analysis::path::{Key, Owner, Root};
use crate::analysis::state::{State, Use};
use crate::catalog::Scope;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Location, Role, Rule, Severity};
use crate::ir::{Callee, Const, Language, Local, OpId, OpKind};
use crate::program::{Fun, Program, Runtime, Target};

/// So many acquisitions after a read are looked at.
const MAX_TAKEN: usize = 16;

/// So many writes of each state are compared.
const MAX_WRITES: usize = 64;

pub const INCONSISTENT_GUARD: Lint = Lint {
    rule: Rule {
        name: "inconsistent-guard",
        group: "race",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "State that a lock guards elsewhere is touched without it",
        page: include_str!("../../../lints/inconsistent-guard.md"),
    },
    check: Check::Program(check),
};

/// How a state is touched without its guard, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Touch {
    Read,
    Iteration,
    Write,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mut updates = Updates::default();
    let mut known: Recent<FxHashMap<Local, Pace>> = Recent::default();
    let mut iterates = |usage: &Use| {
        let values = known.get(usage.function, || iterated(analysis, usage.function));
        let value = analysis.values(usage.function).origin(analysis.access(usage).value);
        values.get(&value).copied().filter(|_| is_whole(analysis, usage))
    };
    let mut singles: Vec<Single<'_>> = Vec::new();
    let mut branches: Recent<Branches<'_>> = Recent::default();
    for (owner, state) in analysis.states.iter() {
        let Some(guard) = Guard::of(analysis, owner, state) else { continue };
        let mut worst: IndexMap<Fun, (Touch, &Use), FxBuildHasher> = IndexMap::default();
        let mut updating: FxHashSet<Fun> = FxHashSet::default();
        let mut ought: FxHashMap<Fun, bool> = FxHashMap::default();
        for usage in state.uses.iter().filter(|it| dissents(analysis, it, &guard.lock)) {
            if !*ought.entry(usage.function).or_insert_with(|| ought_to_hold(analysis, usage.function, &guard.lock)) {
                continue;
            }
            let access = analysis.access(usage);
            let is_update = access.kind.writes() && updates.read_before(analysis, usage.function, access).is_some();
            if is_update || access.kind == AccessKind::Update {
                updating.insert(usage.function);
                continue;
            }
            let touch = if access.kind.writes() {
                Touch::Write
            } else if (guard.resizes.under > 0 || guard.is_explicit()) && iterates(usage).is_some() {
                Touch::Iteration
            } else {
                Touch::Read
            };
            let slot = worst.entry(usage.function).or_insert((touch, usage));
            if touch > slot.0 {
                *slot = (touch, usage);
            }
        }
        for (function, (touch, usage)) in worst {
            // Where the function updates the state as well, that says it all.
            let is_fast_path = touch == Touch::Read && reads_again(analysis, usage, &guard.lock);
            if !is_fast_path && !updating.contains(&function) {
                let Some(mut found) = report(analysis, &guard, touch, usage) else { continue };
                if touch == Touch::Iteration && iterates(usage) == Some(Pace::OneCall) && analysis.program.language(function) == Language::Python {
                    seldom_switches(analysis, &mut found, &guard);
                }
                if touch == Touch::Read {
                    let branches = branches.get(function, || Branches::new(analysis.program.function(function)));
                    if let Some(taken) = decides(analysis, branches, usage, &guard.lock) {
                        foretells(analysis, &mut found, usage, &guard.lock, taken);
                    }
                    singles.push(Single { lock: guard.lock, state, usage, finding: findings.len() });
                }
                findings.push(found);
            }
        }
    }
    pairs(analysis, &singles, findings);
    for (owner, state) in analysis.states.iter() {
        findings.extend(overtaken(analysis, owner, state));
    }
    unmet(analysis, findings);
    bare(analysis, findings);
}

/// Something is stored without the lock under which another function takes what is there, and clears the place: what is
/// stored in between is lost. One such place is enough to say what the lock is for.
fn overtaken(analysis: &Analysis<'_>, owner: &Owner, state: &State) -> Option<Finding> {
    let program = analysis.program;
    if !matches!(owner, Owner::Field(..)) || is_method(program, owner) || program.language(state.uses.first()?.function) != Language::Python {
        return None;
    }
    let writes = || state.uses.iter().filter(|it| it.writes && !it.construction && !analysis.access(it).changes_in_place());
    let clears = |it: &&Use| program.function(it.function).constant_at(analysis.access(it).value, it.op) == Some(Const::None);
    let (taker, lock) = writes().filter(clears).find_map(|taker| {
        let (lock, _) = taker.held.iter().find(|it| belongs(program, &it.0, owner) && is_own(program, &it.0, owner))?;
        let takes = |it: &Use| !it.writes && it.function == taker.function && it.op < taker.op && it.held.iter().any(|it| it.0 == *lock);
        state.uses.iter().any(takes).then_some((taker, *lock))
    })?;
    let stores = |it: &&Use| {
        it.function != taker.function
            && dissents(analysis, it, &lock)
            && ought_to_hold(analysis, it.function, &lock)
            && !clears(it)
            && !analysis.callers.is_unseen(it.function)
    };
    let usage = writes().find(stores)?;
    if analysis.states.scope(&lock) == Scope::Async {
        return None;
    }
    let (name, shown) = (state_name(analysis, analysis.access(usage)), lock.display(program));
    let (location, place) = (statement(analysis, usage.function, usage.op), statement(analysis, taker.function, taker.op));
    let mut it = finding(&INCONSISTENT_GUARD, analysis, usage.function, location, Confidence::Medium);
    it.message = format!("`{name}` is stored without `{shown}`, under which `{}` takes it and clears it", program.symbol(taker.function));
    it.caption = "lost, if it is stored just before the place is cleared".to_string();
    it.help = format!("store it under `{shown}`");
    it.state = Some(name.clone());
    it.locks = vec![shown.clone()];
    it.labels.push(label(place, Role::OtherAccess, format!("cleared under `{shown}` here, after it was read")));
    it.evidence.push(Evidence {
        kind: EvidenceKind::GuardedElsewhere,
        message: format!("`{}` reads it and clears it under one acquisition of `{shown}`", program.symbol(taker.function)),
        location: Some(place),
    });
    owns(program, &lock, &mut it);
    it.interleaving.push(step('A', place, format!("takes `{shown}`, reads `{name}` and works on what is there")));
    it.interleaving.push(step('B', location, format!("stores another `{name}`")));
    it.interleaving.push(step('A', place, "clears it: what B stored was never looked at"));
    Some(it)
}

/// Where the lock is taken because of what the read saw, to go on with it; what is called under it does not look again.
fn decides(analysis: &Analysis<'_>, branches: &Branches<'_>, usage: &Use, lock: &Key) -> Option<OpId> {
    let program = analysis.program;
    let locksets = &analysis.facts(usage.function).locksets;
    let owner = analysis.access(usage).key.owner;
    // Whether something is in a container is one question, and what comes is about what was found.
    if !matches!(program.function(usage.function).op(usage.op).map(|it| &it.kind), Some(OpKind::Load { .. })) {
        return None;
    }
    let is_it = |it: &&Acquisition| it.via.is_none() && it.op > usage.op && locksets.locks[it.lock as usize].key == *lock;
    let looks_again = |taken: OpId| {
        program.function(usage.function).numbered().any(|(id, op)| {
            id > taken
                && program.called(usage.function, &op.kind).is_some_and(|it| analysis.facts(it).accesses.iter().any(|it| it.key.owner == owner))
                && locksets.before(id).iter().any(|it| it.at == taken)
        })
    };
    let taken = locksets.acquisitions.iter().filter(is_it).map(|it| it.op);
    taken.take(MAX_TAKEN).find(|it| branches.decision(usage.op, *it).is_some_and(|it| !it.raises) && !looks_again(*it))
}

/// A decision that is made before the lock is taken may no longer hold under it.
fn foretells(analysis: &Analysis<'_>, finding: &mut Finding, usage: &Use, lock: &Key, taken: OpId) {
    let (name, lock) = (state_name(analysis, analysis.access(usage)), lock.display(analysis.program));
    finding.confidence = Confidence::Medium;
    finding.message = format!("`{name}` is looked at before `{lock}` is taken, which guards it, and not again under it");
    finding.caption = "may have changed by the time the lock is taken".to_string();
    finding.help = format!("look at `{name}` under `{lock}`, with what depends on it");
    finding.labels.push(label(statement(analysis, usage.function, taken), Role::LockWanted, "taken here, because of what was seen"));
}

/// A read without the guard, and the finding that says so.
struct Single<'a> {
    lock: Key,
    state: &'a State,
    usage: &'a Use,
    finding: usize,
}

/// A read by itself is seldom wrong. Of two in one statement, of state that is written together under the lock, one may be
/// old and the other new. Where the one decides whether the other is read, it may be the one that is written last.
fn pairs(analysis: &Analysis<'_>, singles: &[Single<'_>], findings: &mut [Finding]) {
    let mut by_statement: IndexMap<(Key, Location), Vec<&Single<'_>>, FxBuildHasher> = IndexMap::default();
    for single in singles {
        let ir = analysis.program.function(single.usage.function);
        // What is only shown may be old.
        if !matches!(ir.name.as_str(), "__str__" | "__repr__") {
            by_statement.entry((single.lock, statement(analysis, single.usage.function, single.usage.op))).or_default().push(single);
        }
    }
    for ((lock, _), singles) in by_statement {
        let [first, rest @ ..] = &singles[..] else { continue };
        let block = |it: &Single<'_>| analysis.program.function(it.usage.function).block_of(it.usage.op);
        let together = rest.iter().filter(|it| block(it) == block(first));
        let Some((other, at)) = together.into_iter().find_map(|it| written_together(analysis, first.state, it.state, &lock).map(|at| (it, at)))
        else {
            continue;
        };
        let lock = lock.display(analysis.program);
        let names = [first, other].map(|it| state_name(analysis, analysis.access(it.usage)));
        let finding = &mut findings[first.finding];
        finding.confidence = Confidence::Medium;
        finding.message = format!("`{}` and `{}` are read together without `{lock}`, under which both are written", names[0], names[1]);
        finding.caption = "may see one as it was and the other as it is".to_string();
        finding.help = format!("read both under `{lock}`");
        finding.labels.push(label(at, Role::OtherAccess, format!("`{}` is written with it", names[1])));
    }
}

/// Where the second state is written under one acquisition of the lock with the first.
fn written_together(analysis: &Analysis<'_>, first: &State, second: &State, lock: &Key) -> Option<Location> {
    let section = |usage: &Use| {
        let locksets = &analysis.facts(usage.function).locksets;
        let held = locksets.before(usage.op).iter().find(|it| locksets.lock(it).key == *lock);
        held.map(|it| it.at).or_else(|| analysis.entry.held(usage.function).iter().any(|it| it.0 == *lock).then_some(OpId::ENTRY))
    };
    let writes = |state: &'_ State| -> Vec<(Fun, OpId, OpId)> {
        let written = state.uses.iter().filter(|it| it.writes && !it.construction).take(MAX_WRITES);
        written.filter_map(|it| section(it).map(|at| (it.function, at, it.op))).collect()
    };
    let sections: FxHashSet<(Fun, OpId)> = writes(first).into_iter().map(|it| (it.0, it.1)).collect();
    // Tasks see nothing of what is written with no await in between.
    let firsts = writes(first);
    let is_torn = |function: Fun, at: OpId, op: OpId| {
        let with = firsts.iter().filter(|it| (it.0, it.1) == (function, at)).map(|it| it.2);
        !is_for_tasks(analysis, function, lock) || with.into_iter().any(|it| suspends_between(analysis, function, it.min(op), it.max(op)))
    };
    let both = writes(second).into_iter().find(|it| sections.contains(&(it.0, it.1)) && is_torn(it.0, it.1, it.2));
    both.map(|(function, _, op)| statement(analysis, function, op))
}

/// Calls of functions that say which lock their callers must hold, without it.
fn unmet(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    for (function, locks) in analysis.declared.requiring() {
        for (caller, op) in analysis.callers.sites(function) {
            let locksets = &analysis.facts(*caller).locksets;
            // What is not known to be another lock may be this one.
            let is_open = || locksets.before(*op).iter().any(|it| locksets.lock(it).opaque) || analysis.entry.claims_lock(*caller);
            let holds = |lock: &Key| {
                locksets.before(*op).iter().any(|it| locksets.lock(it).key == *lock) || analysis.entry.held(*caller).iter().any(|it| it.0 == *lock)
            };
            let constructs = || program.is_construction(*caller) || analysis.callers.only_constructs(*caller);
            for (lock, at) in locks.iter().filter(|it| !holds(&it.0)) {
                if is_open() || constructs() || program.is_exempt(*caller) {
                    continue;
                }
                let (name, lock) = (program.symbol(function), lock.display(program));
                let location = statement(analysis, *caller, *op);
                let mut it = finding(&INCONSISTENT_GUARD, analysis, *caller, location, Confidence::High);
                it.message = format!("`{name}` is called without `{lock}`, which it requires");
                it.caption = "the caller has to hold the lock".to_string();
                it.help = format!("take `{lock}` around the call");
                it.locks = vec![lock.clone()];
                it.labels.push(label(*at, Role::LockWanted, format!("says that its callers hold `{lock}`")));
                it.evidence.push(Evidence {
                    kind: EvidenceKind::Declared,
                    message: format!("a comment says that `{name}` requires `{lock}`"),
                    location: Some(*at),
                });
                it.interleaving.push(step('A', location, format!("runs `{name}` without `{lock}`")));
                it.interleaving.push(step('B', location, format!("runs it, too, or changes under `{lock}` what it works on")));
                findings.push(it);
            }
        }
    }
}

/// Whether the use is without the lock, of an object that has it and is not this function's own.
fn dissents(analysis: &Analysis<'_>, usage: &Use, lock: &Key) -> bool {
    let access = analysis.access(usage);
    let makes = || matches!(access.path.root, Root::Local(local) if is_fresh(analysis, usage.function, local));
    usage.held.is_empty() && !usage.construction && !usage.maybe_guarded && is_at_hand(analysis.program, usage.function, access, lock) && !makes()
}

/// Whether the function is one that has to take the lock itself.
fn ought_to_hold(analysis: &Analysis<'_>, function: Fun, lock: &Key) -> bool {
    let program = analysis.program;
    !program.function(function).is_async
        && !implements_lock(program, function)
        && !analysis.entry.callers_hold(function, lock)
        && !has_to_do_with(analysis, function, lock)
}

/// Whether the function, or all that call it, wrote something under the lock before `op`: what a state was claimed with
/// that keeps others away after the lock is given up.
fn claims(analysis: &Analysis<'_>, function: Fun, op: OpId, lock: &Key) -> bool {
    let claimed = |function: Fun, op: OpId| {
        let Facts { accesses, locksets } = analysis.facts(function);
        accesses.iter().any(|it| it.op < op && it.kind.writes() && locksets.before(it.op).iter().any(|held| locksets.lock(held).key == *lock))
    };
    let sites = analysis.callers.sites(function);
    claimed(function, op) || !sites.is_empty() && sites.iter().all(|it| claimed(it.0, it.1))
}

/// Whether the function looks at the state under the lock, too: a first look without it is a fast path.
fn reads_again(analysis: &Analysis<'_>, usage: &Use, lock: &Key) -> bool {
    let facts = analysis.facts(usage.function);
    let owner = analysis.access(usage).key.owner;
    facts.accesses.iter().any(|it| it.key.owner == owner && facts.locksets.before(it.op).iter().any(|held| facts.locksets.lock(held).key == *lock))
}

/// What one call goes over, Python's lock is mostly held over.
fn seldom_switches(analysis: &Analysis<'_>, finding: &mut Finding, guard: &Guard<'_>) {
    let message = match analysis.program.runtime {
        Some(Runtime::FreeThreaded) => return,
        Some(Runtime::Gil) => "nothing guarantees it, but an interpreter with the GIL rarely switches threads inside this call",
        None => "nothing guarantees it: today's GIL builds rarely switch threads inside this call, free-threaded builds run it beside the change",
    };
    if analysis.program.runtime.is_some() && !guard.is_explicit() {
        finding.confidence = Confidence::Low;
    }
    finding.evidence.push(Evidence { kind: EvidenceKind::Caveat, message: message.to_string(), location: None });
}

/// Whether what was read is the container itself, or a view of it, and not what one of its methods gives.
fn is_whole(analysis: &Analysis<'_>, usage: &Use) -> bool {
    match analysis.program.function(usage.function).op(usage.op).map(|it| &it.kind) {
        Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => VIEWS.contains(&name.as_str()),
        Some(OpKind::Call { .. }) => false,
        _ => true,
    }
}

fn confidence(analysis: &Analysis<'_>, guard: &Guard<'_>, touch: Touch, usage: &Use) -> Confidence {
    match touch {
        Touch::Write | Touch::Iteration if guard.is_explicit() => Confidence::High,
        // What nobody is seen to call may be dead.
        _ if analysis.callers.is_unseen(usage.function) => Confidence::Low,
        Touch::Read if guard.is_explicit() => Confidence::Medium,
        Touch::Write if stores_constant(analysis, usage.function, analysis.access(usage)) => Confidence::Low,
        Touch::Write if puts_at_end(analysis, usage) => Confidence::Low,
        Touch::Write | Touch::Iteration if guard.declared.is_some() => Confidence::Medium,
        Touch::Read => Confidence::Low,
        Touch::Iteration if !guard.resizes.is_majority() || claims(analysis, usage.function, usage.op, &guard.lock) => Confidence::Low,
        Touch::Iteration if guard.resizes.under >= 2 => Confidence::High,
        Touch::Iteration => Confidence::Medium,
        Touch::Write if !guard.writes.is_majority() => Confidence::Low,
        Touch::Write if guard.writes.under >= 2 => Confidence::High,
        Touch::Write => Confidence::Medium,
    }
}

/// Whether it is one `append` to a `deque`, which is made for that.
fn puts_at_end(analysis: &Analysis<'_>, usage: &Use) -> bool {
    let program = analysis.program;
    match program.function(usage.function).op(usage.op).map(|it| &it.kind) {
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. }) if matches!(name.as_str(), "append" | "appendleft") => {
            matches!(program.target(usage.function, *dest), Target::Method { ty, .. } if *ty == "collections.deque")
        }
        _ => false,
    }
}

fn report(analysis: &Analysis<'_>, guard: &Guard<'_>, touch: Touch, usage: &Use) -> Option<Finding> {
    let program = analysis.program;
    let access = analysis.access(usage);
    let (agreement, what) = if touch == Touch::Iteration { (&guard.resizes, "changes in place") } else { (&guard.writes, "writes") };
    let there = guard.shown(analysis, agreement)?;
    let (name, lock) = (state_name(analysis, access), guard.lock.display(program));
    let location = statement(analysis, usage.function, access.op);
    let mut it = finding(&INCONSISTENT_GUARD, analysis, usage.function, location, confidence(analysis, guard, touch, usage));
    if touch != Touch::Write {
        it.severity = Severity::Warning;
    }
    it.message = match touch {
        Touch::Write => format!("`{name}` is written without `{lock}`, which guards it elsewhere"),
        Touch::Iteration => format!("`{name}` is iterated without `{lock}`, under which others change it: its size may change meanwhile"),
        Touch::Read => format!("`{name}` is read without `{lock}`, which guards it elsewhere"),
    };
    it.caption = match touch {
        Touch::Write => format!("changed with no lock held; `{lock}` keeps nobody out who does so"),
        Touch::Iteration => "goes over the container itself".to_string(),
        Touch::Read => "may see a state that a holder of the lock is in the middle of changing".to_string(),
    };
    it.help = match touch {
        Touch::Write => format!("write it under `{lock}`"),
        Touch::Iteration => format!("copy it under `{lock}` and go over the copy, or hold the lock all the while"),
        Touch::Read => format!("read it under `{lock}`, once, into a local"),
    };
    it.state = Some(name.clone());
    it.locks = vec![lock.clone()];
    let shown = if agreement.example.is_some() { format!("written under `{lock}` here") } else { format!("`{lock}` is said to guard it here") };
    it.labels.push(label(there, Role::OtherAccess, shown));
    it.evidence.extend(guard.evidence(analysis, agreement, what));
    owns(program, &guard.lock, &mut it);
    match touch {
        Touch::Write => {
            it.interleaving.push(step('A', there, format!("takes `{lock}` and works on `{name}`")));
            it.interleaving.push(step('B', location, format!("changes `{name}` under A's hands")));
        }
        Touch::Iteration => {
            it.interleaving.push(step('A', location, format!("goes over `{name}`")));
            it.interleaving.push(step('B', there, format!("takes `{lock}` and changes `{name}`")));
            it.interleaving.push(step('A', location, "goes on: an error, or items missed or seen twice"));
        }
        Touch::Read => {
            it.interleaving.push(step('A', location, format!("reads `{name}`")));
            it.interleaving.push(step('B', there, format!("takes `{lock}` and changes it: what A has is old")));
        }
    }
    Some(it)
}

fn owns(program: &Program<'_>, lock: &Key, it: &mut Finding) {
    if let Owner::Field(class, name) = lock.owner {
        it.evidence.push(Evidence {
            kind: EvidenceKind::OwnsLock,
            message: format!("`{}` owns `{}`, so it expects several threads", program.class_name(class), lock.display(program)),
            location: program.field_location(class, name),
        });
    }
}
