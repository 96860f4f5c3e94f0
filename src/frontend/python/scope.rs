//! Which names a function, class or module binds, and how: found before its body is lowered, because in Python an
//! assignment anywhere in a function makes the name local everywhere in it.
//!
//! In: the body's nodes, and the trees that stand for placeholders in it. Out: [`Bindings`], names in the order of their first binding. The walk is iterative, enters no
//! nested function, class, lambda, and visits expressions only in a file that has a walrus.

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use super::repair::Parsed;
use super::syntax::{Field, Kind, Node, Nodes, Tree};
use crate::ir::{Local, Name, Range};

/// Where a bound name lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Home {
    /// In the scope that binds it.
    #[default]
    Here,
    /// `global x`.
    Module,
    /// `nonlocal x`.
    Outer,
}

/// How one scope binds one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Binding {
    pub(super) home: Home,
    /// By assignment, `for`, `with`, `except`, a pattern, `del`.
    pub(super) variable: bool,
    /// By `def`, `class` or `type`.
    pub(super) definition: bool,
    pub(super) import: bool,
    /// The identifier that binds it first.
    pub(super) range: Range,
    /// The local made for it, once it was needed.
    pub(super) local: Option<Local>,
    /// Class bodies: the statement that binds it was lowered.
    pub(super) reached: bool,
}

/// The names one scope binds.
#[derive(Debug, Default)]
pub(super) struct Bindings<'t> {
    pub(super) names: IndexMap<Name, Binding, FxBuildHasher>,
    /// The import statements, in source order.
    pub(super) imports: Vec<Node<'t>>,
}

/// Names that a statement binds, and where they stand.
pub(super) type BoundNames = SmallVec<[(Name, Range); 4]>;

/// What there is to know of the file around a body.
pub(super) struct File<'t> {
    pub(super) source: &'t str,
    /// The file has `:=` somewhere.
    walruses: bool,
    /// The broken units of the file, by the offset of the statement that stands for them.
    pub(super) grafts: FxHashMap<u32, Node<'t>>,
}

impl<'t> File<'t> {
    pub(super) fn new(source: &'t str, parsed: &'t Parsed) -> Self {
        let grafts = parsed.grafts.iter().map(|(at, tree)| (*at, tree.root())).collect();
        let walruses = parsed.tree.has_walrus() || parsed.grafts.values().any(Tree::has_walrus);
        File { source, walruses, grafts }
    }
}

#[derive(Clone, Copy)]
enum How {
    Variable,
    Definition,
    Import,
    Declared(Home),
}

/// The bindings of a scope whose body is `root`.
pub(super) fn bindings<'t>(root: Node<'t>, file: &File<'t>) -> Bindings<'t> {
    let mut walk = Walk { file, found: Bindings::default(), work: vec![root], grafted: Vec::new() };
    while let Some(node) = walk.work.pop() {
        walk.visit(node);
    }
    walk.found
}

/// The names that `target` (of an assignment, `for`, `with`) binds.
pub(super) fn target_names(target: Node, source: &str) -> BoundNames {
    let mut names = BoundNames::new();
    let mut work = Nodes::from_slice(&[target]);
    while let Some(node) = work.pop() {
        match node.kind() {
            Kind::Identifier => names.push((node.name(source), node.range())),
            Kind::PatternList
            | Kind::TuplePattern
            | Kind::ListPattern
            | Kind::ListSplatPattern
            | Kind::ExpressionList
            | Kind::Tuple
            | Kind::List
            | Kind::ListSplat
            | Kind::ParenthesizedExpression
            | Kind::AsPatternTarget => work.extend(node.children().into_iter().rev()),
            _ => {}
        }
    }
    names
}

/// The names that the pattern of a `case` captures.
pub(super) fn captured_names(pattern: Node, source: &str) -> BoundNames {
    let mut names = BoundNames::new();
    let mut work = Nodes::from_slice(&[pattern]);
    while let Some(node) = work.pop() {
        let children = node.children();
        match node.kind() {
            Kind::Identifier => names.push((node.name(source), node.range())),
            Kind::DottedName if children.len() == 1 => work.extend(children.into_iter().filter(|it| it.text(source) != "_")),
            Kind::SplatPattern => work.extend(children.into_iter().filter(|it| it.text(source) != "_")),
            // The class's or the attribute's own name comes first.
            Kind::ClassPattern | Kind::KeywordPattern => work.extend(children.into_iter().skip(1).rev()),
            Kind::CasePattern | Kind::AsPattern | Kind::UnionPattern | Kind::ListPattern | Kind::TuplePattern | Kind::DictPattern => {
                work.extend(children.into_iter().rev());
            }
            _ => {}
        }
    }
    names
}

struct Walk<'t, 'f> {
    file: &'f File<'t>,
    found: Bindings<'t>,
    work: Vec<Node<'t>>,
    /// Placeholders that were passed: a unit may itself start with an expression.
    grafted: Vec<u32>,
}

