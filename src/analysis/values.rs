//! Which object each local of a function is, as an access path.
//!
//! Temporaries have one definition, so one pass in order finds their paths; a variable has a path when all its stores
//! agree. Calls that hand on an object (`Arc::clone`, `.unwrap()`, accessors by their summary) hand on its path.

use rustc_hash::FxHashMap;

use super::path::{Path, Root, Step};
use super::summary::Summaries;
use crate::catalog::Effect;
use crate::ir::{Base, Callee, ClassKind, Language, Local, LocalKind, Name, OpKind, Place, Projection, StoreKind};
use crate::program::{Definition, Fun, Program, Receiver, Target, Ty, bindings, is_collection};

/// The paths of a function's locals.
#[derive(Debug)]
pub struct Values {
    pub function: Fun,
    paths: Vec<Option<Path>>,
    /// For a temporary that only reads a variable or another temporary: which.
    copies: Vec<Option<Local>>,
}

impl Values {
    /// The object in `local`.
    pub fn path(&self, local: Local) -> Option<&Path> {
        self.paths.get(local.index())?.as_ref()
    }

    /// The local whose value this is a plain copy of.
    pub fn origin(&self, local: Local) -> Local {
        let mut current = local;
        for _ in 0..16 {
            match self.copies.get(current.index()).copied().flatten() {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// The object at `place`.
    pub fn place(&self, program: &Program<'_>, place: &Place) -> Option<Path> {
        let mut projections = place.projections.iter().peekable();
        let mut path = match place.base {
            Base::Local(local) => self.path(local)?.clone(),
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
                            Some(Projection::Field(field)) => path.then(Step::Field(Name::new(&format!("{name}.{field}"))))?,
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
            return self.path(*local).cloned();
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
    let mut values = Values { function, paths: vec![None; ir.locals.len()], copies: vec![None; ir.locals.len()] };
    for (index, param) in ir.params.iter().enumerate() {
        values.paths[param.local.index()] = Some(match program.local_type(function, param.local) {
            Ty::ClassObject(class) if index == 0 => Path::new(Root::Class(*class)),
            _ => Path::new(Root::Param(index as u32)),
        });
    }
    for (index, local) in ir.locals.iter().enumerate() {
        if let LocalKind::Captured(outer) = local.kind {
            values.paths[index] = Some(Path::new(Root::Captured(outer)));
        }
    }
    // Fields this function replaces: a variable that took the old object out keeps it to itself.
    let replaced: Vec<Place> = ir
        .ops()
        .filter_map(|(_, _, op)| match &op.kind {
            OpKind::Store { place, kind: StoreKind::Assign, .. } if matches!(place.projections[..], [Projection::Field(_)]) => Some(place.clone()),
            _ => None,
        })
        .collect();
    let mut taken: FxHashMap<Local, Place> = FxHashMap::default();
    let mut stores: FxHashMap<Local, u32> = FxHashMap::default();
    for (_, _, op) in ir.ops() {
        if let OpKind::Store { place, .. } = &op.kind
            && let Some(local) = place.as_local()
        {
            *stores.entry(local).or_default() += 1;
        }
    }
    for (_, _, op) in ir.ops() {
        match &op.kind {
            OpKind::Load { dest, place, .. } => {
                if let Some(local) = place.as_local()
                    && stores.get(&local).is_none_or(|it| *it <= 1)
                {
                    values.copies[dest.index()] = Some(local);
                }
                values.paths[dest.index()] = values.place(program, place);
                if replaced.contains(place) {
                    taken.insert(*dest, place.clone());
                }
            }
            OpKind::Store { place, value, .. } => {
                if let Some(local) = place.as_local() {
                    let path = values.path(*value).cloned().filter(|_| !taken.contains_key(value));
                    let count = stores.get(&local).copied().unwrap_or(0);
                    let slot = &mut values.paths[local.index()];
                    if count <= 1 && matches!(ir.local(local).kind, LocalKind::Variable | LocalKind::Temporary) {
                        values.copies[local.index()] = Some(*value);
                        *slot = path.or(Some(Path::new(Root::Local(local))));
                    } else if slot.as_ref() != path.as_ref() || path.is_none() {
                        *slot = match slot {
                            None if path.is_some() => path,
                            _ => Some(Path::new(Root::Varying(local))),
                        };
                    }
                }
            }
            OpKind::Await { dest, value } | OpKind::Iterate { dest, value, .. } => values.paths[dest.index()] = values.path(*value).cloned(),
            OpKind::Next { dest, iterator } => values.paths[dest.index()] = values.path(*iterator).and_then(|it| it.then(Step::Item)),
            OpKind::Enter { dest, manager, .. } => values.paths[dest.index()] = values.path(*manager).cloned(),
            OpKind::Call { dest, callee, arguments } => {
                let target = program.target(function, *dest);
                let bound = bindings(program, target, arguments);
                let path = call_path(program, &values, language, target, callee, arguments, &bound, summaries);
                values.paths[dest.index()] = path.or(Some(Path::new(Root::Local(*dest))));
            }
            OpKind::Aggregate { dest, .. } => values.paths[dest.index()] = Some(Path::new(Root::Local(*dest))),
            _ => {}
        }
    }
    values
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
    match target {
        Target::Function { function, .. } | Target::Closure(function) => {
            let returned = summaries.get(*function).returns_path.as_ref()?;
            returned.substitute(&|index| values.argument(program, target, callee, bound, index), &|local| values.path(local).cloned())
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
            if hands_on { values.path(arguments.first()?.value).cloned() } else { None }
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
