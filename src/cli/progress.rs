//! The progress bar of long runs, on stderr.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::text::{count, thousands};
use crate::session::Progress;

/// What ends sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const REFRESH: Duration = Duration::from_millis(100);

/// Whether a person looks on: stderr is a terminal that can go back on its line.
pub fn is_watched() -> bool {
    is_wanted(io::stderr().is_terminal(), env::var_os("TERM").as_deref())
}

fn is_wanted(is_terminal: bool, term: Option<&OsStr>) -> bool {
    is_terminal && term.is_none_or(|it| it != "dumb")
}

/// Does `work`, and shows meanwhile how far it is.
pub fn shown<T>(progress: &Progress, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || draw(progress, &ended));
        let result = work();
        drop(end);
        result
    })
}

/// Draws until the other end of `ended` is gone.
fn draw(progress: &Progress, ended: &Receiver<()>) {
    let goes_on = |wait| ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout);
    if !goes_on(PATIENCE) {
        return;
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_message(message(0, 0));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {bar:30} {elapsed}") {
        bar.set_style(style);
    }
    loop {
        let (lowered, files) = progress.lowered();
        bar.set_length(files.max(1) as u64);
        bar.set_position(lowered as u64);
        bar.set_message(message(lowered, files));
        bar.tick();
        if !goes_on(REFRESH) {
            break;
        }
    }
    bar.finish_and_clear();
}

/// What is being done.
fn message(lowered: usize, files: usize) -> String {
    match () {
        () if files == 0 => "looking for files".to_string(),
        () if lowered < files => format!("reading {} of {}", thousands(lowered), count(files, "file")),
        () => format!("analysing {}", count(files, "file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_those_who_look_on() {
        assert!(is_wanted(true, None) && is_wanted(true, Some(OsStr::new("xterm"))));
        assert!(!is_wanted(false, Some(OsStr::new("xterm"))) && !is_wanted(true, Some(OsStr::new("dumb"))));
    }

    #[test]
    fn it_says_what_is_being_done() {
        let said = [(0, 0), (3, 1200), (1200, 1200), (1, 1)].map(|(lowered, files)| message(lowered, files));
        assert_eq!(said, ["looking for files", "reading 3 of 1,200 files", "analysing 1,200 files", "analysing 1 file"]);
    }

    #[test]
    fn the_work_is_done_and_its_result_given() {
        assert_eq!(shown(&Progress::default(), || 7), 7);
    }
}
