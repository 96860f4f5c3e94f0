//! What a call runs, and the type of its result.

use super::bindings;
use super::passed::Passed;
use super::scope::{NAMES, Scope};
use crate::catalog::{Effect, Lock, LockKind};
use crate::ir::{Argument, Callee, FunctionKind, Language, Local, Name, TypeRef};
use crate::program::types::is_collection;
use crate::program::{Cls, Definition, Fun, Receiver, Target, Ty};

/// Methods of collections that give one of their items.
const ITEM_METHODS: &[&str] =
    &["entry", "or_insert", "or_insert_with", "or_default", "pop", "popleft", "get", "setdefault", "get_or_insert_with", "swap_remove"];

/// Functions that give what is in their arguments, item by item.
const COPYING: &[&str] = &["collections.deque", "frozenset", "iter", "itertools.chain", "list", "reversed", "set", "sorted", "tuple"];

/// Methods of Rust's collections and iterators that give one of their items, if there is one.
const OPTION_METHODS: &[&str] = &[
    "get",
    "get_mut",
    "pop",
    "pop_front",
    "pop_back",
    "first",
    "last",
    "front",
    "back",
    "remove",
    "peek",
    "next",
    "next_back",
    "nth",
    "find",
    "first_mut",
    "last_mut",
    "front_mut",
    "back_mut",
    "peek_mut",
    "min_by_key",
    "max_by_key",
];

/// Methods of collections and iterators that give one with the same items.
const SAME_ITEMS: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "clone",
    "copy",
    "drain",
    "as_slice",
    "as_mut_slice",
    "cloned",
    "copied",
    "filter",
    "rev",
    "skip",
    "take",
    "skip_while",
    "take_while",
    "step_by",
    "chain",
    "inspect",
    "peekable",
    "fuse",
    "by_ref",
    "range",
    "range_mut",
    "collect",
    "par_iter",
    "par_iter_mut",
    "into_par_iter",
    "to_vec",
];

impl Scope<'_, '_> {
    pub(super) fn target(&self, callee: &Callee, arguments: usize) -> Target {
        match self.defined_target(callee, arguments) {
            Target::Function { function, receiver } => match self.program.own_method(function) {
                Some((ty, name)) if matches!(receiver, Receiver::Place | Receiver::ByName) => Target::Method { ty, name },
                Some((ty, name)) if self.language == Language::Python => Target::External(Name::concat(&[ty.as_str(), ".", name.as_str()])),
                Some((ty, name)) => Target::External(Name::concat(&[ty.as_str(), "::", name.as_str()])),
                None => Target::Function { function, receiver },
            },
            target => target,
        }
    }

    /// The same without regard to what rows of the project say of methods of the program.
    fn defined_target(&self, callee: &Callee, arguments: usize) -> Target {
        match callee {
            Callee::Path(name) => self.defined(self.global(*name)),
            Callee::Macro(_) => Target::Unknown,
            Callee::Value(local) => match &self.locals[local.index()] {
                Ty::Function(function) if self.program.parent(*function).is_some() => Target::Closure(*function),
                Ty::Function(function) => Target::Function { function: *function, receiver: Receiver::None },
                Ty::BoundMethod(function) => Target::Function { function: *function, receiver: Receiver::Class },
                Ty::ClassObject(class) => self.construct(*class),
                Ty::ExternalObject(path) => Target::External(*path),
                _ => Target::Unknown,
            },
            Callee::Method { receiver, name } => match self.place(receiver) {
                Ty::Unknown if self.language == Language::Rust => {
                    let only = self.program.only_method(*name, arguments);
                    only.map_or(Target::Unknown, |function| Target::Function { function, receiver: Receiver::ByName })
                }
                ty => self.method_target(&ty, *name),
            },
        }
    }

    fn defined(&self, definition: Definition) -> Target {
        match definition {
            Definition::Class(class) => self.construct(class),
            Definition::Function(function) => Target::Function { function, receiver: Receiver::None },
            Definition::External(path) => Target::External(path),
            Definition::Global(..) | Definition::Alias(..) | Definition::Module(_) => match self.definition_type(definition) {
                Ty::Function(function) => Target::Function { function, receiver: Receiver::None },
                Ty::ClassObject(class) => self.construct(class),
                Ty::ExternalObject(path) => Target::External(path),
                _ => Target::Unknown,
            },
        }
    }

    fn construct(&self, class: Cls) -> Target {
        let init = if self.language == Language::Python { self.program.method(class, NAMES.init) } else { None };
        Target::Construct { class, init }
    }

