//! Rectified linear unit.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Fusible;
use taper_tensor::prepared::relu_in_place;

pub(super) struct Relu;

impl Function for Relu {
    const BENDS: &'static [f64] = &[0.0];

    const FUSIBLE: Option<Fusible> = Some(Fusible::Relu);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.relu())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        relu_in_place(x);
    }
}
