//! How long each stage takes: lowering by language, building the program, and the analysis with all lints.
//!
//! The inputs are made here, of the shapes that cost the most: many classes with a lock, chains of calls under it, and
//! one long function. `cargo bench` runs it.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lockset::analysis;
use lockset::analysis::state::Interest;
use lockset::finding::FileId;
use lockset::ir::{Language, Module};
use lockset::lints::{Check, LINTS};
use lockset::program::{self, Setting};
use lockset::session::lower_file;
use lockset::source::{Files, SourceFile};

const FILES: usize = 20;
const CLASSES: usize = 20;
const STATEMENTS: usize = 400;

fn python(number: usize) -> String {
    let mut text = format!("import threading\nfrom m{} import C0 as Other\n\nTOTAL = 0\nLOCK = threading.Lock()\n", (number + 1) % FILES);
    for class in 0..CLASSES {
        let _ = write!(
            text,
            "
class C{class}:
    def __init__(self, other: Other):
        self._lock = threading.Lock()
        self.other = other
        self.count = 0
        self.items = {{}}

    def add(self, key, value):
        with self._lock:
            self.count += 1
            self.items[key] = value
            self._note(key)
        self.other.add(key, self.snapshot())

    def _note(self, key):
        if key not in self.items:
            self.items[key] = self.count

    def snapshot(self):
        with self._lock:
            count = self.count
        with self._lock:
            items = dict(self.items)
        return count, items

    def start(self):
        threading.Thread(target=self.add, args=(1, 2)).start()
"
        );
    }
    text.push_str("\ndef long(x):\n    global TOTAL\n");
    for statement in 0..STATEMENTS {
        let _ = write!(text, "    if x > {statement}:\n        with LOCK:\n            TOTAL = TOTAL + x\n    x = x + TOTAL\n");
    }
    text
}

fn rust(number: usize) -> String {
    let mut text = format!("use std::collections::HashMap;\nuse std::sync::{{Arc, Mutex}};\nuse crate::m{}::C0 as Other;\n", (number + 1) % FILES);
    for class in 0..CLASSES {
        let _ = write!(
            text,
            "
pub struct C{class} {{
    count: Mutex<u64>,
    items: Mutex<HashMap<u64, u64>>,
    other: Arc<Other>,
}}

impl C{class} {{
    pub fn add(&self, key: u64, value: u64) {{
        let mut items = self.items.lock().unwrap();
        *self.count.lock().unwrap() += 1;
        items.insert(key, value);
        drop(items);
        self.other.note(key);
    }}

    pub fn note(&self, key: u64) {{
        let count = *self.count.lock().unwrap();
        *self.count.lock().unwrap() = count + key;
    }}

    pub fn start(self: Arc<Self>) {{
        std::thread::spawn(move || self.add(1, 2));
    }}
}}
"
        );
    }
    text.push_str("\npub fn long(total: &Mutex<u64>, mut x: u64) {\n");
    for statement in 0..STATEMENTS {
        let _ = writeln!(text, "    if x > {statement} {{ *total.lock().unwrap() += x; }} else {{ x += *total.lock().unwrap(); }}");
    }
    text.push_str("}\n");
    text
}

fn files(language: Language) -> Files {
    let file = |number| match language {
        Language::Python => SourceFile::from_text(&format!("m{number}.py"), &python(number), language),
        Language::Rust => SourceFile::from_text(&format!("src/m{number}.rs"), &rust(number), language),
    };
    Files::new((0..FILES).map(file).collect())
}

fn lower(files: &Files) -> Vec<(FileId, Module)> {
    files.iter().map(|(id, file)| (id, lower_file(file).expect("the text made here is sound"))).collect()
}

fn stages(criterion: &mut Criterion) {
    for (name, language) in [("python", Language::Python), ("rust", Language::Rust)] {
        let files = files(language);
        let modules = lower(&files);
        let program = program::link(&files, modules.clone(), &Setting::default());
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.throughput(Throughput::Bytes(files.iter().map(|(_, it)| it.text().len() as u64).sum()));
        group.bench_function("lower", |bench| bench.iter(|| black_box(lower(&files)).len()));
        group.bench_function("link", |bench| {
            bench.iter_batched(
                || modules.clone(),
                |modules| black_box(program::link(&files, modules, &Setting::default())).modules.len(),
                BatchSize::LargeInput,
            );
        });
        group.bench_function("analyse", |bench| {
            bench.iter(|| {
                let analysis = analysis::analyse(&program, Interest::Changing);
                let mut findings = Vec::new();
                LINTS.iter().for_each(|it| {
                    if let Check::Program(check) = it.check {
                        check(&analysis, &mut findings);
                    }
                });
                black_box(findings).len()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
