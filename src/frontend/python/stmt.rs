//! Statements, except for definitions, loops, `match`, and what has exits (`try`, `with`).

use super::context::Ctx;
use super::literals::constant;
use super::syntax::{Field, Kind, Node, Token};
use crate::ir::{Argument, ArgumentKind, BlockId, Callee, Name, Range, Terminator};

impl<'t> Ctx<'t> {
    /// The statements of a block.
    pub(super) fn block(&mut self, block: Node<'t>) {
        for statement in block.children() {
            self.statement(statement);
        }
    }

    pub(super) fn statement(&mut self, node: Node<'t>) {
        if node.has_error() && !self.is_readable(node) {
            self.lose_statement(node);
            return;
        }
        let start = node.range().start;
        let graft = if node.kind() == Kind::ExpressionStatement { self.file.grafts.get(&start).copied() } else { None };
        match graft.filter(|_| self.grafted.insert(start)) {
            Some(root) => self.whole_tree(root),
            None => {
                self.deeper(node, |it| it.statement_of(node));
            }
        }
    }

    /// The statements of a tree, as far as it could be read.
    pub(super) fn whole_tree(&mut self, root: Node<'t>) {
        match root.kind() {
            Kind::Module => self.block(root),
            _ => self.lose_statement(root),
        }
    }

    fn statement_of(&mut self, node: Node<'t>) {
        match node.kind() {
            Kind::FunctionDefinition => self.definition(node, None),
            Kind::ClassDefinition => self.definition(node, None),
            Kind::DecoratedDefinition => {
                if let Some(definition) = node.child(Field::Definition) {
                    self.definition(definition, Some(node));
                }
            }
            Kind::IfStatement => self.if_statement(node),
            Kind::ForStatement => self.for_statement(node),
            Kind::WhileStatement => self.while_statement(node),
            Kind::TryStatement => self.try_statement(node),
            Kind::WithStatement => self.with_statement(node),
            Kind::MatchStatement => self.match_statement(node),
            _ => {
                self.frame.b.begin_statement(node.range());
                self.simple_statement(node);
            }
        }
    }

    fn definition(&mut self, node: Node<'t>, decorated: Option<Node<'t>>) {
        let head = self.head(node);
        let start = decorated.map_or(head, Node::range);
        self.frame.b.begin_statement(Range { start: start.start, end: head.end });
        if node.kind() == Kind::ClassDefinition {
            self.class_definition(node, decorated);
        } else {
            self.function_definition(node, decorated);
        }
    }

    fn simple_statement(&mut self, node: Node<'t>) {
        let range = node.range();
        match node.kind() {
            Kind::ExpressionStatement => self.expression_statement(node),
            Kind::ReturnStatement => {
                let value = node.first().map(|it| self.value(it));
                self.return_value(value, range);
            }
            Kind::RaiseStatement => {
                for expression in node.children() {
                    self.value(expression);
                }
                self.frame.b.terminate(Terminator::Raise, range);
            }
            Kind::BreakStatement | Kind::ContinueStatement => self.leave_loop(node),
            Kind::DeleteStatement => {
                for target in node.children() {
                    self.delete(target);
                }
            }
            Kind::AssertStatement => self.assert_statement(node),
            Kind::TypeAliasStatement => self.type_alias(node),
            Kind::PrintStatement => {
                let arguments = node.children().into_iter().map(|it| self.print_argument(it)).collect();
                self.call_op(Callee::Path(Name::new("print")), arguments, range);
            }
            Kind::ExecStatement => {
                let positional = |it: &mut Self, node| Argument { kind: ArgumentKind::Positional, value: it.value(node) };
                let arguments = node.children().into_iter().map(|it| positional(self, it)).collect();
                self.call_op(Callee::Path(Name::new("exec")), arguments, range);
            }
            // What it binds was found before. That it can fail makes the handler of a `try` reachable.
            Kind::ImportStatement | Kind::ImportFromStatement if self.frame.b.unwind().is_some() => {
                self.unknown(range);
            }
            // Found before the body is lowered (`global`), or without effect.
            _ => {}
        }
    }

    fn expression_statement(&mut self, node: Node<'t>) {
        for expression in node.children() {
            match expression.kind() {
                Kind::Assignment => self.assignment(expression),
                Kind::AugmentedAssignment => self.augmented_assignment(expression),
                _ if constant(expression, self.source).is_some() => {}
                _ => {
                    self.value(expression);
                }
            }
        }
    }

    /// Python 2's `print >>stream, a, b`.
    fn print_argument(&mut self, node: Node<'t>) -> Argument {
        match (node.kind(), node.first()) {
            (Kind::Chevron, Some(stream)) => Argument { kind: ArgumentKind::Keyword(Name::new("file")), value: self.value(stream) },
            _ => Argument { kind: ArgumentKind::Positional, value: self.value(node) },
        }
    }

    fn assert_statement(&mut self, node: Node<'t>) {
        let parts = node.children();
        let Some((condition, messages)) = parts.split_first() else { return };
        let (holds, fails) = (self.frame.b.new_block(), self.frame.b.new_block());
        self.branch(*condition, holds, fails);
        self.frame.b.switch_to(fails);
        for message in messages {
            self.value(*message);
        }
        self.frame.b.terminate(Terminator::Raise, node.range());
        self.frame.b.switch_to(holds);
    }

    fn if_statement(&mut self, node: Node<'t>) {
        let after = self.frame.b.new_block();
        self.condition_and_body(node, after);
        for clause in node.children_of(Field::Alternative) {
            match clause.kind() {
                Kind::ElifClause => self.condition_and_body(clause, after),
                _ => {
                    if let Some(body) = clause.child(Field::Body) {
                        self.block(body);
                    }
                }
            }
        }
        self.frame.b.fall_into(after, Range::default());
    }

    /// `if c: …`, `elif c: …`; goes on where the condition is false.
    fn condition_and_body(&mut self, node: Node<'t>, after: BlockId) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let (then, otherwise) = (self.frame.b.new_block(), self.frame.b.new_block());
        match node.child(Field::Condition) {
            Some(condition) => self.branch(condition, then, otherwise),
            None => self.frame.b.goto(then, head),
        }
        self.frame.b.switch_to(then);
        if let Some(body) = node.child(Field::Consequence) {
            self.block(body);
        }
        self.frame.b.goto(after, Range::default());
        self.frame.b.switch_to(otherwise);
    }

    /// The head of a compound statement or clause: `with a as b:`, `elif c:`.
    pub(super) fn head(&self, node: Node<'t>) -> Range {
        let mut end = None;
        for part in node.tokens() {
            if matches!(part.kind(), Kind::Block) {
                break;
            }
            if part.token() == Some(Token::Colon) {
                end = Some(part.range().end);
            }
        }
        Range { start: node.range().start, end: end.unwrap_or(node.range().end) }
    }
}
