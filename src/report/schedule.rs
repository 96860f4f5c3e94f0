//! An interleaving as a table: one column a thread, time going down.
//!
//! ```text
//! thread A               │ thread B
//! ───────────────────────┼───────────────────────
//! metrics.py:12  reads 5 │
//!                        │ metrics.py:12  reads 5
//! ```
//!
//! Where the columns would be too narrow to read, each step is a line that begins with its thread.

use super::text::{columns, pad, visible, wrap};
use crate::finding::Step;
use crate::source::Files;

/// Narrower columns are unreadable.
const NARROWEST: usize = 24;
/// What a step does stands below its place, and not beside it, if it would get fewer columns than this.
const BESIDE: usize = 18;
/// Directories are left out of the places if they leave fewer columns than this to what a step does.
const FEWEST: usize = 12;
/// Columns of ` │ `.
const SEPARATOR: usize = 3;

/// The lines of the schedule of `steps`, none wider than `width` columns where words allow.
pub fn lines(steps: &[Step], files: &Files, width: usize) -> Vec<String> {
    let mut threads: Vec<char> = Vec::new();
    for step in steps {
        if !threads.contains(&step.thread) {
            threads.push(step.thread);
        }
    }
    if threads.is_empty() {
        return Vec::new();
    }
    let room = width.saturating_sub(SEPARATOR * (threads.len() - 1));
    if room / threads.len() < NARROWEST { list(steps, files, width) } else { table(steps, &threads, files, room) }
}

fn table(steps: &[Step], threads: &[char], files: &Files, room: usize) -> Vec<String> {
    let places = places(steps, files, room / threads.len() - 2 - FEWEST);
    let natural = threads.iter().map(|thread| {
        let own = steps.iter().zip(&places).filter(|(step, _)| step.thread == *thread);
        own.map(|(step, place)| columns(place) + 2 + columns(&visible(&step.does))).max().unwrap_or(0).max(heading(*thread).len())
    });
    let rooms = share(&natural.collect::<Vec<_>>(), room);
    let room_of = |thread: char| threads.iter().zip(&rooms).find(|it| *it.0 == thread).map_or(room, |it| *it.1);
    let cells: Vec<Vec<String>> = steps.iter().zip(&places).map(|(step, place)| cell(place, &step.does, room_of(step.thread))).collect();
    let width_of = |thread: char| {
        let own = steps.iter().zip(&cells).filter(|(step, _)| step.thread == thread).flat_map(|(_, cell)| cell);
        own.map(|it| columns(it)).max().unwrap_or(0).max(heading(thread).len())
    };
    let widths: Vec<usize> = threads.iter().map(|it| width_of(*it)).collect();

    let row = |texts: &[&str]| {
        let cells: Vec<String> = texts.iter().zip(&widths).map(|(text, width)| pad(text, *width)).collect();
        cells.join(" │ ").trim_end().to_string()
    };
    let headings: Vec<String> = threads.iter().map(|it| heading(*it)).collect();
    let rules: Vec<String> = widths.iter().map(|it| "─".repeat(*it)).collect();
    let mut lines = vec![row(&headings.iter().map(String::as_str).collect::<Vec<_>>()), rules.join("─┼─")];
    for (step, cell) in steps.iter().zip(&cells) {
        for text in cell {
            let texts: Vec<&str> = threads.iter().map(|it| if *it == step.thread { text.as_str() } else { "" }).collect();
            lines.push(row(&texts));
        }
    }
    lines
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

fn list(steps: &[Step], files: &Files, width: usize) -> Vec<String> {
    let places = places(steps, files, width / 2);
    let step_lines = |(step, place): (&Step, &String)| {
        let cell = cell(place, &step.does, width.saturating_sub(3));
        cell.into_iter()
            .enumerate()
            .map(|(i, text)| if i == 0 { format!("{}: {text}", step.thread) } else { format!("   {text}") })
            .collect::<Vec<_>>()
    };
    steps.iter().zip(&places).flat_map(step_lines).collect()
}

fn heading(thread: char) -> String {
    format!("thread {thread}")
}

/// `file:line` of each step, all of one width; the directories are left out of all if they leave no room in any.
fn places(steps: &[Step], files: &Files, room: usize) -> Vec<String> {
    let whole: Vec<String> = steps.iter().map(|it| visible(&files.place(it.location)).into_owned()).collect();
    let places = if whole.iter().all(|it| columns(it) <= room) {
        whole
    } else {
        whole.iter().map(|it| it.rsplit_once('/').map_or(it.as_str(), |(_, name)| name).to_string()).collect()
    };
    let width = places.iter().map(|it| columns(it)).max().unwrap_or(0);
    places.iter().map(|it| pad(it, width)).collect()
}

/// A step's lines: what it does beside its place, or below it if there is no room.
fn cell(place: &str, does: &str, room: usize) -> Vec<String> {
    let beside = columns(place) + 2;
    if room >= beside + BESIDE.min(columns(does)) {
        let does = wrap(does, room - beside).into_iter().enumerate();
        return does.map(|(i, text)| format!("{}{text}", if i == 0 { format!("{place}  ") } else { " ".repeat(beside) })).collect();
    }
    let does = wrap(does, room.saturating_sub(2)).into_iter().map(|it| format!("  {it}"));
    std::iter::once(place.trim_end().to_string()).chain(does).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn check(width: usize) -> String {
        let report = samples::report();
        let finding = report.findings.iter().max_by_key(|it| it.interleaving.len()).unwrap();
        let lines = lines(&finding.interleaving, &report.files, width);
        assert!(lines.iter().all(|it| columns(it) <= width), "{lines:#?}");
        lines.join("\n")
    }

    #[test]
    fn columns_for_threads() {
        insta::assert_snapshot!(check(110));
    }

    #[test]
    fn narrow_columns_wrap() {
        insta::assert_snapshot!(check(54));
    }

    #[test]
    fn too_narrow_is_a_list() {
        insta::assert_snapshot!(check(44));
    }

    #[test]
    fn no_steps_are_no_lines() {
        assert!(lines(&[], &Files::default(), 80).is_empty());
    }
}
