//! What a project says of itself beside its sources: what linking and analysis must know of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalogs;
use crate::ir::Name;

/// What runs Python code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// An interpreter with the global interpreter lock.
    Gil,
    /// An interpreter without it (PEP 703).
    FreeThreaded,
}

/// An order of locks that is declared outside the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredOrder {
    /// `Registry.lock`, first to last.
    pub locks: Vec<Name>,
    /// `lockset.toml:12`.
    pub place: Name,
}

/// What is said of a program beside its sources.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub catalogs: Catalogs,
    pub runtime: Option<Runtime>,
    pub orders: Vec<DeclaredOrder>,
}
