//! What a caller must know of a function: the locks it takes, keeps, gives up and hands out, and the object it returns.
//!
//! Summaries are made bottom-up over the strongly connected components of the call graph (Tarjan); the members of a
//! cycle are summarised twice, so that a lock taken anywhere in it is seen from everywhere in it.

use std::sync::LazyLock;

use super::lockset::{Held, HeldBy, LockRef, Locksets, Return, may_fail, slot};
use super::path::{Owner, Path, Root, Step};
use super::values::Values;
use crate::catalog::Mode;
use crate::ir::{Base, Callee, Function, Language, LoadKind, Local, Name, OpId, OpKind, Projection, Terminator, TypeRef};
use crate::program::{Fun, Program, Target, Ty, bindings};

/// A function that takes more locks than this, with all it calls, is cut off: its callers' reports stay readable.
const MAX_TAKES: usize = 48;

/// The same for callbacks that it runs.
const MAX_CALLS: usize = 16;

/// Returns looked at, and parts of each.
const MAX_RETURNED: usize = 16;

/// A lock that a call of the function takes, itself or through what it calls.
#[derive(Clone, Debug)]
pub struct Take {
    /// In terms of the function's own parameters.
    pub lock: LockRef,
    pub mode: Mode,
    pub tries: bool,
    pub recursive: bool,
    /// The op in this function: the acquisition, or the call that leads to it.
    pub op: OpId,
    /// The callee and the index into its takes, when it is taken inside a call.
    pub via: Option<(Fun, u32)>,
    /// Not by the call: by the future that it gives, when that is awaited.
    pub deferred: bool,
}

/// A parameter, or a part of it, that is in the result, or in a part of that: `fn into(self) -> (G, T)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandedBack {
    pub parameter: u32,
    pub from: Option<Name>,
    pub to: Option<Name>,
}

/// A call of a function value that came from outside: a parameter, or what a closure captured.
#[derive(Clone, Debug)]
pub struct Called {
    /// In terms of the function's own parameters.
    pub callee: Path,
    /// What is held around it.
    pub held: Vec<(LockRef, Mode)>,
    pub op: OpId,
}

/// A lock that is kept by the guard value a function returns, or a part of that.
#[derive(Clone, Debug)]
pub struct ReturnedGuard {
    pub lock: LockRef,
    pub mode: Mode,
    pub part: Option<Name>,
    /// By every way out; of a result that may be none, by every way that gives one.
    pub sure: bool,
}

/// A lock held while a `@contextmanager` function yields.
#[derive(Clone, Debug)]
pub struct Yielded {
    pub lock: LockRef,
    pub mode: Mode,
    /// At every `yield`.
    pub sure: bool,
}

/// The summary of one function.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub takes: Vec<Take>,
    /// Held at every return, and given up by nobody here.
    pub net: Vec<(LockRef, Mode)>,
    /// Given up here, taken by a caller.
    pub releases: Vec<LockRef>,
    /// Kept by the guard value it returns.
    pub returns_guard: Vec<ReturnedGuard>,
    /// What comes back in the result of what is passed by value.
    pub hands_back: Vec<HandedBack>,
    /// Held while a `@contextmanager` function yields.
    pub at_yield: Vec<Yielded>,
    /// Callbacks it runs.
    pub calls: Vec<Called>,
    /// The object every return gives, in terms of the parameters.
    pub returns_path: Option<Path>,
    /// Of a struct that every return makes: the parts that it shares with the parameters.
    pub returns_parts: Vec<(Name, Path)>,
}

impl Summary {
    /// The locks that a call takes, or those that are taken when what it gives is awaited; each with its index.
    pub fn takes_when(&self, deferred: bool) -> impl Iterator<Item = (usize, &Take)> {
        self.takes.iter().enumerate().filter(move |it| it.1.deferred == deferred)
    }

    /// None if there is nothing to know.
    pub fn kept(self) -> Option<Box<Summary>> {
        (!self.is_empty()).then(|| Box::new(self))
    }

    fn is_empty(&self) -> bool {
        !self.concerns_locks() && self.hands_back.is_empty() && self.returns_path.is_none() && self.returns_parts.is_empty()
    }

    pub fn concerns_locks(&self) -> bool {
        !(self.takes.is_empty()
            && self.calls.is_empty()
            && self.releases.is_empty()
            && self.net.is_empty()
            && self.returns_guard.is_empty()
            && self.at_yield.is_empty())
    }
}

