//! Batches in order or shuffled, prepared by a thread of their own while the last one is trained on, where that pays.

use crate::dataset::{check_fields, check_weight};
use crate::{Dataset, Error, Field, Result, Sample};
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use taper_tensor::buffer::Buffer;
use taper_tensor::{Seed, Stream, Tensor};

/// Batches that are ready but not yet asked for. Two hide the reading; more would only hold memory.
const DEPTH: usize = 2;

/// Batches in memory of up to so many values are read by the thread that wants them: to wake another takes longer than the
/// copy, of 128 KiB at most.
const SMALL: usize = 1 << 15;

/// A batch ready to train on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Batch {
    /// The data set's inputs in their order, each `[n, …shape]`; at least one.
    pub inputs: Vec<Tensor>,
    /// The data set's targets in their order, each `[n, …shape]`; at least one.
    pub targets: Vec<Tensor>,
    /// `[n]`, finite, not negative; `None` when all samples count the same.
    pub sample_weights: Option<Tensor>,
    /// Which samples of the data set these are.
    pub indices: Vec<u32>,
    /// Position in the epoch, from 0.
    pub number: usize,
}

impl Batch {
    /// The first input, which is the only one of most data sets: `[n, …input_shape]`.
    pub fn input(&self) -> &Tensor {
        &self.inputs[0]
    }

    /// The first target, which is the only one of most data sets: `[n, …target_shape]`.
    pub fn target(&self) -> &Tensor {
        &self.targets[0]
    }
}

/// The batches of one epoch: a pure function of data set, batch size, seed and epoch, so that an interrupted
/// epoch goes on at any batch. The last, partial batch is kept.
///
/// ```
/// use std::ops::ControlFlow;
/// use taper_datasets::{Batches, InMemory};
/// use taper_tensor::{Seed, Tensor};
/// let data = InMemory::new(Tensor::zeros([10, 4]), Tensor::zeros([10, 2]))?;
/// let mut sizes = Vec::new();
/// let _ = Batches::new(&data, 4).shuffled(Seed(7), 0).for_each(|batch| {
///     sizes.push(batch.input().shape()[0]);
///     ControlFlow::<()>::Continue(())
/// })?;
/// assert_eq!(sizes, [4, 4, 2]);
/// # Ok::<(), taper_datasets::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Batches<'a> {
    /// Where samples come from.
    pub dataset: &'a dyn Dataset,
    /// Samples per batch (0 counts as 1).
    pub batch_size: usize,
    /// The epoch, from 0: which order a seed gives, and what samples are told that differ from epoch to epoch.
    pub epoch: u64,
    /// Seed of the shuffle; `None` keeps the order of the data set.
    pub shuffle: Option<Seed>,
    /// Batches to skip at the start, e.g. when an epoch is resumed.
    pub first_batch: usize,
}

impl<'a> Batches<'a> {
    /// All batches of epoch 0 in the order of the data set.
    pub fn new(dataset: &'a dyn Dataset, batch_size: usize) -> Self {
        Self {
            dataset,
            batch_size,
            epoch: 0,
            shuffle: None,
            first_batch: 0,
        }
    }

    /// The same of another epoch, in the order that there is.
    pub fn in_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The same of this epoch, shuffled sample by sample, differently in every one.
    pub fn shuffled(mut self, seed: Seed, epoch: u64) -> Self {
        self.shuffle = Some(seed);
        self.in_epoch(epoch)
    }

    /// The same, from batch `number` on.
    pub fn starting_at(mut self, number: usize) -> Self {
        self.first_batch = number;
        self
    }

    /// Batches in the whole epoch, skipped ones included.
    pub fn count(&self) -> usize {
        self.dataset.len().div_ceil(self.size())
    }

    /// The samples of the whole epoch in the order they are visited.
    ///
    /// # Panics
    /// If the data set has more than 2³² samples.
    pub fn order(&self) -> Vec<u32> {
        let len =
            u32::try_from(self.dataset.len()).expect("a data set of at most 2^32 - 1 samples");
        match self.shuffle {
            Some(seed) => {
                let key = seed.key(Stream::Shuffle, self.epoch);
                key.permutation(len as usize)
            }
            None => (0..len).collect(),
        }
    }

