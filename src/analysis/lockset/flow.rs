//! The dataflow itself: the fixed point over the blocks, and the effect of each op.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::calls::runs;
use super::implied::runs_lock;
use super::state::{State, bound, hand_over, hand_over_part, join, release_value};
use super::{Acquisition, Found, Held, HeldBy, LockRef, Return};
use crate::analysis::path::{Owner, Path, Root};
use crate::analysis::summary::Summaries;
use crate::analysis::values::Values;
use crate::catalog::Mode;
use crate::ir::{
    Base, BlockId, Callee, Const, Function, Language, LoadKind, Local, LocalKind, Name, Op, OpId, OpKind, Operation, Place, Projection, StoreKind,
    Terminator,
};
use crate::program::{Attachment, Fun, Program, Target, Ty};

/// An op that is being gone through, and what it changes.
pub(super) struct At<'s> {
    pub(super) id: OpId,
    pub(super) state: &'s mut State,
    /// Where acquisitions are noted, once the fixed point is known.
    pub(super) found: Option<&'s mut Vec<Acquisition>>,
}

/// The dataflow over one function.
pub(super) struct Flow<'p, 'a> {
    pub(super) program: &'p Program<'a>,
    pub(super) values: &'p Values,
    pub(super) summaries: &'p Summaries,
    pub(super) language: Language,
    pub(super) result: Found,
    pub(super) index: FxHashMap<LockRef, u32>,
    /// What tests of other values say of those: whether they are the opposite.
    pub(super) tests: FxHashMap<Local, (Local, bool)>,
    /// For what was read from a variable, or from a field of what is in one: the variable.
    pub(super) anchors: FxHashMap<Local, Local>,
    /// The op that gives each local its value; none for those that several do.
    definitions: FxHashMap<Local, Option<(OpId, &'p OpKind)>>,
}

impl<'p, 'a> Flow<'p, 'a> {
    pub(super) fn new(program: &'p Program<'a>, values: &'p Values, summaries: &'p Summaries) -> Flow<'p, 'a> {
        let constants: FxHashMap<Local, bool> = program.function(values.function).ops.iter().filter_map(|it| it.kind.truth()).collect();
        let negation = |op: &Op| {
            // `if guard.is_none()`
            if let OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } = &op.kind {
                let negates = matches!(name.as_str(), "is_none" | "is_err");
                return receiver.as_local().filter(|_| negates || matches!(name.as_str(), "is_some" | "is_ok")).map(|it| (*dest, (it, negates)));
            }
            let OpKind::Compute { dest, operation, operands } = &op.kind else { return None };
            match (operation, &operands[..]) {
                (Operation::Not, [it]) => Some((*dest, (*it, true))),
                // `if lock.acquire(timeout=1) is False`
                (Operation::Is | Operation::IsNot, [it, with]) => {
                    constants.get(with).map(|with| (*dest, (*it, *with == (*operation == Operation::IsNot))))
                }
                _ => None,
            }
        };
        Flow {
            program,
            values,
            summaries,
            language: program.language(values.function),
            result: Found::default(),
            index: FxHashMap::default(),
            tests: program.function(values.function).ops.iter().filter_map(negation).collect(),
            anchors: FxHashMap::default(),
            definitions: FxHashMap::default(),
        }
    }

    /// The only op that gives a value; of a copy, that of the original.
    pub(super) fn definition(&self, local: Local) -> Option<(OpId, &'p OpKind)> {
        *self.definitions.get(&self.values.origin(local))?
    }

