//! The axes over which Dice and Tversky sum: all of them, or those that Keras's `axis` names.

use super::{axes_of, means_of_samples};
use crate::Result;
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// Axes to sum over; the batch counts, −1 is the last. `None` are all, the batch included, as in Keras.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "OneOrSeveral")]
pub struct Axes(pub Option<Vec<isize>>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected null, an axis or a list of axes, such as [1, 2, 3]"
)]
enum OneOrSeveral {
    None(()),
    One(isize),
    Several(Vec<isize>),
}

impl From<OneOrSeveral> for Axes {
    fn from(value: OneOrSeveral) -> Self {
        Axes(match value {
            OneOrSeveral::None(()) => None,
            OneOrSeveral::One(axis) => Some(vec![axis]),
            OneOrSeveral::Several(axes) => Some(axes),
        })
    }
}

impl Axes {
    /// As positions in this shape.
    pub(in crate::losses) fn positions(
        &self,
        loss: &'static str,
        output: &[usize],
    ) -> Result<Vec<usize>> {
        match &self.0 {
            None => Ok((0..output.len()).collect()),
            Some(axes) => axes_of(loss, axes, output),
        }
    }

    /// What sums over these axes came to, `values`, as the loss of each sample: the same for all of them where the sums
    /// run over the batch.
    pub(in crate::losses) fn of_samples<E: Element>(
        summed: &[usize],
        values: &Var<E>,
        samples: usize,
    ) -> Result<Var<E>> {
        if !summed.contains(&0) {
            return means_of_samples(values);
        }
        let ones = values.tape().constant(&Tensor::ones([samples]));
        Ok(ones.mul(&values.mean())?)
    }

    /// How many values a sample contributes.
    pub(in crate::losses) fn terms(&self, loss: &'static str, output: &[usize]) -> Result<f64> {
        let summed = self.positions(loss, output)?;
        let kept = (0..output.len()).filter(|axis| !summed.contains(axis));
        let values: usize = kept.map(|axis| output[axis]).product();
        Ok(values as f64 / output.first().copied().unwrap_or(1).max(1) as f64)
    }
}
