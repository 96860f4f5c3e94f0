//! What calls pass for the parameters that say nothing of their type.
//!
//! A parameter has a type when all calls agree, as far as each is known, in what they passed when their function was last
//! looked at: what a call seemed to pass before more was known of it does not count against it.

use std::mem;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Parameter, Parameters};
use crate::program::{Fun, FunSet, Ty};

/// A parameter that is passed more types than these has none, whatever becomes of some of them.
const MAX_TYPES: usize = 8;

/// The type of what is passed for a parameter.
pub(super) type Passed = (Parameter, Ty);

/// The types that are passed for one parameter, each with the number of calls.
#[derive(Default)]
struct Types {
    each: SmallVec<[(Ty, u32); 1]>,
    are_too_many: bool,
}

impl Types {
    fn add(&mut self, ty: Ty) {
        match self.each.iter().position(|it| it.0 == ty) {
            Some(at) => self.each[at].1 += 1,
            None if self.each.len() < MAX_TYPES => self.each.push((ty, 1)),
            None => self.are_too_many = true,
        }
    }

    fn take(&mut self, ty: Ty) {
        if let Some(at) = self.each.iter().position(|it| it.0 == ty) {
            self.each[at].1 -= 1;
            if self.each[at].1 == 0 {
                self.each.swap_remove(at);
            }
        }
    }

    fn agreed(&self) -> Option<Ty> {
        if self.are_too_many {
            return None;
        }
        self.each.iter().try_fold(Ty::Unknown, |known, (ty, _)| known.agreed(*ty))
    }
}

/// What all functions pass, as of when each was last looked at.
pub(super) struct Passing {
    /// By the function that calls.
    by: Vec<Box<[Passed]>>,
    types: FxHashMap<Parameter, Types>,
    changed: Vec<Parameter>,
}

impl Passing {
    /// Of so many functions, none of which has been looked at.
    pub(super) fn new(functions: usize) -> Passing {
        Passing { by: vec![Box::default(); functions], types: FxHashMap::default(), changed: Vec::new() }
    }

    /// `function` passes that, in place of what it passed before.
    pub(super) fn replace(&mut self, function: Fun, passed: Vec<Passed>) {
        let slot = &mut self.by[function.0 as usize];
        if **slot == *passed {
            return;
        }
        let before = mem::replace(slot, passed.into());
        for (parameter, ty) in before {
            if let Some(types) = self.types.get_mut(&parameter) {
                types.take(ty);
            }
            self.changed.push(parameter);
        }
        for (parameter, ty) in &self.by[function.0 as usize] {
            self.types.entry(*parameter).or_default().add(*ty);
            self.changed.push(*parameter);
        }
    }

    /// Brings `known` up to date; the functions one of whose parameters has another type now.
    pub(super) fn settle(&mut self, known: &mut Parameters) -> FunSet {
        let mut new = FunSet::default();
        for parameter in mem::take(&mut self.changed) {
            let agreed = self.types.get(&parameter).and_then(Types::agreed).filter(|it| !it.is_unknown());
            let before = match agreed {
                Some(ty) => known.insert(parameter, ty),
                None => known.remove(&parameter),
            };
            if before != agreed {
                new.insert(parameter.0);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_each_caller_counts() {
        let (list, set) = (Ty::external("list"), Ty::external("set"));
        let parameter = (Fun(9), 0);
        let mut passing = Passing::new(3);
        let mut known = Parameters::default();
        let mut settled = |passing: &mut Passing| {
            let new = passing.settle(&mut known).contains(Fun(9));
            (new, known.get(&parameter).copied())
        };
        passing.replace(Fun(0), vec![(parameter, set)]);
        assert_eq!(settled(&mut passing), (true, Some(set)));
        passing.replace(Fun(1), vec![(parameter, list), (parameter, list)]);
        assert_eq!(settled(&mut passing), (true, None));
        passing.replace(Fun(0), vec![(parameter, list)]);
        assert_eq!(settled(&mut passing), (true, Some(list)));
        passing.replace(Fun(1), vec![(parameter, list)]);
        assert_eq!(settled(&mut passing), (false, Some(list)));
        passing.replace(Fun(0), vec![]);
        passing.replace(Fun(1), vec![]);
        assert_eq!(settled(&mut passing), (true, None));
    }

    #[test]
    fn a_parameter_of_very_many_types_has_none() {
        let mut passing = Passing::new(20);
        let mut known = Parameters::default();
        let of = |it: u32| vec![((Fun(0), 1), Ty::Function(Fun(it)))];
        (0..20).for_each(|it| passing.replace(Fun(it), of(it)));
        (1..20).for_each(|it| passing.replace(Fun(it), vec![]));
        assert!(!passing.settle(&mut known).contains(Fun(0)) && known.is_empty());
    }
}
