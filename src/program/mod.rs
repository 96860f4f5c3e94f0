//! All modules of a run, linked: names, types, calls, threads.
//!
//! In: the lowered modules. Out: a [`Program`] (`link`) that answers what a name means (`names`), what a class has
//! (`classes`), what type a value has (`types`, `infer`), what a call runs ([`Target`]) and what runs concurrently
//! (`threads`). It knows the catalogue, and nothing of locksets.

mod claims;
mod classes;
mod decorators;
mod dense;
mod found;
mod implied;
mod infer;
mod interpreter;
mod link;
mod memo;
mod names;
mod nearby;
mod own;
mod paths;
mod setting;
mod threads;
mod types;

use std::borrow::Cow;
use std::sync::LazyLock;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

pub use self::claims::{Claims, Confined, Guarded, Place, Said, Threaded, Unresolved};
pub use self::dense::{FunLists, FunMap, FunSet};
pub use self::found::FunctionTypes;
pub use self::implied::Implied;
pub use self::infer::bindings;
pub use self::interpreter::Attachment;
use self::link::Roles;
pub use self::link::link;
pub use self::names::Definition;
pub use self::paths::ModulePath;
pub use self::setting::{DeclaredOrder, Runtime, Setting};
pub use self::threads::{Concurrent, Threads, spawn_row, spawned_arguments};
pub use self::types::{Ty, is_collection};
use crate::catalog::{Catalog, Catalogs, Lock};
use crate::finding::{FileId, Location};
use crate::ir::{
    Argument, Callee, Class, Function, FunctionId, FunctionKind, Language, Local, Module, Name, Nested, OpKind, Owner, Projection, Range,
};
use crate::source::Files;

/// Index of a module in [`Program::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mod(pub u32);

/// Index of a function of the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fun(pub u32);

/// Index of a class of the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cls(pub u32);

/// A module and where it is linked.
#[derive(Debug)]
pub struct Linked {
    pub file: FileId,
    pub ir: Module,
    pub path: ModulePath,
    /// The file's head says that a tool writes it.
    generated: bool,
    /// Rust that has to do with Python's interpreter.
    uses_interpreter: bool,
    first_function: u32,
    first_class: u32,
}

/// What a call runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A function of the program. For a method the receiver is its parameter 0.
    Function {
        function: Fun,
        receiver: Receiver,
    },
    /// Makes an object of a class of the program; runs its initialiser, if that is in the program.
    Construct {
        class: Cls,
        init: Option<Fun>,
    },
    /// A closure or nested function defined in the calling function (or one around it).
    Closure(Fun),
    /// A function of a library, by its full path (`threading.Thread`, `std::mem::drop`).
    External(Name),
    /// A method of a library type: the type's path and the method's name.
    Method {
        ty: Name,
        name: Name,
    },
    Unknown,
}

/// Where a called function's parameter 0 comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// There is none: parameter `i` is argument `i`.
    None,
    /// The receiver of the method call.
    Place,
    /// The same, but its type is not known: the method is the only one of its name.
    ByName,
    /// `super().method()`, `Base.method(self)`-like: the caller's own parameter 0.
    Caller,
    /// A class method called on the class.
    Class,
}

/// A call, or a read that runs a property's getter.
#[derive(Clone, Debug)]
pub struct Invocation<'o> {
    pub dest: Local,
    pub target: &'o Target,
    pub callee: Cow<'o, Callee>,
    pub arguments: &'o [Argument],
}

