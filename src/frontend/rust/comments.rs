//! Comments, which `syn` does not keep.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

use crate::ir::{Directive, Range};
use crate::source::directives;

/// What the comments of a file say to the tool; `offset` is where its tokens begin.
pub(super) fn read(source: &str, offset: usize) -> Vec<Directive> {
    let mut comments: Option<Vec<Range>> = None;
    directives(source, |at| {
        let comments = comments.get_or_insert_with(|| all(source, offset));
        let index = comments.partition_point(|it| it.as_usize().end <= at);
        comments.get(index).copied().filter(|it| it.as_usize().start <= at)
    })
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
