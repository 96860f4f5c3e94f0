//! Annotations as [`TypeRef`]s. A function of the node and its text; names stay as they are written.

use super::literals;
use super::syntax::{Field, Kind, Node, Nodes, Token, Tree};
use crate::ir::{Generic, Name, TypeRef};

/// How deep a type may nest before it says nothing.
const MAX_DEPTH: u32 = 32;

/// Quoted annotations longer than this many bytes are not read.
const MAX_QUOTED: usize = 1_024;

/// What a string in an annotation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    /// A forward reference.
    Types,
    /// The text itself: in `Literal["a"]`, in the metadata of `Annotated`.
    Text,
}

/// The type that `node` spells.
pub(super) fn type_of(node: Node, source: &str) -> TypeRef {
    read(node, source, Strings::Types, 0)
}

/// The type parameters `[T, U: Bound, *Ts, **P]`.
pub(super) fn generics(parameters: Option<Node>, source: &str) -> Vec<Generic> {
    let Some(parameters) = parameters.filter(|it| !it.has_error()) else { return Vec::new() };
    parameters.children().into_iter().filter_map(|it| generic(it, source)).collect()
}

fn generic(parameter: Node, source: &str) -> Option<Generic> {
    let inner = unwrap(parameter);
    match inner.kind() {
        Kind::ConstrainedType => {
            let parts = inner.children();
            let [name, bound] = parts.as_slice() else { return None };
            let bound = unwrap(*bound);
            let bounds = match bound.kind() {
                Kind::Tuple => bound.children(),
                _ => [bound].into_iter().collect(),
            };
            Some(Generic { name: unwrap(*name).name(source), bounds: bounds.into_iter().map(|it| type_of(it, source)).collect() })
        }
        Kind::SplatType => Some(Generic { name: inner.first()?.name(source), bounds: Vec::new() }),
        Kind::Identifier => Some(Generic { name: inner.name(source), bounds: Vec::new() }),
        _ => None,
    }
}

/// `a.b.c` as a name; none for anything but identifiers with dots between them.
pub(super) fn dotted(node: Node, source: &str) -> Option<Name> {
    let mut at = unwrap(node);
    loop {
        at = match at.kind() {
            Kind::Identifier | Kind::DottedName => break,
            Kind::Attribute => at.child(Field::Object)?,
            Kind::MemberType => unwrap(at.first()?),
            _ => return None,
        };
    }
    let text = unwrap(node).text(source);
    let is_plain = text.bytes().all(|it| !it.is_ascii_whitespace() && it != b'\\' && it != b'#');
    if is_plain {
        return Some(Name::new(text));
    }
    // Over several lines, or with blanks around the dots.
    let words: Vec<&str> = text.split('.').map(|it| it.split_whitespace().find(|it| *it != "\\").unwrap_or("")).collect();
    Some(Name::new(&words.join(".")))
}

