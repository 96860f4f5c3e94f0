//! What the place a report goes to can show: colour and width.

use std::env;
use std::ffi::OsStr;
use std::io::IsTerminal;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb is set; with CLICOLOR_FORCE elsewhere, too.
    #[default]
    Auto,
    Always,
    Never,
}

/// Wider reports are harder to read.
const WIDEST: usize = 120;
const NARROWEST: usize = 40;
/// Where nothing says how wide to be.
const IN_A_PIPE: usize = 100;

/// Whether to colour what goes to stdout, or to a file.
pub fn is_colored(color: Color, to_file: bool) -> bool {
    let is_terminal = !to_file && std::io::stdout().is_terminal();
    decide_color(color, is_terminal, |name| env::var_os(name).filter(|it| !it.is_empty()))
}

fn decide_color<T: AsRef<OsStr>>(color: Color, is_terminal: bool, variable: impl Fn(&str) -> Option<T>) -> bool {
    let is = |name: &str, value: &str| variable(name).is_some_and(|it| it.as_ref() == value);
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if variable("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") => true,
        Color::Auto => is_terminal && !is("TERM", "dumb"),
    }
}

/// The columns to fill: COLUMNS, else the terminal's, within reason.
pub fn width() -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|it| it.trim().parse().ok()).filter(|it| *it > 0);
    let terminal = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    columns.or_else(terminal).unwrap_or(IN_A_PIPE).clamp(NARROWEST, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(color: Color, is_terminal: bool, variables: &[(&str, &str)]) -> bool {
        decide_color(color, is_terminal, |name| variables.iter().find(|it| it.0 == name).map(|it| it.1))
    }

    #[test]
    fn color() {
        assert!(check(Color::Auto, true, &[]));
        assert!(!check(Color::Auto, false, &[]));
        assert!(!check(Color::Auto, true, &[("NO_COLOR", "1")]));
        assert!(!check(Color::Auto, true, &[("TERM", "dumb")]));
        assert!(check(Color::Auto, false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!check(Color::Auto, false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!check(Color::Auto, false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
        assert!(check(Color::Always, false, &[("NO_COLOR", "1")]));
        assert!(!check(Color::Never, true, &[("CLICOLOR_FORCE", "1")]));
    }
}
