//! The logistic function.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;

pub(super) struct Sigmoid;

impl Function for Sigmoid {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.sigmoid())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        x.iter_mut().for_each(|x| *x = sigmoid(*x));
    }
}

/// 1 / (1 + e⁻ˣ), without overflow for any x.
pub(super) fn sigmoid(x: f32) -> f32 {
    let small = (-x.abs()).exp(); // never above 1
    let numerator = if x < 0.0 { small } else { 1.0 };
    numerator / (1.0 + small)
}
