//! Functions, closures and async blocks: a frame, its parameters, a body.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Block, Expr, ExprAsync, ExprClosure, FnArg, Pat, ReceiverKind, ReturnType, Safety, Signature, Visibility};

use super::context::Ctx;
use super::pattern::{Position, plain_variable};
use super::scope::{Frame, Scope};
use super::{attributes, span, types};
use crate::ir::{FunctionBuilder, FunctionId, FunctionKind, LoadKind, Local, Name, OpKind, Owner, ParamKind, Place, Range, TypeRef};

/// A function item, wherever it stands.
#[derive(Clone, Copy)]
pub(super) struct Definition<'e> {
    pub(super) attributes: &'e [Attribute],
    pub(super) visibility: &'e Visibility,
    pub(super) signature: &'e Signature,
    pub(super) block: &'e Block,
}

/// Parameters to be bound in the body: the local, and the pattern that takes it apart.
type Patterns<'e> = Vec<(Local, &'e Pat)>;

impl Ctx<'_> {
    /// Lowers a function item.
    pub(super) fn function(&mut self, it: Definition<'_>, owner: Owner) -> FunctionId {
        let signature = it.signature;
        let first = span::visibility(it.visibility).unwrap_or_else(|| signature_first(signature));
        let range = self.range_between(first, it.block.brace_token.span.close());
        let kind = match (owner, signature.receiver()) {
            (Owner::Class(_) | Owner::Impl(_), Some(_)) => FunctionKind::Method,
            (Owner::Class(_) | Owner::Impl(_), None) => FunctionKind::StaticMethod,
            (Owner::Module | Owner::Function(_), _) => FunctionKind::Function,
        };
        let name = types::ident(&signature.ident);
        let mut b = FunctionBuilder::new(name, self.scope, kind, owner, range);
        b.function.is_async = signature.asyncness.is_some();
        b.function.is_unsafe = matches!(signature.safety, Safety::Unsafe(_));
        b.function.is_public = !matches!(it.visibility, Visibility::Inherited);
        b.function.is_test = self.is_test || attributes::marks_test(it.attributes);
        b.function.generics = types::generics(&signature.generics).into();
        b.function.returns = types::returns(&signature.output);
        b.function.attributes = self.attributes(it.attributes).into();
        b.function.told = attributes::told(it.attributes);
        b.function.name_range = self.range(signature.ident.span());
        let is_test = std::mem::replace(&mut self.is_test, b.function.is_test);
        let id = self.in_new_frame(b, false, |ctx| {
            let patterns = ctx.params(signature);
            ctx.body(patterns, |ctx| match signature.output {
                ReturnType::Default => ctx.without_value(it.block),
                ReturnType::Type(..) => ctx.with_value(it.block),
            });
        });
        self.is_test = is_test;
        id
    }

    /// A closure comes into being.
    pub(super) fn closure(&mut self, it: &ExprClosure) -> Local {
        let first = span::closure_first(it);
        let range = self.range_between(first, span::last(&it.body));
        let mut b = self.nested(Name::new("<closure>"), FunctionKind::Closure, range);
        b.function.name_range = self.range_between(first, it.inputs_end.span);
        b.function.is_async = it.asyncness.is_some();
        b.function.is_move = it.capture.is_some();
        b.function.returns = types::returns(&it.output);
        let id = self.in_new_frame(b, true, |ctx| {
            let patterns = ctx.closure_params(it);
            ctx.body(patterns, |ctx| match &*it.body {
                Expr::Block(body) if body.label.is_none() => ctx.with_value(&body.block),
                body => {
                    let range = ctx.head_range(body);
                    ctx.frame.b.begin_statement(range);
                    Some(ctx.operand(body))
                }
            });
        });
        self.function_value(id, range)
    }

    /// An async block comes into being. What it returns, it returns to who awaits it.
    pub(super) fn async_block(&mut self, it: &ExprAsync) -> Local {
        let range = self.range_between(it.async_token.span, it.block.brace_token.span.close());
        let mut b = self.nested(Name::new("<async>"), FunctionKind::AsyncBlock, range);
        b.function.name_range = self.range_between(it.async_token.span, it.capture.map_or(it.async_token.span, |it| it.span));
        b.function.is_async = true;
        b.function.is_move = it.capture.is_some();
        let id = self.in_new_frame(b, true, |ctx| ctx.body(Vec::new(), |ctx| ctx.with_value(&it.block)));
        self.function_value(id, range)
    }

    fn nested(&self, name: Name, kind: FunctionKind, range: Range) -> FunctionBuilder {
        let mut b = FunctionBuilder::new(name, self.frame.path, kind, Owner::Function(self.frame.id), range);
        b.function.is_test = self.is_test;
        b
    }

    fn function_value(&mut self, function: FunctionId, range: Range) -> Local {
        let dest = self.owned_temp();
        self.frame.b.push(OpKind::Closure { dest, function }, range);
        dest
    }

    /// Lowers `f` as the function that `b` has begun.
    fn in_new_frame(&mut self, b: FunctionBuilder, captures: bool, f: impl FnOnce(&mut Self)) -> FunctionId {
        let id = self.reserve();
        let path = Name::concat(&[&b.function.qualified_name(crate::ir::Language::Rust), ".<locals>"]);
        self.in_frame(Frame::new(b, id, captures, path), f);
        id
    }

    /// Binds the parameters and lowers the body. Parameters are dropped after the body's temporaries, and those after
    /// its variables.
    fn body(&mut self, patterns: Patterns<'_>, body: impl FnOnce(&mut Self) -> Option<Local>) {
        for (local, pattern) in patterns {
            self.declare_bindings(pattern, Position::Irrefutable);
            self.bind(pattern, Place::local(local), LoadKind::Bind, Position::Irrefutable);
        }
        let whole = self.frame.b.statement();
        let end = self.frame.b.function.range.end;
        let end = Range { start: end, end };
        self.frame.push(Scope::temporaries());
        let value = body(self);
        self.frame.b.resume_statement(whole);
        if let Some(value) = value {
            self.frame.take(value);
        }
        self.return_value(value, end);
    }

    fn with_value(&mut self, block: &Block) -> Option<Local> {
        let has_tail = super::stmt::has_tail(block);
        if has_tail { Some(self.block_value(block)) } else { self.without_value(block) }
    }

    fn without_value(&mut self, block: &Block) -> Option<Local> {
        self.block_into(block, None);
        None
    }

    fn params<'e>(&mut self, signature: &'e Signature) -> Patterns<'e> {
        let mut patterns = Vec::new();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(it) => {
                    let range = self.range(it.self_token.span);
                    let this = TypeRef::Path { path: Name::new("Self"), arguments: Vec::new() };
                    let ty = match &it.kind {
                        ReceiverKind::Reference(_, _, mutability) => TypeRef::Reference { mutable: mutability.is_some(), target: Box::new(this) },
                        ReceiverKind::Typed(_, ty) => types::type_ref(ty),
                        _ => this,
                    };
                    self.param(Name::new("self"), ParamKind::Receiver, Some(ty), range);
                }
                FnArg::Typed(it) => self.pattern_param(&it.pat, Some(types::type_ref(&it.ty)), &mut patterns),
            }
        }
        patterns
    }

    fn closure_params<'e>(&mut self, closure: &'e ExprClosure) -> Patterns<'e> {
        let mut patterns = Vec::new();
        for input in &closure.inputs {
            match input {
                Pat::Type(it) => self.pattern_param(&it.pat, Some(types::type_ref(&it.ty)), &mut patterns),
                pattern => self.pattern_param(pattern, None, &mut patterns),
            }
        }
        patterns
    }

    fn pattern_param<'e>(&mut self, pattern: &'e Pat, ty: Option<TypeRef>, patterns: &mut Patterns<'e>) {
        match plain_variable(pattern) {
            Some(ident) => {
                let range = self.range(ident.span());
                self.param(types::ident(ident), ParamKind::Positional, ty, range);
            }
            None => {
                let range = self.range(pattern.span());
                let local = self.param(Name::new("_"), ParamKind::Positional, ty, range);
                patterns.push((local, pattern));
            }
        }
    }

    fn param(&mut self, name: Name, kind: ParamKind, ty: Option<TypeRef>, range: Range) -> Local {
        let local = self.frame.b.param(name, kind, ty, None, range);
        if let Some(index) = self.frame.variable_scope() {
            self.frame.schedule_in(index, local);
        }
        self.frame.name(name, local);
        local
    }
}

/// The span of the first token of a function without visibility.
fn signature_first(signature: &Signature) -> Span {
    let constness = signature.constness.map(|it| it.span);
    let asyncness = signature.asyncness.map(|it| it.span);
    let safety = match &signature.safety {
        Safety::Unsafe(it) => Some(it.span),
        Safety::Safe(it) => Some(it.span),
        Safety::Default => None,
    };
    let abi = signature.abi.as_ref().map(|it| it.extern_token.span);
    constness.or(asyncness).or(safety).or(abi).unwrap_or(signature.fn_token.span)
}
