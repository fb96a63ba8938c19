//! Where initial weights come from: Keras's initializers, as pure functions of the seed and of the weight's place in
//! the model, so that the same seed gives the same network on any machine and any number of threads.

mod json;
mod orthogonal;

use crate::setting::{Checked, finite_in, not_negative_in};
use serde::Serialize;
use taper_tensor::{Element, Key, Seed, Stream, Tensor};

/// Where initial weights come from. In JSON and TOML by Keras's names: `"glorot_uniform"`, `{"constant": 0.1}`,
/// `{"random_normal": {"mean": 0, "stddev": 0.1}}`. What is absent has Keras's default, and `"random_normal"` alone is one with
/// all of them; `{"class_name": "RandomNormal", "config": {…}}` is read, too.
///
/// `fan_in` and `fan_out` count the inputs and outputs of one unit: the two sides of a matrix; for a convolution
/// kernel `[kh, kw, in, out]` the channels times `kh · kw`.
///
/// ```
/// use taper_nn::Initializer;
/// use taper_tensor::Seed;
/// let kernel = Initializer::GlorotUniform.tensor::<f32>(&[100, 50], Seed(7), 0);
/// let limit = (6.0f32 / 150.0).sqrt();
/// assert!(kernel.to_vec().iter().all(|w| w.abs() <= limit));
/// let small: Initializer = serde_json::from_str(r#"{"random_uniform": {"minval": 0}}"#)?;
/// assert_eq!(small, Initializer::RandomUniform { minval: 0.0, maxval: 0.05 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Initializer {
    /// Uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010). Keras's default for kernels.
    GlorotUniform,
    /// Truncated normal of standard deviation √(2 / (fan_in + fan_out)).
    GlorotNormal,
    /// Uniform in ±√(6 / fan_in) (He et al. 2015), for relu.
    HeUniform,
    /// Truncated normal of standard deviation √(2 / fan_in).
    HeNormal,
    /// Uniform in ±√(3 / fan_in) (LeCun et al. 1998), for selu.
    LecunUniform,
    /// Truncated normal of standard deviation √(1 / fan_in).
    LecunNormal,
    /// All 0. Keras's default for biases.
    Zeros,
    /// All 1.
    Ones,
    /// All the same value.
    Constant(f64),
    /// Normal, of any size.
    RandomNormal {
        /// The mean (default: 0).
        mean: f64,
        /// The standard deviation, 0 or more (default: 0.05).
        stddev: f64,
    },
    /// Uniform in [minval, maxval).
    RandomUniform {
        /// The least value (default: −0.05).
        minval: f64,
        /// What all values are below, not less than `minval` (default: 0.05).
        maxval: f64,
    },
    /// Normal, but drawn again beyond two deviations from the mean.
    TruncatedNormal {
        /// The mean (default: 0).
        mean: f64,
        /// The standard deviation of the normal before it is cut off, 0 or more (default: 0.05).
        stddev: f64,
    },
    /// Of variance `scale / n`, n being what `mode` counts.
    VarianceScaling {
        /// The variance in units of 1 / n, above 0 (default: 1).
        scale: f64,
        /// What n counts (default: `fan_in`).
        mode: Fan,
        /// How values are spread (default: truncated normal).
        distribution: Distribution,
    },
    /// Rows or columns, whichever are fewer, of length `gain` and at right angles to each other (Saxe et al. 2014). Of weights
    /// with more than two axes the last one is the columns. Not for vectors.
    Orthogonal {
        /// Factor of all values (default: 1).
        gain: f64,
    },
    /// All this value but for a second quarter of ones: the bias of an LSTM with `unit_forget_bias`, which writes it that way.
    UnitForget(f64),
    /// `gain` on the diagonal of a matrix, 0 elsewhere.
    Identity {
        /// Factor of all values (default: 1).
        gain: f64,
    },
}

/// What the variance of [`Initializer::VarianceScaling`] is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fan {
    /// Inputs of one unit.
    #[default]
    FanIn,
    /// Outputs of one unit.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// How the values of [`Initializer::VarianceScaling`] are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Distribution {
    /// Normal, cut off at two deviations of the draw, which is made so much larger that the variance stays.
    #[default]
    #[serde(alias = "normal")]
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform between ± one limit.
    Uniform,
}

