//! Why a job failed, as the page and a later resumption tell it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Why a job has no result although it was tried; displayed, it is the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The reason, worded for the user.
    pub message: String,
    /// Whether it is that its files cannot be read. Such a failure is found, never recorded.
    #[serde(skip)]
    pub unreadable: bool,
    /// Whether its training diverged: it met a number that is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverged: bool,
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl JobFailure {
    /// Of a job that ended with this error.
    #[must_use]
    pub fn of(error: &Error) -> JobFailure {
        JobFailure {
            message: match error {
                Error::Job { message, .. } => message.clone(),
                other => other.to_string(),
            },
            unreadable: false,
            diverged: matches!(error, Error::Train(taper_train::Error::NotFinite { .. })),
        }
    }
}

/// What `work` gives, or what it said when it panicked. Jobs share only what they read, flags and locks that survive a
/// panic, so that others may go on after one.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let said = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        format!(
            "a fault in the program itself: {}",
            said.unwrap_or_else(|| "a panic that says nothing".into())
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        assert_eq!(guarded(|| 3), Ok(3));
        let message = guarded(|| panic!("it broke at {}", 7)).map(|()| 0);
        assert_eq!(
            message,
            Err("a fault in the program itself: it broke at 7".into())
        );
        let silent = guarded(|| std::panic::panic_any(7)).map(|()| 0);
        assert!(silent.is_err_and(|message| message.contains("says nothing")));
    }
}
