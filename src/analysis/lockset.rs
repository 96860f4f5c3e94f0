//! Locksets: which locks are held, surely or possibly, before every operation.
//!
//! A forward dataflow over the control-flow graph (worklist to a fixed point). The state is the set of acquisitions in
//! force; each knows its lock, its mode, and what keeps it: a guard value in a local (Rust), a context manager, or
//! nothing but a later `release`. Joins unite; an acquisition that only one side has is *maybe* held. Branches on the
//! result of a try-lock split the two outcomes.
//!
//! In: the function, the paths of its locals, its callees' summaries. Out: [`Locksets`].

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::path::{Key, Owner, Path};
use super::summary::Summaries;
use super::values::Values;
use crate::catalog::{Effect, LockKind, Mode, Scope};
use crate::ir::{BlockId, Callee, Language, LoadKind, Local, Name, Op, OpKind, Operation, Projection, StoreKind, Terminator};
use crate::program::{Fun, Program, Target, Ty, bindings};

/// A lock as one function sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockRef {
    pub key: Key,
    /// Which instance; none where the way to it is not known.
    pub path: Option<Path>,
    pub kind: LockKind,
    pub reentrant: bool,
    pub scope: Scope,
    /// Nothing says it is a lock but its use in `with` and its name: keeps findings away, makes none.
    pub opaque: bool,
}

impl LockRef {
    /// Whether both are surely one lock object.
    pub fn is_same(&self, other: &LockRef) -> bool {
        self.key == other.key && self.path.is_some() && self.path == other.path && self.path.as_ref().is_some_and(Path::is_definite)
    }

    /// Whether this kind of lock keeps others out.
    pub fn excludes(&self) -> bool {
        matches!(self.kind, LockKind::Mutex | LockKind::RwLock | LockKind::Condition)
    }
}

/// Index of an op in its function, all blocks' ops counted through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u32);

/// What keeps an acquisition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBy {
    /// The guard value in a local; with an index, in that item of a tuple or struct.
    Value(Local, Option<u32>),
    /// The context manager.
    Manager(Local),
    /// Until it is released.
    Release,
}

/// An acquisition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Index into [`Locksets::locks`].
    pub lock: u32,
    /// The op that took it, or the call inside which it was taken.
    pub at: OpId,
    pub by: HeldBy,
    pub mode: Mode,
    /// Held on every path to here.
    pub sure: bool,
    /// The result that tells whether the lock was got.
    tried: Option<Local>,
}

/// A lock taken at an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquisition {
    pub op: OpId,
    pub lock: u32,
    pub mode: Mode,
    /// Does not wait.
    pub tries: bool,
    /// Shared holders of one thread never wait for each other.
    pub recursive: bool,
    /// Taken inside the function called here: the callee, and the index into its summary's takes.
    pub via: Option<(Fun, u32)>,
}

/// The result for one function.
#[derive(Debug, Default)]
pub struct Locksets {
    pub locks: Vec<LockRef>,
    pub acquisitions: Vec<Acquisition>,
    /// The state before each op, as an index into `states`; empty when the function takes no lock.
    before: Vec<u32>,
    states: Vec<Vec<Held>>,
    /// First op of each block.
    starts: Vec<u32>,
    /// Locks released here without having been taken here.
    pub releases: Vec<u32>,
    /// The state at each return, with the value returned.
    pub at_return: Vec<(Vec<Held>, Option<Local>)>,
    /// The state at each `yield`.
    pub at_yield: Vec<Vec<Held>>,
}

impl Locksets {
    /// What is held before `op`.
    pub fn before(&self, op: OpId) -> &[Held] {
        self.before.get(op.0 as usize).map_or(&[], |it| &self.states[*it as usize])
    }

    pub fn lock(&self, held: &Held) -> &LockRef {
        &self.locks[held.lock as usize]
    }

