//! Images with more pixels: each of them several times, or lines drawn between them.

use super::{Row, Sample, boxed};
use crate::preparation::words;
use crate::{Context, Describe, Layer, Pair, Result, config, settings};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::ops::Interpolation;
use taper_tensor::{Element, Tensor};

/// Images `size` times as high and wide: `[height, width, channels]` → `[size · height, size · width, channels]`.
///
/// `Nearest` repeats each pixel. `Bilinear` draws lines between the centres of neighbours, first along the height, then
/// along the width (as TensorFlow's `tf.image.resize` with half-pixel centres); beyond the outermost centres the image
/// stays as it is there. Keras's other interpolations (`bicubic`, `lanczos3`, `lanczos5`, `area`) are refused.
///
/// ```
/// use taper_nn::{Describe, Interpolation, layers::UpSampling2D};
/// let layer = UpSampling2D::new([2, 3]).interpolation(Interpolation::Bilinear);
/// assert_eq!(layer.output_shape(&[8, 8, 4])?, [16, 24, 4]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling2D {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many times as high and as wide, at least once (default: 2 each).
    #[serde(default = "Pair::two")]
    pub size: Pair,
    /// What stands between the centres of pixels (default: `nearest`).
    #[serde(default = "nearest", with = "words::interpolation")]
    pub interpolation: Interpolation,
}

impl Default for UpSampling2D {
    fn default() -> Self {
        Self::new(Pair::two())
    }
}

fn nearest() -> Interpolation {
    Interpolation::Nearest
}

impl UpSampling2D {
    /// So many times as high and wide (`2` or `[2, 3]`), each pixel repeated.
    pub fn new(size: impl Into<Pair>) -> Self {
        UpSampling2D {
            name: None,
            size: size.into(),
            interpolation: Interpolation::Nearest,
        }
    }

    /// What stands between the centres of pixels (default: nearest).
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Describe for UpSampling2D {
    fn class_name(&self) -> &'static str {
        "UpSampling2D"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        settings::stretched_shape("UpSampling2D", &self.size.0, input)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for UpSampling2D {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        let &[n, height, width, channels] = x.shape() else {
            return Err(settings::no_batch_of("UpSampling2D", "images", x.shape()));
        };
        let Pair([down, across]) = self.size;
        let output = [n, down * height, across * width, channels];
        match self.interpolation {
            Interpolation::Nearest => {
                let single = x.reshape([n, height, 1, width, 1, channels])?;
                let several = single.broadcast_to(&[n, height, down, width, across, channels])?;
                Ok(several.reshape(output)?)
            }
            Interpolation::Bilinear => {
                let rows = x.reshape([n, height, width * channels])?;
                let rows = lines(&rows, down)?;
                let columns = rows.reshape([n * down * height, width, channels])?;
                Ok(lines(&columns, across)?.reshape(output)?)
            }
        }
    }
}

/// `[n, length, c]` → `[n, factor · length, c]`, with lines between neighbours. What `factor` new steps in place of one are
/// made of is the same for each of them: the step itself and the one before or behind it.
fn lines<E: Element>(x: &Var<E>, factor: usize) -> Result<Var<E>> {
    let &[n, length, channels] = x.shape() else {
        return Err(settings::no_batch_of(
            "UpSampling2D",
            "sequences",
            x.shape(),
        ));
    };
    if factor == 1 || x.value().is_empty() {
        return Ok(x.reshape([n, factor * length, channels])?);
    }
    let part = |steps: std::ops::Range<usize>| x.slice(1, steps);
    let before = Var::concat(&[&part(0..1)?, &part(0..length - 1)?], 1)?;
    let behind = Var::concat(&[&part(1..length)?, &part(length - 1..length)?], 1)?;
    // How far a new step's centre is behind that of the old one, in old steps.
    let share = |share: fn(f64) -> f64| {
        let of = |p: usize| share((p as f64 + 0.5) / factor as f64 - 0.5);
        let shares = Tensor::from_fn([factor, 1], |p| E::from_f64(of(p)));
        x.tape().constant(&shares)
    };
    let weighted = |x: &Var<E>, share: Var<E>| x.reshape([n, length, 1, channels])?.mul(&share);
    let middle = weighted(x, share(|distance| 1.0 - distance.abs()))?;
    let first = weighted(&before, share(|distance| (-distance).max(0.0)))?;
    let second = weighted(&behind, share(|distance| distance.max(0.0)))?;
    let several = middle.add(&first)?.add(&second)?;
    Ok(several.reshape([n, factor * length, channels])?)
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "UpSampling2D",
        about: "images with more pixels: repeated, or with lines drawn between them",
        file: file!(),
        from_config: |config| boxed::<E, UpSampling2D>("UpSampling2D", config),
        sample: |sampler| {
            let size = [sampler.integer(1, 3), sampler.integer(1, 3)];
            let kind = sampler.one_of(&[Interpolation::Nearest, Interpolation::Bilinear]);
            let input = [(); 3].map(|()| sampler.integer(1, 3));
            Sample::new(UpSampling2D::new(size).interpolation(kind), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;

    #[test]
    fn lines_end_at_the_outermost_centres() {
        let x = Tape::new().constant(&Tensor::from_vec([1, 1, 2, 1], vec![0.0f64, 8.0]).unwrap());
        let layer = UpSampling2D::new([1, 4]).interpolation(Interpolation::Bilinear);
        let y = layer.forward(&x, &[], &mut Context::inference()).unwrap();
        assert_eq!(y.value().to_vec(), [0.0, 0.0, 1.0, 3.0, 5.0, 7.0, 8.0, 8.0]);
    }

    #[test]
    fn interpolations_that_are_missing_are_named() {
        let config = serde_json::json!({"interpolation": "bicubic"});
        let error = super::super::from_config::<f32>("UpSampling2D", &config).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("bicubic") && message.contains("bilinear"),
            "{message}"
        );
    }
}
