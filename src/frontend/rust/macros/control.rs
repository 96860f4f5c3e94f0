//! Macros that test, and those that leave.

use syn::Expr;

use super::super::context::Ctx;
use super::super::pattern::Position;
use super::super::scope::Scope;
use super::{Call, parse};
use crate::ir::{Arm, Const, LoadKind, Local, Name, OpKind, Operation, Place, Projection, Range, Terminator};

impl Ctx<'_> {
    pub(super) fn panic(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        self.formatted(&arguments, call);
        self.frame.b.terminate(Terminator::Raise, call.range);
        Some(self.never())
    }

    /// `assert!(condition, …)`.
    pub(super) fn assert(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        let (condition, message) = arguments.split_first()?;
        self.check(condition, call, |ctx| {
            ctx.formatted(message, call);
            ctx.frame.b.terminate(Terminator::Raise, call.range);
        });
        Some(self.unit(call.range))
    }

    /// `assert_eq!(left, right, …)` is a `match` on references to both.
    pub(super) fn assert_comparison(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        let [left, right, message @ ..] = arguments.as_slice() else { return None };
        let operands = [self.borrowed(left), self.borrowed(right)];
        let condition = self.compute(Operation::Compare, &operands, call.range);
        let (then, otherwise) = (self.frame.b.new_block(), self.frame.b.new_block());
        self.frame.b.terminate(Terminator::Branch { condition, then, otherwise }, call.range);
        self.frame.b.switch_to(otherwise);
        self.formatted(message, call);
        self.frame.b.terminate(Terminator::Raise, call.range);
        self.frame.b.switch_to(then);
        Some(self.unit(call.range))
    }

    /// `bail!(…)`: returns an error.
    pub(super) fn bail(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        self.formatted(&arguments, call);
        self.return_value(None, call.range);
        Some(self.never())
    }

    /// `ensure!(condition, …)`.
    pub(super) fn ensure(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        let (condition, message) = arguments.split_first()?;
        self.check(condition, call, |ctx| {
            ctx.formatted(message, call);
            ctx.return_value(None, call.range);
        });
        Some(self.unit(call.range))
    }

    /// Goes on where `condition` holds; `failed`, which leaves, lowers the other way.
    fn check(&mut self, condition: &Expr, call: Call<'_>, failed: impl FnOnce(&mut Self)) {
        let (then, otherwise) = (self.frame.b.new_block(), self.frame.b.new_block());
        self.branch(condition, then, otherwise);
        self.frame.b.switch_to(otherwise);
        self.terminating(call.end, failed);
        self.frame.b.switch_to(then);
    }

    /// `matches!(value, pattern if guard)`.
    pub(super) fn matches(&mut self, call: Call<'_>) -> Option<Local> {
        let parse::Matches { value, pattern, guard } = call.parse()?;
        let dest = self.frame.b.temp();
        let (failed, join) = (self.frame.b.new_block(), self.frame.b.new_block());
        let scrutinee = self.scrutinee(&value);
        let matched = self.test(&pattern, scrutinee.on, failed, call.range);
        self.frame.b.switch_to(matched);
        let depth = self.frame.depth();
        self.frame.push(Scope::both());
        if let Some(guard) = &guard {
            let kind = if scrutinee.kind == LoadKind::Bind { LoadKind::Borrow } else { scrutinee.kind };
            self.declare_bindings(&pattern, Position::Refutable);
            self.bind(&pattern, scrutinee.place, kind, Position::Refutable);
            self.condition(guard, failed, depth);
        }
        self.set_bool(dest, true, call.range);
        self.frame.pop(call.end);
        self.frame.b.goto(join, call.range);
        self.frame.b.switch_to(failed);
        self.set_bool(dest, false, call.range);
        self.frame.b.fall_into(join, call.range);
        Some(dest)
    }

    fn set_bool(&mut self, dest: Local, value: bool, range: Range) {
        let value = self.frame.b.constant(Const::Bool(value), range);
        self.init(dest, value, range);
    }

    /// `try!(value)` is `value?`.
    pub(super) fn try_macro(&mut self, call: Call<'_>) -> Option<Local> {
        let value: Expr = call.parse()?;
        let value = self.value(&value);
        Some(self.question_mark(value, call.range))
    }

    /// `ready!(value)`: returns while there is nothing.
    pub(super) fn ready(&mut self, call: Call<'_>) -> Option<Local> {
        let value: Expr = call.parse()?;
        let value = self.operand(&value);
        let (ready, pending) = (self.frame.b.new_block(), self.frame.b.new_block());
        let variant = Name::new("Ready");
        let arms = vec![Arm { variant: Some(variant), target: ready }, Arm { variant: Some(Name::new("Pending")), target: pending }];
        self.frame.b.terminate(Terminator::Switch { on: value, arms: arms.into() }, call.range);
        self.frame.b.switch_to(pending);
        self.return_value(None, call.range);
        self.frame.b.switch_to(ready);
        let place = Place::local(value).project(Projection::Variant(variant)).project(Projection::Field(Name::new("0")));
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Load { dest, place, kind: LoadKind::Bind }, call.range);
        Some(dest)
    }
}
