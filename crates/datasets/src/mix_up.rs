//! Samples mixed with others, and their targets alike.

use crate::mixing::{Draws, mix};
use crate::{Dataset, Error, Field, Result, Sample};
use taper_tensor::Seed;

/// Every sample mixed with another one (Zhang et al. 2018), as Keras's `MixUp` does it with a batch: inputs and targets become
/// λ·own + (1 − λ)·other's, with λ from the beta distribution with both parameters `alpha`, drawn anew for each sample in each
/// epoch. The other one is any of the whole data set (Keras takes one of the same batch). Targets must be what can be mixed:
/// one-hot, not numbers of classes. Sample weights stay those of the sample; a class ([`Dataset::label`]) it has no longer.
///
/// It is for training alone: validation is of samples as they are.
///
/// ```
/// use taper_datasets::{Dataset, InMemory, MixUp, Sample};
/// use taper_tensor::{Seed, Tensor};
/// let data = InMemory::new(Tensor::from_fn([2, 1], |i| i as f32), Tensor::one_hot(&[0, 1], 2)?)?;
/// let mixed = MixUp::new(data, 0.2, Seed(7))?;
/// let (mut input, mut target) = ([0.0], [0.0; 2]);
/// for epoch in 0..10 {
///     let at = Sample { index: 0, epoch };
///     mixed.read_input(at, &mut input)?;
///     mixed.read_target(at, &mut target)?;
///     assert_eq!(target[1], input[0]); // both have as much of the other one
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MixUp<D> {
    dataset: D,
    alpha: f64,
    seed: Seed,
    name: String,
}

impl<D: Dataset> MixUp<D> {
    /// Mixes by a beta distribution with both parameters `alpha` (Keras's default is 0.2): the smaller, the more rarely it
    /// mixes evenly.
    ///
    /// # Errors
    /// [`Error::Shape`] when `alpha` is not finite or not above 0.
    pub fn new(dataset: D, alpha: f64, seed: Seed) -> Result<Self> {
        if !(alpha > 0.0 && alpha.is_finite()) {
            let message = format!("alpha is {alpha}, it must be finite and above 0");
            return Err(Error::shape("MixUp", message));
        }
        let name = format!("{} mixed up by {alpha}, seed {}", dataset.name(), seed.0);
        Ok(MixUp {
            dataset,
            alpha,
            seed,
            name,
        })
    }

    /// What is mixed.
    pub fn inner(&self) -> &D {
        &self.dataset
    }

    fn mixed(
        &self,
        at: Sample,
        out: &mut [f32],
        read: impl Fn(Sample, &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        read(at, out)?;
        let draws = Draws::of(self.seed, at);
        let mut other = vec![0.0; out.len()];
        read(draws.partner(self.len()), &mut other)?;
        mix(out, &other, draws.beta(self.alpha));
        Ok(())
    }
}

impl<D: Dataset> Dataset for MixUp<D> {
    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.read_input_field(at, 0, out)
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.read_target_field(at, 0, out)
    }
    fn inputs(&self) -> Vec<Field> {
        self.dataset.inputs()
    }
    fn targets(&self) -> Vec<Field> {
        self.dataset.targets()
    }
    fn read_input_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.mixed(at, out, |at, out| {
            self.dataset.read_input_field(at, field, out)
        })
    }
    fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.mixed(at, out, |at, out| {
            self.dataset.read_target_field(at, field, out)
        })
    }
    fn has_sample_weights(&self) -> bool {
        self.dataset.has_sample_weights()
    }
    fn sample_weight(&self, index: usize) -> f32 {
        self.dataset.sample_weight(index)
    }
    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }
    fn name(&self) -> &str {
        &self.name
    }
    /// The digest of what is mixed; the name tells how.
    fn digest(&self) -> Option<&str> {
        self.dataset.digest()
    }
    /// That of what is mixed, and how.
    fn fingerprint(&self) -> Option<String> {
        let whole = self.dataset.fingerprint()?;
        Some(format!("{whole}[MixUp {} {}]", self.alpha, self.seed.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemory;
    use taper_tensor::Tensor;

    #[test]
    fn inputs_and_targets_are_mixed_alike_and_anew_in_every_epoch() {
        let inputs = Tensor::from_fn([50, 2], |i| i as f32);
        let data = InMemory::new(inputs.clone(), inputs).unwrap();
        let mixed = MixUp::new(&data, 1.0, Seed(3)).unwrap();
        let read = |at| {
            let (mut input, mut target) = ([0.0; 2], [0.0; 2]);
            mixed.read_input(at, &mut input).unwrap();
            mixed.read_target(at, &mut target).unwrap();
            assert_eq!(input, target);
            input
        };
        let at = |epoch| Sample { index: 7, epoch };
        assert_eq!(read(at(0)), read(at(0)));
        let all: std::collections::BTreeSet<u32> =
            (0..20).map(|e| read(at(e))[0].to_bits()).collect();
        assert!(all.len() > 15, "{}", all.len());
        assert_eq!(mixed.label(7), None);
        assert_ne!(mixed.name(), data.name());
    }

    #[test]
    fn alpha_is_above_0() {
        let data = InMemory::new(Tensor::zeros([1, 1]), Tensor::zeros([1, 1])).unwrap();
        for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = MixUp::new(&data, alpha, Seed(0)).unwrap_err();
            assert!(error.to_string().contains("alpha"), "{error}");
        }
    }
}
