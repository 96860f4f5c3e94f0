//! Function definitions, lambdas, and generator expressions that outlive their statement.
//!
//! Decorators and default arguments run in the scope around; the body is a function of its own.

use super::context::{Ctx, Defined, Frame, FrameKind, MAX_FUNCTIONS};
use super::literals::{constant, strip};
use super::scope::{Binding, Bindings, bindings, target_names};
use super::syntax::{Field, Kind, Node, Token};
use super::types;
use crate::ir::{
    Attribute, AttributeArgument, FunctionBuilder, FunctionId, FunctionKind, LoadKind, Local, LocalKind, Name, OpKind, Owner, ParamKind, Place,
    Range, StoreKind, Terminator,
};

/// A parameter as written.
struct Parameter<'t> {
    name: Name,
    kind: ParamKind,
    ty: Option<Node<'t>>,
    default: Option<Node<'t>>,
    /// Python 2's `def f(a, (b, c))`.
    unpack: Option<Node<'t>>,
    range: Range,
}

impl<'t> Ctx<'t> {
    /// `def`, with the whole decorated definition when there is one.
    pub(super) fn function_definition(&mut self, node: Node<'t>, decorated: Option<Node<'t>>) {
        let whole = decorated.unwrap_or(node).range();
        let Some(name) = node.child(Field::Name) else { return };
        let attributes = self.attributes(decorated);
        let parameters = self.parameters(node.child(Field::Parameters));
        let known = self.defined.get(&whole).copied();
        let function = match known {
            Some(Defined::Function(function)) => Some(function),
            _ => self.function(node, name, whole, attributes, parameters),
        };
        let Some(function) = function else { return };
        match self.frame.kind {
            FrameKind::Module => {}
            FrameKind::Class(class) => {
                // Marks the name as bound from here on.
                self.write_place(self.name(name));
                if known.is_none() {
                    self.classes[class.index()].methods.push(function);
                }
            }
            FrameKind::Function => {
                let dest = self.closure(function, name.range());
                let place = self.write_place(self.name(name));
                self.frame.b.store(place, dest, StoreKind::Assign, name.range());
            }
        }
    }

    fn function(
        &mut self,
        node: Node<'t>,
        name_node: Node<'t>,
        whole: Range,
        attributes: Vec<Attribute>,
        parameters: Vec<Parameter<'t>>,
    ) -> Option<FunctionId> {
        let body = node.child(Field::Body)?;
        if self.is_too_deep(node) {
            return None;
        }
        let name = self.name(name_node);
        let kind = self.function_kind(name, &attributes, &parameters);
        let owner = self.owner();
        let is_test = self.is_test_function(name);
        let (id, mut b) = self.new_function(name, kind, owner, whole);
        b.function.name_range = name_node.range();
        b.function.is_async = node.starts_with(Token::Async);
        b.function.is_public = !name.as_str().starts_with('_') || is_dunder(name);
        b.function.is_test = is_test;
        b.function.attributes = attributes.into();
        b.function.generics = types::generics(node.child(Field::TypeParameters), self.source).into();
        b.function.returns = node.child(Field::ReturnType).map(|it| types::type_of(it, self.source));
        b.function.told = self.told(body);
        if self.finally_depth > 0 {
            self.defined.insert(whole, Defined::Function(id));
        }
        let frame = Frame::new(b, id, FrameKind::Function, bindings(body, &self.file));
        self.in_frame(frame, |it| {
            it.bind_parameters(&parameters);
            it.block(body);
            it.end_of_body(whole);
        });
        Some(id)
    }

    /// `lambda x: e`.
    pub(super) fn lambda(&mut self, node: Node<'t>) -> Local {
        let parameters = self.parameters(node.child(Field::Parameters));
        if let Some(Defined::Function(known)) = self.defined.get(&node.range()).copied() {
            return self.closure(known, node.range());
        }
        let Some(body) = node.child(Field::Body).filter(|_| !self.is_too_deep(node)) else { return self.unknown(node.range()) };
        let (id, b) = self.new_function(Name::new("<lambda>"), FunctionKind::Closure, Owner::Function(self.frame.id), node.range());
        // A loop variable of a comprehension is another one in each copy.
        if self.finally_depth > 0 && self.frame.comprehensions.is_empty() {
            self.defined.insert(node.range(), Defined::Function(id));
        }
        let frame = Frame::new(b, id, FrameKind::Function, bindings(body, &self.file));
        self.in_frame(frame, |it| {
            it.bind_parameters(&parameters);
            let value = it.value(body);
            it.frame.b.terminate(Terminator::Return(Some(value)), body.range());
        });
        self.closure(id, node.range())
    }

