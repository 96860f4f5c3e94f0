//! Calls: what the callee takes, keeps and gives up, and what callbacks do that are given away.

use std::borrow::Cow;

use super::flow::{At, Flow, given_away, is_given};
use super::locks::Taking;
use super::state::{hand_over, release_value};
use super::wrapped::may_fail;
use super::{Acquisition, Held, HeldBy, LockRef, Reentry};
use crate::analysis::path::{Key, Owner, Path, Root};
use crate::analysis::summary::Called;
use crate::catalog::Mode;
use crate::ir::{Argument, Callee, Language, Local, OpId, OpKind, Place, TypeRef};
use crate::program::{Attachment, Fun, Invocation, Program, Receiver, Target, Ty, bindings};

/// A callback that a call gives away: what it is here, and in which argument; where it is run, and what is held there.
struct Given {
    path: Option<Path>,
    argument: Option<Local>,
    inside: OpId,
    held: Vec<(LockRef, Mode)>,
}

impl Flow<'_, '_> {
    /// What a function value passed in `argument` takes when it runs, in this function's terms.
    fn callback_takes(&self, argument: Local, run: Fun) -> Vec<(usize, LockRef)> {
        // Of a bound method the receiver is known, and nothing else.
        let receiver = self.values.path(argument).filter(|_| matches!(self.program.local_type(self.values.function, argument), Ty::BoundMethod(_)));
        let receiver = receiver.map(|it| Path { root: it.root, steps: it.steps[..it.steps.len().saturating_sub(1)].into() });
        let rebased = |lock: &LockRef| {
            let argument = |index| if index == 0 { receiver } else { None };
            rebase(self.program, self.values.function, lock, &argument, &|local| self.values.path(local))
        };
        let takes = self.summaries.get(run).takes_when(false);
        takes.filter_map(|(index, it)| rebased(&it.lock).map(|lock| (index, lock))).collect()
    }

    /// The callback `run`, passed at `id`, runs `inside` with `held` around it.
    pub(super) fn reenter(&mut self, at: &mut At<'_>, argument: Local, run: Fun, held: &[(LockRef, Mode)], inside: (Fun, OpId)) {
        // Who does not await a coroutine only makes it.
        if self.program.function(run).is_async && !self.program.function(inside.0).is_async {
            return;
        }
        let takes = self.callback_takes(argument, run);
        let first = at.found.as_ref().map_or(0, |it| it.len());
        self.takes_of(at, run, takes);
        for taken in at.found.iter().flat_map(|it| &it[first..]) {
            self.result.reentries.extend(held.iter().map(|(lock, mode)| Reentry { taken: *taken, held: lock.clone(), held_mode: *mode, inside }));
        }
    }

    fn record_call(&mut self, at: &At<'_>, callee: Path, mut held: Vec<(LockRef, Mode)>) {
        held.extend(at.state.iter().filter(|it| it.sure).map(|it| (self.result.lock(it).clone(), it.mode)));
        self.result.calls.push(Called { callee, held, op: at.id });
    }

    /// The locks that `callee` takes, called here.
    pub(super) fn takes_of(&mut self, at: &mut At<'_>, callee: Fun, takes: Vec<(usize, LockRef)>) {
        let Some(list) = &mut at.found else { return };
        let mut found = Vec::new();
        for (index, lock) in takes {
            let take = &self.summaries.get(callee).takes[index];
            found.push((lock, take.mode, take.tries, take.recursive, index as u32));
        }
        for (lock, mode, tries, recursive, index) in found {
            let lock = self.intern(lock);
            list.push(Acquisition { op: at.id, lock, mode, tries, recursive, via: Some((callee, index)) });
        }
    }

