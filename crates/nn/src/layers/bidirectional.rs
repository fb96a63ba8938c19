//! A recurrent layer that reads sequences from both ends.

use super::rnn::{name_of, nothing_left};
use super::{GRU, LSTM, RNN, Row, Sample, SimpleRNN};
use crate::names::snake_case;
use crate::recurrent::layer::within;
use crate::recurrent::{described, object};
use crate::{Constraint, Context, Describe, Error, Layer, Result, WeightSpec, setting};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// How the outputs of both directions become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// One behind the other: twice as many values.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
}

/// A recurrent layer ([`LSTM`], [`GRU`], [`SimpleRNN`], [`RNN`]) and its double that reads the sequence from the end
/// (Schuster and Paliwal 1997). With `return_sequences` the outputs of the second are turned round, so that both belong to the
/// same step.
///
/// Weights: those of both under their names, `forward_lstm/lstm_cell/kernel`, `backward_lstm/lstm_cell/kernel`. Masked steps of
/// sequences put out zeros, as in Keras. Keras's merge mode `None`, which has two outputs, is refused, and so is
/// `return_state`. Layers of other crates cannot be read from a description inside of it.
///
/// ```
/// use taper_nn::{Describe, layers::{Bidirectional, LSTM}};
/// let layer = Bidirectional::<f32>::new(LSTM::new(8).return_sequences(true));
/// assert_eq!(layer.output_shape(&[10, 3])?, [10, 16]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bidirectional<E: Element = f32> {
    name: Option<String>,
    merge_mode: MergeMode,
    forward: Arc<dyn Layer<E>>,
    backward: Arc<dyn Layer<E>>,
    /// What makes it no recurrent layer.
    fault: Option<String>,
}

impl<E: Element> Bidirectional<E> {
    /// Both directions of this layer.
    pub fn new(layer: impl Layer<E>) -> Self {
        Self::of(Arc::new(layer), None)
    }

    fn of(layer: Arc<dyn Layer<E>>, backward: Option<Arc<dyn Layer<E>>>) -> Self {
        let own = |entry: &str| layer.config().get(entry).and_then(Value::as_bool);
        let Some(backwards) = own("go_backwards") else {
            return Bidirectional {
                name: None,
                merge_mode: MergeMode::default(),
                fault: Some(format!(
                    "layer: {} is no recurrent layer",
                    layer.class_name()
                )),
                backward: Arc::clone(&layer),
                forward: layer,
            };
        };
        let mut fault = None;
        let mut directed = |layer: &Arc<dyn Layer<E>>, prefix: &str, backwards: bool| {
            let mut config = layer.config();
            let made = snake_case(layer.class_name());
            let name = layer.name().unwrap_or(&made);
            let name = name.strip_prefix(prefix).unwrap_or(name);
            config["name"] = json!(format!("{prefix}{name}"));
            config["go_backwards"] = json!(backwards);
            config["zero_output_for_mask"] = config["return_sequences"].clone();
            match super::from_config(layer.class_name(), &config) {
                Ok(layer) => Arc::from(layer),
                Err(error) => {
                    fault.get_or_insert(format!("layer: {error}"));
                    Arc::clone(layer)
                }
            }
        };
        let forward = directed(&layer, "forward_", backwards);
        let backward = directed(backward.as_ref().unwrap_or(&layer), "backward_", !backwards);
        Bidirectional {
            name: None,
            merge_mode: MergeMode::default(),
            forward,
            backward,
            fault,
        }
    }

    /// Another layer for the way back than a copy of the first; it runs in the opposite direction (default: a copy).
    pub fn backward_layer(self, layer: impl Layer<E>) -> Self {
        Bidirectional {
            name: self.name,
            merge_mode: self.merge_mode,
            ..Self::of(self.forward, Some(Arc::new(layer)))
        }
    }

    /// How the outputs of both become one (default: one behind the other).
    pub fn merge_mode(mut self, mode: MergeMode) -> Self {
        self.merge_mode = mode;
        self
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads Keras's description of the layer.
    ///
    /// # Errors
    /// An unknown entry, a value of the wrong kind, a layer that is none.
    pub fn from_config(value: &Value) -> Result<Self> {
        let mut entries = object(CLASS, value)?;
        let name = name_of(CLASS, &mut entries)?;
        let mode = entries
            .remove("merge_mode")
            .unwrap_or_else(|| json!("concat"));
        let mode = match mode {
            Value::Null => Err("null has two outputs, which a layer has not".to_owned()),
            mode => setting::read::<MergeMode>(mode),
        };
        let merge_mode =
            mode.map_err(|fault| Error::Config(format!("{CLASS}: merge_mode: {fault}")))?;
        let mut inner = |entry: &str| -> Result<Option<Arc<dyn Layer<E>>>> {
            match entries.remove(entry) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => inner_layer(CLASS, entry, &value).map(Some),
            }
        };
        let layer = inner("layer")?;
        let backward = inner("backward_layer")?;
        nothing_left(CLASS, &entries)?;
        let layer = layer.ok_or_else(|| Error::Config(format!("{CLASS}: layer is missing")))?;
        Ok(Bidirectional {
            name,
            merge_mode,
            ..Self::of(layer, backward)
        })
    }

    fn sequences(&self) -> bool {
        self.forward.config()["return_sequences"] == true
    }

    /// Both layers with their names.
    fn both(&self) -> [(&Arc<dyn Layer<E>>, &str); 2] {
        [&self.forward, &self.backward].map(|layer| (layer, layer.name().unwrap_or_default()))
    }
}

const CLASS: &str = "Bidirectional";

