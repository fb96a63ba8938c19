//! What can be told of the settings alone, before the first batch: that each is one, whichever way it came.

use crate::{Error, Result, setting, settings::Settings};
use taper_datasets::Dataset;
use taper_nn::{Loss, losses};

/// The optimizer's, the loss's and the samples' weights.
///
/// # Errors
/// Names the setting, the value given and what is allowed.
pub(super) fn settings(settings: &Settings<'_>, data: &dyn Dataset) -> Result<()> {
    settings.optimizer.check()?;
    loss(&*settings.loss)?;
    sample_weights(data)
}

/// Fields of a loss are public, so its description is read again, where the checks are.
fn loss(loss: &dyn Loss) -> Result<()> {
    let config = loss.config();
    let known = losses::all::<f32>()
        .iter()
        .any(|row| row.name == loss.name());
    if !known || config.get("label_smoothing").is_none() {
        return Ok(());
    }
    if config["label_smoothing"].is_null() {
        // JSON has no NaN and no infinity.
        let fault = "label_smoothing is no finite number, it must be in [0, 1]";
        return Err(setting::of(loss.name(), fault.into()));
    }
    losses::from_config::<f32>(loss.name(), &config)?;
    Ok(())
}

fn sample_weights(data: &dyn Dataset) -> Result<()> {
    if !data.has_sample_weights() {
        return Ok(());
    }
    for index in 0..data.len() {
        let weight = f64::from(data.sample_weight(index));
        let name = format!("the weight of sample {index}");
        setting::not_negative(&name, weight)
            .map_err(|fault| Error::Setting(format!("{}: {fault}", data.name())))?;
    }
    Ok(())
}
