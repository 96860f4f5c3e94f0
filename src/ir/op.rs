//! What a function does: blocks of ops over places, and where control goes from each.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::{BlockId, ClassId, FunctionId, Item, List, Lists, Local, Name, OpId, Range, Stmt};

/// What is done without a jump between.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Its first op; if it has none, that of the next block that has.
    pub first: OpId,
    /// How many it has.
    pub count: u32,
    pub terminator: Terminator,
    /// Range of what decides the terminator (a condition, a `return`).
    pub terminator_range: Range,
    /// Where an exception raised by any op of this block goes, when the function handles or observes it.
    pub unwind: Option<BlockId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Terminator {
    Goto(BlockId),
    /// `then` when `condition` is true.
    Branch {
        condition: Local,
        then: BlockId,
        otherwise: BlockId,
    },
    /// Pattern tests, in order. An arm's `variant` is the last segment of the pattern's path (`Ok`, `Some`, `None`,
    /// `Point`; literals as text) or none when the pattern says nothing of the kind (bindings, wildcards, guards, the
    /// exhausted case). Arms may go to one block.
    Switch {
        on: Local,
        arms: ThinVec<Arm>,
    },
    Return(Option<Local>),
    /// `raise`, `panic!`, the end of an unwinding path: leaves by exception, to [`Block::unwind`] if there is one.
    Raise,
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    pub variant: Option<Name>,
    pub target: BlockId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    pub kind: OpKind,
    at: At,
}

impl Op {
    pub fn new(kind: OpKind, range: Range, stmt: Stmt) -> Op {
        Op { kind, at: At::new(range, stmt) }
    }

    /// The source that made this op, inside the range of its statement's construct; of more than a megabyte the beginning.
    pub fn range(&self) -> Range {
        self.at.range()
    }

    /// The statement it belongs to; none of the function's where those are more than a million.
    pub fn stmt(&self) -> Stmt {
        self.at.stmt()
    }
}

/// Where an op stands, in as many bits as files of ten megabytes need: an op in three more bytes would take eight more.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct At(u64);

const START_BITS: u32 = 24;
const LENGTH_BITS: u32 = 20;
const STMT_BITS: u32 = 20;
const _: () = assert!(START_BITS + LENGTH_BITS + STMT_BITS == u64::BITS);

impl At {
    fn new(range: Range, stmt: Stmt) -> At {
        let within = |number: u32, bits: u32| u64::from(number).min((1 << bits) - 1);
        let length = range.end.saturating_sub(range.start);
        At(within(range.start, START_BITS) << (LENGTH_BITS + STMT_BITS) | within(length, LENGTH_BITS) << STMT_BITS | within(stmt.0, STMT_BITS))
    }

    fn range(self) -> Range {
        let start = (self.0 >> (LENGTH_BITS + STMT_BITS)) as u32;
        let length = (self.0 >> STMT_BITS) as u32 & ((1 << LENGTH_BITS) - 1);
        Range { start, end: start + length }
    }

    fn stmt(self) -> Stmt {
        match self.0 as u32 & ((1 << STMT_BITS) - 1) {
            number if number == (1 << STMT_BITS) - 1 => Stmt(u32::MAX),
            number => Stmt(number),
        }
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.range(), self.stmt())
    }
}

/// A base and the way from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    pub base: Base,
    pub projections: List<Projection>,
}

static PROJECTIONS: LazyLock<Lists<Projection>> = LazyLock::new(Lists::default);

