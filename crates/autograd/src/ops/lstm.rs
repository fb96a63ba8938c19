//! A long short-term memory over whole sequences.

use crate::gradcheck::Spec;
use crate::recurrent::{Weights, in_order, sample};
use crate::{Op, Var};
use taper_tensor::ops::{Recurrence, RecurrentTrace};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// An LSTM with tanh and sigmoid over sequences, in one operation: `[n, steps, features]` → `[n, rows, units]`, where the
    /// rows are the outputs of all steps or the last one, and the states h and c behind them, as `how` says
    /// ([`Tensor::lstm`]). Hochreiter and Schmidhuber 1997.
    ///
    /// Shapes: kernel `[features, 4 · units]`, recurrent `[units, 4 · units]`, bias `[4 · units]`, gates in Keras's order i, f,
    /// g, o; `initial` none for zeros, or h and c, `[n, units]` each.
    ///
    /// Gradient: back through time. Saves the inputs, and of every step the gates, h, c and tanh c.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Recurrence, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::<f64>::ones([2, 5, 3]));
    /// let kernel = tape.parameter(&Tensor::zeros([3, 8]));
    /// let recurrent = tape.parameter(&Tensor::zeros([2, 8]));
    /// let bias = tape.parameter(&Tensor::zeros([8]));
    /// let y = x.lstm(&kernel, &recurrent, Some(&bias), &[], &Recurrence::default())?;
    /// assert_eq!(y.shape(), [2, 1, 2]);
    /// assert_eq!(y.sum().backward()?[&kernel].shape(), [3, 8]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, there is no step, or the variables belong to different tapes.
    pub fn lstm(
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
            .lstm(&weights.values(), &weights.initial(), how)?;
        let inputs = weights.inputs(self);
        self.tape().record(&inputs, y, || Lstm { trace })
    }
}

struct Lstm<E: Element> {
    trace: RecurrentTrace<E>,
}

impl<E: Element> Op<E> for Lstm<E> {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let gradients = self.trace.lstm_gradients(&gradient, wanted[0])?;
        Ok(in_order(gradients))
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "lstm",
    formula: "c = f · c + i · g, h = o · tanh c, step by step",
    sample: |s| sample(s, Var::lstm, [4, 2, 1]),
};
