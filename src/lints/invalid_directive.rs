//! `invalid-directive`: a comment for lockset that lockset cannot follow.
//!
//! What is wrong with the words themselves was seen when they were read ([`Malformed`]); here the names in them are
//! looked up: of rules in the registry, of locks by the program ([`crate::program::Claims::unresolved`]).

use super::support::{finding, nearest};
use super::{Check, LINTS, Lint};
use crate::analysis::Analysis;
use crate::finding::{Confidence, Finding, Location, Rule, Severity};
use crate::ir::{Claim, Language, Malformed, Nested};
use crate::program::{Fun, Mod, Unresolved};

pub const INVALID_DIRECTIVE: Lint = Lint {
    rule: Rule {
        name: "invalid-directive",
        group: "lock-use",
        severity: Severity::Warning,
        languages: &[Language::Python, Language::Rust],
        summary: "A comment for lockset has a mistake in it, and says nothing",
        page: include_str!("../../lints/invalid-directive.md"),
    },
    check: Check::Program(check),
};

/// What may stand behind `lockset:`.
const WORDS: &[&str] = &["ignore", "ignore-file"];

/// What the name of a lock has in it. `requires:` is an ordinary word, and what follows it need not be a lock at all.
const OF_LOCKS: &[&str] = &["lock", "mutex", "cond", "sem", "mtx", "guard"];

fn check(analysis: &Analysis<'_>, findings: &mut Vec<Finding>) {
    let mut wrong = Vec::new();
    for (index, linked) in analysis.program.modules.iter().enumerate() {
        for directive in &linked.ir.directives {
            let module = Mod(index as u32);
            let at = Location { file: linked.file, range: directive.range };
            match &directive.claim {
                Claim::Ignore(ignore) => {
                    let unknown = ignore.rules.iter().filter(|rule| !LINTS.iter().any(|it| it.is_named(&rule.name)));
                    wrong.extend(unknown.map(|it| no_rule(module, Location { range: it.range, ..at }, &it.name)));
                }
                Claim::Malformed(what) => wrong.extend(malformed(module, at, what)),
                _ => {}
            }
        }
    }
    wrong.extend(analysis.program.claims.unresolved.iter().map(no_lock));
    // The functions of the module that came last.
    let mut functions: Option<(Mod, Nested<Fun>)> = None;
    for Wrong { module, at, confidence, message, help } in wrong {
        if analysis.program.is_generated(module) {
            continue;
        }
        if functions.as_ref().is_none_or(|it| it.0 != module) {
            functions = Some((module, analysis.program.functions_by_place(module)));
        }
        let around = functions.as_ref().and_then(|it| it.1.around(at.range));
        let body = analysis.program.fun(module, analysis.program.module(module).ir.body);
        let it = finding(&INVALID_DIRECTIVE, analysis, around.unwrap_or(body), at, confidence);
        findings.push(Finding { message, help, caption: "not understood".to_string(), ..it });
    }
}

/// A comment that cannot be followed.
struct Wrong {
    module: Mod,
    at: Location,
    confidence: Confidence,
    message: String,
    help: String,
}

fn no_lock(unresolved: &Unresolved) -> Wrong {
    let Unresolved { module, at, directive, name } = *unresolved;
    let is_meant = directive != "requires" || OF_LOCKS.iter().any(|it| name.as_str().to_ascii_lowercase().contains(it));
    Wrong {
        module,
        at,
        confidence: if is_meant { Confidence::High } else { Confidence::Low },
        message: format!("`{directive}` names `{name}`, which is no lock that can be found from here"),
        help: "name a lock as the code there does: `_lock`, `Registry.lock`, `LOCK`".to_string(),
    }
}

fn no_rule(module: Mod, at: Location, name: &str) -> Wrong {
    let help = match nearest(name, LINTS.iter().flat_map(|it| [it.rule.name, it.rule.group])) {
        Some(nearest) => format!("write `{nearest}`"),
        None => "`lockset rules` names them all".to_string(),
    };
    Wrong { module, at, confidence: Confidence::High, message: format!("`{name}`, which this comment is to silence, is no rule"), help }
}

/// None for a word that may be prose.
fn malformed(module: Mod, at: Location, what: &Malformed) -> Option<Wrong> {
    let brackets = "name rules in square brackets, as in `lockset: ignore[lock-order]`".to_string();
    let (message, help) = match what {
        Malformed::Word { word, listed } => {
            let nearest = nearest(word, WORDS.iter().copied());
            if nearest.is_none() && !listed {
                return None;
            }
            (format!("`lockset: {word}` means nothing to lockset"), format!("write `lockset: {}`", nearest.unwrap_or("ignore")))
        }
        Malformed::NoRule => ("`lockset: ignore[]` names no rule".to_string(), format!("{brackets}; without any it silences all of them")),
        Malformed::Unclosed => ("the bracket behind `lockset: ignore` is not closed on its line".to_string(), brackets),
        Malformed::NoBracket => ("the rules behind `lockset: ignore` are not in square brackets".to_string(), brackets),
    };
    Some(Wrong { module, at, confidence: Confidence::High, message, help })
}
