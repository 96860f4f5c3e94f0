//! Why a state is taken for one that several tasks share, and how strong that is.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::check_then_act::reuse::{Loss, loss};
use super::super::support::{Graph, Guarded, Ways, expression, guarded, is_for_tasks, lock_of, statement};
use crate::analysis::Analysis;
use crate::analysis::path::{Key, Owner, Root};
use crate::analysis::state::{State, Use};
use crate::catalog::{Concurrency, Scope, Spawn};
use crate::finding::{Confidence, Evidence, EvidenceKind, Location};
use crate::ir::{Argument, ArgumentKind, BlockId, Callee, Function, Local, Name, Op, OpId, OpKind, Place, Terminator};
use crate::program::{Concurrent, Fun, Target, spawn_row, spawned_arguments};

/// So many of a function's callers, and theirs, are looked at for what starts tasks.
const MAX_CALLERS: usize = 32;

/// So many places of one function's calls are looked at.
const MAX_SITES: usize = 16;

/// What runs as several tasks.
pub(super) struct Tasks<'a> {
    analysis: &'a Analysis<'a>,
    /// What is run as several tasks that have one object.
    entries: FxHashMap<Fun, Concurrent>,
}

/// Why tasks share the state.
pub(super) struct Shared {
    pub confidence: Confidence,
    pub evidence: Vec<Evidence>,
    /// The lock of tasks that guards it elsewhere.
    pub guard: Option<Key>,
}

impl<'a> Tasks<'a> {
    pub(super) fn of(analysis: &'a Analysis<'a>) -> Tasks<'a> {
        let is_one = |it: &&Concurrent| it.how == Concurrency::Task && it.several && !it.own_receiver;
        let entries = analysis.program.threads.entries.iter().filter(is_one);
        Tasks { analysis, entries: entries.rev().map(|it| (it.function, *it)).collect() }
    }

    /// `taken`: the lock that the function takes for the write, after the read.
    pub(super) fn shared(&self, owner: &Owner, state: &State, usage: &Use, taken: Option<Key>) -> Option<Shared> {
        let analysis = self.analysis;
        let program = analysis.program;
        let function = usage.function;
        let write = analysis.access(usage);
        let found = |confidence: Confidence, guard: Option<Key>, sign: Evidence| {
            let confidence = if analysis.callers.is_unseen(function) { Confidence::Low } else { confidence };
            Some(Shared { confidence, evidence: vec![sign], guard })
        };
        if let Some(lock) = taken {
            let message = format!("`{}` is taken for the write, after the read", lock.display(program));
            let sign = Evidence { kind: EvidenceKind::GuardedElsewhere, message, location: Some(statement(analysis, function, write.op)) };
            return found(Confidence::High, taken, sign);
        }
        if let Some(Guarded { lock, example, sign, .. }) = guarded(analysis, owner, state, usage) {
            let is_moot = |example: Fun| analysis.entry.callers_hold(function, &lock) || !is_for_tasks(analysis, example, &lock);
            return if example.is_some_and(is_moot) { None } else { found(Confidence::High, Some(lock), sign) };
        }
        let Owner::Field(class, _) = *owner else {
            let sign = Evidence { kind: EvidenceKind::Singleton, message: "this is one object for all tasks".to_string(), location: None };
            return found(Confidence::Medium, None, sign);
        };
        if matches!(write.path.root, Root::Class(_)) {
            let sign = Evidence { kind: EvidenceKind::Singleton, message: "all instances share this".to_string(), location: None };
            return found(Confidence::Medium, None, sign);
        }
        if write.path.root == Root::Param(0)
            && let Some(sign) = self.entry(function)
        {
            return found(Confidence::Medium, None, sign);
        }
        if let Some(add) = comes_and_goes(analysis, state, function) {
            let message = format!("only another task can find what `{}` puts in, and takes out before it returns", program.symbol(function));
            let location = Some(statement(analysis, function, add));
            return found(Confidence::Medium, None, Evidence { kind: EvidenceKind::ThreadTarget, message, location });
        }
        if let Some(lock) = lock_of(program, class, false, Scope::Async) {
            let message = format!("`{}` owns `{}`, so it expects several tasks", program.class_name(class), lock.shown);
            return found(Confidence::Low, None, Evidence { kind: EvidenceKind::OwnsLock, message, location: lock.location });
        }
        let (message, location) = match callers(analysis, function) {
            Some([one, other]) => {
                let location = program.location(one, program.function(one).name_range);
                let [one, other] = [one, other].map(|it| program.symbol(it));
                (format!("`{one}` and `{other}` both come here, if several tasks call them on one object"), Some(location))
            }
            None => (format!("nothing shows that several tasks call `{}` on one object", program.symbol(function)), None),
        };
        found(Confidence::Low, None, Evidence { kind: EvidenceKind::Caveat, message, location })
    }

    /// What runs the function as several tasks at once on one object: itself, or a method of the same object that calls it.
    fn entry(&self, function: Fun) -> Option<Evidence> {
        let program = self.analysis.program;
        let sign = |function: Fun, what: Name, location: Location| {
            let message = format!("`{}` runs as several tasks (`{what}`)", program.symbol(function));
            Evidence { kind: EvidenceKind::ThreadTarget, message, location: Some(location) }
        };
        let mut found: IndexSet<Fun, FxBuildHasher> = IndexSet::from_iter([function]);
        let mut next = 0;
        while let Some(function) = found.get_index(next).copied() {
            next += 1;
            if let Some(entry) = self.entries.get(&function) {
                return Some(sign(function, entry.what, entry.location));
            }
            let sites = self.analysis.callers.sites(function).iter().take(MAX_SITES);
            let own = sites.filter(|it| is_of_same_object(self.analysis, it.0, it.1));
            for (caller, op) in own {
                if let Some((what, at)) = spawned(self.analysis, *caller, *op) {
                    return Some(sign(function, what, at));
                }
                if found.len() < MAX_CALLERS {
                    found.insert(*caller);
                }
            }
        }
        None
    }
}

