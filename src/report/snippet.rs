//! The source lines of one file with their labels, as annotate-snippets takes them.
//!
//! It draws what it is given, however wide; so what is given has room. A range of several lines is marked on its first,
//! long lines and ranges are cut, marks far to the right have a snippet of their own, and a label that would leave the
//! terminal is broken into several of the same range, which are drawn below one another. Characters are made harmless
//! here, one for one, as more of them are dangerous than it knows.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Snippet};

use super::Layout;
use super::text::{columns, visible, visible_char, wrap};
use crate::finding::FileId;
use crate::ir;
use crate::source::{Files, LineIndex};

/// Columns that a label has at least.
const FEWEST: usize = 18;
/// Columns of a narrow terminal; what is wider than that there leaves it.
const NARROW: usize = 40;
/// Columns beside a line's number, ` │ `, and beside a line that is cut on both sides.
const FRAME: usize = 3;
const CUTS: usize = 12;
/// As far from a mark a line may be shown to fill a gap.
const NEAR: usize = 3;
/// Columns that a tab is drawn as.
const TAB: usize = 4;

/// A labelled range of a file.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    pub range: ir::Range,
    pub message: &'a str,
    /// The head of its snippet names its place, and it comes first.
    pub primary: bool,
}

/// A mark on the first line it is on.
struct LineMark<'a> {
    message: &'a str,
    primary: bool,
    line: usize,
    /// In the line, in bytes.
    range: Range<usize>,
    /// Columns before it.
    column: usize,
}

/// The lines of `file` that `marks` are on, and those next to them.
pub fn of(files: &Files, file: FileId, marks: &[Mark], layout: &Layout) -> Vec<Snippet<'static, Annotation<'static>>> {
    let source = Source { text: files.get(file).text(), index: files.lines(file) };
    let digits = marks.iter().map(|it| source.index.line(it.range.start as usize) + 2).max().unwrap_or(0).to_string().len();
    let room = layout.width.saturating_sub(FRAME + digits).max(NARROW);
    // Those in the same stretch of columns can be seen at once.
    let mut stretches: BTreeMap<usize, Vec<LineMark>> = BTreeMap::new();
    for mark in marks.iter().map(|it| source.line_mark(it)) {
        let stretch = if mark.column < room - CUTS { 0 } else { 1 + (mark.column + CUTS - room) / (room / 2) };
        stretches.entry(stretch).or_default().push(mark);
    }
    let name = &files.get(file).name;
    let path = layout.file_link(visible(name), name);
    let mut snippets: Vec<_> =
        stretches.iter().map(|(stretch, it)| (it, snippet(&source, it, *stretch > 0, room, layout).path(path.clone()))).collect();
    snippets.sort_by_key(|(marks, _)| !marks.iter().any(|it| it.primary));
    snippets.into_iter().map(|it| it.1).collect()
}

struct Source<'a> {
    text: &'a str,
    index: &'a LineIndex,
}

impl<'a> Source<'a> {
    /// A line (from 0), without its end.
    fn line(&self, line: usize) -> &'a str {
        &self.text[self.index.range(self.text, line)]
    }

    fn line_mark<'m>(&self, mark: &Mark<'m>) -> LineMark<'m> {
        let start = floor(self.text, mark.range.start as usize);
        let line = self.index.line(start);
        let on = self.index.range(self.text, line);
        let start = start.min(on.end);
        let end = floor(self.text, mark.range.end as usize).clamp(start, on.end);
        // The statement and the call it consists of are the same place to a reader.
        let end = start + self.text[start..end].trim_end().trim_end_matches([';', ',', ' ']).len();
        let column = source_columns(&self.text[on.start..start]);
        LineMark { message: mark.message, primary: mark.primary, line, range: start - on.start..end - on.start, column }
    }
}