    /// `(e for x in xs)` that is kept: a function that captures what its first `for` runs over.
    pub(super) fn generator_expression(&mut self, node: Node<'t>) -> Local {
        let first = self.first_iterable(node);
        if self.is_too_deep(node) {
            return self.unknown(node.range());
        }
        let (id, mut b) = self.new_function(Name::new("<genexpr>"), FunctionKind::GeneratorExpression, Owner::Function(self.frame.id), node.range());
        b.function.is_generator = true;
        let captured = b.new_local(LocalKind::Captured(first), Some(Name::new(".0")), None);
        let frame = Frame::new(b, id, FrameKind::Function, Bindings::default());
        self.in_frame(frame, |it| {
            it.clauses(node, captured, |it, body| {
                let value = it.value(body);
                let dest = it.frame.b.temp();
                it.frame.b.push(OpKind::Yield { dest, value: Some(value), from: false }, body.range());
            });
            it.end_of_body(node.range());
        });
        self.closure(id, node.range())
    }

    /// Whether functions nest too deeply for `node` to be one more; notes the loss if so.
    pub(super) fn is_too_deep(&mut self, node: Node<'t>) -> bool {
        let too_deep = self.outer.len() >= MAX_FUNCTIONS;
        if too_deep {
            self.lose(node.range(), "functions and classes nested too deeply");
        }
        too_deep
    }

    pub(super) fn new_function(&mut self, name: Name, kind: FunctionKind, owner: Owner, range: Range) -> (FunctionId, FunctionBuilder) {
        let mut b = FunctionBuilder::new(name, self.frame.path(), kind, owner, range);
        b.function.is_test = self.frame.b.function.is_test;
        (self.reserve(), b)
    }

    /// `name` with what it is defined in before it.
    pub(super) fn qualified(&self, name: Name) -> Name {
        joined(self.frame.path(), name)
    }

    /// What a definition that stands here is defined in.
    pub(super) fn owner(&self) -> Owner {
        match self.frame.kind {
            FrameKind::Module => Owner::Module,
            FrameKind::Class(class) => Owner::Class(class),
            FrameKind::Function => Owner::Function(self.frame.id),
        }
    }

