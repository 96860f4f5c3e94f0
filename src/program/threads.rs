//! What runs concurrently: thread entry points.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::nearby::nearest;
use super::types::Ty;
use super::{Fun, Linked, Mod, Program, Target};
use crate::catalog::{Concurrency, Scope, Spawn};
use crate::finding::Location;
use crate::ir::{Argument, ArgumentKind, Base, BlockId, Callee, Const, Function, Local, Name, OpKind, Projection};

/// A pool is followed through so many locals to where it is made.
const MAX_COPIES: usize = 4;

/// Code that runs beside other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrent {
    pub function: Fun,
    pub how: Concurrency,
    /// Several at once: a pool's jobs, a thread started in a loop, a handler.
    pub several: bool,
    /// The receiver is made for this call (a request's handler object), not shared.
    pub own_receiver: bool,
    /// Where it is started or registered: the spawning call, the decorator, the class.
    pub location: Location,
    /// What starts it: `threading.Thread`, `app.route`.
    pub what: Name,
}

/// The concurrent entry points of a program.
#[derive(Debug, Default)]
pub struct Threads {
    pub entries: Vec<Concurrent>,
    started: Vec<Option<Location>>,
    locked: Vec<Option<Location>>,
}

impl Threads {
    /// Where threads or a pool's jobs are started that may concern a module: in it, in its package, or in a module that
    /// imports it.
    pub fn started_near(&self, module: Mod) -> Option<Location> {
        self.started.get(module.0 as usize).copied().flatten()
    }

    /// The same for a call that makes a lock of threads: whoever makes one expects several.
    pub fn locked_near(&self, module: Mod) -> Option<Location> {
        self.locked.get(module.0 as usize).copied().flatten()
    }
}

/// What is found module by module.
#[derive(Default)]
struct Search {
    entries: Vec<Concurrent>,
    /// The first call that starts a thread or a pool's job.
    started: FxHashMap<Mod, Location>,
    /// The first call that makes a lock of threads.
    locked: FxHashMap<Mod, Location>,
}

/// Finds the entry points of `program`.
pub(super) fn find(program: &Program<'_>) -> Threads {
    let in_module = |linked: &Linked| {
        let mut search = Search::default();
        let functions = (linked.first_function..).take(linked.ir.functions.len()).map(Fun);
        for function in functions.filter(|it| !program.is_exempt(*it)) {
            spawned(program, function, &mut search);
            handlers(program, function, &mut search);
        }
        search
    };
    let mut all = Search::default();
    for search in program.modules.par_iter().map(in_module).collect::<Vec<_>>() {
        all.entries.extend(search.entries);
        all.started.extend(search.started);
        all.locked.extend(search.locked);
    }
    let Search { entries, started, locked } = all;
    Threads { entries, started: nearest(program, &started), locked: nearest(program, &locked) }
}

