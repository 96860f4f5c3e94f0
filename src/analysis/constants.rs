//! What a function does when some of its parameters are known: the blocks it can get to, and the constants in its locals.
//!
//! In: a function and the constants a call gives it. Out: what is left of it. Sparse conditional constant propagation
//! (Wegman and Zadeck, 1991) without the sparseness, and with one value for each variable in the whole function: what is
//! stored in blocks that are got to. Callers pass `None`, `True` and `False` to say how a function goes; numbers and texts
//! are kept as far as their truth goes.

use crate::ir::{BlockId, Const, Function, Local, LocalKind, OpKind, Operation, StoreKind, Terminator};
use crate::program::{Fun, Invocation, Program, Receiver, Target, bindings};

/// So often all blocks are gone through; what is not settled by then is taken to be anything.
const MAX_ROUNDS: usize = 12;

/// What a local can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Nothing gets here.
    Unset,
    Known(Const),
    Anything,
}

impl Value {
    fn join(self, other: Value) -> Value {
        match (self, other) {
            (Value::Unset, it) | (it, Value::Unset) => it,
            (one, other) if one == other => one,
            _ => Value::Anything,
        }
    }

    fn truth(self) -> Option<bool> {
        match self {
            Value::Known(Const::None) => Some(false),
            Value::Known(Const::Bool(it)) => Some(it),
            Value::Known(Const::Int(it)) => Some(it != 0),
            Value::Known(Const::Str(it)) => Some(it != ""),
            _ => None,
        }
    }
}

/// What is left of a function.
#[derive(Debug)]
pub struct Left {
    locals: Vec<Value>,
    blocks: Vec<bool>,
}

impl Left {
    /// Whether control can get to the block.
    pub fn has(&self, block: BlockId) -> bool {
        self.blocks.get(block.index()).is_none_or(|it| *it)
    }

    fn value(&self, local: Local) -> Value {
        self.locals.get(local.index()).copied().unwrap_or(Value::Anything)
    }

    fn add(&mut self, local: Local, value: Value) -> bool {
        let Some(slot) = self.locals.get_mut(local.index()) else { return false };
        let joined = slot.join(value);
        std::mem::replace(slot, joined) != joined
    }

    /// Goes through a block that control gets to; whether anything is new.
    fn pass(&mut self, ir: &Function, id: BlockId) -> bool {
        let block = ir.block(id);
        let mut changed = false;
        for op in ir.ops_of(block) {
            let value = match &op.kind {
                OpKind::Const { value, .. } => Value::Known(*value),
                OpKind::Load { place, .. } => place.as_local().map_or(Value::Anything, |it| self.value(it)),
                OpKind::Store { value, kind: StoreKind::Assign | StoreKind::Init, .. } => self.value(*value),
                OpKind::Compute { operation, operands, .. } => {
                    let operands: Vec<Value> = operands.iter().map(|it| self.value(*it)).collect();
                    computed(*operation, &operands)
                }
                _ => Value::Anything,
            };
            if let Some(dest) = op.kind.defines() {
                changed |= self.add(dest, value);
            }
        }
        let next = match &block.terminator {
            Terminator::Branch { condition, then, otherwise } => match (self.value(*condition), self.value(*condition).truth()) {
                (_, Some(true)) => vec![*then],
                (_, Some(false)) => vec![*otherwise],
                (Value::Unset, None) => Vec::new(),
                _ => vec![*then, *otherwise],
            },
            other => other.successors().into_iter().collect(),
        };
        for target in next.into_iter().chain(block.unwind) {
            changed |= !std::mem::replace(&mut self.blocks[target.index()], true);
        }
        changed
    }
}

fn computed(operation: Operation, operands: &[Value]) -> Value {
    // Two numbers or texts that are equal may be two objects.
    let is_one = |it: Const| matches!(it, Const::None | Const::Bool(_));
    match (operation, operands) {
        (_, operands) if operands.contains(&Value::Unset) => Value::Unset,
        (Operation::Not, [it]) => it.truth().map_or(Value::Anything, |it| Value::Known(Const::Bool(!it))),
        (Operation::Is | Operation::IsNot, [Value::Known(one), Value::Known(other)]) if is_one(*one) || is_one(*other) => {
            Value::Known(Const::Bool((one == other) == (operation == Operation::Is)))
        }
        _ => Value::Anything,
    }
}

/// What is left of `function` when its parameters are as `given`: none for those that can be anything.
fn left(program: &Program<'_>, function: Fun, given: &[Option<Const>]) -> Left {
    let ir = program.function(function);
    // What no op gives a value, something else does.
    let mut it = Left { locals: vec![Value::Anything; ir.locals.len()], blocks: vec![false; ir.blocks.len()] };
    let defined = ir.ops.iter().filter_map(|it| it.kind.defines()).filter(|it| !matches!(ir.local(*it).kind(), LocalKind::Captured(_)));
    defined.for_each(|local| it.locals[local.index()] = Value::Unset);
    for (index, param) in ir.params.iter().enumerate() {
        it.locals[param.local.index()] = given.get(index).copied().flatten().map_or(Value::Anything, Value::Known);
    }
    let all = Left { locals: vec![Value::Anything; ir.locals.len()], blocks: vec![true; ir.blocks.len()] };
    if ir.blocks.is_empty() || ir.ops.iter().any(|it| matches!(it.kind, OpKind::ClassObject { .. })) {
        return all;
    }
    // What is nested may store to the variables.
    for op in &ir.ops {
        let OpKind::Closure { function: nested, .. } = op.kind else { continue };
        let nested = program.function(program.fun(program.module_of(function), nested));
        for stored in nested.ops.iter().filter_map(|it| it.kind.defines()) {
            if let LocalKind::Captured(of) = nested.local(stored).kind()
                && let Some(slot) = it.locals.get_mut(of.index())
            {
                *slot = Value::Anything;
            }
        }
    }
    it.blocks[0] = true;
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for index in 0..ir.blocks.len() {
            if it.blocks[index] {
                changed |= it.pass(ir, BlockId::from_index(index));
            }
        }
        if !changed {
            return it;
        }
    }
    all
}

/// What is left of `callee`, which that call of a function runs, of which `caller` is left: by the constants among the
/// arguments, and the defaults of what is not passed.
pub fn left_in(program: &Program<'_>, caller: Option<&Left>, function: Fun, call: &Invocation<'_>, callee: Fun) -> Left {
    let ir = program.function(callee);
    // A method that stands in for the one that the call names.
    let target = match call.target {
        Target::Function { receiver, .. } => Target::Function { function: callee, receiver: *receiver },
        other => other.clone(),
    };
    let skip = match &target {
        Target::Function { receiver, .. } => usize::from(*receiver != Receiver::None),
        Target::Construct { .. } => 1,
        _ => 0,
    };
    let is_spread = call.arguments.iter().any(|it| matches!(it.kind, crate::ir::ArgumentKind::Spread | crate::ir::ArgumentKind::SpreadKeywords));
    let mut given: Vec<Option<Const>> = ir.params.iter().map(|it| it.default.filter(|_| !is_spread)).collect();
    given.iter_mut().take(skip).for_each(|it| *it = None);
    for (_, index, local) in bindings(program, &target, call.arguments) {
        let known = match caller.map(|it| it.value(local)) {
            Some(Value::Known(it)) => Some(it),
            _ => program.function(function).constant(local),
        };
        if let Some(slot) = given.get_mut(index as usize) {
            *slot = known;
        }
    }
    left(program, callee, &given)
}
