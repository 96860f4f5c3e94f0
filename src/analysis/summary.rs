//! What a caller must know of a function: the locks it takes, keeps, gives up and hands out, and the object it returns.
//!
//! Summaries are made bottom-up over the strongly connected components of the call graph (Tarjan); the members of a
//! cycle are summarised twice, so that a lock taken anywhere in it is seen from everywhere in it.

use super::lockset::{LockRef, Locksets, OpId};
use super::path::{Owner, Path, Root};
use super::values::Values;
use crate::catalog::Mode;
use crate::ir::Terminator;
use crate::program::{Fun, Program};

/// A function that takes more locks than this, with all it calls, is cut off: its callers' reports stay readable.
const MAX_TAKES: usize = 48;

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
    pub returns_guard: Vec<(LockRef, Mode)>,
    /// Held while a `@contextmanager` function yields.
    pub at_yield: Vec<(LockRef, Mode)>,
    /// The object every return gives, in terms of the parameters.
    pub returns_path: Option<Path>,
}

impl Summary {
    pub fn concerns_locks(&self) -> bool {
        !(self.takes.is_empty() && self.releases.is_empty() && self.net.is_empty() && self.returns_guard.is_empty() && self.at_yield.is_empty())
    }
}

/// The summaries made so far, by function.
#[derive(Debug)]
pub struct Summaries {
    all: Vec<Summary>,
}

impl Summaries {
    pub fn new(count: usize) -> Self {
        Summaries { all: vec![Summary::default(); count] }
    }

    /// Of a function not summarised yet: that it does nothing.
    pub fn get(&self, function: Fun) -> &Summary {
        &self.all[function.0 as usize]
    }

    pub fn set(&mut self, function: Fun, summary: Summary) {
        self.all[function.0 as usize] = summary;
    }
}

/// Summarises a function.
pub fn summarise(program: &Program<'_>, values: &Values, locksets: &Locksets) -> Summary {
    let function = values.function;
    let ir = program.function(function);
    let mut summary = Summary::default();
    for it in &locksets.acquisitions {
        let lock = &locksets.locks[it.lock as usize];
        let private = matches!(lock.key.owner, Owner::Local(of, _) if of == function)
            && lock.path.as_ref().is_none_or(|it| matches!(it.root, Root::Local(_) | Root::Varying(_)));
        if private || summary.takes.len() >= MAX_TAKES || summary.takes.iter().any(|known| known.lock == *lock && known.mode == it.mode) {
            continue;
        }
        summary.takes.push(Take { lock: lock.clone(), mode: it.mode, tries: it.tries, recursive: it.recursive, op: it.op, via: it.via });
    }
    summary.releases = locksets.releases.iter().map(|it| locksets.locks[*it as usize].clone()).collect();
    let mut returned: Option<Path> = None;
    let mut agree = true;
    for block in &ir.blocks {
        if let Terminator::Return(value) = block.terminator {
            let path = value
                .and_then(|it| values.path(it))
                .filter(|it| matches!(it.root, Root::Param(_) | Root::Global(..) | Root::Captured(_) | Root::Class(_)));
            agree &= path.is_some() && (returned.is_none() || returned.as_ref() == path);
            returned = path.cloned().or(returned);
        }
    }
    summary.returns_path = returned.filter(|_| agree);
    for (index, (state, value)) in locksets.at_return.iter().enumerate() {
        let mut kept = Vec::new();
        for held in state.iter().filter(|it| it.sure) {
            let lock = locksets.lock(held);
            match held.by {
                super::lockset::HeldBy::Value(owner, _) if Some(owner) == *value && summary.returns_guard.iter().all(|(known, _)| known != lock) => {
                    summary.returns_guard.push((lock.clone(), held.mode));
                }
                super::lockset::HeldBy::Release if !lock.opaque => kept.push((lock.clone(), held.mode)),
                _ => {}
            }
        }
        if index == 0 { summary.net = kept } else { summary.net.retain(|it| kept.contains(it)) }
    }
    let managers = &program.catalog(function).tables.passing.managers;
    let is_manager = ir.attributes.iter().any(|it| managers.iter().any(|name| name.last() == it.path.last()));
    if is_manager && let Some(state) = locksets.at_yield.first() {
        summary.at_yield = state.iter().filter(|it| it.sure).map(|it| (locksets.lock(it).clone(), it.mode)).collect();
    }
    summary
}
