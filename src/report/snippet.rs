//! The source lines of one file with their labels.
//!
//! Only lines with labels are shown, those around them and short gaps, a box ([`draw`]) for each stretch of them.
//! Control characters, tabs, lines of a megabyte and statements of forty lines are dealt with in [`mod@line`]; how labels
//! hang is in [`labels`]. What is drawn costs the lines shown and not the file they are in.
//!
//! (miette 7.6 draws such boxes, too, but hangs labels from the middle of their ranges, which leaves them no room on a
//! narrow screen; has one range for each column, and so cuts nested ones; and draws a bar under a range without a label.)

mod labels;
mod line;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use labels::{FEWEST, HOOK};
use line::LEAD;
use owo_colors::{OwoColorize, Style};

use super::Layout;
use super::places::Places;
use super::text::{columns, visible};
use crate::finding::FileId;
use crate::ir;
use crate::source::LineIndex;

/// Lines shown before and after a labelled one.
const CONTEXT: usize = 1;
/// As many lines left out are shown instead: leaving them out would not be shorter.
const GAP: usize = 3;
/// Columns beside a line's number: ` 12 │ `.
const FRAME: usize = 4;

/// A labelled range of a file.
#[derive(Clone, Debug)]
pub struct Mark {
    pub range: ir::Range,
    pub message: String,
    /// The head of its box names its place, and it comes first.
    pub primary: bool,
    pub style: Style,
}

/// Draws `marks`, which are ranges of `file`, in one box for each stretch of lines; no wider than `layout`, but for the
/// file's path. The box of the primary mark comes first, the others by line.
pub fn render(places: &Places, file: FileId, marks: &[Mark], layout: &Layout) -> String {
    let source = Source { text: &places.files.get(file).text, index: places.files.lines(file) };
    let by_line = marks_by_line(&source, marks);
    let last = by_line.keys().next_back().copied().unwrap_or(0);
    let digits = (last + 1 + CONTEXT).to_string().len();
    let room = layout.width.saturating_sub(digits + FRAME).max(FEWEST + LEAD);
    let mut stretches = stretches(&by_line, |line| source.line(line).trim().is_empty());
    let is_first = |lines: &Range<usize>| by_line.range(lines.clone()).flat_map(|it| it.1).any(|it| it.primary);
    stretches.sort_by_key(|it| (!is_first(it), it.start));

    let name = &places.files.get(file).name;
    let mut out = String::new();
    for (i, lines) in stretches.into_iter().enumerate() {
        let marks = || by_line.range(lines.clone()).flat_map(|it| it.1);
        let start = marks().find(|it| it.primary).or_else(|| marks().next()).map_or(0, |it| it.range.start);
        let (line, column) = (source.index.line(start) + 1, source.index.column(source.text, start) + 1);
        let shown = if i == 0 { visible(name) } else { places.short(file) };
        let place = layout.file_link(format_args!("{shown}:{line}:{column}").style(layout.bold()), name);
        out.push_str(&draw(&source, lines, &by_line, (digits, room), &place, layout));
    }
    out
}

struct Source<'a> {
    text: &'a str,
    index: &'a LineIndex,
}

impl Source<'_> {
    /// A line (from 0), without its end.
    fn line(&self, line: usize) -> &str {
        &self.text[self.index.range(self.text, line)]
    }
}

/// The marks of a line, by line (from 0).
type ByLine<'a> = BTreeMap<usize, Vec<LineMark<'a>>>;

/// A mark cut to the first line it is on.
struct LineMark<'a> {
    /// In the file.
    range: Range<usize>,
    messages: Vec<&'a str>,
    primary: bool,
    style: Style,
}

impl LineMark<'_> {
    /// What is said of it.
    fn text(&self) -> String {
        self.messages.iter().copied().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// Columns that its label needs at least, wrapped.
    fn least(&self) -> usize {
        HOOK + FEWEST.min(columns(&visible(&self.text())))
    }
}

