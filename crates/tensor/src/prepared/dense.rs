//! A fully connected layer with its bias and relu, for inference.
//!
//! With few rows (a batch of one!) the weights are used once or a few times, so reading them is all that takes time. They
//! lie in one run of rows, padded to whole vectors; long inner dimensions are cut into pieces whose sums are added over a
//! fixed tree. Of one row, inputs that are zero (behind a relu many are, of a picture of a digit most) are left out: their
//! weights are not even read.

use super::cut::{Cut, TASK_PRODUCTS};
use crate::Tensor;
use crate::buffer::Buffer;
use crate::kernels::{Kernels, scratch};
use crate::matrix::MatrixRef;
use crate::simd::block::BlockMut;
use crate::simd::tile::{Start, Tile, Walk, evenly, filled};
use crate::simd::{Simd, WithSimd, dispatch};

/// `[rows, inputs]` → `[rows, units]`: relu(x · kernel + bias).
#[derive(Debug)]
pub struct PreparedDense {
    inputs: usize,
    units: usize,
    /// `units`, filled up to whole vectors of any instruction set.
    width: usize,
    /// `[inputs, width]`; shared with whoever gave it, if it came so wide.
    kernel: Tensor,
    bias: Buffer<f32>,
    relu: bool,
    /// 0 · w is 0 for every weight: none is infinite or NaN.
    finite: bool,
}

/// Up to this many rows are few.
const FEW: usize = 8;
/// Lanes of the widest vector.
const WIDEST: usize = 16;
/// Weights of one piece: 256 KiB, some microseconds of reading.
const PIECE: usize = 1 << 16;
/// More pieces than this would only be more sums to add.
const MOST_PIECES: usize = 16;

impl PreparedDense {
    /// Packs the weights, or shares them where they need no packing: `kernel` is `[inputs, units]`, `bias` is `[units]`.
    ///
    /// # Panics
    /// When the weights do not have these shapes.
    pub fn new(kernel: &Tensor, bias: Option<&Tensor>, relu: bool) -> Self {
        let &[inputs, units] = kernel.shape() else {
            panic!("a kernel [inputs, units], not {:?}", kernel.shape());
        };
        let mut all_bias = Buffer::zeros(units);
        if let Some(bias) = bias {
            all_bias.copy_from_slice(&bias.to_vec());
        }
        let width = units.next_multiple_of(WIDEST);
        let kernel = kernel.contiguous();
        let values = kernel.as_slice().unwrap_or_default();
        PreparedDense {
            inputs,
            units,
            width,
            bias: all_bias,
            relu,
            finite: values.iter().fold(true, |all, w| all & w.is_finite()),
            kernel: if units == width {
                kernel
            } else {
                widened(values, [inputs, units], width)
            },
        }
    }

    /// Values of one input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of one output row.
    pub fn outputs(&self) -> usize {
        self.units
    }

    /// Products of one row.
    pub fn products(&self) -> usize {
        self.inputs * self.units
    }

    /// Whether so many rows are worth the thread pool.
    pub fn is_cut(&self, rows: usize) -> bool {
        if rows <= FEW {
            self.pieces() > 1
        } else {
            rows * self.products() > TASK_PRODUCTS
        }
    }

    /// Runs `rows` rows.
    ///
    /// # Panics
    /// When `x` or `y` is shorter.
    pub fn run(&self, rows: usize, x: &[f32], y: &mut [f32], cut: Cut) {
        let (x, y) = (&x[..rows * self.inputs], &mut y[..rows * self.units]);
        if y.is_empty() {
            return;
        }
        if self.inputs == 0 {
            y.fill(0.0);
            return self.finish(y);
        }
        if rows <= FEW {
            return self.few(rows, x, y, cut);
        }
        let a = MatrixRef::by_rows(x, rows, self.inputs);
        let b = MatrixRef {
            values: self.kernel.storage(),
            rows: self.inputs,
            columns: self.units,
            row_stride: self.width,
            column_stride: 1,
        };
        <f32 as Kernels>::matmul(a, b, y, false);
        self.finish(y);
    }

    /// Few rows: a partial sum a piece of the inner dimension.
    fn few(&self, rows: usize, x: &[f32], y: &mut [f32], cut: Cut) {
        let (pieces, block) = (self.pieces(), rows * self.width);
        scratch::with(pieces * block, |partial| {
            self.pieces_of(0..pieces, rows, x, partial, cut);
            let sums = add_blocks(partial, block).chunks_exact(self.width);
            for (y, sums) in y.chunks_exact_mut(self.units).zip(sums) {
                y.copy_from_slice(&sums[..self.units]);
            }
            self.finish(y);
        });
    }

    /// Cuts the pieces into halves until one is left: the halves are the same at every run, so that the one that another
    /// core takes still lies in its cache from the last time.
    fn pieces_of(
        &self,
        pieces: std::ops::Range<usize>,
        rows: usize,
        x: &[f32],
        partial: &mut [f32],
        cut: Cut,
    ) {
        if pieces.len() == 1 {
            return self.piece(pieces.start, rows, x, partial);
        }
        let middle = pieces.start + pieces.len() / 2;
        let (left, right) = partial.split_at_mut((middle - pieces.start) * rows * self.width);
        let mut left = || self.pieces_of(pieces.start..middle, rows, x, left, cut);
        let mut right = || self.pieces_of(middle..pieces.end, rows, x, right, cut);
        match cut {
            Cut::Whole => {
                left();
                right();
            }
            Cut::Tasks => _ = rayon::join(left, right),
        }
    }

