//! Assignments and their targets: plain, chained, unpacking, augmented, annotated; and `del`.

use super::context::{Ctx, FrameKind};
use super::syntax::{Field, Kind, Node, Nodes, Token};
use super::types;
use crate::ir::{
    AggregateKind, Base, ClassId, Const, Field as ClassField, LoadKind, Local, Name, OpKind, Operation, Owner, ParamKind, Place, Projection, Range,
    StoreKind, TypeAlias, TypeRef,
};

impl<'t> Ctx<'t> {
    /// `a = b = e`, `a: T = e`, `a: T`.
    pub(super) fn assignment(&mut self, node: Node<'t>) {
        let mut targets = Vec::new();
        let mut at = node;
        let right = loop {
            targets.extend(at.child(Field::Left));
            match at.child(Field::Right) {
                Some(right) if right.kind() == Kind::Assignment => at = right,
                right => break right,
            }
        };
        if let (Some(ty), Some(target)) = (node.child(Field::Type), targets.first()) {
            self.annotate(*target, ty, right);
        }
        let Some(right) = right else { return };
        if let [target] = targets.as_slice()
            && let Some((targets, values)) = pairs(*target, right)
        {
            let values: Vec<Local> = values.into_iter().map(|it| self.value(it)).collect();
            for (target, value) in targets.into_iter().zip(values) {
                self.assign(target, value, target.range());
            }
            return;
        }
        let value = self.value(right);
        for target in targets {
            self.assign(target, value, node.range());
        }
    }

    /// Binds `target` to `value`. `range` is what a single store covers.
    pub(super) fn assign(&mut self, target: Node<'t>, value: Local, range: Range) {
        match target.kind() {
            Kind::Identifier => {
                let place = self.write_place(self.name(target));
                self.frame.b.store(place, value, StoreKind::Assign, range);
            }
            Kind::Attribute | Kind::Subscript => {
                let place = self.place(target);
                self.frame.b.store(place, value, StoreKind::Assign, range);
            }
            Kind::AsPatternTarget | Kind::ParenthesizedExpression | Kind::ListSplatPattern | Kind::ListSplat => {
                self.assign_inner(target, value, range);
            }
            Kind::TuplePattern if is_group(target) => self.assign_inner(target, value, range),
            _ => {
                if let Some(items) = unpacked(target) {
                    self.deeper(target, |it| it.unpack(&items, value));
                }
            }
        }
    }

    fn assign_inner(&mut self, target: Node<'t>, value: Local, range: Range) {
        if let Some(inner) = target.first() {
            self.deeper(target, |it| it.assign(inner, value, range));
        }
    }

