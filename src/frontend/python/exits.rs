//! What a jump has to pass on its way out: `with`, `finally`, and the jumps themselves (`return`, `break`, `continue`).
//!
//! The scopes around a statement are a stack. A jump walks it outwards: from a `with` it takes the exit of the context
//! manager along, at a `finally` it goes through that block. A `finally` body is lowered once for each *kind* of exit
//! (normal, exception, `return`, `break`, `continue`), so that the paths stay apart, and jumps of one kind share a copy.
//!
//! Nested in each other such copies could grow exponentially. They draw on a budget proportional to the file; when it
//! is spent, a `finally` body is lowered once, all exits go through it, and a `Switch` on an opaque value behind it
//! leads to all their targets.

use super::context::Ctx;
use super::syntax::{Field, Kind, Node, Nodes, Token};
use crate::ir::{Arm, BlockId, Const, Local, OpKind, Place, Range, Stmt, StoreKind, Terminator};

/// The kinds of exit of one `finally`: normal, exception, `return`, `break`, `continue`.
const MOST_COPIES: usize = 5;

/// In more scopes than this, jumps share their way out through `with`, too: each taking its own is quadratic.
const MOST_SCOPES: usize = 32;

/// One scope around the current statement.
pub(super) enum Scope<'t> {
    Loop {
        on_break: BlockId,
        on_continue: BlockId,
    },
    With {
        entered: Entered,
        /// The ways out that later jumps can join.
        copies: Vec<(Exit, BlockId)>,
    },
    Finally(Finally<'t>),
}

/// A context manager that was entered.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    manager: Local,
    is_async: bool,
    /// Where exceptions go outside it.
    outer: Option<BlockId>,
    /// Where exceptions from inside leave it.
    cleanup: BlockId,
    stmt: Stmt,
    range: Range,
}

pub(super) struct Finally<'t> {
    body: Node<'t>,
    outer: Option<BlockId>,
    copies: Vec<(Exit, BlockId)>,
    /// The only copy, when there is no more than one: all exits go there.
    shared: Option<BlockId>,
}

/// A jump out of scopes; loops by their index in the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Break(usize),
    Continue(usize),
    Return(Option<Local>),
}

impl Scope<'_> {
    /// Where an earlier jump of the same kind goes on from this scope.
    fn copy(&self, exit: Exit) -> Option<BlockId> {
        match self {
            Scope::Loop { .. } => None,
            Scope::With { copies, .. } | Scope::Finally(Finally { copies, .. }) => copies.iter().find(|it| it.0 == exit).map(|it| it.1),
        }
    }
}

impl<'t> Ctx<'t> {
    /// `break`, `continue`.
    pub(super) fn leave_loop(&mut self, node: Node<'t>) {
        let Some(index) = self.frame.exits.iter().rposition(|it| matches!(it, Scope::Loop { .. })) else {
            self.lose(node.range(), "outside a loop");
            return;
        };
        let exit = if node.kind() == Kind::BreakStatement { Exit::Break(index) } else { Exit::Continue(index) };
        self.leave(exit, node.range());
    }

    pub(super) fn return_value(&mut self, value: Option<Local>, range: Range) {
        let shares = self.shares_ways() || self.frame.exits.iter().any(|it| matches!(it, Scope::Finally(_)));
        if !shares {
            return self.leave(Exit::Return(value), range);
        }
        // Several `return`s share one way out: the value waits in a local.
        let value = value.unwrap_or_else(|| self.constant_op(Const::None, range));
        let slot = *self.frame.returned.get_or_insert_with(|| self.frame.b.temp());
        self.frame.b.store(Place::local(slot), value, StoreKind::Assign, range);
        self.leave(Exit::Return(Some(slot)), range);
    }

    fn shares_ways(&self) -> bool {
        self.frame.exits.len() > MOST_SCOPES
    }

    /// Jumps, through everything between here and the target. The builder then stands in a fresh block.
    fn leave(&mut self, exit: Exit, range: Range) {
        let (unwind, stmt) = (self.frame.b.unwind(), self.frame.b.statement());
        if self.pass_scopes(exit, range) {
            match exit {
                Exit::Return(value) => self.frame.b.terminate(Terminator::Return(value), range),
                Exit::Break(index) | Exit::Continue(index) => {
                    if let Some(Scope::Loop { on_break, on_continue }) = self.frame.exits.get(index) {
                        let target = if matches!(exit, Exit::Break(_)) { *on_break } else { *on_continue };
                        self.frame.b.goto(target, range);
                    }
                }
            }
        }
        self.frame.b.set_unwind(unwind);
        self.frame.b.resume_statement(stmt);
    }

