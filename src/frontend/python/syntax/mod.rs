//! The syntax tree as the lowering sees it, and the two parsers that give it.
//!
//! A [`Tree`] is a flat list of nodes in source order, each with where its subtree ends: children are found by hopping,
//! and nothing is allocated to look at them. Kinds and fields are those of tree-sitter's grammar.
//!
//! * `strict` makes it of the nodes of Ruff's parser, for all files that have no syntax error: about ten times as fast.
//! * `tolerant` makes it of the nodes of tree-sitter, for the others: it reads on behind an error, and much of Python 2.
//!
//! Nothing else names a parser.

mod strict;
#[cfg(test)]
mod tests;
mod tolerant;

use smallvec::SmallVec;

use crate::ir::{Name, Range};

/// Children of one node. Most nodes have few.
pub(super) type Nodes<'t> = SmallVec<[Node<'t>; 4]>;

/// The named nodes that mean something to the lowering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    AliasedImport,
    ArgumentList,
    AsPattern,
    AsPatternTarget,
    AssertStatement,
    Assignment,
    Attribute,
    AugmentedAssignment,
    Await,
    BinaryOperator,
    Block,
    BooleanOperator,
    BreakStatement,
    Call,
    CaseClause,
    CasePattern,
    Chevron,
    ClassDefinition,
    ClassPattern,
    ComparisonOperator,
    ComplexPattern,
    ConcatenatedString,
    ConditionalExpression,
    ConstrainedType,
    ContinueStatement,
    DecoratedDefinition,
    Decorator,
    DefaultParameter,
    DeleteStatement,
    DictPattern,
    Dictionary,
    DictionaryComprehension,
    DictionarySplat,
    DictionarySplatPattern,
    DottedName,
    ElifClause,
    Ellipsis,
    ElseClause,
    ExceptClause,
    ExecStatement,
    ExpressionList,
    ExpressionStatement,
    False,
    FinallyClause,
    Float,
    ForInClause,
    ForStatement,
    FormatExpression,
    FormatSpecifier,
    FunctionDefinition,
    FutureImportStatement,
    GeneratorExpression,
    GenericType,
    GlobalStatement,
    Identifier,
    IfClause,
    IfStatement,
    ImportFromStatement,
    ImportPrefix,
    ImportStatement,
    Integer,
    Interpolation,
    KeywordArgument,
    KeywordPattern,
    KeywordSeparator,
    Lambda,
    LambdaParameters,
    List,
    ListComprehension,
    ListPattern,
    ListSplat,
    ListSplatPattern,
    MatchStatement,
    MemberType,
    Module,
    NamedExpression,
    None,
    NonlocalStatement,
    NotOperator,
    Pair,
    Parameters,
    ParenthesizedExpression,
    PassStatement,
    PatternList,
    PositionalSeparator,
    PrintStatement,
    RaiseStatement,
    RelativeImport,
    ReturnStatement,
    Set,
    SetComprehension,
    Slice,
    SplatPattern,
    SplatType,
    String,
    StringEnd,
    StringStart,
    Subscript,
    True,
    TryStatement,
    Tuple,
    TuplePattern,
    Type,
    TypeAliasStatement,
    TypeParameter,
    TypedDefaultParameter,
    TypedParameter,
    UnaryOperator,
    UnionPattern,
    UnionType,
    WhileStatement,
    WildcardImport,
    WithClause,
    WithItem,
    WithStatement,
    Yield,
    /// What the parser could not read.
    Error,
    /// Punctuation, keywords, and named nodes that need no treatment of their own.
    Other,
}

/// What a node is to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Field {
    Alias,
    Alternative,
    Argument,
    Arguments,
    Attribute,
    Body,
    Condition,
    Consequence,
    Definition,
    Expression,
    FormatSpecifier,
    Function,
    Guard,
    Key,
    Left,
    ModuleName,
    Name,
    Object,
    Operator,
    Operators,
    Parameters,
    ReturnType,
    Right,
    Subject,
    Subscript,
    Superclasses,
    Type,
    TypeParameters,
    Value,
}

/// The keywords and punctuation that mean something to the lowering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Token {
    And,
    Async,
    Colon,
    Comma,
    /// `==`, `!=`, `<>`.
    Equality,
    From,
    In,
    Is,
    IsNot,
    Minus,
    NotIn,
    Or,
    /// `<`, `>`, `<=`, `>=`.
    Order,
    Pipe,
    Star,
    Underscore,
    /// Any other that the parser made up to go on.
    Other,
}

/// One node: 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    /// The index behind the last node below this one.
    behind: u32,
    /// [`Kind::Other`] for a token.
    kind: Kind,
    field: Option<Field>,
    token: Option<Token>,
    damage: Damage,
}

