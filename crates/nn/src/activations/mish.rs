//! Mish (Misra 2019).

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct Mish;

impl Function for Mish {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.mish())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Mish.apply_in_place(x);
    }
}
