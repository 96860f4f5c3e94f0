//! Names, attributes, subscripts and calls: `self.stats["hits"].pop(0).name`.
//!
//! Such a chain is one [`Place`] as long as it names storage, and starts anew from a temporary behind each call. The
//! walk goes down the chain's left spine in a loop, however long it is.

use thin_vec::{ThinVec, thin_vec};

use super::context::Ctx;
use super::literals::{constant, strip};
use super::syntax::{Field, Kind, Node, Nodes, Token};
use crate::ir::{
    AggregateKind, Argument, ArgumentKind, Base, Callee, Const, LoadKind, Local, LocalKind, Name, OpKind, Operation, Place, Projection, Range,
};

/// A chain, or its beginning, as lowered so far.
enum Link {
    /// Storage that is not read yet.
    Place(Place),
    /// A computed value.
    Value(Local),
}

impl Link {
    fn project(self, projection: Projection) -> Self {
        let place = match self {
            Link::Place(place) => place,
            Link::Value(local) => Place::local(local),
        };
        Link::Place(place.project(projection))
    }
}

impl<'t> Ctx<'t> {
    /// The value of a name, attribute, subscript or call.
    pub(super) fn chain_value(&mut self, node: Node<'t>) -> Local {
        match self.chain(node) {
            Link::Value(local) => local,
            Link::Place(place) => self.frame.b.load(place, LoadKind::Value, node.range()),
        }
    }

    /// The place that an attribute or subscript names, its index evaluated; a temporary for what names no storage.
    pub(super) fn place(&mut self, node: Node<'t>) -> Place {
        match self.chain(node) {
            Link::Place(place) => place,
            Link::Value(local) => Place::local(local),
        }
    }

    fn chain(&mut self, node: Node<'t>) -> Link {
        let mut spine = Nodes::new();
        let mut at = strip(node);
        while let Some(field) = spine_field(at) {
            spine.push(at);
            match at.child(field) {
                Some(inner) => at = strip(inner),
                None => return Link::Value(self.unknown(node.range())),
            }
        }
        let mut link = match at.kind() {
            Kind::Identifier => Link::Place(self.read_place(self.name(at))),
            _ => Link::Value(self.value(at)),
        };
        for node in spine.into_iter().rev() {
            link = match node.kind() {
                Kind::Attribute => link.project(Projection::Field(node.child(Field::Attribute).map_or(Name::new(""), |it| self.name(it)))),
                Kind::Subscript => {
                    let index = self.index(node);
                    link.project(index)
                }
                _ => match self.named_attribute(node, &link) {
                    Some(found) => found,
                    None => Link::Value(self.call(node, link)),
                },
            };
        }
        link
    }

