//! The syntax tree as the lowering sees it: tree-sitter behind [`Node`], [`Kind`] and [`Field`].
//!
//! Nothing else in this frontend names tree-sitter, and node kinds are an enum here, not strings: a table made once
//! maps the grammar's numbers to [`Kind`].

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::sync::LazyLock;

use smallvec::SmallVec;

use crate::ir::{Name, Range};

/// Children of one node. Most nodes have few.
pub(super) type Nodes<'t> = SmallVec<[Node<'t>; 4]>;

macro_rules! kinds {
    ($($variant:ident $text:literal)*) => {
        /// The named nodes that mean something to the lowering.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// What the parser could not read.
            Error,
            /// Punctuation, keywords, and named nodes that need no treatment of their own.
            Other,
        }

        const KINDS: &[(&str, Kind)] = &[$(($text, Kind::$variant)),*];
    };
}

kinds! {
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
}

macro_rules! fields {
    ($($variant:ident $text:literal)*) => {
        /// The grammar's names for children.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $(#[doc = concat!("`", $text, "`")] $variant),* }

        const FIELDS: &[&str] = &[$($text),*];
    };
}

fields! {
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
}

struct Grammar {
    language: tree_sitter::Language,
    /// By the grammar's kind number.
    kinds: Vec<Kind>,
    /// By [`Field`].
    fields: Vec<Option<NonZeroU16>>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language = tree_sitter::Language::new(tree_sitter_python::LANGUAGE);
    let kind = |id: u16| {
        let text = language.node_kind_for_id(id).filter(|_| language.node_kind_is_named(id))?;
        KINDS.binary_search_by_key(&text, |it| it.0).ok().map(|at| KINDS[at].1)
    };
    let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    let kinds = (0..count).map(|id| kind(id).unwrap_or(Kind::Other)).collect();
    let fields = FIELDS.iter().map(|it| language.field_id_for_name(it)).collect();
    Grammar { language, kinds, fields }
});

/// A run of so many comment lines is left as it is.
const MAX_COMMENTS: usize = 256;

/// Of a longer one so many are kept at each end.
const COMMENTS_KEPT: usize = 16;

/// A parsed text.
#[derive(Debug)]
pub(super) struct Tree(tree_sitter::Tree);

impl Tree {
    /// Parses `source`. Syntax errors are nodes of the tree; none is given only when the parser itself fails.
    pub(super) fn parse(source: &str) -> Option<Tree> {
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(&GRAMMAR.language).ok()?;
        parser.parse(thinned(source).as_ref(), None).map(Tree)
    }

    /// Parses `range` of `source` alone; offsets are those of the whole.
    pub(super) fn parse_part(source: &str, range: Range) -> Option<Tree> {
        let (start, end) = (range.as_usize().start, range.as_usize().end);
        // Rows and columns are not asked for.
        let point = tree_sitter::Point { row: 0, column: 0 };
        let part = tree_sitter::Range { start_byte: start, end_byte: end, start_point: point, end_point: point };
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(&GRAMMAR.language).ok()?;
        parser.set_included_ranges(&[part]).ok()?;
        parser.parse(source, None).map(Tree)
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node(self.0.root_node())
    }
}

/// The source with long runs of comment lines blanked but for their ends. For each comment the grammar's scanner looks
/// over all that follow for the next indentation: a run of thousands would take it minutes.
fn thinned(source: &str) -> Cow<'_, str> {
    let mut text: Option<Vec<u8>> = None;
    let mut run: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at = 0;
    for line in source.split_inclusive('\n').chain([""]) {
        let code = line.trim();
        // What looks like a comment may be in a string, and end it.
        if code.starts_with('#') && !code.contains("\"\"\"") && !code.contains("'''") {
            run.push(at..at + line.trim_end().len());
        } else if !code.is_empty() || line.is_empty() {
            if run.len() > MAX_COMMENTS {
                let text = text.get_or_insert_with(|| source.as_bytes().to_vec());
                run[COMMENTS_KEPT..run.len() - COMMENTS_KEPT].iter().for_each(|it| text[it.clone()].fill(b' '));
            }
            run.clear();
        }
        at += line.len();
    }
    text.and_then(|it| String::from_utf8(it).ok()).map_or(Cow::Borrowed(source), Cow::Owned)
}

