//! What concerns a module because of what stands in its own package, or in a module that imports it.

use rustc_hash::FxHashMap;

use super::{Mod, Program};
use crate::finding::Location;
use crate::ir::Language;

/// For each module the nearest of some places: its own, else the first of the folder it stands in (of its crate), else
/// the first of a module that imports it.
pub(super) fn nearest(program: &Program<'_>, own: &FxHashMap<Mod, Location>) -> Vec<Option<Location>> {
    let modules = || (0..program.modules.len() as u32).map(Mod);
    let sources: Vec<(Mod, Location)> = modules().filter_map(|it| own.get(&it).map(|at| (it, *at))).collect();
    let mut of_folder: FxHashMap<(Language, &str), Location> = FxHashMap::default();
    let mut of_importer: FxHashMap<Mod, Location> = FxHashMap::default();
    for (module, at) in &sources {
        of_folder.entry(folder(program, *module)).or_insert(*at);
        for imported in program.imported(*module) {
            of_importer.entry(imported).or_insert(*at);
        }
    }
    let around = |it: Mod| of_folder.get(&folder(program, it)).or(of_importer.get(&it));
    modules().map(|it| own.get(&it).or_else(|| around(it)).copied()).collect()
}

/// The Python package that a module is of, or stands for; the crate of a Rust one.
fn folder<'p>(program: &'p Program<'_>, module: Mod) -> (Language, &'p str) {
    let linked = program.module(module);
    let name = linked.path.name.as_str();
    let folder = match linked.ir.language {
        Language::Python if linked.path.is_package => name,
        Language::Python => name.rsplit_once('.').map_or(name, |it| it.0),
        Language::Rust => name.split("::").next().unwrap_or(name),
    };
    (linked.ir.language, folder)
}
