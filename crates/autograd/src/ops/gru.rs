//! A gated recurrent unit over whole sequences.

use crate::gradcheck::Spec;
use crate::recurrent::{Weights, in_order, sample};
use crate::{Op, Var};
use taper_tensor::ops::{Recurrence, RecurrentTrace};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// A GRU with tanh and sigmoid over sequences, in one operation: `[n, steps, features]` → `[n, rows, units]`, where the rows
    /// are the outputs of all steps or the last one, and the state behind them, as `how` says ([`Tensor::gru`]). Cho et al. 2014,
    /// with the reset gate behind the recurrent product (Keras's `reset_after`).
    ///
    /// Shapes: kernel `[features, 3 · units]`, recurrent `[units, 3 · units]`, bias `[2, 3 · units]` (the second row belongs to
    /// the recurrent product), gates in Keras's order z, r, g; `initial` none for zeros, or h `[n, units]`.
    ///
    /// Gradient: back through time. Saves the inputs, and of every step the gates, h and a third of the recurrent product.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Recurrence, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::<f64>::ones([2, 5, 3]));
    /// let kernel = tape.parameter(&Tensor::zeros([3, 6]));
    /// let recurrent = tape.parameter(&Tensor::zeros([2, 6]));
    /// let bias = tape.parameter(&Tensor::zeros([2, 6]));
    /// let y = x.gru(&kernel, &recurrent, Some(&bias), &[], &Recurrence::default())?;
    /// assert_eq!(y.shape(), [2, 1, 2]);
    /// assert_eq!(y.sum().backward()?[&kernel].shape(), [3, 6]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, there is no step, or the variables belong to different tapes.
    pub fn gru(
        &self,
        kernel: &Var<E>,
        recurrent: &Var<E>,
        bias: Option<&Var<E>>,
        initial: &[&Var<E>],
        how: &Recurrence<E>,
    ) -> Result<Var<E>> {
        let weights = Weights::new(kernel, recurrent, bias, initial);
        let (y, trace) = self
            .value()
            .gru(&weights.values(), &weights.initial(), how)?;
        let inputs = weights.inputs(self);
        self.tape().record(&inputs, y, || Gru { trace })
    }
}

struct Gru<E: Element> {
    trace: RecurrentTrace<E>,
}

impl<E: Element> Op<E> for Gru<E> {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let gradients = self.trace.gru_gradients(&gradient, wanted[0])?;
        Ok(in_order(gradients))
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "gru",
    formula: "h = z · h + (1 − z) · tanh(x·K + b + r · (h·R + b′)), step by step",
    sample: |s| sample(s, Var::gru, [3, 1, 2]),
};
