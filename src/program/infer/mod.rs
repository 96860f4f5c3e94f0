//! Types of locals, fields, globals and results, and what each call runs, from assignments alone.
//!
//! In rounds: each reads what the round before found out of fields, globals, results and parameters, and adds to it.
//! The first round goes over all functions, the next ones over those that asked for what has become known since. The first
//! type found for a place stays, `None` aside; a parameter without annotation has a type only when all calls seen
//! agree, as far as each is known. Within a round modules are independent of each other and done in parallel ([`round`]);
//! what they found is put together in their order, so that the result does not depend on the threads.

mod calls;
mod declare;
mod passed;
mod round;
mod scope;

use std::hash::Hash;
use std::sync::LazyLock;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use thin_vec::ThinVec;

use self::declare::{declare_fields, declare_globals, declare_results, wrap_conditions};
use self::passed::{Passed, Passing};
use self::round::Round;
use self::scope::function_types;
use super::types::Ty;
use super::{Cls, Definition, Fun, FunSet, FunctionTypes, Mod, Program, Receiver, Target};
use crate::ir::{ArgumentKind, Base, Callee, Language, Local, Name, OpKind, ParamKind, Projection};

/// Methods of containers that put their last argument in.
static PUTTING: LazyLock<[Name; 7]> = LazyLock::new(|| ["add", "append", "appendleft", "insert", "put", "put_nowait", "setdefault"].map(Name::new));

/// A type travels through so many modules by calls and fields.
const ROUNDS: usize = 8;

/// A parameter of a function, by its position.
type Parameter = (Fun, u32);

/// What is known to be passed for parameters.
type Parameters = FxHashMap<Parameter, Ty>;

/// What is known beside the functions' own types, and what of it is new since the round before.
#[derive(Default)]
struct Known {
    parameters: Parameters,
    /// What was seen to be put into the containers that fields are; nothing where they hold objects of several classes.
    items: FxHashMap<(Cls, Name), Option<Cls>>,
    new_fields: FxHashSet<(Cls, Name)>,
    new_globals: FxHashSet<(Mod, Name)>,
    new_parameters: FunSet,
    new_results: FunSet,
    /// Functions whose locals have other types than in the round before.
    new_locals: FunSet,
}

/// What a function's types were made of that was not known, or may change, and the type that each had then.
#[derive(Debug, Default)]
struct Reads {
    fields: ThinVec<((Cls, Name), Ty)>,
    globals: ThinVec<((Mod, Name), Ty)>,
    results: ThinVec<(Fun, Ty)>,
}

impl Reads {
    fn each_once(self) -> Reads {
        fn once<T: Copy + Eq + Hash>(all: ThinVec<T>) -> ThinVec<T> {
            if all.len() < 2 {
                return all;
            }
            let mut seen: FxHashSet<T> = FxHashSet::default();
            all.into_iter().filter(|it| seen.insert(*it)).collect()
        }
        Reads { fields: once(self.fields), globals: once(self.globals), results: once(self.results) }
    }
}

/// What one function says of others.
#[derive(Default)]
struct Published {
    fields: Vec<(Cls, Name, Ty)>,
    /// Objects put into the container that a field is.
    items: Vec<(Cls, Name, Cls)>,
    globals: Vec<(Mod, Name, Ty)>,
}

impl Published {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.items.is_empty() && self.globals.is_empty()
    }
}

/// What a round finds out about one function.
struct Found {
    types: FunctionTypes,
    /// Whether the result, or any local, has another type than in the round before.
    returns_anew: bool,
    locals_anew: bool,
    reads: Reads,
    published: Option<Box<Published>>,
    passed: Vec<Passed>,
}

