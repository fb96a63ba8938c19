//! The gradients of a first layer's kernel and bias through an activation function (and dropout), in one pass over
//! the images.
//!
//! One after another, the three steps (the function's slope, the bias's sum, the kernel's gradient) would write the gated gradient to
//! memory and read it back twice: for 32 channels of 26×26 and 64 images 5.5 MB each way. An image's share of it stays in
//! the L2 cache.

use super::direct::DirectKernelGradient;
use super::padding::with_padding;
use super::plane::Plane;
use super::way::Way;
use crate::kernels::Fusible;
use crate::kernels::cut::sum_images;
use crate::kernels::elementwise::{self, BackAndSums};
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::scratch;
use crate::simd::dispatch;

/// Gradients with respect to kernel and bias; `activation` stood behind the sums and put out `output`, `scale` is dropout's
/// factor.
#[allow(clippy::too_many_arguments)]
pub(crate) fn parameter_gradients(
    g: &ConvGeometry,
    activation: Fusible,
    dy: &[f32],
    output: &[f32],
    scale: f32,
    x: &[f32],
    dk: &mut [f32],
    db: &mut [f32],
) {
    let plane = Plane::forward(g);
    let way = Way::of_kernel_gradient(g);
    if dy.is_empty() || !matches!(way, Way::Direct) {
        return scratch::with(dy.len(), |z| {
            elementwise::activation_gradient(activation, dy, output, scale, z);
            super::kernel_gradient(g, z, x, dk);
            elementwise::sum_rows(z, db);
        });
    }
    let image = g.output();
    scratch::with(dk.len() + db.len(), |total| {
        sum_images(g.n, g.products(), total, |images, sums| {
            sums.fill(0.0);
            let (dk, db) = sums.split_at_mut(dk.len());
            scratch::with(image, |z| {
                for number in images {
                    let pass = BackAndSums {
                        gradient: &dy[number * image..][..image],
                        output: &output[number * image..][..image],
                        dx: &mut *z,
                        sums: &mut *db,
                    };
                    activation.with_way_back(scale, pass);
                    with_padding(g, &x[number * g.image()..][..g.image()], |x| {
                        dispatch(DirectKernelGradient {
                            plane,
                            x,
                            dy: z,
                            dk: &mut *dk,
                        });
                    });
                }
            });
        });
        dk.copy_from_slice(&total[..dk.len()]);
        db.copy_from_slice(&total[dk.len()..]);
    });
}
