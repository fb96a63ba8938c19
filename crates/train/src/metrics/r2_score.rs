//! The coefficient of determination.

use super::{Metric, Row, Sample, each_value, parse, same_shape};
use crate::{Mode, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// R² = 1 − Σ(target − output)² / Σ(target − mean target)², over the whole set, for each value of a sample, averaged over
/// them (Keras's `R2Score` with `class_aggregation="uniform_average"`). 1 is perfect, 0 no better than the mean. Values
/// whose targets do not vary have no R² and count 0. Output and target have the same shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct R2Score {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const R2Score: R2Score = R2Score {};

const NAME: &str = "r2_score";

impl Metric for R2Score {
    fn name(&self) -> String {
        NAME.into()
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// For each value of a sample: weights, targets, their squares, squared errors.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        same_shape(NAME, output, target)?;
        Ok(4 * output.iter().product::<usize>())
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let pair = (output, target);
        each_value(
            NAME,
            pair,
            sample_weights,
            |place, output, target, weight| {
                let figures = [1.0, target, target.powi(2), (target - output).powi(2)];
                for (sum, figure) in sums[4 * place..].iter_mut().zip(figures) {
                    *sum += weight * figure;
                }
            },
        )
    }

    fn value(&self, sums: &[f64]) -> f64 {
        let of_place = |place: &[f64]| {
            let [weights, sum, squares, errors] = *place else {
                return 0.0;
            };
            let total = squares - sum * sum / weights;
            // Without samples 0 / 0; a NaN of the errors stays one.
            if total > 0.0 || errors.is_nan() {
                1.0 - errors / total
            } else {
                0.0
            }
        };
        let places = sums.len() / 4;
        sums.chunks_exact(4).map(of_place).sum::<f64>() / places.max(1) as f64
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "R2Score",
        name: NAME,
        about: "1 − Σ(target − output)² / Σ(target − mean)², averaged over the values of a sample",
        file: file!(),
        from_config: |config| Ok(Box::new(parse::<R2Score>("R2Score", config)?)),
        by_name: |name| (name == NAME).then(|| Box::new(R2Score) as _),
        sample: || Sample {
            config: json!({}),
            // 1 − 2/8 and 1 − 5/2.
            output: Tensor::from_fn([3, 2], |i| [2.0, 0.0, 3.0, 4.0, 4.0, 0.0][i]),
            target: Tensor::from_fn([3, 2], |i| [1.0, 0.0, 3.0, 2.0, 5.0, 1.0][i]),
            value: (0.75 - 1.5) / 2.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(output: [f32; 3], target: [f32; 3]) -> f64 {
        let column = |values: &[f32]| Tensor::from_slice([3, 1], values).unwrap();
        R2Score.measure(&column(&output), &column(&target)).unwrap()
    }

    #[test]
    fn perfect_is_1_the_mean_is_0_and_without_variation_there_is_none() {
        assert_eq!(measure([1.0, 2.0, 6.0], [1.0, 2.0, 6.0]), 1.0);
        assert_eq!(measure([3.0, 3.0, 3.0], [1.0, 2.0, 6.0]), 0.0);
        assert_eq!(measure([3.0, 2.0, 1.0], [2.0, 2.0, 2.0]), 0.0);
        assert!(measure([f32::NAN, 2.0, 1.0], [1.0, 2.0, 6.0]).is_nan());
    }
}
