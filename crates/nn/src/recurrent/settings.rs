//! What the three recurrent cells share: settings under Keras's names, their checks and their JSON.

use super::cell::{Cell, Drops, Passed};
use super::run::Run;
use super::unroll::outputs_of;
use crate::setting::{self, Checked};
use crate::{
    ActivationKind, Constraint, Context, Error, Initializer, Regularizer, Result, Tanh, WeightSpec,
    config, weight_checks,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt::Debug;
use taper_autograd::Var;
use taper_tensor::ops::Recurrence;
use taper_tensor::{Element, Tensor};

/// The settings that all recurrent cells have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellSettings {
    /// The cell's name (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of outputs (no default).
    pub units: usize,
    /// The activation function (default: tanh).
    #[serde(default = "tanh")]
    pub activation: ActivationKind,
    /// Whether a bias is added (default: yes).
    #[serde(default = "config::yes")]
    pub use_bias: bool,
    /// First values of what inputs are multiplied with (default: glorot uniform).
    #[serde(default = "Initializer::default_kernel")]
    pub kernel_initializer: Initializer,
    /// First values of what states are multiplied with (default: orthogonal).
    #[serde(default = "orthogonal")]
    pub recurrent_initializer: Initializer,
    /// First values of the bias (default: zeros).
    #[serde(default = "Initializer::default_bias")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default: none).
    #[serde(default)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the recurrent kernel (default: none).
    #[serde(default)]
    pub recurrent_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default: none).
    #[serde(default)]
    pub bias_regularizer: Option<Regularizer>,
    /// What the kernel must be after every step of the optimizer (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the recurrent kernel must be (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_constraint: Option<Constraint>,
    /// What the bias must be (default: anything).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
    /// Share of the inputs that is silenced in training, the same in all steps (default: 0).
    #[serde(default)]
    pub dropout: f64,
    /// Share of the states that is silenced in training in front of the recurrent product, the same in all steps
    /// (default: 0).
    #[serde(default)]
    pub recurrent_dropout: f64,
}

fn tanh() -> ActivationKind {
    Tanh
}

fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}

/// One kind of recurrent cell: its formula, and the settings that it alone has.
pub trait Kind:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The layer, the cell, and the cell's name without a number.
    const NAMES: [&'static str; 3];
    /// What a step computes.
    const ABOUT: &'static str;
    /// The settings of this kind alone.
    const KEYS: &'static [&'static str];
    /// Blocks of `units` columns in the kernels.
    const GATES: usize;
    /// How many states there are, `units` values each; the first is the output.
    const STATES: usize;

    /// The shape of the bias.
    fn bias_shape(&self, units: usize) -> Vec<usize> {
        vec![Self::GATES * units]
    }

    /// First values of the bias, made of the setting.
    fn bias_initializer(&self, set: Initializer) -> Result<Initializer, String> {
        Ok(set)
    }

    /// The states behind a step.
    fn step<E: Element>(
        &self,
        settings: &CellSettings,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &Weights<'_, E>,
        drops: &Drops<E>,
    ) -> Result<Vec<Var<E>>>;

    /// Whether there is an operation for all steps with these settings.
    fn has_whole(&self, _settings: &CellSettings) -> bool {
        false
    }

    /// All steps in that operation.
    fn whole<E: Element>(
        &self,
        _x: &Var<E>,
        _initial: &[&Var<E>],
        _weights: &Weights<'_, E>,
        _how: &Recurrence<E>,
    ) -> Result<Var<E>> {
        Err(Error::layer(
            Self::NAMES[1],
            "there is no operation for all steps",
        ))
    }
}

/// The weights of a cell.
#[derive(Debug)]
pub struct Weights<'a, E: Element> {
    /// What inputs are multiplied with.
    pub kernel: &'a Var<E>,
    /// What states are multiplied with.
    pub recurrent: &'a Var<E>,
    /// What is added, if anything.
    pub bias: Option<&'a Var<E>>,
}

/// A cell of one kind, with its settings. [`SimpleRNNCell`](super::SimpleRNNCell), [`LSTMCell`](super::LSTMCell) and
/// [`GRUCell`](super::GRUCell) are such.
#[derive(Clone, Debug, PartialEq)]
pub struct RecurrentCell<K> {
    /// What all kinds have.
    pub settings: CellSettings,
    /// What this kind alone has.
    pub kind: K,
}