/// The summaries made so far, by function.
#[derive(Debug)]
pub struct Summaries {
    /// None where there is nothing to know, as of most.
    all: Vec<Option<Box<Summary>>>,
}

static NOTHING: LazyLock<Summary> = LazyLock::new(Summary::default);

impl Summaries {
    pub fn new(count: usize) -> Self {
        Summaries { all: vec![None; count] }
    }

    /// Of a function not summarised yet: that it does nothing.
    pub fn get(&self, function: Fun) -> &Summary {
        self.all[function.0 as usize].as_deref().unwrap_or_else(|| &NOTHING)
    }

    pub fn set(&mut self, function: Fun, summary: Option<Box<Summary>>) {
        self.all[function.0 as usize] = summary;
    }
}

/// Summarises a function.
pub fn summarise(program: &Program<'_>, values: &Values, locksets: &Locksets, summaries: &Summaries) -> Summary {
    let function = values.function;
    let ir = program.function(function);
    let mut summary = Summary::default();
    let acquired = locksets.acquisitions.iter().map(|it| (it, false));
    for (it, deferred) in acquired.chain(locksets.deferred.iter().map(|it| (it, true))) {
        let lock = &locksets.locks[it.lock as usize];
        let private = matches!(lock.key.owner, Owner::Local(of, _) if of == function)
            && lock.path.as_ref().is_none_or(|it| matches!(it.root, Root::Local(_) | Root::Varying(_)));
        if private
            || summary.takes.len() >= MAX_TAKES
            || summary.takes.iter().any(|known| known.lock == *lock && known.mode == it.mode && known.deferred == deferred)
        {
            continue;
        }
        summary.takes.push(Take { lock: lock.clone(), mode: it.mode, tries: it.tries, recursive: it.recursive, op: it.op, via: it.via, deferred });
    }
    summary.calls = locksets.calls.iter().take(MAX_CALLS).cloned().collect();
    summary.releases = locksets.releases.iter().map(|it| locksets.locks[*it as usize].clone()).collect();
    let mut returned: Option<Path> = None;
    let mut parts: Option<Vec<(Name, Path)>> = None;
    let mut agree = true;
    for block in &ir.blocks {
        // A way out without a value gives no other object.
        if let Terminator::Return(Some(value)) = block.terminator {
            let path = values.path(value).filter(|it| matches!(it.root, Root::Param(_) | Root::Global(..) | Root::Captured(_) | Root::Class(_)));
            agree &= path.is_some() && (returned.is_none() || returned == path);
            returned = path.or(returned);
            let here = values.parts(value);
            parts = Some(parts.map_or(here.clone(), |known| known.into_iter().filter(|it| here.contains(it)).collect()));
        }
    }
    summary.returns_path = returned.filter(|_| agree);
    summary.returns_parts = parts.unwrap_or_default();
    if program.language(function) == Language::Rust {
        summary.hands_back = handed_back(program, function, summaries);
    }
    for (index, Return { held: state, value, .. }) in locksets.at_return.iter().enumerate() {
        let mut kept = Vec::new();
        // What is `None` on some ways out holds a guard value on the others.
        let is_kept = |it: &&Held| it.sure || matches!(it.by, HeldBy::Value(..)) && may_fail(ir) || is_of_each_item(ir, locksets, it);
        for held in state.iter().filter(is_kept) {
            let lock = locksets.lock(held);
            match held.by {
                HeldBy::Value(owner, part) if Some(owner) == *value && summary.returns_guard.iter().all(|it| it.lock != *lock) => {
                    let keeps = |it: &Return| it.held.iter().any(|it| it.sure && it.lock == held.lock);
                    let sure = may_fail(ir) || locksets.at_return.iter().all(keeps);
                    summary.returns_guard.push(ReturnedGuard { lock: lock.clone(), mode: held.mode, part, sure });
                }
                HeldBy::Release if !lock.opaque => kept.push((lock.clone(), held.mode)),
                _ => {}
            }
        }
        if index == 0 { summary.net = kept } else { summary.net.retain(|it| kept.contains(it)) }
    }
    let managers = &program.catalog(function).tables.passing.managers;
    let is_manager = ir.attributes.iter().any(|it| managers.iter().any(|name| name.last() == it.path.last()));
    if is_manager {
        for held in locksets.at_yield.iter().flatten() {
            let lock = locksets.lock(held);
            let everywhere = || locksets.at_yield.iter().all(|it| it.iter().any(|it| it.sure && it.lock == held.lock));
            if summary.at_yield.iter().all(|it| it.lock != *lock) {
                summary.at_yield.push(Yielded { lock: lock.clone(), mode: held.mode, sure: everywhere() });
            }
        }
    }
    summary
}

