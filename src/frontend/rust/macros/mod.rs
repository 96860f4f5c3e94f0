//! Macros, read as the expressions they hold.
//!
//! Well-known ones are found by the last segment of their path and lowered as what they expand to, with its rules for
//! moves, drops and exits. One that the file defines by `macro_rules!`, or that it is given, is lowered as what that makes
//! of it. Of any other
//! one, arguments that parse as expressions are evaluated and borrowed by a call of [`Callee::Macro`]; so are the
//! statements of a body that parses as such.

mod control;
pub(super) mod definitions;
mod format;
mod items;
mod parse;
pub(super) mod rules;
mod select;

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, Parser};
use syn::punctuated::Punctuated;
use syn::{Block, Expr, Macro, Stmt, Token};

use super::context::Ctx;
use super::scope::Scope;
use super::{nesting, span, types};
use crate::ir::{AggregateKind, Callee, LoadKind, Local, Name, Range};

/// How deep macros are read inside each other. Each level parses its tokens anew.
const MAX_DEPTH: usize = 64;

/// How deep an expansion may nest.
const MAX_NESTING: usize = 500;

/// The call whose expansion is being lowered: tokens that have the place of the marker stand for all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion {
    pub(super) marker: Range,
    pub(super) call: Range,
}

/// A macro call that is being lowered.
#[derive(Clone, Copy)]
pub(super) struct Call<'e> {
    mac: &'e Macro,
    /// The whole call.
    range: Range,
    /// The point behind it.
    end: Range,
}

impl Call<'_> {
    /// The body, if it parses.
    fn parse<T: Parse>(&self) -> Option<T> {
        self.parse_with(T::parse)
    }

    fn parse_with<P: Parser>(&self, parser: P) -> Option<P::Output> {
        self.mac.parse_body_with(parser).ok()
    }

    /// The body as expressions between commas.
    fn exprs(&self) -> Option<Vec<Expr>> {
        self.parse_with(Punctuated::<Expr, Token![,]>::parse_terminated).map(|it| it.into_iter().collect())
    }
}

