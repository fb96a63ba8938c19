//! Pooling for inference: averages, and the maxima alone, not where they were.

use crate::kernels::conv::maxima::larger;
use crate::kernels::geometry::PoolGeometry;
use crate::kernels::pool::Average;
use crate::simd::{Simd, WithSimd, dispatch};

/// `[h, w, c]` → `[oh, ow, c]`: the largest value of each window; padding is never the largest.
#[derive(Debug)]
pub struct PreparedMaxPool2d {
    g: PoolGeometry,
}

impl PreparedMaxPool2d {
    /// The pooling of images as `g` has them.
    pub fn new(g: PoolGeometry) -> Self {
        PreparedMaxPool2d {
            g: PoolGeometry { n: 1, ..g },
        }
    }

    /// Runs `n` images.
    ///
    /// # Panics
    /// When `x` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], y: &mut [f32]) {
        let (inputs, outputs) = (self.g.image(), self.g.output());
        let (x, y) = (&x[..n * inputs], &mut y[..n * outputs]);
        if y.is_empty() {
            return;
        }
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
            dispatch(Image { g: &self.g, x, y });
        }
    }
}

/// `[h, w, c]` → `[oh, ow, c]`: the average of each window; padding is not counted.
#[derive(Debug)]
pub struct PreparedAveragePool2d {
    g: PoolGeometry,
}

impl PreparedAveragePool2d {
    /// The pooling of images as `g` has them.
    pub fn new(g: PoolGeometry) -> Self {
        PreparedAveragePool2d {
            g: PoolGeometry { n: 1, ..g },
        }
    }

    /// Runs `n` images.
    ///
    /// # Panics
    /// When `x` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], y: &mut [f32]) {
        let (inputs, outputs) = (self.g.image(), self.g.output());
        let (x, y) = (&x[..n * inputs], &mut y[..n * outputs]);
        if y.is_empty() {
            return;
        }
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
            dispatch(Average { g: &self.g, x, y });
        }
    }
}

struct Image<'a> {
    g: &'a PoolGeometry,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let PoolGeometry {
            rows,
            columns,
            channels,
            ..
        } = *self.g;
        for (output, y) in self.y.chunks_exact_mut(channels).enumerate() {
            let (oy, ox) = (output / columns.outputs, output % columns.outputs);
            y.fill(f32::NEG_INFINITY);
            for ky in 0..rows.taps {
                for kx in 0..columns.taps {
                    if let (Some(iy), Some(ix)) = (rows.input(oy, ky), columns.input(ox, kx)) {
                        let x = &self.x[(iy * columns.inputs + ix) * channels..][..channels];
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = larger(*y, x);
                        }
                    }
                }
            }
        }
    }
}