/// The catalogue's row for a spawning call.
pub fn spawn_row(program: &Program<'_>, function: Fun, dest: Local) -> Option<&'static Spawn> {
    let catalog = program.catalog(function);
    match program.target(function, dest) {
        Target::External(path) => catalog.spawn(*path),
        Target::Method { ty, name } => catalog.spawn_method(*ty, *name),
        Target::Construct { class, .. } => program.external_ancestry(*class).find_map(|it| catalog.spawn(it)),
        _ => None,
    }
}

/// The locals among a spawning call's arguments that will run.
pub fn spawned_arguments<'o>(row: &'o Spawn, arguments: &'o [Argument]) -> impl Iterator<Item = Local> + 'o {
    let mut position = 0;
    arguments.iter().filter_map(move |it| {
        let runs = match it.kind {
            ArgumentKind::Positional => {
                position += 1;
                row.argument.is_some_and(|at| position - 1 == at || (row.variadic && position > at))
            }
            ArgumentKind::Keyword(name) => row.keyword == Some(name),
            ArgumentKind::Spread | ArgumentKind::SpreadKeywords => false,
        };
        runs.then_some(it.value)
    })
}

fn spawned(program: &Program<'_>, function: Fun, search: &mut Search) {
    let ir = program.function(function);
    for (id, op) in ir.numbered() {
        let OpKind::Call { dest, arguments, callee } = &op.kind else { continue };
        if program.made_lock(function, *dest).is_some_and(|it| it.scope == Scope::Thread) {
            search.locked.entry(program.module_of(function)).or_insert_with(|| program.location(function, op.range()));
        }
        let Some(row) = spawn_row(program, function, *dest).or_else(|| spawn_by_name(program, function, callee, arguments)) else { continue };
        let location = program.location(function, op.range());
        if matches!(row.runs, Concurrency::Thread | Concurrency::Pool) {
            search.started.entry(program.module_of(function)).or_insert(location);
        }
        for argument in spawned_arguments(row, arguments) {
            if let Some(target) = callable(program.local_type(function, argument)) {
                let one_by_one = || row.runs == Concurrency::Pool && has_one_worker(program, function, row, callee, arguments);
                let several = (row.runs == Concurrency::Pool || on_cycle(ir, ir.block_of(id))) && !one_by_one();
                let own_receiver = is_made_for_it(program, function, argument);
                search.entries.push(Concurrent { function: target, how: row.runs, several, own_receiver, location, what: row.path });
            }
        }
    }
}

/// A call on an object of unknown type of a method whose name, with a function of the program as its argument, means one
/// thing only: `pool.submit(self.run)`, `loop.call_soon(self.flush)`.
fn spawn_by_name(program: &Program<'_>, function: Fun, callee: &Callee, arguments: &[Argument]) -> Option<&'static Spawn> {
    let Callee::Method { name, .. } = callee else { return None };
    let row = program.catalog(function).spawn_named(*name)?;
    spawned_arguments(row, arguments).any(|it| callable(program.local_type(function, it)).is_some()).then_some(row)
}

/// Whether the job is one of a pool that has one worker. The pool is what the method is called on, or stands before the job.
fn has_one_worker(program: &Program<'_>, function: Fun, row: &Spawn, callee: &Callee, arguments: &[Argument]) -> bool {
    let pool = match (row.argument, callee) {
        (Some(0), Callee::Method { receiver, .. }) => receiver.as_local(),
        (Some(1), _) => arguments.first().map(|it| it.value),
        _ => None,
    };
    pool.is_some_and(|it| one_worker(program.function(function), it))
}

/// `ThreadPoolExecutor(max_workers=1)`
fn one_worker(ir: &Function, pool: Local) -> bool {
    let mut made = pool;
    for _ in 0..MAX_COPIES {
        let mut writes = ir.ops.iter().filter_map(|op| match &op.kind {
            OpKind::Store { place, value, .. } if place.as_local() == Some(made) => Some((op, Some(*value))),
            OpKind::Load { dest, place, .. } if *dest == made => Some((op, place.as_local())),
            OpKind::Enter { dest, manager, .. } if *dest == made => Some((op, Some(*manager))),
            OpKind::Call { dest, .. } if *dest == made => Some((op, None)),
            _ => None,
        });
        let (Some((op, from)), None) = (writes.next(), writes.next()) else { return false };
        if let OpKind::Call { arguments, .. } = &op.kind {
            let is_count = |it: &&Argument| matches!(it.kind, ArgumentKind::Keyword(name) if name == "max_workers");
            let count = arguments.iter().find(is_count).or(arguments.first().filter(|it| it.kind == ArgumentKind::Positional));
            return count.is_some_and(|it| ir.constant(it.value) == Some(Const::Int(1)));
        }
        let Some(from) = from else { return false };
        made = from;
    }
    false
}

/// Whether the bound method `value` is of an object that the function, or this turn of its loop, made only to hand it
/// over: `job = Job(item); pool.submit(job.run)`.
fn is_made_for_it(program: &Program<'_>, function: Fun, value: Local) -> bool {
    let ir = program.function(function);
    let receiver = ir.numbered().find_map(|(id, op)| match &op.kind {
        OpKind::Load { dest, place, .. } if *dest == value => match (place.base, &place.projections[..]) {
            (Base::Local(object), [Projection::Field(_)]) => Some((object, ir.block_of(id))),
            _ => None,
        },
        _ => None,
    });
    let Some((object, used)) = receiver else { return false };
    let mut constructed = false;
    for (id, op) in ir.numbered() {
        let OpKind::Store { place, value: stored, .. } = &op.kind else { continue };
        if place.as_local() != Some(object) {
            continue;
        }
        match ir.ops.iter().map(|it| &it.kind).find(|it| matches!(it, OpKind::Call { dest, .. } | OpKind::Const { dest, .. } if dest == stored)) {
            // None, so far.
            Some(OpKind::Const { .. }) => {}
            Some(OpKind::Call { dest, .. }) => {
                let block = ir.block_of(id);
                if on_cycle(ir, used) && !(reaches(ir, block, used) && reaches(ir, used, block)) {
                    return false;
                }
                constructed |= matches!(program.target(function, *dest), Target::Construct { .. });
            }
            // What comes from a field, a parameter or a loop over something is somebody's already.
            _ => return false,
        }
    }
    constructed
}

/// Whether control can come back to `block`.
fn on_cycle(ir: &Function, block: BlockId) -> bool {
    reaches(ir, block, block)
}

/// Whether control can get from the end of one block to another.
fn reaches(ir: &Function, from: BlockId, to: BlockId) -> bool {
    let mut seen = vec![false; ir.blocks.len()];
    let mut work: Vec<BlockId> = ir.block(from).terminator.successors().to_vec();
    while let Some(next) = work.pop() {
        if next == to {
            return true;
        }
        if !std::mem::replace(&mut seen[next.index()], true) {
            work.extend(ir.block(next).terminator.successors());
        }
    }
    false
}

fn callable(ty: &Ty) -> Option<Fun> {
    match ty {
        Ty::Function(function) | Ty::BoundMethod(function) => Some(*function),
        _ => None,
    }
}

/// Functions that a framework calls: by their decorators, or by the base class of their class.
fn handlers(program: &Program<'_>, function: Fun, search: &mut Search) {
    let ir = program.function(function);
    let catalog = program.catalog(function);
    let module = program.module_of(function);
    let location = program.location(function, ir.name_range);
    for attribute in &ir.attributes {
        // `@app.route` on an object of the module: by its type.
        let of_object = attribute.path.as_str().rsplit_once('.').and_then(|(object, method)| {
            match program.definition_type(program.resolve(module, Name::new(""), Name::new(object))) {
                Ty::External(ty, _) => Some(Name::concat(&[ty.as_str(), ".", method])),
                _ => None,
            }
        });
        let full = match (of_object, program.resolve(module, Name::new(""), attribute.path)) {
            (Some(path), _) | (None, super::Definition::External(path)) => path,
            _ => continue,
        };
        if let Some(row) = catalog.tables.handler.iter().find(|it| it.path == full) {
            // An async handler's concurrency is the loop's.
            let how = if ir.is_async { Concurrency::Task } else { row.runs };
            search.entries.push(Concurrent { function, how, several: true, own_receiver: false, location, what: row.path });
            return;
        }
    }
    let Some(class) = program.class_of(function) else { return };
    if ir.name == Name::new("__del__") {
        // Runs wherever the last reference goes, or the collector strikes.
        let how = Concurrency::Interrupt;
        search.entries.push(Concurrent { function, how, several: false, own_receiver: true, location, what: ir.name });
        return;
    }
    for base in program.external_ancestry(class) {
        if let Some(row) = catalog.spawn(base)
            && row.method == Some(ir.name)
        {
            if matches!(row.runs, Concurrency::Thread | Concurrency::Pool) {
                search.started.entry(program.module_of(function)).or_insert(location);
            }
            search.entries.push(Concurrent { function, how: row.runs, several: false, own_receiver: false, location, what: row.path });
            return;
        }
        for row in catalog.tables.handler.iter().filter(|it| it.path == base) {
            let matches = |pattern: &Name| match pattern.as_str().strip_suffix('*') {
                Some(prefix) => ir.name.as_str().starts_with(prefix) && (!prefix.is_empty() || ir.is_public),
                None => *pattern == ir.name,
            };
            if row.methods.iter().any(matches) {
                let how = if ir.is_async { Concurrency::Task } else { row.runs };
                search.entries.push(Concurrent { function, how, several: true, own_receiver: true, location, what: row.path });
                return;
            }
        }
    }
}
