//! The source lines of one file with their labels, drawn by miette.
//!
//! miette is handed an [`Excerpt`] and not the file: only the lines to show, made fit for a terminal. So control
//! characters, tabs, lines of a megabyte and statements of forty lines are dealt with here, once, and what is drawn
//! costs the lines shown and not the file they are in.

use std::collections::BTreeMap;
use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use owo_colors::Style;

use super::Layout;
use super::text::{source_char, visible, wrap};
use crate::finding::FileId;
use crate::ir;
use crate::source::Files;

/// Lines shown before and after a labelled one.
const CONTEXT: usize = 1;
/// As many lines left out are shown instead: leaving them out would not be shorter.
const GAP: usize = 3;
/// Columns kept before the label of a line that is too long to show from its start.
const LEAD: usize = 12;

/// A labelled range of a file.
#[derive(Clone, Debug)]
pub struct Mark {
    pub range: ir::Range,
    pub message: String,
    /// The head of the snippet names its place.
    pub primary: bool,
    pub style: Style,
}

/// Draws `marks`, which are ranges of `file`; no wider than `layout` where words allow.
pub fn render(files: &Files, file: FileId, marks: &[Mark], layout: &Layout) -> String {
    let (excerpt, labels) = excerpt(files, file, marks, layout.width);
    let mut theme = GraphicalTheme::unicode_nocolor();
    theme.styles.linum = layout.dim();
    theme.styles.link = layout.bold();
    // miette gives the styles to the labels in the order of their offsets.
    theme.styles.highlights = labels.iter().map(|it| it.style).collect();
    let labels = labels.into_iter().map(|it| it.span).collect();
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(CONTEXT).with_width(usize::MAX);
    let mut out = String::new();
    match handler.render_report(&mut out, &Diagnostic { excerpt, labels }) {
        // The first line would be the message, which the report has above the snippet.
        Ok(()) => out.split_once('\n').map(|(_, rest)| rest.to_string()).unwrap_or_default(),
        Err(std::fmt::Error) => format!("   {}\n", visible(&files.get(file).name)),
    }
}

/// A label on an excerpt.
struct ExcerptLabel {
    span: LabeledSpan,
    style: Style,
}

/// Some lines of a file, as they are to be shown.
#[derive(Debug)]
struct Excerpt {
    name: String,
    text: String,
    lines: Vec<ExcerptLine>,
    /// Line and column (from 0) in the file of the labels, by their offset in `text`.
    places: BTreeMap<usize, (usize, usize)>,
}

#[derive(Debug)]
struct ExcerptLine {
    /// Line in the file, from 0.
    number: usize,
    /// In `text`, with the newline.
    range: Range<usize>,
}

/// A mark cut to the first line it is on.
struct LineMark<'a> {
    /// In the file.
    range: Range<usize>,
    place: (usize, usize),
    messages: Vec<&'a str>,
    primary: bool,
    style: Style,
}

fn excerpt(files: &Files, file: FileId, marks: &[Mark], width: usize) -> (Excerpt, Vec<ExcerptLabel>) {
    let source = &files.get(file).text;
    let index = files.lines(file);
    let by_line = marks_by_line(files, file, marks);
    let last = by_line.keys().next_back().copied().unwrap_or(0);
    // miette's frame: a blank, the number, and ` │ `.
    let gutter = (last + 1 + CONTEXT).to_string().len() + 4;
    let room = width.saturating_sub(gutter).max(40);

    let mut excerpt = Excerpt { name: visible(&files.get(file).name).into_owned(), text: String::new(), lines: Vec::new(), places: BTreeMap::new() };
    let mut labels = Vec::new();
    for number in shown_lines(&by_line, |line| source[index.range(source, line)].trim().is_empty()) {
        let marks = by_line.get(&number).map_or(&[][..], Vec::as_slice);
        let begin = excerpt.text.len();
        let line = show_line(source, index.range(source, number), marks.first().map(|it| it.range.clone()), room);
        excerpt.text.push_str(&line.text);
        excerpt.text.push('\n');
        for mark in marks {
            let span = begin + line.offset(mark.range.start)..begin + line.offset(mark.range.end);
            let label = wrapped_label(&mark.messages, room.saturating_sub(line.column(span.start - begin) + LABEL_LEAD));
            excerpt.places.insert(span.start, mark.place);
            let place = (span.start, span.len());
            let span = if mark.primary { LabeledSpan::new_primary_with_span(label, place) } else { LabeledSpan::new_with_span(label, place) };
            labels.push(ExcerptLabel { span, style: mark.style });
        }
        excerpt.lines.push(ExcerptLine { number, range: begin..excerpt.text.len() });
    }
    (excerpt, labels)
}