/// One kind of initializer.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Keras's class name.
    pub class_name: &'static str,
    /// What the values are, in one line.
    pub about: &'static str,
    /// One with Keras's defaults (`Constant` with 0).
    pub default: Initializer,
}

/// Every kind of initializer.
#[rustfmt::skip]
pub fn all() -> Vec<Row> {
    use Initializer::*;
    let row = |class_name, about, default| Row { class_name, about, default };
    let (mean, stddev, gain) = (0.0, 0.05, 1.0);
    let scaling = VarianceScaling { scale: 1.0, mode: Fan::default(), distribution: Distribution::default() };
    vec![
        row("Constant", "all the same value", Constant(0.0)),
        row("GlorotNormal", "truncated normal of variance 2 / (fan_in + fan_out)", GlorotNormal),
        row("GlorotUniform", "uniform in ±√(6 / (fan_in + fan_out))", GlorotUniform),
        row("HeNormal", "truncated normal of variance 2 / fan_in", HeNormal),
        row("HeUniform", "uniform in ±√(6 / fan_in)", HeUniform),
        row("Identity", "gain on the diagonal, 0 elsewhere", Identity { gain }),
        row("LecunNormal", "truncated normal of variance 1 / fan_in", LecunNormal),
        row("LecunUniform", "uniform in ±√(3 / fan_in)", LecunUniform),
        row("Ones", "all 1", Ones),
        row("Orthogonal", "rows or columns at right angles", Orthogonal { gain }),
        row("RandomNormal", "normal", RandomNormal { mean, stddev }),
        row("RandomUniform", "uniform", RandomUniform { minval: -0.05, maxval: 0.05 }),
        row("TruncatedNormal", "normal within two deviations", TruncatedNormal { mean, stddev }),
        row("VarianceScaling", "of variance scale / n", scaling),
        row("Zeros", "all 0", Zeros),
    ]
}

