//! A value on a tape. The operations on it stand in `ops/`, one file each.

use crate::{Gradients, Op, Tape};
use std::fmt;
use taper_tensor::{Element, Error, Result, Tensor};

/// A tensor on a [`Tape`]: the result of every operation knows how it was computed.
///
/// Cheap to clone. It keeps its tensor alive; drop the variables of a step before updating weights in place, or
/// the update must copy what they still share.
pub struct Var<E: Element = f32> {
    tape: Tape<E>,
    /// Position on the tape; `None` when no gradient is wanted.
    node: Option<usize>,
    value: Tensor<E>,
}

impl<E: Element> Var<E> {
    pub(crate) fn new(tape: Tape<E>, node: Option<usize>, value: Tensor<E>) -> Self {
        Var { tape, node, value }
    }

    /// The tape it lives on.
    pub fn tape(&self) -> &Tape<E> {
        &self.tape
    }

    /// Its value.
    pub fn value(&self) -> &Tensor<E> {
        &self.value
    }

    /// The shape of its value.
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// Whether it is a parameter or depends on one.
    pub fn wants_gradient(&self) -> bool {
        self.node.is_some()
    }

    /// The same value as a constant: no gradient goes back through it.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::scalar(3.0));
    /// let gradients = x.mul(&x.detach())?.backward()?;
    /// assert_eq!(gradients[&x].item()?, 3.0); // not 6
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn detach(&self) -> Var<E> {
        self.tape.constant(&self.value)
    }

    /// The gradients of this loss with respect to the parameters it was computed from.
    ///
    /// Walks the tape back and empties it: values that were saved for the gradient are freed on the way.
    ///
    /// # Errors
    /// When the value has more than one element (see [`Var::backward_with`]), depends on no parameter, or its tape
    /// has been walked back before.
    pub fn backward(&self) -> Result<Gradients<E>> {
        if self.value.len() != 1 {
            let message = format!(
                "a loss has one element, this value has {} (shape {:?}); \
                 reduce it by `sum()` or `mean()`, or give the gradient of its elements to `backward_with`",
                self.value.len(),
                self.shape()
            );
            return Err(Error::shape("backward", message));
        }
        self.tape.walk_back(self.node, Tensor::ones(self.shape()))
    }

    /// As [`Var::backward`], for a value of any shape whose own gradient is `gradient`: the gradients of
    /// Σ value · gradient.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// let gradients = x.square().backward_with(&Tensor::from_vec([2], vec![1.0, 10.0])?)?;
    /// assert_eq!(gradients[&x].to_vec(), [2.0, 40.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `gradient` has another shape, the value depends on no parameter, or its tape has been walked back
    /// before.
    pub fn backward_with(&self, gradient: &Tensor<E>) -> Result<Gradients<E>> {
        if gradient.shape() != self.shape() {
            let message = format!(
                "a gradient {:?} was given for a value {:?}",
                gradient.shape(),
                self.shape()
            );
            return Err(Error::shape("backward_with", message));
        }
        self.tape.walk_back(self.node, gradient.clone())
    }

    pub(crate) fn node(&self) -> Option<usize> {
        self.node
    }

    /// Records `value` as computed from this variable alone.
    pub(crate) fn derive<O: Op<E>>(&self, value: Tensor<E>, op: impl FnOnce() -> O) -> Var<E> {
        self.tape.record_own(&[self], value, op)
    }

    /// A copy of the value, if the gradient of `other` is wanted (and so has a use for it).
    pub(crate) fn saved_for(&self, other: &Var<E>) -> Option<Tensor<E>> {
        other.wants_gradient().then(|| self.value.clone())
    }
}

impl<E: Element> Clone for Var<E> {
    fn clone(&self) -> Self {
        Var {
            tape: self.tape.clone(),
            node: self.node,
            value: self.value.clone(),
        }
    }
}

impl<E: Element> fmt::Debug for Var<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Var")
            .field("node", &self.node)
            .field("value", &self.value)
            .finish()
    }
}
