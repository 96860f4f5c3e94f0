//! Who runs a function: its callers, one thread alone, an event loop, constructors alone, or nobody that is seen.

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::facts::AllFacts;
use super::path::Root;
use super::runs::Runs;
use super::values::Values;
use crate::catalog::Concurrency;
use crate::ir::{Callee, FunctionKind, Language, Name, OpId, OpKind, ParamKind, TypeRef};
use crate::program::{Cls, Definition, Fun, FunLists, FunMap, FunSet, Program};

/// A chain of helpers longer than this is not followed to its end.
const MAX_ROUNDS: usize = 12;

/// So many calls by statements of modules, and no others, are those of a registry that is filled while modules load.
const MIN_IMPORTS: usize = 2;

/// The callers of each function, and what follows from them.
#[derive(Debug, Default)]
pub struct Callers {
    /// Where each function is called, constructors aside.
    sites: FunLists<(Fun, OpId)>,
    /// What is called at all, if only by constructors.
    called: FunSet,
    /// All callers outside constructors, each once.
    by: FunLists<Fun>,
    /// Calls by the own statements of modules and classes.
    imports: FunMap<usize>,
    /// Methods that are called on more than their callers' `self`.
    elsewhere: FunSet,
    /// What anyone can call: thread entry points, functions used as values.
    open: FunSet,
    constructs: FunSet,
    loads: FunSet,
    exclusive: FunSet,
    threads: FunMap<u32>,
    on_loop: FunSet,
    unseen: FunSet,
    outside: FunSet,
}

impl Callers {
    /// Where functions that are called at all are called, constructors aside.
    pub fn all_sites(&self) -> &FunLists<(Fun, OpId)> {
        &self.sites
    }

    /// Where the function is seen to be called, constructors aside.
    pub fn sites(&self, function: Fun) -> &[(Fun, OpId)] {
        self.sites.get(function)
    }

    /// Whether only code of the program that is seen calling the function can call it.
    pub fn are_known(&self, program: &Program<'_>, function: Fun) -> bool {
        is_private(program, function) && !self.open.contains(function)
    }

    /// The thread entry point (an index into the program's) whose single thread alone runs the function.
    pub fn only_thread(&self, function: Fun) -> Option<u32> {
        self.threads.get(function).copied()
    }

    /// Whether only constructors call it.
    pub fn only_constructs(&self, function: Fun) -> bool {
        self.constructs.contains(function)
    }

    /// Whether it only runs while modules are loaded, or in tests.
    pub fn only_loads(&self, function: Fun) -> bool {
        self.loads.contains(function)
    }

    /// Whether nobody else has the object the method is called on: it says so by its receiver, or all its callers do.
    pub fn has_to_itself(&self, method: Fun) -> bool {
        self.exclusive.contains(method)
    }

    /// Whether the function runs on an event loop, as far as its callers are seen: a coroutine, a callback of the loop, or
    /// what only those call.
    pub fn is_on_loop(&self, function: Fun) -> bool {
        self.on_loop.contains(function)
    }

    /// Whether code that is not a thread's own is seen to run the function: it is public and has no callers in the program,
    /// or is called from there.
    pub fn is_from_outside(&self, function: Fun) -> bool {
        self.outside.contains(function)
    }

    /// Whether nobody is seen to run the function: a helper without callers, or what only such helpers call.
    pub fn is_unseen(&self, function: Fun) -> bool {
        self.unseen.contains(function)
    }
}

/// Gathers the callers of a program's functions, by what each runs.
pub(super) fn callers(program: &Program<'_>, facts: &AllFacts<'_>, runs: Vec<Runs>) -> Callers {
    let callers = gather(program, facts, runs);
    let known = &callers;
    // None asks for what another finds.
    let (((constructs, loads), (threads, exclusive)), (on_loop, (unseen, outside))) = rayon::join(
        || rayon::join(|| (constructing(program, known), loading(program, known)), || (single_threads(program, known), exclusive(program, known))),
        || rayon::join(|| on_loop(program, known), || rayon::join(|| unseen(program, known), || outside(program, known))),
    );
    Callers { constructs, loads, threads, exclusive, on_loop, unseen, outside, ..callers }
}

/// What one function says of those that it runs.
struct Mentions {
    runs: Runs,
    /// For each call, whether it is on something else than the function's own `self`.
    elsewhere: Vec<bool>,
    /// It makes an object that nobody else has: its calls do not count.
    constructs: bool,
}

impl Mentions {
    fn of(program: &Program<'_>, facts: &AllFacts<'_>, function: Fun, runs: Runs) -> Mentions {
        let ir = program.function(function);
        let is_python = program.language(function) == Language::Python;
        let is_elsewhere = |op: OpId| is_python || !ir.op(op).is_some_and(|it| calls_on_self(program, facts.values(function), &it.kind));
        Mentions {
            elsewhere: runs.calls.iter().map(|it| is_elsewhere(it.1)).collect(),
            constructs: !runs.calls.is_empty() && program.is_construction(function),
            runs,
        }
    }

