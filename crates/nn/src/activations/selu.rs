//! Scaled exponential linear unit (Klambauer, Unterthiner, Mayr, Hochreiter 2017).

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;
use taper_tensor::ops::Fusible;

pub(super) struct Selu;

impl Function for Selu {
    const BENDS: &'static [f64] = &[0.0];

    const FUSIBLE: Option<Fusible> = Some(Fusible::Selu);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.selu())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Selu.apply_in_place(x);
    }
}
