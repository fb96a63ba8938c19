//! What a setting of training may be, said once: callbacks, metrics and weights check their numbers with these few words.

use crate::Error;

/// A fault names the setting, the value given and what is allowed.
pub(crate) type Checked = Result<(), String>;

/// Factors that make smaller: in [0, 1).
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

/// A whole number between these, both included.
pub(crate) fn between(name: &str, value: usize, [least, most]: [usize; 2]) -> Checked {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!(
        "{name} is {value}, it must be from {least} to {most}"
    ))
}

/// The error of what has this setting.
pub(crate) fn of(owner: &str, fault: String) -> Error {
    Error::Setting(format!("{owner}: {fault}"))
}

fn must(holds: bool, name: &str, value: f64, allowed: &str) -> Checked {
    if holds {
        return Ok(());
    }
    Err(format!("{name} is {value:?}, it must be {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Word = fn(&str, f64) -> Checked;

    #[test]
    fn each_word_draws_its_line() {
        let table: [(Word, [f64; 2], [f64; 3]); 3] = [
            (below_one, [0.0, 0.999], [1.0, -0.1, f64::INFINITY]),
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
        assert!(between("k", 0, [1, 3]).is_err() && between("k", 4, [1, 3]).is_err());
        assert_eq!(between("k", 3, [1, 3]), Ok(()));
    }
}
