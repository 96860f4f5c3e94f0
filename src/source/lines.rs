//! Byte offsets to lines and columns.
//!
//! Lines end at `\n` (a `\r` before it belongs to the line). A column is a number of Unicode scalar values. Counting
//! those from the start of a line would cost the length of the line for each question, which a minified file of
//! several megabytes on one line makes quadratic; so the number of characters before each block of [`BLOCK`] bytes is
//! kept, and a question costs a binary search and at most one block.

/// Bytes between two kept character counts.
const BLOCK: usize = 1024;

/// Where a byte stands in a file. All three as INTERFACE has them: line and column from 1, offset in bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    /// In the file as it lies on disk, its byte order mark and encoding included.
    pub offset: usize,
}

/// The line table of one text.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// Offset of the first byte of each line; the first is 0.
    starts: Vec<usize>,
    /// Characters before byte `k * BLOCK`; empty when every byte is a character.
    blocks: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(i, _)| i + 1);
        let starts = std::iter::once(0).chain(newlines).collect();
        let mut blocks = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for block in bytes.chunks(BLOCK) {
                blocks.push(before);
                before += characters(block);
            }
            blocks.push(before);
        }
        LineIndex { starts, blocks }
    }

    /// The line of a byte, from 0.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// The bytes of line `line` (from 0), without its line end. Empty for a line past the last.
    pub fn range(&self, text: &str, line: usize) -> std::ops::Range<usize> {
        let Some(&start) = self.starts.get(line) else { return text.len()..text.len() };
        let end = self.starts.get(line + 1).map_or(text.len(), |next| next - 1);
        let end = if end > start && text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end };
        start..end
    }

    /// Number of lines; an empty text has one.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The column of a byte, from 0.
    pub fn column(&self, text: &str, offset: usize) -> usize {
        self.characters_before(text, offset) - self.characters_before(text, self.starts[self.line(offset)])
    }

    /// Characters of `text` that begin before byte `offset`.
    pub fn characters_before(&self, text: &str, offset: usize) -> usize {
        let offset = offset.min(text.len());
        match self.blocks.get(offset / BLOCK) {
            None => offset,
            Some(before) => before + characters(&text.as_bytes()[offset / BLOCK * BLOCK..offset]),
        }
    }
}

/// Characters that begin in `bytes`: those bytes that do not continue a UTF-8 sequence.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let text = "ab\r\nçd\n\nend";
        let index = LineIndex::new(text);
        assert_eq!(index.len(), 4);
        let lines: Vec<&str> = (0..5).map(|line| &text[index.range(text, line)]).collect();
        assert_eq!(lines, ["ab", "çd", "", "end", ""]);
        let d = text.find('d').unwrap();
        assert_eq!((index.line(d), index.column(text, d)), (1, 1));
        assert_eq!((index.line(text.len()), index.column(text, text.len())), (3, 3));
    }

    #[test]
    fn columns_agree_with_counting_across_blocks() {
        let text = format!("x\n{}", "aé漢🦀".repeat(BLOCK));
        let index = LineIndex::new(&text);
        for (column, (offset, _)) in text[2..].char_indices().enumerate() {
            assert_eq!(index.column(&text, offset + 2), column);
        }
    }

    #[test]
    fn the_empty_text_has_one_line() {
        let index = LineIndex::new("");
        assert_eq!((index.len(), index.line(0), index.column("", 0)), (1, 0, 0));
    }

    #[test]
    fn an_offset_past_the_end_stays_in_the_text() {
        let index = LineIndex::new("é");
        assert_eq!(index.column("é", 99), 1);
    }
}
