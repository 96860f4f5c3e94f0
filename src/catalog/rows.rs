//! The rows of the tables: what there is to say of a library's types and functions.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::ir::{Language, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// One holder.
    Mutex,
    /// Several readers or one writer.
    RwLock,
    /// Holds a mutex of its own (or the one it is given) and can wait.
    Condition,
    /// Counts; is a mutual exclusion only with the count 1, and taken twice by one thread legally.
    Semaphore,
    /// `RefCell`: a second borrow panics.
    Cell,
    /// A map or collection whose accessors return guard values (`DashMap`).
    Sharded,
}

/// What a lock keeps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    #[default]
    Thread,
    /// Tasks of an event loop.
    Async,
    Process,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    Shared,
    Upgradable,
    #[default]
    Exclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Takes the lock; waits for it.
    Acquire,
    /// Takes the lock if it is free (or within a time): the result tells.
    TryAcquire,
    Release,
    /// Gives the lock up, waits for a notify, takes it again.
    Wait,
    Notify,
    /// Reaches the data without taking the lock (`get_mut`, `into_inner`).
    Bypass,
    /// Asks whether the lock is held (`locked()`).
    Query,
}

/// A method of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockMethod {
    #[schemars(with = "String")]
    pub name: Name,
    pub effect: Effect,
    #[serde(default)]
    pub mode: Mode,
    /// Never deadlocks with another shared holder of the same thread (`read_recursive`).
    #[serde(default)]
    pub recursive: bool,
    /// Waits until a predicate holds that it is given (`wait_for`, `wait_while`).
    #[serde(default)]
    pub predicate: bool,
    /// Gives the lock up before it returns: there is no guard value (`DashMap::insert`, `RefCell::take`).
    #[serde(default)]
    pub momentary: bool,
}

/// A lock type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    /// Of rows of a project: the language, where the path does not tell (`::` is Rust's).
    #[serde(default)]
    pub language: Option<Language>,
    /// The type's (and, in Python, the constructor's) path.
    #[schemars(with = "String")]
    pub path: Name,
    /// Other paths of the same type or other functions that make one.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub aliases: Vec<Name>,
    pub kind: LockKind,
    #[serde(default)]
    pub reentrant: bool,
    #[serde(default)]
    pub scope: Scope,
    /// The data lives inside, and is reached through guard values (Rust).
    #[serde(default)]
    pub guards_data: bool,
    /// Is the lock given as the first argument (`Condition(lock)`), when one is given.
    #[serde(default)]
    pub wraps_argument: bool,
    /// `with lock:` takes it.
    #[serde(default)]
    pub context_manager: bool,
    #[serde(default)]
    pub methods: Vec<LockMethod>,
    /// Paths of the guard types its methods return. A lock without any is held until a method releases it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub guards: Vec<Name>,
    /// Objects made for the same name are one lock: a lock file, a lock of the operating system.
    #[serde(default)]
    pub named: bool,
    /// Wraps another lock type (a fair or traced mutex): informative text for messages, e.g. "std's Mutex".
    #[serde(default)]
    pub note: Option<String>,
}

/// What starts concurrent code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Concurrency {
    /// The function runs on a thread of its own, once for each call.
    Thread,
    /// On a pool; several at once.
    Pool,
    /// As a task of an event loop.
    Task,
    /// In another process: shares no memory.
    Process,
    /// Called back by a library, on whichever thread.
    Callback,
    /// In the middle of other code, on the thread of that: a signal handler, a finaliser.
    Interrupt,
}

/// A function or constructor that runs one of its arguments concurrently: `threading.Thread(target=f)`,
/// `executor.submit(f)`, `std::thread::spawn(f)`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spawn {
    /// Of rows of a project: the language, where the path does not tell (`::` is Rust's).
    #[serde(default)]
    pub language: Option<Language>,
    /// A function's or constructor's path; for a method the type's path and the method: `concurrent.futures.Executor.submit`.
    #[schemars(with = "String")]
    pub path: Name,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub aliases: Vec<Name>,
    pub runs: Concurrency,
    /// Position of the argument that runs, from 0, the receiver not counted.
    #[serde(default)]
    pub argument: Option<u32>,
    /// Every argument from that position on runs (`asyncio.gather`, `rayon::join`).
    #[serde(default)]
    pub variadic: bool,
    /// Its keyword.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub keyword: Option<Name>,
    /// A base class whose method runs (`threading.Thread` subclass: `run`).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub method: Option<Name>,
    /// The call returns only when what it started has ended (`crossbeam::scope`, `rayon::join`).
    #[serde(default)]
    pub joins: bool,
    /// Methods of these names mean this, whatever they are called on, where they are given a function of the program.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub named: Vec<Name>,
}

/// A decorator or base class by which a framework calls the function concurrently: `@app.route`, `BaseHTTPRequestHandler`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Handler {
    /// A decorator's path, a base class's path.
    pub path: Name,
    /// For base classes: methods matched by these names or prefixes (`do_*`; `*` is every public one).
    #[serde(default)]
    pub methods: Vec<Name>,
    /// Matches `@anything.NAME` decorators of objects whose module imports this package (`flask`).
    #[serde(default)]
    pub package: Option<Name>,
    /// Matches, in modules that import `package`, base classes whose name ends so: generated code has no fixed path
    /// (`GreeterServicer`).
    #[serde(default)]
    pub suffix: Option<Name>,
    pub runs: Concurrency,
}

