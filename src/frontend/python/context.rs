//! What is carried through the lowering of one file: the function under construction, the functions around it, and
//! the parts of the module made so far.

use std::cell::OnceCell;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::define::joined;
use super::exits::Scope;
use super::repair::Parsed;
use super::scope::{Bindings, File, Home, bindings};
use super::syntax::Node;
use super::{STACK_RESERVE, STACK_STEP};
use crate::ir::{
    Class, ClassId, Const, Directive, Function, FunctionBuilder, FunctionId, FunctionKind, Global, GlobalKind, Import, Language, Local, Lost, Module,
    Name, OpKind, Operation, Owner, Range, Terminator, TypeAlias, TypeRef,
};
use crate::source;

/// How deep statements and expressions may nest. CPython stops at 100 levels of indentation and 200 of brackets.
const MAX_DEPTH: usize = 2_000;

/// How deep functions and classes may nest; a captured variable costs a local in each.
pub(super) const MAX_FUNCTIONS: usize = 100;

/// What kind of scope a function's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Module,
    Class(ClassId),
    Function,
}

/// One function under construction.
pub(super) struct Frame<'t> {
    pub(super) b: FunctionBuilder,
    pub(super) id: FunctionId,
    pub(super) kind: FrameKind,
    pub(super) bindings: Bindings<'t>,
    /// The loop variables of the comprehensions around the current expression, innermost last.
    pub(super) comprehensions: Vec<FxHashMap<Name, Local>>,
    /// Variables of functions around this one that it uses.
    pub(super) captures: FxHashMap<Name, Local>,
    /// What a jump out of here has to pass, innermost last.
    pub(super) exits: Vec<Scope<'t>>,
    /// Holds the value of a `return` on its way through `finally`.
    pub(super) returned: Option<Local>,
    /// What [`Frame::path`] gives for a function: few have definitions.
    path: OnceCell<Name>,
}

/// A definition that was lowered already: a `finally` body is lowered several times, what it defines once.
#[derive(Clone, Copy)]
pub(super) enum Defined {
    Function(FunctionId),
    Class(ClassId),
}

/// The state of one file's lowering.
pub(super) struct Ctx<'t> {
    pub(super) source: &'t str,
    root: Node<'t>,
    pub(super) file: File<'t>,
    /// The placeholders of broken units that were replaced, by offset.
    pub(super) grafted: FxHashSet<u32>,
    pub(super) frame: Frame<'t>,
    /// The functions around [`Ctx::frame`], the module's own first.
    pub(super) outer: Vec<Frame<'t>>,
    pub(super) classes: Vec<Class>,
    pub(super) imports: Vec<Import>,
    pub(super) aliases: Vec<TypeAlias>,
    /// Names that functions declare `global` and bind, and where.
    pub(super) declared_globals: IndexMap<Name, Range, FxBuildHasher>,
    pub(super) global_types: FxHashMap<Name, TypeRef>,
    /// Fields whose types were found.
    pub(super) declared_fields: FxHashSet<(ClassId, Name)>,
    /// What `finally` bodies define, by range.
    pub(super) defined: FxHashMap<Range, Defined>,
    /// How many `finally` bodies the current statement stands in.
    pub(super) finally_depth: usize,
    /// How many more bytes of `finally` bodies may be lowered again.
    pub(super) copy_budget: usize,
    functions: Vec<Option<Function>>,
    lost: Vec<Lost>,
    depth: usize,
}

impl<'t> Frame<'t> {
    pub(super) fn new(b: FunctionBuilder, id: FunctionId, kind: FrameKind, bindings: Bindings<'t>) -> Self {
        Frame {
            b,
            id,
            kind,
            bindings,
            comprehensions: Vec::new(),
            captures: FxHashMap::default(),
            exits: Vec::new(),
            returned: None,
            path: OnceCell::new(),
        }
    }
}

impl Frame<'_> {
    /// The scope of what is defined in here: `Metrics`, `outer.<locals>`.
    pub(super) fn path(&self) -> Name {
        let function = &self.b.function;
        match self.kind {
            FrameKind::Module | FrameKind::Class(_) => function.scope,
            FrameKind::Function => *self.path.get_or_init(|| Name::concat(&[joined(function.scope, function.name).as_str(), ".<locals>"])),
        }
    }

    fn finish(mut self) -> Function {
        self.b.skip_empty_blocks();
        self.b.finish()
    }
}

impl<'t> Ctx<'t> {
    pub(super) fn new(source: &'t str, parsed: &'t Parsed) -> Self {
        let root = parsed.tree.root();
        let file = File::new(source, parsed);
        let empty = Name::new("");
        let range = Range::new(0, source.len());
        let b = FunctionBuilder::new(Name::new("<module>"), empty, FunctionKind::ModuleBody, Owner::Module, range);
        let frame = Frame::new(b, FunctionId(0), FrameKind::Module, bindings(root, &file));
        Ctx {
            source,
            root,
            file,
            grafted: FxHashSet::default(),
            frame,
            outer: Vec::new(),
            classes: Vec::new(),
            imports: Vec::new(),
            aliases: Vec::new(),
            declared_globals: IndexMap::default(),
            global_types: FxHashMap::default(),
            declared_fields: FxHashSet::default(),
            defined: FxHashMap::default(),
            finally_depth: 0,
            copy_budget: source.len() + 64 * 1024,
            functions: vec![None],
            lost: Vec::new(),
            depth: 0,
        }
    }

