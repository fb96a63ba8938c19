//! Kernels that are prepared once and then run again and again on other inputs: weights lie packed in memory of their own,
//! geometry and cut are decided beforehand, and nothing is allocated (working memory is the thread's own, `scratch`).
//!
//! `taper-nn` makes its prepared models of these. A run says how it may be cut ([`Cut`]): a small batch is cut inside each
//! layer, of a large one every task takes whole images through several layers. Either way a result depends on the input and
//! on the shapes alone, never on the number of threads or on the cut.

mod conv2d;
mod conv2d_transpose;
mod cut;
mod dense;
mod junctions;
mod passes;
mod pool;
mod separable;

pub use conv2d::PreparedConv2d;
pub use conv2d_transpose::PreparedConv2dTranspose;
pub use cut::{Cut, Pieces, TASK_PRODUCTS, by_samples, in_pool, samples_of};
pub use dense::PreparedDense;
pub use junctions::{add, add_in_place, is_cut_by_pieces};
pub use passes::{
    log_softmax_rows_in_place, relu_in_place, scale_and_shift_in_place, softmax_rows_in_place,
    sparsemax_rows_in_place,
};
pub use pool::{Pooling, PreparedPool2d};
pub use separable::PreparedSeparableConv2d;
