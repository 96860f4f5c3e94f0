//! The types of one function, op by op.

use std::cell::RefCell;
use std::sync::LazyLock;

use smallvec::SmallVec;

use super::Reads;
use super::passed::Passed;
use super::round::Round;
use crate::catalog::Catalog;
use crate::ir::{AggregateKind, Base, Const, FunctionKind, Language, Local, Name, OpKind, ParamKind, Place, Projection, Terminator};
use crate::program::found::Targets;
use crate::program::{Cls, Definition, Fun, FunctionTypes, Mod, Program, Receiver, Target, Ty};

pub(super) struct Scope<'p, 'a> {
    round: &'p Round<'p, 'a>,
    pub(super) program: &'p Program<'a>,
    pub(super) function: Fun,
    module: Mod,
    /// What names are looked up in there.
    items: Name,
    pub(super) language: Language,
    pub(super) catalog: &'static Catalog,
    pub(super) locals: Vec<Ty>,
    targets: Targets,
    pub(super) passed: Vec<Passed>,
    reads: RefCell<Reads>,
    /// By local: variables read when nothing was known of them.
    unknown: Vec<bool>,
    /// Something has become known of one of them.
    known_late: bool,
}

/// The types of literals, in either language by Python's names.
struct Literals {
    text: Ty,
    integer: Ty,
    truth: Ty,
    number: Ty,
}

static LITERALS: LazyLock<Literals> = LazyLock::new(|| Literals {
    text: Ty::external("str"),
    integer: Ty::external("int"),
    truth: Ty::external("bool"),
    number: Ty::external("float"),
});

/// Names that are asked for often.
pub(super) struct Names {
    list: Name,
    set: Name,
    dict: Name,
    enter: Name,
    async_enter: Name,
    pub(super) init: Name,
    pub(super) option: Name,
}

pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    list: Name::new("list"),
    set: Name::new("set"),
    dict: Name::new("dict"),
    enter: Name::new("__enter__"),
    async_enter: Name::new("__aenter__"),
    init: Name::new("__init__"),
    option: Name::new("std::option::Option"),
});

impl Literals {
    fn of(&self, value: Const) -> Ty {
        match value {
            Const::Str(_) => self.text,
            Const::Int(_) => self.integer,
            Const::Bool(_) => self.truth,
            Const::Number(_) => self.number,
            Const::None | Const::Other => Ty::Unknown,
        }
    }
}