    pub(super) fn call(&mut self, at: &mut At<'_>, op: &OpKind) {
        let OpKind::Call { dest, callee, arguments } = op else { return };
        let dest = *dest;
        let function = self.values.function;
        let catalog = self.program.catalog(function);
        let passing = &catalog.tables.passing;
        let target = self.program.target(function, dest).clone();
        if let Some(Attachment::Attaches | Attachment::Detaches) = self.program.attachment(function, op) {
            let lock = LockRef::interpreter();
            self.take(at, Taking { lock, mode: Mode::Exclusive, by: None, tried: None, tries: false, recursive: false });
        }
        if at.found.is_some() {
            if let Some(path) = self.callback(callee) {
                self.record_call(at, path, Vec::new());
            }
            for (argument, run) in self.program.run_at_once(function, op) {
                let mut takes = self.callback_takes(argument, run);
                takes.retain(|it| !self.was_refused(at, callee, &it.1));
                self.takes_of(at, run, takes);
            }
        }
        match (&target, callee) {
            (Target::Method { ty, name }, Callee::Method { receiver, .. }) if catalog.lock(*ty).is_some() => {
                self.lock_method(at, dest, (*ty, *name), receiver, arguments);
                return;
            }
            (Target::Unknown | Target::Method { .. }, Callee::Method { receiver, name }) if self.language == Language::Python => {
                if passing.entering.contains(name)
                    && let (Some(stack), Some(argument)) = (self.values.place(self.program, receiver), arguments.first())
                    && let Root::Local(stack) = stack.root
                {
                    // What the stack enters, it leaves when it is left itself.
                    self.enter(at, argument.value);
                    for held in at.state.iter_mut().filter(|it| it.at == at.id) {
                        held.by = HeldBy::Manager(stack);
                    }
                    at.state.sort_unstable();
                }
                if *name == "acquire" || *name == "release" {
                    let path = self.values.place(self.program, receiver);
                    if let Some(lock) = self.opaque_lock(path.as_ref()) {
                        if *name == "acquire" {
                            self.take(at, Taking { tried: Some(dest), ..Taking::exclusive(lock, HeldBy::Release) });
                        } else {
                            let lock = self.intern(lock);
                            if at.found.is_some() {
                                self.result.released.push((at.id, lock));
                            }
                            at.state.retain(|it| it.lock != lock);
                        }
                    }
                }
                return;
            }
            _ => {}
        }
        if self.language == Language::Rust && self.passes_on(at, dest, &target, callee, arguments) {
            return;
        }
        // A coroutine runs when it is awaited, not when it is called; what an async context manager takes, it has from here on.
        let runs = |it: Fun| !self.program.function(it).is_async || self.program.function(it).is_generator;
        if let Target::Function { function: called, .. } | Target::Closure(called) | Target::Construct { init: Some(called), .. } = &target
            && runs(*called)
        {
            let call = Invocation { dest, target: &target, callee: Cow::Borrowed(callee), arguments };
            self.call_function(at, &call, *called);
        }
        self.give_away(at, &target, callee, dest, arguments);
        // A closure that gives away what it captured.
        if let (Target::Closure(closure), Callee::Value(local)) = (&target, callee)
            && self.language == Language::Rust
            && given_away(self.program.function(*closure)).next().is_some()
        {
            release_value(at.state, *local);
            release_value(at.state, self.values.origin(*local));
        }
    }

