//! The plain recurrent cell: `h = activation(x·K + b + h₋₁·R)` (Elman 1990).

use super::cell::Drops;
use super::settings::{CellSettings, Kind, RecurrentCell, Weights, product};
use crate::Result;
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::Element;

/// One step of a [`SimpleRNN`](crate::layers::SimpleRNN).
pub type SimpleRNNCell = RecurrentCell<SimpleRnn>;

/// The plain recurrent cell; it has no settings of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleRnn {}

impl Kind for SimpleRnn {
    const NAMES: [&'static str; 3] = ["SimpleRNN", "SimpleRNNCell", "simple_rnn_cell"];
    const ABOUT: &'static str = "h = activation(x·K + b + h₋₁·R), step by step";
    const KEYS: &'static [&'static str] = &[];
    const GATES: usize = 1;
    const STATES: usize = 1;

    fn step<E: Element>(
        &self,
        settings: &CellSettings,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &Weights<'_, E>,
        drops: &Drops<E>,
    ) -> Result<Vec<Var<E>>> {
        let mut z = product(x, weights.kernel, &drops.input)?;
        if let Some(bias) = weights.bias {
            z = z.add(bias)?;
        }
        let z = z.add(&product(&states[0], weights.recurrent, &drops.recurrent)?)?;
        Ok(vec![settings.activation.apply(&z)?])
    }
}
