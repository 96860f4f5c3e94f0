//! Rust, read with `syn`, lowered to the IR with explicit drops.
//!
//! In: a file's text, its crate's edition, and macros that other files define. Out: its [`Module`]. The layers, each in files of its own:
//!
//! * `scan`: a file's tokens, before it is parsed; `split`: the pieces it is parsed in; `nesting`: how deep the syntax is;
//!   `recover`: what to do with a file that is not all Rust; `span`, `types` and `attributes`: what nodes say by
//!   themselves.
//! * `context`: the function under construction and the ones around it; `scope`: names, and what is dropped when.
//! * `items`, `imports` and `function` lower declarations, `stmt` blocks and statements, `control` and
//!   `condition` what branches, `expr`, `place` and `assign` the rest of the expressions, `pattern` patterns,
//!   `extend` what `let x = &…` keeps alive, `macros` the well-known macros.
//!
//! # What is simplified
//!
//! * The value that an early exit by `?` or `bail!` returns is not kept: `return` without value.
//! * Whether a pattern's path is a variant or a struct is not known here: its parts are below [`Projection::Variant`]
//!   in either case, except for `Self { … }`. Parts behind `..` count from the end: field `-1` is the last one.
//! * Bindings of a pattern that has a guard are borrowed first and bound again when the guard holds.
//! * `a += b` evaluates `b` first, as primitives do, unless `b` is a reference or string.
//! * Which way a `cfg` goes is not known: both are lowered, one after the other.
//! * A block that is entered by an exception does not exist: a panic leaves the function.
//!
//! # Hostile input
//!
//! Depth is bounded before parsing, and a stack is taken that is large enough for it.
//!
//! [`Projection::Variant`]: crate::ir::Projection::Variant

mod assign;
mod attributes;
mod comments;
mod condition;
mod context;
mod control;
mod expr;
mod extend;
mod function;
mod imports;
mod items;
mod macros;
mod nesting;
mod pattern;
mod place;
mod recover;
mod scan;
mod scope;
mod span;
mod split;
mod stmt;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use context::Ctx;
pub use macros::definitions::{MacroDefinition, macro_definitions, macro_use_modules};
use nesting::Nesting;
use proc_macro2::TokenStream;
use serde::{Deserialize, Serialize};
use split::Split;
use syn::File;

use crate::ir::{Module, Range, SyntaxError};

/// A Rust edition: it decides when temporaries are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Edition {
    E2015,
    E2018,
    E2021,
    #[default]
    E2024,
}

/// Levels that syntax may nest: far more than anyone writes.
const MAX_RECURSION: usize = 2_000;

/// Links of the longest chain (`a + b + …`).
const MAX_CHAIN: usize = 500_000;

/// Stack for a level of nesting and for a link of a chain, in bytes, and what everything else takes.
const BYTES_PER_LEVEL: usize = 64 * 1024;
const BYTES_PER_LINK: usize = 1024;
const BYTES_AT_LEAST: usize = 1024 * 1024;

/// Lowers one file, which knows no macros but its own.
///
/// # Errors
///
/// When the file is not Rust, or nests too deeply.
pub fn lower(source: &str, edition: Edition) -> Result<Module, SyntaxError> {
    lower_with(source, edition, &[])
}

/// Lowers one file, which also calls `macros` of other files.
///
/// # Errors
///
/// As of [`lower`].
pub fn lower_with(source: &str, edition: Edition, macros: &[Arc<MacroDefinition>]) -> Result<Module, SyntaxError> {
    let result = lower_file(source, edition, macros);
    // Nothing with a span is left. Without this the thread would keep every text it has seen.
    proc_macro2::extra::invalidate_current_thread_spans();
    result
}

fn lower_file(source: &str, edition: Edition, macros: &[Arc<MacroDefinition>]) -> Result<Module, SyntaxError> {
    let offset = preamble(source);
    if let Ok(Split { nesting, pieces }) = split::split(source, offset)
        && let Some(module) = within(nesting, || Ok(lower_pieces(source, &pieces, edition, macros)))?
    {
        return Ok(module);
    }
    proc_macro2::extra::invalidate_current_thread_spans();
    lower_whole(source, offset, edition, macros)
}

