//! What all optimizers of the table share: settings, their JSON, and [`Optimizer`] itself, which asks of each only what is its
//! own.

use crate::extras::{Ema, Extras};
use crate::schedules::LearningRate;
use crate::setting::{self, Checked};
use crate::{Clipping, Error, Magnitudes, Optimizer, Penalty, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt::Debug;
use taper_tensor::kernels::update::{Numbers, Rule, Slot};
use taper_tensor::{Element, Tensor};

/// What all optimizers can be told. In JSON their entries stand beside the optimizer's own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Common {
    pub(crate) learning_rate: LearningRate,
    pub(crate) clipping: Option<Clipping>,
    pub(crate) around: Around,
}

/// Those settings that serde reads. What is as by default is not written, so that descriptions stay those of earlier
/// versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Around {
    #[serde(skip_serializing)] // whether it is the default depends on the optimizer
    pub(crate) weight_decay: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) exclude_from_weight_decay: Vec<String>,
    #[serde(skip_serializing_if = "is_off")]
    pub(crate) use_ema: bool,
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) ema_momentum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ema_overwrite_frequency: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gradient_accumulation_steps: Option<u64>,
}

/// The names of [`Around`]'s entries.
const AROUND: [&str; 6] = [
    "weight_decay",
    "exclude_from_weight_decay",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "gradient_accumulation_steps",
];

const EMA_MOMENTUM: f64 = 0.99;

fn is_off(on: &bool) -> bool {
    !on
}

fn is_usual(momentum: &f64) -> bool {
    *momentum == EMA_MOMENTUM
}

impl Default for Around {
    fn default() -> Self {
        Around {
            weight_decay: None,
            exclude_from_weight_decay: Vec::new(),
            use_ema: false,
            ema_momentum: EMA_MOMENTUM,
            ema_overwrite_frequency: None,
            gradient_accumulation_steps: None,
        }
    }
}

/// One step of one weight, as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Which step, from 1.
    pub(crate) iteration: u64,
    pub(crate) learning_rate: f64,
    /// What fraction is taken off the weight first.
    pub(crate) decay: f64,
    pub(crate) penalty: Penalty,
}

/// The settings that are an optimizer's own, and its rule.
pub(crate) trait Own:
    Clone + Debug + PartialEq + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Keras's class name.
    const CLASS_NAME: &'static str;
    /// Keras's default.
    const LEARNING_RATE: f64 = 0.001;
    /// Keras's default.
    const WEIGHT_DECAY: Option<f64> = None;

    /// What makes these settings impossible.
    fn check<E: Element>(&self) -> Checked;

    /// See [`Optimizer::slots`].
    fn slots(&self) -> &'static [&'static str];

    /// See [`Optimizer::slot_start`].
    fn slot_start(&self, _slot: usize) -> f64 {
        0.0
    }

    /// See [`Optimizer::slot_shape_of`].
    fn slot_shape(&self, _slot: usize, _name: &str, weight: &[usize]) -> Vec<usize> {
        weight.to_vec()
    }

    /// Whether the rule depends on weights' names.
    fn needs_names(&self) -> bool {
        false
    }

    /// What a weight loses at a step, per learning rate, if it is not excluded.
    fn weight_decay_of(&self, given: Option<f64>, _name: &str, _shape: &[usize]) -> f64 {
        given.unwrap_or(0.0)
    }

    /// See [`Optimizer::reach`]; the decay is in `now` already.
    fn reach(&self, _turn: Turn, _now: Magnitudes) -> Option<Magnitudes> {
        None
    }

    /// See [`Optimizer::update`].
    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    );

    /// See [`Optimizer::update_tensor`].
    fn step_tensor<E: Element>(
        &self,
        turn: Turn,
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
    ) {
        let gradient = gradient.contiguous();
        let mut slots: Vec<&mut [E]> = slots.iter_mut().map(Tensor::as_mut_slice).collect();
        let gradient = gradient.as_slice().unwrap_or_default();
        self.step(turn, weight.as_mut_slice(), gradient, &mut slots);
    }
}

/// An optimizer of the table: common settings and its own.
pub(crate) trait Described: Debug + Send + Sync + 'static {
    type Own: Own;
    fn of(common: Common, own: Self::Own) -> Self;
    fn common(&self) -> &Common;
    fn own(&self) -> &Self::Own;
}

/// One with these settings and Keras's defaults.
pub(crate) fn with_rate<T: Described>(learning_rate: LearningRate) -> T {
    let around = Around {
        weight_decay: T::Own::WEIGHT_DECAY,
        ..Around::default()
    };
    let common = Common {
        learning_rate,
        clipping: None,
        around,
    };
    T::of(common, T::Own::default())
}

