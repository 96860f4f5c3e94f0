use std::fs;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::ir::Language;

fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

/// The configuration for `path` in a tree of `files`, its file relative to the tree.
fn nearest_to(files: &[(&str, &str)], path: &str) -> Result<Config, ConfigError> {
    let directory = tree(files);
    let base = directory.path().canonicalize().unwrap();
    let relative = |file: String| file.strip_prefix(base.to_str().unwrap()).map_or(file.clone(), |it| it.trim_start_matches('/').to_string());
    let found = load(&Source::Nearest, &[base.join(path)]);
    let found = found.map(|it| Config { file: it.file.map(relative), ..it });
    found.map_err(|it| ConfigError { file: relative(it.file), ..it })
}

/// The message for a `lockset.toml` with `text`.
fn error(text: &str) -> String {
    nearest_to(&[("lockset.toml", text)], ".").unwrap_err().to_string()
}

fn config(text: &str) -> Config {
    nearest_to(&[("lockset.toml", text)], ".").unwrap()
}

#[test]
fn the_nearest_file_counts() {
    let high = "min-confidence = 'high'";
    let files = [
        ("lockset.toml", high),
        ("a/pyproject.toml", "[project]\nname = 'a'\n[tool.ruff]\nselect = ['E']"),
        ("a/b/pyproject.toml", "[tool.lockset]\nmin-confidence = 'low'"),
        ("a/b/Cargo.toml", "[package.metadata.lockset]\nmin-confidence = 'high'"),
        ("c/Cargo.toml", "[workspace.metadata.lockset]\nmin-confidence = 'low'"),
        ("c/.lockset.toml", "no toml"),
        ("d/Cargo.toml", "[package]\nname = \n"),
        ("d/e.py", ""),
    ];
    let check = |path: &str| {
        let it = nearest_to(&files, path).unwrap();
        (it.file.unwrap(), it.min_confidence.unwrap())
    };
    assert_eq!(check("a"), ("lockset.toml".to_string(), Confidence::High));
    assert_eq!(check("a/b"), ("a/b/pyproject.toml".to_string(), Confidence::Low));
    assert_eq!(check("c"), ("c/Cargo.toml".to_string(), Confidence::Low));
    assert_eq!(check("d/e.py").0, "lockset.toml");
    assert_eq!(check("a/b/not/there.py").0, "a/b/pyproject.toml");
}

#[test]
fn in_one_directory_lockset_toml_comes_first() {
    let files = [("lockset.toml", ""), ("pyproject.toml", "[tool.lockset]\nmin-confidence = 'low'")];
    let found = nearest_to(&files, ".").unwrap();
    assert_eq!((found.file.as_deref(), found.min_confidence), (Some("lockset.toml"), None));
}

#[test]
fn a_file_that_is_named_must_have_a_configuration() {
    let directory = tree(&[("pyproject.toml", "[project]"), ("Cargo.toml", "[package]"), ("own.toml", "include-tests = true")]);
    let named = |name: &str| load(&Source::File(directory.path().join(name)), &[]).map_err(|it| it.message);
    assert_eq!(named("own.toml").unwrap().include_tests, Some(true));
    assert_eq!(named("pyproject.toml").unwrap_err(), "has no section [tool.lockset]");
    assert_eq!(named("Cargo.toml").unwrap_err(), "has no section [workspace.metadata.lockset] or [package.metadata.lockset]");
    assert_eq!(named("none.toml").unwrap_err(), "no such file or directory");
    assert_eq!(named(".").unwrap_err(), "not a regular file");
}

#[test]
fn wrong_keys_and_values_are_named_with_their_line() {
    for (text, expect) in [
        ("\nslect = ['all']", "lockset.toml:2: unknown key `slect`; did you mean `select`?"),
        ("min_confidence = 'low'", "lockset.toml:1: unknown key `min_confidence`; did you mean `min-confidence`?"),
        ("[python]\n\nruntim = 'gil'", "lockset.toml:3: unknown key `runtim`; did you mean `runtime`?"),
        ("[python]\nruntime = 'free'", "lockset.toml:2: unknown value `free`; did you mean `free-threaded`?"),
        ("min-confidence = 'sure'", "lockset.toml:1: unknown value `sure`; known here: `low`, `medium`, `high`"),
        ("select = 'all'", "lockset.toml:1: invalid type: string \"all\", expected a sequence"),
        ("include-tests = 1", "lockset.toml:1: invalid type: integer `1`, expected a boolean"),
        ("select = [\n  'race',\n  'lock-oder',\n]", "lockset.toml:3: no rule is called `lock-oder`; did you mean `lock-order`?"),
        ("extend-select = ['x']", "lockset.toml:1: no rule is called `x`; `lockset rules` names them all"),
        ("ignore = ['x']", "lockset.toml:1: no rule is called `x`; `lockset rules` names them all"),
        ("\n[per-file-ignores]\n'a.py' = ['rase']", "lockset.toml:3: no rule is called `rase`; did you mean `race`?"),
        ("[per-file-ignores]\n'ok' = []\n'a{' = ['race']", "lockset.toml:3: `a{` is no pattern of files: "),
        ("exclude = [\n'ok', '']", "lockset.toml:2: `` is no pattern of files"),
        ("[lock-order]\norder = [\n'A.a < B.b',\n'A.a']", "lockset.toml:4: `A.a` is no order of locks, as `Registry.lock < Table.lock` is"),
        ("select = ['race'\nignore = 3", "lockset.toml:2: "),
        ("select = []\nselect = []", "lockset.toml:2: duplicate key"),
    ] {
        let found = error(text);
        assert!(found.starts_with(expect), "{text:?}: {found}");
    }
}