    fn method_target(&self, ty: &Ty, name: Name) -> Target {
        let program = self.program;
        let mut ty = *ty;
        for _ in 0..16 {
            match &ty {
                Ty::Class(class, _) => {
                    if let Some(function) = program.method(*class, name) {
                        let receiver = match program.function(function).kind {
                            FunctionKind::StaticMethod => Receiver::None,
                            FunctionKind::ClassMethod => Receiver::Class,
                            _ => Receiver::Place,
                        };
                        return Target::Function { function, receiver };
                    }
                    return match self.field_of(*class, name) {
                        Some(Ty::Function(function)) => Target::Function { function, receiver: Receiver::None },
                        Some(Ty::BoundMethod(function)) => Target::Function { function, receiver: Receiver::Class },
                        Some(Ty::ClassObject(class)) => self.construct(class),
                        _ => match program.external_ancestry(*class).next() {
                            Some(base) => Target::Method { ty: base, name },
                            None => Target::Unknown,
                        },
                    };
                }
                Ty::External(path, _) if *path == "super" => {
                    let Some(class) = program.enclosing_class(self.function) else { return Target::Unknown };
                    let inherited = program.ancestry(class).iter().skip(1).find_map(|it| program.methods.get(&(*it, name)).copied());
                    return match inherited {
                        Some(function) => Target::Function { function, receiver: Receiver::Caller },
                        None => program.external_ancestry(class).next().map_or(Target::Unknown, |ty| Target::Method { ty, name }),
                    };
                }
                Ty::External(path, _) if program.foreign_method(*path, name).is_some() => {
                    let function = program.foreign_method(*path, name);
                    return function.map_or(Target::Unknown, |function| Target::Function { function, receiver: Receiver::Place });
                }
                Ty::External(path, arguments) => {
                    let inner = self.catalog.wrapper(*path).filter(|row| !row.accessors.contains(&name));
                    match inner.and_then(|row| arguments.get(row.argument as usize)) {
                        Some(inner) if !inner.is_unknown() => ty = *inner,
                        _ => return Target::Method { ty: *path, name },
                    }
                }
                Ty::ClassObject(class) => {
                    return match program.method(*class, name) {
                        Some(function) => {
                            let receiver =
                                if program.function(function).kind == FunctionKind::ClassMethod { Receiver::Class } else { Receiver::None };
                            Target::Function { function, receiver }
                        }
                        None => Target::Unknown,
                    };
                }
                Ty::Module(module) => return self.defined(program.attribute(Definition::Module(*module), name)),
                Ty::ExternalObject(path) => return Target::External(Name::concat(&[path.as_str(), ".", name.as_str()])),
                Ty::Unknown | Ty::Function(_) | Ty::BoundMethod(_) | Ty::Tuple(_) | Ty::Array(_) => return Target::Unknown,
            }
        }
        Target::Unknown
    }

    pub(super) fn call_type(&self, target: &Target, callee: &Callee, arguments: &[Local]) -> Ty {
        let first = || arguments.first().map(|it| self.locals[it.index()]).unwrap_or_default();
        match target {
            Target::Construct { class, .. } => Ty::class(*class),
            Target::Function { function, .. } if self.program.foreign_self.contains_key(function) => {
                // `fn rl(&self) -> RwLockReadGuard<'_, T>`: of the type parameter the receiver knows more.
                let returns = self.returns_of(*function);
                match (callee, self.program.function(*function).returns.as_ref()) {
                    (Callee::Method { receiver, .. }, Some(written)) if self.is_guard(*function, written) => {
                        self.place(receiver).guarded(self.catalog)
                    }
                    _ => returns,
                }
            }
            Target::Function { function, .. } | Target::Closure(function) => {
                let returns = self.returns_of(*function);
                // `with make() as x`, iteration over a generator: the value is what it yields, which is not tracked.
                if self.program.function(*function).is_generator { Ty::Unknown } else { returns }
            }
            Target::External(path) => match self.gone_over(*path, arguments) {
                Ty::Unknown => self.external_call(*path, &first),
                items => items,
            },
            Target::Method { ty, name } => match callee {
                Callee::Method { receiver, .. } => self.external_method(*ty, *name, &self.place(receiver)),
                _ => Ty::Unknown,
            },
            Target::Unknown => match callee {
                // `settings.condition_class(self._lock)`: whatever makes it, it waits with that lock.
                Callee::Method { name, .. } if self.makes_condition(*name, &first()) => Ty::external("threading.Condition"),
                Callee::Method { receiver, name } => match self.place(receiver) {
                    slice @ Ty::Array(_) => self.collection_method(*name, &slice),
                    // What is not known to be a method of anything hands on its receiver where its name says so.
                    ty if self.passes(*name) => ty.peeled(self.catalog),
                    _ => Ty::Unknown,
                },
                _ => Ty::Unknown,
            },
        }
    }