/// A layer inside of another, from its description.
pub(super) fn inner_layer<E: Element>(
    class_name: &str,
    entry: &str,
    value: &Value,
) -> Result<Arc<dyn Layer<E>>> {
    let inside = |error: Error| Error::Config(format!("{class_name}: {entry}: {error}"));
    let (inner, config) = described("a layer", value).map_err(inside)?;
    let layer = super::from_config(&inner, &config).map_err(inside)?;
    Ok(layer.into())
}

/// An error of a layer inside of another.
pub(super) fn inside(class_name: &str, entry: &str, error: Error) -> Error {
    Error::layer(class_name, format!("{entry}: {error}"))
}

/// Axis 1 from its end to its begin.
fn turned<E: Element>(x: &Var<E>) -> Result<Var<E>> {
    let steps: Vec<usize> = (0..x.shape()[1]).rev().collect();
    Ok(x.permute(&[1, 0, 2])?.gather(&steps)?.permute(&[1, 0, 2])?)
}

impl<E: Element> Describe for Bidirectional<E> {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> Value {
        let layer = |layer: &Arc<dyn Layer<E>>| json!({"class_name": layer.class_name(), "config": layer.config()});
        let mut config = json!({
            "merge_mode": self.merge_mode,
            "layer": layer(&self.forward),
            "backward_layer": layer(&self.backward),
        });
        if let Some(name) = &self.name {
            config["name"] = json!(name);
        }
        config
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if let Some(fault) = &self.fault {
            return Err(Error::layer(CLASS, fault.as_str()));
        }
        let [forward, backward] = self.both().map(|(layer, _)| layer.output_shape(input));
        let mut shape = forward.map_err(|error| inside(CLASS, "layer", error))?;
        let backward = backward.map_err(|error| inside(CLASS, "backward_layer", error))?;
        if shape != backward
            || self.sequences() != (self.backward.config()["return_sequences"] == true)
        {
            let message = format!("layer puts out {shape:?}, backward_layer {backward:?}");
            return Err(Error::layer(CLASS, message));
        }
        if let (MergeMode::Concat, Some(last)) = (self.merge_mode, shape.last_mut()) {
            *last = last.saturating_mul(2);
        }
        Ok(shape)
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let mut specs = Vec::new();
        for (layer, name) in self.both() {
            let own = layer.weights(input);
            let own = own.map_err(|error| inside(CLASS, "layer", error))?;
            specs.extend(within(name, own));
        }
        Ok(specs)
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        let (first, rest) = weight.split_once('/')?;
        let found = self.both().into_iter().find(|(_, name)| *name == first);
        found?.0.constraint(rest)
    }

    fn penalizes(&self) -> bool {
        self.forward.penalizes() || self.backward.penalizes()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Bidirectional<E> {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let count = self
            .forward
            .weights(&x.shape()[1..])?
            .len()
            .min(weights.len());
        let (first, second) = weights.split_at(count);
        let y = self.forward.forward(x, first, context)?;
        let mut back = context.part(count, |context| self.backward.forward(x, second, context))?;
        if self.sequences() {
            back = turned(&back)?;
        }
        Ok(match self.merge_mode {
            MergeMode::Concat => Var::concat(&[&y, &back], y.shape().len() - 1)?,
            MergeMode::Sum => y.add(&back)?,
            MergeMode::Mul => y.mul(&back)?,
            MergeMode::Ave => y.add(&back)?.scale(E::from_f64(0.5)),
        })
    }

    fn output_mask(&self, _x: &Tensor<E>, mask: Option<&Tensor<E>>) -> Result<Option<Tensor<E>>> {
        Ok(mask.filter(|_| self.sequences()).cloned())
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: CLASS,
        about: "a recurrent layer that reads the sequence from both ends",
        file: file!(),
        from_config: |config| Ok(Box::new(Bidirectional::<E>::from_config(config)?)),
        sample: |sampler| {
            let (layer, input) = match sampler.integer(0, 3) {
                0 => {
                    let (layer, input) = LSTM::sample(sampler);
                    (Bidirectional::<E>::new(layer), input)
                }
                1 => {
                    let (layer, input) = GRU::sample(sampler);
                    (Bidirectional::new(layer), input)
                }
                2 => {
                    let (layer, input) = SimpleRNN::sample(sampler);
                    (Bidirectional::new(layer), input)
                }
                _ => {
                    let (layer, input) = RNN::sample(sampler);
                    (Bidirectional::new(layer), input)
                }
            };
            let modes = [
                MergeMode::Concat,
                MergeMode::Sum,
                MergeMode::Mul,
                MergeMode::Ave,
            ];
            Sample::new(layer.merge_mode(sampler.one_of(&modes)), input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dense;
    use super::*;

    #[test]
    fn what_is_not_recurrent_is_refused() {
        let error = Bidirectional::<f32>::new(Dense::new(3)).output_shape(&[4, 2]);
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("Dense is no recurrent layer")
        );
        let states = Bidirectional::<f32>::new(LSTM::new(3).return_state(true));
        let error = states.output_shape(&[4, 2]).unwrap_err().to_string();
        assert!(error.contains("return_state"), "{error}");
    }

    #[test]
    fn a_second_layer_of_another_kind_runs_the_other_way() {
        let layer = Bidirectional::<f32>::new(LSTM::new(3)).backward_layer(GRU::new(3));
        assert_eq!(layer.output_shape(&[4, 2]).unwrap(), [6]);
        assert_eq!(
            layer.weights(&[4, 2]).unwrap()[3].name,
            "backward_gru/gru_cell/kernel"
        );
        let config = layer.config();
        assert_eq!(config["backward_layer"]["config"]["go_backwards"], true);
    }
}
