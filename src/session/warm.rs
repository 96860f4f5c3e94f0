//! What a run takes from the runs before it, and leaves for the next: whole outcomes, lowered modules, and what is known
//! of files without reading them.
//!
//! An outcome is what linking, analysis and lints give: all findings, before the baseline, `--since` and the levels have
//! picked from them, which is cheap to do again. Its key is a hash of all that it depends on: the files with their names,
//! contents and packages, the rules, and what the configuration says of the program.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::Options;
use crate::cache::{Cache, Index, Key, Modules, Stamp};
use crate::finding::review::StateReview;
use crate::finding::{FileId, Finding};
use crate::frontend::rust::{Edition, MacroDefinition};
use crate::ir::Language;
use crate::lints::{LINTS, Lint};
use crate::source::{self, About, Candidate, Files, Loaded, SourceFile};

/// What an analysis gives.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// In order, marked, and not silenced.
    pub findings: Vec<Finding>,
    pub suppressed: Vec<Finding>,
    pub states: Vec<StateReview>,
    /// Of the program as a whole.
    pub notes: Vec<String>,
    /// Notes of pieces of files that were left out.
    pub lost: Vec<(FileId, String)>,
    /// Files that were left out, and why.
    pub unparsable: Vec<(FileId, String)>,
}

impl Outcome {
    /// The files that it speaks of: whose texts a report will show.
    pub fn files(&self) -> FxHashSet<FileId> {
        let findings = self.findings.iter().chain(&self.suppressed).flat_map(Finding::places);
        let answers = |it: &StateReview| [&it.threads, &it.lock, &it.snapshot, &it.deadlock, &it.tests].map(|it| it.places.clone()).concat();
        let edits = self.findings.iter().filter_map(|it| it.fix.as_ref()).flat_map(|it| &it.edits).map(|it| it.location);
        let states = self.states.iter().flat_map(|it| answers(it).into_iter().chain([it.location]));
        findings.chain(edits).chain(states).map(|it| it.file).collect()
    }

    /// Whether it can be one of an analysis of so many files.
    fn is_possible(&self, files: usize) -> bool {
        let is_rule = |it: &Finding| LINTS.iter().any(|lint| (lint.rule.name, lint.rule.group) == (it.rule, it.group));
        let others = self.lost.iter().chain(&self.unparsable).map(|it| it.0).chain(self.states.iter().flat_map(|it| it.files.iter().copied()));
        let mut unparsable: Vec<FileId> = self.unparsable.iter().map(|it| it.0).collect();
        unparsable.sort_unstable();
        unparsable.is_sorted_by(|a, b| a < b)
            && self.findings.iter().chain(&self.suppressed).all(is_rule)
            && self.files().into_iter().chain(others).all(|it| (it.0 as usize) < files)
    }
}

/// A run's side of the cache. Without one, everything is new.
pub(super) struct Warm<'c> {
    cache: Option<&'c Cache>,
    index: Index<About>,
    /// Of the files as they were before they were read.
    stamps: FxHashMap<PathBuf, Stamp>,
    failure: Option<io::Error>,
}

impl<'c> Warm<'c> {
    pub fn new(cache: Option<&'c Cache>) -> Warm<'c> {
        Warm { cache, index: Index::default(), stamps: FxHashMap::default(), failure: None }
    }

    pub fn is_on(&self) -> bool {
        self.cache.is_some()
    }

    /// Reads the candidates that are not known by their stamps.
    pub fn load(&mut self, candidates: &[Candidate]) -> Loaded {
        let Some(cache) = self.cache else { return source::load_later(candidates.to_vec()) };
        self.index = Index::load(cache);
        self.stamps = candidates.par_iter().filter_map(|it| Some((it.path.clone(), Stamp::of(&it.path)?))).collect();
        let loaded = source::load_unknown(candidates.to_vec(), |path| self.index.get(path, *self.stamps.get(path)?).copied());
        self.keep_index(&loaded.files);
        loaded
    }

    /// What an analysis of the same gave. The texts of the files that it speaks of are read.
    pub fn recall(&self, options: &Options, lints: &[&Lint], files: &Files) -> Option<Outcome> {
        let bytes = self.cache?.result(&question(options, lints, files))?;
        let outcome: Outcome = postcard::from_bytes(&bytes).ok().filter(|it: &Outcome| it.is_possible(files.len()))?;
        let shown = outcome.files();
        files.fill(|it| shown.contains(&it)).then_some(outcome)
    }

    pub fn keep(&mut self, options: &Options, lints: &[&Lint], files: &Files, outcome: &Outcome) {
        let Some(cache) = self.cache else { return };
        let bytes = postcard::to_stdvec(outcome).map_err(io::Error::other);
        let result = bytes.and_then(|bytes| cache.keep_result(&question(options, lints, files), &bytes));
        self.note(result);
    }

    /// The modules of runs before.
    pub fn modules(&self) -> Modules {
        self.cache.map(Modules::load).unwrap_or_default()
    }

    /// Keeps those that this run made, too.
    pub fn keep_modules(&mut self, kept: Modules, used: &FxHashSet<Key>, new: Vec<(Key, Vec<u8>)>) {
        let Some(cache) = self.cache else { return };
        self.note(kept.keep(cache, new, used));
    }

    /// Why something could not be kept.
    pub fn failure(self) -> Option<String> {
        let cache = self.cache?;
        self.failure.map(|it| format!("{cache}: {it}"))
    }

    fn keep_index(&mut self, files: &Files) {
        let Some(cache) = self.cache else { return };
        let index = std::mem::take(&mut self.index);
        let known = files.iter().map(|(_, it)| (it.path.as_path(), self.stamps.get(&it.path).copied(), it.about()));
        let result = index.keep(cache, known);
        self.note(result);
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}

/// The key of a file's module: all that lowering sees.
pub(super) fn module_key(file: &SourceFile, macros: &[Arc<MacroDefinition>]) -> Key {
    let edition = (file.language == Language::Rust).then_some(file.edition);
    let macros: Vec<&MacroDefinition> = macros.iter().map(Arc::as_ref).collect();
    hash(&(file.about().digest, file.language, edition, macros))
}

/// The key of an analysis.
fn question(options: &Options, lints: &[&Lint], files: &Files) -> Key {
    #[derive(Serialize)]
    struct File<'q> {
        name: &'q str,
        path: &'q [u8],
        digest: [u8; 32],
        language: Language,
        edition: Edition,
        crate_root: Option<&'q [u8]>,
        crate_name: Option<&'q str>,
    }
    let file = |it: &'_ SourceFile| {
        hash(&File {
            name: &it.name,
            path: it.path.as_os_str().as_encoded_bytes(),
            digest: it.about().digest,
            language: it.language,
            edition: it.edition,
            crate_root: it.crate_root.as_ref().map(|it| it.as_os_str().as_encoded_bytes()),
            crate_name: it.crate_name.as_deref(),
        })
    };
    let files: Vec<Key> = files.iter().map(|it| file(it.1)).collect();
    let rules: Vec<&str> = lints.iter().map(|it| it.rule.name).collect();
    let setting = &options.setting;
    // What the configuration says is made of lists and names only, and prints as it is.
    let said = format!("{:?}\n{:?}", setting.catalogs.added, setting.orders);
    hash(&(files, rules, options.review_states, setting.runtime, said))
}