/// Columns from the start of a label's underline to its text, about: half the underline, and `╰── `.
const LABEL_LEAD: usize = 10;

/// The messages of one label, in lines that fit; none if it has nothing to say.
fn wrapped_label(messages: &[&str], room: usize) -> Option<String> {
    let lines: Vec<String> = messages.iter().filter(|it| !it.is_empty()).flat_map(|it| wrap(it, room.max(24))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The marks of each line, in order and without overlap: miette draws a line's labels under one another only where
/// each has columns of its own, so an inner mark takes its columns from the outer one.
fn marks_by_line<'a>(files: &Files, file: FileId, marks: &'a [Mark]) -> BTreeMap<usize, Vec<LineMark<'a>>> {
    let source = &files.get(file).text;
    let index = files.lines(file);
    let mut cut: Vec<LineMark<'a>> = marks
        .iter()
        .map(|mark| {
            let start = floor(source, mark.range.start as usize);
            let line = index.line(start);
            let line_range = index.range(source, line);
            let line_end = line_range.start + source[line_range.clone()].trim_end().len();
            let end = floor(source, mark.range.end as usize).min(line_end).max(start);
            LineMark {
                range: start..end,
                place: (line, index.column(source, start)),
                messages: vec![mark.message.as_str()],
                primary: mark.primary,
                style: mark.style,
            }
        })
        .collect();
    cut.sort_by_key(|it| (it.range.start, it.range.end));
    let mut by_line: BTreeMap<usize, Vec<LineMark<'a>>> = BTreeMap::new();
    for mut mark in cut {
        let line = by_line.entry(mark.place.0).or_default();
        let Some(last) = line.last_mut() else {
            line.push(mark);
            continue;
        };
        if last.range.start < mark.range.start {
            last.range.end = last.range.end.min(mark.range.start);
        } else {
            mark.range.start = last.range.end.max(last.range.start);
        }
        if mark.range.start < mark.range.end {
            line.push(mark);
        } else {
            last.messages.append(&mut mark.messages);
            if mark.primary {
                (last.primary, last.style) = (true, mark.style);
            }
        }
    }
    by_line
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The lines to show: the marked ones, those around them unless blank, and short gaps in between.
fn shown_lines(by_line: &BTreeMap<usize, Vec<LineMark<'_>>>, is_blank: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut shown: Vec<usize> = Vec::new();
    for &line in by_line.keys() {
        let first = line.saturating_sub(CONTEXT);
        match shown.last() {
            Some(&last) if first <= last + 1 + GAP => shown.extend(last + 1..line),
            _ => shown.extend((first..line).filter(|it| !is_blank(*it))),
        }
        // A line after may have come with the one before.
        if shown.last() != Some(&line) {
            shown.push(line);
        }
        shown.extend((line + 1..=line + CONTEXT).filter(|it| !is_blank(*it)));
    }
    shown.dedup();
    shown
}

/// A line as it is shown, and where its characters went.
struct ShownLine {
    text: String,
    /// Offset in the file, offset in `text`, column: of each character, and of the end.
    cells: Vec<(usize, usize, usize)>,
}

impl ShownLine {
    /// Where a byte of the file is in `text`; the nearest shown one, if it was cut off.
    fn offset(&self, in_file: usize) -> usize {
        let i = self.cells.partition_point(|it| it.0 < in_file).min(self.cells.len() - 1);
        self.cells[i].1
    }

    fn column(&self, in_text: usize) -> usize {
        let i = self.cells.partition_point(|it| it.1 < in_text).min(self.cells.len() - 1);
        self.cells[i].2
    }
}

/// Shows at most `room` columns of a line: from its start, or from a little before `mark` if that lies too far right.
fn show_line(source: &str, line: Range<usize>, mark: Option<Range<usize>>, room: usize) -> ShownLine {
    let from_start = show_from(source, line.clone(), line.start, room);
    match mark {
        Some(mark) if from_start.cells.last().is_some_and(|end| end.0 < mark.end.min(mark.start + room)) => {
            let lead = source[line.start..mark.start].char_indices().rev().take(LEAD).last().map_or(0, |it| it.0);
            show_from(source, line.clone(), line.start + lead, room)
        }
        _ => from_start,
    }
}

fn show_from(source: &str, line: Range<usize>, start: usize, room: usize) -> ShownLine {
    let mut text = String::new();
    let mut cells = Vec::new();
    let mut column = 0;
    if start > line.start {
        text.push('…');
        column += 1;
    }
    let mut end = line.end;
    for (i, c) in source[start..line.end].char_indices() {
        // One column is kept for the mark that something is cut off. Characters of no width are not shown without end.
        let is_full = column + 1 >= room || cells.len() >= 4 * room;
        if is_full && start + i + c.len_utf8() < line.end {
            end = start + i;
            break;
        }
        cells.push((start + i, text.len(), column));
        column += source_char(c, column, &mut text);
    }
    cells.push((end, text.len(), column));
    if end < line.end {
        text.push('…');
    }
    ShownLine { text, cells }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(&'a self, span: &SourceSpan, before: usize, after: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Some(final_line) = self.lines.len().checked_sub(1) else { return Err(MietteError::OutOfBounds) };
        let line_of = |offset: usize| self.lines.partition_point(|it| it.range.end <= offset).min(final_line);
        let (first, last) = (line_of(span.offset()), line_of(span.offset() + span.len()));
        let follows = |i: usize| self.lines[i].number + 1 == self.lines[i + 1].number;
        if !(first..last).all(follows) {
            // Lines are left out in between: these are two snippets.
            return Err(MietteError::OutOfBounds);
        }
        let (range, (line, column)) = if before == 0 && after == 0 {
            let at = self.places.get(&span.offset()).copied().unwrap_or((self.lines[first].number, 0));
            (span.offset()..span.offset() + span.len(), at)
        } else {
            // Which lines surround the labels is decided already: all that are not cut off from these.
            let from = (0..first).rev().take_while(|i| follows(*i)).last().unwrap_or(first);
            let to = (last + 1..self.lines.len()).take_while(|i| follows(*i - 1)).last().unwrap_or(last);
            (self.lines[from].range.start..self.lines[to].range.end, (self.lines[from].number, 0))
        };
        let data = self.text.get(range.clone()).ok_or(MietteError::OutOfBounds)?;
        let lines = data.matches('\n').count();
        let span = (range.start, range.len()).into();
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), data.as_bytes(), span, line, column, lines)))
    }
}