/// Reads a description: common settings beside the optimizer's own.
pub(crate) fn parse<T: Described>(config: &Value) -> Result<T> {
    let class_name = T::Own::CLASS_NAME;
    let fail = |message: String| Error::setting(class_name, message);
    let mut entries = match config {
        Value::Null => Map::new(),
        Value::Object(entries) => entries.clone(),
        other => return Err(fail(format!("expected settings by name, found {other}"))),
    };
    // What Keras writes beside them and means nothing here: its name, and a scale for half precision that is not used.
    if entries.get("name").is_some_and(Value::is_string) {
        entries.remove("name");
    }
    if entries.get("loss_scale_factor").is_some_and(Value::is_null) {
        entries.remove("loss_scale_factor");
    }
    let mut number = |name: &str| match entries.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(fail(format!("{name} is {value}, expected a number"))),
        },
    };
    let (norm, global_norm) = (number("clipnorm")?, number("global_clipnorm")?);
    let clipping = Clipping::from_settings(class_name, norm, global_norm, number("clipvalue")?)?;
    let learning_rate = match entries.remove("learning_rate") {
        None => T::Own::LEARNING_RATE.into(),
        Some(rate) => {
            serde_json::from_value(rate).map_err(|error| fail(format!("learning_rate: {error}")))?
        }
    };
    let decays = entries.contains_key("weight_decay");
    let mut around = Map::new();
    for name in AROUND {
        around.extend(entries.remove_entry(name));
    }
    let mut around: Around = setting::read(Value::Object(around)).map_err(fail)?;
    if !decays {
        around.weight_decay = T::Own::WEIGHT_DECAY;
    }
    let own = setting::read(Value::Object(entries)).map_err(fail)?;
    let common = Common {
        learning_rate,
        clipping,
        around,
    };
    Ok(T::of(common, own))
}

impl Common {
    fn extras(&self) -> Extras<'_> {
        let around = &self.around;
        let ema = Ema {
            momentum: around.ema_momentum,
            overwrite_frequency: around.ema_overwrite_frequency,
        };
        Extras {
            weight_decay: around.weight_decay,
            exclude_from_weight_decay: &around.exclude_from_weight_decay,
            ema: around.use_ema.then_some(ema),
            gradient_accumulation_steps: around.gradient_accumulation_steps,
        }
    }
}

impl<E: Element, T: Described> Optimizer<E> for T {
    fn class_name(&self) -> &'static str {
        T::Own::CLASS_NAME
    }

    fn config(&self) -> Value {
        let (common, mut config) = (self.common(), json!(self.own()));
        config["learning_rate"] = json!(common.learning_rate);
        if let Some((name, bound)) = common.clipping.map(Clipping::setting) {
            config[name] = json!(bound);
        }
        let around = &common.around;
        if around.weight_decay.is_some() || T::Own::WEIGHT_DECAY.is_some() {
            config["weight_decay"] = json!(around.weight_decay);
        }
        if let (Value::Object(config), Value::Object(around)) = (&mut config, json!(around)) {
            config.extend(around);
        }
        config
    }

    fn check(&self) -> Result<()> {
        let common = self.common();
        let checked = common
            .learning_rate
            .check()
            .and_then(|()| common.clipping.map_or(Ok(()), Clipping::check))
            .and_then(|()| common.extras().check())
            .and_then(|()| self.own().check::<E>());
        checked.map_err(|fault| Error::setting(T::Own::CLASS_NAME, fault))
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.common().learning_rate.at(steps)
    }

    fn clipping(&self) -> Option<Clipping> {
        self.common().clipping
    }

    fn extras(&self) -> Extras<'_> {
        self.common().extras()
    }

    fn needs_names(&self) -> bool {
        !self.common().around.exclude_from_weight_decay.is_empty() || self.own().needs_names()
    }

    fn weight_decay_of(&self, name: &str, shape: &[usize]) -> f64 {
        let extras = self.common().extras();
        let everywhere = Extras {
            weight_decay: Some(1.0),
            ..extras
        };
        let given = extras.weight_decay;
        match everywhere.decay_of(name) == 0.0 {
            true => 0.0,
            false => self.own().weight_decay_of(given, name, shape),
        }
    }

    fn slots(&self) -> &'static [&'static str] {
        self.own().slots()
    }

    fn slot_start(&self, slot: usize) -> f64 {
        self.own().slot_start(slot)
    }

    fn slot_shape(&self, slot: usize, weight: &[usize]) -> Vec<usize> {
        self.own().slot_shape(slot, "", weight)
    }

    fn slot_shape_of(&self, slot: usize, name: &str, weight: &[usize]) -> Vec<usize> {
        self.own().slot_shape(slot, name, weight)
    }

    fn reach(&self, iteration: u64, learning_rate: f64, now: Magnitudes) -> Option<Magnitudes> {
        let turn = Turn {
            iteration,
            learning_rate,
            decay: 0.0,
            penalty: Penalty::default(),
        };
        self.own().reach(turn, now)
    }

    fn update(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let shape = [weight.len()];
        let decay = Optimizer::<E>::weight_decay_of(self, "", &shape);
        let turn = Turn {
            iteration,
            learning_rate,
            decay: learning_rate * decay,
            penalty,
        };
        self.own().step(turn, weight, gradient, slots);
    }

    fn update_tensor(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
        penalty: Penalty,
    ) {
        let decay = Optimizer::<E>::weight_decay_of(self, "", weight.shape());
        let turn = Turn {
            iteration,
            learning_rate,
            decay: learning_rate * decay,
            penalty,
        };
        self.own().step_tensor(turn, weight, gradient, slots);
    }

    fn update_decayed(
        &self,
        iteration: u64,
        [learning_rate, decay]: [f64; 2],
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
        penalty: Penalty,
    ) {
        let turn = Turn {
            iteration,
            learning_rate,
            decay,
            penalty,
        };
        self.own().step_tensor(turn, weight, gradient, slots);
    }
}

