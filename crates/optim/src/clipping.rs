//! Gradient clipping in Keras's three forms. Only one can be chosen; the gradients of penalties are part of what is
//! clipped, as in Keras, where they belong to the loss.

use crate::setting::{self, Checked};
use crate::{Error, Penalty, Result};
use taper_tensor::{Element, Tensor};

/// What is done to gradients before a step. The bound is finite and above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clipping {
    /// `clipnorm`: each gradient by itself is scaled down to this norm (root of the sum of squares).
    Norm(f64),
    /// `global_clipnorm`: all gradients are scaled down by one factor, so that the norm of all together is at most
    /// this.
    GlobalNorm(f64),
    /// `clipvalue`: each number is cut to ± this.
    Value(f64),
}

impl Clipping {
    /// Keras's three settings, of which only one may be given.
    pub(crate) fn from_settings(
        class_name: &str,
        clipnorm: Option<f64>,
        global_clipnorm: Option<f64>,
        clipvalue: Option<f64>,
    ) -> Result<Option<Self>> {
        let clipping = match (clipnorm, global_clipnorm, clipvalue) {
            (None, None, None) => return Ok(None),
            (Some(norm), None, None) => Clipping::Norm(norm),
            (None, Some(norm), None) => Clipping::GlobalNorm(norm),
            (None, None, Some(value)) => Clipping::Value(value),
            _ => {
                let message = "only one of clipnorm, global_clipnorm and clipvalue can be set";
                return Err(Error::Config(format!("{class_name}: {message}")));
            }
        };
        clipping
            .check()
            .map_err(|fault| Error::setting(class_name, fault))?;
        Ok(Some(clipping))
    }

    /// The bound is a number above 0.
    pub(crate) fn check(self) -> Checked {
        let (name, bound) = self.setting();
        setting::positive(name, bound)
    }

    /// Keras's name of the setting, and its value.
    pub(crate) fn setting(self) -> (&'static str, f64) {
        match self {
            Clipping::Norm(norm) => ("clipnorm", norm),
            Clipping::GlobalNorm(norm) => ("global_clipnorm", norm),
            Clipping::Value(value) => ("clipvalue", value),
        }
    }

    /// Clips all gradients. A norm that is no number makes every gradient it concerns one that is none, as in Keras:
    /// a broken step must not look like a small one.
    pub fn apply<'a, E: Element>(self, gradients: impl IntoIterator<Item = &'a mut Tensor<E>>) {
        let mut gradients: Vec<&mut Tensor<E>> = gradients.into_iter().collect();
        match self {
            Clipping::Norm(bound) => {
                for gradient in gradients {
                    let norm = squares(gradient).sqrt();
                    scale(gradient, bound / larger(norm, bound));
                }
            }
            Clipping::GlobalNorm(bound) => {
                let norm = gradients
                    .iter()
                    .map(|gradient| squares(gradient))
                    .sum::<f64>()
                    .sqrt();
                let finite = norm.is_finite();
                let factor = if finite {
                    bound / larger(norm, bound)
                } else {
                    f64::NAN
                };
                gradients
                    .iter_mut()
                    .for_each(|gradient| scale(gradient, factor));
            }
            Clipping::Value(bound) => {
                let (low, high) = (E::from_f64(-bound), E::from_f64(bound));
                gradients
                    .iter_mut()
                    .for_each(|gradient| **gradient = gradient.clip(low, high));
            }
        }
    }
}

/// The gradient with that of its weight's penalty: l1·sign(w) + 2·l2·w.
pub(crate) fn add_penalty<E: Element>(
    gradient: &Tensor<E>,
    weight: &Tensor<E>,
    penalty: Penalty,
) -> taper_tensor::Result<Tensor<E>> {
    if penalty == Penalty::default() {
        return Ok(gradient.clone());
    }
    let (l1, l2) = (E::from_f64(penalty.l1), E::from_f64(2.0 * penalty.l2));
    gradient.zip("penalty", weight, |g, w| {
        let sign = if w == E::zero() {
            E::zero()
        } else {
            w.signum()
        };
        g + l1 * sign + l2 * w
    })
}

fn squares<E: Element>(gradient: &Tensor<E>) -> f64 {
    gradient.penalty_sums().1
}

/// The larger of both; not a number if `norm` is none.
fn larger(norm: f64, bound: f64) -> f64 {
    if norm < bound { bound } else { norm }
}

fn scale<E: Element>(gradient: &mut Tensor<E>, factor: f64) {
    if factor != 1.0 {
        *gradient = gradient.scale(E::from_f64(factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(clipping: Clipping, gradients: [[f64; 2]; 2]) -> [Vec<f64>; 2] {
        let mut tensors = gradients.map(|values| Tensor::from_slice([2], &values).unwrap());
        clipping.apply(&mut tensors);
        tensors.map(|tensor| tensor.to_vec())
    }

    fn close(a: [Vec<f64>; 2], b: [[f64; 2]; 2]) {
        for (a, b) in a.concat().into_iter().zip(b.concat()) {
            assert!((a - b).abs() <= 1e-12, "{a} is not {b}");
        }
    }

    #[test]
    fn each_form_does_what_keras_does() {
        let gradients = [[3.0, -4.0], [0.3, 0.4]];
        close(
            clip(Clipping::Norm(1.0), gradients),
            [[0.6, -0.8], [0.3, 0.4]],
        );
        close(
            clip(Clipping::Value(0.35), gradients),
            [[0.35, -0.35], [0.3, 0.35]],
        );
        let factor = 1.0 / (25.0f64 + 0.25).sqrt();
        let scaled = gradients.map(|values| values.map(|g| g * factor));
        close(clip(Clipping::GlobalNorm(1.0), gradients), scaled);
        close(clip(Clipping::GlobalNorm(100.0), gradients), gradients);
        close(clip(Clipping::Norm(1.0), [[0.0; 2]; 2]), [[0.0; 2]; 2]);
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        for clipping in [Clipping::Norm(1.0), Clipping::GlobalNorm(1.0)] {
            assert!(
                clip(clipping, [[f64::NAN, 1.0], [1.0, 1.0]])[0]
                    .iter()
                    .all(|g| g.is_nan())
            );
        }
        let all = clip(
            Clipping::GlobalNorm(1.0),
            [[f64::INFINITY, 1.0], [1.0, 1.0]],
        );
        assert!(all.concat().iter().all(|g| g.is_nan()));
    }

    #[test]
    fn only_one_form_at_a_time() {
        let error = Clipping::from_settings("SGD", Some(1.0), None, Some(1.0))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("SGD: only one of"), "{error}");
        for bound in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Clipping::from_settings("SGD", None, Some(bound), None)
                .unwrap_err()
                .to_string();
            assert!(error.contains("global_clipnorm"), "{error}");
        }
    }
}
