//! What a syntax error costs: the smallest statement around it, and no definition that can still be read.

use super::context::{Ctx, FrameKind};
use super::syntax::{Kind, Node};
use crate::ir::Range;

const SYNTAX_ERROR: &str = "syntax error";

impl<'t> Ctx<'t> {
    /// Whether a statement or clause that has an error somewhere can be lowered: the error lies in the blocks below it,
    /// which lose their own, or in the types of a definition, which are lost alone.
    pub(super) fn is_readable(&mut self, node: Node<'t>) -> bool {
        let is_definition = matches!(node.kind(), Kind::FunctionDefinition | Kind::ClassDefinition | Kind::TypeAliasStatement);
        let mut lost_types = Vec::new();
        for part in node.tokens() {
            let readable = match part.kind() {
                Kind::Error => false,
                _ if part.is_missing() => false,
                _ if !part.has_error() => true,
                Kind::Block => true,
                Kind::ElifClause | Kind::ElseClause | Kind::ExceptClause | Kind::FinallyClause => self.is_readable(part),
                Kind::FunctionDefinition | Kind::ClassDefinition => self.is_readable(part),
                Kind::Type | Kind::TypeParameter if is_definition => {
                    lost_types.push(part.range());
                    true
                }
                _ => false,
            };
            if !readable {
                return false;
            }
        }
        lost_types.into_iter().for_each(|it| self.lose(it, SYNTAX_ERROR));
        is_compound(node) || is_definition
    }

    /// Leaves a statement out. Outside functions, the definitions inside it are lowered nevertheless.
    pub(super) fn lose_statement(&mut self, node: Node<'t>) {
        let definitions = if self.frame.kind == FrameKind::Function { Vec::new() } else { definitions_in(node) };
        let range = node.range();
        let end = definitions.first().map_or(range.end, |it| it.range().start);
        let text = self.source.get(range.start as usize..end as usize).unwrap_or("");
        let end = if definitions.is_empty() { end } else { Range::new(0, range.start as usize + text.trim_end().len()).end };
        // A definition that stands first may be what is broken, and says so itself.
        if range.start < end || definitions.is_empty() {
            self.lose(Range { start: range.start, end }, SYNTAX_ERROR);
        }
        for definition in definitions {
            self.deeper(definition, |it| it.statement(definition));
        }
    }

    /// Notes the broken units whose placeholder was lost with what is around it.
    pub(super) fn lose_placeholders(&mut self) {
        let left: Vec<Range> = self.file.grafts.iter().filter(|(at, _)| !self.grafted.contains(at)).map(|it| it.1.range()).collect();
        left.into_iter().for_each(|it| self.lose(it, SYNTAX_ERROR));
    }
}

fn is_compound(node: Node) -> bool {
    matches!(
        node.kind(),
        Kind::FunctionDefinition
            | Kind::ClassDefinition
            | Kind::DecoratedDefinition
            | Kind::IfStatement
            | Kind::ElifClause
            | Kind::ElseClause
            | Kind::ForStatement
            | Kind::WhileStatement
            | Kind::TryStatement
            | Kind::ExceptClause
            | Kind::FinallyClause
            | Kind::WithStatement
            | Kind::MatchStatement
            | Kind::CaseClause
    )
}

/// The outermost definitions below `node`, in source order.
fn definitions_in(node: Node) -> Vec<Node> {
    let mut found = Vec::new();
    let mut work: Vec<Node> = node.children().into_iter().rev().collect();
    while let Some(node) = work.pop() {
        match node.kind() {
            Kind::FunctionDefinition | Kind::ClassDefinition | Kind::DecoratedDefinition => found.push(node),
            Kind::Error | Kind::Block => work.extend(node.children().into_iter().rev()),
            _ if is_compound(node) => work.extend(node.children().into_iter().rev()),
            _ => {}
        }
    }
    found
}
