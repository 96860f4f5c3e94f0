//! Guard values with something around them: in an `Option` or `Result`, in a struct or variant.

use super::LockRef;
use super::flow::{At, Flow};
use crate::catalog::Effect;
use crate::ir::{Callee, Function, Local, Name, OpKind, TypeRef};
use crate::program::Target;

/// Methods of `Option` and `Result` that hand what is inside to a closure.
pub(super) const CONSUMING: &[&str] = &["and_then", "is_ok_and", "is_some_and", "map", "map_or", "map_or_else"];

/// Methods that make another `Option` or `Result` of one.
const WRAPPED: &[&str] = &["context", "map_err", "ok", "ok_or", "ok_or_else", "or_else", "with_context", "wrap_err", "wrap_err_with"];

impl Flow<'_, '_> {
    /// Whether the lock is what a failed `try_lock()` asked for, and the closure only runs then:
    /// `m.try_lock().unwrap_or_else(|| m.lock())`.
    pub(super) fn was_refused(&self, at: &At<'_>, callee: &Callee, lock: &LockRef) -> bool {
        let Callee::Method { receiver, name } = callee else { return false };
        let Some(local) = receiver.as_local().filter(|_| matches!(name.as_str(), "unwrap_or_else" | "or_else" | "map_or_else")) else { return false };
        let tried = self.values.origin(local);
        at.state.iter().any(|it| it.tried.is_some_and(|it| it == tried || it == local) && self.result.lock(it).is_same(lock))
    }

    /// Whether the value is what taking a lock gave, with nothing around it: its methods are those of what the lock guards.
    pub(super) fn is_guard(&self, local: Local) -> bool {
        let value = self.values.origin(local);
        let function = self.values.function;
        let catalog = self.program.catalog(function);
        let unwraps = |name: Name| catalog.tables.passing.unwrapping.contains(&name) && !WRAPPED.contains(&name.as_str());
        match self.program.target(function, value) {
            Target::Method { ty, .. } if catalog.lock(*ty).is_some() => !self.is_wrapped(value),
            _ => self.program.function(function).ops().any(|(_, _, op)| match &op.kind {
                OpKind::Call { dest, callee: Callee::Method { name, .. }, .. } => *dest == value && unwraps(*name),
                OpKind::Await { dest, .. } => *dest == value,
                _ => false,
            }),
        }
    }

    /// Whether the value is an `Option` or `Result` of a guard value, and not the guard value itself.
    pub(super) fn is_wrapped(&self, local: Local) -> bool {
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
            _ => self.program.function(function).ops().any(|(_, _, op)| match &op.kind {
                OpKind::Call { dest, callee: Callee::Method { name, .. }, .. } => *dest == value && wraps(*name),
                _ => false,
            }),
        }
    }
}

/// Whether the call only puts its arguments into a struct or variant.
pub(super) fn is_constructor(target: &Target, callee: &Callee) -> bool {
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
