//! Comments, which `syn` does not keep.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

use crate::ir::{Directive, Range};
use crate::source::{comment_at, directives};

/// What the comments of a file say to the tool; `offset` is where its tokens begin.
pub(super) fn read(source: &str, offset: usize) -> Vec<Directive> {
    let mut comments: Option<Vec<Range>> = None;
    directives(source, |at| comment_at(comments.get_or_insert_with(|| all(source, offset)), at))
}

fn all(source: &str, offset: usize) -> Vec<Range> {
    let mut at = offset;
    let mut found = Vec::new();
    for token in tokenize(&source[offset..], FrontmatterAllowed::No) {
        let end = at + token.len as usize;
        if matches!(token.kind, TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }) {
            found.push(Range::new(at, end));
        }
        at = end;
    }
    found
}
