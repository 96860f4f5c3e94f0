//! The small language in which Rust and Python meet.
//!
//! A frontend lowers one file to one [`Module`]: a pure function of the file's bytes (and, for Rust, its edition).
//! The IR knows syntax, scoping and control flow. It knows no types beyond what the source spells out, no other file,
//! and nothing of locks: that `self._lock` is a lock, or that `append` changes its receiver, is for the program stage
//! and the catalogue to say.
//!
//! # Shape
//!
//! * A [`Module`] holds every [`Function`] of the file in one arena: functions, methods, lambdas and closures, async
//!   blocks, and the module's and the classes' own bodies.
//! * A function is a control-flow graph of [`Block`]s over [`Op`]s. Expressions are flattened: each intermediate value
//!   has a [`Local`] of its own (a *temporary*), and reading a variable, field or item is an explicit
//!   [`OpKind::Load`] of a [`Place`].
//! * A [`Place`] is a [`Base`] with projections: `self.stats["hits"]` is one place, and loading or storing it one op.
//!   A chain is broken only where a call or another computed value stands in it.
//! * Blocks are numbered in reverse postorder, and ops with them: what leads to a block stands before it, what leads back
//!   to the head of a loop aside. Arms stand as in the source, handlers last.
//! * Every op has the byte range of the source that made it and the [`Stmt`] it belongs to. [`OpKind::uses`] and
//!   [`OpKind::defines`] name its locals, so "the value read here flows into the write there" is a walk.
//!
//! # Conventions both frontends keep
//!
//! * `x = e` evaluates `e` to a temporary `t`, then `Store { place: x, value: t }`. Reading the variable `x` is
//!   `Load { dest: t, place: x }`, at the point of evaluation.
//! * `p += e` is: load `p`, evaluate `e` (in the language's order), [`Operation::Arithmetic`] compute, `Store` to the
//!   same place with [`StoreKind::Update`].
//! * A short-circuit or conditional expression is control flow that stores to one temporary on each path.
//! * A method call keeps its receiver as a place ([`Callee::Method`]), so `self._lock.acquire()` names `self._lock`.
//! * Exceptions (Python): every block inside `try` or `with` has [`Block::unwind`] set to the innermost handler; every
//!   op of that block may leave for it. Outside, an exception leaves the function and has no edge.
//! * Drops (Rust) are explicit [`OpKind::Drop`]s of every local that goes out of scope and of every temporary that a
//!   call, a macro or an await made, in the language's order, on every path (also `break`, `continue`, `return`, `?`).
//!   Types are not known here, so a moved-out local may be dropped again: the analysis tracks the moves.

mod build;
#[cfg(test)]
pub(crate) mod check;
mod directive;
mod function;
mod intern;
mod list;
mod locals;
mod name;
mod nested;
mod op;
mod pack;
mod print;
mod walk;

pub use build::{FunctionBuilder, exact};
pub use directive::{Claim, Directive, Extent, Ignore, IgnoredRule, Malformed, Told};
pub use function::{Function, FunctionKind, Owner, Param, ParamKind, Statement};
pub use list::{Item, List, Lists};
pub use locals::{LocalDecl, LocalKind, Locals};
pub use name::Name;
pub use nested::Nested;
pub use op::{
    AggregateKind, Argument, ArgumentKind, Arm, Base, Block, Callee, Const, LoadKind, Op, OpKind, Operation, Place, Projection, StoreKind, Terminator,
};
pub use pack::{pack, unpack};
pub use print::print;
use serde::{Deserialize, Serialize};

/// A half-open range of bytes in one file, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Range {
    pub start: u32,
    pub end: u32,
}

