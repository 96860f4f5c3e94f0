//! Which shared places a function reads and writes.

use super::path::{Key, Owner, Path, Root, Step};
use super::values::Values;
use crate::ir::{Callee, Language, Local, LocalKind, Name, OpId, OpKind, Projection, StoreKind};
use crate::program::{Fun, Program, Target, Ty};

/// Methods of maps that give what an iteration goes over.
pub const VIEWS: &[&str] = &["items", "keys", "values"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    Read,
    /// A plain store.
    Write,
    /// `+=` and kin.
    Update,
    /// A method that changes its receiver in one step: `append`, `insert`.
    Mutate,
}

/// A read or write of a place that other code can reach.
#[derive(Clone, Debug)]
pub struct Access {
    pub op: OpId,
    pub key: Key,
    pub path: Path,
    pub kind: AccessKind,
    /// What was read, or is written.
    pub value: Local,
}

impl Access {
    /// Whether it changes what is in a container, as against what the container is.
    pub fn changes_in_place(&self) -> bool {
        self.kind == AccessKind::Mutate || matches!(self.path.steps.last(), Some(Step::Key(_) | Step::Item))
    }
}

impl Access {
    /// Whether it may put something into the container that the state is, or take it out; what goes on inside its items
    /// leaves it as it is.
    pub fn may_resize(&self) -> bool {
        let inside = self.path.steps.iter().rev().take_while(|it| matches!(it, Step::Key(_) | Step::Item)).count();
        inside == usize::from(self.kind != AccessKind::Mutate)
    }
}

impl AccessKind {
    pub fn writes(self) -> bool {
        self != AccessKind::Read
    }
}

/// Methods of `Option` and of what can be copied that look at what is there, and leave it.
const LOOKING: &[&str] = &["as_deref", "as_ref", "clone", "cloned", "copied", "is_none", "is_some", "is_some_and"];

/// The accesses of a function to fields, globals, and data behind locks, in op order.
pub fn accesses(program: &Program<'_>, values: &Values) -> Box<[Access]> {
    let function = values.function;
    let ir = program.function(function);
    let catalog = program.catalog(function);
    let is_python = program.language(function) == Language::Python;
    let mut found = Vec::new();
    let mut container;
    for (id, op) in ir.numbered() {
        let (place, kind, value) = match &op.kind {
            // `del d[k]` takes out of the container, as `pop` does.
            OpKind::Delete { place } if matches!(place.projections.last(), Some(Projection::Key(_) | Projection::Index(_))) => {
                let Some(value) = place.locals().last() else { continue };
                container = *place;
                container.projections.pop();
                (&container, AccessKind::Mutate, value)
            }
            OpKind::Load { dest, place, .. } => (place, AccessKind::Read, *dest),
            OpKind::Store { place, value, kind } => (place, if *kind == StoreKind::Update { AccessKind::Update } else { AccessKind::Write }, *value),
            // `slot.lock().unwrap().is_none()`: what is behind the lock is an `Option`, whatever is in it.
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. }
                if !is_python
                    && LOOKING.contains(&name.as_str())
                    && !matches!(program.target(function, *dest), Target::Function { .. })
                    && values.place(program, receiver).is_some_and(|it| it.steps.last() == Some(&Step::Data)) =>
            {
                (receiver, AccessKind::Read, *dest)
            }
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, arguments } => match program.target(function, *dest) {
                Target::Method { ty, name } => match catalog.container(*ty) {
                    Some(row) if row.thread_safe => continue,
                    // What goes in is the last argument: `insert(k, v)`, `push(v)`.
                    Some(row) if row.mutating.contains(name) => (receiver, AccessKind::Mutate, arguments.last().map_or(*dest, |it| it.value)),
                    // `lock().unwrap()` hands the guard value on, and reads nothing yet.
                    Some(_) if catalog.tables.passing.unwrapping.contains(name) => continue,
                    Some(_) => (receiver, AccessKind::Read, *dest),
                    None => match catalog.atomic(*ty) {
                        Some(row) if row.load.contains(name) => (receiver, AccessKind::Read, *dest),
                        _ => continue,
                    },
                },
                // Whatever it is of, it looks inside.
                Target::Unknown if *name == "get" || *name == "len" => (receiver, AccessKind::Read, *dest),
                Target::Unknown if is_python && VIEWS.contains(&name.as_str()) => (receiver, AccessKind::Read, *dest),
                // The same of a container of the program's own.
                Target::Function { function: called, .. } if *name == "get" && is_python && is_container(program, *called) => {
                    (receiver, AccessKind::Read, *dest)
                }
                _ => continue,
            },
            _ => continue,
        };
        // A variable that holds an object is no place of the object's: only what lies behind it is.
        let is_captured = |it: Local| matches!(ir.local(it).kind(), LocalKind::Captured(_)) && program.language(function) == Language::Python;
        if place.as_local().is_some_and(|it| !is_captured(it)) && !matches!(op.kind, OpKind::Call { .. }) {
            continue;
        }
        let Some(path) = values.place(program, place) else { continue };
        let Some((key, ty)) = path.resolve(program, function) else { continue };
        let shared = match key.owner {
            Owner::Field(..) | Owner::Global(..) => true,
            Owner::Local(..) | Owner::Param(..) | Owner::Guarding(_) | Owner::Interpreter => {
                path.steps.contains(&Step::Data) || matches!(path.root, Root::Captured(_))
            }
        };
        let is_code = matches!(ty, Ty::Function(_) | Ty::BoundMethod(_) | Ty::ClassObject(_) | Ty::Module(_));
        if shared && !is_code && ty.lock(program.catalog(function)).is_none() {
            found.push(Access { op: id, key, path, kind, value });
        }
    }
    found.into()
}

/// Whether a method is one of a class that items are stored in.
fn is_container(program: &Program<'_>, method: Fun) -> bool {
    program.class_of(method).is_some_and(|it| program.method(it, Name::new("__setitem__")).is_some())
}
