//! Which configuration a command follows: `--config`, `--isolated`. For every command that analyses.

use std::path::PathBuf;

use super::Failure;
use crate::config::{self, Config, Source};

#[derive(Debug, clap::Args)]
pub struct ConfigArguments {
    /// Follow this configuration [default: the nearest lockset.toml, pyproject.toml or Cargo.toml that has one]
    #[arg(long, value_name = "FILE", conflicts_with = "isolated", help_heading = "Configuration")]
    config: Option<PathBuf>,

    /// Follow no configuration
    #[arg(long, help_heading = "Configuration")]
    isolated: bool,
}

impl ConfigArguments {
    /// The configuration for an analysis of `paths`.
    pub fn load(&self, paths: &[PathBuf]) -> Result<Config, Failure> {
        let source = match &self.config {
            _ if self.isolated => Source::None,
            Some(file) => Source::File(file.clone()),
            None => Source::Nearest,
        };
        Ok(config::load(&source, paths)?)
    }
}
