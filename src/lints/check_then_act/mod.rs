//! `check-then-act`: a decision on shared state, then a write that relies on it, with no lock held across both.
//!
//! For each write, the branches it depends on are looked at whose condition was computed from a read of the same place
//! (control dependence by dominators). Writes whose value comes from the old one are `unguarded-update`'s.

pub(super) mod branches;
mod ensured;
mod flags;
mod pairs;
pub(super) mod reuse;
mod sharded;
mod swept;

use rustc_hash::FxHashSet;

use self::branches::{Branches, Made};
use self::ensured::ensured;
use self::flags::flags;
use self::pairs::pairs;
use self::reuse::reuse;
use self::sharded::sharded;
use super::support::{
    Graph, Recent, Updates, finding, implements_lock, is_for_one_thread, is_method, is_of_caller, is_read_again, label, over_states, shared,
    state_name, statement, step, stores_constant,
};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::atomics::{is_exclusive, is_fresh};
use crate::analysis::path::{Key, Owner, Path, Root, Step};
use crate::analysis::state::{State, Use};
use crate::catalog::Scope;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Rule, Severity};
use crate::ir::{Callee, Language, Local, OpId, OpKind};
use crate::program::{Cls, Fun, Target, Ty};

/// Methods that find out by themselves whether there is anything to do.
const SETTLING: &[&str] = &[
    "and_modify",
    "clear",
    "discard",
    "drain",
    "entry",
    "extend",
    "get",
    "get_mut",
    "get_or_insert_with",
    "or_default",
    "or_insert",
    "or_insert_with",
    "pop",
    "pop_back",
    "pop_front",
    "pop_first",
    "pop_last",
    "popleft",
    "popitem",
    "remove",
    "remove_entry",
    "retain",
    "setdefault",
    "swap_remove",
    "take",
    "truncate",
    "update",
];

/// Types of values that are equal or not, and nothing else.
pub(super) const PLAIN: &[&str] = &["String", "bool", "char", "f32", "f64", "float", "i32", "i64", "int", "str", "u16", "u32", "u64", "u8", "usize"];

/// So many accesses that may give back what an act claimed are tried.
const MAX_LATER: usize = 16;

/// So many reads before an act are tried as its test.
const MAX_TESTS: usize = 16;

/// A test stands among so many accesses before the act.
const MAX_BEFORE: usize = 1024;

pub const CHECK_THEN_ACT: Lint = Lint {
    rule: Rule {
        name: "check-then-act",
        group: "race",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "Shared state is tested, then changed on the strength of the test, with no lock held across both",
        page: include_str!("../../../lints/check-then-act.md"),
    },
    check: Check::Program(check),
};

/// A test and an act that depends on it.
struct Case<'a> {
    /// Where the state is looked at.
    tested: OpId,
    act: &'a Access,
    gap: Gap,
    /// The other way raises.
    raises: bool,
    /// What is made to be stored.
    made: Made,
    /// The act takes out what can be taken out once.
    takes_out: bool,
    /// The act marks something as taken, and the function gives it back later: a home-made lock.
    claims: bool,
    /// The act is an update that the test allows: `if self.open < self.most: self.open += 1`.
    limited: bool,
}

/// How test and act stand to the locks.
enum Gap {
    /// Both under the lock, in two critical sections.
    Split(Key),
    /// The act under the lock, the test without.
    Unlocked(Key),
    /// No lock at either.
    Bare,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mutable = mutable_classes(analysis);
    findings.extend(over_states(analysis, |owner, state, (updates, all_branches): &mut (Updates<'_>, Recent<Branches<'_>>), findings| {
        if is_method(analysis.program, owner) || !matches!(owner, Owner::Field(..) | Owner::Global(..)) {
            return;
        }
        reuse(analysis, owner, state, all_branches, findings);
        ensured(analysis, owner, state, all_branches, findings);
        let mut seen: FxHashSet<Fun> = FxHashSet::default();
        for usage in state.uses.iter().filter(|it| it.writes && !it.construction && !it.maybe_guarded) {
            let act = analysis.access(usage);
            // The nearest test decides.
            let mut reads = reads_before(analysis, usage).peekable();
            if seen.contains(&usage.function) || reads.peek().is_none() {
                continue;
            }
            let branches = all_branches.get(usage.function, || Branches::new(analysis.program.function(usage.function)));
            let takes_out = takes_out(analysis, usage.function, branches, act);
            if !takes_out && settles(branches, act) {
                continue;
            }
            let Some((test, decision)) = reads.find_map(|it| branches.decision(it.op, act.op).map(|decision| (it, decision))) else { continue };
            // An update that a test against a limit allows is no longer allowed once another thread has made it, too.
            let is_update = updates.read_before(analysis, usage.function, act).is_some();
            if is_update && !(branches.has_limit(&decision) && branches.counts(act)) {
                continue;
            }
            let tested = branches.looks_at(&decision, test);
            let Some(gap) = gap(analysis, usage.function, tested, act).filter(|_| !is_for_one_thread(analysis, owner, usage.function)) else {
                continue;
            };
            if branches.compares(&decision, analysis, usage.function, act)
                || branches.is_presence(&decision, test, act)
                || is_of_caller(analysis, usage.function, branches.definitions(), act.op)
                || implements_lock(analysis.program, usage.function)
            {
                continue;
            }
            let claims = claims(analysis, usage.function, branches, act);
            let made = if claims {
                Made::Object
            } else if takes_out {
                Made::Value
            } else {
                branches.made(analysis, usage.function, act, &mutable)
            };
            let raises = decision.raises && !is_update;
            let case = Case { tested, act, gap, raises, made, takes_out, claims, limited: is_update };
            if let Some(found) = report(analysis, owner, state, usage, &case) {
                seen.insert(usage.function);
                findings.push(found);
            }
        }
    }));
    flags(analysis, findings);
    sharded(analysis, findings);
    pairs(analysis, findings);
}

