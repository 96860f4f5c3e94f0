//! Macros that format: `println!`, `format!`, `write!`, the logging ones.
//!
//! What is printed is borrowed. The text is one [`Operation::Format`] of all of it.

use syn::{Expr, ExprLit, Lit};

use super::super::context::Ctx;
use super::{Call, parse};
use crate::ir::{Callee, LoadKind, Local, Name, Operation, Place};

impl Ctx<'_> {
    /// `println!(…)` is a block with a statement in it: its temporaries end with it.
    pub(super) fn print(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        self.terminating(call.end, |ctx| ctx.formatted(&arguments, call));
        Some(self.unit(call.range))
    }

    pub(super) fn format(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        Some(self.terminating(call.end, |ctx| ctx.formatted(&arguments, call)))
    }

    pub(super) fn format_args(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        Some(self.formatted(&arguments, call))
    }

    /// `write!(f, …)` is `f.write_fmt(format_args!(…))`.
    pub(super) fn write(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs()?;
        let (target, arguments) = arguments.split_first()?;
        let receiver = self.place(target);
        let text = self.formatted(arguments, call);
        Some(self.call(Callee::Method { receiver, name: Name::new("write_fmt") }, vec![text], call.range))
    }

    /// `info!(…)`: what is logged is evaluated only if anyone listens. It is taken to be.
    pub(super) fn log(&mut self, call: Call<'_>) -> Option<Local> {
        let arguments = call.exprs().unwrap_or_else(|| parse::log_values(call.mac.tokens.clone()));
        self.terminating(call.end, |ctx| ctx.formatted(&arguments, call));
        Some(self.unit(call.range))
    }

    /// The text that a format string and its arguments give.
    pub(super) fn formatted(&mut self, arguments: &[Expr], call: Call<'_>) -> Local {
        let mut operands = Vec::new();
        // `println!("{x}", x = 1)` names its own.
        let named = |it: &str| {
            arguments
                .iter()
                .any(|argument| matches!(argument, Expr::Assign(assign) if matches!(&*assign.left, Expr::Path(path) if path.path.is_ident(it))))
        };
        for argument in arguments {
            match argument {
                // `name = value`
                Expr::Assign(it) => operands.push(self.borrowed(&it.right)),
                Expr::Lit(ExprLit { lit: Lit::Str(format), .. }) => {
                    let range = self.range(format.span());
                    for name in parse::captured_names(format).into_iter().filter(|it| !named(it)) {
                        let name = Name::new(&name);
                        let place = self.lookup(name).map_or_else(|| Place::global(name), Place::local);
                        operands.push(self.frame.b.load(place, LoadKind::Borrow, range));
                    }
                }
                Expr::Lit(_) => {}
                argument => operands.push(self.borrowed(argument)),
            }
        }
        self.compute(Operation::Format, &operands, call.range)
    }
}