/// One snippet of marks that can be seen at once; `is_far`: without the start of their lines.
fn snippet(source: &Source, marks: &[LineMark], is_far: bool, room: usize, layout: &Layout) -> Snippet<'static, Annotation<'static>> {
    let left = if is_far { marks.iter().map(|it| it.column).min().unwrap_or(0) } else { 0 };
    let first = marks.iter().map(|it| it.line).min().unwrap_or(0).saturating_sub(1);
    let last = marks.iter().map(|it| it.line + 1).max().unwrap_or(0).min(source.index.len() - 1);
    let near = |line: usize| marks.iter().any(|it| it.line.abs_diff(line) <= NEAR);
    let (mut shown, mut starts, mut is_cut) = (String::new(), Vec::new(), false);
    for number in first..=last {
        starts.push(shown.len());
        if near(number) {
            let line = cut(source.line(number), left + 2 * room);
            is_cut |= source_columns(line) > room;
            shown.extend(line.chars().map(shown_char));
        }
        shown.push('\n');
    }
    let right = left + room - if is_cut { CUTS } else { 0 };
    let mut annotations = Vec::new();
    for mark in marks {
        let (text, start) = (source.line(mark.line), starts[mark.line - first]);
        let code = cut(&text[mark.range.clone()], right - mark.column);
        // What is cut off of a line may have it, if it is text of no width.
        let line_end = starts.get(mark.line - first + 1).map_or(shown.len(), |it| *it) - 1;
        let start = (start + shown_length(&text[..mark.range.start])).min(line_end);
        let end = (start + shown_length(code)).min(line_end);
        let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let is_last = marks.iter().all(|it| it.line != mark.line || it.column < mark.column || std::ptr::eq(it, mark));
        let labels = match layout.narrated {
            true => vec![told(mark.message, code)],
            false => label(mark.message, is_last.then_some(code), room - if is_far { room / 2 } else { mark.column }),
        };
        annotations.extend(labels.into_iter().map(|it| kind.span(start..end).label(it)));
        let beside = [mark.line.checked_sub(1), Some(mark.line + 1).filter(|it| *it <= last)];
        let beside = beside.into_iter().flatten().filter(|it| !is_far && !source.line(*it).trim().is_empty());
        annotations.extend(beside.map(|it| AnnotationKind::Visible.span(starts[it - first]..starts[it - first])));
    }
    Snippet::source(shown).line_start(first + 1).annotations(annotations)
}

/// What is said of a range that begins `room` columns before the right edge, in lines. `code`: what the label follows on
/// its line if it is one line, and no other is.
fn label(message: &str, code: Option<&str>, room: usize) -> Vec<String> {
    let room = room.max(FEWEST);
    let width = columns(&visible(message));
    let fits = code.is_none_or(|it| source_columns(it) + 1 + width <= room);
    wrap(message, if fits { room } else { room.min(width * 2 / 3) })
}

/// What is said of a range where it cannot be seen.
fn told(message: &str, code: &str) -> String {
    let (message, code) = (visible(message), visible(code.trim()));
    match (&*message, &*code) {
        (_, "") => message.into_owned(),
        ("", _) => format!("`{code}`"),
        _ => format!("{message}: `{code}`"),
    }
}

/// What is shown for a character of source. (Tabs are left to the renderer.)
fn shown_char(c: char) -> char {
    if c == '\t' { c } else { visible_char(c) }
}

fn source_columns(text: &str) -> usize {
    text.chars().map(|it| if it == '\t' { TAB } else { columns(visible_char(it).encode_utf8(&mut [0; 4])) }).sum()
}

/// Bytes of `text` as it is shown.
fn shown_length(text: &str) -> usize {
    text.chars().map(|it| shown_char(it).len_utf8()).sum()
}

/// The start of `text` that takes at most `room` columns, and no more characters either.
fn cut(text: &str, room: usize) -> &str {
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += source_columns(c.encode_utf8(&mut [0; 4])).max(1);
        used <= room
    };
    text.char_indices().take_while(fits).last().map_or("", |(at, c)| &text[..at + c.len_utf8()])
}

