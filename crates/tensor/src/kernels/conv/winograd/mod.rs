//! 3×3 convolutions with stride 1 by Winograd's F(4×4, 3×3): a quarter of the products, between transforms.
//!
//! A block of tiles is transformed (36 positions, one small matrix a position), multiplied with the transformed kernel by
//! the register tile, and transformed back, so that everything between lies in the L2 cache. Blocks are whole tile rows of
//! an image, or several whole images where these are small. Sums of one output do not depend on the block it is in.

mod forward;
mod gradient;
mod memory;
mod outputs;
mod target;
mod tiles;
mod tiling;

pub(crate) use forward::{Convolution, Order, transform_kernel, with_kernel};
pub(crate) use gradient::kernel_gradient;
pub(crate) use target::Target;
pub(crate) use tiling::Tiling;
