//! What a junction is: a place in a model where wires meet or part. A pure description, as a layer is.

use crate::{Context, Result, WeightSpec};
use std::any::Any;
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// What a junction says of itself, whatever the element type. Shapes are those of one sample, without the batch axis.
///
/// ```
/// use taper_nn::{DescribeJunction, junctions::Concatenate};
/// assert_eq!(Concatenate::new().output_shapes(&[&[3], &[4]])?, [[7]]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
pub trait DescribeJunction: Debug + Send + Sync + 'static {
    /// Keras's class name, e.g. `Concatenate`.
    fn class_name(&self) -> &'static str;

    /// The name that the user gave; without one the model makes it from the class name (`concatenate_1`).
    fn name(&self) -> Option<&str> {
        None
    }

    /// The description as JSON (Keras's names), which [`junctions::from_config`](crate::junctions::from_config) reads
    /// back.
    fn config(&self) -> serde_json::Value;

    /// Whether the junction's weights learn from the start (Keras's `trainable`).
    fn trainable(&self) -> bool {
        true
    }

    /// The shapes of all outputs, or what makes the inputs (or the description itself) unfit.
    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>>;

    /// The weights for inputs that [`output_shapes`](Self::output_shapes) found fit.
    fn weights(&self, _inputs: &[&[usize]]) -> Result<Vec<WeightSpec>> {
        Ok(Vec::new())
    }

    /// What the weight of this name must be after every step of an optimizer. By default anything.
    fn constraint(&self, _weight: &str) -> Option<crate::Constraint> {
        None
    }

    /// Whether the forward pass adds penalties to the loss, at inference too.
    fn penalizes(&self) -> bool {
        false
    }

    /// For steps of prepared inference.
    fn as_any(&self) -> &dyn Any;
}

/// A layer with several inputs or several outputs: Add, Concatenate, attention, a recurrent layer that also hands out
/// its states. Keras calls those that only merge *merging layers*.
///
/// To add one: a file in `junctions/` with its struct, [`DescribeJunction`], this trait and its row, and the row's name
/// in `junctions::all()`.
pub trait Junction<E: Element = f32>: DescribeJunction {
    /// The outputs for a batch: every input has a batch axis in front; `weights` are in the order of
    /// [`weights`](DescribeJunction::weights).
    fn forward(
        &self,
        inputs: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Vec<Var<E>>>;

    /// The masks of the outputs, given the inputs and theirs (see [`Layer::output_mask`](crate::Layer::output_mask)): as many as
    /// there are outputs, or fewer, the others having none. By default there are none. The mask of the first input is what
    /// [`Context::mask`] says.
    fn output_masks(
        &self,
        _inputs: &[&Tensor<E>],
        _masks: &[Option<&Tensor<E>>],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        Ok(Vec::new())
    }

    /// The only output with relu behind it, in one pass, where the junction has a faster way than
    /// [`forward`](Self::forward) and relu; of the same bits. The inputs are given away, so that their memory can be used
    /// again. `None`, the default: there is none. A model asks when an [`Activation`](crate::layers::Activation) of relu
    /// alone reads the output.
    fn forward_relu(&self) -> Option<ForwardRelu<E>> {
        None
    }
}

/// From the inputs to the only output of a junction with relu behind it.
pub type ForwardRelu<E> = fn(Vec<Var<E>>) -> Result<Var<E>>;
