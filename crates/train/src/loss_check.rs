//! The settings of a loss, whichever way it was made: its fields are public, so it is asked again.

use crate::{Result, setting};
use taper_nn::{Loss, losses};

/// What from_config would refuse is refused.
///
/// # Errors
/// Names the setting, the value given and what is allowed.
pub(crate) fn check(loss: &dyn Loss) -> Result<()> {
    let known = losses::all::<f32>()
        .iter()
        .any(|row| row.name == loss.name());
    if known
        && loss
            .config()
            .get("label_smoothing")
            .is_some_and(|value| value.is_null())
    {
        // JSON has no NaN and no infinity.
        let fault = "label_smoothing is no finite number, it must be in [0, 1]";
        return Err(setting::of(loss.name(), fault.into()));
    }
    Ok(loss.check()?)
}