/// The reads of what an act changes that stand before it, the nearest first.
pub(super) fn reads_before<'a>(analysis: &'a Analysis<'_>, usage: &Use) -> impl Iterator<Item = &'a Access> {
    let act = analysis.access(usage);
    let before = analysis.facts(usage.function).accesses[..usage.access as usize].iter().rev();
    before.take(MAX_BEFORE).filter(|it| it.kind == AccessKind::Read && is_same_place(&it.path, &act.path)).take(MAX_TESTS)
}

/// Whether the one is the other, or the container of it; and not of something further inside.
fn is_same_place(read: &Path, written: &Path) -> bool {
    if written.steps.len() > read.steps.len() + 1 {
        return false;
    }
    let container = |it: &Path| {
        let mut it = *it;
        while matches!(it.steps.last(), Some(Step::Key(_) | Step::Item)) {
            it.steps.pop();
        }
        it
    };
    read == written || container(read) == container(written)
}

/// Whether the act takes out what the test found, and fails when it is gone, with nobody to catch that: `del d[k]`,
/// `d.pop(k)`, `d.popleft()`; `vec.remove(0)`, `queue.pop_front().unwrap()`.
pub(super) fn takes_out(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, act: &Access) -> bool {
    let program = analysis.program;
    let fails = match (program.language(function), branches.op(act.op)) {
        (Language::Python, Some(OpKind::Delete { .. })) => true,
        (Language::Python, Some(OpKind::Call { callee: Callee::Method { name, .. }, arguments, .. })) => match name.as_str() {
            "pop" | "remove" => arguments.len() < 2,
            "popleft" | "popitem" => true,
            _ => false,
        },
        (Language::Rust, Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. })) => match name.as_str() {
            "remove" | "swap_remove" if matches!(program.target(function, *dest), Target::Method { ty, .. } if ty.last() == "Vec") => true,
            "pop" | "pop_back" | "pop_front" | "remove" | "swap_remove" => branches.is_insisted_on(*dest),
            _ => false,
        },
        _ => false,
    };
    fails && !branches.is_caught(act.op)
}

/// Whether the act marks something as taken that the function gives back later: `busy[user] = True` … `del busy[user]`,
/// `self.running = True` … `self.running = False`.
fn claims(analysis: &Analysis<'_>, function: Fun, branches: &Branches<'_>, act: &Access) -> bool {
    let accesses = &analysis.facts(function).accesses;
    let is_true = |access: &Access| branches.is_true(access.value);
    let gives_back = |it: &&Access| match it.kind {
        AccessKind::Mutate => is_same_place(&it.path, &act.path) && it.op != act.op && it.path != act.path,
        AccessKind::Write => it.path == act.path && !is_true(it),
        _ => false,
    };
    if act.kind != AccessKind::Write || analysis.program.language(function) != Language::Python || !is_true(act) {
        return false;
    }
    let mut later = accesses.iter().filter(gives_back).take(MAX_LATER).peekable();
    later.peek().is_some() && {
        let graph = Graph::new(analysis.program.function(function));
        later.any(|it| graph.leads(act.op, it.op, &[]))
    }
}

/// Classes whose objects change after they were made: of these a second object is another, and not as good as the first.
pub(super) fn mutable_classes(analysis: &Analysis<'_>) -> FxHashSet<Cls> {
    let changes = |state: &State| state.uses.iter().any(|it| it.writes && !it.construction);
    let changed = analysis.states.iter().filter(|it| changes(it.1)).filter_map(|(owner, _)| match owner {
        Owner::Field(class, _) => Some(*class),
        _ => None,
    });
    changed.collect()
}

