//! Locksets: which locks are held, surely or possibly, before every operation.
//!
//! A forward dataflow over the control-flow graph (worklist to a fixed point). The state is the set of acquisitions in
//! force; each knows its lock, its mode, and what keeps it: a guard value in a local (Rust), a context manager, or
//! nothing but a later `release`. Joins unite; an acquisition that only one side has is *maybe* held. Branches on the
//! result of a try-lock split the two outcomes.
//!
//! In: the function, the paths of its locals, its callees' summaries. Out: [`Locksets`].

mod calls;
mod flow;
mod futures;
mod implied;
mod locks;
mod state;
mod wrapped;

use std::ops::Deref;
use std::sync::LazyLock;

pub use self::calls::rebase;
use smallvec::SmallVec;

pub use self::flow::slot;
use self::flow::{Flow, takes_locks};
pub use self::wrapped::may_fail;
use super::path::{Key, Owner, Path, Root};
use super::summary::{Called, Summaries};
use super::values::Values;
use crate::catalog::{LockKind, Mode, Scope};
use crate::ir::{BlockId, Local, Name, OpId};
use crate::program::{Cls, Fun, Program};

/// In place of the variable through which one item of a collection is reached: every item of it.
pub const EVERY: Local = Local(u32::MAX);

/// A lock as one function sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockRef {
    pub key: Key,
    /// Which instance; none where the way to it is not known.
    pub path: Option<Path>,
    /// Where the path leads through an item: the variable that has the item, or its index. Two paths through one variable
    /// lead to one object.
    pub through: Option<Local>,
    pub kind: LockKind,
    pub reentrant: bool,
    pub scope: Scope,
    /// The class of what it guards, for locks that hold it.
    pub guards: Option<Cls>,
    /// Nothing says it is a lock but its use in `with` and its name: keeps findings away, makes none.
    pub opaque: bool,
}

impl LockRef {
    /// Python's own lock: whoever has it takes it again without waiting.
    pub fn interpreter() -> LockRef {
        let key = Key { owner: Owner::Interpreter, item: false, data: false };
        let path = Some(Path::new(Root::Interpreter));
        LockRef { key, path, through: None, kind: LockKind::Mutex, reentrant: true, scope: Scope::Thread, guards: None, opaque: false }
    }

    /// Whether both are surely one lock object.
    pub fn is_same(&self, other: &LockRef) -> bool {
        let is_every = || self.through == Some(EVERY) || other.through == Some(EVERY);
        let is_definite =
            || self.path.as_ref().is_some_and(Path::is_definite) || self.through.is_some() && self.through == other.through || is_every();
        self.key == other.key && self.path.is_some() && self.path == other.path && is_definite()
    }

    /// Whether this kind of lock keeps others out.
    pub fn excludes(&self) -> bool {
        matches!(self.kind, LockKind::Mutex | LockKind::RwLock | LockKind::Condition)
    }
}

/// What keeps an acquisition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBy {
    /// The guard value in a local; with a name, in that item of a tuple (`0`) or field of a struct.
    Value(Local, Option<Name>),
    /// The context manager.
    Manager(Local),
    /// Until it is released.
    Release,
    /// A decorator around the function.
    Decorator,
}

/// An acquisition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Index into [`Found::locks`].
    pub lock: u32,
    /// The op that took it, or the call inside which it was taken.
    pub at: OpId,
    pub by: HeldBy,
    pub mode: Mode,
    /// Held on every path to here.
    pub sure: bool,
    /// The result that tells whether the lock was got.
    tried: Option<Local>,
}

/// A lock taken at an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquisition {
    pub op: OpId,
    pub lock: u32,
    pub mode: Mode,
    /// Does not wait.
    pub tries: bool,
    /// Shared holders of one thread never wait for each other.
    pub recursive: bool,
    /// Taken inside the function called here: the callee, and the index into its summary's takes.
    pub via: Option<(Fun, u32)>,
}

