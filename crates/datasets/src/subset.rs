//! A part of a data set: a run of samples, or any choice of them.

use crate::{Dataset, Error, Field, Result, Sample};
use std::ops::Range;
use std::sync::Arc;
use taper_files::sha256::Sha256;

/// Some samples of another data set, in an order of their own. Cloning shares the list.
#[derive(Debug, Clone)]
pub struct Subset<D> {
    dataset: D,
    part: Part,
    name: String,
}

#[derive(Debug, Clone)]
enum Part {
    Range(Range<usize>),
    Indices(Arc<[u32]>),
}

impl<D: Dataset> Subset<D> {
    /// The first `count` samples (all of them if there are fewer).
    pub fn first(dataset: D, count: usize) -> Self {
        let end = count.min(dataset.len());
        Self::consecutive(dataset, 0..end)
    }

    /// The samples of `range`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the range is reversed or leaves the data set.
    pub fn range(dataset: D, range: Range<usize>) -> Result<Self> {
        if range.start > range.end || range.end > dataset.len() {
            let message = format!(
                "{range:?} is not within the {} samples of {}",
                dataset.len(),
                dataset.name()
            );
            return Err(Error::shape("subset", message));
        }
        Ok(Self::consecutive(dataset, range))
    }

    /// The samples of these indices, in this order. A sample may stand several times, e.g. to be seen more often.
    ///
    /// The name tells how many there are of how many, and the beginning of the SHA-256 of the list (as little-endian
    /// u32), so that two parts of one data set are told apart.
    ///
    /// ```
    /// use taper_datasets::{Dataset, InMemory, Subset};
    /// use taper_tensor::Tensor;
    /// let data = InMemory::new(Tensor::from_fn([5, 1], |i| i as f32), Tensor::zeros([5, 1]))?;
    /// let part = Subset::indices(&data, vec![4, 0, 4])?;
    /// let mut input = [0.0];
    /// part.read_input(2.into(), &mut input)?;
    /// assert_eq!((part.len(), input), (3, [4.0]));
    /// assert_eq!(part.name(), "in memory[3 of 5: d4b6f1d3]");
    /// # Ok::<(), taper_datasets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] when an index is beyond the data set.
    pub fn indices(dataset: D, indices: Vec<u32>) -> Result<Self> {
        let (all, name) = (dataset.len(), dataset.name());
        if let Some(place) = indices.iter().position(|&index| index as usize >= all) {
            let message = format!(
                "index {} at position {place} is not one of the {all} samples of {name}",
                indices[place]
            );
            return Err(Error::shape("subset", message));
        }
        let mut hash = Sha256::new();
        for index in &indices {
            hash.update(&index.to_le_bytes());
        }
        Ok(Self {
            name: format!("{name}[{} of {all}: {}]", indices.len(), &hash.hex()[..8]),
            part: Part::Indices(indices.into()),
            dataset,
        })
    }

    fn consecutive(dataset: D, range: Range<usize>) -> Self {
        let name = match range == (0..dataset.len()) {
            true => dataset.name().to_string(),
            false => format!("{}[{}..{}]", dataset.name(), range.start, range.end),
        };
        Self {
            dataset,
            part: Part::Range(range),
            name,
        }
    }

    /// The whole data set.
    pub fn inner(&self) -> &D {
        &self.dataset
    }

    /// Where sample `index` of this part stands in the whole data set; `None` beyond the last one.
    pub fn index_in_whole(&self, index: usize) -> Option<usize> {
        match &self.part {
            Part::Range(range) => (index < range.len()).then(|| range.start + index),
            Part::Indices(indices) => indices.get(index).map(|&index| index as usize),
        }
    }

    fn in_whole(&self, at: Sample) -> Result<Sample> {
        let index = self.index_in_whole(at.index);
        let index = index.ok_or_else(|| Error::beyond(&self.name, at.index, self.len()))?;
        Ok(Sample { index, ..at })
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    fn len(&self) -> usize {
        match &self.part {
            Part::Range(range) => range.len(),
            Part::Indices(indices) => indices.len(),
        }
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.dataset.read_input(self.in_whole(at)?, out)
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.dataset.read_target(self.in_whole(at)?, out)
    }
    fn inputs(&self) -> Vec<Field> {
        self.dataset.inputs()
    }
    fn targets(&self) -> Vec<Field> {
        self.dataset.targets()
    }
    fn read_input_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.dataset
            .read_input_field(self.in_whole(at)?, field, out)
    }
    fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.dataset
            .read_target_field(self.in_whole(at)?, field, out)
    }
    fn is_in_memory(&self) -> bool {
        self.dataset.is_in_memory()
    }

    fn has_sample_weights(&self) -> bool {
        self.dataset.has_sample_weights()
    }
    fn sample_weight(&self, index: usize) -> f32 {
        let index = self.index_in_whole(index);
        index.map_or(1.0, |index| self.dataset.sample_weight(index))
    }
    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(self.index_in_whole(index)?)
    }
    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }
    fn name(&self) -> &str {
        &self.name
    }
    /// The digest of the whole data set; the name tells the part.
    fn digest(&self) -> Option<&str> {
        self.dataset.digest()
    }
    /// That of the whole, and which part of it.
    fn fingerprint(&self) -> Option<String> {
        let whole = self.dataset.fingerprint()?;
        let all = self.dataset.len();
        match &self.part {
            Part::Range(range) if *range == (0..all) => Some(whole),
            Part::Range(range) => Some(format!("{whole}[{}..{}]", range.start, range.end)),
            // The list's own digest stands in the name.
            Part::Indices(_) => {
                let list = self.name.rsplit(['[', ']']).nth(1).unwrap_or_default();
                Some(format!("{whole}[{list}]"))
            }
        }
    }
}
