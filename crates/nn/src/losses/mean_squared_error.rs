//! The mean of squared differences.

use super::{Loss, Row, Sample, fit};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// (output − target)², averaged over everything. Output and target have the same shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanSquaredError {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const MeanSquaredError: MeanSquaredError = MeanSquaredError {};

const NAME: &str = "mean_squared_error";

impl<E: Element> Loss<E> for MeanSquaredError {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = output.tape().constant(&fit(NAME, output.shape(), target)?);
        Ok(output.sub(&target)?.square().mean())
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "MeanSquaredError",
        name: NAME,
        about: "(output − target)², averaged over everything",
        file: file!(),
        from_config: |config| {
            Ok(Box::new(config::parse::<MeanSquaredError>(
                "MeanSquaredError",
                config,
            )?))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let (output, target) = (sampler.tensor(&shape), sampler.tensor(&shape));
            Sample {
                config: json!({}),
                output,
                target,
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        close(
            value(
                &MeanSquaredError,
                (&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
                (&[2, 2], &[1.0, 0.0, 3.0, 1.0]),
            ),
            13.0 / 4.0,
        );
        // Keras takes a flat target for a column of outputs.
        close(
            value(
                &MeanSquaredError,
                (&[2, 1], &[1.0, 2.0]),
                (&[2], &[0.0, 0.0]),
            ),
            2.5,
        );
    }
}
