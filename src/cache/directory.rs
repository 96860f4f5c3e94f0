//! The directory that a cache lies in: made, kept small, removed.
//!
//! It is marked with a `CACHEDIR.TAG` (bford.info/cachedir), by which backups pass it over, and by which it is known as
//! ours: nothing is written into, or removed from, a directory that has other things in it.

use std::cmp::Reverse;
use std::fmt::{self, Display};
use std::fs::{self, DirEntry, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{DAYS, RESULT, seal};

const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This directory is the cache of lockset. `lockset clean` removes it.
";
const IGNORE: &str = ".gitignore";

/// Results of so many runs are kept: those of a few branches and sets of options.
const MOST_RESULTS: usize = 16;
/// Caches of so many builds are kept.
const MOST_BUILDS: usize = 4;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a directory cannot be used as a cache.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct Unusable {
    pub path: PathBuf,
    pub reason: String,
}

/// Why a directory was not removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    #[error("{}: is not a cache of lockset (it has no {TAG} that says so), and is left as it is", .0.display())]
    Foreign(PathBuf),
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// The directory of `build` in the cache `root`; both are made if they are not there.
pub(super) fn open(root: &Path, is_named: bool, build: &str) -> Result<PathBuf, Unusable> {
    let unusable = |path: &Path, reason: &dyn Display| Unusable { path: path.to_path_buf(), reason: reason.to_string() };
    let failed = |error: io::Error| unusable(root, &error);
    if !is_named && fs::symlink_metadata(root).is_ok_and(|it| it.is_symlink()) {
        return Err(unusable(root, &"is a link"));
    }
    if root.exists() && !is_ours_or_new(root).map_err(failed)? {
        return Err(unusable(root, &"has other things in it than a cache of lockset"));
    }
    fs::create_dir_all(root).map_err(failed)?;
    write_new(&root.join(TAG), TAG_TEXT).map_err(failed)?;
    write_new(&root.join(IGNORE), "*\n").map_err(failed)?;
    let directory = root.join(build);
    match fs::symlink_metadata(&directory) {
        Ok(it) if it.is_dir() => {}
        Ok(_) => return Err(unusable(&directory, &"is no directory")),
        Err(_) => match fs::create_dir(&directory) {
            // Another run was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result.map_err(failed)?,
        },
    }
    Ok(directory)
}

/// Writes a file that is not there yet. Never through a link.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_ours(root: &Path) -> bool {
    fs::symlink_metadata(root.join(TAG)).is_ok_and(|it| it.is_file()) && fs::read(root.join(TAG)).is_ok_and(|it| it == TAG_TEXT.as_bytes())
}

/// Whether the directory is a cache, or has nothing in it but what another run has begun to make of one.
fn is_ours_or_new(root: &Path) -> io::Result<bool> {
    let names = fs::read_dir(root)?.collect::<io::Result<Vec<DirEntry>>>()?;
    Ok(is_ours(root) || names.iter().all(|it| it.file_name() == TAG || it.file_name() == IGNORE))
}

/// Removes the cache `root`; tells whether there was one.
pub fn clean(root: &Path) -> Result<bool, CleanError> {
    match fs::symlink_metadata(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(CleanError::Io(root.to_path_buf(), error)),
        Ok(it) if it.is_dir() && is_ours(root) => fs::remove_dir_all(root).map(|()| true).map_err(|error| CleanError::Io(root.to_path_buf(), error)),
        Ok(_) => Err(CleanError::Foreign(root.to_path_buf())),
    }
}

/// Removes what is of no use any more from a build's directory and from beside it. What cannot be removed stays.
pub(super) fn prune(directory: &Path) {
    let result = |name: &str| name.starts_with(RESULT);
    for (path, _) in superfluous(directory, result, MOST_RESULTS, DAY * DAYS) {
        let _ = fs::remove_file(path);
    }
    // What a run that was stopped has left; one that goes on is done within a day.
    for (path, _) in superfluous(directory, |name| name.starts_with(seal::UNFINISHED), usize::MAX, DAY) {
        let _ = fs::remove_file(path);
    }
    let Some(root) = directory.parent() else { return };
    for (path, _) in superfluous(root, is_build, MOST_BUILDS, DAY * DAYS).into_iter().filter(|it| it.0 != directory) {
        let _ = fs::remove_dir_all(path);
    }
}

/// `0.1.0-0123456789abcdef`
fn is_build(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(version, hash)| {
        version.starts_with(|it: char| it.is_ascii_digit()) && hash.len() == 16 && hash.bytes().all(|it| it.is_ascii_hexdigit())
    })
}

/// The entries with such a name beyond the `most` newest, and those older than `age`.
fn superfluous(directory: &Path, is_meant: impl Fn(&str) -> bool, most: usize, age: Duration) -> Vec<(PathBuf, SystemTime)> {
    let meant = |it: &DirEntry| it.file_name().to_str().is_some_and(&is_meant);
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).filter(meant);
    let mut found: Vec<(PathBuf, SystemTime)> = entries.filter_map(|it| Some((it.path(), it.metadata().ok()?.modified().ok()?))).collect();
    found.sort_by_key(|it| Reverse(it.1));
    let mut number = 0;
    found.retain(|it| {
        number += 1;
        number > most || it.1.elapsed().is_ok_and(|it| it > age)
    });
    found
}

impl fmt::Display for super::Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directory.display().fmt(f)
    }
}
