//! Which tests of a tree start threads, and what they name: a look at the words of test files, for the checklist.

use std::path::PathBuf;

use rustc_hash::{FxHashMap, FxHashSet};

use super::SessionError;
use crate::finding::review::{Answer, StateReview, Verdict};
use crate::source::{self, DiscoverOptions, Globs};

/// Words of code that has several threads, in either language.
const THREADS: &[&str] =
    &["Thread(", "ThreadPoolExecutor", "ThreadPool(", "threading.Barrier", "thread::spawn", "thread::scope", "loom::", "rayon::", "tokio::spawn"];
/// Files named in an answer.
const MAX_FILES: usize = 3;

/// Answers whether there is a test file that names a state's class (or the global) and starts threads.
pub fn answer(paths: &[PathBuf], exclude: &Globs, reviews: &mut [StateReview]) -> Result<(), SessionError> {
    let discover = |include_tests| source::discover(paths, &DiscoverOptions { include_tests, exclude: exclude.clone(), ..Default::default() });
    let without = discover(false)?.candidates;
    let mut tests = discover(true)?.candidates;
    tests.retain(|it| without.binary_search_by(|other| other.name.cmp(&it.name)).is_err());
    let tests = source::load(tests).files;
    let subjects: FxHashSet<&str> = reviews.iter().map(|it| it.subject.as_str()).collect();
    // For each subject: the files that name it and start threads, and how many name it at all.
    let mut naming: FxHashMap<String, (Vec<&str>, usize)> = FxHashMap::default();
    for (_, file) in tests.iter() {
        let is_threaded = THREADS.iter().any(|word| file.text().contains(word));
        let words: FxHashSet<&str> = file.text().split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|it| subjects.contains(it)).collect();
        for word in words {
            let (files, count) = naming.entry(word.to_string()).or_default();
            *count += 1;
            if is_threaded && files.len() < MAX_FILES {
                files.push(&file.name);
            }
        }
    }
    for review in reviews {
        let subject = &review.subject;
        let (threaded, count) = naming.get(subject).map_or((&[][..], 0), |it| (it.0.as_slice(), it.1));
        review.tests = if tests.is_empty() {
            let because = "no test files below the given paths; name the directory that has the tests, too";
            Answer::new(Verdict::Unknown, because, Vec::new())
        } else if threaded.is_empty() {
            let because = match count {
                0 => format!("no test file names `{subject}`"),
                _ => format!("no test file that names `{subject}` starts threads"),
            };
            Answer::new(Verdict::No, because, Vec::new())
        } else {
            Answer::new(Verdict::Yes, format!("`{}` names `{subject}` and starts threads", threaded.join("`, `")), Vec::new())
        };
    }
    Ok(())
}
