//! Which branches an op depends on, and on what their conditions do.

use std::cell::OnceCell;

use petgraph::algo::dominators::Dominators;
use petgraph::graph::NodeIndex;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::super::support::{Graph, Item, item_at, item_of};
use crate::analysis::Analysis;
use crate::analysis::access::{Access, AccessKind};
use crate::analysis::definitions::Definitions;
use crate::ir::{AggregateKind, Arm, BlockId, Callee, Const, Function, Local, OpId, OpKind, Operation, Terminator};
use crate::program::{Cls, Fun, Target};

/// Exceptions that one for a missing key, item or object is.
const CATCHING: &[&str] = &["AttributeError", "BaseException", "Exception", "IndexError", "KeyError", "LookupError", "ValueError"];

/// Methods that fail if there is nothing in what they are called on.
const INSISTING: &[&str] = &["expect", "unwrap"];

/// Branches further above than this decide nothing that a reader would see.
const MAX_ABOVE: usize = 32;

/// The branches of a function, and which block every way to another leads through.
pub(in crate::lints) struct Branches<'f> {
    definitions: Definitions<'f>,
    ir: &'f Function,
    dominators: Dominators<NodeIndex>,
    /// Values that are `True`.
    trues: OnceCell<FxHashSet<Local>>,
    /// What a method was called on that fails if there is nothing in it, where that was asked.
    insisted: OnceCell<FxHashSet<Local>>,
    /// What something other than its drop looks at, where that was asked.
    used: OnceCell<FxHashSet<Local>>,
}

impl<'f> Branches<'f> {
    pub(in crate::lints) fn new(ir: &'f Function) -> Branches<'f> {
        let definitions = Definitions::new(ir);
        Branches {
            ir,
            dominators: Graph::new(ir).dominators(),
            definitions,
            trues: OnceCell::new(),
            insisted: OnceCell::new(),
            used: OnceCell::new(),
        }
    }

    /// The op with that id.
    pub(in crate::lints) fn op(&self, id: OpId) -> Option<&'f OpKind> {
        self.definitions.op(id).map(|it| &it.kind)
    }

    /// Whether the value is the constant `True`.
    pub(in crate::lints) fn is_true(&self, value: Local) -> bool {
        let find = || {
            let truths = self.ir.ops.iter().filter_map(|it| it.kind.truth());
            truths.filter(|it| it.1).map(|it| it.0).collect()
        };
        self.trues.get_or_init(find).contains(&value)
    }

    /// Whether an exception of the op is caught where it would be one of a missing key or item.
    pub(in crate::lints) fn is_caught(&self, op: OpId) -> bool {
        let Some(handler) = self.ir.blocks[self.definitions.block_of(op)].unwind else { return false };
        // The handlers of a `try`: a switch, and what it leads to.
        let mut near = vec![handler];
        near.extend(self.ir.block(handler).terminator.successors());
        near.iter().flat_map(|it| self.ir.ops_of(self.ir.block(*it))).any(|it| match &it.kind {
            OpKind::Catch { types, .. } => types.is_empty() || types.iter().any(|it| CATCHING.contains(&it.last())),
            _ => false,
        })
    }

