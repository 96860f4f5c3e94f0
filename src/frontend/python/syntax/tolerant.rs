//! The tree that tree-sitter gives: for texts with syntax errors.

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::sync::LazyLock;

use super::{Damage, Entry, Field, Kind, Token, Tree};
use crate::ir::Range;

const KINDS: &[(&str, Kind)] = &[
    ("aliased_import", Kind::AliasedImport),
    ("argument_list", Kind::ArgumentList),
    ("as_pattern", Kind::AsPattern),
    ("as_pattern_target", Kind::AsPatternTarget),
    ("assert_statement", Kind::AssertStatement),
    ("assignment", Kind::Assignment),
    ("attribute", Kind::Attribute),
    ("augmented_assignment", Kind::AugmentedAssignment),
    ("await", Kind::Await),
    ("binary_operator", Kind::BinaryOperator),
    ("block", Kind::Block),
    ("boolean_operator", Kind::BooleanOperator),
    ("break_statement", Kind::BreakStatement),
    ("call", Kind::Call),
    ("case_clause", Kind::CaseClause),
    ("case_pattern", Kind::CasePattern),
    ("chevron", Kind::Chevron),
    ("class_definition", Kind::ClassDefinition),
    ("class_pattern", Kind::ClassPattern),
    ("comparison_operator", Kind::ComparisonOperator),
    ("complex_pattern", Kind::ComplexPattern),
    ("concatenated_string", Kind::ConcatenatedString),
    ("conditional_expression", Kind::ConditionalExpression),
    ("constrained_type", Kind::ConstrainedType),
    ("continue_statement", Kind::ContinueStatement),
    ("decorated_definition", Kind::DecoratedDefinition),
    ("decorator", Kind::Decorator),
    ("default_parameter", Kind::DefaultParameter),
    ("delete_statement", Kind::DeleteStatement),
    ("dict_pattern", Kind::DictPattern),
    ("dictionary", Kind::Dictionary),
    ("dictionary_comprehension", Kind::DictionaryComprehension),
    ("dictionary_splat", Kind::DictionarySplat),
    ("dictionary_splat_pattern", Kind::DictionarySplatPattern),
    ("dotted_name", Kind::DottedName),
    ("elif_clause", Kind::ElifClause),
    ("ellipsis", Kind::Ellipsis),
    ("else_clause", Kind::ElseClause),
    ("except_clause", Kind::ExceptClause),
    ("exec_statement", Kind::ExecStatement),
    ("expression_list", Kind::ExpressionList),
    ("expression_statement", Kind::ExpressionStatement),
    ("false", Kind::False),
    ("finally_clause", Kind::FinallyClause),
    ("float", Kind::Float),
    ("for_in_clause", Kind::ForInClause),
    ("for_statement", Kind::ForStatement),
    ("format_expression", Kind::FormatExpression),
    ("format_specifier", Kind::FormatSpecifier),
    ("function_definition", Kind::FunctionDefinition),
    ("future_import_statement", Kind::FutureImportStatement),
    ("generator_expression", Kind::GeneratorExpression),
    ("generic_type", Kind::GenericType),
    ("global_statement", Kind::GlobalStatement),
    ("identifier", Kind::Identifier),
    ("if_clause", Kind::IfClause),
    ("if_statement", Kind::IfStatement),
    ("import_from_statement", Kind::ImportFromStatement),
    ("import_prefix", Kind::ImportPrefix),
    ("import_statement", Kind::ImportStatement),
    ("integer", Kind::Integer),
    ("interpolation", Kind::Interpolation),
    ("keyword_argument", Kind::KeywordArgument),
    ("keyword_pattern", Kind::KeywordPattern),
    ("keyword_separator", Kind::KeywordSeparator),
    ("lambda", Kind::Lambda),
    ("lambda_parameters", Kind::LambdaParameters),
    ("list", Kind::List),
    ("list_comprehension", Kind::ListComprehension),
    ("list_pattern", Kind::ListPattern),
    ("list_splat", Kind::ListSplat),
    ("list_splat_pattern", Kind::ListSplatPattern),
    ("match_statement", Kind::MatchStatement),
    ("member_type", Kind::MemberType),
    ("module", Kind::Module),
    ("named_expression", Kind::NamedExpression),
    ("none", Kind::None),
    ("nonlocal_statement", Kind::NonlocalStatement),
    ("not_operator", Kind::NotOperator),
    ("pair", Kind::Pair),
    ("parameters", Kind::Parameters),
    ("parenthesized_expression", Kind::ParenthesizedExpression),
    ("pass_statement", Kind::PassStatement),
    ("pattern_list", Kind::PatternList),
    ("positional_separator", Kind::PositionalSeparator),
    ("print_statement", Kind::PrintStatement),
    ("raise_statement", Kind::RaiseStatement),
    ("relative_import", Kind::RelativeImport),
    ("return_statement", Kind::ReturnStatement),
    ("set", Kind::Set),
    ("set_comprehension", Kind::SetComprehension),
    ("slice", Kind::Slice),
    ("splat_pattern", Kind::SplatPattern),
    ("splat_type", Kind::SplatType),
    ("string", Kind::String),
    ("string_end", Kind::StringEnd),
    ("string_start", Kind::StringStart),
    ("subscript", Kind::Subscript),
    ("true", Kind::True),
    ("try_statement", Kind::TryStatement),
    ("tuple", Kind::Tuple),
    ("tuple_pattern", Kind::TuplePattern),
    ("type", Kind::Type),
    ("type_alias_statement", Kind::TypeAliasStatement),
    ("type_parameter", Kind::TypeParameter),
    ("typed_default_parameter", Kind::TypedDefaultParameter),
    ("typed_parameter", Kind::TypedParameter),
    ("unary_operator", Kind::UnaryOperator),
    ("union_pattern", Kind::UnionPattern),
    ("union_type", Kind::UnionType),
    ("while_statement", Kind::WhileStatement),
    ("wildcard_import", Kind::WildcardImport),
    ("with_clause", Kind::WithClause),
    ("with_item", Kind::WithItem),
    ("with_statement", Kind::WithStatement),
    ("yield", Kind::Yield),
];

