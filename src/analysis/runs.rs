//! What each function runs, by one walk over its ops: calls, callbacks, and what it only takes as a value.

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::ir::{Local, OpId, OpKind};
use crate::program::{Fun, Program, Ty};

/// The functions that must be known before one is.
pub(super) type Callees = SmallVec<[Fun; 8]>;

/// What one function says of those that it runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) calls: Vec<(Fun, OpId)>,
    /// Functions that a library's function runs at once.
    pub(super) at_once: Vec<(Fun, OpId)>,
    /// Those that are taken as values: anyone can call them.
    pub(super) values: Vec<Fun>,
}

/// What each function of a program runs, and what it runs itself or by what it gives away.
pub(super) fn runs(program: &Program<'_>) -> (Vec<Runs>, Vec<Callees>) {
    let functions: Vec<Fun> = program.function_ids().collect();
    functions.into_par_iter().map(|it| of_function(program, it)).unzip()
}

fn of_function(program: &Program<'_>, function: Fun) -> (Runs, Callees) {
    let mut runs = Runs::default();
    let mut callees: Callees = program.wrappers(function).into();
    // What is given to be run at once is no value that anyone has.
    let mut given: FxHashSet<Local> = FxHashSet::default();
    let mut loaded: Vec<(Local, Fun)> = Vec::new();
    for (id, op) in program.function(function).numbered() {
        let called = program.called(function, &op.kind);
        runs.calls.extend(called.map(|it| (it, id)));
        callees.extend(called);
        callees.extend(program.implied(function, &op.kind).iter().map(|it| it.run));
        match &op.kind {
            // What a callback does, the call that it is given to does; a future, whoever awaits it.
            OpKind::Closure { function: nested, .. } => callees.push(program.fun(program.module_of(function), *nested)),
            OpKind::Call { arguments, .. } if called.is_some() => callees.extend(program.callables(function, arguments).map(|it| it.1)),
            OpKind::Call { .. } => {
                for (argument, used) in program.run_at_once(function, &op.kind) {
                    callees.push(used);
                    runs.at_once.push((used, id));
                    given.insert(argument);
                }
            }
            OpKind::Load { dest, .. } if called.is_none() => match program.local_type(function, *dest) {
                Ty::BoundMethod(used) | Ty::Function(used) => loaded.push((*dest, *used)),
                _ => {}
            },
            _ => {}
        }
    }
    runs.values = loaded.into_iter().filter(|it| !given.contains(&it.0)).map(|it| it.1).collect();
    (runs, callees)
}
