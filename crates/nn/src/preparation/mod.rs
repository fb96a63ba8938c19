//! What the layers that prepare or vary images share: settings as Keras writes them, one draw a sample, and the steps on the
//! tape that they are made of. The layers themselves are files in `layers`.

mod codes;
mod draws;
mod factor;
mod images;
mod quantiles;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use codes::OutputMode;
pub(crate) use codes::{coded, coded_shape};
pub(crate) use draws::Draws;
pub use factor::Factor;
pub(crate) use factor::{Single, check_range};
pub(crate) use images::{
    blend, centered, choose, colours, depthwise, image, moved, named, per_sample, resized, wide,
};
pub(crate) use quantiles::quantiles;

use crate::{Context, Describe, Result};
use taper_autograd::Var;
use taper_tensor::Element;

/// A layer that varies images in training, and leaves them as they are at inference. What is random is drawn first, one draw a
/// sample, so that the rest is a plain function that can be compared with Keras's.
pub(crate) trait Augment: Describe {
    /// What is drawn for one sample of this shape.
    fn draw(&self, draws: &Draws, input: &[usize]) -> Vec<f64>;

    /// The images with what was drawn for each.
    fn transform<E: Element>(&self, x: &Var<E>, drawn: &[Vec<f64>]) -> Result<Var<E>>;
}

/// The forward pass of such a layer.
pub(crate) fn augment<E: Element>(
    layer: &impl Augment,
    x: &Var<E>,
    context: &mut Context<E>,
) -> Result<Var<E>> {
    if !context.training || x.value().is_empty() {
        return Ok(x.clone());
    }
    let drawn = drawn(layer, x.shape(), context);
    layer.transform(x, &drawn)
}

/// What is drawn for each sample of a batch of this shape.
pub(crate) fn drawn<E: Element>(
    layer: &impl Augment,
    batch: &[usize],
    context: &mut Context<E>,
) -> Vec<Vec<f64>> {
    let (key, noise) = (context.key(), context.key());
    let each = (0..batch[0]).map(|sample| {
        let draws = Draws { key, noise, sample };
        layer.draw(&draws, &batch[1..])
    });
    each.collect()
}
