//! Which rules a run applies, where, and the nearest name for a mistyped one.

use crate::lints::Lint;
pub use crate::lints::nearest;
use crate::source::Globs;

/// A name that is neither a rule nor a group.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", message(name, *.nearest))]
pub struct UnknownRule {
    pub name: String,
    pub nearest: Option<&'static str>,
}

fn message(name: &str, nearest: Option<&str>) -> String {
    match nearest {
        _ if name.is_empty() => "a name of a rule is empty; names are separated by commas, with no spaces: `race,lock-order`".to_string(),
        Some(nearest) => format!("no rule is called `{name}`; did you mean `{nearest}`?"),
        None => format!("no rule is called `{name}`; `lockset rules` names them all"),
    }
}

/// What one place (a configuration, a command line) says of the rules to apply. Names are rules or groups; `all` is every
/// rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// In place of what was selected before; none to leave that.
    pub select: Option<Vec<String>>,
    /// Beside that.
    pub extend_select: Vec<String>,
    pub ignore: Vec<String>,
}

/// How much a name says, the least first: what says more counts.
const SPECIFICITY: [fn(&Lint, &str) -> bool; 3] =
    [|_, name| name == "all", |lint, name| lint.rule.group == name, |lint, name| lint.rule.name == name];

impl Selection {
    pub fn is_empty(&self) -> bool {
        *self == Selection::default()
    }

