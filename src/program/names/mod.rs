//! What a name means: module paths, imports, re-exports.
//!
//! An import that several files could answer goes to the one nearest in the tree. A path that leads out of the program
//! stays as [`Definition::External`] with its full spelling, which is what the catalogue's rows are keyed by; a path that
//! the catalogue knows is external even where the program holds the library's own source.

mod python;
mod rust;

use std::sync::{PoisonError, RwLock};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::memo::Memo;
use super::own::OwnRows;
use super::paths::name_modules;
use super::{Cls, Fun, Linked, Mod, Program};
use crate::catalog::{Catalog, Catalogs};
use crate::ir::{FunctionKind, GlobalKind, Language, Name, Owner};
use crate::source::Files;

/// Re-exports are followed this far; import cycles end here.
const MAX_HOPS: usize = 24;

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    Module(Mod),
    Class(Cls),
    Function(Fun),
    /// A module variable or static, of that module and scope-qualified name.
    Global(Mod, Name),
    /// A type alias: index into the module's aliases.
    Alias(Mod, u32),
    /// Something of a library, or a builtin, by full path.
    External(Name),
}

#[derive(Clone, Copy, Debug)]
enum Binding {
    Own(Definition),
    /// Index into the module's imports.
    Import(u32),
}

/// What the scope of a function's items ends in.
const LOCALS: &str = ".<locals>";

/// The tables behind [`Program::resolve`].
#[derive(Debug, Default)]
pub(super) struct Names {
    by_path: FxHashMap<&'static str, Vec<Mod>>,
    by_stem: FxHashMap<&'static str, Vec<Mod>>,
    modules: Vec<Bound>,
    /// What paths were found to mean, by module: scope and path. Only used once classes know their methods. Asked so often
    /// that readers must not wait for each other: a [`Memo`] in its place costs some 3 % of a run.
    resolved: Vec<RwLock<FxHashMap<(Name, Name), Definition>>>,
    /// What a scope of a module was found to bind to a name, so many re-exports away from where it was asked first. A
    /// module that many others import by `*` would be asked for every name of each of them.
    bound: Memo<(Mod, Name, Name, u8), Option<Definition>>,
    /// What was found under a name of a Python module.
    attributes: Memo<(Mod, Name), Definition>,
}

/// What one module binds.
#[derive(Debug, Default)]
struct Bound {
    /// By scope and name.
    bindings: FxHashMap<(Name, Name), Binding>,
    /// By scope: the imports of everything, as indices into the module's.
    globs: FxHashMap<Name, Vec<u32>>,
    /// The scope of the items in a Rust function's body, where there are any: `run.<locals>`.
    local_items: FxHashMap<Fun, Name>,
    /// The methods that rows of the project speak of: the type's path and the method's name.
    own_methods: FxHashMap<Fun, (Name, Name)>,
    /// Inline modules that hold anything.
    inline: FxHashSet<Name>,
}

impl Names {
    /// Names the modules and gathers what each binds.
    pub(super) fn build(files: &Files, modules: &mut [Linked], catalogs: Catalogs) -> Names {
        name_modules(files, modules);
        let mut names = Names::default();
        for (index, linked) in modules.iter().enumerate() {
            let module = Mod(index as u32);
            let name = Name::new(&linked.path.name);
            names.by_path.entry(name.as_str()).or_default().push(module);
            names.by_stem.entry(name.last()).or_default().push(module);
        }
        let modules: Vec<&Linked> = modules.iter().collect();
        let bound = |(index, linked): (usize, &&Linked)| Bound::of(Mod(index as u32), linked, catalogs.of(files.get(linked.file).language));
        names.modules = modules.par_iter().enumerate().map(bound).collect();
        names
    }

    fn of(&self, module: Mod) -> &Bound {
        &self.modules[module.0 as usize]
    }

    /// From now on what a path means is remembered: nothing changes any more.
    pub(super) fn remember(&mut self, modules: usize) {
        self.resolved.resize_with(modules, RwLock::default);
        // What was asked while classes were linked could not know all methods.
        self.forget_ways();
    }

    /// Forgets on what ways names were found: most of what will be asked for is known by now.
    pub(super) fn forget_ways(&mut self) {
        self.bound = Memo::default();
        self.attributes = Memo::default();
    }
}

impl Bound {
    fn of(module: Mod, linked: &Linked, catalog: &Catalog) -> Bound {
        let mut bound = Bound::default();
        let ir = &linked.ir;
        if ir.language == Language::Rust {
            bound.list_local_items(linked);
        }
        let scopes = ir.functions.iter().map(|it| it.scope).chain(ir.classes.iter().map(|it| it.scope)).chain(ir.globals.iter().map(|it| it.scope));
        bound.inline.extend(scopes.filter(|it| *it != ""));
        let rows = OwnRows { path: &linked.path, catalog };
        let methods = linked.ir.functions.iter().enumerate().filter(|it| matches!(it.1.owner, Owner::Class(_) | Owner::Impl(_)));
        for (index, method) in methods {
            let found = rows.method(method.scope, method.name);
            bound.own_methods.extend(found.map(|it| (Fun(linked.first_function + index as u32), it)));
        }
        let mut own = |scope: Name, name: Name, definition: Definition| {
            let definition = rows.named(scope, name).map_or(definition, Definition::External);
            bound.bindings.entry((scope, name)).or_insert(Binding::Own(definition));
        };
        for (index, class) in ir.classes.iter().enumerate() {
            own(class.scope, class.name, Definition::Class(Cls(linked.first_class + index as u32)));
        }
        for (index, function) in ir.functions.iter().enumerate() {
            let is_local = || ir.language == Language::Rust && matches!(function.owner, Owner::Function(_));
            if matches!(function.kind, FunctionKind::Function) && (matches!(function.owner, Owner::Module) || is_local()) {
                own(function.scope, function.name, Definition::Function(Fun(linked.first_function + index as u32)));
            }
        }
        for (index, alias) in ir.aliases.iter().enumerate() {
            own(alias.scope, alias.name, Definition::Alias(module, index as u32));
        }
        for global in &ir.globals {
            own(global.scope, global.name, Definition::Global(module, qualified_global(ir.language, global.scope, global.name)));
        }
        for (index, import) in ir.imports.iter().enumerate() {
            if import.glob && !may_give(catalog, import.path) {
                continue;
            }
            if import.glob {
                bound.globs.entry(import.scope).or_default().push(index as u32);
            } else {
                bound.bindings.entry((import.scope, import.binds)).or_insert(Binding::Import(index as u32));
            }
        }
        bound
    }

