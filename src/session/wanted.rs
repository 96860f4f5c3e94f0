//! What of all that was found is reported: what was asked for, and is neither known nor left out.

use rustc_hash::FxHashSet;

use super::{Options, PerFileIgnore, known};
use crate::finding::{Comparison, FileId, Finding};
use crate::lints::Lint;
use crate::source::Files;

/// The findings of a report.
pub(super) struct Wanted {
    pub findings: Vec<Finding>,
    pub suppressed: Vec<Finding>,
    pub baselined: Vec<Finding>,
    /// How many are not sure enough.
    pub unsure: usize,
    pub comparison: Comparison,
}

/// Chooses among `findings`, and those that comments silence. `analysed` are the files that were asked for.
pub(super) fn choose(
    options: &Options,
    lints: &[&'static Lint],
    files: &Files,
    analysed: &FxHashSet<FileId>,
    mut findings: Vec<Finding>,
    mut suppressed: Vec<Finding>,
) -> Wanted {
    let is_left_out =
        |it: &Finding, ignored: &PerFileIgnore| ignored.rules.contains(&it.rule) && ignored.files.match_file(&files.get(it.location.file).path);
    findings.retain(|it| analysed.contains(&it.location.file) && !options.per_file_ignores.iter().any(|ignored| is_left_out(it, ignored)));
    suppressed.retain(|it| analysed.contains(&it.location.file));
    let (mut baselined, comparison) = match &options.baseline {
        Some(baseline) => known::Scope { files, analysed, lints }.known(baseline, &mut findings, &suppressed),
        None => Default::default(),
    };

    let is_changed = |it: &Finding| options.changes.as_ref().is_none_or(|changes| it.places().any(|at| changes.has(files, at)));
    let is_asked_for = |it: &Finding| it.severity >= options.min_severity && is_changed(it);
    let is_wanted = |it: &Finding| it.confidence >= options.min_confidence && is_asked_for(it);
    let unsure = findings.iter().filter(|it| !is_wanted(it) && is_asked_for(it)).count();
    findings.retain(is_wanted);
    suppressed.retain(is_wanted);
    baselined.retain(is_wanted);
    Wanted { findings, suppressed, baselined, unsure, comparison }
}
