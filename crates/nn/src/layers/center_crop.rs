//! The middle of every image.

use super::{Row, Sample, boxed};
use crate::preparation::{centered, image, named, resized};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Interpolation;

/// Cuts the middle out of every image, in training and at inference: `[height, width, channels]` → `[self.height, self.width,
/// channels]`. Of an image that is smaller in a direction, the middle with the shape of the output is resized (bilinear), as Keras
/// does.
///
/// ```
/// use taper_nn::{Describe, layers::CenterCrop};
/// assert_eq!(CenterCrop::new(24, 20).output_shape(&[28, 28, 3])?, [24, 20, 3]);
/// assert!(CenterCrop::new(24, 20).output_shape(&[28, 28]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows of the output (no default).
    pub height: usize,
    /// Columns of the output (no default).
    pub width: usize,
}

impl CenterCrop {
    /// Cuts out this many rows and columns.
    pub fn new(height: usize, width: usize) -> Self {
        CenterCrop {
            name: None,
            height,
            width,
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for CenterCrop {
    fn class_name(&self) -> &'static str {
        "CenterCrop"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width, channels] = image("CenterCrop", input)?;
        setting::count("height", self.height)
            .and_then(|()| setting::count("width", self.width))
            .map_err(named("CenterCrop"))?;
        if height * width == 0 {
            return Err(Error::layer(
                "CenterCrop",
                format!("the image {input:?} has no pixels"),
            ));
        }
        Ok(vec![self.height, self.width, channels])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for CenterCrop {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let (size, want) = ([x.shape()[1], x.shape()[2]], [self.height, self.width]);
        let part = |[(row, rows), (column, columns)]: [(usize, usize); 2]| {
            x.slice(1, row..row + rows)?
                .slice(2, column..column + columns)
        };
        if size[0] >= want[0] && size[1] >= want[1] {
            let first = [(size[0] - want[0]) / 2, (size[1] - want[1]) / 2];
            return Ok(part([(first[0], want[0]), (first[1], want[1])])?);
        }
        resized(&part(centered(size, want))?, want, Interpolation::Bilinear)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CenterCrop",
        about: "cuts the middle out of every image",
        file: file!(),
        from_config: |config| boxed::<E, CenterCrop>("CenterCrop", config),
        sample: |sampler| {
            let size = [sampler.integer(1, 5), sampler.integer(1, 5)];
            let layer = CenterCrop::new(sampler.integer(1, 4), sampler.integer(1, 4));
            Sample::new(layer, [size[0], size[1], sampler.integer(1, 3)])
        },
    }
}
