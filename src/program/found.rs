//! What linking found out about one function, as small as it can be: most locals have no type, and those that have one
//! share few.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Target, Ty};
use crate::ir::Local;

/// More types than this are looked up in a table.
const FEW: usize = 12;

/// What calls run, by their destinations, as they are found.
pub(super) type Targets = SmallVec<[(Local, Target); 16]>;

/// The types and calls of a function.
#[derive(Debug, Default)]
pub struct FunctionTypes {
    locals: LocalTypes,
    /// What each call runs, by its destination and in their order.
    targets: Box<[(Local, Target)]>,
    pub returns: Ty,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct LocalTypes {
    /// In the order in which they are met.
    distinct: Box<[Ty]>,
    /// By local: 0, or one more than the index of its type.
    numbers: Numbers,
}

/// Few functions have more types than a byte counts.
#[derive(Debug, PartialEq, Eq)]
enum Numbers {
    Small(Box<[u8]>),
    Large(Box<[u32]>),
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers::Small(Box::default())
    }
}

impl Numbers {
    fn get(&self, local: Local) -> Option<usize> {
        match self {
            Numbers::Small(all) => all.get(local.index()).map(|it| usize::from(*it)),
            Numbers::Large(all) => all.get(local.index()).map(|it| *it as usize),
        }
    }
}

impl FunctionTypes {
    /// Of two targets of one destination the last counts.
    pub(super) fn new(locals: &[Ty], mut targets: Targets, returns: Ty) -> FunctionTypes {
        // Most stand in the order of their destinations.
        if !targets.is_sorted_by(|one, other| one.0 < other.0) {
            targets.sort_by_key(|it| it.0);
            targets.dedup_by(|next, kept| {
                let is_again = next.0 == kept.0;
                if is_again {
                    std::mem::swap(next, kept);
                }
                is_again
            });
        }
        FunctionTypes { locals: LocalTypes::new(locals), targets: targets.into_boxed_slice(), returns }
    }

    /// The type of a local.
    pub fn local(&self, local: Local) -> &Ty {
        match self.locals.numbers.get(local) {
            None | Some(0) => &Ty::Unknown,
            Some(number) => &self.locals.distinct[number - 1],
        }
    }

    /// What a call runs, by its destination.
    pub fn target(&self, dest: Local) -> Option<&Target> {
        let at = self.targets.binary_search_by_key(&dest, |it| it.0).ok()?;
        Some(&self.targets[at].1)
    }

    /// Whether the locals have the same types.
    pub(super) fn has_locals_of(&self, other: &FunctionTypes) -> bool {
        self.locals == other.locals
    }
}

impl LocalTypes {
    fn new(types: &[Ty]) -> LocalTypes {
        let mut distinct: SmallVec<[Ty; 16]> = SmallVec::new();
        let mut known: FxHashMap<Ty, u32> = FxHashMap::default();
        let mut number = |ty: Ty| {
            // Of few it is quicker to look at each, the last one first.
            if distinct.len() < FEW
                && let Some(at) = distinct.iter().rposition(|it| *it == ty)
            {
                return at as u32 + 1;
            }
            if distinct.len() == FEW && known.is_empty() {
                known.extend(distinct.iter().zip(1..).map(|(ty, number)| (*ty, number)));
            }
            let mut add = || {
                distinct.push(ty);
                distinct.len() as u32
            };
            if known.is_empty() { add() } else { *known.entry(ty).or_insert_with(add) }
        };
        let mut small: Vec<u8> = Vec::with_capacity(types.len());
        let mut large: Vec<u32> = Vec::new();
        for ty in types {
            let number = if ty.is_unknown() { 0 } else { number(*ty) };
            match u8::try_from(number) {
                Ok(number) if large.is_empty() => small.push(number),
                _ => {
                    large.extend(small.drain(..).map(u32::from));
                    large.push(number);
                }
            }
        }
        let numbers = if large.is_empty() { Numbers::Small(small.into()) } else { Numbers::Large(large.into()) };
        LocalTypes { distinct: distinct.into_boxed_slice(), numbers }
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    #[test]
    fn many_types_come_back() {
        let types: Vec<Ty> = (0..600).map(|it| Ty::Module(super::super::Mod(it / 2))).collect();
        let found = LocalTypes::new(&types);
        assert_eq!(found.distinct.len(), 300);
        assert!(types.iter().enumerate().all(|(at, ty)| found.distinct[found.numbers.get(Local::from_index(at)).unwrap() - 1] == *ty));
    }

    #[test]
    fn types_and_targets_come_back() {
        let types = [Ty::Unknown, Ty::external("a"), Ty::external("b"), Ty::external("a")];
        let of = |local| Target::External(crate::ir::Name::new(local));
        let found = FunctionTypes::new(&types, smallvec![(Local(3), of("x")), (Local(1), of("y")), (Local(3), of("z"))], Ty::Unknown);
        assert!((0..4).all(|it| *found.local(Local(it)) == types[it as usize]));
        assert_eq!(*found.local(Local(4)), Ty::Unknown);
        assert_eq!([0, 1, 3].map(|it| found.target(Local(it)).cloned()), [None, Some(of("y")), Some(of("z"))]);
    }
}
