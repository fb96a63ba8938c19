//! f32 convolutions on the register tile: forward, and both gradients.
//!
//! The input of the tile is an image that has its padding around it (a copy where there is padding, the image itself
//! where there is none), so that every window lies inside. The input gradient is a convolution too: of the output's
//! padded gradient with the flipped kernel, or with strides, several of them (`phases`); or patches that are added up where
//! they overlap (`fold`).

pub(crate) mod direct;
mod fold;
pub(super) mod gated;
mod lanes;
pub(crate) mod maxima;
pub(crate) mod padding;
mod patches;
mod phases;
mod pixels;
pub(crate) mod plane;
pub(super) mod pooled;
pub(crate) mod way;
pub mod ways;
pub(crate) mod winograd;

use super::arguments::After;
use super::cut::{by_rows, each_image, sum_images};
use super::geometry::ConvGeometry;
use super::{elementwise, scratch};
use crate::simd::dispatch;
use direct::{DirectKernelGradient, ForwardRows};
use padding::{pad, with_padding};
use phases::Phases;
use plane::Plane;
use way::Way;
use winograd::{Order, Target};

/// dropout(relu(x ∗ kernel + bias + addend)), the fastest way.
pub(crate) fn forward(
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    after: After<'_, f32>,
    y: &mut [f32],
) {
    forward_by(Way::of_batch(g), g, x, kernel, after, y);
}

/// The same the way that the caller names.
pub(crate) fn forward_by(
    way: Way,
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    after: After<'_, f32>,
    y: &mut [f32],
) {
    if y.is_empty() {
        return;
    }
    if let Way::Patches = way {
        return patches::forward(g, x, kernel, &after, y);
    }
    let (plane, image) = (Plane::forward(g), g.output());
    if let Way::Pixels = way {
        return pixels::forward(&plane, x, kernel, after, y);
    }
    if let Way::Winograd(tiling) = way {
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::with_kernel(tiling, kernel, after, lend, |convolution| {
            convolution.run(Target::Plain(y), Order::Blocks);
        });
    }
    each_image(y, image, g.products(), |number, y| {
        with_padding(g, &x[number * g.image()..][..g.image()], |x| {
            convolve(way, &plane, x, kernel, after, number * image, y);
        });
    });
}

/// One image, its rows cut into tasks. `position` is that of the image's first output, which what follows counts from.
fn convolve(
    way: Way,
    plane: &Plane,
    x: &[f32],
    kernel: &[f32],
    after: After<'_, f32>,
    position: usize,
    y: &mut [f32],
) {
    let row = plane.output_row();
    by_rows(y, row, plane.row_products(), |first, y| {
        let rows = ForwardRows {
            plane: *plane,
            x,
            kernel,
            bias: after.bias,
            relu: after.relu_behind_bias(),
            first,
            y: &mut *y,
        };
        forward_rows(way, rows);
        elementwise::behind_bias(y, &after, position + first * row);
    });
}

/// Some rows of one image's output, lane by lane or directly.
pub(crate) fn forward_rows(way: Way, rows: ForwardRows<'_>) {
    match way {
        Way::Lanes => lanes::forward_rows(rows),
        _ => dispatch(rows),
    }
}

/// The gradient with respect to the input, plus `addend`: convolutions of the padded `dy` with the flipped kernel.
pub(crate) fn input_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    addend: Option<&[f32]>,
    dx: &mut [f32],
) {
    input_gradient_by(None, g, dy, kernel, addend, dx);
}

/// The same, each of them the way that the caller names.
pub(crate) fn input_gradient_by(
    way: Option<Way>,
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    addend: Option<&[f32]>,
    dx: &mut [f32],
) {
    if dx.is_empty() {
        return;
    }
    let axes = [Phases::of(&g.rows), Phases::of(&g.columns)];
    let plane = phases::plane(g, &axes);
    let way = way.unwrap_or_else(|| Way::of_input_gradient(g, &plane));
    if let Way::Patches = way {
        return patches::input_gradient(g, dy, kernel, &After::sum(addend), dx);
    }
    if let Way::Fold = way {
        return fold::input_gradient(g, dy, kernel, &After::sum(addend), dx);
    }
    let size = axes.map(|axis| axis.padded);
    let before = axes.map(|axis| axis.lead);
    let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
        let dy = &dy[number * g.output()..][..g.output()];
        if size == [g.rows.outputs, g.columns.outputs] {
            return work(dy);
        }
        scratch::with(size[0] * size[1] * g.filters, |padded| {
            pad(
                dy,
                g.columns.outputs * g.filters,
                g.filters,
                before,
                size,
                padded,
            );
            work(padded);
        });
    };
    let strided = [g.rows.stride, g.columns.stride] != [1, 1];
    scratch::with(kernel.len(), |flipped| {
        phases::flip(g, &axes, kernel, flipped);
        let (flipped, after) = (&*flipped, After::sum(addend));
        if let (Way::Winograd(tiling), false) = (way, strided) {
            return winograd::with_kernel(tiling, flipped, after, lend, |convolution| {
                convolution.run(Target::Plain(dx), Order::Blocks);
            });
        }
        if let (Way::Pixels, false) = (way, strided) {
            return pixels::forward(&plane, dy, flipped, after, dx);
        }
        each_image(dx, g.image(), g.products(), |number, dx| {
            let position = number * g.image();
            lend(number, &mut |dy| {
                if strided {
                    phases::convolve(way, g, &axes, dy, flipped, dx);
                    elementwise::behind_bias(dx, &after, position);
                } else {
                    convolve(way, &plane, dy, flipped, after, position, dx);
                }
            });
        });
    });
}

/// The gradient with respect to the kernel: each task sums its images, the tasks' sums are added over a fixed tree.
pub(crate) fn kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) {
    kernel_gradient_by(Way::of_kernel_gradient(g), g, dy, x, dk);
}

/// The same the way that the caller names.
pub(crate) fn kernel_gradient_by(
    way: Way,
    g: &ConvGeometry,
    dy: &[f32],
    x: &[f32],
    dk: &mut [f32],
) {
    if dy.is_empty() || dk.is_empty() {
        return dk.fill(0.0);
    }
    if let Way::Patches = way {
        return patches::kernel_gradient(g, dy, x, dk);
    }
    let plane = Plane::forward(g);
    if let Way::Pixels = way {
        return pixels::kernel_gradient(&plane, dy, x, dk);
    }
    if let Way::Winograd(tiling) = way {
        let lend = |number: usize, work: &mut dyn FnMut(&[f32])| {
            with_padding(g, &x[number * g.image()..][..g.image()], work);
        };
        return winograd::kernel_gradient(&tiling, dy, lend, dk);
    }
    sum_images(g.n, g.products(), dk, |images, dk| {
        dk.fill(0.0);
        for number in images {
            let dy = &dy[number * g.output()..][..g.output()];
            with_padding(g, &x[number * g.image()..][..g.image()], |x| match way {
                Way::Lanes => lanes::kernel_gradient(&plane, x, dy, dk),
                _ => dispatch(DirectKernelGradient {
                    plane,
                    x,
                    dy,
                    dk: &mut *dk,
                }),
            });
        }
    });
}
