//! What a dotted name means in Python: bindings of the module, imports, `*`, attributes of modules and classes.

use super::super::{Cls, Mod, Program};
use super::{Binding, Definition, MAX_HOPS};
use crate::ir::{Import, Language, Name};

impl Program<'_> {
    pub(super) fn resolve_python(&self, module: Mod, path: Name, hops: usize) -> Definition {
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
        let full = Name::concat(&[import.path.as_str(), ".", import.item?.as_str()]);
        self.catalogs.python.knows(full).then_some(Definition::External(full))
    }

    fn find_python_binding(&self, module: Mod, name: Name, hops: usize) -> Definition {
        let empty = Name::new("");
        match self.names.of(module).bindings.get(&(empty, name)) {
            Some(Binding::Own(Definition::Class(class))) => return self.stands_in_for(module, *class).unwrap_or(Definition::Class(*class)),
            Some(Binding::Own(definition)) => return *definition,
            Some(Binding::Import(index)) => return self.python_import(module, &self.module(module).ir.imports[*index as usize], hops),
            None => {}
        }
        for index in self.names.of(module).globs.get(&empty).into_iter().flatten() {
            let import = &self.module(module).ir.imports[*index as usize];
            match self.python_module(module, import) {
                Ok(target) if hops < MAX_HOPS && target != module => {
                    if let Some(found) = self.python_member(target, name, hops + 1) {
                        return found;
                    }
                }
                Ok(_) => {}
                Err(path) => {
                    let full = Name::concat(&[path.as_str(), ".", name.as_str()]);
                    if self.catalogs.python.knows(full) {
                        return Definition::External(full);
                    }
                }
            }
        }
        Definition::External(name)
    }

    /// The modules of the program that a Python module imports.
    pub(in crate::program) fn imported(&self, module: Mod) -> Vec<Mod> {
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
                let full = Name::concat(&[path.as_str(), ".", item.as_str()]);
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

    pub(super) fn python_attribute(&self, of: Definition, name: Name, hops: usize) -> Definition {
        match of {
            Definition::Module(module) => {
                let full = Name::concat(&[&self.module(module).path.name, ".", name.as_str()]);
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
                .map_or_else(|| Definition::External(Name::concat(&[self.class_name(class), ".", name.as_str()])), Definition::Function),
            Definition::External(path) => Definition::External(Name::concat(&[path.as_str(), ".", name.as_str()])),
            Definition::Function(_) | Definition::Global(..) | Definition::Alias(..) => Definition::External(name),
        }
    }
}
