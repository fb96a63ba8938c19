//! Images of another size.

use super::{Row, Sample, boxed};
use crate::preparation::{centered, image, named, resized, words};
use crate::{Context, Describe, Error, Layer, Result, config, setting};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::{FillMode, Interpolation};

/// Makes images of another size, in training and at inference: `[height, width, channels]` → `[self.height, self.width,
/// channels]`. Pixels are squares whose centres lie in the middle, and what lies between them is interpolated, without antialiasing.
///
/// Keras's other interpolations (`bicubic`, `lanczos3`, …), `antialias` and fill modes besides `constant` are refused.
///
/// ```
/// use taper_nn::{Describe, layers::Resizing};
/// assert_eq!(Resizing::new(14, 20).output_shape(&[28, 28, 3])?, [14, 20, 3]);
/// let both = Resizing::new(14, 20).crop_to_aspect_ratio(true).pad_to_aspect_ratio(true);
/// assert!(both.output_shape(&[28, 28, 3]).is_err());
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows of the output (no default).
    pub height: usize,
    /// Columns of the output (no default).
    pub width: usize,
    /// What lies between pixels (default: bilinear).
    #[serde(default, with = "words::interpolation")]
    pub interpolation: Interpolation,
    /// Whether the middle with the shape of the output is cut out first, so that nothing is distorted (default: no).
    #[serde(default)]
    pub crop_to_aspect_ratio: bool,
    /// Whether the image is padded to the shape of the output first, so that nothing is distorted or lost (default: no).
    #[serde(default)]
    pub pad_to_aspect_ratio: bool,
    /// What is padded with; only constant (default: constant).
    #[serde(default = "constant", with = "words::fill_mode")]
    pub fill_mode: FillMode,
    /// What is padded with (default: 0).
    #[serde(default)]
    pub fill_value: f64,
    /// Only no (default: no).
    #[serde(default)]
    pub antialias: bool,
}

impl Resizing {
    /// Makes images of this many rows and columns.
    pub fn new(height: usize, width: usize) -> Self {
        Resizing {
            name: None,
            height,
            width,
            interpolation: Interpolation::Bilinear,
            crop_to_aspect_ratio: false,
            pad_to_aspect_ratio: false,
            fill_mode: constant(),
            fill_value: 0.0,
            antialias: false,
        }
    }

    /// What lies between pixels (default: bilinear).
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Whether the middle with the shape of the output is cut out first, so that nothing is distorted (default: no).
    pub fn crop_to_aspect_ratio(mut self, on: bool) -> Self {
        self.crop_to_aspect_ratio = on;
        self
    }

    /// Whether the image is padded to the shape of the output first, so that nothing is distorted or lost (default: no).
    pub fn pad_to_aspect_ratio(mut self, on: bool) -> Self {
        self.pad_to_aspect_ratio = on;
        self
    }

    /// What is padded with (default: 0).
    pub fn fill_value(mut self, fill_value: f64) -> Self {
        self.fill_value = fill_value;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Rows above and below, columns on either side, that give an image of this size the shape of the output.
    fn padding(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let scaled = |other: usize, side: usize, by: usize| {
            let scaled = other as u128 * side as u128 / by.max(1) as u128;
            usize::try_from(scaled).unwrap_or(usize::MAX)
        };
        let rows = scaled(width, self.height, self.width).max(height);
        let columns = scaled(height, self.width, self.height).max(width);
        [(rows - height) / 2, (columns - width) / 2]
    }
}

impl Describe for Resizing {
    fn class_name(&self) -> &'static str {
        "Resizing"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width, channels] = image("Resizing", input)?;
        setting::count("height", self.height)
            .and_then(|()| setting::count("width", self.width))
            .map_err(named("Resizing"))?;
        if height * width == 0 {
            return Err(Error::layer(
                "Resizing",
                format!("the image {input:?} has no pixels"),
            ));
        }

        let fail = |message: &str| Err(Error::layer("Resizing", message));
        setting::finite_in::<f32>("fill_value", self.fill_value).map_err(named("Resizing"))?;
        if self.crop_to_aspect_ratio && self.pad_to_aspect_ratio {
            return fail(
                "crop_to_aspect_ratio and pad_to_aspect_ratio are both on, only one of them can be",
            );
        }
        if self.antialias {
            return fail("antialias is on, images are resized without it only");
        }
        if self.fill_mode != FillMode::Constant {
            return fail("fill_mode is not constant, which is the only one");
        }
        if self.pad_to_aspect_ratio {
            let [rows, columns] = self.padding([height, width]);
            let most = |side: usize, by: usize| by.saturating_mul(2).saturating_add(side);
            let padded = [most(height, rows), most(width, columns), channels];
            if setting::elements(&padded).is_none() {
                return fail(
                    "height and width make an image that is padded to more values than memory has",
                );
            }
        }
        Ok(vec![self.height, self.width, channels])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Resizing {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let (size, want) = ([x.shape()[1], x.shape()[2]], [self.height, self.width]);
        if self.crop_to_aspect_ratio {
            let [(row, rows), (column, columns)] = centered(size, want);
            let part = x
                .slice(1, row..row + rows)?
                .slice(2, column..column + columns)?;
            return resized(&part, want, self.interpolation);
        }
        if self.pad_to_aspect_ratio {
            let [rows, columns] = self.padding(size);
            let around = [(0, 0), (rows, rows), (columns, columns), (0, 0)];
            let padded = x.pad(&around, E::from_f64(self.fill_value))?;
            return resized(&padded, want, self.interpolation);
        }
        resized(x, want, self.interpolation)
    }
}

fn constant() -> FillMode {
    FillMode::Constant
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Resizing",
        about: "makes images of another size",
        file: file!(),
        from_config: |config| boxed::<E, Resizing>("Resizing", config),
        sample: |sampler| {
            let mut layer = Resizing::new(sampler.integer(1, 4), sampler.integer(1, 4));
            match sampler.integer(0, 3) {
                0 => layer = layer.crop_to_aspect_ratio(true),
                1 => layer = layer.pad_to_aspect_ratio(true).fill_value(0.5),
                2 => layer = layer.interpolation(Interpolation::Nearest),
                _ => {}
            }
            let size = [sampler.integer(1, 5), sampler.integer(1, 5)];
            Sample::new(layer, [size[0], size[1], sampler.integer(1, 3)])
        },
    }
}
