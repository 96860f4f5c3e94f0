//! Entry locksets: what every caller of a private helper holds.
//!
//! Top-down over the call graph, as the greatest fixed point: a helper starts with "anything" and keeps what every call
//! site holds, itself or by its own entry lockset. Public functions, thread entry points and functions used as values
//! start with nothing. Calls during construction do not count: no other thread has the object yet.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::Facts;
use super::declared::Declared;
use super::lockset::OpId;
use super::path::{Key, Root};
use crate::catalog::{Concurrency, Mode};
use crate::ir::{Callee, FunctionKind, Language, Local, OpKind, ParamKind, TypeRef};
use crate::program::{Cls, Fun, Program, Ty};

/// A chain of helpers longer than this is not followed to its end.
const MAX_ROUNDS: usize = 12;

/// For each function, the locks its callers surely hold.
#[derive(Debug, Default)]
pub struct EntryLocksets {
    held: FxHashMap<Fun, Vec<(Key, Mode)>>,
    /// The same by the callers that are seen, where there may be others.
    known: FxHashMap<Fun, Vec<(Key, Mode)>>,
    /// Where each function is called, constructors aside.
    sites: FxHashMap<Fun, Vec<(Fun, OpId)>>,
    /// Functions that say their caller holds a lock, by their name.
    claims: FxHashSet<Fun>,
    /// Private helpers that only constructors call.
    constructs: FxHashSet<Fun>,
    /// Private helpers that are only called on what their callers have to themselves.
    exclusive: FxHashSet<Fun>,
    /// For functions that threads reach: the entry point, where there is only one way in.
    threads: FxHashMap<Fun, u32>,
}

