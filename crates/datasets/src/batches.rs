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
        let (order, first, count) = (self.order(), self.first_batch, self.count());
        self.reserve(count.saturating_sub(first));
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(DEPTH - 1);
            let producer = scope.spawn(move || {
                for number in first..count {
                    // Fails when the receiver is gone: nobody wants more.
                    if sender.send(self.assemble(&order, number)).is_err() {
                        break;
                    }
                }
            });
            // Moved into the loop, the receiver is dropped on every way out, which frees a waiting producer.
            for batch in receiver {
                each(batch)?;
            }
            if let Err(panic) = producer.join() {
                std::panic::resume_unwind(panic);
            }
            ControlFlow::Continue(())
        })
    }

    /// Takes the memory of all batches that may be under way at once (one in use, `DEPTH - 1` waiting, one in the making),
    /// and gives it to the pool: how far the producer gets ahead must not decide when memory is taken.
    fn reserve(&self, batches: usize) {
        let samples = self.size().min(self.dataset.len());
        let values = [self.dataset.input_shape(), self.dataset.target_shape()]
            .map(|shape| samples * shape.iter().product::<usize>());
        let under_way = 0..batches.min(DEPTH + 1);
        let room: Vec<_> = under_way
            .map(|_| values.map(Buffer::<f32>::uninit))
            .collect();
        drop(room);
    }

    fn size(&self) -> usize {
        self.batch_size.max(1)
    }

    /// Batch `number` of the epoch that visits samples in `order`.
    fn assemble(&self, order: &[u32], number: usize) -> Batch {
        let start = number * self.size();
        let indices = order[start..order.len().min(start + self.size())].to_vec();
        let inputs = gather(&indices, self.dataset.input_shape(), |i, out| {
            self.dataset.read_input(i, out)
        });
        let targets = gather(&indices, self.dataset.target_shape(), |i, out| {
            self.dataset.read_target(i, out)
        });
        Batch {
            inputs,
            targets,
            indices,
            number,
        }
    }
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

/// A tensor `[n, …shape]` of recycled memory, one sample after the other.
fn gather(indices: &[u32], shape: &[usize], read: impl Fn(usize, &mut [f32])) -> Tensor {
    let size: usize = shape.iter().product();
    let mut buffer = Buffer::uninit(indices.len() * size);
    if size > 0 {
        for (&index, out) in indices.iter().zip(buffer.chunks_exact_mut(size)) {
            read(index as usize, out);
        }
    }
    let mut whole = vec![indices.len()];
    whole.extend_from_slice(shape);
    Tensor::from_buffer(whole, buffer)
}
