//! Convolutions the one way or the other, whichever is the faster, for benchmarks that compare them.

use super::plane::Plane;
use super::way::Way;
use super::winograd::Tiling;
use crate::kernels::arguments::After;
use crate::kernels::geometry::ConvGeometry;

/// Directly, with the register tile over the image.
pub fn direct(g: &ConvGeometry, x: &[f32], k: &[f32], y: &mut [f32]) {
    super::forward_by(Way::Direct, g, x, k, After::default(), y);
}

/// By Winograd's F(4×4, 3×3); false, and nothing done, where that is not possible.
pub fn winograd(g: &ConvGeometry, x: &[f32], k: &[f32], y: &mut [f32]) -> bool {
    let tiling = Tiling::possible(&Plane::forward(g));
    if let Some(tiling) = tiling {
        let way = Way::Winograd(tiling);
        super::forward_by(way, g, x, k, After::default(), y);
    }
    tiling.is_some()
}

/// The kernel's gradient, directly.
pub fn direct_kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) {
    super::kernel_gradient_by(Way::Direct, g, dy, x, dk);
}

/// The kernel's gradient by Winograd's way; false, and nothing done, where that is not possible.
pub fn winograd_kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) -> bool {
    let tiling = Tiling::possible(&Plane::forward(g));
    if let Some(tiling) = tiling {
        super::kernel_gradient_by(Way::Winograd(tiling), g, dy, x, dk);
    }
    tiling.is_some()
}

/// A convolution of the geometry: two operands, and the result.
pub type Product = fn(&ConvGeometry, &[f32], &[f32], &mut [f32]);

/// Forward (x, kernel), the input's gradient (dy, kernel) and the kernel's gradient (dy, x): directly, and the way that
/// is chosen.
pub const DIRECT_AND_CHOSEN: [(&str, [Product; 3]); 2] = [
    (
        "direct",
        [
            direct,
            |g, dy, k, dx| super::input_gradient_by(Some(Way::Direct), g, dy, k, None, dx),
            direct_kernel_gradient,
        ],
    ),
    (
        "chosen",
        [
            |g, x, k, y| super::forward(g, x, k, After::default(), y),
            |g, dy, k, dx| super::input_gradient(g, dy, k, None, dx),
            super::kernel_gradient,
        ],
    ),
];
