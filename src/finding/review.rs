//! What a code review asks of each shared state, and what is known of it: plain data, filled from the analysis and then
//! from the findings ([`settle`]).

use serde::{Deserialize, Serialize};

use super::{FileId, Finding, Location, Rule};

/// Places shown for an answer.
const MAX_PLACES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Yes,
    No,
    /// A person has to look.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub verdict: Verdict,
    /// Why, in the user's own identifiers, without a full stop.
    pub because: String,
    pub places: Vec<Location>,
}

impl Answer {
    pub fn new(verdict: Verdict, because: impl Into<String>, places: Vec<Location>) -> Answer {
        Answer { verdict, because: because.into(), places }
    }
}

/// One state, and the five questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReview {
    /// `Metrics.total`, as findings have it.
    pub state: String,
    /// The class it is a field of; none for a global.
    pub class: Option<String>,
    /// What a test would name: the class, or the global.
    pub subject: String,
    /// Where it is declared, else first used.
    pub location: Location,
    /// The files that use it.
    pub files: Vec<FileId>,
    /// The lock that guards it.
    pub guard: Option<String>,
    /// A lock guards it, or threads share it and one writes it; otherwise it is of interest only if it has findings.
    pub is_shared: bool,
    /// Touched by several threads?
    pub threads: Answer,
    /// A lock on all operations?
    pub lock: Answer,
    /// Are values that belong together read under one lock?
    pub snapshot: Answer,
    /// A risk of deadlock?
    pub deadlock: Answer,
    /// Concurrent tests?
    pub tests: Answer,
}

/// Answers what the findings answer, and keeps the states that are shared or have findings. `rules` are those that
/// were applied: what was not looked for is not absent.
pub fn settle(reviews: &mut Vec<StateReview>, findings: &[Finding], rules: &[&Rule]) {
    let is_applied = |name: &str| rules.iter().any(|it| it.name == name);
    for review in reviews.iter_mut() {
        // Other programs of a tree have classes and locks of the same names.
        let near: Vec<&Finding> = findings.iter().filter(|it| touches(it, &review.files)).collect();
        let own: Vec<&Finding> = near.iter().copied().filter(|it| is_about(it, &review.state)).collect();
        review.is_shared |= !own.is_empty();
        let in_groups = |groups: &[&str]| -> Vec<&Finding> { own.iter().copied().filter(|it| groups.contains(&it.group)).collect() };

        let unguarded = in_groups(&["race", "lock-use"]);
        if !unguarded.is_empty() {
            review.lock = found(Verdict::No, &unguarded);
        }
        let torn = in_groups(&["snapshot"]);
        review.snapshot = if !torn.is_empty() {
            found(Verdict::No, &torn)
        } else if review.guard.is_none() {
            Answer::new(Verdict::Unknown, "no lock is known to guard it", Vec::new())
        } else if !is_applied("split-snapshot") {
            Answer::new(Verdict::Unknown, "the rule `split-snapshot` was not applied", Vec::new())
        } else {
            Answer::new(Verdict::Yes, "no values of two critical sections are seen to be put together", Vec::new())
        };
        let waits: Vec<&Finding> = match &review.guard {
            Some(guard) => near.into_iter().filter(|it| it.group == "deadlock" && it.locks.iter().any(|lock| base(lock) == guard)).collect(),
            None => Vec::new(),
        };
        review.deadlock = match &review.guard {
            _ if !waits.is_empty() => found(Verdict::Yes, &waits),
            None => Answer::new(Verdict::Unknown, "no lock is known to guard it", Vec::new()),
            Some(_) if !is_applied("lock-order") || !is_applied("self-deadlock") => {
                Answer::new(Verdict::Unknown, "the rules `lock-order` and `self-deadlock` were not both applied", Vec::new())
            }
            Some(guard) => Answer::new(Verdict::No, format!("`{guard}` is in no cycle of locks that is seen"), Vec::new()),
        };
    }
    reviews.retain(|it| it.is_shared);
}

