//! A convolution with a sum behind it: the end of a residual block, in one pass. Made of a convolution's step and a sum that
//! alone reads it, so it has no row.

use super::{JunctionWork, Reads};
use crate::Result;
use taper_tensor::prepared::{Cut, PreparedConv2d};

/// Its name, as [`Prepared::steps`](crate::Prepared::steps) shows it.
pub(in crate::inference) const NAME: &str = "conv2d_sum";

/// What the convolution reads is the first input.
#[derive(Debug)]
pub(in crate::inference) struct ConvolutionAndSum(pub(in crate::inference) PreparedConv2d);

impl JunctionWork for ConvolutionAndSum {
    fn run(&self, n: usize, inputs: Reads<'_>, outputs: &mut [&mut [f32]], cut: Cut) -> Result<()> {
        if let [y] = outputs {
            self.0.run(n, inputs.get(0), Some(inputs.get(1)), y, cut);
        }
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        self.0.products()
    }

    fn is_cut(&self, _n: usize) -> bool {
        self.0.is_cut()
    }
}
