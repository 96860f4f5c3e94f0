//! What the command line says beside, or against, the configuration: the one place where the two meet.

use std::path::PathBuf;

use super::Config;
use crate::finding::{Confidence, Severity};
use crate::lints::LINTS;
use crate::session::{Options, Selection, UnknownRule};

/// What the command line says of what a configuration can say as well. What it does not say is none, and the
/// configuration counts, then the default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub rules: Selection,
    pub min_confidence: Option<Confidence>,
    pub min_severity: Option<Severity>,
    pub include_tests: Option<bool>,
}

impl Config {
    /// The options for an analysis of `paths`.
    pub fn options(&self, paths: Vec<PathBuf>, overrides: &Overrides) -> Result<Options, UnknownRule> {
        let defaults = Options::default();
        let applied = Selection::resolve(LINTS, &[&self.rules, &overrides.rules])?;
        let left_out = LINTS.iter().filter(|it| !applied.iter().any(|lint| lint.rule.name == it.rule.name));
        Ok(Options {
            paths,
            include_tests: overrides.include_tests.or(self.include_tests).unwrap_or(defaults.include_tests),
            select: Vec::new(),
            ignore: left_out.map(|it| it.rule.name.to_string()).collect(),
            min_confidence: overrides.min_confidence.or(self.min_confidence).unwrap_or(defaults.min_confidence),
            min_severity: overrides.min_severity.or(self.min_severity).unwrap_or(defaults.min_severity),
            exclude: self.exclude.clone(),
            per_file_ignores: self.per_file_ignores.clone(),
            setting: self.setting.clone(),
            ..defaults
        })
    }
}
