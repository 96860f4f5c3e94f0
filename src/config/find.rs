//! Which file configures a run, and the text of it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;
use super::keys::Keys;
use crate::session::nearest;
use crate::source::{display_name, read_text};

/// The names of the files that can hold a configuration, those of one directory in the order in which they are asked.
const NAMES: &[&str] = &["lockset.toml", "pyproject.toml", "Cargo.toml"];

/// Where a configuration comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The nearest above the first path.
    #[default]
    Nearest,
    File(PathBuf),
    /// From nowhere: the defaults.
    None,
}

/// A file with a configuration.
#[derive(Debug)]
pub struct Text {
    pub path: PathBuf,
    /// As messages name it.
    pub name: String,
    pub text: String,
}

/// The parts of a `pyproject.toml` on the way to the section.
#[derive(Default, Deserialize)]
struct Pyproject {
    tool: Option<Tools>,
}

/// The parts of a `Cargo.toml` on the way to the section.
#[derive(Default, Deserialize)]
struct Manifest {
    workspace: Option<Metadata>,
    package: Option<Metadata>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    metadata: Option<Tools>,
}

#[derive(Default, Deserialize)]
struct Tools {
    lockset: Option<Keys>,
}

/// The nearest file with a configuration above the first of `paths`.
///
/// # Errors
///
/// A `lockset.toml` that cannot be read, or another file that speaks of lockset and is not TOML.
pub fn find(paths: &[PathBuf]) -> Result<Option<Text>, ConfigError> {
    let first = paths.first().map_or(Path::new("."), PathBuf::as_path);
    // A path that is not there (yet): the nearest directory above it that is.
    let Some(start) = std::path::absolute(first).ok().and_then(|it| it.ancestors().find_map(|it| it.canonicalize().ok())) else { return Ok(None) };
    for directory in start.ancestors().filter(|it| it.is_dir()) {
        for name in NAMES {
            let path = directory.join(name);
            if !path.is_file() {
                continue;
            }
            if *name == "lockset.toml" {
                return read(&path).map(Some);
            }
            // That such a file cannot be read is for other tools to complain of, unless it is meant for this one.
            if let Ok(text) = read(&path)
                && text.text.contains("lockset")
                && text.section()?.is_some()
            {
                return Ok(Some(text));
            }
        }
    }
    Ok(None)
}

/// The text of the configuration file at `path`.
pub fn read(path: &Path) -> Result<Text, ConfigError> {
    let error = |message: String| ConfigError { file: display_name(path), line: None, message };
    let resolved = path
        .canonicalize()
        .map_err(|why| error(if why.kind() == std::io::ErrorKind::NotFound { "no such file or directory".to_string() } else { why.to_string() }))?;
    let text = read_text(&resolved).map_err(error)?;
    Ok(Text { name: display_name(&resolved), path: resolved, text })
}

impl Text {
    /// What is written.
    pub(super) fn keys(&self) -> Result<Keys, ConfigError> {
        self.section()?.ok_or_else(|| {
            let section = if self.is("Cargo.toml") { "[workspace.metadata.lockset] or [package.metadata.lockset]" } else { "[tool.lockset]" };
            ConfigError { file: self.name.clone(), line: None, message: format!("has no section {section}") }
        })
    }

    /// The same; none if the file has other things as well and no section for this tool.
    fn section(&self) -> Result<Option<Keys>, ConfigError> {
        if self.is("pyproject.toml") {
            let it: Pyproject = self.parse()?;
            return Ok(it.tool.and_then(|it| it.lockset));
        }
        if self.is("Cargo.toml") {
            let it: Manifest = self.parse()?;
            let of = |it: Option<Metadata>| it.and_then(|it| it.metadata).and_then(|it| it.lockset);
            return match (of(it.workspace), of(it.package)) {
                (Some(_), Some(_)) => {
                    let message = "has [workspace.metadata.lockset] and [package.metadata.lockset]; one of them counts".to_string();
                    Err(ConfigError { file: self.name.clone(), line: None, message })
                }
                (workspace, package) => Ok(workspace.or(package)),
            };
        }
        self.parse().map(Some)
    }

    fn is(&self, name: &str) -> bool {
        self.path.file_name().is_some_and(|it| it == name)
    }

    fn parse<'t, T: Deserialize<'t>>(&'t self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error: toml::de::Error| {
            let message = explained(error.message());
            match error.span() {
                Some(span) => self.error_at(span.start, message),
                None => ConfigError { file: self.name.clone(), line: None, message },
            }
        })
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|it| **it == b'\n').count() + 1
    }

    pub(super) fn error_at(&self, offset: usize, message: String) -> ConfigError {
        ConfigError { file: self.name.clone(), line: Some(self.line(offset)), message }
    }
}

/// A message of the deserialiser; for a name that it does not know, with the nearest that it does.
fn explained(message: &str) -> String {
    let first = message.lines().next().unwrap_or("not TOML");
    let quoted: Vec<&str> = first.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = quoted.split_first() else { return first.to_string() };
    let what = match () {
        () if first.starts_with("unknown field") => format!("unknown key `{unknown}`"),
        () if first.starts_with("unknown variant") => format!("unknown value `{unknown}`"),
        () => return first.to_string(),
    };
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => format!("{what}; known here: {}", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")),
    }
}
