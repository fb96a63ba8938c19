//! Hyperbolic tangent.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;
use taper_tensor::ops::Fusible;

pub(super) struct Tanh;

impl Function for Tanh {
    const FUSIBLE: Option<Fusible> = Some(Fusible::Tanh);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.tanh())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Tanh.apply_in_place(x);
    }
}