/// The node inside `type` wrappers and parentheses.
fn unwrap(mut node: Node) -> Node {
    while matches!(node.kind(), Kind::Type | Kind::ParenthesizedExpression) {
        match node.first() {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

fn path(name: Name) -> TypeRef {
    TypeRef::Path { path: name, arguments: Vec::new() }
}

fn read(node: Node, source: &str, strings: Strings, depth: u32) -> TypeRef {
    let node = unwrap(node);
    if depth > MAX_DEPTH || node.has_error() {
        return TypeRef::Unknown;
    }
    match node.kind() {
        Kind::Identifier | Kind::Attribute | Kind::MemberType | Kind::DottedName => dotted(node, source).map_or(TypeRef::Unknown, path),
        Kind::None => TypeRef::None,
        Kind::String | Kind::ConcatenatedString => match literals::text(node, source) {
            Some(text) if strings == Strings::Types => quoted(&text, depth),
            Some(text) if text.len() <= MAX_QUOTED => path(Name::new(&text)),
            _ => TypeRef::Unknown,
        },
        Kind::Integer | Kind::True | Kind::False => path(node.name(source)),
        Kind::GenericType => match node.children().as_slice() {
            [base, parameters] => subscripted(*base, &parameters.children(), source, strings, depth),
            _ => TypeRef::Unknown,
        },
        Kind::Subscript => match node.child(Field::Value) {
            Some(base) => subscripted(base, &node.children_of(Field::Subscript), source, strings, depth),
            None => TypeRef::Unknown,
        },
        Kind::UnionType | Kind::BinaryOperator => union(node, source, strings, depth),
        Kind::SplatType | Kind::ListSplat | Kind::ConstrainedType => node.first().map_or(TypeRef::Unknown, |it| read(it, source, strings, depth + 1)),
        Kind::Call => {
            let name = node.child(Field::Function).and_then(|it| dotted(it, source));
            let arguments = node.child(Field::Arguments).map(Node::children).unwrap_or_default();
            let argument = |it: Node| read(it.child(Field::Value).unwrap_or(it), source, Strings::Text, depth + 1);
            let arguments = arguments.into_iter().map(argument).collect();
            name.map_or(TypeRef::Unknown, |path| TypeRef::Path { path, arguments })
        }
        _ => TypeRef::Unknown,
    }
}

/// A forward reference: the type that the string's text spells.
fn quoted(text: &str, depth: u32) -> TypeRef {
    let text = text.trim();
    let is_path = !text.is_empty() && text.split('.').all(|it| it.chars().all(|c| c.is_alphanumeric() || c == '_') && !it.is_empty());
    if is_path {
        return if text == "None" { TypeRef::None } else { path(Name::new(text)) };
    }
    if text.len() > MAX_QUOTED {
        return TypeRef::Unknown;
    }
    let Some(tree) = Tree::parse(text) else { return TypeRef::Unknown };
    let statement = tree.root().first().filter(|it| it.kind() == Kind::ExpressionStatement);
    statement.and_then(Node::first).map_or(TypeRef::Unknown, |it| read(it, text, Strings::Types, depth + 1))
}

fn subscripted(base: Node, arguments: &[Node], source: &str, strings: Strings, depth: u32) -> TypeRef {
    let Some(name) = dotted(base, source) else { return TypeRef::Unknown };
    // `dict[(str, int)]` is `dict[str, int]`.
    let spread: Nodes;
    let arguments = match arguments {
        [only] if unwrap(*only).kind() == Kind::Tuple => {
            spread = unwrap(*only).children();
            spread.as_slice()
        }
        several => several,
    };
    let argument = |node: &Node, strings| read(*node, source, strings, depth + 1);
    let types = |strings| arguments.iter().map(|it| argument(it, strings)).collect::<Vec<_>>();
    match name.last() {
        "Optional" => {
            let mut members = types(strings);
            members.push(TypeRef::None);
            TypeRef::Union(members)
        }
        "Union" => TypeRef::Union(types(strings)),
        "Callable" => callable(arguments, source, strings, depth),
        "tuple" | "Tuple" if arguments.iter().all(|it| unwrap(*it).kind() != Kind::Ellipsis) => TypeRef::Tuple(types(strings)),
        "Literal" => TypeRef::Path { path: name, arguments: types(Strings::Text) },
        "Annotated" => {
            let first = arguments.iter().take(1).map(|it| argument(it, strings));
            let metadata = arguments.iter().skip(1).map(|it| argument(it, Strings::Text));
            TypeRef::Path { path: name, arguments: first.chain(metadata).collect() }
        }
        _ => TypeRef::Path { path: name, arguments: types(strings) },
    }
}

/// `Callable[[A, B], R]`, `Callable[..., R]`.
fn callable(arguments: &[Node], source: &str, strings: Strings, depth: u32) -> TypeRef {
    let parameters = match arguments.first().map(|it| unwrap(*it)) {
        Some(list) if list.kind() == Kind::List => list.children().into_iter().map(|it| read(it, source, strings, depth + 1)).collect(),
        _ => Vec::new(),
    };
    let returns = arguments.get(1).map(|it| Box::new(read(*it, source, strings, depth + 1)));
    TypeRef::Function { parameters, returns }
}

/// `A | B | C`, which the grammar nests to the left.
fn union(node: Node, source: &str, strings: Strings, depth: u32) -> TypeRef {
    let mut members = Vec::new();
    let mut at = node;
    loop {
        let (left, right) = match (at.kind(), at.children().as_slice()) {
            (Kind::UnionType, [left, right]) => (*left, *right),
            (Kind::BinaryOperator, [left, right]) if at.has_token(Token::Pipe) => (*left, *right),
            _ => break,
        };
        members.push(read(right, source, strings, depth + 1));
        at = unwrap(left);
    }
    if members.is_empty() {
        return TypeRef::Unknown;
    }
    members.push(read(at, source, strings, depth + 1));
    members.reverse();
    TypeRef::Union(members)
}