/// Whether a place of the finding is in one of `files`.
fn touches(finding: &Finding, files: &[FileId]) -> bool {
    let labels = finding.labels.iter().map(|it| it.location.file);
    std::iter::once(finding.location.file).chain(labels).any(|it| files.contains(&it))
}

/// Whether the finding is about the state, perhaps with others: `Metrics.total, Metrics.errors`.
fn is_about(finding: &Finding, state: &str) -> bool {
    finding.state.iter().flat_map(|it| it.split(", ")).any(|it| base(it) == state)
}

/// `stats` of `stats["errors"]`.
fn base(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// The answer that findings give: the first one's message, and the places of all.
fn found(verdict: Verdict, findings: &[&Finding]) -> Answer {
    let first = findings.first().map_or("", |it| it.message.as_str());
    let because = match findings.len() {
        1 => first.to_string(),
        number => format!("{first}; {number} findings in all"),
    };
    Answer::new(verdict, because, findings.iter().take(MAX_PLACES).map(|it| it.location).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Severity};
    use crate::ir::Range;

    const fn rule(name: &'static str) -> Rule {
        Rule { name, group: "", severity: Severity::Error, languages: &[], summary: "", page: "" }
    }

    static RULES: [Rule; 3] = [rule("lock-order"), rule("self-deadlock"), rule("split-snapshot")];

    fn at(file: u32) -> Location {
        Location { file: FileId(file), range: Range::new(0, 1) }
    }

    fn finding(group: &'static str, file: u32, state: Option<&str>) -> Finding {
        Finding {
            rule: "r",
            group,
            severity: Severity::Error,
            confidence: Confidence::High,
            message: "wrong".to_string(),
            help: String::new(),
            location: at(file),
            caption: String::new(),
            symbol: "f".to_string(),
            state: state.map(str::to_string),
            locks: vec!["M.lock".to_string()],
            labels: Vec::new(),
            evidence: Vec::new(),
            interleaving: Vec::new(),
            fix: None,
            fingerprint: String::new(),
        }
    }

    /// The verdicts on lock, snapshot and deadlock of `M.n`, in file 0 and guarded by `M.lock`.
    fn check(findings: &[Finding], rules: &[&Rule]) -> [Verdict; 3] {
        let yes = || Answer::new(Verdict::Yes, "", Vec::new());
        let mut reviews = vec![StateReview {
            state: "M.n".to_string(),
            class: Some("M".to_string()),
            subject: "M".to_string(),
            location: at(0),
            files: vec![FileId(0)],
            guard: Some("M.lock".to_string()),
            is_shared: true,
            threads: yes(),
            lock: yes(),
            snapshot: yes(),
            deadlock: yes(),
            tests: yes(),
        }];
        settle(&mut reviews, findings, rules);
        [reviews[0].lock.verdict, reviews[0].snapshot.verdict, reviews[0].deadlock.verdict]
    }

    #[test]
    fn findings_answer() {
        use Verdict::{No, Unknown, Yes};
        let all: Vec<&Rule> = RULES.iter().collect();
        assert_eq!(check(&[], &all), [Yes, Yes, No]);
        assert_eq!(check(&[finding("race", 0, Some("M.n[\"a\"]"))], &all), [No, Yes, No]);
        assert_eq!(check(&[finding("snapshot", 0, Some("M.m, M.n"))], &all), [Yes, No, No]);
        assert_eq!(check(&[finding("deadlock", 0, None)], &all), [Yes, Yes, Yes]);
        assert_eq!(check(&[finding("race", 0, Some("M.name"))], &all), [Yes, Yes, No], "another state");
        assert_eq!(check(&[finding("race", 1, Some("M.n")), finding("deadlock", 1, None)], &all), [Yes, Yes, No], "another program's");
        assert_eq!(check(&[], &[]), [Yes, Unknown, Unknown], "what was not looked for is not absent");
    }
}