    /// Whether a call by that name, given a lock, makes a condition.
    fn makes_condition(&self, name: Name, first: &Ty) -> bool {
        let is_thread_lock = |it: &Lock| it.scope == crate::catalog::Scope::Thread && it.kind == LockKind::Mutex;
        self.language == Language::Python
            && first.lock(self.catalog).is_some_and(is_thread_lock)
            && name.as_str().to_ascii_lowercase().contains("condition")
    }

    /// Whether a function's written return type is a guard.
    fn is_guard(&self, function: Fun, written: &TypeRef) -> bool {
        match written {
            TypeRef::Path { path, .. } => match self.program.resolve(self.program.module_of(function), self.program.item_scope(function), *path) {
                Definition::External(path) => self.catalog.guard(path).is_some(),
                _ => false,
            },
            _ => false,
        }
    }

    fn passes(&self, name: Name) -> bool {
        self.language == Language::Rust && (self.catalog.tables.passing.unwrapping.contains(&name) || name == "clone")
    }

    /// What a function gives that goes over its arguments: their items, those that are known; in a copy, if it makes one.
    fn gone_over(&self, path: Name, arguments: &[Local]) -> Ty {
        if self.language != Language::Python || !COPYING.contains(&path.as_str()) {
            return Ty::Unknown;
        }
        let mut items = arguments.iter().map(|it| self.locals[it.index()].iterated(self.catalog));
        match items.find(|it| !it.is_unknown()) {
            Some(item) => match Ty::External(path, [].into()).with_item(self.catalog, item) {
                Some(copy) => copy,
                None => Ty::Array([item].into()),
            },
            None => Ty::Unknown,
        }
    }

    fn external_call(&self, path: Name, first: &dyn Fn() -> Ty) -> Ty {
        if let Some(ty) = self.catalog.returns(path) {
            return Ty::External(ty, [].into());
        }
        match self.language {
            Language::Python => {
                if path == "super" {
                    return Ty::external("super");
                }
                if path == "type"
                    && let Ty::Class(class, _) = first()
                {
                    return Ty::ClassObject(class);
                }
                if let Some(row) = self.catalog.lock(path) {
                    return Ty::External(row.path, [].into());
                }
                // `defaultdict(threading.Lock)`: what it makes for a key.
                if path == "collections.defaultdict" {
                    let item = match first() {
                        Ty::ExternalObject(made) => self.external_call(made, &Ty::default),
                        Ty::ClassObject(class) => Ty::class(class),
                        _ => Ty::Unknown,
                    };
                    return Ty::External(path, [Ty::Unknown, item].into());
                }
                if self.catalog.knows(path) || path.last().starts_with(|it: char| it.is_ascii_uppercase()) {
                    return Ty::External(path, [].into());
                }
                Ty::Unknown
            }
            Language::Rust => {
                if path == "Some" || path == "Ok" {
                    return Ty::External(NAMES.option, [first()].into());
                }
                let Some((ty, constructor)) = path.as_str().rsplit_once("::") else { return Ty::Unknown };
                let (ty, constructor) = (Name::new(ty), Name::new(constructor));
                if let Some(row) = self.catalog.wrapper(ty) {
                    return match first() {
                        // `Arc::clone(&x)`
                        inner if constructor == "clone" || !row.constructors.contains(&constructor) => inner,
                        inner => Ty::External(row.path, [inner].into()),
                    };
                }
                if let Some(row) = self.catalog.lock(ty) {
                    return Ty::External(row.path, [first()].into());
                }
                if self.catalog.knows(ty) { Ty::External(ty, [].into()) } else { Ty::Unknown }
            }
        }
    }

    fn external_method(&self, ty: Name, name: Name, receiver: &Ty) -> Ty {
        if let Some(row) = self.catalog.lock(ty)
            && let Some(method) = row.methods.iter().find(|it| it.name == name)
        {
            return match method.effect {
                Effect::Acquire | Effect::TryAcquire | Effect::Bypass if row.guards_data => receiver.guarded(self.catalog),
                _ => Ty::Unknown,
            };
        }
        if let Some(row) = self.catalog.wrapper(ty)
            && row.accessors.contains(&name)
        {
            if name == "clone" {
                return *receiver;
            }
            return match receiver {
                Ty::External(_, arguments) => arguments.get(row.argument as usize).cloned().unwrap_or_default(),
                _ => Ty::Unknown,
            };
        }
        if is_collection(self.catalog, ty) {
            let known = self.collection_method(name, receiver);
            if !known.is_unknown() {
                return known;
            }
        }
        if self.passes(name) { *receiver } else { self.catalog.returned_by(ty, name).map_or(Ty::Unknown, |it| Ty::External(it, [].into())) }
    }
    fn collection_method(&self, name: Name, receiver: &Ty) -> Ty {
        let is_rust = self.language == Language::Rust;
        let list = |item: Ty| Ty::Array([item].into());
        let entry = receiver.entry(self.catalog);
        match (name.as_str(), entry) {
            ("values" | "values_mut" | "into_values", Some([_, value])) => list(value),
            ("keys" | "into_keys", Some([key, _])) => list(key),
            ("items", Some(entry)) => list(Ty::Tuple(entry.into())),
            ("enumerate", _) if is_rust => list(Ty::Tuple([Ty::external("int"), receiver.iterated(self.catalog)].into())),
            // What a map is asked for by key is a value; an iterator over it gives pairs.
            ("next" | "find" | "nth" | "last" | "first" | "pop_first", Some(entry)) if is_rust => option(Ty::Tuple(entry.into())),
            (name, _) if is_rust && OPTION_METHODS.contains(&name) => option(receiver.item(self.catalog)),
            (name, _) if ITEM_METHODS.contains(&name) => receiver.item(self.catalog),
            (name, _) if SAME_ITEMS.contains(&name) => *receiver,
            _ => Ty::Unknown,
        }
    }

