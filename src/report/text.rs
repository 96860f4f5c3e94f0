//! Text that is fit for a terminal: control characters made visible, lines wrapped by their width in columns.

use std::borrow::Cow;

use textwrap::core::Word;
use unicode_width::UnicodeWidthStr;

/// Columns a tab goes on to.
const TAB: usize = 4;

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
        _ => c,
    }
}

/// A source character at column `column`, and how many columns it takes there.
pub fn source_char(c: char, column: usize, out: &mut String) -> usize {
    if c == '\t' {
        let width = TAB - column % TAB;
        out.extend(std::iter::repeat_n(' ', width));
        return width;
    }
    let shown = visible_char(c);
    out.push(shown);
    unicode_width::UnicodeWidthChar::width(shown).unwrap_or(0)
}

/// Columns that `text` takes.
pub fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` in lines of at most `width` columns, made visible. Words longer than a line are broken. Never empty.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = visible(text);
    let options = textwrap::Options::new(width.max(8)).word_splitter(textwrap::WordSplitter::NoHyphenation);
    let options = options.word_separator(textwrap::WordSeparator::Custom(words)).wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(&text, options).into_iter().map(Cow::into_owned).collect()
}

/// Words end at blanks, but code between backticks (`with self.lock:`) is one word.
fn words(text: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = text;
    Box::new(std::iter::from_fn(move || {
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
        (!word.is_empty()).then(|| Word::from(word))
    }))
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
    fn tabs_go_to_the_next_stop() {
        let mut out = String::new();
        assert_eq!((source_char('\t', 2, &mut out), out.as_str()), (2, "  "));
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
        assert_eq!(wrap("an odd ` is no code and wraps", 12), ["an odd", "` is no code", " and wraps"]);
    }

    #[test]
    fn numbers() {
        assert_eq!([0, 12, 1234, 1234567].map(thousands), ["0", "12", "1,234", "1,234,567"]);
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
    }
}
