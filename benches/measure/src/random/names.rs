//! Which activation functions and optimizers are drawn: those that Taper and the peers both have.

use serde_json::json;
use taper_nn::activations;
use taper_optim::optimizers;

use super::dice::Dice;
use super::network::Described;

/// The activation functions between layers; those that stand here often are drawn often. Softmax is always last.
pub(super) const ACTIVATIONS: [&str; 12] = [
    "relu", "relu", "relu", "relu", "relu", "tanh", "sigmoid", "elu", "silu", "silu", "softplus",
    "linear",
];

/// Activation functions that take another's place now and then, in versions of Taper that have them.
const RARER: [&str; 15] = [
    "celu",
    "gelu",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "relu6",
    "selu",
    "soft_shrink",
    "softsign",
    "tanh_shrink",
];

/// The optimizers that Taper and PyTorch both have.
const OPTIMIZERS: [&str; 6] = ["Adam", "Adam", "AdamW", "SGD", "SGD", "RMSprop"];

/// Optimizers that take another's place now and then, in versions of Taper that have them.
const RARER_OPTIMIZERS: [&str; 4] = ["Adadelta", "Adagrad", "Adamax", "Nadam"];

/// An optimizer with its settings. RMSprop's epsilon is so small that it does not matter where it is added: Keras has it
/// under the root, PyTorch behind it.
pub(super) fn optimizer(dice: &mut Dice) -> Described {
    let class_name = dice.choose(&OPTIMIZERS);
    let config = match class_name {
        "SGD" => match dice.within(1, 3) {
            1 => json!({"learning_rate": 0.01}),
            2 => json!({"learning_rate": 0.01, "momentum": 0.9}),
            _ => json!({"learning_rate": 0.01, "momentum": 0.9, "nesterov": true}),
        },
        "RMSprop" => match dice.within(1, 3) {
            1 => json!({"learning_rate": 0.0003, "epsilon": 1e-14, "momentum": 0.5}),
            _ => json!({"learning_rate": 0.0003, "epsilon": 1e-14}),
        },
        _ => json!({"learning_rate": 0.001}),
    };
    Described::new(class_name, config)
}

/// Puts what is rarer in another's place. It has dice of its own, so that shapes stay as they are.
pub(super) struct Rare(Dice);

impl Rare {
    /// For network number `index` of a seed.
    pub(super) fn of(seed: u64, index: u64) -> Self {
        // Some number that tells these dice from the others.
        Rare(Dice::of(seed ^ 0x7261_7265, index))
    }

    /// An activation function, or a rarer one instead.
    pub(super) fn activation(&mut self, name: &'static str) -> &'static str {
        let known = |name: &&str| activations::all().iter().any(|row| row.name == *name);
        let rarer: Vec<&str> = RARER.into_iter().filter(known).collect();
        self.one_of(&rarer).unwrap_or(name)
    }

    /// An optimizer, or a rarer one instead, with a learning rate that it is usually given.
    pub(super) fn optimizer(&mut self, drawn: Described) -> Described {
        let known = |name: &&str| optimizers::names().contains(name);
        let rarer: Vec<&str> = RARER_OPTIMIZERS.into_iter().filter(known).collect();
        let Some(name) = self.one_of(&rarer) else {
            return drawn;
        };
        let rate = match name {
            "Adadelta" => 0.5,
            "Adagrad" => 0.01,
            _ => 0.001,
        };
        Described::new(name, json!({"learning_rate": rate}))
    }

    /// In a fifth of all cases one of them, where there are any.
    fn one_of(&mut self, rarer: &[&'static str]) -> Option<&'static str> {
        (self.0.percent(20) && !rarer.is_empty()).then(|| self.0.choose(rarer))
    }
}

#[cfg(test)]
mod tests {
    use super::{ACTIVATIONS, OPTIMIZERS, RARER, RARER_OPTIMIZERS};
    use crate::launch::root;

    #[test]
    fn the_peers_know_what_is_drawn() {
        for file in [
            "described_torch.py",
            "described_onnx.py",
            "described_jax.py",
        ] {
            let path = root().join("benches/peers").join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let optimizers = if file.contains("onnx") {
                Vec::new()
            } else {
                [&OPTIMIZERS[..], &RARER_OPTIMIZERS].concat()
            };
            let names = ACTIVATIONS.iter().chain(&RARER).chain(&optimizers);
            for name in names {
                let known = text.contains(&format!("\"{name}\"")) || *name == "linear";
                assert!(known, "{file}: {name}");
            }
        }
    }
}
