//! The baseline of a run: which findings are known, and which of those that were known are fixed.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::finding::{Baseline, Comparison, Entry, FileId, Finding};
use crate::lints::{LINTS, Lint};
use crate::source::Files;

/// A baseline, and the directory that the names in it are relative to.
#[derive(Clone, Debug, Default)]
pub struct BaselineAt {
    pub baseline: Baseline,
    /// Absolute, with its links resolved.
    pub directory: PathBuf,
}

/// What a run looked at.
pub(super) struct Scope<'r> {
    pub files: &'r Files,
    pub analysed: &'r FxHashSet<FileId>,
    pub lints: &'r [&'static Lint],
}

impl Scope<'_> {
    /// Takes the known findings out, and gives them.
    pub(super) fn known(&self, baseline: &BaselineAt, findings: &mut Vec<Finding>, suppressed: &[Finding]) -> (Vec<Finding>, Comparison) {
        let directory = &baseline.directory;
        // Of findings that are alike the ones that are shown come first, so that they are the known ones.
        let mut order: Vec<usize> = (0..findings.len()).collect();
        order.sort_by_key(|it| Reverse(findings[*it].confidence));
        let found: Vec<Entry> = order.iter().map(|it| entry(&findings[*it], self.files, directory)).collect();
        let silenced: Vec<Entry> = suppressed.iter().map(|it| entry(it, self.files, directory)).collect();
        let analysed: FxHashSet<String> = self.analysed.iter().map(|it| name_in(&self.files.get(*it).path, directory)).collect();
        let is_looked_at = |it: &Entry| {
            let is_applied = self.lints.iter().any(|lint| lint.rule.name == it.rule) || !LINTS.iter().any(|lint| lint.rule.name == it.rule);
            is_applied && (analysed.contains(&it.file) || !directory.join(&it.file).exists())
        };
        let comparison = baseline.baseline.compare(&found, &silenced, is_looked_at);
        let known: FxHashSet<usize> = order.iter().zip(&comparison.known).filter(|it| *it.1).map(|it| *it.0).collect();
        let mut index = 0..;
        let known = findings.extract_if(.., |_| index.next().is_some_and(|it| known.contains(&it))).collect();
        (known, comparison)
    }
}

/// What a baseline in `directory` keeps of a finding.
pub fn entry(finding: &Finding, files: &Files, directory: &Path) -> Entry {
    Entry {
        file: name_in(&files.get(finding.location.file).path, directory),
        symbol: finding.symbol.clone(),
        rule: finding.rule.to_string(),
        state: finding.state.clone(),
        statement: Entry::shape(files.text(finding.location)),
    }
}

/// `path` relative to `directory`, with `/`.
fn name_in(path: &Path, directory: &Path) -> String {
    let relative = pathdiff::diff_paths(path, directory);
    let text = relative.as_deref().unwrap_or(path).to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_baseline() {
        assert_eq!(name_in(Path::new("/p/src/a.py"), Path::new("/p")), "src/a.py");
        assert_eq!(name_in(Path::new("/p/src/a.py"), Path::new("/p/ci")), "../src/a.py");
    }
}
