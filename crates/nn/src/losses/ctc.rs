//! Connectionist temporal classification: sequences whose places in time are not known.

use super::{Loss, Row, Sample};
use crate::{Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::{Op, Var};
use taper_tensor::{Element, Result as TensorResult, Tensor};

/// −ln of the probability of the labels, summed over all ways in which they can be spread over the steps, with blanks
/// between them and repeated (Graves et al. 2006, Connectionist Temporal Classification), averaged over the samples.
///
/// The output `[n, steps, classes]` are logits (no softmax at the model's end), class 0 is the blank. The target
/// `[n, labels]` has class numbers from 1, shorter sequences are filled up with 0. A sequence needs a step for each label
/// and one more between two that are the same; otherwise it is an error that names the sample.
///
/// ```
/// use taper_nn::losses::{CTC, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// // Two steps, two classes, all as probable: of 4 ways "a_", "_a" and "aa" say a.
/// let logits = Tape::new().constant(&Tensor::<f64>::zeros([1, 2, 2]));
/// let loss = CTC.forward(&logits, &Tensor::ones([1, 1]))?;
/// assert!((loss.value().item()? + 0.75f64.ln()).abs() < 1e-12);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CTC {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const CTC: CTC = CTC {};

const NAME: &str = "ctc";
const BLANK: usize = 0;

impl<E: Element> Loss<E> for CTC {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let shape = output.shape();
        let [samples, steps, classes] = *shape else {
            return Err(unfit(shape, target.shape()));
        };
        let [rows, length] = *target.shape() else {
            return Err(unfit(shape, target.shape()));
        };
        if rows != samples || steps == 0 || classes == 0 {
            return Err(unfit(shape, target.shape()));
        }
        let targets = target.to_vec();
        let words: Vec<Vec<usize>> = (0..samples)
            .map(|sample| {
                let labels = &targets[sample * length..(sample + 1) * length];
                let word = word(sample, labels, classes)?;
                fits(sample, &word, steps)?;
                Ok(word)
            })
            .collect::<Result<_>>()?;
        let logarithm = output.value().log_softmax(2)?.contiguous();
        let logarithm: Vec<f64> = logarithm.to_vec().iter().map(|x| (*x).to_f64()).collect();
        let of_sample = |sample: usize| Paths {
            logarithm: &logarithm[sample * steps * classes..(sample + 1) * steps * classes],
            classes,
            word: &words[sample],
        };
        let losses: Vec<E> = (0..samples)
            .map(|sample| E::from_f64(-of_sample(sample).probability()))
            .collect();
        let value = Tensor::from_vec([samples], losses)?;
        Ok(output.tape().record(&[output], value, || {
            let gradients = (0..samples).flat_map(|sample| of_sample(sample).gradient());
            Ctc {
                gradients: gradients.map(E::from_f64).collect(),
                shape: [samples, steps, classes],
            }
        })?)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        match (output, target) {
            ([_, _], [_]) => Ok(()),
            _ => Err(unfit(output, target)),
        }
    }

    fn terms(&self, _output: &Tensor<E>, _target: &Tensor<E>) -> Result<f64> {
        Ok(1.0)
    }
}

fn unfit(output: &[usize], target: &[usize]) -> Error {
    let message = format!(
        "the output is {output:?}, the target {target:?}; there must be [steps, classes] logits and [labels] class \
         numbers for each sample"
    );
    Error::loss(NAME, message)
}

/// The labels of a sample, without what fills them up.
fn word<E: Element>(sample: usize, labels: &[E], classes: usize) -> Result<Vec<usize>> {
    let refuse = |why: String| {
        let message = format!("the labels of sample {sample} of the batch {why}");
        Err(Error::loss(NAME, message))
    };
    let mut word = Vec::with_capacity(labels.len());
    let mut filled = false;
    for label in labels {
        let label = (*label).to_f64();
        // NaN fails the comparison with its own floor.
        if !(label == label.floor() && label >= 0.0 && label < classes as f64) {
            return refuse(format!(
                "have {label}, which is none of the classes 0 to {}",
                classes - 1
            ));
        }
        match label as usize {
            BLANK => filled = true,
            _ if filled => return refuse("have a 0, the blank, before others".into()),
            label => word.push(label),
        }
    }
    Ok(word)
}