fn hash(value: &impl Serialize) -> Key {
    let bytes = postcard::to_stdvec(value).expect("a vector grows, and lengths are known");
    *blake3::hash(&bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ir::{BlockId, Terminator, pack};
    use crate::report::Report;
    use crate::session::{check, lower_file};
    use crate::source::DiscoverOptions;

    const SOURCE: &str = "import threading\n\ndef f(x):\n    with threading.Lock():\n        x.n += 1\n";

    fn run(directory: &tempfile::TempDir) -> Report {
        let cache = Cache::open(&directory.path().join(".lockset_cache"), false).unwrap();
        check(&Options { paths: vec![directory.path().to_path_buf()], cache: Some(cache), ..Options::default() }).unwrap()
    }

    /// A directory with a program, and the cache in it.
    fn project() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a.py"), SOURCE).unwrap();
        let cache = Cache::open(&directory.path().join(".lockset_cache"), false).unwrap();
        (directory, cache)
    }

    fn files(directory: &tempfile::TempDir) -> Files {
        let found = source::discover(&[directory.path().to_path_buf()], &DiscoverOptions::default()).unwrap();
        source::load(found.candidates).files
    }

    #[test]
    fn a_module_of_another_making_harms_nothing() {
        let (directory, cache) = project();
        let files = files(&directory);
        let file = files.get(FileId(0));
        let mut module = lower_file(file).unwrap();
        for block in module.functions.iter_mut().flat_map(|it| &mut it.blocks) {
            block.terminator = Terminator::Goto(BlockId(999));
        }
        Modules::default().keep(&cache, vec![(module_key(file, &[]), pack(&module))], &FxHashSet::default()).unwrap();
        let report = run(&directory);
        assert_eq!(report.findings.iter().map(|it| it.rule).collect::<Vec<_>>(), ["ineffective-lock"]);
    }

    #[test]
    fn an_outcome_of_another_making_is_passed_over() {
        let (directory, cache) = project();
        let before = run(&directory);
        let options = Options::default();
        let key = question(&options, LINTS, &files(&directory));
        let kept: Outcome = postcard::from_bytes(&cache.result(&key).expect("it is kept")).unwrap();
        assert_eq!(kept.findings, before.findings);
        let spoil: [fn(&mut Outcome); 5] = [
            |it| it.findings[0].rule = "no-rule",
            |it| it.findings[0].location.file = FileId(1),
            |it| it.suppressed = vec![Finding { group: "race", ..it.findings[0].clone() }],
            |it| it.unparsable = vec![(FileId(0), String::new()), (FileId(0), String::new())],
            |it| it.lost = vec![(FileId(7), String::new())],
        ];
        for spoil in spoil {
            let mut outcome: Outcome = postcard::from_bytes(&postcard::to_stdvec(&kept).unwrap()).unwrap();
            spoil(&mut outcome);
            cache.keep_result(&key, &postcard::to_stdvec(&outcome).unwrap()).unwrap();
            assert_eq!(run(&directory).findings, before.findings);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_outcome_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(outcome) = postcard::from_bytes::<Outcome>(&bytes) {
                outcome.is_possible(3);
            }
        }
    }
}
