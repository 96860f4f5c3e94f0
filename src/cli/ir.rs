//! `lockset ir FILE`: what a frontend makes of a file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::{Failure, Outcome, print};
use crate::finding::FileId;
use crate::frontend::rust::Edition;
use crate::session;
use crate::source::{self, Files, parse_edition};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .py or .rs file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The edition to read Rust as [default: that of the nearest Cargo.toml]
    #[arg(long, value_name = "YEAR", value_parser = edition)]
    edition: Option<Edition>,
}

fn edition(text: &str) -> Result<Edition, &'static str> {
    parse_edition(text).ok_or("not one of 2015, 2018, 2021, 2024")
}

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let text = session::on_workers(Some(NonZeroUsize::MIN), || lowered(arguments))??;
    print(&text)?;
    Ok(Outcome::Clean)
}

/// The file's IR as text.
fn lowered(arguments: &Arguments) -> Result<String, Failure> {
    let loaded = source::load(vec![source::candidate(&arguments.file)?]);
    if let Some(skipped) = loaded.skipped.first() {
        return Err(Failure(format!("{}: {}", skipped.file, skipped.reason)));
    }
    let mut files = loaded.files.into_files();
    for file in &mut files {
        file.edition = arguments.edition.unwrap_or(file.edition);
    }
    let files = Files::new(files);
    let id = FileId(0);
    let file = files.get(id);
    let module = session::lower_file(file).map_err(|error| Failure(format!("{}: {}", file.name, session::syntax_error(&files, id, &error))))?;
    Ok(crate::ir::print(&module, file.text()))
}
