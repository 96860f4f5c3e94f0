//! `lockset baseline prune`, and the reading and writing of baselines for `check`.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::cache::CacheArguments;
use super::check::parse_threads;
use super::project::ConfigArguments;
use super::{Failure, Outcome, print};
use crate::config::Overrides;
use crate::finding::Baseline;
use crate::report::Report;
use crate::report::text::count;
use crate::session::{self, BaselineAt, Options};

/// Where a baseline is, unless it is said.
pub const DEFAULT: &str = ".lockset-baseline.json";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Drop the entries whose findings are fixed, and bring the others up to date
    Prune(Prune),
}

#[derive(Debug, clap::Args)]
struct Prune {
    /// Files and directories to analyse; entries for other files stay
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// The baseline [default: the configuration's, else .lockset-baseline.json]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Analyse test files, too
    #[arg(long)]
    include_tests: bool,

    #[command(flatten)]
    config: ConfigArguments,

    #[command(flatten)]
    cache: CacheArguments,

    /// How many threads to use [default: one a core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<NonZeroUsize>,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let Command::Prune(arguments) = &arguments.command;
    let config = arguments.config.load(&arguments.paths)?;
    let path = arguments.baseline.as_deref().or(config.baseline.as_deref()).unwrap_or(Path::new(DEFAULT));
    let overrides = Overrides { include_tests: arguments.include_tests.then_some(true), ..Overrides::default() };
    let cache = arguments.cache.open(&config, &arguments.paths).and_then(Result::ok);
    let options = Options { threads: arguments.threads, baseline: Some(load(path)?), cache, ..config.options(arguments.paths.clone(), &overrides)? };
    let report = session::check(&options)?;
    let before = options.baseline.map_or(0, |it| it.baseline.entries().len());
    let kept = &report.comparison.kept;
    write(path, kept)?;
    let dropped = before - kept.entries().len();
    print(&format!("dropped {dropped} of {}'s {}\n", path.display(), count(before, "finding")))?;
    Ok(Outcome::Clean)
}

/// The baseline in a file.
pub fn load(path: &Path) -> Result<BaselineAt, Failure> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Failure(format!("{0}: there is no such baseline; `lockset check --baseline {0} --write-baseline` writes one", path.display()))
        }
        ErrorKind::IsADirectory => Failure(format!("{}: is a directory, and no baseline", path.display())),
        _ => Failure(format!("{}: {error}", path.display())),
    })?;
    let baseline = Baseline::parse(&text).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    Ok(BaselineAt { baseline, directory: directory_of(path)? })
}

/// The baseline in a file that is to be written; an empty one if it is not there yet.
pub fn load_or_new(path: &Path) -> Result<BaselineAt, Failure> {
    if path.exists() { load(path) } else { Ok(BaselineAt { baseline: Baseline::default(), directory: directory_of(path)? }) }
}

/// Writes what is found, and what of the baseline stays, and moves the findings to those that are known.
pub fn renew(path: &Path, report: &mut Report) -> Result<(), Failure> {
    let directory = directory_of(path)?;
    let new = report.findings.iter().map(|it| session::entry(it, &report.files, &directory));
    let baseline = Baseline::new(report.comparison.kept.entries().iter().cloned().chain(new).collect());
    write(path, &baseline)?;
    report.notes.push(format!("wrote {} to {}", count(baseline.entries().len(), "finding"), path.display()));
    report.baselined.append(&mut report.findings);
    report.comparison.fixed.clear();
    Ok(())
}

fn write(path: &Path, baseline: &Baseline) -> Result<(), Failure> {
    fs::write(path, baseline.render()).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

fn directory_of(path: &Path) -> Result<PathBuf, Failure> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    directory.canonicalize().map_err(|_| Failure(format!("{}: there is no directory {}", path.display(), directory.display())))
}
