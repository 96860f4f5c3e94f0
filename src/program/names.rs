//! What a name means: module paths, imports, re-exports.
//!
//! An import that several files could answer goes to the one nearest in the tree. A path that leads out of the program
//! stays as [`Definition::External`] with its full spelling, which is what the catalogue's rows are keyed by; a path that
//! the catalogue knows is external even where the program holds the library's own source.

use std::sync::{PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::memo::Memo;
use super::own::OwnRows;
use super::paths::name_modules;
use super::{Cls, Fun, Linked, Mod, Program};
use crate::catalog::{Catalog, Catalogs};
use crate::finding::FileId;
use crate::ir::{FunctionKind, GlobalKind, Import, Language, Name, Owner};
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
    bindings: FxHashMap<(Mod, Name, Name), Binding>,
    globs: FxHashMap<(Mod, Name), Vec<u32>>,
    /// The scope of the items in a Rust function's body, where there are any: `run.<locals>`.
    local_items: FxHashMap<Fun, Name>,
    /// The methods that rows of the project speak of: the type's path and the method's name.
    own_methods: FxHashMap<Fun, (Name, Name)>,
    /// Inline modules that hold anything.
    inline: FxHashSet<(Mod, Name)>,
    /// What paths were found to mean, by module: scope and path. Only used once classes know their methods. Asked so often
    /// that readers must not wait for each other: a [`Memo`] in its place costs some 3 % of a run.
    resolved: Vec<RwLock<FxHashMap<(Name, Name), Definition>>>,
    /// What a scope of a module was found to bind to a name, so many re-exports away from where it was asked first. A
    /// module that many others import by `*` would be asked for every name of each of them.
    bound: Memo<(Mod, Name, Name, u8), Option<Definition>>,
    /// What was found under a name of a Python module.
    attributes: Memo<(Mod, Name), Definition>,
}

impl Names {
    /// Names the modules and gathers what each binds.
    pub(super) fn build(files: &Files, modules: &mut [Linked], catalogs: Catalogs) -> Names {
        name_modules(files, modules);
        let mut names = Names::default();
        for (index, linked) in modules.iter().enumerate() {
            let module = Mod(index as u32);
            let file = files.get(linked.file);
            let name = Name::new(&linked.path.name);
            names.by_path.entry(name.as_str()).or_default().push(module);
            names.by_stem.entry(name.last()).or_default().push(module);
            names.bind_all(module, linked, catalogs.of(file.language));
        }
        names
    }

    /// From now on what a path means is remembered: nothing changes any more.
    pub(super) fn remember(&mut self, modules: usize) {
        self.resolved.resize_with(modules, RwLock::default);
        // What was asked while classes were linked could not know all methods.
        self.bound = Memo::default();
        self.attributes = Memo::default();
    }

    fn bind_all(&mut self, module: Mod, linked: &Linked, catalog: &Catalog) {
        let ir = &linked.ir;
        if ir.language == Language::Rust {
            self.list_local_items(linked);
        }
        let scopes = ir.functions.iter().map(|it| it.scope).chain(ir.classes.iter().map(|it| it.scope)).chain(ir.globals.iter().map(|it| it.scope));
        self.inline.extend(scopes.filter(|it| *it != "").map(|it| (module, it)));
        let rows = OwnRows { path: &linked.path, catalog };
        let methods = linked.ir.functions.iter().enumerate().filter(|it| matches!(it.1.owner, Owner::Class(_) | Owner::Impl(_)));
        for (index, method) in methods {
            let found = rows.method(&method.qualified_name(ir.language));
            self.own_methods.extend(found.map(|it| (Fun(linked.first_function + index as u32), it)));
        }
        let mut own = |scope: Name, name: Name, definition: Definition| {
            let definition = rows.named(&rows.qualified(scope, name)).map_or(definition, Definition::External);
            self.bindings.entry((module, scope, name)).or_insert(Binding::Own(definition));
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
                self.globs.entry((module, import.scope)).or_default().push(index as u32);
            } else {
                self.bindings.entry((module, import.scope, import.binds)).or_insert(Binding::Import(index as u32));
            }
        }
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
            let scope = Name::new(&format!("{}{LOCALS}", function.qualified_name(Language::Rust)));
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
        Language::Rust if scope != "" => Name::new(&format!("{scope}::{name}")),
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

