//! What goes into a model and what comes out: one tensor or several, losses with their weights, and the results.

use crate::Loss;
use taper_tensor::{Element, Tensor};

/// One tensor or several, in the order of the model's inputs or outputs: `&x`, `[&a, &b]`, `&tensors` of a `Vec`.
#[derive(Clone, Debug)]
pub struct Tensors<'a, E: Element = f32>(pub(crate) Vec<&'a Tensor<E>>);

impl<'a, E: Element> From<&'a Tensor<E>> for Tensors<'a, E> {
    fn from(one: &'a Tensor<E>) -> Self {
        Tensors(vec![one])
    }
}

impl<'a, E: Element, const N: usize> From<[&'a Tensor<E>; N]> for Tensors<'a, E> {
    fn from(several: [&'a Tensor<E>; N]) -> Self {
        Tensors(several.into())
    }
}

impl<'a, E: Element> From<&[&'a Tensor<E>]> for Tensors<'a, E> {
    fn from(several: &[&'a Tensor<E>]) -> Self {
        Tensors(several.to_vec())
    }
}

impl<'a, E: Element> From<&'a [Tensor<E>]> for Tensors<'a, E> {
    fn from(several: &'a [Tensor<E>]) -> Self {
        Tensors(several.iter().collect())
    }
}

impl<'a, E: Element> From<&'a Vec<Tensor<E>>> for Tensors<'a, E> {
    fn from(several: &'a Vec<Tensor<E>>) -> Self {
        Tensors(several.iter().collect())
    }
}

/// What is made smaller: a loss an output, each with its weight in the sum. `&loss` for a model of one output, a list
/// of `(&loss, weight)` for one of several.
///
/// ```
/// use taper_nn::{CategoricalCrossentropy, Loss, Losses, MeanSquaredError};
/// let one: Losses = (&CategoricalCrossentropy).into();
/// let two: Losses = [(&CategoricalCrossentropy as &dyn Loss, 1.0), (&MeanSquaredError, 0.3)].into();
/// ```
#[derive(Clone, Debug)]
pub struct Losses<'a, E: Element = f32> {
    pub(crate) terms: Vec<(&'a dyn Loss<E>, f64)>,
    /// `[n]`
    pub(crate) sample_weights: Option<&'a Tensor<E>>,
}

impl<'a, E: Element> Losses<'a, E> {
    /// How much each sample counts, `[n]`: the loss is Σ wᵢ · lossᵢ / n, divided by the number of samples and not by the
    /// sum of the weights, as Keras's is.
    #[must_use]
    pub fn sample_weights(mut self, weights: Option<&'a Tensor<E>>) -> Self {
        self.sample_weights = weights;
        self
    }
}

impl<'a, E: Element, L: Loss<E>> From<&'a L> for Losses<'a, E> {
    fn from(loss: &'a L) -> Self {
        Losses {
            terms: vec![(loss, 1.0)],
            sample_weights: None,
        }
    }
}

impl<'a, E: Element> From<&'a dyn Loss<E>> for Losses<'a, E> {
    fn from(loss: &'a dyn Loss<E>) -> Self {
        Losses {
            terms: vec![(loss, 1.0)],
            sample_weights: None,
        }
    }
}

impl<'a, E: Element, const N: usize> From<[(&'a dyn Loss<E>, f64); N]> for Losses<'a, E> {
    fn from(terms: [(&'a dyn Loss<E>, f64); N]) -> Self {
        Losses {
            terms: terms.into(),
            sample_weights: None,
        }
    }
}

impl<'a, E: Element> From<Vec<(&'a dyn Loss<E>, f64)>> for Losses<'a, E> {
    fn from(terms: Vec<(&'a dyn Loss<E>, f64)>) -> Self {
        Losses {
            terms,
            sample_weights: None,
        }
    }
}

/// Outputs and loss of a batch.
#[derive(Clone, Debug)]
pub struct Measured<E: Element = f32> {
    /// The model's outputs `[n, …]`.
    pub outputs: Vec<Tensor<E>>,
    /// The mean loss of each output, without its weight.
    pub losses: Vec<f64>,
    /// The weighted sum of the losses, without penalties.
    pub loss: f64,
    /// The penalties of layers' outputs (activity regularizers); those of weights are [`Model::penalty`](crate::Model::penalty).
    pub activity_penalty: f64,
}

impl<E: Element> Measured<E> {
    /// The output of a model that has one; of several, the first.
    pub fn output(&self) -> &Tensor<E> {
        &self.outputs[0]
    }
}

/// Loss and gradients of one training batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step<E: Element = f32> {
    /// Mean loss of the batch without penalties: of several outputs the weighted sum.
    pub loss: f64,
    /// The mean loss of each output, without its weight.
    pub losses: Vec<f64>,
    /// Penalties: of the weights as they were before the step, and of layers' outputs.
    pub penalty: f64,
    /// The model's outputs `[n, …]` (probabilities when softmax is last), with dropout on.
    pub outputs: Vec<Tensor<E>>,
    /// One a parameter, in the order of [`Model::parameters`](crate::Model::parameters); `None` for those that are not
    /// trainable. The gradients of the weights' penalties are not in them: the optimizer adds them in the one pass that
    /// it makes anyway.
    pub gradients: Vec<Option<Tensor<E>>>,
}

impl<E: Element> Step<E> {
    /// The output of a model that has one; of several, the first.
    pub fn output(&self) -> &Tensor<E> {
        &self.outputs[0]
    }
}
