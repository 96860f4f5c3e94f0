//! Findings that are known and left for later: what is kept of each, and how it is found again in changed code.
//!
//! An entry says where a finding is in the words of the source (file, function, state, statement) and has no line numbers,
//! so that code may move. One entry stands for one finding. Entries and findings are matched in three stages, each over
//! what the one before has left:
//!
//! 1. all is the same;
//! 2. the statement was edited: file, function, rule and state are the same. Of several, those that resemble each other
//!    most (Levenshtein) belong together;
//! 3. the code went to another file: function, rule, state and statement are the same.
//!
//! The file has one entry a line, sorted, and counts nothing, so that it merges as text does. Pure: reads and writes no
//! files; names in it are relative to the directory of the baseline, which the caller knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the format.
const SCHEMA: u32 = 1;

/// Characters of a statement that are kept; a longer one is cut, and told from others by its hash.
const MAX_STATEMENT: usize = 120;

/// So many pairs of statements are compared with each other at most; of more, one is taken after the other.
const MAX_PAIRS: usize = 10_000;

/// What is kept of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the baseline's directory, with `/`.
    pub file: String,
    pub symbol: String,
    pub rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// See [`Entry::shape`].
    pub statement: String,
}

impl Entry {
    /// The text of a statement with white space folded, cut if it is long.
    pub fn shape(statement: &str) -> String {
        let folded = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        match folded.char_indices().nth(MAX_STATEMENT) {
            None => folded,
            Some((end, _)) => format!("{}… {}", &folded[..end], &blake3::hash(folded.as_bytes()).to_hex()[..16]),
        }
    }
}

/// The findings that are known, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: Vec<Entry>,
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("line {0}: an unfinished merge; keep the entries of both sides, one a line")]
    Conflict(usize),
    #[error("this is no baseline ({0}); remove the file and write a new one with `--write-baseline`")]
    Syntax(serde_json::Error),
    #[error(
        "its schema is {0}, and this version of lockset reads {SCHEMA}; use the lockset that wrote it, or remove the file and write a new one with `--write-baseline`"
    )]
    Schema(u64),
}

#[derive(Deserialize)]
struct Version {
    schema: u64,
}

#[derive(Deserialize)]
struct Document {
    findings: Vec<Entry>,
}

/// What a baseline says of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// For each finding, whether it is known.
    pub known: Vec<bool>,
    /// The entries that still occur, as they are now, and those that the run did not look at.
    pub kept: Baseline,
    /// The entries that no longer occur.
    pub fixed: Vec<Entry>,
}

impl Baseline {
    pub fn new(mut entries: Vec<Entry>) -> Baseline {
        entries.sort_unstable();
        Baseline { entries }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads what [`Baseline::render`] wrote.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let text = text.trim_start_matches('\u{feff}');
        if let Some(line) = text.lines().position(|it| it.starts_with("<<<<<<<") || it.starts_with(">>>>>>>")) {
            return Err(BaselineError::Conflict(line + 1));
        }
        let version: Version = serde_json::from_str(text).map_err(BaselineError::Syntax)?;
        if version.schema != u64::from(SCHEMA) {
            return Err(BaselineError::Schema(version.schema));
        }
        let document: Document = serde_json::from_str(text).map_err(BaselineError::Syntax)?;
        Ok(Baseline::new(document.findings))
    }

