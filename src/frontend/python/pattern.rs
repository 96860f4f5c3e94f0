//! `match`: each case tests its pattern on the subject, binds as it goes, and falls to the next case where a test fails.

use super::context::Ctx;
use super::literals::{constant, negated};
use super::syntax::{Field, Kind, Node, Token};
use crate::ir::{Arm, BlockId, Const, LoadKind, Local, Name, Operation, Place, Projection, Range, Terminator};

impl<'t> Ctx<'t> {
    pub(super) fn match_statement(&mut self, node: Node<'t>) {
        let head = self.head(node);
        self.frame.b.begin_statement(head);
        let subjects = node.children_of(Field::Subject);
        let subject = self.one_or_tuple(&subjects, head);
        let after = self.frame.b.new_block();
        for case in node.child(Field::Body).map(Node::children).unwrap_or_default() {
            if case.kind() != Kind::CaseClause || (case.has_error() && !self.is_readable(case)) {
                self.lose_statement(case);
                continue;
            }
            let next = self.frame.b.new_block();
            self.case(case, subject, next);
            self.frame.b.goto(after, Range::default());
            self.frame.b.switch_to(next);
        }
        self.frame.b.fall_into(after, Range::default());
    }

    fn case(&mut self, case: Node<'t>, subject: Local, next: BlockId) {
        let head = self.head(case);
        self.frame.b.begin_statement(head);
        let patterns: Vec<Node> = case.children().into_iter().filter(|it| it.kind() == Kind::CasePattern).collect();
        match patterns.as_slice() {
            // `case a,:` is a tuple of one.
            [only] if !case.has_token(Token::Comma) => self.pattern(*only, subject, next),
            several => self.sequence(several, subject, head, next),
        }
        if let Some(guard) = case.child(Field::Guard).and_then(Node::first) {
            let passed = self.frame.b.new_block();
            self.branch(guard, passed, next);
            self.frame.b.switch_to(passed);
        }
        if let Some(body) = case.child(Field::Consequence) {
            self.block(body);
        }
    }

    /// Tests `pattern` on `subject`; goes on where it matches, and to `fails` where not.
    fn pattern(&mut self, pattern: Node<'t>, subject: Local, fails: BlockId) {
        self.deeper(pattern, |it| it.pattern_of(pattern, subject, fails));
    }

    fn pattern_of(&mut self, pattern: Node<'t>, subject: Local, fails: BlockId) {
        let children = pattern.children();
        match pattern.kind() {
            Kind::CasePattern => match children.as_slice() {
                [number] if pattern.starts_with(Token::Minus) => self.test_literal(*number, "-", subject, fails),
                [only] => self.pattern(*only, subject, fails),
                // `_`
                _ => {}
            },
            Kind::AsPattern => {
                if let [inner, name] = children.as_slice() {
                    self.pattern(*inner, subject, fails);
                    self.capture_name(*name, subject);
                }
            }
            Kind::DottedName => match children.as_slice() {
                [name] => self.capture_name(*name, subject),
                _ => self.test_value(pattern, subject, fails),
            },
            Kind::SplatPattern => {
                if let Some(name) = children.first() {
                    self.capture_name(*name, subject);
                }
            }
            Kind::UnionPattern => self.alternatives(pattern, subject, fails),
            Kind::TuplePattern if children.len() == 1 && !pattern.has_token(Token::Comma) => self.pattern(children[0], subject, fails),
            Kind::TuplePattern | Kind::ListPattern => self.sequence(&children, subject, pattern.range(), fails),
            Kind::DictPattern => self.mapping(pattern, subject, fails),
            Kind::ClassPattern => self.class_pattern(pattern, subject, fails),
            _ => self.test_literal(pattern, "", subject, fails),
        }
    }

    fn capture_name(&mut self, name: Node<'t>, subject: Local) {
        if name.text(self.source) != "_" {
            self.assign(name, subject, name.range());
        }
    }

    /// Goes on where `subject` is of `variant` (or, for none, has the right shape).
    fn test(&mut self, variant: Option<Name>, subject: Local, range: Range, fails: BlockId) {
        let matches = self.frame.b.new_block();
        let arms = vec![Arm { variant, target: matches }, Arm { variant: None, target: fails }];
        self.frame.b.terminate(Terminator::Switch { on: subject, arms: arms.into() }, range);
        self.frame.b.switch_to(matches);
    }

    /// A literal, whose sign stands outside its node.
    fn test_literal(&mut self, literal: Node<'t>, sign: &str, subject: Local, fails: BlockId) {
        let text = Name::new(&format!("{sign}{}", literal.text(self.source)));
        self.test(Some(text), subject, literal.range(), fails);
    }

    /// `Color.RED`: read and compared.
    fn test_value(&mut self, path: Node<'t>, subject: Local, fails: BlockId) {
        let value = self.dotted_value(path);
        let equal = self.compute(Operation::Compare, &[subject, value], path.range());
        let matches = self.frame.b.new_block();
        self.branch_on(equal, matches, fails, path.range());
        self.frame.b.switch_to(matches);
    }

