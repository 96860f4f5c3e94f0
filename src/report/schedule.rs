//! An interleaving as a table: time going down, and one column a thread.
//!
//! ```text
//! line │ thread A │ thread B
//! ─────┼──────────┼──────────────────────────────
//!   12 │ reads 5  │
//!   12 │          │ reads 5
//! ```
//!
//! Where the columns would be too narrow to read, each step is a line that begins with its thread.

use owo_colors::Style;

use super::Layout;
use super::places::Places;
use super::text::{columns, pad, tail, visible, wrap};
use crate::finding::Step;

/// Narrower columns are unreadable.
const NARROWEST: usize = 20;
/// Columns of ` │ `.
const SEPARATOR: usize = 3;
/// Columns by which the lines after the first of a listed step are indented.
const INDENT: usize = 2;

/// The lines of the schedule of `steps`, none wider than `width` columns. The last step, which is where it ends, is in
/// the style `bad`. There is no table, nor a width, where the report is narrated.
pub fn lines(steps: &[Step], places: &Places, width: usize, bad: Style, layout: &Layout) -> Vec<String> {
    let mut threads: Vec<char> = Vec::new();
    for step in steps {
        if !threads.contains(&step.thread) {
            threads.push(step.thread);
        }
    }
    if threads.is_empty() {
        return Vec::new();
    }
    if layout.narrated {
        return list(steps, places, usize::MAX, bad, layout);
    }
    table(steps, &threads, places, width, bad, layout).unwrap_or_else(|| list(steps, places, width, bad, layout))
}

/// None if it would be too narrow.
fn table(steps: &[Step], threads: &[char], places: &Places, width: usize, bad: Style, layout: &Layout) -> Option<Vec<String>> {
    let (at_heading, at) = beside(steps, places, width / 4);
    let at_width = at.iter().map(|it| columns(it)).max().unwrap_or(0).max(at_heading.len());
    let room = width.checked_sub(at_width + SEPARATOR * threads.len())?;
    let does: Vec<_> = steps.iter().map(|it| visible(&it.does)).collect();
    let of = |thread: char| steps.iter().zip(&does).filter(move |it| it.0.thread == thread).map(|it| it.1);
    let natural: Vec<usize> = threads.iter().map(|it| of(*it).map(|it| columns(it)).max().unwrap_or(0).max(heading(*it).len())).collect();
    let rooms = share(&natural, room);
    // A name that does not fit makes a column hard to read, too.
    let longest = |thread: char| of(thread).flat_map(|it| it.split(' ')).map(columns).max().unwrap_or(0);
    if !threads.iter().zip(&rooms).zip(&natural).all(|((thread, room), natural)| *room >= (*natural).min(NARROWEST.max(longest(*thread)))) {
        return None;
    }
    let room_of = |thread: char| threads.iter().zip(&rooms).find(|it| *it.0 == thread).map_or(room, |it| *it.1);
    let cells: Vec<Vec<String>> = steps.iter().zip(&does).map(|(step, does)| wrap(does, room_of(step.thread))).collect();
    let widths: Vec<usize> = threads
        .iter()
        .map(|thread| {
            let own = steps.iter().zip(&cells).filter(|it| it.0.thread == *thread).flat_map(|it| it.1);
            own.map(|it| columns(it)).max().unwrap_or(0).max(heading(*thread).len())
        })
        .collect();

    // The styles of what stands at the side, and of a thread's columns.
    let row = |at: &str, texts: &[&str], styles: (Style, Style)| {
        let bar = layout.paint("│", layout.dim());
        let mut line = layout.paint(&pad(at, at_width), styles.0);
        for (i, (text, width)) in texts.iter().zip(&widths).enumerate() {
            let blanks = if i + 1 < texts.len() { width.saturating_sub(columns(text)) } else { 0 };
            let text = layout.paint(text, styles.1) + &" ".repeat(blanks);
            line = format!("{line} {bar} {text}");
        }
        line.trim_end().to_string()
    };
    let headings: Vec<String> = threads.iter().map(|it| heading(*it)).collect();
    let rules = std::iter::once(at_width).chain(widths.iter().copied()).map(|it| "─".repeat(it)).collect::<Vec<_>>().join("─┼─");
    let mut lines = vec![row(at_heading, &headings.iter().map(String::as_str).collect::<Vec<_>>(), (layout.dim(), layout.bold()))];
    lines.push(layout.paint(&rules, layout.dim()));
    for (i, ((step, cell), at)) in steps.iter().zip(&cells).zip(&at).enumerate() {
        let style = if i + 1 == steps.len() { bad } else { Style::new() };
        for (i, text) in cell.iter().enumerate() {
            let texts: Vec<&str> = threads.iter().map(|it| if *it == step.thread { text.as_str() } else { "" }).collect();
            lines.push(row(if i == 0 { at } else { "" }, &texts, (layout.dim(), style)));
        }
    }
    Some(lines)
}

