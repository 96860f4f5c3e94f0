//! State that flows through a call: what a function returns of guarded state, and which parameter it writes to it, each
//! in a critical section of its own.

use rustc_hash::{FxHashMap, FxHashSet};

use super::access::{Access, AccessKind};
use super::definitions::Definitions;
use super::facts::AllFacts;
use super::path::{Key, Owner};
use crate::ir::{Base, Callee, Function, Local, OpId, OpKind, Place, Terminator};
use crate::program::{Fun, Program};

/// Methods that give what they take out of a container.
const TAKING: &[&str] = &["pop", "pop_back", "pop_front", "popitem", "popleft"];

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
pub fn flows(program: &Program<'_>, facts: &AllFacts<'_>) -> Flows {
    let mut flows = Flows::default();
    for function in program.function_ids() {
        let fact = facts.get(function);
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
        let own = taken_out(ir);
        let is_own = |access: &Access| match definitions.op(access.op).map(|it| &it.kind) {
            Some(OpKind::Load { place: Place { base: Base::Local(object), projections }, .. }) => !projections.is_empty() && own.contains(object),
            _ => false,
        };
        for access in &fact.accesses {
            for lock in locks(access) {
                let owner = access.key.owner;
                if access.kind == AccessKind::Read && !is_own(access) && sources.contains(&access.op) {
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

/// The locals with what a function took out of a container: from then on it is the function's own.
fn taken_out(ir: &Function) -> FxHashSet<Local> {
    let mut found = FxHashSet::default();
    // A loop may come back to what stands before.
    for _ in 0..2 {
        for op in &ir.ops {
            match &op.kind {
                OpKind::Call { dest, callee: Callee::Method { name, .. }, .. } if TAKING.contains(&name.as_str()) => found.insert(*dest),
                OpKind::Store { place, value, .. } if found.contains(value) => place.as_local().is_some_and(|it| found.insert(it)),
                OpKind::Load { dest, place, .. } if place.as_local().is_some_and(|it| found.contains(&it)) => found.insert(*dest),
                _ => false,
            };
        }
    }
    found
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
