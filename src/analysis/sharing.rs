//! Which objects code on other threads shares: not only *that* a function runs on a thread, but whose state it touches
//! there.
//!
//! From each thread entry point, along calls: a bound method shares its receiver, a closure what it captured; a callee
//! shares a parameter when the caller passes something shared, or global. An object the thread made for itself is not
//! shared, nor is what hangs on it (ownership, as in RacerD).

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::facts::AllFacts;
use super::path::{Path, Root};
use crate::catalog::Concurrency;
use crate::ir::FunctionKind;
use crate::program::{Fun, Program, bindings};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mask {
    /// Bit `i`: parameter `i` is shared. Parameters past 63 never are.
    params: u64,
    captured: bool,
}

/// What is shared where.
#[derive(Debug, Default)]
pub struct Sharing {
    reached: FxHashMap<Fun, Reached>,
}

/// How a function runs on a thread.
#[derive(Clone, Copy, Debug)]
struct Reached {
    /// What of its own it shares.
    mask: Mask,
    /// The entry point: an index into the program's.
    entry: u32,
    /// Every way to it is a call under some lock.
    locked: bool,
}

impl Sharing {
    /// The entry point by which the object at `path`, seen from `function`, is in the hands of another thread with no
    /// lock around the way there.
    pub fn entry(&self, function: Fun, path: &Path) -> Option<u32> {
        let reached = self.reached.get(&function)?;
        (!reached.locked && is_shared(path, reached.mask)).then_some(reached.entry)
    }

    /// Whether `function` runs on a thread that the program starts.
    pub fn is_on_thread(&self, function: Fun) -> bool {
        self.reached.contains_key(&function)
    }
}

fn is_shared(path: &Path, mask: Mask) -> bool {
    match path.root {
        Root::Param(index) => index < 64 && mask.params & (1 << index) != 0,
        Root::Captured(_) => mask.captured,
        Root::Global(..) | Root::Class(_) => true,
        Root::Local(_) | Root::Varying(_) | Root::Somewhere(_) | Root::Interpreter => false,
    }
}

/// Follows what the program's thread entry points share.
pub fn sharing(program: &Program<'_>, facts: &AllFacts<'_>) -> Sharing {
    let mut sharing = Sharing::default();
    let mut queue: VecDeque<(Fun, Reached)> = VecDeque::new();
    for (index, entry) in program.threads.entries.iter().enumerate() {
        if !matches!(entry.how, Concurrency::Thread | Concurrency::Pool) {
            continue;
        }
        let kind = program.function(entry.function).kind;
        let receiver = matches!(kind, FunctionKind::Method | FunctionKind::ClassMethod) && !entry.own_receiver;
        let captured = program.parent(entry.function).is_some();
        let mask = Mask { params: u64::from(receiver), captured };
        queue.push_back((entry.function, Reached { mask, entry: index as u32, locked: false }));
    }
    while let Some((function, found)) = queue.pop_front() {
        let reached = match sharing.reached.get(&function) {
            None => found,
            Some(known) => {
                let mask = Mask { params: known.mask.params | found.mask.params, captured: known.mask.captured || found.mask.captured };
                let locked = known.locked && found.locked;
                if mask == known.mask && locked == known.locked {
                    continue;
                }
                Reached { mask, entry: known.entry, locked }
            }
        };
        sharing.reached.insert(function, reached);
        let (values, locksets) = (facts.values(function), &facts.get(function).locksets);
        for (id, op) in program.function(function).numbered() {
            let (Some(call), Some(called)) = (program.invocation(function, &op.kind), program.called(function, &op.kind)) else { continue };
            let bound = bindings(program, call.target, call.arguments);
            let count = program.function(called).params.len().min(64) as u32;
            let params = (0..count)
                .filter(|index| values.argument(program, call.target, &call.callee, &bound, *index).is_some_and(|it| is_shared(&it, reached.mask)))
                .fold(0, |mask, index| mask | (1 << index));
            let locked = reached.locked || locksets.before(id).iter().any(|it| it.sure);
            let mask = Mask { params, captured: reached.mask.captured };
            queue.push_back((called, Reached { mask, entry: reached.entry, locked }));
        }
    }
    sharing
}
