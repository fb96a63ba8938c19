//! The parts of a study's tables that are no options.

use serde::de::DeserializeOwned;

use super::wrong::Wrong;

/// The value of a key, if there is one.
pub(super) fn optional<T: DeserializeOwned>(
    table: &toml::Table,
    key: &str,
) -> Result<Option<T>, Wrong> {
    let value = table.get(key).cloned();
    let value = value.map(|value| value.try_into());
    value
        .transpose()
        .map_err(|error: toml::de::Error| Wrong::at(&[key], error.message()))
}

/// The value of a key that must be there.
pub(super) fn required<T: DeserializeOwned>(table: &toml::Table, key: &str) -> Result<T, Wrong> {
    let missing = || Wrong::at(&[], format!("missing field `{key}`"));
    optional(table, key)?.ok_or_else(missing)
}

/// Names become folders, so they are kept plain.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(format!(
            "`{name}` is no name; use up to 64 letters, digits, `-` and `_`"
        ));
    }
    Ok(())
}
