//! What a tensor can hold: `f32`, in which networks are trained, and `f64`, in which their gradients are checked.

use crate::kernels::Kernels;
use crate::scalar::Scalar;

/// The element types of a tensor: `f32` and `f64` (sealed by [`Kernels`]).
///
/// Code generic over `E: Element` reads like code on floats: see [`Scalar`].
pub trait Element: Scalar + Kernels {}

impl Element for f32 {}

impl Element for f64 {}
