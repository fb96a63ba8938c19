//! What an optimizer remembers from step to step, and what a step is told of each weight.

use crate::magnitudes::Known;
use crate::{Error, Optimizer, Penalty, Result};
use std::collections::BTreeMap;
use taper_tensor::{Element, Tensor};

/// The moments of every weight (zeros at first), and the number of steps done.
#[derive(Clone, Debug)]
pub struct State<E: Element = f32> {
    /// Steps done.
    pub iterations: u64,
    /// `[weight][slot]`, slots in the order of [`Optimizer::slots`]; empty for weights that do not move.
    pub slots: Vec<Vec<Tensor<E>>>,
    /// What weights and moments are known not to exceed, from the steps so far.
    pub(crate) known: Option<Known>,
}

/// One weight in a step.
pub struct Weight<'a, E: Element = f32> {
    /// What moves.
    pub value: &'a mut Tensor<E>,
    /// The gradient of the loss without penalty; `None` for a weight that stands still.
    pub gradient: Option<Tensor<E>>,
    /// Its penalty, whose gradient is added.
    pub penalty: Penalty,
}

impl<E: Element> State<E> {
    /// Zeros for weights of these shapes; `None` stands for a weight that does not move.
    pub fn new<'a>(
        optimizer: &dyn Optimizer<E>,
        shapes: impl IntoIterator<Item = Option<&'a [usize]>>,
    ) -> Self {
        let zeros = |shape: &[usize]| {
            let slots = 0..optimizer.slots().len();
            slots
                .map(|slot| Tensor::zeros(optimizer.slot_shape(slot, shape)))
                .collect()
        };
        let slots = shapes
            .into_iter()
            .map(|shape| shape.map_or_else(Vec::new, zeros))
            .collect();
        State {
            iterations: 0,
            slots,
            known: None,
        }
    }

    /// To be called when weights or moments were set by hand between two steps, not by [`apply`](crate::apply()): what is known of how
    /// large they are is measured anew at the next step.
    pub fn measure_again(&mut self) {
        self.known = None;
    }

    /// The moments by name, `<weight>/<slot>`, e.g. `conv2d/kernel/momentum`; `names` are those of all weights.
    pub fn named<'a>(
        &self,
        optimizer: &dyn Optimizer<E>,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Vec<(String, Tensor<E>)> {
        let weights = names.into_iter().zip(&self.slots);
        let named = weights.flat_map(|(name, slots)| {
            let slot_names = optimizer
                .slots()
                .iter()
                .map(move |slot| format!("{name}/{slot}"));
            slot_names.zip(slots.iter().cloned())
        });
        named.collect()
    }

    /// The state from moments by name, as [`named`](Self::named) gave them, for weights of these names and shapes
    /// (`None` for one that does not move).
    ///
    /// # Errors
    /// Moments that are missing, unknown, given twice, or of another shape.
    pub fn from_named<'a>(
        optimizer: &dyn Optimizer<E>,
        iterations: u64,
        weights: impl IntoIterator<Item = (&'a str, Option<&'a [usize]>)>,
        named: impl IntoIterator<Item = (String, Tensor<E>)>,
    ) -> Result<Self> {
        let fail = |message: String| Err(Error::state(optimizer.class_name(), message));
        let mut given = BTreeMap::new();
        for (name, value) in named {
            if given.insert(name.clone(), value).is_some() {
                return fail(format!("{name} is given twice"));
            }
        }
        let mut slots = Vec::new();
        for (weight, shape) in weights {
            let wanted = if shape.is_some() {
                optimizer.slots()
            } else {
                &[]
            };
            let mut values = Vec::with_capacity(wanted.len());
            for (index, slot) in wanted.iter().enumerate() {
                let (name, shape) = (format!("{weight}/{slot}"), shape.unwrap_or_default());
                let slot_shape = optimizer.slot_shape(index, shape);
                match given.remove(&name) {
                    None => return fail(format!("{name} {slot_shape:?} is missing")),
                    Some(value) if value.shape() != slot_shape => {
                        return fail(format!(
                            "{name} is {:?}, its weight {shape:?}",
                            value.shape()
                        ));
                    }
                    Some(value) => values.push(value),
                }
            }
            slots.push(values);
        }
        match given.keys().next() {
            Some(name) => fail(format!("no weight has the moment {name}")),
            None => Ok(State {
                iterations,
                slots,
                known: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, Clipping, SGD, apply};

    fn moving(value: &mut Tensor<f64>, gradient: f64) -> Weight<'_, f64> {
        let gradient = Some(Tensor::full(value.shape(), gradient));
        Weight {
            value,
            gradient,
            penalty: Penalty { l1: 0.0, l2: 0.5 },
        }
    }

    #[test]
    fn weights_without_gradient_stand_still() {
        let sgd = SGD::new(0.1).momentum(0.9);
        let (mut a, mut b) = (Tensor::<f64>::ones([2]), Tensor::<f64>::ones([3]));
        let mut state = State::new(&sgd, [Some(&[2][..]), None]);
        assert_eq!(state.slots.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0]);
        let still = Weight {
            value: &mut b,
            gradient: None,
            penalty: Penalty { l1: 1.0, l2: 1.0 },
        };
        apply(&sgd, &mut state, 0.1, [moving(&mut a, 1.0), still]).unwrap();
        assert_eq!(
            (a.to_vec(), b.to_vec(), state.iterations),
            (vec![0.8; 2], vec![1.0; 3], 1)
        );
    }

    #[test]
    fn penalties_are_clipped_with_the_loss() {
        let sgd = SGD::new(1.0).clipping(Clipping::Value(1.5));
        let mut w = Tensor::<f64>::ones([1]);
        let mut state = State::new(&sgd, [Some(&[1][..])]);
        // 1 of the loss and 2·½·1 of the penalty are 2, clipped to 1.5.
        apply(&sgd, &mut state, 1.0, [moving(&mut w, 1.0)]).unwrap();
        assert_eq!(w.to_vec(), [-0.5]);
    }

    #[test]
    fn moments_go_out_and_in_by_name() {
        let adam = Adam::default();
        let mut w = Tensor::<f64>::ones([2]);
        let mut state = State::new(&adam, [Some(&[2][..]), None]);
        let mut still = Tensor::ones([1]);
        let still = Weight {
            value: &mut still,
            gradient: None,
            penalty: Penalty::default(),
        };
        apply(&adam, &mut state, 0.1, [moving(&mut w, 1.0), still]).unwrap();
        let named = state.named(&adam, ["a", "b"]);
        let names: Vec<_> = named.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/momentum", "a/velocity"]);

        let weights = [("a", Some(&[2][..])), ("b", None)];
        let again = State::from_named(&adam, 1, weights, named.clone()).unwrap();
        assert_eq!(again.slots[0][1].to_vec(), state.slots[0][1].to_vec());

        let error = |named: Vec<(String, Tensor<f64>)>| {
            State::from_named(&adam, 1, weights, named)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(named[..1].to_vec()),
            "Adam: a/velocity [2] is missing"
        );
        assert_eq!(
            error([&named[..], &named[..1]].concat()),
            "Adam: a/momentum is given twice"
        );
        let odd = ("c/momentum".to_string(), Tensor::ones([2]));
        assert_eq!(
            error([&named[..], &[odd]].concat()),
            "Adam: no weight has the moment c/momentum"
        );
        let wrong = vec![(named[0].0.clone(), Tensor::ones([3])), named[1].clone()];
        assert_eq!(error(wrong), "Adam: a/momentum is [3], its weight [2]");
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let adam = Adam::default();
        let mut state = State::new(&adam, [Some(&[2][..])]);
        let mut w = Tensor::<f64>::ones([2]);
        let wrong = Weight {
            value: &mut w,
            gradient: Some(Tensor::ones([3])),
            penalty: Penalty::default(),
        };
        let error = apply(&adam, &mut state, 0.1, [wrong])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "Adam: weight 0 is [2], its gradient [3]");
        let error = apply(&adam, &mut state, 0.1, []).unwrap_err().to_string();
        assert_eq!(error, "Adam: 0 weights, but moments of 1");
        let mut other = State::new(&SGD::default(), [Some(&[2][..])]);
        let error = apply(&adam, &mut other, 0.1, [moving(&mut w, 1.0)])
            .unwrap_err()
            .to_string();
        assert!(error.contains("momentum"), "{error}");
        assert_eq!(
            (w.to_vec(), state.iterations, other.iterations),
            (vec![1.0; 2], 0, 0)
        );
    }

    /// Keeps one number a row, as an optimizer with factored moments does: the sum of its gradients.
    #[derive(Debug)]
    struct Rows;

    impl Optimizer<f64> for Rows {
        fn class_name(&self) -> &'static str {
            "Rows"
        }

        fn config(&self) -> serde_json::Value {
            serde_json::Value::Null
        }

        fn learning_rate_at(&self, _steps: u64) -> f64 {
            1.0
        }

        fn slots(&self) -> &'static [&'static str] {
            &["sums"]
        }

        fn slot_shape(&self, _slot: usize, weight: &[usize]) -> Vec<usize> {
            weight[..1].to_vec()
        }

        fn update(
            &self,
            _iteration: u64,
            _learning_rate: f64,
            _weight: &mut [f64],
            _gradient: &[f64],
            _slots: &mut [&mut [f64]],
            _penalty: Penalty,
        ) {
            unreachable!("weights are taken with their shapes");
        }

        fn update_tensor(
            &self,
            _iteration: u64,
            _learning_rate: f64,
            weight: &mut Tensor<f64>,
            gradient: &Tensor<f64>,
            slots: &mut [Tensor<f64>],
            _penalty: Penalty,
        ) {
            slots[0] = slots[0]
                .add(&gradient.sum_axes(&[1], false).unwrap())
                .unwrap();
            *weight = weight.sub(&slots[0].reshape([2, 1]).unwrap()).unwrap();
        }
    }

    #[test]
    fn slots_may_have_shapes_of_their_own() {
        let mut w = Tensor::<f64>::zeros([2, 3]);
        let mut state = State::new(&Rows, [Some(&[2, 3][..])]);
        for _ in 0..2 {
            apply(&Rows, &mut state, 1.0, [moving(&mut w, 1.0)]).unwrap();
        }
        assert_eq!(w.to_vec(), [-9.0; 6]);
        let named = state.named(&Rows, ["w"]);
        let weights = [("w", Some(&[2, 3][..]))];
        let again = State::from_named(&Rows, 2, weights, named).unwrap();
        assert_eq!(again.slots[0][0].to_vec(), [6.0, 6.0]);
    }
}
