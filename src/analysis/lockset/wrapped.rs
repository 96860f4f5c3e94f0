//! Guard values with something around them: in an `Option` or `Result`, in a struct or variant. How they get in and out.

use super::flow::{At, Flow, slot};
use super::state::{hand_over, release_value};
use super::{EVERY, Held, HeldBy, LockRef, rebase};
use crate::analysis::path::Step;
use crate::catalog::{Effect, Mode};
use crate::ir::{Argument, Callee, Function, LoadKind, Local, Name, OpKind, TypeRef};
use crate::program::Target;

/// Methods of `Option` and `Result` that hand what is inside to a closure.
const CONSUMING: &[&str] = &["and_then", "is_ok_and", "is_some_and", "map", "map_or", "map_or_else"];

/// The part of a collection that its items are.
const ITEM: &str = "[]";

/// Methods of collections that keep their argument.
const ADDING: &[&str] = &["insert", "push", "push_back", "push_front"];

/// Methods of collections that give up an item, and those that give up many.
const TAKING: &[&str] = &["drain", "pop", "pop_back", "pop_front", "remove", "swap_remove"];
const EMPTYING: &[&str] = &["clear", "retain", "truncate"];

/// Methods that make another `Option` or `Result` of one.
const WRAPPED: &[&str] = &["context", "map_err", "ok", "ok_or", "ok_or_else", "or_else", "with_context", "wrap_err", "wrap_err_with"];

impl Flow<'_, '_> {
    /// Whether the call takes guard values out of something or puts them into something, and does nothing else.
    pub(super) fn passes_on(&mut self, at: &mut At<'_>, dest: Local, target: &Target, callee: &Callee, arguments: &[Argument]) -> bool {
        let function = self.values.function;
        let passing = &self.program.catalog(function).tables.passing;
        if let Callee::Method { receiver, name } = callee
            && let Some(local) = receiver.as_local()
        {
            // `weak.upgrade()`: what the lock guards, and not its guard value.
            let holds = |mode: Mode| at.state.iter().any(|it| matches!(it.by, HeldBy::Value(owner, _) if owner == local) && it.mode == mode);
            let is_mapped = passing.mapping.contains(name) && (*name != "upgrade" || holds(Mode::Upgradable));
            if passing.unwrapping.contains(name) || is_mapped {
                hand_over(at.state, local, None, dest);
                // `try_lock().ok()`: what the new result says, the old one said.
                at.state.iter_mut().filter(|it| it.tried == Some(local)).for_each(|it| it.tried = Some(dest));
                return true;
            }
            let keeps = at.state.iter().any(|it| matches!(it.by, HeldBy::Value(owner, _) if owner == local));
            if keeps && CONSUMING.contains(&name.as_str()) && self.is_wrapped(local) {
                // The closure has the guard value, and drops it unless that is what it gives.
                let mut closures = self.program.callables(function, arguments).peekable();
                let drops = closures.peek().is_some() && closures.all(|it| !self.summaries.get(it.1).hands_back.iter().any(|it| it.parameter == 0));
                if drops {
                    release_value(at.state, local)
                } else {
                    hand_over(at.state, local, None, dest)
                }
                return true;
            }
            // `slot.take()` on an `Option` that keeps a guard value.
            if keeps && *name == "take" && !self.is_guard(local) {
                hand_over(at.state, local, None, dest);
                return true;
            }
        }
        // `guards.push(m.lock())`: kept for as long as the collection.
        if let Callee::Method { receiver, name } = callee
            && let Some(local) = receiver.as_local()
            && !matches!(target, Target::Function { .. })
        {
            let collection = self.collection(local);
            if ADDING.contains(&name.as_str()) {
                let item = Name::new(ITEM);
                for held in at.state.iter_mut().filter(|it| arguments.iter().any(|argument| it.by == HeldBy::Value(argument.value, None))) {
                    held.by = HeldBy::Value(collection, Some(item));
                }
                at.state.sort_unstable();
                return true;
            }
            // Which of them, is not known.
            if TAKING.contains(&name.as_str()) {
                hand_over(at.state, collection, Some(Name::new(ITEM)), dest);
            }
            if EMPTYING.contains(&name.as_str()) {
                at.state.retain(|it| it.by != HeldBy::Value(collection, Some(Name::new(ITEM))));
            }
        }
        if let Callee::Method { receiver, name } = callee
            && *name == "collect"
            && let Some(local) = receiver.as_local()
        {
            self.collect(at, local, dest);
        }
        // `mem::take(&mut slot)`: what was in there is the result.
        if let (Target::External(path), Some(argument)) = (target, arguments.first())
            && matches!(path.last(), "take" | "replace")
            && path.as_str().contains("mem")
            && let Some(local) = self.borrowed(argument.value)
        {
            hand_over(at.state, local, None, dest);
            return true;
        }
        // `Held(guard)`, `Either::Left(guard)`: the parts of a struct or variant.
        if is_constructor(target, callee) {
            for (index, argument) in arguments.iter().enumerate() {
                for held in at.state.iter_mut().filter(|it| matches!(it.by, HeldBy::Value(owner, _) if owner == argument.value)) {
                    held.by = HeldBy::Value(dest, Some(slot(index as i64)));
                }
            }
            at.state.sort_unstable();
            return true;
        }
        if let Target::External(path) = target {
            let short: Vec<&str> = path.segments().collect();
            let short = Name::new(&short[short.len().saturating_sub(2)..].join("::"));
            if passing.mapping.contains(&short) || matches!(path.as_str(), "Ok" | "Some") {
                arguments.iter().for_each(|it| hand_over(at.state, it.value, None, dest));
                return true;
            }
        }
        false
    }