/// Methods that set what all cells have, for a cell and for the layer of it.
macro_rules! cell_settings {
    ($($settings:ident).+) => {
        /// The activation function (default: tanh).
        pub fn activation(mut self, activation: $crate::ActivationKind) -> Self {
            self.$($settings).+.activation = activation;
            self
        }

        /// Whether a bias is added (default: yes).
        pub fn use_bias(mut self, on: bool) -> Self {
            self.$($settings).+.use_bias = on;
            self
        }

        /// First values of what inputs are multiplied with (default: glorot uniform).
        pub fn kernel_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.$($settings).+.kernel_initializer = initializer;
            self
        }

        /// First values of what states are multiplied with (default: orthogonal).
        pub fn recurrent_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.$($settings).+.recurrent_initializer = initializer;
            self
        }

        /// First values of the bias (default: zeros).
        pub fn bias_initializer(mut self, initializer: $crate::Initializer) -> Self {
            self.$($settings).+.bias_initializer = initializer;
            self
        }

        /// Penalty on the kernel (default: none).
        pub fn kernel_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.$($settings).+.kernel_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on the recurrent kernel (default: none).
        pub fn recurrent_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.$($settings).+.recurrent_regularizer = Some(regularizer.into());
            self
        }

        /// Penalty on the bias (default: none).
        pub fn bias_regularizer(mut self, regularizer: impl Into<$crate::Regularizer>) -> Self {
            self.$($settings).+.bias_regularizer = Some(regularizer.into());
            self
        }

        /// What the kernel must be after every step of the optimizer (default: anything).
        pub fn kernel_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.$($settings).+.kernel_constraint = Some(constraint.into());
            self
        }

        /// What the recurrent kernel must be after every step of the optimizer (default: anything).
        pub fn recurrent_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.$($settings).+.recurrent_constraint = Some(constraint.into());
            self
        }

        /// What the bias must be after every step of the optimizer (default: anything).
        pub fn bias_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.$($settings).+.bias_constraint = Some(constraint.into());
            self
        }

        /// Share of the inputs that is silenced in training, the same in all steps (default: 0).
        pub fn dropout(mut self, rate: f64) -> Self {
            self.$($settings).+.dropout = rate;
            self
        }

        /// Share of the states that is silenced in training in front of the recurrent product, the same in all steps
        /// (default: 0).
        pub fn recurrent_dropout(mut self, rate: f64) -> Self {
            self.$($settings).+.recurrent_dropout = rate;
            self
        }
    };
}
pub(super) use cell_settings;

impl<K: Kind> RecurrentCell<K> {
    /// A cell of `units` outputs; everything else as Keras has it by default.
    pub fn new(units: usize) -> Self {
        RecurrentCell {
            settings: CellSettings {
                name: None,
                units,
                activation: Tanh,
                use_bias: true,
                kernel_initializer: Initializer::default_kernel(),
                recurrent_initializer: orthogonal(),
                bias_initializer: Initializer::default_bias(),
                kernel_regularizer: None,
                recurrent_regularizer: None,
                bias_regularizer: None,
                kernel_constraint: None,
                recurrent_constraint: None,
                bias_constraint: None,
                dropout: 0.0,
                recurrent_dropout: 0.0,
            },
            kind: K::default(),
        }
    }

    /// The cell's name (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    cell_settings!(settings);

    /// Reads Keras's description of the cell.
    ///
    /// # Errors
    /// An unknown entry, or a value of the wrong kind.
    pub fn from_config(value: &Value) -> Result<Self> {
        Self::taken_from(K::NAMES[1], object(K::NAMES[1], value)?)
    }

    /// The cell of these entries, all of which must be its.
    pub(super) fn taken_from(class_name: &str, mut entries: Map<String, Value>) -> Result<Self> {
        let own = taken(&mut entries, K::KEYS);
        entries.remove("seed"); // here it is that of the model
        Ok(RecurrentCell {
            settings: config::parse(class_name, &Value::Object(entries))?,
            kind: config::parse(class_name, &Value::Object(own))?,
        })
    }

    pub(super) fn entries(&self) -> Map<String, Value> {
        let mut entries = Map::new();
        for part in [config::unparse(&self.settings), config::unparse(&self.kind)] {
            if let Value::Object(part) = part {
                entries.extend(part);
            }
        }
        entries
    }