    /// Binds each of `targets` to its item of `value`.
    pub(super) fn unpack(&mut self, targets: &[Node<'t>], value: Local) {
        let star = targets.iter().position(|it| matches!(it.kind(), Kind::ListSplatPattern | Kind::ListSplat));
        for (index, target) in targets.iter().enumerate() {
            let item = self.item(value, index, targets.len(), star, target.range());
            self.assign(*target, item, target.range());
        }
    }

    /// Reads item `index` of `value`, which has `count` parts; the one at `star` takes what the others leave.
    pub(super) fn item(&mut self, value: Local, index: usize, count: usize, star: Option<usize>, range: Range) -> Local {
        let int = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        let projection = match star {
            Some(star) if index == star => {
                let bounds = [Const::Int(int(index)), if index + 1 == count { Const::None } else { Const::Int(-int(count - index - 1)) }];
                let bounds = bounds.map(|it| self.constant_op(it, range));
                Projection::Index(self.compute(Operation::Slice, &bounds, range))
            }
            Some(star) if index > star => Projection::Key(Const::Int(-int(count - index))),
            _ => Projection::Key(Const::Int(int(index))),
        };
        self.frame.b.load(Place::local(value).project(projection), LoadKind::Bind, range)
    }

    /// `p += e`.
    pub(super) fn augmented_assignment(&mut self, node: Node<'t>) {
        let (Some(target), Some(right)) = (node.child(Field::Left), node.child(Field::Right)) else { return };
        let place = match target.kind() {
            Kind::Identifier => self.write_place(self.name(target)),
            _ => self.place(target),
        };
        let old = self.frame.b.load(place, LoadKind::Value, target.range());
        let value = self.value(right);
        let new = self.compute(Operation::Arithmetic, &[old, value], node.range());
        self.frame.b.store(place, new, StoreKind::Update, node.range());
    }

    /// Notes the type that `target: ty` declares.
    fn annotate(&mut self, target: Node<'t>, ty: Node<'t>, value: Option<Node<'t>>) {
        let parsed = types::type_of(ty, self.source);
        match target.kind() {
            Kind::Identifier => self.annotate_name(target, parsed, value),
            // The object is evaluated with the assignment: a name can be looked up twice, a call can not.
            Kind::Attribute if target.child(Field::Object).is_some_and(|it| it.kind() == Kind::Identifier) => {
                let place = self.place(target);
                if let (Base::Local(local), [Projection::Field(name)]) = (place.base, place.projections.as_slice()) {
                    self.annotate_attribute(local, *name, parsed, target.range());
                }
            }
            _ => {}
        }
    }

    fn annotate_name(&mut self, target: Node<'t>, ty: TypeRef, value: Option<Node<'t>>) {
        let name = self.name(target);
        let is_alias = matches!(&ty, TypeRef::Path { path, .. } if path.last() == "TypeAlias");
        if let Some(value) = value.filter(|_| is_alias) {
            let ty = types::type_of(value, self.source);
            self.aliases.push(TypeAlias { name, scope: self.frame.path(), generics: Vec::new(), ty });
        }
        match self.frame.kind {
            FrameKind::Module => {
                self.global_types.entry(name).or_insert(ty);
            }
            FrameKind::Class(class) => self.declare_field(class, name, ty, target.range()),
            FrameKind::Function => {
                let place = self.write_place(name);
                if let Some(local) = self.declared_local(&place) {
                    self.frame.b.annotate(local, ty);
                }
            }
        }
    }

    /// `type A[T] = B`.
    pub(super) fn type_alias(&mut self, node: Node<'t>) {
        let (Some(left), Some(right)) = (node.child(Field::Left).and_then(Node::first), node.child(Field::Right)) else { return };
        let (name, parameters) = match left.kind() {
            Kind::GenericType => (left.first_of(Kind::Identifier), left.first_of(Kind::TypeParameter)),
            _ => (Some(left), None),
        };
        let Some(name) = name else { return };
        self.aliases.push(TypeAlias {
            name: self.name(name),
            scope: self.frame.path(),
            generics: types::generics(parameters, self.source),
            ty: types::type_of(right, self.source),
        });
    }

    /// `self.name: ty` in a method declares a field of the class.
    fn annotate_attribute(&mut self, object: Local, name: Name, ty: TypeRef, range: Range) {
        let function = &self.frame.b.function;
        let is_self = function.params.first().is_some_and(|it| it.local == object && it.kind == ParamKind::Receiver);
        if let (Owner::Class(class), true) = (function.owner, is_self) {
            self.declare_field(class, name, ty, range);
        }
    }

    fn declare_field(&mut self, class: ClassId, name: Name, ty: TypeRef, range: Range) {
        if self.declared_fields.insert((class, name)) {
            self.classes[class.index()].fields.push(ClassField { name, ty: Some(ty), attributes: Vec::new(), range });
        }
    }

    /// `del a, b[k], (c, d)`.
    pub(super) fn delete(&mut self, target: Node<'t>) {
        let place = match target.kind() {
            Kind::Identifier => self.write_place(self.name(target)),
            Kind::Attribute | Kind::Subscript => self.place(target),
            _ => {
                self.deeper(target, |it| target.children().into_iter().for_each(|target| it.delete(target)));
                return;
            }
        };
        self.frame.b.push(OpKind::Delete { place }, target.range());
    }

    /// The tuple of several expressions with commas between them, or the only one.
    pub(super) fn one_or_tuple(&mut self, items: &[Node<'t>], range: Range) -> Local {
        match items {
            [only] => self.value(*only),
            several => self.aggregate(AggregateKind::Tuple, several, range),
        }
    }
}

/// The targets of `a, b = …`, `[a, b] = …`.
fn unpacked(target: Node) -> Option<Nodes> {
    match target.kind() {
        Kind::PatternList | Kind::TuplePattern | Kind::ListPattern | Kind::ExpressionList | Kind::Tuple | Kind::List => Some(target.children()),
        _ => None,
    }
}

/// `(a) = …` is no unpacking: the grammar takes it for a tuple.
fn is_group(target: Node) -> bool {
    target.children().len() == 1 && !target.has_token(Token::Comma)
}

/// The targets and values of `a, b = c, d`, where each target gets the value opposite.
fn pairs<'t>(target: Node<'t>, right: Node<'t>) -> Option<(Nodes<'t>, Nodes<'t>)> {
    let is_display = matches!(right.kind(), Kind::ExpressionList | Kind::Tuple | Kind::List);
    let targets = unpacked(target).filter(|_| is_display && !(target.kind() == Kind::TuplePattern && is_group(target)))?;
    let values = right.children();
    let spreads = |it: &Node| matches!(it.kind(), Kind::ListSplatPattern | Kind::ListSplat);
    let opposite = targets.len() == values.len() && !targets.iter().chain(&values).any(spreads);
    opposite.then_some((targets, values))
}
