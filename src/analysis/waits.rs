//! Where functions wait: calls that block the thread, themselves or in what they call, and coroutines that are suspended.
//!
//! What blocks is the catalogue's to say; a function that calls one that blocks blocks, too. The nearest wait of each is
//! found by a breadth-first walk from those that block by themselves to their callers.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::callers::Callers;
use crate::catalog::BlockingKind;
use crate::ir::{Argument, ArgumentKind, Callee, Const, Function, Language, Local, Name, OpId, OpKind, Terminator};
use crate::program::{Fun, Program, Target};

/// A wait so many calls away is no longer looked for.
const MAX_DEPTH: u32 = 6;

/// An op that blocks its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub op: OpId,
    pub kind: BlockingKind,
    /// What blocks: the path of a function, or the name of a method.
    pub what: Name,
    /// The callee inside which it is.
    pub via: Option<Fun>,
    /// How many calls away.
    pub depth: u32,
}

/// The waits of a program.
#[derive(Debug, Default)]
pub struct Waits {
    /// The waits that stand in a function itself, in order.
    direct: FxHashMap<Fun, Vec<Wait>>,
    /// The nearest wait of a call of the function.
    nearest: FxHashMap<Fun, Wait>,
    /// Values whose await goes on at once: what a coroutine gives that is never suspended; and context managers that are
    /// entered at once.
    straight: FxHashSet<(Fun, Local)>,
}

