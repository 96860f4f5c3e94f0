//! What stands under a line of source: the ranges that are spoken of, underlined, and what is said of them.
//!
//! ```text
//! self.totals[key] = self.totals.get(key, 0) + amount
//! ┬───────────────━━━┬──────────────────────━━━━━━━━━
//! │                  ╰── read here
//! ├── written here
//! ┗━━ updated, in so many words that they go on in
//!     a second line
//! ```
//!
//! A label hangs from where its range begins, which leaves it the most room, and each takes lines of its own, the
//! rightmost first: so bars of those that follow pass it on its left. Of nested ranges the inner ones have their columns.
//! The reported range has heavy lines.

use std::collections::BTreeMap;
use std::ops::Range;

use owo_colors::Style;

use super::line::ShownLine;
use super::{LineMark, Source};
use crate::report::Layout;
use crate::report::text::{columns, visible, wrap};

/// Columns from where a label's range begins to its text: `╰── `.
pub const HOOK: usize = 4;
/// A label that needs more columns than it would get, and would get fewer than these, hangs elsewhere.
pub const FEWEST: usize = 18;
/// Columns of source that a label which hangs elsewhere quotes.
const QUOTE: usize = 20;

/// What the lines of a range are made of: its underline, that with a label on it, the bar down, the hook, and the hook
/// of a label above another one of the same column.
const LIGHT: [&str; 5] = ["─", "┬", "│", "╰── ", "├── "];
const HEAVY: [&str; 5] = ["━", "┳", "┃", "┗━━ ", "┣━━ "];

/// What hangs from a column.
struct Label {
    column: usize,
    text: String,
    mark: usize,
}

/// The lines under a line: its underlines, then its labels.
pub fn draw(source: &Source, line: &ShownLine, marks: &[LineMark], room: usize, layout: &Layout) -> Vec<String> {
    let mut labels = labels(source, line, marks, room);
    let mut owners: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, mark) in marks.iter().enumerate() {
        owners.extend(line.cells(&mark.range).map(|cell| (cell, i)));
    }
    let mut under = Row::default();
    for (cells, owner) in runs(&owners) {
        let ([stroke, joint, ..], style) = (strokes(&marks[owner]), marks[owner].style);
        let (column, width) = (line.column(cells.start), line.width(&cells));
        let first = if labels.iter().any(|it| it.column == column) { joint } else { stroke };
        under.put(column, &format!("{first}{}", stroke.repeat(width - 1)), style, layout);
    }
    let mut rows = vec![under.text];
    // The last one is the rightmost, and the inner one of those that begin together.
    while let Some(label) = labels.pop() {
        let ([.., last, branch], style) = (strokes(&marks[label.mark]), marks[label.mark].style);
        for (i, text) in wrap(&label.text, room.saturating_sub(label.column + HOOK)).iter().enumerate() {
            let mut row = Row::default();
            let has_more = labels.last().is_some_and(|it| it.column == label.column);
            for other in labels.iter().filter(|it| i > 0 || it.column != label.column) {
                row.put(other.column, strokes(&marks[other.mark])[2], marks[other.mark].style, layout);
            }
            match i {
                0 => row.put(label.column, &format!("{}{text}", if has_more { branch } else { last }), style, layout),
                _ => row.put(label.column + HOOK, text, style, layout),
            }
            rows.push(row.text);
        }
    }
    rows
}

/// What is said of each mark, from left to right. A label without room hangs with the first.
fn labels(source: &Source, line: &ShownLine, marks: &[LineMark], room: usize) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    let mut moved = Vec::new();
    for (i, mark) in marks.iter().enumerate() {
        let text = mark.text();
        let column = line.column(line.cells(&mark.range).start);
        match () {
            () if text.is_empty() => {}
            () if column + mark.least() > room && i > 0 => moved.push(format!("{}{text}", quote(&source.text[mark.range.clone()]))),
            () => labels.push(Label { column, text, mark: i }),
        }
    }
    if labels.is_empty() && !moved.is_empty() {
        let column = marks.first().map_or(0, |it| line.column(line.cells(&it.range).start));
        labels.push(Label { column, text: String::new(), mark: 0 });
    }
    if let Some(first) = labels.first_mut() {
        let own = std::mem::take(&mut first.text);
        first.text = std::iter::once(own).filter(|it| !it.is_empty()).chain(moved).collect::<Vec<_>>().join("; ");
    }
    labels
}

fn strokes(mark: &LineMark) -> [&'static str; 5] {
    if mark.primary { HEAVY } else { LIGHT }
}

/// A line that is filled from left to right.
#[derive(Default)]
struct Row {
    text: String,
    /// Columns filled.
    filled: usize,
}

impl Row {
    /// Nothing, if the column is filled already.
    fn put(&mut self, column: usize, text: &str, style: Style, layout: &Layout) {
        if column < self.filled {
            return;
        }
        self.text.push_str(&" ".repeat(column.saturating_sub(self.filled)));
        self.text.push_str(&layout.paint(text, style));
        self.filled = column + columns(text);
    }
}

/// Cells that follow one another and have one owner.
fn runs(owners: &BTreeMap<usize, usize>) -> Vec<(Range<usize>, usize)> {
    let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
    for (&cell, &owner) in owners {
        match runs.last_mut() {
            Some((run, last)) if *last == owner && run.end == cell => run.end += 1,
            _ => runs.push((cell..cell + 1, owner)),
        }
    }
    runs
}

/// `` `self.total`: ``, cut if it is long; nothing for nothing.
fn quote(text: &str) -> String {
    let text = visible(text.trim());
    let mut used = 1;
    let fits = |it: &char| {
        used += columns(it.encode_utf8(&mut [0; 4]));
        used <= QUOTE
    };
    let short: String = text.chars().take_while(fits).collect();
    match short.len() {
        0 => String::new(),
        it if it < text.len() => format!("`{short}…`: "),
        _ => format!("`{text}`: "),
    }
}
