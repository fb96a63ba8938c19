//! What an optimizer remembers from step to step, and what a step is told of each weight.

use crate::magnitudes::Known;
use crate::{Error, Optimizer, Penalty, Result};
use std::collections::BTreeMap;
use taper_tensor::{Element, Tensor};

/// The moments of every weight (mostly zeros at first), what else is kept beside it, and the number of calls of
/// [`apply`](crate::apply) so far, each of which makes a step unless gradients are gathered.
#[derive(Clone, Debug)]
pub struct State<E: Element = f32> {
    /// Steps done; batches, where several make a step.
    pub iterations: u64,
    /// `[weight][slot]`, slots in the order of [`Optimizer::slots`]; empty for weights that do not move.
    pub slots: Vec<Vec<Tensor<E>>>,
    /// The weights' names, where something depends on them; else none.
    pub(crate) names: Vec<String>,
    /// Sums of gradients that have not made a step yet, if several batches make one.
    pub(crate) gathered: Vec<Option<Tensor<E>>>,
    /// Moving averages of the weights, if they are kept.
    pub(crate) averages: Vec<Option<Tensor<E>>>,
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
    /// What every slot starts with, mostly zeros, for weights of these shapes; `None` stands for a weight that does not move.
    pub fn new<'a>(
        optimizer: &dyn Optimizer<E>,
        shapes: impl IntoIterator<Item = Option<&'a [usize]>>,
    ) -> Self {
        let mut state = Self::for_weights(optimizer, shapes.into_iter().map(|shape| ("", shape)));
        state.names.clear();
        state
    }

    /// The same for weights that have names, as an optimizer needs them that excludes some by name
    /// ([`Optimizer::needs_names`]).
    pub fn for_weights<'a>(
        optimizer: &dyn Optimizer<E>,
        weights: impl IntoIterator<Item = (&'a str, Option<&'a [usize]>)>,
    ) -> Self {
        let mut state = State::empty(0);
        for (name, shape) in weights {
            let start = |slot: usize| {
                let shape = optimizer.slot_shape_of(slot, name, shape.unwrap_or_default());
                match optimizer.slot_start(slot) {
                    0.0 => Tensor::zeros(shape), // whose pages cost nothing until they are touched
                    start => Tensor::full(shape, E::from_f64(start)),
                }
            };
            let slots = shape.map_or(0, |_| optimizer.slots().len());
            state.slots.push((0..slots).map(start).collect());
            state.names.push(name.to_owned());
            let [gathered, average] =
                asides(optimizer).map(|(_, is_kept)| shape.filter(|_| is_kept).map(Tensor::zeros));
            state.gathered.push(gathered);
            state.averages.push(average);
        }
        state
    }

    fn empty(iterations: u64) -> Self {
        State {
            iterations,
            slots: Vec::new(),
            names: Vec::new(),
            gathered: Vec::new(),
            averages: Vec::new(),
            known: None,
        }
    }

    /// The moving average of each weight, if the optimizer keeps one ([`Ema`](crate::Ema)); before the first step zeros.
    pub fn averages(&self) -> &[Option<Tensor<E>>] {
        &self.averages
    }

    /// Exchanges weights and moving averages, where there are any: to evaluate with the averages, and back again.
    pub fn swap_averages<'a>(&mut self, weights: impl IntoIterator<Item = &'a mut Tensor<E>>) {
        for (weight, average) in weights.into_iter().zip(&mut self.averages) {
            if let Some(average) = average {
                std::mem::swap(weight, average);
            }
        }
        self.measure_again();
    }

    /// A weight's name, empty if it is unknown.
    pub(crate) fn name(&self, weight: usize) -> &str {
        self.names.get(weight).map_or("", String::as_str)
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
        let mut named = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let slots = self.slots.get(index).map_or(&[][..], Vec::as_slice);
            for (slot, value) in optimizer.slots().iter().zip(slots) {
                named.push((format!("{name}/{slot}"), value.clone()));
            }
            let kept = [&self.gathered, &self.averages];
            for ((aside, _), kept) in asides(optimizer).into_iter().zip(kept) {
                if let Some(Some(value)) = kept.get(index) {
                    named.push((format!("{name}/{aside}"), value.clone()));
                }
            }
        }
        named
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
                fail(format!("{name} is given twice"))?;
            }
        }
        let mut state = State::empty(iterations);
        for (weight, shape) in weights {
            let mut take = |slot: &str, wanted: Vec<usize>| {
                let name = format!("{weight}/{slot}");
                match given.remove(&name) {
                    None => fail(format!("{name} {wanted:?} is missing")),
                    Some(value) if value.shape() != wanted => fail(format!(
                        "{name} is {:?}, its weight {:?}",
                        value.shape(),
                        shape.unwrap_or_default()
                    )),
                    Some(value) => Ok(value),
                }
            };
            let (mut slots, mut kept) = (Vec::new(), [None, None]);
            if let Some(shape) = shape {
                for (index, slot) in optimizer.slots().iter().enumerate() {
                    slots.push(take(slot, optimizer.slot_shape_of(index, weight, shape))?);
                }
                for ((aside, is_kept), kept) in asides(optimizer).into_iter().zip(&mut kept) {
                    if is_kept {
                        *kept = Some(take(aside, shape.to_vec())?);
                    }
                }
            }
            let [gathered, average] = kept;
            state.slots.push(slots);
            state.names.push(weight.to_owned());
            state.gathered.push(gathered);
            state.averages.push(average);
        }
        match given.keys().next() {
            Some(name) => Err(Error::state(
                optimizer.class_name(),
                format!("no weight has the moment {name}"),
            )),
            None => Ok(state),
        }
    }
}

/// What stands beside a weight's slots, under Keras's names: sums of gradients and the moving average, and whether this
/// optimizer has them.
fn asides<E: Element>(optimizer: &dyn Optimizer<E>) -> [(&'static str, bool); 2] {
    let extras = optimizer.extras();
    [
        (
            "gradient_accumulator",
            extras.gradient_accumulation_steps.is_some(),
        ),
        ("average", extras.ema.is_some()),
    ]
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
