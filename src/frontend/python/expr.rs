//! Expressions: each evaluates, in Python's order, into a local.
//!
//! `and`, `or`, `if … else` and chained comparisons are control flow. A condition ([`Ctx::branch`]) is lowered straight
//! to its two targets, without a value in between. Operator chains that the grammar nests to the left are loops here.

use super::context::Ctx;
use super::literals::{constant, strip};
use super::syntax::{Field, Kind, Node, Nodes, Token};
use crate::ir::{AggregateKind, BlockId, Const, Local, OpKind, Operation, Place, Range, StoreKind, Terminator};

impl<'t> Ctx<'t> {
    /// Evaluates `node`.
    pub(super) fn value(&mut self, node: Node<'t>) -> Local {
        let node = strip(node);
        self.deeper(node, |it| it.value_of(node)).unwrap_or_else(|| self.unknown(node.range()))
    }

    /// Evaluates `node` if there is one; `range` is the expression it belongs to.
    pub(super) fn value_or_unknown(&mut self, node: Option<Node<'t>>, range: Range) -> Local {
        match node {
            Some(node) => self.value(node),
            None => self.unknown(range),
        }
    }

    fn value_of(&mut self, node: Node<'t>) -> Local {
        let range = node.range();
        if let Some(value) = constant(node, self.source) {
            return self.constant_op(value, range);
        }
        match node.kind() {
            Kind::Identifier | Kind::Attribute | Kind::Subscript | Kind::Call => self.chain_value(node),
            Kind::String | Kind::ConcatenatedString => self.format(node),
            Kind::BinaryOperator => self.binary(node),
            Kind::UnaryOperator | Kind::NotOperator => self.unary(node),
            Kind::BooleanOperator => self.boolean(node),
            Kind::ComparisonOperator => self.comparison(node),
            Kind::ConditionalExpression => self.conditional(node),
            Kind::NamedExpression => self.walrus(node),
            Kind::Lambda => self.lambda(node),
            Kind::List | Kind::ListPattern => self.aggregate(AggregateKind::List, &node.children(), range),
            Kind::Set => self.aggregate(AggregateKind::Set, &node.children(), range),
            Kind::Tuple | Kind::TuplePattern | Kind::ExpressionList | Kind::PatternList => {
                self.aggregate(AggregateKind::Tuple, &node.children(), range)
            }
            Kind::Dictionary => self.dictionary(node),
            Kind::ListComprehension => self.comprehension(node, AggregateKind::List),
            Kind::SetComprehension => self.comprehension(node, AggregateKind::Set),
            Kind::DictionaryComprehension => self.comprehension(node, AggregateKind::Dict),
            Kind::GeneratorExpression => self.generator_expression(node),
            Kind::Await => {
                let value = self.value_or_unknown(node.first(), range);
                let dest = self.frame.b.temp();
                self.frame.b.push(OpKind::Await { dest, value }, range);
                dest
            }
            Kind::Yield => self.yield_(node),
            Kind::Slice => {
                let operands: Vec<Local> = node.children().into_iter().map(|it| self.value(it)).collect();
                self.compute(Operation::Slice, &operands, range)
            }
            // The value of `*xs` in a display is what it spreads.
            Kind::ListSplat | Kind::ListSplatPattern | Kind::DictionarySplat | Kind::AsPattern | Kind::Type => {
                self.value_or_unknown(node.first(), range)
            }
            _ => self.unknown(range),
        }
    }

    /// A tuple, list or set of `items`.
    pub(super) fn aggregate(&mut self, kind: AggregateKind, items: &[Node<'t>], range: Range) -> Local {
        let operands = items.iter().map(|it| self.value(*it)).collect();
        self.aggregate_op(kind, operands, range)
    }

    pub(super) fn aggregate_op(&mut self, kind: AggregateKind, operands: Vec<Local>, range: Range) -> Local {
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Aggregate { dest, kind, fields: Default::default(), operands: operands.into() }, range);
        dest
    }

    fn dictionary(&mut self, node: Node<'t>) -> Local {
        let mut operands = Vec::new();
        for item in node.children() {
            if item.kind() == Kind::Pair {
                let (key, value) = self.pair(item);
                operands.extend([key, value]);
            } else {
                let spread = self.value(item);
                operands.extend([spread, spread]);
            }
        }
        self.aggregate_op(AggregateKind::Dict, operands, node.range())
    }

    /// Evaluates `key: value`.
    pub(super) fn pair(&mut self, pair: Node<'t>) -> (Local, Local) {
        let key = self.value_or_unknown(pair.child(Field::Key), pair.range());
        let value = self.value_or_unknown(pair.child(Field::Value), pair.range());
        (key, value)
    }

    fn binary(&mut self, node: Node<'t>) -> Local {
        let (leftmost, spine) = left_spine(node, |it| it.kind() == Kind::BinaryOperator);
        let mut value = self.value(leftmost);
        for node in spine.into_iter().rev() {
            let right = self.value_or_unknown(node.child(Field::Right), node.range());
            value = self.compute(Operation::Arithmetic, &[value, right], node.range());
        }
        value
    }