impl Item for Projection {
    fn lists() -> &'static Lists<Projection> {
        &PROJECTIONS
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Base {
    /// A parameter, variable, temporary or captured variable.
    Local(Local),
    /// A name that no enclosing function binds: a module variable, import, class, function or builtin. In Rust the
    /// whole path (`crate::metrics::TOTAL`, `Self::LIMIT`), without generic arguments; the program resolves it.
    Global(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Projection {
    /// `.name`, `.0`.
    Field(Name),
    /// `["hits"]`, `[0]`.
    Key(Const),
    /// `[i]`, `[a:b]`: an item that is only known at run time, and the local that holds its index.
    Index(Local),
    /// `*p`.
    Deref,
    /// The payload of a Rust pattern: `Ok(g)` is `.<Ok>` then field `0`; `?` reads `<?>`; a Python class pattern likewise.
    Variant(Name),
}

/// A literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Const {
    /// Python `None`, Rust `()`.
    None,
    Bool(bool),
    Int(i64),
    /// A float, or an integer beyond 64 bits, as written.
    Number(Name),
    Str(Name),
    /// Bytes, characters, `...`, and literals over 256 bytes.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LoadKind {
    /// A value use. In Rust a copy or a move: only the type tells.
    Value,
    /// Rust `&p`.
    Borrow,
    /// Rust `&mut p`.
    BorrowMut,
    /// A pattern binding that moves or copies out of `p` (Rust `Ok(g) =>`).
    Bind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StoreKind {
    /// `p = v`.
    Assign,
    /// `p += v` and kin.
    Update,
    /// The first value of a declared variable: `let x = v`, a pattern binding, a static's initialiser.
    Init,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `+ - * / // % ** @ << >> & | ^`, unary `- + ~`.
    Arithmetic,
    /// `== !=`.
    Compare,
    /// `< > <= >=`.
    Order,
    /// `is`; operands are the two sides.
    Is,
    IsNot,
    /// `k in d`: operands `k`, `d`.
    In,
    NotIn,
    Not,
    /// An f-string, or a `format!`-like macro's text: the operands are what it prints.
    Format,
    /// `as T`, a cast.
    Cast,
    /// `a:b:c`, `a..b`.
    Slice,
    /// Anything else that computes a value from its operands alone.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AggregateKind {
    Tuple,
    List,
    Set,
    /// Keys and values alternate in the operands.
    Dict,
    /// A Rust struct or variant literal, of this path; field names are in [`OpKind::Aggregate`].
    Struct(Name),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Callee {
    /// `receiver.name(…)`. The receiver is not loaded first.
    Method { receiver: Place, name: Name },
    /// `name(…)`, `a::b::name(…)`: a name that no local binds. Python's `a.b.c()` is a method call on the place `a.b`.
    Path(Name),
    /// A call of a computed value: a local variable, a closure, what another call returned.
    Value(Local),
    /// A Rust macro that is not read as the expressions it holds.
    Macro(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ArgumentKind {
    Positional,
    Keyword(Name),
    /// `*args`.
    Spread,
    /// `**kwargs`.
    SpreadKeywords,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    pub kind: ArgumentKind,
    pub value: Local,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OpKind {
    /// A literal.
    Const {
        dest: Local,
        value: Const,
    },
    /// Reads a place.
    Load {
        dest: Local,
        place: Place,
        kind: LoadKind,
    },
    /// Writes a place.
    Store {
        place: Place,
        value: Local,
        kind: StoreKind,
    },
    /// `del p`.
    Delete {
        place: Place,
    },
    /// A value computed from others, without a call that user code could see (operators are this, too).
    Compute {
        dest: Local,
        operation: Operation,
        operands: SmallVec<[Local; 2]>,
    },
    /// Builds a tuple, list, dict or struct.
    Aggregate {
        dest: Local,
        kind: AggregateKind,
        fields: ThinVec<Name>,
        operands: ThinVec<Local>,
    },
    Call {
        dest: Local,
        callee: Callee,
        arguments: ThinVec<Argument>,
    },
    /// Enters a Python context manager; `dest` is what `as` binds.
    Enter {
        dest: Local,
        manager: Local,
        is_async: bool,
    },
    /// Leaves it, on the normal or (`unwinding`) on the exceptional path.
    Exit {
        manager: Local,
        is_async: bool,
        unwinding: bool,
    },
    /// A Rust local or temporary goes out of scope.
    Drop {
        local: Local,
    },
    /// `await v`, `v.await`; an `async for`'s and `async with`'s own awaits are part of their ops.
    Await {
        dest: Local,
        value: Local,
    },
    /// `yield v`, `yield from v`.
    Yield {
        dest: Local,
        value: Option<Local>,
        from: bool,
    },
    /// Starts an iteration over `value` (`for`, comprehensions).
    Iterate {
        dest: Local,
        value: Local,
        is_async: bool,
    },
    /// The next item; followed by a `Switch` with the arms `Some` (an item) and `None` (exhausted).
    Next {
        dest: Local,
        iterator: Local,
    },
    /// A closure, lambda, nested function, async block or generator expression comes into being.
    Closure {
        dest: Local,
        function: FunctionId,
    },
    /// A nested Python class comes into being.
    ClassObject {
        dest: Local,
        class: ClassId,
    },
    /// The exception caught by the handler that starts here (the value of `except … as e`); `types` are the classes named.
    Catch {
        dest: Local,
        types: ThinVec<Name>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn where_an_op_stands_is_told() {
        let told = |start, end, stmt| {
            let at = At::new(Range { start, end }, Stmt(stmt));
            (at.range().start, at.range().end, at.stmt().0)
        };
        assert_eq!(told(0, 0, 0), (0, 0, 0));
        assert_eq!(told(9_999_999, 10_000_000, 999_999), (9_999_999, 10_000_000, 999_999));
        // The beginning of what is longer, and no statement behind the millionth.
        assert_eq!(told(7, 9_000_000, 5_000_000), (7, 7 + (1 << 20) - 1, u32::MAX));
    }

    /// There are millions of these.
    #[test]
    fn what_there_is_most_of_is_small() {
        assert_eq!(size_of::<Op>(), 40);
        assert_eq!(size_of::<Block>(), 40);
    }
}
