//! Expressions.

use ruff_python_ast::{
    BoolOp, BytesLiteral, CmpOp, Comprehension, DictItem, Expr, ExprBoolOp, ExprCall, ExprCompare, ExprContext, ExprDict, ExprDictComp, ExprLambda,
    ExprNumberLiteral, ExprSlice, ExprSubscript, ExprTuple, FStringPart, InterpolatedElement, InterpolatedStringElement, InterpolatedStringElements,
    Number, Operator, StringFlags, UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};

use super::super::{Field, Kind, Token};
use super::Builder;

impl Builder<'_> {
    pub(super) fn expression_of(&mut self, expression: &Expr, field: Option<Field>) {
        let range = expression.range();
        match expression {
            Expr::BoolOp(operation) => self.boolean(operation, operation.values.len(), field),
            Expr::Named(named) => self.node(Kind::NamedExpression, field, range, |it| {
                it.expression(&named.target, Some(Field::Name));
                it.expression(&named.value, Some(Field::Value));
            }),
            Expr::BinOp(operation) => self.node(Kind::BinaryOperator, field, range, |it| {
                it.expression(&operation.left, Some(Field::Left));
                if operation.op == Operator::BitOr {
                    it.token(Token::Pipe, Some(Field::Operator), TextRange::empty(operation.left.end()));
                }
                it.expression(&operation.right, Some(Field::Right));
            }),
            Expr::UnaryOp(operation) => {
                let kind = if operation.op == UnaryOp::Not { Kind::NotOperator } else { Kind::UnaryOperator };
                self.node(kind, field, range, |it| {
                    if operation.op == UnaryOp::USub {
                        it.token(Token::Minus, Some(Field::Operator), TextRange::empty(range.start()));
                    }
                    it.expression(&operation.operand, Some(Field::Argument));
                });
            }
            Expr::Lambda(lambda) => self.lambda(lambda, field),
            Expr::If(conditional) => self.node(Kind::ConditionalExpression, field, range, |it| {
                [&conditional.body, &conditional.test, &conditional.orelse].into_iter().for_each(|part| it.expression(part, None));
            }),
            Expr::Dict(dict) => self.dict(dict, field),
            Expr::Set(set) => self.node(Kind::Set, field, range, |it| it.expressions(&set.elts)),
            Expr::ListComp(it) => self.comprehension((Kind::ListComprehension, field, range), &it.elt, &it.generators),
            Expr::SetComp(it) => self.comprehension((Kind::SetComprehension, field, range), &it.elt, &it.generators),
            Expr::Generator(it) => self.comprehension((Kind::GeneratorExpression, field, range), &it.elt, &it.generators),
            Expr::DictComp(comprehension) => self.dict_comprehension(comprehension, field),
            Expr::Await(it) => self.node(Kind::Await, field, range, |builder| builder.expression(&it.value, None)),
            Expr::Yield(it) => self.node(Kind::Yield, field, range, |builder| it.value.iter().for_each(|it| builder.expression(it, None))),
            Expr::YieldFrom(it) => self.node(Kind::Yield, field, range, |builder| {
                builder.token(Token::From, None, TextRange::empty(range.start()));
                builder.expression(&it.value, None);
            }),
            Expr::Compare(comparison) => self.comparison(comparison, field),
            Expr::Call(call) => self.call(call, field),
            Expr::FString(string) => {
                let parts = string.value.as_slice();
                self.strings(field, range, parts, |it, part, field| match part {
                    FStringPart::Literal(part) => it.string(field, part.range, part.flags, None),
                    FStringPart::FString(part) => it.string(field, part.range, part.flags, Some(&part.elements)),
                });
            }
            Expr::TString(string) => {
                self.strings(field, range, string.value.as_slice(), |it, part, field| it.string(field, part.range, part.flags, Some(&part.elements)));
            }
            Expr::StringLiteral(string) => {
                self.strings(field, range, string.value.as_slice(), |it, part, field| it.string(field, part.range, part.flags, None));
            }
            Expr::BytesLiteral(string) => {
                self.strings(field, range, string.value.as_slice(), |it, part: &BytesLiteral, field| it.string(field, part.range, part.flags, None));
            }
            Expr::NumberLiteral(number) => self.leaf(number_kind(number), field, range),
            Expr::BooleanLiteral(literal) => self.leaf(if literal.value { Kind::True } else { Kind::False }, field, range),
            Expr::NoneLiteral(_) => self.leaf(Kind::None, field, range),
            Expr::EllipsisLiteral(_) => self.leaf(Kind::Ellipsis, field, range),
            Expr::Attribute(attribute) => self.node(Kind::Attribute, field, range, |it| {
                it.expression(&attribute.value, Some(Field::Object));
                it.identifier(&attribute.attr, Some(Field::Attribute));
            }),
            Expr::Subscript(subscript) => self.subscript(subscript, field),
            Expr::Starred(starred) => {
                let kind = if starred.ctx == ExprContext::Store { Kind::ListSplatPattern } else { Kind::ListSplat };
                self.node(kind, field, range, |it| it.expression(&starred.value, None));
            }
            Expr::Name(_) => self.leaf(Kind::Identifier, field, range),
            Expr::List(list) => {
                let kind = if list.ctx == ExprContext::Store { Kind::ListPattern } else { Kind::List };
                self.node(kind, field, range, |it| it.expressions(&list.elts));
            }
            Expr::Tuple(tuple) => self.tuple(tuple, field),
            Expr::Slice(slice) => self.slice(slice, field),
            Expr::IpyEscapeCommand(_) => self.leaf(Kind::Other, field, range),
        }
    }

    /// The first `count` operands, nested to the left.
    fn boolean(&mut self, operation: &ExprBoolOp, count: usize, field: Option<Field>) {
        let operands = &operation.values[..count];
        let (Some(first), Some(last)) = (operands.first(), operands.last()) else { return };
        if count == 1 {
            return self.expression(first, field);
        }
        let range = TextRange::new(operation.start(), last.end());
        let range = if count == operation.values.len() { operation.range } else { range };
        self.deeper(|it| {
            it.node(Kind::BooleanOperator, field, range, |it| {
                it.boolean(operation, count - 1, Some(Field::Left));
                let token = if operation.op == BoolOp::And { Token::And } else { Token::Or };
                it.token(token, Some(Field::Operator), TextRange::empty(last.start()));
                it.expression(last, Some(Field::Right));
            });
        });
    }

    fn lambda(&mut self, lambda: &ExprLambda, field: Option<Field>) {
        self.node(Kind::Lambda, field, lambda.range, |it| {
            if let Some(parameters) = &lambda.parameters {
                it.node(Kind::LambdaParameters, Some(Field::Parameters), parameters.range, |it| it.parameters(parameters));
            }
            it.expression(&lambda.body, Some(Field::Body));
        });
    }

    fn dict(&mut self, dict: &ExprDict, field: Option<Field>) {
        self.node(Kind::Dictionary, field, dict.range, |it| {
            for DictItem { key, value } in &dict.items {
                match key {
                    Some(key) => it.pair(key, value, None),
                    None => it.node(Kind::DictionarySplat, None, value.range(), |it| it.expression(value, None)),
                }
            }
        });
    }

    fn pair(&mut self, key: &Expr, value: &Expr, field: Option<Field>) {
        self.node(Kind::Pair, field, key.range().cover(value.range()), |it| {
            it.expression(key, Some(Field::Key));
            it.expression(value, Some(Field::Value));
        });
    }

    fn comprehension(&mut self, (kind, field, range): (Kind, Option<Field>, TextRange), item: &Expr, clauses: &[Comprehension]) {
        self.node(kind, field, range, |it| {
            it.expression(item, Some(Field::Body));
            it.clauses(clauses);
        });
    }

    fn dict_comprehension(&mut self, comprehension: &ExprDictComp, field: Option<Field>) {
        self.node(Kind::DictionaryComprehension, field, comprehension.range, |it| {
            match &comprehension.key {
                Some(key) => it.pair(key, &comprehension.value, Some(Field::Body)),
                None => it.expression(&comprehension.value, Some(Field::Body)),
            }
            it.clauses(&comprehension.generators);
        });
    }

    fn clauses(&mut self, clauses: &[Comprehension]) {
        for clause in clauses {
            let range = TextRange::new(clause.start(), clause.iter.end());
            self.node(Kind::ForInClause, None, range, |it| {
                it.async_token(clause.is_async, range);
                it.expression(&clause.target, Some(Field::Left));
                it.expression(&clause.iter, Some(Field::Right));
            });
            for condition in &clause.ifs {
                self.node(Kind::IfClause, None, condition.range(), |it| it.expression(condition, None));
            }
        }
    }

    fn comparison(&mut self, comparison: &ExprCompare, field: Option<Field>) {
        self.node(Kind::ComparisonOperator, field, comparison.range, |it| {
            it.expression(&comparison.left, None);
            for (operator, right) in comparison.ops.iter().zip(&comparison.comparators) {
                it.token(operator_token(*operator), Some(Field::Operators), TextRange::empty(right.start()));
                it.expression(right, None);
            }
        });
    }

    fn call(&mut self, call: &ExprCall, field: Option<Field>) {
        self.node(Kind::Call, field, call.range(), |it| {
            it.expression(&call.func, Some(Field::Function));
            match (&*call.arguments.args, call.arguments.keywords.is_empty()) {
                // `f(x for x in xs)`: the parentheses are the generator's.
                ([Expr::Generator(only)], true) if !only.parenthesized => {
                    it.comprehension((Kind::GeneratorExpression, Some(Field::Arguments), call.arguments.range), &only.elt, &only.generators);
                }
                _ => it.arguments(&call.arguments, Field::Arguments),
            }
        });
    }

    fn subscript(&mut self, subscript: &ExprSubscript, field: Option<Field>) {
        self.node(Kind::Subscript, field, subscript.range, |it| {
            it.expression(&subscript.value, Some(Field::Value));
            it.spread(&subscript.slice, Some(Field::Subscript));
            if matches!(&*subscript.slice, Expr::Tuple(tuple) if !tuple.parenthesized) {
                it.token(Token::Comma, None, TextRange::empty(subscript.slice.end()));
            }
        });
    }

    fn tuple(&mut self, tuple: &ExprTuple, field: Option<Field>) {
        let kind = match (tuple.ctx, tuple.parenthesized) {
            (ExprContext::Store, true) => Kind::TuplePattern,
            (ExprContext::Store, false) => Kind::PatternList,
            (_, true) => Kind::Tuple,
            (_, false) => Kind::ExpressionList,
        };
        self.node(kind, field, tuple.range, |it| {
            it.expressions(&tuple.elts);
            it.token(Token::Comma, None, TextRange::empty(tuple.end()));
        });
    }

    fn slice(&mut self, slice: &ExprSlice, field: Option<Field>) {
        self.node(Kind::Slice, field, slice.range, |it| {
            [&slice.lower, &slice.upper, &slice.step].into_iter().flatten().for_each(|part| it.expression(part, None));
        });
    }

    /// One string literal, or several side by side.
    fn strings<T: Ranged>(&mut self, field: Option<Field>, range: TextRange, parts: &[T], part: impl Fn(&mut Self, &T, Option<Field>)) {
        match parts {
            [only] => part(self, only, field),
            several => self.node(Kind::ConcatenatedString, field, range, |it| several.iter().for_each(|only| part(it, only, None))),
        }
    }

    fn string(&mut self, field: Option<Field>, range: TextRange, flags: impl StringFlags, elements: Option<&InterpolatedStringElements>) {
        self.node(Kind::String, field, range, |it| {
            it.leaf(Kind::StringStart, None, TextRange::at(range.start(), flags.opener_len()));
            elements.into_iter().for_each(|elements| it.interpolations(elements, Kind::Interpolation));
            it.leaf(Kind::StringEnd, None, TextRange::new(range.end() - flags.closer_len(), range.end()));
        });
    }

    fn interpolations(&mut self, elements: &InterpolatedStringElements, kind: Kind) {
        for element in elements {
            if let InterpolatedStringElement::Interpolation(element) = element {
                self.deeper(|it| it.interpolation(element, kind));
            }
        }
    }

    /// `{value!r:{width}}`.
    fn interpolation(&mut self, element: &InterpolatedElement, kind: Kind) {
        self.node(kind, None, element.range, |it| {
            it.expression(&element.expression, Some(Field::Expression));
            if let Some(format) = &element.format_spec {
                it.node(Kind::FormatSpecifier, Some(Field::FormatSpecifier), format.range, |it| {
                    it.interpolations(&format.elements, Kind::FormatExpression);
                });
            }
        });
    }
}

pub(super) fn number_kind(number: &ExprNumberLiteral) -> Kind {
    match number.value {
        Number::Int(_) => Kind::Integer,
        Number::Float(_) | Number::Complex { .. } => Kind::Float,
    }
}

fn operator_token(operator: CmpOp) -> Token {
    match operator {
        CmpOp::Eq | CmpOp::NotEq => Token::Equality,
        CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => Token::Order,
        CmpOp::Is => Token::Is,
        CmpOp::IsNot => Token::IsNot,
        CmpOp::In => Token::In,
        CmpOp::NotIn => Token::NotIn,
    }
}
