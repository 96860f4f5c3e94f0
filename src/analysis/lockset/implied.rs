//! What is taken where no call is written: in the `fmt` of what is printed, the `eq` of what is compared, the `drop` of
//! what goes out of scope.

use super::LockRef;
use super::calls::rebase;
use super::flow::{At, Flow};
use crate::analysis::summary::Summaries;
use crate::ir::OpKind;
use crate::program::{Fun, Implied, Program};

/// Whether the op runs a method by no call that concerns locks.
pub(super) fn runs_lock(program: &Program<'_>, summaries: &Summaries, function: Fun, op: &OpKind) -> bool {
    program.implied(function, op).iter().any(|it| !summaries.get(it.run).takes.is_empty())
}

impl Flow<'_, '_> {
    pub(super) fn implied(&mut self, at: &mut At<'_>, op: &OpKind) {
        // What is taken matters where something is held, and to callers.
        if at.found.is_none() {
            return;
        }
        let (program, function) = (self.program, self.values.function);
        for Implied { run, arguments, unless_moved } in program.implied(function, op) {
            if self.summaries.get(run).takes.is_empty() || unless_moved.is_some_and(|it| program.is_moved(function, it)) {
                continue;
            }
            let argument = |index: u32| arguments.get(index as usize).and_then(|it| self.values.place(program, it));
            let rebased = |lock: &LockRef| {
                let mut lock = rebase(program, function, lock, &argument, &|_| None)?;
                self.unify(&mut lock);
                Some(lock)
            };
            let takes: Vec<_> =
                self.summaries.get(run).takes_when(false).filter_map(|(index, it)| rebased(&it.lock).map(|lock| (index, lock))).collect();
            self.takes_of(at, run, takes);
        }
    }
}