    /// The calls that count.
    fn calls(&self) -> &[(Fun, OpId)] {
        if self.constructs { &[] } else { &self.runs.calls }
    }
}

fn gather(program: &Program<'_>, facts: &AllFacts<'_>, runs: Vec<Runs>) -> Callers {
    let open = program.threads.entries.iter().map(|it| it.function).collect();
    let mut callers = Callers { open, ..Callers::default() };
    let functions: Vec<Fun> = program.function_ids().collect();
    let all: Vec<Mentions> = functions.par_iter().zip(runs).map(|(function, runs)| Mentions::of(program, facts, *function, runs)).collect();
    let callees: Vec<Fun> = all.iter().flat_map(|it| &it.runs.calls).map(|it| it.0).filter(|it| callers.called.insert(*it)).collect();
    // Each callee with the methods that may stand in for it, where there are any.
    let mut stand_ins: FunMap<Vec<Fun>> = FunMap::default();
    for (callee, others) in callees.par_iter().map(|it| (*it, overrides(program, *it))).filter(|it| !it.1.is_empty()).collect::<Vec<_>>() {
        callers.called.extend(others.iter().copied());
        stand_ins.insert(callee, others.into_iter().chain([callee]).collect());
    }
    let meant = |callee: Fun| {
        let others = stand_ins.get(callee).map_or(&[][..], Vec::as_slice);
        others.iter().copied().chain(others.is_empty().then_some(callee))
    };
    for (function, Mentions { runs, elsewhere, constructs }) in functions.iter().zip(&all) {
        callers.open.extend(runs.values.iter().copied());
        let is_body = *constructs && matches!(program.function(*function).kind, FunctionKind::ModuleBody | FunctionKind::ClassBody);
        let calls = runs.calls.iter().zip(elsewhere).filter(|it| *it.1 || is_body);
        for callee in calls.flat_map(|it| meant(it.0.0)) {
            if is_body {
                *callers.imports.or_default(callee) += 1;
            } else if !constructs {
                callers.elsewhere.insert(callee);
            }
        }
    }
    let (sites, by) = rayon::join(
        || {
            FunLists::of(functions.len(), || {
                functions.iter().zip(&all).flat_map(|(function, it)| {
                    let calls = it.calls().iter().flat_map(|(callee, op)| meant(*callee).map(|it| (it, *op)));
                    calls.chain(it.runs.at_once.iter().copied()).map(|(callee, op)| (callee, (*function, op)))
                })
            })
        },
        || {
            let each_once = |it: &Mentions| {
                let mut callees: Vec<Fun> = it.calls().iter().flat_map(|it| meant(it.0)).collect();
                callees.sort_unstable();
                callees.dedup();
                callees
            };
            let callees: Vec<Vec<Fun>> = all.par_iter().map(each_once).collect();
            FunLists::of(functions.len(), || functions.iter().zip(&callees).flat_map(|(function, it)| it.iter().map(|it| (*it, *function))))
        },
    );
    Callers { sites, by, ..callers }
}

/// What only the statements of modules and classes call, or only tests.
fn loading(program: &Program<'_>, callers: &Callers) -> FunSet {
    let fills = |it: &(Fun, &usize)| *it.1 >= MIN_IMPORTS && callers.by.get(it.0).is_empty();
    let tests = |it: &(Fun, &[Fun])| it.1.iter().all(|it| program.is_exempt(*it));
    let filling = callers.imports.iter().filter(fills).map(|it| it.0);
    filling.chain(callers.by.iter().filter(tests).map(|it| it.0)).filter(|it| !callers.open.contains(*it)).collect()
}

/// Private helpers that only constructors call.
fn constructing(program: &Program<'_>, callers: &Callers) -> FunSet {
    let is_known = |it: Fun| callers.are_known(program, it);
    let roots = callers.called.iter().filter(|it| callers.by.get(*it).is_empty() && is_known(*it)).collect();
    spread(callers, roots, is_known)
}

/// Methods that have their object to themselves, and private helpers that are only called on what such callers have.
fn exclusive(program: &Program<'_>, callers: &Callers) -> FunSet {
    let roots = program.function_ids().filter(|it| takes_exclusively(program, *it)).collect();
    spread(callers, roots, |it| !callers.elsewhere.contains(it) && callers.are_known(program, it))
}

/// Coroutines, callbacks of event loops, and what only those call.
fn on_loop(program: &Program<'_>, callers: &Callers) -> FunSet {
    let mut other = FunSet::default();
    let mut found: FunSet = program.function_ids().filter(|it| program.function(*it).is_async).collect();
    for entry in &program.threads.entries {
        let slot = if entry.how == Concurrency::Task { &mut found } else { &mut other };
        slot.insert(entry.function);
    }
    found.extend(program.function_ids().filter(|it| is_of_transport(program, *it)));
    found.retain(|it| !other.contains(it));
    spread(callers, found, |it| !other.contains(it))
}

/// Whether a transport calls the method, on its event loop: what it receives, in a class that is told of its connection.
fn is_of_transport(program: &Program<'_>, function: Fun) -> bool {
    let receives = |it: &str| matches!(it, "data_received" | "datagram_received" | "eof_received" | "error_received" | "connection_lost");
    let told = || program.class_of(function).and_then(|it| program.method(it, Name::new("connection_made"))).is_some();
    program.language(function) == Language::Python && receives(program.function(function).name.as_str()) && told()
}