impl EntryLocksets {
    pub fn held(&self, function: Fun) -> &[(Key, Mode)] {
        self.held.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Whether all callers that are seen hold the lock, and there are some.
    pub fn callers_hold(&self, function: Fun, lock: &Key) -> bool {
        self.known.get(&function).is_some_and(|it| it.iter().any(|it| it.0 == *lock))
    }

    /// Whether all callers that are seen hold one lock, and there are some.
    pub fn callers_hold_one(&self, function: Fun) -> bool {
        self.known.contains_key(&function)
    }

    /// Where the function is seen to be called, constructors aside.
    pub fn sites(&self, function: Fun) -> &[(Fun, OpId)] {
        self.sites.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The thread entry point (an index into the program's) whose single thread alone runs the function.
    pub fn only_thread(&self, function: Fun) -> Option<u32> {
        self.threads.get(&function).copied()
    }

    /// Whether only constructors call it.
    pub fn only_constructs(&self, function: Fun) -> bool {
        self.constructs.contains(&function)
    }

    /// Whether nobody else has the object the method is called on: it says so by its receiver, or all its callers do.
    pub fn has_to_itself(&self, program: &Program<'_>, method: Fun) -> bool {
        self.exclusive.contains(&method) || takes_exclusively(program, method)
    }

    /// Whether the function's name or doc says that its caller holds the lock.
    pub fn claims_lock(&self, function: Fun) -> bool {
        self.claims.contains(&function)
    }
}

/// Computes the entry locksets.
pub fn entry_locksets(program: &Program<'_>, facts: &[Facts], declared: &Declared) -> EntryLocksets {
    let mut sites: FxHashMap<Fun, Vec<(Fun, OpId)>> = FxHashMap::default();
    let mut at_once: FxHashSet<(Fun, Local)> = FxHashSet::default();
    // All callers outside constructors; an empty list: constructors alone.
    let mut made_by: FxHashMap<Fun, Vec<Fun>> = FxHashMap::default();
    // Methods that are called on more than their callers' `self`.
    let mut elsewhere: FxHashSet<Fun> = FxHashSet::default();
    let mut open: FxHashSet<Fun> = program.threads.entries.iter().map(|it| it.function).collect();
    // Each callee with the methods that may stand in for it.
    let mut stand_ins: FxHashMap<Fun, Vec<Fun>> = FxHashMap::default();
    for function in program.function_ids() {
        let locksets = &facts[function.0 as usize].locksets;
        for (block, index, op) in program.function(function).ops() {
            if let Some(callee) = program.called(function, &op.kind) {
                let run = || overrides(program, callee).into_iter().chain([callee]).collect();
                for callee in stand_ins.entry(callee).or_insert_with(run) {
                    if program.is_construction(function) {
                        made_by.entry(*callee).or_default();
                        continue;
                    }
                    sites.entry(*callee).or_default().push((function, locksets.op_id(block, index)));
                    if program.language(function) == Language::Python || !calls_on_self(program, facts, function, &op.kind) {
                        elsewhere.insert(*callee);
                    }
                    let callers = made_by.entry(*callee).or_default();
                    if callers.last() != Some(&function) {
                        callers.push(function);
                    }
                }
                continue;
            }
            for (argument, used) in program.run_at_once(function, &op.kind) {
                sites.entry(used).or_default().push((function, locksets.op_id(block, index)));
                at_once.insert((function, argument));
            }
        }
        for (_, _, op) in program.function(function).ops() {
            // A bound method or function taken as a value can be called by anyone.
            if let OpKind::Load { dest, .. } = &op.kind
                && let Ty::BoundMethod(used) | Ty::Function(used) = program.local_type(function, *dest)
                && program.called(function, &op.kind).is_none()
                && !at_once.contains(&(function, *dest))
            {
                open.insert(*used);
            }
        }
    }
    let mut result = EntryLocksets::default();
    for function in program.function_ids() {
        let ir = program.function(function);
        let doc = ir.doc.as_deref().unwrap_or("").to_ascii_lowercase();
        let says = ["must hold", "lock held", "with the lock", "holding the lock", "lock is held", "must be held", "caller holds"]
            .iter()
            .any(|it| doc.contains(it));
        let asserts = || {
            ir.ops().any(|(_, _, op)| matches!(&op.kind, OpKind::Call { callee: Callee::Method { name, .. }, .. } if matches!(name.as_str(), "locked" | "_is_owned" | "is_owned" | "is_locked")))
        };
        let locking_decorator = || program.wrappers(function).iter().any(|it| !facts[it.0 as usize].locksets.locks.is_empty());
        if asserts() || locking_decorator() {
            result.claims.insert(function);
        }
        if ["_locked", "_lock_held", "_under_lock", "_with_lock"].iter().any(|it| ir.name.as_str().ends_with(it))
            || ir.name.as_str().ends_with("_unlocked") && ir.name.as_str().starts_with("_")
            || says
        {
            result.claims.insert(function);
        }
    }
    for _ in 0..MAX_ROUNDS {
        let more: Vec<Fun> = made_by
            .iter()
            .filter(|(it, callers)| {
                !result.constructs.contains(it)
                    && is_private(program, **it)
                    && !open.contains(it)
                    && callers.iter().all(|it| result.constructs.contains(it))
            })
            .map(|it| *it.0)
            .collect();
        if more.is_empty() {
            break;
        }
        result.constructs.extend(more);
    }
    result.threads = single_threads(program, &made_by, &open);
    for _ in 0..MAX_ROUNDS {
        let known = result.exclusive.len();
        for (helper, callers) in &made_by {
            let all_do = || callers.iter().all(|it| result.has_to_itself(program, *it));
            if !callers.is_empty() && !elsewhere.contains(helper) && !open.contains(helper) && is_private(program, *helper) && all_do() {
                result.exclusive.insert(*helper);
            }
        }
        if result.exclusive.len() == known {
            break;
        }
    }
    let candidates: Vec<Fun> = program.function_ids().filter(|it| is_private(program, *it) && !open.contains(it) && sites.contains_key(it)).collect();
    // None is "anything": not yet reached from a site that is known.
    let mut held: FxHashMap<Fun, Option<Vec<(Key, Mode)>>> = candidates.iter().map(|it| (*it, None)).collect();
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for function in &candidates {
            let meet = at_all(facts, declared, &sites[function], |it| held.get(it).map(|it| it.as_deref()));
            if meet.is_some() && held[function] != meet {
                held.insert(*function, meet);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    result.held = held.into_iter().filter_map(|(function, held)| held.filter(|it| !it.is_empty()).map(|it| (function, it))).collect();
    for (function, sites) in &sites {
        let meet = at_all(facts, declared, sites, |it| result.held.get(it).map(|it| Some(it.as_slice())));
        if let Some(meet) = meet.filter(|it| !it.is_empty()) {
            result.known.insert(*function, meet);
        }
    }
    for (function, locks) in declared.requiring() {
        for map in [&mut result.held, &mut result.known] {
            let held = map.entry(function).or_default();
            held.extend(locks.iter().map(|it| (it.0, Mode::Exclusive)));
        }
    }
    result.sites = sites;
    result
}

/// The locks held at all of `sites`, as far as is known of their functions; none where nothing is known of any.
/// `entered` gives what a function starts with: `Some(None)` where that is still open.
fn at_all<'h>(
    facts: &[Facts],
    declared: &Declared,
    sites: &[(Fun, OpId)],
    entered: impl Fn(&Fun) -> Option<Option<&'h [(Key, Mode)]>>,
) -> Option<Vec<(Key, Mode)>> {
    let mut meet: Option<Vec<(Key, Mode)>> = None;
    for (caller, op) in sites {
        let locksets = &facts[caller.0 as usize].locksets;
        let mut here: Vec<(Key, Mode)> = locksets.before(*op).iter().filter(|it| it.sure).map(|it| (locksets.lock(it).key, it.mode)).collect();
        here.extend(declared.required(*caller).iter().map(|it| (it.0, Mode::Exclusive)));
        match entered(caller) {
            Some(None) => continue,
            Some(Some(known)) => here.extend(known.iter().copied()),
            None => {}
        }
        match &mut meet {
            None => meet = Some(here),
            Some(meet) => meet.retain(|it| here.contains(it)),
        }
        if meet.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
    }
    meet
}

/// The functions that one single thread of the program reaches and nothing else does: private helpers whose callers all
/// are such functions.
fn single_threads(program: &Program<'_>, callers: &FxHashMap<Fun, Vec<Fun>>, open: &FxHashSet<Fun>) -> FxHashMap<Fun, u32> {
    let mut started: FxHashMap<Fun, Option<u32>> = FxHashMap::default();
    for (index, it) in program.threads.entries.iter().enumerate() {
        let alone = it.how == Concurrency::Thread && !it.several && is_private(program, it.function) && !callers.contains_key(&it.function);
        started.entry(it.function).and_modify(|it| *it = None).or_insert(alone.then_some(index as u32));
    }
    let mut threads: FxHashMap<Fun, u32> = started.into_iter().filter_map(|(function, entry)| entry.map(|it| (function, it))).collect();
    for _ in 0..MAX_ROUNDS {
        let mut more = Vec::new();
        for (function, callers) in callers {
            if threads.contains_key(function) || open.contains(function) || !is_private(program, *function) {
                continue;
            }
            if let Some(first) = callers.first().and_then(|it| threads.get(it))
                && callers.iter().all(|it| threads.get(it) == Some(first))
            {
                more.push((*function, *first));
            }
        }
        if more.is_empty() {
            break;
        }
        threads.extend(more);
    }
    threads
}

/// Methods of subclasses that stand in for `method`.
fn overrides(program: &Program<'_>, method: Fun) -> Vec<Fun> {
    let Some(class) = program.class_of(method) else { return Vec::new() };
    let name = program.function(method).name;
    let mut found: IndexSet<Fun, FxBuildHasher> = IndexSet::default();
    let mut work = program.subclasses(class).to_vec();
    let mut seen: FxHashSet<Cls> = FxHashSet::default();
    while let Some(class) = work.pop() {
        if seen.insert(class) {
            work.extend(program.subclasses(class));
            found.extend(program.method(class, name).filter(|it| *it != method));
        }
    }
    found.into_iter().collect()
}

/// Whether the receiver is `&mut self` or `self`.
fn takes_exclusively(program: &Program<'_>, method: Fun) -> bool {
    let receiver = program.function(method).params.first().filter(|it| it.kind == ParamKind::Receiver);
    match receiver.and_then(|it| it.ty.as_ref()) {
        Some(TypeRef::Reference { mutable, .. }) => *mutable,
        Some(TypeRef::Path { path, .. }) => *path == "Self",
        _ => false,
    }
}

/// Whether the call is one of another method of `self`.
fn calls_on_self(program: &Program<'_>, facts: &[Facts], caller: Fun, call: &OpKind) -> bool {
    let OpKind::Call { callee: Callee::Method { receiver, .. }, .. } = call else { return false };
    let path = facts[caller.0 as usize].values.place(program, receiver);
    path.is_some_and(|it| it.root == Root::Param(0) && it.steps.is_empty())
}

/// Only code of the program that is seen calling it can call it.
fn is_private(program: &Program<'_>, function: Fun) -> bool {
    let ir = program.function(function);
    match ir.kind {
        FunctionKind::Closure => true,
        FunctionKind::Function | FunctionKind::Method | FunctionKind::StaticMethod | FunctionKind::ClassMethod => match program.language(function) {
            Language::Python => {
                let hidden = |name: &str| name.starts_with('_') && !name.ends_with("__");
                let in_hidden_class =
                    || program.class_of(function).is_some_and(|it| hidden(program.class_name(it))) && !ir.name.as_str().starts_with("__");
                program.parent(function).is_some() || hidden(ir.name.as_str()) || in_hidden_class()
            }
            Language::Rust => !ir.is_public,
        },
        _ => false,
    }
}
