//! Where initial weights come from: Keras's initializers, as pure functions of the seed and of the weight's place in
//! the model, so that the same seed gives the same network on any machine and any number of threads.

use serde::{Deserialize, Serialize};
use taper_tensor::{Element, Key, Seed, Stream, Tensor};

/// Where initial weights come from. In JSON and TOML: `"glorot_uniform"`, …, `{"constant": 0.1}`.
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
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// Uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010). Keras's default for kernels.
    GlorotUniform,
    /// Truncated normal of standard deviation √(2 / (fan_in + fan_out)).
    GlorotNormal,
    /// Uniform in ±√(6 / fan_in) (He et al. 2015), for relu.
    HeUniform,
    /// Truncated normal of standard deviation √(2 / fan_in).
    HeNormal,
    /// All 0. Keras's default for biases.
    Zeros,
    /// All 1.
    Ones,
    /// All the same value.
    Constant(f64),
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

    /// The values of weight number `index` (counted over the whole model) with this `shape`.
    pub fn tensor<E: Element>(self, shape: &[usize], seed: Seed, index: u32) -> Tensor<E> {
        let key = seed.key(Stream::Init(index), 0);
        let (fan_in, fan_out) = fans(shape);
        let average = ((fan_in + fan_out) / 2.0).max(1.0);
        let fan_in = fan_in.max(1.0);
        match self {
            Initializer::GlorotUniform => uniform(shape, (3.0 / average).sqrt(), key),
            Initializer::GlorotNormal => truncated_normal(shape, (1.0 / average).sqrt(), key),
            Initializer::HeUniform => uniform(shape, (6.0 / fan_in).sqrt(), key),
            Initializer::HeNormal => truncated_normal(shape, (2.0 / fan_in).sqrt(), key),
            Initializer::Zeros => Tensor::zeros(shape),
            Initializer::Ones => Tensor::ones(shape),
            Initializer::Constant(value) => Tensor::full(shape, E::from_f64(value)),
        }
    }
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

fn uniform<E: Element>(shape: &[usize], limit: f64, key: Key) -> Tensor<E> {
    Tensor::uniform(shape, -limit, limit, key)
}

/// Normal values cut off at twice the deviation of the draw, which is made larger so that theirs is `deviation`.
fn truncated_normal<E: Element>(shape: &[usize], deviation: f64, key: Key) -> Tensor<E> {
    Tensor::truncated_normal(shape, 0.0, deviation / TRUNCATED_DEVIATION, key)
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
