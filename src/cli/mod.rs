//! The command line: one file a subcommand. Knows what is asked, and asks the session; analyses nothing.
//!
//! `lockset src/` is `lockset check src/`: a first argument that is no subcommand belongs to `check`.

mod baseline;
mod cache;
mod check;
mod clean;
mod explain;
mod generate;
mod init;
mod ir;
mod progress;
mod project;
mod rules;
mod stdin;
mod terminal;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::report::text::visible;

/// Finds shared-state misuse in Rust and Python before it runs: lost updates, torn snapshots, deadlocks.
#[derive(Debug, Parser)]
#[command(name = "lockset", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
`lockset` alone analyses the working directory, `lockset PATH` is short for `lockset check PATH`,
and `lockset check --help` has all options.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Analyse files and directories, and print the findings [default]
    Check(check::Arguments),
    /// Keep the file of known findings up to date
    Baseline(baseline::Arguments),
    /// Explain a rule: what it finds, why that is bad, examples, how to fix it
    Explain(explain::Arguments),
    /// List all rules: name, group, languages, severity, what each finds
    Rules(rules::Arguments),
    /// Write a lockset.toml with every key explained
    Init(init::Arguments),
    /// Remove the cache
    Clean(clean::Arguments),
    /// Print a script that makes a shell complete lockset's arguments
    Completions(generate::Completions),
    /// Print the manual page, or that of a command
    #[command(hide = true)]
    Man(generate::Man),
    /// Print the JSON Schema of the configuration
    #[command(hide = true)]
    ConfigSchema,
    /// Print what lockset makes of a file before it analyses, for work on lockset
    Ir(ir::Arguments),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to report.
    Clean,
    Findings,
}

/// Why a command could not do its work: one line for the user.
#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.to_string())
    }
}

/// Runs the command that `arguments` (the program's name first) ask for. 0: nothing to report; 1: findings; 2: the
/// tool could not do its work.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(with_subcommand(arguments.into_iter().collect())) {
        Ok(cli) => cli,
        Err(error) => {
            // It prints help to stdout and errors to stderr; there is nowhere to say that printing failed.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match &cli.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Baseline(arguments) => baseline::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Clean(arguments) => clean::run(arguments),
        Command::Completions(arguments) => generate::completions(arguments),
        Command::Man(arguments) => generate::man(arguments),
        Command::ConfigSchema => generate::schema(),
        Command::Ir(arguments) => ir::run(arguments),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(Failure(message)) => {
            warn("error", message);
            ExitCode::from(2)
        }
    }
}

/// Puts `check` before arguments that do not begin with a subcommand.
fn with_subcommand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_own = |it: &OsString| {
        it.to_str().is_some_and(|it| ["-h", "--help", "-V", "--version", "help"].contains(&it) || subcommands().any(|name| name == it))
    };
    if !arguments.get(1).is_some_and(is_own) {
        let at = arguments.len().min(1);
        arguments.insert(at, "check".into());
    }
    arguments
}

fn subcommands() -> impl Iterator<Item = String> {
    Cli::command().get_subcommands().map(|it| it.get_name().to_string()).collect::<Vec<_>>().into_iter()
}

/// Prints `text` to stdout. A reader that has gone away (`lockset … | head`) has seen what it wanted.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// `lockset: error: no/such/path: no such file or directory`, on stderr.
fn warn(kind: &str, message: impl Display) {
    // If stderr is gone there is no one to tell.
    let _ = writeln!(io::stderr().lock(), "lockset: {kind}: {}", visible(&message.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn check_is_the_default() {
        let check = |line: &str| with_subcommand(line.split(' ').map(OsString::from).collect()).join(&OsString::from(" ")).into_string().unwrap();
        assert_eq!(check("lockset"), "lockset check");
        assert_eq!(check("lockset src"), "lockset check src");
        assert_eq!(check("lockset --format json src"), "lockset check --format json src");
        for own in ["lockset check", "lockset rules", "lockset explain x", "lockset --help", "lockset -V", "lockset help ir"] {
            assert_eq!(check(own), own);
        }
    }
}