    fn resolve_python(&self, module: Mod, path: Name, hops: usize) -> Definition {
        let mut segments = path.segments();
        let Some(first) = segments.next() else { return Definition::External(path) };
        let mut found = self.python_binding(module, Name::new(first), hops);
        for segment in segments {
            found = self.python_attribute(found, Name::new(segment), hops);
        }
        found
    }

    fn python_binding(&self, module: Mod, name: Name, hops: usize) -> Definition {
        let answer = || Some(self.find_python_binding(module, name, hops));
        self.names.bound.get((module, Name::new(""), name, hops as u8), answer).unwrap_or(Definition::External(name))
    }

    /// What a class stands in for, where that is missing: `try: from threading import Lock`, `except ImportError: class
    /// Lock: …`.
    fn stands_in_for(&self, module: Mod, class: Cls) -> Option<Definition> {
        let linked = self.module(module);
        let ir = self.class(class);
        let import =
            linked.ir.imports.iter().find(|it| it.binds == ir.name && it.function.is_none() && it.level == 0 && it.range.end < ir.range.start)?;
        let full = Name::new(&format!("{}.{}", import.path, import.item?));
        self.catalogs.python.knows(full).then_some(Definition::External(full))
    }

    fn find_python_binding(&self, module: Mod, name: Name, hops: usize) -> Definition {
        let empty = Name::new("");
        match self.names.bindings.get(&(module, empty, name)) {
            Some(Binding::Own(Definition::Class(class))) => return self.stands_in_for(module, *class).unwrap_or(Definition::Class(*class)),
            Some(Binding::Own(definition)) => return *definition,
            Some(Binding::Import(index)) => return self.python_import(module, &self.module(module).ir.imports[*index as usize], hops),
            None => {}
        }
        for index in self.names.globs.get(&(module, empty)).into_iter().flatten() {
            let import = &self.module(module).ir.imports[*index as usize];
            match self.python_module(module, import) {
                Ok(target) if hops < MAX_HOPS && target != module => {
                    if let Some(found) = self.python_member(target, name, hops + 1) {
                        return found;
                    }
                }
                Ok(_) => {}
                Err(path) => {
                    let full = Name::new(&format!("{path}.{name}"));
                    if self.catalogs.python.knows(full) {
                        return Definition::External(full);
                    }
                }
            }
        }
        Definition::External(name)
    }