/// The linked program.
#[derive(Debug)]
pub struct Program<'a> {
    pub files: &'a Files,
    /// What is known of libraries.
    pub catalogs: Catalogs,
    /// What runs the Python code, where that is said.
    pub runtime: Option<Runtime>,
    pub modules: Vec<Linked>,
    /// Owner of each function, by [`Fun`].
    functions: Vec<(Mod, FunctionId)>,
    classes: Vec<(Mod, crate::ir::ClassId)>,
    names: names::Names,
    /// Resolved base classes, traits included, by [`Cls`].
    bases: Vec<Vec<Cls>>,
    /// Library bases (`threading.Thread`), by [`Cls`].
    external_bases: Vec<Vec<Name>>,
    /// Each class and its bases, once all are known.
    ancestries: Vec<Box<[Cls]>>,
    methods: FxHashMap<(Cls, Name), Fun>,
    /// The names of all methods.
    method_names: FxHashSet<Name>,
    /// Methods that the program gives to library types by traits of its own (`impl LockExt for RwLock<T>`), by the type's
    /// path, and each one's `Self`.
    foreign_methods: FxHashMap<(Name, Name), Fun>,
    foreign_self: FxHashMap<Fun, Ty>,
    /// What classes run by no call; none where they have several.
    implied: FxHashMap<(Cls, implied::Kind), Option<Fun>>,
    /// What functions do with their locals, of those that were asked about.
    ownerships: memo::Memo<Fun, std::sync::Arc<implied::Ownership>>,
    /// Rust methods with a body whose name no other has.
    only_methods: FxHashMap<Name, Option<Fun>>,
    /// Fields of Rust structs whose name no other has.
    only_fields: FxHashMap<Name, Option<Cls>>,
    /// Implementors of each trait and direct subclasses of each class.
    subclasses: FxHashMap<Cls, Vec<Cls>>,
    /// The class a method or class body belongs to.
    class_of: FunMap<Cls>,
    fields: FxHashMap<(Cls, Name), Ty>,
    /// Fields each class declares or assigns itself.
    declares: FxHashMap<(Cls, Name), Location>,
    /// The names of all fields.
    field_names: FxHashSet<Name>,
    /// The names of those with locks, sorted.
    lock_fields: FxHashMap<Cls, Vec<Name>>,
    globals: FxHashMap<(Mod, Name), Ty>,
    /// Classes that are a lock around another: `struct Mutex<T> { inner: parking_lot::Mutex<T>, … }`.
    lock_wrappers: FxHashSet<Cls>,
    /// How many fields hold a lock around an object of each class.
    roles: FxHashMap<Cls, Roles>,
    /// The classes that have an object of each class in a field.
    holders: FxHashMap<Cls, Vec<Cls>>,
    /// `self._changed = Condition(self._lock)`: the field inside.
    wrapped: FxHashMap<(Cls, Name), Name>,
    /// Fields whose semaphore lets in more than one.
    counting: FxHashSet<(Cls, Name)>,
    /// Types with an `unsafe impl Sync`.
    unchecked_sync: FxHashSet<Cls>,
    types: Vec<FunctionTypes>,
    /// The functions inside each decorated function's decorators.
    decorated: FxHashMap<Fun, Vec<Fun>>,
    /// Functions that run with Python's own lock.
    attached: FxHashSet<Fun>,
    pub threads: Threads,
    /// What comments say of locks and state.
    pub claims: Claims,
}

/// Methods that make or re-make an object, or take it apart.
static CONSTRUCTORS: LazyLock<FxHashSet<Name>> = LazyLock::new(|| {
    let of_python = ["__init__", "__new__", "__post_init__", "__setstate__", "__getstate__", "__init_subclass__", "__set_name__"];
    let of_copies = ["__del__", "__copy__", "__deepcopy__", "__reduce__"];
    let of_tests = ["setUp", "setUpClass", "tearDown", "tearDownClass"];
    of_python.iter().chain(&of_copies).chain(&of_tests).map(|it| Name::new(it)).collect()
});

impl<'a> Program<'a> {
    /// Takes the program apart on all processors: it is made of millions of pieces.
    pub fn take_apart(self) {
        let Program { modules, types, .. } = self;
        rayon::join(|| modules.into_par_iter().for_each(drop), || types.into_par_iter().for_each(drop));
    }

    pub fn module(&self, id: Mod) -> &Linked {
        &self.modules[id.0 as usize]
    }

    pub fn function_ids(&self) -> impl Iterator<Item = Fun> + use<> {
        (0..self.functions.len() as u32).map(Fun)
    }

    pub fn class_ids(&self) -> impl Iterator<Item = Cls> + use<> {
        (0..self.classes.len() as u32).map(Cls)
    }

