//! Checks that model and data fit each other, before anything is computed, with messages that say what to change.

use crate::{Error, Result, hints};
use taper_datasets::Dataset;
use taper_nn::{Loss, Model};

/// The data set has samples, its inputs are what the model takes, and batches have a size.
pub(crate) fn check(
    operation: &'static str,
    model: &Model,
    data: &dyn Dataset,
    batch_size: usize,
) -> Result<()> {
    if batch_size == 0 {
        return Err(Error::Setting(format!(
            "{operation}: the batch size must be at least 1"
        )));
    }
    if data.is_empty() {
        return Err(Error::EmptyDataset {
            operation,
            name: data.name().to_owned(),
        });
    }
    if u32::try_from(data.len()).is_err() {
        let message = format!(
            "{operation}: {} has {} samples; at most 2^32 - 1 can be numbered",
            data.name(),
            data.len()
        );
        return Err(Error::Setting(message));
    }
    if model.input_shape() != data.input_shape() {
        let (wants, has) = (model.input_shape(), data.input_shape());
        let same = wants.iter().product::<usize>() == has.iter().product::<usize>();
        let hint = if same {
            "; begin the model with a Reshape layer, or give it the data's shape"
        } else {
            ""
        };
        let name = data.name();
        let message = format!(
            "the model takes samples of shape {wants:?}, but those of {name} are {has:?}{hint}"
        );
        return Err(Error::shapes(operation, message));
    }
    Ok(())
}

/// The targets are what the loss takes for such an output.
pub(crate) fn check_targets(
    operation: &'static str,
    model: &Model,
    data: &dyn Dataset,
    loss: &dyn Loss,
) -> Result<()> {
    let (output, target) = (model.output_shape(), data.target_shape());
    loss.check_target(output, target).map_err(|error| {
        let name = data.name();
        let classes = if loss.is_classification() {
            "; the last layer must have as many units as there are classes"
        } else {
            ""
        };
        let hint = hints::about_targets(loss.name(), output, target);
        let classes = hint.as_deref().unwrap_or(classes);
        let message = format!(
            "the model's output {output:?} does not fit the targets {target:?} of {name}{classes} ({error})"
        );
        Error::shapes(operation, message)
    })
}