    /// Reads `a.b.c`, of which at least the first name is there.
    fn dotted_value(&mut self, path: Node<'t>) -> Local {
        let mut names = path.children().into_iter();
        let Some(first) = names.next() else { return self.unknown(path.range()) };
        let base = self.read_place(self.name(first));
        let place = names.fold(base, |place, it| place.project(Projection::Field(self.name(it))));
        self.frame.b.load(place, LoadKind::Value, path.range())
    }

    fn alternatives(&mut self, pattern: Node<'t>, subject: Local, fails: BlockId) {
        let matches = self.frame.b.new_block();
        let mut sign = "";
        // Whether the last alternative is `_`, which the grammar gives as a mere token.
        let mut is_total = false;
        for part in pattern.tokens() {
            if !part.is_named() {
                sign = if part.token() == Some(Token::Minus) { "-" } else { "" };
                is_total |= part.token() == Some(Token::Underscore);
                continue;
            }
            let next = self.frame.b.new_block();
            if sign.is_empty() {
                self.pattern(part, subject, next);
            } else {
                self.test_literal(part, sign, subject, next);
            }
            self.frame.b.goto(matches, part.range());
            self.frame.b.switch_to(next);
        }
        self.frame.b.goto(if is_total { matches } else { fails }, pattern.range());
        self.frame.b.switch_to(matches);
    }

    fn sequence(&mut self, items: &[Node<'t>], subject: Local, range: Range, fails: BlockId) {
        self.test(None, subject, range, fails);
        let star = items.iter().position(|it| unwrap(*it).kind() == Kind::SplatPattern);
        for (index, item) in items.iter().enumerate() {
            if is_wildcard(*item, self.source) {
                continue;
            }
            let value = self.item(subject, index, items.len(), star, item.range());
            self.pattern(*item, value, fails);
        }
    }

    fn mapping(&mut self, pattern: Node<'t>, subject: Local, fails: BlockId) {
        self.test(None, subject, pattern.range(), fails);
        let mut sign = "";
        let mut values = pattern.children_of(Field::Value).into_iter();
        for key in pattern.children_of(Field::Key) {
            if !key.is_named() {
                sign = if key.token() == Some(Token::Minus) { "-" } else { "" };
                continue;
            }
            let Some(value) = values.next() else { break };
            let projection = self.key(key, std::mem::take(&mut sign));
            if !is_wildcard(value, self.source) {
                let item = self.frame.b.load(Place::local(subject).project(projection), LoadKind::Bind, value.range());
                self.pattern(value, item, fails);
            }
        }
        for rest in pattern.children().into_iter().filter(|it| it.kind() == Kind::SplatPattern) {
            let items = self.compute(Operation::Other, &[subject], rest.range());
            self.pattern(rest, items, fails);
        }
    }

    fn key(&mut self, key: Node<'t>, sign: &str) -> Projection {
        match constant(key, self.source) {
            Some(Const::Int(_) | Const::Number(_)) if sign == "-" => Projection::Key(negated(key, self.source)),
            Some(constant) if constant != Const::Other => Projection::Key(constant),
            _ if key.kind() == Kind::DottedName => Projection::Index(self.dotted_value(key)),
            _ => Projection::Index(self.unknown(key.range())),
        }
    }

    /// `Point(0, y=q)`: positional parts are fields `0`, `1`, … of the variant, keyword parts fields by their name.
    fn class_pattern(&mut self, pattern: Node<'t>, subject: Local, fails: BlockId) {
        let parts = pattern.children();
        let Some((class, arguments)) = parts.split_first() else { return };
        let class = Name::new(self.name(*class).last());
        self.test(Some(class), subject, pattern.range(), fails);
        for (index, argument) in arguments.iter().enumerate() {
            let inner = unwrap(*argument);
            let parts = inner.children();
            let (field, value, sign) = match (inner.kind(), parts.as_slice()) {
                (Kind::KeywordPattern, [name, value]) => (self.name(*name), *value, if inner.has_token(Token::Minus) { "-" } else { "" }),
                // `x=_`: the wildcard is no named node.
                (Kind::KeywordPattern, _) => continue,
                _ => (Name::new(&index.to_string()), *argument, ""),
            };
            if is_wildcard(value, self.source) {
                continue;
            }
            let place = Place::local(subject).project(Projection::Variant(class)).project(Projection::Field(field));
            let item = self.frame.b.load(place, LoadKind::Bind, value.range());
            if sign.is_empty() {
                self.pattern(value, item, fails);
            } else {
                self.test_literal(value, sign, item, fails);
            }
        }
    }
}

/// The pattern inside `case_pattern` wrappers.
fn unwrap(mut pattern: Node) -> Node {
    while let (Kind::CasePattern, Some(inner)) = (pattern.kind(), pattern.first()) {
        if pattern.starts_with(Token::Minus) {
            break;
        }
        pattern = inner;
    }
    pattern
}

fn is_wildcard(pattern: Node, source: &str) -> bool {
    let pattern = unwrap(pattern);
    match pattern.kind() {
        Kind::CasePattern | Kind::DottedName | Kind::Identifier => pattern.text(source) == "_",
        Kind::SplatPattern => pattern.text(source) == "*_",
        _ => false,
    }
}
