//! What a layer is: a pure description of shapes, weights and a forward pass. It holds no weights (those belong to
//! the model) and no state, so that it can be printed, saved and compared.

use crate::{ActivationKind, Initializer, Regularizer, Result};
use std::any::Any;
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::ops::Dropout;
use taper_tensor::{Element, Seed, Stream, Tensor};

/// A layer: a pure description. Shapes are those of one sample, without the batch axis.
///
/// To add one: a file in `layers/` with its struct, this trait and its row, and the row's name in `layers::all()`.
pub trait Layer<E: Element = f32>: Debug + Send + Sync + 'static {
    /// Keras's class name, e.g. `Conv2D`.
    fn class_name(&self) -> &'static str;

    /// The name that the user gave; without one the model makes it from the class name (`conv2d_1`).
    fn name(&self) -> Option<&str> {
        None
    }

    /// The description as JSON (Keras's names), which [`layers::from_config`](crate::layers::from_config) reads back.
    fn config(&self) -> serde_json::Value;

    /// The shape of an output, or what makes `input` (or the description itself) unfit.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The weights for an input that [`output_shape`](Self::output_shape) found fit.
    fn weights(&self, _input: &[usize]) -> Result<Vec<WeightSpec>> {
        Ok(Vec::new())
    }

    /// The output for a batch: `x` has a batch axis in front; `weights` are in the order of [`weights`](Self::weights).
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>>;

    /// For layers that end in an activation function: that function, and the same layer without it. Losses that are
    /// more exact from logits use it on the last layer.
    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        None
    }

    /// For layers that, at inference, are `scale · x + shift` channel by channel along the last axis (batch
    /// normalization): these numbers, made of the layer's weights. Prepared inference multiplies them into the weights
    /// of the layer in front. `None` for all others.
    fn scale_and_shift(&self, _weights: &[&Tensor<E>]) -> Option<ScaleAndShift> {
        None
    }

    /// For fusion patterns.
    fn as_any(&self) -> &dyn Any;
}

/// A weight that a layer wants.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its name within the layer, e.g. `kernel`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where its first values come from.
    pub initializer: Initializer,
    /// Its penalty.
    pub regularizer: Option<Regularizer>,
    /// Whether the optimizer moves it (running statistics are weights that it does not).
    pub trainable: bool,
}

/// `scale · x + shift`, one pair a channel: see [`Layer::scale_and_shift`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleAndShift {
    /// The factor of each channel.
    pub scale: Vec<f64>,
    /// What is added to each channel, as many as there are factors.
    pub shift: Vec<f64>,
}

/// What a forward pass knows, and what it collects on the way.
#[derive(Clone)]
pub struct Context<E: Element = f32> {
    /// Whether dropout is on.
    pub training: bool,
    /// The seed of the run.
    pub seed: Seed,
    /// Counts training batches over the whole run.
    pub step: u64,
    /// Index of the layer now running; the stream of its random numbers.
    pub layer: u32,
    /// Penalties on the tape (activity regularizers).
    pub penalties: Vec<Var<E>>,
    /// New values of non-trainable weights: (layer, index in its `weights`, value).
    pub updates: Vec<(u32, usize, Tensor<E>)>,
}

impl<E: Element> Context<E> {
    /// A training pass: batch number `step` of the run with this seed.
    pub fn training(seed: Seed, step: u64) -> Self {
        Context {
            training: true,
            seed,
            step,
            layer: 0,
            penalties: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// An inference pass: dropout is off, nothing is random.
    pub fn inference() -> Self {
        Context {
            training: false,
            ..Context::training(Seed(0), 0)
        }
    }

    /// The dropout of the layer that stands `offset` places behind the one now running; `None` when there is nothing
    /// to drop. The mask depends on the dropout layer's place and on the step alone, so it is the same whether the
    /// layer runs by itself or inside a fused pattern.
    pub fn dropout(&self, offset: u32, rate: f64) -> Option<Dropout> {
        let key = || {
            self.seed
                .key(Stream::Dropout(self.layer + offset), self.step)
        };
        (self.training && rate > 0.0).then(|| Dropout { rate, key: key() })
    }

    /// Records the penalty of a layer's output, divided by the batch size as Keras 3.15 does (early
    /// releases of Keras 3 did not divide).
    pub fn penalize(&mut self, output: &Var<E>, regularizer: Option<Regularizer>) -> Result<()> {
        if let Some(regularizer) = regularizer {
            let batch = output.shape().first().copied().unwrap_or(1).max(1);
            self.penalties.push(
                regularizer
                    .penalty(output)?
                    .scale(E::from_f64(1.0 / batch as f64)),
            );
        }
        Ok(())
    }
}