impl Waits {
    /// The waits that stand in the function itself, in order.
    pub fn direct(&self, function: Fun) -> &[Wait] {
        self.direct.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The nearest wait of a call of the function.
    pub fn nearest(&self, function: Fun) -> Option<&Wait> {
        self.nearest.get(&function)
    }

    /// Whether the function may be suspended at the op, yields aside.
    pub fn suspends_at(&self, function: Fun, op: &OpKind) -> bool {
        match op {
            OpKind::Await { value: it, .. } | OpKind::Enter { manager: it, is_async: true, .. } => !self.straight.contains(&(function, *it)),
            OpKind::Iterate { is_async, .. } => *is_async,
            _ => false,
        }
    }
}

/// Gathers the waits of a program.
pub fn waits(program: &Program<'_>, callers: &Callers) -> Waits {
    let mut waits = Waits::default();
    let functions: Vec<Fun> = program.function_ids().collect();
    let found: Vec<Vec<Wait>> = functions.par_iter().map(|it| direct(program, *it)).collect();
    for (function, found) in functions.into_iter().zip(found) {
        if let Some(first) = found.iter().min_by_key(|it| (it.kind, it.op)) {
            waits.nearest.insert(function, *first);
            waits.direct.insert(function, found);
        }
    }
    let mut front: Vec<Fun> = program.function_ids().filter(|it| waits.nearest.contains_key(it)).collect();
    for depth in 1..=MAX_DEPTH {
        let mut next = Vec::new();
        for callee in front {
            // Calling a coroutine or a generator makes it, and runs nothing.
            if program.function(callee).is_async || program.function(callee).is_generator {
                continue;
            }
            let Some(wait) = waits.nearest.get(&callee).copied() else { continue };
            for (caller, op) in callers.sites(callee) {
                if !waits.nearest.contains_key(caller) {
                    waits.nearest.insert(*caller, Wait { op: *op, via: Some(callee), depth, ..wait });
                    next.push(*caller);
                }
            }
        }
        front = next;
    }
    waits.straight = straight(program);
    waits
}

/// The awaits of coroutines that are never suspended: all that these await are such. And what is entered at once.
fn straight(program: &Program<'_>) -> FxHashSet<(Fun, Local)> {
    let mut straight: FxHashSet<Fun> = FxHashSet::default();
    let mut entered: FxHashSet<(Fun, Local)> = FxHashSet::default();
    let mut awaits: FxHashMap<Fun, Vec<(Fun, Local)>> = FxHashMap::default();
    let mut overridden: FxHashMap<Fun, bool> = FxHashMap::default();
    let mut work = Vec::new();
    for function in program.function_ids().filter(|it| program.function(*it).is_async) {
        let ir = program.function(function);
        let immediate = &program.catalog(function).tables.passing.immediate;
        let mut called: FxHashMap<Local, Fun> = FxHashMap::default();
        let mut suspends = ir.is_generator;
        for op in &ir.ops {
            match &op.kind {
                OpKind::Call { dest, callee, .. } => {
                    if let Target::External(path) = program.target(function, *dest)
                        && immediate.contains(path)
                    {
                        entered.insert((function, *dest));
                    }
                    if let Some(coroutine) = program.called(function, &op.kind).filter(|it| is_plain_coroutine(program, *it))
                        && is_certain(program, function, callee)
                        && !*overridden.entry(coroutine).or_insert_with(|| is_overridden(program, coroutine))
                    {
                        called.insert(*dest, coroutine);
                    }
                }
                OpKind::Await { value, .. } => match called.get(value) {
                    Some(callee) => awaits.entry(*callee).or_default().push((function, *value)),
                    None => suspends = true,
                },
                OpKind::Enter { is_async: true, manager, .. } => suspends |= !entered.contains(&(function, *manager)),
                OpKind::Iterate { is_async: true, .. } => suspends = true,
                _ => {}
            }
        }
        // What only raises is for others to say.
        let is_abstract = !ir.blocks.iter().any(|it| matches!(it.terminator, Terminator::Return(_)));
        if suspends || is_abstract {
            work.push(function);
        } else {
            straight.insert(function);
        }
    }
    while let Some(function) = work.pop() {
        for (caller, _) in awaits.remove(&function).unwrap_or_default() {
            if straight.remove(&caller) {
                work.push(caller);
            }
        }
    }
    entered.extend(awaits.into_iter().filter(|it| straight.contains(&it.0)).flat_map(|it| it.1));
    entered
}

/// Whether the call cannot be of another function than it seems: in Python, what an object of another class is, is a guess.
fn is_certain(program: &Program<'_>, function: Fun, callee: &Callee) -> bool {
    match callee {
        Callee::Method { receiver, .. } if program.language(function) == Language::Python => {
            program.function(function).params.first().is_some_and(|it| receiver.as_local() == Some(it.local))
        }
        _ => true,
    }
}

/// Whether a class below has another of that name.
fn is_overridden(program: &Program<'_>, method: Fun) -> bool {
    let name = program.function(method).name;
    program.class_of(method).is_some_and(|class| program.subclasses(class).iter().any(|it| program.method(*it, name) != Some(method)))
}

/// Whether calling it gives a coroutine that runs its own body and nothing else.
fn is_plain_coroutine(program: &Program<'_>, function: Fun) -> bool {
    let ir = program.function(function);
    ir.is_async && (program.language(function) == Language::Rust || ir.attributes.is_empty())
}

/// The calls of a function that block by themselves.
fn direct(program: &Program<'_>, function: Fun) -> Vec<Wait> {
    let ir = program.function(function);
    let catalog = program.catalog(function);
    let language = program.language(function);
    let awaited = ir.ops.iter().filter_map(|op| if let OpKind::Await { value, .. } = &op.kind { Some(*value) } else { None });
    let awaited: FxHashSet<Local> = awaited.collect();
    let mut found = Vec::new();
    for (id, op) in ir.numbered() {
        let OpKind::Call { dest, callee, arguments } = &op.kind else { continue };
        let named = match program.target(function, *dest) {
            Target::External(path) => catalog.blocking(*path).map(|it| (*path, it.kind)),
            Target::Method { ty, name } => catalog.blocking_method(*ty, *name).map(|it| (*name, it.kind)),
            Target::Unknown => match callee {
                Callee::Method { name, .. } if language == Language::Rust && arguments.is_empty() => by_name(*name).map(|it| (*name, it)),
                _ => None,
            },
            _ => None,
        };
        let Some((what, kind)) = named else { continue };
        if is_timed(ir, language, id, kind, what, arguments) || awaited.contains(dest) {
            continue;
        }
        found.push(Wait { op: id, kind, what, via: None, depth: 0 });
    }
    found
}

/// Methods without arguments that wait, whatever they are called on.
fn by_name(name: Name) -> Option<BlockingKind> {
    match name.as_str() {
        "recv" | "blocking_recv" => Some(BlockingKind::Channel),
        "wait" => Some(BlockingKind::Wait),
        _ => None,
    }
}

/// Whether the call gives up after some time, or does not wait at all.
fn is_timed(ir: &Function, language: Language, call: OpId, kind: BlockingKind, what: Name, arguments: &[Argument]) -> bool {
    let constant = |it: &Argument| ir.constant_at(it.value, call);
    // `os.waitpid(pid, os.WNOHANG)`
    if matches!(what.as_str(), "os.waitpid") {
        return arguments.get(1).is_some_and(|it| constant(it) != Some(Const::Int(0)));
    }
    // `sleep(0)` lets others run, and goes on.
    if kind == BlockingKind::Sleep {
        return arguments.first().is_some_and(|it| constant(it) == Some(Const::Int(0)));
    }
    if !matches!(kind, BlockingKind::Join | BlockingKind::Wait | BlockingKind::Queue | BlockingKind::Channel) {
        return false;
    }
    if language == Language::Rust {
        return what.as_str().ends_with("_timeout");
    }
    let is_none = |it: &Argument| constant(it) == Some(Const::None);
    let is_false = |it: &Argument| constant(it) == Some(Const::Bool(false));
    let method = what.last();
    let positional: Vec<&Argument> = arguments.iter().filter(|it| it.kind == ArgumentKind::Positional).collect();
    let named = arguments.iter().any(|it| match it.kind {
        ArgumentKind::Keyword(name) => match name.as_str() {
            "timeout" => !is_none(it),
            "block" | "blocking" | "wait" => is_false(it),
            _ => false,
        },
        ArgumentKind::Spread | ArgumentKind::SpreadKeywords => true,
        ArgumentKind::Positional => false,
    });
    // `get(block, timeout)`, `put(item, block, timeout)`, `join(timeout)`, `wait(timeout)`.
    let skipped = match method {
        "put" => 1,
        "get" | "join" | "wait" | "result" | "exception" | "shutdown" => 0,
        _ => return named,
    };
    let flagged = positional.get(skipped).is_some_and(|it| is_false(it)) || matches!(method, "get" | "put") && positional.len() > skipped + 1;
    let timed = matches!(method, "join" | "wait" | "result" | "exception") && positional.first().is_some_and(|it| !is_none(it));
    named || flagged || timed
}
