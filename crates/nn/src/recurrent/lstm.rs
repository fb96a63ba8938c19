//! The cell with a long short-term memory (Hochreiter and Schmidhuber 1997), gates in Keras's order i, f, c, o.

use super::cell::Drops;
use super::settings::{CellSettings, Kind, RecurrentCell, Weights, gate, product};
use crate::{ActivationKind, Initializer, Result, Sigmoid, Tanh, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Recurrence;

/// One step of an [`LSTM`](crate::layers::LSTM): `c = f·c₋₁ + i·activation(…)`, `h = o·activation(c)`.
pub type LSTMCell = RecurrentCell<Lstm>;

/// The settings of an LSTM alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// The function of the gates (default: sigmoid).
    #[serde(default = "sigmoid")]
    pub recurrent_activation: ActivationKind,
    /// Whether the bias of the forget gate is 1 at first (default: yes).
    #[serde(default = "config::yes")]
    pub unit_forget_bias: bool,
}

pub(super) fn sigmoid() -> ActivationKind {
    Sigmoid
}

impl Default for Lstm {
    fn default() -> Self {
        Lstm {
            recurrent_activation: Sigmoid,
            unit_forget_bias: true,
        }
    }
}

impl RecurrentCell<Lstm> {
    /// The function of the gates (default: sigmoid).
    pub fn recurrent_activation(mut self, activation: ActivationKind) -> Self {
        self.kind.recurrent_activation = activation;
        self
    }

    /// Whether the bias of the forget gate is 1 at first (default: yes).
    pub fn unit_forget_bias(mut self, on: bool) -> Self {
        self.kind.unit_forget_bias = on;
        self
    }
}

impl Kind for Lstm {
    const NAMES: [&'static str; 3] = ["LSTM", "LSTMCell", "lstm_cell"];
    const ABOUT: &'static str =
        "c = f·c₋₁ + i·activation(x·K + h₋₁·R + b), h = o·activation(c), step by step";
    const KEYS: &'static [&'static str] = &["recurrent_activation", "unit_forget_bias"];
    const GATES: usize = 4;
    const STATES: usize = 2;

    fn bias_initializer(&self, set: Initializer) -> Result<Initializer, String> {
        if !self.unit_forget_bias {
            return Ok(set);
        }
        match set {
            Initializer::Zeros => Ok(Initializer::UnitForget(0.0)),
            Initializer::Ones => Ok(Initializer::UnitForget(1.0)),
            Initializer::Constant(value) => Ok(Initializer::UnitForget(value)),
            other => Err(format!(
                "bias_initializer is {other:?}: with unit_forget_bias it must be zeros, ones or a constant"
            )),
        }
    }

    fn step<E: Element>(
        &self,
        settings: &CellSettings,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &Weights<'_, E>,
        drops: &Drops<E>,
    ) -> Result<Vec<Var<E>>> {
        let units = settings.units;
        let mut z = product(x, weights.kernel, &drops.input)?;
        z = z.add(&product(&states[0], weights.recurrent, &drops.recurrent)?)?;
        if let Some(bias) = weights.bias {
            z = z.add(bias)?;
        }
        let open = |index: usize| self.recurrent_activation.apply(&gate(&z, index, units)?);
        let (i, f, o) = (open(0)?, open(1)?, open(3)?);
        let candidate = settings.activation.apply(&gate(&z, 2, units)?)?;
        let c = f.mul(&states[1])?.add(&i.mul(&candidate)?)?;
        Ok(vec![o.mul(&settings.activation.apply(&c)?)?, c])
    }

    fn has_whole(&self, settings: &CellSettings) -> bool {
        settings.activation == Tanh && self.recurrent_activation == Sigmoid
    }

    fn whole<E: Element>(
        &self,
        x: &Var<E>,
        initial: &[&Var<E>],
        weights: &Weights<'_, E>,
        how: &Recurrence<E>,
    ) -> Result<Var<E>> {
        Ok(x.lstm(
            weights.kernel,
            weights.recurrent,
            weights.bias,
            initial,
            how,
        )?)
    }
}