    /// Goes outwards through the scopes that `exit` leaves; false when it joined a jump that went the rest of the way.
    fn pass_scopes(&mut self, exit: Exit, range: Range) -> bool {
        let stmt = self.frame.b.statement();
        let last = match exit {
            Exit::Break(index) | Exit::Continue(index) => index + 1,
            Exit::Return(_) => 0,
        };
        let shares = self.shares_ways();
        for level in (last..self.frame.exits.len()).rev() {
            if let Some(copy) = self.frame.exits[level].copy(exit) {
                self.frame.b.goto(copy, range);
                return false;
            }
            match &mut self.frame.exits[level] {
                Scope::Loop { .. } => {}
                Scope::With { entered, copies } => {
                    let entered = *entered;
                    self.frame.b.set_unwind(entered.outer);
                    if shares {
                        let copy = self.frame.b.new_block();
                        copies.push((exit, copy));
                        self.frame.b.fall_into(copy, range);
                    }
                    self.exit_normally(entered);
                }
                Scope::Finally(Finally { shared: Some(shared), copies, .. }) => {
                    copies.push((exit, *shared));
                    self.frame.b.goto(*shared, range);
                    return false;
                }
                Scope::Finally(Finally { body, outer, copies, shared: None }) => {
                    let body = *body;
                    self.frame.b.set_unwind(*outer);
                    let copy = self.frame.b.new_block();
                    copies.push((exit, copy));
                    self.frame.b.fall_into(copy, range);
                    let inner = self.frame.exits.split_off(level);
                    self.finally_body(body);
                    self.frame.exits.extend(inner);
                }
            }
            self.frame.b.resume_statement(stmt);
        }
        true
    }

    fn exit_normally(&mut self, entered: Entered) {
        self.frame.b.set_unwind(entered.outer);
        self.frame.b.resume_statement(entered.stmt);
        self.frame.b.push(OpKind::Exit { manager: entered.manager, is_async: entered.is_async, unwinding: false }, entered.range);
    }

    fn finally_body(&mut self, body: Node<'t>) {
        self.finally_depth += 1;
        self.block(body);
        self.finally_depth -= 1;
    }

    pub(super) fn with_statement(&mut self, node: Node<'t>) {
        let head = self.head(node);
        let is_async = node.starts_with(Token::Async);
        self.frame.b.begin_statement(head);
        let stmt = self.frame.b.statement();
        let mut entered = Vec::new();
        for item in node.first_of(Kind::WithClause).map(Node::children).unwrap_or_default() {
            for (manager, target) in with_items(item) {
                entered.push(self.enter(manager, target, is_async, stmt));
            }
        }
        if let Some(body) = node.child(Field::Body) {
            self.block(body);
        }
        for entered in entered.into_iter().rev() {
            self.frame.exits.pop();
            let ends = self.frame.b.is_live();
            self.exit_normally(entered);
            let after = self.frame.b.new_block();
            self.frame.b.goto(after, head);
            self.exit_unwinding(entered, Some(after).filter(|_| !ends));
            self.frame.b.switch_to(after);
        }
    }

