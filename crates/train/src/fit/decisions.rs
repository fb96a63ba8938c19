//! What callbacks decided, remember and want: the loop keeps it, checkpoints carry it.

use crate::{Swap, number::Number};
use serde::{Deserialize, Serialize};
use taper_tensor::Tensor;

/// What callbacks decided and remember; in files of earlier versions, nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Decisions {
    /// Set by hand, instead of the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) learning_rate: Option<Number>,
    /// Names and states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) callbacks: States,
    /// Whether moving averages stand in the place of weights, and weights in theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) averages_in_place: bool,
    /// What the callbacks with a state remember beside it, by [`slot`]. In a file they stand among the optimizer's slots.
    #[serde(skip)]
    pub(super) tensors: Tensors,
}

impl Decisions {
    pub(super) fn learning_rate(&self) -> Option<f64> {
        self.learning_rate.map(|rate| rate.0)
    }
}

/// Names and states of the callbacks that have one, in the trainer's order.
pub(super) type States = Vec<(String, String)>;

/// Names and values.
pub(super) type Tensors = Vec<(String, Tensor)>;

/// What the names of callbacks' tensors begin with in files; those of the optimizer begin with a layer's name, which is
/// never empty.
const OF_CALLBACKS: &str = "/callbacks/";

/// What a tensor of the callback with this state is called in files.
pub(super) fn slot(state: usize, name: &str) -> String {
    format!("{OF_CALLBACKS}{state}/{name}")
}

/// What belongs to callbacks, taken out of the slots of a file.
pub(super) fn take_tensors(slots: &mut Tensors) -> Tensors {
    slots
        .extract_if(.., |(name, _)| name.starts_with(OF_CALLBACKS))
        .collect()
}

/// The tensors of one of them, with their own names.
pub(super) fn of_state(tensors: &Tensors, state: usize) -> Tensors {
    let place = slot(state, "");
    let own = tensors.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix(&place)?;
        Some((name.to_owned(), tensor.clone()))
    });
    own.collect()
}

/// What is asked of callbacks once.
#[derive(Default)]
pub(super) struct Order {
    /// Of each callback: whether it is told before those that do not decide.
    pub(super) decides: Vec<bool>,
    pub(super) wants_gradient_norms: bool,
    /// Whether a batch that is not finite is no error.
    pub(super) stops_where_not_finite: bool,
    /// When averages stand in the place of weights.
    pub(super) swap: Swap,
}
