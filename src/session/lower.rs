//! From files to modules: those that a run before made, and the others anew.

use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::contained;
use super::macros::Macros;
use super::progress::Progress;
use super::warm::module_key;
use crate::cache::{Key, Modules};
use crate::finding::{FileId, Location};
use crate::frontend::{self, rust::MacroDefinition};
use crate::ir::{self, Language, Module, Range, SyntaxError};
use crate::program::Setting;
use crate::report::text::count;
use crate::source::{Files, Loaded, SourceFile};

/// Lowers one file as its language asks. Of macros it knows its own.
pub fn lower_file(file: &SourceFile) -> Result<Module, SyntaxError> {
    lower_with(file, file.text(), &[])
}

fn lower_with(file: &SourceFile, text: &str, macros: &[Arc<MacroDefinition>]) -> Result<Module, SyntaxError> {
    let lower = || match file.language {
        Language::Python => frontend::python::lower(text),
        Language::Rust => frontend::rust::lower_with(text, file.edition, macros),
    };
    contained(lower).unwrap_or_else(|message| Err(SyntaxError { range: None, message }))
}

/// What all files became.
pub(super) struct Lowered {
    /// In the order of the files.
    pub modules: Vec<(FileId, Module)>,
    /// The others, and why.
    pub unparsable: Vec<(FileId, String)>,
    /// The keys of all files' modules.
    pub used: FxHashSet<Key>,
    /// Of those modules that were made in this run the bytes, if they are to be kept.
    pub new: Vec<(Key, Vec<u8>)>,
}

/// What became of a file.
enum Read {
    Lowered(Module),
    Broken(SyntaxError),
    /// It could not be read.
    Nothing(String),
}

/// Lowers all files, in parallel, but those whose modules are kept. Their texts are read one by one, or let go if somebody
/// has them; those that cannot be read are skipped.
pub(super) fn lower(loaded: &mut Loaded, setting: &Setting, kept: &Modules, keeps: bool, progress: &Progress) -> Lowered {
    let macros = Macros::gather(&loaded.files, setting.catalogs.rust);
    let texts = loaded.files.take_texts();
    progress.begin(texts.len());
    let lower = |(file, text): (&SourceFile, Option<String>)| {
        let macros = macros.of(file, text.as_deref().unwrap_or(""));
        let key = keeps.then(|| module_key(file, &macros));
        let known = key.and_then(|it| kept.get(&it)).and_then(|it| ir::unpack(&it));
        let is_new = known.is_none();
        let lower = |text: String| lower_with(file, &text, &macros).map_or_else(Read::Broken, Read::Lowered);
        let read = known.map_or_else(|| text.map_or_else(|| file.read(), Ok).map_or_else(Read::Nothing, lower), Read::Lowered);
        let new = match &read {
            Read::Lowered(module) if is_new => Some(if keeps { ir::pack(module) } else { Vec::new() }),
            _ => None,
        };
        progress.step();
        (key, read, new)
    };
    let files: Vec<&SourceFile> = loaded.files.iter().map(|it| it.1).collect();
    let read: Vec<(Option<Key>, Read, Option<Vec<u8>>)> = files.into_par_iter().zip(texts).map(lower).collect();
    let reason = |it: FileId| if let Read::Nothing(reason) = &read[it.0 as usize].1 { Some(reason.clone()) } else { None };
    loaded.skipped.extend(loaded.files.leave_out(reason));

    let mut lowered = Lowered { modules: Vec::with_capacity(read.len()), unparsable: Vec::new(), used: FxHashSet::default(), new: Vec::new() };
    let mut next = 0;
    for (key, read, new) in read {
        let id = FileId(next);
        match read {
            Read::Nothing(_) => continue,
            Read::Lowered(module) => lowered.modules.push((id, module)),
            Read::Broken(error) => lowered.unparsable.push((id, syntax_error(&loaded.files, id, &error))),
        }
        next += 1;
        lowered.used.extend(key);
        lowered.new.extend(new.map(|it| (key.unwrap_or_default(), it)));
    }
    lowered
}

/// `line 3, column 7: expected …`.
pub fn syntax_error(files: &Files, file: FileId, error: &SyntaxError) -> String {
    match error.range {
        Some(range) => {
            let at = files.start(Location { file, range });
            format!("line {}, column {}: {}", at.line, at.column, error.message)
        }
        None => error.message.clone(),
    }
}

/// A note for each reason for which pieces of a file could not be lowered, with the first place.
pub(super) fn lost(files: &Files, file: FileId, module: &Module) -> Vec<(FileId, String)> {
    let mut by_reason: IndexMap<&str, (Range, usize)> = IndexMap::new();
    for piece in &module.lost {
        by_reason.entry(&piece.reason).or_insert((piece.range, 0)).1 += 1;
    }
    let note = |(reason, (range, times)): (&str, (Range, usize))| {
        let again = if times > 1 { format!(" (and at {})", count(times - 1, "more place")) } else { String::new() };
        (file, format!("{}: {reason}{again}; the rest of the file is analysed", files.place(Location { file, range })))
    };
    by_reason.into_iter().map(note).collect()
}