    /// One JSON document, one entry a line.
    pub fn render(&self) -> String {
        let line = |it: &Entry| serde_json::to_string(it).expect("an entry has string keys only, and no serializer of its own");
        let lines: Vec<String> = self.entries.iter().map(line).collect();
        let lines = if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join(",\n")) };
        format!("{{\"schema\": {SCHEMA}, \"findings\": [{lines}]}}\n")
    }

    /// Tells which of `found` are known. `silenced` are findings that occur, but are reported no more: they use up their
    /// entries, which are kept no longer. Whether the run would have found what an entry stands for, `is_looked_at` says.
    /// Of findings that are alike the first are the known ones.
    pub fn compare(&self, found: &[Entry], silenced: &[Entry], is_looked_at: impl Fn(&Entry) -> bool) -> Comparison {
        let mut comparison = Comparison { known: vec![false; found.len()], ..Comparison::default() };
        let (entries, mut kept): (Vec<Entry>, Vec<Entry>) = self.entries.iter().cloned().partition(is_looked_at);
        let all: Vec<&Entry> = found.iter().chain(silenced).collect();
        let matched = matching(&entries.iter().collect::<Vec<_>>(), &all);
        for (entry, matched) in entries.into_iter().zip(matched) {
            match matched {
                Some(index) if index < found.len() => {
                    comparison.known[index] = true;
                    kept.push(found[index].clone());
                }
                Some(_) => {}
                None => comparison.fixed.push(entry),
            }
        }
        comparison.kept = Baseline::new(kept);
        comparison
    }
}