    /// Guard values given away by value end with the call, or come back in its result.
    fn give_away(&self, at: &mut At<'_>, target: &Target, callee: &Callee, dest: Local, arguments: &[Argument]) {
        let mut given: Vec<(Local, Option<u32>)> = arguments.iter().map(|it| (it.value, None)).collect();
        if let Target::Function { function: called, receiver } = target {
            let bound = bindings(self.program, target, arguments);
            given.iter_mut().for_each(|it| it.1 = bound.iter().find(|bound| bound.2 == it.0).map(|it| it.1));
            // A method that takes `self` by value has what its receiver keeps.
            if let (Receiver::Place | Receiver::ByName, Callee::Method { receiver, .. }) = (receiver, callee)
                && let (Some(local), Some(first)) = (receiver.as_local(), self.program.function(*called).params.first())
                && matches!(&first.ty, Some(TypeRef::Path { path, .. }) if *path == "Self")
            {
                given.push((local, Some(0)));
            }
        }
        let called = if let Target::Function { function, .. } = target { Some(*function) } else { None };
        let summary = called.map(|it| self.summaries.get(it));
        // `None` and `Err` bring no guard value back.
        let tried = called.filter(|it| may_fail(self.program.function(*it))).map(|_| dest);
        // What is not followed: `fn wait(&self, guard: MutexGuard<'_, T>) -> MutexGuard<'_, T>`.
        let gives_guard = called.is_some_and(|it| self.program.function(it).returns.as_ref().is_some_and(|it| it.to_string().contains("Guard")));
        for (value, parameter) in given {
            let back: Vec<_> = summary.iter().flat_map(|it| &it.hands_back).filter(|it| Some(it.parameter) == parameter).collect();
            for held in at.state.iter_mut() {
                if let HeldBy::Value(owner, slot) = held.by
                    && owner == value
                    && let Some(back) = back.iter().find(|it| it.from.is_none() || slot.is_none() || it.from == slot)
                {
                    held.by = HeldBy::Value(dest, back.to.or(slot));
                    held.tried = tried.or(held.tried);
                }
            }
            at.state.sort_unstable();
            if back.is_empty() && gives_guard {
                hand_over(at.state, value, None, dest);
                at.state.iter_mut().filter(|it| it.by == HeldBy::Value(dest, None)).for_each(|it| it.tried = tried.or(it.tried));
            } else {
                release_value(at.state, value);
            }
        }
    }

    /// A callee's lock in this function's terms.
    fn rebased(&self, call: &Invocation<'_>, bound: &[(Fun, u32, Local)], lock: &LockRef) -> Option<LockRef> {
        let Invocation { target, callee, .. } = call;
        let argument = |index| self.values.argument(self.program, target, callee, bound, index);
        let mut new = rebase(self.program, self.values.function, lock, &argument, &|local| self.values.path(local))?;
        self.unify(&mut new);
        // What the callee reaches from its parameter without going through an item of its own.
        if let Some(Path { root: Root::Param(index), .. }) = lock.path.as_ref().filter(|it| it.is_definite()) {
            let passed = bound.iter().find(|it| it.1 == *index).map(|it| it.2);
            new.through = self.through(&new, || match (passed, &**callee) {
                (Some(local), _) => self.anchor(&Place::local(local)),
                (None, Callee::Method { receiver, .. }) if *index == 0 => self.anchor(receiver),
                _ => None,
            });
        }
        Some(new)
    }

    /// Names the lock of a clone, or of an object made of others, as the original has it.
    pub(super) fn unify(&self, lock: &mut LockRef) {
        let Some(path) = lock.path.take() else { return };
        let shared = self.values.shared(self.program, path);
        if shared != path
            && let Some((key, _)) = shared.resolve(self.program, self.values.function)
        {
            lock.key = key;
        }
        lock.path = Some(shared);
    }

    /// The locks that are taken when what the call gives is awaited.
    pub(super) fn take_later(&mut self, at: &mut At<'_>, call: &Invocation<'_>, called: Fun) {
        let bound = bindings(self.program, call.target, call.arguments);
        let takes = self.summaries.get(called).takes_when(true);
        let takes: Vec<_> = takes.filter_map(|(index, it)| self.rebased(call, &bound, &it.lock).map(|lock| (index, lock))).collect();
        self.takes_of(at, called, takes);
    }

