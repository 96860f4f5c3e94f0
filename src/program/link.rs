//! From lowered modules to a program: classes and their methods, locks by their role.

use rustc_hash::{FxHashMap, FxHashSet};

use super::implied::Kind;
use super::names::Names;
use super::{Cls, Definition, Fun, FunMap, FunctionTypes, Linked, Mod, ModulePath, Program, Setting, Threads, Ty};
use super::{claims, decorators, infer, interpreter, threads};
use crate::finding::FileId;
use crate::ir::{FunctionId, Language, Module, Name};
use crate::source::Files;

/// Wrappers and collections around a lock in a field's type.
const MAX_LAYERS: usize = 6;

/// The fields that hold a lock around an object of one class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roles {
    /// Those whose lock is theirs alone.
    pub(super) own: usize,
    /// Those that share theirs (`Arc<Mutex<T>>`).
    pub(super) shared: usize,
}

/// Links the lowered modules of `files`.
pub fn link<'f>(files: &'f Files, modules: Vec<(FileId, Module)>, setting: &Setting) -> Program<'f> {
    let mut program = Program::gather(files, modules, setting);
    program.link_classes();
    program.list_ancestries();
    program.names.remember(program.modules.len());
    infer::infer(&mut program);
    program.names.forget_ways();
    program.list_locks();
    program.threads = threads::find(&program);
    program.decorated = decorators::find(&program);
    program.attached = interpreter::find(&program);
    program.lock_wrappers = program.find_lock_wrappers();
    program.count_roles();
    program.find_holders();
    program.claims = claims::find(&program, &setting.orders);
    program
}

impl<'a> Program<'a> {
    fn gather(files: &'a Files, modules: Vec<(FileId, Module)>, setting: &Setting) -> Program<'a> {
        let Setting { catalogs, runtime, .. } = *setting;
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
                uses_interpreter: ir.language == Language::Rust && ir.imports.iter().any(|it| it.path.first() == "pyo3"),
                ir,
                path: ModulePath::default(),
                generated: files.get(file).about().generated,
                first_function,
                first_class,
            });
        }
        let names = Names::build(files, &mut linked, catalogs);
        let class_count = classes.len();
        let function_count = functions.len();
        Program {
            files,
            catalogs,
            runtime,
            modules: linked,
            functions,
            classes,
            names,
            bases: vec![Vec::new(); class_count],
            external_bases: vec![Vec::new(); class_count],
            ancestries: Vec::new(),
            methods: FxHashMap::default(),
            method_names: FxHashSet::default(),
            foreign_methods: FxHashMap::default(),
            foreign_self: FxHashMap::default(),
            implied: FxHashMap::default(),
            ownerships: super::memo::Memo::default(),
            only_methods: FxHashMap::default(),
            only_fields: FxHashMap::default(),
            subclasses: FxHashMap::default(),
            class_of: FunMap::default(),
            fields: FxHashMap::default(),
            declares: FxHashMap::default(),
            field_names: FxHashSet::default(),
            lock_fields: FxHashMap::default(),
            globals: FxHashMap::default(),
            lock_wrappers: FxHashSet::default(),
            roles: FxHashMap::default(),
            holders: FxHashMap::default(),
            wrapped: FxHashMap::default(),
            counting: FxHashSet::default(),
            unchecked_sync: FxHashSet::default(),
            types: (0..function_count).map(|_| FunctionTypes::default()).collect(),
            decorated: FxHashMap::default(),
            attached: FxHashSet::default(),
            threads: Threads::default(),
            claims: claims::Claims::default(),
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
                self.method_names.insert(name);
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
        let Ty::Class(class, _) = self_ty.peeled(self.catalogs.rust) else {
            if let Ty::External(path, _) = self_ty {
                // What a row says of a type's methods counts, not what is in them.
                let is_own = self.catalogs.rust.own().contains(&path);
                for (name, function) in methods {
                    if !is_own {
                        self.foreign_methods.entry((path, name)).or_insert(function);
                    }
                    self.foreign_self.insert(function, self_ty);
                }
            }
            return;
        };
        let unchecked = it.is_unsafe && !it.is_negative && it.trait_.is_some_and(|it| it.last() == "Sync");
        let base = it.trait_.map(|path| self.resolve(module, it.scope, path));
        let implied = it.trait_.and_then(|it| Kind::of(it.last()));
        for (name, function) in methods {
            if let Some(kind) = implied.filter(|it| name == it.method()) {
                self.implied.entry((class, kind)).and_modify(|it| *it = None).or_insert(Some(function));
            }
            self.methods.entry((class, name)).or_insert(function);
            self.method_names.insert(name);
            self.class_of.insert(function, class);
        }
        if unchecked {
            self.unchecked_sync.insert(class);
        }
        // What a handle derefs to, its fields and methods are the handle's, too.
        let it = &self.module(module).ir.impls[number];
        if it.trait_.is_some_and(|it| it.last() == "Deref")
            && let Some(target) = it.types.iter().find(|it| it.name == "Target")
            && let Ty::Class(target, _) = self.resolve_type(module, it.scope, &target.ty).peeled(self.catalogs.rust)
            && !self.ancestry(target).contains(&class)
        {
            self.bases[class.0 as usize].push(target);
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
            let catalog = self.catalog_of(self.module_of_class(*class));
            *locks.entry(*class).or_default() += usize::from(ty.lock(catalog).is_some());
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

    fn find_holders(&mut self) {
        let mut holders: FxHashMap<Cls, Vec<Cls>> = FxHashMap::default();
        for ((owner, _), ty) in &self.fields {
            if let Ty::Class(class, _) = ty
                && class != owner
            {
                holders.entry(*class).or_default().push(*owner);
            }
        }
        for list in holders.values_mut() {
            list.sort_unstable();
            list.dedup();
        }
        self.holders = holders;
    }

    fn count_roles(&mut self) {
        let mut roles: FxHashMap<Cls, Roles> = FxHashMap::default();
        for ((owner, _), ty) in &self.fields {
            let catalog = self.catalog_of(self.module_of_class(*owner));
            let (mut ty, mut shared) = (*ty, false);
            // Wrappers, and the items of collections.
            for _ in 0..MAX_LAYERS {
                let Ty::External(path, arguments) = &ty else { break };
                if catalog.lock(*path).is_some() {
                    if let Some(class) = self.guarded_class(&ty, catalog) {
                        let it = roles.entry(class).or_default();
                        if shared { it.shared += 1 } else { it.own += 1 }
                    }
                    break;
                }
                let wrapper = catalog.wrapper(*path);
                shared |= wrapper.is_some_and(|it| it.shares);
                let inner = wrapper.and_then(|it| arguments.get(it.argument as usize).cloned());
                ty = inner.unwrap_or_else(|| ty.item(catalog));
            }
        }
        self.roles = roles;
    }
}