    fn unary(&mut self, node: Node<'t>) -> Local {
        let mut operators = Vec::new();
        let mut at = node;
        while matches!(at.kind(), Kind::UnaryOperator | Kind::NotOperator) && constant(at, self.source).is_none() {
            operators.push(at);
            match at.child(Field::Argument) {
                Some(argument) => at = strip(argument),
                None => return self.unknown(node.range()),
            }
        }
        let mut value = self.value(at);
        for operator in operators.into_iter().rev() {
            let operation = if operator.kind() == Kind::NotOperator { Operation::Not } else { Operation::Arithmetic };
            value = self.compute(operation, &[value], operator.range());
        }
        value
    }

    /// Stores `value` to `dest`, one of several paths to a temporary.
    fn yields(&mut self, dest: Local, value: Local, range: Range) {
        self.frame.b.store(Place::local(dest), value, StoreKind::Assign, range);
    }

    fn boolean(&mut self, node: Node<'t>) -> Local {
        let dest = self.frame.b.temp();
        let end = self.frame.b.new_block();
        let (operands, is_and) = boolean_operands(node);
        for (index, operand) in operands.iter().enumerate() {
            let value = self.value(*operand);
            self.yields(dest, value, operand.range());
            if index + 1 < operands.len() {
                let next = self.frame.b.new_block();
                let (then, otherwise) = if is_and { (next, end) } else { (end, next) };
                self.branch_on(value, then, otherwise, operand.range());
                self.frame.b.switch_to(next);
            }
        }
        self.frame.b.fall_into(end, node.range());
        dest
    }

    fn comparison(&mut self, node: Node<'t>) -> Local {
        let operands = node.children();
        let operators = node.children_of(Field::Operators);
        if operators.len() == 1 {
            let left = self.value_or_unknown(operands.first().copied(), node.range());
            return self.compare(left, operators[0], operands.get(1).copied(), node.range()).1;
        }
        let dest = self.frame.b.temp();
        let end = self.frame.b.new_block();
        self.comparisons(node, &operands, &operators, |it, result, range, next| {
            it.yields(dest, result, range);
            match next {
                Some(next) => it.branch_on(result, next, end, range),
                None => it.frame.b.goto(end, range),
            }
        });
        self.frame.b.switch_to(end);
        dest
    }

