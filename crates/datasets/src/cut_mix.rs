//! Images with a box from others, and targets mixed by its area.

use crate::mixing::{Draws, mix};
use crate::{Dataset, Error, Field, Result, Sample};
use taper_tensor::Seed;

/// Every image with a box from another one (Yun et al. 2019), as Keras's `CutMix` does it with a batch: the box has the share
/// 1 − λ of the area, with λ from the beta distribution with both parameters drawn from a range; targets become λ·own +
/// (1 − λ)·other's. All is drawn anew for each sample in each epoch. The other one is any of the whole data set (Keras takes
/// one of the same batch). Targets must be what can be mixed: one-hot, not numbers of classes. Sample weights stay those of the
/// sample; a class ([`Dataset::label`]) it has no longer. Of several inputs the first is cut.
///
/// It is for training alone: validation is of samples as they are.
///
/// ```
/// use taper_datasets::{CutMix, Dataset, InMemory, Sample};
/// use taper_tensor::{Seed, Tensor};
/// let images = Tensor::from_fn([2, 8, 8, 1], |i| (i / 64) as f32); // one black, one white
/// let data = InMemory::new(images, Tensor::one_hot(&[0, 1], 2)?)?;
/// let mixed = CutMix::new(data, [0.0, 1.0], Seed(7))?;
/// let mut image = [0.0; 64];
/// mixed.read_input(Sample { index: 0, epoch: 3 }, &mut image)?;
/// assert!(image.iter().all(|&x| x == 0.0 || x == 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CutMix<D> {
    dataset: D,
    factor: [f64; 2],
    seed: Seed,
    name: String,
}

/// A box in pixels, from and to rows and columns, and the share of the image that stays.
struct Cut {
    rows: [f64; 2],
    columns: [f64; 2],
    share: f64,
}

impl<D: Dataset> CutMix<D> {
    /// Mixes by a beta distribution with both parameters from this range (Keras's default is from 0 to 1).
    ///
    /// # Errors
    /// [`Error::Shape`] when the range is not within 0 to 1 or reversed, or the inputs are no images
    /// `[height, width, channels]`.
    pub fn new(dataset: D, factor: [f64; 2], seed: Seed) -> Result<Self> {
        let [low, high] = factor;
        if !(0.0 <= low && low <= high && high <= 1.0) {
            let message = format!("factor is {factor:?}, it must be a range within 0 to 1");
            return Err(Error::shape("CutMix", message));
        }
        let [_, _, _] = dataset.input_shape() else {
            let found = dataset.input_shape();
            let message =
                format!("images [height, width, channels] are wanted, these are {found:?}");
            return Err(Error::shape("CutMix", message));
        };
        let name = format!(
            "{} cut and mixed by {low} to {high}, seed {}",
            dataset.name(),
            seed.0
        );
        Ok(CutMix {
            dataset,
            factor,
            seed,
            name,
        })
    }

    /// What is mixed.
    pub fn inner(&self) -> &D {
        &self.dataset
    }

    fn cut(&self, draws: &Draws) -> Cut {
        let [low, high] = self.factor;
        let alpha = low + (high - low) * draws.uniform(0) + 1e-6;
        let part = (1.0 - draws.beta(alpha)).sqrt();
        let side = |which: u64, length: usize| {
            let length = length as f64;
            let first = draws.uniform(which) * (length - part * length);
            [first, first + part * length]
        };
        Cut {
            rows: side(2, self.input_shape()[0]),
            columns: side(1, self.input_shape()[1]),
            share: 1.0 - part * part,
        }
    }
}

impl<D: Dataset> Dataset for CutMix<D> {
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
        self.dataset.read_input_field(at, field, out)?;
        if field != 0 {
            return Ok(());
        }
        let draws = Draws::of(self.seed, at);
        let mut other = vec![0.0; out.len()];
        self.dataset
            .read_input_field(draws.partner(self.len()), 0, &mut other)?;
        let cut = self.cut(&draws);
        let (width, channels) = (self.input_shape()[1], self.input_shape()[2].max(1));
        let pixels = out
            .chunks_exact_mut(channels)
            .zip(other.chunks_exact(channels));
        for (i, (out, other)) in pixels.enumerate() {
            let (row, column) = ((i / width) as f64, (i % width) as f64);
            let is_in = |[from, to]: [f64; 2], at: f64| from <= at && at < to;
            if is_in(cut.rows, row) && is_in(cut.columns, column) {
                out.copy_from_slice(other);
            }
        }
        Ok(())
    }
    fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.dataset.read_target_field(at, field, out)?;
        let draws = Draws::of(self.seed, at);
        let mut other = vec![0.0; out.len()];
        self.dataset
            .read_target_field(draws.partner(self.len()), field, &mut other)?;
        mix(out, &other, self.cut(&draws).share);
        Ok(())
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
        let [low, high] = self.factor;
        Some(format!("{whole}[CutMix {low} {high} {}]", self.seed.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemory;
    use taper_tensor::Tensor;

    /// Black and white images: how much of either there is, the target says.
    #[test]
    fn targets_are_mixed_by_the_area_of_the_box() {
        let images = Tensor::from_fn([2, 40, 30, 2], |i| (i / 2400) as f32);
        let data = InMemory::new(images, Tensor::one_hot(&[0, 1], 2).unwrap()).unwrap();
        let mixed = CutMix::new(&data, [1.0, 1.0], Seed(3)).unwrap();
        let (mut differing, mut whites) = (0, Vec::new());
        for epoch in 0..200 {
            let at = Sample { index: 0, epoch };
            let (mut image, mut target) = (vec![0.0; 2400], [0.0; 2]);
            mixed.read_input(at, &mut image).unwrap();
            mixed.read_target(at, &mut target).unwrap();
            let white = f64::from(image.iter().sum::<f32>()) / 2400.0;
            assert!(
                (white - f64::from(target[1])).abs() <= 0.06,
                "{white}, {target:?}"
            );
            assert!((target[0] + target[1] - 1.0).abs() <= 1e-6);
            if target[1] > 0.0 {
                differing += 1;
                whites.push(white);
            }
        }
        // Every other partner is the image itself; with both parameters 1 the area is uniform.
        assert!((70..130).contains(&differing), "{differing}");
        let mean = whites.iter().sum::<f64>() / whites.len() as f64;
        assert!((mean - 0.5).abs() <= 0.1, "{mean}");
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let images = InMemory::new(Tensor::zeros([1, 2, 2, 1]), Tensor::zeros([1, 1])).unwrap();
        for factor in [[-0.1, 0.5], [0.5, 0.2], [0.0, 1.5], [f64::NAN, 1.0]] {
            let error = CutMix::new(&images, factor, Seed(0)).unwrap_err();
            assert!(error.to_string().contains("factor"), "{error}");
        }
        let rows = InMemory::new(Tensor::zeros([1, 4]), Tensor::zeros([1, 1])).unwrap();
        assert!(CutMix::new(&rows, [0.0, 1.0], Seed(0)).is_err());
    }
}
