//! `unreleased-lock`: a lock taken by `acquire` with a way out of the function that does not release it.
//!
//! For each acquisition in force that only a `release` ends, the ops under it that can raise are looked at: where the
//! exception leaves the function, or its handlers do, without passing a release, the lock stays taken for ever. So it
//! does on a `return` under the lock where another way releases it. In Rust a guard value that is forgotten is the same.

use std::cell::OnceCell;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::support::{Graph, Ways, expression, finding, implements_lock, label, statement, step};
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::analysis::atomics::is_fresh;
use crate::analysis::lockset::{Held, HeldBy, LockRef};
use crate::analysis::path::{Key, Root};
use crate::catalog::LockKind;
use crate::finding::{Confidence, Evidence, EvidenceKind, Finding, Role, Rule, Severity};
use crate::ir::{ArgumentKind, BlockId, Callee, Const, Language, Local, Name, OpId, OpKind, Projection, Terminator};
use crate::program::{Fun, Target, spawn_row, spawned_arguments};

/// Built-in functions that raise only what no program counts on.
const HARMLESS: &[&str] =
    &["bool", "callable", "hasattr", "id", "isinstance", "issubclass", "len", "list", "max", "min", "repr", "set", "tuple", "type"];

/// The same of library functions.
const HARMLESS_IN_LIBRARIES: &[&str] =
    &["os.getpid", "threading.current_thread", "threading.get_ident", "time.monotonic", "time.perf_counter", "time.time"];

/// Methods of containers that raise where there is nothing to give, or where the container is closed.
const RAISING: &[&str] = &["getvalue", "index", "pop", "popitem", "popleft", "read", "remove", "seek", "truncate", "write", "writelines"];

pub const UNRELEASED_LOCK: Lint = Lint {
    rule: Rule {
        name: "unreleased-lock",
        group: "lock-use",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "A lock is taken, and a way out of the function does not release it",
        page: include_str!("../../lints/unreleased-lock.md"),
    },
    check: Check::Program(check),
};

/// How a lock stays taken.
enum Leak {
    /// An exception here leaves the function.
    Raises(OpId, Surprise),
    /// The function returns with it, though elsewhere it releases it.
    Returns(OpId),
    /// It may not have been got at all.
    Ignored,
}

/// How likely an op is to raise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Surprise {
    /// A call whose code is not there.
    Call,
    /// It raises by itself, or is where a task can be cancelled.
    Raise,
}

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let released = OnceCell::new();
    for function in program.function_ids() {
        let locksets = &analysis.facts(function).locksets;
        if locksets.locks.is_empty() || program.is_exempt(function) || implements_lock(program, function) {
            continue;
        }
        match program.language(function) {
            Language::Python => python(analysis, function, &released, findings),
            Language::Rust => forgotten(analysis, function, findings),
        }
    }
}

/// The locks that are released somewhere in the program.
fn released_somewhere(analysis: &Analysis<'_>) -> FxHashSet<Key> {
    let all = analysis.program.function_ids().map(|it| &analysis.facts(it).locksets);
    all.flat_map(|locksets| locksets.released.iter().map(|it| locksets.locks[it.1 as usize].key)).collect()
}

fn python(analysis: &Analysis<'_>, function: Fun, released: &OnceCell<FxHashSet<Key>>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let locksets = &analysis.facts(function).locksets;
    let graph = Graph::new(program.function(function));
    timed(analysis, function, &graph, findings);
    // The ops under each lock taken, and those that are where it was taken on one way there.
    let mut taken: IndexMap<(u32, OpId), Under, FxBuildHasher> = IndexMap::default();
    for (id, _) in graph.ops() {
        for held in locksets.before(id).iter().filter(|it| it.by == HeldBy::Release) {
            let Under { surely, perhaps } = taken.entry((held.lock, held.at)).or_default();
            if held.sure { surely.push(id) } else { perhaps.push(id) }
        }
    }
    // One finding for one statement that takes it.
    let mut seen: FxHashSet<OpId> = FxHashSet::default();
    for ((lock, at), under) in taken {
        // Nobody else ever waits for a lock that this call has to itself.
        let path = locksets.locks[lock as usize].path.as_ref();
        if path.is_some_and(|it| matches!(it.root, Root::Local(local) if it.steps.is_empty() && is_fresh(analysis, function, local))) {
            continue;
        }
        let case = Case { under: &under, analysis, function, graph: &graph, lock: &locksets.locks[lock as usize], index: lock, at };
        let leak = case.ignored().or_else(|| case.leak(released));
        if let Some(leak) = leak
            && seen.insert(at)
        {
            findings.push(case.report(&leak));
        }
    }
}

