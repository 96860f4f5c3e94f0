//! The files of a run: which there are, what they say, where their lines are. Knows no syntax.
//!
//! [`discover`] turns the paths of the command line into candidates; [`load`] reads them, decodes them, and finds the
//! Cargo package each Rust file belongs to. Whatever cannot be read becomes a [`Skipped`] with its reason, and the
//! rest goes on.

mod changes;
mod directive;
mod discover;
mod globs;
mod lines;
mod manifest;
mod project;
mod prose;
mod read;
mod suppression;
mod text;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use changes::{Changes, ChangesError, changes};
pub use directive::directives;
pub use discover::{Candidate, DiscoverError, DiscoverOptions, Discovery, candidate, discover};
pub use globs::Globs;
pub use lines::{LineIndex, Position};
pub use manifest::parse_edition;
pub use project::project_of;
pub use prose::{prose, told};
use rayon::prelude::*;
pub use read::{About, Encoding, MAX_BYTES};

use self::text::Text;
use crate::finding::{FileId, Location};
use crate::frontend::rust::Edition;
use crate::ir::{Language, Range};

/// Whether [`directives`] or [`prose`] may find something in a comment.
pub fn speaks(comment: &str) -> bool {
    directive::is_likely(comment) || prose::is_likely(comment)
}

/// Which of `comments`, which are in source order, has the byte at an offset.
pub fn comment_at(comments: &[Range], at: usize) -> Option<Range> {
    let index = comments.partition_point(|it| it.as_usize().end <= at);
    comments.get(index).copied().filter(|it| it.as_usize().start <= at)
}

/// One source file.
#[derive(Debug)]
pub struct SourceFile {
    /// Absolute, with every link resolved: for opening, and for finding one file from another.
    pub path: PathBuf,
    /// Relative to the working directory where it lies below it, with `/`: what reports print.
    pub name: String,
    pub language: Language,
    /// Once it was read.
    about: OnceLock<About>,
    text: Text,
    /// Where its lines are. Made when first asked for: most files have no finding.
    lines: OnceLock<LineIndex>,
    /// It was found to be another than it was before.
    changed: AtomicBool,
    /// Of the nearest `Cargo.toml`; for Rust files only.
    pub edition: Edition,
    /// Rust: the directory of the crate's root module by the nearest `Cargo.toml` that has a package, in the same form as
    /// `path`: most often `src`.
    pub crate_root: Option<PathBuf>,
    /// Rust: the name other crates import it by (`[lib] name`, else the package's, with `_` for `-`).
    pub crate_name: Option<String>,
}

impl SourceFile {
    /// A file that lies nowhere: a text with a name.
    pub fn from_text(name: &str, text: &str, language: Language) -> Self {
        SourceFile {
            path: PathBuf::from(name),
            name: name.to_string(),
            language,
            about: OnceLock::from(About { generated: read::is_generated(text), ..About::default() }),
            text: Text::of(text.to_string()),
            lines: OnceLock::new(),
            changed: AtomicBool::new(false),
            edition: Edition::default(),
            crate_root: None,
            crate_name: None,
        }
    }

    /// The decoded text, without a byte order mark: what every range counts in. It is read from disk if nobody has it; empty
    /// if it cannot be read, or is no longer what it was ([`SourceFile::has_changed`]).
    pub fn text(&self) -> &str {
        self.text.get(|| self.read().ok())
    }

    /// What it is, which is found out when nobody knows; nothing of what cannot be read.
    pub fn about(&self) -> About {
        let known = self.about.get().copied();
        known.or_else(|| self.read().ok().and_then(|_| self.about.get().copied())).unwrap_or_default()
    }

    /// Whether the file was found to be another than it was when the run first saw it.
    pub fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// The text as it is on disk, which is not kept; or why it cannot be had.
    pub fn read(&self) -> Result<String, String> {
        let read = read::read_whole(&self.path, self.language);
        let before = match &read {
            Ok((_, about)) => Some(self.about.get_or_init(|| *about)),
            Err(_) => self.about.get(),
        };
        let about = read.as_ref().ok().map(|it| &it.1);
        if before.is_some() && before != about {
            self.changed.store(true, Ordering::Relaxed);
            return Err("it changed while it was analysed".to_string());
        }
        read.map(|it| it.0)
    }
}

/// A file, or a part of the tree, that could not be analysed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// As reports print it.
    pub file: String,
    pub reason: String,
}

/// The table of a run's files, in the order of their names.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<SourceFile>,
    /// One that was left out had changed.
    changed: bool,
}

impl Files {
    pub fn new(files: Vec<SourceFile>) -> Self {
        Files { files, changed: false }
    }

