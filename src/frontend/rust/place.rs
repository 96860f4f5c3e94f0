//! Places, and the chains of field accesses, calls, `?` and `.await` that are built on them.
//!
//! A chain is lowered in a loop from its root, each link turning the place so far into the next one: a field extends
//! it, a call takes it as its receiver and goes on with a temporary.

use smallvec::SmallVec;
use syn::{Expr, ExprCall, ExprMethodCall, Lit, UnOp};

use super::context::Ctx;
use super::expr::{constant, is_place, member, unparenthesized};
use super::scope::TargetKind;
use super::{span, types};
use crate::ir::{Argument, ArgumentKind, Arm, Callee, LoadKind, Local, Name, OpKind, Place, Projection, Range, Terminator};

impl Ctx<'_> {
    /// The place that `expr` names, or a temporary with its value.
    pub(super) fn place(&mut self, expr: &Expr) -> Place {
        self.deeper(|ctx| ctx.place_here(expr))
    }

    fn place_here(&mut self, expr: &Expr) -> Place {
        let mut links: SmallVec<[&Expr; 8]> = SmallVec::new();
        let mut root = expr;
        loop {
            let inner = match root {
                Expr::Await(it) => &it.base,
                Expr::Call(it) if !matches!(unparenthesized(&it.func), Expr::Path(_)) => &it.func,
                Expr::Field(it) => &it.base,
                Expr::Index(it) => &it.expr,
                Expr::MethodCall(it) => &it.receiver,
                Expr::Try(it) => &it.expr,
                _ => break,
            };
            links.push(root);
            root = inner;
        }
        let mut place = self.root(root);
        if links.is_empty() {
            return place;
        }
        let start = span::first(root);
        for link in links.into_iter().rev() {
            let range = self.range_between(start, span::last(link));
            place = self.link(place, link, range);
        }
        place
    }

    fn root(&mut self, root: &Expr) -> Place {
        match root {
            Expr::Paren(it) => self.place(&it.expr),
            Expr::Group(it) => self.place(&it.expr),
            Expr::Path(it) => {
                let name = types::path(it.qself.as_ref(), &it.path);
                let is_plain = it.qself.is_none() && it.path.leading_colon.is_none() && it.path.segments.len() == 1;
                let local = if is_plain { self.lookup(name) } else { None };
                local.map_or_else(|| Place::global(name), Place::local)
            }
            Expr::Unary(it) if matches!(it.op, UnOp::Deref(_)) => self.place(&it.expr).project(Projection::Deref),
            Expr::Call(it) => Place::local(self.path_call(it)),
            other => Place::local(self.value(other)),
        }
    }

    /// The next place of a chain.
    fn link(&mut self, place: Place, link: &Expr, range: Range) -> Place {
        match link {
            Expr::Field(it) => place.project(Projection::Field(member(&it.member))),
            Expr::Index(it) => {
                let step = self.index(&it.index);
                place.project(step)
            }
            Expr::MethodCall(it) => Place::local(self.method_call(place, it, range)),
            Expr::Call(it) => {
                let callee = self.callee(place, range);
                let arguments = self.operands(&it.args);
                Place::local(self.call(callee, arguments, range))
            }
            Expr::Try(_) => {
                let value = self.read(place, range);
                Place::local(self.question_mark(value, range))
            }
            _ => {
                let value = self.read(place, range);
                Place::local(self.await_value(value, range))
            }
        }
    }

    /// Reads the place that `expr` names; its value, if it makes one.
    pub(super) fn read_place(&mut self, expr: &Expr, range: Range) -> Local {
        let place = self.place(expr);
        self.read(place, range)
    }

    fn index(&mut self, index: &Expr) -> Projection {
        match unparenthesized(index) {
            Expr::Lit(it) if matches!(it.lit, Lit::Int(_) | Lit::Str(_)) => Projection::Key(constant(&it.lit)),
            index => Projection::Index(self.operand(index)),
        }
    }

    fn method_call(&mut self, receiver: Place, it: &ExprMethodCall, range: Range) -> Local {
        let arguments = self.operands(&it.args);
        self.call(Callee::Method { receiver, name: types::ident(&it.method) }, arguments, range)
    }

    /// `f(x)`, `a::b(x)`; a local variable is called as a value.
    fn path_call(&mut self, it: &ExprCall) -> Local {
        let range = self.expr_range(&it.func);
        let callee = match self.root(unparenthesized(&it.func)) {
            Place { base: crate::ir::Base::Global(name), .. } => Callee::Path(name),
            place => self.callee(place, range),
        };
        let arguments = self.operands(&it.args);
        let range = self.range_between(span::first(&it.func), it.paren_token.span.close());
        self.call(callee, arguments, range)
    }

    /// A callee that is held in a place. Calling does not move it.
    fn callee(&mut self, place: Place, range: Range) -> Callee {
        Callee::Value(place.as_local().unwrap_or_else(|| self.frame.b.load(place, LoadKind::Borrow, range)))
    }

    /// Calls, and gives the result.
    pub(super) fn call(&mut self, callee: Callee, arguments: Vec<Local>, range: Range) -> Local {
        let arguments = arguments.into_iter().map(|value| Argument { kind: ArgumentKind::Positional, value }).collect();
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Call { dest, callee, arguments }, range);
        dest
    }

    /// `value.await`.
    pub(super) fn await_value(&mut self, value: Local, range: Range) -> Local {
        self.frame.take(value);
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Await { dest, value }, range);
        dest
    }

    /// `value?`: leaves the function, or the `try` block, unless there is a payload to go on with.
    pub(super) fn question_mark(&mut self, value: Local, range: Range) -> Local {
        self.frame.take(value);
        let (success, failure) = (self.frame.b.new_block(), self.frame.b.new_block());
        let variant = Name::new("?");
        let arms = vec![Arm { variant: Some(variant), target: success }, Arm { variant: None, target: failure }];
        self.frame.b.terminate(Terminator::Switch { on: value, arms: arms.into() }, range);
        self.frame.b.switch_to(failure);
        match self.frame.find_target(|it| it.kind == TargetKind::TryBlock) {
            Some((depth, target)) => {
                let (break_to, dest) = (target.break_to, target.dest);
                if let Some(dest) = dest {
                    self.init(dest, value, range);
                }
                self.frame.leave(depth, range);
                self.frame.b.goto(break_to, range);
            }
            None => {
                self.frame.leave(0, range);
                self.frame.b.terminate(Terminator::Return(None), range);
            }
        }
        self.frame.b.switch_to(success);
        let place = Place::local(value).project(Projection::Variant(variant)).project(Projection::Field(Name::new("0")));
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Load { dest, place, kind: LoadKind::Bind }, range);
        dest
    }

    /// A reference to what `expr` names or makes, for those that look at it and do not take it: a macro's arguments.
    pub(super) fn borrowed(&mut self, expr: &Expr) -> Local {
        if is_place(expr) {
            let range = self.expr_range(expr);
            let place = self.place(expr);
            self.frame.b.load(place, LoadKind::Borrow, range)
        } else {
            self.value(expr)
        }
    }
}