    pub fn fun(&self, module: Mod, id: FunctionId) -> Fun {
        Fun(self.module(module).first_function + id.0)
    }

    pub fn cls(&self, module: Mod, id: crate::ir::ClassId) -> Cls {
        Cls(self.module(module).first_class + id.0)
    }

    pub fn function(&self, id: Fun) -> &Function {
        let (module, function) = self.functions[id.0 as usize];
        self.module(module).ir.function(function)
    }

    pub fn class(&self, id: Cls) -> &Class {
        let (module, class) = self.classes[id.0 as usize];
        self.module(module).ir.class(class)
    }

    pub fn module_of(&self, id: Fun) -> Mod {
        self.functions[id.0 as usize].0
    }

    pub fn module_of_class(&self, id: Cls) -> Mod {
        self.classes[id.0 as usize].0
    }

    pub fn language(&self, id: Fun) -> Language {
        self.module(self.module_of(id)).ir.language
    }

    pub fn catalog(&self, id: Fun) -> &'static Catalog {
        self.catalogs.of(self.language(id))
    }

    pub fn catalog_of(&self, module: Mod) -> &'static Catalog {
        self.catalogs.of(self.module(module).ir.language)
    }

    pub fn types(&self, id: Fun) -> &FunctionTypes {
        &self.types[id.0 as usize]
    }

    /// The type of a local.
    pub fn local_type(&self, id: Fun, local: Local) -> &Ty {
        self.types(id).local(local)
    }

    /// What a call runs, by its destination.
    pub fn target(&self, id: Fun, dest: Local) -> &Target {
        self.types(id).target(dest).unwrap_or(&Target::Unknown)
    }

    /// The class whose method `id` is, or inside whose method it is defined.
    pub fn enclosing_class(&self, id: Fun) -> Option<Cls> {
        let mut current = id;
        loop {
            if let Some(class) = self.class_of.get(current) {
                return Some(*class);
            }
            current = self.parent(current)?;
        }
    }

    pub fn class_of(&self, id: Fun) -> Option<Cls> {
        self.class_of.get(id).copied()
    }

    /// The call that `op` of `function` is, if it is one.
    pub fn invocation<'o>(&'o self, function: Fun, op: &'o OpKind) -> Option<Invocation<'o>> {
        match op {
            OpKind::Call { dest, callee, arguments } => {
                Some(Invocation { dest: *dest, target: self.target(function, *dest), callee: Cow::Borrowed(callee), arguments })
            }
            OpKind::Load { dest, place, .. } => {
                let target = self.types(function).target(*dest)?;
                let mut receiver = *place;
                let Some(Projection::Field(name)) = receiver.projections.pop() else { return None };
                Some(Invocation { dest: *dest, target, callee: Cow::Owned(Callee::Method { receiver, name }), arguments: &[] })
            }
            _ => None,
        }
    }

    /// The lock of a library that a call makes, by its destination.
    pub fn made_lock(&self, function: Fun, dest: Local) -> Option<&'static Lock> {
        match self.target(function, dest) {
            Target::External(path) => self.catalog(function).lock(*path),
            _ => None,
        }
    }

    /// The function of the program that `op` of `function` runs.
    pub fn called(&self, function: Fun, op: &OpKind) -> Option<Fun> {
        let (OpKind::Call { dest, .. } | OpKind::Load { dest, .. }) = op else { return None };
        match self.types(function).target(*dest)? {
            Target::Function { function, .. } | Target::Closure(function) | Target::Construct { init: Some(function), .. } => Some(*function),
            _ => None,
        }
    }

    /// The functions that a library function runs before it returns, because `op` of `function` passes them to it
    /// (`sorted(key=f)`, `iter.map(|it| …)`), each with the local it is passed in.
    pub fn run_at_once(&self, function: Fun, op: &OpKind) -> Vec<(Local, Fun)> {
        let OpKind::Call { dest, callee, arguments } = op else { return Vec::new() };
        let running = &self.catalog(function).tables.passing.running;
        let runs = match (self.target(function, *dest), callee) {
            _ if arguments.is_empty() => false,
            _ if matches!(self.attachment(function, op), Some(Attachment::Attaches | Attachment::Detaches)) => true,
            (Target::External(path), _) => running.contains(path),
            (Target::Unknown | Target::Method { .. }, Callee::Method { name, .. }) => running.contains(name),
            _ => false,
        };
        if runs { self.callables(function, arguments).collect() } else { Vec::new() }
    }

    /// What the decorators of `id` may put around it: the functions defined inside them.
    pub fn wrappers(&self, id: Fun) -> &[Fun] {
        self.decorated.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The functions of the program among a call's arguments, each with the local it is passed in.
    pub fn callables<'o>(&'o self, function: Fun, arguments: &'o [Argument]) -> impl Iterator<Item = (Local, Fun)> + 'o {
        arguments.iter().filter_map(move |it| match self.local_type(function, it.value) {
            Ty::BoundMethod(used) | Ty::Function(used) => Some((it.value, *used)),
            _ => None,
        })
    }

    /// The function `id` is nested in.
    pub fn parent(&self, id: Fun) -> Option<Fun> {
        match self.function(id).owner {
            Owner::Function(parent) => Some(self.fun(self.module_of(id), parent)),
            _ => None,
        }
    }

    /// The function whose locals `id` captures: the one it is nested in, for a method the body of its class.
    pub fn captures_from(&self, id: Fun) -> Option<Fun> {
        let module = self.module_of(id);
        match self.function(id).owner {
            Owner::Class(class) => self.module(module).ir.class(class).body.map(|it| self.fun(module, it)),
            _ => self.parent(id),
        }
    }

    /// The functions defined directly in `id`.
    pub fn nested(&self, id: Fun) -> impl Iterator<Item = Fun> + '_ {
        let module = self.module_of(id);
        let all = (0..self.module(module).ir.functions.len()).map(move |it| self.fun(module, FunctionId::from_index(it)));
        all.filter(move |it| self.parent(*it) == Some(id))
    }

    /// The type of a module variable or static.
    pub fn global_type(&self, module: Mod, name: Name) -> &Ty {
        self.globals.get(&(module, name)).unwrap_or(&Ty::Unknown)
    }

    pub fn location(&self, id: Fun, range: Range) -> Location {
        Location { file: self.module(self.module_of(id)).file, range }
    }

    /// The source text of a location.
    pub fn text(&self, location: Location) -> &str {
        self.files.get(location.file).text().get(location.range.as_usize()).unwrap_or("")
    }

    /// `Metrics.inc`, `Bank::transfer`, with the closure's or nested function's place in it.
    pub fn symbol(&self, id: Fun) -> String {
        self.function(id).qualified_name(self.language(id))
    }

    pub fn class_name(&self, id: Cls) -> &'static str {
        self.class(id).name.as_str()
    }

    /// Whether nothing is to be said of the function: test code, and generated files, which are changed at their source.
    pub fn is_exempt(&self, id: Fun) -> bool {
        self.function(id).is_test || self.module(self.module_of(id)).generated
    }

    /// Whether nothing is to be said of the module: its file is generated.
    pub fn is_generated(&self, id: Mod) -> bool {
        self.module(id).generated
    }

    /// The functions of a module by where they stand; around all of them is the module's own body.
    pub fn functions_by_place(&self, module: Mod) -> Nested<Fun> {
        let functions = &self.module(module).ir.functions;
        Nested::new(functions.iter().enumerate().map(|(index, it)| (it.range, self.fun(module, FunctionId::from_index(index)))).collect())
    }

    /// Whether the function makes or re-makes the object it is a method of, so that no other thread has it yet.
    pub fn is_construction(&self, id: Fun) -> bool {
        let function = self.function(id);
        match function.kind {
            FunctionKind::ModuleBody | FunctionKind::ClassBody => true,
            FunctionKind::Method | FunctionKind::ClassMethod | FunctionKind::StaticMethod => CONSTRUCTORS.contains(&function.name),
            _ => false,
        }
    }
}
