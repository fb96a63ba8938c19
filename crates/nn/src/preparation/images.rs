//! The steps on the tape that layers for images are made of.

use crate::{Error, Result};
use taper_autograd::Var;
use taper_tensor::ops::{FillMode, Interpolation, Resampling};
use taper_tensor::{Conv2dSpec, Element, Padding, Tensor};

/// Height, width and channels of an image, or that it is none.
pub(crate) fn image(class_name: &'static str, input: &[usize]) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(input).map_err(|_| {
        let message = format!("an image [height, width, channels] is wanted, this is {input:?}");
        Error::layer(class_name, message)
    })
}

/// As [`image`], of three channels.
pub(crate) fn colours(class_name: &'static str, input: &[usize]) -> Result<()> {
    match image(class_name, input)? {
        [_, _, 3] => Ok(()),
        [.., channels] => {
            let message = format!("images of 3 channels are wanted, these have {channels}");
            Err(Error::layer(class_name, message))
        }
    }
}

/// A fault of a setting, with the layer's name.
pub(crate) fn named(class_name: &'static str) -> impl Fn(String) -> Error {
    move |fault| Error::layer(class_name, fault)
}

/// One number a sample, beside `x`: `[n, 1, 1, 1]`.
pub(crate) fn per_sample<E: Element>(
    x: &Var<E>,
    drawn: &[Vec<f64>],
    which: impl Fn(&[f64]) -> f64,
) -> Var<E> {
    let values: Vec<E> = drawn.iter().map(|d| E::from_f64(which(d))).collect();
    wide(x, [drawn.len(), 1, 1, 1], values)
}

/// A constant beside `x`.
pub(crate) fn wide<E: Element>(x: &Var<E>, shape: impl Into<Vec<usize>>, values: Vec<E>) -> Var<E> {
    let shape = shape.into();
    let constant = Tensor::from_fn(shape, |at| values[at]);
    x.tape().constant(&constant)
}

/// `a` where `mask` is 1, `b` where it is 0.
pub(crate) fn choose<E: Element>(mask: &Var<E>, a: &Var<E>, b: &Var<E>) -> Result<Var<E>> {
    let rest = mask.neg().shift(E::one());
    Ok(a.mul(mask)?.add(&b.mul(&rest)?)?)
}

/// `b + factor · (a − b)`: with 0 it is b, with 1 it is a, and beyond.
pub(crate) fn blend<E: Element>(factor: &Var<E>, a: &Var<E>, b: &Var<E>) -> Result<Var<E>> {
    Ok(a.sub(b)?.mul(factor)?.add(b)?)
}

/// Images read through a matrix each.
pub(crate) fn moved<E: Element>(
    x: &Var<E>,
    matrices: &[[f64; 6]],
    interpolation: Interpolation,
    fill: (FillMode, f64),
) -> Result<Var<E>> {
    let how = Resampling {
        interpolation,
        fill_mode: fill.0,
        fill_value: fill.1,
        size: None,
    };
    Ok(x.resample(matrices, &how)?)
}

/// Images of another size, as `keras.ops.image.resize` without antialiasing: pixels are squares whose centres lie in the
/// middle.
pub(crate) fn resized<E: Element>(
    x: &Var<E>,
    size: [usize; 2],
    interpolation: Interpolation,
) -> Result<Var<E>> {
    let step = |from: usize, to: usize| {
        let step = from as f64 / to as f64;
        // Between two pixels the later one is the nearest: exact quotients of the sizes are told from others so.
        let later = match interpolation {
            Interpolation::Nearest => 0.25 / to as f64,
            Interpolation::Bilinear => 0.0,
        };
        (step, 0.5 * step - 0.5 + later)
    };
    let (row, first_row) = step(x.shape()[1], size[0]);
    let (column, first_column) = step(x.shape()[2], size[1]);
    let matrix = [column, 0.0, first_column, 0.0, row, first_row];
    let how = Resampling {
        interpolation,
        fill_mode: FillMode::Nearest,
        fill_value: 0.0,
        size: Some(size),
    };
    Ok(x.resample(&vec![matrix; x.shape()[0]], &how)?)
}

/// The part of an image of this size that has the shape of another one and lies in its middle: (first, count) of rows and of
/// columns.
pub(crate) fn centered([height, width]: [usize; 2], like: [usize; 2]) -> [(usize, usize); 2] {
    let scaled = |other: usize, side: usize, by: usize| {
        let scaled = other as u128 * side as u128 / by.max(1) as u128;
        usize::try_from(scaled).unwrap_or(usize::MAX)
    };
    let rows = scaled(width, like[0], like[1]).min(height).max(1);
    let columns = scaled(height, like[1], like[0]).min(width).max(1);
    let first = |all: usize, part: usize| all.saturating_sub(part) / 2;
    [
        (first(height, rows), rows),
        (first(width, columns), columns),
    ]
}

/// Every channel with the same small kernel `[rows, columns]`, padded with zeros so that the size stays.
pub(crate) fn depthwise<E: Element>(
    x: &Var<E>,
    size: [usize; 2],
    kernel: &[f64],
) -> Result<Var<E>> {
    let channels = x.shape()[3];
    let values = kernel.iter().flat_map(|&k| vec![E::from_f64(k); channels]);
    let kernel = wide(x, [size[0], size[1], 1, channels], values.collect());
    let spec = Conv2dSpec {
        padding: Padding::Same,
        groups: channels,
        ..Conv2dSpec::default()
    };
    Ok(x.conv2d(&kernel, &spec)?)
}
