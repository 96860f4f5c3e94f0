//! Futures: what runs when a value is awaited, and not where it was made.
//!
//! A call of an `async fn` and an `async` block only make a future. It is followed from the `await` back to where it was
//! made: through tuples (`join!`), through functions of other crates that take futures and give one (`Box::pin`,
//! `timeout`, `join_all`; a `JoinHandle`, too, waits for the task), and through functions of the program that return one.

use std::borrow::Cow;

use super::flow::{At, Flow};
use crate::ir::{Argument, Callee, Local, OpId, OpKind};
use crate::program::{Fun, Invocation, Target};

/// Futures inside futures are followed so far.
const MAX_DEPTH: usize = 8;

/// So many futures of one `await` are followed.
const MAX_FUTURES: usize = 32;

/// A future, by the code that it runs.
#[derive(Clone, Copy)]
enum Future<'p> {
    /// What this call gives to be awaited.
    Call(&'p OpKind, Fun),
    /// An `async` block.
    Block(Local, Fun),
    /// What a closure makes, whoever calls it.
    MadeBy(Local, Fun),
}

impl<'p> Flow<'p, '_> {
    /// `value` is awaited: its futures run.
    pub(super) fn awaited(&mut self, at: &mut At<'_>, value: Local) {
        for (_, future) in self.futures(value) {
            self.run(at, future);
        }
    }

    /// `value` is returned, for a caller to await: what its futures take.
    pub(super) fn returned(&mut self, at: &mut At<'_>, value: Local) {
        for (made, future) in self.futures(value) {
            at.id = made;
            self.run(at, future);
        }
    }

    fn run(&mut self, at: &mut At<'_>, future: Future<'p>) {
        let program = self.program;
        let closure = |local: Local, function: Fun| (Target::Closure(function), Callee::Value(local));
        let made = match future {
            Future::Call(op, function) => {
                let Some(call) = program.invocation(self.values.function, op) else { return };
                if program.function(function).is_async {
                    self.call_function(at, &call, function)
                } else {
                    self.take_later(at, &call, function)
                }
                return;
            }
            Future::Block(local, function) | Future::MadeBy(local, function) => (closure(local, function), local, function),
        };
        let ((target, callee), dest, function) = made;
        let call = Invocation { dest, target: &target, callee: Cow::Borrowed(&callee), arguments: &[] };
        if matches!(future, Future::Block(..)) { self.call_function(at, &call, function) } else { self.take_later(at, &call, function) }
    }

    /// The futures in a value, each with the op that made it.
    fn futures(&self, value: Local) -> Vec<(OpId, Future<'p>)> {
        let mut found = Vec::new();
        self.find_futures(value, 0, &mut found);
        found
    }

    fn find_futures(&self, value: Local, depth: usize, found: &mut Vec<(OpId, Future<'p>)>) {
        if depth > MAX_DEPTH || found.len() >= MAX_FUTURES {
            return;
        }
        let function = self.values.function;
        let Some((id, op)) = self.definition(value) else { return };
        match op {
            OpKind::Call { dest, callee, arguments } => match self.program.target(function, *dest) {
                Target::Function { function: called, .. } | Target::Closure(called) => {
                    if self.summaries.get(*called).concerns_locks() {
                        found.push((id, Future::Call(op, *called)));
                    }
                }
                Target::Construct { .. } => {}
                _ => {
                    if let Callee::Method { receiver, .. } = callee
                        && let Some(receiver) = receiver.as_local()
                    {
                        self.find_futures(receiver, depth + 1, found);
                    }
                    arguments.iter().for_each(|Argument { value, .. }| self.find_futures(*value, depth + 1, found));
                }
            },
            OpKind::Closure { dest, function: nested } => {
                let nested = self.program.fun(self.program.module_of(function), *nested);
                let is_async = self.program.function(nested).is_async;
                if self.summaries.get(nested).takes.iter().any(|it| is_async || it.deferred) {
                    found.push((id, if is_async { Future::Block(*dest, nested) } else { Future::MadeBy(*dest, nested) }));
                }
            }
            OpKind::Aggregate { operands, .. } => operands.iter().for_each(|it| self.find_futures(*it, depth + 1, found)),
            _ => {}
        }
    }
}
