//! All modules of a run, linked: names, types, calls, threads.
//!
//! In: the lowered modules. Out: a [`Program`] that answers what a name means (`names`), what type a value has
//! (`types`, `infer`), what a call runs ([`Target`]) and what runs concurrently (`threads`). It knows the
//! catalogue, and nothing of locksets.

mod decorators;
mod infer;
mod memo;
mod names;
mod threads;
mod types;

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

pub use self::infer::bindings;
pub use self::names::{Definition, ModulePath};
pub use self::threads::{Concurrent, Threads, spawn_row, spawned_arguments};
pub use self::types::{Ty, is_collection};
use crate::catalog::Catalog;
use crate::finding::{FileId, Location};
use crate::ir::{Argument, Callee, Class, Function, FunctionId, FunctionKind, Language, Local, Module, Name, OpKind, Owner, Projection, Range};
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

/// What linking found out about one function.
#[derive(Debug, Default)]
pub struct FunctionTypes {
    /// The type of each local.
    pub locals: Vec<Ty>,
    /// What each call runs, by its destination.
    pub targets: FxHashMap<Local, Target>,
    pub returns: Ty,
}

/// The linked program.
#[derive(Debug)]
pub struct Program<'a> {
    pub files: &'a Files,
    pub modules: Vec<Linked>,
    /// Owner of each function, by [`Fun`].
    functions: Vec<(Mod, FunctionId)>,
    classes: Vec<(Mod, crate::ir::ClassId)>,
    names: names::Names,
    /// Resolved base classes, traits included, by [`Cls`].
    bases: Vec<Vec<Cls>>,
    /// Library bases (`threading.Thread`), by [`Cls`].
    external_bases: Vec<Vec<Name>>,
    methods: FxHashMap<(Cls, Name), Fun>,
    /// Methods that the program gives to library types by traits of its own (`impl LockExt for RwLock<T>`), by the type's
    /// path, and each one's `Self`.
    foreign_methods: FxHashMap<(Name, Name), Fun>,
    foreign_self: FxHashMap<Fun, Ty>,
    /// Rust methods with a body whose name no other has.
    only_methods: FxHashMap<Name, Option<Fun>>,
    /// Fields of Rust structs whose name no other has.
    only_fields: FxHashMap<Name, Option<Cls>>,
    /// Implementors of each trait and direct subclasses of each class.
    subclasses: FxHashMap<Cls, Vec<Cls>>,
    /// The class a method or class body belongs to.
    class_of: FxHashMap<Fun, Cls>,
    fields: FxHashMap<(Cls, Name), Ty>,
    /// Fields each class declares or assigns itself.
    declares: FxHashMap<(Cls, Name), Location>,
    globals: FxHashMap<(Mod, Name), Ty>,
    /// Classes that are a lock around another: `struct Mutex<T> { inner: parking_lot::Mutex<T>, … }`.
    lock_wrappers: FxHashSet<Cls>,
    /// How many fields hold a lock around an object of each class.
    roles: FxHashMap<Cls, Roles>,
    /// `self._changed = Condition(self._lock)`: the field inside.
    wrapped: FxHashMap<(Cls, Name), Name>,
    /// Types with an `unsafe impl Sync`.
    unchecked_sync: FxHashSet<Cls>,
    types: Vec<FunctionTypes>,
    /// The functions inside each decorated function's decorators.
    decorated: FxHashMap<Fun, Vec<Fun>>,
    pub threads: Threads,
}

/// Wrappers and collections around a lock in a field's type.
const MAX_LAYERS: usize = 6;

/// The fields that hold a lock around an object of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Roles {
    /// Those whose lock is theirs alone.
    own: usize,
    /// Those that share theirs (`Arc<Mutex<T>>`).
    shared: usize,
}

/// A method's or field's name of several words and this many letters can be told by itself.
const DISTINCTIVE: usize = 8;

/// First words of methods that every library has.
const ACCESSOR_WORDS: &[&str] = &["as", "from", "get", "has", "into", "is", "new", "set", "take", "to", "try", "with"];