/// Private helpers that are neither called nor used as values, and what only they call.
fn unseen(program: &Program<'_>, callers: &Callers) -> FunSet {
    // A decorator may hand it on, and a library's base class may call it, if it is not one that is known.
    let has_unknown_base = |class: Cls, of: Fun| program.external_ancestry(class).any(|it| it != "object" && !program.catalog(of).knows(it));
    let is_handed_on = |it: Fun| !program.function(it).attributes.is_empty() || program.class_of(it).is_some_and(|class| has_unknown_base(class, it));
    // Whoever knows the trait calls its methods; those of `Drop`, the compiler.
    let is_of_library = |it: Fun| match program.function(it).owner {
        crate::ir::Owner::Impl(index) => {
            let module = program.module_of(it);
            let of = &program.module(module).ir.impls[index as usize];
            of.trait_.is_some_and(|path| !matches!(program.resolve(module, of.scope, path), Definition::Class(_)))
        }
        _ => false,
    };
    let is_root = |it: &Fun| {
        program.function(*it).kind != FunctionKind::Closure
            && !is_of_library(*it)
            && callers.are_known(program, *it)
            && !callers.called.contains(*it)
            && callers.sites(*it).is_empty()
            && !is_handed_on(*it)
    };
    let roots = program.function_ids().filter(is_root).collect();
    spread(callers, roots, |it| !callers.open.contains(it))
}

/// Public functions that nothing of the program calls, the statements of modules, and what those call.
fn outside(program: &Program<'_>, callers: &Callers) -> FunSet {
    let entries: FunSet = program.threads.entries.iter().map(|it| it.function).collect();
    let is_root = |it: &Fun| callers.by.get(*it).is_empty() && !entries.contains(*it) && !is_private(program, *it);
    let calls = FunLists::of(program.function_ids().count(), || callers.by.iter().flat_map(|(callee, by)| by.iter().map(move |it| (*it, callee))));
    let mut found = FunSet::default();
    let mut work: Vec<Fun> = program.function_ids().filter(is_root).collect();
    while let Some(function) = work.pop() {
        if found.insert(function) {
            work.extend(calls.get(function).iter().filter(|it| !entries.contains(**it)));
        }
    }
    found
}

/// `found`, and what is only called by such functions.
fn spread(callers: &Callers, mut found: FunSet, may: impl Fn(Fun) -> bool) -> FunSet {
    let mut left: Vec<(Fun, &[Fun])> = callers.by.iter().filter(|it| !found.contains(it.0) && may(it.0)).collect();
    for _ in 0..MAX_ROUNDS {
        let known = left.len();
        left.retain(|(function, by)| {
            let all = by.iter().all(|it| found.contains(*it));
            if all {
                found.insert(*function);
            }
            !all
        });
        if left.len() == known {
            break;
        }
    }
    found
}

/// The functions that one single thread of the program reaches and nothing else does: private helpers whose callers all
/// are such functions.
fn single_threads(program: &Program<'_>, callers: &Callers) -> FunMap<u32> {
    let mut started: FxHashMap<Fun, Option<u32>> = FxHashMap::default();
    for (index, it) in program.threads.entries.iter().enumerate() {
        let alone = it.how == Concurrency::Thread && !it.several && is_private(program, it.function) && !callers.called.contains(it.function);
        started.entry(it.function).and_modify(|it| *it = None).or_insert(alone.then_some(index as u32));
    }
    let mut threads: FunMap<u32> = FunMap::default();
    for (function, entry) in started {
        entry.into_iter().for_each(|it| threads.insert(function, it));
    }
    for _ in 0..MAX_ROUNDS {
        let mut more = Vec::new();
        for (function, by) in callers.by.iter() {
            if threads.contains(function) || !callers.are_known(program, function) {
                continue;
            }
            if let Some(first) = by.first().and_then(|it| threads.get(*it))
                && by.iter().all(|it| threads.get(*it) == Some(first))
            {
                more.push((function, *first));
            }
        }
        if more.is_empty() {
            break;
        }
        more.into_iter().for_each(|(function, entry)| threads.insert(function, entry));
    }
    threads
}

/// Methods of subclasses that stand in for `method`.
fn overrides(program: &Program<'_>, method: Fun) -> Vec<Fun> {
    let Some(class) = program.class_of(method) else { return Vec::new() };
    if program.subclasses(class).is_empty() {
        return Vec::new();
    }
    let name = program.function(method).name;
    let below = program.descendants(class);
    let found: IndexSet<Fun, FxBuildHasher> = below.into_iter().filter_map(|it| program.method(it, name)).filter(|it| *it != method).collect();
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
pub(super) fn calls_on_self(program: &Program<'_>, values: &Values, call: &OpKind) -> bool {
    let OpKind::Call { callee: Callee::Method { receiver, .. }, .. } = call else { return false };
    let path = values.place(program, receiver);
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
