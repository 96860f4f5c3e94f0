//! `for` and `while`.

use super::context::Ctx;
use super::exits::Scope;
use super::syntax::{Field, Node, Token};
use crate::ir::{Arm, BlockId, Local, Name, OpKind, Range, Terminator};

impl<'t> Ctx<'t> {
    pub(super) fn for_statement(&mut self, node: Node<'t>) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let iterable = self.value_or_unknown(node.child(Field::Right), head);
        let (after, exhausted) = self.loop_ends(node);
        let (header, item) = self.loop_header(iterable, node, exhausted);
        if let Some(target) = node.child(Field::Left) {
            self.assign(target, item, target.range());
        }
        self.loop_body(node, header, after, exhausted);
    }

    pub(super) fn while_statement(&mut self, node: Node<'t>) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let (after, exhausted) = self.loop_ends(node);
        let header = self.frame.b.new_block();
        self.frame.b.fall_into(header, head);
        let body = self.frame.b.new_block();
        match node.child(Field::Condition) {
            Some(condition) => self.branch(condition, body, exhausted),
            None => self.frame.b.goto(body, head),
        }
        self.frame.b.switch_to(body);
        self.loop_body(node, header, after, exhausted);
    }

    /// Where a loop goes by `break`, and where when it is exhausted: to its `else`, if it has one.
    fn loop_ends(&mut self, node: Node<'t>) -> (BlockId, BlockId) {
        let after = self.frame.b.new_block();
        let exhausted = if node.child(Field::Alternative).is_some() { self.frame.b.new_block() } else { after };
        (after, exhausted)
    }

    /// The body, the way back to `header`, and the `else`; goes on behind the loop.
    fn loop_body(&mut self, node: Node<'t>, header: BlockId, after: BlockId, exhausted: BlockId) {
        self.frame.exits.push(Scope::Loop { on_break: after, on_continue: header });
        if let Some(body) = node.child(Field::Body) {
            self.block(body);
        }
        self.frame.exits.pop();
        self.frame.b.goto(header, Range::default());
        if let Some(body) = node.child(Field::Alternative).and_then(|it| it.child(Field::Body)) {
            self.frame.b.switch_to(exhausted);
            self.block(body);
            self.frame.b.goto(after, Range::default());
        } else if exhausted != after {
            self.frame.b.switch_to(exhausted);
            self.frame.b.goto(after, Range::default());
        }
        self.frame.b.switch_to(after);
    }

    /// Starts an iteration and goes on with its first item; `node` is the `for` statement or clause. Gives the block
    /// that takes the next item, and the item.
    pub(super) fn loop_header(&mut self, iterable: Local, node: Node<'t>, exhausted: BlockId) -> (BlockId, Local) {
        let range = node.child(Field::Right).map_or(node.range(), Node::range);
        let iterator = self.frame.b.temp();
        self.frame.b.push(OpKind::Iterate { dest: iterator, value: iterable, is_async: node.starts_with(Token::Async) }, range);
        let header = self.frame.b.new_block();
        self.frame.b.fall_into(header, range);
        let item = self.frame.b.temp();
        self.frame.b.push(OpKind::Next { dest: item, iterator }, range);
        let body = self.frame.b.new_block();
        let arms = vec![Arm { variant: Some(Name::new("Some")), target: body }, Arm { variant: Some(Name::new("None")), target: exhausted }];
        self.frame.b.terminate(Terminator::Switch { on: item, arms: arms.into() }, range);
        self.frame.b.switch_to(body);
        (header, item)
    }
}
