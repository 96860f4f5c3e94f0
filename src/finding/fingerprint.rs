//! Fingerprints: what makes a finding the same finding after an edit elsewhere.

/// A stable identity of a finding: its rule, the function and state it is about, and the shape of the statement (its
/// text with white space folded). Moved lines, re-indentation and edits elsewhere do not change it. `occurrence`
/// counts, from 0, the findings of a run for which all of this is equal.
pub fn fingerprint(rule: &str, file: &str, symbol: &str, state: &str, statement: &str, occurrence: usize) -> String {
    let shape = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut hasher = blake3::Hasher::new();
    for part in [rule, file, symbol, state, &shape, &occurrence.to_string()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_string()
}
