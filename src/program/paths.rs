//! Where modules are: each file's place in its package or crate, by which imports and paths find it.
//!
//! Python modules are named by the packages their files stand in, Rust modules by their crate and their path below its
//! `src`, or by the `#[path]` that points at their file.

use std::path::{Component, Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::Linked;
use crate::ir::Language;
use crate::source::{Files, SourceFile};

/// Files that `#[path]` points at may point at others: so many times.
const MAX_PATH_ATTRIBUTES: usize = 8;

/// Where a module is in its package or crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModulePath {
    /// `package.module`, `crate_name::a::b`.
    pub name: String,
    /// A Python package's `__init__`: relative imports start in it, not beside it.
    pub is_package: bool,
    /// The folders of the file, for choosing the nearest of several modules of one name.
    pub(super) folders: Vec<String>,
}

/// Gives each module its path.
pub(super) fn name_modules(files: &Files, modules: &mut [Linked]) {
    let packages: FxHashSet<&Path> =
        files.iter().filter(|(_, it)| it.path.file_name().is_some_and(|it| it == "__init__.py")).filter_map(|(_, it)| it.path.parent()).collect();
    for linked in modules.iter_mut() {
        let file = files.get(linked.file);
        linked.path = match file.language {
            Language::Python => python_path(file, &|folder| packages.contains(folder)),
            Language::Rust => rust_path(file),
        };
    }
    follow_path_attributes(files, modules);
}

fn folders(path: &Path) -> Vec<String> {
    let parent = path.parent().unwrap_or(Path::new(""));
    parent
        .components()
        .filter_map(|it| match it {
            Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect()
}

fn python_path(file: &SourceFile, is_package: &dyn Fn(&Path) -> bool) -> ModulePath {
    let stem = file.path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let init = stem == "__init__";
    let mut parts = if init { Vec::new() } else { vec![stem] };
    let mut folder = file.path.parent();
    while let Some(here) = folder.filter(|it| is_package(it)) {
        let Some(name) = here.file_name() else { break };
        parts.push(name.to_string_lossy().into_owned());
        folder = here.parent();
    }
    parts.reverse();
    ModulePath { name: parts.join("."), is_package: init, folders: folders(&file.path) }
}

fn rust_path(file: &SourceFile) -> ModulePath {
    let stem = file.path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let all = folders(&file.path);
    let (mut name, inside) = match &file.crate_root {
        Some(root) => {
            let name = file.crate_name.clone().unwrap_or_else(|| stem.clone());
            match file.path.strip_prefix(root) {
                Ok(below) => (name, Some(folders(below))),
                // Examples, tests, build scripts: a crate each.
                Err(_) => (format!("{name}#{}", file.path.display()), None),
            }
        }
        // In no package: a folder called so holds the sources of what the one above it is called.
        None => match all.iter().rposition(|it| it == "src") {
            Some(at) => (all[..at].last().unwrap_or(&stem).clone(), Some(all[at + 1..].to_vec())),
            None => (stem.clone(), None),
        },
    };
    let mut parts = Vec::new();
    if let Some(mut inside) = inside {
        let is_root = matches!(stem.as_str(), "lib" | "main" | "mod");
        if inside.first().is_some_and(|it| it == "bin") {
            // `src/bin/tool.rs`, or `src/bin/tool/main.rs` and its modules.
            name = format!("{name}#{}", inside.get(1).unwrap_or(&stem));
            parts.extend((inside.len() > 1 && !is_root).then_some(stem));
            inside.drain(..inside.len().min(2));
        } else if !is_root {
            parts.push(stem);
        }
        inside.append(&mut parts);
        parts = inside;
    }
    parts.insert(0, name);
    ModulePath { name: parts.join("::"), is_package: false, folders: all }
}

/// Renames the modules of the files that `#[path = "…"] mod name;` points at to where they are declared. One that is
/// declared in several places stays in the first.
fn follow_path_attributes(files: &Files, modules: &mut [Linked]) {
    let declares = |it: &&Linked| it.ir.submodules.iter().any(|it| it.path.is_some());
    if !modules.iter().any(|it| declares(&it)) {
        return;
    }
    let by_file: FxHashMap<&Path, usize> = modules.iter().enumerate().map(|(index, it)| (files.get(it.file).path.as_path(), index)).collect();
    let mut renamed: FxHashSet<usize> = FxHashSet::default();
    // Such a file may point at others in turn.
    for _ in 0..MAX_PATH_ATTRIBUTES {
        let mut found: Vec<(usize, String)> = Vec::new();
        for linked in modules.iter().filter(declares) {
            let Some(folder) = files.get(linked.file).path.parent() else { continue };
            for submodule in &linked.ir.submodules {
                let Some(path) = &submodule.path else { continue };
                // In an inline module the path begins in the folder called so.
                let mut target = folder.to_path_buf();
                target.extend(submodule.scope.segments());
                target.push(path);
                if let Some(index) = by_file.get(normalized(&target).as_path()).filter(|it| !renamed.contains(it)) {
                    let scope = submodule.scope.segments().chain([submodule.name.as_str()]).collect::<Vec<_>>().join("::");
                    found.push((*index, format!("{}::{scope}", linked.path.name)));
                }
            }
        }
        if found.is_empty() {
            break;
        }
        for (index, name) in found {
            if renamed.insert(index) {
                modules[index].path.name = name;
            }
        }
    }
}

/// Without `.` and `..`: the folders before them are real, their links were resolved.
fn normalized(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_file_has_its_place_in_its_crate() {
        let path = |file: &str, root: Option<&str>| {
            let mut it = SourceFile::from_text(file, "", Language::Rust);
            it.path = file.into();
            it.crate_root = root.map(Into::into);
            it.crate_name = root.map(|_| "tool".to_string());
            rust_path(&it).name
        };
        let of = |file: &str| path(file, Some("/p/src"));
        assert_eq!(of("/p/src/lib.rs"), "tool");
        assert_eq!(of("/p/src/a/b.rs"), "tool::a::b");
        assert_eq!(of("/p/src/a/mod.rs"), "tool::a");
        assert_eq!(of("/p/src/bin/x.rs"), "tool#x");
        assert_eq!(of("/p/src/bin/x/main.rs"), "tool#x");
        assert_eq!(of("/p/src/bin/x/a/b.rs"), "tool#x::a::b");
        // A folder of the package that is no part of the crate, whatever it holds.
        assert_eq!(of("/p/bench/load/src/main.rs"), "tool#/p/bench/load/src/main.rs");
        assert_eq!(path("/p/lib/b.rs", Some("/p/lib")), "tool::b");
        assert_eq!(path("/p/src/a.rs", None), "p::a");
        assert_eq!(path("a.rs", None), "a");
    }
}