    /// The only op that gives this very value.
    pub(super) fn made_by(&self, local: Local) -> Option<&'p OpKind> {
        self.definitions.get(&local)?.map(|it| it.1)
    }

    /// The variable through which a lock is reached whose path goes through an item.
    pub(super) fn through(&self, lock: &LockRef, anchor: impl FnOnce() -> Option<Local>) -> Option<Local> {
        if lock.path.as_ref().is_some_and(|it| !it.is_definite() && !matches!(it.root, Root::Varying(_))) { anchor() } else { None }
    }

    /// The variable that a place starts from, or that has the index of its only item.
    pub(super) fn anchor(&self, place: &Place) -> Option<Local> {
        let Base::Local(base) = place.base else { return None };
        let variable = |it: Local| *self.anchors.get(&it).unwrap_or(&it);
        let mut indices = place.projections.iter().filter(|it| matches!(it, Projection::Index(_) | Projection::Key(_)));
        match (indices.next(), indices.next()) {
            (None, _) => Some(variable(base)),
            (Some(Projection::Index(index)), None) if self.values.path(base).is_some_and(|it| it.is_definite()) => self.anchors.get(index).copied(),
            _ => None,
        }
    }

    /// `local` gets another value: what was reached through the old one is no longer told apart from the rest.
    fn forget(&mut self, state: &mut State, local: Local) {
        for held in state.iter_mut() {
            let lock = self.result.lock(held);
            if lock.through == Some(local) {
                let lock = LockRef { through: None, ..lock.clone() };
                held.lock = self.intern(lock);
            }
        }
        state.sort_unstable();
    }

    pub(super) fn callback(&self, callee: &Callee) -> Option<Path> {
        callback(self.values, callee)
    }

    pub(super) fn intern(&mut self, lock: LockRef) -> u32 {
        if let Some(found) = self.index.get(&lock) {
            return *found;
        }
        let id = self.result.locks.len() as u32;
        self.result.locks.push(lock.clone());
        self.index.insert(lock, id);
        id
    }

    pub(super) fn fixpoint(&mut self) -> Vec<Option<State>> {
        let ir = self.program.function(self.values.function);
        let mut entry: Vec<Option<State>> = vec![None; ir.blocks.len()];
        if entry.is_empty() {
            return entry;
        }
        self.anchors = anchors(ir);
        self.definitions.reserve(ir.locals.len());
        for (id, op) in ir.numbered() {
            if let Some(dest) = op.kind.defines() {
                let only = |known: &mut Option<_>| *known = None;
                self.definitions.entry(dest).and_modify(only).or_insert(Some((id, &op.kind)));
            }
        }
        entry[0] = Some(self.decorated());
        let mut work = std::collections::BTreeSet::from([0usize]);
        // The lattice is finite; the bound only guards against a fault in the transfer function.
        let mut budget = 64 * (ir.blocks.len() + 4);
        while let Some(index) = work.pop_first() {
            budget -= 1;
            if budget == 0 {
                break;
            }
            let block = &ir.blocks[index];
            let mut state = entry[index].clone().unwrap_or_default();
            let mut unwinding: Option<State> = block.unwind.map(|_| state.clone());
            for (at, op) in ir.ops_of(block).iter().enumerate() {
                let id = OpId(block.first.0 + at as u32);
                self.transfer(op, At { id, state: &mut state, found: None });
                bound(&mut state);
                if let Some(unwinding) = &mut unwinding {
                    // An acquisition that raises has not happened: only what leaves counts at once.
                    if !matches!(op.kind, OpKind::Enter { .. } | OpKind::Call { .. }) || at + 1 < block.count as usize {
                        join(unwinding, &state);
                    }
                }
            }
            let mut flow_to = |target: BlockId, state: &State, work: &mut std::collections::BTreeSet<usize>| {
                let changed = match &mut entry[target.index()] {
                    Some(known) => join(known, state),
                    slot => {
                        *slot = Some(state.clone());
                        true
                    }
                };
                if changed {
                    work.insert(target.index());
                }
            };
            if let (Some(target), Some(state)) = (block.unwind, &unwinding) {
                flow_to(target, state, &mut work);
            }
            for (target, state) in self.outcomes(&block.terminator, &state) {
                flow_to(target, &state, &mut work);
            }
        }
        entry
    }

    /// The successors, each with what is held on the way to it: a failed try-lock holds nothing.
    fn outcomes(&self, terminator: &Terminator, state: &State) -> SmallVec<[(BlockId, State); 2]> {
        let without = |tested: Local| -> State { state.iter().filter(|it| it.tried != Some(tested)).copied().collect() };
        match terminator {
            Terminator::Branch { condition, then, otherwise } => {
                let mut tested = self.values.origin(*condition);
                let mut negated = false;
                for _ in 0..8 {
                    match self.tests.get(&tested) {
                        Some((inner, negates)) => {
                            tested = self.values.origin(*inner);
                            negated ^= negates;
                        }
                        None => break,
                    }
                }
                let (got, failed) = if negated { (otherwise, then) } else { (then, otherwise) };
                let tested = self.values.origin(tested);
                SmallVec::from_vec(vec![(*got, state.clone()), (*failed, without(tested))])
            }
            Terminator::Switch { on, arms } => {
                let tested = self.values.origin(*on);
                let mut succeeded = false;
                arms.iter()
                    .map(|arm| {
                        // Of `select!`'s futures the others are gone.
                        if let Some(part) = arm.variant.and_then(branch) {
                            let is_other = |it: &Held| matches!(it.by, HeldBy::Value(owner, Some(slot)) if owner == *on && slot != part);
                            return (arm.target, state.iter().filter(|it| !is_other(it)).copied().collect());
                        }
                        let fails = match arm.variant {
                            Some(name) if matches!(name.as_str(), "Ok" | "Some" | "?") => {
                                succeeded = true;
                                false
                            }
                            Some(name) => matches!(name.as_str(), "Err" | "None"),
                            None => succeeded,
                        };
                        (arm.target, if fails { without(tested) } else { state.clone() })
                    })
                    .collect()
            }
            other => other.successors().into_iter().map(|it| (it, state.clone())).collect(),
        }
    }

    /// What the function's decorators hold around it: the locks held where one of them calls what it decorates.
    fn decorated(&mut self) -> State {
        let (program, function) = (self.program, self.values.function);
        let mut state = State::new();
        for wrapper in program.wrappers(function) {
            let decorates = program.parent(*wrapper).and_then(|it| program.function(it).params.first()).map(|it| Root::Captured(it.local));
            let calls =
                self.summaries.get(*wrapper).calls.iter().filter(|it| Some(it.callee.root) == decorates && runs(program, function, *wrapper, it.op));
            for (lock, mode) in calls.clone().flat_map(|it| &it.held) {
                let sure = calls.clone().all(|it| it.held.contains(&(lock.clone(), *mode)));
                let is_method = program.class_of(function).is_some();
                let receiver = |index| (index == 0 && is_method).then(|| Path::new(Root::Param(0)));
                let path = lock.path.as_ref().and_then(|it| it.substitute(&receiver, &|_| None));
                let Some(lock) = self.lock_at(path.as_ref(), &Ty::Unknown).or_else(|| (!lock.opaque).then(|| lock.clone())) else { continue };
                let lock = self.intern(lock);
                state.push(Held { lock, at: OpId::ENTRY, by: HeldBy::Decorator, mode: *mode, sure, tried: None });
            }
        }
        if program.is_attached(function) {
            let lock = self.intern(LockRef::interpreter());
            state.push(Held { lock, at: OpId::ENTRY, by: HeldBy::Decorator, mode: Mode::Exclusive, sure: true, tried: None });
        }
        state.sort_unstable();
        state.dedup();
        state
    }

    pub(super) fn record(&mut self, entry: &[Option<State>], count: usize) {
        let ir = self.program.function(self.values.function);
        let mut interned: FxHashMap<State, u32> = FxHashMap::default();
        let mut before = vec![0; count];
        let mut states: Vec<State> = vec![Vec::new()];
        interned.insert(Vec::new(), 0);
        let decorated = entry.first().cloned().flatten().unwrap_or_default().into_iter().filter(|it| it.by == HeldBy::Decorator);
        // Whoever calls what runs with the interpreter's lock has it already.
        let is_taken = |it: &Held| !self.result.lock(it).opaque && self.result.lock(it).key.owner != Owner::Interpreter;
        let taken = decorated.filter(is_taken).map(|it| Acquisition {
            op: OpId::ENTRY,
            lock: it.lock,
            mode: it.mode,
            tries: false,
            recursive: false,
            via: None,
        });
        let mut acquisitions: Vec<Acquisition> = taken.collect();
        let mut deferred = Vec::new();
        for (index, block) in ir.blocks.iter().enumerate() {
            let Some(mut state) = entry[index].clone() else { continue };
            for (at, op) in ir.ops_of(block).iter().enumerate() {
                let id = OpId(block.first.0 + at as u32);
                let aside = self.set_aside(op, &mut state);
                before[id.0 as usize] = *interned.entry(state.clone()).or_insert_with(|| {
                    states.push(state.clone());
                    states.len() as u32 - 1
                });
                if matches!(op.kind, OpKind::Yield { .. }) {
                    self.result.at_yield.push(state.clone());
                }
                self.transfer(op, At { id, state: &mut state, found: Some(&mut acquisitions) });
                if let Some(aside) = aside {
                    state.push(aside);
                    state.sort_unstable();
                }
                bound(&mut state);
            }
            if let Terminator::Return(value) = block.terminator {
                if let Some(value) = value.filter(|_| self.language == Language::Rust && !ir.is_async) {
                    let mut at = state.clone();
                    self.returned(&mut At { id: OpId::ENTRY, state: &mut at, found: Some(&mut deferred) }, value);
                }
                self.result.at_return.push(Return { block: BlockId::from_index(index), held: state, value });
            }
        }
        self.result.before = before;
        self.result.states = states;
        self.result.acquisitions = acquisitions;
        self.result.deferred = deferred;
    }

    /// The interpreter's lock, where the op gives it up and takes it again before it ends.
    fn set_aside(&self, op: &Op, state: &mut State) -> Option<Held> {
        let gives_up = || self.program.attachment(self.values.function, &op.kind).is_some_and(|it| it != Attachment::Attaches);
        let position = state.iter().position(|it| self.result.lock(it).key.owner == Owner::Interpreter)?;
        gives_up().then(|| state.remove(position))
    }

    fn transfer(&mut self, op: &Op, mut at: At<'_>) {
        let state = &mut *at.state;
        match &op.kind {
            OpKind::Load { .. } if self.program.called(self.values.function, &op.kind).is_some() => {
                let program = self.program;
                let (Some(call), Some(getter)) = (program.invocation(self.values.function, &op.kind), program.called(self.values.function, &op.kind))
                else {
                    return;
                };
                self.call_function(&mut at, &call, getter);
            }
            OpKind::Load { dest, place, kind: LoadKind::Value | LoadKind::Bind } => {
                let Base::Local(from) = place.base else { return };
                match place.projections[..] {
                    [] => hand_over(state, from, None, *dest),
                    [Projection::Variant(variant), Projection::Field(_)] if branch(variant).is_some() => {
                        hand_over(state, from, branch(variant), *dest);
                    }
                    [Projection::Variant(variant), Projection::Field(name)] if !is_wrapping(variant) => hand_over_part(state, from, name, *dest),
                    [Projection::Variant(_), Projection::Field(_)] | [Projection::Variant(_)] => hand_over(state, from, None, *dest),
                    // The part that is a guard value; any other is data behind one.
                    [Projection::Field(name)] => hand_over(state, from, Some(name), *dest),
                    [Projection::Key(Const::Int(index))] => hand_over(state, from, Some(slot(index)), *dest),
                    _ => {}
                }
            }
            OpKind::Store { place, value, kind } => {
                self.implied(&mut at, &op.kind);
                let state = &mut *at.state;
                if let Some(local) = place.as_local() {
                    self.forget(state, local);
                    if *kind == StoreKind::Assign {
                        let keeps = *value;
                        state.retain(|it| !matches!(it.by, HeldBy::Value(owner, _) if owner == local && owner != keeps));
                    }
                    hand_over(state, *value, None, local);
                } else {
                    match place.base {
                        // Kept in a struct or collection: for as long as that lives.
                        Base::Local(base) => hand_over(state, *value, None, base),
                        Base::Global(_) => release_value(state, *value),
                    }
                }
            }
            OpKind::Aggregate { dest, fields, operands, .. } => {
                for (index, operand) in operands.iter().enumerate() {
                    let slot = fields.get(index).copied().unwrap_or_else(|| slot(index as i64));
                    for held in state.iter_mut() {
                        if matches!(held.by, HeldBy::Value(owner, _) if owner == *operand) {
                            held.by = HeldBy::Value(*dest, Some(slot));
                        }
                    }
                }
                state.sort_unstable();
            }
            OpKind::Await { dest, value } => {
                // What the coroutine gives comes out of the await.
                self.awaited(&mut at, *value);
                let value = [*value, self.values.origin(*value)];
                value.into_iter().for_each(|it| hand_over(at.state, it, None, *dest));
                at.state.iter_mut().filter(|it| it.tried.is_some_and(|it| value.contains(&it))).for_each(|it| it.tried = Some(*dest));
                at.state.sort_unstable();
            }
            OpKind::Closure { dest, function: nested } if self.language == Language::Rust && !state.is_empty() => {
                let program = self.program;
                let nested = program.fun(program.module_of(self.values.function), *nested);
                for captured in moved_into(program.function(nested)) {
                    hand_over(state, captured, None, *dest);
                }
            }
            OpKind::Drop { local } => {
                self.implied(&mut at, &op.kind);
                release_value(at.state, *local);
            }
            OpKind::Enter { manager, .. } => self.enter(&mut at, *manager),
            OpKind::Exit { manager, .. } => state.retain(|it| it.by != HeldBy::Manager(*manager)),
            OpKind::Call { .. } => {
                self.implied(&mut at, &op.kind);
                self.call(&mut at, &op.kind);
            }
            OpKind::Compute { .. } => self.implied(&mut at, &op.kind),
            _ => {}
        }
    }
}