/// A call that can wait for long or for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Blocking {
    /// Of rows of a project: the language, where the path does not tell (`::` is Rust's).
    #[serde(default)]
    pub language: Option<Language>,
    #[schemars(with = "String")]
    pub path: Name,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub aliases: Vec<Name>,
    pub kind: BlockingKind,
}

/// What a call waits for, the longest waits first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockingKind {
    /// The end of another thread.
    Join,
    /// A future, an event, a barrier.
    Wait,
    /// An item of a queue, or room for one.
    Queue,
    /// A message of a channel, or room for one.
    Channel,
    Sleep,
    Network,
    Subprocess,
    File,
}

/// A type that holds items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Container {
    /// Of rows of a project: the language, where the path does not tell (`::` is Rust's).
    #[serde(default)]
    pub language: Option<Language>,
    #[schemars(with = "String")]
    pub path: Name,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub aliases: Vec<Name>,
    /// Methods that change the container. Each is one atomic operation under CPython's GIL unless in `compound`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub mutating: Vec<Name>,
    /// Methods that read it and return a copy, a number or an item.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub reading: Vec<Name>,
    /// Methods whose result still refers to the container (`keys`, `items`, `iter`).
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub views: Vec<Name>,
    /// Every method is safe to call from several threads (`queue.Queue`).
    #[serde(default)]
    pub thread_safe: bool,
}

/// A type that hands on to the type inside it: `Arc<T>`, `Box<T>`, `Weak<T>`, `LazyLock<T>`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wrapper {
    pub path: Name,
    #[serde(default)]
    pub aliases: Vec<Name>,
    /// Which type argument is inside, from 0.
    #[serde(default)]
    pub argument: u32,
    /// Clones refer to the same value (`Arc`, `Rc`).
    #[serde(default)]
    pub shares: bool,
    /// Reached by several threads by its nature (`Arc`), or never (`Rc`).
    #[serde(default)]
    pub crosses_threads: Option<bool>,
    /// Constructors that take the inner value as first argument (`new`, `from`).
    #[serde(default)]
    pub constructors: Vec<Name>,
    /// Methods that give the inner value or a reference to it (`get`, `as_ref`, `upgrade`, `get_or_init`).
    #[serde(default)]
    pub accessors: Vec<Name>,
}

/// An atomic type and what its methods do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Atomic {
    pub path: Name,
    #[serde(default)]
    pub aliases: Vec<Name>,
    pub load: Vec<Name>,
    pub store: Vec<Name>,
    /// Read-modify-write in one step (`fetch_add`, `swap`).
    pub update: Vec<Name>,
    /// Compare-exchange and `fetch_update`.
    pub compare_exchange: Vec<Name>,
}

/// A value each thread or task has its own of: `threading.local`, `ContextVar`, `thread_local!`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Confined {
    pub path: Name,
    #[serde(default)]
    pub aliases: Vec<Name>,
}

/// What a function returns, where source alone cannot tell: `queue.Queue` from `multiprocessing.Manager().Queue()`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Returns {
    pub path: Name,
    pub ty: Name,
}

/// Method and function names that mean the same whatever their receiver: how guard values pass through calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Passing {
    /// Methods that take a `Result`/`Option`/`PoisonError` of a guard value and give the guard value (`unwrap`).
    pub unwrapping: Vec<Name>,
    /// Functions and methods that make a guard value of another (`MutexGuard::map`, `upgrade`).
    pub mapping: Vec<Name>,
    /// Functions that end their argument's life (`drop`, `std::mem::drop`).
    pub dropping: Vec<Name>,
    /// Functions that forget it (`std::mem::forget`).
    pub forgetting: Vec<Name>,
    /// Calls that copy their argument (`dict`, `copy.deepcopy`, `list`, `to_vec`).
    pub copying: Vec<Name>,
    /// Methods that run a closure argument at once, before they return (`map`, `for_each`, `and_then`).
    pub running: Vec<Name>,
    /// Methods that enter their argument as a context manager, and leave it when the receiver is left
    /// (`ExitStack.enter_context`).
    pub entering: Vec<Name>,
    /// Decorators that make a context manager of a generator function (`contextlib.contextmanager`).
    pub managers: Vec<Name>,
    /// Context managers that `async with` enters without waiting for anything (`asyncio.timeout`).
    pub immediate: Vec<Name>,
    /// Functions whose result, or an attribute of it, tells the thread or task that calls from all others
    /// (`threading.get_ident`).
    pub identifying: Vec<Name>,
}

/// What takes, needs and gives up the lock of Python's interpreter, in code that uses PyO3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Interpreter {
    /// Attributes of functions and `impl`s that Python calls.
    pub entries: Vec<Name>,
    /// Types that only those have who have the lock.
    pub tokens: Vec<Name>,
    /// Functions that take the lock and run a closure with it, by the last two segments of their paths.
    pub attaching: Vec<Name>,
    /// Methods that run a closure without it.
    pub detaching: Vec<Name>,
    /// Methods that take another lock, and give this one up while they wait.
    pub waiting: Vec<Name>,
}

/// The tables of one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Tables {
    pub lock: Vec<Lock>,
    pub spawn: Vec<Spawn>,
    pub handler: Vec<Handler>,
    pub blocking: Vec<Blocking>,
    pub container: Vec<Container>,
    pub wrapper: Vec<Wrapper>,
    pub atomic: Vec<Atomic>,
    pub confined: Vec<Confined>,
    pub returns: Vec<Returns>,
    pub passing: Passing,
    pub interpreter: Interpreter,
}