/// For each entry the index of the finding that it knows. Each finding is known by one entry at most. The order of the
/// entries, and of findings that differ, is of no matter.
fn matching(entries: &[&Entry], found: &[&Entry]) -> Vec<Option<usize>> {
    let mut matched = vec![None; entries.len()];
    let mut is_known = vec![false; found.len()];
    let stages: [fn(&Entry) -> [&str; 5]; 3] = [
        |it| [&it.file, &it.symbol, &it.rule, it.state.as_deref().unwrap_or(""), &it.statement],
        |it| [&it.file, &it.symbol, &it.rule, it.state.as_deref().unwrap_or(""), ""],
        |it| ["", &it.symbol, &it.rule, it.state.as_deref().unwrap_or(""), &it.statement],
    ];
    for key in stages {
        let mut groups: BTreeMap<[&str; 5], (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for index in (0..entries.len()).filter(|it| matched[*it].is_none()) {
            groups.entry(key(entries[index])).or_default().0.push(index);
        }
        for index in (0..found.len()).filter(|it| !is_known[*it]) {
            if let Some(group) = groups.get_mut(&key(found[index])) {
                group.1.push(index);
            }
        }
        for (mut known, mut here) in groups.into_values() {
            known.sort_by_key(|it| (entries[*it], *it));
            here.sort_by_key(|it| (found[*it], *it));
            for (entry, finding) in pairs(entries, &known, found, &here) {
                matched[entry] = Some(finding);
                is_known[finding] = true;
            }
        }
    }
    matched
}

/// Pairs what is in one group, both sorted: those whose statements resemble each other most first.
fn pairs(entries: &[&Entry], known: &[usize], found: &[&Entry], here: &[usize]) -> Vec<(usize, usize)> {
    let in_order = || known.iter().copied().zip(here.iter().copied()).collect();
    // With one to one there is no choice, and where all are alike none that matters.
    let alike = |list: &[&Entry], indices: &[usize]| indices.iter().all(|it| list[*it].statement == list[indices[0]].statement);
    if known.len() * here.len() <= 1 || known.len() * here.len() > MAX_PAIRS || alike(entries, known) && alike(found, here) {
        return in_order();
    }
    let mut choices = Vec::with_capacity(known.len() * here.len());
    for (i, entry) in known.iter().enumerate() {
        for (j, finding) in here.iter().enumerate() {
            let likeness = strsim::normalized_levenshtein(&entries[*entry].statement, &found[*finding].statement);
            choices.push((likeness, i, j));
        }
    }
    choices.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut taken, mut given) = (vec![false; known.len()], vec![false; here.len()]);
    let mut pairs = Vec::new();
    for (_, i, j) in choices {
        if !taken[i] && !given[j] {
            (taken[i], given[j]) = (true, true);
            pairs.push((known[i], here[j]));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `file symbol rule state statement`, one a line.
    fn entries(text: &str) -> Vec<Entry> {
        let entry = |line: &str| {
            let mut words = line.trim().splitn(5, ' ').map(str::to_string);
            let mut word = || words.next().unwrap_or_default();
            Entry { file: word(), symbol: word(), rule: word(), state: Some(word()).filter(|it| it != "-"), statement: word() }
        };
        text.lines().map(str::trim).filter(|it| !it.is_empty()).map(entry).collect()
    }

    /// What is left of `found`, and what of the baseline.
    fn check(known: &str, found: &str) -> (Vec<String>, Vec<String>) {
        let found = entries(found);
        let comparison = Baseline::new(entries(known)).compare(&found, &[], |_| true);
        let line = |it: &Entry| format!("{} {} {} {} {}", it.file, it.symbol, it.rule, it.state.as_deref().unwrap_or("-"), it.statement);
        let new = found.iter().zip(comparison.known).filter(|it| !it.1).map(|it| line(it.0)).collect();
        (new, comparison.fixed.iter().map(line).collect())
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn the_same_the_edited_and_the_renamed() {
        let known = "a.py f race n n += 1";
        assert_eq!(check(known, known), (vec![], vec![]));
        assert_eq!(check(known, "a.py f race n n += 2"), (vec![], vec![]));
        assert_eq!(check(known, "b.py f race n n += 1"), (vec![], vec![]));
        for other in ["b.py f race n n += 2", "a.py g race n n += 1", "a.py f order n n += 1", "a.py f race m n += 1", "a.py f race - n += 1"] {
            assert_eq!(check(known, other), (vec![other.to_string()], vec![known.to_string()]));
        }
    }

    #[test]
    fn one_entry_knows_one_finding() {
        let known = "a.py f race n n += 1";
        let (new, fixed) = check(known, "a.py f race n n += 1\n a.py f race n n += 1\n a.py f race n n -= 1");
        assert_eq!((new, fixed), (vec!["a.py f race n n += 1".to_string(), "a.py f race n n -= 1".to_string()], vec![]));
        // A copy in another file is new.
        assert_eq!(check(known, "b.py f race n n += 1\n a.py f race n n += 1").0, ["b.py f race n n += 1"]);
    }

    #[test]
    fn of_edited_statements_the_likest_is_known() {
        let known = "a.py f race n total += price(item)";
        let (new, _) = check(known, "a.py f race n n = 0\n a.py f race n total += price(item, day)\n a.py f race n x()");
        assert_eq!(new, ["a.py f race n n = 0", "a.py f race n x()"]);
    }

    #[test]
    fn what_is_silenced_or_was_not_looked_at() {
        let baseline = Baseline::new(entries("a.py f race n n += 1\n b.py f race n n += 1"));
        let comparison = baseline.compare(&[], &entries("a.py f race n n += 1"), |it| it.file != "b.py");
        assert_eq!((comparison.kept, comparison.fixed), (Baseline::new(entries("b.py f race n n += 1")), vec![]));
    }

    #[test]
    fn long_statements_are_cut() {
        let (one, other) = (format!("f({}, 1)", "ä".repeat(500)), format!("f({}, 2)", "ä".repeat(500)));
        assert!(Entry::shape(&one).chars().count() < MAX_STATEMENT + 20);
        assert_ne!(Entry::shape(&one), Entry::shape(&other));
        assert_eq!(Entry::shape("a\n    +=  b"), "a += b");
    }

    #[test]
    fn the_file() {
        let baseline = Baseline::new(entries("b.py f race - l.acquire()\n a.py f race n s[\"k\"] += 1"));
        let text = "{\"schema\": 1, \"findings\": [\n\
            {\"file\":\"a.py\",\"symbol\":\"f\",\"rule\":\"race\",\"state\":\"n\",\"statement\":\"s[\\\"k\\\"] += 1\"},\n\
            {\"file\":\"b.py\",\"symbol\":\"f\",\"rule\":\"race\",\"statement\":\"l.acquire()\"}\n]}\n";
        assert_eq!(baseline.render(), text);
        assert_eq!(Baseline::parse(text).unwrap(), baseline);
        assert_eq!(Baseline::parse(&text.replace('\n', "\r\n")).unwrap(), baseline);
        assert_eq!(Baseline::parse(&Baseline::default().render()).unwrap().entries(), []);
    }

    #[test]
    fn what_is_no_baseline() {
        let error = |text: &str| Baseline::parse(text).unwrap_err().to_string();
        assert!(error("").starts_with("this is no baseline (EOF"), "{}", error(""));
        assert!(error("[]").contains("this is no baseline"));
        assert!(error("{\"schema\": 1}").contains("missing field `findings`"));
        assert!(error("{\"schema\": 2, \"known\": []}").starts_with("its schema is 2, and this version of lockset reads 1;"));
        assert!(error("{\"schema\": 1, \"findings\": [\n<<<<<<< HEAD\n").starts_with("line 2: an unfinished merge"));
    }

    /// Entries that often have parts in common.
    fn arbitrary() -> impl Strategy<Value = Vec<Entry>> {
        let word = |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_string);
        let entry = (word(&["a.py", "b.py"]), word(&["f", "g"]), word(&["race"]), word(&["n", "m"]), word(&["n += 1", "n += 2", "n = n + 10", "x"]));
        let entry = entry.prop_map(|(file, symbol, rule, state, statement)| Entry { file, symbol, rule, state: Some(state), statement });
        proptest::collection::vec(entry, 0..12)
    }

    fn new(known: &[Entry], found: &[Entry]) -> Vec<Entry> {
        let comparison = Baseline::new(known.to_vec()).compare(found, &[], |_| true);
        let mut new: Vec<Entry> = found.iter().zip(comparison.known).filter(|it| !it.1).map(|it| it.0.clone()).collect();
        new.sort();
        new
    }

    proptest! {
        #[test]
        fn the_order_is_of_no_matter((known, found) in (arbitrary(), arbitrary()), seed in any::<u64>()) {
            let shuffled = |list: &[Entry]| {
                let mut list: Vec<_> = list.iter().enumerate().map(|(i, it)| ((i as u64 + 1).wrapping_mul(seed | 1), it.clone())).collect();
                list.sort_by_key(|it| it.0);
                list.into_iter().map(|it| it.1).collect::<Vec<_>>()
            };
            prop_assert_eq!(new(&known, &found), new(&shuffled(&known), &shuffled(&found)));
        }

        #[test]
        fn a_fresh_baseline_knows_everything(found in arbitrary()) {
            prop_assert_eq!(new(&found, &found), vec![]);
        }

        #[test]
        fn without_an_entry_exactly_one_finding_is_back(found in arbitrary().prop_filter("some", |it| !it.is_empty()), at in any::<proptest::sample::Index>()) {
            let mut known = found.clone();
            known.remove(at.index(found.len()));
            prop_assert_eq!(new(&known, &found).len(), 1);
        }

        #[test]
        fn no_more_are_known_than_there_are_entries((known, found) in (arbitrary(), arbitrary())) {
            let comparison = Baseline::new(known.clone()).compare(&found, &[], |_| true);
            prop_assert_eq!(comparison.known.iter().filter(|it| **it).count() + comparison.fixed.len(), known.len());
        }

        #[test]
        fn to_prune_twice_is_to_prune_once((known, found, silenced) in (arbitrary(), arbitrary(), arbitrary())) {
            let once = Baseline::new(known).compare(&found, &silenced, |it| it.file == "a.py").kept;
            let twice = once.compare(&found, &silenced, |it| it.file == "a.py");
            prop_assert_eq!(&twice.kept, &once);
            prop_assert_eq!(twice.fixed, vec![]);
        }

        #[test]
        fn what_is_written_is_read(known in arbitrary()) {
            let baseline = Baseline::new(known);
            prop_assert_eq!(Baseline::parse(&baseline.render()).unwrap(), baseline);
        }
    }

    #[test]
    fn very_many() {
        let found: Vec<Entry> = (0..20_000).flat_map(|it| entries(&format!("a.py f race n n += {it}"))).collect();
        assert_eq!(new(&found[..19_000], &found).len(), 1000);
        assert_eq!(new(&found, &[]), entries(NONE.join("\n").as_str()));
    }
}
