//! Types of locals, fields, globals and results, and what each call runs, from assignments alone.
//!
//! In rounds: each reads what the round before found out of fields, globals, results and parameters, and adds to it.
//! The first round goes over all functions, the next ones over those that use what has become known since. The first
//! type found for a place stays, `None` aside; a parameter without annotation has a type only when all calls seen
//! agree. Within a round functions are independent of each other and done in parallel; what they found is put together
//! in their order, so that the result does not depend on the threads.

mod calls;
mod declare;
mod scope;

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rustc_hash::{FxHashMap, FxHashSet};

use self::declare::{declare_fields, declare_globals, wrap_conditions};
use self::scope::function_types;
use super::types::Ty;
use super::{Cls, Definition, Fun, FunctionTypes, Program, Receiver, Target};
use crate::ir::{ArgumentKind, Base, Callee, Local, Name, OpKind, ParamKind, Place, Projection};

/// A type travels this far through calls and fields.
const ROUNDS: usize = 8;

/// What is known beside the functions' own types, and what of it is new since the round before.
#[derive(Default)]
struct Known {
    parameters: FxHashMap<(Fun, u32), Ty>,
    conflicting: FxHashSet<(Fun, u32)>,
    new_fields: FxHashSet<Name>,
    new_globals: FxHashSet<(super::Mod, Name)>,
    new_global_names: FxHashSet<Name>,
    new_parameters: FxHashSet<Fun>,
    new_results: FxHashSet<Fun>,
    /// The functions of the round before.
    done: FxHashSet<Fun>,
}

/// The type of what is passed for a parameter.
type Passed = (Fun, u32, Ty);

/// What one function says of others.
#[derive(Default)]
struct Published {
    fields: Vec<(Cls, Name, Ty)>,
    globals: Vec<(super::Mod, Name, Ty)>,
    passed: Vec<Passed>,
}

/// Infers until nothing more is expected to come.
pub(super) fn infer(program: &mut Program<'_>) {
    declare_fields(program);
    declare_globals(program);
    let mut known = Known::default();
    let mut work: Vec<Fun> = program.function_ids().collect();
    for _ in 0..ROUNDS {
        let found: Vec<(FunctionTypes, Published)> = work
            .par_iter()
            .map(|function| {
                let (types, passed) = function_types(program, *function, &known.parameters);
                let mut published = publish(program, *function, &types);
                published.passed.extend(passed);
                (types, published)
            })
            .collect();
        let mut next = Known { parameters: known.parameters, conflicting: known.conflicting, ..Known::default() };
        for (function, (types, published)) in work.iter().zip(found) {
            next.add(program, published);
            let slot = &mut program.types[function.0 as usize];
            if slot.returns != types.returns {
                next.new_results.insert(*function);
            }
            *slot = types;
        }
        known = next;
        known.done = work.into_iter().collect();
        for key in &known.conflicting {
            known.parameters.remove(key);
        }
        let users: Vec<Fun> = program.function_ids().collect();
        work = users.into_par_iter().filter(|it| known.concerns(program, *it)).collect();
        if work.is_empty() {
            break;
        }
    }
    wrap_conditions(program);
}

impl Known {
    fn add(&mut self, program: &mut Program<'_>, published: Published) {
        for (owner, name, ty) in published.fields {
            let slot = program.fields.entry((owner, name)).or_default();
            if slot.is_unknown() {
                *slot = ty;
                self.new_fields.insert(name);
            }
        }
        for (owner, name, ty) in published.globals {
            let slot = program.globals.entry((owner, name)).or_default();
            if slot.is_unknown() {
                *slot = ty;
                self.new_globals.insert((owner, name));
                self.new_global_names.insert(Name::new(name.last()));
            }
        }
        for (callee, parameter, ty) in published.passed {
            match self.parameters.get(&(callee, parameter)) {
                Some(known) if *known != ty => {
                    if self.conflicting.insert((callee, parameter)) {
                        self.new_parameters.insert(callee);
                    }
                }
                Some(_) => {}
                None if self.conflicting.contains(&(callee, parameter)) => {}
                None => {
                    self.parameters.insert((callee, parameter), ty);
                    self.new_parameters.insert(callee);
                }
            }
        }
    }

