//! What a setting of training may be, said once: callbacks, metrics and weights check their numbers with these few words.

use crate::Error;

pub(crate) use taper_tensor::setting::{Checked, below_one, fraction, not_negative, positive};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_between() {
        assert!(between("k", 0, [1, 3]).is_err() && between("k", 4, [1, 3]).is_err());
        assert_eq!(between("k", 3, [1, 3]), Ok(()));
    }
}
