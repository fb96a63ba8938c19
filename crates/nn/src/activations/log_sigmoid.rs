//! The logarithm of a sigmoid, which is softplus with both signs turned.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct LogSigmoid;

impl Function for LogSigmoid {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(super::softplus::Softplus::on_tape(&x.neg())?.neg())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        x.iter_mut().for_each(|x| *x = -*x);
        math::Function::Softplus.apply_in_place(x);
        x.iter_mut().for_each(|x| *x = -*x);
    }
}