    /// Reads the texts of those that `wanted` means, in parallel, if nobody has them. Tells whether each was still what it was
    /// known to be.
    pub fn fill(&self, wanted: impl Fn(FileId) -> bool + Sync) -> bool {
        let read = |(index, file): (usize, &SourceFile)| {
            let is_wanted = wanted(FileId(index as u32));
            if is_wanted {
                file.text();
            }
            !(is_wanted && file.has_changed())
        };
        self.files.par_iter().enumerate().map(read).reduce(|| true, |one, other| one && other)
    }

    /// Lets the texts go that are kept, and gives them, by file: whoever asks for one later has it read again.
    pub fn take_texts(&mut self) -> Vec<Option<String>> {
        self.files.iter_mut().map(|it| it.text.take()).collect()
    }

    /// Takes out the files of which `reason` tells why they could not be read; the others move up.
    pub fn leave_out(&mut self, mut reason: impl FnMut(FileId) -> Option<String>) -> Vec<Skipped> {
        let mut left_out = Vec::new();
        let mut index = 0;
        self.files.retain(|file| {
            let why = reason(FileId(index));
            index += 1;
            self.changed |= file.has_changed();
            left_out.extend(why.clone().map(|reason| Skipped { file: file.name.clone(), reason }));
            why.is_none()
        });
        left_out
    }

    /// Whether a file was found to have changed since the run began.
    pub fn have_changed(&self) -> bool {
        self.changed || self.files.iter().any(SourceFile::has_changed)
    }

    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, it)| (FileId(i as u32), it))
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, taken out.
    pub fn into_files(self) -> Vec<SourceFile> {
        self.files
    }

    /// The line table of a file.
    pub fn lines(&self, id: FileId) -> &LineIndex {
        let file = self.get(id);
        file.lines.get_or_init(|| LineIndex::new(file.text()))
    }

    /// Where a byte of the file's text stands.
    pub fn position(&self, id: FileId, offset: u32) -> Position {
        let file = self.get(id);
        let lines = self.lines(id);
        let offset = (offset as usize).min(file.text().len());
        let on_disk = match file.about().encoding {
            Encoding::Utf8 => offset,
            Encoding::Utf8WithMark => offset + read::MARK.len(),
            Encoding::Latin1 => lines.characters_before(file.text(), offset),
        };
        Position { line: lines.line(offset) + 1, column: lines.column(file.text(), offset) + 1, offset: on_disk }
    }

    /// The column of a byte of the file's text, in bytes of UTF-8 from 1.
    pub fn byte_column(&self, id: FileId, offset: u32) -> usize {
        let file = self.get(id);
        let lines = self.lines(id);
        let offset = (offset as usize).min(file.text().len());
        offset - lines.range(file.text(), lines.line(offset)).start + 1
    }

    /// Where a location begins.
    pub fn start(&self, location: Location) -> Position {
        self.position(location.file, location.range.start)
    }

    /// Where a location ends (the byte after its last).
    pub fn end(&self, location: Location) -> Position {
        self.position(location.file, location.range.end)
    }

    /// `app/metrics.py:12`.
    pub fn place(&self, location: Location) -> String {
        format!("{}:{}", self.get(location.file).name, self.start(location).line)
    }

    /// The text of a location; cut to what the file has.
    pub fn text(&self, location: Location) -> &str {
        let text = self.get(location.file).text();
        let Range { start, end } = location.range;
        text.get(start as usize..(end as usize).min(text.len())).unwrap_or("")
    }
}

/// A source that is handed over, as if it stood in a file of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub name: PathBuf,
    pub bytes: Vec<u8>,
}

/// What [`load`] gives.
#[derive(Debug, Default)]
pub struct Loaded {
    pub files: Files,
    pub skipped: Vec<Skipped>,
    /// What the user should know, but what stops nothing: a `Cargo.toml` that cannot be read.
    pub notes: Vec<String>,
}

/// The text of a file that is no source, or why it cannot be had.
pub fn read_text(path: &Path) -> Result<String, String> {
    read::read(path, Language::Rust).map(|it| it.0)
}

/// How messages name a path.
pub fn display_name(path: &Path) -> String {
    discover::name_of(path, &discover::working_directory())
}

/// The one file that is handed over.
pub fn load_given(given: &Given) -> Result<Loaded, DiscoverError> {
    let error = |reason: String| DiscoverError { path: given.name.clone(), reason };
    let candidate = discover::named(&given.name).map_err(|reason| error(reason.to_string()))?;
    let (text, about) = read::decode_whole(given.bytes.clone(), candidate.language).map_err(error)?;
    let mut loaded = assemble(vec![candidate], vec![Ok((Some(text), Some(about)))]);
    loaded.files.files.iter_mut().for_each(|it| it.text.pin());
    Ok(loaded)
}

