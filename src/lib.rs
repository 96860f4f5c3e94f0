//! lockset finds shared-state misuse in Rust and Python before it runs: lost updates, torn snapshots, deadlocks.
//!
//! The pipeline, in the order data flows. An arrow never runs back: a frontend knows no lint, a lint knows no syntax, a
//! report knows no analysis.
//!
//! ```text
//! source ─► frontend ─► ir ─► program ─► analysis ─► lints ─► finding ─► report
//! ```

pub mod analysis;
pub mod cache;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod finding;
pub mod frontend;
pub mod ir;
pub mod lints;
pub mod program;
pub mod report;
pub mod session;
pub mod source;