const FIELDS: &[(&str, Field)] = &[
    ("alias", Field::Alias),
    ("alternative", Field::Alternative),
    ("argument", Field::Argument),
    ("arguments", Field::Arguments),
    ("attribute", Field::Attribute),
    ("body", Field::Body),
    ("condition", Field::Condition),
    ("consequence", Field::Consequence),
    ("definition", Field::Definition),
    ("expression", Field::Expression),
    ("format_specifier", Field::FormatSpecifier),
    ("function", Field::Function),
    ("guard", Field::Guard),
    ("key", Field::Key),
    ("left", Field::Left),
    ("module_name", Field::ModuleName),
    ("name", Field::Name),
    ("object", Field::Object),
    ("operator", Field::Operator),
    ("operators", Field::Operators),
    ("parameters", Field::Parameters),
    ("return_type", Field::ReturnType),
    ("right", Field::Right),
    ("subject", Field::Subject),
    ("subscript", Field::Subscript),
    ("superclasses", Field::Superclasses),
    ("type", Field::Type),
    ("type_parameters", Field::TypeParameters),
    ("value", Field::Value),
];

const TOKENS: &[(&str, Token)] = &[
    ("!=", Token::Equality),
    ("*", Token::Star),
    (",", Token::Comma),
    ("-", Token::Minus),
    (":", Token::Colon),
    ("<", Token::Order),
    ("<=", Token::Order),
    ("<>", Token::Equality),
    ("==", Token::Equality),
    (">", Token::Order),
    (">=", Token::Order),
    ("_", Token::Underscore),
    ("and", Token::And),
    ("async", Token::Async),
    ("from", Token::From),
    ("in", Token::In),
    ("is", Token::Is),
    ("is not", Token::IsNot),
    ("not in", Token::NotIn),
    ("or", Token::Or),
    ("|", Token::Pipe),
];

/// What a number of the grammar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Node(Kind),
    Token(Token),
    Comment,
    /// A token that means nothing to the lowering.
    Skipped,
}

