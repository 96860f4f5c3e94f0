//! What is carried through the lowering of one file: the function under construction, the functions around it, and
//! the parts of the module made so far.

use proc_macro2::{Span, TokenStream};
use rustc_hash::FxHashMap;
use syn::{Expr, ExprReference, File, Item, ItemMacro};

use super::attributes::{marks_test, told};
use super::comments;
use super::macros::Expansion;
use super::macros::definitions::MacroDefinition;
use super::macros::rules::MAX_TOKENS;
use super::scope::{Frame, Scope};
use super::{Edition, span};
use crate::ir::{
    Const, Function, FunctionBuilder, FunctionId, FunctionKind, Language, LoadKind, Local, LocalKind, Lost, Module, Name, OpKind, Operation, Owner,
    Place, Range, StoreKind, Terminator,
};

/// Stack left when more is taken, and how much is taken, in bytes.
const STACK_RESERVE: usize = 256 * 1024;
const STACK_STEP: usize = 4 * 1024 * 1024;

/// The state of one file's lowering.
pub(super) struct Ctx<'s> {
    pub(super) source: &'s str,
    /// Where the file's tokens begin.
    first: usize,
    offsets: span::Offsets<'s>,
    pub(super) edition: Edition,
    pub(super) frame: Frame,
    /// The functions around [`Ctx::frame`], the module's own first.
    outer: Vec<Frame>,
    /// Of the items that are being lowered: `a::b`, `a::b::Bank`, `run.<locals>`.
    pub(super) scope: Name,
    /// What is being lowered stands under `#[cfg(test)]` or the like.
    pub(super) is_test: bool,
    /// The borrows in the initialisers of the current `let`s that extend what they borrow, and the scope they extend it to.
    pub(super) extended_borrows: FxHashMap<*const ExprReference, Option<usize>>,
    /// How many unknown macros the current tokens stand in.
    pub(super) macro_depth: usize,
    /// What `macro_rules!` defines, here or in files that are not seen, by name.
    pub(super) macros: FxHashMap<String, TokenStream>,
    /// Tokens of macros that may still be looked at.
    pub(super) macro_budget: usize,
    pub(super) expansion: Option<Expansion>,
    /// All but the functions.
    pub(super) module: Module,
    functions: Vec<Option<Function>>,
}

impl<'s> Ctx<'s> {
    pub(super) fn new(source: &'s str, offset: usize, edition: Edition) -> Self {
        let empty = Name::new("");
        let body = FunctionId(0);
        let b = FunctionBuilder::new(Name::new("<module>"), empty, FunctionKind::ModuleBody, Owner::Module, Range::new(0, source.len()));
        let module = Module {
            language: Language::Rust,
            imports: Vec::new(),
            classes: Vec::new(),
            functions: Vec::new(),
            globals: Vec::new(),
            impls: Vec::new(),
            aliases: Vec::new(),
            submodules: Vec::new(),
            body,
            directives: comments::read(source, offset),
            lost: Vec::new(),
        };
        Ctx {
            source,
            first: offset,
            offsets: span::Offsets::new(source, offset..source.len(), offset),
            edition,
            frame: Frame::new(b, body, false, empty),
            outer: Vec::new(),
            scope: empty,
            is_test: false,
            extended_borrows: FxHashMap::default(),
            macro_depth: 0,
            macros: FxHashMap::default(),
            macro_budget: MAX_TOKENS,
            expansion: None,
            module,
            functions: vec![None],
        }
    }

    /// The finished module.
    pub(super) fn finish(mut self) -> Module {
        let end = self.frame.b.function.range.end;
        self.frame.b.terminate(Terminator::Return(None), Range { start: end, end });
        let frame = self.frame;
        self.functions[frame.id.index()] = Some(frame.b.finish());
        self.module.functions = self.functions.into_iter().flatten().collect();
        self.module.lost.sort_by_key(|it| it.range);
        self.module.settle();
        self.module
    }

    /// Makes macros known that other files define. The file's own go before them.
    pub(super) fn know_macros(&mut self, definitions: &[std::sync::Arc<MacroDefinition>]) {
        let parsed = definitions.iter().filter_map(|it| Some((it.name.clone(), it.rules.parse().ok()?)));
        self.macros.extend(parsed);
    }

    /// Reads what the attributes of the whole file say.
    pub(super) fn head(&mut self, file: &File) {
        self.is_test = marks_test(&file.attrs);
        self.frame.b.function.told = told(&file.attrs);
    }

    /// From now on spans count in `piece` of the text.
    pub(super) fn enter(&mut self, piece: std::ops::Range<usize>) {
        self.offsets = span::Offsets::new(self.source, piece, self.first);
    }