/// Where the function puts something into the state that it takes out again on all its ways, if nobody else puts anything
/// in: for itself it need not look whether it is there.
fn comes_and_goes(analysis: &Analysis<'_>, state: &State, function: Fun) -> Option<OpId> {
    let takes = |it: &&Use| loss(analysis, it) == Some(Loss::TakesOut);
    let writes = || state.uses.iter().filter(|it| it.writes && !it.construction);
    let taken: Vec<OpId> = writes().filter(|it| it.function == function && takes(it)).map(|it| it.op).collect();
    let mut added = writes().filter(|it| !takes(it) && analysis.access(it).changes_in_place());
    let first = added.next().filter(|it| it.function == function && !taken.is_empty())?.op;
    let graph = Graph::new(analysis.program.function(function));
    let takes_here = |block: BlockId| taken.iter().any(|it| graph.block_of(*it) == block && (block != graph.block_of(first) || *it > first));
    let open = graph.reached([graph.block_of(first)], Ways::Normal, takes_here);
    let returns = |block: usize| matches!(graph.ir.blocks[block].terminator, Terminator::Return(_));
    let leaves_it = (0..open.len()).any(|it| open[it] && returns(it) && !takes_here(BlockId::from_index(it)));
    (!leaves_it && added.all(|it| it.function == function)).then_some(first)
}

/// Two coroutines of the same object that await the function, and that others than the program may call.
fn callers(analysis: &Analysis<'_>, function: Fun) -> Option<[Fun; 2]> {
    let program = analysis.program;
    let is_one = |it: &&(Fun, OpId)| {
        it.0 != function && program.function(it.0).is_async && program.function(it.0).is_public && is_of_same_object(analysis, it.0, it.1)
    };
    let mut sites = analysis.callers.sites(function).iter().take(MAX_SITES).filter(is_one).map(|it| it.0);
    let one = sites.next()?;
    Some([one, sites.find(|it| *it != one)?])
}

/// Whether the call is of a method of the caller's own object.
fn is_of_same_object(analysis: &Analysis<'_>, caller: Fun, call: OpId) -> bool {
    let ir = analysis.program.function(caller);
    let own = ir.params.first().map(|it| it.local);
    let is_own = |it: &OpKind| matches!(it, OpKind::Call { callee: Callee::Method { receiver, .. }, .. } if receiver.as_local() == own);
    analysis.program.class_of(caller).is_some() && own.is_some() && ir.op(call).is_some_and(|it| is_own(&it.kind))
}