    fn enter(&mut self, manager: Node<'t>, target: Option<Node<'t>>, is_async: bool, stmt: Stmt) -> Entered {
        let range = manager.range();
        let manager = self.value(manager);
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Enter { dest, manager, is_async }, range);
        let cleanup = self.frame.b.new_block();
        let outer = self.frame.b.set_unwind(Some(cleanup));
        let entered = Entered { manager, is_async, outer, cleanup, stmt, range };
        self.frame.exits.push(Scope::With { entered, copies: Vec::new() });
        if let Some(target) = target {
            self.assign(target, dest, target.range());
        }
        entered
    }

    /// The way of an exception out of a `with`. Where the body has no normal end (`with suppress(E): return f()`), what
    /// stands `behind` can only be reached when the manager swallows the exception.
    fn exit_unwinding(&mut self, entered: Entered, behind: Option<BlockId>) {
        let Entered { manager, is_async, range, .. } = entered;
        self.frame.b.switch_to(entered.cleanup);
        self.frame.b.push(OpKind::Exit { manager, is_async, unwinding: true }, range);
        if let Some(behind) = behind {
            let raises = self.frame.b.new_block();
            let arms = [raises, behind].map(|target| Arm { variant: None, target }).into();
            self.frame.b.terminate(Terminator::Switch { on: manager, arms }, range);
            self.frame.b.switch_to(raises);
        }
        self.frame.b.terminate(Terminator::Raise, range);
    }

    pub(super) fn try_statement(&mut self, node: Node<'t>) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let after = self.frame.b.new_block();
        let outer = self.frame.b.unwind();
        let finally = node.first_of(Kind::FinallyClause).and_then(|it| it.first_of(Kind::Block));
        let stmt = self.frame.b.statement();
        let cleanup = finally.map(|body| self.open_finally(body, outer));
        self.handled(node, head, after);
        self.frame.b.resume_statement(stmt);
        if let Some(cleanup) = cleanup {
            self.close_finally(cleanup, after, head);
        } else {
            self.frame.b.switch_to(after);
        }
    }

    /// Opens the scope of a `finally`; gives the block where exceptions enter it.
    fn open_finally(&mut self, body: Node<'t>, outer: Option<BlockId>) -> BlockId {
        let cleanup = self.frame.b.new_block();
        let length = (body.range().end - body.range().start) as usize;
        let rest = self.copy_budget.checked_sub(length.saturating_mul(MOST_COPIES - 1));
        self.copy_budget = rest.unwrap_or(self.copy_budget);
        let shared = rest.is_none().then_some(cleanup);
        self.frame.exits.push(Scope::Finally(Finally { body, outer, copies: Vec::new(), shared }));
        self.frame.b.set_unwind(Some(cleanup));
        cleanup
    }

    /// Lowers the `finally` body for the exceptional and the normal end, and goes on behind the statement.
    fn close_finally(&mut self, cleanup: BlockId, after: BlockId, head: Range) {
        let Some(Scope::Finally(finally)) = self.frame.exits.pop() else { return };
        self.frame.b.set_unwind(finally.outer);
        if finally.shared.is_some() {
            return self.close_shared(finally, cleanup, after, head);
        }
        self.frame.b.switch_to(cleanup);
        self.finally_body(finally.body);
        self.frame.b.terminate(Terminator::Raise, head);
        self.frame.b.switch_to(after);
        self.finally_body(finally.body);
    }

    /// The only copy of a `finally` body, and behind it the ways on for all that came through.
    fn close_shared(&mut self, finally: Finally<'t>, cleanup: BlockId, after: BlockId, head: Range) {
        let stmt = self.frame.b.statement();
        self.frame.b.switch_to(after);
        self.frame.b.goto(cleanup, head);
        self.frame.b.switch_to(cleanup);
        self.finally_body(finally.body);
        self.frame.b.resume_statement(stmt);
        let on = self.unknown(head);
        let (behind, raises) = (self.frame.b.new_block(), self.frame.b.new_block());
        let exits: Vec<(Exit, BlockId)> = finally.copies.into_iter().map(|(exit, _)| (exit, self.frame.b.new_block())).collect();
        let targets = [behind, raises].into_iter().chain(exits.iter().map(|it| it.1));
        let arms = targets.map(|target| Arm { variant: None, target }).collect();
        self.frame.b.terminate(Terminator::Switch { on, arms }, head);
        self.frame.b.switch_to(raises);
        self.frame.b.terminate(Terminator::Raise, head);
        for (exit, block) in exits {
            self.frame.b.switch_to(block);
            self.leave(exit, head);
        }
        self.frame.b.switch_to(behind);
    }

    /// `try` with its handlers and its `else`, all of which go on to `after`.
    fn handled(&mut self, node: Node<'t>, head: Range, after: BlockId) {
        let stmt = self.frame.b.statement();
        let handlers: Nodes = node.children().into_iter().filter(|it| it.kind() == Kind::ExceptClause).collect();
        let guarded = self.frame.b.unwind();
        let dispatch = (!handlers.is_empty()).then(|| self.frame.b.new_block());
        self.frame.b.set_unwind(dispatch.or(guarded));
        if let Some(body) = node.child(Field::Body) {
            self.block(body);
        }
        self.frame.b.set_unwind(guarded);
        if let Some(body) = node.first_of(Kind::ElseClause).and_then(|it| it.child(Field::Body)) {
            self.block(body);
        }
        self.frame.b.goto(after, Range::default());
        if let Some(dispatch) = dispatch {
            self.frame.b.switch_to(dispatch);
            self.frame.b.resume_statement(stmt);
            self.handlers(&handlers, head, after);
        }
    }
}

/// The managers of one item, each with the target of its `as`. The grammar gives `with (a as b):`, `with (a, b):` as
/// one parenthesised item.
fn with_items<'t>(item: Node<'t>) -> Vec<(Node<'t>, Option<Node<'t>>)> {
    let Some(value) = item.first() else { return Vec::new() };
    let parts = match value.kind() {
        Kind::Tuple => value.children(),
        Kind::ParenthesizedExpression if value.first().is_some_and(|it| it.kind() == Kind::AsPattern) => value.children(),
        _ => [value].into_iter().collect(),
    };
    let part = |it: Node<'t>| match (it.kind(), it.first()) {
        (Kind::AsPattern, Some(manager)) => (manager, it.child(Field::Alias)),
        _ => (it, None),
    };
    parts.into_iter().map(part).collect()
}
