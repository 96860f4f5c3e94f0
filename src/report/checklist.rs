//! A checklist for a code review, as Markdown: by file, the findings first, then for every shared state five questions,
//! answered as far as lockset can. A box that is ticked needs no one; one that is not is for the reviewer.

use std::fmt::Write;

use super::{Layout, Report, markdown, summary};
use crate::finding::review::{Answer, StateReview, Verdict};
use crate::finding::{FileId, Finding};
use crate::source::Files;

/// A question of the review.
struct Question {
    asks: &'static str,
    answer: fn(&StateReview) -> &Answer,
    /// The verdicts that leave nothing to do.
    settled: &'static [Verdict],
}

const QUESTIONS: [Question; 5] = [
    Question { asks: "Touched by several threads?", answer: |it| &it.threads, settled: &[Verdict::Yes, Verdict::No] },
    Question { asks: "A lock on all operations?", answer: |it| &it.lock, settled: &[Verdict::Yes] },
    Question { asks: "Values that belong together read under one lock?", answer: |it| &it.snapshot, settled: &[Verdict::Yes] },
    Question { asks: "A risk of deadlock?", answer: |it| &it.deadlock, settled: &[Verdict::No] },
    Question { asks: "Tests with several threads?", answer: |it| &it.tests, settled: &[Verdict::Yes] },
];

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::from("# Concurrency checklist\n");
    if !layout.quiet {
        let _ = writeln!(out, "\n{}. A ticked box needs no one.", markdown::inline(&summary::found(report)));
    }
    // The file table is in the order of names; files with findings come first.
    let has_findings = |file: FileId| report.findings.iter().any(|it| it.location.file == file);
    let mut files: Vec<FileId> = report.findings.iter().map(|it| it.location.file).chain(report.states.iter().map(|it| it.location.file)).collect();
    files.sort_unstable();
    files.dedup();
    files.sort_by_cached_key(|it| !has_findings(*it));
    for file in &files {
        render_file(*file, report, &mut out);
    }
    if files.is_empty() {
        out.push_str("\nNo shared state is seen.\n");
    }
    if !report.skipped.is_empty() && !layout.quiet {
        out.push_str("\n## Not looked at\n\n");
    }
    for skipped in report.skipped.iter().filter(|_| !layout.quiet) {
        let _ = writeln!(out, "- [ ] {}: {}", markdown::name(&skipped.file), markdown::inline(&skipped.reason));
    }
    out
}

fn render_file(file: FileId, report: &Report, out: &mut String) {
    let files = &report.files;
    let _ = writeln!(out, "\n## {}", markdown::name(&files.get(file).name));
    let findings: Vec<&Finding> = report.findings.iter().filter(|it| it.location.file == file).collect();
    if !findings.is_empty() {
        out.push_str("\n### Findings\n\n");
    }
    for finding in findings {
        let line = files.start(finding.location).line;
        let message = markdown::inline(&finding.message);
        let _ = writeln!(out, "- [ ] line {line}: **{}** `{}`: {message}; {}", finding.severity, finding.rule, markdown::inline(&finding.help));
    }
    let mut states: Vec<&StateReview> = report.states.iter().filter(|it| it.location.file == file).collect();
    // Classes in the order of the file, each with all of its states; globals first.
    let first = |class: &Option<String>| states_begin(report, file, class);
    states.sort_by_cached_key(|it| (it.class.is_some(), first(&it.class), it.location.range));
    for group in states.chunk_by(|a, b| a.class == b.class) {
        match &group[0].class {
            Some(class) => {
                let _ = writeln!(out, "\n### {}", markdown::name(class));
            }
            None => out.push_str("\n### The module\n"),
        }
        for state in group {
            render_state(state, files, out);
        }
    }
}

/// Where the first state of a class stands.
fn states_begin(report: &Report, file: FileId, class: &Option<String>) -> Option<u32> {
    report.states.iter().filter(|it| it.location.file == file && it.class == *class).map(|it| it.location.range.start).min()
}

fn render_state(state: &StateReview, files: &Files, out: &mut String) {
    let _ = writeln!(out, "\n#### {} (line {})\n", markdown::name(&state.state), files.start(state.location).line);
    for Question { asks, answer, settled } in QUESTIONS {
        let answer = answer(state);
        let mark = if settled.contains(&answer.verdict) { 'x' } else { ' ' };
        let verdict = match answer.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Unknown => "unknown",
        };
        let mut places: Vec<String> = answer.places.iter().map(|it| markdown::name(&files.place(*it))).collect();
        places.dedup();
        let places = if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) };
        let _ = writeln!(out, "- [{mark}] {asks} **{verdict}**: {}{places}", markdown::inline(&answer.because));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn five_questions_for_each_state() {
        insta::assert_snapshot!(render(&samples::reviewed(), &Layout::default()));
    }

    #[test]
    fn nothing_shared_is_said() {
        insta::assert_snapshot!(render(&Report::default(), &Layout::default()));
    }

    #[test]
    fn text_of_the_tree_is_no_markup() {
        insta::assert_snapshot!(render(&samples::hostile(), &Layout::default()));
    }
}
