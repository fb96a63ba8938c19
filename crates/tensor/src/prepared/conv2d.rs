//! A convolution with its bias, relu and 2×2 maximum in one pass, for inference: of a pooled convolution only the maxima
//! are kept, not which of the four won.

use super::cut::{Cut, TASK_PRODUCTS};
use crate::Tensor;
use crate::buffer::Buffer;
use crate::kernels::arguments::{After, Epilogue};
use crate::kernels::conv::direct::ForwardRows;
use crate::kernels::conv::forward_rows;
use crate::kernels::conv::maxima::Maxima;
use crate::kernels::conv::padding::with_padding;
use crate::kernels::conv::plane::{Plane, rows_per_task};
use crate::kernels::conv::way::Way;
use crate::kernels::conv::winograd::{Convolution, Order, Target, Tiling, transform_kernel};
use crate::kernels::elementwise::behind_bias;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::scratch;
use crate::simd::dispatch;
use rayon::prelude::*;
use std::sync::Arc;

/// `[h, w, in]` → `[oh, ow, out]`, or half of it in both directions when pooled: relu(x ∗ kernel + bias), then the maximum
/// of 2×2 windows.
#[derive(Clone, Debug)]
pub struct PreparedConv2d {
    g: ConvGeometry,
    plane: Plane,
    kernel: Tensor,
    bias: Option<Tensor>,
    relu: bool,
    pooled: bool,
    way: Way,
    /// Of a convolution that goes Winograd's way: the kernel as that needs it.
    transformed: Option<(Tiling, Arc<Buffer<f32>>)>,
}

impl PreparedConv2d {
    /// Transforms the kernel where that pays, or shares it: it lies already as the register tile wants it. `kernel` is
    /// `[kh, kw, in / groups, out]` as `g` says, `bias` is `[out]`.
    ///
    /// # Panics
    /// When the weights do not have the shapes that the geometry says.
    pub fn new(
        g: ConvGeometry,
        kernel: &Tensor,
        bias: Option<&Tensor>,
        relu: bool,
        pooled: bool,
    ) -> Self {
        assert_eq!(kernel.shape(), g.kernel_shape());
        assert!(bias.is_none_or(|bias| bias.shape() == [g.filters]));
        let (g, kernel) = touching(g, kernel);
        let plane = Plane::forward(&g);
        let way = Way::of(&plane);
        let transformed = match way {
            Way::Winograd(tiling) => {
                let mut transformed = Buffer::uninit(tiling.weights());
                transform_kernel(&plane, kernel.storage(), &mut transformed);
                Some((tiling, Arc::new(transformed)))
            }
            _ => None,
        };
        PreparedConv2d {
            g: ConvGeometry { n: 1, ..g },
            plane,
            way,
            transformed,
            kernel,
            bias: bias.map(Tensor::contiguous),
            relu,
            pooled,
        }
    }

    /// The same convolution with room for a sum behind it, and relu behind that or not; none where relu or a maximum stands
    /// there already.
    pub fn with_sum(&self, relu: bool) -> Option<Self> {
        (!self.relu && !self.pooled).then(|| PreparedConv2d {
            relu,
            ..self.clone()
        })
    }

    /// Values of one input image.
    pub fn inputs(&self) -> usize {
        self.g.image()
    }

    /// Values of one output image.
    pub fn outputs(&self) -> usize {
        self.rows() * self.row()
    }

    /// Products of one image.
    pub fn products(&self) -> usize {
        self.g.products()
    }

    /// Whether images, run as [`Cut::Tasks`], are handed to the thread pool.
    pub fn is_cut(&self) -> bool {
        self.products() > TASK_PRODUCTS
    }

