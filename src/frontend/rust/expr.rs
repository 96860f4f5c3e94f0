//! Expressions: which form is lowered how, and what is simple enough to be lowered here.
//!
//! * [`Ctx::value`] evaluates to a local; a value that needs a drop is left scheduled.
//! * [`Ctx::operand`] is a value that is consumed: nobody drops it here.
//! * [`Ctx::place`] names a place, or a temporary with the value ([`super::place`]).
//! * [`Ctx::effect`] evaluates for the effect alone.
//! * [`Ctx::into`] leaves the value of one way of a branching expression in the local they share.

use smallvec::SmallVec;
use syn::{BinOp, Expr, ExprBinary, ExprRange, ExprReference, ExprStruct, Lit, Member, PointerMutability, UnOp};

use super::context::Ctx;
use super::{span, types};
use crate::ir::{AggregateKind, Const, LoadKind, Local, Name, OpKind, Operation, Range, Terminator};

/// Longer string literals are not kept.
const MAX_STRING: usize = 256;

impl Ctx<'_> {
    /// Evaluates `expr`. What needs a drop is scheduled in the innermost scope of temporaries.
    pub(super) fn value(&mut self, expr: &Expr) -> Local {
        self.deeper(|ctx| ctx.value_here(expr))
    }

    fn value_here(&mut self, expr: &Expr) -> Local {
        let range = self.expr_range(expr);
        match expr {
            Expr::Paren(it) => self.value(&it.expr),
            Expr::Group(it) => self.value(&it.expr),
            Expr::Unary(it) if matches!(it.op, UnOp::Deref(_)) => self.read_place(expr, range),
            Expr::Await(_) | Expr::Call(_) | Expr::Field(_) | Expr::Index(_) | Expr::MethodCall(_) | Expr::Path(_) | Expr::Try(_) => {
                self.read_place(expr, range)
            }
            Expr::Array(it) => self.aggregate(AggregateKind::List, it.elems.iter(), range),
            Expr::Tuple(it) if it.elems.is_empty() => self.unit(range),
            Expr::Tuple(it) => self.aggregate(AggregateKind::Tuple, it.elems.iter(), range),
            Expr::Repeat(it) => self.aggregate(AggregateKind::List, [&*it.expr], range),
            Expr::Struct(it) => self.struct_literal(it, range),
            Expr::Assign(it) => {
                self.assign(&it.left, &it.right, range);
                self.unit(range)
            }
            Expr::Binary(it) if matches!(it.op, BinOp::And(_) | BinOp::Or(_)) => self.short_circuit(it, range),
            Expr::Binary(it) if is_assignment(&it.op) => {
                self.update(&it.left, &it.right, range);
                self.unit(range)
            }
            Expr::Binary(_) | Expr::Cast(_) => self.operators(expr),
            Expr::Unary(it) => {
                let operand = self.operand(&it.expr);
                let operation = if matches!(it.op, UnOp::Not(_)) { Operation::Not } else { Operation::Arithmetic };
                self.compute(operation, &[operand], range)
            }
            Expr::Lit(it) => self.frame.b.constant(constant(&it.lit), range),
            Expr::Range(it) => self.range_literal(it, range),
            Expr::Reference(it) => self.reference(it, range),
            Expr::RawAddr(it) => {
                let kind = if matches!(it.mutability, PointerMutability::Mut(_)) { LoadKind::BorrowMut } else { LoadKind::Borrow };
                let place = self.place(&it.expr);
                self.frame.b.load(place, kind, range)
            }
            Expr::Async(it) => self.async_block(it),
            Expr::Closure(it) => self.closure(it),
            Expr::Block(it) if it.label.is_none() => self.block_value(&it.block),
            Expr::Const(it) => self.block_value(&it.block),
            Expr::Unsafe(it) => self.block_value(&it.block),
            Expr::Block(_) | Expr::If(_) | Expr::Loop(_) | Expr::Match(_) | Expr::TryBlock(_) => {
                let dest = self.frame.b.temp();
                if self.into(expr, Some(dest)) {
                    self.frame.schedule(dest);
                }
                dest
            }
            Expr::Let(it) => {
                self.scrutinee(&it.expr);
                self.unknown(range)
            }
            Expr::ForLoop(_) | Expr::While(_) => {
                self.into(expr, None);
                self.unit(range)
            }
            Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => self.jump(expr),
            Expr::Macro(it) => self.macro_value(&it.mac),
            Expr::Yield(it) => {
                let value = it.expr.as_ref().map(|it| self.operand(it));
                self.frame.b.function.is_generator = true;
                let dest = self.owned_temp();
                self.frame.b.push(OpKind::Yield { dest, value, from: false }, range);
                dest
            }
            Expr::Infer(_) => self.unknown(range),
            _ => {
                self.lose(range, "an expression that is not stable Rust");
                self.unknown(range)
            }
        }
    }

    /// Evaluates `expr` for someone who consumes it.
    pub(super) fn operand(&mut self, expr: &Expr) -> Local {
        let value = self.value(expr);
        self.frame.take(value);
        value
    }

    /// Evaluates operands in order. They are consumed when all are there: until then a jump drops them.
    pub(super) fn operands<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Vec<Local> {
        let values: Vec<Local> = exprs.into_iter().map(|it| self.value(it)).collect();
        for value in &values {
            self.frame.take(*value);
        }
        values
    }

    /// Evaluates `expr` for its effect.
    pub(super) fn effect(&mut self, expr: &Expr) {
        self.deeper(|ctx| match expr {
            Expr::Paren(it) => ctx.effect(&it.expr),
            Expr::Assign(it) => {
                let range = ctx.expr_range(expr);
                ctx.assign(&it.left, &it.right, range);
            }
            Expr::Binary(it) if is_assignment(&it.op) => {
                let range = ctx.expr_range(expr);
                ctx.update(&it.left, &it.right, range);
            }
            _ if is_branching(expr) => {
                ctx.into(expr, None);
            }
            Expr::Macro(it) => ctx.macro_effect(&it.mac),
            Expr::Tuple(it) if it.elems.is_empty() => {}
            _ => {
                ctx.value(expr);
            }
        });
    }

    /// Evaluates one way of a branching expression, and leaves its value in `dest`, if that is wanted. Gives whether
    /// somebody has to drop it.
    pub(super) fn into(&mut self, expr: &Expr, dest: Option<Local>) -> bool {
        self.deeper(|ctx| match expr {
            Expr::Paren(it) => ctx.into(&it.expr, dest),
            Expr::Block(it) => ctx.labeled_block(it, dest),
            Expr::Const(it) => ctx.block_into(&it.block, dest),
            Expr::Unsafe(it) => ctx.block_into(&it.block, dest),
            Expr::TryBlock(it) => ctx.try_block(it, dest),
            Expr::If(it) => ctx.if_expr(it, dest),
            Expr::Match(it) => ctx.match_expr(it, dest),
            Expr::Loop(it) => ctx.loop_expr(it, dest),
            Expr::While(it) => {
                ctx.while_loop(it);
                ctx.unit_into(expr, dest)
            }
            Expr::ForLoop(it) => {
                ctx.for_loop(it);
                ctx.unit_into(expr, dest)
            }
            _ => match dest {
                Some(dest) => {
                    let value = ctx.value(expr);
                    ctx.store_into(value, dest, expr)
                }
                None => {
                    ctx.effect(expr);
                    false
                }
            },
        })
    }

    fn unit_into(&mut self, expr: &Expr, dest: Option<Local>) -> bool {
        if let Some(dest) = dest {
            let range = self.expr_range(expr);
            let value = self.unit(range);
            self.init(dest, value, range);
        }
        false
    }

    fn store_into(&mut self, value: Local, dest: Local, expr: &Expr) -> bool {
        let range = self.expr_range(expr);
        let owned = self.frame.take(value);
        self.init(dest, value, range);
        // What does not go on owns nothing.
        owned && self.frame.b.is_live()
    }

    pub(super) fn aggregate<'e>(&mut self, kind: AggregateKind, elements: impl IntoIterator<Item = &'e Expr>, range: Range) -> Local {
        let operands = self.operands(elements);
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Aggregate { dest, kind, fields: Default::default(), operands: operands.into() }, range);
        dest
    }

    fn struct_literal(&mut self, literal: &ExprStruct, range: Range) -> Local {
        let mut fields: Vec<Name> = literal.fields.iter().map(|it| member(&it.member)).collect();
        let values: Vec<Local> = literal.fields.iter().map(|it| self.value(&it.expr)).collect();
        // What is not moved out of a base that is a temporary is dropped with it.
        let base = literal.rest.as_ref().map(|it| if is_place(it) { self.operand(it) } else { self.value(it) });
        for value in &values {
            self.frame.take(*value);
        }
        fields.extend(base.map(|_| Name::new("..")));
        let operands = values.into_iter().chain(base).collect();
        let kind = AggregateKind::Struct(types::path(literal.qself.as_ref(), &literal.path));
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Aggregate { dest, kind, fields: fields.into(), operands }, range);
        dest
    }

    fn reference(&mut self, reference: &ExprReference, range: Range) -> Local {
        let place = self.place(&reference.expr);
        self.extend_operand(reference, &place);
        let kind = if reference.mutability.is_some() { LoadKind::BorrowMut } else { LoadKind::Borrow };
        self.frame.b.load(place, kind, range)
    }

    fn range_literal(&mut self, it: &ExprRange, range: Range) -> Local {
        let operands = self.operands(it.start.as_deref().into_iter().chain(it.end.as_deref()));
        self.compute(Operation::Slice, &operands, range)
    }

    /// A chain of infix operators and casts, from the left, in a loop: `a + b as T + …` can be long.
    fn operators(&mut self, expr: &Expr) -> Local {
        let mut links: SmallVec<[&Expr; 4]> = SmallVec::new();
        let mut leftmost = expr;
        loop {
            let inner = match leftmost {
                Expr::Binary(it) if !is_assignment(&it.op) && !is_logical(&it.op) => &it.left,
                Expr::Cast(it) => &it.expr,
                _ => break,
            };
            links.push(leftmost);
            leftmost = inner;
        }
        let start = span::first(leftmost);
        let mut left = self.value(leftmost);
        let mut left_is_place = is_place(leftmost);
        for link in links.into_iter().rev() {
            let range = self.range_between(start, span::last(link));
            left = match link {
                Expr::Binary(it) if is_comparison(&it.op) => {
                    let right = self.value(&it.right);
                    // Comparing borrows. What was read from a place is a copy.
                    for (value, is_copy) in [(left, left_is_place), (right, is_place(&it.right))] {
                        if is_copy {
                            self.frame.take(value);
                        }
                    }
                    let equality = matches!(it.op, BinOp::Eq(_) | BinOp::Ne(_));
                    self.compute(if equality { Operation::Compare } else { Operation::Order }, &[left, right], range)
                }
                Expr::Binary(it) => {
                    let right = self.value(&it.right);
                    self.frame.take(left);
                    self.frame.take(right);
                    self.compute(Operation::Arithmetic, &[left, right], range)
                }
                _ => {
                    self.frame.take(left);
                    self.compute(Operation::Cast, &[left], range)
                }
            };
            left_is_place = false;
        }
        left
    }

    /// `a && b`, `a || b` as a value: the operands are evaluated in turn until one decides.
    fn short_circuit(&mut self, it: &ExprBinary, range: Range) -> Local {
        let is_and = matches!(it.op, BinOp::And(_));
        let dest = self.frame.b.temp();
        let join = self.frame.b.new_block();
        let operands = chain(it);
        for (index, operand) in operands.iter().enumerate() {
            let operand_range = self.expr_range(operand);
            let value = self.condition_operand(operand);
            self.init(dest, value, operand_range);
            if index + 1 < operands.len() {
                let next = self.frame.b.new_block();
                let (then, otherwise) = if is_and { (next, join) } else { (join, next) };
                self.frame.b.terminate(Terminator::Branch { condition: value, then, otherwise }, operand_range);
                self.frame.b.switch_to(next);
            }
        }
        self.frame.b.fall_into(join, range);
        dest
    }
}

