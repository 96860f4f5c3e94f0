//! What `Cargo.toml` says of a Rust file: edition, where the crate's sources are, crate name.
//!
//! Each manifest is read once. Nothing is asked of Cargo itself: the keys needed are few, and a tree that does not
//! build has to be read all the same.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::discover::name_of;
use crate::frontend::rust::Edition;

/// What is known of a file's package. Outside any package: the newest edition, and no sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    pub edition: Edition,
    /// The directory of the crate's root module: `src`, or where `lib.path` is.
    pub sources: Option<PathBuf>,
    pub crate_name: Option<String>,
}

/// The edition of a year: `2021`.
pub fn parse_edition(year: &str) -> Option<Edition> {
    match year {
        "2015" => Some(Edition::E2015),
        "2018" => Some(Edition::E2018),
        "2021" => Some(Edition::E2021),
        "2024" => Some(Edition::E2024),
        _ => None,
    }
}

/// The keys read of a manifest. Values of the wrong type are for Cargo to complain of, so they are taken as they are.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    package: Option<toml::Table>,
    workspace: Option<toml::Table>,
    lib: Option<toml::Table>,
}

/// The manifests met so far, by directory.
#[derive(Debug, Default)]
pub struct Manifests {
    /// What the notes' paths are relative to.
    here: PathBuf,
    /// The package of the files that lie in a directory.
    packages: FxHashMap<PathBuf, Package>,
    /// The directory's own manifest; none if there is none or if it cannot be read.
    manifests: FxHashMap<PathBuf, Option<Rc<Manifest>>>,
    notes: Vec<String>,
}

impl Manifests {
    /// No manifests yet; notes will name files relative to `here`.
    pub fn new(here: PathBuf) -> Self {
        Manifests { here, ..Manifests::default() }
    }

    /// The package of the file at `path`, which is absolute.
    pub fn package_of(&mut self, path: &Path) -> Package {
        let mut passed = Vec::new();
        let mut package = Package::default();
        for directory in path.ancestors().skip(1) {
            if let Some(known) = self.packages.get(directory) {
                package = known.clone();
                break;
            }
            passed.push(directory);
            if let Some(found) = self.package_at(directory) {
                package = found;
                break;
            }
        }
        self.packages.extend(passed.into_iter().map(|it| (it.to_path_buf(), package.clone())));
        package
    }

    pub fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// The package whose manifest lies in `directory`.
    fn package_at(&mut self, directory: &Path) -> Option<Package> {
        let file = directory.join("Cargo.toml");
        let Some(manifest) = self.manifest(directory) else {
            // It is there but says nothing: a package all the same, of an edition that most code is written in.
            let broken = Package { edition: Edition::E2021, sources: Some(directory.join("src")), crate_name: None };
            return file.is_file().then_some(broken);
        };
        let Some(package) = &manifest.package else {
            // A workspace that is no package: its files belong to none, but its packages share an edition.
            let year = workspace_edition(&manifest)?;
            return Some(Package { edition: self.known_edition(year, &file), ..Package::default() });
        };
        let edition = match package.get("edition") {
            None => Edition::E2015,
            Some(toml::Value::String(year)) => self.known_edition(year, &file),
            Some(_) => self.inherited_edition(directory, package, &file),
        };
        let name = |table: Option<&toml::Table>| table?.get("name")?.as_str().map(|it| it.replace('-', "_"));
        let crate_name = name(manifest.lib.as_ref()).or_else(|| name(Some(package)));
        let root_module = manifest.lib.as_ref().and_then(|it| it.get("path")?.as_str());
        let sources = root_module.and_then(|it| Path::new(it).parent()).unwrap_or(Path::new("src"));
        Some(Package { edition, sources: Some(directory.join(sources)), crate_name })
    }

    /// `edition.workspace = true`: the edition of the workspace root, which `package.workspace` names or which is the
    /// nearest manifest above that has a `[workspace]`.
    fn inherited_edition(&mut self, directory: &Path, package: &toml::Table, file: &Path) -> Edition {
        let named = package.get("workspace").and_then(toml::Value::as_str).map(|it| directory.join(it));
        let roots: Vec<&Path> = match &named {
            Some(root) => vec![root],
            None => directory.ancestors().collect(),
        };
        for root in roots {
            if let Some(manifest) = self.manifest(root).filter(|it| it.workspace.is_some()) {
                return workspace_edition(&manifest).map_or(Edition::E2015, |year| self.known_edition(year, &root.join("Cargo.toml")));
            }
        }
        self.notes.push(format!("{}: the edition is inherited, but no workspace is found; edition 2021 is assumed", name_of(file, &self.here)));
        Edition::E2021
    }