/// What makes a task of the coroutine that a call gives, where that is done again and again: in a loop, or in a function
/// that puts the task among others, or lets it go.
fn spawned(analysis: &Analysis<'_>, caller: Fun, call: OpId) -> Option<(Name, Location)> {
    let program = analysis.program;
    let ir = program.function(caller);
    let Some(OpKind::Call { dest: coroutine, .. }) = ir.op(call).map(|it| &it.kind) else { return None };
    // `asyncio.run` is called where no loop runs, and comes back when all is done.
    if !analysis.callers.is_on_loop(caller) {
        return None;
    }
    let is_again = |op: OpId| Graph::new(ir).leads(op, op, &[]);
    let spawning = |op: &OpKind, gets: &dyn Fn(&'static Spawn, &[Argument]) -> bool| match op {
        OpKind::Call { dest, arguments, .. } => {
            let row = spawn_row(program, caller, *dest).filter(|it| it.runs == Concurrency::Task && gets(it, arguments))?;
            Some((*dest, row.path))
        }
        _ => None,
    };
    // `gather(*[self.one(it) for it in all])`
    if is_collected(ir, *coroutine) && is_again(call) {
        let spreads = |_: &'static Spawn, arguments: &[Argument]| arguments.iter().any(|it| it.kind == ArgumentKind::Spread);
        return ir.ops.iter().find_map(|op| spawning(&op.kind, &spreads)).map(|(_, what)| (what, expression(analysis, caller, call)));
    }
    let gets = |row: &'static Spawn, arguments: &[Argument]| spawned_arguments(row, arguments).any(|it| it == *coroutine);
    let takes = |op: &Op| matches!(&op.kind, OpKind::Call { arguments, .. } if arguments.iter().any(|it| it.value == *coroutine));
    let (at, (task, what)) = ir.numbered().filter(|it| takes(it.1)).find_map(|(id, op)| Some((id, spawning(&op.kind, &gets)?)))?;
    // A group of tasks ends with the function that has it.
    let is_free = || matches!(program.target(caller, task), Target::External(_));
    (is_again(at) || is_free() && is_one_of_many(ir, task)).then(|| (what, expression(analysis, caller, at)))
}

/// Whether a value is put into a list, by a comprehension or one at a time.
fn is_collected(ir: &Function, value: Local) -> bool {
    ir.ops.iter().any(|op| match &op.kind {
        OpKind::Compute { dest, operands, .. } => operands.first() == Some(dest) && operands.contains(&value),
        OpKind::Call { callee: Callee::Method { name, .. }, arguments, .. } => *name == "append" && arguments.iter().any(|it| it.value == value),
        _ => false,
    })
}

/// Whether a value is put into a collection that outlives the function, or used by nobody.
fn is_one_of_many(ir: &Function, value: Local) -> bool {
    let stores = ir.ops.iter().filter_map(|op| match &op.kind {
        OpKind::Store { place, value: stored, .. } if *stored == value => Some(place.as_local()),
        _ => None,
    });
    let variables: Vec<Option<Local>> = stores.collect();
    let loads = ir.ops.iter().filter_map(|op| match &op.kind {
        OpKind::Load { dest, place, .. } if place.as_local().is_some_and(|it| variables.contains(&Some(it))) => Some(*dest),
        _ => None,
    });
    let names: Vec<Local> = loads.chain([value]).collect();
    let is_field = |it: &Place| it.as_local().is_none();
    let is_put = |op: &Op| match &op.kind {
        OpKind::Call { callee: Callee::Method { receiver, name }, arguments, .. } => {
            matches!(name.as_str(), "add" | "append") && is_field(receiver) && arguments.iter().any(|it| names.contains(&it.value))
        }
        _ => false,
    };
    let returned = || ir.blocks.iter().any(|it| matches!(it.terminator, Terminator::Return(Some(it)) if it == value));
    let is_used = || returned() || ir.ops.iter().any(|op| op.kind.uses().contains(&value));
    !variables.contains(&None) && (ir.ops.iter().any(is_put) || variables.is_empty() && !is_used())
}
