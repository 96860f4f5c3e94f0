//! Names, and lives: which variable a name means, and when what is dropped.
//!
//! A function under construction has a stack of [`Scope`]s. A scope holds the variables declared in it, the
//! temporaries that die at its end, or both; popping it drops them, latest first. A jump drops what all the scopes it
//! leaves hold, without popping them ([`Frame::leave`]).
//!
//! An owned value is *scheduled* when it comes into being and *taken* when something consumes it: an argument, a
//! variable, a field, a return. What nobody took is dropped. This way a jump between the two, as in `f(a(), b()?)`,
//! drops the value as well.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::ir::{BlockId, FunctionBuilder, FunctionId, Local, LocalKind, Name, OpKind, Range, TypeRef};

/// Drops that one function may have. Every jump has those of all live variables, which is quadratic in a function that
/// declares without end and leaves early after each.
const MAX_DROPS: usize = 300_000;

/// Where `break`, `continue` and `?` go.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) label: Option<Name>,
    pub(super) kind: TargetKind,
    pub(super) break_to: BlockId,
    /// What holds the value of the loop or block, where one is wanted.
    pub(super) dest: Option<Local>,
    /// A value that somebody has to drop came to `dest`.
    pub(super) owned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetKind {
    Loop { continue_to: BlockId },
    LabeledBlock,
    TryBlock,
}

/// What ends together.
#[derive(Debug, Default)]
pub(super) struct Scope {
    holds_variables: bool,
    holds_temporaries: bool,
    target: Option<Target>,
    drops: Vec<Local>,
    names: SmallVec<[Name; 4]>,
}

impl Scope {
    /// A block's or an arm's variables. Temporaries inside belong to a scope around it.
    pub(super) fn variables() -> Self {
        Scope { holds_variables: true, ..Scope::default() }
    }

    /// A terminating scope: a statement, a condition, an arm's body.
    pub(super) fn temporaries() -> Self {
        Scope { holds_temporaries: true, ..Scope::default() }
    }

    /// A round of a loop, or (from edition 2024) `if let`: bindings and the temporaries they borrow from.
    pub(super) fn both() -> Self {
        Scope { holds_variables: true, holds_temporaries: true, ..Scope::default() }
    }

    pub(super) fn target(target: Target) -> Self {
        Scope { target: Some(target), ..Scope::default() }
    }
}

/// One function under construction.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) b: FunctionBuilder,
    pub(super) id: FunctionId,
    /// A closure or async block: names that are not its own are looked up around it.
    pub(super) captures: bool,
    /// The scope of items defined in here: `run.<locals>`.
    pub(super) path: Name,
    scopes: Vec<Scope>,
    /// By name, the variables that have it, innermost last.
    names: FxHashMap<Name, SmallVec<[Local; 1]>>,
    /// By local: scheduled, and not taken.
    owned: Vec<bool>,
    drops: usize,
}

impl Frame {
    pub(super) fn new(b: FunctionBuilder, id: FunctionId, captures: bool, path: Name) -> Self {
        Frame { b, id, captures, path, scopes: Vec::new(), names: FxHashMap::default(), owned: Vec::new(), drops: 0 }
    }

    pub(super) fn has_too_many_drops(&self) -> bool {
        self.drops > MAX_DROPS
    }

    pub(super) fn depth(&self) -> usize {
        self.scopes.len()
    }

