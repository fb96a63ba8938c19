//! Images blurred at random.

use super::{Row, Sample, boxed};
use crate::Pair;
use crate::preparation::{
    Augment, Draws, Factor, Single, augment, check_range, choose, depthwise, image, named,
    per_sample,
};
use crate::{AtInference, Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::steady;

/// In training some images are blurred: `[height, width, channels]`, the same shape out. Which ones is drawn for each image; how
/// far, once for the batch and for both directions, as in Keras. Beyond the edges lie zeros; what leaves the range is brought back
/// to its end, in images that are not blurred, too. As in Keras the probability is itself drawn, from 0 if `factor` is a single
/// number: with the default every other image is blurred.
///
/// Random numbers come from the seed of the run, so there is no `seed`. At inference nothing happens.
///
/// ```
/// use taper_nn::{Describe, layers::RandomGaussianBlur};
/// let layer = RandomGaussianBlur::new().kernel_size(5).value_range(0.0, 1.0);
/// assert_eq!(layer.output_shape(&[28, 28, 1])?, [28, 28, 1]);
/// assert!(RandomGaussianBlur::new().kernel_size(4).output_shape(&[28, 28, 1]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomGaussianBlur {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often, as a range of probabilities in [0, 1]; a single number is from 0 (default: 1.0).
    #[serde(default = "factor_default")]
    pub factor: Factor,
    /// Rows and columns that are blurred into one, odd numbers, less than twice those of the image (default: 3).
    #[serde(default = "three")]
    pub kernel_size: Pair,
    /// Standard deviation of the blur in pixels, in [0, 1]; a single number is from 0 (default: 1.0).
    #[serde(default = "sigma_default")]
    pub sigma: Factor,
    /// The smallest and the largest value of a pixel (default: 0 and 255).
    #[serde(default = "pixels")]
    pub value_range: [f64; 2],
}

impl RandomGaussianBlur {
    /// Blurs every other image a little.
    pub fn new() -> Self {
        RandomGaussianBlur {
            name: None,
            factor: factor_default(),
            kernel_size: three(),
            sigma: sigma_default(),
            value_range: pixels(),
        }
    }

    /// How often, as a range of probabilities in [0, 1]; a single number is from 0 (default: 1.0).
    pub fn factor(mut self, factor: impl Into<Factor>) -> Self {
        self.factor = factor.into();
        self
    }

    /// Rows and columns that are blurred into one, odd numbers, less than twice those of the image (default: 3).
    pub fn kernel_size(mut self, kernel_size: impl Into<Pair>) -> Self {
        self.kernel_size = kernel_size.into();
        self
    }

    /// Standard deviation of the blur in pixels, in [0, 1]; a single number is from 0 (default: 1.0).
    pub fn sigma(mut self, sigma: impl Into<Factor>) -> Self {
        self.sigma = sigma.into();
        self
    }

    /// The smallest and the largest value of a pixel (default: 0 and 255).
    pub fn value_range(mut self, smallest: f64, largest: f64) -> Self {
        self.value_range = [smallest, largest];
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Default for RandomGaussianBlur {
    fn default() -> Self {
        Self::new()
    }
}

impl Describe for RandomGaussianBlur {
    fn class_name(&self) -> &'static str {
        "RandomGaussianBlur"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width, _] = image("RandomGaussianBlur", input)?;
        self.factor
            .check("factor", [0.0, 1.0])
            .and_then(|()| self.sigma.check("sigma", [0.0, 1.0]))
            .and_then(|()| check_range("value_range", self.value_range))
            .map_err(named("RandomGaussianBlur"))?;
        let fits = |size: usize, side: usize| size % 2 == 1 && size / 2 < side.max(2);
        if !fits(self.kernel_size.0[0], height) || !fits(self.kernel_size.0[1], width) {
            let message = format!(
                "kernel_size is {:?}, it must be odd and less than twice the image, {height}×{width}",
                self.kernel_size.0
            );
            return Err(Error::layer("RandomGaussianBlur", message));
        }
        Ok(input.to_vec())
    }

    fn at_inference(&self) -> AtInference {
        AtInference::Nothing
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomGaussianBlur {
    /// Whether, and how far along columns and rows.
    fn draw(&self, draws: &Draws, _input: &[usize]) -> Vec<f64> {
        let sigma = self.sigma.range(Single::UpTo, 0.0);
        let happens = draws.happens(0, self.factor.range(Single::UpTo, 0.0));
        vec![
            happens,
            draws.of_batch(2, sigma) + 1e-6,
            draws.of_batch(3, sigma) + 1e-6,
        ]
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        let [low, high] = self.value_range.map(E::from_f64);
        let bell = |size: usize, sigma: f64| {
            let middle = (size as f64 - 1.0) / 2.0;
            let height = |at: usize| {
                let far = (at as f64 - middle) / sigma;
                steady::exp(-0.5 * far * far)
            };
            let heights: Vec<f64> = (0..size).map(height).collect();
            let sum: f64 = heights.iter().sum();
            heights
                .into_iter()
                .map(move |h| h / sum)
                .collect::<Vec<f64>>()
        };
        // As in Keras the first size and the first deviation go with the columns of the kernel.
        let [first, second] = self.kernel_size.0;
        let (columns, rows) = (bell(first, drawn[0][1]), bell(second, drawn[0][2]));
        let kernel = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| row * column));
        let kernel: Vec<f64> = kernel.collect();
        let blurred = depthwise(x, self.kernel_size.0, &kernel)?;
        Ok(choose(&per_sample(x, drawn, |d| d[0]), &blurred, x)?.clip(low, high))
    }
}

impl<E: Element> Layer<E> for RandomGaussianBlur {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        augment(self, x, context)
    }
}

fn factor_default() -> Factor {
    Factor::One(1.0)
}

fn three() -> Pair {
    Pair([3, 3])
}

fn sigma_default() -> Factor {
    Factor::One(1.0)
}

fn pixels() -> [f64; 2] {
    [0.0, 255.0]
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomGaussianBlur",
        about: "in training, blurs some images",
        file: file!(),
        from_config: |config| boxed::<E, RandomGaussianBlur>("RandomGaussianBlur", config),
        sample: |sampler| {
            let layer = RandomGaussianBlur::new()
                .factor((0.5, 1.0))
                .sigma((0.2, 1.0))
                .value_range(-1000.0, 1000.0);
            Sample::new(
                layer,
                [
                    sampler.integer(2, 4),
                    sampler.integer(2, 4),
                    sampler.integer(1, 3),
                ],
            )
        },
    }
}
