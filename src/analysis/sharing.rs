//! Which objects code on other threads shares: not only *that* a function runs on a thread, but whose state it touches
//! there.
//!
//! From each thread entry point, along calls: a bound method shares its receiver, a closure what it captured; a callee
//! shares a parameter when the caller passes something shared, or global. An object the thread made for itself is not
//! shared, nor is what hangs on it (ownership, as in RacerD).

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::Facts;
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
    /// For each function on a thread: what of its own it shares, and the entry point (index into the program's).
    reached: FxHashMap<Fun, (Mask, u32)>,
}

impl Sharing {
    /// The entry point by which the object at `path`, seen from `function`, is in the hands of another thread.
    pub fn entry(&self, function: Fun, path: &Path) -> Option<u32> {
        let (mask, entry) = self.reached.get(&function)?;
        is_shared(path, *mask).then_some(*entry)
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
        Root::Local(_) | Root::Varying(_) | Root::Somewhere(_) => false,
    }
}

/// Follows what the program's thread entry points share.
pub fn sharing(program: &Program<'_>, facts: &[Facts]) -> Sharing {
    let mut sharing = Sharing::default();
    let mut queue: VecDeque<(Fun, Mask, u32)> = VecDeque::new();
    for (index, entry) in program.threads.entries.iter().enumerate() {
        if !matches!(entry.how, Concurrency::Thread | Concurrency::Pool) {
            continue;
        }
        let kind = program.function(entry.function).kind;
        let receiver = matches!(kind, FunctionKind::Method | FunctionKind::ClassMethod) && !entry.own_receiver;
        let captured = program.parent(entry.function).is_some();
        queue.push_back((entry.function, Mask { params: u64::from(receiver), captured }, index as u32));
    }
    while let Some((function, mask, entry)) = queue.pop_front() {
        let known = sharing.reached.get(&function).map(|it| it.0);
        let joined = Mask { params: mask.params | known.unwrap_or_default().params, captured: mask.captured || known.is_some_and(|it| it.captured) };
        if known == Some(joined) {
            continue;
        }
        let entry = sharing.reached.get(&function).map_or(entry, |it| it.1);
        sharing.reached.insert(function, (joined, entry));
        let values = &facts[function.0 as usize].values;
        for (_, _, op) in program.function(function).ops() {
            let (Some(call), Some(called)) = (program.invocation(function, &op.kind), program.called(function, &op.kind)) else { continue };
            let bound = bindings(program, call.target, call.arguments);
            let count = program.function(called).params.len().min(64) as u32;
            let params = (0..count)
                .filter(|index| values.argument(program, call.target, &call.callee, &bound, *index).is_some_and(|it| is_shared(&it, joined)))
                .fold(0, |mask, index| mask | (1 << index));
            queue.push_back((called, Mask { params, captured: joined.captured }, entry));
        }
    }
    sharing
}