    /// `getattr(x, "name", default)` and `hasattr(x, "name")` with the name spelled out: a read of `x.name`.
    fn named_attribute(&mut self, node: Node<'t>, function: &Link) -> Option<Link> {
        let Link::Place(Place { base: Base::Global(function), projections }) = function else { return None };
        let asks = *function == "hasattr";
        let list = node
            .child(Field::Arguments)
            .filter(|it| projections.is_empty() && (asks || *function == "getattr") && it.kind() == Kind::ArgumentList)?;
        let arguments = list.children();
        let (object, name, rest) = match arguments.as_slice() {
            [object, name] => (*object, *name, None),
            [object, name, rest] if !asks => (*object, *name, Some(*rest)),
            _ => return None,
        };
        let plain = |it: Node| !matches!(it.kind(), Kind::KeywordArgument | Kind::ListSplat | Kind::DictionarySplat | Kind::GeneratorExpression);
        let Some(Const::Str(name)) = constant(name, self.source).filter(|_| arguments.iter().all(|it| plain(*it))) else { return None };
        let is_identifier = name.as_str().chars().all(|it| it.is_alphanumeric() || it == '_') && !name.as_str().is_empty();
        if !is_identifier {
            return None;
        }
        let place = self.place(object).project(Projection::Field(name));
        if let Some(rest) = rest {
            self.value(rest);
        }
        if !asks {
            return Some(Link::Place(place));
        }
        let value = self.frame.b.load(place, LoadKind::Value, node.range());
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Compute { dest, operation: Operation::Other, operands: [value].into_iter().collect() }, node.range());
        Some(Link::Value(dest))
    }

    fn index(&mut self, node: Node<'t>) -> Projection {
        let subscripts = node.children_of(Field::Subscript);
        match subscripts.as_slice() {
            // `x[1,]` has a tuple for its key.
            [only] if !node.has_token(Token::Comma) => match constant(*only, self.source) {
                Some(key) if key != Const::Other => Projection::Key(key),
                _ => Projection::Index(self.value(*only)),
            },
            several => Projection::Index(self.aggregate(AggregateKind::Tuple, several, node.range())),
        }
    }

    fn call(&mut self, node: Node<'t>, function: Link) -> Local {
        let callee = self.callee(node, function);
        let arguments = node.child(Field::Arguments).map(|it| self.arguments(it)).unwrap_or_default();
        self.call_op(callee, arguments, node.range())
    }

    pub(super) fn call_op(&mut self, callee: Callee, arguments: ThinVec<Argument>, range: Range) -> Local {
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Call { dest, callee, arguments }, range);
        dest
    }

    fn callee(&mut self, node: Node<'t>, function: Link) -> Callee {
        let mut place = match function {
            Link::Value(local) => return Callee::Value(local),
            Link::Place(place) => place,
        };
        match (place.base, place.projections.last()) {
            (Base::Global(name), None) => Callee::Path(name),
            (_, Some(Projection::Field(name))) => {
                let name = *name;
                place.projections.pop();
                Callee::Method { receiver: place, name }
            }
            _ => {
                let range = node.child(Field::Function).map_or(node.range(), Node::range);
                Callee::Value(self.frame.b.load(place, LoadKind::Value, range))
            }
        }
    }

    fn arguments(&mut self, list: Node<'t>) -> ThinVec<Argument> {
        if list.kind() == Kind::GeneratorExpression {
            let value = self.comprehension(list, AggregateKind::List);
            return thin_vec![Argument { kind: ArgumentKind::Positional, value }];
        }
        let children = list.children();
        let mut arguments = ThinVec::with_capacity(children.len());
        arguments.extend(children.into_iter().map(|it| self.argument(it)));
        arguments
    }

    fn argument(&mut self, node: Node<'t>) -> Argument {
        let (kind, value) = match node.kind() {
            Kind::KeywordArgument => {
                (ArgumentKind::Keyword(node.child(Field::Name).map_or(Name::new(""), |it| self.name(it))), node.child(Field::Value))
            }
            Kind::ListSplat => (ArgumentKind::Spread, node.first()),
            Kind::DictionarySplat => (ArgumentKind::SpreadKeywords, node.first()),
            _ => (ArgumentKind::Positional, Some(node)),
        };
        let runs_now = matches!(kind, ArgumentKind::Positional | ArgumentKind::Spread);
        let value = match value.map(strip).filter(|it| runs_now && it.kind() == Kind::GeneratorExpression) {
            Some(generator) => self.comprehension(generator, AggregateKind::List),
            None => self.value_or_unknown(value, node.range()),
        };
        Argument { kind, value }
    }

    /// The local behind `place` when it is a named variable of its own: what an annotation can declare.
    pub(super) fn declared_local(&self, place: &Place) -> Option<Local> {
        place.as_local().filter(|it| self.frame.b.function.local(*it).kind() != LocalKind::Temporary)
    }
}

/// Where a chain goes on, seen from one of its links.
fn spine_field(node: Node) -> Option<Field> {
    match node.kind() {
        Kind::Attribute => Some(Field::Object),
        Kind::Subscript => Some(Field::Value),
        Kind::Call => Some(Field::Function),
        _ => None,
    }
}