impl Ctx<'_> {
    /// Evaluates a macro call.
    pub(super) fn macro_value(&mut self, mac: &Macro) -> Local {
        let call = self.macro_call(mac);
        self.macro_depth += 1;
        let value = self.deeper(|ctx| {
            let may_read = ctx.macro_depth <= MAX_DEPTH;
            let known = if may_read { ctx.expanded_value(call).or_else(|| ctx.known_macro(call)) } else { None };
            known.unwrap_or_else(|| ctx.unknown_macro(call))
        });
        self.macro_depth -= 1;
        value
    }

    /// Evaluates a macro call for its effect.
    pub(super) fn macro_effect(&mut self, mac: &Macro) {
        let call = self.macro_call(mac);
        self.macro_depth += 1;
        let done = self.macro_depth <= MAX_DEPTH && self.deeper(|ctx| ctx.macro_statement(call));
        self.macro_depth -= 1;
        if !done {
            self.macro_value(mac);
        }
    }

    /// Lowers a macro call that is a statement, if it becomes statements: what they declare is there behind it.
    pub(super) fn macro_statements(&mut self, mac: &Macro) -> bool {
        let call = self.macro_call(mac);
        self.macro_depth += 1;
        let done = self.macro_depth <= MAX_DEPTH
            && self.deeper(|ctx| {
                ctx.expanded(call, |ctx, tokens| {
                    let statements = Block::parse_within.parse2(tokens).ok()?;
                    statements.iter().for_each(|it| ctx.statement(it));
                    Some(())
                })
                .is_some()
            });
        self.macro_depth -= 1;
        done
    }

    /// Evaluates what a macro becomes whose definition is known.
    fn expanded_value(&mut self, call: Call<'_>) -> Option<Local> {
        let brace = syn::token::Brace(self.marker(call));
        self.expanded(call, |ctx, tokens| match syn::parse2::<Expr>(tokens.clone()) {
            Ok(expr) => Some(ctx.value(&expr)),
            Err(_) => {
                let stmts = Block::parse_within.parse2(tokens).ok()?;
                Some(ctx.block_value(&Block { brace_token: brace, stmts }))
            }
        })
    }

    /// Lowers what a macro becomes whose definition is known.
    fn expanded<T>(&mut self, call: Call<'_>, lower: impl FnOnce(&mut Self, TokenStream) -> Option<T>) -> Option<T> {
        let is_own = |it: &syn::PathSegment| matches!(it.ident.to_string().as_str(), "crate" | "self" | "super");
        if !call.mac.path.segments.iter().rev().skip(1).all(is_own) {
            return None;
        }
        let definition = self.macros.get(&call.mac.path.segments.last()?.ident.to_string())?.clone();
        let marker = self.marker(call);
        let tokens = rules::expand(definition, &call.mac.tokens, marker, &mut self.macro_budget)?;
        let nesting = nesting::measure(tokens.clone());
        if nesting.recursion > MAX_NESTING || nesting.chain > MAX_NESTING {
            return None;
        }
        // What another macro wrote has that one's place.
        let around = self.expansion;
        let place = self.range(marker);
        if around.is_none_or(|it| !it.marker.contains(place)) {
            self.expansion = Some(Expansion { marker: place, call: call.range });
        }
        let stack = nesting.recursion * super::BYTES_PER_LEVEL + nesting.chain * super::BYTES_PER_LINK;
        let value = stacker::maybe_grow(stack, stack + super::BYTES_AT_LEAST, || lower(self, tokens));
        self.expansion = around;
        value
    }

    /// The span of what the macro writes itself: its name's.
    fn marker(&self, call: Call<'_>) -> Span {
        span::path_first(None, &call.mac.path)
    }

    fn macro_call<'e>(&self, mac: &'e Macro) -> Call<'e> {
        let range = self.range_between(span::path_first(None, &mac.path), mac.delimiter.span().close());
        Call { mac, range, end: Range { start: range.end, end: range.end } }
    }

    /// A macro that means something else, or needs no value, where it is a statement. Gives whether it was one.
    fn macro_statement(&mut self, call: Call<'_>) -> bool {
        match last_segment(call.mac).as_str() {
            "thread_local" | "lazy_static" => {
                self.macro_item(&[], call.mac);
                true
            }
            "cfg_if" => self.cfg_if_statements(call),
            "pin" | "pin_mut" => self.pin_statement(call),
            "select" | "select_biased" => self.select(call, None).is_some(),
            _ => false,
        }
    }

    /// Evaluates a well-known macro; none for others, and for bodies that are not what the macro takes.
    fn known_macro(&mut self, call: Call<'_>) -> Option<Local> {
        match last_segment(call.mac).as_str() {
            "print" | "println" | "eprint" | "eprintln" => self.print(call),
            "format" => self.format(call),
            "format_args" | "anyhow" | "eyre" | "miette" => self.format_args(call),
            "write" | "writeln" => self.write(call),
            "trace" | "debug" | "info" | "warn" | "error" | "log" | "event" => self.log(call),
            "panic" | "todo" | "unimplemented" | "unreachable" => self.panic(call),
            "assert" | "debug_assert" => self.assert(call),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => self.assert_comparison(call),
            "bail" => self.bail(call),
            "ensure" => self.ensure(call),
            "matches" => self.matches(call),
            "try" => self.try_macro(call),
            "ready" => self.ready(call),
            "select" | "select_biased" => {
                let dest = self.frame.b.temp();
                if self.select(call, Some(dest))? {
                    self.frame.schedule(dest);
                }
                Some(dest)
            }
            "join" | "try_join" => self.join(call),
            "vec" => self.vec(call),
            "dbg" => self.dbg(call),
            "json" => {
                let values = call.parse::<parse::Json>()?.values;
                Some(self.call_macro(call, &values))
            }
            "pin" => match call.exprs()?.as_slice() {
                [only] => Some(self.value(only)),
                _ => None,
            },
            "addr_of" => self.address(call, LoadKind::Borrow),
            "addr_of_mut" => self.address(call, LoadKind::BorrowMut),
            "cfg" | "column" | "compile_error" | "concat" | "env" | "file" | "include" | "include_bytes" | "include_str" | "line" | "module_path"
            | "offset_of" | "option_env" | "parse_quote" | "quote" | "quote_spanned" | "stringify" => Some(self.unknown(call.range)),
            _ => None,
        }
    }

    /// Evaluates what a macro of which nothing is known seems to hold.
    fn unknown_macro(&mut self, call: Call<'_>) -> Local {
        if self.macro_depth <= MAX_DEPTH {
            if let Some(arguments) = call.exprs() {
                return self.call_macro(call, &arguments);
            }
            if let Some(statements) = call.parse_with(syn::Block::parse_within) {
                self.statements_of_macro(call, &statements);
            }
        }
        self.call_macro(call, &[])
    }

    /// Calls the macro with references to `arguments`.
    fn call_macro(&mut self, call: Call<'_>, arguments: &[Expr]) -> Local {
        let arguments = arguments.iter().map(|it| self.borrowed(it)).collect();
        self.call(Callee::Macro(types::simple_path(&call.mac.path)), arguments, call.range)
    }

    /// Lowers statements in a block of their own.
    fn statements_of_macro(&mut self, call: Call<'_>, statements: &[Stmt]) {
        let around = self.frame.b.statement();
        self.frame.push(Scope::variables());
        for statement in statements {
            self.statement(statement);
        }
        self.frame.b.resume_statement(around);
        self.frame.pop(call.end);
    }

    /// `vec![a, b]`, `vec![a; n]`.
    fn vec(&mut self, call: Call<'_>) -> Option<Local> {
        let elements = call.exprs().or_else(|| call.parse::<parse::Repeated>().map(|it| vec![it.element]))?;
        Some(self.aggregate(AggregateKind::List, &elements, call.range))
    }

    /// `dbg!(x)` gives `x`; of several, a tuple.
    fn dbg(&mut self, call: Call<'_>) -> Option<Local> {
        match call.exprs()?.as_slice() {
            [] => Some(self.unit(call.range)),
            [only] => Some(self.value(only)),
            several => Some(self.aggregate(AggregateKind::Tuple, several, call.range)),
        }
    }

    /// `join!(a, b)`: waits for all.
    fn join(&mut self, call: Call<'_>) -> Option<Local> {
        let futures = call.parse::<parse::Futures>()?.futures;
        let all = self.aggregate(AggregateKind::Tuple, &futures, call.range);
        Some(self.await_value(all, call.range))
    }

    fn address(&mut self, call: Call<'_>, kind: LoadKind) -> Option<Local> {
        let place: Expr = call.parse()?;
        let place = self.place(&place);
        Some(self.frame.b.load(place, kind, call.range))
    }

    /// `pin!(x);` gives the variable `x` another type; `pin! { let x = f(); }` declares it.
    fn pin_statement(&mut self, call: Call<'_>) -> bool {
        if call.exprs().is_some_and(|it| it.iter().all(|it| matches!(it, Expr::Path(_)))) {
            return true;
        }
        let Some(statements) = call.parse_with(syn::Block::parse_within) else { return false };
        let is_let = statements.iter().all(|it| matches!(it, Stmt::Local(_)));
        if is_let {
            statements.iter().for_each(|it| self.statement(it));
        }
        is_let
    }
}

fn last_segment(mac: &Macro) -> String {
    mac.path.segments.last().map(|it| types::ident(&it.ident).to_string()).unwrap_or_default()
}

/// The name of what select's and the like's branch `index` gives.
fn branch_name(index: usize) -> Name {
    Name::new(&format!("_{index}"))
}
