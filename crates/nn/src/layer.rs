//! What a layer is: a pure description of shapes, weights and a forward pass. It holds no weights (those belong to
//! the model) and no state, so that it can be printed, saved and compared.

use crate::{ActivationKind, Constraint, Context, Initializer, Regularizer, Result};
use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// What a layer says of itself, whatever the element type. Shapes are those of one sample, without the batch axis.
///
/// ```
/// use taper_nn::{Describe, layers::Conv2D};
/// assert_eq!(Conv2D::new(32, 3).output_shape(&[28, 28, 1])?, [26, 26, 32]);
/// assert_eq!(Conv2D::new(32, 3).weights(&[28, 28, 1])?[0].shape, [3, 3, 1, 32]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub trait Describe: Debug + Send + Sync + 'static {
    /// Keras's class name, e.g. `Conv2D`.
    fn class_name(&self) -> &'static str;

    /// The name that the user gave; without one the model makes it from the class name (`conv2d_1`).
    fn name(&self) -> Option<&str> {
        None
    }

    /// The description as JSON (Keras's names), which [`layers::from_config`](crate::layers::from_config) reads back.
    fn config(&self) -> serde_json::Value;

    /// Whether the layer's weights learn from the start (Keras's `trainable`); [`Model::set_trainable`]
    /// changes it later. [`frozen`](FreezeExt::frozen) makes a layer that does not.
    ///
    /// [`Model::set_trainable`]: crate::Model::set_trainable
    fn trainable(&self) -> bool {
        true
    }

    /// The shape of an output, or what makes `input` (or the description itself) unfit.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The weights for an input that [`output_shape`](Self::output_shape) found fit.
    fn weights(&self, _input: &[usize]) -> Result<Vec<WeightSpec>> {
        Ok(Vec::new())
    }

    /// What the weight of this name (as in [`weights`](Self::weights)) must be after every step of an optimizer. By default
    /// anything.
    fn constraint(&self, _weight: &str) -> Option<Constraint> {
        None
    }

    /// What is left of the layer when a model is prepared to predict.
    fn at_inference(&self) -> AtInference {
        AtInference::Forward
    }

    /// Whether the forward pass adds penalties to the loss, at inference too (an activity regularizer).
    fn penalizes(&self) -> bool {
        false
    }

    /// For layers whose inputs are whole numbers, as floats (Embedding): how many there are, from 0 on. By default they are
    /// any numbers.
    fn indices(&self) -> Option<usize> {
        None
    }

    /// Whether a mask may begin here (Masking, Embedding with `mask_zero`). By default not.
    fn masks(&self) -> bool {
        false
    }

    /// Whether the layer keeps the steps of its input apart, so that its output has the mask of its input (Keras's
    /// `supports_masking`). By default not: behind it there is no mask.
    fn passes_mask(&self) -> bool {
        false
    }

    /// For fusion patterns.
    fn as_any(&self) -> &dyn Any;
}

/// A layer: a pure description with a forward pass, from one input to one output. Where wires meet or part there is a
/// [`Junction`](crate::Junction).
///
/// To add one: a file in `layers/` with its struct, [`Describe`], this trait and its row, and the row's name in
/// `layers::all()`. A layer of another crate is loaded through a [`Registry`](crate::Registry).
pub trait Layer<E: Element = f32>: Describe {
    /// The output for a batch: `x` has a batch axis in front; `weights` are in the order of
    /// [`weights`](Describe::weights).
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>>;

    /// The mask `[n, steps]` of the output for the input `x` with this mask, 0 where a step stands for nothing. By default that
    /// of the input, if the layer [passes masks](Describe::passes_mask), or none. A layer that reads its mask finds it in
    /// [`Context::mask`].
    fn output_mask(&self, _x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        Ok(mask.filter(|_| self.passes_mask()).cloned())
    }

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
}

/// What is left of a layer at inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtInference {
    /// Nothing: its output has the bytes of its input (dropout, another shape).
    Nothing,
    /// An activation function, element by element or along the last axis.
    Activation(ActivationKind),
    /// Its forward pass, or the step that the table of [`steps`](crate::inference::steps) has for it.
    Forward,
}

/// A weight that a layer wants.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its name within the layer, e.g. `kernel`. It may be made at run time (`gate_3/kernel`).
    pub name: Cow<'static, str>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where its first values come from.
    pub initializer: Initializer,
    /// Its penalty.
    pub regularizer: Option<Regularizer>,
    /// Whether the optimizer moves it (running statistics are weights that it does not).
    pub trainable: bool,
}

/// `scale · x + shift`, one pair a channel, or a single one for all of them: see [`Layer::scale_and_shift`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleAndShift {
    /// The factor of each channel.
    pub scale: Vec<f64>,
    /// What is added to each channel, as many as there are factors.
    pub shift: Vec<f64>,
}

/// [`frozen`](FreezeExt::frozen), for every layer.
pub trait FreezeExt: Describe + Sized {
    /// The same layer with weights that do not learn: Keras's `trainable=False`. A frozen BatchNormalization runs with
    /// its moving averages and leaves them as they are.
    ///
    /// ```
    /// use taper_nn::{FreezeExt, Seed, Sequential, layers::Dense};
    /// let model = Sequential::new([4]).add(Dense::new(8).frozen()).add(Dense::new(2)).build(Seed(7))?;
    /// assert!(!model.parameter("dense/kernel").unwrap().trainable);
    /// assert!(model.parameter("dense_1/kernel").unwrap().trainable);
    /// # Ok::<(), taper_nn::Error>(())
    /// ```
    fn frozen(self) -> Frozen<Self> {
        Frozen(self)
    }
}

impl<L: Describe> FreezeExt for L {}

/// A layer whose weights do not learn; made by [`FreezeExt::frozen`]. To everybody but the model it is the layer itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen<L>(pub L);

impl<L: Describe> Describe for Frozen<L> {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    fn config(&self) -> serde_json::Value {
        self.0.config()
    }

    fn trainable(&self) -> bool {
        false
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.0.output_shape(input)
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        self.0.weights(input)
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        self.0.constraint(weight)
    }

    fn at_inference(&self) -> AtInference {
        self.0.at_inference()
    }

    fn penalizes(&self) -> bool {
        self.0.penalizes()
    }

    fn indices(&self) -> Option<usize> {
        self.0.indices()
    }

    fn masks(&self) -> bool {
        self.0.masks()
    }

    fn passes_mask(&self) -> bool {
        self.0.passes_mask()
    }

    fn as_any(&self) -> &dyn Any {
        self.0.as_any()
    }
}

impl<E: Element, L: Layer<E>> Layer<E> for Frozen<L> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        self.0.forward(x, weights, context)
    }

    fn output_mask(&self, x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        self.0.output_mask(x, mask)
    }

    fn split_activation(&self) -> Option<(ActivationKind, Box<dyn Layer<E>>)> {
        self.0.split_activation()
    }

    fn scale_and_shift(&self, weights: &[&Tensor<E>]) -> Option<ScaleAndShift> {
        self.0.scale_and_shift(weights)
    }
}
