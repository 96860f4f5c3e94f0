//! State that flows through a call: what a function returns of guarded state, and which parameter it writes to it, each
//! in a critical section of its own.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Facts;
use super::access::{Access, AccessKind, Definitions};
use super::lockset::OpId;
use super::path::{Key, Owner};
use crate::ir::Terminator;
use crate::program::{Fun, Program};

/// The flows of all functions that take locks.
#[derive(Debug, Default)]
pub struct Flows {
    returned: FxHashMap<Fun, Vec<(Owner, Key)>>,
    written: FxHashMap<Fun, Vec<(u32, Owner, Key)>>,
}

impl Flows {
    /// The states that the function's result is computed from, with the lock it takes itself to read them.
    pub fn returned(&self, function: Fun) -> &[(Owner, Key)] {
        self.returned.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The same of a function that gives what it reads of one state, and of no other.
    pub fn given(&self, function: Fun) -> &[(Owner, Key)] {
        let returned = self.returned(function);
        if returned.iter().all(|it| it.0 == returned[0].0) { returned } else { &[] }
    }

    /// Parameters that are written to states, with the lock it takes itself to write them.
    pub fn written(&self, function: Fun) -> &[(u32, Owner, Key)] {
        self.written.get(&function).map_or(&[], Vec::as_slice)
    }
}

/// Finds the flows.
pub fn flows(program: &Program<'_>, facts: &[Facts]) -> Flows {
    let mut flows = Flows::default();
    for function in program.function_ids() {
        let fact = &facts[function.0 as usize];
        if fact.locksets.locks.is_empty() || fact.accesses.is_empty() {
            continue;
        }
        let ir = program.function(function);
        let definitions = Definitions::new(ir);
        let locks = |access: &Access| -> Vec<Key> {
            let held = fact.locksets.before(access.op).iter();
            held.filter(|it| it.sure && !fact.locksets.lock(it).opaque).map(|it| fact.locksets.lock(it).key).collect()
        };
        let mut sources: FxHashSet<OpId> = FxHashSet::default();
        for (index, block) in ir.blocks.iter().enumerate() {
            if let Terminator::Return(Some(value)) = block.terminator {
                sources.extend(definitions.sources_at_end(value, index));
            }
        }
        for access in &fact.accesses {
            for lock in locks(access) {
                let owner = access.key.owner;
                if access.kind == AccessKind::Read && sources.contains(&access.op) {
                    push(flows.returned.entry(function).or_default(), (owner, lock));
                }
                if access.kind == AccessKind::Write {
                    for parameter in definitions.parameters(ir, access.value, access.op) {
                        push(flows.written.entry(function).or_default(), (parameter, owner, lock));
                    }
                }
            }
        }
    }
    flows
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