/// The nearest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use annotate_snippets::renderer::DecorStyle;
    use annotate_snippets::{Group, Level, Renderer};

    use super::*;
    use crate::ir::Language;
    use crate::source::SourceFile;

    /// Draws `text` with a label on each of `parts` (the first is the primary one), 60 columns wide.
    fn check<'a>(text: &str, parts: &[(&str, &'a str)]) -> String {
        let mark = |i: usize, (part, message): &(&str, &'a str)| {
            let start = text.find(part).expect("the part is in the text");
            Mark { range: ir::Range::new(start, start + part.len()), message, primary: i == 0 }
        };
        let marks: Vec<Mark> = parts.iter().enumerate().map(|(i, it)| mark(i, it)).collect();
        draw(text, &marks, 60)
    }

    fn draw(text: &str, marks: &[Mark], width: usize) -> String {
        let files = Files::new(vec![SourceFile::from_text("a.py", text, Language::Python)]);
        draw_file(&files, FileId(0), marks, width)
    }

    fn draw_file(files: &Files, file: FileId, marks: &[Mark], width: usize) -> String {
        let snippets = of(files, file, marks, &Layout { width, ..Layout::default() });
        let group = Group::with_level(Level::ERROR).elements(snippets);
        Renderer::plain().decor_style(DecorStyle::Unicode).term_width(width).render(&[group])
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
        let text = format!("{}n += 1\nx = 1\n", "\u{301}".repeat(100_000));
        let drawn = check(&text, &[("n += 1", "updated")]);
        assert!(drawn.contains("updated") && drawn.len() < 2000, "{}", drawn.len());
    }

    #[test]
    fn tabs_wide_characters_and_windows_line_ends_keep_the_columns() {
        insta::assert_snapshot!(check("if x:\r\n\t漢字\t= n\r\n", &[("n", "read")]));
    }

    #[test]
    fn ranges_that_are_off_are_drawn_all_the_same() {
        let text = "é\n";
        let files = Files::new(vec![SourceFile::from_text("a.py", text, Language::Python), SourceFile::from_text("b.py", "", Language::Python)]);
        let mark = |start, end| Mark { range: ir::Range::new(start, end), message: "here", primary: true };
        for (file, range) in [(0, mark(1, 2)), (0, mark(3, 99)), (0, mark(2, 1)), (0, mark(0, 0)), (1, mark(0, 0)), (1, mark(7, 9))] {
            let drawn = draw_file(&files, FileId(file), &[range], 100);
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
        assert!(["both", "left", "right"].iter().all(|it| drawn.contains(it)), "{drawn}");
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
        let mark = |part: &str, message| {
            let start = text.rfind(part).unwrap();
            Mark { range: ir::Range::new(start, start + part.len()), message, primary: false }
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

    proptest::proptest! {
        #[test]
        fn any_text_with_any_marks_is_drawn(
            text in "[ab.; \t\r\n\u{c}é漢👍ש\u{1b}\u{301}\u{200d}]{0,300}",
            ranges in proptest::collection::vec((0..320usize, 0..60usize), 1..9),
            width in 40..200usize,
        ) {
            const NAMES: [&str; 8] = ["mark0", "mark1", "mark2", "mark3", "mark4", "mark5", "mark6", "mark7"];
            let mark = |((start, length), message): (&(usize, usize), _)| Mark { range: ir::Range::new(*start, start + length), message, primary: message == "mark0" };
            let marks: Vec<Mark> = ranges.iter().zip(NAMES).map(mark).collect();
            let drawn = draw(&text, &marks, width);
            proptest::prop_assert!(drawn.chars().all(|it| it == '\n' || !it.is_control()));
            // A label of one word stands behind its range even where it has no room.
            let most = width.max(NARROW + 8) + columns("━━━━ mark0");
            proptest::prop_assert!(drawn.lines().all(|it| columns(it) <= most), "{drawn}");
            for mark in &marks {
                proptest::prop_assert!(drawn.contains(mark.message), "{} is not in\n{drawn}", mark.message);
            }
        }
    }
}