/// What miette draws: an excerpt with its labels, and no message.
#[derive(Debug)]
struct Diagnostic {
    excerpt: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Language;
    use crate::report::text::columns;
    use crate::source::SourceFile;

    /// Draws `text` with a label on each of `parts` (the first is the primary one), 60 columns wide.
    fn check(text: &str, parts: &[(&str, &str)]) -> String {
        let mark = |i: usize, (part, message): &(&str, &str)| {
            let start = text.find(part).expect("the part is in the text");
            Mark { range: ir::Range::new(start, start + part.len()), message: message.to_string(), primary: i == 0, style: Style::new() }
        };
        let marks: Vec<Mark> = parts.iter().enumerate().map(|(i, it)| mark(i, it)).collect();
        let files = Files::new(vec![SourceFile::from_text("a.py", text, Language::Python)]);
        render(&files, FileId(0), &marks, &Layout { width: 60, ..Layout::default() })
    }

    #[test]
    fn an_inner_label_takes_its_columns_from_the_outer() {
        insta::assert_snapshot!(check("n = n + 1\n", &[("n = n + 1", "updated"), ("n + 1", "read"), ("n", "written")]));
    }

    #[test]
    fn equal_ranges_share_a_label() {
        insta::assert_snapshot!(check("n += 1\n", &[("n += 1", "updated"), ("n += 1", "by thread B, too")]));
    }

