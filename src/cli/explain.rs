//! `lockset explain RULE`: the rule book's page.

use super::{Failure, Outcome, print};
use crate::lints::{self, LINTS};
use crate::session::unknown_rule;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The rule's name
    #[arg(value_name = "RULE")]
    rule: String,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let Some(lint) = lints::find(&arguments.rule) else {
        return Err(unknown_rule(LINTS, &arguments.rule).into());
    };
    print(lint.rule.page)?;
    Ok(Outcome::Clean)
}
