//! Patterns: what they test, and the variables they bind.
//!
//! A pattern is matched against a [`Scrutinee`], and its parts are places below the scrutinee's: in `Ok((a, _))` the
//! variable `a` is `.<Ok>.0.0`. A part behind `..` counts from the end: `-1` is the last one.
//!
//! Variables are declared first ([`Ctx::declare_bindings`]) and bound then ([`Ctx::bind`]), so that the alternatives of an or-pattern
//! bind the same ones, and a guard can look at what its arm has not moved yet.

use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Pat, PatIdent, Token};

use super::context::Ctx;
use super::{expr, types};
use crate::ir::{Arm, BlockId, Const, LoadKind, Local, Name, Place, Projection, Range, StoreKind, Terminator};

/// Whether a pattern can fail to match. One that cannot has no constants: a capitalised name in it is a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Irrefutable,
    Refutable,
}

/// What a pattern is matched against.
#[derive(Clone, Debug)]
pub(super) struct Scrutinee {
    /// The local that tests branch on.
    pub(super) on: Local,
    /// What bindings are parts of.
    pub(super) place: Place,
    /// How bindings take their part.
    pub(super) kind: LoadKind,
}

impl Ctx<'_> {
    /// Evaluates what a pattern is matched against. A place is not moved; `&place` binds by reference.
    pub(super) fn scrutinee(&mut self, scrutinee: &Expr) -> Scrutinee {
        let range = self.expr_range(scrutinee);
        match expr::unparenthesized(scrutinee) {
            Expr::Reference(it) => {
                let kind = if it.mutability.is_some() { LoadKind::BorrowMut } else { LoadKind::Borrow };
                let place = self.place(&it.expr);
                let on = self.frame.b.load(place, kind, range);
                Scrutinee { on, place, kind }
            }
            inner => {
                let place = self.place(inner);
                self.scrutinee_of(place, range)
            }
        }
    }

    pub(super) fn scrutinee_of(&mut self, place: Place, range: Range) -> Scrutinee {
        let on = place.as_local().unwrap_or_else(|| self.frame.b.load(place, LoadKind::Borrow, range));
        Scrutinee { on, place, kind: LoadKind::Bind }
    }

    /// Tests `pattern`: goes to the block given back where it may match, to `failed` where it may not.
    pub(super) fn test(&mut self, pattern: &Pat, on: Local, failed: BlockId, range: Range) -> BlockId {
        let matched = self.frame.b.new_block();
        let mut arms = Vec::new();
        self.add_arms(pattern, matched, &mut arms);
        arms.push(Arm { variant: None, target: failed });
        self.frame.b.terminate(Terminator::Switch { on, arms: arms.into() }, range);
        matched
    }

    /// Adds the tests that lead to `target`: one for each alternative.
    pub(super) fn add_arms(&self, pattern: &Pat, target: BlockId, arms: &mut Vec<Arm>) {
        match peeled(pattern) {
            Pat::Or(it) => it.cases.iter().for_each(|case| self.add_arms(case, target, arms)),
            pattern => arms.push(Arm { variant: self.variant(pattern), target }),
        }
    }

    /// What the pattern asks of the whole value.
    fn variant(&self, pattern: &Pat) -> Option<Name> {
        match pattern {
            Pat::Ident(it) => match &it.subpat {
                Some((_, inner)) => self.variant(peeled(inner)),
                None => (!is_binding(it, Position::Refutable)).then(|| types::ident(&it.ident)),
            },
            Pat::Path(it) => it.path.segments.last().map(|it| types::ident(&it.ident)),
            Pat::Struct(it) => it.path.segments.last().map(|it| types::ident(&it.ident)),
            Pat::TupleStruct(it) => it.path.segments.last().map(|it| types::ident(&it.ident)),
            Pat::Lit(ExprLit { lit, .. }) => Some(Name::new(self.text(self.range(lit.span())))),
            _ => None,
        }
    }

    /// Declares the variables of `pattern` in the innermost variable scope.
    pub(super) fn declare_bindings(&mut self, pattern: &Pat, position: Position) {
        self.deeper(|ctx| match pattern {
            Pat::Ident(it) => {
                if is_binding(it, position) {
                    ctx.frame.declare(types::ident(&it.ident), None);
                }
                if let Some((_, inner)) = &it.subpat {
                    ctx.declare_bindings(inner, position);
                }
            }
            Pat::Type(it) => match &*it.pat {
                Pat::Ident(ident) if ident.subpat.is_none() => {
                    ctx.frame.declare(types::ident(&ident.ident), Some(types::type_ref(&it.ty)));
                }
                inner => ctx.declare_bindings(inner, position),
            },
            Pat::Or(it) => {
                if let Some(first) = it.cases.first() {
                    ctx.declare_bindings(first, position);
                }
            }
            Pat::Guard(it) => ctx.declare_bindings(&it.pat, position),
            Pat::Paren(it) => ctx.declare_bindings(&it.pat, position),
            Pat::Reference(it) => ctx.declare_bindings(&it.pat, position),
            Pat::Slice(it) => it.elems.iter().for_each(|it| ctx.declare_bindings(it, position)),
            Pat::Struct(it) => it.fields.iter().for_each(|it| ctx.declare_bindings(&it.pat, position)),
            Pat::Tuple(it) => it.elems.iter().for_each(|it| ctx.declare_bindings(it, position)),
            Pat::TupleStruct(it) => it.elems.iter().for_each(|it| ctx.declare_bindings(it, position)),
            _ => {}
        });
    }

    /// Gives the declared variables of `pattern` their parts of `place`.
    pub(super) fn bind(&mut self, pattern: &Pat, place: Place, kind: LoadKind, position: Position) {
        self.deeper(|ctx| match pattern {
            Pat::Ident(it) => {
                if is_binding(it, position) {
                    ctx.bind_ident(it, place, kind);
                }
                if let Some((_, inner)) = &it.subpat {
                    ctx.bind(inner, place, kind, position);
                }
            }
            Pat::Guard(it) => ctx.bind(&it.pat, place, kind, position),
            Pat::Paren(it) => ctx.bind(&it.pat, place, kind, position),
            Pat::Type(it) => ctx.bind(&it.pat, place, kind, position),
            Pat::Reference(it) => ctx.bind(&it.pat, place.project(Projection::Deref), LoadKind::Bind, position),
            Pat::Or(it) => ctx.bind_alternatives(it.cases.iter().collect(), &place, kind, position),
            Pat::Tuple(it) => ctx.bind_elements(&it.elems, &place, kind, position, field),
            Pat::TupleStruct(it) => {
                let payload = ctx.payload(&it.path, place);
                ctx.bind_elements(&it.elems, &payload, kind, position, field);
            }
            Pat::Slice(it) => ctx.bind_elements(&it.elems, &place, kind, position, |index| Projection::Key(Const::Int(index))),
            Pat::Struct(it) => {
                let payload = ctx.payload(&it.path, place);
                for part in &it.fields {
                    ctx.bind(&part.pat, payload.project(Projection::Field(expr::member(&part.member))), kind, position);
                }
            }
            Pat::Verbatim(tokens) => {
                let range = ctx.range(tokens.span());
                ctx.lose(range, "a pattern that is not stable Rust");
            }
            _ => {}
        });
    }

    fn bind_ident(&mut self, pattern: &PatIdent, place: Place, kind: LoadKind) {
        let range = self.range(pattern.ident.span());
        let kind = match (&pattern.by_ref, &pattern.mutability) {
            (Some(_), Some(_)) => LoadKind::BorrowMut,
            (Some(_), None) => LoadKind::Borrow,
            (None, _) => kind,
        };
        let Some(local) = self.frame.lookup(types::ident(&pattern.ident)) else { return };
        let value = self.frame.b.load(place, kind, range);
        self.frame.b.store(Place::local(local), value, StoreKind::Init, range);
    }

    /// Which alternative matched is only known at run time.
    fn bind_alternatives(&mut self, cases: Vec<&Pat>, place: &Place, kind: LoadKind, position: Position) {
        if !cases.first().is_some_and(|it| has_bindings(it, position)) {
            return;
        }
        let range = cases.first().map_or_else(Range::default, |it| self.range(it.span()));
        let on = self.scrutinee_of(*place, range).on;
        let blocks: Vec<BlockId> = cases.iter().map(|_| self.frame.b.new_block()).collect();
        let mut arms = Vec::new();
        cases.iter().zip(&blocks).for_each(|(case, block)| self.add_arms(case, *block, &mut arms));
        self.frame.b.terminate(Terminator::Switch { on, arms: arms.into() }, range);
        let join = self.frame.b.new_block();
        for (case, block) in cases.iter().zip(blocks) {
            self.frame.b.switch_to(block);
            self.bind(case, *place, kind, position);
            self.frame.b.goto(join, range);
        }
        self.frame.b.switch_to(join);
    }

    /// Elements by position: from the front up to `..`, from the end behind it.
    fn bind_elements(
        &mut self,
        elements: &Punctuated<Pat, Token![,]>,
        place: &Place,
        kind: LoadKind,
        position: Position,
        step: impl Fn(i64) -> Projection,
    ) {
        let count = elements.len() as i64;
        let rest = elements.iter().position(is_rest).map_or(count, |it| it as i64);
        for (index, element) in (0..).zip(elements) {
            if index == rest {
                // `rest @ ..` is a part of no fixed place.
                self.bind(element, (*place).project(Projection::Key(Const::Other)), kind, position);
            } else {
                let index = if index < rest { index } else { index - count };
                self.bind(element, (*place).project(step(index)), kind, position);
            }
        }
    }

    /// `Self { … }` is no variant; what other paths name is for the program to say.
    fn payload(&self, path: &syn::Path, place: Place) -> Place {
        match path.segments.last() {
            Some(last) if last.ident != "Self" => place.project(Projection::Variant(types::ident(&last.ident))),
            _ => place,
        }
    }

    /// Declares and binds `pattern`, which has the value `value`: a plain variable takes it whole.
    pub(super) fn bind_value(&mut self, pattern: &Pat, value: Local) {
        self.declare_bindings(pattern, Position::Irrefutable);
        match plain_variable(pattern) {
            Some(ident) => {
                let range = self.range(ident.span());
                self.frame.take(value);
                if let Some(local) = self.frame.lookup(types::ident(ident)) {
                    self.init(local, value, range);
                }
            }
            None => self.bind(pattern, Place::local(value), LoadKind::Bind, Position::Irrefutable),
        }
    }
}

