//! The gated recurrent unit (Cho et al. 2014), gates in Keras's order z, r, h.

use super::cell::Drops;
use super::lstm::sigmoid;
use super::settings::{CellSettings, Kind, RecurrentCell, Weights, gate, product};
use crate::{ActivationKind, Result, Sigmoid, Tanh, config};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;
use taper_tensor::ops::Recurrence;

/// One step of a [`GRU`](crate::layers::GRU): `h = z·h₋₁ + (1 − z)·activation(…)`.
pub type GRUCell = RecurrentCell<Gru>;

/// The settings of a GRU alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    /// The function of the gates (default: sigmoid).
    #[serde(default = "sigmoid")]
    pub recurrent_activation: ActivationKind,
    /// Whether the reset gate works behind the recurrent product, as in cuDNN, or in front of it, as in the first paper
    /// (default: behind).
    #[serde(default = "config::yes")]
    pub reset_after: bool,
}

impl Default for Gru {
    fn default() -> Self {
        Gru {
            recurrent_activation: Sigmoid,
            reset_after: true,
        }
    }
}

impl RecurrentCell<Gru> {
    /// The function of the gates (default: sigmoid).
    pub fn recurrent_activation(mut self, activation: ActivationKind) -> Self {
        self.kind.recurrent_activation = activation;
        self
    }

    /// Whether the reset gate works behind the recurrent product (default: yes).
    pub fn reset_after(mut self, on: bool) -> Self {
        self.kind.reset_after = on;
        self
    }
}

impl Kind for Gru {
    const NAMES: [&'static str; 3] = ["GRU", "GRUCell", "gru_cell"];
    const ABOUT: &'static str =
        "h = z·h₋₁ + (1 − z)·activation(x·K + b + r·(h₋₁·R + b′)), step by step";
    const KEYS: &'static [&'static str] = &["recurrent_activation", "reset_after"];
    const GATES: usize = 3;
    const STATES: usize = 1;

    fn bias_shape(&self, units: usize) -> Vec<usize> {
        let wide = units.saturating_mul(3);
        if self.reset_after {
            vec![2, wide]
        } else {
            vec![wide]
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
        let (units, h) = (settings.units, &states[0]);
        let mut of_x = product(x, weights.kernel, &drops.input)?;
        let open = |a: &Var<E>, b: &Var<E>, index: usize| -> Result<Var<E>> {
            let sum = gate(a, index, units)?.add(&gate(b, index, units)?)?;
            self.recurrent_activation.apply(&sum)
        };
        let (z, candidate) = if self.reset_after {
            let mut of_h = product(h, weights.recurrent, &drops.recurrent)?;
            if let Some(bias) = weights.bias {
                of_x = of_x.add(&bias.slice(0, 0..1)?)?;
                of_h = of_h.add(&bias.slice(0, 1..2)?)?;
            }
            let (z, r) = (open(&of_x, &of_h, 0)?, open(&of_x, &of_h, 1)?);
            let reset = r.mul(&gate(&of_h, 2, units)?)?;
            (z, gate(&of_x, 2, units)?.add(&reset)?)
        } else {
            if let Some(bias) = weights.bias {
                of_x = of_x.add(bias)?;
            }
            let gates = weights.recurrent.slice(1, 0..2 * units)?;
            let kept = &drops.recurrent[..drops.recurrent.len().min(2)];
            let of_h = product(h, &gates, kept)?;
            let (z, r) = (open(&of_x, &of_h, 0)?, open(&of_x, &of_h, 1)?);
            let reset = match drops.recurrent.get(2) {
                Some(kept) => r.mul(&h.mul(kept)?)?,
                None => r.mul(h)?,
            };
            let reset = reset.matmul(&weights.recurrent.slice(1, 2 * units..3 * units)?)?;
            (z, gate(&of_x, 2, units)?.add(&reset)?)
        };
        let candidate = settings.activation.apply(&candidate)?;
        let kept = z.mul(h)?;
        let fresh = candidate.sub(&z.mul(&candidate)?)?;
        Ok(vec![kept.add(&fresh)?])
    }

    fn has_whole(&self, settings: &CellSettings) -> bool {
        self.reset_after && settings.activation == Tanh && self.recurrent_activation == Sigmoid
    }

    fn whole<E: Element>(
        &self,
        x: &Var<E>,
        initial: &[&Var<E>],
        weights: &Weights<'_, E>,
        how: &Recurrence<E>,
    ) -> Result<Var<E>> {
        Ok(x.gru(
            weights.kernel,
            weights.recurrent,
            weights.bias,
            initial,
            how,
        )?)
    }
}
