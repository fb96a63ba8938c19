//! The logarithm of softmax along the last axis.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::prepared::log_softmax_rows_in_place;

pub(super) struct LogSoftmax;

impl Function for LogSoftmax {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        let last_axis = x.shape().len().saturating_sub(1);
        Ok(x.log_softmax(last_axis)?)
    }

    fn in_place(x: &mut [f32], width: usize) {
        log_softmax_rows_in_place(x, width);
    }
}