/// The operands of a chain of one logical operator: `a && b && c`.
pub(super) fn chain(it: &ExprBinary) -> Vec<&Expr> {
    let mut operands = vec![&*it.right];
    let mut left = &*it.left;
    while let Expr::Binary(inner) = left
        && std::mem::discriminant(&inner.op) == std::mem::discriminant(&it.op)
    {
        operands.push(&inner.right);
        left = &inner.left;
    }
    operands.push(left);
    operands.reverse();
    operands
}

pub(super) fn unparenthesized(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Paren(it) => &it.expr,
            Expr::Group(it) => &it.expr,
            _ => return expr,
        }
    }
}

/// Whether `expr` names something that is there already, rather than makes a value.
pub(super) fn is_place(expr: &Expr) -> bool {
    match unparenthesized(expr) {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(it) => matches!(it.op, UnOp::Deref(_)),
        _ => false,
    }
}

/// Whether `expr` has ways that meet again, or is a block.
pub(super) fn is_branching(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Block(_)
            | Expr::Const(_)
            | Expr::ForLoop(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::TryBlock(_)
            | Expr::Unsafe(_)
            | Expr::While(_)
    )
}

fn is_logical(op: &BinOp) -> bool {
    matches!(op, BinOp::And(_) | BinOp::Or(_))
}

