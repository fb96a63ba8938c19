//! The edges of images cut off.

use super::{Row, Sample, boxed};
use crate::{Context, Describe, Layer, Margins, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// Cuts the edges off an image, of which at least a pixel must be left: `[height, width, channels]` →
/// `[height − top − bottom, width − left − right, channels]`.
///
/// ```
/// use taper_nn::{Describe, layers::Cropping2D};
/// assert_eq!(Cropping2D::new([[1, 0], [2, 3]]).output_shape(&[8, 8, 3])?, [7, 3, 3]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Pixels cut off at the top and the bottom, left and right, 0 or more each (default: 0 each, as in Keras).
    #[serde(default)]
    pub cropping: Margins,
}

impl Default for Cropping2D {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Cropping2D {
    /// So many pixels off all sides (`2`), off top and bottom as off left and right (`[1, 2]`), or off each side
    /// (`[[top, bottom], [left, right]]`).
    pub fn new(cropping: impl Into<Margins>) -> Self {
        Cropping2D {
            name: None,
            cropping: cropping.into(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for Cropping2D {
    fn class_name(&self) -> &'static str {
        "Cropping2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::cropped_shape("Cropping2D", &self.cropping.0, input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Cropping2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let Margins([[top, bottom], [left, right]]) = self.cropping;
        let end = |axis: usize, cut: usize| x.shape()[axis].saturating_sub(cut);
        let rows = x.slice(1, top..end(1, bottom))?;
        Ok(rows.slice(2, left..end(2, right))?)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Cropping2D",
        about: "cuts the edges off an image",
        file: file!(),
        from_config: |config| boxed::<E, Cropping2D>("Cropping2D", config),
        sample: |sampler| {
            let cropping = [(); 2].map(|()| [sampler.integer(0, 2), sampler.integer(0, 2)]);
            let mut side = |[a, b]: [usize; 2]| a + b + sampler.integer(1, 3);
            let input = [side(cropping[0]), side(cropping[1]), side([0, 0])];
            Sample::new(Cropping2D::new(cropping), input)
        },
    }
}
