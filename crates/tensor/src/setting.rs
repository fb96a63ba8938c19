//! What a number among settings may be, said once: layers, optimizers, schedules, losses, callbacks and metrics check
//! theirs with these few words, so that all entrances (Rust, JSON, study files, the command line) refuse the same values
//! in the same words.

use crate::Element;

/// A fault names the setting, the value given and what is allowed.
pub type Checked = Result<(), String>;

/// Reads settings by name. Where serde says what is wrong with a value but not whose it is, the name is added. With the
/// feature `json`.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Noise { stddev: f64 }
/// let error = taper_tensor::setting::read::<Noise>(serde_json::json!({"stddev": "much"})).unwrap_err();
/// assert_eq!(error, "stddev: invalid type: string \"much\", expected f64");
/// ```
///
/// # Errors
/// An entry that is missing, unknown, or of another kind.
#[cfg(feature = "json")]
pub fn read<T: serde::de::DeserializeOwned>(entries: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(entries.clone()).map_err(|error| {
        let message = error.to_string();
        match culprit::<T>(&entries, &message) {
            Some(name) => format!("{name}: {message}"),
            None => message,
        }
    })
}

/// Rates and decays, which must leave something: in [0, 1).
///
/// # Errors
/// Any other number.
pub fn below_one(name: &str, value: f64) -> Checked {
    must((0.0..1.0).contains(&value), name, value, "in [0, 1)")
}

/// Parts of a whole: in [0, 1].
///
/// # Errors
/// Any other number.
pub fn fraction(name: &str, value: f64) -> Checked {
    must((0.0..=1.0).contains(&value), name, value, "in [0, 1]")
}

/// A finite number that is 0 or more.
///
/// # Errors
/// Any other number.
pub fn not_negative(name: &str, value: f64) -> Checked {
    not_negative_in::<f64>(name, value)
}

/// A number that is 0 or more, and finite among `E` too.
///
/// # Errors
/// Any other number.
pub fn not_negative_in<E: Element>(name: &str, value: f64) -> Checked {
    let holds = value >= 0.0 && E::from_f64(value).is_finite();
    must(holds, name, value, "finite and not below 0")
}

/// A finite number above 0.
///
/// # Errors
/// Any other number.
pub fn positive(name: &str, value: f64) -> Checked {
    let holds = value > 0.0 && value.is_finite();
    must(holds, name, value, "finite and above 0")
}

/// A finite number above 0 that is above 0 among `E`, too: what keeps a quotient finite must not vanish there.
///
/// # Errors
/// Any other number.
pub fn positive_in<E: Element>(name: &str, value: f64) -> Checked {
    positive(name, value)?;
    let element = E::from_f64(value);
    let holds = element > E::zero() && element.is_finite();
    must(
        holds,
        name,
        value,
        "above 0 and finite in the weights' precision, too",
    )
}

/// A number that is finite among `E`, too.
///
/// # Errors
/// Any other number.
pub fn finite_in<E: Element>(name: &str, value: f64) -> Checked {
    must(E::from_f64(value).is_finite(), name, value, "finite")
}

fn must(holds: bool, name: &str, value: f64, allowed: &str) -> Checked {
    if holds {
        return Ok(());
    }
    Err(format!("{name} is {value:?}, it must be {allowed}"))
}

/// The entry that gives this message also when it stands alone.
#[cfg(feature = "json")]
fn culprit<T: serde::de::DeserializeOwned>(
    entries: &serde_json::Value,
    message: &str,
) -> Option<String> {
    if message.starts_with("missing field") || message.starts_with("unknown field") {
        return None; // it names the entry itself
    }
    let alone = |(name, value): (&String, &serde_json::Value)| {
        let entry = [(name.clone(), value.clone())].into_iter().collect();
        let error = serde_json::from_value::<T>(serde_json::Value::Object(entry)).err()?;
        (error.to_string() == message).then(|| name.clone())
    };
    entries.as_object()?.iter().find_map(alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Word = fn(&str, f64) -> Checked;

    #[test]
    fn each_word_draws_its_line() {
        let table: [(Word, [f64; 2], [f64; 3]); 7] = [
            (below_one, [0.0, 0.999], [1.0, -0.1, f64::INFINITY]),
            (
                fraction,
                [0.0, 1.0],
                [1.0 + f64::EPSILON, -0.1, f64::INFINITY],
            ),
            (
                fraction,
                [-0.0, 1.0],
                [1.0 + f64::EPSILON, -0.1, f64::INFINITY],
            ),
            (
                not_negative,
                [0.0, f64::MAX],
                [-1e-300, f64::INFINITY, -1.0],
            ),
            (
                not_negative_in::<f32>,
                [0.0, 1e38],
                [-1e-300, f64::INFINITY, 1e39],
            ),
            (positive, [1e-300, f64::MAX], [0.0, -0.0, f64::INFINITY]),
            (
                finite_in::<f32>,
                [-1e38, 0.0],
                [1e39, f64::NEG_INFINITY, f64::INFINITY],
            ),
        ];
        for (word, allowed, refused) in table {
            for value in allowed {
                assert_eq!(word("x", value), Ok(()));
            }
            for value in refused.into_iter().chain([f64::NAN]) {
                let error = word("x", value).unwrap_err();
                assert!(
                    error.starts_with(&format!("x is {value:?}, it must be ")),
                    "{error}"
                );
            }
        }
        assert!(positive_in::<f32>("x", 1e-60).is_err());
        assert!(positive_in::<f32>("x", 1e60).is_err());
        assert_eq!(positive_in::<f64>("x", 1e-60), Ok(()));
    }
}
