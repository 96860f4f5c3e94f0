//! The IR as text: `lockset ir FILE`, and what the frontends' tests compare.
//!
//! ```text
//! fn Metrics.inc(self, %1 k)            method
//!   b0:
//!     %2 = load %0 self._lock                      `self._lock`
//! ```
//!
//! Locals print as their name where they have one (`self`, `total`), with the index added only where one function has
//! several of that name (`x`, `x#7`); temporaries print as `%7`. The source that made an op stands behind it.

use std::collections::HashMap;
use std::fmt::Write;

use super::{
    AggregateKind, Argument, ArgumentKind, Base, BlockId, Callee, Class, Const, Function, Import, LoadKind, Local, Module, Name, OpKind, Operation,
    Param, ParamKind, Place, Projection, Range, StoreKind, Terminator, TypeRef,
};

/// Prints `module`. `source` is the text it was lowered from.
pub fn print(module: &Module, source: &str) -> String {
    let mut out = String::new();
    for import in &module.imports {
        line(&mut out, 0, &import_text(import));
    }
    for alias in &module.aliases {
        line(&mut out, 0, &format!("type {}{} = {}", scope_prefix(alias.scope), alias.name, alias.ty));
    }
    for global in &module.globals {
        let mutable = if global.mutable { " mut" } else { "" };
        let ty = annotation(global.ty.as_ref());
        let kind = format!("{:?}", global.kind).to_lowercase();
        line(&mut out, 0, &format!("{kind}{mutable} {}{}{ty}", scope_prefix(global.scope), global.name));
    }
    for class in &module.classes {
        print_class(&mut out, class);
    }
    for it in &module.impls {
        let mut head = String::new();
        head.push_str(if it.is_unsafe { "unsafe impl " } else { "impl " });
        if it.is_negative {
            head.push('!');
        }
        if let Some(name) = it.trait_ {
            let _ = write!(head, "{name} for ");
        }
        let _ = write!(head, "{}", it.self_ty);
        line(&mut out, 0, &head);
        for ty in &it.types {
            line(&mut out, 1, &format!("type {} = {}", ty.name, ty.ty));
        }
    }
    for (index, function) in module.functions.iter().enumerate() {
        let is_empty_body = index == module.body.index() && function.ops.is_empty();
        if !is_empty_body {
            print_function(&mut out, module, function, source);
        }
    }
    for lost in &module.lost {
        line(&mut out, 0, &format!("lost {}: {}", snippet(source, lost.range), lost.reason));
    }
    out
}

fn line(out: &mut String, depth: usize, text: &str) {
    for _ in 0..depth {
        out.push_str("  ");
    }
    out.push_str(text);
    out.push('\n');
}

fn scope_prefix(scope: Name) -> String {
    if scope == "" { String::new() } else { format!("[{scope}] ") }
}

fn import_text(import: &Import) -> String {
    let dots = ".".repeat(import.level as usize);
    let mut text = format!("import {}{dots}{}", scope_prefix(import.scope), import.path);
    if let Some(item) = import.item {
        let _ = write!(text, " item {item}");
    }
    if import.public {
        text.push_str(" pub");
    }
    let _ = write!(text, " as {}", import.binds);
    text
}

fn print_class(out: &mut String, class: &Class) {
    let kind = format!("{:?}", class.kind).to_lowercase();
    let mut head = format!("{kind} {}{}", scope_prefix(class.scope), class.name);
    if !class.bases.is_empty() {
        let _ = write!(head, "({})", join(&class.bases));
    }
    for attribute in &class.attributes {
        let _ = write!(head, " @{}", attribute.path);
    }
    line(out, 0, &head);
    for field in &class.fields {
        line(out, 1, &format!("{}{}", field.name, annotation(field.ty.as_ref())));
    }
}

fn annotation(ty: Option<&TypeRef>) -> String {
    ty.map(|it| format!(": {it}")).unwrap_or_default()
}

fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn print_function(out: &mut String, module: &Module, function: &Function, source: &str) {
    let names = LocalNames::new(function);
    let mut head = String::from("\n");
    for (on, word) in
        [(function.is_unsafe, "unsafe "), (function.is_async, "async "), (function.is_generator, "generator "), (function.is_move, "move ")]
    {
        if on {
            head.push_str(word);
        }
    }
    let kind = format!("{:?}", function.kind).to_lowercase();
    let params = function.params.iter().map(|it| param_text(it, &names)).collect::<Vec<_>>();
    let _ = write!(head, "{kind} {}({})", function.qualified_name(module.language), params.join(", "));
    if let Some(ty) = &function.returns {
        let _ = write!(head, " -> {ty}");
    }
    for attribute in &function.attributes {
        let _ = write!(head, " @{}", attribute.path);
    }
    line(out, 0, &head);
    let captured: Vec<String> = function.captured().map(|it| names.text(it.0)).collect();
    if !captured.is_empty() {
        line(out, 1, &format!("captures {}", captured.join(", ")));
    }
    for (index, block) in function.blocks.iter().enumerate() {
        let unwind = block.unwind.map(|it| format!(" unwind {it:?}")).unwrap_or_default();
        line(out, 1, &format!("{:?}:{unwind}", BlockId::from_index(index)));
        for op in function.ops_of(block) {
            let text = op_text(&op.kind, module, &names);
            line(out, 2, format!("{text:<44} ; {}", snippet(source, op.range())).trim_end());
        }
        line(out, 2, &terminator_text(&block.terminator, &names));
    }
}

