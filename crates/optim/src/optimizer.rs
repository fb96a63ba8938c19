//! What an optimizer is: a pure description of how one step changes a weight. Its moments live in [`State`].
//!
//! [`State`]: crate::State

use crate::clipping::add_penalty;
use crate::{Clipping, Error, Extras, Magnitudes, Penalty, Result, setting};
use std::fmt::Debug;
use taper_tensor::{Element, Tensor};

/// A pure description of how weights move. Its moments live in [`State`](crate::State).
///
/// To add one to the table: a file in `optimizers/` with its struct, its settings with their
/// [`Rule`](taper_tensor::kernels::update::Rule), its row and its test, and the row's name in
/// [`optimizers::all`](crate::optimizers::all). One of your own implements this trait; [`apply`](crate::apply) does around it
/// what its [`extras`](Self::extras) say.
pub trait Optimizer<E: Element = f32>: Debug + Send + Sync {
    /// Keras's class name, e.g. `Adam`.
    fn class_name(&self) -> &'static str;

    /// JSON with Keras's names, e.g. `{"learning_rate": 0.001, "beta_1": 0.9, …}`, which
    /// [`optimizers::from_config`](crate::optimizers::from_config) reads back.
    fn config(&self) -> serde_json::Value;

    /// What makes its settings impossible. Asked by [`apply`](crate::apply) and when training begins, so that a value from
    /// any entrance (Rust, JSON, a study file) meets the same check. By default the learning rate at the start and the
    /// clipping are looked at; one with further settings looks at them, too.
    ///
    /// # Errors
    /// Names the setting, the value given and what is allowed.
    fn check(&self) -> Result<()> {
        let rate = setting::not_negative("learning_rate", self.learning_rate());
        let clipping = self.clipping().map_or(Ok(()), Clipping::check);
        rate.and(clipping)
            .and(self.extras().check())
            .map_err(|fault| Error::setting(self.class_name(), fault))
    }

    /// The learning rate at the start of training.
    fn learning_rate(&self) -> f64 {
        self.learning_rate_at(0)
    }

    /// The learning rate after `steps` steps.
    fn learning_rate_at(&self, steps: u64) -> f64;

    /// What is done to gradients first.
    fn clipping(&self) -> Option<Clipping> {
        None
    }

    /// What is done around the rule: weight decay, gathered gradients, a moving average of the weights. By default nothing.
    fn extras(&self) -> Extras<'_> {
        Extras::default()
    }

    /// Whether something depends on weights' names, so that its state must be made with them
    /// ([`State::for_weights`](crate::State::for_weights)). By default if weights are excluded from decay by name.
    fn needs_names(&self) -> bool {
        !self.extras().exclude_from_weight_decay.is_empty()
    }

    /// What a weight of this name (empty if unknown) and shape loses at a step, per learning rate. By default as
    /// [`extras`](Self::extras) say.
    fn weight_decay_of(&self, name: &str, _shape: &[usize]) -> f64 {
        self.extras().decay_of(name)
    }

    /// Names of the values that are kept for each weight: Adam has `["momentum", "velocity"]`.
    fn slots(&self) -> &'static [&'static str];

    /// What slot number `slot` holds before the first step. By default 0.
    fn slot_start(&self, _slot: usize) -> f64 {
        0.0
    }

    /// The shape of slot number `slot` beside a weight of shape `weight`: the same, unless the optimizer says otherwise (and
    /// then has an [`update_tensor`](Self::update_tensor) of its own).
    fn slot_shape(&self, _slot: usize, weight: &[usize]) -> Vec<usize> {
        weight.to_vec()
    }

    /// The same for a weight of this name (empty if unknown), for optimizers that treat weights differently by name. By default
    /// the name does not matter.
    fn slot_shape_of(&self, slot: usize, _name: &str, weight: &[usize]) -> Vec<usize> {
        self.slot_shape(slot, weight)
    }

    /// What the numbers of a weight and of its slots cannot exceed after step `iteration`, from what they do not exceed
    /// before it: an upper bound that holds whatever they are. [`apply`](crate::apply) goes by it: a step whose bound is far
    /// from an overflow is made in place, any other on copies that are looked at. `None` (the default) says that nothing is
    /// known, so that every step is made on copies. What weight decay does is in `now.weight` already.
    fn reach(&self, _iteration: u64, _learning_rate: f64, _now: Magnitudes) -> Option<Magnitudes> {
        None
    }

    /// One weight, one pass. `iteration` counts from 1; `learning_rate` is the one in force; `slots` are in the order
    /// of [`slots`](Self::slots); the gradient of `penalty` is added to `gradient`. Optimizers of the table take off their weight
    /// decay in it, as of a weight without a name.
    fn update(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    );

    /// The same for a weight with its shape, for optimizers whose step is not one of number by number: factored moments, or
    /// steps that are made orthogonal. By default [`update`](Self::update) on its numbers.
    fn update_tensor(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
        penalty: Penalty,
    ) {
        let gradient = gradient.contiguous();
        let mut slots: Vec<&mut [E]> = slots.iter_mut().map(Tensor::as_mut_slice).collect();
        self.update(
            iteration,
            learning_rate,
            weight.as_mut_slice(),
            gradient.as_slice().unwrap_or_default(),
            &mut slots,
            penalty,
        );
    }

    /// The same on a weight that first loses the fraction `decay` of itself (the learning rate times
    /// [`weight_decay_of`](Self::weight_decay_of)), which is what [`apply`](crate::apply) calls. The penalty is that of the
    /// weight before. By default a pass of its own, and then [`update_tensor`](Self::update_tensor). Whoever wraps an optimizer of
    /// the table and hands on its [`extras`](Self::extras) hands on this, too.
    fn update_decayed(
        &self,
        iteration: u64,
        [learning_rate, decay]: [f64; 2],
        weight: &mut Tensor<E>,
        gradient: &Tensor<E>,
        slots: &mut [Tensor<E>],
        penalty: Penalty,
    ) {
        if decay == 0.0 {
            return self.update_tensor(iteration, learning_rate, weight, gradient, slots, penalty);
        }
        let whole = add_penalty(gradient, weight, penalty);
        let decay = E::from_f64(decay);
        weight.map_in_place(|w| w - w * decay);
        let (gradient, penalty) = match &whole {
            Ok(whole) => (whole, Penalty::default()),
            Err(_) => (gradient, penalty), // of another shape: `apply` lets none in
        };
        self.update_tensor(iteration, learning_rate, weight, gradient, slots, penalty);
    }
}