    pub fn op_id(&self, block: BlockId, index: usize) -> OpId {
        OpId(self.starts[block.index()] + index as u32)
    }
}

/// The op with that id.
pub fn op_of(function: &crate::ir::Function, id: OpId) -> Option<&Op> {
    let mut rest = id.0 as usize;
    for block in &function.blocks {
        if rest < block.ops.len() {
            return Some(&block.ops[rest]);
        }
        rest -= block.ops.len();
    }
    None
}

/// Runs the dataflow for `values.function`.
pub fn locksets(program: &Program<'_>, values: &Values, summaries: &Summaries) -> Locksets {
    let ir = program.function(values.function);
    let mut starts = Vec::with_capacity(ir.blocks.len());
    let mut count = 0;
    for block in &ir.blocks {
        starts.push(count);
        count += block.ops.len() as u32;
    }
    let mut flow = Flow {
        program,
        values,
        summaries,
        language: program.language(values.function),
        result: Locksets { starts, ..Locksets::default() },
        index: FxHashMap::default(),
        negations: FxHashMap::default(),
    };
    for (_, _, op) in ir.ops() {
        if let OpKind::Compute { dest, operation: Operation::Not, operands } = &op.kind
            && let [operand] = operands[..]
        {
            flow.negations.insert(*dest, operand);
        }
    }
    if !flow.takes_locks() {
        return flow.result;
    }
    let entry = flow.fixpoint();
    flow.record(&entry, count as usize);
    flow.result
}

struct Flow<'p, 'a> {
    program: &'p Program<'a>,
    values: &'p Values,
    summaries: &'p Summaries,
    language: Language,
    result: Locksets,
    index: FxHashMap<LockRef, u32>,
    negations: FxHashMap<Local, Local>,
}

type State = Vec<Held>;

/// Unites `from` into `into`; gives whether `into` changed.
fn join(into: &mut State, from: &[Held]) -> bool {
    let mut merged = Vec::with_capacity(into.len().max(from.len()));
    let identity = |it: &Held| (it.lock, it.at, it.by);
    for held in into.iter() {
        let both = from.iter().find(|it| identity(it) == identity(held));
        merged.push(Held {
            sure: held.sure && both.is_some_and(|it| it.sure),
            tried: held.tried.filter(|it| both.is_none_or(|other| other.tried == Some(*it))),
            ..*held
        });
    }
    for held in from {
        if !into.iter().any(|it| identity(it) == identity(held)) {
            merged.push(Held { sure: false, ..*held });
        }
    }
    merged.sort_unstable();
    let changed = merged != *into;
    *into = merged;
    changed
}

impl Flow<'_, '_> {
    /// Whether any op can take a lock: most functions take none, and need no dataflow.
    fn takes_locks(&self) -> bool {
        let function = self.values.function;
        self.program.function(function).ops().any(|(_, _, op)| match &op.kind {
            OpKind::Enter { .. } => true,
            OpKind::Load { .. } => self.program.called(function, &op.kind).is_some_and(|it| self.summaries.get(it).concerns_locks()),
            OpKind::Call { dest, callee, .. } => match self.program.target(function, *dest) {
                Target::Method { ty, .. } => self.program.catalog(function).lock(*ty).is_some(),
                Target::Function { function, .. } | Target::Closure(function) | Target::Construct { init: Some(function), .. } => {
                    self.summaries.get(*function).concerns_locks()
                }
                _ => matches!(callee, Callee::Method { name, .. } if *name == "acquire"),
            },
            _ => false,
        })
    }

    fn intern(&mut self, lock: LockRef) -> u32 {
        if let Some(found) = self.index.get(&lock) {
            return *found;
        }
        let id = self.result.locks.len() as u32;
        self.result.locks.push(lock.clone());
        self.index.insert(lock, id);
        id
    }

