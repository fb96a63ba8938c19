//! Numbers as the number of the bin that they lie in.

use super::{Row, Sample, boxed};
use crate::preparation::{OutputMode, coded, coded_shape, named, quantiles};
use crate::{Context, Describe, Error, Layer, Result, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Numbers as the number of the bin that they lie in, in training and at inference: with the boundaries b₀ < b₁ < …, bin 0
/// is below b₀, bin 1 from b₀ to below b₁, and so on. The shape stays with `int`; the other modes are those of
/// [`CategoryEncoding`](crate::layers::CategoryEncoding). There is no gradient, and NaN is an error.
///
/// A layer is a description: instead of being adapted, it is made [from data](Self::from_data). Keras's `sparse` is absent.
///
/// ```
/// use taper_autograd::Tape;
/// use taper_nn::{Context, Layer, layers::Discretization};
/// use taper_tensor::Tensor;
/// let x = Tape::new().constant(&Tensor::from_vec([1, 3], vec![-5.0f32, 0.0, 7.0])?);
/// let y = Discretization::new(vec![0.0, 1.0]).forward(&x, &[], &mut Context::inference())?;
/// assert_eq!(y.value().to_vec(), [0.0, 1.0, 2.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discretization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where bins begin, in ascending order (no default).
    #[serde(default)]
    pub bin_boundaries: Option<Vec<f64>>,
    /// How many bins the boundaries were made for (default: nothing is known of it).
    #[serde(default)]
    pub num_bins: Option<usize>,
    /// How exact the boundaries are that were made from data (default: 0.01).
    #[serde(default = "hundredth")]
    pub epsilon: f64,
    /// `int`, `one_hot`, `multi_hot` or `count` (default: `int`).
    #[serde(default = "int")]
    pub output_mode: OutputMode,
}

impl Discretization {
    /// Bins with these boundaries, in ascending order.
    pub fn new(bin_boundaries: Vec<f64>) -> Self {
        Discretization {
            name: None,
            bin_boundaries: Some(bin_boundaries),
            num_bins: None,
            epsilon: hundredth(),
            output_mode: OutputMode::Int,
        }
    }

    /// So many bins with equally many of these numbers each, to about 1 %: what Keras's layer with `num_bins` has after
    /// `adapt` with one batch of them.
    ///
    /// ```
    /// use taper_nn::layers::Discretization;
    /// let data: Vec<f32> = (0..100).map(|i| i as f32).collect();
    /// let layer = Discretization::from_data(4, &data)?;
    /// let found = layer.bin_boundaries.unwrap();
    /// assert!(found.iter().zip([24.0, 49.0, 74.0]).all(|(found, wanted)| (found - wanted).abs() < 1e-4));
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// No bins, no numbers, or numbers that are not finite.
    pub fn from_data(num_bins: usize, data: &[f32]) -> Result<Self> {
        let fail = |message: &str| Err(Error::layer("Discretization", message));
        if num_bins == 0 || data.is_empty() {
            return fail("at least one bin and one number are wanted");
        }
        if !data.iter().all(|x| x.is_finite()) {
            return fail("the numbers are not all finite");
        }
        Ok(Discretization {
            num_bins: Some(num_bins),
            ..Self::new(quantiles(num_bins, data, hundredth()))
        })
    }

    /// `int`, `one_hot`, `multi_hot` or `count` (default: `int`).
    pub fn output_mode(mut self, mode: OutputMode) -> Self {
        self.output_mode = mode;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn boundaries(&self) -> Result<&[f64], String> {
        let Some(boundaries) = &self.bin_boundaries else {
            return Err("bin_boundaries are missing; Discretization::from_data finds them".into());
        };
        let ascend = boundaries.windows(2).all(|two| two[0] <= two[1]);
        if ascend && boundaries.iter().all(|b| b.is_finite()) {
            return Ok(boundaries);
        }
        Err(format!(
            "bin_boundaries are {boundaries:?}, they must be finite and ascend"
        ))
    }
}

impl Describe for Discretization {
    fn class_name(&self) -> &'static str {
        "Discretization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            let message = format!(
                "epsilon is {}, it must be above 0 and at most 1",
                self.epsilon
            );
            return Err(Error::layer("Discretization", message));
        }
        let depth = self.boundaries().map_err(named("Discretization"))?.len() + 1;
        coded_shape("Discretization", self.output_mode, input, depth)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Discretization {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let sample = self.output_shape(&x.shape()[1..])?;
        let boundaries = self.boundaries().map_err(named("Discretization"))?;
        let code = |x: E| match x.to_f64() {
            x if x.is_nan() => Err(Error::layer("Discretization", "the input has NaN")),
            x => Ok(boundaries.partition_point(|b| *b <= x)),
        };
        let codes: Vec<usize> = x
            .value()
            .to_vec()
            .into_iter()
            .map(code)
            .collect::<Result<_>>()?;
        coded(self.output_mode, x, &codes, boundaries.len() + 1, &sample)
    }
}

fn hundredth() -> f64 {
    0.01
}

fn int() -> OutputMode {
    OutputMode::Int
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Discretization",
        about: "numbers as the number of the bin that they lie in",
        file: file!(),
        from_config: |config| boxed::<E, Discretization>("Discretization", config),
        sample: |sampler| {
            const MODES: [OutputMode; 4] = [
                OutputMode::Int,
                OutputMode::OneHot,
                OutputMode::MultiHot,
                OutputMode::Count,
            ];
            // Values of a gradient check lie between two boundaries.
            let layer = Discretization::new(vec![-1e3, 1e3, sampler.number(2e3, 3e3)]);
            Sample::new(
                layer.output_mode(MODES[sampler.integer(0, 3)]),
                [sampler.integer(1, 3)],
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_wanted_in_order() {
        for bad in [vec![1.0, 0.0], vec![f64::NAN], vec![0.0, f64::INFINITY]] {
            let error = Discretization::new(bad).output_shape(&[1]).unwrap_err();
            assert!(error.to_string().contains("bin_boundaries"), "{error}");
        }
        let unadapted: Discretization = serde_json::from_str(r#"{"num_bins": 3}"#).unwrap();
        let error = unadapted.output_shape(&[1]).unwrap_err().to_string();
        assert!(error.contains("from_data"), "{error}");
        assert!(Discretization::from_data(0, &[1.0]).is_err());
        assert!(Discretization::from_data(3, &[]).is_err());
        assert!(Discretization::from_data(3, &[f32::NAN]).is_err());
    }

    /// What Keras 3.15 has after `Discretization(num_bins=4).adapt(np.arange(1000)[::-1] ** 2.0)`.
    #[test]
    fn boundaries_from_data_are_those_of_keras() {
        let data: Vec<f32> = (0..1000).rev().map(|i| (i * i) as f32).collect();
        let layer = Discretization::from_data(4, &data).unwrap();
        let wanted = [62_000.882_812_5, 249_000.828_125, 561_000.937_5];
        assert_eq!(layer.bin_boundaries.unwrap(), wanted);
        // Few numbers are not summarized.
        let few = Discretization::from_data(2, &[3.0, 1.0, 2.0, 4.0]).unwrap();
        assert_eq!(few.bin_boundaries.unwrap(), [2.0]);
    }
}