/// Divides `room` among columns that would like to be `natural` wide: those that need less than an equal share get
/// what they need, and the others share the rest.
fn share(natural: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..natural.len()).collect();
    order.sort_by_key(|it| natural[*it]);
    let mut left = room;
    let mut shares = vec![0; natural.len()];
    for (done, &i) in order.iter().enumerate() {
        shares[i] = natural[i].min(left / (natural.len() - done));
        left -= shares[i];
    }
    shares
}

fn list(steps: &[Step], places: &Places, width: usize, bad: Style, layout: &Layout) -> Vec<String> {
    let (kind, at) = beside(steps, places, width / 2);
    let kind = if kind == "line" { "line " } else { "" };
    let mut lines = Vec::new();
    for (i, (step, at)) in steps.iter().zip(&at).enumerate() {
        let style = if i + 1 == steps.len() { bad } else { Style::new() };
        let thread = visible(step.thread.encode_utf8(&mut [0; 4])).into_owned();
        let thread = if layout.narrated { format!("thread {thread},") } else { thread };
        let lead = format!("{thread} {kind}{}:", at.trim_start());
        for (i, text) in wrap(&format!("{lead} {}", step.does), width.saturating_sub(INDENT)).iter().enumerate() {
            let indent = if i == 0 { "" } else { &" ".repeat(INDENT) };
            let (lead, does) = text.strip_prefix(&lead).filter(|_| i == 0).map_or(("", text.as_str()), |rest| (lead.as_str(), rest));
            lines.push(format!("{indent}{}{}", layout.paint(lead, layout.bold()), layout.paint(does, style)));
        }
    }
    lines
}

fn heading(thread: char) -> String {
    format!("thread {}", visible(thread.encode_utf8(&mut [0; 4])))
}

/// Where each step is, aligned, in at most about `room` columns, and what that is: line numbers, if all are in the
/// reported file.
fn beside(steps: &[Step], places: &Places, room: usize) -> (&'static str, Vec<String>) {
    if steps.iter().all(|it| places.is_primary(it.location.file)) {
        let lines: Vec<String> = steps.iter().map(|it| places.files.start(it.location).line.to_string()).collect();
        let width = lines.iter().map(String::len).max().unwrap_or(0).max("line".len());
        return ("line", lines.iter().map(|it| format!("{it:>width$}")).collect());
    }
    ("place", steps.iter().map(|it| tail(&places.line(it.location), room).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FileId;
    use crate::report::samples;

    fn check(finding: usize, width: usize) -> String {
        let report = samples::report();
        let finding = &report.findings[finding];
        let places = Places::new(finding, &[finding.location.file], &report.files);
        let lines = lines(&finding.interleaving, &places, width, Style::new(), &Layout::default());
        assert!(lines.iter().all(|it| columns(it) <= width), "{lines:#?}");
        lines.join("\n")
    }

    #[test]
    fn columns_for_threads() {
        insta::assert_snapshot!(check(2, 110));
    }

    #[test]
    fn narrow_columns_wrap() {
        insta::assert_snapshot!(check(2, 64));
    }

    #[test]
    fn too_narrow_is_a_list() {
        insta::assert_snapshot!(check(2, 34));
    }

    #[test]
    fn places_in_other_files_are_named() {
        let mut report = samples::report();
        report.findings[2].location.file = FileId(0);
        let finding = &report.findings[2];
        let places = Places::new(finding, &[], &report.files);
        insta::assert_snapshot!(
            [100, 60, 34].map(|it| lines(&finding.interleaving, &places, it, Style::new(), &Layout::default()).join("\n")).join("\n\n")
        );
    }

    #[test]
    fn no_steps_are_no_lines() {
        let report = samples::report();
        let places = Places::new(&report.findings[0], &[], &report.files);
        assert!(lines(&[], &places, 80, Style::new(), &Layout::default()).is_empty());
    }
}
