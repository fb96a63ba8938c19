//! What is legal and hardly ever meant: told once as an event, before the first batch.

use super::Run;
use crate::{Callback, Event};
use serde_json::Value;
use taper_datasets::Dataset;
use taper_nn::Model;

/// Targets of at most so many samples are looked at.
const LOOKED_AT: usize = 256;

impl<'a> Run<'_, 'a> {
    /// Tells what is hardly ever meant. Models of several outputs are taken as they are.
    pub(super) fn warn(&mut self, callbacks: &mut [Box<dyn Callback + 'a>]) {
        if self.model.output_shapes().count() > 1 {
            return;
        }
        let ending = Ending::of(self.model);
        let loss = self.settings.loss.name();
        let mut warnings: Vec<String> = ending.about(loss).into_iter().collect();
        warnings.extend(about_targets(loss, ending.units, self.data));
        for warning in warnings {
            self.tell(callbacks, &Event::Warning(&warning));
        }
    }
}

/// How a model ends.
struct Ending {
    units: usize,
    /// The last layer with an activation function, and its name; none where that is not known.
    activation: Option<(String, String)>,
}

/// Layers that let values through as they are.
const TRANSPARENT: [&str; 4] = ["Flatten", "Reshape", "Dropout", "InputLayer"];

/// Functions whose values are no probabilities.
const NO_PROBABILITIES: [&str; 6] = ["linear", "relu", "tanh", "elu", "silu", "softplus"];

impl Ending {
    fn of(model: &Model) -> Self {
        let config = model.config();
        let layers = config["config"]["layers"].as_array();
        let mut layers = layers.into_iter().flatten().rev();
        let seen = |layer: &&Value| {
            let class = layer["class_name"].as_str().unwrap_or_default();
            !TRANSPARENT.contains(&class)
        };
        let last = match config["config"]["output_layers"][0][0].as_str() {
            None => layers.find(seen),
            // Of a graph, the last one that is listed need not be the one that puts out.
            Some(name) => layers.find(|layer| layer["name"] == name),
        };
        let word = |layer: &Value, key: &str| layer["config"][key].as_str().map(str::to_owned);
        Ending {
            units: model.output_shape().last().copied().unwrap_or(1),
            activation: last
                .and_then(|layer| Some((word(layer, "name")?, word(layer, "activation")?))),
        }
    }

    fn about(&self, loss: &str) -> Option<String> {
        let (categorical, binary) = (
            loss.ends_with("categorical_crossentropy"),
            loss == "binary_crossentropy",
        );
        if self.units == 1 && categorical {
            return Some(format!(
                "the model has one output, and {loss} compares several: it is 0 whatever the model says, so nothing is \
                 learned; use binary_crossentropy with a sigmoid, or as many outputs as there are classes"
            ));
        }
        let (layer, activation) = self.activation.as_ref()?;
        if self.units == 1 && activation == "softmax" {
            return Some(format!(
                "a softmax over one output ({layer}) is always 1, so nothing is learned; use a sigmoid"
            ));
        }
        let wanted = if binary { "sigmoid" } else { "softmax" };
        let none = (categorical || binary) && NO_PROBABILITIES.contains(&activation.as_str());
        none.then(|| {
            format!(
                "{loss} takes probabilities, but the last layer ({layer}) ends in {activation}, whose values are none; \
                 give it the activation {wanted}"
            )
        })
    }
}

/// What the targets of some samples say.
fn about_targets(loss: &str, units: usize, data: &dyn Dataset) -> Option<String> {
    let binary = loss == "binary_crossentropy";
    let one_hot = loss == "categorical_crossentropy" && units > 1;
    if !binary && !one_hot {
        return None;
    }
    let mut target = vec![0.0; data.target_shape().iter().product()];
    let step = data.len().div_ceil(LOOKED_AT).max(1);
    for index in (0..data.len()).step_by(step) {
        data.read_target(index.into(), &mut target).ok()?; // the epoch will tell
        let outside = target.iter().find(|value| !(0.0..=1.0).contains(*value));
        if let Some(value) = outside.filter(|_| binary) {
            let hint = match *value < 0.0 {
                true => "labels of -1 and 1 must become 0 and 1",
                false => {
                    "class numbers go with sparse_categorical_crossentropy and an output for each class"
                }
            };
            return Some(format!(
                "a target of {} (sample {index}) is {value}, and binary_crossentropy takes 0 to 1; {hint}",
                data.name()
            ));
        }
        let rows = target.chunks_exact(units);
        let odd = rows
            .map(|row| row.iter().sum::<f32>())
            .find(|sum| (sum - 1.0).abs() > 1e-3 || sum.is_nan());
        if let Some(sum) = odd.filter(|_| one_hot && target.len().is_multiple_of(units)) {
            return Some(format!(
                "the target of sample {index} of {} sums to {sum}, and categorical_crossentropy takes a 1 at the class and \
                 0 elsewhere; class numbers go with sparse_categorical_crossentropy, several classes at once with \
                 binary_crossentropy",
                data.name()
            ));
        }
    }
    None
}
