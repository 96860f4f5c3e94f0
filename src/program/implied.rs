//! Methods that Rust runs where no call is written: `fmt` for what is printed, `eq` for what is compared, `drop` for what
//! goes out of scope.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Cls, Fun, Program, Ty};
use crate::ir::{
    Base, Callee, Const, Language, LoadKind, Local, Name, OpId, OpKind, Operation, ParamKind, Place, Projection, StoreKind, Terminator, TypeRef,
};

/// Where a value comes from is looked for through so many variables.
const MAX_COPIES: usize = 4;

/// Methods that give up an item of a collection, or what it held before.
const TAKING: &[&str] = &["insert", "pop", "pop_back", "pop_front", "remove", "replace", "swap_remove", "take"];

/// Methods that end items of a collection.
const EMPTYING: &[&str] = &["clear", "truncate"];

/// What a class does that it has an `impl` of a library's trait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Print,
    Equal,
    Drop,
}

impl Kind {
    pub(super) fn of(of: &str) -> Option<Kind> {
        match of {
            "Display" | "Debug" => Some(Kind::Print),
            "PartialEq" => Some(Kind::Equal),
            "Drop" => Some(Kind::Drop),
            _ => None,
        }
    }

    pub(super) fn method(self) -> &'static str {
        match self {
            Kind::Print => "fmt",
            Kind::Equal => "eq",
            Kind::Drop => "drop",
        }
    }
}

/// A method that an op runs, and the places it is given: `self`, and what follows.
#[derive(Clone, Debug)]
pub struct Implied {
    pub run: Fun,
    pub arguments: Vec<Place>,
    /// Only if nobody has taken the value out of this local before ([`Program::is_moved`]).
    pub unless_moved: Option<Local>,
}

/// What a function does with its locals.
#[derive(Clone, Debug, Default)]
pub(super) struct Ownership {
    /// The op that alone writes each; none where several do.
    writes: FxHashMap<Local, Option<OpId>>,
    /// Those whose value it may take out.
    moved: FxHashSet<Local>,
}

