//! Blocks and statements.
//!
//! A statement ends the lives of its temporaries; a block ends those of its variables. The temporaries of a block's
//! tail expression die before the variables from edition 2024 on; in earlier editions they belong to what is around
//! the block, and so die after them.

use proc_macro2::Span;
use syn::{Block, Expr, Item, Macro, Pat, Stmt};

use super::Edition;
use super::attributes;
use super::context::Ctx;
use super::expr::{is_place, unparenthesized};
use super::pattern::{Position, binds_by_ref, plain_variable};
use super::scope::Scope;
use super::span;
use crate::ir::{LoadKind, Local, Place, Range, StoreKind, Terminator};

/// The expression that gives a block its value.
#[derive(Clone, Copy)]
pub(super) enum Tail<'e> {
    Expr(&'e Expr),
    Macro(&'e Macro),
}

impl Ctx<'_> {
    /// A block as a value.
    pub(super) fn block_value(&mut self, block: &Block) -> Local {
        let (value, owned) = self.in_block(block, |ctx, tail| {
            let value = match tail {
                Some(Tail::Expr(expr)) => ctx.value(expr),
                Some(Tail::Macro(mac)) => ctx.macro_value(mac),
                None => {
                    let end = ctx.range(block.brace_token.span.close());
                    ctx.unit(end)
                }
            };
            (value, ctx.frame.take(value))
        });
        if owned {
            self.frame.schedule(value);
        }
        value
    }

    /// A block whose value goes to `dest`, if that is wanted. Gives whether somebody has to drop it.
    pub(super) fn block_into(&mut self, block: &Block, dest: Option<Local>) -> bool {
        self.in_block(block, |ctx, tail| match (tail, dest) {
            (Some(Tail::Expr(expr)), _) => ctx.into(expr, dest),
            (Some(Tail::Macro(mac)), None) => {
                ctx.macro_effect(mac);
                false
            }
            (Some(Tail::Macro(mac)), Some(dest)) => {
                let range = ctx.range_between(span::path_first(None, &mac.path), mac.delimiter.span().close());
                let value = ctx.macro_value(mac);
                let owned = ctx.frame.take(value);
                ctx.init(dest, value, range);
                owned && ctx.frame.b.is_live()
            }
            (None, Some(dest)) => {
                let end = ctx.range(block.brace_token.span.close());
                let value = ctx.unit(end);
                ctx.init(dest, value, end);
                false
            }
            (None, None) => false,
        })
    }

    /// Lowers the statements of `block`, and its tail with `f`.
    fn in_block<T>(&mut self, block: &Block, f: impl FnOnce(&mut Self, Option<Tail<'_>>) -> T) -> T {
        let end = self.range(block.brace_token.span.close());
        let around = self.frame.b.statement();
        self.frame.push(Scope::variables());
        let (tail, statements) = split_tail(&block.stmts);
        let left_out = attributes::alternatives(&block.stmts);
        for (statement, _) in statements.iter().zip(&left_out).filter(|it| !it.1) {
            self.statement(statement);
        }
        let result = match tail {
            None => f(self, None),
            Some(tail) => {
                let range = match tail {
                    Tail::Expr(expr) => self.head_range(expr),
                    Tail::Macro(mac) => self.range_between(span::path_first(None, &mac.path), mac.delimiter.span().close()),
                };
                self.frame.b.begin_statement(range);
                if self.edition >= Edition::E2024 {
                    self.terminating(Range { start: range.end, end: range.end }, |ctx| f(ctx, Some(tail)))
                } else {
                    f(self, Some(tail))
                }
            }
        };
        self.frame.b.resume_statement(around);
        self.frame.pop(end);
        result
    }

    pub(super) fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Local(it) => self.let_statement(it),
            Stmt::Item(it) => self.local_item(it),
            // A semicolon by itself.
            Stmt::Expr(Expr::Verbatim(tokens), _) if tokens.is_empty() => {}
            Stmt::Expr(expr, semicolon) => {
                let head = self.head_range(expr);
                let end = self.end_of_statement(semicolon.map(|it| it.span), span::last(expr));
                self.frame.b.begin_statement(if self.expr_range(expr) == head { head.join(end) } else { head });
                self.terminating(end, |ctx| ctx.effect(expr));
            }
            Stmt::Macro(it) => {
                let whole = self.range_between(span::path_first(None, &it.mac.path), it.mac.delimiter.span().close());
                let end = self.end_of_statement(it.semi_token.map(|it| it.span), it.mac.delimiter.span().close());
                self.frame.b.begin_statement(whole.join(end));
                if !self.macro_statements(&it.mac) {
                    self.terminating(end, |ctx| ctx.macro_effect(&it.mac));
                }
            }
        }
    }

    /// The semicolon; without one, the point after the last token.
    fn end_of_statement(&self, semicolon: Option<Span>, last: Span) -> Range {
        let last = self.range(last);
        semicolon.map_or(Range { start: last.end, end: last.end }, |it| self.range(it))
    }

    fn local_item(&mut self, item: &Item) {
        let around = self.frame.b.statement();
        self.item(item);
        self.frame.b.resume_statement(around);
    }

    fn let_statement(&mut self, it: &syn::Local) {
        let start = self.range(it.let_token.span);
        let end = self.range(it.semi_token.span);
        let Some(init) = &it.init else {
            self.frame.b.begin_statement(start.join(end));
            return self.declare_bindings(&it.pat, Position::Irrefutable);
        };
        let head = self.head_range(&init.expr);
        let whole = match &init.diverge {
            Some((else_token, _)) => self.range(else_token.span),
            None if head == self.expr_range(&init.expr) => end,
            None => head,
        };
        self.frame.b.begin_statement(start.join(whole));
        match &init.diverge {
            None => {
                let block = self.frame.variable_scope();
                self.frame.push(Scope::temporaries());
                self.bind_initialiser(&it.pat, &init.expr, block);
                self.frame.pop(end);
            }
            Some((_, otherwise)) => self.let_else(&it.pat, &init.expr, otherwise, whole),
        }
    }

    /// `let pattern = init`. What `init` makes and borrows for longer belongs to the scope at `block`.
    fn bind_initialiser(&mut self, pattern: &Pat, init: &Expr, block: Option<usize>) {
        let target = unparenthesized(init);
        if let Some(ident) = plain_variable(pattern) {
            let range = self.range(ident.span());
            let value = self.extended(init, block);
            self.frame.take(value);
            self.declare_bindings(pattern, Position::Irrefutable);
            if let Some(local) = self.frame.lookup(super::types::ident(ident)) {
                self.frame.b.store(Place::local(local), value, StoreKind::Init, range.join(self.expr_range(init)));
            }
        } else if let Some(parts) = parallel(pattern, target) {
            // `let (a, b) = (x, y)` builds no tuple.
            let values: Vec<Local> = parts.iter().map(|(_, init)| self.extended(init, block)).collect();
            for ((part, _), value) in parts.iter().zip(values) {
                self.bind_value(part, value);
            }
        } else {
            let (place, kind) = if is_place(target) {
                (self.place(target), LoadKind::Bind)
            } else if binds_by_ref(pattern) {
                (self.extended_place(target, block), LoadKind::Bind)
            } else if let Expr::Reference(it) = target {
                // The reference itself is not kept: the bindings borrow from what it refers to.
                let kind = if it.mutability.is_some() { LoadKind::BorrowMut } else { LoadKind::Borrow };
                (self.extended_place(&it.expr, block), kind)
            } else {
                (Place::local(self.extended(target, block)), LoadKind::Bind)
            };
            self.declare_bindings(pattern, Position::Irrefutable);
            self.bind(pattern, place, kind, Position::Irrefutable);
        }
    }

    /// `let pattern = init else { … }`: the temporaries are dropped before either way goes on.
    fn let_else(&mut self, pattern: &Pat, init: &Expr, otherwise: &Expr, end: Range) {
        let around = self.frame.b.statement();
        let depth = self.frame.depth();
        self.frame.push(Scope::temporaries());
        let scrutinee = self.scrutinee(init);
        let range = self.expr_range(init);
        let failed = self.frame.b.new_block();
        let matched = self.test(pattern, scrutinee.on, failed, range);
        self.frame.b.switch_to(failed);
        self.frame.leave(depth, end);
        let temporaries = self.frame.set_aside();
        self.effect(otherwise);
        // The block diverges; one that does not is no Rust.
        self.frame.b.terminate(Terminator::Unreachable, end);
        self.frame.b.resume_statement(around);
        self.frame.b.switch_to(matched);
        self.frame.push(temporaries.unwrap_or_default());
        self.declare_bindings(pattern, Position::Refutable);
        self.bind(pattern, scrutinee.place, scrutinee.kind, Position::Refutable);
        self.frame.pop(end);
    }

    /// The range of the statement that is `expr`: its head, up to the brace, if it has one.
    pub(super) fn head_range(&self, expr: &Expr) -> Range {
        self.range_between(span::first(expr), span::head_last(expr))
    }

    /// Begins the statement of a compound expression, unless its head is part of the current one.
    pub(super) fn begin_head(&mut self, expr: Range) {
        let current = self.frame.b.statement();
        let current = self.frame.b.function.statements.get(current.index()).map_or_else(Range::default, |it| it.range);
        if !current.contains(expr) {
            self.frame.b.begin_statement(expr);
        }
    }

    /// Lowers the body of an arm or the like, which is a statement of its own and ends the lives of its temporaries.
    pub(super) fn body_into(&mut self, body: &Expr, dest: Option<Local>) -> bool {
        let around = self.frame.b.statement();
        let whole = self.expr_range(body);
        let end = Range { start: whole.end, end: whole.end };
        let range = self.head_range(body);
        self.frame.b.begin_statement(range);
        let owned = self.terminating(end, |ctx| ctx.into(body, dest));
        self.frame.b.resume_statement(around);
        owned
    }
}

