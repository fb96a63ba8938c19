//! Continuously differentiable exponential linear unit (Barron 2017), with Keras's default α = 1: elu.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Fusible;

pub(super) struct Celu;

impl Function for Celu {
    const BENDS: &'static [f64] = &[0.0];

    const FUSIBLE: Option<Fusible> = Some(Fusible::Elu);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        super::elu::Elu::on_tape(x)
    }

    fn in_place(x: &mut [f32], width: usize) {
        super::elu::Elu::in_place(x, width);
    }
}
