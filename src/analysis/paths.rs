//! The paths of a function's locals, in eight bytes each: there are as many as there are values in a program.

use thin_vec::ThinVec;

use super::path::{Path, Root, Step};
use crate::ir::{List, Local, Name};
use crate::program::{Cls, Mod};

/// The upper bits of a root's number say which it is, the others what of.
const KIND_SHIFT: u32 = 29;

/// A table from locals to paths.
#[derive(Debug)]
pub(super) struct Paths {
    roots: Box<[u32]>,
    steps: Box<[List<Step>]>,
    /// Of the globals that paths start from: their numbers are indices here.
    globals: ThinVec<(Mod, Name)>,
}

impl Paths {
    /// Of a function with so many locals, without any path yet.
    pub(super) fn new(locals: usize) -> Paths {
        Paths { roots: vec![0; locals].into(), steps: vec![List::new(); locals].into(), globals: ThinVec::new() }
    }

    pub(super) fn get(&self, local: Local) -> Option<Path> {
        let number = *self.roots.get(local.index())?;
        let of = number & ((1 << KIND_SHIFT) - 1);
        let root = match (number >> KIND_SHIFT, of) {
            (0, 0) => return None,
            (0, _) => Root::Interpreter,
            (1, _) => Root::Param(of),
            (2, _) => Root::Local(Local(of)),
            (3, _) => Root::Varying(Local(of)),
            (4, _) => Root::Captured(Local(of)),
            (5, _) => self.globals.get(of as usize).map(|it| Root::Global(it.0, it.1))?,
            (6, _) => Root::Class(Cls(of)),
            _ => Root::Somewhere(Cls(of)),
        };
        Some(Path { root, steps: self.steps[local.index()] })
    }

    /// Files have too few functions and classes for numbers that do not fit; what did not would have no path.
    pub(super) fn set(&mut self, local: Local, path: Option<Path>) {
        let index = local.index();
        let (kind, of) = match path.map(|it| it.root) {
            None => (0, 0),
            Some(Root::Interpreter) => (0, 1),
            Some(Root::Param(position)) => (1, position),
            Some(Root::Local(of)) => (2, of.0),
            Some(Root::Varying(of)) => (3, of.0),
            Some(Root::Captured(of)) => (4, of.0),
            Some(Root::Global(module, name)) => (5, self.global((module, name))),
            Some(Root::Class(class)) => (6, class.0),
            Some(Root::Somewhere(class)) => (7, class.0),
        };
        let fits = of >> KIND_SHIFT == 0;
        self.roots[index] = if fits { kind << KIND_SHIFT | of } else { 0 };
        self.steps[index] = path.map(|it| it.steps).unwrap_or_default();
    }

    fn global(&mut self, global: (Mod, Name)) -> u32 {
        // The same one is used again and again, and few are.
        let known = self.globals.iter().rev().take(8).position(|it| *it == global);
        let at = known.map_or(self.globals.len(), |it| self.globals.len() - 1 - it);
        if known.is_none() {
            self.globals.push(global);
        }
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        let global = |it: u32| Root::Global(Mod(it), Name::new("x"));
        let roots =
            [Root::Param(3), Root::Local(Local(0)), Root::Varying(Local(7)), Root::Captured(Local(1)), Root::Class(Cls(2)), Root::Interpreter];
        let roots: Vec<Root> = roots.into_iter().chain([Root::Somewhere(Cls(0))]).chain((0..20).map(global)).chain([global(0)]).collect();
        let mut paths = Paths::new(roots.len() + 1);
        let path = |index: usize| Path::new(roots[index]).then(Step::Item);
        (0..roots.len()).for_each(|it| paths.set(Local::from_index(it), path(it)));
        (0..roots.len()).for_each(|it| assert_eq!(paths.get(Local::from_index(it)), path(it)));
        assert_eq!([roots.len(), roots.len() + 1].map(|it| paths.get(Local::from_index(it))), [None, None]);
        paths.set(Local(0), Some(Path::new(Root::Param(u32::MAX))));
        assert_eq!(paths.get(Local(0)), None);
    }
}