/// A lock taken by a callback while the function that runs the callback holds another, or the same.
#[derive(Clone, Debug)]
pub struct Reentry {
    /// The call that gives the callback away; what is taken, and how.
    pub taken: Acquisition,
    pub held: LockRef,
    pub held_mode: Mode,
    /// Where the callback is run.
    pub inside: (Fun, OpId),
}

/// A way out of a function: what is held there, and the value returned.
#[derive(Debug)]
pub struct Return {
    pub block: BlockId,
    pub held: Vec<Held>,
    pub value: Option<Local>,
}

/// The result for one function.
#[derive(Debug)]
pub struct Locksets {
    /// None for most functions: they have nothing to do with locks.
    found: Option<Box<Found>>,
}

/// What was found in a function that takes locks.
#[derive(Debug, Default)]
pub struct Found {
    pub locks: Vec<LockRef>,
    pub acquisitions: Vec<Acquisition>,
    /// By the futures that the function returns, when those are awaited.
    pub deferred: Vec<Acquisition>,
    /// The state before each op, as an index into `states`.
    before: Vec<u32>,
    states: Vec<Vec<Held>>,
    /// Callbacks called or passed on here.
    pub calls: Vec<Called>,
    /// Locks that a callback given away here takes under a lock that the function it is given to holds around it.
    pub reentries: Vec<Reentry>,
    /// Locks released here without having been taken here.
    pub releases: Vec<u32>,
    /// Every op that releases a lock, itself or in what it calls, and the lock.
    pub released: Vec<(OpId, u32)>,
    /// The ways out without an exception.
    pub at_return: Vec<Return>,
    /// The state at each `yield`.
    pub at_yield: Vec<Vec<Held>>,
}

impl Locksets {
    /// Whether the function takes or gives up a lock, calls a method of one, or calls what does.
    pub fn concerns_locks(&self) -> bool {
        self.found.is_some()
    }
}

impl Deref for Locksets {
    type Target = Found;

    fn deref(&self) -> &Found {
        static NOTHING: LazyLock<Found> = LazyLock::new(Found::default);
        self.found.as_deref().unwrap_or_else(|| &NOTHING)
    }
}

impl Found {
    /// What is held before `op`.
    pub fn before(&self, op: OpId) -> &[Held] {
        self.before.get(op.0 as usize).map_or(&[], |it| &self.states[*it as usize])
    }

    /// The same without Python's own lock, which is given up in many calls, and which newer builds do without: it guards
    /// nothing in Rust.
    pub fn guards(&self, op: OpId) -> SmallVec<[Held; 4]> {
        self.before(op).iter().filter(|it| self.lock(it).key.owner != Owner::Interpreter).copied().collect()
    }

    /// Whether an acquisition in force at the one op still is at the other.
    pub fn is_held_across(&self, one: OpId, other: OpId) -> bool {
        let before = self.before(one);
        self.before(other).iter().any(|it| before.iter().any(|held| held.at == it.at))
    }

    /// Whether any op runs under the lock.
    pub fn is_held_somewhere(&self, lock: u32) -> bool {
        self.states.iter().flatten().any(|it| it.lock == lock)
    }

    pub fn lock(&self, held: &Held) -> &LockRef {
        &self.locks[held.lock as usize]
    }

    /// Whether the lock is surely held, known for a lock, and of a kind that keeps others out.
    pub fn keeps_out(&self, held: &Held) -> bool {
        let lock = self.lock(held);
        held.sure && !lock.opaque && lock.excludes()
    }
}

/// Runs the dataflow for `values.function`.
pub fn locksets(program: &Program<'_>, values: &Values, summaries: &Summaries) -> Locksets {
    let ir = program.function(values.function);
    let mut found = None;
    if takes_locks(program, values, summaries) {
        let mut flow = Flow::new(program, values, summaries);
        let entry = flow.fixpoint();
        flow.record(&entry, ir.ops.len());
        found = Some(Box::new(flow.result));
    }
    Locksets { found }
}