    fn list_local_items(&mut self, linked: &Linked) {
        let ir = &linked.ir;
        let named = ir.functions.iter().filter(|it| it.kind == FunctionKind::Function).map(|it| it.scope);
        let scopes = ir.globals.iter().map(|it| it.scope).chain(ir.classes.iter().map(|it| it.scope)).chain(ir.imports.iter().map(|it| it.scope));
        let local: FxHashSet<Name> = scopes.chain(named).filter(|it| it.as_str().ends_with(LOCALS)).collect();
        if local.is_empty() {
            return;
        }
        for (index, function) in ir.functions.iter().enumerate() {
            let scope = Name::concat(&[&function.qualified_name(Language::Rust), LOCALS]);
            if local.contains(&scope) {
                self.local_items.insert(Fun(linked.first_function + index as u32), scope);
            }
        }
    }
}

/// Whether a `use path::*` can be followed: into its own crate, or to what the catalogue knows.
fn may_give(catalog: &Catalog, path: Name) -> bool {
    catalog.language == Language::Python || matches!(path.first(), "crate" | "self" | "super") || catalog.knows_below(path)
}

/// The name under which a global is known in its module: with its inline modules, for Rust.
pub(super) fn qualified_global(language: Language, scope: Name, name: Name) -> Name {
    match language {
        Language::Rust if scope != "" => Name::concat(&[scope.as_str(), "::", name.as_str()]),
        _ => name,
    }
}

fn shared_prefix(a: &[String], b: &[String]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Program<'_> {
    /// The module at `path`, seen from `from`: of several, the nearest in the tree.
    fn module_at(&self, from: Mod, path: &str) -> Option<Mod> {
        let nearest = |candidates: &[Mod]| {
            let here = &self.module(from).path.folders;
            candidates.iter().copied().max_by_key(|it| (shared_prefix(here, &self.module(*it).path.folders), std::cmp::Reverse(*it)))
        };
        let language = self.module(from).ir.language;
        if let Some(found) = self.names.by_path.get(path).and_then(|it| nearest(it)) {
            return (self.module(found).ir.language == language).then_some(found);
        }
        if language != Language::Python || !path.contains('.') {
            return None;
        }
        // A namespace package (folders without `__init__.py`): the file's folders must end in the path's.
        let parts: Vec<&str> = path.split('.').collect();
        let (stem, parents) = parts.split_last()?;
        let candidates: Vec<Mod> = self
            .names
            .by_stem
            .get(stem)?
            .iter()
            .copied()
            .filter(|it| {
                let linked = self.module(*it);
                let folders =
                    if linked.path.is_package { linked.path.folders.split_last().map_or(&[][..], |it| it.1) } else { &linked.path.folders[..] };
                folders.len() >= parents.len() && folders[folders.len() - parents.len()..].iter().eq(parents.iter())
            })
            .collect();
        nearest(&candidates).filter(|it| self.module(*it).ir.language == language)
    }

    /// What `path` means in `scope` of `module`. Never fails: what the program does not define is external.
    pub fn resolve(&self, module: Mod, scope: Name, path: Name) -> Definition {
        let Some(known) = self.names.resolved.get(module.0 as usize) else { return self.resolve_hops(module, scope, path, 0) };
        // A poisoned lock holds whole entries all the same.
        if let Some(found) = known.read().unwrap_or_else(PoisonError::into_inner).get(&(scope, path)) {
            return *found;
        }
        let found = self.resolve_hops(module, scope, path, 0);
        known.write().unwrap_or_else(PoisonError::into_inner).insert((scope, path), found);
        found
    }

    fn resolve_hops(&self, module: Mod, scope: Name, path: Name, hops: usize) -> Definition {
        if hops > MAX_HOPS {
            return Definition::External(path);
        }
        match self.module(module).ir.language {
            Language::Python => self.resolve_python(module, path, hops),
            Language::Rust => self.resolve_rust(module, scope, path, hops),
        }
    }

    /// The attribute `name` of a module, class or library object.
    pub fn attribute(&self, of: Definition, name: Name) -> Definition {
        match of {
            Definition::Module(module) => self.names.attributes.get((module, name), || self.python_attribute(of, name, 0)),
            _ => self.python_attribute(of, name, 0),
        }
    }

    /// What a row of the project says of a method of the program: the type's path and the method's name.
    pub(super) fn own_method(&self, method: Fun) -> Option<(Name, Name)> {
        self.names.of(self.module_of(method)).own_methods.get(&method).copied()
    }

    /// The kind of a global.
    pub fn global_kind(&self, module: Mod, name: Name) -> Option<(GlobalKind, bool)> {
        let ir = &self.module(module).ir;
        ir.globals.iter().find(|it| qualified_global(ir.language, it.scope, it.name) == name).map(|it| (it.kind, it.mutable))
    }
}