impl<'t> Walk<'t, '_> {
    fn bind(&mut self, name: Name, range: Range, how: How) {
        let binding = self.found.names.entry(name).or_insert_with(|| Binding { range, ..Binding::default() });
        match how {
            How::Variable => binding.variable = true,
            How::Definition => binding.definition = true,
            How::Import => binding.import = true,
            How::Declared(home) => binding.home = home,
        }
    }

    fn bind_node(&mut self, name: Option<Node<'t>>, how: How) {
        if let Some(name) = name {
            self.bind(name.name(self.file.source), name.range(), how);
        }
    }

    fn bind_target(&mut self, target: Option<Node<'t>>) {
        let Some(target) = target else { return };
        for (name, range) in target_names(target, self.file.source) {
            self.bind(name, range, How::Variable);
        }
        self.visit_expression(Some(target));
    }

    /// Expressions bind by walrus only.
    fn visit_expression(&mut self, node: Option<Node<'t>>) {
        self.work.extend(node.filter(|_| self.file.walruses));
    }

    fn visit_children(&mut self, node: Node<'t>) {
        self.work.extend(node.children().into_iter().rev());
    }

    fn visit(&mut self, node: Node<'t>) {
        match node.kind() {
            Kind::FunctionDefinition => {
                self.bind_node(node.child(Field::Name), How::Definition);
                self.visit_expression(node.child(Field::Parameters));
            }
            Kind::ClassDefinition => {
                self.bind_node(node.child(Field::Name), How::Definition);
                self.visit_expression(node.child(Field::Superclasses));
            }
            Kind::Lambda => self.visit_expression(node.child(Field::Parameters)),
            Kind::TypeAliasStatement => {
                let mut left = node.child(Field::Left);
                while let Some(inner) = left.filter(|it| matches!(it.kind(), Kind::Type | Kind::GenericType)) {
                    left = inner.first();
                }
                self.bind_node(left, How::Definition);
            }
            Kind::ImportStatement | Kind::ImportFromStatement | Kind::FutureImportStatement => {
                self.found.imports.push(node);
                for name in node.children_of(Field::Name) {
                    let binds = name.child(Field::Alias).or_else(|| name.first());
                    self.bind_node(binds, How::Import);
                }
            }
            Kind::GlobalStatement => self.declare(node, Home::Module),
            Kind::NonlocalStatement => self.declare(node, Home::Outer),
            Kind::Assignment => {
                self.work.extend(node.child(Field::Right).filter(|it| self.file.walruses || it.kind() == Kind::Assignment));
                self.bind_target(node.child(Field::Left));
            }
            Kind::AugmentedAssignment => {
                self.visit_expression(node.child(Field::Right));
                self.bind_target(node.child(Field::Left));
            }
            Kind::ForStatement => {
                self.work.extend(node.child(Field::Alternative));
                self.work.extend(node.child(Field::Body));
                self.visit_expression(node.child(Field::Right));
                self.bind_target(node.child(Field::Left));
            }
            Kind::DeleteStatement => self.bind_target(node.first()),
            // `with … as x`, `except … as x`.
            Kind::AsPattern => {
                self.visit_expression(node.first());
                self.bind_target(node.child(Field::Alias));
            }
            Kind::ExceptClause => {
                self.bind_target(node.child(Field::Alias));
                self.visit_children(node);
            }
            Kind::CaseClause => {
                self.work.extend(node.child(Field::Consequence));
                self.visit_expression(node.child(Field::Guard));
                for pattern in node.children().into_iter().filter(|it| it.kind() == Kind::CasePattern) {
                    for (name, range) in captured_names(pattern, self.file.source) {
                        self.bind(name, range, How::Variable);
                    }
                }
            }
            Kind::NamedExpression => {
                self.bind_node(node.child(Field::Name), How::Variable);
                self.work.extend(node.child(Field::Value));
            }
            Kind::ExpressionStatement => match self.file.grafts.get(&node.range().start) {
                Some(root) if !self.grafted.contains(&node.range().start) => {
                    self.grafted.push(node.range().start);
                    self.work.push(*root);
                }
                _ => self.visit_children(node),
            },
            Kind::Module
            | Kind::Block
            | Kind::DecoratedDefinition
            | Kind::IfStatement
            | Kind::ElifClause
            | Kind::ElseClause
            | Kind::WhileStatement
            | Kind::TryStatement
            | Kind::FinallyClause
            | Kind::WithStatement
            | Kind::WithClause
            | Kind::WithItem
            | Kind::MatchStatement
            | Kind::Error => self.visit_children(node),
            // `with (a as b):`
            Kind::ParenthesizedExpression | Kind::Tuple if node.first().is_some_and(|it| it.kind() == Kind::AsPattern) => self.visit_children(node),
            _ if self.file.walruses => self.visit_children(node),
            _ => {}
        }
    }

    fn declare(&mut self, statement: Node<'t>, home: Home) {
        for name in statement.children() {
            self.bind_node(Some(name), How::Declared(home));
        }
    }
}
