//! What a setting may be, said once: every optimizer, schedule and clipping checks its numbers with these few words, so that
//! all entrances (Rust, JSON, study files, the command line) refuse the same values in the same words.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use taper_tensor::Element;

/// A fault names the setting, the value given and what is allowed.
pub(crate) type Checked = Result<(), String>;

/// Decays, which must leave something to come: in [0, 1).
pub(crate) fn below_one(name: &str, value: f64) -> Checked {
    must((0.0..1.0).contains(&value), name, value, "in [0, 1)")
}

/// Parts of a whole: in [0, 1].
pub(crate) fn fraction(name: &str, value: f64) -> Checked {
    must((0.0..=1.0).contains(&value), name, value, "in [0, 1]")
}

/// A finite number that is 0 or more.
pub(crate) fn not_negative(name: &str, value: f64) -> Checked {
    let holds = (0.0..f64::INFINITY).contains(&value);
    must(holds, name, value, "finite and not below 0")
}

/// A finite number above 0.
pub(crate) fn positive(name: &str, value: f64) -> Checked {
    let holds = value > 0.0 && value.is_finite();
    must(holds, name, value, "finite and above 0")
}

/// A finite number above 0 that is above 0 among `E`, too: what keeps a quotient finite must not vanish there.
pub(crate) fn positive_in<E: Element>(name: &str, value: f64) -> Checked {
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

fn must(holds: bool, name: &str, value: f64, allowed: &str) -> Checked {
    if holds {
        return Ok(());
    }
    Err(format!("{name} is {value:?}, it must be {allowed}"))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    type Word = fn(&str, f64) -> Checked;

    #[test]
    fn each_word_draws_its_line() {
        let table: [(Word, [f64; 2], [f64; 3]); 4] = [
            (below_one, [0.0, 0.999], [1.0, -0.1, f64::INFINITY]),
            (
                fraction,
                [0.0, 1.0],
                [1.0 + f64::EPSILON, -0.1, f64::INFINITY],
            ),
            (
                not_negative,
                [0.0, f64::MAX],
                [-1e-300, f64::INFINITY, -1.0],
            ),
            (positive, [1e-300, f64::MAX], [0.0, -0.0, f64::INFINITY]),
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
