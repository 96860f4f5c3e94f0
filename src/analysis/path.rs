//! Access paths: which object a value is, seen from the function that holds it.
//!
//! `self._lock` is the path `Param(0).Field(_lock)`, in every method. A path names an *instance* as far as one function
//! can tell; the [`Key`] behind it names the *place* (`Metrics._lock`), whichever instance. A call rewrites its
//! callee's paths into the caller's by what was passed ([`Path::substitute`]).

use std::sync::LazyLock;

use crate::ir::{Const, Item, Language, List, Lists, Local, Name};
use crate::program::{Cls, Fun, Mod, Program, Ty};

/// Longer paths (recursive structures) are cut off: unknown.
const MAX_STEPS: usize = 8;

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// Parameter by position; 0 is the receiver of a method.
    Param(u32),
    /// A value this function made or got, held in this local for good.
    Local(Local),
    /// A variable that holds different objects in turn.
    Varying(Local),
    /// A local of the function this one is nested in.
    Captured(Local),
    Global(Mod, Name),
    /// The class itself: class attributes.
    Class(Cls),
    /// Some object of which only the type is known.
    Somewhere(Cls),
    /// The interpreter of Python, whose lock Rust code takes.
    Interpreter,
}

/// One step along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Field(Name),
    Key(Const),
    /// An item that is only known at run time.
    Item,
    /// What a lock guards (Rust).
    Data,
}

/// A root and the way from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub root: Root,
    pub steps: List<Step>,
}

static STEPS: LazyLock<Lists<Step>> = LazyLock::new(Lists::default);

impl Item for Step {
    fn lists() -> &'static Lists<Step> {
        &STEPS
    }
}

/// A place where state or a lock lives, whichever instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub owner: Owner,
    /// An item of the collection that lives there.
    pub item: bool,
    /// What the lock that lives there guards.
    pub data: bool,
}

/// What a place belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Field(Cls, Name),
    Global(Mod, Name),
    /// A local that closures share, or that is only this function's.
    Local(Fun, Local),
    /// A parameter that is the place itself: known at the calls.
    Param(Fun, u32),
    /// A lock that is only known by the class of what it guards.
    Guarding(Cls),
    /// The interpreter of Python.
    Interpreter,
}

impl Path {
    pub fn new(root: Root) -> Path {
        Path { root, steps: List::new() }
    }

    /// This path with one more step; none when it grows too long.
    pub fn then(&self, step: Step) -> Option<Path> {
        if self.steps.len() >= MAX_STEPS {
            return None;
        }
        let mut path = *self;
        path.steps.push(step);
        Some(path)
    }