/// Whether the act, which does not fail, tells by itself whether it was needed, or somebody looks at what it says.
pub(super) fn settles(branches: &Branches<'_>, act: &Access) -> bool {
    match branches.op(act.op) {
        Some(OpKind::Call { dest, callee: Callee::Method { name, .. }, .. }) => {
            SETTLING.contains(&name.as_str()) || *name == "insert" && branches.is_used(*dest)
        }
        // Of one that is gone somebody catches the exception.
        Some(OpKind::Delete { .. }) => true,
        _ => false,
    }
}

/// What there is between test and act; none where a lock is held across both, or the state is tested again.
fn gap(analysis: &Analysis<'_>, function: Fun, tested: OpId, act: &Access) -> Option<Gap> {
    let locksets = &analysis.facts(function).locksets;
    let (at_test, at_act) = (locksets.guards(tested), locksets.guards(act.op));
    let by_callers = !analysis.entry.held(function).is_empty() || analysis.entry.callers_hold_one(function);
    let is_own = matches!(act.path.root, Root::Local(local) if is_fresh(analysis, function, local));
    if is_own || by_callers || at_act.iter().any(|it| at_test.iter().any(|held| held.at == it.at)) {
        return None;
    }
    let Some(held) = at_act.iter().find(|it| locksets.keeps_out(it)) else {
        return (at_act.is_empty() && at_test.is_empty()).then_some(Gap::Bare);
    };
    if is_read_again(analysis, function, act, held.at) || is_set_before(analysis, function, act, held.at) {
        return None;
    }
    let lock = locksets.lock(held);
    if at_test.iter().any(|it| it.sure && locksets.lock(it).is_same(lock)) {
        return Some(Gap::Split(lock.key));
    }
    at_test.is_empty().then_some(Gap::Unlocked(lock.key))
}

/// Whether the state is written under the acquisition at `section` before the act: who acts knows what is there.
fn is_set_before(analysis: &Analysis<'_>, function: Fun, act: &Access, section: OpId) -> bool {
    let facts = analysis.facts(function);
    let in_section = |it: &Access| it.op > section && it.op < act.op && facts.locksets.before(it.op).iter().any(|held| held.at == section);
    facts.accesses.iter().any(|it| it.kind.writes() && it.key.owner == act.key.owner && in_section(it))
}

/// Whether a Rust map is given a plain value for a key: the second time that comes out the same, as a rule.
fn remembers(analysis: &Analysis<'_>, function: Fun, act: &Access) -> bool {
    let program = analysis.program;
    let op = program.function(function).op(act.op).map(|it| &it.kind);
    let Some(OpKind::Call { callee: Callee::Method { name, .. }, arguments, .. }) = op else { return false };
    let is_plain = |value: Local| match program.local_type(function, value) {
        Ty::Class(class, _) => program.derives(*class, "Copy"),
        Ty::External(path, _) => PLAIN.contains(&path.last()),
        _ => false,
    };
    program.language(function) == Language::Rust && *name == "insert" && arguments.len() == 2 && is_plain(arguments[1].value)
}

/// Whether all other writes are under a lock.
fn is_only_write(state: &State, usage: &Use) -> bool {
    let mut others = state.uses.iter().filter(|it| it.writes && !it.construction && it.function != usage.function);
    others.all(|it| !it.held.is_empty())
}

/// How sure a test and an act in two critical sections make it.
fn graded(made: bool, constant: bool, raises: bool) -> Confidence {
    match (made, constant && raises) {
        (_, true) => Confidence::Low,
        (true, _) => Confidence::High,
        _ => Confidence::Medium,
    }
}

