//! What fields and globals are declared to be, and where.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::catalog::LockKind;
use crate::finding::Location;
use crate::ir::{Base, Const, FunctionKind, Language, Local, Name, Op, OpKind, ParamKind, Projection};
use crate::program::{Cls, Fun, Mod, Program, Ty, names};

pub(super) fn declare_fields(program: &mut Program<'_>) {
    for class in program.class_ids() {
        let module = program.module_of_class(class);
        let ir = program.class(class);
        let file = program.module(module).file;
        let is_struct = program.module(module).ir.language == Language::Rust && !ir.is_test;
        let found: Vec<_> = ir
            .fields
            .iter()
            .map(|it| (it.name, it.ty.as_ref().map(|ty| program.resolve_type(module, ir.scope, ty)), Location { file, range: it.range }))
            .collect();
        for (name, ty, location) in found {
            program.declares.entry((class, name)).or_insert(location);
            if is_struct {
                program.only_fields.entry(name).and_modify(|it| *it = None).or_insert(Some(class));
            }
            if let Some(ty) = ty.filter(|it| !it.is_unknown()) {
                program.fields.insert((class, name), ty);
            }
        }
    }
    let functions: Vec<Fun> = program.function_ids().collect();
    let found: Vec<Option<Assigned>> = functions.into_par_iter().map(|it| assigned(program, it)).collect();
    for Assigned { class, is_init, fields } in found.into_iter().flatten() {
        for (name, location) in fields {
            match is_init {
                // The first in the constructor is the place to show.
                true => program.declares.entry((class, name)).and_modify(|it| *it = (*it).min(location)).or_insert(location),
                false => program.declares.entry((class, name)).or_insert(location),
            };
        }
    }
    program.field_names = program.declares.keys().map(|it| it.1).collect();
}

/// The fields that a method assigns.
struct Assigned {
    class: Cls,
    is_init: bool,
    fields: Vec<(Name, Location)>,
}

fn assigned(program: &Program<'_>, function: Fun) -> Option<Assigned> {
    if program.language(function) != Language::Python {
        return None;
    }
    let class = program.class_of(function)?;
    let ir = program.function(function);
    let is_init = ir.name == "__init__" || ir.kind == FunctionKind::ClassBody;
    let receiver = ir.params.first().filter(|it| it.kind == ParamKind::Receiver)?.local;
    let field = |op: &Op| match &op.kind {
        OpKind::Store { place, .. } if place.base == Base::Local(receiver) => match place.projections[..] {
            [Projection::Field(name)] => Some((name, program.location(function, op.range()))),
            _ => None,
        },
        _ => None,
    };
    Some(Assigned { class, is_init, fields: ir.ops.iter().filter_map(field).collect() })
}

pub(super) fn declare_globals(program: &mut Program<'_>) {
    for index in 0..program.modules.len() {
        let module = Mod(index as u32);
        let ir = &program.module(module).ir;
        let found: Vec<_> = ir
            .globals
            .iter()
            .filter_map(|it| {
                let name = names::qualified_global(ir.language, it.scope, it.name);
                it.ty.as_ref().map(|ty| (name, program.resolve_type(module, it.scope, ty)))
            })
            .filter(|(_, ty)| !ty.is_unknown())
            .collect();
        for (name, ty) in found {
            program.globals.insert((module, name), ty);
        }
    }
}

/// What functions say that they return is known before any is looked at.
pub(super) fn declare_results(program: &mut Program<'_>) {
    let all: Vec<Fun> = program.function_ids().collect();
    let declared = |function: &Fun| program.function(*function).returns.as_ref().map(|ty| (*function, program.resolve_type_of(*function, ty)));
    let found: Vec<(Fun, Ty)> = all.par_iter().filter_map(declared).collect();
    for (function, ty) in found {
        program.types[function.0 as usize].returns = ty;
    }
}

/// Which lock fields conditions were made with: `self._changed = Condition(self._lock)`; and which have semaphores that let
/// in more than one: `self._slots = Semaphore(limit)`.
pub(super) fn wrap_conditions(program: &mut Program<'_>) {
    let methods: Vec<(Fun, Cls)> = program.function_ids().filter_map(|it| Some((it, program.class_of(it)?))).collect();
    let found: Vec<Wrapping> = methods.par_iter().map(|(function, class)| wrapping(program, *function, *class)).collect();
    for it in found {
        program.wrapped.extend(it.wrapped);
        program.counting.extend(it.counting);
    }
}

/// What a method puts into fields.
#[derive(Default)]
struct Wrapping {
    /// Conditions: the field, and that of the lock inside.
    wrapped: Vec<((Cls, Name), Name)>,
    /// Semaphores that let in more than one.
    counting: Vec<(Cls, Name)>,
}

fn wrapping(program: &Program<'_>, function: Fun, class: Cls) -> Wrapping {
    let mut wrapping = Wrapping::default();
    let ir = program.function(function);
    let mut fields: FxHashMap<Local, Name> = FxHashMap::default();
    let mut semaphores: Vec<Local> = Vec::new();
    let one = |value: Local| ir.constant(value) == Some(Const::Int(1));
    for op in &ir.ops {
        match &op.kind {
            OpKind::Load { dest, place, .. } => {
                if let [Projection::Field(name)] = place.projections[..] {
                    fields.insert(*dest, name);
                }
            }
            OpKind::Call { dest, arguments, .. } => {
                if program.made_lock(function, *dest).is_some_and(|it| it.kind == LockKind::Semaphore)
                    && arguments.first().is_some_and(|it| !one(it.value))
                {
                    semaphores.push(*dest);
                }
                let is_condition = match program.local_type(function, *dest) {
                    Ty::External(path, _) => program.catalog(function).lock(*path).is_some_and(|it| it.wraps_argument),
                    _ => false,
                };
                if is_condition && let Some(lock) = arguments.first().and_then(|it| fields.get(&it.value)) {
                    fields.insert(*dest, *lock);
                }
            }
            OpKind::Store { place, value, .. } => {
                if let [Projection::Field(name)] = place.projections[..]
                    && semaphores.contains(value)
                    && let Some(owner) = program.field_owner(class, name)
                {
                    wrapping.counting.push((owner, name));
                }
                if let ([Projection::Field(name)], Some(lock)) = (&place.projections[..], fields.get(value))
                    && let Some(owner) = program.field_owner(class, *name)
                    && name != lock
                    && program.field(class, *name).is_some_and(|(_, ty)| ty.lock(program.catalog(function)).is_some_and(|it| it.wraps_argument))
                {
                    wrapping.wrapped.push(((owner, *name), *lock));
                }
            }
            _ => {}
        }
    }
    wrapping
}