/// A step by a rule, behind the decay of the turn, in one pass.
pub(crate) fn run<E: Element, const SLOTS: usize>(
    rule: impl Rule<SLOTS>,
    turn: Turn,
    weight: &mut [E],
    gradient: &[E],
    slots: &mut [&mut [E]],
) {
    let decay = turn.decay;
    Decayed { rule, decay }.update(weight, gradient, slots, turn.penalty);
}

/// A rule on a weight that loses a fraction first. One text for all, also where nothing is lost: `w · (1 − 0)` is `w`.
#[derive(Clone, Copy, Debug)]
struct Decayed<R> {
    rule: R,
    decay: f64,
}

impl<const SLOTS: usize, R: Rule<SLOTS>> Rule<SLOTS> for Decayed<R> {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, slots: &mut [Slot<V>; SLOTS]) -> V {
        self.rule.step(w.less(self.decay), g, slots)
    }
}

/// A number that is kept: 0 in place of one that is slow to compute with.
pub(crate) fn flushed<E: Element>(x: E) -> E {
    if x.abs() < E::min_positive_value() {
        E::zero()
    } else {
        x
    }
}

/// What every optimizer of the table can be told in Rust, under Keras's names, and its own settings beside it.
macro_rules! optimizer {
    ($name:ident, $own:ty) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new(<$own as $crate::common::Own>::LEARNING_RATE)
            }
        }

        impl $crate::common::Described for $name {
            type Own = $own;

            fn of(common: $crate::common::Common, settings: $own) -> Self {
                $name { common, settings }
            }

            fn common(&self) -> &$crate::common::Common {
                &self.common
            }

            fn own(&self) -> &$own {
                &self.settings
            }
        }

        impl $name {
            /// With this learning rate (a number or a schedule); everything else as Keras has it by default.
            pub fn new(learning_rate: impl Into<$crate::schedules::LearningRate>) -> Self {
                $crate::common::with_rate(learning_rate.into())
            }

            /// The learning rate: a number or a schedule.
            pub fn learning_rate(
                mut self,
                rate: impl Into<$crate::schedules::LearningRate>,
            ) -> Self {
                self.common.learning_rate = rate.into();
                self
            }

            /// What is done to gradients first (default: nothing).
            pub fn clipping(mut self, clipping: $crate::Clipping) -> Self {
                self.common.clipping = Some(clipping);
                self
            }

            /// What fraction of a weight is taken off before a step, per learning rate: 0 or more, or `None` for nothing
            /// (default: as Keras has it, nothing but for AdamW and Muon).
            pub fn weight_decay(mut self, decay: impl Into<Option<f64>>) -> Self {
                self.common.around.weight_decay = decay.into();
                self
            }

            /// Weights in whose name one of these occurs do not decay, e.g. `["bias", "gamma"]` (default: all do).
            pub fn exclude_from_weight_decay<S: Into<String>>(
                mut self,
                names: impl IntoIterator<Item = S>,
            ) -> Self {
                let names = names.into_iter().map(Into::into).collect();
                self.common.around.exclude_from_weight_decay = names;
                self
            }

            /// Whether a moving average of the weights is kept beside them (default: no).
            pub fn use_ema(mut self, on: bool) -> Self {
                self.common.around.use_ema = on;
                self
            }

            /// How much of the moving average stays at a step, in [0, 1] (default: 0.99).
            pub fn ema_momentum(mut self, momentum: f64) -> Self {
                self.common.around.ema_momentum = momentum;
                self
            }

            /// After how many steps the weights become their moving average, at least 1 (default: never).
            pub fn ema_overwrite_frequency(mut self, steps: impl Into<Option<u64>>) -> Self {
                self.common.around.ema_overwrite_frequency = steps.into();
                self
            }

            /// How many batches make one step, along the mean of their gradients, at least 2 (default: each makes one).
            pub fn gradient_accumulation_steps(mut self, steps: impl Into<Option<u64>>) -> Self {
                self.common.around.gradient_accumulation_steps = steps.into();
                self
            }
        }
    };
}
pub(crate) use optimizer;
