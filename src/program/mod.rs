//! All modules of a run, linked: names, types, calls, threads.

use crate::finding::FileId;
use crate::ir::Module;
use crate::source::Files;

/// The linked program.
#[derive(Debug)]
pub struct Program<'a> {
    pub files: &'a Files,
    pub modules: Vec<(FileId, Module)>,
}

/// Links the lowered modules of `files`.
pub fn link(files: &Files, modules: Vec<(FileId, Module)>) -> Program<'_> {
    Program { files, modules }
}
