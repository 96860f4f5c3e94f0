//! What comments and annotations claim of locks and state, tied to the fields, globals, functions and classes they are
//! about.

use rayon::prelude::*;

use super::{Cls, DeclaredOrder, Definition, Fun, Mod, Program, Ty};
use crate::catalog::Catalog;
use crate::finding::Location;
use crate::ir::{Base, Claim, FunctionKind, Name, Nested, OpKind, ParamKind, Projection, Range, TypeRef};

/// Where a piece of state, or a lock, lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Field(Cls, Name),
    Global(Mod, Name),
}

/// What is said to stay on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Confined {
    Class(Cls),
    State(Place),
}

/// What is said to be for several threads, or for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threaded {
    Class(Cls),
    Function(Fun),
}

/// Where an order is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Comment(Location),
    /// In the configuration: file and line.
    Configuration(Name),
}

/// A state that is said to be guarded.
#[derive(Clone, Copy, Debug)]
pub struct Guarded {
    pub state: Place,
    pub lock: Place,
    pub at: Location,
    /// Said in passing, not as a directive.
    pub prose: bool,
}

/// All claims of a program.
#[derive(Debug, Default)]
pub struct Claims {
    pub guarded: Vec<Guarded>,
    /// Functions whose callers must hold a lock.
    pub requires: Vec<(Fun, Place, Location)>,
    pub confined: Vec<(Confined, Location)>,
    /// Locks in the order in which they are to be taken.
    pub orders: Vec<(Vec<Place>, Said)>,
    /// Classes and functions whose docs or comments have several threads in mind, or rule them out.
    pub threads: Vec<(Threaded, bool, Location)>,
    pub unresolved: Vec<Unresolved>,
    /// What is wrong with the orders that are declared outside the sources.
    pub notes: Vec<String>,
}

/// A directive that names no lock.
#[derive(Clone, Copy, Debug)]
pub struct Unresolved {
    pub module: Mod,
    pub at: Location,
    /// `guarded-by`, `requires`, `lock-order` or `GuardedBy`.
    pub directive: &'static str,
    /// What it names.
    pub name: Name,
}

/// What stands on the lines of a module that directives are about, in the order of the source.
#[derive(Default)]
struct Lines {
    states: Vec<(Range, Place)>,
    functions: Vec<(Range, Fun)>,
    classes: Vec<(Range, Cls)>,
    function_bodies: Nested<Fun>,
    class_bodies: Nested<Cls>,
}

/// What begins on a line.
fn on_line<T>(sorted: &[(Range, T)], line: Range) -> &[(Range, T)] {
    let end = line.end.max(line.start + 1);
    let first = sorted.partition_point(|it| it.0.start < line.start);
    let count = sorted[first..].partition_point(|it| it.0.start < end);
    &sorted[first..first + count]
}

/// Gathers the claims of `program`.
pub(super) fn find(program: &Program<'_>, orders: &[DeclaredOrder]) -> Claims {
    let mut claims = Claims::default();
    configured(program, orders, &mut claims);
    let modules: Vec<Mod> = (0..program.modules.len() as u32).map(Mod).collect();
    for it in modules.par_iter().map(|it| of_module(program, *it)).collect::<Vec<_>>() {
        claims.guarded.extend(it.guarded);
        claims.requires.extend(it.requires);
        claims.confined.extend(it.confined);
        claims.orders.extend(it.orders);
        claims.threads.extend(it.threads);
        claims.unresolved.extend(it.unresolved);
        claims.notes.extend(it.notes);
    }
    claims
}

