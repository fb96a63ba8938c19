//! Batch normalization of channels, and relu, in one pass.

use crate::gradcheck::{Sample, Sampler, Spec};
use crate::{Op, Var};
use taper_tensor::ops::BatchNorm;
use taper_tensor::{Element, Result, Tensor};

/// What [`Var::batch_normalization`] returns.
pub struct Normalized<E: Element = f32> {
    /// The normalized values, of the input's shape.
    pub output: Var<E>,
    /// The batch's means `[c]`, for moving averages.
    pub mean: Tensor<E>,
    /// The batch's biased variances `[c]`.
    pub variance: Tensor<E>,
}

impl<E: Element> Var<E> {
    /// Batch normalization of `[…, c]` for training: γ · (x − mean) / √(variance + ε) + β with the mean and the biased
    /// variance of each channel over this batch, and then relu if it is wanted. γ and β are `[c]`; without them 1 and 0.
    ///
    /// Gradients, with d the gradient before the relu, x̂ the normalized input and N the values of a channel: β gets Σd,
    /// γ gets Σd·x̂, x gets γ / √(variance + ε) · (d − Σd / N − x̂ · Σd·x̂ / N). Saves the input and a few values a
    /// channel; where the relu let the gradient through is computed from them.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec([2, 1], vec![1.0, 5.0])?);
    /// let gamma = tape.parameter(&Tensor::from_vec([1], vec![3.0])?);
    /// let normalized = x.batch_normalization(Some(&gamma), None, 0.0, true)?;
    /// assert_eq!(normalized.mean.to_vec(), [3.0]);
    /// assert_eq!(normalized.variance.to_vec(), [4.0]);
    /// assert_eq!(normalized.output.value().to_vec(), [0.0, 3.0]); // −3 does not pass the relu
    /// assert_eq!(normalized.output.sum().backward()?[&gamma].to_vec(), [1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit, or the variables belong to different tapes.
    pub fn batch_normalization(
        &self,
        gamma: Option<&Var<E>>,
        beta: Option<&Var<E>>,
        epsilon: f64,
        relu: bool,
    ) -> Result<Normalized<E>> {
        let (mean, variance) = self.value().channel_moments();
        let statistics = (&mean, &variance);
        let output = self.normalize(statistics, gamma, beta, epsilon, relu, true)?;
        Ok(Normalized {
            output,
            mean,
            variance,
        })
    }

    /// As [`Var::batch_normalization`], with a given mean and variance of each channel `[c]`, which stand still: the
    /// gradient of x is d · γ / √(variance + ε).
    ///
    /// # Errors
    /// As there.
    pub fn batch_normalization_with(
        &self,
        statistics: (&Tensor<E>, &Tensor<E>),
        gamma: Option<&Var<E>>,
        beta: Option<&Var<E>>,
        epsilon: f64,
        relu: bool,
    ) -> Result<Var<E>> {
        self.normalize(statistics, gamma, beta, epsilon, relu, false)
    }

    fn normalize(
        &self,
        (mean, variance): (&Tensor<E>, &Tensor<E>),
        gamma: Option<&Var<E>>,
        beta: Option<&Var<E>>,
        epsilon: f64,
        relu: bool,
        of_batch: bool,
    ) -> Result<Var<E>> {
        let norm = BatchNorm {
            mean: mean.clone(),
            variance: variance.clone(),
            gamma: gamma.map(|gamma| gamma.value().clone()),
            beta: beta.map(|beta| beta.value().clone()),
            epsilon,
            relu,
        };
        let output = self.value().batch_normalization(&norm)?;
        let mut inputs = vec![self];
        inputs.extend(gamma);
        inputs.extend(beta);
        self.tape().record(&inputs, output, || BatchNormalization {
            input: self.value().clone(),
            norm,
            of_batch,
        })
    }
}

struct BatchNormalization<E: Element> {
    input: Tensor<E>,
    norm: BatchNorm<E>,
    /// Whether the statistics are those of the input, and move with it.
    of_batch: bool,
}

impl<E: Element> Op<E> for BatchNormalization<E> {
    fn name(&self) -> &'static str {
        "batch_normalization"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let back = gradient.batch_normalization_gradients(
            &self.input,
            &self.norm,
            self.of_batch,
            wanted[0],
        )?;
        let mut gradients = vec![back.input];
        gradients.extend(self.norm.gamma.is_some().then_some(Some(back.gamma)));
        gradients.extend(self.norm.beta.is_some().then_some(Some(back.beta)));
        Ok(gradients)
    }
}

/// Input, γ, β, mean and variance to check.
type Values = [Tensor<f64>; 5];

fn draw(s: &mut Sampler) -> Values {
    let shape = [s.shape(1, 3, 4), vec![s.integer(1, 3)]].concat();
    let channels = &shape[shape.len() - 1..];
    let [gamma, beta] = [(); 2].map(|()| s.away_from_zero(channels));
    let (mean, variance) = (s.tensor(channels), s.positive(channels));
    [s.tensor(&shape), gamma, beta, mean, variance]
}

pub(super) const SPEC: Spec = Spec {
    name: "batch_normalization",
    formula: "γ (x − mean) / √(variance + ε) + β, then relu",
    sample: |s| {
        let (of_batch, relu, epsilon) = (s.coin(), s.coin(), s.number(0.01, 0.5));
        let (with_gamma, with_beta) = (s.coin(), s.coin());
        let apply = move |v: &[Var<f64>], mean: &Tensor<f64>, variance: &Tensor<f64>, relu| {
            let gamma = with_gamma.then(|| &v[1]);
            let beta = with_beta.then(|| &v[1 + usize::from(with_gamma)]);
            if of_batch {
                let normalized = v[0].batch_normalization(gamma, beta, epsilon, relu)?;
                return Ok(normalized.output);
            }
            v[0].batch_normalization_with((mean, variance), gamma, beta, epsilon, relu)
        };
        let given = move |[x, gamma, beta, ..]: &Values| {
            let gamma = with_gamma.then(|| ("gamma", gamma.clone()));
            let beta = with_beta.then(|| ("beta", beta.clone()));
            [("x", x.clone())].into_iter().chain(gamma).chain(beta)
        };
        // Away from the bend of the relu: a small step moves the statistics, and with them every value a little.
        let values = s.until(draw, |values| {
            let tape = crate::Tape::new();
            let v: Vec<_> = given(values)
                .map(|(_, value)| tape.constant(&value))
                .collect();
            let linear = apply(&v, &values[3], &values[4], false);
            !relu || linear.is_ok_and(|y| y.value().to_vec().iter().all(|y| y.abs() >= 1e-3))
        });
        let [.., mean, variance] = values.clone();
        Sample::new(move |v| apply(v, &mean, &variance, relu)).inputs_from(given(&values))
    },
};
