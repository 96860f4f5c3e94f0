//! What is known of classes: their relatives, methods, fields.

use std::borrow::Cow;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{Cls, Fun, Program, Ty};
use crate::catalog::{Catalog, Lock};
use crate::finding::Location;
use crate::ir::{Name, OpKind, Projection};

/// So many classes above and below are looked at: nobody derives further.
const MAX_ANCESTORS: usize = 64;

/// A method's or field's name of several words and this many letters can be told by itself.
const DISTINCTIVE: usize = 8;

/// First words of methods that every library has.
const ACCESSOR_WORDS: &[&str] = &["as", "from", "get", "has", "into", "is", "new", "set", "take", "to", "try", "with"];

impl Program<'_> {
    /// `class` and its bases, nearest first, each once.
    pub fn ancestry(&self, class: Cls) -> Cow<'_, [Cls]> {
        match self.ancestries.get(class.0 as usize) {
            Some(known) => Cow::Borrowed(known),
            None => Cow::Owned(self.find_ancestry(class)),
        }
    }

    /// From now on ancestries are known: no class gets another base.
    pub(super) fn list_ancestries(&mut self) {
        self.ancestries = self.class_ids().map(|it| self.find_ancestry(it).into()).collect();
    }

    fn find_ancestry(&self, class: Cls) -> Vec<Cls> {
        let mut order = vec![class];
        let mut next = 0;
        while next < order.len() && order.len() < MAX_ANCESTORS {
            for base in &self.bases[order[next].0 as usize] {
                if !order.contains(base) {
                    order.push(*base);
                }
            }
            next += 1;
        }
        order
    }

    /// Library classes among the bases, near and far.
    pub fn external_ancestry(&self, class: Cls) -> impl Iterator<Item = Name> + '_ {
        Ancestors { of: self.ancestry(class), next: 0 }.flat_map(|it| self.external_bases[it.0 as usize].iter().copied())
    }

    pub fn subclasses(&self, class: Cls) -> &[Cls] {
        self.subclasses.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The classes below `class`, each once, as far down as [`Program::ancestry`] looks up.
    pub fn descendants(&self, class: Cls) -> IndexSet<Cls, FxBuildHasher> {
        let mut found: IndexSet<Cls, FxBuildHasher> = IndexSet::default();
        let below = |class: Cls, depth: usize| self.subclasses(class).iter().map(move |it| (*it, depth));
        let mut work: Vec<(Cls, usize)> = below(class, 1).collect();
        while let Some((class, depth)) = work.pop() {
            if found.insert(class) && depth < MAX_ANCESTORS {
                work.extend(below(class, depth + 1));
            }
        }
        found
    }

    /// The method `name` of `class`, its own or inherited. A trait method without a body is looked up in the trait's
    /// only implementor.
    pub fn method(&self, class: Cls, name: Name) -> Option<Fun> {
        // Most names that are asked for are of no method at all.
        if !self.method_names.contains(&name) {
            return None;
        }
        let own = self.ancestry(class).iter().find_map(|it| self.methods.get(&(*it, name)).copied());
        own.or_else(|| match self.subclasses(class) {
            [only] if self.class(class).kind == crate::ir::ClassKind::Trait => self.methods.get(&(*only, name)).copied(),
            _ => None,
        })
    }

    /// Whether the class's own statements give it the attribute, for all its objects. Those of a dataclass say what each
    /// object has.
    pub fn is_class_attribute(&self, class: Cls, name: Name) -> bool {
        let ir = self.class(class);
        if ir.attributes.iter().any(|it| matches!(it.path.last(), "dataclass" | "define" | "mutable" | "frozen" | "attrs")) {
            return false;
        }
        // A model's say the same.
        if self.external_ancestry(class).any(|it| matches!(it.last(), "BaseModel" | "BaseSettings" | "SQLModel" | "Struct" | "NamedTuple")) {
            return false;
        }
        let Some(body) = ir.body.map(|it| self.fun(self.module_of_class(class), it)) else { return false };
        self.function(body).ops.iter().any(|op| match &op.kind {
            OpKind::Store { place, .. } => place.projections.first() == Some(&Projection::Field(name)),
            _ => false,
        })
    }

    /// The classes that have an object of `class` in a field.
    pub fn holders(&self, class: Cls) -> &[Cls] {
        self.holders.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The class that the lock of type `ty` guards an object of.
    pub fn guarded_class(&self, ty: &Ty, catalog: &Catalog) -> Option<Cls> {
        match ty.guarded(catalog).peeled(catalog) {
            Ty::Class(class, _) => Some(class),
            _ => None,
        }
    }

    /// Whether all locks around a `class` are one role: one field in the program has them, or the fields that do share
    /// theirs (`Arc<Mutex<T>>`).
    pub fn is_one_role(&self, class: Cls) -> bool {
        self.roles.get(&class).is_none_or(|it| it.own + usize::from(it.shared > 0) <= 1)
    }

    /// The method that the program gives to the library type `ty`.
    pub fn foreign_method(&self, ty: Name, name: Name) -> Option<Fun> {
        self.foreign_methods.get(&(ty, name)).copied()
    }

    /// The one Rust method of that name in the program, where it takes that many arguments and the name is of a kind that
    /// libraries hardly share: of several words, and no accessor.
    pub fn only_method(&self, name: Name, arguments: usize) -> Option<Fun> {
        if !is_distinctive(name) {
            return None;
        }
        self.only_methods.get(&name).copied().flatten().filter(|it| self.function(*it).params.len() == arguments + 1)
    }

    /// The one Rust struct of the program that has a field of that name, where the name is of a kind that libraries
    /// hardly share.
    pub fn only_field(&self, name: Name) -> Option<Cls> {
        self.only_fields.get(&name).copied().flatten().filter(|_| is_distinctive(name))
    }

    /// The type of the one field of that name, as [`Program::only_field`] has it.
    pub fn field_by_name(&self, name: Name) -> Ty {
        self.only_field(name).and_then(|class| self.field(class, name)).map(|(_, ty)| *ty).unwrap_or_default()
    }

    /// The class in `class`'s ancestry that declares or assigns the field, and the field's type; of a trait, in its only
    /// implementor.
    pub fn field(&self, class: Cls, name: Name) -> Option<(Cls, &Ty)> {
        // A trait has none: what its accessors give is a field of who implements it.
        let owner = self.field_owner(class, name).or_else(|| match self.subclasses(class) {
            [only] if self.class(class).kind == crate::ir::ClassKind::Trait => self.field_owner(*only, name),
            _ => None,
        })?;
        Some((owner, self.fields.get(&(owner, name)).unwrap_or(&Ty::Unknown)))
    }

    /// The farthest ancestor that declares or assigns the field: the class the state belongs to. A protocol only says
    /// what others have.
    pub fn field_owner(&self, class: Cls, name: Name) -> Option<Cls> {
        if !self.field_names.contains(&name) {
            return None;
        }
        let declares = |it: &Cls| self.declares.contains_key(&(*it, name));
        let ancestry = self.ancestry(class);
        let owns = ancestry.iter().copied().rfind(|it| declares(it) && !self.is_protocol(*it));
        owns.or_else(|| ancestry.iter().copied().rfind(declares))
    }

    pub(super) fn is_protocol(&self, class: Cls) -> bool {
        self.external_bases[class.0 as usize].iter().any(|it| it.last() == "Protocol")
    }

    /// Whether a Rust type's values can be cloned.
    pub fn is_clone(&self, class: Cls) -> bool {
        self.derives(class, "Clone") || self.methods.contains_key(&(class, Name::new("clone")))
    }

    /// Whether a Rust type derives a trait, by its last name.
    pub fn derives(&self, class: Cls, name: &str) -> bool {
        let lists = |it: &crate::ir::Attribute| it.path == "derive" && it.arguments.iter().flatten().any(|it| it.text.last() == name);
        self.class(class).attributes.iter().any(lists)
    }

    /// Where a field is declared or first assigned.
    pub fn field_location(&self, class: Cls, name: Name) -> Option<Location> {
        self.declares.get(&(class, name)).copied()
    }

    /// Whether the type is `Sync` by its author's word alone.
    pub fn is_unchecked_sync(&self, class: Cls) -> bool {
        self.unchecked_sync.contains(&class)
    }

    /// Whether the field has a semaphore that lets in more than one: it keeps nobody apart.
    pub fn is_counting(&self, class: Cls, name: Name) -> bool {
        self.counting.contains(&(class, name))
    }

    /// The lock field that the condition in field `name` was made with.
    pub fn wrapped_lock(&self, class: Cls, name: Name) -> Option<Name> {
        self.wrapped.get(&(class, name)).copied()
    }

    /// The fields with locks that `class` declares or assigns itself, sorted by name.
    pub fn locks_of(&self, class: Cls) -> impl Iterator<Item = (Name, &'static Lock)> {
        let catalog = self.catalog_of(self.module_of_class(class));
        let names = self.lock_fields.get(&class).map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(move |name| Some((*name, self.fields.get(&(class, *name))?.lock(catalog)?)))
    }

    /// Lists the fields with locks, once all types are known.
    pub(super) fn list_locks(&mut self) {
        let is_lock = |class: Cls, ty: &Ty| ty.lock(self.catalog_of(self.module_of_class(class))).is_some();
        let mut found: FxHashMap<Cls, Vec<Name>> = FxHashMap::default();
        for ((class, name), ty) in &self.fields {
            if is_lock(*class, ty) && self.declares.contains_key(&(*class, *name)) {
                found.entry(*class).or_default().push(*name);
            }
        }
        found.values_mut().for_each(|it| it.sort_unstable());
        self.lock_fields = found;
    }
}

/// The classes of an ancestry, one by one.
struct Ancestors<'p> {
    of: Cow<'p, [Cls]>,
    next: usize,
}

impl Iterator for Ancestors<'_> {
    type Item = Cls;

    fn next(&mut self) -> Option<Cls> {
        self.next += 1;
        self.of.get(self.next - 1).copied()
    }
}

/// Whether a method's or field's name can be told by itself: several words, and no accessor.
fn is_distinctive(name: Name) -> bool {
    let text = name.as_str().trim_matches('_');
    text.len() >= DISTINCTIVE && text.split_once('_').is_some_and(|(first, _)| !ACCESSOR_WORDS.contains(&first))
}
