//! One line of source as it is shown: cut to its room, fit for a terminal, and with what its bytes became.

use std::ops::Range;

use super::labels::{FEWEST, HOOK};
use super::{LineMark, Source};
use crate::report::text::{source_char, source_columns};

/// Columns kept before the label of a line that is too long to show from its start.
pub const LEAD: usize = 12;

/// A line as it is shown, and where its characters went.
pub struct ShownLine {
    pub text: String,
    /// Each character with what combines with it; and, last, what is behind the shown part.
    pub cells: Vec<Cell>,
    /// There is no column left behind the text.
    is_full: bool,
}

pub struct Cell {
    in_file: usize,
    column: usize,
}

impl ShownLine {
    /// The cells of a range of the file; one at least, the nearest, if there is none left of it.
    pub fn cells(&self, range: &Range<usize>) -> Range<usize> {
        let last = self.cells.len() - 1;
        let furthest = if self.is_full { last.saturating_sub(1) } else { last };
        let start = self.cells.partition_point(|it| it.in_file <= range.start).saturating_sub(1).min(furthest);
        let end = self.cells.partition_point(|it| it.in_file < range.end).min(last);
        start..end.max(start + 1)
    }

    /// The column that a cell begins at.
    pub fn column(&self, cell: usize) -> usize {
        self.cells.get(cell).map_or(0, |it| it.column)
    }

    /// Columns of some cells; one at least, also behind the end.
    pub fn width(&self, cells: &Range<usize>) -> usize {
        let start = self.column(cells.start);
        self.cells.get(cells.end).map_or(start + 1, |it| it.column).saturating_sub(start).max(1)
    }
}

/// Shows at most `room` columns of a line: from its indent, or from a little before its first mark if that, or a
/// label on it, would have no room.
pub fn show(source: &Source, line: usize, indent: usize, marks: &[LineMark], room: usize) -> ShownLine {
    let text = source.line(line);
    let start = source.index.range(source.text, line).start;
    let from_start = show_from(text, start, indent.min(text.len()), false, room);
    let Some(mark) = marks.first() else { return from_start };
    let has_room = |it: &LineMark, least: usize| from_start.column(from_start.cells(&it.range).start) + least <= room;
    // Where others have none, the first has theirs, too.
    let least = if marks.iter().all(|it| has_room(it, it.least())) { 0 } else { HOOK + FEWEST };
    let end = from_start.cells.last().map_or(0, |it| it.in_file);
    if has_room(mark, least) && end >= mark.range.end.min(mark.range.start + room / 2) {
        return from_start;
    }
    let before = &text[..mark.range.start.saturating_sub(start).min(text.len())];
    let lead = before.char_indices().rev().take(LEAD.min(room / 8)).last().map_or(before.len(), |it| it.0);
    show_from(text, start, lead.max(indent).min(text.len()), lead > indent, room)
}

/// `text`, which begins at `start` in the file, from byte `from` on.
fn show_from(text: &str, start: usize, from: usize, is_cut: bool, room: usize) -> ShownLine {
    let mut shown = String::new();
    let mut cells: Vec<Cell> = Vec::new();
    let mut column = 0;
    if is_cut {
        shown.push('…');
        column += 1;
    }
    let mut end = text.len();
    for (at, c) in text[from..].char_indices().map(|(i, c)| (from + i, c)) {
        // One column is kept for the mark that something is cut off. Characters of no width are not shown without end.
        let right = column + source_columns(c, column);
        let is_last = at + c.len_utf8() == text.len();
        if right > room || shown.len() >= 16 * room || right == room && !is_last {
            end = at;
            break;
        }
        let width = source_char(c, column, &mut shown);
        if width > 0 || cells.is_empty() {
            cells.push(Cell { in_file: start + at, column });
        }
        column += width;
    }
    cells.push(Cell { in_file: start + end, column });
    if end < text.len() {
        shown.push('…');
    }
    ShownLine { text: shown, cells, is_full: column >= room }
}
