//! What the project's own rows say of classes and functions that the program itself defines.
//!
//! A row is believed: the type it names is a library's then, with the methods that the row gives it, and what its source
//! holds is no matter to those who use it.

use super::paths::ModulePath;
use crate::catalog::Catalog;
use crate::ir::{Language, Name};

/// The rows, asked by one module.
pub(super) struct OwnRows<'l> {
    pub(super) path: &'l ModulePath,
    pub(super) catalog: &'l Catalog,
}

impl OwnRows<'_> {
    /// The path under which a row knows what the module calls `name` in `scope`.
    pub(super) fn named(&self, scope: Name, name: Name) -> Option<Name> {
        if self.catalog.own().is_empty() {
            return None;
        }
        let name = if scope == "" { name.to_string() } else { format!("{scope}{}{name}", self.separator()) };
        let module = |it: &Name| it.as_str().strip_suffix(&name)?.strip_suffix(self.separator());
        self.catalog.own().iter().copied().filter(|it| module(it).is_some_and(|it| self.is_called(it))).min()
    }

    /// The same for a method, whose scope is its type: its type's path and its name.
    pub(super) fn method(&self, scope: Name, name: Name) -> Option<(Name, Name)> {
        let path = self.named(scope, name)?.as_str();
        let (ty, method) = path.rsplit_once(self.separator())?;
        Some((Name::new(ty), Name::new(method)))
    }

    /// Whether `path` is the module's, with or without the folders above that have no `__init__.py`.
    fn is_called(&self, path: &str) -> bool {
        let ModulePath { name, folders, is_package } = self.path;
        let Some(above) = path.strip_suffix(name.as_str()) else { return false };
        let Some(above) = above.strip_suffix(self.separator()) else { return above.is_empty() };
        let own = name.split('.').count() - usize::from(!is_package);
        let mut folders = folders[..folders.len().saturating_sub(own)].iter().rev();
        self.catalog.language == Language::Python && above.rsplit('.').all(|part| folders.next().is_some_and(|it| it == part))
    }

    fn separator(&self) -> &'static str {
        match self.catalog.language {
            Language::Python => ".",
            Language::Rust => "::",
        }
    }
}
