//! Comprehensions, and generator expressions that run at once: loops in the function they stand in, with variables of
//! their own.

use rustc_hash::FxHashMap;

use super::context::Ctx;
use super::scope::target_names;
use super::syntax::{Field, Kind, Node};
use crate::ir::{AggregateKind, Local, LocalKind, OpKind, Operation};

impl<'t> Ctx<'t> {
    /// Runs the comprehension `node` and collects its items.
    pub(super) fn comprehension(&mut self, node: Node<'t>, kind: AggregateKind) -> Local {
        let result = self.aggregate_op(kind, Vec::new(), node.range());
        let first = self.first_iterable(node);
        let collected = self.deeper(node, |it| {
            it.clauses(node, first, |it, body| {
                let mut operands = vec![result];
                match body.kind() {
                    Kind::Pair => {
                        let (key, value) = it.pair(body);
                        operands.extend([key, value]);
                    }
                    _ => operands.push(it.value(body)),
                }
                let operands = operands.into();
                it.frame.b.push(OpKind::Compute { dest: result, operation: Operation::Other, operands }, body.range());
            });
        });
        // What was too deep may hold anything.
        if collected.is_none() { self.unknown(node.range()) } else { result }
    }

    /// Evaluates what the first `for` of a comprehension runs over: the one part that belongs to the scope around.
    pub(super) fn first_iterable(&mut self, node: Node<'t>) -> Local {
        match node.first_of(Kind::ForInClause) {
            Some(clause) => self.iterable(clause),
            None => self.unknown(node.range()),
        }
    }

    fn iterable(&mut self, clause: Node<'t>) -> Local {
        match clause.children_of(Field::Right).as_slice() {
            [only] => self.value(*only),
            several => self.aggregate(AggregateKind::Tuple, several, clause.range()),
        }
    }

    /// The loops and conditions of a comprehension, with `item` run innermost on its body.
    pub(super) fn clauses(&mut self, node: Node<'t>, first: Local, item: impl FnOnce(&mut Self, Node<'t>)) {
        let clauses = node.children();
        let mut variables = FxHashMap::default();
        for target in clauses.iter().filter(|it| it.kind() == Kind::ForInClause).filter_map(|it| it.child(Field::Left)) {
            for (name, _) in target_names(target, self.source) {
                variables.entry(name).or_insert_with(|| self.frame.b.new_local(LocalKind::Variable, Some(name), None));
            }
        }
        self.frame.comprehensions.push(variables);
        let end = self.frame.b.new_block();
        let mut first = Some(first);
        // Where to go on when a loop is exhausted or a condition fails: the loop around, at last behind everything.
        let mut next = end;
        for clause in clauses {
            match clause.kind() {
                Kind::ForInClause => {
                    let iterable = match first.take() {
                        Some(first) => first,
                        None => self.iterable(clause),
                    };
                    let (header, value) = self.loop_header(iterable, clause, next);
                    if let Some(target) = clause.child(Field::Left) {
                        self.assign(target, value, target.range());
                    }
                    next = header;
                }
                Kind::IfClause => {
                    let passed = self.frame.b.new_block();
                    if let Some(condition) = clause.first() {
                        self.branch(condition, passed, next);
                    }
                    self.frame.b.switch_to(passed);
                }
                _ => {}
            }
        }
        if let Some(body) = node.child(Field::Body) {
            item(self, body);
        }
        self.frame.b.goto(next, node.range());
        self.frame.b.switch_to(end);
        self.frame.comprehensions.pop();
    }
}
