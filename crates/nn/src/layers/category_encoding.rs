//! Numbers of categories as rows of zeros and ones.

use super::{Row, Sample, boxed};
use crate::preparation::{OutputMode, coded, coded_shape, named};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Numbers of categories as rows of zeros and ones, in training and at inference. With `one_hot` each number becomes a row
/// `[num_tokens]` (a last axis of 1 goes); with `multi_hot` and `count` a sample `[numbers]` becomes one row, which has a 1
/// for every category in it, or says how often it stands there. Numbers are cut to whole ones as Keras casts them; one that
/// is not below `num_tokens` is an error. There is no gradient.
///
/// Keras's `sparse` and `count_weights` are absent.
///
/// ```
/// use taper_autograd::Tape;
/// use taper_nn::{Context, Layer, layers::CategoryEncoding};
/// use taper_tensor::Tensor;
/// let x = Tape::new().constant(&Tensor::from_vec([1, 3], vec![0.0f32, 2.0, 0.0])?);
/// let y = CategoryEncoding::new(4).forward(&x, &[], &mut Context::inference())?;
/// assert_eq!(y.value().to_vec(), [1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryEncoding {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many categories there are (no default).
    pub num_tokens: usize,
    /// `one_hot`, `multi_hot` or `count` (default: `multi_hot`).
    #[serde(default = "multi_hot")]
    pub output_mode: OutputMode,
}

impl CategoryEncoding {
    /// Rows that tell which of so many categories a sample has.
    pub fn new(num_tokens: usize) -> Self {
        CategoryEncoding {
            name: None,
            num_tokens,
            output_mode: OutputMode::MultiHot,
        }
    }

    /// `one_hot`, `multi_hot` or `count` (default: `multi_hot`).
    pub fn output_mode(mut self, mode: OutputMode) -> Self {
        self.output_mode = mode;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for CategoryEncoding {
    fn class_name(&self) -> &'static str {
        "CategoryEncoding"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        setting::count("num_tokens", self.num_tokens).map_err(named("CategoryEncoding"))?;
        if self.output_mode == OutputMode::Int {
            let message = "output_mode is int, it must be one_hot, multi_hot or count";
            return Err(Error::layer("CategoryEncoding", message));
        }
        coded_shape("CategoryEncoding", self.output_mode, input, self.num_tokens)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for CategoryEncoding {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let sample = self.output_shape(&x.shape()[1..])?;
        let code = |x: E| {
            let number = x.to_f64().trunc();
            if (0.0..self.num_tokens as f64).contains(&number) {
                return Ok(number as usize);
            }
            let message = format!(
                "the input has {number}, categories go from 0 to {}",
                self.num_tokens - 1
            );
            Err(Error::layer("CategoryEncoding", message))
        };
        let codes: Vec<usize> = x
            .value()
            .to_vec()
            .into_iter()
            .map(code)
            .collect::<Result<_>>()?;
        coded(self.output_mode, x, &codes, self.num_tokens, &sample)
    }
}

fn multi_hot() -> OutputMode {
    OutputMode::MultiHot
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CategoryEncoding",
        about: "numbers of categories as rows of zeros and ones",
        file: file!(),
        from_config: |config| boxed::<E, CategoryEncoding>("CategoryEncoding", config),
        sample: |sampler| {
            const MODES: [OutputMode; 3] =
                [OutputMode::OneHot, OutputMode::MultiHot, OutputMode::Count];
            let layer = CategoryEncoding::new(sampler.integer(5, 8));
            // Values of a gradient check are all of category 0.
            Sample::new(
                layer.output_mode(MODES[sampler.integer(0, 2)]),
                [sampler.integer(1, 3)],
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn what_is_no_category_is_an_error() {
        for number in [-1.0, 3.0, f64::NAN, f64::INFINITY] {
            let x = Tape::new().constant(&Tensor::from_vec([1, 2], vec![0.0, number]).unwrap());
            let layer = CategoryEncoding::new(3);
            let error = layer
                .forward(&x, &[], &mut Context::inference())
                .unwrap_err();
            assert!(error.to_string().contains("from 0 to 2"), "{error}");
        }
    }

    #[test]
    fn shapes_are_those_of_keras() {
        let shape = |mode, input: &[usize]| {
            CategoryEncoding::new(5)
                .output_mode(mode)
                .output_shape(input)
        };
        assert_eq!(shape(OutputMode::OneHot, &[1]).unwrap(), [5]);
        assert_eq!(shape(OutputMode::OneHot, &[3]).unwrap(), [3, 5]);
        assert_eq!(shape(OutputMode::OneHot, &[]).unwrap(), [5]);
        assert_eq!(shape(OutputMode::Count, &[3]).unwrap(), [5]);
        assert!(shape(OutputMode::Count, &[3, 2]).is_err());
        assert!(shape(OutputMode::Int, &[3]).is_err());
    }
}
