//! What a setting of a layer may be, said once: layers check their numbers with these few words, whatever the entrance (Rust,
//! JSON, study files).

use serde_json::Value;

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
