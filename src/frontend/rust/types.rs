//! Paths, types and generics: syntax to [`Name`]s and [`TypeRef`]s. Functions of nodes alone.

use std::fmt::Write;

use smallvec::SmallVec;
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, GenericParam, Generics, Path, PathArguments, PathSegment, PointerMutability, QSelf, ReturnType, Token, Type, TypeParamBound,
    WherePredicate,
};

use crate::ir::{Generic, Name, TypeRef};

/// An identifier, without `r#`.
pub(super) fn ident(ident: &syn::Ident) -> Name {
    let mut text = Text::default();
    // Writing to memory does not fail.
    let _ = write!(text, "{ident}");
    let text = str::from_utf8(&text.0).unwrap_or_default();
    Name::new(text.strip_prefix("r#").unwrap_or(text))
}

/// A text that is short in most cases. An identifier shows its own only by being written.
#[derive(Default)]
struct Text(SmallVec<[u8; 64]>);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// A path as written, without generic arguments: `<T as Tr>::f` is `T::f`.
pub(super) fn path(qself: Option<&QSelf>, path: &Path) -> Name {
    match qself {
        Some(qself) => {
            let rest = path.segments.iter().skip(qself.position);
            Name::new(&rest.fold(nominal(&qself.ty).to_string(), |text, it| format!("{text}::{}", ident(&it.ident))))
        }
        None => simple_path(path),
    }
}

/// A path without qualified self type.
pub(super) fn simple_path(path: &Path) -> Name {
    match (&path.leading_colon, path.segments.first()) {
        (None, Some(only)) if path.segments.len() == 1 => ident(&only.ident),
        (colons, _) => {
            let mut text = String::new();
            for segment in &path.segments {
                if colons.is_some() || !text.is_empty() {
                    text.push_str("::");
                }
                text.push_str(ident(&segment.ident).as_str());
            }
            Name::new(&text)
        }
    }
}

/// The name that a type is known by: `Bank` for `&mut Bank<T>`; `[_]`, `(_)` and the like for types that have none.
pub(super) fn nominal(mut ty: &Type) -> Name {
    loop {
        ty = match ty {
            Type::Reference(it) => &it.elem,
            Type::Ptr(it) => &it.elem,
            Type::Paren(it) => &it.elem,
            Type::Group(it) => &it.elem,
            Type::Path(it) => return path(it.qself.as_ref(), &it.path),
            Type::TraitObject(it) => return first_bound(&it.bounds),
            Type::ImplTrait(it) => return first_bound(&it.bounds),
            Type::Slice(_) | Type::Array(_) => return Name::new("[_]"),
            Type::Tuple(_) => return Name::new("(_)"),
            Type::FnPtr(_) => return Name::new("fn"),
            Type::Never(_) => return Name::new("!"),
            _ => return Name::new("_"),
        }
    }
}

fn first_bound(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Name {
    let traits = bounds.iter().find_map(|it| if let TypeParamBound::Trait(bound) = it { Some(simple_path(&bound.path)) } else { None });
    traits.unwrap_or_else(|| Name::new("_"))
}

/// A type as the source spells it.
pub(super) fn type_ref(ty: &Type) -> TypeRef {
    match ty {
        Type::Array(it) => TypeRef::Array(Box::new(type_ref(&it.elem))),
        Type::Slice(it) => TypeRef::Array(Box::new(type_ref(&it.elem))),
        Type::Group(it) => type_ref(&it.elem),
        Type::Paren(it) => type_ref(&it.elem),
        Type::Ptr(it) => TypeRef::Reference { mutable: matches!(it.mutability, PointerMutability::Mut(_)), target: Box::new(type_ref(&it.elem)) },
        Type::Reference(it) => TypeRef::Reference { mutable: it.mutability.is_some(), target: Box::new(type_ref(&it.elem)) },
        Type::Tuple(it) => TypeRef::Tuple(it.elems.iter().map(type_ref).collect()),
        Type::ImplTrait(it) => TypeRef::Trait { bounds: bounds(&it.bounds), dynamic: false },
        Type::TraitObject(it) => TypeRef::Trait { bounds: bounds(&it.bounds), dynamic: true },
        Type::FnPtr(it) => {
            TypeRef::Function { parameters: it.inputs.iter().map(|it| type_ref(&it.ty)).collect(), returns: returns(&it.output).map(Box::new) }
        }
        Type::Path(it) => path_type(it.qself.as_ref(), &it.path),
        _ => TypeRef::Unknown,
    }
}

/// What `-> T` says.
pub(super) fn returns(output: &ReturnType) -> Option<TypeRef> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(type_ref(ty)),
    }
}

fn path_type(qself: Option<&QSelf>, written: &Path) -> TypeRef {
    if let Some(PathSegment { arguments: PathArguments::Parenthesized(it), .. }) = written.segments.last() {
        let parameters = it.inputs.iter().map(|it| type_ref(&it.ty)).collect();
        return TypeRef::Function { parameters, returns: returns(&it.output).map(Box::new) };
    }
    let qself_segments = qself.map_or(0, |it| it.position);
    let arguments = written.segments.iter().skip(qself_segments).flat_map(type_arguments).collect();
    TypeRef::Path { path: path(qself, written), arguments }
}

fn type_arguments(segment: &PathSegment) -> Vec<TypeRef> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    arguments.args.iter().filter_map(|it| if let GenericArgument::Type(ty) = it { Some(type_ref(ty)) } else { None }).collect()
}

/// The traits among `bounds`.
pub(super) fn bounds(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Vec<TypeRef> {
    bounds.iter().filter_map(|it| if let TypeParamBound::Trait(bound) = it { Some(path_type(None, &bound.path)) } else { None }).collect()
}

/// The type parameters, each with its bounds from the parameter list and the `where` clause.
pub(super) fn generics(generics: &Generics) -> Vec<Generic> {
    let mut all: Vec<Generic> = Vec::new();
    for param in &generics.params {
        if let GenericParam::Type(it) = param {
            all.push(Generic { name: ident(&it.ident), bounds: bounds(&it.bounds) });
        }
    }
    for predicate in generics.where_clause.iter().flat_map(|it| &it.predicates) {
        if let WherePredicate::Type(it) = predicate
            && let Type::Path(bounded) = &it.bounded_ty
            && let Some(name) = bounded.path.get_ident()
            && let Some(generic) = all.iter_mut().find(|generic| name == generic.name.as_str())
        {
            generic.bounds.extend(bounds(&it.bounds));
        }
    }
    all
}