struct Grammar {
    language: tree_sitter::Language,
    /// By the grammar's kind number.
    symbols: Vec<Symbol>,
    /// By the grammar's field number.
    fields: Vec<Option<Field>>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language = tree_sitter::Language::new(tree_sitter_python::LANGUAGE);
    let symbol = |id: u16| {
        let text = language.node_kind_for_id(id).unwrap_or("");
        match language.node_kind_is_named(id) {
            true if text == "comment" => Symbol::Comment,
            true => Symbol::Node(known(KINDS, text).unwrap_or(Kind::Other)),
            false => known(TOKENS, text).map_or(Symbol::Skipped, Symbol::Token),
        }
    };
    let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    let symbols = (0..count).map(symbol).collect();
    let count = u16::try_from(language.field_count()).unwrap_or(u16::MAX);
    let fields = (0..=count).map(|id| language.field_name_for_id(id).and_then(|it| known(FIELDS, it))).collect();
    Grammar { language, symbols, fields }
});

/// What `table`, which is sorted, has for `text`.
fn known<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    table.binary_search_by_key(&text, |it| it.0).ok().map(|at| table[at].1)
}
/// A run of so many comment lines is left as it is.
const MAX_COMMENTS: usize = 256;

/// Of a longer one so many are kept at each end.
const COMMENTS_KEPT: usize = 16;

/// Parses `source`; none when the parser fails.
pub(super) fn parse(source: &str) -> Option<Tree> {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&GRAMMAR.language).ok()?;
    parser.parse(thinned(source).as_ref(), None).map(|it| flat(&it))
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
    parser.parse(source, None).map(|it| flat(&it))
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

/// The nodes of `parsed` in source order.
fn flat(parsed: &tree_sitter::Tree) -> Tree {
    let mut tree = Tree::default();
    let mut cursor = parsed.walk();
    let mut opened = Vec::new();
    loop {
        let node = cursor.node();
        let entry = match symbol(node) {
            Symbol::Comment => {
                tree.comments.push(Range::new(node.start_byte(), node.end_byte()));
                None
            }
            // Of what may stand anywhere only errors are kept.
            _ if node.is_extra() && !node.is_error() => None,
            Symbol::Node(kind) => Some(entry(node, kind, None, cursor.field_id())),
            Symbol::Token(token) => Some(entry(node, Kind::Other, Some(token), cursor.field_id())),
            Symbol::Skipped if node.is_missing() || node.has_error() => Some(entry(node, Kind::Other, Some(Token::Other), cursor.field_id())),
            Symbol::Skipped => None,
        };
        let at = entry.map(|it| tree.open(it));
        if at.is_some() && cursor.goto_first_child() {
            opened.extend(at);
            continue;
        }
        at.into_iter().for_each(|it| tree.close(it));
        while !cursor.goto_next_sibling() {
            let Some(parent) = opened.pop().filter(|_| cursor.goto_parent()) else { return tree };
            tree.close(parent);
        }
    }
}

fn symbol(node: tree_sitter::Node) -> Symbol {
    if node.is_error() {
        return Symbol::Node(Kind::Error);
    }
    GRAMMAR.symbols.get(usize::from(node.kind_id())).copied().unwrap_or(Symbol::Node(Kind::Other))
}

fn entry(node: tree_sitter::Node, kind: Kind, token: Option<Token>, field: Option<NonZeroU16>) -> Entry {
    let range = Range::new(node.start_byte(), node.end_byte());
    let damage = match (node.is_missing(), node.has_error()) {
        (true, _) => Damage::Missing,
        (false, true) => Damage::Inside,
        (false, false) => Damage::None,
    };
    let field = field.and_then(|it| GRAMMAR.fields.get(usize::from(it.get())).copied().flatten());
    Entry { start: range.start, end: range.end, behind: 0, kind, field, token, damage }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_the_grammar() {
        assert!(KINDS.is_sorted_by_key(|it| it.0) && FIELDS.is_sorted_by_key(|it| it.0) && TOKENS.is_sorted_by_key(|it| it.0));
        for (text, kind) in KINDS {
            assert!(GRAMMAR.symbols.contains(&Symbol::Node(*kind)), "no node is called {text}");
        }
        for (text, field) in FIELDS {
            assert!(GRAMMAR.fields.contains(&Some(*field)), "no field is called {text}");
        }
        for (text, token) in TOKENS {
            assert!(GRAMMAR.symbols.contains(&Symbol::Token(*token)), "no token is called {text}");
        }
    }
}