/// What of a node could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Damage {
    None,
    /// Something in it could not.
    Inside,
    /// The parser made the node up to go on.
    Missing,
}

/// A parsed text.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// In source order, a node before what is below it. Not empty.
    entries: Vec<Entry>,
    comments: Vec<Range>,
    has_walrus: bool,
}

impl Tree {
    /// Parses `source`. Syntax errors are nodes of the tree; none is given only when the parser itself fails.
    pub(super) fn parse(source: &str) -> Option<Tree> {
        strict::parse(source).or_else(|| tolerant::parse(source))
    }

    pub(super) fn is_free_of_errors(source: &str) -> bool {
        strict::parse(source).is_some()
    }

    /// Parses `range` of `source` alone, which is known to have errors; offsets are those of the whole.
    pub(super) fn parse_part(source: &str, range: Range) -> Option<Tree> {
        tolerant::parse_part(source, range)
    }

    /// Whether there is a `:=` in it.
    pub(super) fn has_walrus(&self) -> bool {
        self.has_walrus
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { tree: self, at: 0 }
    }

    /// Adds a node, below all that were opened and not closed; gives what closes it.
    fn open(&mut self, entry: Entry) -> usize {
        self.has_walrus |= entry.kind == Kind::NamedExpression;
        self.entries.push(entry);
        self.entries.len() - 1
    }

    fn close(&mut self, opened: usize) {
        self.entries[opened].behind = index(self.entries.len());
    }
}

/// One node of a [`Tree`]. Comments and line continuations never show up among its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'t> {
    tree: &'t Tree,
    at: u32,
}

impl<'t> Node<'t> {
    fn entry(self) -> &'t Entry {
        &self.tree.entries[self.at as usize]
    }

    /// All comments of the tree, in source order.
    pub(super) fn comments(self) -> &'t [Range] {
        &self.tree.comments
    }

    pub(super) fn kind(self) -> Kind {
        self.entry().kind
    }

    /// The keyword or punctuation of an unnamed node.
    pub(super) fn token(self) -> Option<Token> {
        self.entry().token
    }

    pub(super) fn range(self) -> Range {
        Range { start: self.entry().start, end: self.entry().end }
    }

    pub(super) fn text(self, source: &str) -> &str {
        source.get(self.range().as_usize()).unwrap_or("")
    }

    pub(super) fn name(self, source: &str) -> Name {
        Name::new(self.text(source))
    }

    pub(super) fn is_named(self) -> bool {
        self.entry().token.is_none()
    }

    /// Whether anything in the node could not be read.
    pub(super) fn has_error(self) -> bool {
        self.entry().damage != Damage::None
    }

    /// Whether the parser made the node up to go on.
    pub(super) fn is_missing(self) -> bool {
        self.entry().damage == Damage::Missing
    }

    /// Every child, keywords and punctuation included.
    fn all(self) -> impl Iterator<Item = Node<'t>> {
        let behind = self.entry().behind;
        let child = move |at: u32| (at < behind).then_some(Node { tree: self.tree, at });
        std::iter::successors(child(self.at + 1), move |it| child(it.entry().behind))
    }

    fn named(self) -> impl Iterator<Item = Node<'t>> {
        self.all().filter(|it| it.is_named())
    }

    pub(super) fn child(self, field: Field) -> Option<Node<'t>> {
        self.all().find(|it| it.entry().field == Some(field))
    }

    /// The named children.
    pub(super) fn children(self) -> Nodes<'t> {
        self.named().collect()
    }

    /// Every child, keywords and punctuation included.
    pub(super) fn tokens(self) -> Nodes<'t> {
        self.all().collect()
    }

    /// The children that the grammar calls `field`.
    pub(super) fn children_of(self, field: Field) -> Nodes<'t> {
        self.all().filter(|it| it.entry().field == Some(field)).collect()
    }

    /// The first named child.
    pub(super) fn first(self) -> Option<Node<'t>> {
        self.named().next()
    }

    /// The first child of `kind`.
    pub(super) fn first_of(self, kind: Kind) -> Option<Node<'t>> {
        self.named().find(|it| it.kind() == kind)
    }

    /// Whether the node opens with this keyword: `async`.
    pub(super) fn starts_with(self, token: Token) -> bool {
        self.all().next().is_some_and(|it| it.token() == Some(token))
    }

    /// Whether this keyword or punctuation stands among the children.
    pub(super) fn has_token(self, token: Token) -> bool {
        self.all().any(|it| it.token() == Some(token))
    }
}

/// A node's index; texts have fewer than 4 GiB, and no more nodes than bytes.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
