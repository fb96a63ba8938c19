//! The methods of [`Tensor`](crate::Tensor) that stand on kernels: they check shapes, find memory, and call.

mod arguments;
mod attention;
mod batch_norm;
mod batched;
mod conv;
mod dense;
mod epilogue;
mod pool;
mod touching;

pub use crate::kernels::{Dropout, Epilogue};
pub use attention::Attended;
pub use batch_norm::{BatchNorm, BatchNormGradients};