/// The marks of each line: those around others before them, and one for all of the same range.
fn marks_by_line<'a>(source: &Source, marks: &'a [Mark]) -> ByLine<'a> {
    let mut by_line = ByLine::new();
    for mark in marks {
        let start = floor(source.text, mark.range.start as usize);
        let line = source.index.line(start);
        let line_start = source.index.range(source.text, line).start;
        let line_end = line_start + source.line(line).trim_end().len();
        let end = floor(source.text, mark.range.end as usize).min(line_end).max(start);
        // The statement and the call it consists of are the same place to a reader.
        let end = start + source.text[start..end].trim_end_matches([';', ',', ' ']).len();
        let on_line = by_line.entry(line).or_default();
        match on_line.iter_mut().find(|it| it.range == (start..end)) {
            Some(other) => {
                other.messages.push(&mark.message);
                if mark.primary {
                    (other.primary, other.style) = (true, mark.style);
                }
            }
            None => on_line.push(LineMark { range: start..end, messages: vec![&mark.message], primary: mark.primary, style: mark.style }),
        }
    }
    for marks in by_line.values_mut() {
        marks.sort_by_key(|it| (it.range.start, Reverse(it.range.end)));
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

/// The lines to show, in stretches: the marked ones, those around them unless blank, and short gaps in between.
fn stretches(by_line: &ByLine, is_blank: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for &line in by_line.keys() {
        let before = (line.saturating_sub(CONTEXT)..line).rev().take_while(|it| !is_blank(*it)).last().unwrap_or(line);
        let after = (line + 1..=line + CONTEXT).take_while(|it| !is_blank(*it)).last().unwrap_or(line) + 1;
        match stretches.last_mut() {
            Some(last) if line.saturating_sub(CONTEXT) <= last.end + GAP => last.end = after.max(last.end),
            _ => stretches.push(before..after),
        }
    }
    stretches
}

/// One box. `digits` is the width of its line numbers, `room` that of its lines.
fn draw(source: &Source, lines: Range<usize>, by_line: &ByLine, (digits, room): (usize, usize), place: &str, layout: &Layout) -> String {
    let marks = |line: usize| by_line.get(&line).map_or(&[][..], Vec::as_slice);
    let indent = if lines.clone().any(|it| is_tight(source, it, marks(it), room)) { common_indent(source, lines.clone()) } else { 0 };
    let blank = " ".repeat(digits);
    let frame = |text: &str| layout.paint(text, layout.dim());
    let mut out = format!(" {blank} {}{place}{}\n", frame("╭─["), frame("]"));
    for number in lines {
        let shown = line::show(source, number, indent, marks(number), room);
        let head = frame(&format!(" {:>digits$} │", number + 1));
        let _ = writeln!(out, "{}", format!("{head} {}", shown.text).trim_end());
        if !marks(number).is_empty() {
            for row in labels::draw(source, &shown, marks(number), room, layout) {
                let _ = writeln!(out, "{} {row}", frame(&format!(" {blank} ·")));
            }
        }
    }
    let _ = writeln!(out, "{}", frame(&format!(" {blank} ╰────")));
    out
}

/// Whether a marked range does not fit as it is, or its label. (What is longer in bytes than the room may be shorter in
/// columns, but then little is lost.)
fn is_tight(source: &Source, line: usize, marks: &[LineMark], room: usize) -> bool {
    let start = source.index.range(source.text, line).start;
    marks.iter().any(|it| it.range.end.saturating_sub(start) > room || it.range.start.saturating_sub(start) + it.least() > room)
}

/// Bytes of the blanks that all these lines begin with.
fn common_indent(source: &Source, lines: Range<usize>) -> usize {
    let indents =
        lines.map(|it| source.line(it)).filter(|it| !it.trim().is_empty()).map(|it| &it[..it.len() - it.trim_start_matches([' ', '\t']).len()]);
    let common = |a: &'_ str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    indents.reduce(|a, b| &a[..common(a, b)]).map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Language;
    use crate::report::samples;
    use crate::source::{Files, SourceFile};

    /// Draws `text` with a label on each of `parts` (the first is the primary one), 60 columns wide.
    fn check(text: &str, parts: &[(&str, &str)]) -> String {
        let mark = |i: usize, (part, message): &(&str, &str)| {
            let start = text.find(part).expect("the part is in the text");
            Mark { range: ir::Range::new(start, start + part.len()), message: message.to_string(), primary: i == 0, style: Style::new() }
        };
        let marks: Vec<Mark> = parts.iter().enumerate().map(|(i, it)| mark(i, it)).collect();
        draw(text, &marks, 60)
    }

    fn draw(text: &str, marks: &[Mark], width: usize) -> String {
        let files = Files::new(vec![SourceFile::from_text("a.py", text, Language::Python)]);
        render(&places(&files), FileId(0), marks, &Layout { width, ..Layout::default() })
    }

    fn places(files: &Files) -> Places<'_> {
        Places::new(&samples::finding(FileId(0)), &[FileId(0)], files)
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
    fn a_line_that_just_fits_is_whole() {
        let last = |text: &str| check(text, &[("n", "read")]).lines().nth(1).map(|it| (it.chars().last(), columns(it)));
        assert_eq!(last(&format!("n{}", "x".repeat(54))), Some((Some('x'), 60)));
        assert_eq!(last(&format!("n{}", "x".repeat(55))), Some((Some('…'), 60)));
        assert_eq!(last(&format!("n{}漢", "x".repeat(52))), Some((Some('漢'), 60)));
        assert_eq!(last(&format!("n{}漢", "x".repeat(53))), Some((Some('…'), 60)));
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
            let drawn = render(&places(&files), FileId(file), &[range], &Layout::default());
            assert!(drawn.contains("here"), "{drawn}");
        }
    }

    #[test]
    fn three_labels_on_a_line_hang_apart() {
        let text = "swap(self.first, self.second, self.third)\n";
        insta::assert_snapshot!(check(text, &[("self.second", "two"), ("self.first", "one"), ("self.third", "the third, whose text is wrapped")]));
    }

    #[test]
    fn ranges_that_nest_are_all_labelled() {
        let text = "self.totals[key] = self.totals.get(key, 0) + amount\n";
        let parts = [(text.trim_end(), "updated"), ("self.totals.get(key, 0)", "read"), ("key, 0", "with this"), ("self.totals[key]", "written")];
        insta::assert_snapshot!(check(text, &parts));
    }

    #[test]
    fn a_range_that_others_cover_is_labelled() {
        let drawn = check("ab\n", &[("ab", "both"), ("a", "left"), ("b", "right")]);
        assert!(["┗━━ both", "├── left", "╰── right"].iter().all(|it| drawn.contains(it)), "{drawn}");
    }

    #[test]
    fn the_end_of_a_statement_is_no_part_of_its_place() {
        insta::assert_snapshot!(check("    self.trim();\n", &[("self.trim();", "waits in here"), ("self.trim()", "calls `trim`")]));
    }

    #[test]
    fn the_primary_box_comes_first() {
        let text = (1..=30).map(|i| format!("line{i:02}\n")).collect::<String>();
        insta::assert_snapshot!(check(&text, &[("line20", "reported"), ("line03", "other")]));
    }

    #[test]
    fn a_narrow_terminal_loses_the_indent_and_moves_labels() {
        let text = "class A:\n        def f(self):\n                self.first_total = self.first_total + self.second_total\n";
        let mark = |part: &str, message: &str| {
            let start = text.rfind(part).unwrap();
            Mark { range: ir::Range::new(start, start + part.len()), message: message.to_string(), primary: false, style: Style::new() }
        };
        let marks = [mark("self.first_total =", "written without a lock here"), mark("self.second_total", "read here")];
        let drawn = draw(text, &marks, 40);
        assert!(drawn.lines().all(|it| columns(it) <= 40), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn a_file_without_a_last_line_end_and_with_form_feeds() {
        insta::assert_snapshot!(check("\u{c}\nx = 1\n\u{c}n += 1", &[("n += 1", "updated")]));
    }

    #[test]
    fn emoji_combining_marks_and_right_to_left_text() {
        insta::assert_snapshot!(check("e\u{301}tat['👍🏽'] = 'שלום' + n\n", &[("n", "read"), ("e\u{301}tat", "written")]));
    }

    #[test]
    fn a_mark_behind_a_line_that_fills_its_room_stays_inside() {
        for length in 30..50 {
            let text = "a".repeat(length);
            let mark = Mark { range: ir::Range::new(length, length), message: "behind".to_string(), primary: true, style: Style::new() };
            let drawn = draw(&text, &[mark], 46);
            assert!(drawn.lines().all(|it| columns(it) <= 46), "{drawn}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_with_any_marks_is_drawn(
            text in "[ab.; \t\r\n\u{c}é漢👍ש\u{1b}\u{301}\u{200d}]{0,300}",
            ranges in proptest::collection::vec((0..320usize, 0..60usize), 1..9),
            width in 40..200usize,
        ) {
            let mark = |(i, (start, length)): (usize, &(usize, usize))| {
                let range = ir::Range::new(*start, start + length);
                Mark { range, message: format!("mark{i}"), primary: i == 0, style: Style::new() }
            };
            let marks: Vec<Mark> = ranges.iter().enumerate().map(mark).collect();
            let drawn = draw(&text, &marks, width);
            proptest::prop_assert!(drawn.chars().all(|it| it == '\n' || !it.is_control()));
            proptest::prop_assert!(drawn.lines().all(|it| columns(it) <= width), "{drawn}");
            for mark in &marks {
                proptest::prop_assert!(drawn.contains(&mark.message), "{} is not in\n{drawn}", mark.message);
            }
        }
    }
}
