//! What a network says of the images it is judged on: kept, so that figures can be made of it without training again.

use taper_datasets::Dataset;
use taper_nn::Model;
use taper_train::prediction::predicted;

use crate::{Error, Result};

/// Of a truth that is no class.
const NONE: i32 = -1;

/// The outputs of a network for the images it is judged on, with their true classes.
///
/// A run keeps them in two arrays of NumPy's in the folder of a job, 40 bytes an image of ten classes: `predictions.npy`
/// (float32, images × outputs; the class probabilities, if that is what the network gives) and `truths.npy` (int32; −1
/// where an image has no class).
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    pub(super) width: usize,
    pub(super) scores: Vec<f32>,
    pub(super) truths: Vec<i32>,
}

/// Which images a job's network has right.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// One an image that has a class, in the order of the data set.
    Kept(Vec<bool>),
    /// The job is not done, or was by a version that did not keep its predictions.
    NotKept,
    /// They were kept and cannot be read; this says why.
    Unreadable(String),
}

impl Predictions {
    /// Predicts all of `data`, a batch at a time, by [prepared inference](taper_nn::inference).
    ///
    /// # Errors
    /// A model that does not fit the data.
    pub fn of(model: &Model, data: &dyn Dataset, batch_size: usize) -> Result<Predictions> {
        let width = model.output_shape().last().copied();
        let width = width.ok_or_else(|| Error::Fit("the model has no output".into()))?;
        let scores = taper_train::predict(model, data, batch_size)?.to_vec();
        let truths: Result<Vec<i32>> = (0..data.len())
            .map(|index| {
                let truth = true_class(data, index)?;
                Ok(truth
                    .and_then(|class| class.try_into().ok())
                    .unwrap_or(NONE))
            })
            .collect();
        Predictions::new(width, scores, truths?).map_err(Error::Fit)
    }

    /// Of outputs, `width` an image, and true classes, −1 for none.
    ///
    /// # Errors
    /// They are not of the same images.
    pub fn new(width: usize, scores: Vec<f32>, truths: Vec<i32>) -> Result<Predictions, String> {
        if width == 0 || truths.len().checked_mul(width) != Some(scores.len()) {
            return Err(format!(
                "{} outputs and {} true classes are not of the same images",
                scores.len(),
                truths.len()
            ));
        }
        Ok(Predictions {
            width,
            scores,
            truths,
        })
    }

    /// How many classes its outputs are for: one output stands for two.
    #[must_use]
    pub fn classes(&self) -> usize {
        if self.width == 1 { 2 } else { self.width }
    }

    /// The outputs for every image that has one of the classes: its number, its class, and they.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        let rows = self.scores.chunks_exact(self.width).zip(&self.truths);
        rows.enumerate().filter_map(|(index, (scores, &truth))| {
            let truth = usize::try_from(truth).ok()?;
            (truth < self.classes()).then_some((index, truth, scores))
        })
    }

    /// The confusion matrix (rows: true classes), and how many images of each class have no prediction; empty if all
    /// have one.
    #[must_use]
    pub fn counts(&self) -> (Vec<Vec<u32>>, Vec<u32>) {
        let classes = self.classes();
        let mut confusion = vec![vec![0u32; classes]; classes];
        let mut unpredicted = Vec::new();
        for (_, truth, scores) in self.iter() {
            match predicted(scores) {
                Some(predicted) => confusion[truth][predicted] += 1,
                None => {
                    unpredicted.resize(classes, 0);
                    unpredicted[truth] += 1;
                }
            }
        }
        (confusion, unpredicted)
    }

    /// Which images are right, by the [one rule](taper_train::prediction) for what a network says.
    #[must_use]
    pub fn right(&self) -> Vec<bool> {
        let right = self.iter();
        right
            .map(|(_, truth, scores)| predicted(scores) == Some(truth))
            .collect()
    }
}

/// The class of a sample: its label, or what its target says; `None` if that is no class.
fn true_class(data: &dyn Dataset, index: usize) -> Result<Option<usize>> {
    if let Some(class) = data.label(index) {
        return Ok(Some(class));
    }
    let mut target = vec![0.0; data.target_shape().iter().product()];
    data.read_target(index.into(), &mut target)?;
    Ok(match target[..] {
        // A class number; what is none equals no whole number.
        [number] => (number == (number as usize) as f32).then_some(number as usize),
        _ => predicted(&target),
    })
}