fn param_text(param: &Param, names: &LocalNames) -> String {
    let stars = match param.kind {
        ParamKind::Rest => "*",
        ParamKind::Keywords => "**",
        _ => "",
    };
    let named = || param.default_name.map(|it| format!(" = {it}"));
    let default = param.default.map(|it| format!(" = {it}")).or_else(named).unwrap_or_default();
    format!("{stars}{}{}{default}", names.text(param.local), annotation(param.ty.as_ref()))
}

/// The first line of what `range` covers, shortened.
fn snippet(source: &str, range: Range) -> String {
    let text = source.get(range.as_usize()).unwrap_or("");
    let first = text.lines().next().unwrap_or("");
    let mut short: String = first.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

struct LocalNames {
    texts: Vec<String>,
}

impl LocalNames {
    fn new(function: &Function) -> Self {
        let mut count: HashMap<Name, u32> = HashMap::new();
        let mut texts = Vec::with_capacity(function.locals.len());
        for (Local(index), decl) in function.locals.iter() {
            texts.push(match decl.name {
                Some(name) => {
                    let seen = count.entry(name).or_default();
                    *seen += 1;
                    if *seen == 1 { name.to_string() } else { format!("{name}#{index}") }
                }
                None => format!("%{index}"),
            });
        }
        LocalNames { texts }
    }

    fn text(&self, local: Local) -> String {
        self.texts.get(local.index()).cloned().unwrap_or_else(|| format!("{local:?}"))
    }

    fn place(&self, place: &Place) -> String {
        let mut text = match place.base {
            Base::Local(local) => self.text(local),
            Base::Global(name) => format!("@{name}"),
        };
        for projection in &place.projections {
            match projection {
                Projection::Field(name) => {
                    let _ = write!(text, ".{name}");
                }
                Projection::Key(key) => {
                    let _ = write!(text, "[{key}]");
                }
                Projection::Index(index) => {
                    let _ = write!(text, "[{}]", self.text(*index));
                }
                Projection::Deref => text.push_str(".*"),
                Projection::Variant(name) => {
                    let _ = write!(text, ".<{name}>");
                }
            }
        }
        text
    }

    fn list(&self, locals: &[Local]) -> String {
        locals.iter().map(|it| self.text(*it)).collect::<Vec<_>>().join(", ")
    }

    fn arguments(&self, arguments: &[Argument]) -> String {
        let text = |it: &Argument| match it.kind {
            ArgumentKind::Positional => self.text(it.value),
            ArgumentKind::Keyword(name) => format!("{name}={}", self.text(it.value)),
            ArgumentKind::Spread => format!("*{}", self.text(it.value)),
            ArgumentKind::SpreadKeywords => format!("**{}", self.text(it.value)),
        };
        arguments.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

fn op_text(kind: &OpKind, module: &Module, names: &LocalNames) -> String {
    let async_word = |is_async: bool| if is_async { "async " } else { "" };
    match kind {
        OpKind::Const { dest, value } => format!("{} = {value}", names.text(*dest)),
        OpKind::Load { dest, place, kind } => {
            let how = match kind {
                LoadKind::Value => "load",
                LoadKind::Borrow => "borrow",
                LoadKind::BorrowMut => "borrow mut",
                LoadKind::Bind => "bind",
            };
            format!("{} = {how} {}", names.text(*dest), names.place(place))
        }
        OpKind::Store { place, value, kind } => {
            let how = match kind {
                StoreKind::Assign => "store",
                StoreKind::Update => "update",
                StoreKind::Init => "init",
            };
            format!("{how} {} = {}", names.place(place), names.text(*value))
        }
        OpKind::Delete { place } => format!("delete {}", names.place(place)),
        OpKind::Compute { dest, operation, operands } => {
            let name = operation_text(*operation);
            format!("{} = {name}({})", names.text(*dest), names.list(operands))
        }
        OpKind::Aggregate { dest, kind, fields, operands } => {
            let name = match kind {
                AggregateKind::Tuple => "tuple".to_string(),
                AggregateKind::List => "list".to_string(),
                AggregateKind::Set => "set".to_string(),
                AggregateKind::Dict => "dict".to_string(),
                AggregateKind::Struct(path) => format!("struct {path}"),
            };
            let items = if fields.is_empty() {
                names.list(operands)
            } else {
                fields.iter().zip(operands).map(|(field, it)| format!("{field}: {}", names.text(*it))).collect::<Vec<_>>().join(", ")
            };
            format!("{} = {name}({items})", names.text(*dest))
        }
        OpKind::Call { dest, callee, arguments } => {
            let callee = match callee {
                Callee::Method { receiver, name } => format!("{} . {name}", names.place(receiver)),
                Callee::Path(name) => format!("@{name}"),
                Callee::Value(local) => names.text(*local),
                Callee::Macro(name) => format!("{name}!"),
            };
            format!("{} = call {callee}({})", names.text(*dest), names.arguments(arguments))
        }
        OpKind::Enter { dest, manager, is_async } => format!("{} = {}enter {}", names.text(*dest), async_word(*is_async), names.text(*manager)),
        OpKind::Exit { manager, is_async, unwinding } => {
            let how = if *unwinding { " unwinding" } else { "" };
            format!("{}exit {}{how}", async_word(*is_async), names.text(*manager))
        }
        OpKind::Drop { local } => format!("drop {}", names.text(*local)),
        OpKind::Await { dest, value } => format!("{} = await {}", names.text(*dest), names.text(*value)),
        OpKind::Yield { dest, value, from } => {
            let value = value.map(|it| format!(" {}", names.text(it))).unwrap_or_default();
            format!("{} = yield{}{value}", names.text(*dest), if *from { " from" } else { "" })
        }
        OpKind::Iterate { dest, value, is_async } => format!("{} = {}iterate {}", names.text(*dest), async_word(*is_async), names.text(*value)),
        OpKind::Next { dest, iterator } => format!("{} = next {}", names.text(*dest), names.text(*iterator)),
        OpKind::Closure { dest, function } => {
            let name = module.functions.get(function.index()).map_or(Name::new("?"), |it| it.name);
            format!("{} = closure {function:?} {name}", names.text(*dest))
        }
        OpKind::ClassObject { dest, class } => {
            let name = module.classes.get(class.index()).map_or(Name::new("?"), |it| it.name);
            format!("{} = class {name}", names.text(*dest))
        }
        OpKind::Catch { dest, types } => format!("{} = catch {}", names.text(*dest), join(types)),
    }
}

fn operation_text(operation: Operation) -> &'static str {
    match operation {
        Operation::Arithmetic => "arithmetic",
        Operation::Compare => "compare",
        Operation::Order => "order",
        Operation::Is => "is",
        Operation::IsNot => "is not",
        Operation::In => "in",
        Operation::NotIn => "not in",
        Operation::Not => "not",
        Operation::Format => "format",
        Operation::Cast => "cast",
        Operation::Slice => "slice",
        Operation::Other => "compute",
    }
}

fn terminator_text(terminator: &Terminator, names: &LocalNames) -> String {
    match terminator {
        Terminator::Goto(target) => format!("goto {target:?}"),
        Terminator::Branch { condition, then, otherwise } => format!("if {} then {then:?} else {otherwise:?}", names.text(*condition)),
        Terminator::Switch { on, arms } => {
            let arm = |it: &super::Arm| format!("{} {:?}", it.variant.map_or("_", Name::as_str), it.target);
            format!("switch {} [{}]", names.text(*on), arms.iter().map(arm).collect::<Vec<_>>().join(", "))
        }
        Terminator::Return(None) => "return".to_string(),
        Terminator::Return(Some(value)) => format!("return {}", names.text(*value)),
        Terminator::Raise => "raise".to_string(),
        Terminator::Unreachable => "unreachable".to_string(),
    }
}

impl std::fmt::Display for Const {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Const::None => f.write_str("None"),
            Const::Bool(value) => write!(f, "{value}"),
            Const::Int(value) => write!(f, "{value}"),
            Const::Number(text) => write!(f, "{text}"),
            Const::Str(text) => write!(f, "{:?}", text.as_str()),
            Const::Other => f.write_str("literal"),
        }
    }
}

impl std::fmt::Display for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TypeRef::Path { path, arguments } if arguments.is_empty() => write!(f, "{path}"),
            TypeRef::Path { path, arguments } => write!(f, "{path}<{}>", join(arguments)),
            TypeRef::Reference { mutable, target } => write!(f, "&{}{target}", if *mutable { "mut " } else { "" }),
            TypeRef::Tuple(items) => write!(f, "({})", join(items)),
            TypeRef::Array(item) => write!(f, "[{item}]"),
            TypeRef::Union(items) => f.write_str(&items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")),
            TypeRef::Trait { bounds, dynamic } => {
                let bounds = bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
                write!(f, "{} {bounds}", if *dynamic { "dyn" } else { "impl" })
            }
            TypeRef::Function { parameters, returns } => {
                write!(f, "fn({})", join(parameters))?;
                returns.as_ref().map_or(Ok(()), |it| write!(f, " -> {it}"))
            }
            TypeRef::None => f.write_str("None"),
            TypeRef::Unknown => f.write_str("_"),
        }
    }
}
