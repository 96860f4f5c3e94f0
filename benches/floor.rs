//! What it costs to read and parse every file below a directory, on all cores, and to do nothing else: no tool that
//! parses everything with these parsers is faster.
//!
//! `cargo run --release --example floor -- DIRECTORY`

use std::path::PathBuf;
use std::process::ExitCode;

use lockset::ir::Language;
use lockset::session::on_workers;
use lockset::source::{self, DiscoverOptions};
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("floor: which directory?");
        return ExitCode::from(2);
    };
    let found = match source::discover(&[PathBuf::from(directory)], &DiscoverOptions::default()) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("floor: {error}");
            return ExitCode::from(2);
        }
    };
    let parsed = on_workers(None, || found.candidates.par_iter().filter(|it| is_parsed(&it.path, it.language)).count());
    match parsed {
        Ok(parsed) => {
            println!("{parsed} of {} files parsed", found.candidates.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::from(2)
        }
    }
}

fn is_parsed(path: &PathBuf, language: Language) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    match language {
        Language::Rust => {
            let is_parsed = syn::parse_file(&text).is_ok();
            proc_macro2::extra::invalidate_current_thread_spans();
            is_parsed
        }
        Language::Python => ruff_python_parser::parse_module(&text).is_ok() || is_read_by_tree_sitter(&text),
    }
}

/// What has syntax errors, as Python 2 has, is parsed again.
fn is_read_by_tree_sitter(text: &str) -> bool {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_ok() && parser.parse(text, None).is_some()
}
