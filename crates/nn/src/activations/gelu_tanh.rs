//! Gaussian error linear unit (Hendrycks, Gimpel 2016) by a hyperbolic tangent.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct GeluTanh;

impl Function for GeluTanh {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.gelu_tanh())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::GeluTanh.apply_in_place(x);
    }
}
