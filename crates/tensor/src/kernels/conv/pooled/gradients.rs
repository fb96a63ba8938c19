//! Which way the gradients go: over the positions that won alone, or spread over the convolution's whole output.

use super::input_gradient::input_gradient;
use super::kernel_gradient::kernel_gradient;
use crate::kernels::conv;
use crate::kernels::conv::maxima::pooled;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::{elementwise, scratch};
use crate::simd::sparse::{DEAD, Scatter};

/// Gradients with respect to input (if wanted), kernel and bias. `scale` is dropout's factor.
#[allow(clippy::too_many_arguments)]
pub(crate) fn gradients(
    g: &ConvGeometry,
    dy: &[f32],
    winners: &[u8],
    x: &[f32],
    kernel: &[f32],
    scale: f32,
    dx: Option<&mut [f32]>,
    dk: &mut [f32],
    db: &mut [f32],
) {
    let plain = [g.rows, g.columns]
        .iter()
        .all(|axis| axis.stride == 1 && axis.dilation == 1);
    if plain && g.columns.taps <= Scatter::MOST_COLUMNS {
        if let Some(dx) = dx {
            input_gradient(g, dy, winners, kernel, scale, dx);
        }
        return kernel_gradient(g, dy, winners, x, scale, dk, db);
    }
    // Any other geometry: spread the gradient over the convolution's output and take the dense way.
    scratch::with(g.n * g.output(), |full| {
        spread(g, dy, winners, scale, full);
        if let Some(dx) = dx {
            conv::input_gradient(g, full, kernel, None, dx);
        }
        conv::kernel_gradient(g, full, x, dk);
        elementwise::sum_rows(full, db);
    });
}

/// The gradient of the convolution's whole output: zero where no maximum was.
fn spread(g: &ConvGeometry, dy: &[f32], winners: &[u8], scale: f32, full: &mut [f32]) {
    let ([height, width], row) = (pooled(g), g.columns.outputs * g.filters);
    full.fill(0.0);
    for (window, (dy, winners)) in dy
        .chunks_exact(g.filters)
        .zip(winners.chunks_exact(g.filters))
        .enumerate()
    {
        let (image, y, x) = (
            window / (height * width),
            window / width % height,
            window % width,
        );
        let at = image * g.output() + 2 * y * row + 2 * x * g.filters;
        for (co, (&dy, &winner)) in dy.iter().zip(winners).enumerate() {
            if winner != DEAD {
                full[at
                    + usize::from(winner / 2) * row
                    + usize::from(winner % 2) * g.filters
                    + co] = scale * dy;
            }
        }
    }
}