    /// The locks that what it leads to is behind, from the outside in.
    pub fn locks(&self) -> impl Iterator<Item = Path> + '_ {
        let behind = self.steps.iter().enumerate().filter(|it| *it.1 == Step::Data);
        behind.map(|(index, _)| Path { root: self.root, steps: self.steps[..index].into() })
    }

    /// Whether two equal paths of one function always mean the same object.
    pub fn is_definite(&self) -> bool {
        !matches!(self.root, Root::Varying(_) | Root::Somewhere(_)) && !self.steps.contains(&Step::Item)
    }

    /// This path of a callee, in the caller's terms. `argument` gives the caller's path of a parameter, `captured` that
    /// of a local which the callee captured.
    pub fn substitute(&self, argument: &dyn Fn(u32) -> Option<Path>, captured: &dyn Fn(Local) -> Option<Path>) -> Option<Path> {
        let base = match self.root {
            Root::Param(index) => argument(index)?,
            Root::Captured(local) => captured(local)?,
            Root::Global(..) | Root::Class(_) | Root::Somewhere(_) | Root::Interpreter => return Some(*self),
            Root::Local(_) | Root::Varying(_) => return None,
        };
        self.steps.iter().try_fold(base, |path, step| path.then(*step))
    }

    /// The path of the lock inside the condition that this path leads to, where the condition was made with one.
    pub fn behind_condition(&self, program: &Program<'_>, function: Fun) -> Option<Path> {
        let (Key { owner: Owner::Field(class, name), item: false, .. }, _) = self.resolve(program, function)? else { return None };
        let lock = program.wrapped_lock(class, name)?;
        let mut path = *self;
        path.steps.pop()?;
        path.then(Step::Field(lock))
    }

    /// The type of the object at the path's root.
    pub fn root_type(&self, program: &Program<'_>, function: Fun) -> Ty {
        match self.root {
            Root::Param(index) => {
                program.function(function).params.get(index as usize).map(|it| *program.local_type(function, it.local)).unwrap_or_default()
            }
            Root::Local(local) | Root::Varying(local) => *program.local_type(function, local),
            Root::Captured(local) => program.captures_from(function).map(|it| *program.local_type(it, local)).unwrap_or_default(),
            Root::Global(module, name) => *program.global_type(module, name),
            Root::Class(class) => Ty::ClassObject(class),
            Root::Somewhere(class) => Ty::class(class),
            Root::Interpreter => Ty::Unknown,
        }
    }

    fn root_owner(&self, program: &Program<'_>, function: Fun) -> Option<Owner> {
        match self.root {
            Root::Param(index) => Some(Owner::Param(function, index)),
            Root::Local(local) | Root::Varying(local) => Some(Owner::Local(function, local)),
            Root::Captured(local) => program.captures_from(function).map(|it| Owner::Local(it, local)),
            Root::Global(module, name) => Some(Owner::Global(module, name)),
            Root::Interpreter => Some(Owner::Interpreter),
            Root::Class(_) | Root::Somewhere(_) => None,
        }
    }

    /// The place this path leads to and the type of what is there. None where an owner on the way is unknown.
    pub fn resolve(&self, program: &Program<'_>, function: Fun) -> Option<(Key, Ty)> {
        self.resolve_with(program, function, &mut false)
    }

    /// Whether a field on the way is known by its name alone.
    pub fn is_by_name(&self, program: &Program<'_>, function: Fun) -> bool {
        let mut by_name = false;
        self.resolve_with(program, function, &mut by_name);
        by_name
    }

    fn resolve_with(&self, program: &Program<'_>, function: Fun, by_name: &mut bool) -> Option<(Key, Ty)> {
        let catalog = program.catalog(function);
        let mut ty = self.root_type(program, function);
        let mut key = self.root_owner(program, function).map(|owner| Key { owner, item: false, data: false });
        for step in &self.steps {
            match step {
                Step::Field(name) if ty.is_unknown() && catalog.language == Language::Rust => {
                    key = Some(Key { owner: Owner::Field(program.only_field(*name)?, *name), item: false, data: false });
                    ty = program.field_by_name(*name);
                    *by_name = true;
                }
                Step::Field(name) => match ty.peeled(catalog) {
                    Ty::Class(class, _) | Ty::ClassObject(class) => {
                        let (owner, field) = match program.field(class, *name) {
                            Some((owner, field)) => (owner, *field),
                            None => (class, Ty::Unknown),
                        };
                        // The lock inside a lock class is what the field of that class is to everybody.
                        let inside = program.is_lock_wrapper(class) && key.is_some() && field.lock(catalog).is_some();
                        if !inside {
                            key = Some(Key { owner: Owner::Field(owner, *name), item: false, data: false });
                        }
                        ty = field;
                    }
                    Ty::Tuple(items) => {
                        // A tuple's items belong to whatever holds the tuple.
                        ty = name.as_str().parse::<usize>().ok().and_then(|it| items.get(it).cloned()).unwrap_or_default();
                    }
                    _ => return None,
                },
                Step::Key(Const::Int(index)) if matches!(ty, Ty::Tuple(_)) => {
                    let Ty::Tuple(items) = &ty else { return None };
                    ty = items.get(*index as usize).cloned().unwrap_or_default();
                }
                Step::Key(_) | Step::Item => {
                    ty = ty.item(catalog);
                    if let Some(key) = &mut key {
                        key.item = true;
                    }
                }
                Step::Data => {
                    ty = ty.guarded(catalog);
                    if let Some(key) = &mut key {
                        key.data = true;
                    }
                }
            }
        }
        key.map(|it| (it, ty))
    }
}

impl Key {
    /// Whether the source has a name for it.
    pub fn is_named(&self, program: &Program<'_>) -> bool {
        !matches!(self.owner, Owner::Local(function, local) if program.function(function).local(local).name.is_none())
    }

    /// The name to show: `Metrics._lock`, `registry.LOCK`.
    pub fn display(&self, program: &Program<'_>) -> String {
        let base = match self.owner {
            Owner::Field(class, name) => format!("{}.{name}", program.class_name(class)),
            Owner::Global(_, name) => name.to_string(),
            Owner::Local(function, local) => match program.function(function).local(local).name {
                Some(name) => name.to_string(),
                None => "a temporary".to_string(),
            },
            Owner::Guarding(class) => format!("lock of {}", program.class_name(class)),
            Owner::Interpreter => "the GIL".to_string(),
            Owner::Param(function, index) => {
                program.function(function).params.get(index as usize).map_or_else(|| "a parameter".to_string(), |it| it.name.to_string())
            }
        };
        if self.item { format!("{base}[…]") } else { base }
    }
}
