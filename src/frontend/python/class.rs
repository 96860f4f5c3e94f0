//! Class definitions. A class's own statements are a function of kind [`FunctionKind::ClassBody`], in which the names
//! it binds are fields of parameter 0.

use super::context::{Ctx, Defined, Frame, FrameKind};
use super::scope::{Bindings, bindings};
use super::syntax::{Field, Kind, Node};
use super::types;
use crate::ir::{Class, ClassId, ClassKind, FunctionKind, Name, OpKind, ParamKind, StoreKind, TypeRef};

impl<'t> Ctx<'t> {
    /// `class`, with the whole decorated definition when there is one.
    pub(super) fn class_definition(&mut self, node: Node<'t>, decorated: Option<Node<'t>>) {
        let whole = decorated.unwrap_or(node).range();
        let Some(name) = node.child(Field::Name) else { return };
        let attributes = self.attributes(decorated);
        let bases = self.bases(node.child(Field::Superclasses));
        let class = match self.defined.get(&whole) {
            Some(Defined::Class(class)) => Some(*class),
            _ => {
                let names = node.child(Field::Body).map(|it| bindings(it, &self.file)).unwrap_or_default();
                let class = Class {
                    name: self.name(name),
                    scope: self.frame.path(),
                    kind: ClassKind::Class,
                    is_test: self.is_test_class(self.name(name), &bases, &names),
                    bases,
                    generics: types::generics(node.child(Field::TypeParameters), self.source),
                    fields: Vec::new(),
                    methods: Vec::new(),
                    body: None,
                    attributes,
                    told: node.child(Field::Body).map(|it| self.told(it)).unwrap_or_default(),
                    range: whole,
                    name_range: name.range(),
                };
                self.class(node, class, names)
            }
        };
        if let Some(class) = class.filter(|_| self.frame.kind != FrameKind::Module) {
            let dest = self.frame.b.temp();
            self.frame.b.push(OpKind::ClassObject { dest, class }, name.range());
            let place = self.write_place(self.name(name));
            self.frame.b.store(place, dest, StoreKind::Assign, name.range());
        }
    }

    fn class(&mut self, node: Node<'t>, class: Class, names: Bindings<'t>) -> Option<ClassId> {
        let body = node.child(Field::Body)?;
        if self.is_too_deep(node) {
            return None;
        }
        let (whole, name_range, is_test) = (class.range, class.name_range, class.is_test);
        let path = self.qualified(class.name);
        let class_id = ClassId::from_index(self.classes.len());
        let owner = self.owner();
        let (id, mut b) = self.new_function(Name::new("<class>"), FunctionKind::ClassBody, owner, whole);
        b.function.scope = path;
        b.function.name_range = name_range;
        b.function.is_test = is_test;
        b.param(Name::new("cls"), ParamKind::Receiver, None, None, name_range);
        self.classes.push(Class { body: Some(id), ..class });
        if self.finally_depth > 0 {
            self.defined.insert(whole, Defined::Class(class_id));
        }
        self.in_frame(Frame::new(b, id, FrameKind::Class(class_id), names), |it| {
            it.block(body);
            it.end_of_body(whole);
        });
        Some(class_id)
    }

    /// The base classes; what stands between the parentheses is evaluated.
    fn bases(&mut self, arguments: Option<Node<'t>>) -> Vec<TypeRef> {
        let mut bases = Vec::new();
        for argument in arguments.map(Node::children).unwrap_or_default() {
            let value = if argument.kind() == Kind::KeywordArgument { argument.child(Field::Value) } else { Some(argument) };
            self.value_or_unknown(value, argument.range());
            if !matches!(argument.kind(), Kind::KeywordArgument | Kind::DictionarySplat | Kind::ListSplat) {
                bases.push(types::type_of(argument, self.source));
            }
        }
        bases
    }

    /// `unittest`'s and `pytest`'s test classes.
    fn is_test_class(&self, name: Name, bases: &[TypeRef], names: &Bindings) -> bool {
        let is_test_case = |it: &TypeRef| matches!(it, TypeRef::Path { path, .. } if path.last().ends_with("TestCase"));
        let has_tests = || names.names.iter().any(|(name, it)| it.definition && name.as_str().starts_with("test_"));
        self.frame.b.function.is_test || bases.iter().any(is_test_case) || (name.as_str().starts_with("Test") && has_tests())
    }
}
