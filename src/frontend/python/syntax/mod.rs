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

/// An enum of what has a name in the grammar, sorted by those names, and of what has none.
macro_rules! named {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident $name:literal)* } { $($(#[$other_doc:meta])* $other:ident)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum $enum {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            $($(#[$other_doc])* $other,)*
        }

        impl $enum {
            const NAMES: &[(&str, $enum)] = &[$(($name, $enum::$variant)),*];
        }
    };
}

named! {
    /// The named nodes that mean something to the lowering.
    Kind {
        AliasedImport "aliased_import"
        ArgumentList "argument_list"
        AsPattern "as_pattern"
        AsPatternTarget "as_pattern_target"
        AssertStatement "assert_statement"
        Assignment "assignment"
        Attribute "attribute"
        AugmentedAssignment "augmented_assignment"
        Await "await"
        BinaryOperator "binary_operator"
        Block "block"
        BooleanOperator "boolean_operator"
        BreakStatement "break_statement"
        Call "call"
        CaseClause "case_clause"
        CasePattern "case_pattern"
        Chevron "chevron"
        ClassDefinition "class_definition"
        ClassPattern "class_pattern"
        ComparisonOperator "comparison_operator"
        ComplexPattern "complex_pattern"
        ConcatenatedString "concatenated_string"
        ConditionalExpression "conditional_expression"
        ConstrainedType "constrained_type"
        ContinueStatement "continue_statement"
        DecoratedDefinition "decorated_definition"
        Decorator "decorator"
        DefaultParameter "default_parameter"
        DeleteStatement "delete_statement"
        DictPattern "dict_pattern"
        Dictionary "dictionary"
        DictionaryComprehension "dictionary_comprehension"
        DictionarySplat "dictionary_splat"
        DictionarySplatPattern "dictionary_splat_pattern"
        DottedName "dotted_name"
        ElifClause "elif_clause"
        Ellipsis "ellipsis"
        ElseClause "else_clause"
        ExceptClause "except_clause"
        ExecStatement "exec_statement"
        ExpressionList "expression_list"
        ExpressionStatement "expression_statement"
        False "false"
        FinallyClause "finally_clause"
        Float "float"
        ForInClause "for_in_clause"
        ForStatement "for_statement"
        FormatExpression "format_expression"
        FormatSpecifier "format_specifier"
        FunctionDefinition "function_definition"
        FutureImportStatement "future_import_statement"
        GeneratorExpression "generator_expression"
        GenericType "generic_type"
        GlobalStatement "global_statement"
        Identifier "identifier"
        IfClause "if_clause"
        IfStatement "if_statement"
        ImportFromStatement "import_from_statement"
        ImportPrefix "import_prefix"
        ImportStatement "import_statement"
        Integer "integer"
        Interpolation "interpolation"
        KeywordArgument "keyword_argument"
        KeywordPattern "keyword_pattern"
        KeywordSeparator "keyword_separator"
        Lambda "lambda"
        LambdaParameters "lambda_parameters"
        List "list"
        ListComprehension "list_comprehension"
        ListPattern "list_pattern"
        ListSplat "list_splat"
        ListSplatPattern "list_splat_pattern"
        MatchStatement "match_statement"
        MemberType "member_type"
        Module "module"
        NamedExpression "named_expression"
        None "none"
        NonlocalStatement "nonlocal_statement"
        NotOperator "not_operator"
        Pair "pair"
        Parameters "parameters"
        ParenthesizedExpression "parenthesized_expression"
        PassStatement "pass_statement"
        PatternList "pattern_list"
        PositionalSeparator "positional_separator"
        PrintStatement "print_statement"
        RaiseStatement "raise_statement"
        RelativeImport "relative_import"
        ReturnStatement "return_statement"
        Set "set"
        SetComprehension "set_comprehension"
        Slice "slice"
        SplatPattern "splat_pattern"
        SplatType "splat_type"
        String "string"
        StringEnd "string_end"
        StringStart "string_start"
        Subscript "subscript"
        True "true"
        TryStatement "try_statement"
        Tuple "tuple"
        TuplePattern "tuple_pattern"
        Type "type"
        TypeAliasStatement "type_alias_statement"
        TypeParameter "type_parameter"
        TypedDefaultParameter "typed_default_parameter"
        TypedParameter "typed_parameter"
        UnaryOperator "unary_operator"
        UnionPattern "union_pattern"
        UnionType "union_type"
        WhileStatement "while_statement"
        WildcardImport "wildcard_import"
        WithClause "with_clause"
        WithItem "with_item"
        WithStatement "with_statement"
        Yield "yield"
    } {
        /// What the parser could not read.
        Error
        /// Punctuation, keywords, and named nodes that need no treatment of their own.
        Other
    }
}

named! {
    /// What a node is to its parent.
    Field {
        Alias "alias"
        Alternative "alternative"
        Argument "argument"
        Arguments "arguments"
        Attribute "attribute"
        Body "body"
        Condition "condition"
        Consequence "consequence"
        Definition "definition"
        Expression "expression"
        FormatSpecifier "format_specifier"
        Function "function"
        Guard "guard"
        Key "key"
        Left "left"
        ModuleName "module_name"
        Name "name"
        Object "object"
        Operator "operator"
        Operators "operators"
        Parameters "parameters"
        ReturnType "return_type"
        Right "right"
        Subject "subject"
        Subscript "subscript"
        Superclasses "superclasses"
        Type "type"
        TypeParameters "type_parameters"
        Value "value"
    } {}
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
