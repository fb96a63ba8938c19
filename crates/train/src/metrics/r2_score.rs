//! The coefficient of determination.

use super::{Metric, Row, Sample, each_value, parse, same_shape, settings};
use crate::{Mode, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_tensor::Tensor;

/// R² = 1 − Σ(target − output)² / Σ(target − mean target)², over the whole set, for each value of a sample, and averaged over
/// them. 1 is perfect, 0 no better than the mean. Values whose targets do not vary have no R² and count 0. Output and target
/// have the same shape.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, R2Score};
/// let output = Tensor::from_vec([3, 1], vec![2.0, 3.0, 4.0])?;
/// let target = Tensor::from_vec([3, 1], vec![1.0, 3.0, 5.0])?;
/// assert_eq!(R2Score.measure(&output, &target)?, 0.75);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct R2Score {
    /// How the values of a sample become one number (default: their mean).
    #[serde(skip_serializing_if = "is_default")]
    pub class_aggregation: Aggregation,
    /// How many inputs the model has, for the adjusted R² (default: 0, not adjusted). As in Keras each value of a sample
    /// counts as one of the n, and with fewer of them than inputs nothing is adjusted.
    #[serde(skip_serializing_if = "is_default")]
    pub num_regressors: usize,
}

/// How the R² of the values of a sample become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Words>", into = "Option<Words>")]
#[non_exhaustive]
pub enum Aggregation {
    /// Their mean.
    #[default]
    UniformAverage,
    /// Their mean, each as much as its targets vary.
    VarianceWeightedAverage,
    /// Not at all: [`Metric::values`] has all of them, and as one number their mean.
    None,
}

/// Keras's words.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Words {
    UniformAverage,
    VarianceWeightedAverage,
}

impl From<Option<Words>> for Aggregation {
    fn from(words: Option<Words>) -> Self {
        match words {
            None => Aggregation::None,
            Some(Words::UniformAverage) => Aggregation::UniformAverage,
            Some(Words::VarianceWeightedAverage) => Aggregation::VarianceWeightedAverage,
        }
    }
}

impl From<Aggregation> for Option<Words> {
    fn from(aggregation: Aggregation) -> Self {
        match aggregation {
            Aggregation::None => None,
            Aggregation::UniformAverage => Some(Words::UniformAverage),
            Aggregation::VarianceWeightedAverage => Some(Words::VarianceWeightedAverage),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The mean over the values of a sample, not adjusted.
#[allow(non_upper_case_globals)]
pub const R2Score: R2Score = R2Score {
    class_aggregation: Aggregation::UniformAverage,
    num_regressors: 0,
};

impl R2Score {
    /// With the values of a sample as one number in another way.
    #[must_use]
    pub fn aggregation(mut self, aggregation: Aggregation) -> Self {
        self.class_aggregation = aggregation;
        self
    }

    /// Adjusted for a model of this many inputs.
    #[must_use]
    pub fn adjusted(mut self, num_regressors: usize) -> Self {
        self.num_regressors = num_regressors;
        self
    }

    /// The sums of each value; behind them stands the number of all values, if it is wanted.
    fn places(self, sums: &[f64]) -> impl Iterator<Item = (f64, f64)> {
        sums.chunks_exact(4).map(score)
    }

    fn adjust(self, score: f64, sums: &[f64]) -> f64 {
        let (inputs, count) = (
            self.num_regressors as f64,
            sums.last().copied().unwrap_or(0.0),
        );
        if self.num_regressors == 0 || inputs >= count - 1.0 {
            return score;
        }
        1.0 - (1.0 - score) * (count - 1.0) / (count - inputs - 1.0)
    }
}

/// R² and Σ(target − mean)² of one value.
fn score(place: &[f64]) -> (f64, f64) {
    let [weights, sum, squares, errors] = *place else {
        return (0.0, 0.0);
    };
    let total = squares - sum * sum / weights;
    // Without samples 0 / 0; a NaN of the errors stays one.
    match total > 0.0 || errors.is_nan() {
        true => (1.0 - errors / total, total),
        false => (0.0, 0.0),
    }
}

const NAME: &str = "r2_score";

impl Metric for R2Score {
    fn name(&self) -> String {
        NAME.into()
    }

    fn config(&self) -> Value {
        settings(self)
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    /// For each value of a sample: weights, targets, their squares, squared errors.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        same_shape(NAME, output, target)?;
        let all = usize::from(self.num_regressors > 0);
        Ok(4 * output.iter().product::<usize>() + all)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let pair = (output, target);
        if let (true, Some(all)) = (self.num_regressors > 0, sums.last_mut()) {
            *all += output.len() as f64;
        }
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
        let places = sums.len() / 4;
        let score = match self.class_aggregation {
            Aggregation::VarianceWeightedAverage => {
                let (part, whole) = self
                    .places(sums)
                    .fold((0.0, 0.0), |(part, whole), (score, total)| {
                        (part + score * total, whole + total)
                    });
                if whole == 0.0 { 0.0 } else { part / whole }
            }
            _ => self.places(sums).map(|(score, _)| score).sum::<f64>() / places.max(1) as f64,
        };
        self.adjust(score, sums)
    }

    /// One for each value of a sample, where they are not aggregated.
    fn values(&self, sums: &[f64]) -> Vec<f64> {
        match self.class_aggregation {
            Aggregation::None => {
                let places = self.places(sums);
                places.map(|(score, _)| self.adjust(score, sums)).collect()
            }
            _ => vec![self.value(sums)],
        }
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
