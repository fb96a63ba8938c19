//! Sigmoid-weighted linear unit (Elfwing, Uchibe, Doya 2017), also called swish.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::kernels::math;

pub(super) struct Silu;

impl Function for Silu {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.silu())
    }

    fn in_place(x: &mut [f32], _width: usize) {
        math::Function::Silu.apply_in_place(x);
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
        let x = Tensor::<f64>::from_vec([4], vec![-1000.0, 0.0, 1.0, 1000.0]).unwrap();
        let x = tape.parameter(&x);
        let y = Silu::on_tape(&x).unwrap();
        let close = |found: &Tensor<f64>, wanted: [f64; 4]| {
            let pairs = found.to_vec().into_iter().zip(wanted);
            pairs.map(|(a, b)| (a - b).abs()).all(|d| d <= 1e-14)
        };
        let one = 1.0 / (1.0 + (-1.0f64).exp());
        assert!(close(y.value(), [0.0, 0.0, one, 1000.0]), "{y:?}");
        let gradients = y.sum().backward().unwrap();
        let slopes = &gradients[&x];
        let at_one = one * (1.0 + (1.0 - one));
        assert!(close(slopes, [0.0, 0.5, at_one, 1.0]), "{slopes:?}");
    }
}
