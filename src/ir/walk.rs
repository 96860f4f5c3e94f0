//! What an op reads and writes, as locals and as places.

use smallvec::SmallVec;

use super::{Base, Callee, Const, Function, List, Local, OpId, OpKind, Place, Projection, Terminator};

/// Nobody writes longer ways, and each beginning of one is kept for the whole run.
const MAX_STEPS: usize = 100;

impl Place {
    pub fn local(local: Local) -> Self {
        Place { base: Base::Local(local), projections: List::new() }
    }

    pub fn global(name: super::Name) -> Self {
        Place { base: Base::Global(name), projections: List::new() }
    }

    /// This place with one more step; of more than a hundred the later ones are left out.
    pub fn project(mut self, projection: Projection) -> Self {
        if self.projections.len() < MAX_STEPS {
            self.projections.push(projection);
        }
        self
    }

    /// The local this place is, when it has no projections.
    pub fn as_local(&self) -> Option<Local> {
        match self.base {
            Base::Local(local) if self.projections.is_empty() => Some(local),
            _ => None,
        }
    }

    /// The locals needed to find the place: its base and its run-time indices.
    pub fn locals(&self) -> impl Iterator<Item = Local> + '_ {
        let base = match self.base {
            Base::Local(local) => Some(local),
            Base::Global(_) => None,
        };
        base.into_iter().chain(self.projections.iter().filter_map(|it| match it {
            Projection::Index(local) => Some(*local),
            _ => None,
        }))
    }
}

impl OpKind {
    /// The local this op gives a value to: its destination, or the variable a bare store writes.
    pub fn defines(&self) -> Option<Local> {
        match self {
            OpKind::Const { dest, .. }
            | OpKind::Load { dest, .. }
            | OpKind::Compute { dest, .. }
            | OpKind::Aggregate { dest, .. }
            | OpKind::Call { dest, .. }
            | OpKind::Enter { dest, .. }
            | OpKind::Await { dest, .. }
            | OpKind::Yield { dest, .. }
            | OpKind::Iterate { dest, .. }
            | OpKind::Next { dest, .. }
            | OpKind::Closure { dest, .. }
            | OpKind::ClassObject { dest, .. }
            | OpKind::Catch { dest, .. } => Some(*dest),
            OpKind::Store { place, .. } => place.as_local(),
            OpKind::Delete { .. } | OpKind::Exit { .. } | OpKind::Drop { .. } => None,
        }
    }

    /// The locals this op reads, in evaluation order.
    pub fn uses(&self) -> SmallVec<[Local; 4]> {
        let mut uses = SmallVec::new();
        match self {
            OpKind::Const { .. } | OpKind::Closure { .. } | OpKind::ClassObject { .. } | OpKind::Catch { .. } => {}
            OpKind::Load { place, .. } | OpKind::Delete { place } => uses.extend(place.locals()),
            OpKind::Store { place, value, .. } => {
                uses.push(*value);
                if place.as_local().is_none() {
                    uses.extend(place.locals());
                }
            }
            OpKind::Compute { operands, .. } => uses.extend(operands.iter().copied()),
            OpKind::Aggregate { operands, .. } => uses.extend(operands.iter().copied()),
            OpKind::Call { callee, arguments, .. } => {
                match callee {
                    Callee::Method { receiver, .. } => uses.extend(receiver.locals()),
                    Callee::Value(local) => uses.push(*local),
                    Callee::Path(_) | Callee::Macro(_) => {}
                }
                uses.extend(arguments.iter().map(|it| it.value));
            }
            OpKind::Enter { manager, .. } | OpKind::Exit { manager, .. } => uses.push(*manager),
            OpKind::Drop { local } => uses.push(*local),
            OpKind::Await { value, .. } | OpKind::Iterate { value, .. } => uses.push(*value),
            OpKind::Yield { value, .. } => uses.extend(*value),
            OpKind::Next { iterator, .. } => uses.push(*iterator),
        }
        uses
    }

    /// The local that it makes a truth value, and which.
    pub fn truth(&self) -> Option<(Local, bool)> {
        match self {
            OpKind::Const { dest, value: Const::Bool(value) } => Some((*dest, *value)),
            _ => None,
        }
    }

    /// The place this op reads, writes or calls a method on.
    pub fn place(&self) -> Option<&Place> {
        match self {
            OpKind::Load { place, .. } | OpKind::Store { place, .. } | OpKind::Delete { place } => Some(place),
            OpKind::Call { callee: Callee::Method { receiver, .. }, .. } => Some(receiver),
            _ => None,
        }
    }
}

impl Terminator {
    /// The blocks control may go to next, unwinding aside.
    pub fn successors(&self) -> SmallVec<[super::BlockId; 2]> {
        match self {
            Terminator::Goto(target) => SmallVec::from_slice(&[*target]),
            Terminator::Branch { then, otherwise, .. } => SmallVec::from_slice(&[*then, *otherwise]),
            Terminator::Switch { arms, .. } => arms.iter().map(|it| it.target).collect(),
            Terminator::Return(_) | Terminator::Raise | Terminator::Unreachable => SmallVec::new(),
        }
    }
}

impl Function {
    /// The constant that a local is, if an op makes it one. Looks through all ops.
    pub fn constant(&self, local: Local) -> Option<Const> {
        self.ops.iter().find_map(|op| match op.kind {
            OpKind::Const { dest, value } if dest == local => Some(value),
            _ => None,
        })
    }

    /// The same of what op `at` uses, whose making most often stands close before it.
    pub fn constant_at(&self, local: Local, at: OpId) -> Option<Const> {
        let before = &self.ops[..at.index().min(self.ops.len())];
        match before.iter().rev().map(|it| &it.kind).find(|it| it.defines() == Some(local)) {
            Some(OpKind::Const { value, .. }) => Some(*value),
            Some(_) => None,
            None => self.constant(local),
        }
    }

    /// `Metrics.inc`, `a::b::run`, `outer.<locals>.inner`: scope and name, joined as the language does.
    pub fn qualified_name(&self, language: super::Language) -> String {
        qualified(self.scope, self.name, language)
    }
}

impl super::Class {
    pub fn qualified_name(&self, language: super::Language) -> String {
        qualified(self.scope, self.name, language)
    }
}

fn qualified(scope: super::Name, name: super::Name, language: super::Language) -> String {
    if scope == "" {
        return name.to_string();
    }
    match language {
        super::Language::Python => format!("{scope}.{name}"),
        super::Language::Rust => format!("{scope}::{name}"),
    }
}