/// What the comments and annotations of one module claim.
fn of_module(program: &Program<'_>, module: Mod) -> Claims {
    let mut claims = Claims::default();
    let linked = program.module(module);
    annotated(program, module, &mut claims);
    documented(program, module, &mut claims);
    if !linked.ir.directives.is_empty() {
        let lines = Lines::of(program, module);
        for directive in &linked.ir.directives {
            let at = Location { file: linked.file, range: directive.range };
            let states = || on_line(&lines.states, directive.line).iter().map(|it| it.1);
            match &directive.claim {
                Claim::GuardedBy { lock, prose } => {
                    let Some(first) = states().next() else { continue };
                    match lock_named(program, module, class_of(first), *lock) {
                        Some(lock) => {
                            claims.guarded.extend(states().filter(|it| *it != lock).map(|state| Guarded { state, lock, at, prose: *prose }))
                        }
                        None if !prose => claims.unresolved.push(Unresolved { module, at, directive: "guarded-by", name: *lock }),
                        None => {}
                    }
                }
                Claim::Requires(name) => {
                    for (_, function) in on_line(&lines.functions, directive.line) {
                        match lock_named(program, module, program.enclosing_class(*function), *name) {
                            Some(lock) => claims.requires.push((*function, lock, at)),
                            None => claims.unresolved.push(Unresolved { module, at, directive: "requires", name: *name }),
                        }
                    }
                }
                Claim::NotShared => {
                    claims.confined.extend(states().map(|it| (Confined::State(it), at)));
                    claims.confined.extend(on_line(&lines.classes, directive.line).iter().map(|it| (Confined::Class(it.1), at)));
                }
                Claim::Threads { several } => {
                    let above = on_line(&lines.classes, directive.line).first().map(|it| Threaded::Class(it.1));
                    // A comment inside is about what stands there; between the methods it is about the class.
                    let inside = || {
                        let function = lines.function_bodies.around(directive.range)?;
                        let class = program.class_of(function).filter(|_| program.function(function).kind == FunctionKind::ClassBody);
                        Some(class.map_or(Threaded::Function(function), Threaded::Class))
                    };
                    claims.threads.extend(above.or_else(inside).map(|it| (it, *several, at)));
                }
                Claim::LockOrder(names) => {
                    let around = lines.class_bodies.around(directive.range);
                    let mut locks = Vec::with_capacity(names.len());
                    for name in names {
                        match lock_named(program, module, around, *name) {
                            Some(lock) => locks.push(lock),
                            None => claims.unresolved.push(Unresolved { module, at, directive: "lock-order", name: *name }),
                        }
                    }
                    if locks.len() == names.len() {
                        claims.orders.push((locks, Said::Comment(at)));
                    }
                }
                // They say nothing of locks.
                Claim::Ignore(_) | Claim::Malformed(_) => {}
            }
        }
    }
    claims
}

impl Lines {
    fn of(program: &Program<'_>, module: Mod) -> Lines {
        let mut lines = Lines::default();
        let ir = &program.module(module).ir;
        for (index, class) in ir.classes.iter().enumerate() {
            let id = program.cls(module, crate::ir::ClassId::from_index(index));
            lines.classes.push((class.name_range, id));
            lines.states.extend(class.fields.iter().map(|it| (it.range, Place::Field(id, it.name))));
        }
        for global in &ir.globals {
            let name = super::names::qualified_global(ir.language, global.scope, global.name);
            lines.states.push((global.range, Place::Global(module, name)));
        }
        for (index, function) in ir.functions.iter().enumerate() {
            let id = program.fun(module, crate::ir::FunctionId::from_index(index));
            lines.functions.push((function.name_range, id));
            let receiver = function.params.first().filter(|it| it.kind == ParamKind::Receiver).map(|it| Base::Local(it.local));
            let (Some(class), Some(receiver)) = (program.class_of(id), receiver) else { continue };
            for op in &function.ops {
                if let OpKind::Store { place, .. } = &op.kind
                    && place.base == receiver
                    && let [Projection::Field(name)] = place.projections[..]
                {
                    let owner = program.field_owner(class, name).unwrap_or(class);
                    lines.states.push((op.range(), Place::Field(owner, name)));
                }
            }
        }
        let class_bodies = ir.classes.iter().zip(&lines.classes).map(|(class, it)| (class.range, it.1));
        lines.class_bodies = Nested::new(class_bodies.collect());
        let function_bodies = ir.functions.iter().zip(&lines.functions).map(|(function, it)| (function.range, it.1));
        lines.function_bodies = Nested::new(function_bodies.collect());
        lines.states.sort_by_key(|it| it.0.start);
        lines.functions.sort_by_key(|it| it.0.start);
        lines.classes.sort_by_key(|it| it.0.start);
        lines
    }
}

fn class_of(place: Place) -> Option<Cls> {
    match place {
        Place::Field(class, _) => Some(class),
        Place::Global(..) => None,
    }
}

/// The orders of the configuration, which speaks of no module in particular.
fn configured(program: &Program<'_>, orders: &[DeclaredOrder], claims: &mut Claims) {
    for DeclaredOrder { locks, place } in orders {
        let mut found = Vec::with_capacity(locks.len());
        for name in locks {
            match locks_anywhere(program, *name)[..] {
                [lock] => found.push(lock),
                [] => claims.notes.push(format!("{place}: `{name}` is no lock of the files analysed: the order is left out")),
                _ => claims.notes.push(format!("{place}: several locks are called `{name}`: write the module before it; the order is left out")),
            }
        }
        if found.len() == locks.len() {
            claims.orders.push((found, Said::Configuration(*place)));
        }
    }
}

/// The locks that `text` may name: `Registry.lock`, `app.registry.Registry.lock`.
fn locks_anywhere(program: &Program<'_>, text: Name) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    for (index, linked) in program.modules.iter().enumerate() {
        let module = Mod(index as u32);
        let below = || text.as_str().strip_prefix(&linked.path.name)?.strip_prefix(['.', ':']).map(|it| Name::new(it.trim_start_matches(':')));
        let names = lock_named(program, module, None, text).or_else(|| lock_named(program, module, None, below()?));
        found.extend(names.filter(|it| !found.contains(it)));
    }
    found
}

