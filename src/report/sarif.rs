//! SARIF 2.1.0: one JSON document for code scanning (GitHub, Azure, editors), with the rule book's pages in it.
//!
//! A finding's labels and evidence are related locations; the calls on the way to a lock are a code flow of one thread,
//! an interleaving is one with a thread flow for each thread, in one order of execution. Columns count Unicode scalar
//! values, which the run states. Paths are relative to the directory that lockset was run in, `%SRCROOT%`.

use std::collections::BTreeMap;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use serde_sarif::sarif::{
    Artifact, ArtifactChange, ArtifactContent, ArtifactLocation, CodeFlow, Fix as SarifFix, Invocation, Location as SarifLocation, LogicalLocation,
    Message, MultiformatMessageString, Notification, PhysicalLocation, PropertyBag, Region, Replacement, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, Sarif, Suppression, ThreadFlow, ThreadFlowLocation, Tool, ToolComponent,
};

use super::{Report, json, rule_url};
use crate::finding::{EvidenceKind, Finding, Fix, Label, Location, Role, Rule, Severity, Step};
use crate::ir::Language;
use crate::source::Files;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The directory that paths are relative to.
const ROOT: &str = "%SRCROOT%";
/// What of a path stands for itself in a URI.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub fn render(report: &Report) -> String {
    let root = ArtifactLocation::builder().description("The directory that lockset was run in").build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver(&report.rules)).build())
        .invocations(vec![invocation(report)])
        .original_uri_base_ids(BTreeMap::from([(ROOT.to_string(), root)]))
        .artifacts(artifacts(&report.files))
        .column_kind("unicodeCodePoints")
        .results(results(report))
        .build();
    json::pretty(&Sarif::builder().schema(SCHEMA).version("2.1.0").runs(vec![run]).build())
}

fn driver(rules: &[&Rule]) -> ToolComponent {
    let mut driver = ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .short_description(text(env!("CARGO_PKG_DESCRIPTION")))
        .rules(rules.iter().map(|it| descriptor(it)).collect::<Vec<_>>())
        .build();
    driver.information_uri = Some(env!("CARGO_PKG_REPOSITORY").to_string()).filter(|it| !it.is_empty());
    driver
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let help = MultiformatMessageString::builder().text(rule.page).markdown(rule.page).build();
    let severity = match rule.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "recommendation",
    };
    let mut properties = properties([("group", json!(rule.group)), ("problem.severity", json!(severity))]);
    properties.tags = Some(vec!["concurrency".to_string(), rule.group.to_string()]);
    let mut descriptor = ReportingDescriptor::builder()
        .id(rule.name)
        .name(pascal_case(rule.name))
        .short_description(text(rule.summary))
        .full_description(text(rule.summary))
        .help(help)
        .default_configuration(ReportingConfiguration::builder().level(level(rule.severity).to_string()).build())
        .properties(properties)
        .build();
    descriptor.help_uri = rule_url(rule.name);
    descriptor
}

