//! How a report for people is laid out: width, colour, and which colour means what.

use owo_colors::Style;

use crate::finding::Severity;

/// The layout of a text report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns to fill.
    pub width: usize,
    pub color: bool,
    /// Print only the findings: no summary, nothing of what was skipped.
    pub quiet: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Layout { width: 100, color: false, quiet: false }
    }
}

impl Layout {
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

    /// Labels other than the primary one.
    pub fn label(&self) -> Style {
        self.colored(Style::new().blue().bold())
    }

    pub fn help(&self) -> Style {
        self.colored(Style::new().green().bold())
    }

    /// `style` where colour is wanted, else none.
    fn colored(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }
}