/// The types in a function, what they were made of, and what its closures are called with by those that it gives them to.
pub(super) fn function_types(round: &Round<'_, '_>, function: Fun) -> (FunctionTypes, Reads, Vec<Passed>) {
    let program = round.program;
    let ir = program.function(function);
    let language = program.language(function);
    let mut scope = Scope {
        round,
        program,
        function,
        module: program.module_of(function),
        items: program.item_scope(function),
        language,
        catalog: program.catalog(function),
        locals: vec![Ty::Unknown; ir.locals.len()],
        targets: Targets::new(),
        passed: Vec::new(),
        reads: RefCell::default(),
        unknown: vec![false; ir.locals.len()],
        known_late: false,
    };
    let declared = ir.params.iter().filter_map(|it| Some((it.local, it.ty.as_ref()?)));
    for (local, ty) in ir.annotations.iter().map(|it| (it.0, &it.1)).chain(declared) {
        scope.locals[local.index()] = program.resolve_type_of(function, ty);
    }
    for (index, param) in ir.params.iter().enumerate() {
        let slot = &mut scope.locals[param.local.index()];
        if param.kind == ParamKind::Receiver {
            *slot = receiver_type(program, function);
        } else if slot.is_unknown() {
            *slot = round.parameters.get(&(function, index as u32)).copied().unwrap_or_default();
        }
        // `connection_class=Connection`: what it is as a rule.
        if scope.locals[param.local.index()].is_unknown()
            && let Some(name) = param.default_name
            && let made @ Ty::ClassObject(_) = program.definition_type(program.resolve(scope.module, scope.items, name))
        {
            scope.locals[param.local.index()] = made;
        }
    }
    if let Some(parent) = program.captures_from(function) {
        let outer = round.locals(parent, ir.captured().map(|it| it.1));
        for ((inner, _), ty) in ir.captured().zip(outer) {
            scope.locals[inner.index()] = ty;
        }
    }
    for op in &ir.ops {
        scope.op(&op.kind);
    }
    // In a loop a variable may be read in one block before another that gives it its value.
    if scope.known_late {
        scope.passed.clear();
        for op in &ir.ops {
            scope.op(&op.kind);
        }
    }
    let declared = ir.returns.as_ref().map(|ty| program.resolve_type_of(function, ty)).unwrap_or_default();
    let returns = if declared.is_unknown() {
        // The returns that stand first are for special cases, as a rule, and the last one for all others.
        let known = ir.blocks.iter().filter_map(|block| match block.terminator {
            Terminator::Return(Some(value)) => Some((block.terminator_range.start, scope.locals[value.index()])).filter(|it| !it.1.is_unknown()),
            _ => None,
        });
        known.max_by_key(|it| it.0).map(|it| it.1).unwrap_or_default()
    } else {
        declared
    };
    (FunctionTypes::new(&scope.locals, scope.targets, returns), scope.reads.into_inner().each_once(), scope.passed)
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
                self.set(*dest, LITERALS.of(*value));
            }
            OpKind::Load { dest, place, .. } => {
                let ty = self.place(place);
                if let Some(local) = place.as_local().filter(|_| ty.is_unknown()) {
                    self.unknown[local.index()] = true;
                }
                self.set(*dest, ty);
                if let Some(getter) = self.getter(place) {
                    self.targets.push((*dest, Target::Function { function: getter, receiver: Receiver::Place }));
                }
            }
            OpKind::Store { place, value, .. } => {
                if let Some(local) = place.as_local() {
                    let ty = self.locals[value.index()];
                    if ty.is_unknown() {
                        self.unknown[value.index()] = true;
                    }
                    self.known_late |= !ty.is_unknown() && self.locals[local.index()].is_unknown() && self.unknown[local.index()];
                    self.set(local, ty);
                }
            }
            OpKind::Aggregate { dest, kind, operands, .. } => {
                let of = |index: usize| operands.get(index).map(|it| self.locals[it.index()]).unwrap_or_default();
                let ty = match kind {
                    AggregateKind::Tuple => Ty::Tuple(operands.iter().map(|it| self.locals[it.index()]).collect()),
                    AggregateKind::List if self.language == Language::Rust => Ty::Array([of(0)].into()),
                    AggregateKind::List => Ty::External(NAMES.list, [of(0)].into()),
                    AggregateKind::Set => Ty::External(NAMES.set, [of(0)].into()),
                    AggregateKind::Dict => Ty::External(NAMES.dict, [of(0), of(1)].into()),
                    AggregateKind::Struct(path) => self.struct_type(*path),
                };
                self.set(*dest, ty);
            }
            OpKind::Call { dest, callee, arguments } => {
                let target = self.target(callee, arguments.len());
                let values: SmallVec<[Local; 8]> = arguments.iter().map(|it| it.value).collect();
                let ty = self.call_type(&target, callee, &values);
                self.pass_to_closures(&target, callee, arguments);
                self.targets.push((*dest, target));
                self.set(*dest, ty);
            }
            OpKind::Enter { dest, manager, is_async } => {
                let enter = if *is_async { NAMES.async_enter } else { NAMES.enter };
                let ty = match &self.locals[manager.index()] {
                    Ty::Class(class, _) => match self.program.method(*class, enter) {
                        Some(enter) => self.returns_of(enter),
                        None => Ty::Unknown,
                    },
                    other => *other,
                };
                self.set(*dest, ty);
            }
            OpKind::Await { dest, value } | OpKind::Iterate { dest, value, .. } => {
                let ty = self.locals[value.index()];
                self.set(*dest, ty);
            }
            OpKind::Next { dest, iterator } => {
                let ty = self.locals[iterator.index()].iterated(self.catalog);
                self.set(*dest, ty);
            }
            OpKind::Closure { dest, function } => {
                self.set(*dest, Ty::Function(self.program.fun(self.module, *function)));
            }
            OpKind::ClassObject { dest, class } => {
                self.set(*dest, Ty::ClassObject(self.program.cls(self.module, *class)));
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
        match self.program.resolve(self.module, self.items, path) {
            Definition::Class(class) => Ty::class(class),
            // `Enum::Variant { … }`
            _ => match path.as_str().rsplit_once("::") {
                Some((of, _)) => match self.program.resolve(self.module, self.items, Name::new(of)) {
                    Definition::Class(class) => Ty::class(class),
                    _ => Ty::Unknown,
                },
                None => Ty::Unknown,
            },
        }
    }

    pub(super) fn global(&self, name: Name) -> Definition {
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
        program.resolve(self.module, self.items, name)
    }

    pub(super) fn place(&self, place: &Place) -> Ty {
        self.projected(place.base, &place.projections)
    }

    fn projected(&self, base: Base, projections: &[Projection]) -> Ty {
        let mut ty = match base {
            Base::Local(local) => self.locals[local.index()],
            Base::Global(name) => self.definition_type(self.global(name)),
        };
        let mut projections = projections.iter().peekable();
        while let Some(projection) = projections.next() {
            ty = match projection {
                Projection::Field(name) if ty.is_unknown() && self.language == Language::Rust => {
                    self.program.only_field(*name).and_then(|class| self.field_of(class, *name)).unwrap_or_default()
                }
                _ if ty.is_unknown() => return ty,
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
                Projection::Key(_) | Projection::Index(_) => ty.item(self.catalog),
                Projection::Field(name) => self.field(&ty, *name),
            };
        }
        ty
    }

    /// The type of a field that the class declares or assigns, itself or by a base.
    pub(super) fn field_of(&self, class: Cls, name: Name) -> Option<Ty> {
        let (owner, ty) = self.program.field(class, name)?;
        let seen = if ty.is_unknown() { self.round.field(class, owner, name) } else { *ty };
        // Of a container it may come to be known what is in it.
        if ty.is_unknown() || matches!(ty, Ty::External(path, _) if self.catalog.container(*path).is_some()) {
            self.reads.borrow_mut().fields.push(((owner, name), seen));
        }
        Some(seen)
    }

    pub(super) fn definition_type(&self, definition: Definition) -> Ty {
        match (definition, self.program.definition_type(definition)) {
            (Definition::Global(module, name), Ty::Unknown) => {
                let seen = self.round.global(module, name);
                self.reads.borrow_mut().globals.push(((module, name), seen));
                seen
            }
            (_, known) => known,
        }
    }

    pub(super) fn returns_of(&self, function: Fun) -> Ty {
        let ty = self.round.returns(function);
        self.reads.borrow_mut().results.push((function, ty));
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
                let name = field.map(|it| Name::concat(&[variant.as_str(), ".", it.as_str()]));
                match name.and_then(|it| self.field_of(*class, it)) {
                    Some(ty) => ty,
                    // A guard's data behind `Ok(guard)`: guards have the type of what they guard.
                    None if matches!(variant.as_str(), "Ok" | "Some" | "?" | "Err") => *ty,
                    None => Ty::Unknown,
                }
            }
            _ if matches!(variant.as_str(), "Ok" | "Some" | "?") => *ty,
            _ => Ty::Unknown,
        }
    }

    fn field(&self, ty: &Ty, name: Name) -> Ty {
        let program = self.program;
        match ty.peeled(self.catalog) {
            Ty::Class(class, _) if name == "__class__" => Ty::ClassObject(class),
            Ty::Class(class, _) => match self.field_of(class, name) {
                Some(ty) if !ty.is_unknown() => ty,
                _ => match program.method(class, name) {
                    Some(method) if self.language == Language::Python => self.method_value(method),
                    _ => Ty::Unknown,
                },
            },
            Ty::ClassObject(class) => match self.field_of(class, name) {
                Some(ty) if !ty.is_unknown() => ty,
                _ => program.method(class, name).map(Ty::Function).unwrap_or_default(),
            },
            Ty::Module(module) => self.definition_type(program.attribute(Definition::Module(module), name)),
            Ty::ExternalObject(path) => Ty::ExternalObject(Name::concat(&[path.as_str(), ".", name.as_str()])),
            tuple @ Ty::Tuple(_) => name.as_str().parse().map(|index| self.tuple_item(&tuple, index)).unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// The property that reading `place` runs.
    fn getter(&self, place: &Place) -> Option<Fun> {
        let (Some((Projection::Field(name), object)), Language::Python) = (place.projections.split_last(), self.language) else { return None };
        match self.projected(place.base, object) {
            Ty::Class(class, _) => self.program.method(class, *name).filter(|it| self.is_property(*it)),
            _ => None,
        }
    }

    fn is_property(&self, method: Fun) -> bool {
        self.program.function(method).attributes.iter().any(|it| matches!(it.path.last(), "property" | "cached_property"))
    }

    /// A method read as a value: a property's result, or the bound method.
    fn method_value(&self, method: Fun) -> Ty {
        if self.is_property(method) { self.returns_of(method) } else { Ty::BoundMethod(method) }
    }
}
