//! What the tool does as a whole: the rule book, the fixtures, the command line, properties that hold for any input.
//! One binary, which links once.

mod baseline;
mod cache;
mod cli;
mod common;
mod config;
mod context;
mod drops;
mod fixtures;
mod formats;
mod properties;
mod readme;
mod robustness;
mod rulebook;
#[path = "../../src/report/schemas.rs"]
mod schemas;
mod since;
mod support;
mod suppression;
mod workspaces;