    /// Whether the function uses anything that is new.
    fn concerns(&self, program: &Program<'_>, function: Fun) -> bool {
        let targets = &program.types(function).targets;
        let global = |name: Name| match program.resolve(program.module_of(function), program.item_scope(function), name) {
            Definition::Global(module, name) => self.new_globals.contains(&(module, name)),
            _ => false,
        };
        let field = |it: &Projection| match it {
            Projection::Field(name) => self.new_fields.contains(name) || self.new_global_names.contains(name),
            _ => false,
        };
        let place = |it: &Place| it.projections.iter().any(field) || matches!(it.base, Base::Global(name) if global(name));
        let returns = |dest: &Local| match targets.get(dest) {
            Some(Target::Function { function, .. } | Target::Closure(function)) => self.new_results.contains(function),
            _ => false,
        };
        self.new_parameters.contains(&function)
            || program.captures_from(function).is_some_and(|it| self.done.contains(&it))
            || program.function(function).ops().any(|(_, _, op)| match &op.kind {
                OpKind::Load { dest, place: it, .. } => place(it) || returns(dest),
                OpKind::Store { place: it, .. } => place(it),
                OpKind::Call { dest, callee, .. } => {
                    returns(dest)
                        || match callee {
                            Callee::Method { receiver, name } => place(receiver) || self.new_fields.contains(name),
                            Callee::Path(name) => global(*name),
                            Callee::Value(_) | Callee::Macro(_) => false,
                        }
                }
                _ => false,
            })
    }
}

/// What one function says of others: fields and globals it stores, parameters it calls with.
fn publish(program: &Program<'_>, function: Fun, types: &FunctionTypes) -> Published {
    let mut published = Published::default();
    let ir = program.function(function);
    let module = program.module_of(function);
    for (_, _, op) in ir.ops() {
        match &op.kind {
            OpKind::Store { place, value, .. } => {
                let ty = types.locals[value.index()].clone();
                if ty.is_unknown() {
                    continue;
                }
                match (place.base, &place.projections[..]) {
                    (Base::Global(name), []) => {
                        if let Definition::Global(owner, name) = program.resolve(module, program.item_scope(function), name) {
                            published.globals.push((owner, name, ty));
                        }
                    }
                    (Base::Local(base), [Projection::Field(name)]) => {
                        if let Ty::Class(class, _) | Ty::ClassObject(class) = types.locals[base.index()].peeled(program.catalog(function))
                            && let Some(owner) = program.field_owner(class, *name)
                        {
                            published.fields.push((owner, *name, ty));
                        }
                    }
                    _ => {}
                }
            }
            OpKind::Call { dest, arguments, .. } => {
                let Some(target) = types.targets.get(dest) else { continue };
                for (callee, parameter, value) in bindings(program, target, arguments) {
                    let ty = types.locals[value.index()].clone();
                    if !ty.is_unknown() && program.function(callee).params.get(parameter as usize).is_some_and(|it| it.ty.is_none()) {
                        published.passed.push((callee, parameter, ty));
                    }
                }
            }
            _ => {}
        }
    }
    published
}

/// Which argument of a call becomes which parameter of the function it runs.
pub fn bindings(program: &Program<'_>, target: &Target, arguments: &[crate::ir::Argument]) -> Vec<(Fun, u32, Local)> {
    let (callee, skip) = match target {
        Target::Function { function, receiver } => (*function, usize::from(*receiver != Receiver::None)),
        Target::Construct { init: Some(init), .. } => (*init, 1),
        Target::Closure(function) => (*function, 0),
        _ => return Vec::new(),
    };
    let params = &program.function(callee).params;
    let mut bound = Vec::with_capacity(arguments.len());
    let mut position = skip;
    for argument in arguments {
        match argument.kind {
            ArgumentKind::Positional => {
                if params.get(position).is_some_and(|it| matches!(it.kind, ParamKind::Positional | ParamKind::Receiver)) {
                    bound.push((callee, position as u32, argument.value));
                }
                position += 1;
            }
            ArgumentKind::Keyword(name) => {
                if let Some(at) = params.iter().position(|it| it.name == name && matches!(it.kind, ParamKind::Positional | ParamKind::KeywordOnly)) {
                    bound.push((callee, at as u32, argument.value));
                }
            }
            // After `*args` positions are not known.
            ArgumentKind::Spread => position = usize::MAX / 2,
            ArgumentKind::SpreadKeywords => {}
        }
    }
    bound
}
