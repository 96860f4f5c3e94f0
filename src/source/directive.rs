//! Comments that direct the tool: finding them, and what they say.
//!
//! Most files have none. One pass over the bytes looks for the words they are made of; only where one is found the
//! frontend is asked for the comment around it.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::suppression;
use crate::ir::{Claim, Directive, Name, Range};

/// Words one of which every directive has.
const WORDS: &[&str] = &["guarded-by:", "guarded by ", "protected by ", "requires:", "not-shared", "lock-order:", "lockset:"];

static FINDER: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS).expect("a few short words make an automaton"));

/// So much of a line is looked at on each side of a comment: a longer one was not written by hand.
const MAX_LINE: usize = 4096;

/// Longer names are none of locks.
const MAX_NAME: usize = 100;

/// Whether a comment has one of the words.
pub(super) fn is_likely(comment: &str) -> bool {
    FINDER.is_match(comment)
}

/// The directives of a file. `comment` gives the comment that has the byte at an offset, if that is in one.
pub fn directives(text: &str, mut comment: impl FnMut(usize) -> Option<Range>) -> Vec<Directive> {
    let mut found: Vec<Directive> = Vec::new();
    let mut lines = Lines::new(text);
    for word in FINDER.find_iter(text) {
        let Some(range) = comment(word.start()) else { continue };
        let rest = text.get(word.end()..range.as_usize().end).and_then(|it| it.lines().next()).unwrap_or("");
        let before = text[..word.start()].chars().next_back();
        // Quoted, it is spoken about.
        if before.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '`' | '"' | '\'')) {
            continue;
        }
        let claim = match WORDS[word.pattern().as_usize()] {
            "guarded-by:" => name(rest).map(|lock| Claim::GuardedBy { lock, prose: false }),
            "guarded by " | "protected by " => {
                name(rest.trim_start().strip_prefix("the ").unwrap_or(rest)).map(|lock| Claim::GuardedBy { lock, prose: true })
            }
            "requires:" => name(rest).map(Claim::Requires),
            "not-shared" => rest.starts_with(':').then_some(Claim::NotShared),
            "lock-order:" => order(rest).map(Claim::LockOrder),
            _ => {
                let comment = &text[range.as_usize()];
                let is_example = is_documentation(comment) || is_quoted(&comment[..word.start() - range.as_usize().start]);
                if let Some((claim, end)) = suppression::parse(rest, word.end()).filter(|_| !is_example) {
                    found.push(Directive { claim, range: Range::new(word.start(), end), line: lines.of(range) });
                }
                continue;
            }
        };
        found.extend(claim.map(|claim| Directive { claim, range, line: lines.of(range) }));
    }
    found
}

/// Whether a comment is Rust's documentation, which is about the code and for people: an example in it directs nothing.
fn is_documentation(comment: &str) -> bool {
    let is = |doc: &str, more: &str| comment.starts_with(doc) && !comment.starts_with(more);
    is("///", "////") || comment.starts_with("//!") || is("/**", "/***") || comment.starts_with("/*!")
}

/// Whether what follows on the last line of `before` stands in quotes that were opened on it.
fn is_quoted(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before);
    ['`', '"'].iter().any(|quote| line.matches(*quote).count() % 2 == 1)
}

/// The lock that comes next: `self._lock`, `Inner::state`.
fn name(text: &str) -> Option<Name> {
    let text = text.trim_start().trim_start_matches(['`', '"', '\'', ':']);
    let end = text.find(|it: char| !(it.is_alphanumeric() || matches!(it, '_' | '.' | ':'))).unwrap_or(text.len());
    let name = text[..end].trim_end_matches(['.', ':']);
    let is_name = name.starts_with(|it: char| it.is_alphabetic() || it == '_') && name.len() <= MAX_NAME;
    is_name.then(|| Name::new(name))
}

/// `A < B < C`
fn order(text: &str) -> Option<Vec<Name>> {
    let names: Option<Vec<Name>> = text.split('<').map(name).collect();
    names.filter(|it| it.len() > 1)
}

