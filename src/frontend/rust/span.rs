//! Where syntax stands: the first and the last token of a node.
//!
//! `syn`'s own `Spanned` turns the whole node into tokens to find them, which is quadratic on a long chain when asked
//! of every link. These walk to the ends instead.

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::{Expr, Member, Path, PathArguments, QSelf, Visibility};

/// From spans to bytes of the text.
pub(super) struct Offsets<'s> {
    /// Where the file's tokens begin: the place of what stands nowhere.
    nowhere: usize,
    /// Where the piece of the text begins that the spans count in. A token that stands there is the file's first.
    start: usize,
    piece: &'s str,
    /// Where each line of the piece begins in it.
    lines: Vec<usize>,
    is_ascii: bool,
}

/// Characters are counted in a line up to so many; in longer ones `proc_macro2` keeps what it has counted.
const MAX_COLUMN: usize = 1_000;

impl<'s> Offsets<'s> {
    /// For spans in `piece` of `source`, whose tokens begin at `first`.
    pub(super) fn new(source: &'s str, piece: std::ops::Range<usize>, first: usize) -> Self {
        let start = piece.start;
        let piece = &source[piece];
        let after_breaks = piece.bytes().enumerate().filter(|it| it.1 == b'\n').map(|it| it.0 + 1);
        Offsets { nowhere: first, start, piece, lines: std::iter::once(0).chain(after_breaks).collect(), is_ascii: piece.is_ascii() }
    }

    pub(super) fn start(&self, span: Span) -> usize {
        self.at(span.start(), || span.byte_range().start)
    }

    pub(super) fn end(&self, span: Span) -> usize {
        self.at(span.end(), || span.byte_range().end)
    }

    /// Spans count in characters, and turn them into bytes at a cost; lines and columns they know.
    fn at(&self, place: LineColumn, bytes: impl Fn() -> usize) -> usize {
        match self.by_line(place).unwrap_or_else(bytes) {
            0 => self.nowhere,
            offset => self.start + offset,
        }
    }

    fn by_line(&self, LineColumn { line, column }: LineColumn) -> Option<usize> {
        let start = *self.lines.get(line.checked_sub(1)?)?;
        if self.is_ascii {
            return Some(start + column);
        }
        let line = self.piece.get(start..).filter(|_| column <= MAX_COLUMN)?;
        Some(start + line.char_indices().nth(column).map_or(line.len(), |it| it.0))
    }
}

/// The span of the first token of `expr`, its attributes left out.
pub(super) fn first(mut expr: &Expr) -> Span {
    loop {
        expr = match expr {
            Expr::Assign(it) => &it.left,
            Expr::Await(it) => &it.base,
            Expr::Binary(it) => &it.left,
            Expr::Call(it) => &it.func,
            Expr::Cast(it) => &it.expr,
            Expr::Field(it) => &it.base,
            Expr::Group(it) => &it.expr,
            Expr::Index(it) => &it.expr,
            Expr::MethodCall(it) => &it.receiver,
            Expr::Try(it) => &it.expr,
            Expr::Range(it) => match &it.start {
                Some(start) => start,
                None => return it.limits.span(),
            },
            Expr::Array(it) => return it.bracket_token.span.open(),
            Expr::Async(it) => return it.async_token.span,
            Expr::Block(it) => return it.label.as_ref().map_or(it.block.brace_token.span.open(), |label| label.name.span()),
            Expr::Break(it) => return it.break_token.span,
            Expr::Closure(it) => return closure_first(it),
            Expr::Const(it) => return it.const_token.span,
            Expr::Continue(it) => return it.continue_token.span,
            Expr::ForLoop(it) => return it.label.as_ref().map_or(it.for_token.span, |label| label.name.span()),
            Expr::If(it) => return it.if_token.span,
            Expr::Infer(it) => return it.underscore_token.span,
            Expr::Let(it) => return it.let_token.span,
            Expr::Lit(it) => return it.lit.span(),
            Expr::Loop(it) => return it.label.as_ref().map_or(it.loop_token.span, |label| label.name.span()),
            Expr::Macro(it) => return path_first(None, &it.mac.path),
            Expr::Match(it) => return it.match_token.span,
            Expr::Paren(it) => return it.paren_token.span.open(),
            Expr::Path(it) => return path_first(it.qself.as_ref(), &it.path),
            Expr::RawAddr(it) => return it.and_token.span,
            Expr::Reference(it) => return it.and_token.span,
            Expr::Repeat(it) => return it.bracket_token.span.open(),
            Expr::Return(it) => return it.return_token.span,
            Expr::Struct(it) => return path_first(it.qself.as_ref(), &it.path),
            Expr::TryBlock(it) => return it.try_token.span,
            Expr::Tuple(it) => return it.paren_token.span.open(),
            Expr::Unary(it) => return it.op.span(),
            Expr::Unsafe(it) => return it.unsafe_token.span,
            Expr::While(it) => return it.label.as_ref().map_or(it.while_token.span, |label| label.name.span()),
            Expr::Yield(it) => return it.yield_token.span,
            other => return other.span(),
        }
    }
}

