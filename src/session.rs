//! The pipeline, top to bottom: the only file that knows every stage.
//!
//! ```text
//! discover ─► load ─► lower ─► link ─► analyse ─► lints ─► select ─► Report
//!                └──────── or recall from the cache ─────────┘
//! ```
//!
//! What goes wrong with one file stays with that file: it is skipped, with its reason. What goes wrong with the run
//! (a path that is not there, an unknown rule) is a [`SessionError`].

mod concurrent_tests;
mod contain;
mod known;
mod lower;
mod macros;
mod progress;
mod selection;
mod wanted;
mod warm;

use std::collections::HashMap;
use std::mem;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub use contain::contained;
pub use known::{BaselineAt, entry};
pub use lower::{lower_file, syntax_error};
pub use progress::Progress;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
pub use selection::{PerFileIgnore, Selection, UnknownRule, nearest, unknown_rule};

use self::lower::{Lowered, lost, lower};
use self::wanted::Wanted;
use self::warm::{Outcome, Warm};
use crate::analysis::state::Interest;
use crate::analysis::{self, Analysis};
use crate::cache::{Cache, Modules};
use crate::finding::{Confidence, FileId, Finding, Rule, Severity, fingerprint, review};
use crate::lints::{self, Check, Ignores, LINTS, Lint};
use crate::program::{self, Program, Setting};
use crate::report::{Report, Stats};
use crate::source::{self, Candidate, Changes, DiscoverError, DiscoverOptions, Discovery, Files, Given, Globs, Loaded, Skipped, project_of};

/// Deep syntax is a deep recursion in the parsers. The memory is only reserved, and used as it is needed.
const STACK_BYTES: usize = 64 << 20;

/// What to analyse, and what of it to report.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and directories.
    pub paths: Vec<PathBuf>,
    /// A source to analyse in place of them.
    pub given: Option<Given>,
    pub include_tests: bool,
    /// Files and directories that a walk leaves out.
    pub exclude: Globs,
    /// Leave out what is named, too, where a walk would not come to it.
    pub force_exclude: bool,
    /// Read the projects that named files are in, to know what else uses what is in them; reported are only findings in
    /// what is named.
    pub context: bool,
    /// Rules and groups; empty for all.
    pub select: Vec<String>,
    pub ignore: Vec<String>,
    pub per_file_ignores: Vec<PerFileIgnore>,
    pub min_confidence: Confidence,
    pub min_severity: Severity,
    /// Look at every shared state, too, with and without findings.
    pub review_states: bool,
    /// None for one a core.
    pub threads: Option<NonZeroUsize>,
    /// Findings that are known.
    pub baseline: Option<BaselineAt>,
    /// What the project says of itself beside its sources.
    pub setting: Setting,
    /// Counts how far the run is.
    pub progress: Arc<Progress>,
    /// Report only findings one of whose places is on a changed line.
    pub changes: Option<Changes>,
    /// Where to look for what is known from runs before, and to leave what this one learns.
    pub cache: Option<Cache>,
    /// The process ends after this run: the memory is left to the system, which takes it back at once, where the program is
    /// made of millions of pieces.
    pub is_last: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            paths: vec![PathBuf::from(".")],
            given: None,
            include_tests: false,
            exclude: Globs::default(),
            force_exclude: false,
            context: true,
            select: Vec::new(),
            ignore: Vec::new(),
            per_file_ignores: Vec::new(),
            min_confidence: Confidence::Medium,
            min_severity: Severity::Info,
            review_states: false,
            threads: None,
            baseline: None,
            setting: Setting::default(),
            progress: Arc::default(),
            changes: None,
            cache: None,
            is_last: false,
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Path(#[from] DiscoverError),
    #[error(transparent)]
    Rule(#[from] UnknownRule),
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("{0}; this is a mistake in lockset")]
    Internal(String),
}

/// Analyses the files below `options.paths`.
pub fn check(options: &Options) -> Result<Report, SessionError> {
    let lints = selection::select(LINTS, &options.select, &options.ignore)?;
    on_workers(options.threads, || run(options, &lints))?
}

/// Runs `work` on threads whose stacks are large enough for what a session does.
pub fn on_workers<T: Send>(threads: Option<NonZeroUsize>, work: impl FnOnce() -> T + Send) -> Result<T, SessionError> {
    let threads = threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK_BYTES).build()?;
    Ok(pool.install(work))
}