/// The standard deviation of a standard normal cut off at ±2.
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// Keras's default for kernels.
    pub(crate) fn default_kernel() -> Self {
        Initializer::GlorotUniform
    }

    /// Keras's default for biases.
    pub(crate) fn default_bias() -> Self {
        Initializer::Zeros
    }

    /// Keras's default for what multiplies.
    pub(crate) fn default_scale() -> Self {
        Initializer::Ones
    }

    /// The values of weight number `index` (counted over the whole model) with this `shape`. Of a shape that
    /// [`check`](Self::check) finds unfit they are all 0.
    pub fn tensor<E: Element>(self, shape: &[usize], seed: Seed, index: u32) -> Tensor<E> {
        let key = seed.key(Stream::Init(index), 0);
        match self {
            Initializer::Zeros => Tensor::zeros(shape),
            Initializer::Ones => Tensor::ones(shape),
            Initializer::Constant(value) => Tensor::full(shape, E::from_f64(value)),
            Initializer::RandomNormal { mean, stddev } => Tensor::normal(shape, mean, stddev, key),
            Initializer::RandomUniform { minval, maxval } => {
                Tensor::uniform(shape, minval, maxval, key)
            }
            Initializer::TruncatedNormal { mean, stddev } => {
                Tensor::truncated_normal(shape, mean, stddev, key)
            }
            Initializer::Orthogonal { gain } => orthogonal::tensor(shape, gain, key),
            Initializer::UnitForget(rest) => unit_forget(shape, E::from_f64(rest)),
            Initializer::Identity { gain } => identity(shape, E::from_f64(gain)),
            scaling => {
                let (scale, mode, distribution) = scaling.scaling();
                scaled(shape, scale, mode, distribution, key)
            }
        }
    }

    /// What makes it no initializer of numbers `E` and this shape, with the setting's name.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed; or says what shapes it is for.
    pub fn check<E: Element>(self, shape: &[usize]) -> Checked {
        match self {
            Initializer::Constant(value) | Initializer::UnitForget(value) => {
                finite_in::<E>("constant", value)
            }
            Initializer::RandomNormal { mean, stddev }
            | Initializer::TruncatedNormal { mean, stddev } => {
                // So far that what is drawn is finite, too: nothing is drawn beyond 40 deviations.
                finite_in::<E>("mean", mean)
                    .and_then(|()| not_negative_in::<E>("stddev", stddev))
                    .and_then(|()| finite_in::<E>("mean + 40·stddev", mean.abs() + 40.0 * stddev))
            }
            Initializer::RandomUniform { minval, maxval } => {
                finite_in::<E>("minval", minval)
                    .and_then(|()| finite_in::<E>("maxval", maxval))
                    .and_then(|()| finite_in::<E>("maxval − minval", maxval - minval))?;
                match minval <= maxval {
                    true => Ok(()),
                    false => Err(format!(
                        "minval is {minval:?}, it must not be above maxval, {maxval:?}"
                    )),
                }
            }
            Initializer::VarianceScaling { scale, .. } => match scale > 0.0 && scale <= 1e30 {
                true => Ok(()),
                false => Err(format!(
                    "scale is {scale:?}, it must be above 0 and at most 1e30"
                )),
            },
            Initializer::Orthogonal { gain } => {
                finite_in::<E>("gain", gain)?;
                match shape.len() >= 2 {
                    true => Ok(()),
                    false => Err(format!(
                        "orthogonal is for at least two axes, not for {shape:?}"
                    )),
                }
            }
            Initializer::Identity { gain } => {
                finite_in::<E>("gain", gain)?;
                match shape.len() == 2 {
                    true => Ok(()),
                    false => Err(format!("identity is for matrices, not for {shape:?}")),
                }
            }
            _ => Ok(()),
        }
    }

    /// The same, where a kernel's shape does not tell how many inputs and outputs a unit has (heads have axes of their own): what
    /// depends on these numbers becomes a distribution that does not.
    pub(crate) fn with_fans(self, fan_in: f64, fan_out: f64) -> Initializer {
        use Initializer as I;
        let scales = matches!(
            self,
            I::GlorotUniform
                | I::GlorotNormal
                | I::HeUniform
                | I::HeNormal
                | I::LecunUniform
                | I::LecunNormal
                | I::VarianceScaling { .. }
        );
        let (scale, mode, distribution) = self.scaling();
        if !scales || self.check::<f64>(&[1, 1]).is_err() {
            return self;
        }
        let n = mode.of(fan_in, fan_out);
        let (mean, stddev) = (0.0, (scale / n).sqrt());
        match distribution {
            Distribution::Uniform => {
                let limit = (3.0 * scale / n).sqrt();
                I::RandomUniform {
                    minval: -limit,
                    maxval: limit,
                }
            }
            Distribution::UntruncatedNormal => I::RandomNormal { mean, stddev },
            Distribution::TruncatedNormal => I::TruncatedNormal {
                mean,
                stddev: stddev / TRUNCATED_DEVIATION,
            },
        }
    }

    /// Those of Glorot, He and LeCun are scalings of variance.
    fn scaling(self) -> (f64, Fan, Distribution) {
        use Distribution::{TruncatedNormal, Uniform};
        match self {
            Initializer::GlorotUniform => (1.0, Fan::FanAvg, Uniform),
            Initializer::GlorotNormal => (1.0, Fan::FanAvg, TruncatedNormal),
            Initializer::HeUniform => (2.0, Fan::FanIn, Uniform),
            Initializer::HeNormal => (2.0, Fan::FanIn, TruncatedNormal),
            Initializer::LecunUniform => (1.0, Fan::FanIn, Uniform),
            Initializer::VarianceScaling {
                scale,
                mode,
                distribution,
            } => (scale, mode, distribution),
            _ => (1.0, Fan::FanIn, TruncatedNormal),
        }
    }
}

impl Fan {
    /// What the variance is divided by, at least 1.
    fn of(self, fan_in: f64, fan_out: f64) -> f64 {
        let n = match self {
            Fan::FanIn => fan_in,
            Fan::FanOut => fan_out,
            Fan::FanAvg => (fan_in + fan_out) / 2.0,
        };
        n.max(1.0)
    }
}

fn scaled<E: Element>(
    shape: &[usize],
    scale: f64,
    mode: Fan,
    distribution: Distribution,
    key: Key,
) -> Tensor<E> {
    let (fan_in, fan_out) = fans(shape);
    let n = mode.of(fan_in, fan_out);
    let deviation = (scale / n).sqrt();
    match distribution {
        Distribution::Uniform => {
            let limit = (3.0 * scale / n).sqrt();
            Tensor::uniform(shape, -limit, limit, key)
        }
        Distribution::UntruncatedNormal => Tensor::normal(shape, 0.0, deviation, key),
        // Cut off at twice the deviation of the draw, which is made larger so that that of what is left is right.
        Distribution::TruncatedNormal => {
            Tensor::truncated_normal(shape, 0.0, deviation / TRUNCATED_DEVIATION, key)
        }
    }
}