    /// The modules of the program that a Python module imports.
    pub(super) fn imported(&self, module: Mod) -> Vec<Mod> {
        let linked = self.module(module);
        if linked.ir.language != Language::Python {
            return Vec::new();
        }
        let targets = linked.ir.imports.iter().flat_map(|it| {
            let path = self.absolute(module, it);
            let item = it.item.and_then(|item| self.module_at(module, &format!("{path}.{item}")));
            [self.module_at(module, &path), item]
        });
        let mut targets: Vec<Mod> = targets.flatten().filter(|it| *it != module).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The module an import names, or the external path.
    fn python_module(&self, from: Mod, import: &Import) -> Result<Mod, String> {
        let path = self.absolute(from, import);
        self.module_at(from, &path).ok_or(path)
    }

    fn absolute(&self, from: Mod, import: &Import) -> String {
        if import.level == 0 {
            return import.path.to_string();
        }
        let here = &self.module(from).path;
        let mut parts: Vec<&str> = here.name.split('.').filter(|it| !it.is_empty()).collect();
        let up = import.level as usize - usize::from(here.is_package);
        parts.truncate(parts.len().saturating_sub(up));
        for segment in import.path.segments() {
            parts.push(segment);
        }
        parts.join(".")
    }

    fn python_import(&self, from: Mod, import: &Import, hops: usize) -> Definition {
        let path = self.absolute(from, import);
        match import.item {
            Some(item) => {
                let full = Name::new(&format!("{path}.{item}"));
                if self.catalogs.python.knows(full) {
                    return Definition::External(full);
                }
                if let Some(target) = self.module_at(from, &path)
                    && hops < MAX_HOPS
                    && let Some(found) = self.python_member(target, item, hops + 1)
                {
                    return found;
                }
                self.module_at(from, full.as_str()).map_or(Definition::External(full), Definition::Module)
            }
            None => {
                let path = if import.binds_root { import.path.first() } else { path.as_str() };
                self.module_at(from, path).map_or(Definition::External(Name::new(path)), Definition::Module)
            }
        }
    }

    /// What `module` binds to `name`, if it does.
    fn python_member(&self, module: Mod, name: Name, hops: usize) -> Option<Definition> {
        match self.python_binding(module, name, hops) {
            Definition::External(path) if path == name => None,
            found => Some(found),
        }
    }

    fn python_attribute(&self, of: Definition, name: Name, hops: usize) -> Definition {
        match of {
            Definition::Module(module) => {
                let full = Name::new(&format!("{}.{name}", self.module(module).path.name));
                if self.catalogs.python.knows(full) {
                    return Definition::External(full);
                }
                if let Some(found) = self.python_member(module, name, hops + 1) {
                    return found;
                }
                self.module_at(module, full.as_str()).map_or(Definition::External(full), Definition::Module)
            }
            Definition::Class(class) => self
                .method(class, name)
                .map_or_else(|| Definition::External(Name::new(&format!("{}.{name}", self.class_name(class)))), Definition::Function),
            Definition::External(path) => Definition::External(Name::new(&format!("{path}.{name}"))),
            Definition::Function(_) | Definition::Global(..) | Definition::Alias(..) => Definition::External(name),
        }
    }

    /// The attribute `name` of a module, class or library object.
    pub fn attribute(&self, of: Definition, name: Name) -> Definition {
        match of {
            Definition::Module(module) => self.names.attributes.get((module, name), || self.python_attribute(of, name, 0)),
            _ => self.python_attribute(of, name, 0),
        }
    }

    fn resolve_rust(&self, module: Mod, scope: Name, path: Name, hops: usize) -> Definition {
        let segments: Vec<&str> = path.segments().collect();
        let Some((first, rest)) = segments.split_first() else { return Definition::External(path) };
        let crate_root = self.module(module).path.name.split("::").next().unwrap_or("");
        let mut base = self.module_path(module, scope);
        match *first {
            "crate" | "$crate" => self.rust_absolute(module, &[crate_root], rest, hops),
            "self" if !rest.is_empty() => self.rust_absolute(module, &base, rest, hops),
            "super" => {
                let ups = segments.iter().take_while(|it| **it == "super").count();
                base.truncate(base.len().saturating_sub(ups).max(1));
                self.rust_absolute(module, &base, &segments[ups..], hops)
            }
            first => {
                if let Some(found) = self.rust_binding(module, scope, Name::new(first), hops) {
                    return self.rust_members(module, found, rest, hops);
                }
                if let Some(found) = self.around(module, scope, path, hops) {
                    return found;
                }
                // An inline module or a submodule, then another crate of the program.
                base.push(first);
                if self.module_at(module, &base.join("::")).is_some() || self.is_inline_module(module, &base) {
                    return self.rust_absolute(module, &base, rest, hops);
                }
                if self.module_at(module, first).is_some() && !rest.is_empty() {
                    return self.rust_absolute(module, &[first], rest, hops);
                }
                Definition::External(prelude(first, rest).unwrap_or(path))
            }
        }
    }

    /// The path of the module that a scope stands in.
    fn module_path(&self, module: Mod, scope: Name) -> Vec<&str> {
        let linked = self.module(module);
        let mut base: Vec<&str> = linked.path.name.split("::").collect();
        let own = base.len();
        let is_local = scope.as_str().contains(LOCALS);
        for segment in scope.segments() {
            let is_type = || {
                matches!(
                    self.names.bindings.get(&(module, Name::new(&base[own..].join("::")), Name::new(segment))),
                    Some(Binding::Own(Definition::Class(_)))
                )
            };
            if is_local && (segment.ends_with(LOCALS) || is_type()) {
                break;
            }
            base.push(segment);
        }
        base
    }

    /// What a name that a function's own items do not have means around the function.
    fn around(&self, module: Mod, scope: Name, path: Name, hops: usize) -> Option<Definition> {
        if hops >= MAX_HOPS || !scope.as_str().contains(LOCALS) {
            return None;
        }
        let mut scope = scope.as_str();
        while !scope.is_empty() {
            scope = scope.rsplit_once("::").map_or("", |it| it.0);
            match self.resolve_rust(module, Name::new(scope), path, hops + 1) {
                Definition::External(found) if found == path => {}
                found => return Some(found),
            }
        }
        None
    }

    /// The scope of the items in a function's body.
    pub(super) fn local_items(&self, function: Fun) -> Option<Name> {
        self.names.local_items.get(&function).copied()
    }

    fn is_inline_module(&self, module: Mod, path: &[&str]) -> bool {
        let own = self.module(module).path.name.split("::").count();
        path.len() > own && self.names.inline.contains(&(module, Name::new(&path[own..].join("::"))))
    }

    /// What scope `scope` of `module` binds to `name`.
    fn rust_binding(&self, module: Mod, scope: Name, name: Name, hops: usize) -> Option<Definition> {
        self.names.bound.get((module, scope, name, hops as u8), || self.find_rust_binding(module, scope, name, hops))
    }

    fn find_rust_binding(&self, module: Mod, scope: Name, name: Name, hops: usize) -> Option<Definition> {
        let follow = |import: &Import| {
            // `use x::Name;` inside module `x` itself would look itself up.
            if hops >= MAX_HOPS { Definition::External(import.path) } else { self.resolve_use(module, scope, import.path, name, hops + 1) }
        };
        match self.names.bindings.get(&(module, scope, name)) {
            Some(Binding::Own(definition)) => return Some(*definition),
            Some(Binding::Import(index)) => return Some(follow(&self.module(module).ir.imports[*index as usize])),
            None => {}
        }
        for index in self.names.globs.get(&(module, scope)).into_iter().flatten() {
            let import = &self.module(module).ir.imports[*index as usize];
            let full = Name::new(&format!("{}::{name}", import.path));
            if self.catalogs.rust.knows(full) || self.catalogs.rust.guard(full).is_some() {
                return Some(Definition::External(full));
            }
            if hops + 4 < MAX_HOPS && matches!(import.path.first(), "crate" | "self" | "super") {
                match self.resolve_rust(module, scope, full, hops + 4) {
                    // What is not found there is spelled as it was asked for; what that module has of a library is not.
                    Definition::External(path) if !self.catalogs.rust.knows(path) && self.catalogs.rust.guard(path).is_none() => {}
                    Definition::Module(_) => {}
                    found => return Some(found),
                }
            }
        }
        None
    }

    /// A `use` path: like any path, but its first segment is not looked up among the names the same `use` binds.
    fn resolve_use(&self, module: Mod, scope: Name, path: Name, binds: Name, hops: usize) -> Definition {
        if path.first() == binds.as_str() {
            let segments: Vec<&str> = path.segments().collect();
            if segments.len() > 1 && self.module_at(module, segments[0]).is_some() {
                return self.rust_absolute(module, &segments[..1], &segments[1..], hops);
            }
            return Definition::External(path);
        }
        self.resolve_rust(module, scope, path, hops)
    }

    /// Follows `rest` from the module at `base`.
    fn rust_absolute(&self, from: Mod, base: &[&str], rest: &[&str], hops: usize) -> Definition {
        let mut path: Vec<&str> = base.to_vec();
        let mut rest = rest;
        // As far as modules go.
        while let Some((next, after)) = rest.split_first() {
            path.push(next);
            if self.module_at(from, &path.join("::")).is_none() {
                path.pop();
                break;
            }
            rest = after;
        }
        let spelled = || Definition::External(Name::new(&[&path[..], rest].concat().join("::")));
        let mut inline = path.clone();
        let (module, scope) = loop {
            match self.module_at(from, &inline.join("::")) {
                Some(found) => break (found, Name::new(&path[inline.len()..].join("::"))),
                None if inline.len() > 1 => {
                    inline.pop();
                }
                None => return spelled(),
            }
        };
        let Some((name, after)) = rest.split_first() else { return Definition::Module(module) };
        if let Some(found) = self.rust_binding(module, scope, Name::new(name), hops + 1) {
            return self.rust_members(module, found, after, hops);
        }
        // An inline module below this one.
        if !after.is_empty() {
            let deeper = if scope == "" { Name::new(name) } else { Name::new(&format!("{scope}::{name}")) };
            if let Some(found) = self.rust_binding(module, deeper, Name::new(after[0]), hops + 1) {
                return self.rust_members(module, found, &after[1..], hops);
            }
        }
        spelled()
    }

    fn rust_members(&self, from: Mod, of: Definition, rest: &[&str], hops: usize) -> Definition {
        let Some((name, after)) = rest.split_first() else { return of };
        match of {
            Definition::Module(module) => {
                let base = self.module(module).path.name.clone();
                let base: Vec<&str> = base.split("::").collect();
                if hops >= MAX_HOPS { Definition::External(Name::new(name)) } else { self.rust_absolute(from, &base, rest, hops + 1) }
            }
            Definition::Class(class) => {
                let found = self.method(class, Name::new(name)).map(Definition::Function);
                found
                    .filter(|_| after.is_empty())
                    .unwrap_or_else(|| Definition::External(Name::new(&format!("{}::{}", self.class_name(class), rest.join("::")))))
            }
            Definition::Alias(module, index) => {
                let alias = &self.module(module).ir.aliases[index as usize];
                match &alias.ty {
                    crate::ir::TypeRef::Path { path, .. } if hops < MAX_HOPS => {
                        let target = self.resolve_rust(module, alias.scope, *path, hops + 1);
                        self.rust_members(from, target, rest, hops + 1)
                    }
                    _ => Definition::External(Name::new(&rest.join("::"))),
                }
            }
            Definition::External(path) => {
                let full = format!("{path}::{}", rest.join("::"));
                Definition::External(Name::new(&full))
            }
            Definition::Function(_) | Definition::Global(..) => of,
        }
    }

    /// What a row of the project says of a method of the program: the type's path and the method's name.
    pub(super) fn own_method(&self, method: Fun) -> Option<(Name, Name)> {
        self.names.own_methods.get(&method).copied()
    }

    /// The kind of a global.
    pub fn global_kind(&self, module: Mod, name: Name) -> Option<(GlobalKind, bool)> {
        let ir = &self.module(module).ir;
        ir.globals.iter().find(|it| qualified_global(ir.language, it.scope, it.name) == name).map(|it| (it.kind, it.mutable))
    }

    pub fn file_of(&self, module: Mod) -> FileId {
        self.module(module).file
    }
}

/// Names every Rust module has without importing them.
fn prelude(first: &str, rest: &[&str]) -> Option<Name> {
    let path = match first {
        "Vec" => "std::vec::Vec",
        "Box" => "std::boxed::Box",
        "String" => "std::string::String",
        "Option" => "std::option::Option",
        "Result" => "std::result::Result",
        "drop" => "std::mem::drop",
        "core" | "alloc" => {
            let full = format!("std::{}", rest.join("::"));
            return Some(Name::new(&full));
        }
        _ => return None,
    };
    Some(Name::new(&[&[path], rest].concat().join("::")))
}