    fn closure(&mut self, function: FunctionId, range: Range) -> Local {
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Closure { dest, function }, range);
        dest
    }

    fn function_kind(&self, name: Name, attributes: &[Attribute], parameters: &[Parameter<'t>]) -> FunctionKind {
        if !matches!(self.frame.kind, FrameKind::Class(_)) {
            return FunctionKind::Function;
        }
        let decorated = |names: [&str; 2]| attributes.iter().any(|it| it.arguments.is_none() && names.contains(&it.path.last()));
        let has_receiver = parameters.first().is_some_and(|it| it.kind == ParamKind::Positional);
        if decorated(["staticmethod", "abstractstaticmethod"]) || !has_receiver {
            FunctionKind::StaticMethod
        } else if decorated(["classmethod", "abstractclassmethod"]) || ["__new__", "__init_subclass__", "__class_getitem__"].contains(&name.as_str())
        {
            FunctionKind::ClassMethod
        } else {
            FunctionKind::Method
        }
    }

    fn is_test_function(&self, name: Name) -> bool {
        let inherited = self.frame.b.function.is_test;
        inherited || (self.frame.kind == FrameKind::Module && (name.as_str().starts_with("test_") || name == "test"))
    }

    /// The parameters, their default values evaluated.
    fn parameters(&mut self, list: Option<Node<'t>>) -> Vec<Parameter<'t>> {
        let mut parameters = Vec::new();
        let mut kind = ParamKind::Positional;
        for (index, node) in list.map(Node::children).unwrap_or_default().into_iter().enumerate() {
            if node.kind() == Kind::KeywordSeparator {
                kind = ParamKind::KeywordOnly;
                continue;
            }
            let parameter = self.parameter(node, kind, index);
            if let Some(default) = parameter.as_ref().and_then(|it| it.default)
                && constant(default, self.source).is_none()
            {
                self.value(default);
            }
            if parameter.as_ref().is_some_and(|it| it.kind == ParamKind::Rest) {
                kind = ParamKind::KeywordOnly;
            }
            parameters.extend(parameter);
        }
        parameters
    }

    fn parameter(&self, node: Node<'t>, kind: ParamKind, index: usize) -> Option<Parameter<'t>> {
        let name = match node.kind() {
            Kind::TypedParameter => node.first()?,
            Kind::DefaultParameter | Kind::TypedDefaultParameter => node.child(Field::Name)?,
            _ => node,
        };
        let (identifier, kind) = match name.kind() {
            Kind::ListSplatPattern => (name.first()?, ParamKind::Rest),
            Kind::DictionarySplatPattern => (name.first()?, ParamKind::Keywords),
            Kind::Identifier | Kind::TuplePattern => (name, kind),
            _ => return None,
        };
        let unpack = Some(identifier).filter(|it| it.kind() == Kind::TuplePattern);
        let name = if unpack.is_some() { Name::new(&format!(".{index}")) } else { self.name(identifier) };
        Some(Parameter { name, kind, ty: node.child(Field::Type), default: node.child(Field::Value), unpack, range: node.range() })
    }

    fn bind_parameters(&mut self, parameters: &[Parameter<'t>]) {
        let receives = matches!(self.frame.b.function.kind, FunctionKind::Method | FunctionKind::ClassMethod);
        for (index, parameter) in parameters.iter().enumerate() {
            let kind = if receives && index == 0 { ParamKind::Receiver } else { parameter.kind };
            let ty = parameter.ty.map(|it| types::type_of(it, self.source));
            let default = parameter.default.and_then(|it| constant(it, self.source));
            let local = self.frame.b.param(parameter.name, kind, ty, default, parameter.range);
            if let (None, Some(value), Some(param)) = (default, parameter.default, self.frame.b.function.params.last_mut()) {
                param.default_name = types::dotted(value, self.source);
            }
            let binding = Binding { variable: true, range: parameter.range, local: Some(local), ..Binding::default() };
            self.frame.bindings.names.insert(parameter.name, binding);
        }
        for (local, parameter) in parameters.iter().enumerate() {
            let Some(pattern) = parameter.unpack else { continue };
            for (name, range) in target_names(pattern, self.source) {
                self.frame.bindings.names.insert(name, Binding { variable: true, range, ..Binding::default() });
            }
            let value = self.frame.b.load(Place::local(Local::from_index(local)), LoadKind::Value, parameter.range);
            self.assign(pattern, value, pattern.range());
        }
    }

    /// The decorators, evaluated.
    pub(super) fn attributes(&mut self, decorated: Option<Node<'t>>) -> Vec<Attribute> {
        let children = decorated.map(Node::children).unwrap_or_default();
        let expressions = children.into_iter().filter(|it| it.kind() == Kind::Decorator).filter_map(Node::first);
        let mut attributes = Vec::new();
        for expression in expressions {
            self.value(expression);
            attributes.push(self.attribute(expression));
        }
        attributes
    }

    fn attribute(&self, expression: Node<'t>) -> Attribute {
        let expression = strip(expression);
        let (function, arguments) = match expression.kind() {
            Kind::Call => (expression.child(Field::Function).unwrap_or(expression), expression.child(Field::Arguments)),
            _ => (expression, None),
        };
        let argument = |it: Node<'t>| match it.kind() {
            Kind::KeywordArgument => AttributeArgument {
                name: it.child(Field::Name).map(|it| self.name(it)),
                text: it.child(Field::Value).map_or(Name::new(""), |it| self.name(it)),
            },
            _ => AttributeArgument { name: None, text: self.name(it) },
        };
        let arguments = arguments.map(|list| match list.kind() {
            Kind::ArgumentList => list.children().into_iter().map(argument).collect(),
            _ => vec![argument(list)],
        });
        let path = types::dotted(function, self.source).unwrap_or_else(|| self.name(function));
        Attribute { path, arguments, range: expression.range() }
    }
}

/// `scope.name`.
pub(super) fn joined(scope: Name, name: Name) -> Name {
    if scope.as_str().is_empty() { name } else { Name::concat(&[scope.as_str(), ".", name.as_str()]) }
}

/// `__enter__`, which Python calls from outside.
fn is_dunder(name: Name) -> bool {
    let text = name.as_str();
    text.len() > 4 && text.starts_with("__") && text.ends_with("__")
}
