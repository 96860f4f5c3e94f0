//! Conditions: what `if`, `while` and guards branch on.
//!
//! A condition without `let` drops its temporaries before it branches, each operand of `&&` and `||` for itself. Those
//! of a `let` live on: they, and what it binds, belong to the scope that the caller has pushed.

use syn::{BinOp, Expr, ExprLet, Lit, UnOp};

use super::context::Ctx;
use super::expr::{chain, unparenthesized};
use super::pattern::Position;
use crate::ir::{BlockId, Local, Range, Terminator};

impl Ctx<'_> {
    /// Goes on where `condition` holds. Where it does not, leaves the scopes above `depth` and goes to `otherwise`.
    pub(super) fn condition(&mut self, condition: &Expr, otherwise: BlockId, depth: usize) {
        let operands = match condition {
            Expr::Binary(it) if matches!(it.op, BinOp::And(_)) => chain(it),
            _ => vec![condition],
        };
        if !operands.iter().any(|it| matches!(it, Expr::Let(_))) {
            return self.plain_condition(condition, otherwise, depth);
        }
        for operand in operands {
            match operand {
                Expr::Let(it) => self.let_condition(it, otherwise, depth),
                operand => self.plain_condition(operand, otherwise, depth),
            }
        }
    }

    fn plain_condition(&mut self, condition: &Expr, otherwise: BlockId, depth: usize) {
        let then = self.frame.b.new_block();
        let range = self.expr_range(condition);
        let failed = self.way_out(otherwise, depth);
        self.branch(condition, then, failed);
        self.end_way_out(failed, otherwise, depth, range);
        self.frame.b.switch_to(then);
    }

    fn let_condition(&mut self, it: &ExprLet, otherwise: BlockId, depth: usize) {
        let range = self.expr_range(&it.expr);
        let scrutinee = self.scrutinee(&it.expr);
        let failed = self.way_out(otherwise, depth);
        let matched = self.test(&it.pat, scrutinee.on, failed, range);
        self.end_way_out(failed, otherwise, depth, range);
        self.frame.b.switch_to(matched);
        self.declare_bindings(&it.pat, Position::Refutable);
        self.bind(&it.pat, scrutinee.place, scrutinee.kind, Position::Refutable);
    }

    /// The block to go to on the way to `otherwise`: that one itself if nothing has to be dropped on the way.
    fn way_out(&mut self, otherwise: BlockId, depth: usize) -> BlockId {
        if self.frame.drops_above(depth) { self.frame.b.new_block() } else { otherwise }
    }

    fn end_way_out(&mut self, failed: BlockId, otherwise: BlockId, depth: usize, range: Range) {
        if failed != otherwise {
            self.frame.b.switch_to(failed);
            self.frame.leave(depth, range);
            self.frame.b.goto(otherwise, range);
        }
    }

    /// Ends the current block by a branch on a condition without `let`.
    pub(super) fn branch(&mut self, condition: &Expr, then: BlockId, otherwise: BlockId) {
        self.deeper(|ctx| {
            let range = ctx.expr_range(condition);
            match condition {
                Expr::Paren(it) => ctx.branch(&it.expr, then, otherwise),
                Expr::Group(it) => ctx.branch(&it.expr, then, otherwise),
                Expr::Unary(it) if matches!(it.op, UnOp::Not(_)) => ctx.branch(&it.expr, otherwise, then),
                Expr::Lit(it) if matches!(it.lit, Lit::Bool(_)) => {
                    let holds = matches!(&it.lit, Lit::Bool(it) if it.value);
                    ctx.frame.b.goto(if holds { then } else { otherwise }, range);
                }
                Expr::Binary(it) if matches!(it.op, BinOp::And(_) | BinOp::Or(_)) => {
                    let is_and = matches!(it.op, BinOp::And(_));
                    let operands = chain(it);
                    let (last, before) = operands.split_last().expect("a binary operator has two operands");
                    for operand in before {
                        let next = ctx.frame.b.new_block();
                        let (then, otherwise) = if is_and { (next, otherwise) } else { (then, next) };
                        ctx.branch(operand, then, otherwise);
                        ctx.frame.b.switch_to(next);
                    }
                    ctx.branch(last, then, otherwise);
                }
                _ => {
                    let condition = ctx.condition_operand(condition);
                    ctx.frame.b.terminate(Terminator::Branch { condition, then, otherwise }, range);
                }
            }
        });
    }

    /// A value that decides a branch. Its temporaries are dropped right after it.
    pub(super) fn condition_operand(&mut self, operand: &Expr) -> Local {
        let range = self.expr_range(operand);
        self.terminating(Range { start: range.end, end: range.end }, |ctx| ctx.operand(unparenthesized(operand)))
    }
}