/// A lock taken until it is released.
struct Case<'c, 'a> {
    analysis: &'c Analysis<'a>,
    function: Fun,
    graph: &'c Graph<'c>,
    lock: &'c LockRef,
    index: u32,
    at: OpId,
    under: &'c Under,
}

/// The ops under a lock.
#[derive(Default)]
struct Under {
    /// Those that surely are.
    surely: Vec<OpId>,
    /// Those that are if control came by the way on which it is taken.
    perhaps: Vec<OpId>,
}

impl Case<'_, '_> {
    fn is_it(&self, held: &Held) -> bool {
        held.lock == self.index && held.at == self.at
    }

    /// The ops that release this lock.
    fn releases(&self) -> Vec<OpId> {
        let locksets = &self.analysis.facts(self.function).locksets;
        // What is no more than a name is told apart by the way to it.
        let same = |it: u32| it == self.index || !self.lock.opaque && locksets.locks[it as usize].key == self.lock.key;
        locksets.released.iter().filter(|it| same(it.1)).map(|it| it.0).collect()
    }

    fn leak(&self, released: &OnceCell<FxHashSet<Key>>) -> Option<Leak> {
        let locksets = &self.analysis.facts(self.function).locksets;
        let releases = self.releases();
        let in_block = |block: BlockId| releases.iter().any(|it| self.graph.block_of(*it) == block);
        // Without an exception the function gives back what it takes; or it keeps it on purpose.
        let home = self.graph.block_of(self.at);
        let gives_back = {
            let reached = self.graph.reached(self.graph.after(home, Ways::Normal), Ways::Normal, |_| false);
            releases.iter().any(|it| reached[self.graph.block_of(*it).index()] || self.graph.block_of(*it) == home && *it > self.at)
        };
        let kept = locksets.at_return.iter().any(|it| it.held.iter().any(|it| self.is_it(it)));
        if !gives_back && !kept {
            return None;
        }
        if gives_back && let Some(op) = self.returned() {
            return Some(Leak::Returns(op));
        }
        // Kept, and released by others: what fails on the way must give it back here.
        let others = || released.get_or_init(|| released_somewhere(self.analysis)).contains(&self.lock.key);
        if !gives_back && (self.lock.opaque || !others() || self.is_given_on()) {
            return None;
        }
        let mut handlers: FxHashMap<BlockId, bool> = FxHashMap::default();
        let mut escapes = |op: OpId| match self.graph.unwind_of(op) {
            None => true,
            Some(handler) => *handlers.entry(handler).or_insert_with(|| {
                let reached = self.graph.reached([handler], Ways::All, |_| false);
                !reached.iter().enumerate().any(|(block, reached)| *reached && in_block(BlockId::from_index(block)))
            }),
        };
        let mut worst: Option<(Surprise, OpId)> = None;
        // What the function never gives back, it leaks from wherever one way came with it; unless that is where it was not got.
        let perhaps = self.under.perhaps.iter().copied().filter(|it| !gives_back && self.may_go_on(*it));
        for id in self.under.surely.iter().copied().filter(|it| !releases.contains(it)).chain(perhaps) {
            if worst.is_some_and(|it| it.0 == Surprise::Raise) {
                break;
            }
            if let Some(surprise) = self.surprise(id)
                && worst.is_none_or(|it| surprise > it.0)
                && escapes(id)
            {
                worst = Some((surprise, id));
            }
        }
        let worst = worst.filter(|it| gives_back || it.0 == Surprise::Raise);
        worst.map(|(surprise, op)| Leak::Raises(op, surprise))
    }

