//! What can be written in a configuration: one definition for the reader, the JSON Schema and the template.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;

use crate::catalog::{Blocking, Container, Lock, Spawn};
use crate::finding::{Confidence, Severity};
use crate::lints::LINTS;
use crate::program::Runtime;

/// The configuration of lockset: `lockset.toml`, `[tool.lockset]` in pyproject.toml, `[workspace.metadata.lockset]` or
/// `[package.metadata.lockset]` in Cargo.toml.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "lockset")]
pub struct Keys {
    /// Rules or groups to apply, in place of all.
    #[schemars(schema_with = "rules")]
    pub select: Option<Vec<Spanned<String>>>,
    /// Rules or groups to apply as well.
    #[schemars(schema_with = "rules")]
    pub extend_select: Option<Vec<Spanned<String>>>,
    /// Rules or groups to leave out.
    #[schemars(schema_with = "rules")]
    pub ignore: Option<Vec<Spanned<String>>>,
    /// Report findings of this confidence and above.
    pub min_confidence: Option<Confidence>,
    /// Report findings of this severity and above.
    pub min_severity: Option<Severity>,
    /// Files and directories to leave out: patterns as in .gitignore, relative to the file they stand in.
    #[schemars(with = "Option<Vec<String>>")]
    pub exclude: Option<Vec<Spanned<String>>>,
    /// Analyse test files, too: tests/, benches/, test_*.py, *_test.py, conftest.py.
    pub include_tests: Option<bool>,
    /// Rules or groups to leave out in the files that a pattern matches.
    #[schemars(schema_with = "rules_of_files")]
    pub per_file_ignores: Option<BTreeMap<Spanned<String>, Vec<Spanned<String>>>>,
    /// A file of findings that are known and not reported, relative to the file this stands in.
    pub baseline: Option<String>,
    /// What is said of the Python code.
    pub python: Python,
    /// The orders in which locks are taken.
    pub lock_order: LockOrder,
    /// Lock types that the catalogue does not know.
    #[schemars(with = "Vec<Lock>")]
    pub lock: Vec<Spanned<Lock>>,
    /// Functions that run one of their arguments on another thread.
    #[schemars(with = "Vec<Spawn>")]
    pub spawn: Vec<Spanned<Spawn>>,
    /// Calls that can wait for long.
    #[schemars(with = "Vec<Blocking>")]
    pub blocking: Vec<Spanned<Blocking>>,
    /// Types that hold items.
    #[schemars(with = "Vec<Container>")]
    pub container: Vec<Spanned<Container>>,
}

/// What is said of the Python code.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Python {
    /// The interpreter that runs it: with the global interpreter lock, or without.
    pub runtime: Option<Runtime>,
}

/// The orders in which locks are taken.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LockOrder {
    /// Each as `Registry.lock < Table.lock`: what stands first is taken first.
    #[schemars(with = "Vec<String>")]
    pub order: Vec<Spanned<String>>,
}

/// A list of rules, groups, or `all`.
fn rules(_: &mut SchemaGenerator) -> Schema {
    let mut names: Vec<&str> = LINTS.iter().flat_map(|it| [it.rule.name, it.rule.group]).chain(["all"]).collect();
    names.sort_unstable();
    names.dedup();
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

fn rules_of_files(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": rules(generator) })
}
