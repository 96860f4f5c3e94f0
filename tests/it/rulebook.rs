//! The rule book is the specification: every example in `lints/*.md` is checked, and must give the findings that stand in
//! comments on its lines, and no others.
//!
//! An example is a fenced block of `python` or `rust`, with `edition=2021` (the default) or `edition=2024` after the
//! language. `# file: a.py` (`// file: src/a.rs`) begins another file. A comment on a line expects a finding there:
//!
//! ```text
//! # error: [rule] "part of the message" "another part"
//! # low error: [rule] "…"        shown only with --min-confidence low
//! ```
//!
//! Findings of low confidence that no comment expects are not compared: they are not shown by default.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Seen, check, comment_sign, comments};
use lockset::lints::LINTS;

/// Examples that the analysis gets wrong today: the example's title (see [`Example::title`]) and the reason. One that
/// comes right has to leave the table.
const KNOWN_GAPS: &[(&str, &str)] = &[];

const HEADINGS: [&str; 7] = ["What it finds", "Why it is bad", "Examples", "How to fix", "What it leaves alone", "How sure it is", "Known limits"];

/// A page of the rule book.
struct Page {
    /// The rule's name.
    rule: String,
    text: String,
}

/// A fenced block of a page.
struct Example {
    /// `PAGE: first words before the block (language)`, numbered when that is not unique.
    title: String,
    /// `lints/PAGE.md:LINE` of the opening fence.
    place: String,
    language: String,
    edition: String,
    body: String,
}

/// A finding that a comment asks for.
#[derive(Debug)]
struct Expected {
    file: String,
    line: u64,
    rule: String,
    severity: String,
    low: bool,
    parts: Vec<String>,
}

impl Expected {
    fn is_met_by(&self, seen: &Seen) -> bool {
        self.file == seen.file
            && self.line == seen.line
            && self.rule == seen.rule
            && self.severity == seen.severity
            && self.low == seen.low
            && self.parts.iter().all(|it| seen.message.contains(it.as_str()))
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages, sorted by rule.
fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = files(&repository().join("lints"), "md")
        .into_iter()
        .map(|path| Page { rule: stem(&path), text: fs::read_to_string(&path).expect("a page of the rule book can be read") })
        .collect();
    pages.sort_by(|a, b| a.rule.cmp(&b.rule));
    pages
}

/// The files right under `folder` with that extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|it| it.expect("the folder can be listed").path()).filter(|it| it.extension().is_some_and(|it| it == extension)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The Python and Rust blocks of `page`.
fn examples(page: &Page) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut titles: BTreeMap<String, usize> = BTreeMap::new();
    let mut lead = "";
    let mut lines = page.text.lines().enumerate();
    let mut paragraph_ended = true;
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            if paragraph_ended && !line.is_empty() {
                lead = line;
            }
            paragraph_ended = line.is_empty();
            continue;
        };
        let body: Vec<&str> = lines.by_ref().map(|it| it.1).take_while(|it| *it != "```").collect();
        let mut info = info.split_whitespace();
        let language = info.next().unwrap_or_default();
        if !matches!(language, "python" | "rust") {
            continue;
        }
        let place = format!("lints/{}.md:{}", page.rule, number + 1);
        let mut edition = "2021";
        for word in info {
            edition = word.strip_prefix("edition=").unwrap_or_else(|| panic!("{place}: `{word}` after the language is not known"));
        }
        let base = format!("{}: {lead} ({language})", page.rule);
        let count = titles.entry(base.clone()).or_default();
        *count += 1;
        let title = if *count == 1 { base } else { format!("{base} {count}") };
        examples.push(Example { title, place, language: language.to_owned(), edition: edition.to_owned(), body: body.join("\n") });
    }
    examples
}

/// The files of an example: name and text. Lines that name a file belong to it, so that a compiler sees a comment.
fn split_files(example: &Example) -> Vec<(String, String)> {
    let (sign, default) = if example.language == "python" { ("# file: ", "app.py") } else { ("// file: ", "src/lib.rs") };
    let mut files: Vec<(String, String)> = Vec::new();
    for line in example.body.lines() {
        if let Some(name) = line.strip_prefix(sign) {
            files.push((name.trim().to_owned(), String::new()));
        } else if files.is_empty() {
            files.push((default.to_owned(), String::new()));
        }
        if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    files
}

/// What the comments of a file expect. A comment that looks like an expectation and is none is an error.
fn expectations(file: &str, text: &str) -> Result<Vec<Expected>, String> {
    let sign = comment_sign(file).ok_or_else(|| format!("{file} is neither Python nor Rust"))?;
    let mut expected = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for comment in comments(line, sign) {
            let (low, rest) = comment.strip_prefix("low ").map_or((false, comment), |rest| (true, rest));
            let Some((severity, rest)) = rest.split_once(": [") else { continue };
            let malformed = || format!("{file}:{}: `{comment}` expects nothing that can be found", number + 1);
            let (rule, rest) = rest.split_once(']').ok_or_else(malformed)?;
            let parts = quoted(rest).ok_or_else(malformed)?;
            if !matches!(severity, "error" | "warning" | "info") || parts.is_empty() {
                return Err(malformed());
            }
            let line = number as u64 + 1;
            expected.push(Expected { file: file.to_owned(), line, rule: rule.to_owned(), severity: severity.to_owned(), low, parts });
        }
    }
    Ok(expected)
}

