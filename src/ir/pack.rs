//! A lowered module as bytes, and back: what is kept from one run to the next.
//!
//! The form is postcard's. A module repeats few names and few ways through objects many times, so each is written once, in
//! tables before the module, and is a number wherever it stands: half the bytes, and one look at what is kept once for the
//! whole run. Serde hands no context to the `Serialize` of a [`Name`], so the tables are the thread's while a module is
//! written or read.

use std::cell::{Cell, RefCell};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::{List, Module, Name, Projection, TypeRef};

/// Types nest as deep as sources write them; what nests deeper was not written by [`pack`].
const MAX_DEPTH: u32 = 2_500;

/// A way through objects: the projections of a place.
type Way = List<Projection>;
type Written<T> = IndexSet<T, FxBuildHasher>;

#[derive(Default)]
enum Tables {
    /// Names and lists are written as what they are.
    #[default]
    None,
    Writing {
        names: Written<Name>,
        ways: Written<Way>,
    },
    Reading {
        names: Vec<Name>,
        ways: Vec<Way>,
    },
}

thread_local! {
    static TABLES: RefCell<Tables> = const { RefCell::new(Tables::None) };
    /// How deep in types the reader is.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The bytes that [`unpack`] makes the same module of.
pub fn pack(module: &Module) -> Vec<u8> {
    TABLES.set(Tables::Writing { names: Written::default(), ways: Written::default() });
    let body = postcard::to_stdvec(module);
    let ways: Vec<Way> = TABLES.with_borrow(|it| if let Tables::Writing { ways, .. } = it { ways.iter().copied().collect() } else { Vec::new() });
    let ways: Vec<&[Projection]> = ways.iter().map(|it| it.as_slice()).collect();
    let ways = postcard::to_stdvec(&ways);
    let Tables::Writing { names, .. } = TABLES.take() else { return Vec::new() };
    let names: Vec<&str> = names.iter().map(|it| it.as_str()).collect();
    let names = postcard::to_stdvec(&names);
    // None can fail, for a vector grows and every length is known; if one did, the bytes would be of no module.
    match (names, ways, body) {
        (Ok(names), Ok(ways), Ok(body)) => [names, ways, body].concat(),
        _ => Vec::new(),
    }
}

/// The module that [`pack`] was given; none if the bytes are not of its making.
///
/// Bytes of another making can give a module whose indices lead nowhere: whoever keeps them must see that they are the
/// same.
pub fn unpack(bytes: &[u8]) -> Option<Module> {
    let (names, rest): (Vec<&str>, _) = postcard::take_from_bytes(bytes).ok()?;
    TABLES.set(Tables::Reading { names: names.into_iter().map(Name::new).collect(), ways: Vec::new() });
    DEPTH.set(0);
    let module = unpack_body(rest);
    TABLES.set(Tables::None);
    module
}

fn unpack_body(bytes: &[u8]) -> Option<Module> {
    let (lists, rest): (Vec<SmallVec<[Projection; 4]>>, _) = postcard::take_from_bytes(bytes).ok()?;
    TABLES.with_borrow_mut(|it| {
        if let Tables::Reading { ways, .. } = it {
            ways.extend(lists.iter().map(|it| Way::from(&it[..])));
        }
    });
    let (module, rest) = postcard::take_from_bytes(rest).ok()?;
    rest.is_empty().then_some(module)
}

/// The number of a name in the table that is being written; none if its text is to be written.
pub(super) fn number(name: Name) -> Option<u32> {
    TABLES.with_borrow_mut(|tables| match tables {
        Tables::Writing { names, .. } => u32::try_from(names.insert_full(name).0).ok(),
        Tables::None | Tables::Reading { .. } => None,
    })
}

/// Whether names are read as numbers.
pub(super) fn is_reading() -> bool {
    TABLES.with_borrow(|tables| matches!(tables, Tables::Reading { .. }))
}

/// The name of a number in the table that is being read.
pub(super) fn name(number: u32) -> Option<Name> {
    TABLES.with_borrow(|tables| match tables {
        Tables::Reading { names, .. } => names.get(number as usize).copied(),
        Tables::None | Tables::Writing { .. } => None,
    })
}

/// As a number: 0 for the empty list, then those of the table.
impl Serialize for Way {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = TABLES.with_borrow_mut(|tables| match tables {
            Tables::Writing { .. } if self.is_empty() => Some(0),
            Tables::Writing { ways, .. } => u32::try_from(ways.insert_full(*self).0 + 1).ok(),
            Tables::None | Tables::Reading { .. } => None,
        });
        match number {
            Some(number) => number.serialize(serializer),
            None => self.as_slice().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Way {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !is_reading() {
            return Ok(Way::from(&SmallVec::<[Projection; 4]>::deserialize(deserializer)?[..]));
        }
        let number = u32::deserialize(deserializer)? as usize;
        let way = TABLES.with_borrow(|tables| match tables {
            Tables::Reading { .. } if number == 0 => Some(Way::new()),
            Tables::Reading { ways, .. } => ways.get(number - 1).copied(),
            Tables::None | Tables::Writing { .. } => None,
        });
        way.ok_or_else(|| D::Error::custom("a way that the table does not have"))
    }
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