    /// Whether it is a call of a function that can come back, as against one that is there to raise.
    fn may_go_on(&self, id: OpId) -> bool {
        let program = self.analysis.program;
        let Some(OpKind::Call { dest, .. }) = self.graph.op(id).map(|it| &it.kind) else { return false };
        match program.target(self.function, *dest) {
            Target::Function { function, .. } | Target::Construct { init: Some(function), .. } => {
                program.function(*function).blocks.iter().any(|it| matches!(it.terminator, Terminator::Return(_)))
            }
            _ => false,
        }
    }

    /// A return with the lock held that is no answer to whoever asked for it; the op before it.
    fn returned(&self) -> Option<OpId> {
        let ir = self.graph.ir;
        let locksets = &self.analysis.facts(self.function).locksets;
        let is_answer = |value: Local| ir.constant(value) == Some(Const::Bool(true));
        let kept = locksets.at_return.iter().find(|it| it.held.iter().any(|it| it.sure && self.is_it(it)) && !it.value.is_some_and(is_answer))?;
        let before = self.graph.ops().map(|it| it.0).filter(|it| self.graph.block_of(*it) == kept.block).last();
        Some(before.unwrap_or(self.at))
    }

    fn surprise(&self, id: OpId) -> Option<Surprise> {
        let program = self.analysis.program;
        let op = &self.graph.op(id)?.kind;
        let raises = || {
            let ir = self.graph.ir;
            let block = ir.block(ir.block_of(id));
            block.terminator == Terminator::Raise && ir.ops_of(block).last().is_some_and(|it| it.kind == *op)
        };
        match op {
            OpKind::Await { value, .. } => (!self.takes_it(*value)).then_some(Surprise::Raise),
            OpKind::Yield { .. } => Some(Surprise::Raise),
            OpKind::Call { dest, callee, .. } => match program.target(self.function, *dest) {
                _ if raises() => Some(Surprise::Raise),
                Target::Function { function, .. } | Target::Closure(function) | Target::Construct { init: Some(function), .. } => {
                    let raises = program.function(*function).blocks.iter().any(|it| it.terminator == Terminator::Raise && it.unwind.is_none());
                    Some(if raises { Surprise::Raise } else { Surprise::Call })
                }
                Target::Method { ty, name } => {
                    let catalog = program.catalog(self.function);
                    let is_step = catalog.container(*ty).is_some() && !RAISING.contains(&name.as_str());
                    (catalog.lock(*ty).is_none() && !is_step).then_some(Surprise::Call)
                }
                Target::External(path) if HARMLESS_IN_LIBRARIES.contains(&path.as_str()) => None,
                _ => match callee {
                    Callee::Path(name) if HARMLESS.contains(&name.as_str()) => None,
                    Callee::Method { name, .. } if matches!(name.as_str(), "acquire" | "release") => None,
                    _ => Some(Surprise::Call),
                },
            },
            _ => None,
        }
    }

    /// Whether `value` is what the call that takes the lock gave: it is awaited to get it.
    fn takes_it(&self, value: Local) -> bool {
        let value = self.analysis.values(self.function).origin(value);
        self.graph.op(self.at).is_some_and(|it| it.kind.defines() == Some(value))
    }

    /// Whether the lock is given on: a function around this one, or inside it, releases it.
    fn is_given_on(&self) -> bool {
        let program = self.analysis.program;
        let around = std::iter::successors(program.parent(self.function), |it| program.parent(*it)).collect::<Vec<_>>();
        let releases = |it: Fun| {
            let locksets = &self.analysis.facts(it).locksets;
            locksets.released.iter().any(|it| locksets.locks[it.1 as usize].key == self.lock.key)
        };
        let is_direct =
            matches!(self.graph.op(self.at).map(|it| &it.kind), Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if *name == "acquire");
        !is_direct || around.into_iter().any(releases) || program.nested(self.function).any(releases)
    }

