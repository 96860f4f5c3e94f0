//! What the tool knows of libraries, as data: `rust.toml` and `python.toml`.
//!
//! A row says what a type or function *does*; which code does something with it is for the program and the analysis.
//! Rows are found by path ([`Catalog::lock`] and kin): the full path a name resolves to (`threading.Lock`,
//! `std::sync::Mutex`), never a bare last segment. A project's own rows extend the tables
//! ([`Catalogs::extended`]).

mod extend;
mod rows;
#[cfg(test)]
mod tests;

pub use extend::{Catalogs, Row as OwnRow, Rows};
pub use rows::{
    Atomic, Blocking, BlockingKind, Concurrency, Confined, Container, Effect, Handler, Interpreter, Lock, LockKind, LockMethod, Mode, Passing,
    Returns, Scope, Spawn, Tables, Wrapper,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{Language, Name};

/// What a path is, in one language's tables.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    Lock(&'a Lock),
    Spawn(&'a Spawn),
    Container(&'a Container),
    Wrapper(&'a Wrapper),
    Atomic(&'a Atomic),
    Confined(&'a Confined),
}

/// One language's tables, indexed by path.
#[derive(Debug)]
pub struct Catalog {
    pub language: Language,
    pub tables: Tables,
    /// What the project's own rows name. It is what they say, even where the program has its source.
    own: FxHashSet<Name>,
    by_path: FxHashMap<Name, Vec<Kind>>,
    guards: FxHashMap<Name, usize>,
    /// The paths directly above the rows' and the guards'.
    parents: FxHashSet<Name>,
    returns: FxHashMap<Name, Name>,
    blocking: FxHashMap<Name, usize>,
    /// The same for methods, by type and name.
    blocking_methods: FxHashMap<(Name, Name), usize>,
    spawning: FxHashMap<Name, usize>,
    /// What methods run and give, by type and name.
    spawn_methods: FxHashMap<(Name, Name), usize>,
    returns_methods: FxHashMap<(Name, Name), Name>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Lock(usize),
    Spawn(usize),
    Container(usize),
    Wrapper(usize),
    Atomic(usize),
    Confined(usize),
}

impl Catalog {
    /// The built-in tables of `language`.
    pub fn builtin(language: Language) -> &'static Catalog {
        use std::sync::LazyLock;
        static PYTHON: LazyLock<Catalog> =
            LazyLock::new(|| Catalog::parse(Language::Python, include_str!("python.toml")).expect("a test parses the built-in tables"));
        static RUST: LazyLock<Catalog> =
            LazyLock::new(|| Catalog::parse(Language::Rust, include_str!("rust.toml")).expect("a test parses the built-in tables"));
        match language {
            Language::Python => &PYTHON,
            Language::Rust => &RUST,
        }
    }

    /// Reads tables from TOML text.
    pub fn parse(language: Language, text: &str) -> Result<Catalog, toml::de::Error> {
        Ok(Catalog::new(language, toml::from_str(text)?))
    }

    pub fn new(language: Language, tables: Tables) -> Catalog {
        let mut by_path: FxHashMap<Name, Vec<Kind>> = FxHashMap::default();
        let mut add = |path: Name, aliases: &[Name], kind: Kind| {
            for name in std::iter::once(path).chain(aliases.iter().copied()) {
                by_path.entry(name).or_default().push(kind);
            }
        };
        tables.lock.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Lock(i)));
        tables.spawn.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Spawn(i)));
        tables.container.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Container(i)));
        tables.wrapper.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Wrapper(i)));
        tables.atomic.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Atomic(i)));
        tables.confined.iter().enumerate().for_each(|(i, it)| add(it.path, &it.aliases, Kind::Confined(i)));
        let guards: FxHashMap<Name, usize> =
            tables.lock.iter().enumerate().flat_map(|(i, it)| it.guards.iter().map(move |guard| (*guard, i))).collect();
        let returns = tables.returns.iter().map(|it| (it.path, it.ty)).collect();
        let blocking: FxHashMap<Name, usize> = tables
            .blocking
            .iter()
            .enumerate()
            .flat_map(|(i, it)| std::iter::once(it.path).chain(it.aliases.iter().copied()).map(move |path| (path, i)))
            .collect();
        let of_type = |path: Name| {
            let ty = path.as_str().strip_suffix(path.last())?.trim_end_matches(['.', ':']);
            Some((Name::new(ty), Name::new(path.last())))
        };
        let blocking_methods = blocking.iter().filter_map(|(path, row)| of_type(*path).map(|it| (it, *row))).collect();
        let spawning = tables.spawn.iter().enumerate().flat_map(|(i, it)| it.named.iter().map(move |name| (*name, i))).collect();
        let spawns =
            tables.spawn.iter().enumerate().flat_map(|(i, it)| std::iter::once(it.path).chain(it.aliases.iter().copied()).map(move |path| (path, i)));
        // Of several rows the first counts.
        let spawn_methods = spawns.rev().filter_map(|(path, row)| of_type(path).map(|it| (it, row))).collect();
        let is_rust = |it: &&Returns| it.path.as_str().contains("::");
        let returns_methods = tables.returns.iter().filter(is_rust).filter_map(|it| of_type(it.path).map(|method| (method, it.ty))).collect();
        let named = by_path.keys().chain(guards.keys());
        let parents = named.filter_map(|it| it.as_str().rsplit_once("::")).map(|it| Name::new(it.0)).collect();
        Catalog {
            language,
            tables,
            own: FxHashSet::default(),
            by_path,
            guards,
            parents,
            returns,
            blocking,
            blocking_methods,
            spawning,
            spawn_methods,
            returns_methods,
        }
    }

    fn rows(&self, path: Name) -> impl Iterator<Item = Row<'_>> {
        self.by_path.get(&path).into_iter().flatten().map(|kind| match *kind {
            Kind::Lock(i) => Row::Lock(&self.tables.lock[i]),
            Kind::Spawn(i) => Row::Spawn(&self.tables.spawn[i]),
            Kind::Container(i) => Row::Container(&self.tables.container[i]),
            Kind::Wrapper(i) => Row::Wrapper(&self.tables.wrapper[i]),
            Kind::Atomic(i) => Row::Atomic(&self.tables.atomic[i]),
            Kind::Confined(i) => Row::Confined(&self.tables.confined[i]),
        })
    }

    pub fn lock(&self, path: Name) -> Option<&Lock> {
        self.rows(path).find_map(|it| if let Row::Lock(row) = it { Some(row) } else { None })
    }

    pub fn spawn(&self, path: Name) -> Option<&Spawn> {
        self.rows(path).find_map(|it| if let Row::Spawn(row) = it { Some(row) } else { None })
    }

    /// What the method of a library type runs.
    pub fn spawn_method(&self, ty: Name, name: Name) -> Option<&Spawn> {
        self.spawn_methods.get(&(ty, name)).map(|it| &self.tables.spawn[*it])
    }

    /// What a method of that name runs, on an object of unknown type.
    pub fn spawn_named(&self, method: Name) -> Option<&Spawn> {
        self.spawning.get(&method).map(|it| &self.tables.spawn[*it])
    }

    pub fn container(&self, path: Name) -> Option<&Container> {
        self.rows(path).find_map(|it| if let Row::Container(row) = it { Some(row) } else { None })
    }

    pub fn wrapper(&self, path: Name) -> Option<&Wrapper> {
        self.rows(path).find_map(|it| if let Row::Wrapper(row) = it { Some(row) } else { None })
    }

    pub fn atomic(&self, path: Name) -> Option<&Atomic> {
        self.rows(path).find_map(|it| if let Row::Atomic(row) = it { Some(row) } else { None })
    }

    pub fn confined(&self, path: Name) -> Option<&Confined> {
        self.rows(path).find_map(|it| if let Row::Confined(row) = it { Some(row) } else { None })
    }

    /// Whether any row names something directly below `path`.
    pub fn knows_below(&self, path: Name) -> bool {
        self.parents.contains(&path)
    }

    /// Whether any row names `path`.
    pub fn knows(&self, path: Name) -> bool {
        self.by_path.contains_key(&path) || self.own.contains(&path)
    }

    /// What the project's own rows name.
    pub fn own(&self) -> &FxHashSet<Name> {
        &self.own
    }

    /// The lock whose guard type `path` is.
    pub fn guard(&self, path: Name) -> Option<&Lock> {
        self.guards.get(&path).map(|it| &self.tables.lock[*it])
    }

    pub fn blocking(&self, path: Name) -> Option<&Blocking> {
        self.blocking.get(&path).map(|it| &self.tables.blocking[*it])
    }

    pub fn blocking_method(&self, ty: Name, method: Name) -> Option<&Blocking> {
        self.blocking_methods.get(&(ty, method)).map(|it| &self.tables.blocking[*it])
    }

    /// The type that calling `path` gives.
    pub fn returns(&self, path: Name) -> Option<Name> {
        self.returns.get(&path).copied()
    }

    /// The same of the method of a library type.
    pub fn returned_by(&self, ty: Name, name: Name) -> Option<Name> {
        self.returns_methods.get(&(ty, name)).copied()
    }
}
