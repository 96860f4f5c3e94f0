//! The files of a run: which there are, what they say, where their lines are. Knows no syntax.

use std::path::PathBuf;

use crate::finding::FileId;
use crate::frontend::rust::Edition;
use crate::ir::Language;

/// One source file.
#[derive(Debug)]
pub struct SourceFile {
    /// As given or found, for opening.
    pub path: PathBuf,
    /// Relative to the working directory where it lies below it, with `/`: what reports print.
    pub name: String,
    pub text: String,
    pub language: Language,
    /// Of the nearest `Cargo.toml`; for Rust files only.
    pub edition: Edition,
}

/// The table of a run's files, in the order of their names.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<SourceFile>,
}

impl Files {
    pub fn new(files: Vec<SourceFile>) -> Self {
        Files { files }
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
}