    #[test]
    fn a_statement_of_several_lines_is_labelled_on_its_first() {
        let text = "a = 1\n\nf(\n    1,\n    2,\n)\nb = 2\n";
        insta::assert_snapshot!(check(text, &[("f(\n    1,\n    2,\n)", "called")]));
    }

    #[test]
    fn short_gaps_are_filled_and_long_ones_cut() {
        let text = (1..=30).map(|i| format!("line{i:02}\n")).collect::<String>();
        insta::assert_snapshot!(check(&text, &[("line03", "one"), ("line09", "two"), ("line20", "three")]));
    }

    #[test]
    fn a_long_line_is_shown_around_its_label() {
        let text = format!("{} = 漢字_n += 1 + {}\n", "x".repeat(5000), "y".repeat(5000));
        let drawn = check(&text, &[("漢字_n += 1", "updated"), ("yyy", "far")]);
        assert!(drawn.lines().all(|it| columns(it) <= 64), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn characters_of_no_width_are_not_shown_without_end() {
        let text = format!("n += 1  # {}\n", "\u{301}".repeat(1_000_000));
        assert!(check(&text, &[("n += 1", "updated")]).len() < 2000);
    }

    #[test]
    fn tabs_wide_characters_and_windows_line_ends_keep_the_columns() {
        insta::assert_snapshot!(check("if x:\r\n\t漢字\t= n\r\n", &[("n", "read")]));
    }

    #[test]
    fn ranges_that_are_off_are_drawn_all_the_same() {
        let text = "é\n";
        let files = Files::new(vec![SourceFile::from_text("a.py", text, Language::Python), SourceFile::from_text("b.py", "", Language::Python)]);
        let mark = |start, end| Mark { range: ir::Range::new(start, end), message: "here".to_string(), primary: true, style: Style::new() };
        for (file, range) in [(0, mark(1, 2)), (0, mark(3, 99)), (0, mark(2, 1)), (0, mark(0, 0)), (1, mark(0, 0)), (1, mark(7, 9))] {
            let drawn = render(&files, FileId(file), &[range], &Layout::default());
            assert!(drawn.contains("here"), "{drawn}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_with_any_marks_is_drawn(text in "[ab \t\r\né漢\u{1b}\u{301}]{0,300}", ranges in proptest::collection::vec((0..320usize, 0..60usize), 1..9)) {
            let files = Files::new(vec![SourceFile::from_text("a.py", &text, Language::Python)]);
            let mark = |(i, (start, length)): (usize, &(usize, usize))| {
                let range = ir::Range::new(*start, start + length);
                Mark { range, message: format!("mark{i}"), primary: i == 0, style: Style::new() }
            };
            let marks: Vec<Mark> = ranges.iter().enumerate().map(mark).collect();
            let drawn = render(&files, FileId(0), &marks, &Layout { width: 60, ..Layout::default() });
            proptest::prop_assert!(drawn.chars().all(|it| it == '\n' || !it.is_control()));
            for mark in &marks {
                proptest::prop_assert!(drawn.contains(&mark.message), "{} is not in\n{drawn}", mark.message);
            }
        }
    }
}
