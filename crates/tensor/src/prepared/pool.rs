//! Pooling for inference: averages, and the maxima alone, not where they were.

use crate::kernels::conv::maxima::larger;
use crate::kernels::geometry::PoolGeometry;
use crate::kernels::pool::Average;
use crate::simd::{Simd, WithSimd, dispatch};

/// What a pooling keeps of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest value; padding is never the largest.
    Max,
    /// The average; padding is not counted.
    Average,
}

/// `[h, w, c]` → `[oh, ow, c]`: one value of each window and channel.
#[derive(Debug)]
pub struct PreparedPool2d {
    pooling: Pooling,
    g: PoolGeometry,
}

impl PreparedPool2d {
    /// The pooling of images as `g` has them.
    pub fn new(pooling: Pooling, g: PoolGeometry) -> Self {
        PreparedPool2d {
            pooling,
            g: PoolGeometry { n: 1, ..g },
        }
    }

    /// Values that are looked at for one image.
    pub fn visits(&self) -> usize {
        self.g.visits()
    }

    /// Runs `n` images.
    ///
    /// # Panics
    /// When `x` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], y: &mut [f32]) {
        let g = &self.g;
        let (inputs, outputs) = (g.image(), g.output());
        let (x, y) = (&x[..n * inputs], &mut y[..n * outputs]);
        if y.is_empty() {
            return;
        }
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
            match self.pooling {
                Pooling::Max => dispatch(Maxima { g, x, y }),
                Pooling::Average => dispatch(Average { g, x, y }),
            }
        }
    }
}

/// The maxima of one image.
struct Maxima<'a> {
    g: &'a PoolGeometry,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Maxima<'_> {
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
