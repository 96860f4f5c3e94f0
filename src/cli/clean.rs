//! `lockset clean [PATH]`: removes the cache that an analysis of PATH would use.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::cache::CachePlace;
use super::project::ConfigArguments;
use super::{Failure, Outcome, print};
use crate::cache;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory of the project
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    #[command(flatten)]
    place: CachePlace,

    #[command(flatten)]
    config: ConfigArguments,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if let Err(error) = arguments.path.metadata() {
        let reason = if error.kind() == ErrorKind::NotFound { "no such file or directory".to_string() } else { error.to_string() };
        return Err(Failure(format!("{}: {reason}", arguments.path.display())));
    }
    let paths = [arguments.path.clone()];
    let (directory, _) = arguments.place.find(&arguments.config.load(&paths)?, &paths);
    let said = if cache::clean(&directory)? { "removed" } else { "there is no cache" };
    print(&format!("{}: {said}\n", directory.display()))?;
    Ok(Outcome::Clean)
}
