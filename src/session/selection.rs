//! Which rules a run applies: `--select` and `--ignore`, and the nearest name for a mistyped one.

use crate::lints::Lint;

/// A name that is neither a rule nor a group.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{name}`{}", hint(*.nearest))]
pub struct UnknownRule {
    pub name: String,
    pub nearest: Option<&'static str>,
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| "; `lockset rules` names them all".to_string(), |it| format!("; did you mean `{it}`?"))
}

/// The rules of `lints` that `select` names (all, if it names none) and `ignore` does not. Names are rules or groups;
/// `all` is every rule.
pub fn select(lints: &[&'static Lint], select: &[String], ignore: &[String]) -> Result<Vec<&'static Lint>, UnknownRule> {
    if let Some(unknown) = select.iter().chain(ignore).find(|name| !lints.iter().any(|lint| is_named(lint, name)) && *name != "all") {
        return Err(unknown_rule(lints, unknown));
    }
    let selected = |lint: &Lint| select.is_empty() || select.iter().any(|name| is_named(lint, name));
    let ignored = |lint: &Lint| ignore.iter().any(|name| is_named(lint, name));
    Ok(lints.iter().copied().filter(|lint| selected(lint) && !ignored(lint)).collect())
}

/// The error for `name`, with the nearest rule or group.
pub fn unknown_rule(lints: &[&'static Lint], name: &str) -> UnknownRule {
    UnknownRule { name: name.to_string(), nearest: nearest(name, lints.iter().flat_map(|it| [it.name, it.group])) }
}

/// The one of `names` that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('_', "-");
    let scored = names.into_iter().map(|it| (strsim::jaro_winkler(&name, it), it));
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, it)| it)
}

fn is_named(lint: &Lint, name: &str) -> bool {
    name == lint.name || name == lint.group || name == "all"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    const fn lint(name: &'static str, group: &'static str) -> Lint {
        Lint { name, group, severity: Severity::Error, languages: &[], summary: "", page: "", check: |_, _| {} }
    }

    static UPDATE: Lint = lint("unguarded-update", "race");
    static ORDER: Lint = lint("lock-order", "deadlock");
    static AGAIN: Lint = lint("self-deadlock", "deadlock");

    fn check(selected: &str, ignored: &str) -> Result<Vec<&'static str>, UnknownRule> {
        let names = |text: &str| text.split_terminator(',').map(String::from).collect::<Vec<_>>();
        select(&[&ORDER, &AGAIN, &UPDATE], &names(selected), &names(ignored)).map(|it| it.iter().map(|it| it.name).collect())
    }

    #[test]
    fn rules_and_groups() {
        assert_eq!(check("", "").unwrap().len(), 3);
        assert_eq!(check("deadlock", "self-deadlock").unwrap(), ["lock-order"]);
        assert_eq!(check("race,lock-order", "").unwrap(), ["lock-order", "unguarded-update"]);
        assert_eq!(check("all", "deadlock").unwrap(), ["unguarded-update"]);
    }

    #[test]
    fn typos() {
        let message = |name| check(name, "").unwrap_err().to_string();
        assert_eq!(message("lock-oder"), "no rule is called `lock-oder`; did you mean `lock-order`?");
        assert_eq!(message("Unguarded_Update"), "no rule is called `Unguarded_Update`; did you mean `unguarded-update`?");
        assert_eq!(message("dead-lock"), "no rule is called `dead-lock`; did you mean `deadlock`?");
        assert_eq!(message("E501"), "no rule is called `E501`; `lockset rules` names them all");
        assert!(check("", "rase").is_err());
    }
}
