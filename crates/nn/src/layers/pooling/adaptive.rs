//! Pooling to a given size.

use super::Kept;
use crate::layers::convolution::on_images;
use crate::layers::{Sample, Sides};
use crate::{Context, Describe, Error, Layer, Padding, Result, config, setting};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Pool2dSpec};

/// As many windows as the output is to have along each axis, the average or the largest value of each. Window i of m over
/// n values goes from ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉, as in Keras and PyTorch: side by side where m divides n, overlapping
/// otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct AdaptivePooling<K: Kept, S: Sides> {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sides of the output (no default).
    pub output_size: S,
    #[serde(skip)]
    kept: K,
}

impl<K: Kept, S: Sides> AdaptivePooling<K, S> {
    /// An output of `output_size` (`2`, or of images `[2, 3]`).
    pub fn new(output_size: impl Into<S>) -> Self {
        AdaptivePooling {
            name: None,
            output_size: output_size.into(),
            kept: K::default(),
        }
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The windows, where they are as large everywhere and side by side.
    pub(crate) fn spec(&self, [height, width, _]: [usize; 3]) -> Option<Pool2dSpec> {
        let [rows, columns] = self.output_size.on_image(1);
        let even = height.is_multiple_of(rows) && width.is_multiple_of(columns);
        let size = [height.checked_div(rows)?, width.checked_div(columns)?];
        even.then_some(Pool2dSpec {
            size,
            strides: size,
            padding: Padding::Valid,
        })
    }

    /// A random one, with an input that it fits.
    pub(crate) fn drawn<E: Element>(sampler: &mut Sampler) -> Sample<E> {
        let layer = Self::new(S::drawn(sampler, 1, 4));
        Sample::new(layer, S::drawn_input(sampler, 2, 6, 3))
    }
}

/// The windows along an axis.
fn windows(length: usize, outputs: usize) -> impl Iterator<Item = Range<usize>> {
    (0..outputs).map(move |i| i * length / outputs..((i + 1) * length).div_ceil(outputs))
}

/// Every window along one axis of a batch of images.
fn along<K: Kept, E: Element>(x: &Var<E>, axis: usize, outputs: usize) -> Result<Var<E>> {
    if x.shape()[axis] == outputs {
        return Ok(x.clone());
    }
    let parts = windows(x.shape()[axis], outputs)
        .map(|window| K::along(&x.slice(axis, window)?, &[axis], true))
        .collect::<Result<Vec<_>>>()?;
    Ok(Var::concat(&parts.iter().collect::<Vec<_>>(), axis)?)
}

impl<K: Kept, S: Sides> Describe for AdaptivePooling<K, S> {
    fn class_name(&self) -> &'static str {
        let images = K::named("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D");
        let sequences = K::named("AdaptiveAveragePooling1D", "AdaptiveMaxPooling1D");
        S::named(sequences, images)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let fail = |message: String| Error::layer(self.class_name(), message);
        let sides = self.output_size.sides();
        sides
            .iter()
            .try_for_each(|&side| setting::count("output_size", side))
            .map_err(fail)?;
        let [height, width, channels] = S::image(input).ok_or_else(|| fail(S::wanted(input)))?;
        if height == 0 || width == 0 {
            return Err(fail(format!(
                "there is nothing to pool in an input {input:?}"
            )));
        }
        // Windows are found one by one: more of them than values would only repeat these, and take long.
        let [rows, columns] = self.output_size.on_image(1);
        if rows > MOST * height || columns > MOST * width {
            return Err(fail(format!(
                "output_size is {sides:?}, more than {MOST} times the input {input:?}"
            )));
        }
        Ok(S::sample(&[rows, columns, channels]))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// An output may be so many times as long as the input.
const MOST: usize = 16;

impl<K: Kept, S: Sides, E: Element> Layer<E> for AdaptivePooling<K, S> {
    fn forward(
        &self,
        x: &Var<E>,
        _weights: &[Var<E>],
        _context: &mut Context<E>,
    ) -> Result<Var<E>> {
        on_images::<S, E>(self.class_name(), x, |x| {
            if let Some(spec) = <[usize; 3]>::try_from(&x.shape()[1..])
                .ok()
                .and_then(|image| self.spec(image))
            {
                return K::of_windows(x, &spec);
            }
            let [rows, columns] = self.output_size.on_image(1);
            along::<K, E>(&along::<K, E>(x, 1, rows)?, 2, columns)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_everything_and_overlap_where_they_must() {
        let all = |length, outputs| windows(length, outputs).collect::<Vec<_>>();
        assert_eq!(all(6, 3), [0..2, 2..4, 4..6]);
        assert_eq!(all(7, 3), [0..3, 2..5, 4..7]);
        assert_eq!(all(2, 4), [0..1, 0..1, 1..2, 1..2]);
    }
}