    fn fixpoint(&mut self) -> Vec<Option<State>> {
        let ir = self.program.function(self.values.function);
        let mut entry: Vec<Option<State>> = vec![None; ir.blocks.len()];
        if entry.is_empty() {
            return entry;
        }
        entry[0] = Some(Vec::new());
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
            for (at, op) in block.ops.iter().enumerate() {
                let id = OpId(self.result.starts[index] + at as u32);
                self.transfer(op, id, &mut state, &mut None);
                if let Some(unwinding) = &mut unwinding {
                    // An acquisition that raises has not happened: only what leaves counts at once.
                    if !matches!(op.kind, OpKind::Enter { .. } | OpKind::Call { .. }) || at + 1 < block.ops.len() {
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
                    match self.negations.get(&tested) {
                        Some(inner) => {
                            tested = self.values.origin(*inner);
                            negated = !negated;
                        }
                        None => break,
                    }
                }
                let (got, failed) = if negated { (otherwise, then) } else { (then, otherwise) };
                SmallVec::from_vec(vec![(*got, state.clone()), (*failed, without(tested))])
            }
            Terminator::Switch { on, arms } => {
                let tested = self.values.origin(*on);
                let mut succeeded = false;
                arms.iter()
                    .map(|arm| {
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

    fn record(&mut self, entry: &[Option<State>], count: usize) {
        let ir = self.program.function(self.values.function);
        let mut interned: FxHashMap<State, u32> = FxHashMap::default();
        let mut before = vec![0; count];
        let mut states: Vec<State> = vec![Vec::new()];
        interned.insert(Vec::new(), 0);
        let mut acquisitions = Some(Vec::new());
        for (index, block) in ir.blocks.iter().enumerate() {
            let Some(mut state) = entry[index].clone() else { continue };
            for (at, op) in block.ops.iter().enumerate() {
                let id = OpId(self.result.starts[index] + at as u32);
                before[id.0 as usize] = *interned.entry(state.clone()).or_insert_with(|| {
                    states.push(state.clone());
                    states.len() as u32 - 1
                });
                if matches!(op.kind, OpKind::Yield { .. }) {
                    self.result.at_yield.push(state.clone());
                }
                self.transfer(op, id, &mut state, &mut acquisitions);
            }
            if let Terminator::Return(value) = block.terminator {
                self.result.at_return.push((state, value));
            }
        }
        self.result.before = before;
        self.result.states = states;
        self.result.acquisitions = acquisitions.unwrap_or_default();
    }

    fn transfer(&mut self, op: &Op, id: OpId, state: &mut State, acquisitions: &mut Option<Vec<Acquisition>>) {
        match &op.kind {
            OpKind::Load { .. } if self.program.called(self.values.function, &op.kind).is_some() => {
                let program = self.program;
                let (Some(call), Some(getter)) = (program.invocation(self.values.function, &op.kind), program.called(self.values.function, &op.kind))
                else {
                    return;
                };
                self.call_function(id, call.dest, getter, call.target, &call.callee, call.arguments, state, acquisitions);
            }
            OpKind::Load { dest, place, kind: LoadKind::Value | LoadKind::Bind } => {
                let crate::ir::Base::Local(from) = place.base else { return };
                match place.projections[..] {
                    [] => hand_over(state, from, None, *dest),
                    [Projection::Variant(_), Projection::Field(_)] | [Projection::Variant(_)] => hand_over(state, from, None, *dest),
                    [Projection::Field(name)] => {
                        // An item of a tuple of guard values; any other field is data behind one.
                        if let Ok(index) = name.as_str().parse::<u32>() {
                            hand_over(state, from, Some(index), *dest);
                        }
                    }
                    [Projection::Key(crate::ir::Const::Int(index))] => {
                        if let Ok(index) = u32::try_from(index) {
                            hand_over(state, from, Some(index), *dest);
                        }
                    }
                    _ => {}
                }
            }
            OpKind::Store { place, value, kind } => {
                if let Some(local) = place.as_local() {
                    if *kind == StoreKind::Assign {
                        let keeps = *value;
                        state.retain(|it| !matches!(it.by, HeldBy::Value(owner, _) if owner == local && owner != keeps));
                    }
                    hand_over(state, *value, None, local);
                } else {
                    match place.base {
                        // Kept in a struct or collection: for as long as that lives.
                        crate::ir::Base::Local(base) => hand_over(state, *value, None, base),
                        crate::ir::Base::Global(_) => release_value(state, *value),
                    }
                }
            }
            OpKind::Aggregate { dest, operands, .. } => {
                for (slot, operand) in operands.iter().enumerate() {
                    for held in state.iter_mut() {
                        if matches!(held.by, HeldBy::Value(owner, _) if owner == *operand) {
                            held.by = HeldBy::Value(*dest, Some(slot as u32));
                        }
                    }
                }
                state.sort_unstable();
            }
            OpKind::Await { dest, value } => hand_over(state, *value, None, *dest),
            OpKind::Drop { local } => release_value(state, *local),
            OpKind::Enter { manager, .. } => self.enter(id, *manager, state, acquisitions),
            OpKind::Exit { manager, .. } => state.retain(|it| it.by != HeldBy::Manager(*manager)),
            OpKind::Call { dest, callee, arguments } => self.call(id, *dest, callee, arguments, state, acquisitions),
            _ => {}
        }
    }

    fn lock_at(&self, path: Option<&Path>, fallback: &Ty) -> Option<LockRef> {
        // A condition is the lock it was made with.
        let wrapped = path.and_then(|it| it.behind_condition(self.program, self.values.function));
        let path = wrapped.as_ref().or(path);
        let resolved = path.and_then(|it| it.resolve(self.program, self.values.function));
        let (key, ty) = match resolved {
            Some((key, ty)) => (key, if ty.is_unknown() { fallback.clone() } else { ty }),
            None => return None,
        };
        let row = ty.lock(self.language)?;
        Some(LockRef { key, path: path.cloned(), kind: row.kind, reentrant: row.reentrant, scope: row.scope, opaque: false })
    }

    /// A manager of unknown type whose name says lock.
    fn opaque_lock(&self, path: Option<&Path>) -> Option<LockRef> {
        let path = path?;
        let name = match path.steps.iter().rev().find_map(|it| if let super::path::Step::Field(name) = it { Some(*name) } else { None }) {
            Some(name) => name,
            None => match path.root {
                super::path::Root::Global(_, name) => name,
                super::path::Root::Param(index) => self.program.function(self.values.function).params.get(index as usize)?.name,
                super::path::Root::Local(local) | super::path::Root::Varying(local) => {
                    self.program.function(self.values.function).local(local).name?
                }
                _ => return None,
            },
        };
        let lower = name.as_str().to_ascii_lowercase();
        if !["lock", "mutex", "cond", "sem", "guard", "mon"].iter().any(|it| lower.contains(it)) {
            return None;
        }
        let key = path
            .resolve(self.program, self.values.function)
            .map_or(Key { owner: Owner::Local(self.values.function, Local(u32::MAX)), item: false, data: false }, |it| it.0);
        Some(LockRef { key, path: Some(path.clone()), kind: LockKind::Mutex, reentrant: true, scope: Scope::Thread, opaque: true })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one acquisition")]
    fn take(
        &mut self,
        id: OpId,
        lock: LockRef,
        mode: Mode,
        by: Option<HeldBy>,
        tried: Option<Local>,
        tries: bool,
        recursive: bool,
        state: &mut State,
        acquisitions: &mut Option<Vec<Acquisition>>,
    ) {
        let opaque = lock.opaque;
        let lock = self.intern(lock);
        if let Some(acquisitions) = acquisitions
            && !opaque
        {
            acquisitions.push(Acquisition { op: id, lock, mode, tries, recursive, via: None });
        }
        if let Some(by) = by {
            let held = Held { lock, at: id, by, mode, sure: true, tried };
            if !state.contains(&held) {
                state.push(held);
                state.sort_unstable();
            }
        }
    }

    fn enter(&mut self, id: OpId, manager: Local, state: &mut State, acquisitions: &mut Option<Vec<Acquisition>>) {
        let path = self.values.path(manager).cloned();
        let ty = self.program.local_type(self.values.function, manager).clone();
        // What the manager already holds (a lock class's constructor, `lock.acquire()` as the manager) it keeps.
        for held in state.iter_mut() {
            if matches!(held.by, HeldBy::Value(owner, _) if owner == manager) {
                held.by = HeldBy::Manager(manager);
            }
        }
        if let Some(lock) = self.lock_at(path.as_ref(), &ty) {
            self.take(id, lock, Mode::Exclusive, Some(HeldBy::Manager(manager)), None, false, false, state, acquisitions);
            return;
        }
        if let Ty::Class(class, _) = &ty
            && let Some(enter) = self.program.method(*class, Name::new("__enter__"))
        {
            let summary = self.summaries.get(enter);
            let net: Vec<_> = summary.net.clone();
            let taken = summary.takes.len();
            let substitute =
                |lock: &LockRef| rebase(self.program, self.values.function, lock, &|index| if index == 0 { path.clone() } else { None }, &|_| None);
            let net: Vec<_> = net.iter().filter_map(|(lock, mode)| substitute(lock).map(|it| (it, *mode))).collect();
            let takes: Vec<_> = (0..taken).filter_map(|index| substitute(&summary.takes[index].lock).map(|it| (index, it))).collect();
            self.takes_of(id, enter, takes, acquisitions);
            for (lock, mode) in net {
                let lock = self.intern(lock);
                state.push(Held { lock, at: id, by: HeldBy::Manager(manager), mode, sure: true, tried: None });
            }
            state.sort_unstable();
            return;
        }
        if let Some(lock) = self.opaque_lock(path.as_ref())
            && self.language == Language::Python
        {
            self.take(id, lock, Mode::Exclusive, Some(HeldBy::Manager(manager)), None, false, false, state, acquisitions);
        }
    }

    fn takes_of(&mut self, id: OpId, callee: Fun, takes: Vec<(usize, LockRef)>, acquisitions: &mut Option<Vec<Acquisition>>) {
        let Some(list) = acquisitions else { return };
        let mut found = Vec::new();
        for (index, lock) in takes {
            let take = &self.summaries.get(callee).takes[index];
            found.push((lock, take.mode, take.tries, take.recursive, index as u32));
        }
        for (lock, mode, tries, recursive, index) in found {
            let lock = self.intern(lock);
            list.push(Acquisition { op: id, lock, mode, tries, recursive, via: Some((callee, index)) });
        }
    }

    fn call(
        &mut self,
        id: OpId,
        dest: Local,
        callee: &Callee,
        arguments: &[crate::ir::Argument],
        state: &mut State,
        acquisitions: &mut Option<Vec<Acquisition>>,
    ) {
        let function = self.values.function;
        let catalog = self.program.catalog(function);
        let passing = &catalog.tables.passing;
        let target = self.program.target(function, dest).clone();
        match (&target, callee) {
            (Target::Method { ty, name }, Callee::Method { receiver, .. }) if catalog.lock(*ty).is_some() => {
                let path = self.values.place(self.program, receiver);
                self.lock_method(id, dest, *ty, *name, path, arguments, state, acquisitions);
                return;
            }
            (Target::Unknown | Target::Method { .. }, Callee::Method { receiver, name }) if self.language == Language::Python => {
                if passing.entering.contains(name)
                    && let (Some(stack), Some(argument)) = (self.values.place(self.program, receiver), arguments.first())
                    && let super::path::Root::Local(stack) = stack.root
                {
                    // What the stack enters, it leaves when it is left itself.
                    self.enter(id, argument.value, state, acquisitions);
                    for held in state.iter_mut().filter(|it| it.at == id) {
                        held.by = HeldBy::Manager(stack);
                    }
                    state.sort_unstable();
                }
                if *name == "acquire" || *name == "release" {
                    let path = self.values.place(self.program, receiver);
                    if let Some(lock) = self.opaque_lock(path.as_ref()) {
                        if *name == "acquire" {
                            self.take(id, lock, Mode::Exclusive, Some(HeldBy::Release), Some(dest), false, false, state, acquisitions);
                        } else {
                            let lock = self.intern(lock);
                            state.retain(|it| it.lock != lock);
                        }
                    }
                }
                return;
            }
            _ => {}
        }
        if self.language == Language::Rust {
            let receiver = match callee {
                Callee::Method { receiver, .. } => receiver.as_local(),
                _ => None,
            };
            if let (Callee::Method { name, .. }, Some(local)) = (callee, receiver)
                && (passing.unwrapping.contains(name) || passing.mapping.contains(name))
            {
                hand_over(state, local, None, dest);
                // `try_lock().ok()`: what the new result says, the old one said.
                state.iter_mut().filter(|it| it.tried == Some(local)).for_each(|it| it.tried = Some(dest));
                return;
            }
            if let Target::External(path) = &target {
                let short: Vec<&str> = path.segments().collect();
                let short = Name::new(&short[short.len().saturating_sub(2)..].join("::"));
                if passing.mapping.contains(&short) || matches!(path.as_str(), "Ok" | "Some") {
                    arguments.iter().for_each(|it| hand_over(state, it.value, None, dest));
                    return;
                }
            }
        }
        if let Target::Function { function: called, .. } | Target::Closure(called) | Target::Construct { init: Some(called), .. } = &target {
            self.call_function(id, dest, *called, &target, callee, arguments, state, acquisitions);
        }
        // Guard values given away by value end with the call, or come back in its result.
        let gives_back = match &target {
            Target::Function { function: called, .. } => {
                self.program.function(*called).returns.as_ref().is_some_and(|it| it.to_string().contains("Guard"))
            }
            _ => false,
        };
        for argument in arguments {
            if gives_back { hand_over(state, argument.value, None, dest) } else { release_value(state, argument.value) }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call")]
    fn lock_method(
        &mut self,
        id: OpId,
        dest: Local,
        ty: Name,
        name: Name,
        path: Option<Path>,
        arguments: &[crate::ir::Argument],
        state: &mut State,
        acquisitions: &mut Option<Vec<Acquisition>>,
    ) {
        let catalog = self.program.catalog(self.values.function);
        let Some(row) = catalog.lock(ty) else { return };
        let Some(method) = row.methods.iter().find(|it| it.name == name) else { return };
        let Some(lock) = self.lock_at(path.as_ref(), &Ty::External(ty, [].into())) else { return };
        match method.effect {
            Effect::Acquire | Effect::TryAcquire => {
                let tries = method.effect == Effect::TryAcquire || self.may_give_up(arguments);
                let by = if method.momentary {
                    None
                } else if row.guards.is_empty() {
                    Some(HeldBy::Release)
                } else {
                    Some(HeldBy::Value(dest, None))
                };
                let tried = (tries || self.language == Language::Python).then_some(dest);
                self.take(id, lock, method.mode, by, tried, tries, method.recursive, state, acquisitions);
            }
            Effect::Release => {
                let released = lock;
                // The last one taken is given up first.
                let same = |it: &Held| {
                    let held = &self.result.locks[it.lock as usize];
                    held.key == released.key && held.path == released.path
                };
                match state.iter().rposition(same) {
                    Some(position) => {
                        state.remove(position);
                    }
                    None if acquisitions.is_some() => {
                        let lock = self.intern(released);
                        self.result.releases.push(lock);
                    }
                    None => {}
                }
            }
            Effect::Wait => {
                if let Some(guard) = arguments.first() {
                    hand_over(state, guard.value, None, dest);
                }
            }
            Effect::Notify | Effect::Bypass | Effect::Query => {}
        }
    }

    /// `acquire(False)`, `acquire(blocking=False)`, `acquire(timeout=1)`.
    fn may_give_up(&self, arguments: &[crate::ir::Argument]) -> bool {
        self.language == Language::Python && !arguments.is_empty()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call")]
    fn call_function(
        &mut self,
        id: OpId,
        dest: Local,
        called: Fun,
        target: &Target,
        callee: &Callee,
        arguments: &[crate::ir::Argument],
        state: &mut State,
        acquisitions: &mut Option<Vec<Acquisition>>,
    ) {
        let summary = self.summaries.get(called);
        if !summary.concerns_locks() {
            return;
        }
        let bound = bindings(self.program, target, arguments);
        let function = self.values.function;
        let rebased = |lock: &LockRef| {
            rebase(self.program, function, lock, &|index| self.values.argument(self.program, target, callee, &bound, index), &|local| {
                self.values.path(local).cloned()
            })
        };
        let takes: Vec<_> = summary.takes.iter().enumerate().filter_map(|(index, it)| rebased(&it.lock).map(|lock| (index, lock))).collect();
        let released: Vec<LockRef> = summary.releases.iter().filter_map(&rebased).collect();
        let net: Vec<_> = summary.net.iter().filter_map(|(lock, mode)| rebased(lock).map(|it| (it, *mode, HeldBy::Release))).collect();
        let guards: Vec<_> =
            summary.returns_guard.iter().filter_map(|(lock, mode)| rebased(lock).map(|it| (it, *mode, HeldBy::Value(dest, None)))).collect();
        let managed: Vec<_> =
            summary.at_yield.iter().filter_map(|(lock, mode)| rebased(lock).map(|it| (it, *mode, HeldBy::Value(dest, None)))).collect();
        self.takes_of(id, called, takes, acquisitions);
        for lock in released {
            if let Some(position) = state.iter().rposition(|it| self.result.locks[it.lock as usize].is_same(&lock)) {
                state.remove(position);
            }
        }
        for (lock, mode, by) in net.into_iter().chain(guards).chain(managed) {
            let lock = self.intern(lock);
            let held = Held { lock, at: id, by, mode, sure: true, tried: None };
            if !state.contains(&held) {
                state.push(held);
            }
        }
        state.sort_unstable();
    }
}

/// A callee's lock in the caller's terms: by its path where the caller knows it; else the same place in some instance.
pub fn rebase(
    program: &Program<'_>,
    caller: Fun,
    lock: &LockRef,
    argument: &dyn Fn(u32) -> Option<Path>,
    captured: &dyn Fn(Local) -> Option<Path>,
) -> Option<LockRef> {
    let path = lock.path.as_ref().and_then(|it| it.substitute(argument, captured));
    let key = match (&path, lock.key.owner) {
        (Some(path), Owner::Param(..) | Owner::Local(..)) => path.resolve(program, caller)?.0,
        // Another function's parameter or local that nobody here knows.
        (None, Owner::Param(..) | Owner::Local(..)) => return None,
        _ => lock.key,
    };
    Some(LockRef { key, path, ..lock.clone() })
}

fn hand_over(state: &mut State, from: Local, slot: Option<u32>, to: Local) {
    let mut changed = false;
    for held in state.iter_mut() {
        if let HeldBy::Value(owner, at) = held.by
            && owner == from
            && (slot.is_none() || slot == at)
        {
            held.by = HeldBy::Value(to, if slot.is_some() { None } else { at });
            changed = true;
        }
    }
    if changed {
        state.sort_unstable();
    }
}

fn release_value(state: &mut State, local: Local) {
    state.retain(|it| !matches!(it.by, HeldBy::Value(owner, _) if owner == local));
}