/// Whether any op can take a lock: most functions take none, and need no dataflow.
pub(super) fn takes_locks(program: &Program<'_>, values: &Values, summaries: &Summaries) -> bool {
    let function = values.function;
    let catalog = program.catalog(function);
    let is_rust = program.language(function) == Language::Rust;
    let concerns = |called: &Fun| summaries.get(*called).concerns_locks();
    if program.wrappers(function).iter().any(|it| !summaries.get(*it).calls.is_empty()) {
        return true;
    }
    program.function(function).ops.iter().any(|op| {
        if program.attachment(function, &op.kind) == Some(Attachment::Attaches) || runs_lock(program, summaries, function, &op.kind) {
            return true;
        }
        match &op.kind {
            OpKind::Enter { .. } => true,
            // A future that is awaited or returned here.
            OpKind::Closure { function: nested, .. } if is_rust => {
                let nested = program.fun(program.module_of(function), *nested);
                let is_async = program.function(nested).is_async;
                summaries.get(nested).takes.iter().any(|it| is_async || it.deferred)
            }
            OpKind::Load { .. } => program.called(function, &op.kind).is_some_and(|it| concerns(&it)),
            OpKind::Call { dest, callee, .. } => match program.target(function, *dest) {
                Target::Method { ty, .. } => catalog.lock(*ty).is_some(),
                Target::Function { function, .. } | Target::Closure(function) | Target::Construct { init: Some(function), .. } => concerns(function),
                _ => {
                    matches!(callee, Callee::Method { name, .. } if *name == "acquire")
                        || callback(values, callee).is_some()
                        || program.run_at_once(function, &op.kind).iter().any(|it| concerns(&it.1))
                }
            },
            _ => false,
        }
    })
}

