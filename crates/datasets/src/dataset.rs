//! What training needs of a data set, and the two general ones: a part of another, and tensors in memory.

use crate::{Error, Result};
use std::ops::Range;
use std::sync::Arc;
use taper_tensor::Tensor;

/// Samples addressed by index, converted to f32 a batch at a time.
///
/// A data set is cheap to share: reading takes `&self` and happens on a thread of its own while the previous
/// batch is trained on.
///
/// ```
/// use taper_datasets::Dataset;
/// /// Learn to double a number.
/// struct Doubles;
/// impl Dataset for Doubles {
///     fn len(&self) -> usize { 100 }
///     fn input_shape(&self) -> &[usize] { &[1] }
///     fn target_shape(&self) -> &[usize] { &[1] }
///     fn read_input(&self, index: usize, out: &mut [f32]) { out[0] = index as f32 }
///     fn read_target(&self, index: usize, out: &mut [f32]) { out[0] = 2.0 * index as f32 }
///     fn name(&self) -> &str { "doubles" }
/// }
/// let mut target = [0.0];
/// Doubles.read_target(21, &mut target);
/// assert_eq!(target, [42.0]);
/// ```
pub trait Dataset: Send + Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of one input, e.g. `[28, 28, 1]`.
    fn input_shape(&self) -> &[usize];

    /// Shape of one target, e.g. `[10]` one-hot.
    fn target_shape(&self) -> &[usize];

    /// Writes input `index` (below [`len`](Dataset::len)) into `out`, which has as many values as
    /// [`input_shape`](Dataset::input_shape). Every value must be written: `out` holds old data.
    fn read_input(&self, index: usize, out: &mut [f32]);

    /// Writes target `index` into `out`, under the same terms.
    fn read_target(&self, index: usize, out: &mut [f32]);

    /// The class of a sample, when targets are classes.
    fn label(&self, _index: usize) -> Option<usize> {
        None
    }

    /// Names of the classes by number; empty when there are none.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// Name for reports, e.g. `mnist/train`.
    fn name(&self) -> &str;

    /// Hexadecimal SHA-256 of the raw data, if known: provenance for checkpoints and reports.
    fn digest(&self) -> Option<&str> {
        None
    }
}

/// A reference, a box or a shared pointer to a data set is one too.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $pointer {
            fn len(&self) -> usize { (**self).len() }
            fn input_shape(&self) -> &[usize] { (**self).input_shape() }
            fn target_shape(&self) -> &[usize] { (**self).target_shape() }
            fn read_input(&self, index: usize, out: &mut [f32]) { (**self).read_input(index, out) }
            fn read_target(&self, index: usize, out: &mut [f32]) { (**self).read_target(index, out) }
            fn label(&self, index: usize) -> Option<usize> { (**self).label(index) }
            fn class_names(&self) -> &[String] { (**self).class_names() }
            fn name(&self) -> &str { (**self).name() }
            fn digest(&self) -> Option<&str> { (**self).digest() }
        }
    )*};
}
forward!(&D, Box<D>, Arc<D>);

/// A run of consecutive samples of another data set.
#[derive(Debug, Clone)]
pub struct Subset<D> {
    dataset: D,
    range: Range<usize>,
    name: String,
}

impl<D: Dataset> Subset<D> {
    /// The first `count` samples (all of them if there are fewer).
    pub fn first(dataset: D, count: usize) -> Self {
        let end = count.min(dataset.len());
        Self::named(dataset, 0..end)
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
        Ok(Self::named(dataset, range))
    }

    fn named(dataset: D, range: Range<usize>) -> Self {
        let name = match range == (0..dataset.len()) {
            true => dataset.name().to_string(),
            false => format!("{}[{}..{}]", dataset.name(), range.start, range.end),
        };
        Self {
            dataset,
            range,
            name,
        }
    }

    /// The whole data set.
    pub fn inner(&self) -> &D {
        &self.dataset
    }

    fn at(&self, index: usize) -> usize {
        assert!(
            index < self.range.len(),
            "sample {index} of {}, which has {}",
            self.name,
            self.range.len()
        );
        self.range.start + index
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    fn len(&self) -> usize {
        self.range.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.dataset.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.dataset.target_shape()
    }
    fn read_input(&self, index: usize, out: &mut [f32]) {
        self.dataset.read_input(self.at(index), out);
    }
    fn read_target(&self, index: usize, out: &mut [f32]) {
        self.dataset.read_target(self.at(index), out);
    }
    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(self.at(index))
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
}

/// Inputs and targets held as two tensors, sample by sample along axis 0.
#[derive(Debug, Clone)]
pub struct InMemory {
    inputs: Tensor,
    targets: Tensor,
    class_names: Vec<String>,
    name: String,
}

impl InMemory {
    /// A data set of `inputs` `[n, …]` and `targets` `[n, …]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when one has no axis of samples or the numbers of samples differ.
    pub fn new(inputs: Tensor, targets: Tensor) -> Result<Self> {
        let (a, b) = (inputs.shape(), targets.shape());
        if a.is_empty() || b.is_empty() || a[0] != b[0] {
            let message = format!(
                "inputs {a:?} and targets {b:?} need the same number of samples along axis 0"
            );
            return Err(Error::shape("in-memory data set", message));
        }
        let (inputs, targets) = (inputs.contiguous(), targets.contiguous());
        Ok(Self {
            inputs,
            targets,
            class_names: Vec::new(),
            name: "in memory".into(),
        })
    }

    /// Names the data set (default `in memory`).
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Names the classes of one-hot targets (default: none).
    pub fn with_class_names(mut self, names: Vec<String>) -> Self {
        self.class_names = names;
        self
    }
}

/// Row `index` of a contiguous tensor.
fn row(tensor: &Tensor, index: usize) -> &[f32] {
    let shape = tensor.shape();
    assert!(index < shape[0], "sample {index} of {}", shape[0]);
    let size: usize = shape[1..].iter().product();
    let values = tensor.as_slice().unwrap_or(&[]);
    &values[index * size..(index + 1) * size]
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.inputs.shape()[0]
    }
    fn input_shape(&self) -> &[usize] {
        &self.inputs.shape()[1..]
    }
    fn target_shape(&self) -> &[usize] {
        &self.targets.shape()[1..]
    }
    fn read_input(&self, index: usize, out: &mut [f32]) {
        out.copy_from_slice(row(&self.inputs, index));
    }
    fn read_target(&self, index: usize, out: &mut [f32]) {
        out.copy_from_slice(row(&self.targets, index));
    }
    /// The position of the one in a one-hot target; `None` for any other kind of target.
    fn label(&self, index: usize) -> Option<usize> {
        let target = row(&self.targets, index);
        let one_hot = target.len() > 1 && target.iter().all(|&value| value == 0.0 || value == 1.0);
        let mut ones = target
            .iter()
            .enumerate()
            .filter(|&(_, &value)| value == 1.0);
        match (one_hot, ones.next(), ones.next()) {
            (true, Some((class, _)), None) => Some(class),
            _ => None,
        }
    }
    fn class_names(&self) -> &[String] {
        &self.class_names
    }
    fn name(&self) -> &str {
        &self.name
    }
}
