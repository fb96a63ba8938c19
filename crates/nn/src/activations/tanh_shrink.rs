//! What is beyond a hyperbolic tangent.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct TanhShrink;

impl Function for TanhShrink {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.sub(&x.tanh())?)
    }

    fn in_place(x: &mut [f32], _width: usize) {
        const RUN: usize = 64;
        for run in x.chunks_mut(RUN) {
            let mut tangents = [0.0; RUN];
            let tangents = &mut tangents[..run.len()];
            math::Function::Tanh.apply(run, tangents);
            run.iter_mut()
                .zip(tangents)
                .for_each(|(x, tangent)| *x -= *tangent);
        }
    }
}
