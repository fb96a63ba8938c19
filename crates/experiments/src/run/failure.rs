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
    /// Whether its training diverged: a loss, a weight or what belongs to one became a number that is none. Not so where
    /// it was the data that held one.
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
            diverged: matches!(
                error,
                Error::Train(taper_train::Error::NotFinite { diverged: true, .. })
            ),
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

    /// A failure of a training on one sample with this input.
    fn trained_on(input: f32, rate: f64) -> JobFailure {
        use taper_tensor::{Seed, Tensor};
        use taper_train::prelude::*;
        let x = Tensor::from_slice([1, 1], &[input]).expect("one number");
        let y = Tensor::from_slice([1, 1], &[1e4]).expect("one number");
        let data = taper_datasets::InMemory::new(x, y).expect("one sample");
        let model = Sequential::new([1]).add(Dense::new(1));
        let mut model = model.build(Seed(3)).expect("it builds");
        let trainer = Trainer::new(SGD::new(rate), MeanSquaredError).epochs(3);
        let error = { trainer }.fit(&mut model, &data).expect_err("it fails");
        JobFailure::of(&crate::Error::Train(error))
    }

    #[test]
    fn diverged_is_a_training_that_ran_away_not_one_on_data_that_is_none() {
        for rate in [1e30, 1e38] {
            let failure = trained_on(1.0, rate);
            assert!(failure.diverged, "{failure}");
            assert!(failure.message.contains("learning rate"), "{failure}");
        }
        for (input, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (1e30, "1e30")] {
            let failure = trained_on(input, 0.1);
            assert!(!failure.diverged, "{failure}");
            let named = format!("the input of sample 0 holds {word}");
            assert!(failure.message.contains(&named), "{failure}");
            assert!(!failure.message.contains("learning rate"), "{failure}");
        }
    }

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
