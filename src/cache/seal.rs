//! One file of the cache: a mark, a checksum, and the bytes.

use std::fs;
use std::io::{self, Write};
use std::ops::Deref;
use std::path::Path;

use super::BUILD;

const MARK: &[u8; 8] = b"lockset\n";
const HEAD: usize = MARK.len() + blake3::OUT_LEN;

/// What files are called until they are whole.
pub(super) const UNFINISHED: &str = "unfinished-";

/// The bytes of a file whose checksum is right.
#[derive(Debug)]
pub(super) struct Sealed(Vec<u8>);

impl Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[HEAD..]
    }
}

/// What was written under `name`; none if it is not there, or not as it was written.
pub(super) fn read(directory: &Path, name: &str) -> Option<Sealed> {
    let path = directory.join(name);
    // A link can lead to what never ends.
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let is_whole = bytes.len() >= HEAD && bytes.starts_with(MARK) && bytes[MARK.len()..HEAD] == *sum(name, &[&bytes[HEAD..]]).as_bytes();
    is_whole.then_some(Sealed(bytes))
}

/// Writes the parts, one behind the other, under `name`. Who reads meanwhile sees what was there before.
pub(super) fn write(directory: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)?;
    file.write_all(MARK)?;
    file.write_all(sum(name, parts).as_bytes())?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(directory.join(name)).map_err(|error| error.error)?;
    Ok(())
}

fn sum(name: &str, parts: &[&[u8]]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(BUILD.as_bytes()).update(b"\n").update(name.as_bytes()).update(b"\n");
    for part in parts {
        hasher.update_rayon(part);
    }
    hasher.finalize()
}
