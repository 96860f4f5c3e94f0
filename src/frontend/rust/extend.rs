//! Extended temporaries: `let x = &make();` keeps what `make` gave to the end of the block.
//!
//! The rules are those of the Rust reference, "Temporary lifetime extension": the operand of a borrow is extended
//! where the borrow is the initialiser itself or stands in it as a field, element, argument of a tuple struct or
//! variant, cast operand, block tail, or way of an `if` or `match`. Of the operand, what its outermost field accesses,
//! indexings and dereferences are based on is extended; a method's receiver is not.
//!
//! The borrows are found first and remembered by address while the initialiser is lowered, which is what rustc does by
//! node id.

use syn::{Block, Expr, ExprReference, Stmt};

use super::context::Ctx;
use super::types;
use crate::ir::{Base, Local, Place};

impl Ctx<'_> {
    /// Evaluates the initialiser of a `let`. Extended temporaries belong to the scope at `scope`; without one (in a
    /// static) they are never dropped.
    pub(super) fn extended(&mut self, init: &Expr, scope: Option<usize>) -> Local {
        self.with_extended(init, scope, |ctx| ctx.value(init))
    }

    /// The place of a `let` initialiser that the pattern borrows from.
    pub(super) fn extended_place(&mut self, init: &Expr, scope: Option<usize>) -> Place {
        let place = self.with_extended(init, scope, |ctx| ctx.place(init));
        self.extend(&place, scope);
        place
    }

    fn with_extended<T>(&mut self, init: &Expr, scope: Option<usize>, f: impl FnOnce(&mut Self) -> T) -> T {
        let mut borrows = Vec::new();
        extending_borrows(init, &mut borrows);
        self.extended_borrows.extend(borrows.iter().map(|it| (*it, scope)));
        let result = f(self);
        for borrow in borrows {
            self.extended_borrows.remove(&borrow);
        }
        result
    }

    /// Extends the temporary that the operand of `borrow` is based on, if the rules say so.
    pub(super) fn extend_operand(&mut self, borrow: &ExprReference, operand: &Place) {
        if let Some(scope) = self.extended_borrows.get(&std::ptr::from_ref(borrow)) {
            self.extend(operand, *scope);
        }
    }

    fn extend(&mut self, place: &Place, scope: Option<usize>) {
        if let Base::Local(local) = place.base
            && self.is_temporary(local)
        {
            self.frame.reschedule(local, scope);
        }
    }
}

fn extending_borrows(expr: &Expr, borrows: &mut Vec<*const ExprReference>) {
    match expr {
        Expr::Reference(it) => {
            borrows.push(it);
            extending_borrows(&it.expr, borrows);
        }
        Expr::Paren(it) => extending_borrows(&it.expr, borrows),
        Expr::Group(it) => extending_borrows(&it.expr, borrows),
        Expr::Cast(it) => extending_borrows(&it.expr, borrows),
        Expr::Array(it) => it.elems.iter().for_each(|it| extending_borrows(it, borrows)),
        Expr::Tuple(it) => it.elems.iter().for_each(|it| extending_borrows(it, borrows)),
        Expr::Struct(it) => it.fields.iter().for_each(|it| extending_borrows(&it.expr, borrows)),
        Expr::Call(it) if is_constructor(&it.func) => it.args.iter().for_each(|it| extending_borrows(it, borrows)),
        Expr::Block(it) => in_tail(&it.block, borrows),
        Expr::Unsafe(it) => in_tail(&it.block, borrows),
        Expr::If(it) => {
            in_tail(&it.then_branch, borrows);
            if let Some((_, otherwise)) = &it.else_branch {
                extending_borrows(otherwise, borrows);
            }
        }
        Expr::Match(it) => it.arms.iter().for_each(|it| extending_borrows(&it.body, borrows)),
        _ => {}
    }
}

fn in_tail(block: &Block, borrows: &mut Vec<*const ExprReference>) {
    if let Some(Stmt::Expr(tail, None)) = block.stmts.last() {
        extending_borrows(tail, borrows);
    }
}

/// Whether a call is of a tuple struct or variant, as far as its spelling tells: `Some(…)`.
fn is_constructor(callee: &Expr) -> bool {
    match callee {
        Expr::Path(it) => types::simple_path(&it.path).last().starts_with(char::is_uppercase),
        _ => false,
    }
}
