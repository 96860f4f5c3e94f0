//! Types of locals, fields, globals and results, and what each call runs, from assignments alone.
//!
//! In rounds: each reads what the round before found out of fields, globals, results and parameters, and adds to it.
//! The first round goes over all functions, the next ones over those that use what has become known since. The first
//! type found for a place stays, `None` aside; a parameter without annotation has a type only when all calls seen
//! agree. Within a round functions are independent of each other and done in parallel; what they found is put together
//! in their order, so that the result does not depend on the threads.

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rustc_hash::{FxHashMap, FxHashSet};

use super::types::{Ty, is_collection};
use super::{Cls, Definition, Fun, FunctionTypes, Program, Receiver, Target, names};
use crate::catalog::{Catalog, Effect};
use crate::ir::{
    AggregateKind, ArgumentKind, Base, Callee, Const, FunctionKind, Language, Local, LocalKind, Name, OpKind, ParamKind, Place, Projection,
    Terminator, TypeRef,
};

/// A type travels this far through calls and fields.
const ROUNDS: usize = 8;

/// Methods of collections that give one of their items.
const ITEM_METHODS: &[&str] = &[
    "get",
    "get_mut",
    "pop",
    "pop_front",
    "pop_back",
    "first",
    "last",
    "front",
    "back",
    "remove",
    "entry",
    "or_insert",
    "or_insert_with",
    "or_default",
    "setdefault",
    "popleft",
    "peek",
    "get_or_insert_with",
];

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