/// Finds the lines that comments are about. Comments come in the order of the text, and the answer for one in a run of
/// comments is that for all above it.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// The line that was found last, and from where on it is the next with code.
    found: Option<(usize, Range)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Lines<'t> {
        Lines { text, found: None }
    }

    /// The line that a comment is about: its own, if code stands before it (or behind a `/* … */`), else the next one with
    /// code that is no decorator or attribute.
    pub(super) fn of(&mut self, comment: Range) -> Range {
        let comment = comment.as_usize();
        let near = boundary(self.text, comment.start.saturating_sub(MAX_LINE));
        let start = self.text[near..comment.start].rfind('\n').map_or(near, |it| near + it + 1);
        let (own, _) = self.line_at(start);
        if !self.text[start..comment.start].trim().is_empty() {
            return own;
        }
        let (behind, from) = self.line_at(comment.end);
        if begins_code(self.text[behind.as_usize()].trim_start()) {
            return Range::new(start, behind.as_usize().end);
        }
        if let Some((since, line)) = self.found
            && (since..=line.as_usize().start).contains(&from)
        {
            return line;
        }
        let mut next = from;
        while next < self.text.len() {
            let (line, after) = self.line_at(next);
            next = after;
            if begins_code(self.text[line.as_usize()].trim_start()) {
                self.found = Some((from, line));
                return line;
            }
        }
        // None is left, for this one and for those that follow.
        self.found = Some((from, Range::new(self.text.len(), self.text.len())));
        own
    }

    /// What is left of a line from `start` on, so much of it as counts, and where the next begins.
    fn line_at(&self, start: usize) -> (Range, usize) {
        let far = boundary(self.text, start + 2 * MAX_LINE).max(start);
        match self.text[start..far].find('\n') {
            Some(length) => (Range::new(start, start + length), start + length + 1),
            None => (Range::new(start, far), far),
        }
    }
}

/// Whether text at the start of a line is code, and no comment, decorator or attribute.
fn begins_code(text: &str) -> bool {
    !text.is_empty() && !["#", "//", "@", "*", "/*"].iter().any(|it| text.starts_with(it))
}

/// The boundary between characters at a byte offset, or the last one before it.
pub(super) fn boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claims of a text in which `#` begins a comment, and the code they are about.
    fn claims(text: &str) -> Vec<(Claim, &str)> {
        let comment = |offset: usize| {
            let start = text[..offset].rfind('#')?;
            let end = text[start..].find('\n').map_or(text.len(), |it| start + it);
            (offset < end).then(|| Range::new(start, end))
        };
        directives(text, comment).into_iter().map(|it| (it.claim, text[it.line.as_usize()].trim())).collect()
    }

    #[test]
    fn a_comment_is_about_its_line_or_the_next_with_code() {
        let guarded = |lock: &str, prose| Claim::GuardedBy { lock: Name::new(lock), prose };
        assert_eq!(claims("a = 0  # guarded-by: _lock\n"), [(guarded("_lock", false), "a = 0  # guarded-by: _lock")]);
        assert_eq!(claims("# Guarded by `self._lock`.\n\n# more\nb = 1\n"), [(guarded("self._lock", true), "b = 1")]);
        assert_eq!(claims("# requires: _lock\n@cached\ndef f(): pass\n"), [(Claim::Requires(Name::new("_lock")), "def f(): pass")]);
        assert_eq!(claims("# not-shared: made for one request\nclass A: pass"), [(Claim::NotShared, "class A: pass")]);
    }

    #[test]
    fn an_order_has_two_names_or_more() {
        let order = |names: &[&str]| Claim::LockOrder(names.iter().map(|it| Name::new(it)).collect());
        assert_eq!(claims("# lock-order: A.a < B.b < c")[0].0, order(&["A.a", "B.b", "c"]));
        assert_eq!(claims("# lock-order: alone"), []);
        assert_eq!(claims("# lock-order: a < 3"), []);
    }

    #[test]
    fn a_directive_in_quotes_or_documentation_is_spoken_about() {
        let all = |text: &str| directives(text, |_| Some(Range::new(0, text.len()))).len();
        assert_eq!(all("# lockset: ignore"), 1);
        assert_eq!(all("# `x` and \"y\": lockset: ignore[race]"), 1);
        assert_eq!(all("# write `# lockset: ignore[race]`"), 0);
        assert_eq!(all("# write \"lockset: ignore\""), 0);
        assert_eq!(all("# the `a\n# lockset: ignore"), 1);
        assert_eq!(all("/// x += 1; // lockset: ignore"), 0);
        assert_eq!(all("//// lockset: ignore"), 1);
        assert_eq!(all("/* lockset: ignore */"), 1);
        assert_eq!(all("/** lockset: ignore */"), 0);
    }

    #[test]
    fn a_block_comment_is_about_the_code_on_its_line() {
        let text = "a();\n  /* not-shared: why */ b();\nc();\n";
        let comment = Range::new(text.find("/*").unwrap_or(0), text.find("*/").unwrap_or(0) + 2);
        let found = directives(text, |_| Some(comment));
        assert_eq!(&text[found[0].line.as_usize()], "  /* not-shared: why */ b();");
    }

    #[test]
    fn what_is_no_comment_and_what_names_nothing_is_no_claim() {
        assert_eq!(claims("a = 'guarded-by: _lock'\n"), []);
        assert_eq!(claims("# guarded-by:\n# unguarded-by: x\n# guarded-by: 7\n"), []);
    }
}