fn report(analysis: &Analysis<'_>, owner: &Owner, state: &State, usage: &Use, case: &Case<'_>) -> Option<Finding> {
    let Case { tested, act, ref gap, raises, made, takes_out, claims, limited } = *case;
    let program = analysis.program;
    let function = usage.function;
    let (tested, acted) = (statement(analysis, function, tested), statement(analysis, function, act.op));
    let name = state_name(analysis, act);
    let mut evidence = Vec::new();
    let mut labels = Vec::new();
    let constant = stores_constant(analysis, function, act);
    let (confidence, message, help) = match gap {
        Gap::Split(lock) => {
            let lock = lock.display(program);
            evidence.push(Evidence {
                kind: EvidenceKind::GuardedElsewhere,
                message: format!("`{lock}` is taken for the test and again for the act, so others can come in between"),
                location: Some(tested),
            });
            let confidence = if made == Made::Nothing && remembers(analysis, function, act) {
                Confidence::Low
            } else {
                graded(made != Made::Nothing, constant, raises)
            };
            let message = format!("`{name}` is tested in one critical section of `{lock}` and changed in a later one");
            (confidence, message, format!("test and act under one acquisition of `{lock}`, or test again under the second"))
        }
        Gap::Unlocked(lock) => {
            // Rust's compiler keeps what is behind a lock behind it: the rest is the caller's alone.
            if program.language(function) == Language::Rust || analysis.states.scope(lock) == Scope::Async {
                return None;
            }
            let writes = || state.uses.iter().filter(|it| it.writes && !it.construction);
            let is_guard = 2 * writes().filter(|it| it.held.iter().any(|it| it.0 == *lock)).count() >= writes().count();
            let lock = lock.display(program);
            evidence.push(Evidence {
                kind: EvidenceKind::GuardedElsewhere,
                message: format!("`{lock}` is taken for the act, after the test"),
                location: Some(acted),
            });
            // What is computed under the lock comes out the same the second time.
            let confidence = if is_guard && made != Made::Nothing { graded(true, constant, raises) } else { Confidence::Low };
            let message = format!("`{name}` is tested before `{lock}` is taken, and not again under it");
            (confidence, message, format!("test `{name}` again once `{lock}` is held"))
        }
        Gap::Bare => {
            if program.language(function) != Language::Python
                || program.function(function).is_async
                || !usage.held.is_empty()
                || matches!(act.path.root, Root::Local(local) if is_fresh(analysis, function, local))
                || is_exclusive(analysis, function, &act.path)
                || constant && !claims
            {
                return None;
            }
            let shared = shared(analysis, owner, state, usage, act, true)?;
            if shared.guard.as_ref().is_some_and(|it| analysis.states.scope(&it.0) == Scope::Async) {
                return None;
            }
            if let Some((guard, place)) = &shared.guard {
                labels.push(label(*place, Role::OtherAccess, format!("under `{}` here", guard.display(program))));
            }
            let held_by = shared.evidence.iter().any(|it| it.kind == EvidenceKind::HeldBy);
            let owns_lock = shared.evidence.iter().any(|it| it.kind == EvidenceKind::OwnsLock);
            let declared = shared.evidence.iter().any(|it| it.kind == EvidenceKind::Declared);
            evidence = shared.evidence;
            let help = match &shared.guard {
                Some((guard, _)) => format!("test and change it under `{}`", guard.display(program)),
                None => format!("hold one lock across the test and the change of `{name}`"),
            };
            // Without a guard elsewhere it may be a value that comes out the same, or a test that nothing else makes fail.
            // An object that is made twice is two objects: one sign of sharing is enough.
            let confidence = match shared.guard {
                // A lock that most writes do without may be there for something else.
                Some((guard, _)) if state.declared.is_none() && !state.is_mostly_under(&guard) && !is_only_write(state, usage) => Confidence::Low,
                Some(_) => shared.confidence,
                // One entry under a fixed name is set up once; those under names that come along are made by whoever comes.
                None if shared.locks_each && !raises && !matches!(act.path.steps.last(), Some(Step::Key(_))) => shared.confidence,
                None if limited => {
                    if shared.unrelated || shared.one_thread {
                        Confidence::Low
                    } else {
                        Confidence::Medium
                    }
                }
                None if takes_out && (declared || shared.of_class) => Confidence::Medium,
                None if raises || made == Made::Nothing || held_by || owns_lock && !shared.of_class && !claims => Confidence::Low,
                None if made == Made::Object => shared.confidence.max(Confidence::Medium),
                None => shared.confidence,
            };
            (confidence, format!("`{name}` is tested and then changed with no lock held across both"), help)
        }
    };
    let mut it = finding(&CHECK_THEN_ACT, analysis, function, acted, confidence);
    it.message = message;
    it.caption = "acts on what the test saw".to_string();
    it.help = help;
    it.state = Some(name.clone());
    if let Gap::Split(lock) | Gap::Unlocked(lock) = gap {
        it.locks = vec![lock.display(program)];
    }
    it.labels.push(label(tested, Role::Read, format!("`{name}` is tested here")));
    it.labels.extend(labels);
    it.evidence = evidence;
    it.interleaving.push(step('A', tested, "tests, and goes on"));
    it.interleaving.push(step('B', tested, "tests the same, and goes on, too"));
    it.interleaving.push(step('A', acted, format!("changes `{name}`")));
    it.interleaving.push(step('B', acted, format!("changes `{name}` again, on a test that no longer holds")));
    Some(it)
}
