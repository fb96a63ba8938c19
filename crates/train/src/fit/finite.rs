//! Whether a step may be taken: what a batch came to must be finite before the optimizer and the moving statistics keep it.
//!
//! The optimizer writes last, so that a batch that is refused costs no copy of the weights.

use super::Run;
use taper_datasets::Batch;
use taper_tensor::Tensor;

/// Values looked at together: whole blocks without a branch are what the compiler makes vector code of.
const BLOCK: usize = 256;

impl Run<'_, '_> {
    /// The weights that a forward pass replaces (moving statistics), to be put back. Shared, not copied.
    pub(super) fn statistics(&self) -> Vec<(usize, Tensor)> {
        let parameters = self.model.parameters().iter().enumerate();
        parameters
            .filter(|(_, parameter)| !parameter.trainable)
            .map(|(index, parameter)| (index, parameter.value.clone()))
            .collect()
    }

    /// Undoes what the forward pass of a refused batch wrote.
    pub(super) fn put_back(&mut self, statistics: Vec<(usize, Tensor)>) {
        for (index, value) in statistics {
            self.model.parameters_mut()[index].value = value;
        }
    }

    /// The first gradient or moving statistic of this step that is not finite, by name.
    pub(super) fn unfit(&self, gradients: &[Option<Tensor>]) -> Option<String> {
        let mut pairs = self.model.parameters().iter().zip(gradients);
        pairs.find_map(|(parameter, gradient)| match gradient {
            Some(gradient) if !finite(gradient) => {
                Some(format!("the gradient of {} is not finite", parameter.name))
            }
            None if !finite(&parameter.value) => {
                Some(format!("{} would not be finite", parameter.name))
            }
            _ => None,
        })
    }
}

/// Which value of a batch is not finite, and whose it is.
pub(super) fn in_data(batch: &Batch) -> Option<String> {
    let of = |what: &str, tensor: &Tensor| {
        let values = tensor.to_vec();
        let at = values.iter().position(|value| !value.is_finite())?;
        let each = values.len() / batch.indices.len().max(1);
        let sample = batch.indices.get(at / each.max(1))?;
        Some(format!(
            "the {what} of sample {sample} holds {}",
            values[at]
        ))
    };
    of("input", batch.input()).or_else(|| of("target", batch.target()))
}

fn finite(tensor: &Tensor) -> bool {
    let tensor = tensor.contiguous();
    let mut blocks = tensor.as_slice().unwrap_or_default().chunks(BLOCK);
    blocks.all(|block| {
        block
            .iter()
            .fold(true, |all, value| all & value.is_finite())
    })
}
