//! What a setting of a layer may be, said once: layers check their numbers with these few words, whatever the entrance (Rust,
//! JSON, study files).

use crate::names::snake_case;
use serde_json::{Map, Value};

pub use taper_tensor::setting::read;
pub(crate) use taper_tensor::setting::{Checked, below_one, finite_in, fraction, not_negative_in};

/// The most values that the weights of a model have together, and the most that one sample has anywhere in it: 2³¹, which are
/// 8 GiB of f32. A description that asks for more is an error, before any memory is asked for.
pub const MAX_VALUES: usize = {
    let addressable = isize::MAX as usize / size_of::<f64>();
    match 1usize.checked_shl(31) {
        Some(most) if most < addressable => most,
        _ => addressable,
    }
};

/// How many there are of something: from 1 to what memory can have.
pub(crate) fn count(name: &str, value: usize) -> Checked {
    if (1..=MAX_VALUES).contains(&value) {
        return Ok(());
    }
    Err(format!(
        "{name} is {value}, it must be from 1 to {MAX_VALUES}"
    ))
}

/// A size or a step in each direction: at least 1. How large it may be, the image decides.
pub(crate) fn sizes(name: &str, values: &[usize]) -> Checked {
    if values.contains(&0) {
        return Err(format!("{name} is {values:?}, it must be at least 1"));
    }
    Ok(())
}

/// The product of a shape, or `None` where it is above [`MAX_VALUES`](MAX_VALUES). Zeros are counted as ones, so that
/// the rest of such a shape has sizes that can be calculated with, too.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |product, &n| product.checked_mul(n.max(1)))
        .filter(|&n| n <= MAX_VALUES)
        .map(|n| if shape.contains(&0) { 0 } else { n })
}

/// The numbers of a description, for messages: `units = 10, …`.
pub(crate) fn numbers(config: &Value) -> String {
    let is_number = |value: &Value| match value {
        Value::Array(items) => items.iter().all(Value::is_number),
        value => value.is_number(),
    };
    let entries = config.as_object().into_iter().flatten();
    let told = entries.filter(|(_, value)| is_number(value));
    let told: Vec<String> = told
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    told.join(", ")
}

/// What is described by a name and settings, in one of three ways: `"he_normal"`, `{"max_norm": {"axis": 1}}`, or as Keras
/// writes it, `{"class_name": "MaxNorm", "config": {"axis": 1}}`. The name in lower case; no settings are `{}`.
pub(crate) fn named(value: &Value, what: &str, example: &str) -> Result<(String, Value), String> {
    let nothing = || Value::Object(Map::new());
    match value {
        Value::String(name) => Ok((snake_case(name), nothing())),
        Value::Object(entries) if entries.contains_key("class_name") => {
            // Keras notes where a class lives, too.
            let known = [
                "class_name",
                "config",
                "module",
                "registered_name",
                "build_config",
            ];
            if let Some(odd) = entries.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(format!(
                    "unknown field `{odd}` beside class_name and config"
                ));
            }
            let Some(class_name) = entries["class_name"].as_str() else {
                return Err(format!(
                    "class_name is {}, expected a word",
                    entries["class_name"]
                ));
            };
            let config = entries.get("config").filter(|config| !config.is_null());
            Ok((
                snake_case(class_name),
                config.cloned().unwrap_or_else(nothing),
            ))
        }
        Value::Object(entries) if entries.len() == 1 => {
            let mut entries = entries.iter();
            let entry = entries
                .next()
                .map(|(name, settings)| (name.clone(), settings.clone()));
            entry.ok_or_else(|| format!("expected {what}"))
        }
        other => Err(format!("expected {what} such as {example}, found {other}")),
    }
}

/// Which of these classes has this name in lower case.
pub(crate) fn row(
    name: &str,
    classes: impl Iterator<Item = &'static str> + Clone,
) -> Result<usize, String> {
    let found = classes.clone().position(|class| snake_case(class) == name);
    found.ok_or_else(|| {
        let names: Vec<String> = classes.map(snake_case).collect();
        format!(
            "unknown variant `{name}`, expected one of {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sizes_have_their_ends() {
        assert!(count("x", 0).is_err() && count("x", MAX_VALUES + 1).is_err());
        assert_eq!(count("x", MAX_VALUES), Ok(()));
        assert!(sizes("x", &[3, 0]).is_err());
    }
}