fn is_comparison(op: &BinOp) -> bool {
    matches!(op, BinOp::Eq(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Ne(_) | BinOp::Ge(_) | BinOp::Gt(_))
}

/// `+=` and kin.
pub(super) fn is_assignment(op: &BinOp) -> bool {
    !is_logical(op)
        && !is_comparison(op)
        && !matches!(
            op,
            BinOp::Add(_)
                | BinOp::Sub(_)
                | BinOp::Mul(_)
                | BinOp::Div(_)
                | BinOp::Rem(_)
                | BinOp::BitXor(_)
                | BinOp::BitAnd(_)
                | BinOp::BitOr(_)
                | BinOp::Shl(_)
                | BinOp::Shr(_)
        )
}

/// The name of a field: `stats`, `0`.
pub(super) fn member(member: &Member) -> Name {
    match member {
        Member::Named(name) => types::ident(name),
        Member::Unnamed(index) => Name::new(&index.index.to_string()),
    }
}

pub(super) fn constant(literal: &Lit) -> Const {
    match literal {
        Lit::Bool(it) => Const::Bool(it.value),
        Lit::Int(it) => it.base10_parse().map_or_else(|_| Const::Number(Name::new(it.base10_digits())), Const::Int),
        Lit::Float(it) => Const::Number(Name::new(it.base10_digits())),
        Lit::Str(it) => {
            let text = it.value();
            if text.len() <= MAX_STRING { Const::Str(Name::new(&text)) } else { Const::Other }
        }
        _ => Const::Other,
    }
}