    /// `a < b < c`: after each comparison, `then` gets its result, its range and the block of the next one, if any, and
    /// ends the block.
    fn comparisons(
        &mut self,
        node: Node<'t>,
        operands: &[Node<'t>],
        operators: &[Node<'t>],
        mut then: impl FnMut(&mut Self, Local, Range, Option<BlockId>),
    ) {
        let mut left = self.value_or_unknown(operands.first().copied(), node.range());
        for (index, operator) in operators.iter().enumerate() {
            let mut range = node.range();
            if let Some(left) = operands.get(index).filter(|_| index > 0) {
                range.start = left.range().start;
            }
            if let Some(right) = operands.get(index + 1).filter(|_| index + 1 < operators.len()) {
                range.end = right.range().end;
            }
            let (right, result) = self.compare(left, *operator, operands.get(index + 1).copied(), range);
            let next = (index + 1 < operators.len()).then(|| self.frame.b.new_block());
            then(self, result, range, next);
            if let Some(next) = next {
                self.frame.b.switch_to(next);
            }
            left = right;
        }
    }

    /// One comparison: its right operand and its result.
    fn compare(&mut self, left: Local, operator: Node<'t>, right: Option<Node<'t>>, range: Range) -> (Local, Local) {
        let right = self.value_or_unknown(right, range);
        let operation = match operator.token() {
            Some(Token::Is) => Operation::Is,
            Some(Token::IsNot) => Operation::IsNot,
            Some(Token::In) => Operation::In,
            Some(Token::NotIn) => Operation::NotIn,
            Some(Token::Order) => Operation::Order,
            _ => Operation::Compare,
        };
        (right, self.compute(operation, &[left, right], range))
    }

    fn conditional(&mut self, node: Node<'t>) -> Local {
        let dest = self.frame.b.temp();
        let end = self.frame.b.new_block();
        let mut at = node;
        while let [body, condition, alternative] = at.children().as_slice()
            && at.kind() == Kind::ConditionalExpression
        {
            let (then, otherwise) = (self.frame.b.new_block(), self.frame.b.new_block());
            self.branch(*condition, then, otherwise);
            self.frame.b.switch_to(then);
            let value = self.value(*body);
            self.yields(dest, value, body.range());
            self.frame.b.goto(end, body.range());
            self.frame.b.switch_to(otherwise);
            at = strip(*alternative);
        }
        let value = self.value(at);
        self.yields(dest, value, at.range());
        self.frame.b.fall_into(end, at.range());
        dest
    }

    fn walrus(&mut self, node: Node<'t>) -> Local {
        let value = self.value_or_unknown(node.child(Field::Value), node.range());
        if let Some(name) = node.child(Field::Name) {
            let place = self.walrus_place(self.name(name));
            self.frame.b.store(place, value, StoreKind::Assign, node.range());
        }
        value
    }

    fn yield_(&mut self, node: Node<'t>) -> Local {
        let value = node.first().map(|it| self.value(it));
        self.frame.b.function.is_generator = true;
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Yield { dest, value, from: node.has_token(Token::From) }, node.range());
        dest
    }

    /// An f-string, or several strings side by side with one among them.
    fn format(&mut self, node: Node<'t>) -> Local {
        let mut operands = Vec::new();
        let parts = if node.kind() == Kind::String { [node].into_iter().collect() } else { node.children() };
        for part in parts {
            for hole in part.children().into_iter().filter(|it| it.kind() == Kind::Interpolation) {
                self.interpolation(hole, &mut operands);
            }
        }
        self.compute(Operation::Format, &operands, node.range())
    }

    /// `{value!r:{width}}`: the value, then what its format specifier has.
    fn interpolation(&mut self, hole: Node<'t>, operands: &mut Vec<Local>) {
        operands.extend(hole.child(Field::Expression).map(|it| self.value(it)));
        let Some(specifier) = hole.child(Field::FormatSpecifier) else { return };
        self.deeper(specifier, |it| {
            for inner in specifier.children().into_iter().filter(|it| it.kind() == Kind::FormatExpression) {
                it.interpolation(inner, operands);
            }
        });
    }

    /// Evaluates a condition and goes to `then` or `otherwise`; the builder then stands in a fresh block.
    pub(super) fn branch(&mut self, condition: Node<'t>, then: BlockId, otherwise: BlockId) {
        let (mut condition, mut then, mut otherwise) = (strip(condition), then, otherwise);
        while let (Kind::NotOperator, Some(argument)) = (condition.kind(), condition.child(Field::Argument)) {
            condition = strip(argument);
            (then, otherwise) = (otherwise, then);
        }
        let done = self.deeper(condition, |it| it.branch_of(condition, then, otherwise));
        if done.is_none() {
            let value = self.unknown(condition.range());
            self.branch_on(value, then, otherwise, condition.range());
        }
    }

    fn branch_of(&mut self, condition: Node<'t>, then: BlockId, otherwise: BlockId) {
        let range = condition.range();
        match (constant(condition, self.source), condition.kind()) {
            (Some(Const::Bool(value)), _) => self.frame.b.goto(if value { then } else { otherwise }, range),
            (Some(Const::Int(value)), _) => self.frame.b.goto(if value != 0 { then } else { otherwise }, range),
            (Some(Const::None), _) => self.frame.b.goto(otherwise, range),
            (_, Kind::BooleanOperator) => {
                let (operands, is_and) = boolean_operands(condition);
                for (index, operand) in operands.iter().enumerate() {
                    if index + 1 == operands.len() {
                        self.branch(*operand, then, otherwise);
                        continue;
                    }
                    let next = self.frame.b.new_block();
                    let (yes, no) = if is_and { (next, otherwise) } else { (then, next) };
                    self.branch(*operand, yes, no);
                    self.frame.b.switch_to(next);
                }
            }
            (_, Kind::ComparisonOperator) => {
                let operands = condition.children();
                let operators = condition.children_of(Field::Operators);
                self.comparisons(condition, &operands, &operators, |it, result, range, next| {
                    it.branch_on(result, next.unwrap_or(then), otherwise, range);
                });
            }
            _ => {
                let value = self.value(condition);
                self.branch_on(value, then, otherwise, range);
            }
        }
    }

    pub(super) fn branch_on(&mut self, condition: Local, then: BlockId, otherwise: BlockId, range: Range) {
        self.frame.b.terminate(Terminator::Branch { condition, then, otherwise }, range);
    }
}

/// The operands of `a and b and c`, and whether it is `and`.
fn boolean_operands(node: Node) -> (Nodes, bool) {
    let is_and = |it: Node| it.child(Field::Operator).is_some_and(|it| it.token() == Some(Token::And));
    let own = is_and(node);
    let (leftmost, spine) = left_spine(node, |it| it.kind() == Kind::BooleanOperator && is_and(it) == own);
    let rest = spine.into_iter().rev().filter_map(|it| it.child(Field::Right));
    ([leftmost].into_iter().chain(rest).collect(), own)
}

/// The nodes from `node` down along their left operands, as long as they are of the kind that `goes_on` says, and the
/// operand below the last.
fn left_spine<'t>(node: Node<'t>, goes_on: impl Fn(Node<'t>) -> bool) -> (Node<'t>, Nodes<'t>) {
    let mut spine = Nodes::from_slice(&[node]);
    let mut at = node;
    while let Some(left) = at.child(Field::Left).map(strip) {
        at = left;
        if !goes_on(at) {
            break;
        }
        spine.push(at);
    }
    (at, spine)
}