/// The path of a called value that came from outside.
fn callback(values: &Values, callee: &Callee) -> Option<Path> {
    match callee {
        Callee::Value(local) => values.path(*local).filter(is_given),
        _ => None,
    }
}

/// Whether a pattern of that name takes what an `Option` or `Result` holds.
fn is_wrapping(variant: Name) -> bool {
    matches!(variant.as_str(), "Ok" | "Some" | "Err" | "?")
}

/// The item of the tuple of futures that a branch of `select!` is about: `_0`.
fn branch(variant: Name) -> Option<Name> {
    let index = variant.as_str().strip_prefix('_')?;
    (!index.is_empty() && index.bytes().all(|it| it.is_ascii_digit())).then(|| Name::new(index))
}

/// The name of an item of a tuple.
pub fn slot(index: i64) -> Name {
    Name::new(&index.to_string())
}

/// For each value that only one read gives: the variable it was read from, or whose field it is.
fn anchors(ir: &Function) -> FxHashMap<Local, Local> {
    let mut anchors: FxHashMap<Local, Local> = FxHashMap::default();
    for op in &ir.ops {
        if let OpKind::Load { dest, place, .. } = &op.kind
            && let Base::Local(base) = place.base
            && !place.projections.iter().any(|it| matches!(it, Projection::Index(_) | Projection::Key(_)))
        {
            let variable = *anchors.get(&base).unwrap_or(&base);
            anchors.insert(*dest, variable);
        }
    }
    anchors
}

/// The variables of the function around it that a Rust closure has for its own: all that it captures, or those that it
/// gives away.
fn moved_into(closure: &Function) -> Vec<Local> {
    if closure.is_move { closure.captured().map(|it| it.1).collect() } else { given_away(closure).collect() }
}

/// The captured variables, as the function around it has them, that a closure passes to calls by value.
pub(super) fn given_away(closure: &Function) -> impl Iterator<Item = Local> + '_ {
    let arguments = closure.ops.iter().filter_map(|op| if let OpKind::Call { arguments, .. } = &op.kind { Some(arguments) } else { None });
    let given: FxHashSet<Local> = arguments.flatten().map(|it| it.value).collect();
    closure.ops.iter().filter_map(move |op| match &op.kind {
        OpKind::Load { dest, place, kind: LoadKind::Value } if given.contains(dest) => match closure.local(place.as_local()?).kind() {
            LocalKind::Captured(outer) => Some(outer),
            _ => None,
        },
        _ => None,
    })
}

/// A parameter or captured variable itself.
pub(super) fn is_given(path: &Path) -> bool {
    matches!(path.root, Root::Param(_) | Root::Captured(_)) && path.steps.is_empty()
}
