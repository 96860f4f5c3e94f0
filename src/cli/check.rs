//! `lockset check`: analyse, print, and tell by the exit code whether there was anything.

use std::env;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::cache::CacheArguments;
use super::project::ConfigArguments;
use super::terminal::{self, Color};
use super::{Failure, Outcome, baseline, print, progress, stdin, subcommands, warn};
use crate::config::{self, Overrides};
use crate::finding::{Confidence, Severity};
use crate::report::text::count;
use crate::report::{self, Format, Layout, Report, StatisticsForm};
use crate::session::{self, Options, Selection, SessionError};
use crate::source;

/// What `lockset check --help` ends with.
const EXIT_STATUS: &str = "\
Exit status:
  0  nothing to report
  1  findings
  2  no result: wrong usage, a wrong configuration, or a named path that is not there;
     with --strict, a file that could not be analysed";

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXIT_STATUS)]
pub struct Arguments {
    /// Files and directories to analyse; `-` for source from standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// The form of the report
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,

    /// Write the report to a file
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Print how many findings there are of each rule in place of the findings
    #[arg(long, help_heading = "Output")]
    statistics: bool,

    /// When to colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,

    /// Tell the findings in plain sentences, for screen readers; so does NO_GRAPHICS in the environment
    #[arg(long, help_heading = "Output")]
    accessible: bool,

    /// Print the findings and nothing else
    #[arg(long, short, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,

    /// Say on stderr which configuration is followed, how much was read, and all notes where there are many
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,

    /// Print the time each stage takes on stderr
    #[arg(long, help_heading = "Output")]
    timings: bool,

    /// Show no progress bar
    #[arg(long, help_heading = "Output")]
    no_progress: bool,

    /// Rules or groups of rules to apply, separated by commas, in place of those of the configuration; `lockset rules`
    /// lists them [default: all]
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    select: Option<Vec<String>>,

    /// Rules or groups to apply as well
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    extend_select: Vec<String>,

    /// Rules or groups to leave out as well
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', help_heading = "Rules")]
    ignore: Vec<String>,

    /// Report findings of this confidence and above [default: medium]
    #[arg(long, value_name = "LEVEL", value_enum, help_heading = "Rules")]
    min_confidence: Option<Confidence>,

    /// Report findings of this severity and above [default: info]
    #[arg(long, value_name = "LEVEL", value_enum, help_heading = "Rules")]
    min_severity: Option<Severity>,

    /// Leave out the findings that are in FILE, which --write-baseline wrote
    #[arg(long, value_name = "FILE", help_heading = "Known findings")]
    baseline: Option<PathBuf>,

    /// Write the findings to the file of --baseline, else of the configuration, else .lockset-baseline.json, and report
    /// them no more
    #[arg(long, conflicts_with = "since", help_heading = "Known findings")]
    write_baseline: bool,

    /// Report only findings that touch a line changed since the branch left REV, a branch, tag or commit of git
    #[arg(long, value_name = "REV", value_parser = clap::builder::NonEmptyStringValueParser::new(), allow_hyphen_values = true, help_heading = "Known findings")]
    since: Option<String>,

    /// Analyse test files, too: tests/, benches/, test_*.py, *_test.py, conftest.py
    #[arg(long, overrides_with = "no_include_tests", help_heading = "Files")]
    include_tests: bool,

    /// Leave test files out, whatever the configuration says
    #[arg(long, overrides_with = "include_tests", help_heading = "Files")]
    no_include_tests: bool,

    /// Leave out files that are named, too, if they are tests or excluded: for pre-commit, which names all that changed
    #[arg(long, help_heading = "Files")]
    force_exclude: bool,

    /// With `-` as the path: the name of the source, which tells its language and stands in the report
    #[arg(long, value_name = "NAME", help_heading = "Files")]
    stdin_filename: Option<PathBuf>,

    #[command(flatten)]
    config: ConfigArguments,

    /// Print the settings that count, and where each comes from, and analyse nothing
    #[arg(long, help_heading = "Configuration")]
    show_settings: bool,
    /// Analyse files that are named by themselves; else the project they are in is read, too, to see who uses them
    #[arg(long, help_heading = "Files")]
    no_context: bool,

    #[command(flatten)]
    cache: CacheArguments,

