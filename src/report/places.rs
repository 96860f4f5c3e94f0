//! How a finding names its places: a file by its whole path where its source is shown, and by its own name from then on.

use std::borrow::Cow;

use super::text::visible;
use crate::finding::{FileId, Finding, Location};
use crate::source::Files;

/// The files of one finding.
pub struct Places<'a> {
    pub files: &'a Files,
    /// The file that is reported.
    primary: FileId,
    /// Those that are shown, and whose own name is that of no other file of the finding.
    known: Vec<FileId>,
}

impl<'a> Places<'a> {
    /// `shown`: the files whose source the report shows.
    pub fn new(finding: &Finding, shown: &[FileId], files: &'a Files) -> Self {
        let mut all: Vec<FileId> = finding.places().map(|it| it.file).collect();
        all.sort();
        all.dedup();
        let own = |id: FileId| own_name(&files.get(id).name);
        let is_unique = |id: FileId| all.iter().filter(|it| own(**it) == own(id)).count() == 1;
        Places { files, primary: finding.location.file, known: shown.iter().copied().filter(|it| is_unique(*it)).collect() }
    }

    /// `store.py` of a file that is shown, `app/store.py` of another.
    pub fn short(&self, file: FileId) -> Cow<'a, str> {
        let name = &self.files.get(file).name;
        visible(if self.known.contains(&file) { own_name(name) } else { name })
    }

    /// `store.py:12` or `app/store.py:12`.
    pub fn line(&self, location: Location) -> String {
        format!("{}:{}", self.short(location.file), self.files.start(location).line)
    }

    pub fn is_primary(&self, file: FileId) -> bool {
        file == self.primary
    }
}

/// The part after the directories.
fn own_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn what_is_shown_is_known_by_its_own_name() {
        let report = samples::report();
        let finding = &report.findings[0];
        let (metrics, server) = (FileId(0), FileId(1));
        let places = Places::new(finding, &[metrics], &report.files);
        assert_eq!((places.line(finding.location), places.short(server)), ("metrics.py:11".to_string(), Cow::from("app/server.py")));
        assert!(places.is_primary(metrics) && !places.is_primary(server));
    }

    #[test]
    fn names_that_two_files_have_are_whole() {
        let report = samples::same_names();
        let places = Places::new(&report.findings[0], &[FileId(0), FileId(1)], &report.files);
        assert_eq!([FileId(0), FileId(1)].map(|it| places.short(it).into_owned()), ["bank/mod.rs", "queue/mod.rs"]);
    }
}
