//! Workflow commands for GitHub Actions: a line a finding, which the runner turns into an annotation of the source line;
//! and a summary of the job as Markdown, which shows all findings (of annotations a step gets ten of each kind).
//!
//! What would end a property or a line is escaped as the runner undoes it: `%`, line ends, and in properties `:` and
//! `,`. A path is that of the working directory, which is the repository's root unless a step says otherwise.

use std::borrow::Cow;
use std::fmt::Write;

use super::text::{count, visible};
use super::{Layout, Report, markdown, summary};
use crate::finding::{Finding, Severity};

/// The runner takes a summary of up to 1 MiB; rows that would go beyond this many bytes are counted only.
const LONGEST_SUMMARY: usize = 900_000;

pub fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        annotation(finding, report, &mut out);
    }
    if !layout.quiet {
        for skipped in &report.skipped {
            let _ = writeln!(out, "::warning file={},title=lockset%3A skipped::{}", property(&skipped.file), data(&skipped.reason));
        }
        for note in &report.notes {
            let _ = writeln!(out, "::notice title=lockset::{}", data(note));
        }
    }
    out
}

fn annotation(finding: &Finding, report: &Report, out: &mut String) {
    let files = &report.files;
    let (start, end) = (files.start(finding.location), files.end(finding.location));
    let _ = write!(
        out,
        "::{} file={},line={},endLine={}",
        command(finding.severity),
        property(&files.get(finding.location.file).name),
        start.line,
        end.line
    );
    // Columns of a range of several lines are refused.
    if start.line == end.line {
        let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
    }
    let _ = writeln!(out, ",title={}::{}%0Ahelp: {}", property(&format!("lockset: {}", finding.rule)), data(&finding.message), data(&finding.help));
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

/// Text after the `::`. What has no escape is made visible: the log of a job is a terminal.
fn data(text: &str) -> String {
    visible(&escaped(text)).into_owned()
}

/// The value of a property.
fn property(text: &str) -> String {
    visible(&escaped(text).replace(':', "%3A").replace(',', "%2C")).into_owned()
}

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '\r', '\n']) {
        Cow::Owned(text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What to append to the file that `GITHUB_STEP_SUMMARY` names.
pub fn step_summary(report: &Report) -> String {
    let mut out = format!("## lockset\n\n{}\n\n", markdown::inline(&summary::found(report)));
    if !report.findings.is_empty() {
        out.push_str("| severity | rule | place | message |\n|---|---|---|---|\n");
    }
    for (i, finding) in report.findings.iter().enumerate() {
        let place = markdown::name(&report.files.place(finding.location)).replace('|', "\\|");
        let row = format!("| {} | `{}` | {place} | {} |\n", finding.severity, finding.rule, markdown::cell(&finding.message));
        if out.len() + row.len() > LONGEST_SUMMARY {
            let _ = writeln!(out, "\nand {} more", count(report.findings.len() - i, "finding"));
            break;
        }
        out.push_str(&row);
    }
    if !report.skipped.is_empty() {
        let _ = writeln!(out, "\nSkipped {}", count(report.skipped.len(), "file"));
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    /// A workflow command, read as the runner reads it.
    #[derive(Debug, PartialEq, Eq)]
    struct Command {
        name: String,
        properties: Vec<(String, String)>,
        data: String,
    }

    /// By the runner's definition: `::name key=value,key=value::data`, percent-escapes undone last.
    fn read(line: &str) -> Command {
        let rest = line.strip_prefix("::").expect("a command begins with two colons");
        let (head, data) = rest.split_once("::").expect("a command has a second pair of colons");
        let (name, properties) = head.split_once(' ').expect("these have properties");
        let undo = |text: &str, codes: &[(&str, &str)]| codes.iter().fold(text.to_string(), |text, (code, plain)| text.replace(code, plain));
        let in_data = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];
        let in_property = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
        let pair = |it: &str| {
            let (key, value) = it.split_once('=').expect("a property has a value");
            (key.to_string(), undo(value, &in_property))
        };
        Command { name: name.to_string(), properties: properties.split(',').map(pair).collect(), data: undo(data, &in_data) }
    }

    fn value<'a>(command: &'a Command, key: &str) -> &'a str {
        command.properties.iter().find(|it| it.0 == key).map_or("", |it| it.1.as_str())
    }

    #[test]
    fn a_line_a_finding() {
        insta::assert_snapshot!(render(&samples::report(), &Layout::default()));
    }

    #[test]
    fn what_the_runner_reads_is_what_was_meant() {
        let report = samples::wide();
        let text = render(&report, &Layout { quiet: true, ..Layout::default() });
        let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        let command = read(line);
        assert_eq!(command.name, "error");
        assert_eq!(value(&command, "file"), "ä pp/100%, 漢字.py");
        assert_eq!(["line", "endLine", "col", "endColumn"].map(|it| value(&command, it)), ["2", "2", "3", "10"]);
        assert_eq!(value(&command, "title"), "lockset: unguarded-update");
        let finding = &report.findings[0];
        assert_eq!(command.data, format!("{}\nhelp: {}", finding.message, finding.help));
    }

    #[test]
    fn hostile_text_starts_no_command_of_its_own() {
        let report = samples::hostile();
        let text = render(&report, &Layout::default());
        assert!(text.chars().all(|it| it == '\n' || !it.is_control()), "{text:?}");
        let commands: Vec<Command> = text.lines().map(read).collect();
        assert_eq!(commands.len(), report.findings.len() + report.skipped.len());
        assert_eq!(value(&commands[0], "file"), "a␛[31m\nb.py");
        let mut report = report;
        report.findings[0].message = "x\n::add-mask::y,line=1::%0A".to_string();
        let text = render(&report, &Layout::default());
        assert_eq!(read(text.lines().next().unwrap()).data, "x\n::add-mask::y,line=1::%0A\nhelp: do not␈␈ do");
    }

    #[test]
    fn the_summary_is_markdown() {
        insta::assert_snapshot!(step_summary(&samples::report()));
        insta::assert_snapshot!(step_summary(&samples::hostile()));
    }

    #[test]
    fn the_summary_stays_below_what_the_runner_takes() {
        let mut report = samples::report();
        report.findings = vec![report.findings[0].clone(); 50_000];
        let text = step_summary(&report);
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        assert!(text.contains(" findings more\n"), "{}", &text[text.len() - 100..]);
    }
}
