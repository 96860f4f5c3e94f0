//! Text that is fit for a terminal: control characters made visible, lines wrapped by their width in columns.

use std::borrow::Cow;

use textwrap::core::Word;
use textwrap::wrap_algorithms::wrap_first_fit;
use unicode_width::UnicodeWidthChar;

/// `text` on one line, with nothing in it that a terminal would act on: control characters become their pictures
/// (`␛`, `␊`), tabs and characters that turn the direction of writing become harmless ones.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|it| visible_char(it) == it) { Cow::Borrowed(text) } else { Cow::Owned(text.chars().map(visible_char).collect()) }
}

/// What is shown for `c`.
pub fn visible_char(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // Separators of lines, and marks that reorder the text after them ("Trojan Source").
        '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        // What is not seen, and has no part in how its neighbours look: blanks of no width, annotations, tags.
        '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        '\u{e0000}'..='\u{e0fff}' => '\u{fffd}',
        _ => c,
    }
}

/// Columns that `text` takes, character by character: what terminals make of sequences (of emoji) differs.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The end of `text` after a `…`, in at most `room` columns.
pub fn tail(text: &str, room: usize) -> Cow<'_, str> {
    if columns(text) <= room {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += width(*c);
        used <= room
    };
    let kept: usize = text.chars().rev().take_while(fits).map(char::len_utf8).sum();
    Cow::Owned(format!("…{}", &text[text.len() - kept..]))
}

/// `text` in lines of at most `width` columns, made visible. Words longer than a line are broken. Never empty.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = visible(text);
    let width = width.max(8);
    let words: Vec<Word> = words(&text).flat_map(|it| broken(it, width)).map(Word::from).collect();
    let line = |words: &[Word]| words.iter().flat_map(|it| [it.word, it.whitespace]).collect::<String>().trim_end().to_string();
    wrap_first_fit(&words, &[width as f64]).into_iter().map(line).collect()
}

/// A word of more than `width` columns in parts of at most that: after blanks in it, else where names have their
/// joints (`Store._total_seconds`, `app/store.py`), else anywhere.
fn broken(word: &str, width: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = word;
    while columns(rest.trim_end()) > width {
        let mut used = 0;
        let fits = |(_, c): &(usize, char)| {
            used += self::width(*c);
            used <= width
        };
        let fitting = rest.char_indices().take_while(fits).last().map_or(0, |(at, c)| at + c.len_utf8());
        // One character at least, or this would not end.
        let fitting = fitting.max(rest.chars().next().map_or(0, char::len_utf8));
        let after = |is_joint: fn(char) -> bool| {
            let joints = rest[..fitting].char_indices().filter(|(at, c)| is_joint(*c) && !rest[at + c.len_utf8()..].starts_with(is_joint));
            joints.map(|(at, c)| at + c.len_utf8()).next_back()
        };
        let blanks = rest[fitting..].len() - rest[fitting..].trim_start_matches(' ').len();
        let end = (blanks > 0)
            .then_some(fitting + blanks)
            .or_else(|| after(|it| it == ' '))
            .or_else(|| after(|it| matches!(it, '.' | '/' | ':' | '_' | ',' | '(' | '-' | '[')));
        let (part, left) = rest.split_at(end.unwrap_or(fitting));
        parts.push(part);
        rest = left;
    }
    parts.push(rest);
    parts
}

/// Words end at blanks, but code between backticks (`with self.lock:`) is one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut in_code = false;
        let mut after_blank = false;
        let end = rest.char_indices().find(|(_, c)| {
            in_code ^= *c == '`';
            let is_end = after_blank && *c != ' ';
            after_blank = *c == ' ' && (!in_code || is_end);
            is_end
        });
        let (word, left) = rest.split_at(end.map_or(rest.len(), |it| it.0));
        rest = left;
        (!word.is_empty()).then_some(word)
    })
}

/// `text` with blanks up to `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(visible("plain, é 漢"), "plain, é 漢");
        assert_eq!(visible("\x1b[31mred\x07\n\x7f\u{9b}\u{202e}"), "␛[31mred␇␊␡\u{fffd}\u{fffd}");
    }

    #[test]
    fn nothing_visible_is_a_control_character() {
        for c in '\0'..'\u{3000}' {
            assert!(!visible_char(c).is_control(), "{c:?}");
        }
    }

    #[test]
    fn wrapping_counts_columns() {
        assert_eq!(wrap("漢字漢字 漢字漢字", 10), ["漢字漢字", "漢字漢字"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("averyveryverylongword", 10), ["averyveryv", "erylongwor", "d"]);
    }

    #[test]
    fn code_stays_on_a_line() {
        assert_eq!(wrap("hold it: `with self.lock:` around", 20), ["hold it:", "`with self.lock:`", "around"]);
        assert_eq!(wrap("an odd ` is no code and wraps", 12), ["an odd", "` is no code", "and wraps"]);
    }

    #[test]
    fn names_break_at_their_joints() {
        assert_eq!(wrap("reads `MetricsStore._total_seconds`, too", 22), ["reads", "`MetricsStore._total_", "seconds`, too"]);
        assert_eq!(wrap("(fixtures/metrics_store/bad/store.py:16)", 20), ["(fixtures/metrics_", "store/bad/store.py:", "16)"]);
        assert_eq!(wrap("`crate::bank::Bank`", 14), ["`crate::bank::", "Bank`"]);
    }

    #[test]
    fn only_the_end_of_a_long_text() {
        assert_eq!([tail("app/store.py", 12), tail("app/store.py", 9), tail("漢字漢字", 4)], ["app/store.py", "…store.py", "…字"]);
    }

    proptest::proptest! {
        #[test]
        fn lines_fit_and_nothing_is_lost(text in "[ab `/._:漢é\u{301}\u{1b}\u{200d}👨]{0,120}", width in 8..40usize) {
            let lines = wrap(&text, width);
            proptest::prop_assert!(lines.iter().all(|it| columns(it) <= width), "{lines:?}");
            let solid = |text: &str| text.chars().filter(|it| *it != ' ').collect::<String>();
            proptest::prop_assert_eq!(solid(&lines.concat()), solid(&visible(&text)));
        }
    }

    #[test]
    fn numbers() {
        assert_eq!([0, 12, 1234, 1234567].map(thousands), ["0", "12", "1,234", "1,234,567"]);
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
    }
}
