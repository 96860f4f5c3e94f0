//! Types, as far as the source spells them.
//!
//! [`Ty`] is what a local, field, global or result is known to be: an object of a class of the program, of a library
//! type with its arguments, or unknown. References are transparent; unknown stays unknown and is never guessed.

use std::sync::LazyLock;

use super::{Cls, Definition, Fun, Mod, Program};
use crate::catalog::{Catalog, Lock};
use crate::ir::{Item, Language, List, Lists, Name, TypeRef};

/// Type arguments deeper than this are unknown.
const MAX_DEPTH: usize = 12;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ty {
    #[default]
    Unknown,
    /// An object of a class of the program, with its type arguments.
    Class(Cls, Arguments),
    /// An object of a library type, by full path, with its type arguments.
    External(Name, Arguments),
    /// A class itself (Python).
    ClassObject(Cls),
    /// A library class, function or module itself, by full path.
    ExternalObject(Name),
    Module(Mod),
    Function(Fun),
    /// A method taken as a value: `self.run`.
    BoundMethod(Fun),
    Tuple(Arguments),
    /// `[T]`, `list[T]` and kin are `External` with an argument; this is Rust's array and slice, with one argument.
    Array(Arguments),
}

/// The arguments of a type, the items of a tuple. They are kept once for the whole run, so that a type is copied and
/// compared as a few numbers.
pub type Arguments = List<Ty>;

static ARGUMENTS: LazyLock<Lists<Ty>> = LazyLock::new(Lists::default);

impl Item for Ty {
    fn lists() -> &'static Lists<Ty> {
        &ARGUMENTS
    }
}

impl Ty {
    pub fn external(path: &str) -> Ty {
        Ty::External(Name::new(path), Arguments::default())
    }