    /// The share of piece number `piece` in every sum.
    fn piece(&self, piece: usize, rows: usize, x: &[f32], sums: &mut [f32]) {
        let each = self.inputs.div_ceil(self.pieces());
        let first = (piece * each).min(self.inputs);
        let count = each.min(self.inputs - first);
        if count == 0 {
            return sums.fill(0.0);
        }
        let kernel = &self.kernel.storage()[first * self.width..][..count * self.width];
        if rows == 1 && self.finite {
            return dispatch(OneRow {
                x: &x[first..][..count],
                kernel,
                sums,
            });
        }
        dispatch(FewRows {
            x: &x[first..],
            x_step: self.inputs,
            kernel,
            count,
            sums: BlockMut::new(sums, rows, self.width, self.width),
        });
    }

    /// Pieces of the inner dimension: a function of the shapes alone.
    fn pieces(&self) -> usize {
        (self.inputs * self.width / PIECE).clamp(1, MOST_PIECES)
    }

    /// Adds the bias, and relu.
    fn finish(&self, y: &mut [f32]) {
        dispatch(BiasRelu {
            y,
            bias: &self.bias,
            relu: self.relu,
        });
    }
}

/// The same rows, filled up with zeros to `width`.
fn widened(values: &[f32], [inputs, units]: [usize; 2], width: usize) -> Tensor {
    let mut wide = Buffer::zeros(inputs * width);
    let rows = wide.chunks_exact_mut(width.max(1));
    rows.zip(values.chunks_exact(units.max(1)))
        .for_each(|(to, from)| to[..units].copy_from_slice(from));
    Tensor::from_buffer([inputs, width], wide)
}

/// The sum of the blocks over a fixed tree, neighbours first.
fn add_blocks(blocks: &mut [f32], length: usize) -> &[f32] {
    let mut distance = length;
    while distance < blocks.len() {
        for pair in blocks.chunks_mut(2 * distance) {
            if pair.len() > distance {
                let (left, right) = pair.split_at_mut(distance);
                let sums = left[..length].iter_mut().zip(&right[..length]);
                sums.for_each(|(left, right)| *left += right);
            }
        }
        distance *= 2;
    }
    &blocks[..length]
}

/// Up to [`FEW`] rows, tile by tile.
struct FewRows<'a> {
    x: &'a [f32],
    x_step: usize,
    kernel: &'a [f32],
    count: usize,
    sums: BlockMut<'a>,
}

impl WithSimd for FewRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (rows, width) = (self.sums.rows(), self.sums.columns());
        let walk = Walk::line(self.count, [1, width]);
        for (column, columns) in filled(width, 2 * S::LANES) {
            for (row, rows) in evenly(rows, S::ROWS) {
                let tile = Tile {
                    a: &self.x[row * self.x_step..],
                    a_step: self.x_step,
                    b: &self.kernel[column..],
                    walk,
                    start: Start::Zero,
                    relu: false,
                };
                simd.tile(&tile, self.sums.part(row, rows, column, columns));
            }
        }
    }
}

/// One row: for every input that is not zero its row of weights, scaled.
struct OneRow<'a> {
    x: &'a [f32],
    /// `[x.len(), sums.len()]`, whole vectors
    kernel: &'a [f32],
    sums: &'a mut [f32],
}

/// Inputs whose positions are gathered at once, on the stack.
const RUN: usize = 256;

impl WithSimd for OneRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.sums.len();
        self.sums.fill(0.0);
        for (x, kernel) in self.x.chunks(RUN).zip(self.kernel.chunks(RUN * width)) {
            let mut there = [0; RUN];
            let mut count = 0;
            for (i, &value) in x.iter().enumerate() {
                there[count % RUN] = i;
                count += usize::from(value != 0.0);
            }
            let there = &there[..count];
            let mut column = 0;
            while column < width {
                let rest = (width - column) / S::LANES;
                let sums = &mut self.sums[column..];
                let kernel = &kernel[column..];
                column += S::LANES
                    * match rest {
                        8.. => add_rows::<S, 8>(simd, x, there, kernel, width, sums),
                        4.. => add_rows::<S, 4>(simd, x, there, kernel, width, sums),
                        2.. => add_rows::<S, 2>(simd, x, there, kernel, width, sums),
                        _ => add_rows::<S, 1>(simd, x, there, kernel, width, sums),
                    };
            }
        }
    }
}

/// Adds `x[i] · kernel[i]` for the positions that are `there` to `VECTORS` vectors of sums; returns `VECTORS`.
#[inline(always)]
fn add_rows<S: Simd, const VECTORS: usize>(
    simd: S,
    x: &[f32],
    there: &[usize],
    kernel: &[f32],
    width: usize,
    sums: &mut [f32],
) -> usize {
    let mut sum = [simd.splat(0.0); VECTORS];
    for (v, sum) in sum.iter_mut().enumerate() {
        *sum = simd.load(&sums[v * S::LANES..]);
    }
    for &i in there {
        let value = simd.splat(x[i]);
        let row = &kernel[i * width..][..VECTORS * S::LANES];
        for (v, sum) in sum.iter_mut().enumerate() {
            *sum = simd.mul_add(value, simd.load(&row[v * S::LANES..]), *sum);
        }
    }
    for (v, sum) in sum.iter().enumerate() {
        simd.store(&mut sums[v * S::LANES..], *sum);
    }
    VECTORS
}

/// Adds the bias to every row, then relu.
struct BiasRelu<'a> {
    y: &'a mut [f32],
    bias: &'a [f32],
    relu: bool,
}

impl WithSimd for BiasRelu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for row in self.y.chunks_exact_mut(self.bias.len()) {
            for (y, bias) in row.iter_mut().zip(self.bias) {
                let sum = *y + bias;
                *y = if sum < least { least } else { sum }; // NaN stays NaN
            }
        }
    }
}