    /// Notes what macros the items define, also those in inline modules.
    pub(super) fn define_macros(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Macro(it) => self.define_macro(it),
                Item::Mod(it) => self.deeper(|ctx| it.content.iter().for_each(|it| ctx.define_macros(&it.1))),
                _ => {}
            }
        }
    }

    pub(super) fn define_macro(&mut self, item: &ItemMacro) {
        if let Some(name) = item.ident.as_ref().filter(|_| item.mac.path.is_ident("macro_rules")) {
            self.macros.insert(name.to_string(), item.mac.tokens.clone());
        }
    }

    /// Whether what is being lowered stands in no function.
    pub(super) fn is_module_frame(&self) -> bool {
        self.outer.is_empty()
    }

    /// The id of a function that is about to be lowered.
    pub(super) fn reserve(&mut self) -> FunctionId {
        self.functions.push(None);
        FunctionId::from_index(self.functions.len() - 1)
    }

    /// Lowers a function: `body` runs with `frame` as the current one.
    pub(super) fn in_frame(&mut self, frame: Frame, body: impl FnOnce(&mut Self)) {
        let scope = std::mem::replace(&mut self.scope, frame.path);
        self.outer.push(std::mem::replace(&mut self.frame, frame));
        self.frame.push(Scope::variables());
        body(self);
        let parent = self.outer.pop().expect("pushed above, and every push has its pop");
        let done = std::mem::replace(&mut self.frame, parent);
        self.scope = scope;
        let is_lost = done.has_too_many_drops();
        let mut function = done.b.finish();
        if is_lost {
            self.lose(function.name_range, "too many variables are alive at too many exits");
            function.blocks.truncate(1);
            function.ops.clear();
            function.blocks[0].count = 0;
            function.blocks[0].terminator = Terminator::Unreachable;
        }
        self.functions[done.id.index()] = Some(function);
    }

    /// Lowers what belongs to the module's own body: the initialiser of a static or const, wherever it is declared.
    pub(super) fn at_module_level(&mut self, body: impl FnOnce(&mut Self)) {
        if self.outer.is_empty() {
            return body(self);
        }
        let between = self.outer.split_off(1);
        let module = self.outer.remove(0);
        let inner = std::mem::replace(&mut self.frame, module);
        body(self);
        self.outer.push(std::mem::replace(&mut self.frame, inner));
        self.outer.extend(between);
    }

    /// The variable that `name` means; one of a function around a closure is captured.
    pub(super) fn lookup(&mut self, name: Name) -> Option<Local> {
        if let Some(local) = self.frame.lookup(name) {
            return Some(local);
        }
        let mut sees = self.frame.captures;
        let mut index = self.outer.len();
        let mut local = loop {
            if !sees || index == 0 {
                return None;
            }
            index -= 1;
            sees = self.outer[index].captures;
            if let Some(local) = self.outer[index].lookup(name) {
                break local;
            }
        };
        for frame in self.outer[index + 1..].iter_mut().chain([&mut self.frame]) {
            local = frame.capture(name, local);
        }
        Some(local)
    }

    /// Runs `f` on more stack when it gets short. How deep syntax may nest is bounded before it is parsed.
    pub(super) fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        stacker::maybe_grow(STACK_RESERVE, STACK_STEP, || f(self))
    }

    pub(super) fn lose(&mut self, range: Range, reason: &str) {
        self.module.lost.push(Lost { range, reason: reason.to_string() });
    }

    // Ranges.

    pub(super) fn range(&self, span: Span) -> Range {
        self.range_between(span, span)
    }

    /// From the start of `first` to the end of `last`.
    pub(super) fn range_between(&self, first: Span, last: Span) -> Range {
        let (start, end) = (self.offsets.start(first), self.offsets.end(last));
        if let Some(Expansion { marker, call }) = self.expansion
            && (marker.as_usize().contains(&start) || end <= marker.as_usize().end)
        {
            return call;
        }
        Range::new(start, end.max(start))
    }

    pub(super) fn expr_range(&self, expr: &Expr) -> Range {
        self.range_between(span::first(expr), span::last(expr))
    }

    pub(super) fn text(&self, range: Range) -> &'s str {
        self.source.get(range.as_usize()).unwrap_or("")
    }

    // Ops.

    /// A value of which nothing is known, for code that does not go on.
    pub(super) fn never(&mut self) -> Local {
        self.frame.b.temp()
    }

    pub(super) fn unit(&mut self, range: Range) -> Local {
        self.frame.b.constant(Const::None, range)
    }

    pub(super) fn compute(&mut self, operation: Operation, operands: &[Local], range: Range) -> Local {
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Compute { dest, operation, operands: operands.into() }, range);
        dest
    }

    /// A value of which nothing is known.
    pub(super) fn unknown(&mut self, range: Range) -> Local {
        self.compute(Operation::Other, &[], range)
    }

    /// A new temporary that has to be dropped.
    pub(super) fn owned_temp(&mut self) -> Local {
        let local = self.frame.b.temp();
        self.frame.schedule(local);
        local
    }

    /// The value at `place`: the temporary itself when it is one, else a copy of or a move out of the place.
    pub(super) fn read(&mut self, place: Place, range: Range) -> Local {
        match place.as_local() {
            Some(local) if self.is_temporary(local) => local,
            _ => {
                let dest = self.owned_temp();
                self.frame.b.push(OpKind::Load { dest, place, kind: LoadKind::Value }, range);
                dest
            }
        }
    }

    pub(super) fn is_temporary(&self, local: Local) -> bool {
        self.frame.b.function.local(local).kind() == LocalKind::Temporary
    }

    pub(super) fn init(&mut self, local: Local, value: Local, range: Range) {
        self.frame.b.store(Place::local(local), value, StoreKind::Init, range);
    }

    /// Runs `f`; what temporaries it leaves are dropped after it.
    pub(super) fn terminating<T>(&mut self, end: Range, f: impl FnOnce(&mut Self) -> T) -> T {
        self.frame.push(Scope::temporaries());
        let result = f(self);
        self.frame.pop(end);
        result
    }
}