    /// Exit with 0 also when there are findings
    #[arg(long)]
    exit_zero: bool,

    /// Exit with 2 if a file could not be analysed
    #[arg(long)]
    strict: bool,

    /// How many threads to use [default: one a core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<NonZeroUsize>,
}

pub fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().ok().filter(|it: &NonZeroUsize| it.get() <= MOST_THREADS).ok_or_else(|| format!("not a number from 1 to {MOST_THREADS}"))
}

/// Each reserves a large stack.
const MOST_THREADS: usize = 1024;

pub fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if let Some(output) = &arguments.output {
        test_output(output)?;
    }
    let statistics = statistics(arguments)?;
    let given = stdin::given(&arguments.paths, arguments.stdin_filename.as_ref())?;
    let paths = given.as_ref().map_or_else(|| arguments.paths.clone(), |it| vec![it.name.clone()]);
    let config = arguments.config.load(&paths)?;
    let overrides = overrides(arguments);
    let review_states = arguments.format.needs_states();
    let options = Options { given, review_states, threads: arguments.threads, ..config.options(paths, &overrides)? };
    if arguments.show_settings {
        print(&config::show(&config, &overrides, &options))?;
        return Ok(Outcome::Clean);
    }
    let known_in = arguments.baseline.as_deref().or(config.baseline.as_deref());
    let baseline = match known_in {
        _ if arguments.write_baseline => Some(baseline::load_or_new(known_in.unwrap_or(Path::new(baseline::DEFAULT)))?),
        Some(path) => Some(baseline::load(path)?),
        None => None,
    };
    let changes = arguments.since.as_deref().map(|it| source::changes(&options.paths, it)).transpose()?;
    // Of a source that is handed over alone there is nothing to keep.
    let wanted = if options.given.is_none() { arguments.cache.open(&config, &options.paths) } else { None };
    let (cache, mut uncached) = match wanted {
        Some(Err(why)) => (None, Some(why.to_string())),
        cache => (cache.and_then(Result::ok), None),
    };
    let options =
        Options { baseline, changes, context: !arguments.no_context, force_exclude: arguments.force_exclude, cache, is_last: true, ..options };
    let work = || session::check(&options);
    let is_watched = !arguments.no_progress && !arguments.quiet && progress::is_watched();
    let mut report =
        if is_watched { progress::shown(&options.progress, work) } else { work() }.map_err(|error| failure(&error, arguments.write_baseline))?;
    if arguments.write_baseline {
        baseline::renew(known_in.unwrap_or(Path::new(baseline::DEFAULT)), &mut report)?;
    }
    if !arguments.quiet {
        tell(&report, arguments);
    }
    uncached = uncached.or(report.stats.uncached.take());
    if let Some(why) = uncached.filter(|_| arguments.verbose || arguments.cache.is_named() && !arguments.quiet) {
        warn("note", format_args!("nothing is cached: {why}"));
    }
    if arguments.verbose {
        let file = config.file.as_deref().unwrap_or("none");
        let (files, lines) = (count(report.stats.files, "file"), count(report.stats.lines, "line"));
        warn("info", format_args!("configuration: {file}; read {files}, {lines}"));
    }
    if arguments.timings {
        tell_times(&report);
    }
    let layout = Layout { quiet: arguments.quiet, ..terminal::layout(arguments.color, arguments.accessible, arguments.output.is_some()) };
    let text = match statistics {
        Some(form) => report::render_statistics(&report, form, &layout),
        None => report::render(&report, arguments.format, &layout),
    };
    match &arguments.output {
        Some(output) => fs::write(output, text).map_err(|error| Failure(format!("{}: {error}", output.display())))?,
        None => print(&text)?,
    }
    if arguments.format == Format::Github {
        append_step_summary(&report)?;
    }
    if arguments.strict && !report.skipped.is_empty() {
        return Err(Failure(format!("{} could not be analysed, and --strict is given", count(report.skipped.len(), "file"))));
    }
    Ok(if report.findings.is_empty() || arguments.exit_zero { Outcome::Clean } else { Outcome::Findings })
}

fn overrides(arguments: &Arguments) -> Overrides {
    Overrides {
        rules: Selection { select: arguments.select.clone(), extend_select: arguments.extend_select.clone(), ignore: arguments.ignore.clone() },
        min_confidence: arguments.min_confidence,
        min_severity: arguments.min_severity,
        include_tests: match (arguments.include_tests, arguments.no_include_tests) {
            (false, false) => None,
            (yes, _) => Some(yes),
        },
    }
}

