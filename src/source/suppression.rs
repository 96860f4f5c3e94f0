//! Comments that begin with `lockset:` and say which findings are not wanted.
//!
//! `ignore` or `ignore-file`, then, in square brackets, rules and groups separated by commas, then why. Which names are
//! rules is not known here.

use super::directive::boundary;
use crate::ir::{Claim, Extent, Ignore, IgnoredRule, Malformed, Range};

/// Longer words and names are cut: they will only be quoted.
const MAX_NAME: usize = 60;

/// What stands behind `lockset:`, given the rest of that line of the comment and its offset in the file, and where the
/// directive ends; none where no word follows.
pub(super) fn parse(rest: &str, offset: usize) -> Option<(Claim, usize)> {
    let blank = |it: char| it == ' ' || it == '\t';
    let word_start = rest.len() - rest.trim_start_matches(blank).len();
    let length = rest[word_start..].find(|it: char| !(it.is_alphanumeric() || it == '-' || it == '_')).unwrap_or(rest.len() - word_start);
    if length == 0 {
        return None;
    }
    let word_end = word_start + length;
    let word = &rest[word_start..word_end];
    let list_start = rest.len() - rest[word_end..].trim_start_matches(blank).len();
    let list = rest[list_start..].strip_prefix('[');
    let at_word = |claim| Some((claim, offset + word_end));
    let extent = match word {
        "ignore" => Extent::Statement,
        "ignore-file" => Extent::File,
        _ => {
            let word = word[..boundary(word, MAX_NAME)].into();
            return at_word(Claim::Malformed(Malformed::Word { word, listed: list.is_some() }));
        }
    };
    let Some(list) = list else {
        let is_meant = rest[word_end..].starts_with(['(', '{', '<', '=', ':']);
        return at_word(if is_meant { Claim::Malformed(Malformed::NoBracket) } else { Claim::Ignore(Ignore { extent, rules: Vec::new() }) });
    };
    let Some(length) = list.find(['[', ']']).filter(|it| list[*it..].starts_with(']')) else { return at_word(Claim::Malformed(Malformed::Unclosed)) };
    let mut rules = Vec::new();
    let mut at = list_start + 1;
    for name in list[..length].split(',') {
        let start = at + name.len() - name.trim_start().len();
        at += name.len() + 1;
        let name = name.trim();
        if !name.is_empty() {
            let range = Range::new(offset + start, offset + start + name.len());
            rules.push(IgnoredRule { name: name[..boundary(name, MAX_NAME)].into(), range });
        }
    }
    let end = offset + list_start + 1 + length + 1;
    let claim = if rules.is_empty() { Claim::Malformed(Malformed::NoRule) } else { Claim::Ignore(Ignore { extent, rules }) };
    Some((claim, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directive as words, and its text.
    fn check(rest: &str) -> Option<String> {
        let (claim, end) = parse(rest, 8)?;
        let says = match claim {
            Claim::Ignore(it) => {
                let rules: Vec<&str> = it.rules.iter().map(|it| &*it.name).collect();
                for (range, name) in it.rules.iter().map(|it| (it.range.as_usize(), &*it.name)) {
                    assert_eq!(&rest[range.start - 8..range.end - 8], name);
                }
                format!("{:?} {}", it.extent, rules.join("+"))
            }
            Claim::Malformed(it) => format!("{it:?}"),
            other => format!("{other:?}"),
        };
        Some(format!("{says} |{}|", &rest[..end - 8]))
    }

    #[test]
    fn ignores() {
        assert_eq!(check(" ignore").unwrap(), "Statement  | ignore|");
        assert_eq!(check("ignore because it is so").unwrap(), "Statement  |ignore|");
        assert_eq!(check(" ignore[race] why").unwrap(), "Statement race | ignore[race]|");
        assert_eq!(check(" ignore [ race, lock-order,] */").unwrap(), "Statement race+lock-order | ignore [ race, lock-order,]|");
        assert_eq!(check(" ignore-file[race]").unwrap(), "File race | ignore-file[race]|");
        assert_eq!(check(" ignore-file: generated").unwrap(), "NoBracket | ignore-file|");
    }

    #[test]
    fn mistakes() {
        assert_eq!(check(" ignore[]").unwrap(), "NoRule | ignore[]|");
        assert_eq!(check(" ignore[ , ]").unwrap(), "NoRule | ignore[ , ]|");
        assert_eq!(check(" ignore[race").unwrap(), "Unclosed | ignore|");
        assert_eq!(check(" ignore[race # see [1]").unwrap(), "Unclosed | ignore|");
        assert_eq!(check(" ignore(race)").unwrap(), "NoBracket | ignore|");
        assert_eq!(check(" ingore[race]").unwrap(), "Word { word: \"ingore\", listed: true } | ingore|");
        assert_eq!(check(" ignore_all").unwrap(), "Word { word: \"ignore_all\", listed: false } | ignore_all|");
        assert_eq!(check(" größe").unwrap(), "Word { word: \"größe\", listed: false } | größe|");
        assert_eq!(check(""), None);
        assert_eq!(check(" ..."), None);
        let long = "ä".repeat(1000);
        assert!(check(&format!(" {long}")).is_some() && check(&format!(" ignore[{long}")).is_some());
    }
}