/// Links the lowered modules of `files`.
pub fn link(files: &Files, modules: Vec<(FileId, Module)>) -> Program<'_> {
    let mut program = Program::gather(files, modules);
    program.link_classes();
    program.names.remember(program.modules.len());
    infer::infer(&mut program);
    program.threads = threads::find(&program);
    program.decorated = decorators::find(&program);
    program.lock_wrappers = program.find_lock_wrappers();
    program.count_roles();
    program
}

impl<'a> Program<'a> {
    fn gather(files: &'a Files, modules: Vec<(FileId, Module)>) -> Program<'a> {
        let mut functions = Vec::new();
        let mut classes = Vec::new();
        let mut linked = Vec::with_capacity(modules.len());
        for (index, (file, ir)) in modules.into_iter().enumerate() {
            let module = Mod(index as u32);
            let (first_function, first_class) = (functions.len() as u32, classes.len() as u32);
            functions.extend((0..ir.functions.len()).map(|it| (module, FunctionId::from_index(it))));
            classes.extend((0..ir.classes.len()).map(|it| (module, crate::ir::ClassId::from_index(it))));
            linked.push(Linked {
                file,
                ir,
                path: ModulePath::default(),
                generated: is_generated(&files.get(file).text),
                first_function,
                first_class,
            });
        }
        let names = names::Names::build(files, &mut linked);
        let class_count = classes.len();
        let function_count = functions.len();
        Program {
            files,
            modules: linked,
            functions,
            classes,
            names,
            bases: vec![Vec::new(); class_count],
            external_bases: vec![Vec::new(); class_count],
            methods: FxHashMap::default(),
            foreign_methods: FxHashMap::default(),
            foreign_self: FxHashMap::default(),
            only_methods: FxHashMap::default(),
            only_fields: FxHashMap::default(),
            subclasses: FxHashMap::default(),
            class_of: FxHashMap::default(),
            fields: FxHashMap::default(),
            declares: FxHashMap::default(),
            globals: FxHashMap::default(),
            lock_wrappers: FxHashSet::default(),
            roles: FxHashMap::default(),
            wrapped: FxHashMap::default(),
            unchecked_sync: FxHashSet::default(),
            types: (0..function_count).map(|_| FunctionTypes::default()).collect(),
            decorated: FxHashMap::default(),
            threads: Threads::default(),
        }
    }

    /// Resolves bases, traits and methods.
    fn link_classes(&mut self) {
        for index in 0..self.classes.len() {
            let class = Cls(index as u32);
            let (module, _) = self.classes[index];
            let ir = self.class(class);
            let mut bases = Vec::new();
            let mut external = Vec::new();
            for base in &ir.bases {
                match self.resolve_type(module, ir.scope, base) {
                    Ty::Class(base, _) if base != class => bases.push(base),
                    Ty::External(path, _) => external.push(path),
                    _ => {}
                }
            }
            let methods: Vec<(Name, Fun)> = ir.methods.iter().map(|it| self.fun(module, *it)).map(|it| (self.function(it).name, it)).collect();
            if let Some(body) = ir.body.map(|it| self.fun(module, it)) {
                self.class_of.insert(body, class);
            }
            for (name, function) in methods {
                self.methods.insert((class, name), function);
                self.class_of.insert(function, class);
            }
            for base in &bases {
                self.subclasses.entry(*base).or_default().push(class);
            }
            self.bases[index] = bases;
            self.external_bases[index] = external;
        }
        for index in 0..self.modules.len() {
            let module = Mod(index as u32);
            for number in 0..self.modules[index].ir.impls.len() {
                self.link_impl(module, number);
            }
        }
        for function in self.function_ids() {
            let ir = self.function(function);
            if ir.kind == crate::ir::FunctionKind::Method && self.language(function) == Language::Rust && !ir.blocks.is_empty() && !ir.is_test {
                self.only_methods.entry(ir.name).and_modify(|it| *it = None).or_insert(Some(function));
            }
        }
    }

    fn link_impl(&mut self, module: Mod, number: usize) {
        let it = &self.module(module).ir.impls[number];
        let methods: Vec<(Name, Fun)> = it.methods.iter().map(|id| self.fun(module, *id)).map(|it| (self.function(it).name, it)).collect();
        let self_ty = self.resolve_type(module, it.scope, &it.self_ty);
        let Ty::Class(class, _) = self_ty.peeled(Language::Rust) else {
            if let Ty::External(path, _) = self_ty {
                for (name, function) in methods {
                    self.foreign_methods.entry((path, name)).or_insert(function);
                    self.foreign_self.insert(function, self_ty.clone());
                }
            }
            return;
        };
        let unchecked = it.is_unsafe && !it.is_negative && it.trait_.is_some_and(|it| it.last() == "Sync");
        let base = it.trait_.map(|path| self.resolve(module, it.scope, path));
        for (name, function) in methods {
            self.methods.entry((class, name)).or_insert(function);
            self.class_of.insert(function, class);
        }
        if unchecked {
            self.unchecked_sync.insert(class);
        }
        if let Some(Definition::Class(base)) = base
            && base != class
            && !self.bases[class.0 as usize].contains(&base)
        {
            self.bases[class.0 as usize].push(base);
            self.subclasses.entry(base).or_default().push(class);
        }
    }

    /// Classes with one lock in their fields and a lock's name.
    fn find_lock_wrappers(&self) -> FxHashSet<Cls> {
        let mut locks: FxHashMap<Cls, usize> = FxHashMap::default();
        for ((class, _), ty) in &self.fields {
            let language = self.module(self.module_of_class(*class)).ir.language;
            *locks.entry(*class).or_default() += usize::from(ty.lock(language).is_some());
        }
        let is_named_so = |it: &Cls| {
            let name = self.class_name(*it).to_ascii_lowercase();
            ["mutex", "lock"].iter().any(|word| name.ends_with(word))
        };
        locks.into_iter().filter(|(class, count)| *count == 1 && is_named_so(class)).map(|it| it.0).collect()
    }

    /// Whether objects of the class are locks around another lock.
    pub fn is_lock_wrapper(&self, class: Cls) -> bool {
        self.lock_wrappers.contains(&class)
    }

    fn count_roles(&mut self) {
        let mut roles: FxHashMap<Cls, Roles> = FxHashMap::default();
        for ((owner, _), ty) in &self.fields {
            let language = self.module(self.module_of_class(*owner)).ir.language;
            let (mut ty, mut shared) = (ty.clone(), false);
            // Wrappers, and the items of collections.
            for _ in 0..MAX_LAYERS {
                let Ty::External(path, arguments) = &ty else { break };
                let catalog = Catalog::builtin(language);
                if catalog.lock(*path).is_some() {
                    if let Some(class) = self.guarded_class(&ty, language) {
                        let it = roles.entry(class).or_default();
                        if shared { it.shared += 1 } else { it.own += 1 }
                    }
                    break;
                }
                let wrapper = catalog.wrapper(*path);
                shared |= wrapper.is_some_and(|it| it.shares);
                let inner = wrapper.and_then(|it| arguments.get(it.argument as usize).cloned());
                ty = inner.unwrap_or_else(|| ty.item(language));
            }
        }
        self.roles = roles;
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
        Catalog::builtin(self.language(id))
    }

    pub fn types(&self, id: Fun) -> &FunctionTypes {
        &self.types[id.0 as usize]
    }

    /// The type of a local.
    pub fn local_type(&self, id: Fun, local: Local) -> &Ty {
        self.types(id).locals.get(local.index()).unwrap_or(&Ty::Unknown)
    }

    /// What a call runs, by its destination.
    pub fn target(&self, id: Fun, dest: Local) -> &Target {
        self.types(id).targets.get(&dest).unwrap_or(&Target::Unknown)
    }

    /// The class whose method `id` is, or inside whose method it is defined.
    pub fn enclosing_class(&self, id: Fun) -> Option<Cls> {
        let mut current = id;
        loop {
            if let Some(class) = self.class_of.get(&current) {
                return Some(*class);
            }
            current = self.parent(current)?;
        }
    }

    pub fn class_of(&self, id: Fun) -> Option<Cls> {
        self.class_of.get(&id).copied()
    }

    /// The call that `op` of `function` is, if it is one.
    pub fn invocation<'o>(&'o self, function: Fun, op: &'o OpKind) -> Option<Invocation<'o>> {
        match op {
            OpKind::Call { dest, callee, arguments } => {
                Some(Invocation { dest: *dest, target: self.target(function, *dest), callee: Cow::Borrowed(callee), arguments })
            }
            OpKind::Load { dest, place, .. } => {
                let target = self.types(function).targets.get(dest)?;
                let mut receiver = place.clone();
                let Some(Projection::Field(name)) = receiver.projections.pop() else { return None };
                Some(Invocation { dest: *dest, target, callee: Cow::Owned(Callee::Method { receiver, name }), arguments: &[] })
            }
            _ => None,
        }
    }

    /// The function of the program that `op` of `function` runs.
    pub fn called(&self, function: Fun, op: &OpKind) -> Option<Fun> {
        let (OpKind::Call { dest, .. } | OpKind::Load { dest, .. }) = op else { return None };
        match self.types(function).targets.get(dest)? {
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

    /// `class` and its bases, nearest first, each once.
    pub fn ancestry(&self, class: Cls) -> Vec<Cls> {
        let mut order = vec![class];
        let mut next = 0;
        while next < order.len() && order.len() < 64 {
            for base in &self.bases[order[next].0 as usize] {
                if !order.contains(base) {
                    order.push(*base);
                }
            }
            next += 1;
        }
        order
    }

    /// Library classes among the bases, near and far.
    pub fn external_ancestry(&self, class: Cls) -> impl Iterator<Item = Name> + '_ {
        self.ancestry(class).into_iter().flat_map(|it| self.external_bases[it.0 as usize].iter().copied())
    }

    pub fn subclasses(&self, class: Cls) -> &[Cls] {
        self.subclasses.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The method `name` of `class`, its own or inherited. A trait method without a body is looked up in the trait's
    /// only implementor.
    pub fn method(&self, class: Cls, name: Name) -> Option<Fun> {
        let own = self.ancestry(class).into_iter().find_map(|it| self.methods.get(&(it, name)).copied());
        own.or_else(|| match self.subclasses(class) {
            [only] if self.class(class).kind == crate::ir::ClassKind::Trait => self.methods.get(&(*only, name)).copied(),
            _ => None,
        })
    }

    /// The class that the lock of type `ty` guards an object of.
    pub fn guarded_class(&self, ty: &Ty, language: Language) -> Option<Cls> {
        match ty.guarded(language).peeled(language) {
            Ty::Class(class, _) => Some(class),
            _ => None,
        }
    }

    /// Whether all locks around a `class` are one role: one field in the program has them, or the fields that do share
    /// theirs (`Arc<Mutex<T>>`).
    pub fn is_one_role(&self, class: Cls) -> bool {
        self.roles.get(&class).is_none_or(|it| it.own + usize::from(it.shared > 0) <= 1)
    }

    /// The method that the program gives to the library type `ty`.
    pub fn foreign_method(&self, ty: Name, name: Name) -> Option<Fun> {
        self.foreign_methods.get(&(ty, name)).copied()
    }

    /// The one Rust method of that name in the program, where it takes that many arguments and the name is of a kind that
    /// libraries hardly share: of several words, and no accessor.
    pub fn only_method(&self, name: Name, arguments: usize) -> Option<Fun> {
        if !is_distinctive(name) {
            return None;
        }
        self.only_methods.get(&name).copied().flatten().filter(|it| self.function(*it).params.len() == arguments + 1)
    }

    /// The one Rust struct of the program that has a field of that name, where the name is of a kind that libraries
    /// hardly share.
    pub fn only_field(&self, name: Name) -> Option<Cls> {
        self.only_fields.get(&name).copied().flatten().filter(|_| is_distinctive(name))
    }

    /// The type of the one field of that name, as [`Program::only_field`] has it.
    pub fn field_by_name(&self, name: Name) -> Ty {
        self.only_field(name).and_then(|class| self.field(class, name)).map(|(_, ty)| ty.clone()).unwrap_or_default()
    }

    /// The class in `class`'s ancestry that declares or assigns the field, and the field's type.
    pub fn field(&self, class: Cls, name: Name) -> Option<(Cls, &Ty)> {
        let owner = self.field_owner(class, name)?;
        Some((owner, self.fields.get(&(owner, name)).unwrap_or(&Ty::Unknown)))
    }

    /// The farthest ancestor that declares or assigns the field: the class the state belongs to. A protocol only says
    /// what others have.
    pub fn field_owner(&self, class: Cls, name: Name) -> Option<Cls> {
        let declares = |it: &Cls| self.declares.contains_key(&(*it, name));
        let ancestry = self.ancestry(class);
        let owns = ancestry.iter().copied().rfind(|it| declares(it) && !self.is_protocol(*it));
        owns.or_else(|| ancestry.into_iter().rfind(declares))
    }

    fn is_protocol(&self, class: Cls) -> bool {
        self.external_bases[class.0 as usize].iter().any(|it| it.last() == "Protocol")
    }

    /// Where a field is declared or first assigned.
    pub fn field_location(&self, class: Cls, name: Name) -> Option<Location> {
        self.declares.get(&(class, name)).copied()
    }

    /// Whether the type is `Sync` by its author's word alone.
    pub fn is_unchecked_sync(&self, class: Cls) -> bool {
        self.unchecked_sync.contains(&class)
    }

    /// The lock field that the condition in field `name` was made with.
    pub fn wrapped_lock(&self, class: Cls, name: Name) -> Option<Name> {
        self.wrapped.get(&(class, name)).copied()
    }

    /// The fields `class` declares or assigns itself, sorted by name.
    pub fn fields_of(&self, class: Cls) -> Vec<(Name, &Ty)> {
        let mut all: Vec<_> = self
            .declares
            .keys()
            .filter(|(owner, _)| *owner == class)
            .map(|(_, name)| (*name, self.fields.get(&(class, *name)).unwrap_or(&Ty::Unknown)))
            .collect();
        all.sort_by_key(|(name, _)| *name);
        all
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
        self.files.get(location.file).text.get(location.range.as_usize()).unwrap_or("")
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

    /// Whether the function makes or re-makes the object it is a method of, so that no other thread has it yet.
    pub fn is_construction(&self, id: Fun) -> bool {
        let function = self.function(id);
        match function.kind {
            FunctionKind::ModuleBody | FunctionKind::ClassBody => true,
            FunctionKind::Method | FunctionKind::ClassMethod | FunctionKind::StaticMethod => {
                matches!(
                    function.name.as_str(),
                    "__init__"
                        | "__new__"
                        | "__post_init__"
                        | "__setstate__"
                        | "__getstate__"
                        | "__init_subclass__"
                        | "__set_name__"
                        | "__del__"
                        | "__copy__"
                        | "__deepcopy__"
                        | "__reduce__"
                        | "setUp"
                        | "setUpClass"
                        | "tearDown"
                        | "tearDownClass"
                )
            }
            _ => false,
        }
    }
}

/// Whether a method's or field's name can be told by itself: several words, and no accessor.
fn is_distinctive(name: Name) -> bool {
    let text = name.as_str().trim_matches('_');
    text.len() >= DISTINCTIVE && text.split_once('_').is_some_and(|(first, _)| !ACCESSOR_WORDS.contains(&first))
}

/// Whether a file's first lines say that a tool writes it and people should not.
fn is_generated(text: &str) -> bool {
    let head = text.lines().take(10).filter(|it| it.starts_with(['#', '/', '"', '*', ' '])).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    head.contains("@generated") || (head.contains("generated") && (head.contains("do not edit") || head.contains("do not modify")))
}
