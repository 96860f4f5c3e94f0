//! The rules: one file each, and the registry. A lint reads the analysis and gives findings; it knows no syntax.

mod async_update;
mod blocking_under_lock;
mod check_then_act;
mod condition_misuse;
mod guard_escape;
mod inconsistent_guard;
mod ineffective_lock;
mod invalid_directive;
mod lock_across_await;
mod lock_order;
mod self_deadlock;
mod split_snapshot;
mod support;
mod unguarded_update;
mod unreleased_lock;
mod unused_ignore;

use rustc_hash::FxHashMap;
pub use support::{Ignores, nearest};

pub use self::support::review;
use crate::analysis::Analysis;
use crate::finding::{Confidence, Finding, Location, Rule};

/// A rule, and what finds its findings.
#[derive(Debug)]
pub struct Lint {
    pub rule: Rule,
    pub check: Check,
}

/// How a rule finds what it finds.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Reads the analysis.
    Program(fn(&Analysis<'_>, &mut Vec<Finding>)),
    /// Reads the comments that silence findings, once it is known which of them silenced any.
    Ignores(fn(&Ignores<'_>, &mut Vec<Finding>)),
}

impl Lint {
    /// Whether the rule is called `name`, or is of the group of that name; `all` is every rule.
    pub fn is_named(&self, name: &str) -> bool {
        name == self.rule.name || name == self.rule.group || name == "all"
    }
}

/// All rules, sorted by name.
pub const LINTS: &[&Lint] = &[
    &async_update::ASYNC_UPDATE,
    &blocking_under_lock::BLOCKING_UNDER_LOCK,
    &check_then_act::CHECK_THEN_ACT,
    &condition_misuse::CONDITION_MISUSE,
    &guard_escape::GUARD_ESCAPE,
    &inconsistent_guard::INCONSISTENT_GUARD,
    &ineffective_lock::INEFFECTIVE_LOCK,
    &invalid_directive::INVALID_DIRECTIVE,
    &lock_across_await::LOCK_ACROSS_AWAIT,
    &lock_order::LOCK_ORDER,
    &self_deadlock::SELF_DEADLOCK,
    &split_snapshot::SPLIT_SNAPSHOT,
    &unguarded_update::UNGUARDED_UPDATE,
    &unreleased_lock::UNRELEASED_LOCK,
    &unused_ignore::UNUSED_IGNORE,
];

/// Rules that may have the same to say of one statement, the one that looks furthest last.
const RACES: &[&Lint] =
    &[&inconsistent_guard::INCONSISTENT_GUARD, &unguarded_update::UNGUARDED_UPDATE, &check_then_act::CHECK_THEN_ACT, &async_update::ASYNC_UPDATE];

/// The rule called `name`.
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|it| it.rule.name == name)
}

/// Of what several rules say about one state in one statement, keeps what says most: the surest, and of those the rule
/// that looks furthest.
pub fn once(findings: &mut Vec<Finding>) {
    let rank = |it: &Finding| RACES.iter().position(|lint| lint.rule.name == it.rule).map(|rank| (it.confidence, rank));
    let mut best: FxHashMap<(Location, String), (Confidence, usize)> = FxHashMap::default();
    for finding in findings.iter() {
        if let (Some(rank), Some(state)) = (rank(finding), &finding.state) {
            let slot = best.entry((finding.location, state.clone())).or_insert(rank);
            *slot = (*slot).max(rank);
        }
    }
    findings.retain(|it| match (rank(it), &it.state) {
        (Some(rank), Some(state)) => best.get(&(it.location, state.clone())) == Some(&rank),
        _ => true,
    });
}
