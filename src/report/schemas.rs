//! For tests: reports held against the published schemas in `tests/schemas/` by validators that are not ours.
//!
//! The unit tests of the formats and the tests of the command line both have this file.

use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name)
}

fn read(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Panics unless `text` is JSON that the schema called `name` allows.
pub fn check(name: &str, text: &str) {
    // The pattern of SARIF's languages has a bracket too many, which strict readers refuse.
    let schema = read(name).replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    let schema = serde_json::from_str(&schema).expect("a schema is JSON");
    let document = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&document).map(|it| format!("{} at {}", it, it.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?} in\n{text}");
}

/// Panics unless `text` is XML that the JUnit schema of Jenkins allows.
pub fn check_junit(text: &str) {
    // The counts of skipped cases at the root are newer than that schema; those of the suites it knows.
    let (before, rest) = text.split_once("<testsuites").expect("a report of suites");
    let (root, rest) = rest.split_once('>').expect("a tag ends");
    let root: Vec<&str> = root.split(' ').filter(|it| !it.starts_with("skipped=")).collect();
    let text = format!("{before}<testsuites{}>{rest}", root.join(" "));
    let schema = xmloxide::validation::xsd::parse_xsd(&read("junit-10.xsd")).expect("the schema is one");
    let document = xmloxide::Document::parse_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let result = xmloxide::validation::xsd::validate_xsd(&document, &schema);
    assert!(result.is_valid, "{:#?} in\n{text}", result.errors);
}

#[test]
fn the_validators_refuse_what_is_wrong() {
    let refuses = |check: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err();
    assert!(refuses(&|| check("sarif-2.1.0.json", r#"{"version": "2.1.0", "runs": [{"tool": {}}]}"#)));
    assert!(refuses(&|| check("rdjson.json", r#"{"diagnostics": [{"message": "x", "location": {"path": "a", "range": {"start": {"line": 0}}}}]}"#)));
    assert!(refuses(&|| check("gitlab-code-quality.json", r#"[{"description": "x", "severity": "error"}]"#)));
    assert!(refuses(&|| check_junit(r#"<testsuites><testsuite name="a" tests="1" failures="0" errors="0"><case/></testsuite></testsuites>"#)));
    assert!(refuses(&|| check_junit(r#"<testsuites><testsuite name="a" tests="1" errors="0"/></testsuites>"#)));
    check_junit(
        r#"<testsuites><testsuite name="a" tests="1" failures="0" errors="0"><testcase name="b"><system-out/></testcase></testsuite></testsuites>"#,
    );
}