    pub(in crate::lints) fn definitions(&self) -> &Definitions<'f> {
        &self.definitions
    }

    /// Whether the function fails if the `Option` in a value is empty.
    pub(in crate::lints) fn is_insisted_on(&self, value: Local) -> bool {
        let find = || {
            let receivers = self.ir.ops.iter().filter_map(|it| match &it.kind {
                OpKind::Call { callee: Callee::Method { receiver, name }, .. } if INSISTING.contains(&name.as_str()) => receiver.as_local(),
                _ => None,
            });
            receivers.collect()
        };
        self.insisted.get_or_init(find).contains(&value)
    }

    /// Whether anything but its drop looks at the value.
    pub(in crate::lints) fn is_used(&self, value: Local) -> bool {
        let used = || {
            let ops = self.ir.ops.iter().filter(|it| !matches!(it.kind, OpKind::Drop { .. })).flat_map(|it| it.kind.uses());
            let tested = self.ir.blocks.iter().filter_map(|it| match it.terminator {
                Terminator::Branch { condition: it, .. } | Terminator::Switch { on: it, .. } => Some(it),
                _ => None,
            });
            ops.chain(tested).collect()
        };
        self.used.get_or_init(used).contains(&value)
    }

    /// The nearest branch that `test` decides and of which every way to `act` goes through one arm; with the other arms.
    pub(in crate::lints) fn decision(&self, test: OpId, act: OpId) -> Option<Decision> {
        let goal = NodeIndex::new(self.definitions.block_of(act));
        // The blocks every way to the act goes through, nearest first; the block itself is one.
        let above: Vec<NodeIndex> = self.dominators.dominators(goal)?.take(MAX_ABOVE).collect();
        above.windows(2).find_map(|pair| {
            let (below, branch) = (pair[0].index(), pair[1].index());
            // An arm, not where the arms meet again: what is before it are branches with other arms. Those of `a or b` have one
            // arm in common.
            let before = self.definitions.predecessors(below);
            let is_arm = before.contains(&(branch as u32)) && before.iter().all(|it| self.has_another_arm(*it as usize, below));
            before.iter().filter(|_| is_arm).find_map(|it| self.decided_at(*it as usize, below, test))
        })
    }

    /// Whether every way to an op leads through another, not far above.
    pub(in crate::lints) fn always_passes(&self, above: OpId, op: OpId) -> bool {
        let [home, goal] = [above, op].map(|it| NodeIndex::new(self.definitions.block_of(it)));
        let mut dominators = self.dominators.dominators(goal).into_iter().flatten().take(MAX_ABOVE);
        if home == goal { above < op } else { dominators.any(|it| it == home) }
    }

    /// What a block branches on, and where to.
    fn branch(&self, block: usize) -> Option<(Local, SmallVec<[BlockId; 4]>)> {
        match &self.ir.blocks[block].terminator {
            Terminator::Branch { condition, then, otherwise } => Some((*condition, SmallVec::from_slice(&[*then, *otherwise]))),
            Terminator::Switch { on, arms } => Some((*on, arms.iter().map(|it| it.target).collect())),
            _ => None,
        }
    }

    fn has_another_arm(&self, branch: usize, arm: usize) -> bool {
        self.branch(branch).is_some_and(|it| it.1.iter().any(|it| it.index() == arm) && it.1.iter().any(|it| it.index() != arm))
    }

    /// The decision at the end of a block, if it depends on the test, for one of its arms.
    fn decided_at(&self, branch: usize, arm: usize, test: OpId) -> Option<Decision> {
        let (condition, targets) = self.branch(branch)?;
        let sources = self.definitions.sources_at_end(condition, branch);
        // Whether a loop goes on is no decision on what it goes over.
        let goes_on = sources.first().is_some_and(|it| matches!(self.definitions.op(*it).map(|it| &it.kind), Some(OpKind::Next { .. })));
        let raises = targets.iter().any(|it| it.index() != arm && matches!(self.ir.blocks[it.index()].terminator, Terminator::Raise));
        let is_error = |it: &Arm| it.variant.is_some_and(|it| it == "?");
        let hands_on = matches!(&self.ir.blocks[branch].terminator, Terminator::Switch { arms, .. } if arms.iter().any(is_error));
        (!goes_on && sources.contains(&test)).then_some(Decision { condition, branch, sources, raises, hands_on })
    }
}