    pub fn class(class: Cls) -> Ty {
        Ty::Class(class, Arguments::default())
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Ty::Unknown)
    }

    /// The type inside `Arc`, `Box`, `Option` and other wrappers.
    pub fn peeled(&self, catalog: &Catalog) -> Ty {
        let mut ty = self;
        for _ in 0..MAX_DEPTH {
            let Ty::External(path, arguments) = ty else { break };
            let Some(row) = catalog.wrapper(*path) else { break };
            match arguments.get(row.argument as usize) {
                Some(inner) => ty = inner,
                None => return Ty::Unknown,
            }
        }
        *ty
    }

    /// Whether it is a wrapper whose clones lead to one value: `Arc<T>`.
    pub fn shares(&self, catalog: &Catalog) -> bool {
        matches!(self, Ty::External(path, _) if catalog.wrapper(*path).is_some_and(|it| it.shares))
    }

    /// The lock this is, wrappers seen through.
    pub fn lock(&self, catalog: &'static Catalog) -> Option<&'static Lock> {
        match self.peeled(catalog) {
            Ty::External(path, _) => catalog.lock(path),
            _ => None,
        }
    }

    /// What a lock that holds its data guards.
    pub fn guarded(&self, catalog: &Catalog) -> Ty {
        match self.peeled(catalog) {
            Ty::External(path, arguments) if catalog.lock(path).is_some() => arguments.first().cloned().unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// The type that both are, as far as each is known: of a `set` and a `set[Job]`, the second. None if they differ.
    pub fn agreed(self, other: Ty) -> Option<Ty> {
        self.agreed_within(other, MAX_DEPTH)
    }

    fn agreed_within(self, other: Ty, depth: usize) -> Option<Ty> {
        let of_arguments = |one: Arguments, other: Arguments| -> Option<Arguments> {
            let at = |of: &Arguments, index: usize| of.get(index).copied().unwrap_or_default();
            let depth = depth.checked_sub(1)?;
            (0..one.len().max(other.len())).map(|it| at(&one, it).agreed_within(at(&other, it), depth)).collect()
        };
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Ty::Unknown, known) | (known, Ty::Unknown) => Some(known),
            (Ty::Class(one, of_one), Ty::Class(other, of_other)) if one == other => Some(Ty::Class(one, of_arguments(of_one, of_other)?)),
            (Ty::External(one, of_one), Ty::External(other, of_other)) if one == other => Some(Ty::External(one, of_arguments(of_one, of_other)?)),
            (Ty::Array(one), Ty::Array(other)) => Some(Ty::Array(of_arguments(one, other)?)),
            (Ty::Tuple(one), Ty::Tuple(other)) if one.len() == other.len() => Some(Ty::Tuple(of_arguments(one, other)?)),
            _ => None,
        }
    }

    /// What a collection gives for an index or a key.
    pub fn item(&self, catalog: &Catalog) -> Ty {
        let collection = self.peeled(catalog);
        if let Some([_, value]) = collection.entry(catalog) {
            return value;
        }
        match collection {
            Ty::Array(item) => item.first().copied().unwrap_or_default(),
            Ty::External(path, arguments) if catalog.container(path).is_some() => arguments.first().cloned().unwrap_or_default(),
            // A collection of a library that is not known, as `Slab<T>` or `LruCache<K, V>`: of what its last argument says.
            Ty::External(path, arguments) if is_collection(catalog, path) => arguments.last().cloned().unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// What a loop over a collection gives: the keys of a `dict`, the pairs of a `HashMap`.
    pub fn iterated(&self, catalog: &Catalog) -> Ty {
        match self.peeled(catalog).entry(catalog) {
            Some([key, _]) if catalog.language == Language::Python => key,
            Some(entry) => Ty::Tuple(entry.into()),
            None => self.item(catalog),
        }
    }

    /// The same collection with `item` for what is in it.
    pub fn with_item(&self, catalog: &Catalog, item: Ty) -> Option<Ty> {
        let Ty::External(path, arguments) = self else { return None };
        catalog.container(*path)?;
        let at = usize::from(self.entry(catalog).is_some());
        let mut arguments = arguments.to_vec();
        arguments.resize(arguments.len().max(at + 1), Ty::Unknown);
        arguments[at] = item;
        Some(Ty::External(*path, arguments.into_iter().collect()))
    }

    /// Key and value of a map.
    pub fn entry(&self, catalog: &Catalog) -> Option<[Ty; 2]> {
        let Ty::External(path, arguments) = self.peeled(catalog) else { return None };
        let is_map = matches!(
            path.last(),
            "dict" | "Dict" | "HashMap" | "BTreeMap" | "IndexMap" | "defaultdict" | "OrderedDict" | "Mapping" | "MutableMapping" | "DashMap"
        );
        let of = |index: usize| arguments.get(index).cloned().unwrap_or_default();
        (is_map && catalog.container(path).is_some()).then(|| [of(0), of(1)])
    }
}

impl Program<'_> {
    /// What the type written `ty` in `scope` of `module` is.
    pub fn resolve_type(&self, module: Mod, scope: Name, ty: &TypeRef) -> Ty {
        self.resolve_type_in(module, scope, ty, None, 0)
    }

    /// The same inside a function: `Self`, and type parameters by their bounds.
    pub fn resolve_type_of(&self, function: Fun, ty: &TypeRef) -> Ty {
        let ir = self.function(function);
        let module = self.module_of(function);
        if let TypeRef::Path { path, arguments } = ty
            && arguments.is_empty()
            && let Some(generic) = ir.generics.iter().find(|it| it.name == *path)
        {
            return generic.bounds.first().map(|it| self.resolve_type(module, self.item_scope(function), it)).unwrap_or_default();
        }
        self.resolve_type_in(module, self.item_scope(function), ty, Some(function), 0)
    }

    /// The scope that a function's names are looked up in: that of the items in its body, or in one around it, if there are
    /// any; else the inline modules around it, without the type and functions it stands in.
    pub fn item_scope(&self, function: Fun) -> Name {
        let mut current = function;
        loop {
            if let Some(scope) = self.local_items(current) {
                return scope;
            }
            let Some(parent) = self.parent(current) else { break };
            current = parent;
        }
        let module = self.module(self.module_of(current));
        match self.function(current).owner {
            crate::ir::Owner::Impl(index) => module.ir.impls[index as usize].scope,
            crate::ir::Owner::Class(class) => module.ir.class(class).scope,
            crate::ir::Owner::Module | crate::ir::Owner::Function(_) => self.function(current).scope,
        }
    }

    fn resolve_type_in(&self, module: Mod, scope: Name, ty: &TypeRef, function: Option<Fun>, depth: usize) -> Ty {
        if depth > MAX_DEPTH {
            return Ty::Unknown;
        }
        let inner = |it: &TypeRef| self.resolve_type_in(module, scope, it, function, depth + 1);
        let language = self.module(module).ir.language;
        match ty {
            TypeRef::Path { path, arguments } => {
                if *path == "Self" || *path == "typing.Self" {
                    return function.and_then(|it| self.enclosing_class(it)).map(Ty::class).unwrap_or_default();
                }
                match self.resolve(module, scope, *path) {
                    Definition::Class(class) => Ty::Class(class, arguments.iter().map(inner).collect()),
                    Definition::External(path) => self.external_type(language, path, arguments, &inner),
                    Definition::Alias(owner, index) => {
                        let alias = &self.module(owner).ir.aliases[index as usize];
                        let resolved = self.resolve_type_in(owner, alias.scope, &alias.ty, None, depth + 1);
                        // `type Shared<T> = Arc<Mutex<T>>`: the parameter is the one unknown inside.
                        match (arguments.first(), alias.generics.first()) {
                            (Some(argument), Some(_)) => fill_unknown(&resolved, &inner(argument), 0),
                            _ => resolved,
                        }
                    }
                    Definition::Module(_) | Definition::Function(_) | Definition::Global(..) => Ty::Unknown,
                }
            }
            TypeRef::Reference { target, .. } => inner(target),
            TypeRef::Tuple(items) => Ty::Tuple(items.iter().map(inner).collect()),
            TypeRef::Array(item) => Ty::Array([inner(item)].into()),
            TypeRef::Union(items) => {
                let mut known = items.iter().filter(|it| !matches!(it, TypeRef::None)).map(inner);
                match (known.next(), known.next()) {
                    (Some(only), None) => only,
                    _ => Ty::Unknown,
                }
            }
            TypeRef::Trait { bounds, .. } => bounds.iter().map(inner).find(|it| matches!(it, Ty::Class(..))).unwrap_or_default(),
            TypeRef::Function { .. } | TypeRef::None | TypeRef::Unknown => Ty::Unknown,
        }
    }

    fn external_type(&self, language: Language, path: Name, arguments: &[TypeRef], inner: &dyn Fn(&TypeRef) -> Ty) -> Ty {
        if language == Language::Python {
            match path.last() {
                // What a variable annotated so holds is what is inside.
                "Optional" | "Final" | "ClassVar" | "Annotated" | "Required" | "NotRequired" => {
                    return arguments.first().map(inner).unwrap_or_default();
                }
                "Type" | "type" if !arguments.is_empty() => {
                    return match arguments.first().map(inner) {
                        Some(Ty::Class(class, _)) => Ty::ClassObject(class),
                        _ => Ty::Unknown,
                    };
                }
                "Any" | "object" | "Union" | "Literal" => return Ty::Unknown,
                "Dict" | "List" | "Set" | "Tuple" | "FrozenSet" => {
                    return Ty::External(Name::new(&path.last().to_lowercase()), arguments.iter().map(inner).collect());
                }
                _ => {}
            }
        }
        // A guard is taken for what it guards, its last type argument.
        match arguments.last() {
            Some(guarded) if self.catalogs.of(language).guard(path).is_some() => inner(guarded),
            _ => Ty::External(path, arguments.iter().map(inner).collect()),
        }
    }

    /// What a name used as a value is.
    pub fn definition_type(&self, definition: Definition) -> Ty {
        match definition {
            Definition::Module(module) => Ty::Module(module),
            Definition::Class(class) => Ty::ClassObject(class),
            Definition::Function(function) => Ty::Function(function),
            Definition::Global(module, name) => *self.global_type(module, name),
            Definition::Alias(module, index) => {
                let alias = &self.module(module).ir.aliases[index as usize];
                match self.resolve_type(module, alias.scope, &alias.ty) {
                    Ty::Class(class, _) => Ty::ClassObject(class),
                    Ty::External(path, _) => Ty::ExternalObject(path),
                    _ => Ty::Unknown,
                }
            }
            Definition::External(path) => Ty::ExternalObject(path),
        }
    }
}

/// Whether a library type may be a collection: it is one, or a Rust type that the catalogue does not know
/// (`slab::Slab`), whose methods' names are then believed.
pub fn is_collection(catalog: &Catalog, path: Name) -> bool {
    catalog.container(path).is_some() || catalog.language == Language::Rust && path.is_path() && !catalog.knows(path)
}

/// `ty` with `with` in place of what is unknown in it, or of a type parameter spelled `T`.
fn fill_unknown(ty: &Ty, with: &Ty, depth: usize) -> Ty {
    if depth > MAX_DEPTH {
        return *ty;
    }
    match ty {
        Ty::Unknown => *with,
        Ty::External(path, arguments) if arguments.is_empty() && !path.is_path() && path.as_str().len() <= 2 => *with,
        Ty::External(path, arguments) => Ty::External(*path, arguments.iter().map(|it| fill_unknown(it, with, depth + 1)).collect()),
        other => *other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(item: Ty) -> Ty {
        Ty::External(Name::new("list"), [item].into())
    }

    #[test]
    fn types_agree_as_far_as_each_is_known() {
        let (text, number) = (Ty::external("str"), Ty::external("int"));
        let agreed = [
            (list(Ty::Unknown), list(text), Some(list(text))),
            (Ty::external("list"), list(text), Some(list(text))),
            (list(text), list(number), None),
            (list(text), Ty::external("set"), None),
            (Ty::Unknown, number, Some(number)),
            (list(list(Ty::Unknown)), list(list(number)), Some(list(list(number)))),
            (Ty::Tuple([text, Ty::Unknown].into()), Ty::Tuple([Ty::Unknown, number].into()), Some(Ty::Tuple([text, number].into()))),
            (Ty::Tuple([text].into()), Ty::Tuple([text, number].into()), None),
        ];
        for (one, other, both) in agreed {
            assert_eq!([one.agreed(other), other.agreed(one)], [both, both], "{one:?} and {other:?}");
        }
    }
}
