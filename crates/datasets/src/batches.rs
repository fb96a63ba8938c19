//! Batches in order or shuffled, prepared by a thread of their own while the last one is trained on.

use crate::Dataset;
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use taper_tensor::buffer::Buffer;
use taper_tensor::{Seed, Stream, Tensor};

/// Batches that are ready but not yet asked for. Two hide the reading; more would only hold memory.
const DEPTH: usize = 2;

/// A batch ready to train on.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[n, …input_shape]`.
    pub inputs: Tensor,
    /// `[n, …target_shape]`.
    pub targets: Tensor,
    /// Which samples of the data set these are.
    pub indices: Vec<u32>,
    /// Position in the epoch, from 0.
    pub number: usize,
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
///     sizes.push(batch.inputs.shape()[0]);
///     ControlFlow::<()>::Continue(())
/// });
/// assert_eq!(sizes, [4, 4, 2]);
/// # Ok::<(), taper_datasets::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Batches<'a> {
    /// Where samples come from.
    pub dataset: &'a dyn Dataset,
    /// Samples per batch (0 counts as 1).
    pub batch_size: usize,
    /// Seed and epoch of the shuffle; `None` keeps the order of the data set.
    pub shuffle: Option<(Seed, u64)>,
    /// Batches to skip at the start, e.g. when an epoch is resumed.
    pub first_batch: usize,
}

impl<'a> Batches<'a> {
    /// All batches in the order of the data set.
    pub fn new(dataset: &'a dyn Dataset, batch_size: usize) -> Self {
        Self {
            dataset,
            batch_size,
            shuffle: None,
            first_batch: 0,
        }
    }

    /// The same, shuffled sample by sample, differently in every epoch.
    pub fn shuffled(mut self, seed: Seed, epoch: u64) -> Self {
        self.shuffle = Some((seed, epoch));
        self
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
            Some((seed, epoch)) => seed.key(Stream::Shuffle, epoch).permutation(len as usize),
            None => (0..len).collect(),
        }
    }

    /// Calls `each` with every batch from [`first_batch`](Batches::first_batch) on, while a thread prepares the
    /// next ones; stops early when it returns `Break`, and gives that back.
    ///
    /// # Panics
    /// With the panic of the data set, should reading a sample panic.
    pub fn for_each<B>(&self, mut each: impl FnMut(Batch) -> ControlFlow<B>) -> ControlFlow<B> {
        let order = self.order();
        let mut rest = (self.first_batch..self.count()).map(|number| self.unread(&order, number));
        std::thread::scope(|scope| {
            // Memory comes from this thread alone, at the same points of every epoch: how far the producer has got must
            // not decide how much is under way while a step takes its own.
            let (unread, to_read) = sync_channel::<Unread>(DEPTH);
            let (sender, receiver) = sync_channel(DEPTH);
            let producer = scope.spawn(move || {
                for batch in to_read {
                    // Fails when the receiver is gone: nobody wants more.
                    if sender.send(self.read(batch)).is_err() {
                        break;
                    }
                }
            });
            let mut unread = Some(unread);
            let mut ask_for_next = || match (rest.next(), &unread) {
                // Fails when the producer has panicked, which is found below.
                (Some(batch), Some(unread)) => drop(unread.send(batch)),
                _ => unread = None, // that was all: the producer ends
            };
            for _ in 0..DEPTH {
                ask_for_next();
            }
            // Moved into the loop, the receiver is dropped on every way out, which frees a waiting producer.
            for batch in receiver {
                ask_for_next();
                each(batch)?;
            }
            if let Err(panic) = producer.join() {
                std::panic::resume_unwind(panic);
            }
            ControlFlow::Continue(())
        })
    }

    fn size(&self) -> usize {
        self.batch_size.max(1)
    }

    /// Batch `number` of the epoch that visits samples in `order`, before its samples are read.
    fn unread(&self, order: &[u32], number: usize) -> Unread {
        let start = number * self.size();
        let indices = order[start..order.len().min(start + self.size())].to_vec();
        let room =
            |shape: &[usize]| Buffer::uninit(indices.len() * shape.iter().product::<usize>());
        Unread {
            inputs: room(self.dataset.input_shape()),
            targets: room(self.dataset.target_shape()),
            indices,
            number,
        }
    }

    fn read(&self, batch: Unread) -> Batch {
        let Unread {
            inputs,
            targets,
            indices,
            number,
        } = batch;
        let data = self.dataset;
        Batch {
            inputs: gather(&indices, data.input_shape(), inputs, |i, out| {
                data.read_input(i, out)
            }),
            targets: gather(&indices, data.target_shape(), targets, |i, out| {
                data.read_target(i, out)
            }),
            indices,
            number,
        }
    }
}

/// A batch and its memory, which holds no samples yet.
struct Unread {
    inputs: Buffer<f32>,
    targets: Buffer<f32>,
    indices: Vec<u32>,
    number: usize,
}

impl std::fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches")
            .field("dataset", &self.dataset.name())
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.shuffle)
            .field("first_batch", &self.first_batch)
            .finish()
    }
}

/// A tensor `[n, …shape]` in `memory`, one sample after the other.
fn gather(
    indices: &[u32],
    shape: &[usize],
    mut memory: Buffer<f32>,
    read: impl Fn(usize, &mut [f32]),
) -> Tensor {
    let size: usize = shape.iter().product();
    if size > 0 {
        for (&index, out) in indices.iter().zip(memory.chunks_exact_mut(size)) {
            read(index as usize, out);
        }
    }
    let mut whole = vec![indices.len()];
    whole.extend_from_slice(shape);
    Tensor::from_buffer(whole, memory)
}
