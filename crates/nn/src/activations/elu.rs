//! Exponential linear unit (Clevert, Unterthiner, Hochreiter 2016), with α = 1.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;
use taper_tensor::ops::Fusible;

pub(super) struct Elu;

impl Function for Elu {
    // Its slope does not jump, but that of its slope does.
    const BENDS: &'static [f64] = &[0.0];

    const FUSIBLE: Option<Fusible> = Some(Fusible::Elu);

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.elu())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Elu.apply_in_place(x);
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
        let x = Tensor::<f64>::from_vec([4], vec![-1000.0, -1.0, 0.0, 2.0]).unwrap();
        let x = tape.parameter(&x);
        let y = Elu::on_tape(&x).unwrap();
        let small = (-1.0f64).exp();
        let close = |found: &Tensor<f64>, wanted: [f64; 4]| {
            let pairs = found.to_vec().into_iter().zip(wanted);
            pairs.map(|(a, b)| (a - b).abs()).all(|d| d <= 1e-14)
        };
        assert!(close(y.value(), [-1.0, small - 1.0, 0.0, 2.0]), "{y:?}");
        let gradients = y.sum().backward().unwrap();
        let slopes = &gradients[&x];
        assert!(close(slopes, [0.0, small, 1.0, 1.0]), "{slopes:?}");
    }
}
