//! A lowered module as bytes, and back: what is kept from one run to the next.
//!
//! The form is postcard's. A module repeats few names many times, so each is written once, in a table before the module,
//! and is a number wherever it stands: half the bytes, and one look at the interner a name. Serde hands no context to the
//! `Serialize` of a [`Name`], so the table is the thread's while a module is written or read.

use std::cell::{Cell, RefCell};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Module, Name, TypeRef};

/// Types nest as deep as sources write them; what nests deeper was not written by [`pack`].
const MAX_DEPTH: u32 = 2_500;

#[derive(Default)]
enum Table {
    /// Names are written as their text.
    #[default]
    None,
    Writing(IndexSet<Name, FxBuildHasher>),
    Reading(Vec<Name>),
}

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table::None) };
    /// How deep in types the reader is.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The bytes that [`unpack`] makes the same module of.
pub fn pack(module: &Module) -> Vec<u8> {
    TABLE.set(Table::Writing(IndexSet::default()));
    let body = postcard::to_stdvec(module);
    let Table::Writing(names) = TABLE.take() else { return Vec::new() };
    let names: Vec<&str> = names.iter().map(|it| it.as_str()).collect();
    let head = postcard::to_stdvec(&names);
    // Neither can fail, for a vector grows and every length is known; if one did, the bytes would be of no module.
    match (head, body) {
        (Ok(head), Ok(body)) => [head, body].concat(),
        _ => Vec::new(),
    }
}

/// The module that [`pack`] was given; none if the bytes are not of its making.
///
/// Bytes of another making can give a module whose indices lead nowhere: whoever keeps them must see that they are the
/// same.
pub fn unpack(bytes: &[u8]) -> Option<Module> {
    let (names, body): (Vec<&str>, _) = postcard::take_from_bytes(bytes).ok()?;
    TABLE.set(Table::Reading(names.into_iter().map(Name::new).collect()));
    DEPTH.set(0);
    let module = postcard::take_from_bytes(body);
    TABLE.set(Table::None);
    module.ok().filter(|it: &(Module, &[u8])| it.1.is_empty()).map(|it| it.0)
}

/// The number of a name in the table that is being written; none if its text is to be written.
pub(super) fn number(name: Name) -> Option<u32> {
    TABLE.with_borrow_mut(|table| match table {
        Table::Writing(names) => u32::try_from(names.insert_full(name).0).ok(),
        Table::None | Table::Reading(_) => None,
    })
}

/// Whether names are read as numbers.
pub(super) fn is_reading() -> bool {
    TABLE.with_borrow(|table| matches!(table, Table::Reading(_)))
}

/// The name of a number in the table that is being read.
pub(super) fn name(number: u32) -> Option<Name> {
    TABLE.with_borrow(|table| match table {
        Table::Reading(names) => names.get(number as usize).copied(),
        Table::None | Table::Writing(_) => None,
    })
}

impl Serialize for TypeRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TypeRef::serialize(self, serializer)
    }
}

/// The derived form, with a bound on its recursion.
impl<'de> Deserialize<'de> for TypeRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if DEPTH.get() > MAX_DEPTH {
            return Err(D::Error::custom("types nest too deep"));
        }
        DEPTH.set(DEPTH.get() + 1);
        let ty = TypeRef::deserialize(deserializer);
        DEPTH.set(DEPTH.get() - 1);
        ty
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frontend::{python, rust};
    use crate::ir::{TypeAlias, print};
    use crate::session::on_workers;

    const PYTHON: &str = "import a.b as c\nclass A(B[int]):\n    x: dict[str, \"A\"] = {'k': 1}\n    def f(self, *n: int):\n        with self.l:\n            self.x['k'] += 2.5  # guarded-by: l\n";
    const RUST: &str = "use a::{b, c as d};\nimpl<T: Send> A<T> { fn f(&self) -> Option<&T> { let g = self.m.lock().unwrap(); match *g { 1 => None, _ => self.t.get(\"k\") } } }\n";

    fn modules() -> [(Module, &'static str); 2] {
        [(python::lower(PYTHON).unwrap(), PYTHON), (rust::lower(RUST, rust::Edition::default()).unwrap(), RUST)]
    }

    #[test]
    fn a_module_comes_back() {
        for (module, source) in modules() {
            let bytes = pack(&module);
            let back = unpack(&bytes).unwrap();
            assert_eq!(print(&back, source), print(&module, source));
            assert_eq!(pack(&back), bytes);
        }
        // Names are text again.
        assert_eq!(serde_json::to_string(&Name::new("a")).unwrap(), "\"a\"");
    }

    #[test]
    fn bytes_that_are_cut_are_no_module() {
        for (module, _) in modules() {
            let bytes = pack(&module);
            assert!((0..bytes.len()).all(|it| unpack(&bytes[..it]).is_none()));
            assert!(unpack(&[&bytes[..], b"x"].concat()).is_none());
        }
    }

    #[test]
    fn types_that_nest_too_deep_are_no_module() {
        let nested = |depth: usize| {
            let (mut module, _) = modules().into_iter().next().unwrap();
            let ty = (0..depth).fold(TypeRef::None, |ty, _| TypeRef::Array(Box::new(ty)));
            module.aliases.push(TypeAlias { name: Name::new("a"), scope: Name::new(""), generics: vec![], ty });
            unpack(&pack(&module)).is_some()
        };
        assert_eq!(on_workers(None, || [nested(2_000), nested(3_000), nested(2_000)]).unwrap(), [true, false, true]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_module_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in any::<proptest::sample::Index>(), flip in any::<u8>()) {
            unpack(&bytes);
            for (module, _) in modules() {
                let mut bytes = pack(&module);
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
                unpack(&bytes);
            }
        }
    }
}
