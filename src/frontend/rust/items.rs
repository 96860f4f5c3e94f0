//! Items: what a module, a block, an impl or a trait declares.

use proc_macro2::Span;
use syn::{
    Attribute, Expr, Fields, ForeignItem, Generics, Ident, ImplItem, Item, ItemImpl, ItemMod, ItemTrait, StaticMutability, TraitItem, Type,
    Visibility,
};

use super::attributes::{marks_test, path_attribute, told};
use super::context::Ctx;
use super::function::Definition;
use super::scope::Scope;
use super::{span, types};
use crate::ir::{
    Base, Class, ClassId, ClassKind, Field, Global, GlobalKind, Impl, Name, Owner, Place, Range, StoreKind, Submodule, TypeAlias, TypeRef,
};

/// What structs, enums, unions and traits have in common.
struct Head<'e> {
    kind: ClassKind,
    attributes: &'e [Attribute],
    visibility: &'e Visibility,
    keyword: Span,
    name: &'e Ident,
    generics: &'e Generics,
    last: Span,
}

/// A static or const, with what initialises it.
struct GlobalItem<'e> {
    kind: GlobalKind,
    mutable: bool,
    attributes: &'e [Attribute],
    name: &'e Ident,
    ty: Option<TypeRef>,
    init: Option<&'e Expr>,
    range: Range,
}

