//! What a tensor can hold: `f32`, in which networks are trained, and `f64`, in which their gradients are checked.

/// The element types of a tensor: `f32` and `f64` (sealed by [`Kernels`](crate::kernels::Kernels)).
///
/// Arithmetic comes from [`num_traits::Float`], so code generic over `E: Element` reads like code on floats.
pub trait Element:
    num_traits::Float
    + num_traits::NumAssign
    + bytemuck::Pod
    + Send
    + Sync
    + std::fmt::Debug
    + std::fmt::Display
    + std::iter::Sum
    + Default
    + crate::kernels::Kernels
    + 'static
{
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value in double precision (exact).
    fn to_f64(self) -> f64;
}

impl Element for f32 {
    const NAME: &'static str = "f32";

    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Element for f64 {
    const NAME: &'static str = "f64";

    fn from_f64(value: f64) -> f64 {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }
}