fn unit_forget<E: Element>(shape: &[usize], rest: E) -> Tensor<E> {
    let quarter = shape.iter().product::<usize>() / 4;
    let value = |i: usize| {
        if i / quarter.max(1) == 1 {
            E::one()
        } else {
            rest
        }
    };
    Tensor::from_fn(shape, value)
}

fn identity<E: Element>(shape: &[usize], gain: E) -> Tensor<E> {
    let mut matrix = Tensor::zeros(shape);
    if let &[rows, columns] = shape {
        let values = matrix.as_mut_slice();
        (0..rows.min(columns)).for_each(|i| values[i * columns + i] = gain);
    }
    matrix
}

/// Inputs and outputs of one unit, as Keras's `compute_fans` counts them.
fn fans(shape: &[usize]) -> (f64, f64) {
    match *shape {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [ref field @ .., inputs, outputs] => {
            let field: f64 = field.iter().map(|&n| n as f64).product();
            (inputs as f64 * field, outputs as f64 * field)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Initializer; 4] = [
        Initializer::GlorotUniform,
        Initializer::GlorotNormal,
        Initializer::HeUniform,
        Initializer::HeNormal,
    ];

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance)
    }

    /// Every random initializer of Keras is made to have this variance.
    #[test]
    fn the_variance_is_the_one_asked_for() {
        let shape = [3, 3, 24, 40];
        let (fan_in, fan_out) = (9.0 * 24.0, 9.0 * 40.0);
        for initializer in ALL {
            let wanted = match initializer {
                Initializer::GlorotUniform | Initializer::GlorotNormal => 2.0 / (fan_in + fan_out),
                _ => 2.0 / fan_in,
            };
            let values = initializer.tensor::<f64>(&shape, Seed(3), 5).to_vec();
            let (mean, variance) = moments(&values);
            assert!(
                mean.abs() <= 3.0 * (wanted / values.len() as f64).sqrt(),
                "{initializer:?}: mean {mean}"
            );
            assert!(
                (variance / wanted - 1.0).abs() <= 0.05,
                "{initializer:?}: {variance} for {wanted}"
            );
        }
    }

    #[test]
    fn normal_values_are_cut_at_two_deviations_of_the_draw() {
        let values = Initializer::HeNormal
            .tensor::<f64>(&[50, 200], Seed(1), 0)
            .to_vec();
        let limit = 2.0 * (2.0f64 / 50.0).sqrt() / TRUNCATED_DEVIATION;
        let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(
            largest <= limit && largest >= 0.97 * limit,
            "{largest} of {limit}"
        );
    }

    #[test]
    fn weights_are_a_function_of_seed_and_index_alone() {
        for initializer in ALL {
            let make = |seed, index| {
                initializer
                    .tensor::<f32>(&[7, 9], Seed(seed), index)
                    .to_vec()
            };
            assert_eq!(make(1, 0), make(1, 0));
            assert_ne!(make(1, 0), make(2, 0));
            assert_ne!(make(1, 0), make(1, 1));
        }
    }

    #[test]
    fn constants() {
        assert_eq!(
            Initializer::Zeros.tensor::<f32>(&[2], Seed(0), 0).to_vec(),
            [0.0, 0.0]
        );
        assert_eq!(
            Initializer::Ones.tensor::<f32>(&[2], Seed(0), 0).to_vec(),
            [1.0, 1.0]
        );
        assert_eq!(
            Initializer::Constant(0.5)
                .tensor::<f32>(&[2], Seed(0), 0)
                .to_vec(),
            [0.5, 0.5]
        );
    }

    #[test]
    fn json_has_the_names_of_keras() {
        let names = r#"["glorot_uniform","glorot_normal","he_uniform","he_normal","zeros","ones",{"constant":0.1}]"#;
        let read: Vec<Initializer> = serde_json::from_str(names).unwrap();
        assert_eq!(read[6], Initializer::Constant(0.1));
        assert_eq!(serde_json::to_string(&read).unwrap(), names);
    }
}