impl Range {
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Range { start: clamp(start), end: clamp(end) }
    }

    /// Whether `other` lies inside (or is equal to) this range.
    pub fn contains(self, other: Range) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The smallest range that has both.
    pub fn join(self, other: Range) -> Range {
        Range { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    pub fn as_usize(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }

            pub fn from_index(index: usize) -> Self {
                $name(u32::try_from(index).expect("a file is under 4 GiB, so it has under 2^32 of these"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

index!(
    /// Index of a [`Function`] in [`Module::functions`].
    FunctionId, "fn"
);
index!(
    /// Index of a [`Class`] in [`Module::classes`].
    ClassId, "class"
);
index!(
    /// Index of a local variable or temporary in [`Function::locals`].
    Local, "%"
);
index!(
    /// Index of a [`Block`] in [`Function::blocks`]. Block 0 is the entry.
    BlockId, "b"
);
index!(
    /// Index of an [`Op`] in [`Function::ops`].
    OpId, "op"
);
index!(
    /// Index of a statement in [`Function::statements`].
    Stmt, "s"
);

impl OpId {
    /// Before the first op: where a decorator takes a lock.
    pub const ENTRY: OpId = OpId(u32::MAX);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Python,
    Rust,
}

/// One lowered file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Module {
    pub language: Language,
    pub imports: Vec<Import>,
    pub classes: Vec<Class>,
    pub functions: Vec<Function>,
    pub globals: Vec<Global>,
    /// Rust `impl` blocks. Python methods are listed by their class.
    pub impls: Vec<Impl>,
    /// Rust `type A = B`, Python `type A = B` and `A: TypeAlias = B`.
    pub aliases: Vec<TypeAlias>,
    /// Rust `mod name;`: submodules in other files.
    pub submodules: Vec<Submodule>,
    /// The function (of kind [`FunctionKind::ModuleBody`]) that runs when the module is loaded: Python's top-level
    /// statements; in Rust the initialisers of statics and consts, each a store to its [`Base::Global`].
    pub body: FunctionId,
    /// Comments that direct the tool, in order.
    pub directives: Vec<Directive>,
    /// Pieces that could not be lowered, with the reason; everything else is there.
    pub lost: Vec<Lost>,
}

impl Module {
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }

    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.index()]
    }

    /// Gives back the room that its lists grew into: it is kept as it is now for the whole run.
    pub fn settle(&mut self) {
        exact(&mut self.imports);
        exact(&mut self.classes);
        exact(&mut self.functions);
        exact(&mut self.globals);
        exact(&mut self.impls);
        for class in &mut self.classes {
            exact(&mut class.fields);
            exact(&mut class.methods);
        }
    }
}

/// A piece of a file that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub range: Range,
    pub reason: String,
}

/// A file that could not be lowered at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where the parser gave up, if it said so.
    pub range: Option<Range>,
    pub message: String,
}

/// One name brought into scope: `from a.b import c as d` is `{ path: "a.b", item: Some("c"), binds: "d" }`; `import a.b`
/// is `{ path: "a.b", item: None, binds: "a" }` and `import a.b as m` binds `m` to `a.b`.
///
/// Rust: `use a::b::{c as d}` is `{ path: "a::b::c", item: None, binds: "d" }`; `self` and `super` are kept in the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The module path as written, without leading dots.
    pub path: Name,
    /// Python `from … import item`.
    pub item: Option<Name>,
    /// Leading dots of a relative Python import.
    pub level: u32,
    pub binds: Name,
    /// `import a.b` (no alias) binds only `a`, the root package.
    pub binds_root: bool,
    /// `from m import *`, `use m::*`; `binds` is `*`.
    pub glob: bool,
    /// Rust `pub use`.
    pub public: bool,
    /// Rust: the inline module the `use` stands in (`""` for the file's own, else `a::b`).
    /// Python: `""`; a function's own imports carry the function.
    pub scope: Name,
    pub function: Option<FunctionId>,
    pub range: Range,
}

/// `mod name;` in Rust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submodule {
    pub name: Name,
    pub scope: Name,
    /// The value of `#[path = "…"]`.
    pub path: Option<String>,
    /// Under `#[cfg(test)]`.
    pub is_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassKind {
    /// A Python class.
    Class,
    Struct,
    Enum,
    Union,
    Trait,
}