    fn check(&self, features: usize) -> Checked {
        let own = &self.settings;
        setting::count("units", own.units)?;
        setting::below_one("dropout", own.dropout)?;
        setting::below_one("recurrent_dropout", own.recurrent_dropout)?;
        let wide = K::GATES.saturating_mul(own.units);
        let shapes = [
            vec![features, wide],
            vec![own.units, wide],
            self.kind.bias_shape(own.units),
        ];
        let bias = self.kind.bias_initializer(own.bias_initializer);
        let first = [own.kernel_initializer, own.recurrent_initializer, bias?];
        let regularizers = [
            own.kernel_regularizer,
            own.recurrent_regularizer,
            own.bias_regularizer,
        ];
        let constraints = [
            &own.kernel_constraint,
            &own.recurrent_constraint,
            &own.bias_constraint,
        ];
        for (index, name) in ["kernel", "recurrent", "bias"].into_iter().enumerate() {
            let fail = |setting: &str, fault: String| format!("{name}_{setting}: {fault}");
            let checked = first[index].check::<f32>(&shapes[index]);
            checked.map_err(|fault| fail("initializer", fault))?;
            weight_checks::penalty::<f32>(&format!("{name}_regularizer"), regularizers[index])?;
            if let Some(constraint) = constraints[index] {
                let checked = constraint.check(&shapes[index]);
                checked.map_err(|fault| fail("constraint", fault))?;
            }
        }
        Ok(())
    }

    /// The weights among those of a layer.
    pub(super) fn of<'a, E: Element>(&self, weights: &'a [Var<E>]) -> Result<Weights<'a, E>> {
        match (weights, self.settings.use_bias) {
            ([kernel, recurrent, bias], true) => Ok(Weights {
                kernel,
                recurrent,
                bias: Some(bias),
            }),
            ([kernel, recurrent], false) => Ok(Weights {
                kernel,
                recurrent,
                bias: None,
            }),
            _ => {
                let message = format!("{} weights are given", weights.len());
                Err(Error::layer(K::NAMES[1], message))
            }
        }
    }
}

impl<K: Kind, E: Element> Cell<E> for RecurrentCell<K> {
    fn class_name(&self) -> &'static str {
        K::NAMES[1]
    }

    fn name(&self) -> Option<&str> {
        self.settings.name.as_deref()
    }

    fn config(&self) -> Value {
        Value::Object(self.entries())
    }

    fn state_sizes(&self) -> Vec<usize> {
        vec![self.settings.units; K::STATES]
    }

    fn output_size(&self) -> usize {
        self.settings.units
    }

    fn weights(&self, features: usize) -> Result<Vec<WeightSpec>> {
        let fail = |fault| Error::layer(K::NAMES[1], fault);
        self.check(features).map_err(fail)?;
        let own = &self.settings;
        let wide = K::GATES.saturating_mul(own.units);
        let spec = |name: &'static str, shape, initializer, regularizer| WeightSpec {
            name: name.into(),
            shape,
            initializer,
            regularizer,
            trainable: true,
        };
        let mut specs = vec![
            spec(
                "kernel",
                vec![features, wide],
                own.kernel_initializer,
                own.kernel_regularizer,
            ),
            spec(
                "recurrent_kernel",
                vec![own.units, wide],
                own.recurrent_initializer,
                own.recurrent_regularizer,
            ),
        ];
        if own.use_bias {
            let bias = self
                .kind
                .bias_initializer(own.bias_initializer)
                .map_err(fail)?;
            specs.push(spec(
                "bias",
                self.kind.bias_shape(own.units),
                bias,
                own.bias_regularizer,
            ));
        }
        Ok(specs)
    }

    fn constraint(&self, weight: &str) -> Option<Constraint> {
        match weight {
            "kernel" => self.settings.kernel_constraint.clone(),
            "recurrent_kernel" => self.settings.recurrent_constraint.clone(),
            "bias" => self.settings.bias_constraint.clone(),
            _ => None,
        }
    }

    fn drops(&self, x: &Var<E>, context: &mut Context<E>) -> Result<Drops<E>> {
        let own = &self.settings;
        // As in Keras, a gate has a mask of its own where states are dropped, too.
        let masks = if own.recurrent_dropout > 0.0 {
            K::GATES
        } else {
            1
        };
        let &[n, .., features] = x.shape() else {
            return Ok(Drops::default());
        };
        let mut draw = |rate: f64, width: usize, count: usize| -> Result<Vec<Var<E>>> {
            let mut drawn = Vec::new();
            for _ in 0..count {
                if let Some(dropout) = context.dropout(rate) {
                    let ones = x.tape().constant(&Tensor::ones([n, width]));
                    drawn.push(ones.dropout(&dropout)?);
                }
            }
            Ok(drawn)
        };
        Ok(Drops {
            input: draw(own.dropout, features, masks)?,
            recurrent: draw(own.recurrent_dropout, own.units, K::GATES)?,
            parts: Vec::new(),
        })
    }

    fn step(
        &self,
        x: &Var<E>,
        states: &[Var<E>],
        weights: &[Var<E>],
        drops: &Drops<E>,
    ) -> Result<(Var<E>, Vec<Var<E>>)> {
        let weights = self.of(weights)?;
        let states = self.kind.step(&self.settings, x, states, &weights, drops)?;
        Ok((states[0].clone(), states))
    }

    fn whole(
        &self,
        run: &Run,
        x: &Var<E>,
        initial: &[&Var<E>],
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Option<Passed<E>>> {
        let own = &self.settings;
        let dropped = context.training && own.recurrent_dropout > 0.0;
        if dropped || !self.kind.has_whole(own) {
            return Ok(None);
        }
        let (weights, how) = (self.of(weights)?, run.recurrence(context.mask()));
        let drops = self.drops(x, context)?;
        let y = match (drops.input.first(), x.shape()) {
            // One mask for all steps.
            (Some(kept), &[n, _, features]) => {
                let x = x.mul(&kept.reshape([n, 1, features])?)?;
                self.kind.whole(&x, initial, &weights, &how)?
            }
            _ => self.kind.whole(x, initial, &weights, &how)?,
        };
        outputs_of(&y, run, K::STATES).map(Some)
    }
}

