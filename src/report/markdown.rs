//! Text of the analysed tree in Markdown: `code` between backticks stays code, and nothing else of it is markup.

use super::text::visible;

/// `text` on one line of a paragraph or list.
pub fn inline(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Of an odd number of backticks the last begins no code.
    let spans = (parts.len() - 1) / 2;
    let mut out = String::with_capacity(text.len());
    for (i, part) in parts.iter().enumerate() {
        match i {
            _ if i % 2 == 1 && i / 2 < spans => code(part, &mut out),
            _ if i > 2 * spans => {
                out.push_str("\\`");
                escape(part, &mut out);
            }
            _ => escape(part, &mut out),
        }
    }
    out
}

/// `text` in a cell of a table, where a bar would end it, in code as well.
pub fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// A name as code; it may have backticks.
pub fn name(text: &str) -> String {
    let mut out = String::new();
    code(&visible(text).replace('`', "'"), &mut out);
    out
}

/// A span of code. An empty one would be two backticks, which begin another span.
fn code(text: &str, out: &mut String) {
    if !text.is_empty() {
        out.extend(["`", text, "`"]);
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '*' | '_' | '[' | ']' | '~' | '#' | '!' | '$' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code_and_the_rest_is_text() {
        assert_eq!(inline("`a_b` is *not* in [x](y) <b>"), "`a_b` is \\*not\\* in \\[x\\](y) &lt;b&gt;");
        assert_eq!(inline("an odd ` and `code`"), "an odd ` and `code\\`");
        assert_eq!(inline("``"), "");
        assert_eq!(inline("two\nlines"), "two␊lines");
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        assert_eq!(cell("`a|b` or |"), "`a\\|b` or \\|");
    }

    #[test]
    fn a_name_with_backticks_does_not_end_its_code() {
        assert_eq!(name("a`<img>`.py"), "`a'<img>'.py`");
    }
}
