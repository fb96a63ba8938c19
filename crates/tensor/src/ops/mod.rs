//! The methods of [`Tensor`](crate::Tensor) that stand on kernels: they check shapes, find memory, and call.

mod arguments;
mod batch_norm;
mod conv;
mod dense;
mod epilogue;
mod pool;
mod resample;
mod touching;

pub use crate::kernels::{Dropout, Epilogue};
pub use batch_norm::{BatchNorm, BatchNormGradients};
pub use resample::{FillMode, Interpolation, Resampling};