/// `x` · `kernel`, with what is dropped of `x`: the same for all gates, or for each its own.
pub(super) fn product<E: Element>(x: &Var<E>, kernel: &Var<E>, drops: &[Var<E>]) -> Result<Var<E>> {
    Ok(match drops {
        [] => x.matmul(kernel)?,
        [all] => x.mul(all)?.matmul(kernel)?,
        each => {
            let units = kernel.shape().last().copied().unwrap_or(0) / each.len();
            let mut parts = Vec::new();
            for (gate, kept) in each.iter().enumerate() {
                let kernel = kernel.slice(1, gate * units..(gate + 1) * units)?;
                parts.push(x.mul(kept)?.matmul(&kernel)?);
            }
            Var::concat(&parts.iter().collect::<Vec<_>>(), 1)?
        }
    })
}

/// Gate number `index` of what has `units` columns a gate.
pub(super) fn gate<E: Element>(z: &Var<E>, index: usize, units: usize) -> Result<Var<E>> {
    Ok(z.slice(1, index * units..(index + 1) * units)?)
}

/// The entries of a description.
pub(crate) fn object(class_name: &str, value: &Value) -> Result<Map<String, Value>> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(entries) => Ok(entries.clone()),
        other => Err(Error::Config(format!(
            "{class_name}: expected settings by name, found {other}"
        ))),
    }
}

/// Those of these names, taken out.
pub(super) fn taken(entries: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let own = names.iter();
    own.filter_map(|name| entries.remove_entry(*name)).collect()
}

/// Class and settings of something inside of a layer, as Keras writes it; without what has no meaning here.
pub(crate) fn described(what: &str, value: &Value) -> Result<(String, Value)> {
    let fail = |message: String| Err(Error::Config(format!("{what}: {message}")));
    let Value::Object(entries) = value else {
        return fail(format!(
            "expected {{\"class_name\": …, \"config\": …}}, found {value}"
        ));
    };
    let known = [
        "class_name",
        "config",
        "module",
        "registered_name",
        "build_config",
    ];
    if let Some(odd) = entries.keys().find(|name| !known.contains(&name.as_str())) {
        return fail(format!(
            "unknown field `{odd}` beside class_name and config"
        ));
    }
    let Some(Value::String(class_name)) = entries.get("class_name") else {
        return fail(format!("class_name is missing in {value}"));
    };
    let mut config = object(class_name, entries.get("config").unwrap_or(&Value::Null))?;
    config.remove("trainable"); // the whole layer's
    config.remove("dtype"); // the model's
    Ok((class_name.clone(), Value::Object(config)))
}