#[test]
fn wrong_rows_are_named_with_their_line() {
    for (text, expect) in [
        ("[[lock]]\nkind = 'mutex'\n", "lockset.toml:1: missing field `path`"),
        ("\n[[lock]]\npath = 'a.B'\nkind = 'mutx'", "lockset.toml:4: unknown value `mutx`; did you mean `mutex`?"),
        ("[[lock]]\npath = 'a.B'\nkind = 'mutex'\ncontext-manager = true\n[[lock]]\npath = ''\nkind = 'mutex'", "lockset.toml:5: a path is empty"),
        ("[[lock]]\npath = 'a.B'\nkind = 'mutex'\nmethod = []", "lockset.toml:4: unknown key `method`; did you mean `methods`?"),
        ("[[spawn]]\npath = 'a.go'\nruns = 'thread'", "lockset.toml:1: nothing says what runs: it needs `argument`, `keyword` or `method`"),
        ("[[blocking]]\npath = 'a.b'\nkind = 'disk'", "lockset.toml:3: unknown value `disk`; known here: `join`,"),
        ("[[container]]\npath = 'a b'", "lockset.toml:1: `a b` is no path of Python, as `package.module.Name` is"),
        ("[[locks]]\npath = 'a'", "lockset.toml:1: unknown key `locks`; did you mean `lock`?"),
    ] {
        let found = error(text);
        assert!(found.starts_with(expect), "{text:?}: {found}");
    }
}

#[test]
fn mistakes_in_sections_of_other_files() {
    let check = |name: &str, text: &str| nearest_to(&[(name, text)], ".").unwrap_err().to_string();
    assert_eq!(
        check("pyproject.toml", "[project]\nname = 'a'\n\n[tool.lockset]\nignor = []"),
        "pyproject.toml:5: unknown key `ignor`; did you mean `ignore`?"
    );
    assert_eq!(check("Cargo.toml", "[package.metadata.lockset]\nbaselin = ''"), "Cargo.toml:2: unknown key `baselin`; did you mean `baseline`?");
    assert!(check("pyproject.toml", "[tool.lockset]\nselect = [").starts_with("pyproject.toml:2: "));
    let twice = "[package.metadata.lockset]\n[workspace.metadata.lockset]";
    assert!(check("Cargo.toml", twice).contains("one of them counts"));
}

#[test]
fn files_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lockset.toml");
    let message = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        load(&Source::Nearest, &[directory.path().to_path_buf()]).unwrap_err().message
    };
    assert_eq!(message(b"select = []\n# \xff"), "not UTF-8 at byte 14");
    assert_eq!(message(&vec![b'#'; 10_000_001]), "10.0 MB is over the limit of 10 MB");
    assert!(message(&[b"a = ".as_slice(), &[b'['; 100_000]].concat()).len() < 200);
}

#[test]
fn what_is_written_is_what_is_meant() {
    let it = config(
        "select = ['race', 'lock-order']\nmin-severity = 'error'\nbaseline = 'known.json'\nexclude = ['vendor/']\n\
         [per-file-ignores]\n'scripts/**' = ['race', 'self-deadlock']\n[python]\nruntime = 'free-threaded'\n\
         [lock-order]\norder = ['Registry.lock < Table.lock < a::LOG']",
    );
    assert_eq!(it.rules.select.as_deref(), Some(&["race".to_string(), "lock-order".to_string()][..]));
    assert_eq!((it.min_severity, it.min_confidence, it.include_tests), (Some(Severity::Error), None, None));
    assert!(it.baseline.unwrap().ends_with("known.json"));
    assert_eq!(it.exclude.patterns(), ["vendor/"]);
    assert_eq!(it.per_file_ignores[0].rules, ["async-update", "check-then-act", "inconsistent-guard", "self-deadlock", "unguarded-update"]);
    assert_eq!(it.setting.runtime, Some(crate::program::Runtime::FreeThreaded));
    let orders: Vec<&str> = it.setting.orders[0].locks.iter().map(|it| it.as_str()).collect();
    assert_eq!(orders, ["Registry.lock", "Table.lock", "a::LOG"]);
    assert!(it.setting.orders[0].place.as_str().ends_with("lockset.toml:10"), "{}", it.setting.orders[0].place);
}

