//! Softmax along the last axis.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::prepared::softmax_rows_in_place;

pub(super) struct Softmax;

impl Function for Softmax {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        let last_axis = x.shape().len().saturating_sub(1);
        Ok(x.softmax(last_axis)?)
    }

    fn in_place(x: &mut [f32], width: usize) {
        softmax_rows_in_place(x, width);
    }
}