/// Element `index` of a tuple or tuple struct.
pub(super) fn field(index: i64) -> Projection {
    Projection::Field(Name::new(&index.to_string()))
}

/// The pattern without parentheses, types and references around it.
fn peeled(mut pattern: &Pat) -> &Pat {
    loop {
        pattern = match pattern {
            Pat::Guard(it) => &it.pat,
            Pat::Paren(it) => &it.pat,
            Pat::Type(it) => &it.pat,
            Pat::Reference(it) => &it.pat,
            _ => return pattern,
        }
    }
}

/// The variable of a pattern that is nothing else: `x`, `mut x`, `x: T`.
pub(super) fn plain_variable(pattern: &Pat) -> Option<&syn::Ident> {
    match pattern {
        Pat::Ident(it) if it.by_ref.is_none() && it.subpat.is_none() => Some(&it.ident),
        Pat::Paren(it) => plain_variable(&it.pat),
        Pat::Type(it) => plain_variable(&it.pat),
        _ => None,
    }
}

/// Whether an identifier binds a variable. A constant or unit variant, the other thing it can name, begins with a
/// capital letter.
fn is_binding(pattern: &PatIdent, position: Position) -> bool {
    let is_capitalised = || pattern.ident.to_string().trim_start_matches("r#").starts_with(char::is_uppercase);
    position == Position::Irrefutable || pattern.by_ref.is_some() || pattern.mutability.is_some() || pattern.subpat.is_some() || !is_capitalised()
}

