//! What one run keeps for the next: bytes under keys, in a directory.
//!
//! ```text
//! .lockset_cache/
//!   .gitignore  CACHEDIR.TAG
//!   0.1.0-6f1c…/            one directory a build of lockset
//!     files.bin             what is known of each file by its time stamp (Index)
//!     modules-….bin         lowered modules, many in a file (Modules)
//!     result-….bin          what a whole run found
//! ```
//!
//! Nothing in here knows what the bytes mean, or fails: what cannot be read is not there, what cannot be written is not
//! kept. A file is written beside its place and then moved there, so that two runs at once see each other's files whole or
//! not at all; it begins with a checksum over its bytes, its name and the build, so that one that is cut, changed or of
//! another making is passed over, and written anew.
//!
//! Modules lie many in a file since opening thousands of files costs more than reading what is in them. A run adds one file with
//! the modules it made, and puts files together when they are many.

mod directory;
mod index;
mod modules;
mod seal;
mod stamp;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use directory::{CleanError, Unusable, clean};
pub use index::{Index, Record};
pub use modules::Modules;
pub use stamp::Stamp;

/// The name of the directory in a project.
pub const NAME: &str = ".lockset_cache";

/// A hash of all that the bytes under it depend on.
pub type Key = [u8; 32];

/// What is not used for so many days is not kept.
const DAYS: u32 = 14;

/// The cache of one build, in a directory that other builds may use as well.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The cache in the directory `root`, which is made if it is not there. `is_named`: the user said so, and may mean a link;
    /// a link that only lies in the analysed tree could lead anywhere.
    pub fn open(root: &Path, is_named: bool) -> Result<Cache, Unusable> {
        directory::open(root, is_named, BUILD).map(|directory| Cache { directory })
    }

    /// What a run kept under `key` as a whole.
    pub fn result(&self, key: &Key) -> Option<Vec<u8>> {
        seal::read(&self.directory, &result_name(key)).map(|it| it.to_vec())
    }

    /// Keeps what a run found.
    pub fn keep_result(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        seal::write(&self.directory, &result_name(key), bytes)?;
        directory::prune(&self.directory);
        Ok(())
    }
}

/// Which code wrote a cache.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("LOCKSET_BUILD"));

const RESULT: &str = "result-";

fn result_name(key: &Key) -> String {
    format!("{RESULT}{}.bin", blake3::Hash::from_bytes(*key).to_hex())
}

/// Days since the epoch.
fn today() -> u32 {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |it| it.as_secs());
    u32::try_from(seconds / (24 * 60 * 60)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