impl Found {
    fn of(round: &Round<'_, '_>, function: Fun) -> Found {
        let program = round.program;
        let (types, reads, to_closures) = function_types(round, function);
        let (published, mut passed) = publish(program, function, &types);
        passed.extend(to_closures);
        let before = program.types(function);
        Found {
            returns_anew: before.returns != types.returns,
            locals_anew: !before.has_locals_of(&types),
            types,
            reads,
            published: (!published.is_empty()).then(|| Box::new(published)),
            passed,
        }
    }
}

/// Infers until nothing more is expected to come.
pub(super) fn infer(program: &mut Program<'_>) {
    declare_fields(program);
    declare_globals(program);
    declare_results(program);
    let mut known = Known::default();
    let mut passing = Passing::new(program.functions.len());
    let all: Vec<Fun> = program.function_ids().collect();
    let mut reads: Vec<Reads> = all.iter().map(|_| Reads::default()).collect();
    // What sees locals of another function.
    let nested: FunSet = all.iter().copied().filter(|it| program.function(*it).captured().next().is_some()).collect();
    let mut work = all.clone();
    for _ in 0..ROUNDS {
        let modules: Vec<&[Fun]> = work.chunk_by(|one, other| program.module_of(*one) == program.module_of(*other)).collect();
        let found: Vec<Vec<Found>> = modules.par_iter().map(|it| Round::look(program, &known.parameters, it)).collect();
        let Known { mut parameters, items, .. } = known;
        let mut next = Known { items, ..Known::default() };
        let mut passed: Vec<Vec<Passed>> = Vec::with_capacity(work.len());
        let mut told: Vec<Box<Published>> = Vec::new();
        for (function, it) in work.iter().zip(found.into_iter().flatten()) {
            passed.push(it.passed);
            told.extend(it.published);
            if it.returns_anew {
                next.new_results.insert(*function);
            }
            if it.locals_anew {
                next.new_locals.insert(*function);
            }
            program.types[function.0 as usize] = it.types;
            reads[function.0 as usize] = it.reads;
        }
        let (new_parameters, ()) = rayon::join(
            || {
                work.iter().zip(passed).for_each(|(function, passed)| passing.replace(*function, passed));
                passing.settle(&mut parameters)
            },
            || told.into_iter().for_each(|it| next.add(program, *it)),
        );
        known = Known { parameters, new_parameters, ..next };
        work = all.par_iter().copied().filter(|it| known.concerns(program, *it, &reads[it.0 as usize], &nested)).collect();
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
                self.new_fields.insert((owner, name));
            }
        }
        for (owner, name, class) in published.items {
            let catalog = program.catalogs.python;
            let Some(ty) = program.fields.get(&(owner, name)) else { continue };
            let both = match self.items.get(&(owner, name)) {
                None if ty.item(catalog).is_unknown() => Some(class),
                Some(Some(known)) if program.ancestry(class).contains(known) => Some(*known),
                Some(Some(known)) if program.ancestry(*known).contains(&class) => Some(class),
                Some(_) => None,
                None => continue,
            };
            self.items.insert((owner, name), both);
            if let Some(filled) = ty.with_item(catalog, both.map(Ty::class).unwrap_or_default())
                && filled != *ty
            {
                program.fields.insert((owner, name), filled);
                self.new_fields.insert((owner, name));
            }
        }
        for (owner, name, ty) in published.globals {
            let slot = program.globals.entry((owner, name)).or_default();
            if slot.is_unknown() {
                *slot = ty;
                self.new_globals.insert((owner, name));
            }
        }
    }

    /// Whether anything is new that the function's types were made of.
    fn concerns(&self, program: &Program<'_>, function: Fun, reads: &Reads, nested: &FunSet) -> bool {
        let captures_new = |parent: Fun| {
            self.new_locals.contains(parent)
                && program
                    .function(function)
                    .captured()
                    .any(|(inner, outer)| program.local_type(parent, outer) != program.local_type(function, inner))
        };
        self.new_parameters.contains(function)
            || reads.results.iter().any(|(it, seen)| self.new_results.contains(*it) && program.types(*it).returns != *seen)
            || reads.fields.iter().any(|(it, seen)| self.new_fields.contains(it) && program.fields.get(it) != Some(seen))
            || reads.globals.iter().any(|(it, seen)| self.new_globals.contains(it) && program.globals.get(it) != Some(seen))
            || nested.contains(function) && program.captures_from(function).is_some_and(captures_new)
    }
}