    /// Lowers the whole file.
    pub(super) fn module(mut self) -> Module {
        let root = self.root;
        self.collect_imports();
        self.frame.b.function.told = self.told(root);
        self.whole_tree(root);
        self.end_of_body(self.frame.b.function.range);
        self.lose_placeholders();
        let globals = self.globals();
        let directives = self.directives();
        let body = FunctionId(0);
        self.functions[body.index()] = Some(self.frame.finish());
        self.lost.sort_by_key(|it| it.range);
        self.lost.dedup();
        let mut module = Module {
            language: Language::Python,
            imports: self.imports,
            classes: self.classes,
            functions: self.functions.into_iter().flatten().collect(),
            globals,
            impls: Vec::new(),
            aliases: self.aliases,
            submodules: Vec::new(),
            body,
            directives,
            lost: self.lost,
        };
        module.settle();
        module
    }

    /// What the comments say of the code.
    fn directives(&self) -> Vec<Directive> {
        let comments = self.root.comments();
        let text = |it: &Range| self.source.get(it.as_usize()).unwrap_or("");
        if !comments.iter().any(|it| source::speaks(text(it))) {
            return Vec::new();
        }
        let comment_at = |at| source::comment_at(comments, at);
        let mut directives = source::directives(self.source, comment_at);
        directives.extend(source::prose(self.source, comment_at));
        directives
    }

    /// The variables of the module: what its own statements bind, then what only functions do.
    fn globals(&mut self) -> Vec<Global> {
        let names = std::mem::take(&mut self.frame.bindings.names);
        let defined = |name: &Name| names.get(name).is_some_and(|it| it.definition || it.import);
        let own = names.iter().filter(|(_, it)| it.variable).map(|(name, it)| (*name, it.range));
        let declared = self.declared_globals.iter().filter(|(name, _)| names.get(*name).is_none_or(|it| !it.variable)).map(|(name, it)| (*name, *it));
        let global = |(name, range)| Global {
            name,
            scope: Name::new(""),
            kind: GlobalKind::Variable,
            mutable: false,
            ty: self.global_types.get(&name).cloned(),
            attributes: Vec::new(),
            is_test: false,
            range,
        };
        own.chain(declared).filter(|(name, _)| !defined(name)).map(global).collect()
    }

    /// The id of a function that is about to be lowered.
    pub(super) fn reserve(&mut self) -> FunctionId {
        self.functions.push(None);
        FunctionId::from_index(self.functions.len() - 1)
    }

    /// Lowers a function: `body` runs with `frame` as the current one.
    pub(super) fn in_frame(&mut self, frame: Frame<'t>, body: impl FnOnce(&mut Self)) {
        let parent = std::mem::replace(&mut self.frame, frame);
        self.outer.push(parent);
        self.collect_imports();
        self.collect_globals();
        body(self);
        let parent = self.outer.pop().expect("pushed above, and every push has its pop");
        let done = std::mem::replace(&mut self.frame, parent);
        let id = done.id;
        self.functions[id.index()] = Some(done.finish());
    }

    fn collect_globals(&mut self) {
        let declared = self.frame.bindings.names.iter().filter(|(_, it)| it.home == Home::Module && it.variable);
        for (name, binding) in declared {
            self.declared_globals.entry(*name).or_insert(binding.range);
        }
    }

    /// Ends the current function after its last statement.
    pub(super) fn end_of_body(&mut self, range: Range) {
        self.frame.b.terminate(Terminator::Return(None), Range { start: range.end, end: range.end });
    }

    /// Runs `f` one level deeper, on more stack when it gets short; gives none, and notes the loss, when `node` is
    /// nested too deeply.
    pub(super) fn deeper<T>(&mut self, node: Node<'t>, f: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.lose(node.range(), "nested too deeply");
            return None;
        }
        self.depth += 1;
        let result = stacker::maybe_grow(STACK_RESERVE, STACK_STEP, || f(self));
        self.depth -= 1;
        Some(result)
    }

    pub(super) fn lose(&mut self, range: Range, reason: &str) {
        // The parser's errors may end inside a character.
        let is_between = |it: &usize| self.source.is_char_boundary(*it);
        let std::ops::Range { start, end } = range.as_usize();
        let start = (0..=start).rev().find(is_between).unwrap_or(0);
        let range = Range::new(start, (end..self.source.len()).find(is_between).unwrap_or(self.source.len()));
        self.lost.push(Lost { range, reason: reason.to_string() });
    }

    pub(super) fn name(&self, node: Node<'t>) -> Name {
        node.name(self.source)
    }

    pub(super) fn constant_op(&mut self, value: Const, range: Range) -> Local {
        self.frame.b.constant(value, range)
    }

    /// A value computed from `operands`.
    pub(super) fn compute(&mut self, operation: Operation, operands: &[Local], range: Range) -> Local {
        let dest = self.frame.b.temp();
        self.frame.b.push(OpKind::Compute { dest, operation, operands: operands.into() }, range);
        dest
    }

    /// A value of which nothing is known.
    pub(super) fn unknown(&mut self, range: Range) -> Local {
        self.compute(Operation::Other, &[], range)
    }
}
