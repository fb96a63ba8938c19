//! The methods of [`Tensor`](crate::Tensor) that stand on kernels: they check shapes, find memory, and call.

mod arguments;
mod attention;
mod batch_norm;
mod batched;
mod conv;
mod dense;
mod epilogue;
mod pool;
mod recurrent;
mod resample;
mod row_norm;
mod touching;

pub use crate::kernels::{Dropout, Epilogue, Fusible};
pub use attention::Attended;
pub use batch_norm::{BatchNorm, BatchNormGradients};
pub use recurrent::{Recurrence, RecurrentGradients, RecurrentTrace, RecurrentWeights};
pub use resample::{FillMode, Interpolation, Resampling};
pub use row_norm::{Normed, RowNormGradients, RowNormalization};
