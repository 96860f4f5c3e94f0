//! Statements but for definitions.

use ruff_python_ast::{Alias, ElifElseClause, ExceptHandler, Expr, Identifier, Stmt, StmtImportFrom, StmtMatch, StmtTry, StmtWith};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::super::{Field, Kind, Token};
use super::Builder;

impl Builder<'_> {
    pub(super) fn statement(&mut self, statement: &Stmt) {
        let range = statement.range();
        match statement {
            Stmt::FunctionDef(function) => self.decorated(&function.decorator_list, range, |it, range| it.function(function, range)),
            Stmt::ClassDef(class) => self.decorated(&class.decorator_list, range, |it, range| it.class(class, range)),
            Stmt::Return(it) => self.with_expressions(Kind::ReturnStatement, range, it.value.as_deref()),
            Stmt::Delete(delete) => self.node(Kind::DeleteStatement, None, range, |it| match &*delete.targets {
                [only] => it.expression(only, None),
                [first, .., last] => {
                    it.node(Kind::ExpressionList, None, first.range().cover(last.range()), |it| it.expressions(&delete.targets));
                }
                [] => {}
            }),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Assign(assign) => self.node(Kind::ExpressionStatement, None, range, |it| it.assign(&assign.targets, &assign.value, None, range)),
            Stmt::AugAssign(assign) => self.node(Kind::ExpressionStatement, None, range, |it| {
                it.node(Kind::AugmentedAssignment, None, range, |it| {
                    it.expression(&assign.target, Some(Field::Left));
                    it.expression(&assign.value, Some(Field::Right));
                });
            }),
            Stmt::AnnAssign(assign) => self.node(Kind::ExpressionStatement, None, range, |it| {
                it.node(Kind::Assignment, None, range, |it| {
                    it.expression(&assign.target, Some(Field::Left));
                    it.annotation(&assign.annotation, Some(Field::Type));
                    assign.value.iter().for_each(|value| it.expression(value, Some(Field::Right)));
                });
            }),
            Stmt::For(statement) => self.node(Kind::ForStatement, None, range, |it| {
                it.async_token(statement.is_async, range);
                it.expression(&statement.target, Some(Field::Left));
                it.expression(&statement.iter, Some(Field::Right));
                it.colon(statement.iter.end());
                it.block(Some(Field::Body), &statement.body);
                it.else_clause(Some(Field::Alternative), &statement.orelse);
            }),
            Stmt::While(statement) => self.node(Kind::WhileStatement, None, range, |it| {
                it.expression(&statement.test, Some(Field::Condition));
                it.colon(statement.test.end());
                it.block(Some(Field::Body), &statement.body);
                it.else_clause(Some(Field::Alternative), &statement.orelse);
            }),
            Stmt::If(statement) => self.node(Kind::IfStatement, None, range, |it| {
                it.condition(&statement.test, &statement.body);
                statement.elif_else_clauses.iter().for_each(|clause| it.elif_else(clause));
            }),
            Stmt::With(statement) => self.with_statement(statement),
            Stmt::Match(statement) => self.match_statement(statement),
            Stmt::Raise(it) => self.with_expressions(Kind::RaiseStatement, range, it.exc.iter().chain(&it.cause).map(|it| &**it)),
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::Assert(it) => self.with_expressions(Kind::AssertStatement, range, [&it.test].into_iter().chain(&it.msg).map(|it| &**it)),
            Stmt::Import(import) => self.node(Kind::ImportStatement, None, range, |it| import.names.iter().for_each(|name| it.alias(name))),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Global(it) => self.declaration(Kind::GlobalStatement, range, &it.names),
            Stmt::Nonlocal(it) => self.declaration(Kind::NonlocalStatement, range, &it.names),
            Stmt::Expr(statement) => self.node(Kind::ExpressionStatement, None, range, |it| it.spread(&statement.value, None)),
            Stmt::Pass(_) => self.leaf(Kind::PassStatement, None, range),
            Stmt::Break(_) => self.leaf(Kind::BreakStatement, None, range),
            Stmt::Continue(_) => self.leaf(Kind::ContinueStatement, None, range),
            Stmt::IpyEscapeCommand(_) => self.leaf(Kind::Other, None, range),
        }
    }

    fn declaration(&mut self, kind: Kind, range: TextRange, names: &[Identifier]) {
        self.node(kind, None, range, |it| names.iter().for_each(|name| it.identifier(name, None)));
    }

    fn with_expressions<'e>(&mut self, kind: Kind, range: TextRange, expressions: impl IntoIterator<Item = &'e Expr>) {
        self.node(kind, None, range, |it| expressions.into_iter().for_each(|expression| it.expression(expression, None)));
    }

    /// `a = b = value`, which nests to the right.
    fn assign(&mut self, targets: &[Expr], value: &Expr, field: Option<Field>, range: TextRange) {
        let [target, rest @ ..] = targets else { return self.expression(value, field) };
        self.deeper(|it| {
            it.node(Kind::Assignment, field, range, |it| {
                it.expression(target, Some(Field::Left));
                let start = rest.first().map_or(range.start(), Ranged::start);
                it.assign(rest, value, Some(Field::Right), TextRange::new(start, range.end()));
            });
        });
    }

    pub(super) fn async_token(&mut self, is_async: bool, range: TextRange) {
        if is_async {
            self.token(Token::Async, None, TextRange::at(range.start(), TextSize::of("async")));
        }
    }

    fn condition(&mut self, test: &Expr, body: &[Stmt]) {
        self.expression(test, Some(Field::Condition));
        self.colon(test.end());
        self.block(Some(Field::Consequence), body);
    }

    fn elif_else(&mut self, clause: &ElifElseClause) {
        match &clause.test {
            Some(test) => self.node(Kind::ElifClause, Some(Field::Alternative), clause.range, |it| it.condition(test, &clause.body)),
            None => self.else_clause(Some(Field::Alternative), &clause.body),
        }
    }

    fn else_clause(&mut self, field: Option<Field>, body: &[Stmt]) {
        self.clause(Kind::ElseClause, field, Some(Field::Body), body);
    }

    /// A clause that has nothing but a suite, if there is one.
    fn clause(&mut self, kind: Kind, field: Option<Field>, body_field: Option<Field>, body: &[Stmt]) {
        let (Some(first), Some(last)) = (body.first(), body.last()) else { return };
        self.node(kind, field, first.range().cover(last.range()), |it| it.block(body_field, body));
    }

    fn with_statement(&mut self, statement: &StmtWith) {
        let (Some(first), Some(last)) = (statement.items.first(), statement.items.last()) else { return };
        self.node(Kind::WithStatement, None, statement.range, |it| {
            it.async_token(statement.is_async, statement.range);
            it.node(Kind::WithClause, None, first.range.cover(last.range), |it| {
                for item in &statement.items {
                    it.node(Kind::WithItem, None, item.range, |it| match &item.optional_vars {
                        None => it.expression(&item.context_expr, Some(Field::Value)),
                        Some(target) => it.node(Kind::AsPattern, Some(Field::Value), item.range, |it| {
                            it.expression(&item.context_expr, None);
                            it.node(Kind::AsPatternTarget, Some(Field::Alias), target.range(), |it| it.expression(target, None));
                        }),
                    });
                }
            });
            it.colon(last.end());
            it.block(Some(Field::Body), &statement.body);
        });
    }

    fn try_statement(&mut self, statement: &StmtTry) {
        self.node(Kind::TryStatement, None, statement.range, |it| {
            it.colon(statement.start());
            it.block(Some(Field::Body), &statement.body);
            for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
                it.node(Kind::ExceptClause, None, handler.range, |it| {
                    let mut end = handler.start();
                    if statement.is_star {
                        it.token(Token::Star, None, TextRange::empty(end));
                    }
                    if let Some(caught) = &handler.type_ {
                        it.expression(caught, Some(Field::Value));
                        end = caught.end();
                    }
                    if let Some(name) = &handler.name {
                        it.identifier(name, Some(Field::Alias));
                        end = name.end();
                    }
                    it.colon(end);
                    it.block(None, &handler.body);
                });
            }
            it.else_clause(None, &statement.orelse);
            it.clause(Kind::FinallyClause, None, None, &statement.finalbody);
        });
    }

    fn match_statement(&mut self, statement: &StmtMatch) {
        self.node(Kind::MatchStatement, None, statement.range, |it| {
            it.spread(&statement.subject, Some(Field::Subject));
            it.colon(statement.subject.end());
            let (Some(first), Some(last)) = (statement.cases.first(), statement.cases.last()) else { return };
            it.node(Kind::Block, Some(Field::Body), first.range.cover(last.range), |it| {
                for case in &statement.cases {
                    it.deeper(|it| it.case(case));
                }
            });
        });
    }

    /// What an import names, with its `as`.
    fn alias(&mut self, alias: &Alias) {
        match &alias.asname {
            None => self.dotted_text(Some(Field::Name), alias.name.range),
            Some(name) => self.node(Kind::AliasedImport, Some(Field::Name), alias.range, |it| {
                it.dotted_text(Some(Field::Name), alias.name.range);
                it.identifier(name, Some(Field::Alias));
            }),
        }
    }

    /// `a.b.c`, by its text: only its first part is a node.
    fn dotted_text(&mut self, field: Option<Field>, range: TextRange) {
        let text = self.source.get(range.to_std_range()).unwrap_or("");
        let first = text.find(|it: char| it == '.' || it == '\\' || it.is_whitespace()).unwrap_or(text.len());
        let first = TextSize::try_from(first).unwrap_or_default();
        self.node(Kind::DottedName, field, range, |it| it.leaf(Kind::Identifier, None, TextRange::at(range.start(), first)));
    }

    fn import_from(&mut self, import: &StmtImportFrom) {
        self.node(Kind::ImportFromStatement, None, import.range, |it| {
            let Some(first) = import.names.first() else { return };
            let module = import.module.as_ref();
            if import.level == 0 {
                module.into_iter().for_each(|module| it.dotted_text(Some(Field::ModuleName), module.range));
            } else {
                let prefix = TextRange::new(import.start() + TextSize::of("from"), module.map_or(first.start(), Ranged::start));
                it.node(Kind::RelativeImport, Some(Field::ModuleName), prefix, |it| {
                    it.leaf(Kind::ImportPrefix, None, prefix);
                    module.into_iter().for_each(|module| it.dotted_text(None, module.range));
                });
            }
            if first.name.as_str() == "*" {
                it.leaf(Kind::WildcardImport, None, first.range);
            } else {
                import.names.iter().for_each(|name| it.alias(name));
            }
        });
    }
}
