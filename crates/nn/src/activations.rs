//! Activation functions: used inside layers (`.activation(Relu)`) and as a layer of their own
//! ([`Activation`](crate::layers::Activation)).

use crate::Result;
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

pub use ActivationKind::{Linear, Relu, Sigmoid, Softmax, Tanh};

/// The activation functions; their names in JSON are Keras's (`"relu"`). The variants are re-exported, so that
/// `.activation(Relu)` reads as in Keras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationKind {
    /// x
    #[default]
    Linear,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// eˣ / Σeˣ along the last axis
    Softmax,
    /// The hyperbolic tangent
    Tanh,
}

impl ActivationKind {
    /// Every activation function.
    pub const ALL: [ActivationKind; 5] = [Linear, Relu, Sigmoid, Softmax, Tanh];

    /// Keras's name, e.g. `relu`.
    pub fn name(self) -> &'static str {
        match self {
            Linear => "linear",
            Relu => "relu",
            Sigmoid => "sigmoid",
            Softmax => "softmax",
            Tanh => "tanh",
        }
    }

    /// The function on the tape.
    pub fn apply<E: Element>(self, x: &Var<E>) -> Result<Var<E>> {
        Ok(match self {
            Linear => x.clone(),
            Relu => x.relu(),
            Sigmoid => x.sigmoid(),
            Softmax => x.softmax(last_axis(x.shape()))?,
            Tanh => x.tanh(),
        })
    }

    /// The function off the tape.
    pub fn apply_to<E: Element>(self, x: &Tensor<E>) -> Result<Tensor<E>> {
        Ok(match self {
            Linear => x.clone(),
            Relu => x.relu(),
            Sigmoid => x.sigmoid(),
            Softmax => x.softmax(last_axis(x.shape()))?,
            Tanh => x.tanh(),
        })
    }
}

fn last_axis(shape: &[usize]) -> usize {
    shape.len().saturating_sub(1)
}
