//! Zeros around images.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Layer, Margins, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Zeros around an image: `[height, width, channels]` → `[top + height + bottom, left + width + right, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::ZeroPadding2D};
/// assert_eq!(ZeroPadding2D::new(2).output_shape(&[8, 8, 3])?, [12, 12, 3]);
/// assert_eq!(ZeroPadding2D::new([[1, 0], [2, 3]]).output_shape(&[8, 8, 3])?, [9, 13, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Zeros above and below, left and right, 0 or more each (default: 1 each).
    #[serde(default = "Margins::one")]
    pub padding: Margins,
}

impl Default for ZeroPadding2D {
    fn default() -> Self {
        Self::new(1)
    }
}

impl ZeroPadding2D {
    /// So many zeros on all sides (`2`), above and below as left and right (`[1, 2]`), or on each side
    /// (`[[top, bottom], [left, right]]`).
    pub fn new(padding: impl Into<Margins>) -> Self {
        ZeroPadding2D {
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

impl Describe for ZeroPadding2D {
    fn class_name(&self) -> &'static str {
        "ZeroPadding2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::padded_shape("ZeroPadding2D", &self.padding.0, input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for ZeroPadding2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let Margins([[top, bottom], [left, right]]) = self.padding;
        let around = [(0, 0), (top, bottom), (left, right), (0, 0)];
        Ok(x.pad(&around, E::zero())?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "ZeroPadding2D",
        about: "zeros around an image",
        file: file!(),
        from_config: |config| boxed::<E, ZeroPadding2D>("ZeroPadding2D", config),
        sample: |sampler| {
            let padding = [(); 2].map(|()| [sampler.integer(0, 2), sampler.integer(0, 2)]);
            let input = [(); 3].map(|()| sampler.integer(1, 3));
            Sample::new(ZeroPadding2D::new(padding), input)
        },
    }
}