/// `UnguardedUpdate`.
fn pascal_case(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// What was analysed; the indices are those of the file table.
fn artifacts(files: &Files) -> Vec<Artifact> {
    let artifact = |name: &str, language: Language| {
        let language = match language {
            Language::Python => "python",
            Language::Rust => "rust",
        };
        let roles = vec![json!("analysisTarget")];
        Artifact::builder().location(artifact_location(name)).source_language(language).roles(roles).build()
    };
    files.iter().map(|(_, it)| artifact(&it.name, it.language)).collect()
}

/// What was left out is a warning of the run, what the user should know a note.
fn invocation(report: &Report) -> Invocation {
    let skipped = report.skipped.iter().map(|it| {
        let at = SarifLocation::builder().physical_location(PhysicalLocation::builder().artifact_location(artifact_location(&it.file)).build());
        let message = message(&format!("skipped: {}", it.reason));
        Notification::builder().level("warning").message(message).locations(vec![at.build()]).build()
    });
    let notes = report.notes.iter().map(|it| Notification::builder().level("note").message(message(it)).build());
    Invocation::builder().execution_successful(true).tool_execution_notifications(skipped.chain(notes).collect::<Vec<_>>()).build()
}

/// What is found, then what a comment silences, then what the baseline knows.
fn results(report: &Report) -> Vec<SarifResult> {
    let suppressed = |it: &Finding, kind: &str, why: &str| {
        let mut result = result(report, it);
        result.suppressions = Some(vec![Suppression::builder().kind(json!(kind)).justification(why).build()]);
        result
    };
    let found = report.findings.iter().map(|it| result(report, it));
    let silenced = report.suppressed.iter().map(|it| suppressed(it, "inSource", "a comment silences it"));
    let known = report.baselined.iter().map(|it| suppressed(it, "external", "known from the baseline"));
    found.chain(silenced).chain(known).collect()
}

fn result(report: &Report, it: &Finding) -> SarifResult {
    let files = &report.files;
    let mut primary = location(files, it.location, &it.caption);
    primary.logical_locations = Some(vec![LogicalLocation::builder().fully_qualified_name(&it.symbol).kind("function").build()]);
    let mut result = SarifResult::builder()
        .rule_id(it.rule)
        .level(level(it.severity))
        .message(message(&argument(it)))
        .locations(vec![primary])
        .partial_fingerprints(BTreeMap::from([("lockset/v1".to_string(), it.fingerprint.clone())]))
        .properties(properties([
            ("confidence", json!(it.confidence)),
            ("group", json!(it.group)),
            ("locks", json!(it.locks)),
            ("state", json!(it.state)),
            ("symbol", json!(it.symbol)),
        ]))
        .build();
    result.rule_index = report.rules.iter().position(|rule| rule.name == it.rule).map(|it| it as i64);
    result.related_locations = some(related(files, it));
    let mut flows = call_flows(files, it);
    flows.extend(interleaving(files, &it.interleaving));
    result.code_flows = some(flows);
    result.fixes = it.fix.as_ref().map(|fix| vec![sarif_fix(files, fix)]);
    result
}

/// The message, why it is believed, and what to do: a line each.
fn argument(it: &Finding) -> String {
    let mut lines = vec![it.message.clone()];
    let (against, reasons): (Vec<_>, Vec<_>) = it.evidence.iter().partition(|it| it.kind == EvidenceKind::Caveat);
    lines.extend(reasons.iter().map(|it| format!("why: {}", it.message)));
    lines.extend(against.iter().map(|it| format!("but: {}", it.message)));
    lines.push(format!("help: {}", it.help));
    lines.join("\n")
}

/// The labels, then the evidence that has a place.
fn related(files: &Files, it: &Finding) -> Vec<SarifLocation> {
    let labels = it.labels.iter().map(|it| (it.location, &it.message));
    let evidence = it.evidence.iter().filter_map(|it| Some((it.location?, &it.message)));
    let numbered = labels.chain(evidence).zip(1..).map(|((at, text), id)| {
        let mut location = location(files, at, text);
        location.id = Some(id);
        location
    });
    numbered.collect()
}

/// For each run of calls among the labels: from where the lock is taken that is held over them (else from the reported
/// statement), over each call, to what they lead to.
fn call_flows(files: &Files, it: &Finding) -> Vec<CodeFlow> {
    let primary = Label { location: it.location, role: Role::Call, message: it.caption.clone() };
    let mut flows = Vec::new();
    let mut before = &primary;
    let mut rest = it.labels.as_slice();
    while let Some(label) = rest.first() {
        let calls = rest.iter().take_while(|it| it.role == Role::Call).count();
        let (run, after) = rest.split_at(calls);
        match after.first() {
            Some(end) if calls > 0 && !matches!(end.role, Role::LockHeld | Role::Spawn) => {
                let begin = if before.role == Role::LockHeld { before } else { &primary };
                let steps = std::iter::once(begin).chain(run).chain([end]);
                let nested = steps.zip(0..).map(|(it, level)| {
                    ThreadFlowLocation::builder().location(location(files, it.location, &it.message)).nesting_level(level).build()
                });
                let flow = ThreadFlow::builder().locations(nested.collect::<Vec<_>>()).build();
                flows.push(CodeFlow::builder().thread_flows(vec![flow]).build());
            }
            _ => {}
        }
        before = label;
        rest = if calls > 0 { after } else { &rest[1..] };
    }
    flows
}

/// The schedule: a thread flow for each thread, their steps numbered in the one order that ends badly.
fn interleaving(files: &Files, steps: &[Step]) -> Option<CodeFlow> {
    let mut flows: Vec<(char, Vec<ThreadFlowLocation>)> = Vec::new();
    for (step, order) in steps.iter().zip(1..) {
        let at = ThreadFlowLocation::builder().location(location(files, step.location, &step.does)).execution_order(order).build();
        match flows.iter_mut().find(|it| it.0 == step.thread) {
            Some((_, locations)) => locations.push(at),
            None => flows.push((step.thread, vec![at])),
        }
    }
    let flow = |(thread, locations): (char, Vec<ThreadFlowLocation>)| {
        ThreadFlow::builder().id(thread).message(message(&format!("thread {thread}"))).locations(locations).build()
    };
    let flows: Vec<ThreadFlow> = flows.into_iter().map(flow).collect();
    if flows.is_empty() {
        return None;
    }
    Some(CodeFlow::builder().message(message("the schedule that ends badly")).thread_flows(flows).build())
}

fn sarif_fix(files: &Files, fix: &Fix) -> SarifFix {
    let mut by_file: BTreeMap<_, Vec<Replacement>> = BTreeMap::new();
    for edit in &fix.edits {
        let content = ArtifactContent::builder().text(&edit.replacement).build();
        let replacement = Replacement::builder().deleted_region(region(files, edit.location)).inserted_content(content).build();
        by_file.entry(edit.location.file).or_default().push(replacement);
    }
    let changes = by_file.into_iter().map(|(file, replacements)| {
        ArtifactChange::builder().artifact_location(artifact_location(&files.get(file).name)).replacements(replacements).build()
    });
    SarifFix::builder().description(message(&fix.message)).artifact_changes(changes.collect::<Vec<_>>()).build()
}

fn location(files: &Files, at: Location, text: &str) -> SarifLocation {
    let mut artifact = artifact_location(&files.get(at.file).name);
    artifact.index = Some(i64::from(at.file.0));
    let physical = PhysicalLocation::builder().artifact_location(artifact).region(region(files, at)).build();
    let mut location = SarifLocation::builder().physical_location(physical).build();
    location.message = Some(message(text)).filter(|_| !text.is_empty());
    location
}

fn region(files: &Files, at: Location) -> Region {
    let (start, end) = (files.start(at), files.end(at));
    Region::builder().start_line(start.line as i64).start_column(start.column as i64).end_line(end.line as i64).end_column(end.column as i64).build()
}

/// The URI of a file by the name that reports print: relative to the root, or absolute for one that lies elsewhere.
fn artifact_location(name: &str) -> ArtifactLocation {
    let uri = utf8_percent_encode(name, IN_PATHS);
    if Path::new(name).is_absolute() {
        let slash = if name.starts_with('/') { "" } else { "/" };
        return ArtifactLocation::builder().uri(format!("file://{slash}{uri}")).build();
    }
    ArtifactLocation::builder().uri(uri.to_string()).uri_base_id(ROOT).build()
}

fn level(severity: Severity) -> ResultLevel {
    match severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Info => ResultLevel::Note,
    }
}

