//! Zeros before and behind a sequence.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Layer, Pair, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Zeros before and behind a sequence: `[steps, channels]` → `[before + steps + behind, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::ZeroPadding1D};
/// assert_eq!(ZeroPadding1D::new(2).output_shape(&[10, 3])?, [14, 3]);
/// assert_eq!(ZeroPadding1D::new([0, 3]).output_shape(&[10, 3])?, [13, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding1D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Steps of zeros before and behind, 0 or more each (default: 1 each).
    #[serde(default = "Pair::one")]
    pub padding: Pair,
}

impl Default for ZeroPadding1D {
    fn default() -> Self {
        Self::new(1)
    }
}

impl ZeroPadding1D {
    /// So many zeros at both ends (`2`), or before and behind (`[0, 3]`).
    pub fn new(padding: impl Into<Pair>) -> Self {
        ZeroPadding1D {
            name: None,
            padding: padding.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for ZeroPadding1D {
    fn class_name(&self) -> &'static str {
        "ZeroPadding1D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::padded_shape("ZeroPadding1D", &[self.padding.0], input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for ZeroPadding1D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let Pair([before, behind]) = self.padding;
        Ok(x.pad(&[(0, 0), (before, behind), (0, 0)], E::zero())?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "ZeroPadding1D",
        about: "zeros before and behind a sequence",
        file: file!(),
        from_config: |config| boxed::<E, ZeroPadding1D>("ZeroPadding1D", config),
        sample: |sampler| {
            let padding = [sampler.integer(0, 2), sampler.integer(0, 2)];
            let input = [sampler.integer(1, 4), sampler.integer(1, 3)];
            Sample::new(ZeroPadding1D::new(padding), input)
        },
    }
}