fn fits(sample: usize, word: &[usize], steps: usize) -> Result<()> {
    let repeated = word.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let needed = word.len() + repeated;
    if needed <= steps {
        return Ok(());
    }
    let message = format!(
        "sample {sample} of the batch has {} labels, which need {needed} steps, but there are {steps}",
        word.len()
    );
    Err(Error::loss(NAME, message))
}

/// The ways of one sample through the word with a blank in front, between and behind its labels.
struct Paths<'a> {
    /// Logarithms of probabilities, [steps, classes].
    logarithm: &'a [f64],
    classes: usize,
    word: &'a [usize],
}

impl Paths<'_> {
    fn states(&self) -> usize {
        2 * self.word.len() + 1
    }

    /// The class of a state.
    fn class(&self, state: usize) -> usize {
        match state % 2 {
            0 => BLANK,
            _ => self.word[state / 2],
        }
    }

    /// Whether a way may go from two states before to this one: over a blank between two different labels.
    fn skips(&self, state: usize) -> bool {
        state >= 3 && state % 2 == 1 && self.class(state) != self.class(state - 2)
    }

    /// For every step and state the logarithm of the probability of all ways that lead there, its own step included.
    fn forwards(&self) -> Vec<f64> {
        let states = self.states();
        let mut all = Vec::with_capacity(self.logarithm.len() / self.classes * states);
        for (step, row) in self.logarithm.chunks_exact(self.classes).enumerate() {
            for state in 0..states {
                let before = |back: usize| match state.checked_sub(back) {
                    Some(state) => all[(step - 1) * states + state],
                    None => f64::NEG_INFINITY,
                };
                let ways = match step {
                    0 if state < 2 => 0.0,
                    0 => f64::NEG_INFINITY,
                    _ if self.skips(state) => log_add(&[before(0), before(1), before(2)]),
                    _ => log_add(&[before(0), before(1)]),
                };
                all.push(ways + row[self.class(state)]);
            }
        }
        all
    }

    /// The same of all ways that lead from there to the end.
    fn backwards(&self) -> Vec<f64> {
        let (states, steps) = (self.states(), self.logarithm.len() / self.classes);
        let mut all = vec![f64::NEG_INFINITY; steps * states];
        for step in (0..steps).rev() {
            let row = &self.logarithm[step * self.classes..(step + 1) * self.classes];
            for state in 0..states {
                let after = |on: usize| match state + on < states {
                    true => all[(step + 1) * states + state + on],
                    false => f64::NEG_INFINITY,
                };
                let ways = match step + 1 == steps {
                    true if state + 2 >= states => 0.0,
                    true => f64::NEG_INFINITY,
                    false if state + 2 < states && self.skips(state + 2) => {
                        log_add(&[after(0), after(1), after(2)])
                    }
                    false => log_add(&[after(0), after(1)]),
                };
                all[step * states + state] = ways + row[self.class(state)];
            }
        }
        all
    }

    /// The logarithm of the probability of the word.
    fn probability(&self) -> f64 {
        let all = self.forwards();
        let last = &all[all.len() - self.states()..];
        log_add(&last[self.states().saturating_sub(2)..])
    }

    /// Of −ln probability for the logits: the share of each class, minus its share among the ways of the word.
    fn gradient(&self) -> Vec<f64> {
        let (states, total) = (self.states(), self.probability());
        let (start, end) = (self.forwards(), self.backwards());
        let mut gradient: Vec<f64> = self.logarithm.iter().map(|x| x.exp()).collect();
        for (step, row) in gradient.chunks_exact_mut(self.classes).enumerate() {
            for state in 0..states {
                let (at, class) = (step * states + state, self.class(state));
                let own = self.logarithm[step * self.classes + class];
                let share = (start[at] + end[at] - own - total).exp();
                // An impossible class is on no way: −∞ − (−∞).
                if !(own == f64::NEG_INFINITY) {
                    row[class] -= share;
                }
            }
        }
        gradient
    }
}