    /// `acquire(timeout=1)` whose answer nobody looks at.
    fn ignored(&self) -> Option<Leak> {
        let OpKind::Call { dest, callee: Callee::Method { .. }, arguments } = &self.graph.op(self.at)?.kind else { return None };
        let ir = self.graph.ir;
        let gives_up = arguments.iter().enumerate().any(|(index, it)| {
            let value = ir.constant_at(it.value, self.at);
            let refuses = matches!(value, Some(Const::Bool(false) | Const::Int(0)));
            let limits = !matches!(value, Some(Const::None | Const::Int(-1)) | None);
            match it.kind {
                ArgumentKind::Positional if index == 0 => refuses,
                ArgumentKind::Positional => limits,
                ArgumentKind::Keyword(name) if name == "blocking" || name == "block" => refuses,
                ArgumentKind::Keyword(name) if name == "timeout" => limits,
                _ => false,
            }
        });
        let used = || {
            let tested = ir.blocks.iter().any(|it| match it.terminator {
                Terminator::Branch { condition: it, .. } | Terminator::Switch { on: it, .. } => it == *dest,
                Terminator::Return(value) => value == Some(*dest),
                _ => false,
            });
            tested || ir.ops.iter().any(|it| it.kind.uses().contains(dest))
        };
        let excludes = !self.lock.opaque && self.lock.excludes();
        (gives_up && excludes && !used() && !self.releases().is_empty()).then_some(Leak::Ignored)
    }

    fn report(&self, leak: &Leak) -> Finding {
        let Case { analysis, function, at, .. } = *self;
        let lock = if self.lock.opaque || !self.lock.key.is_named(analysis.program) {
            self.source().to_string()
        } else {
            self.lock.key.display(analysis.program)
        };
        let confidence = match leak {
            Leak::Raises(_, Surprise::Call) => Confidence::Medium,
            _ => Confidence::High,
        };
        let taken = statement(analysis, function, at);
        let mut it = finding(&UNRELEASED_LOCK, analysis, function, taken, confidence);
        it.locks = vec![lock.clone()];
        let release = self.releases().first().copied();
        it.help = format!("take it by `with {}:`, or release it in a `finally`", self.source());
        match leak {
            Leak::Raises(op, _) => {
                let raising = expression(analysis, function, *op);
                it.message = format!("`{lock}` stays taken for ever when `{}` raises", excerpt(analysis.program.text(raising)));
                it.caption = "taken here".to_string();
                it.labels.push(label(raising, Role::LockHeld, "an exception here leaves with the lock taken"));
                it.labels.extend(release.map(|it| label(expression(analysis, function, it), Role::LockHeld, "and passes this by")));
                if release.is_none() {
                    it.help = "release it where this fails (`except: release; raise`), and keep it on success only".to_string();
                }
                it.interleaving.push(step('A', taken, format!("takes `{lock}`")));
                it.interleaving.push(step('A', raising, "raises, and leaves"));
            }
            Leak::Returns(op) => {
                let returning = expression(analysis, function, *op);
                it.message = format!("`{lock}` stays taken on one way out");
                it.caption = "taken here".to_string();
                it.labels.push(label(returning, Role::LockHeld, "returns from here with the lock taken"));
                it.labels.extend(release.map(|it| label(expression(analysis, function, it), Role::LockHeld, "another way releases it")));
                it.interleaving.push(step('A', taken, format!("takes `{lock}`")));
                it.interleaving.push(step('A', returning, "returns"));
            }
            Leak::Ignored => {
                it.message = format!("whether `{lock}` was got is not looked at: what follows may run without it");
                it.caption = "answers `False` when the lock is not got".to_string();
                it.help = "test the answer, and go on only with the lock".to_string();
                it.labels.extend(release.map(|it| label(expression(analysis, function, it), Role::LockHeld, "releases what another thread holds")));
                it.interleaving.push(step('A', taken, format!("holds `{lock}`")));
                it.interleaving.push(step('B', taken, "gives up waiting, and goes on all the same"));
                return it;
            }
        }
        it.interleaving.push(step('B', taken, format!("waits for `{lock}`: nobody will release it")));
        it
    }

    /// The lock as the source spells it.
    fn source(&self) -> &str {
        let program = self.analysis.program;
        let call = program.text(expression(self.analysis, self.function, self.at));
        call.split(".acquire").next().filter(|it| !it.contains('\n')).unwrap_or("lock").trim_start_matches("await ")
    }
}

/// The first line of a text, cut at a readable length.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= 48 { line.to_string() } else { line.chars().take(47).chain(['…']).collect() }
}