/// The span of the last token of `expr`.
pub(super) fn last(mut expr: &Expr) -> Span {
    loop {
        expr = match expr {
            Expr::Assign(it) => &it.right,
            Expr::Binary(it) => &it.right,
            Expr::Closure(it) => &it.body,
            Expr::Group(it) => &it.expr,
            Expr::Let(it) => &it.expr,
            Expr::RawAddr(it) => &it.expr,
            Expr::Reference(it) => &it.expr,
            Expr::Unary(it) => &it.expr,
            Expr::Break(it) => match &it.expr {
                Some(value) => value,
                None => return it.label.as_ref().map_or(it.break_token.span, syn::Lifetime::span),
            },
            Expr::Range(it) => match &it.end {
                Some(end) => end,
                None => return it.limits.span(),
            },
            Expr::Return(it) => match &it.expr {
                Some(value) => value,
                None => return it.return_token.span,
            },
            Expr::Yield(it) => match &it.expr {
                Some(value) => value,
                None => return it.yield_token.span,
            },
            Expr::If(it) => match &it.else_branch {
                Some((_, otherwise)) => otherwise,
                None => return it.then_branch.brace_token.span.close(),
            },
            Expr::Array(it) => return it.bracket_token.span.close(),
            Expr::Async(it) => return it.block.brace_token.span.close(),
            Expr::Await(it) => return it.await_token.span,
            Expr::Block(it) => return it.block.brace_token.span.close(),
            Expr::Call(it) => return it.paren_token.span.close(),
            Expr::Cast(it) => return it.ty.span(),
            Expr::Const(it) => return it.block.brace_token.span.close(),
            Expr::Continue(it) => return it.label.as_ref().map_or(it.continue_token.span, syn::Lifetime::span),
            Expr::Field(it) => return member(&it.member),
            Expr::ForLoop(it) => return it.body.brace_token.span.close(),
            Expr::Index(it) => return it.bracket_token.span.close(),
            Expr::Infer(it) => return it.underscore_token.span,
            Expr::Lit(it) => return it.lit.span(),
            Expr::Loop(it) => return it.body.brace_token.span.close(),
            Expr::Macro(it) => return it.mac.delimiter.span().close(),
            Expr::Match(it) => return it.brace_token.span.close(),
            Expr::MethodCall(it) => return it.paren_token.span.close(),
            Expr::Paren(it) => return it.paren_token.span.close(),
            Expr::Path(it) => return path_last(&it.path),
            Expr::Repeat(it) => return it.bracket_token.span.close(),
            Expr::Struct(it) => return it.brace_token.span.close(),
            Expr::Try(it) => return it.question_token.span,
            Expr::TryBlock(it) => return it.block.brace_token.span.close(),
            Expr::Tuple(it) => return it.paren_token.span.close(),
            Expr::Unsafe(it) => return it.block.brace_token.span.close(),
            Expr::While(it) => return it.body.brace_token.span.close(),
            other => return other.span(),
        }
    }
}

/// The span of the last token of the head of `expr`, what stands before its braces; of its last token if it has none.
pub(super) fn head_last(mut expr: &Expr) -> Span {
    loop {
        expr = match expr {
            Expr::Assign(it) => &it.right,
            Expr::Binary(it) if super::expr::is_assignment(&it.op) => &it.right,
            Expr::Return(syn::ExprReturn { expr: Some(value), .. }) => value,
            Expr::Break(syn::ExprBreak { expr: Some(value), .. }) => value,
            Expr::Block(it) => return it.block.brace_token.span.open(),
            Expr::Const(it) => return it.const_token.span,
            Expr::ForLoop(it) => return last(&it.expr),
            Expr::If(it) => return last(&it.cond),
            Expr::Loop(it) => return it.loop_token.span,
            Expr::Match(it) => return last(&it.expr),
            Expr::TryBlock(it) => return it.try_token.span,
            Expr::Unsafe(it) => return it.unsafe_token.span,
            Expr::While(it) => return last(&it.cond),
            other => return last(other),
        }
    }
}

/// The span of what begins a closure: `for<'a>`, `const`, `async`, `move` or `|`.
pub(super) fn closure_first(closure: &syn::ExprClosure) -> Span {
    let binder = closure.lifetimes.as_ref().map(|it| it.for_token.span);
    let constness = closure.constness.map(|it| it.span);
    let asyncness = closure.asyncness.map(|it| it.span);
    let capture = closure.capture.map(|it| it.span);
    binder.or(constness).or(asyncness).or(capture).unwrap_or(closure.inputs_begin.span)
}

pub(super) fn member(member: &Member) -> Span {
    match member {
        Member::Named(name) => name.span(),
        Member::Unnamed(index) => index.span,
    }
}

pub(super) fn path_first(qself: Option<&QSelf>, path: &Path) -> Span {
    let qself = qself.map(|it| it.lt_token.span);
    let colons = path.leading_colon.map(|it| it.spans[0]);
    qself.or(colons).or_else(|| path.segments.first().map(|it| it.ident.span())).unwrap_or_else(Span::call_site)
}

pub(super) fn path_last(path: &Path) -> Span {
    path.segments.last().map_or_else(Span::call_site, |it| match &it.arguments {
        PathArguments::None => it.ident.span(),
        PathArguments::AngleBracketed(it) => it.gt_token.span,
        PathArguments::Parenthesized(it) => it.span(),
    })
}

/// The span of the `pub` of an item; none where it has none.
pub(super) fn visibility(visibility: &Visibility) -> Option<Span> {
    match visibility {
        Visibility::Public(it) => Some(it.span),
        Visibility::Restricted(it) => Some(it.pub_token.span),
        Visibility::Inherited => None,
    }
}
