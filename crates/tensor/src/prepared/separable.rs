//! A separable convolution for inference: each image goes through both of its parts while what lies between is in the cache.

use super::conv2d::PreparedConv2d;
use super::cut::Cut;
use crate::kernels::scratch;

/// A depthwise convolution, and one of single pixels behind it.
#[derive(Clone, Debug)]
pub struct PreparedSeparableConv2d {
    depthwise: PreparedConv2d,
    pointwise: PreparedConv2d,
}

impl PreparedSeparableConv2d {
    /// One behind the other.
    ///
    /// # Panics
    /// When the second does not take what the first makes.
    pub fn new(depthwise: PreparedConv2d, pointwise: PreparedConv2d) -> Self {
        assert_eq!(depthwise.outputs(), pointwise.inputs());
        PreparedSeparableConv2d {
            depthwise,
            pointwise,
        }
    }

    /// Products of one image.
    pub fn products(&self) -> usize {
        self.depthwise.products() + self.pointwise.products()
    }

    /// Whether images, run as [`Cut::Tasks`], are handed to the thread pool.
    pub fn is_cut(&self) -> bool {
        self.depthwise.is_cut() || self.pointwise.is_cut()
    }

    /// Runs `n` images.
    ///
    /// # Panics
    /// When `x` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) {
        let (inputs, outputs) = (self.depthwise.inputs(), self.pointwise.outputs());
        let (x, y) = (&x[..n * inputs], &mut y[..n * outputs]);
        if y.is_empty() {
            return;
        }
        scratch::with(self.depthwise.outputs(), |between| {
            for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
                self.depthwise.run(1, x, None, between, cut);
                self.pointwise.run(1, between, None, y, cut);
            }
        });
    }
}
