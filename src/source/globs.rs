//! Patterns of files as in `.gitignore`, relative to a directory.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Files and directories that are meant.
#[derive(Clone, Debug)]
pub struct Globs {
    matcher: Gitignore,
    patterns: Vec<String>,
}

impl Default for Globs {
    /// None.
    fn default() -> Self {
        Globs { matcher: Gitignore::empty(), patterns: Vec::new() }
    }
}

impl Globs {
    /// Patterns relative to `root`, each with the offset at which it stands. The error is that of the first wrong one.
    pub fn new<'p>(root: &Path, patterns: impl IntoIterator<Item = (&'p str, usize)>) -> Result<Globs, (String, usize)> {
        let mut builder = GitignoreBuilder::new(root);
        let mut all = Vec::new();
        for (pattern, at) in patterns {
            // What a `.gitignore` would pass over as an empty line or a comment says nothing here.
            if pattern.trim().is_empty() || pattern.starts_with('#') {
                return Err((format!("`{pattern}` is no pattern of files"), at));
            }
            builder.add_line(None, pattern).map_err(|error| (format!("`{pattern}` is no pattern of files: {}", reason(&error)), at))?;
            all.push(pattern.to_string());
        }
        let matcher = builder.build().map_err(|error| (reason(&error), 0))?;
        Ok(Globs { matcher, patterns: all })
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// As they are written.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether an entry of a walk is meant. The directories above it have been asked.
    pub fn match_entry(&self, path: &Path, is_directory: bool) -> bool {
        !self.is_empty() && path.starts_with(self.matcher.path()) && self.matcher.matched(path, is_directory).is_ignore()
    }

    /// Whether a file, or a directory above it, is meant.
    pub fn match_file(&self, path: &Path) -> bool {
        !self.is_empty() && path.starts_with(self.matcher.path()) && self.matcher.matched_path_or_any_parents(path, false).is_ignore()
    }
}

fn reason(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_relative_to_their_directory() {
        let globs = Globs::new(Path::new("/p"), [("vendor/", 0), ("/a.py", 9), ("gen_*.py", 20)]).unwrap();
        for (path, meant) in [("/p/vendor/a.py", true), ("/p/a/vendor/b.py", true), ("/p/a.py", true), ("/p/b/a.py", false), ("/p/b/gen_x.py", true)]
        {
            assert_eq!(globs.match_file(Path::new(path)), meant, "{path}");
        }
        assert!(!globs.match_file(Path::new("/q/vendor/a.py")) && !Globs::default().match_file(Path::new("/p/a.py")));
        assert!(globs.match_entry(Path::new("/p/vendor"), true) && !globs.match_entry(Path::new("/p/vendor"), false));
    }

    #[test]
    fn wrong_patterns_are_named() {
        let wrong = |pattern: &str| Globs::new(Path::new("/p"), [("ok", 1), (pattern, 7)]).unwrap_err();
        assert_eq!(wrong(" "), ("` ` is no pattern of files".to_string(), 7));
        assert_eq!(wrong("# a").1, 7);
        assert!(wrong("a{").0.starts_with("`a{` is no pattern of files: "));
    }
}