/// What is put where: `self.open.append(x)`, `self.open[key] = x`.
fn put(op: &OpKind) -> Option<(Local, Name, Local)> {
    let (place, value) = match op {
        OpKind::Call { callee: Callee::Method { receiver, name }, arguments, .. } if PUTTING.contains(name) => {
            (&receiver.projections[..], (receiver.base, arguments.last().filter(|it| it.kind == ArgumentKind::Positional)?.value))
        }
        OpKind::Store { place, value, .. } => match &place.projections[..] {
            [rest @ .., Projection::Key(_) | Projection::Index(_)] => (rest, (place.base, *value)),
            _ => return None,
        },
        _ => return None,
    };
    match (place, value) {
        ([Projection::Field(name)], (Base::Local(base), value)) => Some((base, *name, value)),
        _ => None,
    }
}

/// What one function says of others: fields and globals it stores, and what it calls with.
fn publish(program: &Program<'_>, function: Fun, types: &FunctionTypes) -> (Published, Vec<Passed>) {
    let mut published = Published::default();
    let mut passed = Vec::new();
    let ir = program.function(function);
    let module = program.module_of(function);
    let is_python = program.language(function) == Language::Python;
    let items = program.item_scope(function);
    for op in &ir.ops {
        if let Some((base, name, value)) = put(&op.kind).filter(|_| is_python)
            && let Ty::Class(class, _) = *types.local(base)
            && let Ty::Class(item, _) = *types.local(value)
            && let Some(owner) = program.field_owner(class, name)
        {
            published.items.push((owner, name, item));
        }
        match &op.kind {
            OpKind::Store { place, value, .. } => {
                let ty = *types.local(*value);
                if ty.is_unknown() {
                    continue;
                }
                match (place.base, &place.projections[..]) {
                    (Base::Global(name), []) => {
                        if let Definition::Global(owner, name) = program.resolve(module, items, name) {
                            published.globals.push((owner, name, ty));
                        }
                    }
                    (Base::Local(base), [Projection::Field(name)]) => {
                        if let Ty::Class(class, _) | Ty::ClassObject(class) = types.local(base).peeled(program.catalog(function))
                            && let Some(owner) = program.field_owner(class, *name)
                        {
                            published.fields.push((owner, *name, ty));
                        }
                    }
                    _ => {}
                }
            }
            OpKind::Call { dest, arguments, .. } => {
                let Some(target) = types.target(*dest) else { continue };
                for (callee, parameter, value) in bindings(program, target, arguments) {
                    let ty = *types.local(value);
                    if !ty.is_unknown() && program.function(callee).params.get(parameter as usize).is_some_and(|it| it.ty.is_none()) {
                        passed.push(((callee, parameter), ty));
                    }
                }
            }
            _ => {}
        }
    }
    (published, passed)
}

/// The function that a call runs, a parameter of it, and the argument that becomes it.
pub type Bindings = SmallVec<[(Fun, u32, Local); 4]>;

/// Which argument of a call becomes which parameter of the function it runs.
pub fn bindings(program: &Program<'_>, target: &Target, arguments: &[crate::ir::Argument]) -> Bindings {
    let (callee, skip) = match target {
        Target::Function { function, receiver } => (*function, usize::from(*receiver != Receiver::None)),
        Target::Construct { init: Some(init), .. } => (*init, 1),
        Target::Closure(function) => (*function, 0),
        _ => return Bindings::new(),
    };
    let params = &program.function(callee).params;
    let mut bound = Bindings::new();
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