    /// A call of a function of the program.
    pub(super) fn call_function(&mut self, at: &mut At<'_>, call: &Invocation<'_>, called: Fun) {
        let summary = self.summaries.get(called);
        if !summary.concerns_locks() {
            return;
        }
        let Invocation { dest, target, arguments, .. } = call;
        let dest = *dest;
        let bound = bindings(self.program, target, arguments);
        let function = self.values.function;
        let rebased = |lock: &LockRef| self.rebased(call, &bound, lock);
        let takes = summary.takes_when(false);
        let takes: Vec<_> = takes.filter_map(|(index, it)| rebased(&it.lock).map(|lock| (index, lock))).collect();
        let released: Vec<LockRef> = summary.releases.iter().filter_map(&rebased).collect();
        let net: Vec<_> = summary.net.iter().filter_map(|(lock, mode)| rebased(lock).map(|it| (it, *mode, HeldBy::Release))).collect();
        let guards: Vec<_> = summary
            .returns_guard
            .iter()
            .filter_map(|it| rebased(&it.lock).map(|lock| (lock, it.mode, HeldBy::Value(dest, it.part), it.sure)))
            .collect();
        let managed: Vec<_> =
            summary.at_yield.iter().filter_map(|it| rebased(&it.lock).map(|lock| (lock, it.mode, HeldBy::Value(dest, None), it.sure))).collect();
        let given = |it: &Called| {
            let argument = match it.callee.root {
                Root::Param(index) => Some(bound.iter().find(|it| it.1 == index)?.2),
                _ => None,
            };
            let path = match it.callee.root {
                Root::Captured(local) => self.values.path(local),
                _ => self.values.path(argument?),
            };
            let held = it.held.iter().filter_map(|(lock, mode)| rebased(lock).map(|it| (it, *mode))).collect();
            Some(Given { path, argument, inside: it.op, held })
        };
        let callbacks: Vec<Given> = if at.found.is_some() { summary.calls.iter().filter_map(given).collect() } else { Vec::new() };
        self.takes_of(at, called, takes);
        for it in callbacks {
            if let Some(argument) = it.argument
                && let Ty::BoundMethod(run) | Ty::Function(run) = self.program.local_type(function, argument)
            {
                self.reenter(at, argument, *run, &it.held, (called, it.inside));
            } else if let Some(path) = it.path.filter(is_given) {
                self.record_call(at, path, it.held);
            }
        }
        for lock in released {
            if let Some(position) = at.state.iter().rposition(|it| self.result.locks[it.lock as usize].is_same(&lock)) {
                if at.found.is_some() {
                    self.result.released.push((at.id, at.state[position].lock));
                }
                at.state.remove(position);
            }
        }
        let kept = net.into_iter().map(|(lock, mode, by)| (lock, mode, by, true)).chain(guards);
        // `None` and `Err` hold no guard value.
        let tried = may_fail(self.program.function(called)).then_some(dest);
        for (lock, mode, by, sure) in kept.chain(managed) {
            let lock = self.intern(lock);
            let tried = tried.filter(|_| matches!(by, HeldBy::Value(..)));
            let held = Held { lock, at: at.id, by, mode, sure, tried };
            if !at.state.contains(&held) {
                at.state.push(held);
            }
        }
        at.state.sort_unstable();
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
        (None, Owner::Param(..) | Owner::Local(..)) => Key { owner: Owner::Guarding(lock.guards?), item: false, data: false },
        _ => lock.key,
    };
    Some(LockRef { key, path, through: None, ..lock.clone() })
}

/// Whether the call in a decorator's `wrapper` runs the function it decorates, there and then: of a generator or coroutine
/// it only makes one, and a wrapper that hands that out unused has given its locks up when it runs.
pub(super) fn runs(program: &Program<'_>, decorated: Fun, wrapper: Fun, call: OpId) -> bool {
    let (ir, around) = (program.function(decorated), program.function(wrapper));
    let later = ir.is_generator && !around.is_generator || ir.is_async && !around.is_async;
    let copies = |it: &OpKind| matches!(it, OpKind::Store { place, .. } | OpKind::Load { place, .. } if place.as_local().is_some());
    // What was made, and the variables it is kept in.
    let mut made: Vec<Local> = around.op(call).and_then(|it| it.kind.defines()).into_iter().collect();
    for op in around.ops.iter().filter(|_| later) {
        if copies(&op.kind) && op.kind.uses().iter().any(|it| made.contains(it)) {
            made.extend(op.kind.defines());
        }
    }
    !later || around.ops.iter().any(|op| !copies(&op.kind) && op.kind.uses().iter().any(|it| made.contains(it)))
}
