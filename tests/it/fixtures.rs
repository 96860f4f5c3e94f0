//! The fixtures are small programs as one would meet them: `fixtures/NAME/bad` has mistakes, `fixtures/NAME/good` is the
//! same program without them.
//!
//! A comment `expect: rule` (`# …` in Python, `// …` in Rust) stands on the very line of every finding of medium or high
//! confidence; several rules are separated by commas. `expect-later: rule` marks a mistake that no rule finds yet, and
//! becomes an `expect` when the rule comes. Good programs give no finding at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{check, comment_sign, comments};

/// A finding, expected or seen: file, line, rule.
type Mark = (String, u64, String);

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).expect("fixtures/ exists").map(|it| it.expect("fixtures/ can be listed").path()).filter(|it| it.is_dir()).collect();
    folders.sort();
    folders
}

/// The marks in the comments of the tree at `root`, with the word that begins them.
fn marks(root: &Path, word: &str) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry.expect("a fixture can be walked");
        let name = entry.path().strip_prefix(root).expect("an entry is below its root").to_string_lossy().replace('\\', "/");
        let Some(sign) = comment_sign(&name) else { continue };
        let text = fs::read_to_string(entry.path()).expect("a fixture can be read");
        for (number, line) in text.lines().enumerate() {
            let rules = comments(line, sign).filter_map(|it| it.strip_prefix(word)).flat_map(|it| it.split(','));
            marks.extend(rules.map(|rule| (name.clone(), number as u64 + 1, rule.trim().to_owned())));
        }
    }
    marks
}

/// What is wrong with what lockset says about the tree at `root`.
fn differences(root: &Path) -> Vec<String> {
    let seen = match check(root) {
        Ok(seen) => seen,
        Err(error) => return vec![error],
    };
    let shown: Vec<_> = seen.into_iter().filter(|it| !it.low).collect();
    let expected = marks(root, "expect:");
    let found: BTreeSet<Mark> = shown.iter().map(|it| (it.file.clone(), it.line, it.rule.clone())).collect();
    let missing = expected.difference(&found).map(|(file, line, rule)| format!("{file}:{line}: missing     [{rule}]"));
    let unexpected = shown
        .iter()
        .filter(|it| !expected.contains(&(it.file.clone(), it.line, it.rule.clone())))
        .map(|it| format!("{}:{}: unexpected  {it}", it.file, it.line));
    missing.chain(unexpected).collect()
}

#[test]
fn findings_are_those_the_comments_expect() {
    let mut report = Vec::new();
    for root in fixtures().iter().flat_map(|it| [it.join("bad"), it.join("good")]).filter(|it| it.is_dir()) {
        let wrong = differences(&root);
        if !wrong.is_empty() {
            report.push(format!("{}\n    {}", root.display(), wrong.join("\n    ")));
        }
    }
    assert!(report.is_empty(), "{} programs are not as their comments say\n\n{}", report.len(), report.join("\n"));
}

#[test]
fn every_bad_program_has_a_good_twin() {
    for fixture in fixtures() {
        let name = fixture.display();
        assert!(fixture.join("good").is_dir(), "{name}: good/ is missing");
        let expects = |folder: &str| ["expect:", "expect-later:"].iter().any(|word| !marks(&fixture.join(folder), word).is_empty());
        assert!(!expects("good"), "{name}: a good program expects a finding");
        assert!(!fixture.join("bad").is_dir() || expects("bad"), "{name}: a bad program expects nothing");
    }
}

#[test]
fn expectations_name_rules_that_exist_and_later_ones_do_not() {
    for fixture in fixtures() {
        for (file, line, rule) in marks(&fixture, "expect:") {
            assert!(lockset::lints::find(&rule).is_some(), "{}/{file}:{line}: {rule} is no rule", fixture.display());
        }
        for (file, line, rule) in marks(&fixture, "expect-later:") {
            assert!(lockset::lints::find(&rule).is_none(), "{}/{file}:{line}: {rule} is a rule now: expect it", fixture.display());
        }
    }
}
