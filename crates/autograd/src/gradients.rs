//! What a walk back over the tape returns.

use crate::Var;
use std::fmt;
use std::ops::Index;
use taper_tensor::{Element, Tensor};

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
    pub(crate) fn new(tape: u64, by_node: Vec<Option<Tensor<E>>>) -> Self {
        Gradients { tape, by_node }
    }

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