/// What the docs of a module's classes and functions say of threads.
fn documented(program: &Program<'_>, module: Mod, claims: &mut Claims) {
    let linked = program.module(module);
    for (index, class) in linked.ir.classes.iter().enumerate() {
        let id = program.cls(module, crate::ir::ClassId::from_index(index));
        let says = class.told.several_threads;
        claims.threads.extend(says.map(|several| (Threaded::Class(id), several, Location { file: linked.file, range: class.name_range })));
    }
    for (index, function) in linked.ir.functions.iter().enumerate() {
        let id = program.fun(module, crate::ir::FunctionId::from_index(index));
        let says = function.told.several_threads;
        // A constructor's doc is the class's.
        let class = program.class_of(id).filter(|_| function.name == Name::new("__init__"));
        let what = class.map_or(Threaded::Function(id), Threaded::Class);
        claims.threads.extend(says.map(|several| (what, several, Location { file: linked.file, range: function.name_range })));
    }
}

/// `Annotated[int, GuardedBy("_lock")]`
fn annotated(program: &Program<'_>, module: Mod, claims: &mut Claims) {
    let linked = program.module(module);
    let guard = |ty: Option<&TypeRef>| match ty {
        Some(TypeRef::Path { path, arguments }) if path.last() == "Annotated" => arguments.iter().skip(1).find_map(|it| match it {
            TypeRef::Path { path, arguments } if path.last() == "GuardedBy" => match arguments.first() {
                Some(TypeRef::Path { path, .. }) => Some(*path),
                _ => None,
            },
            _ => None,
        }),
        _ => None,
    };
    let mut add = |state: Place, lock: Name, range: Range| {
        let at = Location { file: linked.file, range };
        match lock_named(program, module, class_of(state), lock) {
            Some(lock) => claims.guarded.push(Guarded { state, lock, at, prose: false }),
            None => claims.unresolved.push(Unresolved { module, at, directive: "GuardedBy", name: lock }),
        }
    };
    for (index, class) in linked.ir.classes.iter().enumerate() {
        let id = program.cls(module, crate::ir::ClassId::from_index(index));
        for field in &class.fields {
            if let Some(lock) = guard(field.ty.as_ref()) {
                add(Place::Field(id, field.name), lock, field.range);
            }
        }
    }
    for global in &linked.ir.globals {
        if let Some(lock) = guard(global.ty.as_ref()) {
            add(Place::Global(module, global.name), lock, global.range);
        }
    }
}

/// The lock that `text` names, seen from a class (or module): `_lock`, `self._lock`, `Registry._lock`, `inner.lock`.
fn lock_named(program: &Program<'_>, module: Mod, class: Option<Cls>, text: Name) -> Option<Place> {
    let catalog = program.catalog_of(module);
    let mut segments: Vec<&str> = text.as_str().split(['.', ':']).filter(|it| !it.is_empty()).collect();
    if matches!(segments.first(), Some(&("self" | "cls" | "Self"))) && segments.len() > 1 {
        segments.remove(0);
    }
    let (first, rest) = segments.split_first()?;
    let name = Name::new(first);
    let of_class =
        class.and_then(|it| program.field_owner(it, name).map(|owner| (Place::Field(owner, name), program.field(it, name).map(|it| *it.1))));
    let (mut place, mut ty) = match of_class {
        Some((place, ty)) => (Some(place), ty.unwrap_or_default()),
        None => {
            let scope = class.map_or(Name::new(""), |it| program.class(it).scope);
            match program.resolve(module, scope, name) {
                Definition::Global(of, name) => (Some(Place::Global(of, name)), *program.global_type(of, name)),
                Definition::Class(class) => (None, Ty::class(class)),
                _ => return None,
            }
        }
    };
    for segment in rest {
        let Ty::Class(class, _) = ty.peeled(catalog) else { return None };
        let name = Name::new(segment);
        let owner = program.field_owner(class, name)?;
        ty = program.field(class, name).map(|it| *it.1).unwrap_or_default();
        place = Some(Place::Field(owner, name));
    }
    place.filter(|_| ty.lock(catalog).is_some() || program.is_lock_class(&ty, catalog))
}

impl Program<'_> {
    /// Whether objects of the class can be acquired and released.
    pub fn has_lock_methods(&self, class: Cls) -> bool {
        ["acquire", "release"].iter().all(|it| self.method(class, Name::new(it)).is_some())
    }

    /// Whether objects of the type are locks of the program's own.
    fn is_lock_class(&self, ty: &Ty, catalog: &Catalog) -> bool {
        match ty.peeled(catalog) {
            Ty::Class(class, _) => {
                self.is_lock_wrapper(class)
                    || self.method(class, Name::new("acquire")).is_some()
                    || self.method(class, Name::new("__enter__")).is_some()
            }
            _ => false,
        }
    }
}