/// One node of a [`Tree`]. Comments and line continuations never show up among its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node<'t>(tree_sitter::Node<'t>);

impl<'t> Node<'t> {
    /// All comments below this node, in order.
    pub(super) fn comments(self) -> Vec<Range> {
        let mut found = Vec::new();
        let mut cursor = self.0.walk();
        loop {
            let node = cursor.node();
            if node.kind() == "comment" {
                found.push(Node(node).range());
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return found;
                }
            }
        }
    }

    pub(super) fn kind(self) -> Kind {
        if self.0.is_error() {
            return Kind::Error;
        }
        GRAMMAR.kinds.get(usize::from(self.0.kind_id())).copied().unwrap_or(Kind::Other)
    }

    /// The keyword or punctuation of an unnamed node.
    pub(super) fn token(self) -> &'t str {
        self.0.kind()
    }

    pub(super) fn range(self) -> Range {
        Range::new(self.0.start_byte(), self.0.end_byte())
    }

    pub(super) fn text(self, source: &str) -> &str {
        source.get(self.0.byte_range()).unwrap_or("")
    }

    pub(super) fn name(self, source: &str) -> Name {
        Name::new(self.text(source))
    }

    pub(super) fn is_named(self) -> bool {
        self.0.is_named()
    }

    /// Whether anything in the node could not be read.
    pub(super) fn has_error(self) -> bool {
        self.0.has_error()
    }

    /// Whether the parser made the node up to go on.
    pub(super) fn is_missing(self) -> bool {
        self.0.is_missing()
    }

    pub(super) fn child(self, field: Field) -> Option<Node<'t>> {
        let id = GRAMMAR.fields[field as usize]?;
        self.0.child_by_field_id(id.get()).map(Node)
    }

    /// The named children.
    pub(super) fn children(self) -> Nodes<'t> {
        let mut children = Nodes::new();
        self.each(|child, _| {
            if child.0.is_named() {
                children.push(child);
            }
        });
        children
    }

    /// Every child, keywords and punctuation included.
    pub(super) fn tokens(self) -> Nodes<'t> {
        let mut children = Nodes::new();
        self.each(|child, _| children.push(child));
        children
    }

    /// The children that the grammar calls `field`.
    pub(super) fn children_of(self, field: Field) -> Nodes<'t> {
        let id = GRAMMAR.fields[field as usize];
        let mut children = Nodes::new();
        self.each(|child, of| {
            if of == id && id.is_some() {
                children.push(child);
            }
        });
        children
    }

    pub(super) fn first(self) -> Option<Node<'t>> {
        let first = Node(self.0.named_child(0)?);
        if first.0.is_extra() { self.children().first().copied() } else { Some(first) }
    }

    /// The first child of `kind`.
    pub(super) fn first_of(self, kind: Kind) -> Option<Node<'t>> {
        self.children().into_iter().find(|it| it.kind() == kind)
    }

    /// Whether the node opens with this keyword: `async`.
    pub(super) fn starts_with(self, token: &str) -> bool {
        self.0.child(0).is_some_and(|it| it.kind() == token)
    }

    /// Whether this keyword or punctuation stands among the children.
    pub(super) fn has_token(self, token: &str) -> bool {
        let mut found = false;
        self.each(|child, _| found |= !child.0.is_named() && child.0.kind() == token);
        found
    }

    /// The children in one pass: asking for them by index is quadratic.
    fn each(self, mut visit: impl FnMut(Node<'t>, Option<NonZeroU16>)) {
        let mut cursor = self.0.walk();
        let mut more = cursor.goto_first_child();
        while more {
            let child = cursor.node();
            if !child.is_extra() || child.is_error() {
                visit(Node(child), cursor.field_id());
            }
            more = cursor.goto_next_sibling();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_the_grammar() {
        assert!(KINDS.is_sorted_by_key(|it| it.0), "found by binary search");
        for (text, kind) in KINDS {
            assert!(GRAMMAR.kinds.contains(kind), "no node is called {text}");
        }
        for (text, id) in FIELDS.iter().zip(&GRAMMAR.fields) {
            assert!(id.is_some(), "no field is called {text}");
        }
    }
}
