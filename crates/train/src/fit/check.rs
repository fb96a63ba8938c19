//! What can be told of the settings alone, before the first batch: that each is one, whichever way it came.

use crate::{Error, Result, setting, settings::Settings};
use taper_datasets::Dataset;

/// The optimizer's, and the samples' weights. Loss and metrics are looked at wherever they are measured.
///
/// # Errors
/// Names the setting, the value given and what is allowed.
pub(super) fn settings(settings: &Settings<'_>, data: &dyn Dataset) -> Result<()> {
    settings.optimizer.check()?;
    sample_weights(data)
}

fn sample_weights(data: &dyn Dataset) -> Result<()> {
    if !data.has_sample_weights() {
        return Ok(());
    }
    let weight = |index: usize| f64::from(data.sample_weight(index));
    let wrong = |&index: &usize| setting::not_negative("", weight(index)).is_err();
    // A name is made only for one that is wrong: there may be many.
    let Some(index) = (0..data.len()).find(wrong) else {
        return Ok(());
    };
    let name = format!("the weight of sample {index}");
    setting::not_negative(&name, weight(index))
        .map_err(|fault| Error::Setting(format!("{}: {fault}", data.name())))
}
