//! What a path means in Rust: items of scopes and modules, `use`, `crate::`, `self::` and `super::`, other crates, the
//! prelude.

use super::super::{Fun, Mod, Program};
use super::{Binding, Definition, LOCALS, MAX_HOPS};
use crate::ir::{Import, Name};

impl Program<'_> {
    pub(super) fn resolve_rust(&self, module: Mod, scope: Name, path: Name, hops: usize) -> Definition {
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
                    self.names.of(module).bindings.get(&(Name::new(&base[own..].join("::")), Name::new(segment))),
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
    pub(in crate::program) fn local_items(&self, function: Fun) -> Option<Name> {
        self.names.of(self.module_of(function)).local_items.get(&function).copied()
    }

    fn is_inline_module(&self, module: Mod, path: &[&str]) -> bool {
        let own = self.module(module).path.name.split("::").count();
        path.len() > own && self.names.of(module).inline.contains(&Name::new(&path[own..].join("::")))
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
        match self.names.of(module).bindings.get(&(scope, name)) {
            Some(Binding::Own(definition)) => return Some(*definition),
            Some(Binding::Import(index)) => return Some(follow(&self.module(module).ir.imports[*index as usize])),
            None => {}
        }
        for index in self.names.of(module).globs.get(&scope).into_iter().flatten() {
            let import = &self.module(module).ir.imports[*index as usize];
            let full = Name::concat(&[import.path.as_str(), "::", name.as_str()]);
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
            let deeper = if scope == "" { Name::new(name) } else { Name::concat(&[scope.as_str(), "::", name]) };
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
