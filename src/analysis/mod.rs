//! What is held where, and what follows from it. Knows no lint.

use crate::program::Program;

/// The results of the analysis of a program.
#[derive(Debug)]
pub struct Analysis<'a> {
    pub program: &'a Program<'a>,
}

/// Analyses `program`.
pub fn analyse<'a>(program: &'a Program<'a>) -> Analysis<'a> {
    Analysis { program }
}
