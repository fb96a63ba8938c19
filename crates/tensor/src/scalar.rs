//! A number as kernels see it: floating point, plain bytes, and a way from and to double precision. What a tensor can hold
//! is more ([`Element`](crate::Element): it has kernels, too), and stands above them.

/// Floating-point numbers of plain bytes: `f32` and `f64`.
///
/// Arithmetic comes from [`num_traits::Float`], so code generic over them reads like code on floats.
pub trait Scalar:
    num_traits::Float
    + num_traits::NumAssign
    + bytemuck::Pod
    + Send
    + Sync
    + std::fmt::Debug
    + std::fmt::Display
    + std::iter::Sum
    + Default
    + 'static
{
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value in double precision (exact).
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";

    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";

    fn from_f64(value: f64) -> f64 {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }
}