impl Program<'_> {
    /// The methods of the program that `op` runs by no call of theirs.
    pub fn implied(&self, function: Fun, op: &OpKind) -> Vec<Implied> {
        if self.language(function) != Language::Rust {
            return Vec::new();
        }
        let run = |run: Fun, arguments: Vec<Place>| Implied { run, arguments, unless_moved: None };
        match op {
            OpKind::Compute { operation: Operation::Format, operands, .. } => {
                let printed = |it: &Local| self.printing(self.class_in(function, *it)?).map(|method| run(method, vec![Place::local(*it)]));
                operands.iter().filter_map(printed).collect()
            }
            OpKind::Compute { operation: Operation::Compare, operands, .. } => match operands[..] {
                [one, other] if self.class_in(function, other).is_some() => {
                    let eq = self.class_in(function, one).and_then(|it| self.implied_by(it, Kind::Equal));
                    eq.map(|it| run(it, vec![Place::local(one), Place::local(other)])).into_iter().collect()
                }
                _ => Vec::new(),
            },
            // `x.to_string()` is `Display`'s.
            OpKind::Call { callee: Callee::Method { receiver, name }, .. } if *name == "to_string" && self.called(function, op).is_none() => {
                let class = receiver.as_local().and_then(|it| self.class_in(function, it));
                class.and_then(|it| self.printing(it)).map(|it| run(it, vec![*receiver])).into_iter().collect()
            }
            // `drop(x)`
            OpKind::Call { dest, callee: Callee::Path(_), arguments } if arguments.len() == 1 => match self.target(function, *dest) {
                super::Target::External(path) if self.catalog(function).tables.passing.dropping.contains(path) => {
                    let given = arguments[0].value;
                    let dropped = self.dropping(function, given).filter(|_| self.owns(function, given));
                    dropped.map(|it| run(it, vec![Place::local(given)])).into_iter().collect()
                }
                _ => Vec::new(),
            },
            // `items.clear()` ends what is in there.
            OpKind::Call { dest, callee: Callee::Method { receiver, name }, .. } if EMPTYING.contains(&name.as_str()) => {
                let collection = receiver.as_local().map(|it| *self.local_type(function, it)).unwrap_or_default();
                let is_own = matches!(self.target(function, *dest), super::Target::Function { .. });
                let dropped = if is_own { None } else { self.drop_of(&collection.item(self.catalog(function))) };
                dropped.map(|it| run(it, vec![(*receiver).project(Projection::Key(Const::Other))])).into_iter().collect()
            }
            // `*slot = value`, `*guard = None`: what was there ends.
            OpKind::Store { place, kind: StoreKind::Assign, .. } if place.projections[..] == [Projection::Deref] => {
                let Base::Local(local) = place.base else { return Vec::new() };
                self.dropping(function, local).map(|it| run(it, vec![*place])).into_iter().collect()
            }
            OpKind::Drop { local } => {
                let dropped = self.dropping(function, *local).filter(|_| self.owns(function, *local));
                dropped.map(|it| Implied { unless_moved: Some(*local), ..run(it, vec![Place::local(*local)]) }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the function may have taken the value out of the local: anything but a borrow or a call of a method that
    /// borrows it.
    pub fn is_moved(&self, function: Fun, local: Local) -> bool {
        self.ownership(function).moved.contains(&local)
    }

    /// What a function does with its locals, found in one pass and kept: it is asked for each end of each of them.
    fn ownership(&self, function: Fun) -> Arc<Ownership> {
        self.ownerships.get(function, || {
            let mut ownership = Ownership::default();
            let ir = self.function(function);
            let module = self.module_of(function);
            for (id, op) in ir.numbered() {
                if let Some(written) = op.kind.defines() {
                    ownership.writes.entry(written).and_modify(|it| *it = None).or_insert(Some(id));
                }
                ownership.moved.extend(op.kind.uses().into_iter().filter(|it| !self.borrows(function, &op.kind, *it)));
                if let OpKind::Closure { function: nested, .. } = &op.kind {
                    ownership.moved.extend(self.function(self.fun(module, *nested)).captured().map(|it| it.1));
                }
            }
            ownership.moved.extend(ir.blocks.iter().filter_map(|it| match it.terminator {
                Terminator::Return(value) => value,
                _ => None,
            }));
            Arc::new(ownership)
        })
    }

    /// Whether an op leaves the value of a local that it uses where it is.
    fn borrows(&self, function: Fun, op: &OpKind, local: Local) -> bool {
        match op {
            OpKind::Load { kind, place, .. } => match place.projections.first() {
                None => matches!(kind, LoadKind::Borrow | LoadKind::BorrowMut),
                Some(it) => !matches!(it, Projection::Variant(_)),
            },
            OpKind::Store { place, value, .. } => *value != local && place.as_local() == Some(local),
            OpKind::Drop { .. } => true,
            OpKind::Call { dest, callee: Callee::Method { receiver, .. }, arguments } => {
                let takes = || match self.target(function, *dest) {
                    super::Target::Function { function: called, .. } => {
                        let first = self.function(*called).params.first();
                        !first.is_some_and(|it| it.kind == ParamKind::Receiver && matches!(it.ty, Some(TypeRef::Reference { .. })))
                    }
                    _ => receiver.projections.is_empty(),
                };
                arguments.iter().all(|it| it.value != local) && !takes()
            }
            _ => false,
        }
    }

    /// The class of what is in a local, wrappers seen through.
    fn class_in(&self, function: Fun, local: Local) -> Option<Cls> {
        match self.local_type(function, local).peeled(self.catalog(function)) {
            Ty::Class(class, _) => Some(class),
            _ => None,
        }
    }

    /// The `fmt` that prints a class, where there is one only.
    fn printing(&self, class: Cls) -> Option<Fun> {
        self.implied_by(class, Kind::Print).filter(|_| !self.derives(class, "Debug"))
    }

    fn implied_by(&self, class: Cls, kind: Kind) -> Option<Fun> {
        self.implied.get(&(class, kind)).copied().flatten()
    }

    /// The `drop` that runs when what is in the local goes: its own, or that of what an `Option` or `Box` holds.
    fn dropping(&self, function: Fun, local: Local) -> Option<Fun> {
        self.drop_of(self.local_type(function, local))
    }

    fn drop_of(&self, ty: &Ty) -> Option<Fun> {
        let class = match ty {
            Ty::Class(class, _) => *class,
            Ty::External(path, arguments) if matches!(path.last(), "Option" | "Box") => match arguments.first() {
                Some(Ty::Class(class, _)) => *class,
                _ => return None,
            },
            _ => return None,
        };
        self.implied_by(class, Kind::Drop)
    }

    /// Whether the local has the value itself, and not a reference to it or a guard value around it: a literal, or what a
    /// function gives that says so.
    fn owns(&self, function: Fun, local: Local) -> bool {
        let ir = self.function(function);
        let ownership = self.ownership(function);
        let mut local = local;
        for _ in 0..MAX_COPIES {
            let Some(Some(id)) = ownership.writes.get(&local).copied() else { return false };
            match &ir.ops[id.index()].kind {
                OpKind::Aggregate { .. } => return true,
                OpKind::Store { value, .. } => local = *value,
                OpKind::Load { place, kind: LoadKind::Value, .. } => match place.as_local() {
                    Some(from) => local = from,
                    None => return false,
                },
                OpKind::Call { dest, callee, .. } => {
                    return match (self.target(function, *dest), callee) {
                        (super::Target::Function { function: called, .. }, _) => {
                            let names = |path: &Name| match self.local_type(function, local) {
                                Ty::Class(class, _) => path.last() == self.class_name(*class) || *path == "Self",
                                _ => matches!(path.last(), "Option" | "Box"),
                            };
                            matches!(&self.function(*called).returns, Some(TypeRef::Path { path, .. }) if names(path))
                        }
                        // What a collection gives up.
                        (_, Callee::Method { name, .. }) => TAKING.contains(&name.as_str()),
                        _ => false,
                    };
                }
                _ => return false,
            }
        }
        false
    }
}
