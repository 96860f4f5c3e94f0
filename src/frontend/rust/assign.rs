//! Assignments.

use syn::{Expr, Lit};

use super::context::Ctx;
use super::expr::{is_place, member, unparenthesized};
use super::pattern::field;
use super::types;
use crate::ir::{Const, LoadKind, Local, Operation, Place, Projection, Range, StoreKind};

impl Ctx<'_> {
    /// `left = right`: the right side first. The store drops what was there.
    pub(super) fn assign(&mut self, left: &Expr, right: &Expr, range: Range) {
        match unparenthesized(left) {
            // `_ = place` moves nothing, `_ = value` drops it at the end of the statement.
            Expr::Infer(_) if is_place(right) => {
                self.place(right);
            }
            Expr::Infer(_) => {
                self.value(right);
            }
            Expr::Tuple(_) | Expr::Array(_) | Expr::Struct(_) | Expr::Call(_) => {
                let value = self.value(right);
                self.destructure(left, Place::local(value));
            }
            left => {
                // Until the store the value is here: finding the place may leave.
                let value = self.value(right);
                let place = self.place(left);
                self.frame.take(value);
                self.frame.b.store(place, value, StoreKind::Assign, range);
            }
        }
    }

    /// `(a, b) = value`: each target takes its part.
    fn destructure(&mut self, target: &Expr, part: Place) {
        self.deeper(|ctx| match unparenthesized(target) {
            Expr::Infer(_) => {}
            Expr::Tuple(it) => ctx.destructure_elements(it.elems.iter().collect(), &part, field),
            Expr::Array(it) => ctx.destructure_elements(it.elems.iter().collect(), &part, |index| Projection::Key(Const::Int(index))),
            Expr::Call(it) => {
                let variant = match &*it.func {
                    Expr::Path(path) => path.path.segments.last().map(|it| types::ident(&it.ident)),
                    _ => None,
                };
                let payload = variant.into_iter().fold(part, |part, it| part.project(Projection::Variant(it)));
                ctx.destructure_elements(it.args.iter().collect(), &payload, field);
            }
            Expr::Struct(it) => {
                for field in &it.fields {
                    ctx.destructure(&field.expr, part.project(Projection::Field(member(&field.member))));
                }
            }
            target => {
                let range = ctx.expr_range(target);
                let value = ctx.frame.b.load(part, LoadKind::Bind, range);
                let place = ctx.place(target);
                ctx.frame.b.store(place, value, StoreKind::Assign, range);
            }
        });
    }

    fn destructure_elements(&mut self, targets: Vec<&Expr>, part: &Place, step: impl Fn(i64) -> Projection) {
        let is_rest = |it: &&Expr| matches!(it, Expr::Range(range) if range.start.is_none() && range.end.is_none());
        let count = targets.len() as i64;
        let rest = targets.iter().position(is_rest).map_or(count, |it| it as i64);
        for (index, target) in (0..).zip(targets).filter(|(index, _)| *index != rest) {
            let index = if index < rest { index } else { index - count };
            self.destructure(target, (*part).project(step(index)));
        }
    }

    /// `left += right`. Of primitives the right side is evaluated first; where it is a reference or a string, which no
    /// primitive operator takes, the left one is.
    pub(super) fn update(&mut self, left: &Expr, right: &Expr, range: Range) {
        let is_overloaded = match unparenthesized(right) {
            Expr::Reference(_) => true,
            Expr::Lit(it) => matches!(it.lit, Lit::Str(_)),
            _ => false,
        };
        let (place, old, value) = if is_overloaded {
            let (place, old) = self.old_value(left);
            (place, old, self.operand(right))
        } else {
            let value = self.value(right);
            let (place, old) = self.old_value(left);
            self.frame.take(value);
            (place, old, value)
        };
        let new = self.compute(Operation::Arithmetic, &[old, value], range);
        self.frame.b.store(place, new, StoreKind::Update, range);
    }

    fn old_value(&mut self, left: &Expr) -> (Place, Local) {
        let range = self.expr_range(left);
        let place = self.place(left);
        let old = self.frame.b.load(place, LoadKind::Value, range);
        (place, old)
    }
}
