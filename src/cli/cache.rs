//! Where the cache lies: `--cache-dir`, `LOCKSET_CACHE_DIR`, else in the project. For every command that analyses, and for
//! `clean`.

use std::env;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, NAME, Unusable};
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub struct CacheArguments {
    /// Neither use nor write the cache
    #[arg(long, help_heading = "Cache")]
    no_cache: bool,

    #[command(flatten)]
    place: CachePlace,
}

#[derive(Debug, clap::Args)]
pub struct CachePlace {
    /// Keep the cache in DIR [default: .lockset_cache in the project]
    #[arg(long, value_name = "DIR", env = "LOCKSET_CACHE_DIR", help_heading = "Cache")]
    cache_dir: Option<PathBuf>,
}

impl CacheArguments {
    /// The cache for an analysis of `paths`; none if it is not wanted.
    pub fn open(&self, config: &Config, paths: &[PathBuf]) -> Option<Result<Cache, Unusable>> {
        (!self.no_cache).then(|| {
            let (directory, is_named) = self.place.find(config, paths);
            Cache::open(&directory, is_named)
        })
    }

    /// Whether the user says where it is to lie.
    pub fn is_named(&self) -> bool {
        self.place.named().is_some()
    }
}

impl CachePlace {
    /// The cache's directory, and whether the user named it.
    pub fn find(&self, config: &Config, paths: &[PathBuf]) -> (PathBuf, bool) {
        match self.named() {
            Some(directory) => (directory.to_path_buf(), true),
            None => (project(config.directory.as_deref(), paths).join(NAME), false),
        }
    }

    fn named(&self) -> Option<&Path> {
        self.cache_dir.as_deref().filter(|it| !it.as_os_str().is_empty())
    }
}

/// The project that the first path is in: the directory of the configuration if it is above the path, else that of the
/// repository, else the working directory.
fn project(configuration: Option<&Path>, paths: &[PathBuf]) -> PathBuf {
    let here = || env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let Some(first) = paths.first().and_then(|it| it.canonicalize().ok()) else { return here() };
    match configuration.filter(|it| first.starts_with(it)) {
        Some(directory) => directory.to_path_buf(),
        None => first.ancestors().find(|it| it.join(".git").exists()).map_or_else(here, Path::to_path_buf),
    }
}
