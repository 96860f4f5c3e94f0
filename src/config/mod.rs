//! The configuration of a project: found, read, checked, and merged with what the command line asks.
//!
//! In: paths, and what the command line says ([`Overrides`]). Out: the session's [`Options`](crate::session::Options). `keys` is what can be
//! written (and what the JSON Schema and the template of `lockset init` are held to); [`Config`] is what it means.
//! A mistake in the file is a [`ConfigError`] that names the file, the line and, where a name is wrong, the nearest right one.

mod find;
mod keys;
mod merge;
mod schema;
mod show;

use std::path::{Path, PathBuf};

pub use find::{Source, find, read};
pub use merge::Overrides;
pub use schema::schema;
pub use show::show;
use toml::Spanned;

use self::find::Text;
use self::keys::Keys;
use crate::catalog::{Catalogs, OwnRow, Rows};
use crate::finding::{Confidence, Severity};
use crate::ir::Name;
use crate::lints::LINTS;
use crate::program::{DeclaredOrder, Setting};
use crate::session::{PerFileIgnore, Selection, unknown_rule};
use crate::source::Globs;

/// What `lockset init` writes: every key at its default, explained.
pub const TEMPLATE: &str = include_str!("template.toml");

/// What a configuration says. What it does not say is none.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file, as messages name it; none if there is no configuration.
    pub file: Option<String>,
    /// Where it lies; absolute, with its links resolved.
    pub directory: Option<PathBuf>,
    pub rules: Selection,
    pub min_confidence: Option<Confidence>,
    pub min_severity: Option<Severity>,
    pub exclude: Globs,
    pub include_tests: Option<bool>,
    pub per_file_ignores: Vec<PerFileIgnore>,
    /// Absolute.
    pub baseline: Option<PathBuf>,
    pub setting: Setting,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", line.map(|it| format!(":{it}")).unwrap_or_default())]
pub struct ConfigError {
    pub file: String,
    /// From 1.
    pub line: Option<usize>,
    pub message: String,
}

/// The configuration that `source` asks for, for an analysis of `paths`.
pub fn load(source: &Source, paths: &[PathBuf]) -> Result<Config, ConfigError> {
    match source {
        Source::None => Ok(Config::default()),
        Source::File(file) => parse(&read(file)?),
        Source::Nearest => find(paths)?.as_ref().map_or_else(|| Ok(Config::default()), parse),
    }
}

/// Reads the configuration in a text.
fn parse(text: &Text) -> Result<Config, ConfigError> {
    let keys = text.keys()?;
    let directory = text.path.parent().unwrap_or(Path::new(""));
    let globs = |patterns: &[Spanned<String>]| Globs::new(directory, patterns.iter().map(|it| (it.as_ref().as_str(), it.span().start)));
    let wrong = |(message, at): (String, usize)| text.error_at(at, message);
    let mut per_file_ignores = Vec::new();
    for (pattern, rules) in keys.per_file_ignores.iter().flatten() {
        let globs = globs(std::slice::from_ref(pattern)).map_err(wrong)?;
        let rules = known_rules(text, Some(rules))?.unwrap_or_default();
        per_file_ignores.push(PerFileIgnore::new(globs, LINTS, &rules));
    }
    Ok(Config {
        file: Some(text.name.clone()),
        directory: Some(directory.to_path_buf()),
        rules: Selection {
            select: known_rules(text, keys.select.as_deref())?,
            extend_select: known_rules(text, keys.extend_select.as_deref())?.unwrap_or_default(),
            ignore: known_rules(text, keys.ignore.as_deref())?.unwrap_or_default(),
        },
        min_confidence: keys.min_confidence,
        min_severity: keys.min_severity,
        exclude: globs(keys.exclude.as_deref().unwrap_or_default()).map_err(wrong)?,
        include_tests: keys.include_tests,
        per_file_ignores,
        baseline: keys.baseline.as_ref().map(|it| directory.join(it)),
        setting: Setting {
            catalogs: Catalogs::extended(&rows(text, &keys)?),
            runtime: keys.python.runtime,
            orders: keys.lock_order.order.iter().map(|it| order(text, it)).collect::<Result<_, _>>()?,
        },
    })
}

/// The names, each of which must be a rule, a group, or `all`.
fn known_rules(text: &Text, names: Option<&[Spanned<String>]>) -> Result<Option<Vec<String>>, ConfigError> {
    for name in names.into_iter().flatten() {
        if !Selection::is_known(LINTS, name.as_ref()) {
            return Err(text.error_at(name.span().start, unknown_rule(LINTS, name.as_ref()).to_string()));
        }
    }
    Ok(names.map(|it| it.iter().map(|it| it.as_ref().clone()).collect()))
}

/// The project's own rows of the catalogue.
fn rows(text: &Text, keys: &Keys) -> Result<Rows, ConfigError> {
    fn checked<R: OwnRow + Clone>(text: &Text, rows: &[Spanned<R>]) -> Result<Vec<R>, ConfigError> {
        let check = |it: &Spanned<R>| it.as_ref().mistake().map_or_else(|| Ok(it.as_ref().clone()), |why| Err(text.error_at(it.span().start, why)));
        rows.iter().map(check).collect()
    }
    Ok(Rows {
        lock: checked(text, &keys.lock)?,
        spawn: checked(text, &keys.spawn)?,
        blocking: checked(text, &keys.blocking)?,
        container: checked(text, &keys.container)?,
    })
}

/// `Registry.lock < Table.lock`
fn order(text: &Text, said: &Spanned<String>) -> Result<DeclaredOrder, ConfigError> {
    let is_name = |it: &str| it.starts_with(|c: char| c.is_alphabetic() || c == '_') && it.chars().all(|c| c.is_alphanumeric() || "_.:".contains(c));
    let names: Vec<&str> = said.as_ref().split('<').map(str::trim).collect();
    if names.len() < 2 || !names.iter().all(|it| is_name(it)) {
        let message = format!("`{}` is no order of locks, as `Registry.lock < Table.lock` is", said.as_ref());
        return Err(text.error_at(said.span().start, message));
    }
    let place = format!("{}:{}", text.name, text.line(said.span().start));
    Ok(DeclaredOrder { locks: names.into_iter().map(Name::new).collect(), place: Name::new(&place) })
}

#[cfg(test)]
mod tests;