fn is_rest(pattern: &Pat) -> bool {
    match pattern {
        Pat::Rest(_) => true,
        Pat::Ident(it) => matches!(&it.subpat, Some((_, inner)) if matches!(**inner, Pat::Rest(_))),
        _ => false,
    }
}

/// Whether the pattern binds a variable at all.
fn has_bindings(pattern: &Pat, position: Position) -> bool {
    match pattern {
        Pat::Ident(it) => is_binding(it, position),
        Pat::Guard(it) => has_bindings(&it.pat, position),
        Pat::Paren(it) => has_bindings(&it.pat, position),
        Pat::Type(it) => has_bindings(&it.pat, position),
        Pat::Reference(it) => has_bindings(&it.pat, position),
        Pat::Or(it) => it.cases.first().is_some_and(|it| has_bindings(it, position)),
        Pat::Tuple(it) => it.elems.iter().any(|it| has_bindings(it, position)),
        Pat::TupleStruct(it) => it.elems.iter().any(|it| has_bindings(it, position)),
        Pat::Slice(it) => it.elems.iter().any(|it| has_bindings(it, position)),
        Pat::Struct(it) => it.fields.iter().any(|it| has_bindings(&it.pat, position)),
        _ => false,
    }
}

/// Whether a variable of the pattern is bound by `ref`.
pub(super) fn binds_by_ref(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(it) => it.by_ref.is_some() || it.subpat.as_ref().is_some_and(|(_, it)| binds_by_ref(it)),
        Pat::Paren(it) => binds_by_ref(&it.pat),
        Pat::Type(it) => binds_by_ref(&it.pat),
        Pat::Or(it) => it.cases.iter().any(binds_by_ref),
        Pat::Tuple(it) => it.elems.iter().any(binds_by_ref),
        Pat::TupleStruct(it) => it.elems.iter().any(binds_by_ref),
        Pat::Slice(it) => it.elems.iter().any(binds_by_ref),
        Pat::Struct(it) => it.fields.iter().any(|it| binds_by_ref(&it.pat)),
        _ => false,
    }
}
