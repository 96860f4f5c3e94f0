//! `ineffective-lock`: a lock that keeps nobody out.
//!
//! Locks made for one use of them ([`fresh`]), given up in the statement that takes them ([`fresh`]), replaced while
//! somebody holds them ([`replaced`]), dummies ([`dummy`]), and locks that each object has of its own around what all
//! of them share ([`instance`]).

mod dummy;
mod fresh;
mod instance;
mod replaced;

use super::support::over_functions;
use super::{Check, Lint};
use crate::analysis::Analysis;
use crate::finding::{Finding, Rule, Severity};
use crate::ir::{Language, Local, OpKind};
use crate::program::{Fun, Program};

pub const INEFFECTIVE_LOCK: Lint = Lint {
    rule: Rule {
        name: "ineffective-lock",
        group: "lock-use",
        severity: Severity::Error,
        languages: &[Language::Python, Language::Rust],
        summary: "A lock keeps nobody out: it is made anew, given up at once, replaced, or not the same for all",
        page: include_str!("../../../lints/ineffective-lock.md"),
    },
    check: Check::Program(check),
};

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    findings.extend(over_functions(analysis, |function, findings| {
        fresh::fresh(analysis, function, findings);
        let program = analysis.program;
        if program.function(function).ops.iter().any(|it| makes_lock(program, function, &it.kind).is_some()) {
            replaced::replaced(analysis, function, findings);
            dummy::dummy(analysis, function, findings);
        }
    }));
    instance::instance(analysis, findings);
}

/// Whether a call makes a lock of a library, one of its own.
fn makes_lock(program: &Program<'_>, function: Fun, op: &OpKind) -> Option<Local> {
    let OpKind::Call { dest, .. } = op else { return None };
    program.made_lock(function, *dest).filter(|it| !it.named).map(|_| *dest)
}