    /// Runs `n` images. What is to be added behind the bias, in front of relu, has the outputs' shape (none where pooled).
    ///
    /// # Panics
    /// When `x`, `addend` or `y` is shorter than `n` images.
    pub fn run(&self, n: usize, x: &[f32], addend: Option<&[f32]>, y: &mut [f32], cut: Cut) {
        debug_assert!(addend.is_none() || !self.pooled);
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let (x, y) = (&x[..n * inputs], &mut y[..n * outputs]);
        if y.is_empty() {
            return;
        }
        let after = After {
            bias: self.bias.as_ref().map(Tensor::storage),
            addend,
            epilogue: Epilogue::relu(self.relu),
        };
        if let Some((tiling, weights)) = &self.transformed {
            let target = if self.pooled {
                Target::Maxima(y)
            } else {
                Target::Plain(y)
            };
            let convolution = Convolution {
                tiling: *tiling,
                weights,
                after,
                lend: |number: usize, work: &mut dyn FnMut(&[f32])| {
                    with_padding(&self.g, &x[number * inputs..][..inputs], work);
                },
            };
            let order = match cut {
                Cut::Tasks => Order::TileRows,
                Cut::Whole => Order::Here,
            };
            return convolution.run(target, order);
        }
        let images = x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs));
        for (number, (x, y)) in images.enumerate() {
            let image = Image {
                convolution: self,
                after,
                position: number * outputs,
            };
            with_padding(&self.g, x, |x| image.run(x, y, cut));
        }
    }

    /// Rows of the convolution that make one of the output.
    fn step(&self) -> usize {
        if self.pooled { 2 } else { 1 }
    }

    /// Rows of the output.
    fn rows(&self) -> usize {
        self.plane.output[0] / self.step()
    }

    /// Values in a row of the output.
    fn row(&self) -> usize {
        self.plane.output[1] / self.step() * self.plane.filters
    }
}

/// The convolution with those taps of its kernel alone that touch the image, and the kernel that has them.
pub(super) fn touching(g: ConvGeometry, kernel: &Tensor) -> (ConvGeometry, Tensor) {
    let Ok(Some((g, [rows, columns]))) = g.reached() else {
        return (g, kernel.contiguous());
    };
    let part = kernel
        .slice(0, rows)
        .and_then(|part| part.slice(1, columns));
    let part = part.expect("the taps are those of the kernel");
    (g, part.contiguous())
}

/// One image of a run that does not go Winograd's way.
struct Image<'a> {
    convolution: &'a PreparedConv2d,
    after: After<'a, f32>,
    /// Of the first output.
    position: usize,
}

impl Image<'_> {
    /// From the image, whose padding is around it.
    fn run(&self, x: &[f32], y: &mut [f32], cut: Cut) {
        let convolution = self.convolution;
        let each = rows_per_task(&convolution.plane).div_ceil(convolution.step());
        if cut == Cut::Whole || each >= convolution.rows() {
            return self.part(x, 0, y);
        }
        y.par_chunks_mut(each * convolution.row())
            .enumerate()
            .with_max_len(1)
            .for_each(|(task, y)| self.part(x, task * each, y));
    }

    /// Rows `first..` of the output, as many as `y` holds.
    fn part(&self, x: &[f32], first: usize, y: &mut [f32]) {
        let (pooled, plane) = (self.convolution.pooled, &self.convolution.plane);
        let row = self.convolution.row();
        if !pooled {
            self.convolve(x, first, y);
            return behind_bias(y, &self.after, self.position + first * row);
        }
        let full = plane.output[1] * plane.filters;
        scratch::with(2 * full, |pair| {
            for (i, y) in y.chunks_exact_mut(row).enumerate() {
                self.convolve(x, 2 * (first + i), pair);
                dispatch(Maxima {
                    pair,
                    filters: plane.filters,
                    y,
                });
            }
        });
    }

    fn convolve(&self, x: &[f32], first: usize, y: &mut [f32]) {
        let rows = ForwardRows {
            plane: self.convolution.plane,
            x,
            kernel: self.convolution.kernel.storage(),
            bias: self.after.bias,
            relu: self.after.relu_behind_bias(),
            first,
            y,
        };
        forward_rows(self.convolution.way, rows);
    }
}
