//! The built-in tables parse, and say nothing twice, nothing empty, nothing that cannot be.

use std::collections::BTreeMap;

use super::*;

const LANGUAGES: [Language; 2] = [Language::Python, Language::Rust];

/// Gives every path of one kind of row to `check`, with the language's tables.
fn each_table(check: impl Fn(Language, &str, Vec<Vec<Name>>)) {
    fn paths<T>(rows: &[T], of: impl Fn(&T) -> (Name, &[Name])) -> Vec<Vec<Name>> {
        rows.iter()
            .map(|row| {
                let (path, aliases) = of(row);
                std::iter::once(path).chain(aliases.iter().copied()).collect()
            })
            .collect()
    }
    for language in LANGUAGES {
        let tables = &Catalog::builtin(language).tables;
        check(language, "lock", paths(&tables.lock, |it| (it.path, &it.aliases)));
        check(language, "spawn", paths(&tables.spawn, |it| (it.path, &it.aliases)));
        check(language, "handler", paths(&tables.handler, |it| (it.path, &[])));
        check(language, "blocking", paths(&tables.blocking, |it| (it.path, &it.aliases)));
        check(language, "container", paths(&tables.container, |it| (it.path, &it.aliases)));
        check(language, "wrapper", paths(&tables.wrapper, |it| (it.path, &it.aliases)));
        check(language, "atomic", paths(&tables.atomic, |it| (it.path, &it.aliases)));
        check(language, "confined", paths(&tables.confined, |it| (it.path, &it.aliases)));
        check(language, "returns", paths(&tables.returns, |it| (it.path, &[])));
    }
}

/// Every list of method names in the language's tables, with the row it stands in.
fn method_lists(tables: &Tables) -> Vec<(Name, Vec<Name>)> {
    let passing = &tables.passing;
    let named = |text: &str, names: &[Name]| (Name::new(text), names.to_vec());
    let mut lists: Vec<(Name, Vec<Name>)> = Vec::new();
    lists.extend(tables.lock.iter().map(|it| (it.path, it.methods.iter().map(|method| method.name).collect())));
    lists.extend(tables.handler.iter().map(|it| (it.path, it.methods.clone())));
    lists.extend(tables.container.iter().map(|it| (it.path, [&it.mutating[..], &it.reading, &it.views].concat())));
    lists.extend(tables.wrapper.iter().flat_map(|it| [(it.path, it.constructors.clone()), (it.path, it.accessors.clone())]));
    lists.extend(tables.atomic.iter().map(|it| (it.path, [&it.load[..], &it.store, &it.update, &it.compare_exchange].concat())));
    lists.extend([
        named("passing.unwrapping", &passing.unwrapping),
        named("passing.mapping", &passing.mapping),
        named("passing.dropping", &passing.dropping),
        named("passing.forgetting", &passing.forgetting),
        named("passing.copying", &passing.copying),
        named("passing.running", &passing.running),
        named("passing.entering", &passing.entering),
        named("passing.managers", &passing.managers),
        named("passing.identifying", &passing.identifying),
    ]);
    lists
}

#[test]
fn both_tables_parse() {
    for (language, text) in [(Language::Python, include_str!("python.toml")), (Language::Rust, include_str!("rust.toml"))] {
        if let Err(error) = Catalog::parse(language, text) {
            panic!("{error}");
        }
    }
}

#[test]
fn no_path_stands_twice_in_a_table() {
    each_table(|language, table, rows| {
        let mut seen: BTreeMap<Name, usize> = BTreeMap::new();
        for path in rows.into_iter().flatten() {
            *seen.entry(path).or_default() += 1;
        }
        let twice: Vec<Name> = seen.into_iter().filter(|(_, count)| *count > 1).map(|(path, _)| path).collect();
        assert!(twice.is_empty(), "{language:?} {table}: {twice:?}");
    });
}

#[test]
fn paths_are_well_formed() {
    let identifier = |it: &str| it.chars().all(|c| c.is_alphanumeric() || c == '_') && !it.starts_with(|c: char| c.is_ascii_digit());
    each_table(|language, table, rows| {
        let separator = if language == Language::Python { "." } else { "::" };
        for path in rows.into_iter().flatten() {
            assert!(path.as_str().split(separator).all(|it| !it.is_empty() && identifier(it)), "{language:?} {table}: {path}");
        }
    });
}

#[test]
fn method_names_are_neither_empty_nor_repeated() {
    for language in LANGUAGES {
        for (row, mut names) in method_lists(&Catalog::builtin(language).tables) {
            assert!(names.iter().all(|it| !it.as_str().trim().is_empty()), "{language:?} {row}: an empty name");
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{language:?} {row}: a name stands twice");
        }
    }
}

