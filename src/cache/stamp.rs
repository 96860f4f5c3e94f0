//! What the file system says of a file without reading it: the same stamp, the same bytes.
//!
//! Size, time of change and inode tell, as they do for git. The time is that of the inode's last change, too, which no
//! program sets at will as it does the time of modification (`cp -p`, `touch -r`, unpacking).
//!
//! Clocks of file systems are coarse (two seconds on FAT): a file that is changed twice in one tick has one stamp and two
//! contents. So a stamp is taken only once both times are older than that.

use std::path::Path;
#[cfg(unix)]
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// The coarsest clock.
#[cfg(unix)]
const TICK: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    length: u64,
    device: u64,
    inode: u64,
    /// Nanoseconds since the epoch.
    modified: i128,
    changed: i128,
}

impl Stamp {
    /// The stamp of a file that has not changed just now. None where there is nothing to rely on.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt;
        let it = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        let (modified, changed) = (nanoseconds(it.mtime(), it.mtime_nsec()), nanoseconds(it.ctime(), it.ctime_nsec()));
        let settled = i128::try_from((SystemTime::UNIX_EPOCH.elapsed().ok()?.checked_sub(TICK)?).as_nanos()).ok()?;
        (modified.max(changed) < settled).then(|| Stamp { length: it.len(), device: it.dev(), inode: it.ino(), modified, changed })
    }

    /// What other systems say of a file does not tell as much: it is read.
    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Option<Stamp> {
        None
    }
}