/// Whether a block gives the value of an expression.
pub(super) fn has_tail(block: &Block) -> bool {
    split_tail(&block.stmts).0.is_some()
}

/// The tail of a block, and the statements before it.
fn split_tail(statements: &[Stmt]) -> (Option<Tail<'_>>, &[Stmt]) {
    match statements.split_last() {
        Some((Stmt::Expr(expr, None), before)) => (Some(Tail::Expr(expr)), before),
        Some((Stmt::Macro(it), before)) if it.semi_token.is_none() => (Some(Tail::Macro(&it.mac)), before),
        _ => (None, statements),
    }
}

/// The parts of a tuple pattern and the elements of a tuple of the same length, in pairs.
fn parallel<'e>(pattern: &'e Pat, init: &'e Expr) -> Option<Vec<(&'e Pat, &'e Expr)>> {
    let (pattern, init) = match (pattern, init) {
        (Pat::Tuple(pattern), Expr::Tuple(init)) => (pattern, init),
        (Pat::Type(pattern), _) => return parallel(&pattern.pat, init),
        _ => return None,
    };
    let pairs = || pattern.elems.iter().zip(&init.elems);
    let is_whole = |(part, _): (&Pat, &Expr)| plain_variable(part).is_some() || matches!(part, Pat::Wild(_));
    (pattern.elems.len() == init.elems.len() && pairs().all(is_whole)).then(|| pairs().collect())
}
