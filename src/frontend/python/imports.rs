//! Import statements as [`Import`]s. They bind names and are no ops.

use super::context::{Ctx, FrameKind};
use super::scope::Home;
use super::syntax::{Field, Kind, Node};
use super::types::dotted;
use crate::ir::{FunctionId, Import, Name};

impl<'t> Ctx<'t> {
    /// Notes what the scope that just opened imports.
    pub(super) fn collect_imports(&mut self) {
        for statement in std::mem::take(&mut self.frame.bindings.imports) {
            if statement.has_error() {
                continue;
            }
            match statement.kind() {
                Kind::ImportStatement => self.import_modules(statement),
                _ => self.import_items(statement),
            }
        }
    }

    /// `import a.b, c as d`.
    fn import_modules(&mut self, statement: Node<'t>) {
        for node in statement.children_of(Field::Name) {
            let Some((path, alias)) = self.imported(node) else { continue };
            let binds = alias.unwrap_or_else(|| Name::new(path.first()));
            self.imports.push(Import { binds_root: alias.is_none() && path.is_path(), ..self.import(path, binds, node) });
        }
    }

    /// `from ..a import b as c, d`, `from a import *`.
    fn import_items(&mut self, statement: Node<'t>) {
        let (level, path) = match statement.child(Field::ModuleName) {
            None => (0, Some(Name::new("__future__"))),
            Some(module) if module.kind() == Kind::RelativeImport => {
                let dots = module.first_of(Kind::ImportPrefix).map_or("", |it| it.text(self.source));
                let level = dots.bytes().filter(|it| *it == b'.').count();
                (u32::try_from(level).unwrap_or(u32::MAX), module.first_of(Kind::DottedName).and_then(|it| dotted(it, self.source)))
            }
            Some(module) => (0, dotted(module, self.source)),
        };
        let path = path.unwrap_or_else(|| Name::new(""));
        if let Some(star) = statement.first_of(Kind::WildcardImport) {
            self.imports.push(Import { level, glob: true, ..self.import(path, Name::new("*"), star) });
        }
        for node in statement.children_of(Field::Name) {
            let Some((item, alias)) = self.imported(node) else { continue };
            self.imports.push(Import { level, item: Some(item), ..self.import(path, alias.unwrap_or(item), node) });
        }
    }

    /// The name and the alias of one imported thing.
    fn imported(&self, node: Node<'t>) -> Option<(Name, Option<Name>)> {
        if node.kind() != Kind::AliasedImport {
            return Some((dotted(node, self.source)?, None));
        }
        let alias = node.child(Field::Alias).map(|it| self.name(it));
        Some((dotted(node.child(Field::Name)?, self.source)?, alias))
    }

    fn import(&self, path: Name, binds: Name, node: Node<'t>) -> Import {
        Import {
            path,
            item: None,
            level: 0,
            binds,
            binds_root: false,
            glob: false,
            public: false,
            scope: Name::new(""),
            function: self.importing_function(binds),
            range: node.range(),
        }
    }

    /// The function whose own import this is; none for the module's, which `global` makes it, too.
    fn importing_function(&self, binds: Name) -> Option<FunctionId> {
        let is_global = self.frame.bindings.names.get(&binds).is_some_and(|it| it.home == Home::Module);
        (self.frame.kind != FrameKind::Module && !is_global).then_some(self.frame.id)
    }
}
