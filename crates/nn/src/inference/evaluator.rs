//! Outputs and loss of batches, by prepared inference.

use super::{Prepared, steps};
use crate::model::outputs_and_losses;
use crate::{Losses, Measured, Model, Result, Tensors};
use taper_autograd::{Tape, Var};
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
/// let measured = evaluator.evaluate_batch(&x, &y, &CategoricalCrossentropy)?;
/// assert_eq!(measured.output().shape(), [2, 3]);
/// assert!(measured.loss > 0.0);
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
        // A layer of another kind may penalize what it likes.
        let is_known = prepared
            .steps()
            .iter()
            .all(|(name, _)| *name != steps::ANY_LAYER);
        Ok(Evaluator {
            model: self,
            prepared: (is_known && !self.penalizes()).then_some(prepared),
        })
    }
}

impl Evaluator<'_> {
    /// Whether batches run by prepared inference. A model with penalties of activations, or with a layer that no step
    /// of prepared inference covers and that may have some, is run layer by layer.
    pub fn is_prepared(&self) -> bool {
        self.prepared.is_some()
    }

    /// Outputs `[n, …]`, loss and penalties of activations of a batch.
    ///
    /// # Errors
    /// Inputs of another shape, a target that does not fit.
    pub fn evaluate_batch<'a, 'l>(
        &mut self,
        x: impl Into<Tensors<'a>>,
        y: impl Into<Tensors<'a>>,
        loss: impl Into<Losses<'l>>,
    ) -> Result<Measured> {
        match &mut self.prepared {
            Some(prepared) => prepared.evaluate_batch(&x.into().0, &y.into().0, &loss.into()),
            None => self.model.evaluate_batch(x, y, loss),
        }
    }
}

impl Prepared {
    fn evaluate_batch(
        &mut self,
        x: &[&Tensor],
        y: &[&Tensor],
        losses: &Losses<'_>,
    ) -> Result<Measured> {
        let tape = Tape::new();
        let logits = self.logits(x)?;
        let logits: Vec<Var> = logits.iter().map(|y| tape.constant(y)).collect();
        let pass = outputs_and_losses(&logits, &self.last, y, losses)?;
        Ok(Measured {
            loss: pass.total.value().item()?.into(),
            activity_penalty: 0.0, // a model that has some is not prepared
            losses: pass.losses,
            outputs: pass.outputs,
        })
    }
}
