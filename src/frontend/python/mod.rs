//! Python (3.8 to 3.14, and what Python 2 shares with them), lowered to the IR.
//!
//! In: a file's text. Out: its [`Module`]. The layers, each in a file of its own:
//!
//! * `repair` parses. `syntax` is the tree: its nodes, kinds and fields, and the two parsers that give it. `scope` says which names a scope binds,
//!   `literals` and `types` what constants, strings and annotations say. All are functions of nodes alone.
//! * `context` has the function under construction and the ones around it, `names` finds a name's place in them.
//! * `define`, `class` and `imports` lower definitions; `stmt`, `loops`, `exits`, `handlers` and `pattern` statements;
//!   `expr`, `chain` and `comprehension` expressions; `assign` their targets.
//!
//! # What is simplified
//!
//! * The calls that decorators make of what they decorate, and the deletion of `e` after `except … as e`, are no ops.
//!   Neither are functions and classes of the module, and methods, coming into being: they are there from the start.
//! * A list, set or dict comprehension starts from an empty aggregate, and each item is a `Compute` of the result from
//!   the result and the item. A generator expression that is a positional argument of a call runs before that call.
//! * Which handler an exception reaches is a `Switch` on an opaque value. A context manager is taken to pass exceptions
//!   on, except where code behind the `with` could not be reached otherwise.
//! * `getattr` and `hasattr` with a name spelled out are reads of that attribute; what they do where it is missing is left out.
//! * In a dict display, `**d` stands as key and as value.
//! * A function's own import is no local: reading it reads the global of that name.
//!
//! # Broken and hostile input
//!
//! A statement with a syntax error is left out and named in [`Module::lost`]; a compound one only when its own head is
//! broken (`recover`). So is what is nested deeper than CPython itself would read. Long operator, call and `elif`
//! chains are walked in loops; everything else that recurses checks its depth and grows its stack.

mod assign;
mod chain;
mod class;
mod comprehension;
mod context;
mod define;
mod exits;
mod expr;
mod handlers;
mod imports;
mod literals;
mod loops;
mod names;
mod pattern;
mod recover;
mod repair;
mod scope;
mod stmt;
mod syntax;
#[cfg(test)]
mod tests;
mod types;

use context::Ctx;

use crate::ir::{Module, SyntaxError};

/// Stack left when more is taken, and how much is taken, in bytes.
const STACK_RESERVE: usize = 256 * 1024;
const STACK_STEP: usize = 2 * 1024 * 1024;

/// Lowers one file.
///
/// # Errors
///
/// When the parser gives nothing at all. Syntax errors are no such case: they are in [`Module::lost`].
pub fn lower(source: &str) -> Result<Module, SyntaxError> {
    let parsed = repair::parse(source).ok_or_else(|| SyntaxError { range: None, message: "the parser gave no tree".to_string() })?;
    Ok(Ctx::new(source, &parsed).module())
}
