//! Functions, and what stands in front of their ops.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::{
    Attribute, Block, BlockId, ClassId, Const, FunctionId, Generic, Local, LocalDecl, LocalKind, Locals, Name, Op, OpId, Range, Told, TypeRef,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FunctionKind {
    Function,
    /// In a class, impl or trait, with a receiver as parameter 0 (`self`, `cls`).
    Method,
    /// A Python method under `@staticmethod`, or an associated function without receiver.
    StaticMethod,
    /// Python's `@classmethod`; parameter 0 is the class.
    ClassMethod,
    /// A lambda or a Rust closure.
    Closure,
    /// A Rust `async {}` block; runs when awaited or spawned.
    AsyncBlock,
    /// A Python generator expression that is not consumed by the call it stands in.
    GeneratorExpression,
    ModuleBody,
    /// A Python class's statements. Parameter 0 is the class under construction: `x = 1` stores to its field `x`.
    ClassBody,
}

/// What a function is defined in. A class body is defined in what its class is; what a method captures, it captures from
/// the body of its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Owner {
    Module,
    Class(ClassId),
    /// Index into [`Module::impls`](super::Module::impls).
    Impl(u32),
    /// Nested in a function's body: closures, async blocks, inner functions.
    Function(FunctionId),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    /// The identifier; `<lambda>`, `<closure>`, `<async>`, `<genexpr>`, `<module>` or `<class>` where there is none.
    pub name: Name,
    /// Enclosing names: `Metrics`, `a::b` (inline modules and the impl's type: `a::b::Bank`), `outer.<locals>`.
    pub scope: Name,
    pub kind: FunctionKind,
    pub owner: Owner,
    pub is_async: bool,
    /// Has a `yield` of its own.
    pub is_generator: bool,
    pub is_unsafe: bool,
    /// `pub` in Rust (any form); in Python no leading underscore, or two on each side (`__call__`).
    pub is_public: bool,
    /// Under `#[cfg(test)]`, `#[test]` and the like.
    pub is_test: bool,
    /// A Rust closure marked `move`, an `async move` block.
    pub is_move: bool,
    pub generics: ThinVec<Generic>,
    /// The first locals, in order.
    pub params: Vec<Param>,
    pub returns: Option<TypeRef>,
    pub attributes: ThinVec<Attribute>,
    pub told: Told,
    pub locals: Locals,
    /// What declarations are annotated with, those of parameters aside, in the order of their locals.
    pub annotations: ThinVec<(Local, TypeRef)>,
    pub statements: Vec<Statement>,
    /// What all blocks do, one block behind the other.
    pub ops: Vec<Op>,
    pub blocks: Vec<Block>,
    /// The whole definition.
    pub range: Range,
    /// The identifier; the whole head for a closure.
    pub name_range: Range,
}

impl Function {
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    pub fn op(&self, id: OpId) -> Option<&Op> {
        self.ops.get(id.index())
    }

    /// What a block does.
    pub fn ops_of(&self, block: &Block) -> &[Op] {
        &self.ops[block.first.index()..block.first.index() + block.count as usize]
    }

    /// Every op with its index.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (OpId, &Op)> + ExactSizeIterator + Clone {
        self.ops.iter().enumerate().map(|(index, op)| (OpId(index as u32), op))
    }

    /// The block that an op stands in.
    pub fn block_of(&self, op: OpId) -> BlockId {
        // Of blocks without ops that begin at one place, the last.
        BlockId::from_index(self.blocks.partition_point(|it| it.first <= op).saturating_sub(1))
    }

    pub fn local(&self, id: Local) -> LocalDecl {
        self.locals.get(id)
    }

    /// Its locals for variables of the function around it, each with that variable.
    pub fn captured(&self) -> impl Iterator<Item = (Local, Local)> + '_ {
        self.locals.declared().filter_map(|(local, it)| match it.kind() {
            LocalKind::Captured(outer) => Some((local, outer)),
            _ => None,
        })
    }

    /// What the declaration of a local is annotated with.
    pub fn annotation(&self, local: Local) -> Option<&TypeRef> {
        if let Some(param) = self.params.get(local.index()) {
            return param.ty.as_ref().or_else(|| self.noted(local));
        }
        self.noted(local)
    }

    fn noted(&self, local: Local) -> Option<&TypeRef> {
        let at = self.annotations.binary_search_by_key(&local, |it| it.0).ok()?;
        Some(&self.annotations[at].1)
    }

    /// The range of the statement `op` belongs to.
    pub fn statement_range(&self, op: &Op) -> Range {
        self.statements.get(op.stmt().index()).map_or(op.range(), |it| it.range)
    }
}

/// A simple statement, or the head of a compound one (`with self._lock:`, `while x {`, `match m.lock() {`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub range: Range,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParamKind {
    /// `self`, `cls`, `&self`, the class of a class body.
    Receiver,
    Positional,
    /// After `*` in Python.
    KeywordOnly,
    /// `*args`.
    Rest,
    /// `**kwargs`.
    Keywords,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Param {
    pub local: Local,
    pub name: Name,
    pub kind: ParamKind,
    pub ty: Option<TypeRef>,
    /// The default, when it is a constant (`None`, `5`).
    pub default: Option<Const>,
    /// The default, when it is a name (`Connection`, `pool.Connection`).
    pub default_name: Option<Name>,
    pub range: Range,
}
