//! What training needs of a data set.

use crate::{Error, Result};
use std::sync::Arc;

/// Samples addressed by index, converted to f32 a batch at a time.
///
/// A data set is cheap to share: reading takes `&self` and happens on a thread of its own while the previous
/// batch is trained on.
///
/// ```
/// use taper_datasets::{Dataset, Result, Sample};
/// /// Learn to double a number.
/// struct Doubles;
/// impl Dataset for Doubles {
///     fn len(&self) -> usize { 100 }
///     fn input_shape(&self) -> &[usize] { &[1] }
///     fn target_shape(&self) -> &[usize] { &[1] }
///     fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> { out[0] = at.index as f32; Ok(()) }
///     fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> { out[0] = 2.0 * at.index as f32; Ok(()) }
///     fn name(&self) -> &str { "doubles" }
/// }
/// let mut target = [0.0];
/// Doubles.read_target(21.into(), &mut target)?;
/// assert_eq!(target, [42.0]);
/// # Ok::<(), taper_datasets::Error>(())
/// ```
///
/// # Several inputs and targets
/// A data set with more than one says so in [`inputs`](Dataset::inputs) or [`targets`](Dataset::targets), and reads
/// them in [`read_input_field`](Dataset::read_input_field) or [`read_target_field`](Dataset::read_target_field). The
/// first field is what [`input_shape`](Dataset::input_shape) and [`read_input`](Dataset::read_input) are about, so
/// that whoever needs one input only can take any data set.
///
/// # Augmentation
/// A sample that is to differ from epoch to epoch is a function of its [`Sample`]: with random numbers of
/// `seed.key(Stream::Augment(i), at.epoch)` at positions that `at.index` decides, an interrupted run goes on to the
/// bit. Targets are told the epoch too, because a mask turns with its image.
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

    /// Writes the input of a sample (its index is below [`len`](Dataset::len)) into `out`, which has as many values as
    /// [`input_shape`](Dataset::input_shape). Every value must be written: `out` holds old data.
    ///
    /// # Errors
    /// What keeps the sample from being read, e.g. [`Error::sample`]. It ends the epoch.
    fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()>;

    /// Writes the target of a sample into `out`, under the same terms.
    ///
    /// # Errors
    /// As [`read_input`](Dataset::read_input).
    fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()>;

    /// All inputs by name. Default: one, called `input`.
    fn inputs(&self) -> Vec<Field> {
        vec![Field::new("input", self.input_shape())]
    }

    /// All targets by name. Default: one, called `target`.
    fn targets(&self) -> Vec<Field> {
        vec![Field::new("target", self.target_shape())]
    }

    /// Writes input `field` (its position in [`inputs`](Dataset::inputs)) of a sample into `out`, under the terms of
    /// [`read_input`](Dataset::read_input), which is the default for field 0.
    ///
    /// # Errors
    /// As [`read_input`](Dataset::read_input); by default, for every other field.
    fn read_input_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        match field {
            0 => self.read_input(at, out),
            _ => Err(no_field(self.name(), at, "input", field)),
        }
    }

    /// Writes target `field` of a sample into `out`, as [`read_input_field`](Dataset::read_input_field) does inputs.
    ///
    /// # Errors
    /// As [`read_input_field`](Dataset::read_input_field).
    fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
        match field {
            0 => self.read_target(at, out),
            _ => Err(no_field(self.name(), at, "target", field)),
        }
    }

    /// Whether samples weigh differently; if not, [`sample_weight`](Dataset::sample_weight) is not asked for.
    /// Default: no.
    fn has_sample_weights(&self) -> bool {
        false
    }

    /// Whether samples lie in memory as they are read, so that reading one is no more than a copy: small batches of such are
    /// not worth a thread that prepares them. Default: no.
    fn is_in_memory(&self) -> bool {
        false
    }

    /// How much a sample counts in the loss: finite, not negative. Default: 1.
    fn sample_weight(&self, _index: usize) -> f32 {
        1.0
    }

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

    /// What tells these samples from others, if that can be had: training that goes on compares it. Default: the
    /// [`digest`](Dataset::digest). It is asked for whenever a checkpoint is made, so whatever takes time is kept.
    fn fingerprint(&self) -> Option<String> {
        self.digest().map(str::to_owned)
    }
}

/// Which sample is read, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Its position in the data set.
    pub index: usize,
    /// The epoch it is read for, from 0. Measuring and predicting read all samples as those of epoch 0.
    pub epoch: u64,
}

impl From<usize> for Sample {
    /// The sample of this index in epoch 0.
    fn from(index: usize) -> Self {
        Sample { index, epoch: 0 }
    }
}

/// One of a data set's inputs or targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, by which a model with several inputs or outputs finds it.
    pub name: String,
    /// Its shape for one sample, e.g. `[28, 28, 1]`.
    pub shape: Vec<usize>,
}

impl Field {
    /// A field of this name and shape.
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Field {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }

    /// Values of one sample.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

fn no_field(dataset: &str, at: Sample, kind: &str, field: usize) -> Error {
    let message = format!("{kind} {field} was asked for, but only {kind} 0 can be read");
    Error::sample(dataset, at.index, message)
}

/// An error unless there are fields, each with a name of its own. `kind` is `input` or `target`.
pub(crate) fn check_fields(operation: &'static str, kind: &str, fields: &[Field]) -> Result<()> {
    if fields.is_empty() {
        return Err(Error::shape(
            operation,
            format!("at least one {kind} is needed"),
        ));
    }
    for (i, Field { name, .. }) in fields.iter().enumerate() {
        if fields[..i].iter().any(|other| other.name == *name) {
            let message = format!("two {kind}s are called `{name}`");
            return Err(Error::shape(operation, message));
        }
    }
    Ok(())
}

/// An error unless a loss can be multiplied by the weight.
pub(crate) fn check_weight(dataset: &str, index: usize, weight: f32) -> Result<()> {
    if weight >= 0.0 && weight.is_finite() {
        return Ok(());
    }
    let message = format!("its weight is {weight}; a weight is finite and not negative");
    Err(Error::sample(dataset, index, message))
}

/// A reference, a box or a shared pointer to a data set is one too.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $pointer {
            fn len(&self) -> usize { (**self).len() }
            fn is_empty(&self) -> bool { (**self).is_empty() }
            fn input_shape(&self) -> &[usize] { (**self).input_shape() }
            fn target_shape(&self) -> &[usize] { (**self).target_shape() }
            fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> { (**self).read_input(at, out) }
            fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> { (**self).read_target(at, out) }
            fn inputs(&self) -> Vec<Field> { (**self).inputs() }
            fn targets(&self) -> Vec<Field> { (**self).targets() }
            fn read_input_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
                (**self).read_input_field(at, field, out)
            }
            fn read_target_field(&self, at: Sample, field: usize, out: &mut [f32]) -> Result<()> {
                (**self).read_target_field(at, field, out)
            }
            fn has_sample_weights(&self) -> bool { (**self).has_sample_weights() }
            fn is_in_memory(&self) -> bool { (**self).is_in_memory() }
            fn sample_weight(&self, index: usize) -> f32 { (**self).sample_weight(index) }
            fn label(&self, index: usize) -> Option<usize> { (**self).label(index) }
            fn class_names(&self) -> &[String] { (**self).class_names() }
            fn name(&self) -> &str { (**self).name() }
            fn digest(&self) -> Option<&str> { (**self).digest() }
            fn fingerprint(&self) -> Option<String> { (**self).fingerprint() }
        }
    )*};
}
forward!(&D, Box<D>, Arc<D>);
