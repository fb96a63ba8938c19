//! Sparsemax along the last axis (Martins, Astudillo 2016). Keras 3.15 has other values where the support has more than one
//! member: it adds running sums instead of values, and its rows do not sum to 1.

use super::Function;
use crate::Result;
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::Tensor;
use taper_tensor::prepared::sparsemax_rows_in_place;

pub(super) struct Sparsemax;

impl Function for Sparsemax {
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        let last_axis = x.shape().len().saturating_sub(1);
        Ok(x.sparsemax(last_axis)?)
    }

    fn in_place(x: &mut [f32], width: usize) {
        sparsemax_rows_in_place(x, width);
    }

    /// It bends where a value meets τ, which is the largest x − y.
    fn is_smooth(x: &Tensor<f64>) -> bool {
        let axis = x.shape().len().saturating_sub(1);
        let gaps = |x: &Tensor<f64>| -> Result<Vec<f64>> {
            let threshold = x.sub(&x.sparsemax(axis)?)?.max_axes(&[axis], true)?;
            Ok(x.sub(&threshold)?.to_vec())
        };
        gaps(x).is_ok_and(|gaps| gaps.iter().all(|gap| gap.abs() >= 1e-3))
    }
}
