//! What is made from the definitions of the command line and the configuration: completions, the man page, the schema.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Failure, Outcome, print};
use crate::config;

#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints a script that completes lockset's arguments.
pub fn completions(arguments: &Completions) -> Result<Outcome, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "lockset", &mut out);
    print(&String::from_utf8_lossy(&out))?;
    Ok(Outcome::Clean)
}

#[derive(Debug, clap::Args)]
pub struct Man {
    /// The command to describe [default: all of lockset]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Prints a manual page in the language of man.
pub fn man(arguments: &Man) -> Result<Outcome, Failure> {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    let page = match &arguments.command {
        None => all,
        Some(name) => all.find_subcommand(name).cloned().ok_or_else(|| Failure(format!("there is no command `lockset {name}`")))?,
    };
    let mut out = Vec::new();
    clap_mangen::Man::new(page).render(&mut out)?;
    print(&String::from_utf8_lossy(&out))?;
    Ok(Outcome::Clean)
}

/// Prints the JSON Schema of the configuration.
pub fn schema() -> Result<Outcome, Failure> {
    print(&config::schema())?;
    Ok(Outcome::Clean)
}
