//! The rows of a project on top of the built-in tables.
//!
//! In: [`Rows`], as the configuration spells them. Out: [`Catalogs`], the tables of both languages that one session asks.
//! A row with the path of a built-in row of the same kind takes its place.

use std::sync::{Mutex, PoisonError};

use super::{Blocking, Catalog, Container, Effect, Lock, Spawn, Tables};
use crate::ir::{Language, Name};

/// Rows that a project adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub lock: Vec<Lock>,
    pub spawn: Vec<Spawn>,
    pub blocking: Vec<Blocking>,
    pub container: Vec<Container>,
}

static NO_ROWS: Rows = Rows { lock: Vec::new(), spawn: Vec::new(), blocking: Vec::new(), container: Vec::new() };

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.lock.is_empty() && self.spawn.is_empty() && self.blocking.is_empty() && self.container.is_empty()
    }
}

/// The tables of a session: those of each language.
#[derive(Clone, Copy, Debug)]
pub struct Catalogs {
    pub python: &'static Catalog,
    pub rust: &'static Catalog,
    /// What the project added.
    pub added: &'static Rows,
}

impl Default for Catalogs {
    /// The built-in ones.
    fn default() -> Self {
        Catalogs { python: Catalog::builtin(Language::Python), rust: Catalog::builtin(Language::Rust), added: &NO_ROWS }
    }
}

impl Catalogs {
    pub fn of(&self, language: Language) -> &'static Catalog {
        match language {
            Language::Python => self.python,
            Language::Rust => self.rust,
        }
    }

    /// The built-in tables with the rows of a project.
    pub fn extended(rows: &Rows) -> Catalogs {
        // Analyses keep references to rows as long as they like, and the names in them live as long as the process anyway:
        // so do the tables. A process that serves many sessions (an editor's) makes each set of rows into tables once.
        static MADE: Mutex<Vec<(Rows, Catalogs)>> = Mutex::new(Vec::new());
        if rows.is_empty() {
            return Catalogs::default();
        }
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = made.iter().find(|it| it.0 == *rows) {
            return *known;
        }
        let leaked = |language| -> &'static Catalog { Box::leak(Box::new(with_rows(language, rows))) };
        let added = Box::leak(Box::new(rows.clone()));
        let catalogs = Catalogs { python: leaked(Language::Python), rust: leaked(Language::Rust), added };
        made.push((rows.clone(), catalogs));
        catalogs
    }
}

fn with_rows(language: Language, rows: &Rows) -> Catalog {
    let mut tables: Tables = Catalog::builtin(language).tables.clone();
    let mut own: Vec<Name> = Vec::new();
    add(&mut tables.lock, &rows.lock, language, &mut own);
    add(&mut tables.spawn, &rows.spawn, language, &mut own);
    add(&mut tables.blocking, &rows.blocking, language, &mut own);
    add(&mut tables.container, &rows.container, language, &mut own);
    Catalog { own: own.into_iter().collect(), ..Catalog::new(language, tables) }
}

fn add<R: Row + Clone>(table: &mut Vec<R>, rows: &[R], language: Language, own: &mut Vec<Name>) {
    let rows: Vec<&R> = rows.iter().filter(|it| it.language() == language).collect();
    let paths: Vec<Name> = rows.iter().flat_map(|it| std::iter::once(it.path()).chain(it.aliases().iter().copied())).collect();
    table.retain(|it| !paths.contains(&it.path()));
    table.iter_mut().for_each(|it| it.aliases_mut().retain(|alias| !paths.contains(alias)));
    table.extend(rows.into_iter().cloned());
    own.extend(paths);
}

/// A row that a project can add.
pub trait Row {
    fn path(&self) -> Name;
    fn aliases(&self) -> &[Name];
    fn aliases_mut(&mut self) -> &mut Vec<Name>;
    /// As the row says it.
    fn said_language(&self) -> Option<Language>;
    /// Further names in the row that are paths, and such that are plain.
    fn names(&self) -> (Vec<Name>, Vec<Name>);
    /// Why the row says nothing, or nothing that can be.
    fn lacks(&self) -> Option<&'static str>;

    fn language(&self) -> Language {
        self.said_language().unwrap_or(if self.path().as_str().contains("::") { Language::Rust } else { Language::Python })
    }

    /// What is wrong with the row.
    fn mistake(&self) -> Option<String> {
        let (paths, names) = self.names();
        let mut paths = [self.path()].into_iter().chain(self.aliases().iter().copied()).chain(paths);
        if let Some(path) = paths.find(|it| !is_path(it.as_str(), self.language())) {
            return Some(match (path.as_str().is_empty(), self.language()) {
                (true, _) => "a path is empty".to_string(),
                (false, Language::Python) => format!("`{path}` is no path of Python, as `package.module.Name` is"),
                (false, Language::Rust) => format!("`{path}` is no path of Rust, as `crate_name::module::Name` is"),
            });
        }
        if let Some(name) = names.iter().find(|it| !is_identifier(it.as_str())) {
            return Some(format!("`{name}` is no name"));
        }
        self.lacks().map(str::to_string)
    }
}

fn is_path(text: &str, language: Language) -> bool {
    let separator = if language == Language::Python { "." } else { "::" };
    text.split(separator).all(is_identifier)
}

