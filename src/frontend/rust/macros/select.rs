//! `select!`: waits for the first of several, and goes on with its branch.

use super::super::context::Ctx;
use super::super::pattern::Position;
use super::super::scope::Scope;
use super::parse::{Branch, Select};
use super::{Call, branch_name};
use crate::ir::{AggregateKind, Arm, Callee, Local, Place, Projection, Range, Terminator};

impl Ctx<'_> {
    /// Lowers `select!`; the branch that runs leaves its value in `dest`, if that is wanted. None if the body is none
    /// of a `select!`, else whether somebody has to drop the value.
    ///
    /// The futures are gone when a branch runs. What the wait gives has a variant for each branch: `_0`, `_1`, ….
    pub(super) fn select(&mut self, call: Call<'_>, dest: Option<Local>) -> Option<bool> {
        let Select { branches, is_async } = call.parse()?;
        let result = self.wait(&branches, is_async, call);
        let blocks: Vec<_> = branches.iter().map(|_| self.frame.b.new_block()).collect();
        let arm =
            |(index, (branch, target)): (usize, (&Branch, &_))| Arm { variant: branch.pattern.as_ref().map(|_| branch_name(index)), target: *target };
        let arms: Vec<Arm> = branches.iter().zip(&blocks).enumerate().map(arm).collect();
        let terminator = if arms.is_empty() { Terminator::Unreachable } else { Terminator::Switch { on: result, arms: arms.into() } };
        self.frame.b.terminate(terminator, call.range);
        let join = self.frame.b.new_block();
        let mut owned = false;
        for (index, (branch, block)) in branches.iter().zip(blocks).enumerate() {
            self.frame.b.switch_to(block);
            owned |= self.select_branch(index, branch, result, dest);
            self.frame.b.goto(join, call.range);
        }
        self.frame.b.switch_to(join);
        Some(owned)
    }

    /// Waits until a branch can run.
    fn wait(&mut self, branches: &[Branch], is_async: bool, call: Call<'_>) -> Local {
        for guard in branches.iter().filter_map(|it| it.guard.as_ref()) {
            self.condition_operand(guard);
        }
        let operands = branches.iter().flat_map(|it| &it.operands);
        if is_async {
            let futures = self.terminating(call.end, |ctx| {
                let futures = ctx.aggregate(AggregateKind::Tuple, operands, call.range);
                ctx.frame.take(futures);
                futures
            });
            self.await_value(futures, call.range)
        } else {
            let channels = operands.map(|it| self.borrowed(it)).collect();
            self.call(Callee::Macro(super::types::simple_path(&call.mac.path)), channels, call.range)
        }
    }

    fn select_branch(&mut self, index: usize, branch: &Branch, result: Local, dest: Option<Local>) -> bool {
        self.frame.push(Scope::variables());
        if let Some(pattern) = &branch.pattern {
            let place = Place::local(result).project(Projection::Variant(branch_name(index))).project(super::super::pattern::field(0));
            self.declare_bindings(pattern, Position::Refutable);
            self.bind(pattern, place, crate::ir::LoadKind::Bind, Position::Refutable);
        }
        let owned = self.body_into(&branch.body, dest);
        let body = self.expr_range(&branch.body);
        self.frame.pop(Range { start: body.end, end: body.end });
        owned
    }
}
