//! Branches, loops and jumps.

use proc_macro2::Span;
use syn::{Block, Expr, ExprBlock, ExprForLoop, ExprIf, ExprLoop, ExprMatch, ExprTryBlock, ExprWhile, Label, Lifetime, Pat};

use super::Edition;
use super::context::Ctx;
use super::pattern::{Position, Scrutinee, plain_variable};
use super::scope::{Scope, Target, TargetKind};
use super::{span, types};
use crate::ir::{Arm, BlockId, LoadKind, Local, Name, OpKind, Place, Projection, Range, Terminator};

impl Ctx<'_> {
    pub(super) fn if_expr(&mut self, it: &ExprIf, dest: Option<Local>) -> bool {
        let range = self.range_between(it.if_token.span, span::last(&it.cond));
        let around = self.frame.b.statement();
        self.begin_head(range);
        let join = self.frame.b.new_block();
        // Without a value and an `else` there is nothing to do on the other way.
        let otherwise = if it.else_branch.is_none() && dest.is_none() { join } else { self.frame.b.new_block() };
        let depth = self.frame.depth();
        // Up to 2021 the temporaries of `if let` belong to what is around the `if`.
        self.frame.push(if self.edition >= Edition::E2024 { Scope::both() } else { Scope::variables() });
        self.condition(&it.cond, otherwise, depth);
        let mut owned = self.body_block(&it.then_branch, dest);
        let end = self.range(it.then_branch.brace_token.span.close());
        self.frame.pop(end);
        self.frame.b.goto(join, range);
        if otherwise != join {
            self.frame.b.switch_to(otherwise);
            match (&it.else_branch, dest) {
                (Some((_, body)), _) => owned |= self.body_into(body, dest),
                (None, Some(dest)) => {
                    let value = self.unit(range);
                    self.init(dest, value, range);
                }
                (None, None) => {}
            }
            self.frame.b.goto(join, range);
        }
        self.frame.b.switch_to(join);
        self.frame.b.resume_statement(around);
        owned
    }

    /// A block that ends the lives of its temporaries: a loop's body, a way of an `if`.
    fn body_block(&mut self, block: &Block, dest: Option<Local>) -> bool {
        let end = self.range(block.brace_token.span.close());
        self.terminating(end, |ctx| ctx.block_into(block, dest))
    }

    pub(super) fn match_expr(&mut self, it: &ExprMatch, dest: Option<Local>) -> bool {
        let range = self.range_between(it.match_token.span, span::last(&it.expr));
        let around = self.frame.b.statement();
        self.begin_head(range);
        let scrutinee = self.scrutinee(&it.expr);
        let arms: Vec<MatchArm<'_>> = it.arms.iter().map(|arm| MatchArm::new(&arm.pat, &*arm.body, span::last(&arm.body))).collect();
        let owned = self.match_arms(&scrutinee, &arms, range, |ctx, arm| ctx.body_into(arm.body, dest));
        self.frame.b.resume_statement(around);
        owned
    }

    /// Tests `arms` in order, and goes on behind them. `body` lowers the body of the one that matched, and gives whether it left a
    /// value that somebody has to drop.
    pub(super) fn match_arms<'e, B: Copy>(
        &mut self,
        scrutinee: &Scrutinee,
        arms: &[MatchArm<'e, B>],
        range: Range,
        mut body: impl FnMut(&mut Self, &MatchArm<'e, B>) -> bool,
    ) -> bool {
        let join = self.frame.b.new_block();
        let mut owned = false;
        for (arm, start, next) in self.match_tests(scrutinee.on, arms, range) {
            self.frame.b.switch_to(start);
            self.frame.push(Scope::variables());
            self.declare_bindings(arm.pattern, Position::Refutable);
            let depth = self.frame.depth();
            if let (Some(guard), Some(next)) = (arm.guard, next) {
                // A guard looks at what it has not moved; when it fails, nothing was.
                let kind = if scrutinee.kind == LoadKind::Bind { LoadKind::Borrow } else { scrutinee.kind };
                self.bind(arm.pattern, scrutinee.place, kind, Position::Refutable);
                self.frame.push(Scope::both());
                self.condition(guard, next, depth);
            }
            self.bind(arm.pattern, scrutinee.place, scrutinee.kind, Position::Refutable);
            owned |= body(self, arm);
            let end = self.range(arm.end);
            let end = Range { start: end.end, end: end.end };
            while self.frame.depth() >= depth {
                self.frame.pop(end);
            }
            self.frame.b.goto(join, range);
        }
        self.frame.b.switch_to(join);
        owned
    }

    /// Makes the tests. Gives each arm with its block, and the block to go on in when its guard fails.
    ///
    /// Arms up to a guarded one are one `Switch`; the arms behind it, which are reached through its guard as well, begin another one.
    fn match_tests<'a, 'e, B>(
        &mut self,
        on: Local,
        arms: &'a [MatchArm<'e, B>],
        range: Range,
    ) -> Vec<(&'a MatchArm<'e, B>, BlockId, Option<BlockId>)> {
        let mut tests = Vec::new();
        let mut ways = Vec::with_capacity(arms.len());
        for arm in arms {
            let start = self.frame.b.new_block();
            self.add_arms(arm.pattern, start, &mut tests);
            let next = arm.guard.map(|_| {
                let next = self.frame.b.new_block();
                tests.push(Arm { variant: None, target: next });
                self.frame.b.terminate(Terminator::Switch { on, arms: std::mem::take(&mut tests).into() }, range);
                self.frame.b.switch_to(next);
                next
            });
            ways.push((arm, start, next));
        }
        let exhausted = if tests.is_empty() { Terminator::Unreachable } else { Terminator::Switch { on, arms: tests.into() } };
        self.frame.b.terminate(exhausted, range);
        ways
    }

    pub(super) fn loop_expr(&mut self, it: &ExprLoop, dest: Option<Local>) -> bool {
        let range = self.range(it.loop_token.span);
        let around = self.frame.b.statement();
        self.begin_head(range);
        let (head, exit) = self.begin_loop(it.label.as_ref(), dest, range);
        self.body_block(&it.body, None);
        self.frame.b.goto(head, range);
        let target = self.frame.forget();
        self.frame.b.switch_to(exit);
        self.frame.b.resume_statement(around);
        target.is_some_and(|it| it.owned)
    }

    pub(super) fn while_loop(&mut self, it: &ExprWhile) {
        let range = self.range_between(it.while_token.span, span::last(&it.cond));
        let end = self.range(it.body.brace_token.span.close());
        let around = self.frame.b.statement();
        self.begin_head(range);
        let (head, exit) = self.begin_loop(it.label.as_ref(), None, range);
        let depth = self.frame.depth();
        self.frame.push(Scope::both());
        self.condition(&it.cond, exit, depth);
        self.block_into(&it.body, None);
        self.frame.pop(end);
        self.frame.b.goto(head, range);
        self.frame.forget();
        self.frame.b.switch_to(exit);
        self.frame.b.resume_statement(around);
    }

    pub(super) fn for_loop(&mut self, it: &ExprForLoop) {
        let range = self.range_between(it.for_token.span, span::last(&it.expr));
        let end = self.range(it.body.brace_token.span.close());
        let around = self.frame.b.statement();
        self.begin_head(range);
        self.terminating(end, |ctx| {
            let iterated = ctx.expr_range(&it.expr);
            let value = ctx.value(&it.expr);
            let iterator = ctx.frame.b.temp();
            ctx.frame.b.push(OpKind::Iterate { dest: iterator, value, is_async: false }, iterated);
            let (head, exit) = ctx.begin_loop(it.label.as_ref(), None, range);
            ctx.round(&it.pat, iterator, exit, range);
            ctx.block_into(&it.body, None);
            ctx.frame.pop(end);
            ctx.frame.b.goto(head, range);
            ctx.frame.forget();
            ctx.frame.b.switch_to(exit);
        });
        self.frame.b.resume_statement(around);
    }

    /// Begins a round of a `for` loop: its scope holds the item.
    fn round(&mut self, pattern: &Pat, iterator: Local, exit: BlockId, range: Range) {
        let item = self.frame.b.temp();
        self.frame.b.push(OpKind::Next { dest: item, iterator }, range);
        let body = self.frame.b.new_block();
        let some = Name::new("Some");
        let arms = vec![Arm { variant: Some(some), target: body }, Arm { variant: Some(Name::new("None")), target: exit }];
        self.frame.b.terminate(Terminator::Switch { on: item, arms: arms.into() }, range);
        self.frame.b.switch_to(body);
        self.frame.push(Scope::both());
        if plain_variable(pattern).is_none() {
            self.frame.schedule(item);
        }
        let place = Place::local(item).project(Projection::Variant(some)).project(Projection::Field(Name::new("0")));
        self.declare_bindings(pattern, Position::Irrefutable);
        self.bind(pattern, place, LoadKind::Bind, Position::Irrefutable);
    }

    /// Begins a loop: goes on in its head. Gives the head and the exit.
    fn begin_loop(&mut self, label: Option<&Label>, dest: Option<Local>, range: Range) -> (BlockId, BlockId) {
        let (head, exit) = (self.frame.b.new_block(), self.frame.b.new_block());
        let kind = TargetKind::Loop { continue_to: head };
        self.frame.push(Scope::target(Target { label: label.map(|it| label_name(&it.name)), kind, break_to: exit, dest, owned: false }));
        self.frame.b.fall_into(head, range);
        (head, exit)
    }

    /// A block, perhaps with a label to break to.
    pub(super) fn labeled_block(&mut self, it: &ExprBlock, dest: Option<Local>) -> bool {
        match &it.label {
            None => self.block_into(&it.block, dest),
            Some(label) => self.block_with_exit(&it.block, Some(label_name(&label.name)), TargetKind::LabeledBlock, dest),
        }
    }

    pub(super) fn try_block(&mut self, it: &ExprTryBlock, dest: Option<Local>) -> bool {
        self.block_with_exit(&it.block, None, TargetKind::TryBlock, dest)
    }

    fn block_with_exit(&mut self, block: &Block, label: Option<Name>, kind: TargetKind, dest: Option<Local>) -> bool {
        let range = self.range(block.brace_token.span.close());
        let exit = self.frame.b.new_block();
        self.frame.push(Scope::target(Target { label, kind, break_to: exit, dest, owned: false }));
        let owned = self.block_into(block, dest);
        let target = self.frame.forget();
        self.frame.b.fall_into(exit, range);
        owned || target.is_some_and(|it| it.owned)
    }

    /// `break`, `continue`, `return`: what comes behind is unreachable.
    pub(super) fn jump(&mut self, expr: &Expr) -> Local {
        let range = self.expr_range(expr);
        match expr {
            Expr::Break(it) => self.break_expr(it.label.as_ref(), it.expr.as_deref(), range),
            Expr::Continue(it) => self.continue_expr(it.label.as_ref(), range),
            Expr::Return(it) => {
                let value = it.expr.as_ref().map(|it| self.operand(it));
                self.return_value(value, range);
            }
            _ => {}
        }
        self.never()
    }

    /// Leaves the function.
    pub(super) fn return_value(&mut self, value: Option<Local>, range: Range) {
        self.frame.leave(0, range);
        self.frame.b.terminate(Terminator::Return(value), range);
    }

    fn break_expr(&mut self, label: Option<&Lifetime>, value: Option<&Expr>, range: Range) {
        let is_meant = is_meant(label);
        let dest = self.frame.find_target(&is_meant).and_then(|(_, it)| it.dest);
        let owned = match (value, dest) {
            (Some(value), _) => self.into(value, dest),
            (None, Some(dest)) => {
                let value = self.unit(range);
                self.init(dest, value, range);
                false
            }
            (None, None) => false,
        };
        match self.frame.find_target(&is_meant) {
            Some((depth, target)) => {
                target.owned |= owned;
                let break_to = target.break_to;
                self.frame.leave(depth, range);
                self.frame.b.goto(break_to, range);
            }
            None => self.frame.b.terminate(Terminator::Unreachable, range),
        }
    }

    fn continue_expr(&mut self, label: Option<&Lifetime>, range: Range) {
        let target = self.frame.find_target(is_meant(label)).map(|(depth, it)| (depth, it.kind));
        match target {
            Some((depth, TargetKind::Loop { continue_to })) => {
                self.frame.leave(depth, range);
                self.frame.b.goto(continue_to, range);
            }
            _ => self.frame.b.terminate(Terminator::Unreachable, range),
        }
    }
}

/// A way of a `match`, or of a macro that is one.
#[derive(Clone, Copy)]
pub(super) struct MatchArm<'e, B = &'e Expr> {
    pub(super) pattern: &'e Pat,
    pub(super) guard: Option<&'e Expr>,
    pub(super) body: B,
    /// The last token of the body.
    pub(super) end: Span,
}

impl<'e, B> MatchArm<'e, B> {
    pub(super) fn new(pattern: &'e Pat, body: B, end: Span) -> Self {
        let (pattern, guard) = match pattern {
            Pat::Guard(it) => (&*it.pat, Some(&*it.guard)),
            pattern => (pattern, None),
        };
        MatchArm { pattern, guard, body, end }
    }
}

fn label_name(label: &Lifetime) -> Name {
    types::ident(&label.ident)
}

/// Which target a `break` or `continue` with this label means.
fn is_meant(label: Option<&Lifetime>) -> impl Fn(&Target) -> bool {
    let label = label.map(label_name);
    move |target| match label {
        Some(_) => target.label == label,
        None => matches!(target.kind, TargetKind::Loop { .. }),
    }
}
