//! Macros that take locks, for the files that call them: `lock!(self.state)`, where `macro_rules! lock` stands in another
//! file of the crate, or is exported by another crate of the program.
//!
//! A macro of another file that takes no lock, itself or by a macro it calls, stays a call of which nothing is known: what
//! it becomes would say nothing here, and every change of it would make its callers new.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{Catalog, Effect, LockKind};
use crate::frontend::rust::{MacroDefinition, macro_definitions, macro_use_modules};
use crate::ir::Language;
use crate::source::{Files, SourceFile};

/// Macros by name; none where several files define different ones of it.
type ByName = FxHashMap<String, Option<Arc<MacroDefinition>>>;

/// The macros that take locks.
#[derive(Debug, Default)]
pub(super) struct Macros {
    /// By the root of the crate.
    own: FxHashMap<Option<PathBuf>, ByName>,
    exported: ByName,
    calls: Option<Calls>,
}

impl Macros {
    /// Gathers them from the texts of all files.
    pub fn gather(files: &Files, catalog: &Catalog) -> Macros {
        let rust: Vec<&SourceFile> = files.iter().map(|it| it.1).filter(|it| it.language == Language::Rust).collect();
        let defined: Vec<(&SourceFile, MacroDefinition)> =
            rust.par_iter().flat_map_iter(|file| macro_definitions(file.text()).into_iter().map(|it| (*file, it))).collect();
        let opened: FxHashSet<(&Option<PathBuf>, String)> =
            rust.par_iter().flat_map_iter(|file| macro_use_modules(file.text()).into_iter().map(|it| (&file.crate_root, it))).collect();
        let locking = locking(&defined, catalog);
        let mut macros = Macros { calls: Calls::of(&locking), ..Macros::default() };
        for (file, definition) in defined.into_iter().filter(|it| locking.contains(&it.1.name)) {
            let definition = Arc::new(definition);
            if definition.exported {
                add(&mut macros.exported, &definition);
            }
            // Others stay in their file.
            let module = module_name(file);
            let is_above = matches!(module.as_str(), "lib" | "main" | "mod");
            if definition.exported || definition.used || is_above || opened.contains(&(&file.crate_root, module)) {
                add(macros.own.entry(file.crate_root.clone()).or_default(), &definition);
            }
        }
        macros
    }

    /// Those that the text of the file calls, and that these call in turn, by name.
    pub fn of(&self, file: &SourceFile, text: &str) -> Vec<Arc<MacroDefinition>> {
        let Some(calls) = self.calls.as_ref().filter(|_| file.language == Language::Rust) else { return Vec::new() };
        let own = self.own.get(&file.crate_root);
        let defined = |name: &str| own.and_then(|it| it.get(name)).or_else(|| self.exported.get(name)).cloned().flatten();
        let mut found: BTreeMap<String, Arc<MacroDefinition>> = BTreeMap::new();
        let mut work: Vec<String> = calls.in_text(text).map(str::to_string).collect();
        while let Some(name) = work.pop() {
            if let Some(definition) = defined(&name).filter(|_| !found.contains_key(&name)) {
                work.extend(calls.in_text(&definition.rules).map(str::to_string));
                found.insert(name, definition);
            }
        }
        found.into_values().collect()
    }
}

/// What the module of a file is called by its file; `mod.rs` and the roots of crates come before the modules below them.
fn module_name(file: &SourceFile) -> String {
    file.path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

fn add(macros: &mut ByName, definition: &Arc<MacroDefinition>) {
    macros
        .entry(definition.name.clone())
        .and_modify(|known| *known = known.take().filter(|it| it.rules == definition.rules))
        .or_insert_with(|| Some(definition.clone()));
}

/// Finds calls of macros by their names.
#[derive(Debug)]
struct Calls {
    /// Of `name!`.
    finder: AhoCorasick,
    names: Vec<String>,
}

impl Calls {
    fn of<'n>(names: impl IntoIterator<Item = &'n String>) -> Option<Calls> {
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        names.sort_unstable();
        let finder = AhoCorasick::new(names.iter().map(|it| format!("{it}!"))).ok().filter(|_| !names.is_empty())?;
        Some(Calls { finder, names })
    }

    /// The names of the macros that the text may call, some of them more than once.
    fn in_text<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let is_whole = move |at: usize| !text[..at].ends_with(is_of_name);
        self.finder.find_overlapping_iter(text).filter(move |it| is_whole(it.start())).map(|it| self.names[it.pattern().as_usize()].as_str())
    }
}

fn is_of_name(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// The names of the macros that take a lock, themselves or by those they call.
fn locking(defined: &[(&SourceFile, MacroDefinition)], catalog: &Catalog) -> FxHashSet<String> {
    let locks = catalog.tables.lock.iter().filter(|it| it.kind != LockKind::Sharded);
    let takes = |effect: Effect| matches!(effect, Effect::Acquire | Effect::TryAcquire);
    let methods: FxHashSet<String> =
        locks.flat_map(|it| &it.methods).filter(|it| takes(it.effect) && !it.momentary).map(|it| format!(".{}", it.name)).collect();
    let Ok(finder) = AhoCorasick::new(&methods) else { return FxHashSet::default() };
    let takes_lock = |rules: &str| finder.find_overlapping_iter(rules).any(|it| !rules[it.end()..].starts_with(is_of_name));
    let (takers, mut others): (Vec<_>, Vec<_>) = defined.iter().map(|it| &it.1).partition(|it| takes_lock(&it.rules));
    let mut locking: FxHashSet<String> = takers.into_iter().map(|it| it.name.clone()).collect();
    let mut found = Calls::of(&locking);
    while let Some(calls) = found {
        let (callers, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|it| calls.in_text(&it.rules).next().is_some());
        let names: FxHashSet<String> = callers.into_iter().map(|it| it.name.clone()).filter(|it| !locking.contains(it)).collect();
        found = Calls::of(&names);
        locking.extend(names);
        others = rest;
    }
    locking
}