/// The form of the statistics, if they are asked for.
fn statistics(arguments: &Arguments) -> Result<Option<StatisticsForm>, Failure> {
    if !arguments.statistics {
        return Ok(None);
    }
    let name = |it: Format| it.to_possible_value().map(|it| it.get_name().to_string());
    let Some(form) = arguments.format.statistics() else {
        let fitting: Vec<String> = Format::value_variants().iter().filter(|it| it.statistics().is_some()).filter_map(|it| name(*it)).collect();
        let format = name(arguments.format).unwrap_or_default();
        return Err(Failure(format!("`--statistics` does not go with `--format {format}`, but with {}", fitting.join(", "))));
    };
    Ok(Some(form))
}

/// GitHub Actions names a file for what is shown on the job's page.
fn append_step_summary(report: &Report) -> Result<(), Failure> {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|it| !it.is_empty()).map(PathBuf::from) else { return Ok(()) };
    let result = fs::OpenOptions::new().create(true).append(true).open(&path);
    let result = result.and_then(|mut it| it.write_all(report::step_summary(report).as_bytes()));
    result.map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// Fails before the work, and not after it, if the report will have nowhere to go.
fn test_output(output: &Path) -> Result<(), Failure> {
    let directory = output.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(Failure(format!("{}: there is no directory {}", output.display(), directory.display())));
    }
    if output.is_dir() {
        return Err(Failure(format!("{}: is a directory", output.display())));
    }
    Ok(())
}

/// The session's error; for a path that is not there but was meant as something else, with that.
fn failure(error: &SessionError, writes_baseline: bool) -> Failure {
    if let SessionError::Path(error) = error
        && writes_baseline
        && error.path.extension().is_some_and(|it| it == "json")
    {
        return Failure(format!("{error}; `--baseline {} --write-baseline` writes the baseline there", error.path.display()));
    }
    if let SessionError::Path(error) = error
        && let Some(word) = error.path.to_str().filter(|it| !it.contains(['/', '.']))
    {
        let names: Vec<String> = subcommands().collect();
        if let Some(nearest) = session::nearest(word, names.iter().map(String::as_str)) {
            return Failure(format!("{error}; did you mean the command `lockset {nearest}`?"));
        }
    }
    Failure(error.to_string())
}

/// So many notes are shown unless all are asked for: a tree of a dialect has one for each file.
const MOST_NOTES: usize = 10;

/// Says on stderr what the report does not.
fn tell(report: &Report, arguments: &Arguments) {
    // A person at a terminal sees both streams, the log of a job has both in it, and the names once is enough.
    let to_stdout = arguments.output.is_none();
    let (shows_notes, shows_skipped) = match arguments.format {
        Format::Github => (to_stdout, to_stdout),
        Format::Full | Format::Concise | Format::Checklist => (false, to_stdout && io::stdout().is_terminal() && io::stderr().is_terminal()),
        Format::Json | Format::Jsonl | Format::Sarif | Format::Gitlab | Format::Junit | Format::Rdjson => (false, false),
    };
    if !shows_notes {
        let shown = if arguments.verbose { report.notes.len() } else { report.notes.len().min(MOST_NOTES) };
        for note in &report.notes[..shown] {
            warn("note", note);
        }
        if let more @ 1.. = report.notes.len() - shown {
            warn("note", format_args!("{} like these; `--verbose` shows them all", count(more, "more note")));
        }
    }
    if let fixed @ 1.. = report.comparison.fixed.len() {
        warn("note", format_args!("{} fixed since the baseline; `lockset baseline prune` drops what is no longer needed", count(fixed, "finding")));
    }
    if !shows_skipped {
        for skipped in &report.skipped {
            warn("skipped", format_args!("{}: {}", skipped.file, skipped.reason));
        }
    }
}

fn tell_times(report: &Report) {
    for (stage, time) in &report.stats.stages {
        warn("time", format_args!("{stage:<8} {:>8.1} ms", time.as_secs_f64() * 1e3));
    }
    warn("time", format_args!("{:<8} {:>8.1} ms", "all", report.stats.duration.as_secs_f64() * 1e3));
}
