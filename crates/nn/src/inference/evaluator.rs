//! Output and loss of batches, by prepared inference.

use super::{Prepared, steps};
use crate::model::output_and_loss;
use crate::{Loss, Model, Result};
use taper_autograd::Tape;
use taper_tensor::Tensor;

/// Measures one batch after another, as [`Model::evaluate_batch`] does, but as fast as a [`Prepared`] model predicts.
/// It borrows the model, so that the weights that it measures are the model's.
///
/// ```
/// use taper_nn::layers::Dense;
/// use taper_nn::{CategoricalCrossentropy, Seed, Sequential, Softmax};
/// use taper_tensor::Tensor;
///
/// let model = Sequential::new([4]).add(Dense::new(3).activation(Softmax)).build(Seed(7))?;
/// let (x, y) = (Tensor::ones([2, 4]), Tensor::one_hot(&[0, 2], 3)?);
///
/// let mut evaluator = model.evaluator(2)?;
/// let (probabilities, loss) = evaluator.evaluate_batch(&x, &y, &CategoricalCrossentropy)?;
/// assert_eq!(probabilities.shape(), [2, 3]);
/// assert!(loss > 0.0);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Evaluator<'a> {
    model: &'a Model,
    /// None where the loss takes more than the output: penalties of what lies between layers.
    prepared: Option<Prepared>,
}

impl Model<f32> {
    /// Makes the model ready to be measured on batches of up to `max_batch` samples at once (at least 1); larger ones
    /// go piece by piece.
    ///
    /// # Errors
    /// As [`Model::prepare`].
    pub fn evaluator(&self, max_batch: usize) -> Result<Evaluator<'_>> {
        let prepared = self.prepare(max_batch)?;
        let penalizes = self.layers().iter().any(|layer| {
            let config = layer.config();
            config
                .get("activity_regularizer")
                .is_some_and(|r| !r.is_null())
        });
        // A layer of another kind may penalize what it likes.
        let is_known = prepared
            .steps()
            .iter()
            .all(|(name, _)| *name != steps::ANY_LAYER);
        Ok(Evaluator {
            model: self,
            prepared: (is_known && !penalizes).then_some(prepared),
        })
    }
}

impl Evaluator<'_> {
    /// Whether batches run by prepared inference. A model with penalties of activations, or with a layer that no step
    /// of prepared inference covers and that may have some, is run layer by layer.
    pub fn is_prepared(&self) -> bool {
        self.prepared.is_some()
    }

    /// The output `[n, …]` and the loss of a batch, penalties of activations included, those of weights not.
    ///
    /// # Errors
    /// An input of another shape, a target that does not fit.
    pub fn evaluate_batch(
        &mut self,
        x: &Tensor,
        y: &Tensor,
        loss: &dyn Loss,
    ) -> Result<(Tensor, f64)> {
        match &mut self.prepared {
            Some(prepared) => prepared.evaluate_batch(x, y, loss),
            None => self.model.evaluate_batch(x, y, loss),
        }
    }
}

impl Prepared {
    fn evaluate_batch(&mut self, x: &Tensor, y: &Tensor, loss: &dyn Loss) -> Result<(Tensor, f64)> {
        let logits = Tape::new().constant(&self.logits(x)?);
        let (output, loss) = output_and_loss(&logits, self.last, y, loss)?;
        Ok((output, loss.value().item()?.into()))
    }
}