#[test]
fn two_configurations_do_not_mix() {
    let row = |path: &str| format!("[[lock]]\npath = '{path}'\nkind = 'mutex'\ncontext-manager = true");
    let (one, two) = (config(&row("a.One")), config(&row("a.Two")));
    let knows = |it: &Config, path: &str| it.setting.catalogs.of(Language::Python).lock(path.into()).is_some();
    assert!(knows(&one, "a.One") && !knows(&one, "a.Two") && knows(&two, "a.Two") && !knows(&two, "a.One"));
    assert!(!knows(&Config::default(), "a.One"));
}

#[test]
fn the_command_line_counts_first() {
    let it = config("select = ['race']\nmin-confidence = 'high'\ninclude-tests = true");
    let options = it.options(vec![], &Overrides::default()).unwrap();
    assert_eq!((options.min_confidence, options.include_tests), (Confidence::High, true));
    assert!(options.ignore.contains(&"lock-order".to_string()) && !options.ignore.contains(&"unguarded-update".to_string()));
    let overrides = Overrides {
        rules: Selection { select: Some(vec!["lock-order".to_string()]), ..Selection::default() },
        min_confidence: Some(Confidence::Low),
        include_tests: Some(false),
        ..Overrides::default()
    };
    let options = it.options(vec![], &overrides).unwrap();
    assert_eq!((options.min_confidence, options.include_tests), (Confidence::Low, false));
    assert_eq!(options.ignore.len(), LINTS.len() - 1);
    assert!(!options.ignore.contains(&"lock-order".to_string()));
}

/// The template with its settings at work.
fn uncommented() -> String {
    let line = |it: &str| it.strip_prefix('#').filter(|it| !it.is_empty() && !it.starts_with(' ')).unwrap_or(it).to_string();
    // Long values go on over lines that are indented.
    let indented = |it: &str| it.strip_prefix("#    ").filter(|it| it.starts_with('{')).map(str::to_string);
    TEMPLATE.lines().map(|it| indented(it).unwrap_or_else(|| line(it))).collect::<Vec<_>>().join("\n")
}

/// Every key of the schema, below the tables it stands in: `lock.methods.name`.
fn all_keys(root: &Value, schema: &Value, above: &str, found: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    if let Some(items) = schema.get("items") {
        all_keys(root, items, above, found);
    }
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        found.push(format!("{above}{key}"));
        all_keys(root, value, &format!("{above}{key}."), found);
    }
}

fn written_keys(value: &toml::Value, above: &str, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                found.push(format!("{above}{key}"));
                written_keys(value, &format!("{above}{key}."), found);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|it| written_keys(it, above, found)),
        _ => {}
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

#[test]
fn the_template_has_every_key_and_no_other() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let (mut known, mut written) = (Vec::new(), Vec::new());
    all_keys(&schema, &schema, "", &mut known);
    written_keys(&toml::Value::Table(toml::from_str(&uncommented()).unwrap()), "", &mut written);
    assert!(known.len() > 40, "{known:?}");
    assert_eq!(sorted(written), sorted(known));
}

#[test]
fn the_template_changes_nothing_and_is_valid_when_it_is_uncommented() {
    let plain = config(TEMPLATE);
    assert!(toml::from_str::<toml::Table>(TEMPLATE).unwrap().is_empty());
    assert!(plain.rules.is_empty() && plain.exclude.is_empty() && plain.baseline.is_none());
    let all = config(&uncommented());
    let options = all.options(vec![], &Overrides::default()).unwrap();
    let defaults = crate::session::Options::default();
    assert_eq!((options.min_confidence, options.min_severity), (defaults.min_confidence, defaults.min_severity));
    assert_eq!((options.ignore, options.include_tests), (defaults.ignore, defaults.include_tests));
    assert_eq!(all.setting.catalogs.python.own().len(), 4);
}

/// Whether the schema accepts what a text holds.
fn is_valid(text: &str) -> bool {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let instance = serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap().is_valid(&instance)
}

#[test]
fn the_schema_that_is_shipped_is_that_of_the_code() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/lockset.schema.json");
    let shipped = fs::read_to_string(file).unwrap_or_default();
    assert!(shipped == schema(), "write it anew: cargo run -- config-schema > lockset.schema.json");
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("## Configuration\n").unwrap();
    let (_, rest) = rest.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    for good in [TEMPLATE, &uncommented(), example, "", "ignore = ['all']\n[per-file-ignores]\n'a' = ['race']"] {
        assert!(is_valid(good), "{good}");
        config(good);
    }
    for bad in [
        "slect = []",
        "select = ['no-rule']",
        "select = 'race'",
        "min-confidence = 'sure'",
        "[python]\nruntime = 'free'",
        "[python]\nversion = 3",
        "[per-file-ignores]\n'a' = ['no-rule']",
        "[[lock]]\nkind = 'mutex'",
        "[[lock]]\npath = 'a.B'\nkind = 'mutex'\nmethod = []",
        "[[blocking]]\npath = 'a.b'\nkind = 'disk'",
        "[lock-order]\norder = 'A < B'",
    ] {
        assert!(!is_valid(bad), "{bad}");
        error(bad);
    }
}
