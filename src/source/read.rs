//! Reading one file: size limit and decoding.
//!
//! Rust is UTF-8. Python is UTF-8 unless a coding line (PEP 263) in its first two lines says otherwise; of the other
//! encodings only Latin-1 is read, since every byte of it is one character. Anything else is skipped with its reason.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ir::Language;

/// Larger files are skipped: no one writes them by hand.
pub const MAX_BYTES: u64 = 10_000_000;

/// The UTF-8 byte order mark.
pub(super) const MARK: &str = "\u{feff}";

/// How a file's bytes became its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    #[default]
    Utf8,
    /// UTF-8 behind a byte order mark, which the text does not have.
    Utf8WithMark,
    Latin1,
}

/// What a file is, without its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// BLAKE3, of the bytes on disk.
    pub digest: [u8; 32],
    pub encoding: Encoding,
    pub lines: usize,
    /// Its head says that a tool writes it and people should not.
    pub generated: bool,
}

/// The text of the file at `path` and what is known by it, or why it cannot be had.
pub fn read_whole(path: &Path, language: Language) -> Result<(String, About), String> {
    decode_whole(read_bytes(path)?, language)
}

/// The same of bytes.
pub fn decode_whole(bytes: Vec<u8>, language: Language) -> Result<(String, About), String> {
    let digest = *blake3::hash(&bytes).as_bytes();
    let (text, encoding) = decode(bytes, language)?;
    let breaks = text.bytes().filter(|it| *it == b'\n').count();
    let lines = breaks + usize::from(!text.is_empty() && !text.ends_with('\n'));
    let generated = is_generated(&text);
    Ok((text, About { digest, encoding, lines, generated }))
}

/// Whether a file's first lines say that a tool writes it and people should not.
pub(super) fn is_generated(text: &str) -> bool {
    let head = text.lines().take(10).filter(|it| it.starts_with(['#', '/', '"', '*', ' '])).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    head.contains("@generated") || (head.contains("generated") && (head.contains("do not edit") || head.contains("do not modify")))
}

/// The text of the file at `path`, or why it cannot be had.
pub fn read(path: &Path, language: Language) -> Result<(String, Encoding), String> {
    decode(read_bytes(path)?, language)
}

/// The text that bytes are.
pub fn decode(bytes: Vec<u8>, language: Language) -> Result<(String, Encoding), String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("over the limit of {} MB", MAX_BYTES / 1_000_000));
    }
    match language {
        Language::Python => decode_python(bytes),
        Language::Rust => decode_utf8(bytes),
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(reason)?;
    if !metadata.is_file() {
        return Err("not a regular file".to_string());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("{:.1} MB is over the limit of {} MB", metadata.len() as f64 / 1e6, MAX_BYTES / 1_000_000));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    let file = File::open(path).map_err(reason)?;
    // A file can grow, and some report no size at all.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(reason)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("over the limit of {} MB", MAX_BYTES / 1_000_000));
    }
    Ok(bytes)
}

/// The system's reason, in the case of a sentence's middle.
fn reason(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        io::ErrorKind::NotFound => "no longer there".to_string(),
        _ => error.to_string(),
    }
}

fn decode_utf8(bytes: Vec<u8>) -> Result<(String, Encoding), String> {
    let mut text = String::from_utf8(bytes).map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))?;
    if text.starts_with(MARK) {
        text.drain(..MARK.len());
        return Ok((text, Encoding::Utf8WithMark));
    }
    Ok((text, Encoding::Utf8))
}

fn decode_python(bytes: Vec<u8>) -> Result<(String, Encoding), String> {
    match coding_line(&bytes) {
        Some(name) if is_latin1(&name) => Ok((bytes.iter().map(|byte| char::from(*byte)).collect(), Encoding::Latin1)),
        Some(name) if !is_utf8(&name) => {
            decode_utf8(bytes).map_err(|why| format!("{why}, and its declared encoding `{name}` is not one of those read (UTF-8, Latin-1)"))
        }
        _ => decode_utf8(bytes),
    }
}

/// The encoding that the first or second line names, in lower case with `-` for `_`.
///
/// PEP 263: `^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`; the second line counts if the first is blank or a comment.
fn coding_line(bytes: &[u8]) -> Option<String> {
    // A long first line is no coding line.
    let head = &bytes[..bytes.len().min(1000)];
    for line in head.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii();
        let Some(comment) = line.strip_prefix(b"#") else {
            if line.is_empty() || line == MARK.as_bytes() {
                continue;
            }
            return None;
        };
        if let Some(name) = coding_name(&String::from_utf8_lossy(comment)) {
            return Some(name);
        }
    }
    None
}

fn coding_name(comment: &str) -> Option<String> {
    comment.match_indices("coding").find_map(|(at, word)| {
        let rest = comment[at + word.len()..].strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_ascii_lowercase().replace('_', "-"))
    })
}

fn is_latin1(name: &str) -> bool {
    let matches = |stem: &str| name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    ["latin-1", "iso-8859-1", "iso-latin-1"].into_iter().any(matches) || ["latin1", "l1", "iso8859-1", "8859", "cp819"].contains(&name)
}

fn is_utf8(name: &str) -> bool {
    matches!(name, "utf8" | "u8" | "utf" | "ascii" | "us-ascii") || name == "utf-8" || name.starts_with("utf-8-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coding_lines() {
        let check = |source: &str, expect: Option<&str>| assert_eq!(coding_line(source.as_bytes()).as_deref(), expect, "{source:?}");
        check("# -*- coding: latin-1 -*-\n", Some("latin-1"));
        check("#!/usr/bin/python\n# vim: set fileencoding=ISO_8859_1 :\n", Some("iso-8859-1"));
        check("\n  # coding:utf8", Some("utf8"));
        check("x = 1\n# coding: latin-1\n", None);
        check("\n\n# coding: latin-1\n", None);
        check("# coding is fun\n", None);
        check("", None);
    }

    #[test]
    fn python_latin1_keeps_every_byte() {
        let bytes = b"# coding: latin-1\nname = 'caf\xe9'\n".to_vec();
        let (text, encoding) = decode_python(bytes).unwrap();
        assert_eq!((text.as_str(), encoding), ("# coding: latin-1\nname = 'café'\n", Encoding::Latin1));
    }

    #[test]
    fn invalid_bytes_are_named_by_offset() {
        assert_eq!(decode_utf8(b"ab\xff".to_vec()).unwrap_err(), "not UTF-8 at byte 2");
        let why = decode_python(b"# coding: koi8-r\n\xc1".to_vec()).unwrap_err();
        assert_eq!(why, "not UTF-8 at byte 17, and its declared encoding `koi8-r` is not one of those read (UTF-8, Latin-1)");
    }

    #[test]
    fn an_unread_encoding_is_no_matter_while_the_bytes_are_utf8() {
        assert!(decode_python(b"# coding: koi8-r\nx = 1\n".to_vec()).is_ok());
    }

    #[test]
    fn the_byte_order_mark_is_taken_off() {
        assert_eq!(decode_utf8(b"\xef\xbb\xbfx".to_vec()), Ok(("x".to_string(), Encoding::Utf8WithMark)));
    }
}
