//! `lockset explain RULE`: the rule book's page.

use super::{Failure, Outcome, print};
use crate::lints::{self, LINTS};
use crate::session::unknown_rule;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The rule's name, as findings and `lockset rules` have it
    #[arg(value_name = "RULE")]
    rule: String,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let Some(lint) = lints::find(&arguments.rule) else {
        let in_group: Vec<&str> = LINTS.iter().map(|it| &it.rule).filter(|it| it.group == arguments.rule).map(|it| it.name).collect();
        if !in_group.is_empty() {
            return Err(Failure(format!("`{}` is a group of rules; give one of {}", arguments.rule, in_group.join(", "))));
        }
        return Err(unknown_rule(LINTS, &arguments.rule).into());
    };
    print(lint.rule.page)?;
    Ok(Outcome::Clean)
}