/// ln Σ eˣ.
fn log_add(terms: &[f64]) -> f64 {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + terms.iter().map(|x| (x - most).exp()).sum::<f64>().ln()
}

struct Ctc<E: Element> {
    /// Of each sample's loss.
    gradients: Vec<E>,
    shape: [usize; 3],
}

impl<E: Element> Op<E> for Ctc<E> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> TensorResult<Vec<Option<Tensor<E>>>> {
        let Ctc {
            mut gradients,
            shape: [samples, steps, classes],
        } = *self;
        for (row, factor) in gradients
            .chunks_exact_mut(steps * classes)
            .zip(gradient.to_vec())
        {
            row.iter_mut().for_each(|slope| *slope *= factor);
        }
        Ok(vec![Some(Tensor::from_vec(
            [samples, steps, classes],
            gradients,
        )?)])
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "CTC",
        name: NAME,
        about: "−ln Σ over all ways of Π softmax(output): labels whose places in time are not known",
        file: file!(),
        from_config: |config| Ok(Box::new(config::parse::<CTC>("CTC", config)?)),
        sample: |sampler| {
            let (samples, length) = (sampler.integer(1, 3), sampler.integer(1, 3));
            let (steps, classes) = (2 * length + sampler.integer(0, 2), sampler.integer(2, 4));
            let labels: Vec<usize> = (0..samples * length)
                .map(|_| sampler.integer(1, classes - 1))
                .collect();
            let lengths: Vec<usize> = (0..samples).map(|_| sampler.integer(0, length)).collect();
            let target = Tensor::from_fn([samples, length], |i| {
                if i % length < lengths[i / length] {
                    labels[i] as f64
                } else {
                    0.0
                }
            });
            Sample {
                config: json!({}),
                output: sampler.tensor(&[samples, steps, classes]),
                target,
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;
    use taper_autograd::Tape;

    /// All ways of a few steps, told apart one by one.
    #[test]
    fn it_is_the_sum_over_all_ways() {
        let (steps, classes) = (4, 3);
        let logits: Vec<f64> = (0..steps * classes)
            .map(|i| ((i * 7 % 5) as f64 - 2.0) / 2.0)
            .collect();
        let probability = |step: usize, class: usize| {
            let row = &logits[step * classes..(step + 1) * classes];
            row[class].exp() / row.iter().map(|x| x.exp()).sum::<f64>()
        };
        for word in [&[][..], &[1], &[2, 1], &[1, 1], &[1, 2, 1]] {
            let mut sum = 0.0;
            for way in 0..classes.pow(steps as u32) {
                let path: Vec<usize> = (0..steps)
                    .map(|t| way / classes.pow(t as u32) % classes)
                    .collect();
                let mut said = path.clone();
                said.dedup();
                said.retain(|class| *class != BLANK);
                if said == word {
                    sum += path
                        .iter()
                        .enumerate()
                        .map(|(t, c)| probability(t, *c))
                        .product::<f64>();
                }
            }
            let mut labels: Vec<f64> = word.iter().map(|label| *label as f64).collect();
            labels.resize(3, 0.0);
            let found = value(&CTC, (&[1, steps, classes], &logits), (&[1, 3], &labels));
            close(found, -sum.ln());
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        let output = Tape::new().constant(&Tensor::<f32>::zeros([2, 3, 4]));
        for (labels, part) in [
            (&[1.0, 2.0, 1.0, 3.0, 3.0, 2.0][..], "need 4 steps"),
            (&[1.0, 0.0, 0.0, 1.0, 0.0, 2.0], "before others"),
            (&[1.0, 0.0, 0.0, 4.0, 0.0, 0.0], "0 to 3"),
            (&[1.0, 0.0, 0.0, f32::NAN, 0.0, 0.0], "NaN"),
        ] {
            let target = Tensor::from_slice([2, 3], labels).unwrap();
            let error = CTC.forward(&output, &target).unwrap_err().to_string();
            assert!(
                error.contains("sample 1") && error.contains(part),
                "{error}"
            );
        }
    }
}