impl Branches<'_> {
    fn ops_of(&self, decision: &Decision) -> impl Iterator<Item = &'_ OpKind> {
        decision.sources.iter().filter_map(|it| self.op(*it))
    }

    /// The operands of the comparisons in a decision.
    fn compared(&self, decision: &Decision) -> impl Iterator<Item = Local> {
        self.ops_of(decision)
            .flat_map(|op| match op {
                OpKind::Compute { operation: Operation::Compare | Operation::Order | Operation::Is | Operation::IsNot, operands, .. } => {
                    &operands[..]
                }
                _ => &[],
            })
            .copied()
    }

    /// Whether the act stores a number that was counted on.
    pub(in crate::lints) fn counts(&self, act: &Access) -> bool {
        let is_sum = |it: &OpId| matches!(self.op(*it), Some(OpKind::Compute { operation: Operation::Arithmetic, .. }));
        act.kind.writes() && act.kind != AccessKind::Mutate && self.definitions.origins(act.value, act.op).iter().all(is_sum)
    }

    /// Whether the test compares sizes: with a limit.
    pub(in crate::lints) fn has_limit(&self, decision: &Decision) -> bool {
        self.ops_of(decision).any(|op| matches!(op, OpKind::Compute { operation: Operation::Compare | Operation::Order, .. }))
    }

    /// Whether the test asks which of two is greater.
    pub(in crate::lints) fn has_order(&self, decision: &Decision) -> bool {
        self.ops_of(decision).any(|op| matches!(op, OpKind::Compute { operation: Operation::Order, .. }))
    }

    /// Whether the test asks if the state or `stored` is greater.
    pub(in crate::lints) fn is_ordered(&self, decision: &Decision, analysis: &Analysis<'_>, function: Fun, stored: Local) -> bool {
        let values = analysis.values(function);
        let stored = values.origin(stored);
        self.ops_of(decision).any(|op| match op {
            OpKind::Compute { operation: Operation::Order, operands, .. } => operands.iter().any(|it| values.origin(*it) == stored),
            _ => false,
        })
    }

    /// Whether the test itself decides, and not what came back when the task had waited for something that was given it.
    pub(in crate::lints) fn is_own(&self, decision: &Decision, test: &Access) -> bool {
        self.definitions.own_sources_at_end(decision.condition, decision.branch).contains(&test.op)
    }

    /// The key of which the test is whether it is in a container, and the op that looks.
    fn membership(&self, decision: &Decision, test: &Access) -> Option<(OpId, Local)> {
        decision.sources.iter().find_map(|id| match self.op(*id)? {
            OpKind::Compute { operation: Operation::In | Operation::NotIn, operands, .. } => {
                let [key, container] = operands[..] else { return None };
                let is_tested = container == test.value || self.definitions.origins(container, *id).contains(&test.op);
                is_tested.then_some((*id, key))
            }
            _ => None,
        })
    }

    /// The item that the test is about.
    pub(in crate::lints) fn item(&self, analysis: &Analysis<'_>, function: Fun, decision: &Decision, test: &Access) -> Option<Item> {
        match self.membership(decision, test) {
            Some((_, key)) => item_at(analysis, function, &self.definitions, key),
            None => item_of(analysis, function, &self.definitions, test.op),
        }
    }

    /// Where the state is looked at for the decision: a local may have had the container for long.
    pub(in crate::lints) fn looks_at(&self, decision: &Decision, test: &Access) -> OpId {
        self.membership(decision, test).map_or(test.op, |it| it.0)
    }

    /// Whether a truth value is stored.
    pub(in crate::lints) fn is_flag(&self, write: &Access) -> bool {
        use Operation::{Compare, In, Is, IsNot, Not, NotIn, Order};
        let is_truth = |it: &OpId| {
            let tests = |it: &Operation| matches!(it, Compare | In | Is | IsNot | Not | NotIn | Order);
            matches!(self.op(*it), Some(OpKind::Compute { operation, .. }) if tests(operation))
        };
        let origins = self.definitions.origins(write.value, write.op);
        write.kind == AccessKind::Write && !origins.is_empty() && origins.iter().all(is_truth)
    }

    /// Whether the test compares the state with what is stored: whoever comes last stores the same.
    pub(in crate::lints) fn compares(&self, decision: &Decision, analysis: &Analysis<'_>, function: Fun, act: &Access) -> bool {
        let values = analysis.values(function);
        let stored = values.origin(act.value);
        self.compared(decision).any(|it| values.origin(it) == stored)
    }

    /// Whether the test is whether there is a container, and the act changes what is in it.
    pub(in crate::lints) fn is_presence(&self, decision: &Decision, test: &Access, act: &Access) -> bool {
        let is_none = |value: Local| self.ops_of(decision).any(|op| matches!(op, OpKind::Const { dest, value: Const::None } if *dest == value));
        let whole = matches!(self.op(test.op), Some(OpKind::Load { .. })) && test.path.steps.len() <= act.path.steps.len();
        whole && act.changes_in_place() && self.compared(decision).any(is_none)
    }

    /// What kind of object is made here to be stored.
    pub(in crate::lints) fn made(&self, analysis: &Analysis<'_>, function: Fun, act: &Access, mutable: &FxHashSet<Cls>) -> Made {
        let program = analysis.program;
        let changes = |class: Cls| program.ancestry(class).iter().any(|it| mutable.contains(it));
        let origins = self.definitions.origins(act.value, act.op);
        let kinds = origins.iter().filter_map(|it| self.definitions.op(*it)).map(|op| match &op.kind {
            OpKind::Call { dest, .. } => match program.target(function, *dest) {
                Target::Construct { class, .. } if changes(*class) || program.external_ancestry(*class).any(|it| it != "object") => Made::Object,
                Target::Construct { .. } => Made::Value,
                Target::External(path) if path.last().starts_with(|it: char| it.is_ascii_uppercase()) => Made::Object,
                _ => Made::Nothing,
            },
            // To be filled; one that is full already is a value.
            OpKind::Aggregate { dest, kind: AggregateKind::Dict | AggregateKind::List | AggregateKind::Set, operands, .. }
                if operands.is_empty() && origins.len() == 1 && *dest == act.value =>
            {
                Made::Object
            }
            _ => Made::Nothing,
        });
        kinds.max().unwrap_or(Made::Nothing)
    }
}

/// What a second one of what is stored would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lints) enum Made {
    /// Nothing is made.
    Nothing,
    /// The same again: an object that never changes.
    Value,
    /// Another: an object that changes later, one of a library's, an empty container that is there to be filled.
    Object,
}

/// A branch between a test and an act.
pub(in crate::lints) struct Decision {
    condition: Local,
    /// The block that the branch is the end of.
    branch: usize,
    /// What its condition was computed from.
    sources: Vec<OpId>,
    /// The other way raises: a precondition, more than a choice.
    pub(in crate::lints) raises: bool,
    /// It is a `?`.
    pub(in crate::lints) hands_on: bool,
}
