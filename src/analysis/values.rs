//! Which object each local of a function is, as an access path.
//!
//! Temporaries have one definition, so one pass in order finds their paths; a variable has a path when all its stores
//! agree. Calls that hand on an object (`Arc::clone`, `.unwrap()`, accessors by their summary) hand on its path.

use rustc_hash::{FxHashMap, FxHashSet};

use super::path::{Path, Root, Step};
use super::paths::Paths;
use super::summary::Summaries;
use crate::catalog::Effect;
use crate::ir::{AggregateKind, Base, Callee, ClassKind, Language, Local, LocalKind, Name, OpKind, ParamKind, Place, Projection, StoreKind, TypeRef};
use crate::program::{Cls, Definition, Fun, Program, Receiver, Target, Ty, bindings, is_collection};

/// In place of a local where there is none.
const NONE: Local = Local(u32::MAX);

/// A handle of a handle is followed so far.
const MAX_SHARED: usize = 8;

/// The paths of a function's locals.
#[derive(Debug)]
pub struct Values {
    pub function: Fun,
    paths: Paths,
    /// For a temporary that only reads a variable or another temporary: which; [`NONE`] for others.
    copies: Box<[Local]>,
    /// For an object that a call or literal makes of others: what it shares with them.
    made: Option<Box<FxHashMap<Local, Made>>>,
}

/// What an object has of those that it was made of.
#[derive(Clone, Debug)]
enum Made {
    /// `handle.clone()`: what the fields share, `Arc`s and the like, is that of the original.
    Clone(Path),
    /// `Handle { inner: Arc::clone(&self.inner) }`, and functions that return such a literal.
    Of(Vec<(Name, Path)>),
}

impl Values {
    /// The same object by the way the original of a clone, or of a part, has to it: two handles of one lock are one lock.
    pub fn shared(&self, program: &Program<'_>, path: Path) -> Path {
        let mut path = path;
        for _ in 0..MAX_SHARED {
            let (Root::Local(local), Some(Step::Field(field))) = (path.root, path.steps.first().copied()) else { break };
            let start = match self.made(local) {
                Some(Made::Clone(original)) if is_shared(program, self.function, local, field) => original.then(Step::Field(field)),
                Some(Made::Of(parts)) => parts.iter().find(|it| it.0 == field).map(|it| it.1),
                _ => None,
            };
            let longer = start.and_then(|start| path.steps[1..].iter().try_fold(start, |path, step| path.then(*step)));
            match longer {
                Some(longer) if longer.root != path.root => path = longer,
                _ => break,
            }
        }
        path
    }

