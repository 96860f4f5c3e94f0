//! Python's own lock (the GIL) in Rust code that uses PyO3: who has it, takes it, and gives it up for a while.
//!
//! Functions that Python calls have it, and so has whoever holds a token of it: a `Python<'_>`, a `Bound`. What such code
//! calls is told by path or name, as the catalogue lists it.

use rustc_hash::FxHashSet;

use super::{Fun, Program, Target};
use crate::catalog::Interpreter;
use crate::ir::{Callee, Function, FunctionKind, Name, OpKind, Owner, TypeRef};

/// What a call does with the interpreter's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// Takes it, and runs what it is given with it.
    Attaches,
    /// Gives it up, runs what it is given, and takes it again.
    Detaches,
    /// Gives it up while it waits for another lock.
    Waits,
}

/// The functions that run with the interpreter's lock.
pub(super) fn find(program: &Program<'_>) -> FxHashSet<Fun> {
    let mut attached: FxHashSet<Fun> = FxHashSet::default();
    let mut detached: FxHashSet<Fun> = FxHashSet::default();
    for function in program.function_ids().filter(|it| program.uses_interpreter(*it)) {
        let ir = program.function(function);
        let table = &program.catalog(function).tables.interpreter;
        if is_called_from_python(program, function, ir, table) || has_token(ir, table) {
            attached.insert(function);
        }
        for op in &ir.ops {
            let OpKind::Call { arguments, .. } = &op.kind else { continue };
            let closures = || program.callables(function, arguments).map(|it| it.1).collect::<Vec<_>>();
            match program.attachment(function, &op.kind) {
                Some(Attachment::Attaches) => attached.extend(closures()),
                Some(Attachment::Detaches) => detached.extend(closures()),
                _ => {}
            }
        }
    }
    attached.retain(|it| !detached.contains(it));
    attached
}

/// `#[pyfunction]`, `#[pymodule]`, what stands in an `impl` under `#[pymethods]`.
fn is_called_from_python(program: &Program<'_>, function: Fun, ir: &Function, table: &Interpreter) -> bool {
    let is_entry = |path: Name| table.entries.iter().any(|it| *it == path.last());
    let of_impl = || match ir.owner {
        Owner::Impl(index) => program.module(program.module_of(function)).ir.impls[index as usize].attributes.iter().any(|it| is_entry(it.path)),
        _ => false,
    };
    !ir.is_async && (ir.attributes.iter().any(|it| is_entry(it.path)) || of_impl())
}

fn has_token(ir: &Function, table: &Interpreter) -> bool {
    let is_token = |ty: &TypeRef| matches!(ty, TypeRef::Path { path, .. } if table.tokens.iter().any(|it| *it == path.last()));
    let of_reference = |ty: &TypeRef| matches!(ty, TypeRef::Reference { target, .. } if is_token(target));
    let of_params = ir.params.iter().filter_map(|it| it.ty.as_ref()).any(|it| is_token(it) || of_reference(it));
    ir.kind != FunctionKind::Closure && of_params
}

impl Program<'_> {
    /// Whether the function runs with the interpreter's lock.
    pub fn is_attached(&self, function: Fun) -> bool {
        self.attached.contains(&function)
    }

    /// What `op` of `function` does with the interpreter's lock.
    pub fn attachment(&self, function: Fun, op: &OpKind) -> Option<Attachment> {
        let OpKind::Call { dest, callee, .. } = op else { return None };
        if !self.uses_interpreter(function) {
            return None;
        }
        let table = &self.catalog(function).tables.interpreter;
        match (callee, self.target(function, *dest)) {
            (Callee::Path(_), Target::External(path)) => {
                let segments: Vec<&str> = path.segments().collect();
                let last = segments[segments.len().saturating_sub(2)..].join("::");
                table.attaching.iter().any(|it| it.as_str() == last).then_some(Attachment::Attaches)
            }
            (Callee::Method { name, .. }, _) if table.waiting.contains(name) => Some(Attachment::Waits),
            (Callee::Method { name, .. }, Target::Unknown | Target::Method { .. }) if table.detaching.contains(name) => Some(Attachment::Detaches),
            _ => None,
        }
    }

    /// Whether the function's file has to do with the interpreter at all.
    fn uses_interpreter(&self, function: Fun) -> bool {
        self.module(self.module_of(function)).uses_interpreter
    }
}
