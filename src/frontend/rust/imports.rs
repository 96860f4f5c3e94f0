//! `use` and `extern crate`.

use proc_macro2::Span;
use syn::{ItemExternCrate, ItemUse, UseTree, Visibility};

use super::context::Ctx;
use super::types;
use crate::ir::{Import, Name};

impl Ctx<'_> {
    pub(super) fn use_item(&mut self, it: &ItemUse) {
        let prefix = if it.leading_colon.is_some() { "::" } else { "" };
        self.use_tree(&it.tree, prefix.to_string(), &it.vis);
    }

    /// Adds the imports of `tree`, whose names are below `path`.
    fn use_tree(&mut self, mut tree: &UseTree, mut path: String, visibility: &Visibility) {
        while let UseTree::Path(it) = tree {
            push(&mut path, types::ident(&it.ident));
            tree = &it.tree;
        }
        match tree {
            UseTree::Name(it) if it.ident == "self" => {
                let last = Name::new(Name::new(&path).last());
                self.import(path, last, it.ident.span(), visibility);
            }
            UseTree::Name(it) => {
                let name = types::ident(&it.ident);
                push(&mut path, name);
                self.import(path, name, it.ident.span(), visibility);
            }
            UseTree::Rename(it) => {
                if it.ident != "self" {
                    push(&mut path, types::ident(&it.ident));
                }
                self.import(path, types::ident(&it.rename), it.rename.span(), visibility);
            }
            UseTree::Glob(it) => self.import(path, Name::new("*"), it.star_token.span, visibility),
            UseTree::Group(it) => it.items.iter().for_each(|tree| self.use_tree(tree, path.clone(), visibility)),
            UseTree::Path(_) => {}
        }
    }

    pub(super) fn extern_crate(&mut self, it: &ItemExternCrate) {
        let name = types::ident(&it.ident);
        let binds = it.rename.as_ref().map_or(name, |(_, rename)| types::ident(rename));
        let path = if name == "self" { "crate" } else { name.as_str() };
        self.import(path.to_string(), binds, it.ident.span(), &it.vis);
    }

    fn import(&mut self, path: String, binds: Name, span: Span, visibility: &Visibility) {
        let range = self.range(span);
        self.module.imports.push(Import {
            path: Name::new(&path),
            item: None,
            level: 0,
            binds,
            binds_root: false,
            glob: binds == "*",
            public: !matches!(visibility, Visibility::Inherited),
            scope: self.scope,
            function: (!self.is_module_frame()).then_some(self.frame.id),
            range,
        });
    }
}

fn push(path: &mut String, name: Name) {
    if !path.is_empty() && !path.ends_with("::") {
        path.push_str("::");
    }
    path.push_str(name.as_str());
}
