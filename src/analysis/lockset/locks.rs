//! Locks that the function takes itself: which lock a value is, and what its methods do.

use super::flow::{At, Flow, slot};
use super::state::hand_over;
use super::{Acquisition, Held, HeldBy, LockRef, rebase};
use crate::analysis::path::{Key, Owner, Path, Root, Step};
use crate::catalog::{Effect, LockKind, Mode, Scope};
use crate::ir::{Argument, Language, Local, Name, Place};
use crate::program::Ty;

/// How a lock is taken.
pub(super) struct Taking {
    pub(super) lock: LockRef,
    pub(super) mode: Mode,
    /// What keeps it; none for one that is taken and given up inside the call.
    pub(super) by: Option<HeldBy>,
    /// The result that tells whether the lock was got.
    pub(super) tried: Option<Local>,
    pub(super) tries: bool,
    pub(super) recursive: bool,
}

impl Taking {
    pub(super) fn exclusive(lock: LockRef, by: HeldBy) -> Taking {
        Taking { lock, mode: Mode::Exclusive, by: Some(by), tried: None, tries: false, recursive: false }
    }
}

impl Flow<'_, '_> {
    pub(super) fn lock_at(&self, path: Option<&Path>, fallback: &Ty) -> Option<LockRef> {
        // A condition is the lock it was made with.
        let wrapped = path.and_then(|it| it.behind_condition(self.program, self.values.function));
        let path = wrapped.as_ref().or(path);
        let shared = path.map(|it| self.values.shared(self.program, *it));
        let path = shared.as_ref();
        let resolved = path.and_then(|it| it.resolve(self.program, self.values.function));
        let (key, ty) = match resolved {
            Some((key, ty)) => (key, if ty.is_unknown() { *fallback } else { ty }),
            None => return None,
        };
        let catalog = self.program.catalog(self.values.function);
        let row = ty.lock(catalog)?;
        let guards = if row.guards_data { self.program.guarded_class(&ty, catalog) } else { None };
        Some(LockRef { key, path: path.cloned(), through: None, kind: row.kind, reentrant: row.reentrant, scope: row.scope, guards, opaque: false })
    }

