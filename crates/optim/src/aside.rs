//! What is done around the rule of an optimizer, whichever it is: gradients are gathered, and weights averaged.

use crate::clipping::add_penalty;
use crate::{Ema, Error, Optimizer, Penalty, Result, State, Weight};
use taper_tensor::kernels::update::{Numbers, Rule, Slot};
use taper_tensor::{Element, Tensor};

/// Gathers gradients, those of penalties included. Whether this call makes a step: then each gradient is the mean of what was
/// gathered, and no penalty is left to add. The state is changed only where it does not.
///
/// # Errors
/// A gradient, or the sum of those gathered, that is not finite.
pub(crate) fn gather<E: Element>(
    optimizer: &dyn Optimizer<E>,
    state: &mut State<E>,
    calls: u64,
    weights: &mut [Weight<'_, E>],
) -> Result<bool> {
    let fail = |error: taper_tensor::Error| Error::state(optimizer.class_name(), error.to_string());
    let steps = (state.iterations + 1).is_multiple_of(calls);
    let mut sums = Vec::with_capacity(weights.len());
    for (weight, gathered) in weights.iter().zip(&state.gathered) {
        let sum = match (&weight.gradient, gathered) {
            (Some(gradient), Some(gathered)) => {
                let whole = add_penalty(gradient, weight.value, weight.penalty).map_err(fail)?;
                Some(whole.add(gathered).map_err(fail)?)
            }
            _ => None,
        };
        sums.push(sum);
    }
    let magnitudes = Tensor::magnitudes(sums.iter().map(Option::as_ref));
    if let Some(weight) = magnitudes.iter().position(|largest| !largest.is_finite()) {
        return Err(Error::NotFinite {
            optimizer: optimizer.class_name(),
            weight,
            what: "gradient",
        });
    }
    let count = E::from_f64(calls as f64);
    for ((weight, gathered), sum) in weights.iter_mut().zip(&mut state.gathered).zip(sums) {
        match sum {
            Some(sum) if steps => {
                weight.gradient = Some(sum.map(|g| g / count));
                weight.penalty = Penalty::default();
            }
            Some(sum) => *gathered = Some(sum),
            None => {}
        }
    }
    Ok(steps)
}

/// What was gathered has been used.
pub(crate) fn forget<E: Element>(state: &mut State<E>) {
    for gathered in state.gathered.iter_mut().flatten() {
        gathered.as_mut_slice().fill(E::zero());
    }
}

/// Moves the averages towards the weights after step `iteration` (from 1), which may become them.
pub(crate) fn average<E: Element>(
    ema: Ema,
    state: &mut State<E>,
    iteration: u64,
    weights: &mut [Weight<'_, E>],
) {
    let momentum = if iteration > 1 { ema.momentum } else { 0.0 };
    let overwrites = ema
        .overwrite_frequency
        .is_some_and(|steps| iteration.is_multiple_of(steps));
    for (weight, average) in weights.iter_mut().zip(&mut state.averages) {
        let Some(average) = average else {
            continue;
        };
        let value = weight.value.contiguous();
        let rule = Towards { momentum };
        let values = value.as_slice().unwrap_or_default();
        rule.update(average.as_mut_slice(), values, &mut [], Penalty::default());
        drop(value);
        if overwrites {
            let average = average.as_slice().unwrap_or_default();
            weight.value.as_mut_slice().copy_from_slice(average);
        }
    }
    if overwrites {
        state.known = None;
    }
}

/// The average as what moves, the weight as its gradient.
#[derive(Clone, Copy, Debug)]
struct Towards {
    momentum: f64,
}

impl Rule<0> for Towards {
    #[inline(always)]
    fn step<V: Numbers>(self, average: V, w: V, []: &mut [Slot<V>; 0]) -> V {
        let next = average * self.momentum + w * (1.0 - self.momentum);
        // Between both whatever is rounded: of two finite numbers the mean is finite.
        let smaller = |a: V, b: V| a.all(0.0) - (a.all(0.0) - a).larger(a.all(0.0) - b);
        smaller(next.larger(smaller(average, w)), average.larger(w))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, AdamW, Muon, SGD, apply, optimizers};

    /// Steps with these gradients from a weight of 1, and the state.
    fn run(
        optimizer: &dyn Optimizer<f64>,
        state: &mut State<f64>,
        w: &mut Tensor<f64>,
        gradients: impl IntoIterator<Item = f64>,
    ) -> Result<()> {
        for gradient in gradients {
            let weight = Weight {
                gradient: Some(Tensor::full(w.shape(), gradient)),
                value: w,
                penalty: Penalty { l1: 0.0, l2: 0.5 },
            };
            let rate = optimizer.learning_rate_at(state.iterations);
            apply(optimizer, state, rate, [weight])?;
        }
        Ok(())
    }

    const NAMED: [(&str, Option<&[usize]>); 1] = [("dense/kernel", Some(&[2]))];

    #[test]
    fn several_batches_make_one_step_along_their_mean() {
        let sgd = SGD::new(0.1).gradient_accumulation_steps(3);
        let (mut state, mut w) = (State::new(&sgd, [Some(&[2][..])]), Tensor::ones([2]));
        run(&sgd, &mut state, &mut w, [1.0, 2.0]).unwrap();
        assert_eq!((w.to_vec(), state.iterations), (vec![1.0; 2], 2));
        // Gradients 1, 2 and 6, and the penalty's gradient, which is the weight itself.
        run(&sgd, &mut state, &mut w, [6.0]).unwrap();
        assert!((w.to_vec()[0] - (1.0 - 0.1 * 4.0)).abs() <= 1e-15, "{w:?}");
        run(&sgd, &mut state, &mut w, [0.0; 3]).unwrap();
        assert!((w.to_vec()[0] - 0.6 * 0.9).abs() <= 1e-15, "{w:?}");
    }

    /// Interrupted between any two batches, each optimizer goes on as if it had not been.
    #[test]
    fn what_is_kept_goes_out_and_in_by_name() {
        for row in optimizers::all::<f64>() {
            let config = serde_json::json!({"learning_rate": 0.1, "gradient_accumulation_steps": 2,
                "use_ema": true, "ema_momentum": 0.5, "ema_overwrite_frequency": 3});
            let optimizer = (row.from_config)(&config).unwrap();
            let gradients = [1.0, -0.5, 2.0, 0.25, 1.0, 3.0, -1.0];
            let start = || {
                (
                    State::for_weights(&*optimizer, NAMED),
                    Tensor::<f64>::ones([2]),
                )
            };
            let (mut state, mut w) = start();
            run(&*optimizer, &mut state, &mut w, gradients).unwrap();
            for at in 0..gradients.len() {
                let (mut first, mut v) = start();
                run(&*optimizer, &mut first, &mut v, gradients[..at].to_vec()).unwrap();
                let named = first.named(&*optimizer, ["dense/kernel"]);
                let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
                assert!(
                    names.contains(&"dense/kernel/gradient_accumulator"),
                    "{names:?}"
                );
                assert!(names.contains(&"dense/kernel/average"), "{names:?}");
                let iterations = first.iterations;
                let mut second = State::from_named(&*optimizer, iterations, NAMED, named).unwrap();
                run(&*optimizer, &mut second, &mut v, gradients[at..].to_vec()).unwrap();
                assert_eq!(v.to_vec(), w.to_vec(), "{optimizer:?} at {at}");
                let [a, b] =
                    [&second, &state].map(|state| state.averages()[0].as_ref().unwrap().to_vec());
                assert_eq!(a, b, "{optimizer:?} at {at}");
            }
        }
    }

    /// The average is between all weights so far, whatever they are, and moves nothing.
    #[test]
    fn averages_follow_the_weights() {
        let plain = SGD::new(0.5);
        let averaging = plain.clone().use_ema(true).ema_momentum(0.75);
        let (mut a, mut v) = (State::new(&plain, [Some(&[2][..])]), Tensor::ones([2]));
        let (mut b, mut w) = (State::new(&averaging, [Some(&[2][..])]), Tensor::ones([2]));
        let mut average: Option<f64> = None;
        for gradient in [0.5, -2.0, 1.0, 3.0] {
            run(&plain, &mut a, &mut v, [gradient]).unwrap();
            run(&averaging, &mut b, &mut w, [gradient]).unwrap();
            assert_eq!(v.to_vec(), w.to_vec());
            let value = w.to_vec()[0];
            average = Some(average.map_or(value, |average| 0.75 * average + 0.25 * value));
            let found = b.averages()[0].as_ref().unwrap().to_vec();
            assert!((found[0] - average.unwrap()).abs() <= 1e-15, "{found:?}");
        }
        let kept = w.to_vec();
        b.swap_averages([&mut w]);
        assert_eq!(w.to_vec()[0], average.unwrap());
        b.swap_averages([&mut w]);
        assert_eq!(w.to_vec(), kept);
        // Of the largest numbers, too.
        let rule = Towards { momentum: 0.99 };
        let mut largest = [f32::MAX, f32::MIN];
        rule.update(
            &mut largest,
            &[f32::MAX, f32::MAX],
            &mut [],
            Penalty::default(),
        );
        assert!(largest.iter().all(|x| x.is_finite()), "{largest:?}");
    }

    #[test]
    fn what_is_excluded_does_not_decay() {
        let adamw = AdamW::new(0.1)
            .weight_decay(0.5)
            .exclude_from_weight_decay(["bias", "gamma"]);
        let optimizer: &dyn Optimizer<f64> = &adamw;
        let shapes = [("dense/kernel", Some(&[2][..])), ("dense/bias", Some(&[2]))];
        let mut state = State::for_weights(optimizer, shapes);
        let mut values = [Tensor::<f64>::ones([2]), Tensor::ones([2])];
        let weights = values.iter_mut().map(|value| Weight {
            gradient: Some(Tensor::zeros([2])),
            value,
            penalty: Penalty::default(),
        });
        apply(optimizer, &mut state, 0.1, weights).unwrap();
        assert_eq!(values.map(|value| value.to_vec()[0]), [0.95, 1.0]);
        // Without names nobody can tell.
        for optimizer in [
            &adamw as &dyn Optimizer<f64>,
            &Muon::default().exclude_layers(["out"]),
        ] {
            let mut state = State::new(optimizer, [Some(&[2][..])]);
            let error = run(optimizer, &mut state, &mut Tensor::ones([2]), [1.0]).unwrap_err();
            assert!(error.to_string().contains("State::for_weights"), "{error}");
        }
    }

    /// A sum of gradients that overflows is found when it does, and nothing has changed.
    #[test]
    fn what_is_gathered_is_finite() {
        let adam = Adam::default().gradient_accumulation_steps(4);
        let optimizer: &dyn Optimizer<f64> = &adam;
        let (mut state, mut w) = (State::for_weights(optimizer, NAMED), Tensor::ones([2]));
        run(optimizer, &mut state, &mut w, [1e308]).unwrap();
        for gradient in [1e308, f64::NAN, f64::INFINITY] {
            let before = state.named(optimizer, ["dense/kernel"]);
            let error = run(optimizer, &mut state, &mut w, [gradient]).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::NotFinite {
                        what: "gradient",
                        ..
                    }
                ),
                "{error}"
            );
            let after = state.named(optimizer, ["dense/kernel"]);
            for ((_, before), (_, after)) in before.iter().zip(&after) {
                assert_eq!(before.to_vec(), after.to_vec());
            }
            assert_eq!(state.iterations, 1);
        }
        run(optimizer, &mut state, &mut w, [-1e308, -1.0, 1.0]).unwrap();
        assert!(w.is_finite() && state.iterations == 4);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (name, value) in [
            ("weight_decay", serde_json::json!(-0.1)),
            ("weight_decay", serde_json::json!("much")),
            ("exclude_from_weight_decay", serde_json::json!([""])),
            ("exclude_from_weight_decay", serde_json::json!("bias")),
            ("use_ema", serde_json::json!(1)),
            ("ema_momentum", serde_json::json!(1.5)),
            ("ema_overwrite_frequency", serde_json::json!(0)),
            ("gradient_accumulation_steps", serde_json::json!(1)),
            ("gradient_accumulation_steps", serde_json::json!(2.5)),
        ] {
            for row in optimizers::all::<f32>() {
                let mut config = serde_json::json!({"use_ema": true});
                config[name] = value.clone();
                let error = (row.from_config)(&config).unwrap_err().to_string();
                assert!(
                    error.starts_with(row.class_name) && error.contains(name),
                    "{error}"
                );
            }
        }
    }
}
