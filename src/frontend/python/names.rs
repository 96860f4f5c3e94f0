//! Where a name's variable is: Python's scoping rules over the stack of frames.
//!
//! A name is a comprehension's loop variable, a local, a class attribute (in a class body), a variable of a function
//! around (then captured, through every function between), or else global: module variable, import or builtin alike.

use super::context::{Ctx, Frame, FrameKind};
use super::scope::{Binding, Home};
use crate::ir::{Base, Local, LocalKind, Name, Place, Projection};

/// What one frame says of a name.
enum Found {
    Local(Local),
    /// Global, or a function's own import.
    Global,
    /// Look further out.
    Further,
}

impl Binding {
    fn is_local(&self) -> bool {
        self.home == Home::Here && (self.variable || self.definition)
    }
}

impl Frame<'_> {
    fn loop_variable(&self, name: Name) -> Option<Local> {
        self.comprehensions.iter().rev().find_map(|it| it.get(&name).copied())
    }

    /// The name as this frame knows it, class attributes aside.
    fn look_up(&mut self, name: Name) -> Found {
        if self.kind == FrameKind::Module {
            return Found::Global;
        }
        if self.kind == FrameKind::Function
            && let Some(binding) = self.bindings.names.get_mut(&name)
        {
            if binding.is_local() {
                let make = || self.b.new_local(LocalKind::Variable, Some(name), None);
                return Found::Local(*binding.local.get_or_insert_with(make));
            }
            if binding.home != Home::Outer {
                return Found::Global;
            }
        }
        self.captures.get(&name).map_or(Found::Further, |it| Found::Local(*it))
    }
}

impl Ctx<'_> {
    /// The place that reading `name` reads.
    pub(super) fn read_place(&mut self, name: Name) -> Place {
        if let Some(local) = self.frame.loop_variable(name) {
            return Place::local(local);
        }
        if let (FrameKind::Class(_), true, Some(binding)) =
            (self.frame.kind, self.frame.comprehensions.is_empty(), self.frame.bindings.names.get(&name))
            && binding.home != Home::Outer
        {
            // An attribute not yet bound is looked for in the module, never in the functions around.
            let is_attribute = binding.is_local() && binding.reached;
            return if is_attribute { class_attribute(name) } else { Place::global(name) };
        }
        self.variable(name)
    }

    /// The place that binding `name` writes: a comprehension's target or an ordinary statement's.
    pub(super) fn write_place(&mut self, name: Name) -> Place {
        match self.frame.loop_variable(name) {
            Some(local) => Place::local(local),
            None => self.walrus_place(name),
        }
    }

    /// The place that `(name := …)` writes: never a comprehension's own variable.
    pub(super) fn walrus_place(&mut self, name: Name) -> Place {
        if let (FrameKind::Class(_), Some(binding)) = (self.frame.kind, self.frame.bindings.names.get_mut(&name))
            && binding.home != Home::Outer
        {
            binding.reached = true;
            return if binding.is_local() { class_attribute(name) } else { Place::global(name) };
        }
        self.variable(name)
    }

    /// The variable `name` of this function or one around it, or the global.
    fn variable(&mut self, name: Name) -> Place {
        match self.frame.look_up(name) {
            Found::Local(local) => return Place::local(local),
            Found::Global => return Place::global(name),
            Found::Further => {}
        }
        for depth in (0..self.outer.len()).rev() {
            let frame = &mut self.outer[depth];
            let found = match frame.loop_variable(name) {
                Some(local) => Found::Local(local),
                None => frame.look_up(name),
            };
            match found {
                Found::Local(local) => return Place::local(self.capture(name, local, depth + 1)),
                Found::Global => return Place::global(name),
                Found::Further => {}
            }
        }
        Place::global(name)
    }

    /// Makes `local`, a variable of the frame below `from`, known in all frames from there to the current one.
    fn capture(&mut self, name: Name, local: Local, from: usize) -> Local {
        let inner = self.outer[from..].iter_mut().chain([&mut self.frame]);
        inner.fold(local, |local, frame| {
            let captured = frame.b.new_local(LocalKind::Captured(local), Some(name), None);
            frame.captures.insert(name, captured);
            captured
        })
    }
}

/// The attribute `name` of the class whose body is being lowered.
fn class_attribute(name: Name) -> Place {
    Place { base: Base::Local(Local(0)), projections: [Projection::Field(name)].into_iter().collect() }
}