    /// A manager of unknown type whose name says lock.
    pub(super) fn opaque_lock(&self, path: Option<&Path>) -> Option<LockRef> {
        let path = path?;
        let name = match path.steps.iter().rev().find_map(|it| if let Step::Field(name) = it { Some(*name) } else { None }) {
            Some(name) => name,
            None => match path.root {
                Root::Global(_, name) => name,
                Root::Param(index) => self.program.function(self.values.function).params.get(index as usize)?.name,
                Root::Local(local) | Root::Varying(local) => self.program.function(self.values.function).local(local).name?,
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
        Some(LockRef {
            key,
            path: Some(*path),
            through: None,
            kind: LockKind::Mutex,
            reentrant: true,
            scope: Scope::Thread,
            guards: None,
            opaque: true,
        })
    }

    pub(super) fn take(&mut self, at: &mut At<'_>, taking: Taking) {
        let Taking { lock, mode, by, tried, tries, recursive } = taking;
        let opaque = lock.opaque;
        let lock = self.intern(lock);
        if let Some(found) = &mut at.found
            && !opaque
        {
            found.push(Acquisition { op: at.id, lock, mode, tries, recursive, via: None });
        }
        if let Some(by) = by {
            let held = Held { lock, at: at.id, by, mode, sure: true, tried };
            if !at.state.contains(&held) {
                at.state.push(held);
                at.state.sort_unstable();
            }
        }
    }

    pub(super) fn enter(&mut self, at: &mut At<'_>, manager: Local) {
        let path = self.values.path(manager);
        let ty = *self.program.local_type(self.values.function, manager);
        // What the manager already holds (a lock class's constructor, `lock.acquire()` as the manager) it keeps.
        for held in at.state.iter_mut() {
            if matches!(held.by, HeldBy::Value(owner, _) if owner == manager) {
                held.by = HeldBy::Manager(manager);
            }
        }
        if let Some(mut lock) = self.lock_at(path.as_ref(), &ty) {
            lock.through = self.through(&lock, || self.anchors.get(&manager).copied());
            self.take(at, Taking::exclusive(lock, HeldBy::Manager(manager)));
            return;
        }
        if let Ty::Class(class, _) = &ty
            && let Some(enter) = self.program.method(*class, Name::new("__enter__"))
        {
            let summary = self.summaries.get(enter);
            let net: Vec<_> = summary.net.clone();
            let taken = summary.takes.len();
            let substitute =
                |lock: &LockRef| rebase(self.program, self.values.function, lock, &|index| if index == 0 { path } else { None }, &|_| None);
            let net: Vec<_> = net.iter().filter_map(|(lock, mode)| substitute(lock).map(|it| (it, *mode))).collect();
            let takes: Vec<_> = (0..taken).filter_map(|index| substitute(&summary.takes[index].lock).map(|it| (index, it))).collect();
            self.takes_of(at, enter, takes);
            // What can be acquired and released is a lock, also where it is not seen how.
            let is_opaque = net.is_empty() && self.program.has_lock_methods(*class);
            for (lock, mode) in net {
                let lock = self.intern(lock);
                at.state.push(Held { lock, at: at.id, by: HeldBy::Manager(manager), mode, sure: true, tried: None });
            }
            at.state.sort_unstable();
            if !is_opaque {
                return;
            }
        }
        if let Some(lock) = self.opaque_lock(path.as_ref())
            && self.language == Language::Python
        {
            self.take(at, Taking::exclusive(lock, HeldBy::Manager(manager)));
        }
    }

    /// A call of a lock's own method.
    pub(super) fn lock_method(&mut self, at: &mut At<'_>, dest: Local, (ty, name): (Name, Name), receiver: &Place, arguments: &[Argument]) {
        let path = self.values.place(self.program, receiver);
        let catalog = self.program.catalog(self.values.function);
        let Some(row) = catalog.lock(ty) else { return };
        let Some(method) = row.methods.iter().find(|it| it.name == name) else { return };
        let Some(mut lock) = self.lock_at(path.as_ref(), &Ty::External(ty, [].into())) else { return };
        lock.through = self.through(&lock, || self.anchor(receiver));
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
                // `map.retain(|k, v| …)` runs its closure on what it has locked.
                if method.momentary && at.found.is_some() {
                    let held = [(lock.clone(), method.mode)];
                    for (argument, run) in self.program.callables(self.values.function, arguments) {
                        self.reenter(at, argument, run, &held, (self.values.function, at.id));
                    }
                }
                self.take(at, Taking { lock, mode: method.mode, by, tried, tries, recursive: method.recursive });
            }
            Effect::Release => {
                let released = lock;
                // The last one taken is given up first.
                let same = |it: &Held| {
                    let held = &self.result.locks[it.lock as usize];
                    held.key == released.key && held.path == released.path
                };
                let position = at.state.iter().rposition(same);
                if at.found.is_some() {
                    let lock = self.intern(released);
                    self.result.released.push((at.id, lock));
                    if position.is_none() {
                        self.result.releases.push(lock);
                    }
                }
                if let Some(position) = position {
                    at.state.remove(position);
                }
            }
            Effect::Wait => {
                if let Some(guard) = arguments.first() {
                    hand_over(at.state, guard.value, None, dest);
                    // `let (guard, result) = condition.wait_timeout(guard, timeout)`
                    if name.as_str().contains("timeout") {
                        for held in at.state.iter_mut().filter(|it| it.by == HeldBy::Value(dest, None)) {
                            held.by = HeldBy::Value(dest, Some(slot(0)));
                        }
                        at.state.sort_unstable();
                    }
                }
            }
            Effect::Notify | Effect::Bypass | Effect::Query => {}
        }
    }

    /// `acquire(False)`, `acquire(blocking=False)`, `acquire(timeout=1)`.
    fn may_give_up(&self, arguments: &[Argument]) -> bool {
        self.language == Language::Python && !arguments.is_empty()
    }
}
