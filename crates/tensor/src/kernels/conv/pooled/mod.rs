//! f32 convolution + bias + relu (+ dropout) + 2×2 maximum in one pass, and its gradients at the positions that won.

mod forward;
mod gradients;
mod input_gradient;
mod kernel_gradient;

pub(crate) use forward::forward;
pub(crate) use gradients::gradients;
