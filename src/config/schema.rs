//! The JSON Schema of the configuration, for editors and other programs.

use super::keys::Keys;

/// The schema as text, as it is shipped.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Keys);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}
