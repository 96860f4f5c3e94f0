//! Gives the crate a number that changes whenever its code does (`LOCKSET_BUILD`): what one build has cached is of no use
//! to another, and the version alone does not tell two builds of a working copy apart.
//!
//! The number is a hash of the sources, the catalogue, the manifest and the lock file, so that it is the same wherever the
//! same sources are built.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let mut files = vec![PathBuf::from("Cargo.toml"), PathBuf::from("Cargo.lock"), PathBuf::from("build.rs")];
    add_files(Path::new("src"), &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        // A package has no lock file until Cargo makes one.
        if let Ok(bytes) = fs::read(file) {
            (file, bytes).hash(&mut hasher);
        }
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=LOCKSET_BUILD={:016x}", hasher.finish());
    Ok(())
}

/// Adds the files below a directory that code is made of.
fn add_files(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if path.file_name().is_some_and(|it| it != "snapshots") {
                add_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|it| it == "rs" || it == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
