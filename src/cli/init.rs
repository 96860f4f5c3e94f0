//! `lockset init [PATH]`: a configuration with every key at its default, explained.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{Failure, Outcome, print};
use crate::config::TEMPLATE;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The directory that gets a lockset.toml, or the name of the file to write
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Print it and write nothing
    #[arg(long, conflicts_with = "path")]
    stdout: bool,
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.stdout {
        print(TEMPLATE)?;
        return Ok(Outcome::Clean);
    }
    let file = if arguments.path.is_dir() { arguments.path.join("lockset.toml") } else { arguments.path.clone() };
    let shown = file.strip_prefix(".").unwrap_or(&file).display();
    if file.extension().is_none_or(|it| it != "toml") {
        return Err(Failure(format!("{shown}: neither a directory nor a .toml file")));
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure(format!("{shown}: is there already, and is left as it is; `lockset init --stdout` prints the new one"))
        }
        io::ErrorKind::NotFound => Failure(format!("{shown}: there is no such directory")),
        _ => Failure(format!("{shown}: {error}")),
    };
    let mut out = OpenOptions::new().write(true).create_new(true).open(&file).map_err(failed)?;
    out.write_all(TEMPLATE.as_bytes()).map_err(failed)?;
    print(&format!("{shown}: written\n"))?;
    Ok(Outcome::Clean)
}
