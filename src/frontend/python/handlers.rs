//! `except` clauses: which of them an exception reaches, and their bodies.

use super::context::Ctx;
use super::syntax::{Field, Kind, Node, Nodes, Token};
use super::types::dotted;
use crate::ir::{Arm, BlockId, Name, OpKind, Range, Terminator};

/// What an `except` clause names.
struct Caught<'t> {
    types: Vec<Name>,
    /// `except … as target`.
    target: Option<Node<'t>>,
}

impl<'t> Ctx<'t> {
    /// The handlers of a `try`, from the block that exceptions come to; those that end go on to `after`.
    pub(super) fn handlers(&mut self, handlers: &[Node<'t>], head: Range, after: BlockId) {
        if handlers.first().is_some_and(|it| it.has_token(Token::Star)) {
            return self.group_handlers(handlers, head, after);
        }
        let exception = self.unknown(head);
        let caught: Vec<(Caught, BlockId)> = handlers.iter().map(|it| (self.caught(*it), self.frame.b.new_block())).collect();
        let mut arms: Vec<Arm> = caught.iter().flat_map(|(it, target)| it.arms(*target)).collect();
        let passes_on = (!caught.iter().any(|(it, _)| it.is_everything())).then(|| self.frame.b.new_block());
        arms.extend(passes_on.map(|target| Arm { variant: None, target }));
        self.frame.b.terminate(Terminator::Switch { on: exception, arms: arms.into() }, head);
        if let Some(passes_on) = passes_on {
            self.frame.b.switch_to(passes_on);
            self.frame.b.terminate(Terminator::Raise, head);
        }
        for (handler, (caught, block)) in handlers.iter().zip(caught) {
            self.frame.b.switch_to(block);
            self.handler(*handler, caught);
            self.frame.b.goto(after, Range::default());
        }
    }

    /// `except*`: each may take its part of the group, in turn; what is left is raised on.
    fn group_handlers(&mut self, handlers: &[Node<'t>], head: Range, after: BlockId) {
        let exception = self.unknown(head);
        for handler in handlers {
            let caught = self.caught(*handler);
            let (takes, next) = (self.frame.b.new_block(), self.frame.b.new_block());
            let mut arms = caught.arms(takes);
            arms.push(Arm { variant: None, target: next });
            self.frame.b.terminate(Terminator::Switch { on: exception, arms: arms.into() }, head);
            self.frame.b.switch_to(takes);
            self.handler(*handler, caught);
            self.frame.b.fall_into(next, Range::default());
        }
        let raises = self.frame.b.new_block();
        let arms = [after, raises].map(|target| Arm { variant: None, target }).into();
        self.frame.b.terminate(Terminator::Switch { on: exception, arms }, head);
        self.frame.b.switch_to(raises);
        self.frame.b.terminate(Terminator::Raise, head);
    }

    fn handler(&mut self, node: Node<'t>, caught: Caught<'t>) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Catch { dest, types: caught.types.into() }, head);
        if let Some(target) = caught.target {
            self.assign(target, dest, target.range());
        }
        if let Some(body) = node.first_of(Kind::Block) {
            self.block(body);
        }
    }

    /// The types a clause names. What is no dotted name is evaluated, and stands as its text.
    fn caught(&mut self, handler: Node<'t>) -> Caught<'t> {
        let mut target = handler.child(Field::Alias);
        let mut types = Vec::new();
        for value in handler.children_of(Field::Value) {
            let value = match (value.kind(), value.first()) {
                (Kind::AsPattern, Some(inner)) => {
                    target = value.child(Field::Alias);
                    inner
                }
                _ => value,
            };
            let named: Nodes = if value.kind() == Kind::Tuple { value.children() } else { [value].into_iter().collect() };
            for ty in named {
                types.push(match dotted(ty, self.source) {
                    Some(name) => name,
                    None => {
                        self.value(ty);
                        self.name(ty)
                    }
                });
            }
        }
        Caught { types, target }
    }
}

impl Caught<'_> {
    fn arms(&self, target: BlockId) -> Vec<Arm> {
        if self.types.is_empty() {
            return vec![Arm { variant: None, target }];
        }
        self.types.iter().map(|it| Arm { variant: Some(Name::new(it.last())), target }).collect()
    }

    fn is_everything(&self) -> bool {
        self.types.is_empty() || self.types.iter().any(|it| it.last() == "BaseException")
    }
}