/// Long lists of names are kept in order, so that a missing one is seen.
#[test]
fn name_lists_are_sorted() {
    for language in LANGUAGES {
        let tables = &Catalog::builtin(language).tables;
        let passing = &tables.passing;
        let containers = tables.container.iter().flat_map(|it| [(it.path, &it.mutating), (it.path, &it.reading), (it.path, &it.views)]);
        let wrappers = tables.wrapper.iter().map(|it| (it.path, &it.accessors));
        let passing = [&passing.unwrapping, &passing.mapping, &passing.dropping, &passing.copying, &passing.running];
        for (row, names) in containers.chain(wrappers).chain(passing.map(|it| (Name::new("passing"), it))) {
            assert!(names.is_sorted(), "{language:?} {row}: {names:?}");
        }
    }
}

/// A condition of Rust waits with a guard value of its mutex; every other lock must say how it is taken and left.
#[test]
fn every_lock_can_be_taken_and_left() {
    for language in LANGUAGES {
        for lock in &Catalog::builtin(language).tables.lock {
            let has = |effect| lock.methods.iter().any(|it| it.effect == effect && !it.momentary);
            if lock.kind == LockKind::Condition {
                assert!(has(Effect::Wait) && has(Effect::Notify), "{language:?} {}", lock.path);
            }
            if lock.kind != LockKind::Condition || language == Language::Python {
                assert!(has(Effect::Acquire), "{language:?} {}: no way to take it", lock.path);
                assert!(has(Effect::Release) || !lock.guards.is_empty(), "{language:?} {}: no way to leave it", lock.path);
            }
            if lock.kind == LockKind::RwLock {
                let shared = lock.methods.iter().any(|it| it.effect == Effect::Acquire && it.mode == Mode::Shared);
                assert!(shared, "{language:?} {}: no shared way to take it", lock.path);
            }
            assert!(!lock.guards_data || !lock.guards.is_empty(), "{language:?} {}: its data is reached through guard values", lock.path);
        }
    }
}

#[test]
fn no_guard_type_belongs_to_two_locks() {
    for language in LANGUAGES {
        let mut owner: BTreeMap<Name, Name> = BTreeMap::new();
        for lock in &Catalog::builtin(language).tables.lock {
            for guard in &lock.guards {
                if let Some(other) = owner.insert(*guard, lock.path) {
                    panic!("{language:?}: {guard} is a guard of {other} and of {}", lock.path);
                }
            }
        }
    }
}

#[test]
fn every_spawn_says_what_runs() {
    for language in LANGUAGES {
        for spawn in &Catalog::builtin(language).tables.spawn {
            let names_it = spawn.argument.is_some() || spawn.keyword.is_some() || spawn.method.is_some();
            assert!(names_it, "{language:?} {}", spawn.path);
        }
    }
}

#[test]
fn handlers_that_match_by_suffix_name_the_package() {
    for language in LANGUAGES {
        for handler in &Catalog::builtin(language).tables.handler {
            assert!(handler.suffix.is_none() || handler.package.is_some(), "{language:?} {}", handler.path);
        }
    }
}

#[test]
fn rows_are_found_by_every_path() {
    let python = Catalog::builtin(Language::Python);
    assert!(python.lock("threading.Condition".into()).is_some_and(|it| it.reentrant && it.wraps_argument));
    assert_eq!(python.lock("multiprocessing.managers.SyncManager.Lock".into()).map(|it| it.scope), Some(Scope::Process));
    assert!(python.lock("threading.Event".into()).is_none());
    assert!(python.container("builtins.dict".into()).is_some());
    assert_eq!(python.spawn("threading.Thread".into()).and_then(|it| it.argument), Some(1));
    assert_eq!(python.returns("multiprocessing.Manager".into()), Some("multiprocessing.managers.SyncManager".into()));

    let rust = Catalog::builtin(Language::Rust);
    assert_eq!(rust.lock("std::sync::nonpoison::Mutex".into()).map(|it| it.path), Some("std::sync::Mutex".into()));
    assert_eq!(rust.guard("parking_lot::MappedMutexGuard".into()).map(|it| it.path), Some("parking_lot::Mutex".into()));
    assert!(rust.wrapper("alloc::sync::Arc".into()).is_some_and(|it| it.shares));
    assert!(rust.atomic("core::sync::atomic::AtomicU64".into()).is_some());
}
