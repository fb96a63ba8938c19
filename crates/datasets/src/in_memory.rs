//! A data set of tensors: what a program has computed itself, and what tests train on.

use crate::dataset::{check_fields, check_weight};
use crate::{Dataset, Error, Field, Result, Sample};
use std::sync::{Arc, OnceLock};
use taper_tensor::Tensor;

/// Inputs and targets held as tensors, sample by sample along axis 0. Cloning shares them.
#[derive(Debug, Clone)]
pub struct InMemory {
    inputs: Vec<Column>,
    targets: Vec<Column>,
    sample_weights: Option<Tensor>,
    class_names: Vec<String>,
    name: String,
    /// Made when it is first asked for.
    fingerprint: Arc<OnceLock<String>>,
}

/// One input or target of all samples.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    /// Contiguous, `[n, …]`.
    values: Tensor,
}

impl InMemory {
    /// A data set of `inputs` `[n, …]` and `targets` `[n, …]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when one has no axis of samples or the numbers of samples differ.
    pub fn new(inputs: Tensor, targets: Tensor) -> Result<Self> {
        Self::named([("input", inputs)], [("target", targets)])
    }

    /// A data set of several inputs and targets, each `[n, …]` under a name of its own.
    ///
    /// ```
    /// use taper_datasets::{Batches, Dataset, InMemory};
    /// use taper_tensor::Tensor;
    /// let data = InMemory::named(
    ///     [("image", Tensor::zeros([10, 8, 8, 1])), ("age", Tensor::zeros([10, 1]))],
    ///     [("class", Tensor::zeros([10, 3]))],
    /// )?
    /// .with_sample_weights(Tensor::ones([10]))?;
    /// assert_eq!(data.inputs()[1].name, "age");
    /// let _ = Batches::new(&data, 4).for_each(|batch| {
    ///     assert_eq!(batch.inputs[0].shape()[1..], [8, 8, 1]);
    ///     assert!(batch.sample_weights.is_some());
    ///     std::ops::ControlFlow::Break(())
    /// })?;
    /// # Ok::<(), taper_datasets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] when there is no input or no target, two inputs or two targets share a name, one has no axis
    /// of samples, or the numbers of samples differ.
    pub fn named<'a>(
        inputs: impl IntoIterator<Item = (&'a str, Tensor)>,
        targets: impl IntoIterator<Item = (&'a str, Tensor)>,
    ) -> Result<Self> {
        let column = |(name, values): (&str, Tensor)| Column {
            name: name.to_string(),
            values: values.contiguous(),
        };
        let data = Self {
            inputs: inputs.into_iter().map(column).collect(),
            targets: targets.into_iter().map(column).collect(),
            sample_weights: None,
            class_names: Vec::new(),
            name: "in memory".into(),
            fingerprint: Arc::default(),
        };
        data.check().map(|()| data)
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

    /// Gives every sample a weight in the loss (default: all count the same): `[n]`, finite, not negative.
    ///
    /// # Errors
    /// [`Error::Shape`] for another shape; [`Error::Sample`] for another value.
    pub fn with_sample_weights(mut self, weights: Tensor) -> Result<Self> {
        let (shape, samples) = (weights.shape(), self.len());
        if shape != [samples] {
            let message =
                format!("the weights of {samples} samples are [{samples}], not {shape:?}");
            return Err(Error::shape("in-memory data set", message));
        }
        let weights = weights.contiguous();
        for (index, &weight) in weights.as_slice().unwrap_or(&[]).iter().enumerate() {
            check_weight(&self.name, index, weight)?;
        }
        self.sample_weights = Some(weights);
        self.fingerprint = Arc::default();
        Ok(self)
    }

    fn check(&self) -> Result<()> {
        let operation = "in-memory data set";
        check_fields(operation, "input", &self.inputs())?;
        check_fields(operation, "target", &self.targets())?;
        let first = &self.inputs[0];
        for column in self.inputs.iter().chain(&self.targets) {
            let (a, b) = (first.values.shape(), column.values.shape());
            if a.is_empty() || b.is_empty() || a[0] != b[0] {
                let message = format!(
                    "`{}` {a:?} and `{}` {b:?} need the same number of samples along axis 0",
                    first.name, column.name
                );
                return Err(Error::shape(operation, message));
            }
        }
        Ok(())
    }

    fn read(&self, columns: &[Column], at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        let row = columns.get(field).and_then(|column| column.row(at.index));
        let Some(row) = row.filter(|row| row.len() == out.len()) else {
            let message = format!(
                "field {field} of {} was asked for with {} values, of {} samples",
                columns.len(),
                out.len(),
                self.len()
            );
            return Err(Error::sample(&self.name, at.index, message));
        };
        out.copy_from_slice(row);
        Ok(())
    }
}

impl Column {
    fn shape(&self) -> &[usize] {
        self.values.shape().get(1..).unwrap_or(&[])
    }

    fn field(&self) -> Field {
        Field::new(&self.name, self.shape())
    }

    /// The values of one sample; `None` beyond the last one.
    fn row(&self, index: usize) -> Option<&[f32]> {
        let size: usize = self.shape().iter().product();
        let values = self.values.as_slice().unwrap_or(&[]);
        (index < self.values.shape()[0]).then(|| &values[index * size..(index + 1) * size])
    }
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.inputs[0].values.shape()[0]
    }
    fn input_shape(&self) -> &[usize] {
        self.inputs[0].shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.targets[0].shape()
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.read(&self.inputs, at, 0, out)
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        self.read(&self.targets, at, 0, out)
    }
    fn inputs(&self) -> Vec<Field> {
        self.inputs.iter().map(Column::field).collect()
    }
    fn targets(&self) -> Vec<Field> {
        self.targets.iter().map(Column::field).collect()
    }
    fn read_input_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.read(&self.inputs, at, field, out)
    }
    fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        self.read(&self.targets, at, field, out)
    }
    fn is_in_memory(&self) -> bool {
        true
    }

    fn has_sample_weights(&self) -> bool {
        self.sample_weights.is_some()
    }
    fn sample_weight(&self, index: usize) -> f32 {
        let weights = self.sample_weights.as_ref().and_then(Tensor::as_slice);
        let weight = weights.and_then(|weights| weights.get(index));
        weight.copied().unwrap_or(1.0)
    }
    /// The position of the one in a one-hot first target; `None` for any other kind of target.
    fn label(&self, index: usize) -> Option<usize> {
        let target = self.targets[0].row(index)?;
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
    /// 64 bits of all values, weights of samples included.
    fn fingerprint(&self) -> Option<String> {
        let made = self.fingerprint.get_or_init(|| {
            let columns = self.inputs.iter().chain(&self.targets);
            let all = columns
                .map(|column| &column.values)
                .chain(&self.sample_weights);
            let hash = all.fold(0, |hash, tensor| {
                mixed(hash, tensor.as_slice().unwrap_or(&[]))
            });
            format!("{hash:016x}")
        });
        Some(made.clone())
    }
}

/// Eight lanes side by side, so that it takes as long as reading memory does; each step can be undone, so that no single
/// change goes unseen.
fn mixed(start: u64, values: &[f32]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let step = |lane: u64, value: f32| {
        (lane ^ u64::from(value.to_bits()))
            .wrapping_mul(FACTOR)
            .rotate_left(29)
    };
    let mut lanes: [u64; 8] = std::array::from_fn(|i| start.wrapping_add(i as u64));
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane = step(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = step(*lane, *value);
    }
    let fold = |hash: u64, lane: &u64| (hash ^ lane).wrapping_mul(FACTOR).rotate_left(31);
    lanes.iter().fold(values.len() as u64, fold)
}
