//! One file of the cache: a mark, a checksum, and the bytes; or, of a file that is read in pieces, a head with a checksum,
//! and behind it pieces of which the head knows what they should be.

use std::fs::{self, File};
use std::io::{self, Read, Write};
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
    let mut bytes = Vec::new();
    open(directory, name)?.read_to_end(&mut bytes).ok()?;
    let is_whole = bytes.len() >= HEAD && bytes.starts_with(MARK) && bytes[MARK.len()..HEAD] == *sum(name, &bytes[HEAD..]).as_bytes();
    is_whole.then_some(Sealed(bytes))
}

/// Writes the bytes under `name`. Who reads meanwhile sees what was there before.
pub(super) fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_parts(directory, name, &[MARK, sum(name, bytes).as_bytes(), bytes])
}

/// A file whose head's checksum is right.
#[derive(Debug)]
pub(super) struct Pieces {
    file: File,
    pub head: Vec<u8>,
    /// Where the pieces begin, and how many bytes they have together.
    start: u64,
    pub length: u64,
}

impl Pieces {
    /// Opens what [`write_pieces`] wrote under `name`; none if it is not there, or its head not as it was written.
    pub fn open(directory: &Path, name: &str) -> Option<Pieces> {
        let mut file = open(directory, name)?;
        let mut fixed = [0; HEAD + size_of::<u64>()];
        file.read_exact(&mut fixed).ok()?;
        let (sealed, count) = fixed.split_at(HEAD);
        let count = u64::from_le_bytes(count.try_into().ok()?);
        let start = (fixed.len() as u64).checked_add(count)?;
        let length = file.metadata().ok()?.len().checked_sub(start)?;
        let mut head = vec![0; usize::try_from(count).ok()?];
        file.read_exact(&mut head).ok()?;
        let is_whole = sealed.starts_with(MARK) && sealed[MARK.len()..] == *sum(name, &head).as_bytes();
        is_whole.then_some(Pieces { file, head, start, length })
    }

    /// So many bytes from `at` on, counted from the first piece's first byte.
    pub fn read(&self, at: u64, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        read_exact_at(&self.file, &mut bytes, self.start.checked_add(at)?).ok()?;
        Some(bytes)
    }
}

/// Writes a head and pieces behind it under `name`.
pub(super) fn write_pieces(directory: &Path, name: &str, head: &[u8], pieces: &[&[u8]]) -> io::Result<()> {
    let sum = sum(name, head);
    let count = (head.len() as u64).to_le_bytes();
    let parts: Vec<&[u8]> = [&MARK[..], sum.as_bytes(), &count, head].into_iter().chain(pieces.iter().copied()).collect();
    write_parts(directory, name, &parts)
}

fn open(directory: &Path, name: &str) -> Option<File> {
    let path = directory.join(name);
    // A link can lead to what never ends.
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    File::open(path).ok()
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], at + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

fn write_parts(directory: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(directory.join(name)).map_err(|error| error.error)?;
    Ok(())
}

fn sum(name: &str, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(BUILD.as_bytes()).update(b"\n").update(name.as_bytes()).update(b"\n");
    hasher.update_rayon(bytes).finalize()
}