/// The strings of `"a" "b"`; none when there is anything else.
fn quoted(text: &str) -> Option<Vec<String>> {
    let pieces: Vec<&str> = text.split('"').collect();
    let outside_is_blank = pieces.iter().step_by(2).all(|it| it.trim().is_empty());
    (pieces.len() % 2 == 1 && outside_is_blank).then(|| pieces.iter().skip(1).step_by(2).map(|it| (*it).to_owned()).collect())
}

/// What is wrong with what lockset says about `example`, one line each.
fn differences(example: &Example) -> Result<Vec<String>, String> {
    let root = tempfile::Builder::new().prefix("rulebook-").tempdir().map_err(|error| error.to_string())?;
    let mut expected = Vec::new();
    let mut files = split_files(example);
    for (name, text) in &files {
        expected.extend(expectations(name, text)?);
    }
    if example.language == "rust" {
        files.push(("Cargo.toml".to_owned(), format!("[package]\nname = \"example\"\nversion = \"0.1.0\"\nedition = \"{}\"\n", example.edition)));
    }
    for (name, text) in &files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(root.path())).map_err(|error| error.to_string())?;
        fs::write(&path, text).map_err(|error| error.to_string())?;
    }
    let mut seen = check(root.path())?;
    let mut wrong = Vec::new();
    for it in expected {
        match seen.iter().position(|seen| it.is_met_by(seen)) {
            Some(index) => drop(seen.remove(index)),
            None => {
                let low = if it.low { "low " } else { "" };
                wrong.push(format!("{}:{}: missing     {low}{}: [{}] {:?}", it.file, it.line, it.severity, it.rule, it.parts));
            }
        }
    }
    wrong.extend(seen.iter().filter(|it| !it.low).map(|it| format!("{}:{}: unexpected  {it}", it.file, it.line)));
    wrong.sort();
    Ok(wrong)
}

#[test]
fn every_example_gives_what_its_comments_say() {
    let mut report = String::new();
    let (mut count, mut failed) = (0, 0);
    let mut gaps: BTreeMap<&str, &str> = KNOWN_GAPS.iter().copied().collect();
    for example in pages().iter().flat_map(examples) {
        count += 1;
        let wrong = differences(&example).unwrap_or_else(|error| vec![error]);
        let known = gaps.remove(example.title.as_str());
        match (wrong.is_empty(), known) {
            (true, None) | (false, Some(_)) => continue,
            (true, Some(why)) => writeln!(report, "{}: {}\n    comes right, and is in KNOWN_GAPS ({why})", example.place, example.title),
            (false, None) => writeln!(report, "{}: {}\n    {}", example.place, example.title, wrong.join("\n    ")),
        }
        .expect("a string takes all text");
        failed += 1;
    }
    assert!(gaps.is_empty(), "KNOWN_GAPS names examples that do not exist: {gaps:#?}");
    assert!(failed == 0, "{failed} of {count} examples are not as the book says\n\n{report}");
}

#[test]
fn every_page_has_its_headings_and_says_what_the_registry_says() {
    for page in pages() {
        let name = format!("lints/{}.md", page.rule);
        let mut lines = page.text.lines().filter(|it| !it.is_empty());
        assert_eq!(lines.next(), Some(format!("# {}", page.rule).as_str()), "{name}: the title");
        let summary = lines.next().unwrap_or_default();
        assert!(summary.ends_with('.') && !summary.trim_end_matches('.').contains(". "), "{name}: one sentence below the title");
        let headings: Vec<&str> = page.text.lines().filter_map(|it| it.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{name}: the headings");

        let facts = lines.next().unwrap_or_default();
        if let Some(lint) = lockset::lints::find(&page.rule) {
            let languages: Vec<String> = lint.rule.languages.iter().map(|it| format!("{it:?}")).collect();
            let severity = format!("{:?}", lint.rule.severity).to_lowercase();
            assert_eq!(facts, format!("`{severity}` · group `{}` · {}", lint.rule.group, languages.join(", ")), "{name}: the line of facts");
            assert_eq!(lint.rule.page, page.text, "{name}: `explain` prints another text");
        }
    }
}

#[test]
fn pages_registry_and_source_files_agree() {
    let pages: Vec<String> = pages().into_iter().map(|it| it.rule).collect();
    let registry: Vec<String> = LINTS.iter().map(|it| it.rule.name.to_owned()).collect();
    let entries = fs::read_dir(repository().join("src/lints")).expect("lints are there").map(|it| it.expect("they can be listed").path());
    let mut sources: Vec<String> = entries.map(|it| stem(&it).replace('_', "-")).filter(|it| it != "mod" && it != "support").collect();
    sources.sort();
    assert_eq!(pages, registry, "pages (left) and the registry, which is sorted by name (right)");
    assert_eq!(pages, sources, "pages (left) and files or folders of src/lints (right); what lints share goes into `support`");
}

#[test]
fn expectations_name_rules_of_the_book() {
    let pages = pages();
    for example in pages.iter().flat_map(examples) {
        for (file, text) in split_files(&example) {
            for it in expectations(&file, &text).unwrap_or_else(|error| panic!("{}: {error}", example.place)) {
                assert!(pages.iter().any(|page| page.rule == it.rule), "{}: {} is no rule of the book", example.place, it.rule);
            }
        }
    }
}