/// Lowers a file a piece at a time; none if one of them is not all items.
fn lower_pieces(source: &str, pieces: &[std::ops::Range<usize>], edition: Edition, macros: &[Arc<MacroDefinition>]) -> Option<Module> {
    let first = pieces.first()?.start;
    let mut ctx = Ctx::new(source, first, edition);
    ctx.know_macros(macros);
    // Macros may be called above their definitions.
    let mut parsed: Vec<Option<File>> = Vec::new();
    for piece in pieces {
        let file = if source[piece.clone()].contains("macro_rules") { Some(parse_piece(source, piece, first)?) } else { None };
        ctx.define_macros(file.as_ref().map_or(&[], |it| &it.items));
        parsed.push(file);
    }
    for (piece, parsed) in pieces.iter().zip(parsed) {
        let file = match parsed {
            Some(file) => file,
            None => parse_piece(source, piece, first)?,
        };
        ctx.enter(piece.clone());
        if piece.start == first {
            ctx.head(&file);
        }
        ctx.items(&file.items);
    }
    Some(ctx.finish())
}

fn parse_piece(source: &str, piece: &std::ops::Range<usize>, first: usize) -> Option<File> {
    let tokens: TokenStream = source[piece.clone()].parse().ok()?;
    let file: File = syn::parse2(tokens).ok()?;
    let has_head = piece.start != first && !file.attrs.is_empty();
    (!has_head).then_some(file)
}

/// Lowers a file of which not all may be Rust.
fn lower_whole(source: &str, offset: usize, edition: Edition, macros: &[Arc<MacroDefinition>]) -> Result<Module, SyntaxError> {
    let tokens: TokenStream = source[offset..].parse().map_err(|error: proc_macro2::LexError| syntax_error(error.span(), &error, offset))?;
    within(nesting::measure(tokens.clone()), || {
        let parsed = match syn::parse2::<File>(tokens.clone()) {
            Ok(file) => Ok((file, Vec::new())),
            Err(_) => recover::recover(tokens),
        };
        let (file, lost) = parsed.map_err(|error| syntax_error(error.span(), &error, offset))?;
        let mut ctx = Ctx::new(source, offset, edition);
        for error in lost {
            let SyntaxError { range, message } = syntax_error(error.span(), &error, offset);
            ctx.lose(range.unwrap_or_default(), &format!("syntax error ({message})"));
        }
        ctx.know_macros(macros);
        ctx.head(&file);
        ctx.define_macros(&file.items);
        ctx.items(&file.items);
        Ok(ctx.finish())
    })
}

/// Runs `lower` with a stack for syntax that nests so deep.
fn within<T>(nesting: Nesting, lower: impl FnOnce() -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
    let too_deep = |what: String| Err(SyntaxError { range: None, message: format!("nested too deeply ({what})") });
    if nesting.recursion > MAX_RECURSION {
        return too_deep(format!("over {MAX_RECURSION} levels"));
    }
    if nesting.chain > MAX_CHAIN {
        return too_deep(format!("over {MAX_CHAIN} operators in one expression"));
    }
    let stack = BYTES_AT_LEAST + nesting.recursion * BYTES_PER_LEVEL + nesting.chain * BYTES_PER_LINK;
    stacker::maybe_grow(stack, stack, lower)
}

fn syntax_error(span: proc_macro2::Span, error: &dyn std::fmt::Display, offset: usize) -> SyntaxError {
    let bytes = span.byte_range();
    SyntaxError { range: Some(Range::new(bytes.start + offset, bytes.end + offset)), message: error.to_string() }
}

/// The length of what stands before the first token and is none: a byte order mark, and a `#!` line.
fn preamble(source: &str) -> usize {
    let mark = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let rest = &source[mark..];
    // `#![…]` is an attribute.
    let is_shebang = rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[');
    if is_shebang { mark + rest.find('\n').unwrap_or(rest.len()) } else { mark }
}
