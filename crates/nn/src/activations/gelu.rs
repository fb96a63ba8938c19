//! Gaussian error linear unit (Hendrycks, Gimpel 2016), exactly: Keras's default.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct Gelu;

impl Function for Gelu {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.gelu())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Gelu.apply_in_place(x);
    }
}
