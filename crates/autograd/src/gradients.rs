//! From a loss to the gradients of what it was computed from.

use crate::Var;
use std::fmt;
use std::ops::Index;
use taper_tensor::{Element, Error, Result, Tensor};

/// The gradients of a loss with respect to the parameters of its tape.
///
/// Each has the shape of its parameter and is contiguous. Values computed on the way have none: their gradients are
/// freed as soon as they have been used.
pub struct Gradients<E: Element = f32> {
    tape: u64,
    /// By position on the tape.
    by_node: Vec<Option<Tensor<E>>>,
}

impl<E: Element> Gradients<E> {
    /// The gradient of `var`; `None` if it is no parameter, the loss does not depend on it, or it was taken.
    pub fn get(&self, var: &Var<E>) -> Option<&Tensor<E>> {
        self.by_node.get(self.position(var)?)?.as_ref()
    }

    /// Moves the gradient of `var` out; `None` as for [`Gradients::get`].
    pub fn take(&mut self, var: &Var<E>) -> Option<Tensor<E>> {
        let position = self.position(var)?;
        self.by_node.get_mut(position)?.take()
    }

    fn position(&self, var: &Var<E>) -> Option<usize> {
        (var.tape().id() == self.tape)
            .then_some(var.node())
            .flatten()
    }
}

impl<E: Element> Var<E> {
    /// The gradients of this loss with respect to the parameters it was computed from.
    ///
    /// Walks the tape back and empties it: values that were saved for the gradient are freed on the way.
    ///
    /// # Errors
    /// When the value has more than one element (see [`Var::backward_with`]), depends on no parameter, or its tape
    /// has been walked back before.
    pub fn backward(&self) -> Result<Gradients<E>> {
        if self.value().len() != 1 {
            let message = format!(
                "a loss has one element, this value has {} (shape {:?}); \
                 reduce it by `sum()` or `mean()`, or give the gradient of its elements to `backward_with`",
                self.value().len(),
                self.shape()
            );
            return Err(Error::shape("backward", message));
        }
        walk_back(self, Tensor::ones(self.shape()))
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
        walk_back(self, gradient.clone())
    }
}

/// `gradients[&w]`.
///
/// # Panics
/// Where [`Gradients::get`] returns `None`.
impl<E: Element> Index<&Var<E>> for Gradients<E> {
    type Output = Tensor<E>;

    fn index(&self, var: &Var<E>) -> &Tensor<E> {
        match self.get(var) {
            Some(gradient) => gradient,
            None => panic!(
                "no gradient for this variable of shape {:?}: it is no parameter of this tape, the loss does not \
                 depend on it, or its gradient was taken out (`Gradients::get` returns an Option)",
                var.shape()
            ),
        }
    }
}

impl<E: Element> fmt::Debug for Gradients<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self
            .by_node
            .iter()
            .enumerate()
            .filter_map(|(node, g)| g.as_ref().map(|g| (node, g)));
        f.debug_map().entries(present).finish()
    }
}

/// The gradients of the parameters of the tape that `last` lives on, when its own is `seed`.
fn walk_back<E: Element>(last: &Var<E>, seed: Tensor<E>) -> Result<Gradients<E>> {
    Ok(Gradients {
        tape: last.tape().id(),
        by_node: last.tape().walk_back(last.node(), seed)?,
    })
}
