//! Source from standard input: `lockset check - --stdin-filename app/metrics.py`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::source::{Given, MAX_BYTES};

/// The source that `paths` ask for on standard input; none if they ask for files.
pub fn given(paths: &[PathBuf], name: Option<&PathBuf>) -> Result<Option<Given>, Failure> {
    let asks = paths.iter().any(|it| it == Path::new("-"));
    let failure = |message: &str| Err(Failure(message.to_string()));
    match name {
        None if !asks => Ok(None),
        None => failure("`-` needs `--stdin-filename NAME`: the name tells the language, and stands in the report"),
        Some(_) if !asks => failure("`--stdin-filename` is for source from standard input: give `-` as the path"),
        Some(_) if paths.len() > 1 => failure("`-` is the only path or none: source from standard input is analysed by itself"),
        Some(name) => {
            let mut bytes = Vec::new();
            io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| Failure(format!("standard input: {error}")))?;
            Ok(Some(Given { name: name.clone(), bytes }))
        }
    }
}
