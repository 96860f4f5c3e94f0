//! Interned names.
//!
//! A [`Name`] is four bytes, `Copy`, and compares in one instruction; its text lives for the whole run. Identifiers,
//! dotted Python paths (`threading.Lock`) and Rust paths (`std::sync::Mutex`) are all names: [`Name::segments`] takes a
//! path apart.
//!
//! Ids depend on which thread interned first, so nothing observable may: `Ord` compares the *text*, and maps keyed by
//! names that are iterated must keep insertion order ([`indexmap`]).

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{intern, pack};

/// An interned identifier or path.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(NonZeroU32);

impl Name {
    /// Interns `text`.
    pub fn new(text: &str) -> Self {
        Name(intern::intern(text))
    }

    /// Interns the texts of `parts`, one behind the other.
    pub fn concat(parts: &[&str]) -> Self {
        thread_local! {
            static WHOLE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        WHOLE.with_borrow_mut(|whole| {
            whole.clear();
            parts.iter().for_each(|it| whole.push_str(it));
            Name::new(whole)
        })
    }

    /// The text, valid for the whole run.
    pub fn as_str(self) -> &'static str {
        intern::text(self.0)
    }

    /// The segments of a path: `a::b::c` and `a.b.c` both give `a`, `b`, `c`.
    pub fn segments(self) -> impl DoubleEndedIterator<Item = &'static str> {
        self.as_str().split(['.', ':']).filter(|it| !it.is_empty())
    }

    /// The last segment of a path; the whole name when it is a plain identifier.
    pub fn last(self) -> &'static str {
        self.segments().next_back().unwrap_or("")
    }

    /// The first segment of a path; the whole name when it is a plain identifier.
    pub fn first(self) -> &'static str {
        self.segments().next().unwrap_or("")
    }

    /// Whether the name has more than one segment.
    pub fn is_path(self) -> bool {
        self.segments().nth(1).is_some()
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Name::new(text)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match pack::number(*self) {
            Some(number) => number.serialize(serializer),
            None => self.as_str().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if pack::is_reading() {
            let number = u32::deserialize(deserializer)?;
            return pack::name(number).ok_or_else(|| D::Error::custom("a name that the table does not have"));
        }
        Ok(Name::new(&Cow::<str>::deserialize(deserializer)?))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.as_str())
    }
}