/// What one function says of others.
#[derive(Default)]
struct Published {
    fields: Vec<(Cls, Name, Ty)>,
    globals: Vec<(super::Mod, Name, Ty)>,
    passed: Vec<(Fun, u32, Ty)>,
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
                let types = function_types(program, *function, &known.parameters);
                let published = publish(program, *function, &types);
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
            || program.parent(function).is_some_and(|it| self.done.contains(&it))
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

fn declare_fields(program: &mut Program<'_>) {
    for class in program.class_ids() {
        let module = program.module_of_class(class);
        let ir = program.class(class);
        let file = program.module(module).file;
        let found: Vec<_> = ir
            .fields
            .iter()
            .map(|it| {
                (it.name, it.ty.as_ref().map(|ty| program.resolve_type(module, ir.scope, ty)), crate::finding::Location { file, range: it.range })
            })
            .collect();
        for (name, ty, location) in found {
            program.declares.entry((class, name)).or_insert(location);
            if let Some(ty) = ty.filter(|it| !it.is_unknown()) {
                program.fields.insert((class, name), ty);
            }
        }
    }
    for function in program.function_ids() {
        if program.language(function) != Language::Python {
            continue;
        }
        let ir = program.function(function);
        let Some(class) = program.class_of(function) else { continue };
        let is_init = ir.name == "__init__" || ir.kind == FunctionKind::ClassBody;
        let Some(receiver) = ir.params.first().filter(|it| it.kind == ParamKind::Receiver).map(|it| it.local) else { continue };
        let mut found = Vec::new();
        for (_, _, op) in ir.ops() {
            if let OpKind::Store { place, .. } = &op.kind
                && place.base == Base::Local(receiver)
                && let [Projection::Field(name)] = place.projections[..]
            {
                found.push((name, program.location(function, op.range)));
            }
        }
        for (name, location) in found {
            match is_init {
                // The first in the constructor is the place to show.
                true => program.declares.entry((class, name)).and_modify(|it| *it = (*it).min(location)).or_insert(location),
                false => program.declares.entry((class, name)).or_insert(location),
            };
        }
    }
}

fn declare_globals(program: &mut Program<'_>) {
    for index in 0..program.modules.len() {
        let module = super::Mod(index as u32);
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

/// Which lock fields conditions were made with: `self._changed = Condition(self._lock)`.
fn wrap_conditions(program: &mut Program<'_>) {
    let mut found = Vec::new();
    for function in program.function_ids() {
        let Some(class) = program.class_of(function) else { continue };
        let ir = program.function(function);
        let mut fields: FxHashMap<Local, Name> = FxHashMap::default();
        for (_, _, op) in ir.ops() {
            match &op.kind {
                OpKind::Load { dest, place, .. } => {
                    if let [Projection::Field(name)] = place.projections[..] {
                        fields.insert(*dest, name);
                    }
                }
                OpKind::Call { dest, arguments, .. } => {
                    if let Target::External(path) = program.target(function, *dest)
                        && program.catalog(function).lock(*path).is_some_and(|it| it.wraps_argument)
                        && let Some(lock) = arguments.first().and_then(|it| fields.get(&it.value))
                    {
                        fields.insert(*dest, *lock);
                    }
                }
                OpKind::Store { place, value, .. } => {
                    if let ([Projection::Field(name)], Some(lock)) = (&place.projections[..], fields.get(value))
                        && let Some(owner) = program.field_owner(class, *name)
                        && name != lock
                        && program.field(class, *name).is_some_and(|(_, ty)| ty.lock(program.language(function)).is_some_and(|it| it.wraps_argument))
                    {
                        found.push(((owner, *name), *lock));
                    }
                }
                _ => {}
            }
        }
    }
    program.wrapped.extend(found);
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
                        if let Ty::Class(class, _) | Ty::ClassObject(class) = types.locals[base.index()].peeled(program.language(function))
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

struct Scope<'p, 'a> {
    program: &'p Program<'a>,
    function: Fun,
    language: Language,
    catalog: &'static Catalog,
    locals: Vec<Ty>,
    targets: FxHashMap<Local, Target>,
}

fn function_types(program: &Program<'_>, function: Fun, parameters: &FxHashMap<(Fun, u32), Ty>) -> FunctionTypes {
    let ir = program.function(function);
    let language = program.language(function);
    let mut scope = Scope {
        program,
        function,
        language,
        catalog: Catalog::builtin(language),
        locals: ir.locals.iter().map(|it| it.ty.as_ref().map(|ty| program.resolve_type_of(function, ty)).unwrap_or_default()).collect(),
        targets: FxHashMap::default(),
    };
    for (index, param) in ir.params.iter().enumerate() {
        let slot = &mut scope.locals[param.local.index()];
        if param.kind == ParamKind::Receiver {
            *slot = receiver_type(program, function);
        } else if slot.is_unknown() {
            *slot = parameters.get(&(function, index as u32)).cloned().unwrap_or_default();
        }
    }
    if let Some(parent) = program.parent(function) {
        for (index, local) in ir.locals.iter().enumerate() {
            if let LocalKind::Captured(outer) = local.kind {
                scope.locals[index] = program.local_type(parent, outer).clone();
            }
        }
    }
    for (_, _, op) in ir.ops() {
        scope.op(&op.kind);
    }
    let declared = ir.returns.as_ref().map(|ty| program.resolve_type_of(function, ty)).unwrap_or_default();
    let returns = if declared.is_unknown() {
        ir.blocks
            .iter()
            .filter_map(|block| match block.terminator {
                Terminator::Return(Some(value)) => Some(&scope.locals[value.index()]),
                _ => None,
            })
            .find(|it| !it.is_unknown())
            .cloned()
            .unwrap_or_default()
    } else {
        declared
    };
    FunctionTypes { locals: scope.locals, targets: scope.targets, returns }
}

fn receiver_type(program: &Program<'_>, function: Fun) -> Ty {
    let ir = program.function(function);
    match program.class_of(function) {
        None => program.foreign_self.get(&function).cloned().unwrap_or_default(),
        Some(class) if matches!(ir.kind, FunctionKind::ClassMethod | FunctionKind::ClassBody) => Ty::ClassObject(class),
        Some(class) => Ty::class(class),
    }
}

impl Scope<'_, '_> {
    fn set(&mut self, local: Local, ty: Ty) {
        let slot = &mut self.locals[local.index()];
        if slot.is_unknown() {
            *slot = ty;
        }
    }

    fn op(&mut self, op: &OpKind) {
        match op {
            OpKind::Const { dest, value } => {
                let ty = match value {
                    Const::Str(_) => Ty::external("str"),
                    Const::Int(_) => Ty::external("int"),
                    Const::Bool(_) => Ty::external("bool"),
                    Const::Number(_) => Ty::external("float"),
                    Const::None | Const::Other => Ty::Unknown,
                };
                self.set(*dest, ty);
            }
            OpKind::Load { dest, place, .. } => {
                let ty = self.place(place);
                self.set(*dest, ty);
                if let Some(getter) = self.getter(place) {
                    self.targets.insert(*dest, Target::Function { function: getter, receiver: Receiver::Place });
                }
            }
            OpKind::Store { place, value, .. } => {
                if let Some(local) = place.as_local() {
                    let ty = self.locals[value.index()].clone();
                    self.set(local, ty);
                }
            }
            OpKind::Aggregate { dest, kind, operands, .. } => {
                let of = |index: usize| operands.get(index).map(|it| self.locals[it.index()].clone()).unwrap_or_default();
                let ty = match kind {
                    AggregateKind::Tuple => Ty::Tuple(operands.iter().map(|it| self.locals[it.index()].clone()).collect()),
                    AggregateKind::List if self.language == Language::Rust => Ty::Array(std::sync::Arc::new(of(0))),
                    AggregateKind::List => Ty::External(Name::new("list"), [of(0)].into()),
                    AggregateKind::Set => Ty::External(Name::new("set"), [of(0)].into()),
                    AggregateKind::Dict => Ty::External(Name::new("dict"), [of(0), of(1)].into()),
                    AggregateKind::Struct(path) => self.struct_type(*path),
                };
                self.set(*dest, ty);
            }
            OpKind::Call { dest, callee, arguments } => {
                let target = self.target(callee, arguments.len());
                let values: Vec<Local> = arguments.iter().map(|it| it.value).collect();
                let ty = self.call_type(&target, callee, &values);
                self.targets.insert(*dest, target);
                self.set(*dest, ty);
            }
            OpKind::Enter { dest, manager, .. } => {
                let ty = match &self.locals[manager.index()] {
                    Ty::Class(class, _) => match self.program.method(*class, Name::new("__enter__")) {
                        Some(enter) => match self.program.types(enter).returns.clone() {
                            Ty::Unknown => Ty::Unknown,
                            known => known,
                        },
                        None => Ty::Unknown,
                    },
                    other => other.clone(),
                };
                self.set(*dest, ty);
            }
            OpKind::Await { dest, value } | OpKind::Iterate { dest, value, .. } => {
                let ty = self.locals[value.index()].clone();
                self.set(*dest, ty);
            }
            OpKind::Next { dest, iterator } => {
                let ty = self.locals[iterator.index()].item(self.language);
                self.set(*dest, ty);
            }
            OpKind::Closure { dest, function } => {
                let module = self.program.module_of(self.function);
                self.set(*dest, Ty::Function(self.program.fun(module, *function)));
            }
            OpKind::ClassObject { dest, class } => {
                let module = self.program.module_of(self.function);
                self.set(*dest, Ty::ClassObject(self.program.cls(module, *class)));
            }
            OpKind::Compute { .. }
            | OpKind::Delete { .. }
            | OpKind::Exit { .. }
            | OpKind::Drop { .. }
            | OpKind::Yield { .. }
            | OpKind::Catch { .. } => {}
        }
    }

    fn struct_type(&self, path: Name) -> Ty {
        if path.first() == "Self" {
            return self.program.enclosing_class(self.function).map(Ty::class).unwrap_or_default();
        }
        let module = self.program.module_of(self.function);
        match self.program.resolve(module, self.program.item_scope(self.function), path) {
            Definition::Class(class) => Ty::class(class),
            // `Enum::Variant { … }`
            _ => match path.as_str().rsplit_once("::") {
                Some((of, _)) => match self.program.resolve(module, self.program.item_scope(self.function), Name::new(of)) {
                    Definition::Class(class) => Ty::class(class),
                    _ => Ty::Unknown,
                },
                None => Ty::Unknown,
            },
        }
    }

    fn global(&self, name: Name) -> Definition {
        let program = self.program;
        if self.language == Language::Rust && name.first() == "Self" {
            let Some(class) = program.enclosing_class(self.function) else { return Definition::External(name) };
            let mut rest = name.segments().skip(1);
            return match (rest.next(), rest.next()) {
                (None, _) => Definition::Class(class),
                (Some(member), None) => program.method(class, Name::new(member)).map_or(Definition::External(name), Definition::Function),
                _ => Definition::External(name),
            };
        }
        program.resolve(program.module_of(self.function), program.item_scope(self.function), name)
    }

    fn place(&self, place: &Place) -> Ty {
        let mut ty = match place.base {
            Base::Local(local) => self.locals[local.index()].clone(),
            Base::Global(name) => self.program.definition_type(self.global(name)),
        };
        let mut projections = place.projections.iter().peekable();
        while let Some(projection) = projections.next() {
            if ty.is_unknown() {
                return ty;
            }
            ty = match projection {
                Projection::Deref => ty,
                Projection::Variant(variant) => {
                    let field = match projections.peek() {
                        Some(Projection::Field(field)) => Some(*field),
                        _ => None,
                    };
                    if field.is_some() {
                        projections.next();
                    }
                    self.payload(&ty, *variant, field)
                }
                Projection::Key(Const::Int(index)) if matches!(ty, Ty::Tuple(_)) => self.tuple_item(&ty, *index as usize),
                Projection::Key(_) | Projection::Index(_) => ty.item(self.language),
                Projection::Field(name) => self.field(&ty, *name),
            };
        }
        ty
    }

    fn tuple_item(&self, ty: &Ty, index: usize) -> Ty {
        match ty {
            Ty::Tuple(items) => items.get(index).cloned().unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// The payload of a pattern: inside `Ok(…)`, `Some(…)`, or an enum's variant.
    fn payload(&self, ty: &Ty, variant: Name, field: Option<Name>) -> Ty {
        match ty {
            Ty::External(path, arguments) if matches!(path.last(), "Option" | "Result") => {
                let index = usize::from(variant == "Err");
                arguments.get(index).cloned().unwrap_or_default()
            }
            Ty::Class(class, _) => {
                let name = field.map(|it| Name::new(&format!("{variant}.{it}")));
                match name.and_then(|it| self.program.field(*class, it)) {
                    Some((_, ty)) => ty.clone(),
                    // A guard's data behind `Ok(guard)`: guards have the type of what they guard.
                    None if matches!(variant.as_str(), "Ok" | "Some" | "?" | "Err") => ty.clone(),
                    None => Ty::Unknown,
                }
            }
            _ if matches!(variant.as_str(), "Ok" | "Some" | "?") => ty.clone(),
            _ => Ty::Unknown,
        }
    }

    fn field(&self, ty: &Ty, name: Name) -> Ty {
        let program = self.program;
        match ty.peeled(self.language) {
            Ty::Class(class, _) => match program.field(class, name) {
                Some((_, ty)) if !ty.is_unknown() => ty.clone(),
                _ => match program.method(class, name) {
                    Some(method) if self.language == Language::Python => self.method_value(method),
                    _ => Ty::Unknown,
                },
            },
            Ty::ClassObject(class) => match program.field(class, name) {
                Some((_, ty)) if !ty.is_unknown() => ty.clone(),
                _ => program.method(class, name).map(Ty::Function).unwrap_or_default(),
            },
            Ty::Module(module) => program.definition_type(program.attribute(Definition::Module(module), name)),
            Ty::ExternalObject(path) => Ty::ExternalObject(Name::new(&format!("{path}.{name}"))),
            tuple @ Ty::Tuple(_) => name.as_str().parse().map(|index| self.tuple_item(&tuple, index)).unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// The property that reading `place` runs.
    fn getter(&self, place: &Place) -> Option<Fun> {
        let (Some(Projection::Field(name)), Language::Python) = (place.projections.last(), self.language) else { return None };
        let mut object = place.clone();
        object.projections.pop();
        match self.place(&object) {
            Ty::Class(class, _) => self.program.method(class, *name).filter(|it| self.is_property(*it)),
            _ => None,
        }
    }

    fn is_property(&self, method: Fun) -> bool {
        self.program.function(method).attributes.iter().any(|it| matches!(it.path.last(), "property" | "cached_property"))
    }

    /// A method read as a value: a property's result, or the bound method.
    fn method_value(&self, method: Fun) -> Ty {
        if self.is_property(method) { self.program.types(method).returns.clone() } else { Ty::BoundMethod(method) }
    }

    fn target(&self, callee: &Callee, arguments: usize) -> Target {
        match callee {
            Callee::Path(name) => self.defined(self.global(*name)),
            Callee::Macro(_) => Target::Unknown,
            Callee::Value(local) => match &self.locals[local.index()] {
                Ty::Function(function) if self.program.parent(*function).is_some() => Target::Closure(*function),
                Ty::Function(function) => Target::Function { function: *function, receiver: Receiver::None },
                Ty::BoundMethod(function) => Target::Function { function: *function, receiver: Receiver::Class },
                Ty::ClassObject(class) => self.construct(*class),
                Ty::ExternalObject(path) => Target::External(*path),
                _ => Target::Unknown,
            },
            Callee::Method { receiver, name } => match self.place(receiver) {
                Ty::Unknown if self.language == Language::Rust => {
                    let only = self.program.only_method(*name, arguments);
                    only.map_or(Target::Unknown, |function| Target::Function { function, receiver: Receiver::ByName })
                }
                ty => self.method_target(&ty, *name),
            },
        }
    }

    fn defined(&self, definition: Definition) -> Target {
        match definition {
            Definition::Class(class) => self.construct(class),
            Definition::Function(function) => Target::Function { function, receiver: Receiver::None },
            Definition::External(path) => Target::External(path),
            Definition::Global(..) | Definition::Alias(..) | Definition::Module(_) => match self.program.definition_type(definition) {
                Ty::Function(function) => Target::Function { function, receiver: Receiver::None },
                Ty::ClassObject(class) => self.construct(class),
                Ty::ExternalObject(path) => Target::External(path),
                _ => Target::Unknown,
            },
        }
    }

    fn construct(&self, class: Cls) -> Target {
        let init = if self.language == Language::Python { self.program.method(class, Name::new("__init__")) } else { None };
        Target::Construct { class, init }
    }

    fn method_target(&self, ty: &Ty, name: Name) -> Target {
        let program = self.program;
        let mut ty = ty.clone();
        for _ in 0..16 {
            match &ty {
                Ty::Class(class, _) => {
                    if let Some(function) = program.method(*class, name) {
                        let receiver = match program.function(function).kind {
                            FunctionKind::StaticMethod => Receiver::None,
                            FunctionKind::ClassMethod => Receiver::Class,
                            _ => Receiver::Place,
                        };
                        return Target::Function { function, receiver };
                    }
                    return match program.field(*class, name) {
                        Some((_, Ty::Function(function))) => Target::Function { function: *function, receiver: Receiver::None },
                        Some((_, Ty::BoundMethod(function))) => Target::Function { function: *function, receiver: Receiver::Class },
                        Some((_, Ty::ClassObject(class))) => self.construct(*class),
                        _ => match program.external_ancestry(*class).next() {
                            Some(base) => Target::Method { ty: base, name },
                            None => Target::Unknown,
                        },
                    };
                }
                Ty::External(path, _) if *path == "super" => {
                    let Some(class) = program.enclosing_class(self.function) else { return Target::Unknown };
                    let inherited = program.ancestry(class).into_iter().skip(1).find_map(|it| program.methods.get(&(it, name)).copied());
                    return match inherited {
                        Some(function) => Target::Function { function, receiver: Receiver::Caller },
                        None => program.external_ancestry(class).next().map_or(Target::Unknown, |ty| Target::Method { ty, name }),
                    };
                }
                Ty::External(path, _) if program.foreign_method(*path, name).is_some() => {
                    let function = program.foreign_method(*path, name);
                    return function.map_or(Target::Unknown, |function| Target::Function { function, receiver: Receiver::Place });
                }
                Ty::External(path, arguments) => {
                    let inner = self.catalog.wrapper(*path).filter(|row| !row.accessors.contains(&name));
                    match inner.and_then(|row| arguments.get(row.argument as usize)) {
                        Some(inner) if !inner.is_unknown() => ty = inner.clone(),
                        _ => return Target::Method { ty: *path, name },
                    }
                }
                Ty::ClassObject(class) => {
                    return match program.method(*class, name) {
                        Some(function) => {
                            let receiver =
                                if program.function(function).kind == FunctionKind::ClassMethod { Receiver::Class } else { Receiver::None };
                            Target::Function { function, receiver }
                        }
                        None => Target::Unknown,
                    };
                }
                Ty::Module(module) => return self.defined(program.attribute(Definition::Module(*module), name)),
                Ty::ExternalObject(path) => return Target::External(Name::new(&format!("{path}.{name}"))),
                Ty::Unknown | Ty::Function(_) | Ty::BoundMethod(_) | Ty::Tuple(_) | Ty::Array(_) => return Target::Unknown,
            }
        }
        Target::Unknown
    }

    fn call_type(&self, target: &Target, callee: &Callee, arguments: &[Local]) -> Ty {
        let first = || arguments.first().map(|it| self.locals[it.index()].clone()).unwrap_or_default();
        match target {
            Target::Construct { class, .. } => Ty::class(*class),
            Target::Function { function, .. } if self.program.foreign_self.contains_key(function) => {
                // `fn rl(&self) -> RwLockReadGuard<'_, T>`: of the type parameter the receiver knows more.
                let returns = self.program.types(*function).returns.clone();
                match (callee, self.program.function(*function).returns.as_ref()) {
                    (Callee::Method { receiver, .. }, Some(written)) if self.is_guard(*function, written) => {
                        self.place(receiver).guarded(self.language)
                    }
                    _ => returns,
                }
            }
            Target::Function { function, .. } | Target::Closure(function) => {
                let returns = self.program.types(*function).returns.clone();
                // `with make() as x`, iteration over a generator: the value is what it yields, which is not tracked.
                if self.program.function(*function).is_generator { Ty::Unknown } else { returns }
            }
            Target::External(path) => self.external_call(*path, first),
            Target::Method { ty, name } => match callee {
                Callee::Method { receiver, .. } => self.external_method(*ty, *name, &self.place(receiver)),
                _ => Ty::Unknown,
            },
            Target::Unknown => match callee {
                // What is not known to be a method of anything hands on its receiver where its name says so.
                Callee::Method { receiver, name } if self.passes(*name) => self.place(receiver).peeled(self.language),
                _ => Ty::Unknown,
            },
        }
    }

    /// Whether a function's written return type is a guard.
    fn is_guard(&self, function: Fun, written: &TypeRef) -> bool {
        match written {
            TypeRef::Path { path, .. } => match self.program.resolve(self.program.module_of(function), self.program.item_scope(function), *path) {
                Definition::External(path) => self.catalog.guard(path).is_some(),
                _ => false,
            },
            _ => false,
        }
    }

    fn passes(&self, name: Name) -> bool {
        self.language == Language::Rust && (self.catalog.tables.passing.unwrapping.contains(&name) || name == "clone")
    }

    fn external_call(&self, path: Name, first: impl Fn() -> Ty) -> Ty {
        if let Some(ty) = self.catalog.returns(path) {
            return Ty::External(ty, [].into());
        }
        match self.language {
            Language::Python => {
                if path == "super" {
                    return Ty::external("super");
                }
                if let Some(row) = self.catalog.lock(path) {
                    return Ty::External(row.path, [].into());
                }
                if self.catalog.knows(path) || path.last().starts_with(|it: char| it.is_ascii_uppercase()) {
                    return Ty::External(path, [].into());
                }
                Ty::Unknown
            }
            Language::Rust => {
                if path == "Some" || path == "Ok" {
                    return Ty::External(Name::new("std::option::Option"), [first()].into());
                }
                let Some((ty, constructor)) = path.as_str().rsplit_once("::") else { return Ty::Unknown };
                let (ty, constructor) = (Name::new(ty), Name::new(constructor));
                if let Some(row) = self.catalog.wrapper(ty) {
                    return match first() {
                        // `Arc::clone(&x)`
                        inner if constructor == "clone" || !row.constructors.contains(&constructor) => inner,
                        inner => Ty::External(row.path, [inner].into()),
                    };
                }
                if let Some(row) = self.catalog.lock(ty) {
                    return Ty::External(row.path, [first()].into());
                }
                if self.catalog.knows(ty) { Ty::External(ty, [].into()) } else { Ty::Unknown }
            }
        }
    }

    fn external_method(&self, ty: Name, name: Name, receiver: &Ty) -> Ty {
        if let Some(row) = self.catalog.lock(ty)
            && let Some(method) = row.methods.iter().find(|it| it.name == name)
        {
            return match method.effect {
                Effect::Acquire | Effect::TryAcquire | Effect::Bypass if row.guards_data => receiver.guarded(self.language),
                _ => Ty::Unknown,
            };
        }
        if let Some(row) = self.catalog.wrapper(ty)
            && row.accessors.contains(&name)
        {
            if name == "clone" {
                return receiver.clone();
            }
            return match receiver {
                Ty::External(_, arguments) => arguments.get(row.argument as usize).cloned().unwrap_or_default(),
                _ => Ty::Unknown,
            };
        }
        if is_collection(self.language, ty) {
            if ITEM_METHODS.contains(&name.as_str()) {
                return receiver.item(self.language);
            }
            if matches!(name.as_str(), "iter" | "iter_mut" | "into_iter" | "clone" | "copy" | "drain" | "as_slice") {
                return receiver.clone();
            }
        }
        if self.passes(name) {
            receiver.clone()
        } else {
            self.catalog.returns(Name::new(&format!("{ty}::{name}"))).map_or(Ty::Unknown, |it| Ty::External(it, [].into()))
        }
    }
}