    /// What the closures among the arguments are called with: by the bound of the parameter they are given for, or as
    /// the methods of collections, `Option` and `Result` call theirs.
    pub(super) fn pass_to_closures(&mut self, target: &Target, callee: &Callee, arguments: &[Argument]) {
        if self.language != Language::Rust {
            return;
        }
        let closures = arguments.iter().filter_map(|it| match &self.locals[it.value.index()] {
            Ty::Function(function) if self.program.parent(*function).is_some() => Some((it.value, *function)),
            _ => None,
        });
        let mut passed: Vec<Passed> = Vec::new();
        for (value, closure) in closures {
            let wanted = self.program.function(closure).params.len();
            let types = match (target, callee) {
                (Target::Function { .. } | Target::Construct { .. } | Target::Closure(_), _) => {
                    let bound = bindings(self.program, target, arguments).into_iter().find(|it| it.2 == value);
                    bound.map(|(callee, parameter, _)| self.called_with(callee, parameter)).unwrap_or_default()
                }
                (_, Callee::Method { receiver, name }) => self.handed_by_library(&self.place(receiver), *name, wanted),
                _ => Vec::new(),
            };
            passed.extend(types.into_iter().take(wanted).enumerate().filter(|it| !it.1.is_unknown()).map(|(at, ty)| ((closure, at as u32), ty)));
        }
        let undeclared = |((function, at), _): &Passed| self.program.function(*function).params[*at as usize].ty.is_none();
        self.passed.extend(passed.into_iter().filter(undeclared));
    }

    /// The types of the arguments that `callee` says it calls its parameter with: `F: FnOnce(&mut Inner) -> R`.
    fn called_with(&self, callee: Fun, parameter: u32) -> Vec<Ty> {
        let ir = self.program.function(callee);
        let Some(written) = ir.params.get(parameter as usize).and_then(|it| it.ty.as_ref()) else { return Vec::new() };
        let generic = match written {
            TypeRef::Path { path, arguments } if arguments.is_empty() => ir.generics.iter().find(|it| it.name == *path),
            _ => None,
        };
        let bounds = match (written, generic) {
            (_, Some(generic)) => &generic.bounds[..],
            (TypeRef::Trait { bounds, .. }, None) => &bounds[..],
            (written, None) => std::slice::from_ref(written),
        };
        let parameters = bounds.iter().find_map(|it| match it {
            TypeRef::Function { parameters, .. } => Some(parameters),
            _ => None,
        });
        parameters.into_iter().flatten().map(|it| self.program.resolve_type_of(callee, it)).collect()
    }

    /// What a method of a library type calls its closure with.
    fn handed_by_library(&self, receiver: &Ty, name: Name, wanted: usize) -> Vec<Ty> {
        if let Ty::External(path, arguments) = receiver
            && matches!(path.last(), "Option" | "Result")
        {
            let of_error = name.as_str().contains("err") || name.as_str().contains("else");
            return arguments.first().filter(|_| !of_error).cloned().into_iter().collect();
        }
        let collection = receiver.peeled(self.catalog);
        let known = match collection {
            Ty::Array(_) => true,
            Ty::External(path, _) => self.catalog.container(path).is_some(),
            _ => false,
        };
        match collection.entry(self.catalog) {
            _ if !known => Vec::new(),
            // `retain(|key, value| …)`
            Some(entry) if wanted == 2 => entry.into(),
            _ if matches!(name.as_str(), "fold" | "try_fold" | "scan") => vec![Ty::Unknown, collection.iterated(self.catalog)],
            _ => vec![collection.iterated(self.catalog); wanted],
        }
    }
}

fn option(ty: Ty) -> Ty {
    match ty {
        Ty::Unknown => Ty::Unknown,
        known => Ty::External(NAMES.option, [known].into()),
    }
}