    pub(super) fn push(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    /// Ends the innermost scope: drops what it holds, and forgets its names.
    pub(super) fn pop(&mut self, range: Range) -> Option<Target> {
        self.leave(self.scopes.len().saturating_sub(1), range);
        self.forget()
    }

    /// Ends the innermost scope where nothing of it is left to drop.
    pub(super) fn forget(&mut self) -> Option<Target> {
        let scope = self.scopes.pop()?;
        for name in scope.names {
            if let Some(locals) = self.names.get_mut(&name) {
                locals.pop();
            }
        }
        scope.target
    }

    /// Takes the innermost scope off, to be put back with [`Frame::push`]. It must have no names.
    pub(super) fn set_aside(&mut self) -> Option<Scope> {
        self.scopes.pop()
    }

    /// Drops what the scopes above `depth` hold, as a jump out of them does.
    pub(super) fn leave(&mut self, depth: usize, range: Range) {
        if !self.b.is_live() {
            return;
        }
        for scope in self.scopes[depth..].iter().rev() {
            for local in scope.drops.iter().rev().filter(|it| self.owned[it.index()]) {
                self.drops += 1;
                if self.drops <= MAX_DROPS {
                    self.b.push(OpKind::Drop { local: *local }, range);
                }
            }
        }
    }

    /// Whether a jump to `depth` drops anything.
    pub(super) fn drops_above(&self, depth: usize) -> bool {
        self.scopes[depth..].iter().flat_map(|it| &it.drops).any(|it| self.owned[it.index()])
    }

    /// The value of `local` is to be dropped at the end of the innermost scope that holds temporaries.
    pub(super) fn schedule(&mut self, local: Local) {
        if let Some(index) = self.scopes.iter().rposition(|it| it.holds_temporaries) {
            self.schedule_in(index, local);
        }
    }

    /// The value of `local` is to be dropped at the end of the scope at `index`.
    pub(super) fn schedule_in(&mut self, index: usize, local: Local) {
        if self.owned.len() <= local.index() {
            self.owned.resize(local.index() + 1, false);
        }
        self.owned[local.index()] = true;
        self.scopes[index].drops.push(local);
    }

    /// The value of `local`, scheduled before, is to be dropped at the end of the scope at `index` instead; without one,
    /// never. Nothing happens when it is not scheduled.
    pub(super) fn reschedule(&mut self, local: Local, index: Option<usize>) {
        if self.take(local) {
            self.scopes.iter_mut().for_each(|it| it.drops.retain(|it| *it != local));
            if let Some(index) = index {
                self.schedule_in(index, local);
            }
        }
    }

    /// The value of `local` moves elsewhere. Whether it was scheduled.
    pub(super) fn take(&mut self, local: Local) -> bool {
        self.owned.get_mut(local.index()).is_some_and(std::mem::take)
    }

    /// The innermost scope that variables are declared in.
    pub(super) fn variable_scope(&self) -> Option<usize> {
        self.scopes.iter().rposition(|it| it.holds_variables)
    }

    /// A new variable of the innermost scope.
    pub(super) fn declare(&mut self, name: Name, ty: Option<TypeRef>) -> Local {
        let local = self.b.new_local(LocalKind::Variable, Some(name), ty);
        if let Some(index) = self.variable_scope() {
            self.schedule_in(index, local);
        }
        self.name(name, local);
        local
    }

    /// Lets `name` mean `local` until the innermost variable scope ends.
    pub(super) fn name(&mut self, name: Name, local: Local) {
        if let Some(index) = self.variable_scope() {
            self.scopes[index].names.push(name);
            self.names.entry(name).or_default().push(local);
        }
    }

    /// The variable of this function that `name` means.
    pub(super) fn lookup(&self, name: Name) -> Option<Local> {
        self.names.get(&name).and_then(|it| it.last()).copied()
    }

    /// This function's own local for a variable of the function around it.
    pub(super) fn capture(&mut self, name: Name, outer: Local) -> Local {
        let local = self.b.new_local(LocalKind::Captured(outer), Some(name), None);
        self.names.entry(name).or_default().insert(0, local);
        local
    }

    /// The innermost target that `is_meant` accepts, and the depth a jump to it leaves to.
    pub(super) fn find_target(&mut self, is_meant: impl Fn(&Target) -> bool) -> Option<(usize, &mut Target)> {
        let targets = self.scopes.iter_mut().enumerate().rev();
        targets.filter_map(|(depth, it)| it.target.as_mut().map(|target| (depth + 1, target))).find(|(_, it)| is_meant(it))
    }
}
