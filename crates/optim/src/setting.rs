//! What a setting may be, and how settings are read from JSON by name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use taper_tensor::setting::{
    Checked, below_one, fraction, not_negative, positive, positive_in,
};

/// Reads settings by name. Where serde says what is wrong with a value but not whose it is, the name is added.
pub(crate) fn read<T: DeserializeOwned>(entries: Value) -> Result<T, String> {
    serde_json::from_value(entries.clone()).map_err(|error| {
        let message = error.to_string();
        match culprit::<T>(&entries, &message) {
            Some(name) => format!("{name}: {message}"),
            None => message,
        }
    })
}

/// The entry that gives this message also when it stands alone.
fn culprit<T: DeserializeOwned>(entries: &Value, message: &str) -> Option<String> {
    if message.starts_with("missing field") || message.starts_with("unknown field") {
        return None; // it names the entry itself
    }
    let alone = |(name, value): (&String, &Value)| {
        let entry: Map<String, Value> = [(name.clone(), value.clone())].into_iter().collect();
        let error = serde_json::from_value::<T>(Value::Object(entry)).err()?;
        (error.to_string() == message).then(|| name.clone())
    };
    entries.as_object()?.iter().find_map(alone)
}
