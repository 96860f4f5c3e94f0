//! One round's look at the functions of a module.
//!
//! What a function asks of its module that another one tells which is to be looked at as well, that one is looked at
//! first: results come to their callers, what constructors give fields and statements give globals to their readers, and
//! locals to the functions nested in theirs, within the round. Of other modules the round knows what the one before found,
//! so that modules can be looked at side by side, and what is found does not depend on their order.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashMap;

use super::scope::NAMES;
use super::{Found, Parameters};
use crate::ir::{Local, Name};
use crate::program::{Cls, Fun, Mod, Program, Ty};

/// A chain of functions that ask each other is followed so far: each has its part of the stack.
const MAX_DEPTH: usize = 48;

/// Where the look at a function stands.
enum Look {
    Waiting,
    /// It has asked for something, and is being looked at.
    Begun,
    Done(Found),
}

/// A round's look at the functions of one module.
pub(super) struct Round<'p, 'a> {
    pub(super) program: &'p Program<'a>,
    /// What is known to be passed for parameters.
    pub(super) parameters: &'p Parameters,
    module: Mod,
    /// Those that are looked at, in their order; what all others are, the round before found.
    functions: &'p [Fun],
    looks: RefCell<Vec<Look>>,
    /// What has been found so far of fields and globals whose type was not known.
    fields: RefCell<FxHashMap<(Cls, Name), Ty>>,
    globals: RefCell<FxHashMap<Name, Ty>>,
    depth: Cell<usize>,
}

impl<'p, 'a> Round<'p, 'a> {
    /// Looks at `functions`, some of one module in their order, and gives what is found in that order.
    pub(super) fn look(program: &'p Program<'a>, parameters: &'p Parameters, functions: &'p [Fun]) -> Vec<Found> {
        let Some(first) = functions.first() else { return Vec::new() };
        let round = Round {
            program,
            parameters,
            module: program.module_of(*first),
            functions,
            looks: RefCell::new(functions.iter().map(|_| Look::Waiting).collect()),
            fields: RefCell::default(),
            globals: RefCell::default(),
            depth: Cell::new(0),
        };
        functions.iter().for_each(|it| round.ask(*it));
        let done = |it: Look| match it {
            Look::Done(found) => Some(found),
            Look::Waiting | Look::Begun => None,
        };
        round.looks.into_inner().into_iter().filter_map(done).collect()
    }

    /// The type of a function's result, as far as it is known by now.
    pub(super) fn returns(&self, function: Fun) -> Ty {
        self.ask(function);
        let looks = self.looks.borrow();
        match self.index(function).map(|it| &looks[it]) {
            Some(Look::Done(found)) => found.types.returns,
            _ => self.program.types(function).returns,
        }
    }

    /// The types of `locals` of a function, as far as they are known by now.
    pub(super) fn locals(&self, function: Fun, locals: impl Iterator<Item = Local>) -> Vec<Ty> {
        self.ask(function);
        let looks = self.looks.borrow();
        let types = match self.index(function).map(|it| &looks[it]) {
            Some(Look::Done(found)) => &found.types,
            _ => self.program.types(function),
        };
        locals.map(|it| *types.local(it)).collect()
    }

    /// The type of a field of `class` that `owner` declares and that had none in the round before, as far as the class's
    /// statements and constructor tell by now.
    pub(super) fn field(&self, class: Cls, owner: Cls, name: Name) -> Ty {
        if self.program.module_of_class(class) != self.module {
            return Ty::Unknown;
        }
        let body = self.program.class(class).body.map(|it| self.program.fun(self.module, it));
        let init = self.program.method(class, NAMES.init);
        body.into_iter().chain(init).for_each(|it| self.ask(it));
        self.fields.borrow().get(&(owner, name)).copied().unwrap_or_default()
    }

    /// The type of a global that had none in the round before, as far as its module's statements tell by now.
    pub(super) fn global(&self, module: Mod, name: Name) -> Ty {
        if module != self.module {
            return Ty::Unknown;
        }
        let body = self.program.module(module).ir.body;
        self.ask(self.program.fun(module, body));
        self.globals.borrow().get(&name).copied().unwrap_or_default()
    }

    /// The function's place among those that are looked at.
    fn index(&self, function: Fun) -> Option<usize> {
        let first = self.functions.first()?;
        // As a rule all are.
        let near = function.0.checked_sub(first.0)? as usize;
        if self.functions.get(near) == Some(&function) { Some(near) } else { self.functions.binary_search(&function).ok() }
    }

    fn ask(&self, function: Fun) {
        let Some(index) = self.index(function) else { return };
        match &mut self.looks.borrow_mut()[index] {
            look @ Look::Waiting if self.depth.get() < MAX_DEPTH => *look = Look::Begun,
            _ => return,
        }
        self.depth.set(self.depth.get() + 1);
        let found = Found::of(self, function);
        self.depth.set(self.depth.get() - 1);
        if let Some(published) = &found.published {
            let (mut fields, mut globals) = (self.fields.borrow_mut(), self.globals.borrow_mut());
            for (owner, name, ty) in &published.fields {
                fields.entry((*owner, *name)).or_insert(*ty);
            }
            for (_, name, ty) in published.globals.iter().filter(|it| it.0 == self.module) {
                globals.entry(*name).or_insert(*ty);
            }
        }
        self.looks.borrow_mut()[index] = Look::Done(found);
    }
}