/// A message of plain text, in which `[x](1)` would be a link.
fn message(text: &str) -> Message {
    let is_link = text.contains("](");
    let text = if is_link { text.replace('[', "\\[").replace(']', "\\]") } else { text.to_string() };
    Message::builder().text(text).build()
}

fn text(text: &str) -> MultiformatMessageString {
    MultiformatMessageString::builder().text(text).build()
}

fn properties<const N: usize>(entries: [(&str, Value); N]) -> PropertyBag {
    let entries: BTreeMap<String, Value> = entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    PropertyBag::builder().additional_properties(entries).build()
}

/// An array that has nothing in it is left out.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, schemas};

    fn document(report: &Report) -> Value {
        serde_json::from_str(&render(report)).unwrap()
    }

    #[test]
    fn every_field() {
        insta::assert_snapshot!(render(&samples::report()).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn it_is_valid() {
        for report in samples::all() {
            schemas::check("sarif-2.1.0.json", &render(&report));
        }
    }

    #[test]
    fn what_is_suppressed_says_by_what() {
        let mut report = samples::report();
        report.suppressed = report.findings[..1].to_vec();
        report.baselined = report.findings[1..2].to_vec();
        let document = document(&report);
        schemas::check("sarif-2.1.0.json", &render(&report));
        let results = document["runs"][0]["results"].as_array().unwrap();
        let kinds: Vec<_> = results.iter().map(|it| it["suppressions"][0]["kind"].as_str()).collect();
        assert_eq!(kinds[kinds.len() - 2..], [Some("inSource"), Some("external")]);
        assert!(kinds[..kinds.len() - 2].iter().all(Option::is_none));
    }

    #[test]
    fn a_uri_is_encoded_and_columns_are_characters() {
        let physical = &document(&samples::wide())["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "%C3%A4%20pp/100%25%2C%20%E6%BC%A2%E5%AD%97.py");
        assert_eq!(physical["region"], json!({"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 10}));
        assert_eq!(artifact_location("/a b/c.py").uri.as_deref(), Some("file:///a%20b/c.py"));
        assert_eq!(artifact_location("c:d.py").uri.as_deref(), Some("c%3Ad.py"), "no scheme");
    }

    #[test]
    fn a_schedule_has_a_flow_for_each_thread_in_one_order() {
        let flows = &document(&samples::report())["runs"][0]["results"][2]["codeFlows"];
        let orders = |thread: usize| {
            let steps = flows[1]["threadFlows"][thread]["locations"].as_array().unwrap();
            steps.iter().map(|it| it["executionOrder"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((orders(0), orders(1)), (vec![1, 3], vec![2, 4]));
        let calls: Vec<&Value> = flows[0]["threadFlows"][0]["locations"].as_array().unwrap().iter().collect();
        let lines: Vec<&Value> = calls.iter().map(|it| &it["location"]["physicalLocation"]["region"]["startLine"]).collect();
        assert_eq!(lines, [16, 18, 23], "from the lock that is held, over the call, to the lock that is wanted");
    }

    #[test]
    fn text_of_the_tree_is_no_link() {
        assert_eq!(message("`x[0]` is").text.as_deref(), Some("`x[0]` is"));
        assert_eq!(message("[here](http://x)").text.as_deref(), Some("\\[here\\](http://x)"));
    }
}
