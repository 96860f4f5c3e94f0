//! The project that a file belongs to: what is read for context when only some of its files are named.

use std::path::{Path, PathBuf};

/// What lies at the top of a project.
const MARKERS: &[&str] = &["lockset.toml", "pyproject.toml", "Cargo.toml", ".git"];

/// The directory of the project that `file` (absolute, its links resolved) is in: the nearest one above it with a marker;
/// for a Cargo package that belongs to a workspace, the workspace. None where there is no marker, or only one in the
/// home directory or in the root of the file system, which are no projects however they are kept.
pub fn project_of(file: &Path) -> Option<PathBuf> {
    let home = std::env::home_dir().and_then(|it| it.canonicalize().ok());
    project_below(file, home.as_deref())
}

fn project_below(file: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let above: Vec<&Path> = file.ancestors().skip(1).take_while(|it| it.parent().is_some() && Some(*it) != home).collect();
    let has = |directory: &Path, marker: &str| directory.join(marker).exists();
    let nearest = above.iter().position(|it| MARKERS.iter().any(|marker| has(it, marker)))?;
    let is_package = !has(above[nearest], "lockset.toml") && has(above[nearest], "Cargo.toml");
    // A repository is as far as a workspace reaches.
    let end = above.iter().position(|it| has(it, ".git")).map_or(above.len(), |it| it + 1);
    let workspace = above[nearest..end.max(nearest)].iter().rev().find(|it| is_package && is_workspace(it));
    Some(workspace.unwrap_or(&above[nearest]).to_path_buf())
}

fn is_workspace(directory: &Path) -> bool {
    let text = super::read::read(&directory.join("Cargo.toml"), crate::ir::Language::Rust);
    text.is_ok_and(|(text, _)| text.parse::<toml::Table>().is_ok_and(|it| it.contains_key("workspace")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The project of `of` in a tree with `files` (a name that ends with `!` is a workspace's manifest), in which `home`
    /// is the home directory.
    fn check(files: &[&str], of: &str) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        for name in files {
            let path = base.join("home").join(name.trim_end_matches('!'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, if name.ends_with('!') { "[workspace]\n" } else { "" }).unwrap();
        }
        let home = base.join("home");
        let project = project_below(&home.join(of), Some(&home))?;
        Some(project.strip_prefix(&home).unwrap().to_str().unwrap().to_string())
    }

    #[test]
    fn the_nearest_marker() {
        assert_eq!(check(&["p/pyproject.toml", "p/.git"], "p/src/app/a.py").as_deref(), Some("p"));
        assert_eq!(check(&["p/.git", "p/one/pyproject.toml"], "p/one/a.py").as_deref(), Some("p/one"));
        assert_eq!(check(&["p/.git", "p/one/pyproject.toml"], "p/two/a.py").as_deref(), Some("p"));
        assert_eq!(check(&["p/lockset.toml", "p/x/y"], "p/x/a.py").as_deref(), Some("p"));
    }

    #[test]
    fn a_package_belongs_to_its_workspace() {
        assert_eq!(check(&["w/Cargo.toml!", "w/crates/a/Cargo.toml"], "w/crates/a/src/lib.rs").as_deref(), Some("w"));
        assert_eq!(check(&["w/Cargo.toml", "w/a/Cargo.toml"], "w/a/src/lib.rs").as_deref(), Some("w/a"));
        assert_eq!(check(&["w/Cargo.toml!", "w/a/.git", "w/a/Cargo.toml"], "w/a/src/lib.rs").as_deref(), Some("w/a"));
        assert_eq!(check(&["w/Cargo.toml!", "w/a/Cargo.toml", "w/a/lockset.toml"], "w/a/src/lib.rs").as_deref(), Some("w/a"));
    }

    #[test]
    fn a_home_directory_is_no_project() {
        assert_eq!(check(&[".git", "Cargo.toml!"], "notes/a.py"), None);
        assert_eq!(check(&["x/y"], "x/a.py"), None);
    }
}
