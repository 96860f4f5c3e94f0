//! A file's text, which a run has only while it needs it: after a file is lowered, few are asked for again.

use std::sync::OnceLock;

/// The text of a file, or where there will be one.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// None once it was asked for and could not be had.
    kept: OnceLock<Option<String>>,
    /// It is nowhere else.
    pinned: bool,
}

impl Text {
    /// One that stays: it lies in no file.
    pub fn of(text: String) -> Text {
        Text { pinned: true, ..Text::read(text) }
    }

    /// One that can be read again.
    pub fn read(text: String) -> Text {
        Text { kept: OnceLock::from(Some(text)), pinned: false }
    }

    pub fn pin(&mut self) {
        self.pinned = true;
    }

    /// The text; what `read` gives if it is not kept. Empty if it cannot be had.
    pub fn get(&self, read: impl FnOnce() -> Option<String>) -> &str {
        self.kept.get_or_init(read).as_deref().unwrap_or("")
    }

    /// The text, if it is kept; from then on it is only if it has to be.
    pub fn take(&mut self) -> Option<String> {
        match self.kept.get() {
            Some(Some(text)) if self.pinned => Some(text.clone()),
            Some(Some(_)) => self.kept.take().flatten(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_again_when_it_was_let_go() {
        let mut text = Text::read("a".to_string());
        assert_eq!(text.get(|| None), "a");
        assert_eq!(text.take().as_deref(), Some("a"));
        assert_eq!(text.take(), None);
        assert_eq!((text.get(|| Some("b".to_string())), text.get(|| None)), ("b", "b"));
        assert_eq!(text.take().as_deref(), Some("b"));
        assert_eq!((text.get(|| None), text.get(|| Some("c".to_string()))), ("", ""));
        assert_eq!(text.take(), None);
    }

    #[test]
    fn what_lies_in_no_file_stays() {
        let mut text = Text::of("a".to_string());
        assert_eq!(text.take().as_deref(), Some("a"));
        assert_eq!(text.get(|| None), "a");
    }
}
