//! A smooth relu.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct Softplus;

impl Function for Softplus {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.softplus())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Softplus.apply_in_place(x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn values_and_slopes() {
        let tape = Tape::new();
        let values = vec![-1000.0, -1.0, 0.0, 1.0, 1000.0, -40.0];
        let x = tape.parameter(&Tensor::<f64>::from_vec([6], values).unwrap());
        let y = Softplus::on_tape(&x).unwrap();
        let one = 1.0f64.exp().ln_1p();
        let wanted = [0.0, one - 1.0, std::f64::consts::LN_2, one, 1000.0, 0.0];
        for (found, wanted) in y.value().to_vec().into_iter().zip(wanted) {
            assert!((found - wanted).abs() <= 1e-14, "{found} for {wanted}");
        }
        // Keras: 4.248354e-18.
        let small = y.value().to_vec()[5];
        assert!((small / (-40.0f64).exp() - 1.0).abs() <= 1e-12, "{small}");
        let slopes = y.sum().backward().unwrap()[&x].to_vec();
        let of_one = 1.0 / (1.0 + (-1.0f64).exp());
        let wanted = [0.0, 1.0 - of_one, 0.5, of_one, 1.0, 0.0];
        for (found, wanted) in slopes.into_iter().zip(wanted) {
            assert!((found - wanted).abs() <= 1e-14, "{found} for {wanted}");
        }
    }
}
