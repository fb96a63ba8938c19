//! A part of every image, from a random place.

use super::{Row, Sample, boxed};
use crate::preparation::{Augment, Draws, augment, centered, image, named, resized};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{Interpolation, Resampling};

/// In training a part of this size is cut out of every image, at a place that is drawn anew for each: `[height, width, channels]`
/// → `[self.height, self.width, channels]`. (Keras draws one place a batch.) At inference it is the part in the middle. (Keras
/// leaves images as they are there, which no model of fixed shapes can read.) Of an image that is not larger in both directions, the
/// middle with the shape of the output is taken as Keras does, and resized where that is not its size.
///
/// Random numbers come from the seed of the run, so there is no `seed`.
///
/// ```
/// use taper_nn::{Describe, layers::RandomCrop};
/// assert_eq!(RandomCrop::new(24, 20).output_shape(&[28, 28, 3])?, [24, 20, 3]);
/// assert!(RandomCrop::new(0, 20).output_shape(&[28, 28, 3]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows of the output (no default).
    pub height: usize,
    /// Columns of the output (no default).
    pub width: usize,
}

impl RandomCrop {
    /// Cuts out this many rows and columns.
    pub fn new(height: usize, width: usize) -> Self {
        RandomCrop {
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

    fn is_smaller(&self, input: &[usize]) -> bool {
        input[0] > self.height && input[1] > self.width
    }

    /// The middle: of a larger image as it is, of others as Keras takes and resizes it.
    fn middle<E: Element>(&self, x: &Var<E>) -> Result<Var<E>> {
        let (size, want) = ([x.shape()[1], x.shape()[2]], [self.height, self.width]);
        if self.is_smaller(&size) {
            let first = [(size[0] - want[0]) / 2, (size[1] - want[1]) / 2];
            let rows = x.slice(1, first[0]..first[0] + want[0])?;
            return Ok(rows.slice(2, first[1]..first[1] + want[1])?);
        }
        let [(row, _), (column, _)] = centered(size, want);
        let rows = x.slice(1, row..size[0].min(row + want[0]))?;
        let part = rows.slice(2, column..size[1].min(column + want[1]))?;
        match [part.shape()[1], part.shape()[2]] == want {
            true => Ok(part),
            false => resized(&part, want, Interpolation::Bilinear),
        }
    }
}

impl Describe for RandomCrop {
    fn class_name(&self) -> &'static str {
        "RandomCrop"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width, channels] = image("RandomCrop", input)?;
        setting::count("height", self.height)
            .and_then(|()| setting::count("width", self.width))
            .map_err(named("RandomCrop"))?;
        if height * width == 0 {
            return Err(Error::layer(
                "RandomCrop",
                format!("the image {input:?} has no pixels"),
            ));
        }
        Ok(vec![self.height, self.width, channels])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Augment for RandomCrop {
    /// First row, first column.
    fn draw(&self, draws: &Draws, input: &[usize]) -> Vec<f64> {
        let first = |which, all: usize, part: usize| draws.below(which, all - part + 1) as f64;
        match self.is_smaller(input) {
            true => vec![
                first(0, input[0], self.height),
                first(1, input[1], self.width),
            ],
            false => Vec::new(),
        }
    }

    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>> {
        if !self.is_smaller(&x.shape()[1..]) {
            return self.middle(x);
        }
        let matrices: Vec<_> = drawn
            .iter()
            .map(|d| [1.0, 0.0, d[1], 0.0, 1.0, d[0]])
            .collect();
        let how = Resampling {
            interpolation: Interpolation::Nearest,
            size: Some([self.height, self.width]),
            ..Resampling::default()
        };
        Ok(x.resample(&matrices, &how)?)
    }
}

impl<E: Element> Layer<E> for RandomCrop {
    fn forward(&self, x: &Var<E>, _weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        match context.training {
            true => augment(self, x, context),
            false => self.middle(x),
        }
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "RandomCrop",
        about: "in training, cuts a part out of every image at a random place",
        file: file!(),
        from_config: |config| boxed::<E, RandomCrop>("RandomCrop", config),
        sample: |sampler| {
            let size = [sampler.integer(1, 5), sampler.integer(1, 5)];
            let layer = RandomCrop::new(sampler.integer(1, 4), sampler.integer(1, 4));
            Sample::new(layer, [size[0], size[1], sampler.integer(1, 3)])
        },
    }
}