    /// Calls `each` with every batch from [`first_batch`](Batches::first_batch) on, while a thread prepares the
    /// next ones (unless they are [in memory](Dataset::is_in_memory) and small); stops early when it returns `Break`, and gives that back.
    ///
    /// # Errors
    /// That of the first sample that cannot be read or has an impossible weight, after all batches before its own;
    /// [`Error::Shape`] for a data set without inputs or targets, or with two of the same name.
    ///
    /// # Panics
    /// With the panic of the data set, should reading a sample panic.
    pub fn for_each<B>(
        &self,
        mut each: impl FnMut(Batch) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        let (fields, order) = (&Fields::of(self.dataset)?, self.order());
        let numbers = self.first_batch..self.count();
        let mut rest = numbers.map(|number| self.unread(fields, &order, number));
        if self.dataset.is_in_memory() && self.size().saturating_mul(fields.values()) <= SMALL {
            for batch in rest {
                if let ControlFlow::Break(value) = each(self.read(fields, batch)?) {
                    return Ok(ControlFlow::Break(value));
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        std::thread::scope(|scope| {
            // Memory comes from this thread alone, at the same points of every epoch: how far the producer has got must
            // not decide how much is under way while a step takes its own.
            let (unread, to_read) = sync_channel::<Unread>(DEPTH);
            let (sender, receiver) = sync_channel(DEPTH);
            let producer = scope.spawn(move || {
                for batch in to_read {
                    let batch = self.read(fields, batch);
                    let failed = batch.is_err();
                    // Fails when the receiver is gone: nobody wants more.
                    if sender.send(batch).is_err() || failed {
                        break;
                    }
                }
            });
            let mut unread = Some(unread);
            let mut ask_for_next = || match (rest.next(), &unread) {
                // Fails when the producer has failed or panicked, which is found below.
                (Some(batch), Some(unread)) => drop(unread.send(batch)),
                _ => unread = None, // that was all: the producer ends
            };
            for _ in 0..DEPTH {
                ask_for_next();
            }
            // Moved into the loop, the receiver is dropped on every way out, which frees a waiting producer.
            for batch in receiver {
                let batch = batch?;
                ask_for_next();
                if let ControlFlow::Break(value) = each(batch) {
                    return Ok(ControlFlow::Break(value));
                }
            }
            if let Err(panic) = producer.join() {
                std::panic::resume_unwind(panic);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn size(&self) -> usize {
        self.batch_size.max(1)
    }

    /// Batch `number` of the epoch that visits samples in `order`, before its samples are read.
    fn unread(&self, fields: &Fields, order: &[u32], number: usize) -> Unread {
        let start = number * self.size();
        let indices = order[start..order.len().min(start + self.size())].to_vec();
        let room = |field: &Field| Buffer::uninit(indices.len() * field.size());
        Unread {
            inputs: fields.inputs.iter().map(room).collect(),
            targets: fields.targets.iter().map(room).collect(),
            sample_weights: fields.weighted.then(|| Buffer::uninit(indices.len())),
            indices,
            number,
        }
    }

    fn read(&self, fields: &Fields, batch: Unread) -> Result<Batch> {
        let (data, epoch) = (self.dataset, self.epoch);
        let Unread {
            inputs,
            targets,
            sample_weights,
            indices,
            number,
        } = batch;
        let inputs = gather_all(&indices, &fields.inputs, inputs, |index, field, out| {
            data.read_input_field(Sample { index, epoch }, field, out)
        })?;
        let targets = gather_all(&indices, &fields.targets, targets, |index, field, out| {
            data.read_target_field(Sample { index, epoch }, field, out)
        })?;
        let weight = |index, out: &mut [f32]| {
            out[0] = data.sample_weight(index);
            check_weight(data.name(), index, out[0])
        };
        let sample_weights = sample_weights
            .map(|memory| gather(&indices, &[], memory, weight))
            .transpose()?;
        Ok(Batch {
            inputs,
            targets,
            sample_weights,
            indices,
            number,
        })
    }
}

/// What a batch consists of, asked for once an epoch.
struct Fields {
    inputs: Vec<Field>,
    targets: Vec<Field>,
    weighted: bool,
}

impl Fields {
    /// Values of a sample.
    fn values(&self) -> usize {
        let fields = self.inputs.iter().chain(&self.targets);
        fields.map(Field::size).sum()
    }

    fn of(dataset: &dyn Dataset) -> Result<Self> {
        let (inputs, targets) = (dataset.inputs(), dataset.targets());
        for (kind, fields, shape) in [
            ("input", &inputs, dataset.input_shape()),
            ("target", &targets, dataset.target_shape()),
        ] {
            check_fields("batches", kind, fields)?;
            if fields[0].shape != shape {
                let message = format!(
                    "{} says that its {kind} is {shape:?}, and that its first {kind} is {:?}",
                    dataset.name(),
                    fields[0].shape
                );
                return Err(Error::shape("batches", message));
            }
        }
        Ok(Self {
            inputs,
            targets,
            weighted: dataset.has_sample_weights(),
        })
    }
}

/// A batch and its memory, which holds no samples yet.
struct Unread {
    inputs: Vec<Buffer<f32>>,
    targets: Vec<Buffer<f32>>,
    sample_weights: Option<Buffer<f32>>,
    indices: Vec<u32>,
    number: usize,
}

impl std::fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches")
            .field("dataset", &self.dataset.name())
            .field("batch_size", &self.batch_size)
            .field("epoch", &self.epoch)
            .field("shuffle", &self.shuffle)
            .field("first_batch", &self.first_batch)
            .finish()
    }
}

/// A tensor for each field; `read` is given a sample's index and the field's.
fn gather_all(
    indices: &[u32],
    fields: &[Field],
    memories: Vec<Buffer<f32>>,
    read: impl Fn(usize, usize, &mut [f32]) -> Result<()>,
) -> Result<Vec<Tensor>> {
    let gather_one = |(i, (field, memory)): (usize, (&Field, Buffer<f32>))| {
        gather(indices, &field.shape, memory, |index, out| {
            read(index, i, out)
        })
    };
    let pairs = fields.iter().zip(memories);
    pairs.enumerate().map(gather_one).collect()
}

/// A tensor `[n, …shape]` in `memory`, one sample after the other.
fn gather(
    indices: &[u32],
    shape: &[usize],
    mut memory: Buffer<f32>,
    read: impl Fn(usize, &mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let size: usize = shape.iter().product();
    if size > 0 {
        for (&index, out) in indices.iter().zip(memory.chunks_exact_mut(size)) {
            read(index as usize, out)?;
        }
    }
    let mut whole = vec![indices.len()];
    whole.extend_from_slice(shape);
    Ok(Tensor::from_buffer(whole, memory))
}
