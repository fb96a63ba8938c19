//! How a recurrent layer goes over a sequence.

use serde::{Deserialize, Serialize};
use taper_tensor::ops::Recurrence;
use taper_tensor::{Element, Tensor};

/// How a recurrent layer goes over its sequences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Whether the outputs of all steps come out, or the last one (default: the last).
    #[serde(default)]
    pub return_sequences: bool,
    /// Whether the states behind the last step come out, too, which makes the layer a junction (default: no).
    #[serde(default)]
    pub return_state: bool,
    /// From the last step to the first; outputs are in the order in which they are made (default: no).
    #[serde(default)]
    pub go_backwards: bool,
    /// Whether the outputs of masked steps are zeros instead of those of the step before (default: no).
    #[serde(default)]
    pub zero_output_for_mask: bool,
}

impl Run {
    /// The entries of a description that say it.
    pub(super) const KEYS: &'static [&'static str] = &[
        "return_sequences",
        "return_state",
        "go_backwards",
        "zero_output_for_mask",
    ];

    /// For the operations that take all steps at once.
    pub(super) fn recurrence<E: Element>(&self, mask: Option<&Tensor<E>>) -> Recurrence<E> {
        Recurrence {
            sequences: self.return_sequences,
            states: self.return_state,
            backwards: self.go_backwards,
            mask: mask.cloned(),
            zero_output: self.zero_output_for_mask,
        }
    }
}
