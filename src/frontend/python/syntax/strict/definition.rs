//! Functions, classes, their parameters and types.

use ruff_python_ast::{
    Arguments, Decorator, Expr, Keyword, Parameter, ParameterWithDefault, Parameters, StmtClassDef, StmtFunctionDef, StmtTypeAlias, TypeParam,
    TypeParams,
};
use ruff_text_size::{Ranged, TextRange};

use super::super::{Field, Kind};
use super::Builder;

impl Builder<'_> {
    /// A definition, within what its decorators make of it.
    pub(super) fn decorated(&mut self, decorators: &[Decorator], range: TextRange, definition: impl FnOnce(&mut Self, TextRange)) {
        let Some(last) = decorators.last() else { return definition(self, range) };
        self.node(Kind::DecoratedDefinition, None, range, |it| {
            for decorator in decorators {
                it.node(Kind::Decorator, None, decorator.range, |it| it.expression(&decorator.expression, None));
            }
            // A parenthesis may stand behind the last decorator's expression, and a comment before the keyword.
            let start = it.position(last.end(), |it| it.is_ascii_alphabetic());
            definition(it, TextRange::new(start, range.end()));
        });
    }

    pub(super) fn function(&mut self, function: &StmtFunctionDef, range: TextRange) {
        let field = (!function.decorator_list.is_empty()).then_some(Field::Definition);
        self.node(Kind::FunctionDefinition, field, range, |it| {
            it.async_token(function.is_async, range);
            it.identifier(&function.name, Some(Field::Name));
            it.type_parameters(function.type_params.as_deref(), Some(Field::TypeParameters));
            it.node(Kind::Parameters, Some(Field::Parameters), function.parameters.range, |it| it.parameters(&function.parameters));
            let mut end = function.parameters.end();
            if let Some(returns) = &function.returns {
                it.annotation(returns, Some(Field::ReturnType));
                end = returns.end();
            }
            it.colon(end);
            it.block(Some(Field::Body), &function.body);
        });
    }

    pub(super) fn class(&mut self, class: &StmtClassDef, range: TextRange) {
        let field = (!class.decorator_list.is_empty()).then_some(Field::Definition);
        self.node(Kind::ClassDefinition, field, range, |it| {
            it.identifier(&class.name, Some(Field::Name));
            it.type_parameters(class.type_params.as_deref(), Some(Field::TypeParameters));
            let mut end = class.type_params.as_ref().map_or(class.name.end(), |it| it.end());
            if let Some(arguments) = &class.arguments {
                it.arguments(arguments, Field::Superclasses);
                end = arguments.end();
            }
            it.colon(end);
            it.block(Some(Field::Body), &class.body);
        });
    }

    /// What stands between the parentheses of a call or a class.
    pub(super) fn arguments(&mut self, arguments: &Arguments, field: Field) {
        self.node(Kind::ArgumentList, Some(field), arguments.range, |it| {
            let mut keywords = arguments.keywords.iter().peekable();
            for argument in &arguments.args {
                while let Some(keyword) = keywords.next_if(|it| it.start() < argument.start()) {
                    it.keyword(keyword);
                }
                it.expression(argument, None);
            }
            keywords.for_each(|keyword| it.keyword(keyword));
        });
    }

    fn keyword(&mut self, keyword: &Keyword) {
        match &keyword.arg {
            Some(name) => self.node(Kind::KeywordArgument, None, keyword.range, |it| {
                it.identifier(name, Some(Field::Name));
                it.expression(&keyword.value, Some(Field::Value));
            }),
            None => self.node(Kind::DictionarySplat, None, keyword.range, |it| it.expression(&keyword.value, None)),
        }
    }

    /// The parameters of a function or lambda.
    pub(super) fn parameters(&mut self, parameters: &Parameters) {
        let end = TextRange::empty(parameters.end());
        parameters.posonlyargs.iter().for_each(|it| self.parameter(it));
        if !parameters.posonlyargs.is_empty() {
            self.leaf(Kind::PositionalSeparator, None, end);
        }
        parameters.args.iter().for_each(|it| self.parameter(it));
        match &parameters.vararg {
            Some(rest) => self.splat(rest, Kind::ListSplatPattern),
            None if !parameters.kwonlyargs.is_empty() => self.leaf(Kind::KeywordSeparator, None, end),
            None => {}
        }
        parameters.kwonlyargs.iter().for_each(|it| self.parameter(it));
        parameters.kwarg.iter().for_each(|it| self.splat(it, Kind::DictionarySplatPattern));
    }

    fn parameter(&mut self, parameter: &ParameterWithDefault) {
        let Parameter { name, annotation, .. } = &parameter.parameter;
        let kind = match (annotation, &parameter.default) {
            (None, None) => return self.identifier(name, None),
            (None, Some(_)) => Kind::DefaultParameter,
            (Some(_), None) => Kind::TypedParameter,
            (Some(_), Some(_)) => Kind::TypedDefaultParameter,
        };
        self.node(kind, None, parameter.range, |it| {
            it.identifier(name, Some(Field::Name));
            annotation.iter().for_each(|ty| it.annotation(ty, Some(Field::Type)));
            parameter.default.iter().for_each(|default| it.expression(default, Some(Field::Value)));
        });
    }

    /// `*args: T`, `**kwargs: T`.
    fn splat(&mut self, parameter: &Parameter, kind: Kind) {
        match &parameter.annotation {
            None => self.node(kind, None, parameter.range, |it| it.identifier(&parameter.name, None)),
            Some(ty) => self.node(Kind::TypedParameter, None, parameter.range, |it| {
                let range = TextRange::new(parameter.start(), parameter.name.end());
                it.node(kind, None, range, |it| it.identifier(&parameter.name, None));
                it.annotation(ty, Some(Field::Type));
            }),
        }
    }

    pub(super) fn annotation(&mut self, ty: &Expr, field: Option<Field>) {
        self.node(Kind::Type, field, ty.range(), |it| it.expression(ty, None));
    }

    /// `[T, U: Bound, *Ts, **P]`.
    fn type_parameters(&mut self, parameters: Option<&TypeParams>, field: Option<Field>) {
        let Some(parameters) = parameters else { return };
        self.node(Kind::TypeParameter, field, parameters.range, |it| {
            for parameter in &parameters.type_params {
                it.node(Kind::Type, None, parameter.range(), |it| it.type_parameter(parameter));
            }
        });
    }

    fn type_parameter(&mut self, parameter: &TypeParam) {
        match parameter {
            TypeParam::TypeVar(variable) => match &variable.bound {
                None => self.identifier(&variable.name, None),
                Some(bound) => self.node(Kind::ConstrainedType, None, variable.range, |it| {
                    it.node(Kind::Type, None, variable.name.range, |it| it.identifier(&variable.name, None));
                    it.annotation(bound, None);
                }),
            },
            TypeParam::TypeVarTuple(it) => self.node(Kind::SplatType, None, it.range, |builder| builder.identifier(&it.name, None)),
            TypeParam::ParamSpec(it) => self.node(Kind::SplatType, None, it.range, |builder| builder.identifier(&it.name, None)),
        }
    }

    /// `type A[T] = B`.
    pub(super) fn type_alias(&mut self, alias: &StmtTypeAlias) {
        self.node(Kind::TypeAliasStatement, None, alias.range, |it| {
            let end = alias.type_params.as_ref().map_or(alias.name.end(), |it| it.end());
            let range = TextRange::new(alias.name.start(), end);
            it.node(Kind::Type, Some(Field::Left), range, |it| match alias.type_params.as_deref() {
                None => it.expression(&alias.name, None),
                Some(parameters) => it.node(Kind::GenericType, None, range, |it| {
                    it.expression(&alias.name, None);
                    it.type_parameters(Some(parameters), None);
                }),
            });
            it.annotation(&alias.value, Some(Field::Right));
        });
    }
}
