//! Convolutions of sequences and images, one text for both: a sequence is an image of height 1, so that all of them run on
//! the same kernels. The files `conv1d.rs`, `conv2d.rs`, … of the folder above give them Keras's names.

mod depthwise;
mod plain;
mod separable;
mod sides;
mod transpose;

pub use depthwise::DepthwiseConvolution;
pub use plain::Convolution;
pub use separable::SeparableConvolution;
pub use sides::Sides;
pub use transpose::TransposedConvolution;

use crate::{ActivationKind, Error, Layer, Pair, Result, Single};
use std::any::Any;
use taper_autograd::Var;
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Element};

/// What fused patterns and prepared inference know of a layer that is a convolution, or several behind each other.
pub(crate) trait Convolving<E: Element>: Layer<E> {
    /// The sums with the bias, and what `epilogue` says, in one pass.
    fn convolve(&self, x: &Var<E>, weights: &[Var<E>], epilogue: &Epilogue) -> Result<Var<E>>;

    /// What follows the sums.
    fn activation(&self) -> ActivationKind;

    /// The image behind an input that fits, and each convolution with the shape of its kernel; the weights are those kernels,
    /// then a bias of the last.
    fn parts(&self, input: &[usize]) -> ([usize; 3], Vec<(Conv2dSpec, [usize; 4])>);

    /// A copy.
    fn boxed(&self) -> Box<dyn Convolving<E>>;
}

/// The layer as one of these, if it is one.
pub(crate) fn convolving<E: Element>(layer: &dyn Any) -> Option<&dyn Convolving<E>> {
    fn found<E: Element, L: Convolving<E>>(layer: &dyn Any) -> Option<&dyn Convolving<E>> {
        layer.downcast_ref().map(|layer: &L| layer as _)
    }
    found::<E, Convolution<Pair>>(layer)
        .or_else(|| found::<E, DepthwiseConvolution<Pair>>(layer))
        .or_else(|| found::<E, SeparableConvolution<Pair>>(layer))
        .or_else(|| found::<E, Convolution<Single>>(layer))
        .or_else(|| found::<E, DepthwiseConvolution<Single>>(layer))
        .or_else(|| found::<E, SeparableConvolution<Single>>(layer))
}

/// Runs a function of images on what `S` says: on sequences as images of height 1.
pub(crate) fn on_images<S: Sides, E: Element>(
    class_name: &str,
    x: &Var<E>,
    f: impl FnOnce(&Var<E>) -> Result<Var<E>>,
) -> Result<Var<E>> {
    if S::IMAGES {
        return f(x);
    }
    let &[n, steps, channels] = x.shape() else {
        return Err(Error::layer(class_name, S::wanted(x.shape())));
    };
    let y = f(&x.reshape([n, 1, steps, channels])?)?;
    let &[_, _, steps, channels] = y.shape() else {
        return Ok(y);
    };
    Ok(y.reshape([n, steps, channels])?)
}

/// A kernel `[sides …, a, b]` as one of images.
fn kernel_on_images<E: Element>(kernel: &Var<E>) -> Result<Var<E>> {
    match *kernel.shape() {
        [length, a, b] => Ok(kernel.reshape([1, length, a, b])?),
        _ => Ok(kernel.clone()),
    }
}

/// A depthwise kernel `[sides …, channels, multiplier]` as that of a convolution with a group for each channel.
fn depthwise_on_images<E: Element>(kernel: &Var<E>) -> Result<Var<E>> {
    Ok(match *kernel.shape() {
        [length, channels, multiplier] => kernel.reshape([1, length, 1, channels * multiplier])?,
        [height, width, channels, multiplier] => {
            kernel.reshape([height, width, 1, channels * multiplier])?
        }
        _ => kernel.clone(),
    })
}