/// Reads the candidates, in parallel, keeping their order.
pub fn load(candidates: Vec<Candidate>) -> Loaded {
    let read = |it: &Candidate| read::read_whole(&it.path, it.language).map(|(text, about)| (Some(text), Some(about)));
    let texts: Vec<_> = candidates.par_iter().map(read).collect();
    assemble(candidates, texts)
}

/// The same, but each is read when it is asked for.
pub fn load_later(candidates: Vec<Candidate>) -> Loaded {
    let texts = candidates.iter().map(|_| Ok((None, None))).collect();
    assemble(candidates, texts)
}

/// The same, but what the files are is known at once, of which `known` does not tell it. Of those in Rust the texts are
/// kept: what macros mean stands in other files.
pub fn load_unknown(candidates: Vec<Candidate>, known: impl Fn(&Path) -> Option<About> + Sync) -> Loaded {
    let read = |it: &Candidate| match known(&it.path) {
        Some(about) => Ok((None, Some(about))),
        None => read::read_whole(&it.path, it.language).map(|(text, about)| (Some(text).filter(|_| it.language == Language::Rust), Some(about))),
    };
    let texts: Vec<_> = candidates.par_iter().map(read).collect();
    assemble(candidates, texts)
}

/// The text of a file, and what it is, as far as somebody has looked; or why it cannot be had.
type Looked = Result<(Option<String>, Option<About>), String>;

/// The files of these texts, each with its package.
fn assemble(candidates: Vec<Candidate>, texts: Vec<Looked>) -> Loaded {
    let mut manifests = manifest::Manifests::new(discover::working_directory());
    let mut files = Vec::with_capacity(candidates.len());
    let mut skipped = Vec::new();
    for (candidate, text) in candidates.into_iter().zip(texts) {
        let Candidate { path, name, language } = candidate;
        match text {
            Err(reason) => skipped.push(Skipped { file: name, reason }),
            Ok((text, about)) => {
                let text = text.map_or_else(Text::default, Text::read);
                let about = about.map_or_else(OnceLock::new, OnceLock::from);
                let package = match language {
                    Language::Rust => manifests.package_of(&path),
                    Language::Python => manifest::Package::default(),
                };
                let manifest::Package { edition, sources: crate_root, crate_name } = package;
                files.push(SourceFile {
                    path,
                    name,
                    language,
                    about,
                    text,
                    lines: OnceLock::new(),
                    changed: AtomicBool::new(false),
                    edition,
                    crate_root,
                    crate_name,
                });
            }
        }
    }
    Loaded { files: Files::new(files), skipped, notes: manifests.into_notes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(encoding: Encoding, text: &str, at: &str) -> Position {
        let about = About { encoding, ..About::default() };
        let file = SourceFile { about: OnceLock::from(about), ..SourceFile::from_text("a.py", text, Language::Python) };
        Files::new(vec![file]).position(FileId(0), text.find(at).unwrap() as u32)
    }

    #[test]
    fn a_file_that_changes_while_it_is_looked_at_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.py");
        let files = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let mut files = load(vec![candidate(&path).unwrap()]).files;
            assert_eq!(files.take_texts(), [Some(text.to_string())]);
            files
        };
        let known = files("a = 1\n");
        assert_eq!((known.get(FileId(0)).text(), known.have_changed()), ("a = 1\n", false));
        let changed = files("a = 1\n");
        std::fs::write(&path, "a = 2\n").unwrap();
        assert!(changed.fill(|_| false) && !changed.fill(|_| true));
        assert_eq!((changed.get(FileId(0)).text(), changed.have_changed()), ("", true));
    }

    #[test]
    fn byte_columns_begin_with_the_line() {
        let files = Files::new(vec![SourceFile::from_text("a.py", "é\nçd", Language::Python)]);
        assert_eq!([0, 2, 3, 5, 99].map(|it| files.byte_column(FileId(0), it)), [1, 3, 1, 3, 4]);
    }

    #[test]
    fn offsets_are_those_of_the_bytes_on_disk() {
        assert_eq!(position(Encoding::Utf8, "é\nxy", "y"), Position { line: 2, column: 2, offset: 4 });
        assert_eq!(position(Encoding::Utf8WithMark, "é\nxy", "y"), Position { line: 2, column: 2, offset: 7 });
        assert_eq!(position(Encoding::Latin1, "é\nxy", "y"), Position { line: 2, column: 2, offset: 3 });
    }
}
