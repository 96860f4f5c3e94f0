//! The patterns of `case`.

use ruff_python_ast::{Expr, MatchCase, Pattern, PatternMatchClass, PatternMatchMapping, Singleton, UnaryOp};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::super::{Field, Kind, Token};
use super::Builder;

impl Builder<'_> {
    pub(super) fn case(&mut self, case: &MatchCase) {
        self.node(Kind::CaseClause, None, case.range, |it| {
            match &case.pattern {
                // `case a, b:`
                Pattern::MatchSequence(sequence) if !it.is_bracketed(sequence.range) => {
                    sequence.patterns.iter().for_each(|pattern| it.case_pattern(pattern, None));
                    it.token(Token::Comma, None, TextRange::empty(sequence.end()));
                }
                only => it.case_pattern(only, None),
            }
            let mut end = case.pattern.end();
            if let Some(guard) = &case.guard {
                it.node(Kind::IfClause, Some(Field::Guard), guard.range(), |it| it.expression(guard, None));
                end = guard.end();
            }
            it.colon(end);
            it.block(Some(Field::Consequence), &case.body);
        });
    }

    fn is_bracketed(&self, range: TextRange) -> bool {
        self.source.as_bytes().get(range.start().to_usize()).is_some_and(|it| matches!(it, b'(' | b'['))
    }

    /// A pattern in a node of its own; for `_` one that is empty.
    fn case_pattern(&mut self, pattern: &Pattern, field: Option<Field>) {
        self.node(Kind::CasePattern, field, pattern.range(), |it| {
            if !is_wildcard(pattern) {
                it.pattern(pattern);
            }
        });
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.deeper(|it| it.pattern_of(pattern));
    }

    fn pattern_of(&mut self, pattern: &Pattern) {
        let range = pattern.range();
        match pattern {
            Pattern::MatchValue(value) => self.pattern_value(&value.value, None),
            Pattern::MatchSingleton(singleton) => self.leaf(
                match singleton.value {
                    Singleton::None => Kind::None,
                    Singleton::True => Kind::True,
                    Singleton::False => Kind::False,
                },
                None,
                range,
            ),
            Pattern::MatchSequence(sequence) => {
                let is_list = self.source.as_bytes().get(range.start().to_usize()) == Some(&b'[');
                self.node(if is_list { Kind::ListPattern } else { Kind::TuplePattern }, None, range, |it| {
                    sequence.patterns.iter().for_each(|pattern| it.case_pattern(pattern, None));
                    it.token(Token::Comma, None, TextRange::empty(range.end()));
                });
            }
            Pattern::MatchMapping(mapping) => self.mapping(mapping),
            Pattern::MatchClass(class) => self.class_pattern(class),
            Pattern::MatchStar(star) => {
                self.node(Kind::SplatPattern, None, range, |it| star.name.iter().for_each(|name| it.identifier(name, None)));
            }
            Pattern::MatchAs(alias) => match (&alias.pattern, &alias.name) {
                (Some(pattern), Some(name)) => self.node(Kind::AsPattern, None, range, |it| {
                    it.case_pattern(pattern, None);
                    it.identifier(name, None);
                }),
                (_, Some(name)) => self.node(Kind::DottedName, None, range, |it| it.identifier(name, None)),
                _ => self.token(Token::Underscore, None, range),
            },
            Pattern::MatchOr(union) => self.node(Kind::UnionPattern, None, range, |it| {
                for pattern in &union.patterns {
                    it.pattern(pattern);
                    it.token(Token::Pipe, None, TextRange::empty(pattern.end()));
                }
            }),
        }
    }

    /// A literal, its sign a token before it, or a dotted name.
    fn pattern_value(&mut self, value: &Expr, field: Option<Field>) {
        match value {
            Expr::UnaryOp(negated) if negated.op == UnaryOp::USub => {
                self.token(Token::Minus, field, TextRange::empty(negated.start()));
                self.expression(&negated.operand, field);
            }
            Expr::Attribute(_) => self.node(Kind::DottedName, field, value.range(), |it| it.dotted_parts(value)),
            Expr::BinOp(_) => self.leaf(Kind::ComplexPattern, field, value.range()),
            literal => self.expression(literal, field),
        }
    }

    /// The names of `a.b.c`.
    fn dotted_parts(&mut self, path: &Expr) {
        match path {
            Expr::Attribute(attribute) => self.deeper(|it| {
                it.dotted_parts(&attribute.value);
                it.identifier(&attribute.attr, None);
            }),
            name => self.expression(name, None),
        }
    }

    fn mapping(&mut self, mapping: &PatternMatchMapping) {
        self.node(Kind::DictPattern, None, mapping.range, |it| {
            for (key, pattern) in mapping.keys.iter().zip(&mapping.patterns) {
                it.pattern_value(key, Some(Field::Key));
                it.case_pattern(pattern, Some(Field::Value));
            }
            if let Some(rest) = &mapping.rest {
                let text = it.source.get(mapping.start().to_usize()..rest.start().to_usize()).unwrap_or("");
                let stars = text.rfind("**").and_then(|it| TextSize::try_from(text.len() - it).ok()).unwrap_or_default();
                let range = TextRange::new(rest.start() - stars, rest.end());
                it.node(Kind::SplatPattern, None, range, |it| it.identifier(rest, None));
            }
        });
    }

    fn class_pattern(&mut self, class: &PatternMatchClass) {
        self.node(Kind::ClassPattern, None, class.range, |it| {
            it.node(Kind::DottedName, None, class.cls.range(), |it| it.dotted_parts(&class.cls));
            class.arguments.patterns.iter().for_each(|pattern| it.case_pattern(pattern, None));
            for keyword in &class.arguments.keywords {
                it.node(Kind::CasePattern, None, keyword.range, |it| {
                    it.node(Kind::KeywordPattern, None, keyword.range, |it| {
                        it.identifier(&keyword.attr, None);
                        it.pattern(&keyword.pattern);
                    });
                });
            }
        });
    }
}

/// `_`.
fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchAs(it) if it.pattern.is_none() && it.name.is_none())
}
