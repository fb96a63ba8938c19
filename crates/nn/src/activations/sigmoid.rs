//! The logistic function.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;
use taper_tensor::ops::Fusible;

pub(super) struct Sigmoid;

impl Function for Sigmoid {
    const FUSIBLE: Option<Fusible> = Some(Fusible::Sigmoid);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.sigmoid())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Sigmoid.apply_in_place(x);
    }
}