fn is_identifier(text: &str) -> bool {
    text.chars().all(|it| it.is_alphanumeric() || it == '_') && text.starts_with(|it: char| !it.is_numeric())
}

/// What all rows say of themselves in the same fields.
macro_rules! row {
    () => {
        fn path(&self) -> Name {
            self.path
        }
        fn aliases(&self) -> &[Name] {
            &self.aliases
        }
        fn aliases_mut(&mut self) -> &mut Vec<Name> {
            &mut self.aliases
        }
        fn said_language(&self) -> Option<Language> {
            self.language
        }
    };
}

impl Row for Lock {
    row!();

    fn names(&self) -> (Vec<Name>, Vec<Name>) {
        (self.guards.clone(), self.methods.iter().map(|it| it.name).collect())
    }

    fn lacks(&self) -> Option<&'static str> {
        let has = |wanted: &[Effect]| self.methods.iter().any(|it| wanted.contains(&it.effect));
        let taken = self.context_manager || has(&[Effect::Acquire, Effect::TryAcquire, Effect::Wait]);
        let left = self.context_manager || has(&[Effect::Release, Effect::Wait]) || !self.guards.is_empty();
        match () {
            () if !taken => Some("nothing takes the lock: it needs `context-manager = true` or a method with the effect `acquire`"),
            () if !left => Some("nothing gives the lock up: it needs `context-manager = true`, a method with the effect `release`, or `guards`"),
            () if self.guards_data && self.guards.is_empty() => Some("`guards-data` needs `guards`, the types through which the data is reached"),
            () => None,
        }
    }
}

impl Row for Spawn {
    row!();

    fn names(&self) -> (Vec<Name>, Vec<Name>) {
        (Vec::new(), self.keyword.into_iter().chain(self.method).chain(self.named.iter().copied()).collect())
    }

    fn lacks(&self) -> Option<&'static str> {
        let says = self.argument.is_some() || self.keyword.is_some() || self.method.is_some();
        (!says).then_some("nothing says what runs: it needs `argument`, `keyword` or `method`")
    }
}

impl Row for Blocking {
    row!();

    fn names(&self) -> (Vec<Name>, Vec<Name>) {
        Default::default()
    }

    fn lacks(&self) -> Option<&'static str> {
        None
    }
}

impl Row for Container {
    row!();

    fn names(&self) -> (Vec<Name>, Vec<Name>) {
        (Vec::new(), [&self.mutating[..], &self.reading, &self.views].concat())
    }

    fn lacks(&self) -> Option<&'static str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(text: &str) -> Lock {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn rows_go_to_their_language_and_take_the_place_of_others() {
        let rows = Rows {
            lock: vec![
                lock("path = 'threading.Lock'\nkind = 'mutex'\nreentrant = true\ncontext-manager = true"),
                lock("path = 'own::Latch'\nkind = 'mutex'\nguards = ['own::Guard']\nmethods = [{ name = 'shut', effect = 'acquire' }]"),
                lock("path = 'threading._RLock'\nkind = 'mutex'\ncontext-manager = true"),
            ],
            ..Rows::default()
        };
        let catalogs = Catalogs::extended(&rows);
        assert!(catalogs.python.lock("threading.Lock".into()).is_some_and(|it| it.reentrant));
        assert!(catalogs.python.lock("threading._RLock".into()).is_some_and(|it| !it.reentrant));
        assert!(catalogs.python.lock("threading.RLock".into()).is_some_and(|it| it.reentrant));
        assert!(catalogs.rust.lock("own::Latch".into()).is_some() && catalogs.python.lock("own::Latch".into()).is_none());
        assert!(catalogs.rust.guard("own::Guard".into()).is_some());
        assert!(!Catalogs::default().python.knows("own::Latch".into()));
        // The same rows are the same tables; others are others.
        assert!(std::ptr::eq(Catalogs::extended(&rows).python, catalogs.python));
        assert!(std::ptr::eq(Catalogs::extended(&Rows::default()).python, Catalog::builtin(Language::Python)));
    }

    #[test]
    fn wrong_rows() {
        let mistake = |text: &str| lock(&format!("kind = 'mutex'\n{text}")).mistake();
        assert_eq!(mistake("path = 'a.B'\ncontext-manager = true"), None);
        assert_eq!(mistake("path = ''\ncontext-manager = true").as_deref(), Some("a path is empty"));
        assert_eq!(mistake("path = 'a.B'\naliases = ['']\ncontext-manager = true").as_deref(), Some("a path is empty"));
        assert_eq!(mistake("path = 'a..B'").as_deref(), Some("`a..B` is no path of Python, as `package.module.Name` is"));
        assert_eq!(mistake("path = 'a::B'\nlanguage = 'python'").as_deref(), Some("`a::B` is no path of Python, as `package.module.Name` is"));
        assert_eq!(mistake("path = 'a.B'\nlanguage = 'rust'").as_deref(), Some("`a.B` is no path of Rust, as `crate_name::module::Name` is"));
        assert!(mistake("path = 'a.B'").unwrap().starts_with("nothing takes the lock"));
        assert!(mistake("path = 'a.B'\nmethods = [{ name = 'enter', effect = 'acquire' }]").unwrap().starts_with("nothing gives the lock up"));
        let spawn: Spawn = toml::from_str("path = 'a.go'\nruns = 'thread'").unwrap();
        assert!(spawn.mistake().unwrap().starts_with("nothing says what runs"));
    }
}
