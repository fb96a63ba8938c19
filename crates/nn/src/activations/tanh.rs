//! Hyperbolic tangent.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;

pub(super) struct Tanh;

impl Function for Tanh {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.tanh())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        x.iter_mut().for_each(|x| *x = x.tanh());
    }
}