impl Ctx<'_> {
    pub(super) fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        self.deeper(|ctx| ctx.item_here(item));
    }

    fn item_here(&mut self, item: &Item) {
        match item {
            Item::Const(it) => {
                let range = self.range_between(it.const_token.span, it.semi_token.span);
                let ty = Some(types::type_ref(&it.ty));
                let kind = GlobalKind::Const;
                self.global(GlobalItem { kind, mutable: false, attributes: &it.attrs, name: &it.ident, ty, init: Some(&it.expr), range });
            }
            Item::Static(it) => {
                let range = self.range_between(it.static_token.span, it.semi_token.span);
                let mutable = matches!(it.mutability, StaticMutability::Mut(_));
                let ty = Some(types::type_ref(&it.ty));
                let kind = GlobalKind::Static;
                self.global(GlobalItem { kind, mutable, attributes: &it.attrs, name: &it.ident, ty, init: Some(&it.expr), range });
            }
            Item::Enum(it) => {
                let (attributes, visibility) = (&*it.attrs, &it.vis);
                let (keyword, last) = (it.enum_token.span, it.brace_token.span.close());
                let class =
                    self.class(&Head { kind: ClassKind::Enum, attributes, visibility, keyword, name: &it.ident, generics: &it.generics, last });
                for variant in &it.variants {
                    let fields = self.fields(&variant.fields, Some(&variant.ident));
                    self.module.classes[class.index()].fields.extend(fields);
                }
            }
            Item::Struct(it) => {
                let (attributes, visibility) = (&*it.attrs, &it.vis);
                let keyword = it.struct_token.span;
                let last = match &it.fields {
                    Fields::Named(it) => it.brace_token.span.close(),
                    Fields::Unnamed(it) => it.paren_token.span.close(),
                    Fields::Unit => it.ident.span(),
                };
                let class =
                    self.class(&Head { kind: ClassKind::Struct, attributes, visibility, keyword, name: &it.ident, generics: &it.generics, last });
                self.module.classes[class.index()].fields = self.fields(&it.fields, None);
            }
            Item::Union(it) => {
                let (attributes, visibility) = (&*it.attrs, &it.vis);
                let (keyword, last) = (it.union_token.span, it.fields.brace_token.span.close());
                let class =
                    self.class(&Head { kind: ClassKind::Union, attributes, visibility, keyword, name: &it.ident, generics: &it.generics, last });
                self.module.classes[class.index()].fields = self.fields(&Fields::Named(it.fields.clone()), None);
            }
            Item::Trait(it) => self.trait_item(it),
            Item::Impl(it) => self.impl_item(it),
            Item::Fn(it) => {
                let definition = Definition { attributes: &it.attrs, visibility: &it.vis, signature: &it.sig, block: &it.block };
                let owner = self.owner_here();
                self.function(definition, owner);
            }
            Item::Mod(it) => self.mod_item(it),
            Item::Use(it) => self.use_item(it),
            Item::ExternCrate(it) => self.extern_crate(it),
            Item::Type(it) => {
                let alias = self.alias(&it.ident, &it.generics, types::type_ref(&it.ty));
                self.module.aliases.push(alias);
            }
            Item::ForeignMod(it) => self.foreign_items(&it.items),
            Item::Macro(it) if it.ident.is_none() => self.macro_item(&it.attrs, &it.mac),
            Item::Macro(it) => self.define_macro(it),
            // Trait aliases, and what is not stable Rust.
            _ => {}
        }
    }

    fn owner_here(&self) -> Owner {
        if self.is_module_frame() { Owner::Module } else { Owner::Function(self.frame.id) }
    }

    /// Runs `f` for what stands under `attributes`, in `scope`.
    pub(super) fn under<T>(&mut self, attributes: &[Attribute], scope: Name, f: impl FnOnce(&mut Self) -> T) -> T {
        let is_test = self.is_test || marks_test(attributes);
        let outer = (std::mem::replace(&mut self.scope, scope), std::mem::replace(&mut self.is_test, is_test));
        let result = f(self);
        (self.scope, self.is_test) = outer;
        result
    }

    /// `scope::name`.
    fn scoped(&self, name: Name) -> Name {
        if self.scope == "" { name } else { Name::concat(&[self.scope.as_str(), "::", name.as_str()]) }
    }

    fn mod_item(&mut self, it: &ItemMod) {
        let name = types::ident(&it.ident);
        match &it.content {
            Some((_, items)) => self.under(&it.attrs, self.scoped(name), |ctx| ctx.items(items)),
            None => {
                let is_test = self.is_test || marks_test(&it.attrs);
                self.module.submodules.push(Submodule { name, scope: self.scope, path: path_attribute(&it.attrs), is_test });
            }
        }
    }

    fn class(&mut self, head: &Head<'_>) -> ClassId {
        let id = ClassId::from_index(self.module.classes.len());
        let first = span::visibility(head.visibility).unwrap_or(head.keyword);
        self.module.classes.push(Class {
            name: types::ident(head.name),
            scope: self.scope,
            kind: head.kind,
            bases: Vec::new(),
            generics: types::generics(head.generics),
            fields: Vec::new(),
            methods: Vec::new(),
            body: None,
            attributes: self.attributes(head.attributes),
            told: told(head.attributes),
            is_test: self.is_test || marks_test(head.attributes),
            range: self.range_between(first, head.last),
            name_range: self.range(head.name.span()),
        });
        id
    }

    /// The fields; a variant's carry its name.
    fn fields(&self, fields: &Fields, variant: Option<&Ident>) -> Vec<Field> {
        let prefix = variant.map(|it| format!("{}.", types::ident(it))).unwrap_or_default();
        let field = |(index, it): (usize, &syn::Field)| {
            let own = it.ident.as_ref().map_or_else(|| index.to_string(), |it| types::ident(it).to_string());
            let ty = syn::spanned::Spanned::span(&it.ty);
            Field {
                name: Name::new(&format!("{prefix}{own}")),
                ty: Some(types::type_ref(&it.ty)),
                attributes: self.attributes(&it.attrs),
                range: self.range_between(span::visibility(&it.vis).or(it.ident.as_ref().map(Ident::span)).unwrap_or(ty), ty),
            }
        };
        fields.iter().enumerate().map(field).collect()
    }

    fn trait_item(&mut self, it: &ItemTrait) {
        let (attributes, visibility) = (&*it.attrs, &it.vis);
        let (keyword, last) = (it.trait_token.span, it.brace_token.span.close());
        let class = self.class(&Head { kind: ClassKind::Trait, attributes, visibility, keyword, name: &it.ident, generics: &it.generics, last });
        self.module.classes[class.index()].bases = types::bounds(&it.supertraits);
        let scope = self.scoped(types::ident(&it.ident));
        let methods = self.under(&it.attrs, scope, |ctx| {
            let mut methods = Vec::new();
            for item in &it.items {
                match item {
                    TraitItem::Fn(method) => {
                        if let Some(block) = &method.default {
                            let definition = Definition { attributes: &method.attrs, visibility: &it.vis, signature: &method.sig, block };
                            methods.push(ctx.function(definition, Owner::Class(class)));
                        }
                    }
                    TraitItem::Const(it) => {
                        let init = it.default.as_ref().map(|(_, it)| it);
                        ctx.associated_const(&it.attrs, &it.ident, &it.ty, init, it.const_token.span, it.semi_token.span);
                    }
                    _ => {}
                }
            }
            methods
        });
        self.module.classes[class.index()].methods = methods;
    }

    fn impl_item(&mut self, it: &ItemImpl) {
        let index = self.module.impls.len();
        let first = it.unsafety.map_or(it.impl_token.span, |it| it.span);
        self.module.impls.push(Impl {
            self_ty: types::type_ref(&it.self_ty),
            trait_: it.trait_.as_ref().map(|(path, _)| types::simple_path(path)),
            is_unsafe: it.unsafety.is_some(),
            is_negative: it.modifiers.polarity.is_some(),
            generics: types::generics(&it.generics),
            methods: Vec::new(),
            types: Vec::new(),
            scope: self.scope,
            attributes: self.attributes(&it.attrs),
            is_test: self.is_test || marks_test(&it.attrs),
            range: self.range_between(first, it.brace_token.span.close()),
        });
        let scope = self.scoped(types::nominal(&it.self_ty));
        let owner = Owner::Impl(u32::try_from(index).expect("a file is under 4 GiB"));
        let methods = self.under(&it.attrs, scope, |ctx| {
            let mut methods = Vec::new();
            for item in &it.items {
                match item {
                    ImplItem::Fn(it) => {
                        let definition = Definition { attributes: &it.attrs, visibility: &it.vis, signature: &it.sig, block: &it.block };
                        methods.push(ctx.function(definition, owner));
                    }
                    ImplItem::Const(it) => {
                        ctx.associated_const(&it.attrs, &it.ident, &it.ty, Some(&it.expr), it.const_token.span, it.semi_token.span);
                    }
                    ImplItem::Type(it) => {
                        let alias = ctx.alias(&it.ident, &it.generics, types::type_ref(&it.ty));
                        ctx.module.impls[index].types.push(alias);
                    }
                    _ => {}
                }
            }
            methods
        });
        self.module.impls[index].methods = methods;
    }

    fn associated_const(&mut self, attributes: &[Attribute], name: &Ident, ty: &Type, init: Option<&Expr>, first: Span, last: Span) {
        let range = self.range_between(first, last);
        self.global(GlobalItem { kind: GlobalKind::Const, mutable: false, attributes, name, ty: Some(types::type_ref(ty)), init, range });
    }

    fn alias(&self, name: &Ident, generics: &Generics, ty: TypeRef) -> TypeAlias {
        TypeAlias { name: types::ident(name), scope: self.scope, generics: types::generics(generics), ty }
    }

    fn foreign_items(&mut self, items: &[ForeignItem]) {
        for item in items {
            if let ForeignItem::Static(it) = item {
                let range = self.range_between(it.static_token.span, it.semi_token.span);
                let mutable = matches!(it.mutability, StaticMutability::Mut(_));
                let ty = Some(types::type_ref(&it.ty));
                let kind = GlobalKind::Static;
                self.global(GlobalItem { kind, mutable, attributes: &it.attrs, name: &it.ident, ty, init: None, range });
            }
        }
    }

    /// A static or const. Its initialiser is part of the module's body.
    fn global(&mut self, it: GlobalItem<'_>) {
        let name = types::ident(it.name);
        let is_test = self.is_test || marks_test(it.attributes);
        let GlobalItem { kind, mutable, ty, range, .. } = it;
        let attributes = self.attributes(it.attributes);
        self.module.globals.push(Global { name, scope: self.scope, kind, mutable, ty, attributes, is_test, range });
        if let Some(init) = it.init {
            let place = Place { base: Base::Global(self.scoped(name)), projections: Default::default() };
            self.at_module_level(|ctx| {
                let around = ctx.frame.b.begin_statement(range);
                ctx.frame.push(Scope::temporaries());
                let value = ctx.extended(init, None);
                ctx.frame.take(value);
                ctx.frame.b.store(place, value, StoreKind::Init, range);
                ctx.frame.pop(Range { start: range.end, end: range.end });
                ctx.frame.b.resume_statement(around);
            });
        }
    }

    /// A static that a macro declares: `thread_local!`, `lazy_static!`.
    pub(super) fn macro_static(&mut self, kind: GlobalKind, attributes: &[Attribute], name: &Ident, ty: &Type, init: &Expr) {
        let range = self.range_between(name.span(), span::last(init));
        self.global(GlobalItem { kind, mutable: false, attributes, name, ty: Some(types::type_ref(ty)), init: Some(init), range });
    }
}