    /// The parts of the object in `local` that come from parameters: what a caller knows better.
    pub fn parts(&self, local: Local) -> Vec<(Name, Path)> {
        let made = match self.path(local) {
            Some(Path { root: Root::Local(local), steps }) if steps.is_empty() => self.made(local),
            _ => None,
        };
        let known = |it: &&(Name, Path)| matches!(it.1.root, Root::Param(_) | Root::Global(..));
        match made {
            Some(Made::Of(parts)) => parts.iter().filter(known).cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn made(&self, local: Local) -> Option<&Made> {
        self.made.as_ref()?.get(&local)
    }

    /// The object in `local`.
    pub fn path(&self, local: Local) -> Option<Path> {
        self.paths.get(local)
    }

    /// The local whose value this is a plain copy of.
    pub fn origin(&self, local: Local) -> Local {
        let mut current = local;
        for _ in 0..16 {
            match self.copies.get(current.index()) {
                Some(next) if *next != NONE => current = *next,
                _ => break,
            }
        }
        current
    }

    /// The object at `place`.
    pub fn place(&self, program: &Program<'_>, place: &Place) -> Option<Path> {
        let mut projections = place.projections.iter().peekable();
        let mut path = match place.base {
            Base::Local(local) => self.path(local)?,
            Base::Global(name) => {
                let module = program.module_of(self.function);
                let mut definition = program.resolve(module, program.item_scope(self.function), name);
                // Modules are names, not objects: `metrics.store.total`.
                while let (Definition::Module(_), Some(Projection::Field(field))) = (definition, projections.peek()) {
                    definition = program.attribute(definition, *field);
                    projections.next();
                }
                match definition {
                    Definition::Global(module, name) => Path::new(Root::Global(module, name)),
                    Definition::Class(class) => Path::new(Root::Class(class)),
                    _ => return None,
                }
            }
        };
        while let Some(projection) = projections.next() {
            path = match projection {
                Projection::Field(name) if *name == "__class__" => match path.resolve(program, self.function) {
                    Some((_, Ty::Class(class, _))) => Path::new(Root::Class(class)),
                    _ => path.then(Step::Field(*name))?,
                },
                Projection::Field(name) => path.then(Step::Field(*name))?,
                Projection::Key(key) => path.then(Step::Key(*key))?,
                Projection::Index(_) => path.then(Step::Item)?,
                Projection::Deref => path,
                Projection::Variant(name) if is_struct(program, self.function, &path, *name) => path,
                Projection::Variant(name) => {
                    if matches!(name.as_str(), "Ok" | "Some" | "?" | "Err") {
                        projections.next_if(|it| matches!(it, Projection::Field(_)));
                        path
                    } else {
                        match projections.next() {
                            Some(Projection::Field(field)) => path.then(Step::Field(Name::concat(&[name.as_str(), ".", field.as_str()])))?,
                            _ => path,
                        }
                    }
                }
            };
        }
        Some(path)
    }

    /// The caller's path of a callee's parameter, for a call of this function.
    pub fn argument(&self, program: &Program<'_>, target: &Target, callee: &Callee, bound: &[(Fun, u32, Local)], index: u32) -> Option<Path> {
        if let Some((_, _, local)) = bound.iter().find(|(_, it, _)| *it == index) {
            return self.path(*local);
        }
        if index != 0 {
            return None;
        }
        match (target, callee) {
            (Target::Function { receiver: Receiver::Place | Receiver::ByName, .. }, Callee::Method { receiver, .. }) => self.place(program, receiver),
            (Target::Function { receiver: Receiver::Caller, .. }, _) => Some(Path::new(Root::Param(0))),
            (Target::Function { function, receiver: Receiver::Class }, Callee::Value(_)) => {
                program.class_of(*function).map(|it| Path::new(Root::Somewhere(it)))
            }
            (Target::Function { function, receiver: Receiver::Class }, _) => program.class_of(*function).map(|it| Path::new(Root::Class(it))),
            _ => None,
        }
    }
}

/// Whether a pattern of that name takes a struct apart: its fields are those of the object.
fn is_struct(program: &Program<'_>, function: Fun, path: &Path, pattern: Name) -> bool {
    match path.resolve(program, function) {
        Some((_, ty)) => match ty.peeled(program.catalog(function)) {
            Ty::Class(class, _) => {
                let class = program.class(class);
                class.kind == ClassKind::Struct && (class.name == pattern || pattern == "Self")
            }
            _ => false,
        },
        None => false,
    }
}

/// Finds the paths of `function`'s locals. Callees' summaries say which calls hand on an object.
pub fn values(program: &Program<'_>, function: Fun, summaries: &Summaries) -> Values {
    let ir = program.function(function);
    let language = program.language(function);
    let mut values = Values { function, paths: Paths::new(ir.locals.len()), copies: vec![NONE; ir.locals.len()].into(), made: None };
    for (index, param) in ir.params.iter().enumerate() {
        let root = match program.local_type(function, param.local) {
            Ty::ClassObject(class) if index == 0 => Root::Class(*class),
            _ => Root::Param(index as u32),
        };
        values.paths.set(param.local, Some(Path::new(root)));
    }
    for (inner, outer) in ir.captured() {
        values.paths.set(inner, Some(Path::new(Root::Captured(outer))));
    }
    // Fields this function replaces: a variable that took the old object out keeps it to itself.
    let replaced: FxHashSet<Place> = ir
        .ops
        .iter()
        .filter_map(|op| match &op.kind {
            OpKind::Store { place, kind: StoreKind::Assign, .. } if matches!(place.projections[..], [Projection::Field(_)]) => Some(*place),
            _ => None,
        })
        .collect();
    let mut taken: FxHashMap<Local, Place> = FxHashMap::default();
    let mut stores: Vec<u32> = vec![0; ir.locals.len()];
    for op in &ir.ops {
        if let OpKind::Store { place, .. } = &op.kind
            && let Some(local) = place.as_local()
        {
            stores[local.index()] += 1;
        }
    }
    for op in &ir.ops {
        match &op.kind {
            OpKind::Load { dest, place, .. } => {
                if let Some(local) = place.as_local()
                    && stores[local.index()] <= 1
                {
                    values.copies[dest.index()] = local;
                }
                values.paths.set(*dest, values.place(program, place));
                if replaced.contains(place) {
                    taken.insert(*dest, *place);
                }
            }
            OpKind::Store { place, value, .. } => {
                if let Some(local) = place.as_local() {
                    let path = values.path(*value).filter(|_| !taken.contains_key(value));
                    let count = stores[local.index()];
                    let known = values.path(local);
                    if count <= 1 && matches!(ir.local(local).kind(), LocalKind::Variable | LocalKind::Temporary) {
                        values.copies[local.index()] = *value;
                        values.paths.set(local, path.or(Some(Path::new(Root::Local(local)))));
                    } else if known != path || path.is_none() {
                        let is_first = known.is_none() && path.is_some();
                        values.paths.set(local, if is_first { path } else { Some(Path::new(Root::Varying(local))) });
                    }
                }
            }
            OpKind::Await { dest, value } | OpKind::Iterate { dest, value, .. } => values.paths.set(*dest, values.path(*value)),
            OpKind::Next { dest, iterator } => values.paths.set(*dest, values.path(*iterator).and_then(|it| it.then(Step::Item))),
            OpKind::Enter { dest, manager, .. } => values.paths.set(*dest, values.path(*manager)),
            OpKind::Call { dest, callee, arguments } => {
                let target = program.target(function, *dest);
                let bound = bindings(program, target, arguments);
                let path = call_path(program, &values, language, target, callee, arguments, &bound, summaries);
                if path.is_none() && language == Language::Rust {
                    let made = made_by_call(program, &values, target, callee, &bound, summaries);
                    if let Some(made) = made {
                        values.made.get_or_insert_default().insert(*dest, made);
                    }
                }
                values.paths.set(*dest, path.or(Some(Path::new(Root::Local(*dest)))));
            }
            OpKind::Aggregate { dest, kind, fields, operands } => {
                values.paths.set(*dest, Some(Path::new(Root::Local(*dest))));
                if matches!(kind, AggregateKind::Struct(_)) && language == Language::Rust {
                    let part = |(name, value): (&Name, &Local)| {
                        let path = values.path(*value)?;
                        let is_kept = !matches!(path.root, Root::Varying(_))
                            && may_share(program, function, *value)
                            && is_shared(program, function, *dest, *name);
                        is_kept.then_some((*name, path))
                    };
                    let parts: Vec<(Name, Path)> = fields.iter().zip(operands).filter_map(part).collect();
                    if !parts.is_empty() {
                        values.made.get_or_insert_default().insert(*dest, Made::Of(parts));
                    }
                }
            }
            _ => {}
        }
    }
    values
}

/// The fields of structs that the function makes, itself or in a call, whose `Arc` or the like comes from somewhere: the
/// struct, the field, and where it comes from, if that is known.
pub fn shared_parts(program: &Program<'_>, values: &Values, summaries: &Summaries) -> Vec<(Cls, Name, Option<Path>)> {
    let function = values.function;
    let mut found = Vec::new();
    for op in &program.function(function).ops {
        let (dest, parts): (Local, Vec<(Name, Option<Path>)>) = match &op.kind {
            OpKind::Aggregate { dest, kind: AggregateKind::Struct(_), fields, operands } => {
                let shares = |it: &(&Name, &Local)| may_share(program, function, *it.1) && is_shared(program, function, *dest, *it.0);
                let parts = fields.iter().zip(operands).filter(shares);
                let path = |it: &Local| values.path(*it).filter(|it| !matches!(it.root, Root::Varying(_)));
                (*dest, parts.map(|it| (*it.0, path(it.1))).collect())
            }
            OpKind::Call { dest, callee, arguments } => {
                let target = program.target(function, *dest);
                let Target::Function { function: called, .. } = target else { continue };
                let parts = &summaries.get(*called).returns_parts;
                if parts.is_empty() {
                    continue;
                }
                let bound = bindings(program, target, arguments);
                let argument = |index| values.argument(program, target, callee, &bound, index);
                (*dest, parts.iter().map(|it| (it.0, it.1.substitute(&argument, &|_| None))).collect())
            }
            _ => continue,
        };
        if let Ty::Class(class, _) = program.local_type(function, dest) {
            found.extend(parts.into_iter().map(|(field, path)| (*class, field, path)));
        }
    }
    found
}

/// What the result of a call shares with what the call was given.
fn made_by_call(
    program: &Program<'_>,
    values: &Values,
    target: &Target,
    callee: &Callee,
    bound: &[(Fun, u32, Local)],
    summaries: &Summaries,
) -> Option<Made> {
    match (target, callee) {
        (Target::Function { function, .. }, _) => {
            let known = |it: &(Name, Path)| {
                let path = it.1.substitute(&|index| values.argument(program, target, callee, bound, index), &|_| None)?;
                Some((it.0, path))
            };
            let parts: Vec<(Name, Path)> = summaries.get(*function).returns_parts.iter().filter_map(known).collect();
            (!parts.is_empty()).then_some(Made::Of(parts))
        }
        (_, Callee::Method { receiver, name }) if *name == "clone" => {
            let original = values.place(program, receiver)?;
            match original.resolve(program, values.function)?.1 {
                Ty::Class(class, _) if program.derives(class, "Clone") => Some(Made::Clone(original)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether the place is a receiver declared as an `Arc` or the like: `self: &Arc<Self>`.
fn has_shared_self(program: &Program<'_>, function: Fun, place: &Place) -> bool {
    let ir = program.function(function);
    let param = ir.params.first().filter(|it| it.kind == ParamKind::Receiver && place.as_local() == Some(it.local));
    let mut ty = param.and_then(|it| it.ty.as_ref());
    while let Some(TypeRef::Reference { target, .. }) = ty {
        ty = Some(&**target);
    }
    match ty {
        Some(ty @ TypeRef::Path { arguments, .. }) if !arguments.is_empty() => {
            program.resolve_type_of(function, ty).shares(program.catalog(function))
        }
        _ => false,
    }
}

/// Whether what is in the local may be an `Arc` or the like, as far as that is known of it by itself.
fn may_share(program: &Program<'_>, function: Fun, local: Local) -> bool {
    match program.local_type(function, local) {
        // An `Arc<Self>` that is the receiver is known by its class.
        Ty::Unknown | Ty::Class(..) => true,
        other => other.shares(program.catalog(function)),
    }
}

/// Whether a field of the object in `local` is an `Arc` or the like: what it leads to is the same for all that have one.
fn is_shared(program: &Program<'_>, function: Fun, local: Local, field: Name) -> bool {
    let Ty::Class(class, _) = program.local_type(function, local) else { return false };
    program.field(*class, field).is_some_and(|it| it.1.shares(program.catalog(function)))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one call")]
fn call_path(
    program: &Program<'_>,
    values: &Values,
    language: Language,
    target: &Target,
    callee: &Callee,
    arguments: &[crate::ir::Argument],
    bound: &[(Fun, u32, Local)],
    summaries: &Summaries,
) -> Option<Path> {
    let catalog = program.catalogs.of(language);
    let receiver = || match callee {
        Callee::Method { receiver, .. } => values.place(program, receiver),
        _ => None,
    };
    // `self.clone()` of a method that has `self: &Arc<Self>`.
    if let Callee::Method { receiver: of, name } = callee
        && *name == "clone"
        && has_shared_self(program, values.function, of)
    {
        return receiver();
    }
    match target {
        Target::Function { function, .. } | Target::Closure(function) => {
            let returned = summaries.get(*function).returns_path.as_ref()?;
            returned.substitute(&|index| values.argument(program, target, callee, bound, index), &|local| values.path(local))
        }
        Target::Method { ty, name } => {
            if let Some(row) = catalog.lock(*ty)
                && let Some(method) = row.methods.iter().find(|it| it.name == *name)
            {
                return match method.effect {
                    Effect::Acquire | Effect::TryAcquire | Effect::Bypass if row.guards_data => receiver()?.then(Step::Data),
                    _ => None,
                };
            }
            if let Some(row) = catalog.wrapper(*ty)
                && row.accessors.contains(name)
                && (*name != "clone" || row.shares)
            {
                return receiver();
            }
            if is_collection(catalog, *ty) {
                return match name.as_str() {
                    "iter" | "iter_mut" | "values" | "values_mut" | "items" | "keys" | "as_slice" | "as_mut" | "as_ref" => receiver(),
                    "get" | "get_mut" | "entry" | "setdefault" | "last" | "last_mut" | "first" | "front" | "back" | "or_default" | "or_insert"
                    | "or_insert_with" => receiver()?.then(Step::Item),
                    _ if passes(catalog, language, *name) => receiver(),
                    _ => None,
                };
            }
            if passes(catalog, language, *name) { receiver() } else { None }
        }
        Target::External(path) => {
            let (ty, name) = path.as_str().rsplit_once("::")?;
            let row = catalog.wrapper(Name::new(ty))?;
            let hands_on = row.constructors.contains(&Name::new(name)) || (name == "clone" && row.shares);
            if hands_on { values.path(arguments.first()?.value) } else { None }
        }
        Target::Unknown => match callee {
            Callee::Method { name, .. } if passes(catalog, language, *name) => receiver(),
            _ => None,
        },
        Target::Construct { .. } => None,
    }
}

fn passes(catalog: &crate::catalog::Catalog, language: Language, name: Name) -> bool {
    language == Language::Rust && catalog.tables.passing.unwrapping.contains(&name)
}
