//! Every step of a sequence several times.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Layer, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Every step `size` times: `[steps, channels]` → `[size · steps, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::UpSampling1D};
/// assert_eq!(UpSampling1D::new(3).output_shape(&[10, 4])?, [30, 4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling1D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often each step stands, at least once (default: 2).
    #[serde(default = "two")]
    pub size: usize,
}

impl Default for UpSampling1D {
    fn default() -> Self {
        Self::new(two())
    }
}

fn two() -> usize {
    2
}

impl UpSampling1D {
    /// Every step `size` times.
    pub fn new(size: usize) -> Self {
        UpSampling1D { name: None, size }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for UpSampling1D {
    fn class_name(&self) -> &'static str {
        "UpSampling1D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::stretched_shape("UpSampling1D", &[self.size], input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for UpSampling1D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let &[n, steps, channels] = x.shape() else {
            return Err(settings::no_batch_of(
                "UpSampling1D",
                "sequences",
                x.shape(),
            ));
        };
        let single = x.reshape([n, steps, 1, channels])?;
        let several = single.broadcast_to(&[n, steps, self.size, channels])?;
        Ok(several.reshape([n, steps * self.size, channels])?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "UpSampling1D",
        about: "every step of a sequence several times",
        file: file!(),
        from_config: |config| boxed::<E, UpSampling1D>("UpSampling1D", config),
        sample: |sampler| {
            let input = [sampler.integer(1, 4), sampler.integer(1, 3)];
            Sample::new(UpSampling1D::new(sampler.integer(1, 3)), input)
        },
    }
}
