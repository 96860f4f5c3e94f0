//! Fields that are given what another field has: `Worker { jobs: Arc::clone(&pool.jobs) }`, `Worker::new(jobs.clone())`.
//!
//! Every literal of a struct, and every call of a function that returns one, says where the `Arc`s in its fields come from.
//! A field that all of them give the same object, as far as places tell, is another name of the place that object has.
//! One that is given different ones stays itself.

use indexmap::IndexMap;
use indexmap::map::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::facts::AllFacts;
use super::path::{Key, Owner, Path, Root};
use super::values::shared_parts;
use crate::ir::Language;
use crate::program::{Fun, Program};

/// Names of names are followed so far, and closures in closures.
const MAX_HOPS: usize = 8;

/// For a field, the place whose object it has.
#[derive(Debug, Default)]
pub struct Given {
    same: FxHashMap<Owner, Owner>,
}

impl Given {
    /// The one name of a place that may have several.
    pub fn place(&self, key: Key) -> Key {
        Key { owner: self.same.get(&key.owner).copied().unwrap_or(key.owner), ..key }
    }
}

/// Finds the fields of a program that are given others'.
pub fn given(program: &Program<'_>, facts: &AllFacts<'_>) -> Given {
    // None: given different objects, or what is not known.
    let mut sources: IndexMap<Owner, Option<Owner>, FxBuildHasher> = IndexMap::default();
    for function in program.function_ids().filter(|it| program.language(*it) == Language::Rust && !program.is_exempt(*it)) {
        let values = facts.values(function);
        for (class, field, path) in shared_parts(program, values, &facts.summaries) {
            let Some((owner, _)) = program.field(class, field) else { continue };
            // What a constructor is given, its callers know.
            if path.as_ref().is_some_and(|it| facts.summaries.get(function).returns_parts.contains(&(field, *it))) {
                continue;
            }
            let source = path.and_then(|it| source(program, facts, function, it)).filter(|it| *it != Owner::Field(owner, field));
            match sources.entry(Owner::Field(owner, field)) {
                Entry::Occupied(mut known) if *known.get() != source => *known.get_mut() = None,
                Entry::Occupied(_) => {}
                Entry::Vacant(slot) => {
                    slot.insert(source);
                }
            }
        }
    }
    // Of the fields that are given one local, the first is the place.
    let mut first: FxHashMap<Owner, Owner> = FxHashMap::default();
    for (field, source) in &sources {
        if let Some(local @ Owner::Local(..)) = source {
            first.entry(*local).or_insert(*field);
        }
    }
    let next = |it: &Owner| match sources.get(it).copied().flatten()? {
        local @ Owner::Local(..) => first.get(&local).copied().filter(|first| first != it),
        other => Some(other),
    };
    let last = |field: &Owner| std::iter::successors(Some(*field), next).take(MAX_HOPS).last().filter(|it| it != field).map(|it| (*field, it));
    Given { same: sources.keys().filter_map(last).collect() }
}

/// The place of what is at `path`: of what a closure captured, as the function around it has it.
fn source(program: &Program<'_>, facts: &AllFacts<'_>, function: Fun, path: Path) -> Option<Owner> {
    let (mut function, mut path) = (function, path);
    for _ in 0..MAX_HOPS {
        let Root::Captured(_) = path.root else { break };
        let outer = program.captures_from(function)?;
        let values = facts.values(outer);
        path = path.substitute(&|_| None, &|it| values.path(it))?;
        function = outer;
    }
    if !path.is_definite() {
        return None;
    }
    match path.resolve(program, function)?.0 {
        Key { owner: owner @ (Owner::Field(..) | Owner::Global(..) | Owner::Local(..)), item: false, data: false } => Some(owner),
        _ => None,
    }
}
