//! No step writes what is not finite: one that would is refused, and weights, moments and the number of steps stay.

use taper_optim::optimizers::{self, prelude::*};
use taper_optim::{Clipping, Error, Extras, Optimizer, Penalty, State, Weight, apply};
use taper_tensor::Tensor;

/// Every way that every optimizer of the table computes, and what stands around them.
fn optimizers() -> Vec<Box<dyn Optimizer>> {
    let around: [Box<dyn Optimizer>; 3] = [
        Box::new(SGD::default().clipping(Clipping::GlobalNorm(1.0))),
        Box::new(SGD::default().momentum(0.9).weight_decay(0.1)),
        Box::new(Adam::default().use_ema(true).ema_overwrite_frequency(2)),
    ];
    let table = optimizers::all().into_iter();
    table
        .flat_map(|row| (row.samples)())
        .chain(around)
        .collect()
}

/// Two weights and a state between two steps.
struct Case {
    values: [Tensor; 2],
    state: State,
}

impl Case {
    /// After a few sound steps, so that bounds are known.
    fn new(optimizer: &dyn Optimizer) -> Self {
        let draw = |by: f32| {
            let values = (0..37).map(|i| (by * i as f32).sin()).collect();
            Tensor::from_vec([37], values).unwrap()
        };
        let values = [draw(1.0), draw(2.0)];
        let state = State::new(optimizer, values.iter().map(|w| Some(w.shape())));
        let mut case = Case { values, state };
        for _ in 0..3 {
            let gradients = case.values.clone();
            case.step(optimizer, 0.01, gradients, 0.01).unwrap();
        }
        case
    }

    fn step(
        &mut self,
        optimizer: &dyn Optimizer,
        rate: f64,
        gradients: [Tensor; 2],
        l2: f64,
    ) -> Result<(), Error> {
        let weights = self.values.iter_mut().zip(gradients);
        let weights = weights.map(|(value, gradient)| Weight {
            value,
            gradient: Some(gradient),
            penalty: Penalty { l1: 0.0, l2 },
        });
        apply(optimizer, &mut self.state, rate, weights)
    }

    fn bits(&self) -> (u64, Vec<u32>) {
        let all = self.values.iter().chain(self.state.slots.iter().flatten());
        let bits = all.flat_map(Tensor::to_vec).map(f32::to_bits);
        (self.state.iterations, bits.collect())
    }

    fn finite(&self) -> bool {
        self.bits()
            .1
            .into_iter()
            .all(|bits| f32::from_bits(bits).is_finite())
    }
}

/// `value` among small gradients of the second weight.
fn with(value: f32) -> [Tensor; 2] {
    let mut odd = vec![0.125; 37];
    odd[35] = value;
    [
        Tensor::full([37], 0.25),
        Tensor::from_vec([37], odd).unwrap(),
    ]
}

#[test]
fn gradients_that_are_not_finite_change_nothing() {
    for optimizer in optimizers() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut case = Case::new(&*optimizer);
            let before = case.bits();
            let error = case.step(&*optimizer, 0.01, with(value), 0.0).unwrap_err();
            let Error::NotFinite {
                what: "gradient", ..
            } = error
            else {
                panic!("{optimizer:?}: {error}");
            };
            assert_eq!(case.bits(), before, "{optimizer:?}");
        }
    }
}

/// Whatever is given that is finite: afterwards all is finite, or it is refused and all is as it was.
#[test]
fn steps_that_overflow_change_nothing() {
    let mut refused = 0;
    for optimizer in optimizers() {
        for gradient in [1e-30, 1.0, 1e12, 1e20, -3e38] {
            for rate in [0.0, 1e-3, 1.0, 1e30, 1e38, 1e300] {
                for l2 in [0.0, 0.01, 1e30] {
                    let mut case = Case::new(&*optimizer);
                    for _ in 0..4 {
                        let before = case.bits();
                        match case.step(&*optimizer, rate, with(gradient), l2) {
                            Ok(()) => {
                                assert!(case.finite(), "{optimizer:?} {gradient} {rate} {l2}");
                                assert_eq!(case.state.iterations, before.0 + 1);
                            }
                            Err(Error::NotFinite { .. }) => {
                                assert_eq!(case.bits(), before, "{optimizer:?}");
                                refused += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

/// Another optimizer of which it is not known how far it can reach.
#[derive(Debug)]
struct Copying<'a>(&'a dyn Optimizer);

impl Optimizer for Copying<'_> {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }
    fn config(&self) -> serde_json::Value {
        self.0.config()
    }
    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.0.learning_rate_at(steps)
    }
    fn clipping(&self) -> Option<Clipping> {
        self.0.clipping()
    }
    fn slots(&self) -> &'static [&'static str] {
        self.0.slots()
    }
    fn extras(&self) -> Extras<'_> {
        self.0.extras()
    }
    fn slot_start(&self, slot: usize) -> f64 {
        self.0.slot_start(slot)
    }
    fn slot_shape(&self, slot: usize, weight: &[usize]) -> Vec<usize> {
        self.0.slot_shape(slot, weight)
    }
    fn weight_decay_of(&self, name: &str, shape: &[usize]) -> f64 {
        self.0.weight_decay_of(name, shape)
    }
    fn update_decayed(
        &self,
        iteration: u64,
        rates: [f64; 2],
        weight: &mut Tensor,
        gradient: &Tensor,
        slots: &mut [Tensor],
        penalty: Penalty,
    ) {
        self.0
            .update_decayed(iteration, rates, weight, gradient, slots, penalty);
    }
    fn update(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [&mut [f32]],
        penalty: Penalty,
    ) {
        self.0
            .update(iteration, learning_rate, weight, gradient, slots, penalty);
    }
}

/// The way that a step is made (in place, or on copies) is seen in no bit.
#[test]
fn steps_on_copies_are_the_same_steps() {
    for optimizer in optimizers() {
        let copying = Copying(&*optimizer);
        let (mut proved, mut copied) = (Case::new(&*optimizer), Case::new(&copying));
        for step in 0..50 {
            let gradients = || with(step as f32);
            proved.step(&*optimizer, 0.01, gradients(), 0.01).unwrap();
            copied.step(&copying, 0.01, gradients(), 0.01).unwrap();
        }
        assert_eq!(proved.bits(), copied.bits(), "{optimizer:?}");
    }
}

#[test]
fn the_weight_is_named() {
    let sgd = SGD::default();
    let mut case = Case::new(&sgd);
    let error = case.step(&sgd, 1e38, with(1e30), 0.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SGD: a number of weight 1 would no longer be finite; nothing has changed"
    );
}