/// `Timer(60, lock.release)`: given up while its holder may still be at work.
fn timed(analysis: &Analysis<'_>, function: Fun, graph: &Graph<'_>, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let values = analysis.values(function);
    for (id, op) in graph.ops() {
        let OpKind::Call { dest, arguments, .. } = &op.kind else { continue };
        let Some(row) = spawn_row(program, function, *dest).filter(|it| it.path.last() == "Timer") else { continue };
        for argument in spawned_arguments(row, arguments) {
            let read = graph.ops().find_map(|(_, op)| match &op.kind {
                OpKind::Load { dest, place, .. } if *dest == argument => Some(place),
                _ => None,
            });
            let Some(place) = read else { continue };
            let mut lock = *place;
            if lock.projections.pop() != Some(Projection::Field(Name::new("release"))) {
                continue;
            }
            let resolved = values.place(program, &lock).and_then(|it| it.resolve(program, function));
            let Some((key, _)) = resolved.filter(|it| it.1.lock(program.catalogs.python).is_some_and(|it| it.kind != LockKind::Semaphore)) else {
                continue;
            };
            let name = key.display(program);
            let location = statement(analysis, function, id);
            let mut it = finding(&UNRELEASED_LOCK, analysis, function, location, Confidence::High);
            it.message = format!("a timer releases `{name}` whether its holder has finished or not");
            it.caption = "releases it when the time is up".to_string();
            it.help = format!("let the holder of `{name}` release it, and bound what it does instead (a timeout on the work)");
            it.locks = vec![name.clone()];
            it.interleaving.push(step('A', location, format!("holds `{name}` and works for longer than the timer waits")));
            it.interleaving.push(step('B', location, format!("the timer releases `{name}`; another thread takes it: both are in")));
            findings.push(it);
        }
    }
}

/// Guard values that are forgotten: their lock is never given up.
fn forgotten(analysis: &Analysis<'_>, function: Fun, findings: &mut Vec<Finding>) {
    let program = analysis.program;
    let ir = program.function(function);
    let locksets = &analysis.facts(function).locksets;
    let forgetting = &program.catalog(function).tables.passing.forgetting;
    for (id, op) in ir.numbered() {
        let OpKind::Call { dest, arguments, .. } = &op.kind else { continue };
        let Target::External(path) = program.target(function, *dest) else { continue };
        let [argument] = &arguments[..] else { continue };
        if !forgetting.contains(path) {
            continue;
        }
        let kept = |it: &&Held| matches!(it.by, HeldBy::Value(owner, _) if owner == argument.value) && locksets.keeps_out(it);
        let Some(held) = locksets.before(id).iter().find(kept) else { continue };
        // Whoever takes raw locks gives them up by hand, too.
        if unlocks_by_hand(analysis, function) {
            continue;
        }
        let lock = locksets.lock(held).key.display(program);
        let location = statement(analysis, function, id);
        let mut it = finding(&UNRELEASED_LOCK, analysis, function, location, Confidence::High);
        it.message = format!("the guard value of `{lock}` is forgotten: the lock is never given up");
        it.caption = "forgets the guard value".to_string();
        it.help = "drop the guard value; to keep the lock, keep the guard value in what owns it".to_string();
        it.locks = vec![lock.clone()];
        let taken = expression(analysis, function, held.at);
        it.labels.push(label(taken, Role::LockHeld, format!("`{lock}` is taken here")));
        it.evidence.push(Evidence {
            kind: EvidenceKind::ByType,
            message: "only dropping a guard value gives its lock up".to_string(),
            location: None,
        });
        it.interleaving.push(step('A', location, format!("forgets the guard value of `{lock}`")));
        it.interleaving.push(step('B', taken, format!("waits for `{lock}`: nobody will give it up")));
        findings.push(it);
    }
}

/// Whether code of the same file unlocks without a guard value.
fn unlocks_by_hand(analysis: &Analysis<'_>, function: Fun) -> bool {
    let program = analysis.program;
    let module = program.module(program.module_of(function));
    module.ir.functions.iter().flat_map(|it| &it.ops).any(|op| match &op.kind {
        OpKind::Call { callee: Callee::Method { name, .. }, .. } => name.as_str().contains("unlock"),
        OpKind::Call { callee: Callee::Path(name), .. } => name.last().contains("unlock"),
        _ => false,
    })
}
