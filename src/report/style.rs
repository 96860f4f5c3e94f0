//! How a report for people is laid out: width, colour, and which colour means what.

use std::fmt::Display;

use owo_colors::{OwoColorize, Style};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::finding::Severity;

/// Sentences in longer lines are harder to read; source is not.
const WIDEST_PROSE: usize = 120;

/// What of a path stands in a URL as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// The layout of a text report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns to fill.
    pub width: usize,
    pub color: bool,
    /// Print only the findings: no summary, nothing of what was skipped.
    pub quiet: bool,
    /// Sentences in place of drawings and colours, for screen readers and braille.
    pub narrated: bool,
    /// The directory that file names are relative to, as a path; set where the terminal shows links (OSC 8).
    pub links: Option<String>,
}

impl Default for Layout {
    fn default() -> Self {
        Layout { width: 100, color: false, quiet: false, narrated: false, links: None }
    }
}

impl Layout {
    /// Columns for sentences.
    pub fn prose(&self) -> usize {
        self.width.min(WIDEST_PROSE)
    }

    pub fn severity(&self, severity: Severity) -> Style {
        let style = match severity {
            Severity::Error => Style::new().red().bold(),
            Severity::Warning => Style::new().yellow().bold(),
            Severity::Info => Style::new().cyan().bold(),
        };
        self.colored(style)
    }

    pub fn bold(&self) -> Style {
        self.colored(Style::new().bold())
    }

    pub fn dim(&self) -> Style {
        self.colored(Style::new().dimmed())
    }

    /// `text`, which leads to a file where the terminal can follow.
    pub fn file_link(&self, text: impl Display, name: &str) -> String {
        let Some(directory) = &self.links else { return text.to_string() };
        let path = if name.starts_with('/') { name.to_string() } else { format!("{directory}/{name}") };
        let root = if path.starts_with('/') { "" } else { "/" };
        link(text, &format!("file://{root}{}", utf8_percent_encode(&path, PATH)))
    }

    /// `text`, which leads to `url` where the terminal can follow and there is one.
    pub fn url_link(&self, text: impl Display, url: Option<&str>) -> String {
        match url {
            Some(url) if self.links.is_some() => link(text, url),
            _ => text.to_string(),
        }
    }

    /// `text` in `style`; nothing for no text.
    pub fn paint(&self, text: &str, style: Style) -> String {
        if text.is_empty() { String::new() } else { text.style(style).to_string() }
    }

    /// `style` where colour is wanted, else none.
    fn colored(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }
}

/// A hyperlink (OSC 8). `url` must have no control characters.
fn link(text: impl Display, url: &str) -> String {
    format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_only_where_they_are_wanted() {
        assert_eq!(Layout::default().file_link("a.py:1", "a.py"), "a.py:1");
        assert_eq!(Layout::default().url_link("rule", Some("https://x")), "rule");
        let layout = Layout { links: Some("/home/me/ä b".to_string()), ..Layout::default() };
        assert_eq!(layout.url_link("rule", None), "rule");
        assert_eq!(layout.url_link("rule", Some("https://x")), "\x1b]8;;https://x\x1b\\rule\x1b]8;;\x1b\\");
        assert_eq!(layout.file_link("a.py:1", "a.py"), "\x1b]8;;file:///home/me/%C3%A4%20b/a.py\x1b\\a.py:1\x1b]8;;\x1b\\");
        assert_eq!(layout.file_link("x", "/a\x1b\n;b"), "\x1b]8;;file:///a%1B%0A%3Bb\x1b\\x\x1b]8;;\x1b\\");
    }

    #[test]
    fn drives_are_paths() {
        let layout = Layout { links: Some("C:/project".to_string()), ..Layout::default() };
        assert_eq!(layout.file_link("x", "a.py"), "\x1b]8;;file:///C%3A/project/a.py\x1b\\x\x1b]8;;\x1b\\");
    }

    #[test]
    fn sentences_have_a_widest_line() {
        assert_eq!([60, 200].map(|width| Layout { width, ..Layout::default() }.prose()), [60, 120]);
    }
}
