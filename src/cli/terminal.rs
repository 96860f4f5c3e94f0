//! What the place a report goes to can show: colour, width, drawings, links.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};

use crate::report::Layout;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb is set; with CLICOLOR_FORCE elsewhere, too.
    #[default]
    Auto,
    Always,
    Never,
}

/// No screen is wider; what says so is mistaken.
const WIDEST: usize = 1000;
const NARROWEST: usize = 40;
/// Where nothing says how wide to be.
const IN_A_PIPE: usize = 100;

/// The layout for stdout, or for a file; `accessible`: without drawings, whatever the environment says.
pub fn layout(color: Color, accessible: bool, to_file: bool) -> Layout {
    let is_terminal = !to_file && io::stdout().is_terminal();
    let narrated = accessible || is_without_graphics(variable);
    let links = is_terminal && !narrated && color != Color::Never && variable("TERM").is_none_or(|it| it != "dumb");
    Layout {
        width: width(),
        color: !narrated && decide_color(color, is_terminal, variable),
        quiet: false,
        narrated,
        links: if links && supports_hyperlinks::supports_hyperlinks() { directory() } else { None },
    }
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|it| !it.is_empty())
}

/// The working directory, as a URL has it.
fn directory() -> Option<String> {
    Some(env::current_dir().ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// By the convention of programs that narrate: rustc, and those of miette.
fn is_without_graphics<T: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<T>) -> bool {
    variable("NO_GRAPHICS").is_some_and(|it| it.as_ref() != "0")
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
fn width() -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|it| it.trim().parse().ok()).filter(|it| *it > 0);
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
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

    #[test]
    fn drawings() {
        let check = |value: Option<&'static str>| is_without_graphics(|name| value.filter(|_| name == "NO_GRAPHICS"));
        assert_eq!([None, Some("0"), Some("1")].map(check), [false, false, true]);
    }
}
