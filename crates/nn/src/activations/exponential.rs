//! The exponential function.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct Exponential;

impl Function for Exponential {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.exp())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Exp.apply_in_place(x);
    }
}
