//! A value on a tape, and how values get there. The operations on them stand in `ops/`, one file each, the way back to
//! gradients in `gradients.rs`.

use crate::tape::{Node, Op, Tape, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
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

    /// The variable for recording what is computed from it, and its value, which nobody else may hold any more. The
    /// variable has no value left.
    pub(crate) fn without_value(mut self) -> (Var<E>, Tensor<E>) {
        let value = std::mem::replace(&mut self.value, Tensor::zeros([0]));
        (self, value)
    }

    /// Its position on the tape.
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

impl<E: Element> Tape<E> {
    /// A variable whose gradient is wanted. It shares the storage of `value`.
    pub fn parameter(&self, value: &Tensor<E>) -> Var<E> {
        let node = self.push(|| Node {
            op: None,
            inputs: Vec::new(),
            shape: value.shape().to_vec(),
        });
        self.var(node, value.clone())
    }

    /// A variable without gradient: a batch of inputs, a frozen weight. It shares the storage of `value`.
    pub fn constant(&self, value: &Tensor<E>) -> Var<E> {
        self.var(None, value.clone())
    }

    /// Records that `value` was computed from `inputs`, and returns it as a variable. `op` makes the way back.
    ///
    /// When no input wants a gradient, nothing is recorded and `op` is not called: the result is a constant. This
    /// is how every operation of this crate is made; see [`Op`] for one of your own.
    ///
    /// # Errors
    /// When an input belongs to another tape.
    pub fn record<O: Op<E>>(
        &self,
        inputs: &[&Var<E>],
        value: Tensor<E>,
        op: impl FnOnce() -> O,
    ) -> Result<Var<E>> {
        if inputs.iter().any(|input| input.tape.id() != self.id()) {
            return Err(Error::shape(
                "tape",
                "an operation got variables of different tapes; put all that meet in one computation on one tape",
            ));
        }
        Ok(self.record_own(inputs, value, op))
    }

    /// As [`Tape::record`], for inputs that are known to be this tape's.
    fn record_own<O: Op<E>>(
        &self,
        inputs: &[&Var<E>],
        value: Tensor<E>,
        op: impl FnOnce() -> O,
    ) -> Var<E> {
        let wanted = inputs.iter().any(|input| input.wants_gradient());
        let node = wanted.then(|| {
            self.push(|| Node {
                op: Some(Box::new(op())),
                inputs: inputs.iter().map(|input| input.node).collect(),
                shape: value.shape().to_vec(),
            })
        });
        self.var(node.flatten(), value)
    }
}