/// Whether the lock was taken in the turns of a loop over the items of a collection, each time that of the next: where there
/// are no items, none is needed.
fn is_of_each_item(ir: &Function, locksets: &Locksets, held: &Held) -> bool {
    let lock = locksets.lock(held);
    let is_next = |it: Local| matches!(definition(ir, it), Some(OpKind::Next { .. }));
    let goes_over = |item: Local| match definition(ir, item) {
        Some(OpKind::Store { value, .. }) => is_next(*value),
        _ => is_next(item),
    };
    held.by == HeldBy::Release && lock.path.is_some_and(|it| it.steps.contains(&Step::Item)) && lock.through.is_none_or(goes_over)
}

/// What the function returns of its parameters: the value itself, a tuple or struct of such values, or what a call gives
/// back of them.
fn handed_back(program: &Program<'_>, function: Fun, summaries: &Summaries) -> Vec<HandedBack> {
    let ir = program.function(function);
    let mut found = Vec::new();
    let returned = ir.blocks.iter().filter_map(|it| if let Terminator::Return(value) = it.terminator { value } else { None });
    for value in returned.take(MAX_RETURNED) {
        match definition(ir, value) {
            Some(OpKind::Aggregate { fields, operands, .. }) => {
                for (index, operand) in operands.iter().take(MAX_RETURNED).enumerate() {
                    let to = fields.get(index).copied().unwrap_or_else(|| slot(index as i64));
                    found.extend(part(program, function, *operand).map(|(parameter, from)| HandedBack { parameter, from, to: Some(to) }));
                }
            }
            Some(OpKind::Call { dest, callee, arguments }) => {
                let target = program.target(function, *dest);
                let Target::Function { function: called, .. } = target else { continue };
                let mut bound: Vec<(u32, Local)> = bindings(program, target, arguments).into_iter().map(|it| (it.1, it.2)).collect();
                if let Callee::Method { receiver, .. } = callee {
                    bound.extend(receiver.as_local().map(|it| (0, it)));
                }
                for back in &summaries.get(*called).hands_back {
                    let passed = bound.iter().find(|it| it.0 == back.parameter).and_then(|it| part(program, function, it.1));
                    if let Some((parameter, from)) = passed
                        && (from.is_none() || back.from.is_none())
                    {
                        found.push(HandedBack { parameter, from: from.or(back.from), to: back.to });
                    }
                }
            }
            _ => found.extend(part(program, function, value).map(|(parameter, from)| HandedBack { parameter, from, to: None })),
        }
    }
    found.dedup();
    found
}

/// The parameter that a value is, or whose part it is.
fn part(program: &Program<'_>, function: Fun, value: Local) -> Option<(u32, Option<Name>)> {
    let ir = program.function(function);
    let parameter = |local: Local| ir.params.iter().position(|it| it.local == local).map(|it| it as u32);
    let mut value = value;
    for _ in 0..8 {
        if let Some(parameter) = parameter(value) {
            return Some((parameter, None));
        }
        let place = match definition(ir, value)? {
            OpKind::Load { place, kind: LoadKind::Value | LoadKind::Bind, .. } => place,
            OpKind::Store { value: stored, .. } => {
                value = *stored;
                continue;
            }
            _ => return None,
        };
        let Base::Local(base) = place.base else { return None };
        match place.projections[..] {
            [] => value = base,
            [Projection::Field(name)] => return parameter(base).filter(|_| !derefs(program, function, base)).map(|it| (it, Some(name))),
            _ => return None,
        }
    }
    None
}

/// Whether a parameter's fields are those of what it derefs to, a guard value's: its type goes by another name than the
/// struct that has them.
fn derefs(program: &Program<'_>, function: Fun, parameter: Local) -> bool {
    let written = program.function(function).params.iter().find(|it| it.local == parameter).and_then(|it| it.ty.as_ref());
    match (written, program.local_type(function, parameter)) {
        (Some(TypeRef::Path { path, .. }), Ty::Class(class, _)) => path.last() != program.class_name(*class) && path != "Self",
        _ => false,
    }
}

/// The only op that gives the local its value.
fn definition(ir: &Function, local: Local) -> Option<&OpKind> {
    let mut found = ir.ops.iter().map(|it| &it.kind).filter(|it| it.defines() == Some(local));
    found.next().filter(|_| found.next().is_none())
}