    fn known_edition(&mut self, year: &str, file: &Path) -> Edition {
        parse_edition(year).unwrap_or_else(|| {
            self.notes.push(format!("{}: edition {year:?} is not known; 2024 is assumed", name_of(file, &self.here)));
            Edition::E2024
        })
    }

    fn manifest(&mut self, directory: &Path) -> Option<Rc<Manifest>> {
        if let Some(known) = self.manifests.get(directory) {
            return known.clone();
        }
        let file = directory.join("Cargo.toml");
        let manifest = if file.is_file() {
            match parse(&file) {
                Ok(manifest) => Some(Rc::new(manifest)),
                Err(why) => {
                    self.notes.push(format!("{}: {why}; edition 2021 is assumed", name_of(&file, &self.here)));
                    None
                }
            }
        } else {
            None
        };
        self.manifests.insert(directory.to_path_buf(), manifest.clone());
        manifest
    }
}

fn workspace_edition(manifest: &Manifest) -> Option<&str> {
    manifest.workspace.as_ref()?.get("package")?.as_table()?.get("edition")?.as_str()
}

fn parse(file: &Path) -> Result<Manifest, String> {
    let (text, _) = super::read::read(file, crate::ir::Language::Rust)?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or("not TOML").to_string();
        line.map_or(message.clone(), |line| format!("line {line}: {message}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `files` to a fresh directory and gives the package of `of` in it, its root relative, with the notes.
    fn check(files: &[(&str, &str)], of: &str) -> (Package, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut manifests = Manifests::new(directory.path().to_path_buf());
        let mut package = manifests.package_of(&directory.path().join(of));
        package.sources = package.sources.map(|it| it.strip_prefix(directory.path()).unwrap().to_path_buf());
        (package, manifests.into_notes())
    }

    fn package(edition: Edition, sources: &str, name: &str) -> Package {
        Package { edition, sources: Some(sources.into()), crate_name: Some(name.into()) }
    }

    #[test]
    fn the_nearest_package_counts() {
        let files =
            [("Cargo.toml", "[package]\nname = 'outer'\nedition = '2024'"), ("in/Cargo.toml", "[package]\nname = 'in-ner'\nedition = '2018'")];
        assert_eq!(check(&files, "in/src/lib.rs"), (package(Edition::E2018, "in/src", "in_ner"), vec![]));
        assert_eq!(check(&files, "src/lib.rs"), (package(Edition::E2024, "src", "outer"), vec![]));
    }

    #[test]
    fn no_edition_is_2015_and_no_package_the_newest() {
        let files = [("a/Cargo.toml", "[package]\nname = 'a'\n[lib]\nname = 'core_a'")];
        assert_eq!(check(&files, "a/src/lib.rs"), (package(Edition::E2015, "a/src", "core_a"), vec![]));
        assert_eq!(check(&files, "b.rs"), (Package::default(), vec![]));
    }

    #[test]
    fn a_library_may_lie_anywhere() {
        let files = [("a/Cargo.toml", "[package]\nname = 'a'\nedition = '2021'\n[lib]\npath = 'rust/lib.rs'")];
        assert_eq!(check(&files, "a/rust/b.rs").0, package(Edition::E2021, "a/rust", "a"));
        let files = [("a/Cargo.toml", "[package]\nname = 'a'\nedition = '2021'\n[lib]\npath = 'lib.rs'")];
        assert_eq!(check(&files, "a/b.rs").0.sources, Some("a".into()));
    }

    #[test]
    fn the_edition_is_inherited() {
        let member = "[package]\nname = 'm'\nedition.workspace = true";
        let files = [("Cargo.toml", "[workspace]\npackage.edition = '2021'"), ("m/Cargo.toml", member)];
        assert_eq!(check(&files, "m/src/lib.rs"), (package(Edition::E2021, "m/src", "m"), vec![]));
        assert_eq!(check(&files, "x.rs").0, Package { edition: Edition::E2021, ..Package::default() });
        let named = format!("{member}\nworkspace = '../w'");
        let files = [("w/Cargo.toml", "[workspace.package]\nedition = '2018'"), ("m/Cargo.toml", &named)];
        assert_eq!(check(&files, "m/src/lib.rs").0.edition, Edition::E2018);
    }

    #[test]
    fn what_cannot_be_read_is_noted() {
        let (package, notes) = check(&[("Cargo.toml", "[package]\nname = \n")], "src/lib.rs");
        assert_eq!((package.edition, package.sources), (Edition::E2021, Some("src".into())));
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("Cargo.toml: line 2: ") && notes[0].ends_with("edition 2021 is assumed"), "{notes:?}");
        let (package, notes) = check(&[("Cargo.toml", "[package]\nname = 'a'\nedition = '2031'")], "a.rs");
        assert_eq!(package.edition, Edition::E2024);
        assert_eq!(notes, ["Cargo.toml: edition \"2031\" is not known; 2024 is assumed"]);
    }
}