    /// Whether `name` means rules.
    pub fn is_known(lints: &[&'static Lint], name: &str) -> bool {
        lints.iter().any(|lint| Selection::names(name, lint))
    }

    /// Whether `name` means the rule.
    pub fn names(name: &str, lint: &Lint) -> bool {
        SPECIFICITY.iter().any(|it| it(lint, name))
    }

    /// The rules of `lints` that remain of all when the layers have been heard, the weakest first.
    ///
    /// As in Ruff: inside a layer a rule's name counts before its group's, and `ignore` before `select` where both say as
    /// much; a layer that selects forgets the ones before it.
    pub fn resolve(lints: &[&'static Lint], layers: &[&Selection]) -> Result<Vec<&'static Lint>, UnknownRule> {
        let mut applied = vec![true; lints.len()];
        for layer in layers {
            let selected = layer.select.iter().flatten().chain(&layer.extend_select);
            if let Some(unknown) = selected.clone().chain(&layer.ignore).find(|name| !Selection::is_known(lints, name)) {
                return Err(unknown_rule(lints, unknown));
            }
            for (lint, applied) in lints.iter().zip(&mut applied) {
                let mut said = layer.select.is_some().then_some(false);
                for means in SPECIFICITY {
                    said = if selected.clone().any(|it| means(lint, it)) { Some(true) } else { said };
                    said = if layer.ignore.iter().any(|it| means(lint, it)) { Some(false) } else { said };
                }
                *applied = said.unwrap_or(*applied);
            }
        }
        Ok(lints.iter().copied().zip(applied).filter(|it| it.1).map(|it| it.0).collect())
    }
}

/// The rules of `lints` that `select` names (all, if it names none) and `ignore` does not.
pub fn select(lints: &[&'static Lint], select: &[String], ignore: &[String]) -> Result<Vec<&'static Lint>, UnknownRule> {
    let select = (!select.is_empty()).then(|| select.to_vec());
    Selection::resolve(lints, &[&Selection { select, ignore: ignore.to_vec(), ..Selection::default() }])
}

/// Rules that are left out in some files.
#[derive(Clone, Debug)]
pub struct PerFileIgnore {
    pub files: Globs,
    /// Names of rules.
    pub rules: Vec<&'static str>,
}

impl PerFileIgnore {
    /// `names` are those of rules or groups.
    pub fn new(files: Globs, lints: &[&'static Lint], names: &[String]) -> PerFileIgnore {
        let meant = |lint: &&'static Lint| names.iter().any(|it| Selection::names(it, lint));
        PerFileIgnore { files, rules: lints.iter().copied().filter(meant).map(|it| it.rule.name).collect() }
    }
}

/// The error for `name`, with the nearest rule or group.
pub fn unknown_rule(lints: &[&'static Lint], name: &str) -> UnknownRule {
    UnknownRule { name: name.to_string(), nearest: nearest(name, lints.iter().flat_map(|it| [it.rule.name, it.rule.group])) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Rule, Severity};
    use crate::lints::Check;

    const fn lint(name: &'static str, group: &'static str) -> Lint {
        Lint { rule: Rule { name, group, severity: Severity::Error, languages: &[], summary: "", page: "" }, check: Check::Program(|_, _| {}) }
    }

    static UPDATE: Lint = lint("unguarded-update", "race");
    static ORDER: Lint = lint("lock-order", "deadlock");
    static AGAIN: Lint = lint("self-deadlock", "deadlock");

    fn check(selected: &str, ignored: &str) -> Result<Vec<&'static str>, UnknownRule> {
        let names = |text: &str| text.split_terminator(',').map(String::from).collect::<Vec<_>>();
        select(&[&ORDER, &AGAIN, &UPDATE], &names(selected), &names(ignored)).map(|it| it.iter().map(|it| it.rule.name).collect())
    }

    #[test]
    fn rules_and_groups() {
        assert_eq!(check("", "").unwrap().len(), 3);
        assert_eq!(check("deadlock", "self-deadlock").unwrap(), ["lock-order"]);
        assert_eq!(check("race,lock-order", "").unwrap(), ["lock-order", "unguarded-update"]);
        assert_eq!(check("all", "deadlock").unwrap(), ["unguarded-update"]);
    }

    #[test]
    fn a_later_layer_counts_and_a_name_says_more_than_a_group() {
        let names = |text: &str| text.split_terminator(',').map(String::from).collect::<Vec<_>>();
        let layer = |select: Option<&str>, extend: &str, ignore: &str| Selection {
            select: select.map(names),
            extend_select: names(extend),
            ignore: names(ignore),
        };
        let check = |layers: &[Selection]| -> Vec<&str> {
            let layers: Vec<&Selection> = layers.iter().collect();
            Selection::resolve(&[&ORDER, &AGAIN, &UPDATE], &layers).unwrap().iter().map(|it| it.rule.name).collect()
        };
        assert_eq!(check(&[layer(Some("lock-order"), "", "deadlock")]), ["lock-order"]);
        assert_eq!(check(&[layer(Some(""), "", "")]), [""; 0]);
        let file = || layer(Some("race"), "", "");
        assert_eq!(check(&[file(), layer(None, "lock-order", "")]), ["lock-order", "unguarded-update"]);
        assert_eq!(check(&[file(), layer(Some("lock-order"), "", "")]), ["lock-order"]);
        assert_eq!(check(&[file(), layer(None, "", "race")]), [""; 0]);
        assert_eq!(check(&[layer(None, "", "deadlock"), layer(Some("deadlock"), "", "")]), ["lock-order", "self-deadlock"]);
        assert_eq!(check(&[layer(None, "", "deadlock"), layer(None, "", "race")]), [""; 0]);
        assert_eq!(check(&[layer(None, "lock-order", "deadlock")]), ["lock-order", "unguarded-update"]);
    }

    #[test]
    fn typos() {
        let message = |name| check(name, "").unwrap_err().to_string();
        assert_eq!(message("lock-oder"), "no rule is called `lock-oder`; did you mean `lock-order`?");
        assert_eq!(message("Unguarded_Update"), "no rule is called `Unguarded_Update`; did you mean `unguarded-update`?");
        assert_eq!(message("dead-lock"), "no rule is called `dead-lock`; did you mean `deadlock`?");
        assert_eq!(message("E501"), "no rule is called `E501`; `lockset rules` names them all");
        assert!(check("", "rase").is_err());
        // As the command line splits it.
        let empty = select(&[&ORDER], &["lock-order".to_string(), String::new()], &[]).unwrap_err().to_string();
        assert_eq!(empty, "a name of a rule is empty; names are separated by commas, with no spaces: `race,lock-order`");
    }
}