    /// `locks.iter().map(|it| it.lock().unwrap()).collect()`: the guard values of all items.
    fn collect(&mut self, at: &mut At<'_>, iterator: Local, dest: Local) {
        let program = self.program;
        let function = self.values.function;
        let Some(OpKind::Call { callee: Callee::Method { receiver, name }, arguments, .. }) = self.made_by(iterator) else { return };
        let Some(item) = self.values.place(program, receiver).filter(|_| *name == "map").and_then(|it| it.then(Step::Item)) else { return };
        for (_, closure) in program.callables(function, arguments) {
            let argument = |index| (index == 0).then_some(item);
            let guards = &self.summaries.get(closure).returns_guard;
            let locks = guards.iter().filter(|it| it.sure && it.part.is_none()).filter_map(|it| {
                let lock = rebase(program, function, &it.lock, &argument, &|_| None)?;
                (lock.path.as_ref() == Some(&item)).then_some((LockRef { through: Some(EVERY), ..lock }, it.mode))
            });
            for (lock, mode) in locks.collect::<Vec<_>>() {
                let lock = self.intern(lock);
                let held = Held { lock, at: at.id, by: HeldBy::Value(dest, None), mode, sure: true, tried: None };
                if !at.state.contains(&held) {
                    at.state.push(held);
                    at.state.sort_unstable();
                }
            }
        }
    }

    /// The variable itself, or the one behind a reference.
    fn collection(&self, local: Local) -> Local {
        self.borrowed(self.values.origin(local)).unwrap_or(local)
    }

    /// The variable that a value is a borrow of.
    fn borrowed(&self, value: Local) -> Option<Local> {
        match self.made_by(value)? {
            OpKind::Load { place, kind: LoadKind::BorrowMut | LoadKind::Borrow, .. } => place.as_local(),
            _ => None,
        }
    }

    /// Whether the lock is what a failed `try_lock()` asked for, and the closure only runs then:
    /// `m.try_lock().unwrap_or_else(|| m.lock())`.
    pub(super) fn was_refused(&self, at: &At<'_>, callee: &Callee, lock: &LockRef) -> bool {
        let Callee::Method { receiver, name } = callee else { return false };
        let Some(local) = receiver.as_local().filter(|_| matches!(name.as_str(), "unwrap_or_else" | "or_else" | "map_or_else")) else { return false };
        let tried = self.values.origin(local);
        at.state.iter().any(|it| it.tried.is_some_and(|it| it == tried || it == local) && self.result.lock(it).is_same(lock))
    }

    /// Whether the value is what taking a lock gave, with nothing around it: its methods are those of what the lock guards.
    fn is_guard(&self, local: Local) -> bool {
        let value = self.values.origin(local);
        let function = self.values.function;
        let catalog = self.program.catalog(function);
        let unwraps = |name: Name| catalog.tables.passing.unwrapping.contains(&name) && !WRAPPED.contains(&name.as_str());
        match self.program.target(function, value) {
            Target::Method { ty, .. } if catalog.lock(*ty).is_some() => !self.is_wrapped(value),
            _ => match self.made_by(value) {
                Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) => unwraps(*name),
                Some(OpKind::Await { .. }) => true,
                _ => false,
            },
        }
    }

    /// Whether the value is an `Option` or `Result` of a guard value, and not the guard value itself.
    fn is_wrapped(&self, local: Local) -> bool {
        let function = self.values.function;
        let value = self.values.origin(local);
        let wraps = |name: Name| CONSUMING.contains(&name.as_str()) || WRAPPED.contains(&name.as_str());
        match self.program.target(function, value) {
            Target::Method { ty, name } => match self.program.catalog(function).lock(*ty) {
                Some(row) => {
                    let tries = row.methods.iter().any(|it| it.name == *name && it.effect == Effect::TryAcquire);
                    tries || row.path.as_str().starts_with("std::sync::")
                }
                None => wraps(*name),
            },
            Target::Function { function: called, .. } => may_fail(self.program.function(*called)),
            _ => matches!(self.made_by(value), Some(OpKind::Call { callee: Callee::Method { name, .. }, .. }) if wraps(*name)),
        }
    }
}

/// Whether the call only puts its arguments into a struct or variant.
fn is_constructor(target: &Target, callee: &Callee) -> bool {
    let is_type = |it: &str| it.starts_with(|it: char| it.is_ascii_uppercase());
    match (target, callee) {
        (Target::Construct { init: None, .. }, Callee::Path(_)) => true,
        (Target::External(_) | Target::Unknown, Callee::Path(path)) => {
            let mut segments = path.segments().rev();
            segments.next().is_some_and(is_type) && segments.next().is_some_and(is_type)
        }
        _ => false,
    }
}

/// Whether what a Rust function gives is an `Option` or `Result`.
pub fn may_fail(ir: &Function) -> bool {
    let is_wrapper = |path: &Name| matches!(path.last(), "Option" | "Result" | "LockResult" | "TryLockResult");
    matches!(&ir.returns, Some(TypeRef::Path { path, .. }) if is_wrapper(path))
}
