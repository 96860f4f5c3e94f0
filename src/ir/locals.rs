//! The locals of a function. There are as many as there are values in a program, and most are temporaries, of which nothing
//! is to be said.

use serde::{Deserialize, Serialize};

use super::{Local, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalKind {
    Param,
    /// A variable the user named.
    Variable,
    /// An intermediate value.
    Temporary,
    /// A variable of the function this one is nested in ([`super::Owner::Function`]); the same storage in Python and for Rust
    /// closures that borrow, the moved value for those that move.
    Captured(Local),
}

/// What a local is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalDecl {
    /// As a number, which takes half the room.
    kind: u32,
    pub name: Option<Name>,
}

/// The kinds but the captured ones, which come after them in the order of what they capture.
const KINDS: [LocalKind; 3] = [LocalKind::Param, LocalKind::Variable, LocalKind::Temporary];

impl LocalDecl {
    /// What has no name of its own.
    const TEMPORARY: LocalDecl = LocalDecl { kind: 2, name: None };

    pub fn new(kind: LocalKind, name: Option<Name>) -> Self {
        let kind = match kind {
            LocalKind::Param => 0,
            LocalKind::Variable => 1,
            LocalKind::Temporary => 2,
            LocalKind::Captured(outer) => KINDS.len() as u32 + outer.0,
        };
        LocalDecl { kind, name }
    }

    pub fn kind(self) -> LocalKind {
        let captured = || LocalKind::Captured(Local(self.kind - KINDS.len() as u32));
        KINDS.get(self.kind as usize).copied().unwrap_or_else(captured)
    }
}

/// All locals of a function, parameters first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Locals {
    count: u32,
    /// Those that are no temporaries, in their order.
    declared: Vec<(Local, LocalDecl)>,
}

impl Locals {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What a local is; a temporary, if it was not declared.
    pub fn get(&self, local: Local) -> LocalDecl {
        let at = self.declared.binary_search_by_key(&local, |it| it.0);
        at.map_or(LocalDecl::TEMPORARY, |at| self.declared[at].1)
    }

    /// The parameters, variables and captured variables.
    pub fn declared(&self) -> impl Iterator<Item = (Local, LocalDecl)> + '_ {
        self.declared.iter().copied()
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Local, LocalDecl)> + '_ {
        let mut declared = self.declared.iter().peekable();
        (0..self.count).map(Local).map(move |local| match declared.next_if(|it| it.0 == local) {
            Some((_, decl)) => (local, *decl),
            None => (local, LocalDecl::TEMPORARY),
        })
    }

    /// One more.
    pub fn push(&mut self, decl: LocalDecl) -> Local {
        let local = Local(self.count);
        self.count = self.count.checked_add(1).expect("a file is under 4 GiB, so it has under 2^32 of these");
        if decl != LocalDecl::TEMPORARY {
            self.declared.push((local, decl));
        }
        local
    }

    /// Gives the room back that the declarations grew into.
    pub(super) fn settle(&mut self) {
        super::exact(&mut self.declared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locals_come_back() {
        let kinds = [LocalKind::Param, LocalKind::Temporary, LocalKind::Captured(Local(7)), LocalKind::Temporary, LocalKind::Variable];
        let named = |kind: LocalKind| (kind != LocalKind::Temporary).then(|| Name::new("x"));
        let mut locals = Locals::default();
        for (index, kind) in kinds.into_iter().enumerate() {
            assert_eq!(locals.push(LocalDecl::new(kind, named(kind))), Local::from_index(index));
        }
        locals.settle();
        assert_eq!(locals.iter().map(|it| it.1.kind()).collect::<Vec<_>>(), kinds);
        assert_eq!((0..5).map(|it| locals.get(Local(it)).kind()).collect::<Vec<_>>(), kinds);
        assert_eq!(locals.declared().map(|it| it.0.0).collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!((locals.len(), locals.get(Local(9)).name), (5, None));
    }
}