/// A Python class, or a Rust struct, enum, union or trait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Class {
    pub name: Name,
    /// Rust: enclosing inline modules (`a::b`, `""` at the top). Python: the enclosing classes and functions (`Outer`,
    /// `make.<locals>`).
    pub scope: Name,
    pub kind: ClassKind,
    /// Base classes, or supertraits.
    pub bases: Vec<TypeRef>,
    /// Rust generic parameters and PEP 695 type parameters, with their bounds.
    pub generics: Vec<Generic>,
    /// Declared fields: Rust fields (a variant's as `Variant.name`/`Variant.0`), annotated Python class attributes.
    /// Python fields made by assignment are found from the stores.
    pub fields: Vec<Field>,
    /// Python methods in source order, or a trait's provided methods.
    pub methods: Vec<FunctionId>,
    /// The class's own statements ([`FunctionKind::ClassBody`]); none for Rust.
    pub body: Option<FunctionId>,
    pub attributes: Vec<Attribute>,
    pub told: Told,
    pub is_test: bool,
    pub range: Range,
    pub name_range: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generic {
    pub name: Name,
    pub bounds: Vec<TypeRef>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    pub name: Name,
    pub ty: Option<TypeRef>,
    pub attributes: Vec<Attribute>,
    pub range: Range,
}

/// A Rust `impl` block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Impl {
    pub self_ty: TypeRef,
    /// `impl Trait for …`; the trait's path as written, without generics.
    pub trait_: Option<Name>,
    pub is_unsafe: bool,
    pub is_negative: bool,
    pub generics: Vec<Generic>,
    pub methods: Vec<FunctionId>,
    /// Associated types: `type Target = X;`.
    pub types: Vec<TypeAlias>,
    pub scope: Name,
    pub attributes: Vec<Attribute>,
    pub is_test: bool,
    pub range: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeAlias {
    pub name: Name,
    pub scope: Name,
    pub generics: Vec<Generic>,
    pub ty: TypeRef,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GlobalKind {
    /// A Python module variable (every name the module's body or a `global` statement binds, but not imports, classes
    /// and functions).
    Variable,
    Static,
    Const,
    /// `thread_local!`
    ThreadLocal,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Global {
    pub name: Name,
    pub scope: Name,
    pub kind: GlobalKind,
    /// `static mut`.
    pub mutable: bool,
    pub ty: Option<TypeRef>,
    pub attributes: Vec<Attribute>,
    pub is_test: bool,
    pub range: Range,
}

/// A decorator, or a Rust attribute: `@app.route("/x")`, `#[tokio::main]`, `#[cfg(test)]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The dotted or `::` path, without arguments.
    pub path: Name,
    /// Arguments as source text, `None` where there is no argument list.
    pub arguments: Option<Vec<AttributeArgument>>,
    pub range: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeArgument {
    pub name: Option<Name>,
    pub text: Name,
}

/// A type as the source spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum TypeRef {
    /// `Arc<Mutex<T>>`, `dict[str, int]`: the path as written, and the type arguments. Lifetimes and consts are left out.
    Path {
        path: Name,
        arguments: Vec<TypeRef>,
    },
    /// `&T`, `&mut T`, `*const T`, `*mut T`.
    Reference {
        mutable: bool,
        target: Box<TypeRef>,
    },
    Tuple(Vec<TypeRef>),
    /// `[T; N]`, `[T]`.
    Array(Box<TypeRef>),
    /// Python `A | B`, `Union[A, B]`, `Optional[A]` (with `None`).
    Union(Vec<TypeRef>),
    /// `dyn A + B`, `impl A + B`.
    Trait {
        bounds: Vec<TypeRef>,
        dynamic: bool,
    },
    /// `fn(A) -> B`, `Fn(A) -> B`, `Callable[[A], B]`.
    Function {
        parameters: Vec<TypeRef>,
        returns: Option<Box<TypeRef>>,
    },
    /// Python's `None`.
    None,
    /// `_`, `!`, macros, and what else says nothing.
    Unknown,
}