fn run(options: &Options, lints: &[&'static Lint]) -> Result<Report, SessionError> {
    let begin = Instant::now();
    let mut watch = Watch { last: begin, stages: Vec::new() };

    let Discovery { candidates, mut skipped, tests } = match options.given {
        Some(_) => Discovery::default(),
        None => source::discover(&options.paths, &DiscoverOptions { force_exclude: options.force_exclude, ..discovering(options) })?,
    };
    let nothing = options.given.is_none() && !options.force_exclude && candidates.is_empty() && skipped.is_empty();
    let Asked { candidates, named } = with_context(options, candidates);
    let is_named = |path: &Path| named.as_ref().is_none_or(|it| it.contains(path));
    watch.lap("discover");

    let names: FxHashSet<String> = candidates.iter().filter(|it| is_named(&it.path)).map(|it| it.name.clone()).collect();
    let is_asked = |it: &Skipped| named.is_none() || names.contains(&it.file);
    let mut warm = Warm::new(options.cache.as_ref().filter(|_| options.given.is_none()));
    let mut loaded = options.given.as_ref().map_or_else(|| Ok(warm.load(&candidates)), source::load_given)?;
    watch.lap("read");

    let recalled = warm.recall(options, lints, &loaded.files);
    watch.lap("recall");
    let (outcome, lowered) = match recalled {
        Some(outcome) => (outcome, 0),
        None => {
            let mut analysed = analyse_or_again(options, lints, &mut loaded, &mut warm, &mut watch)?;
            if loaded.files.have_changed() {
                // Somebody works on them at this moment. What is found now is of what they are now.
                loaded = source::load(candidates);
                analysed = analyse_or_again(options, lints, &mut loaded, &mut warm, &mut watch)?;
            }
            if !loaded.files.have_changed() {
                warm.keep(options, lints, &loaded.files, &analysed.0);
            }
            analysed
        }
    };
    let Loaded { files, skipped: unreadable, mut notes } = loaded;
    let Outcome { findings, suppressed, mut states, notes: claims, lost, unparsable } = outcome;
    let is_reported = |file: FileId| is_named(&files.get(file).path);
    let unparsable_files: FxHashSet<FileId> = unparsable.iter().map(|it| it.0).collect();
    let unparsable = unparsable.into_iter().map(|(file, reason)| Skipped { file: files.get(file).name.clone(), reason });
    skipped.extend(unreadable.into_iter().chain(unparsable).filter(is_asked));
    skipped.sort();
    notes.extend(claims);
    notes.extend(lost.into_iter().filter(|it| is_reported(it.0)).map(|it| it.1));
    let modules = files.len() - unparsable_files.len();
    let analysed: FxHashSet<FileId> = files.iter().map(|it| it.0).filter(|it| !unparsable_files.contains(it) && is_reported(*it)).collect();

    let Wanted { findings, suppressed, baselined, unsure, comparison } = wanted::choose(options, lints, &files, &analysed, findings, suppressed);
    let rules: Vec<&Rule> = lints.iter().map(|it| &it.rule).collect();
    review::settle(&mut states, &findings, &rules);
    if !states.is_empty() {
        concurrent_tests::answer(&options.paths, &options.exclude, &mut states)?;
    }

    if nothing {
        notes.push(nothing_found(&options.paths, tests));
    }
    let lines = files.iter().map(|(_, it)| it.about().lines).sum();
    let uncached = warm.failure();
    let stats =
        Stats { files: files.len(), parsed: lowered, cached: modules - lowered, lines, uncached, duration: begin.elapsed(), stages: watch.stages };
    Ok(Report { files, rules, findings, suppressed, baselined, unsure, states, comparison, skipped, notes, stats })
}

/// [`analyse`] with the modules of runs before, or without them if they are not what they should be.
fn analyse_or_again(
    options: &Options,
    lints: &[&'static Lint],
    loaded: &mut Loaded,
    warm: &mut Warm<'_>,
    watch: &mut Watch,
) -> Result<(Outcome, usize), SessionError> {
    let kept = warm.modules();
    let analysed = match analyse(options, lints, loaded, warm, kept, watch) {
        // What somebody else wrote under our keys need not be a module.
        Err(_) if warm.is_on() => analyse(options, lints, loaded, warm, Modules::default(), watch),
        analysed => analysed,
    }?;
    // The report shows them.
    let shown = analysed.0.files();
    loaded.files.fill(|it| shown.contains(&it));
    Ok(analysed)
}

/// From the texts to all findings, wanted or not, and how many files were lowered for it; the modules of the others are
/// among those that are `kept`.
fn analyse(
    options: &Options,
    lints: &[&'static Lint],
    loaded: &mut Loaded,
    warm: &mut Warm<'_>,
    kept: Modules,
    watch: &mut Watch,
) -> Result<(Outcome, usize), SessionError> {
    let Lowered { modules, unparsable, used, new } = lower(loaded, &options.setting, &kept, warm.is_on(), &options.progress);
    let files = &loaded.files;
    let lowered = new.len();
    let lost = modules.iter().flat_map(|(file, module)| lost(files, *file, module)).collect();
    watch.lap("lower");
    warm.keep_modules(kept, &used, new);
    watch.lap("keep");

    let outcome = contained(|| {
        let program = program::link(files, modules, &options.setting);
        watch.lap("link");
        let analysis = analysis::analyse(&program, interest(options));
        watch.lap("analyse");
        let mut findings = apply(lints, &analysis);
        // Where they stand is asked for each, and each has its text looked at.
        findings.iter().map(|it| it.location.file).collect::<FxHashSet<_>>().into_par_iter().for_each(|it| _ = files.lines(it));
        order(&mut findings, files);
        lints::once(&mut findings);
        mark(&mut findings, files);
        let suppressed = suppress(lints, &program, &mut findings);
        watch.lap("lints");
        let notes = program.claims.notes.clone();
        let states = if options.review_states { lints::review(&analysis) } else { Vec::new() };
        if options.is_last {
            mem::forget(analysis);
            mem::forget(program);
        } else {
            drop(analysis);
            program.take_apart();
        }
        Outcome { findings, suppressed, states, notes, lost, unparsable }
    });
    Ok((outcome.map_err(SessionError::Internal)?, lowered))
}

/// A review is of all states.
fn interest(options: &Options) -> Interest {
    if options.review_states { Interest::All } else { Interest::Changing }
}

fn discovering(options: &Options) -> DiscoverOptions {
    DiscoverOptions { include_tests: options.include_tests, exclude: options.exclude.clone(), ..Default::default() }
}

/// What is to be read, and of that what was asked for; none if that is all of it.
struct Asked {
    candidates: Vec<Candidate>,
    named: Option<FxHashSet<PathBuf>>,
}

/// Adds the files of the projects that named files are in.
fn with_context(options: &Options, mut candidates: Vec<Candidate>) -> Asked {
    let files = options.paths.iter().filter_map(|it| it.canonicalize().ok()).filter(|it| it.is_file());
    let mut projects: Vec<PathBuf> =
        if options.context && !candidates.is_empty() { files.filter_map(|it| project_of(&it)).collect() } else { vec![] };
    projects.sort();
    projects.dedup();
    if projects.is_empty() {
        return Asked { candidates, named: None };
    }
    let named: FxHashSet<PathBuf> = candidates.iter().map(|it| it.path.clone()).collect();
    // What cannot be read there was not asked for.
    let context = source::discover(&projects, &discovering(options)).unwrap_or_default();
    candidates.extend(context.candidates.into_iter().filter(|it| !named.contains(&it.path)));
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    Asked { candidates, named: Some(named) }
}

/// Runs the lints side by side; their findings come in the lints' order.
fn apply(lints: &[&Lint], analysis: &Analysis<'_>) -> Vec<Finding> {
    let run = |lint: &&Lint| {
        let mut findings = Vec::new();
        if let Check::Program(check) = lint.check {
            check(analysis, &mut findings);
        }
        findings
    };
    lints.par_iter().map(run).collect::<Vec<_>>().concat()
}

/// Takes out, and gives, the findings that comments silence; adds those about the comments that silence nothing. All are
/// marked, and in order.
fn suppress(lints: &[&'static Lint], program: &Program<'_>, findings: &mut Vec<Finding>) -> Vec<Finding> {
    let mut ignores = Ignores::of(program, lints);
    let mut suppressed = ignores.silence(findings);
    let mut about_ignores = Vec::new();
    for lint in lints {
        if let Check::Ignores(check) = lint.check {
            check(&ignores, &mut about_ignores);
        }
    }
    order(&mut about_ignores, program.files);
    mark(&mut about_ignores, program.files);
    suppressed.extend(ignores.silence(&mut about_ignores));
    findings.append(&mut about_ignores);
    order(findings, program.files);
    order(&mut suppressed, program.files);
    suppressed
}

/// By file name, line, rule; what is left in doubt is settled by the place and the message, never by chance.
fn order(findings: &mut [Finding], files: &Files) {
    findings.sort_by_cached_key(|it| {
        let line = files.start(it.location).line;
        (files.get(it.location.file).name.clone(), line, it.rule, it.location, it.message.clone())
    });
}

/// Gives each finding its fingerprint. Findings that are alike in all that goes into one are told apart by their order.
fn mark(findings: &mut [Finding], files: &Files) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for finding in findings {
        let print = |occurrence| {
            let file = &files.get(finding.location.file).name;
            let state = finding.state.as_deref().unwrap_or("");
            fingerprint(finding.rule, file, &finding.symbol, state, files.text(finding.location), occurrence)
        };
        let first = print(0);
        let occurrence = seen.entry(first.clone()).or_default();
        finding.fingerprint = if *occurrence == 0 { first } else { print(*occurrence) };
        *occurrence += 1;
    }
}

fn nothing_found(paths: &[PathBuf], tests: usize) -> String {
    let paths = paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ");
    let tests = match tests {
        0 => String::new(),
        1 => " but 1 test file; `--include-tests` analyses it".to_string(),
        count => format!(" but {count} test files; `--include-tests` analyses them"),
    };
    format!("no Python or Rust files under {paths}{tests}")
}

/// Takes the time of each stage.
struct Watch {
    last: Instant,
    stages: Vec<(&'static str, std::time::Duration)>,
}

impl Watch {
    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, now - self.last));
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Finding, Location};
    use crate::ir::{Language, Range};
    use crate::source::SourceFile;

    fn finding(rule: &'static str, file: u32, start: usize, end: usize) -> Finding {
        Finding {
            rule,
            group: "race",
            severity: Severity::Error,
            confidence: Confidence::High,
            message: String::new(),
            help: String::new(),
            location: Location { file: FileId(file), range: Range::new(start, end) },
            caption: String::new(),
            symbol: "f".to_string(),
            state: None,
            locks: Vec::new(),
            labels: Vec::new(),
            evidence: Vec::new(),
            interleaving: Vec::new(),
            fix: None,
            fingerprint: String::new(),
        }
    }

    fn files(text: &str) -> Files {
        Files::new(vec![SourceFile::from_text("a.py", text, Language::Python), SourceFile::from_text("b.py", text, Language::Python)])
    }

    #[test]
    fn findings_are_ordered_by_file_line_and_rule() {
        let files = files("n += 1; m += 1\nn += 1\n");
        let mut findings = vec![finding("b", 1, 0, 6), finding("b", 0, 15, 21), finding("b", 0, 0, 6), finding("a", 0, 8, 14)];
        order(&mut findings, &files);
        let keys: Vec<_> = findings.iter().map(|it| (it.location.file.0, it.rule, it.location.range.start)).collect();
        assert_eq!(keys, [(0, "a", 8), (0, "b", 0), (0, "b", 15), (1, "b", 0)]);
    }

    #[test]
    fn fingerprints_survive_moved_lines_and_tell_equals_apart() {
        let before = files("n += 1\nn  +=  1\n");
        let mut findings = vec![finding("a", 0, 0, 6), finding("a", 0, 7, 15)];
        mark(&mut findings, &before);
        assert_ne!(findings[0].fingerprint, findings[1].fingerprint);

        let after = files("import x\n\nn += 1\n");
        let mut moved = vec![finding("a", 0, 10, 16)];
        mark(&mut moved, &after);
        assert_eq!(moved[0].fingerprint, findings[0].fingerprint);
    }

    #[test]
    fn what_is_not_there_is_an_error_that_names_it() {
        let options = Options { paths: vec![PathBuf::from("no/such/path")], ..Options::default() };
        assert_eq!(check(&options).unwrap_err().to_string(), "no/such/path: no such file or directory");
    }

    #[test]
    fn an_empty_tree_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { paths: vec![directory.path().to_path_buf()], ..Options::default() };
        let report = check(&options).unwrap();
        assert_eq!(report.notes, [format!("no Python or Rust files under {}", directory.path().display())]);
    }
}
