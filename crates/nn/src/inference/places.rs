//! Where values lie between the things that are done: places that are taken again as soon as their last reader is done.
//! A chain needs two, which take turns. There are places for a batch between stages, and for some samples between the
//! parts of a stage.

use crate::{Error, Result, config};
use taper_tensor::buffer::Buffer;

/// A value, by where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// An input of the model, or of a stage.
    Input(usize),
    /// One that lies between deeds, or between the parts of a stage: its number, and once there are places, its place.
    Between(usize),
    /// An output of the model, or of a stage.
    Output(usize),
}

/// What a deed reads and what it writes.
pub(super) struct Ends<'a> {
    pub(super) from: &'a mut [Value],
    pub(super) to: &'a mut [Value],
}

/// How large each place is, in values of a sample.
#[derive(Debug)]
pub(super) struct Places(pub(super) Vec<usize>);

impl Places {
    /// Gives the values between deeds, which are this large, their places, and puts the places' numbers into the deeds.
    pub(super) fn new(deeds: &mut [Ends<'_>], sizes: &[usize]) -> Places {
        let mut last_reader = vec![None; sizes.len()];
        for (index, deed) in deeds.iter().enumerate() {
            for value in &*deed.from {
                if let Value::Between(number) = value {
                    last_reader[*number] = Some(index);
                }
            }
        }
        let mut places: Vec<usize> = Vec::new();
        let mut free: Vec<bool> = Vec::new();
        let mut place_of = vec![0; sizes.len()];
        for (index, deed) in deeds.iter_mut().enumerate() {
            // What is written must not lie where something is still read.
            for value in &mut *deed.to {
                let Value::Between(number) = *value else {
                    continue;
                };
                let place = free.iter().position(|&free| free).unwrap_or(places.len());
                if place == places.len() {
                    places.push(0);
                    free.push(true);
                }
                free[place] = false;
                places[place] = places[place].max(sizes[number]);
                place_of[number] = place;
                *value = Value::Between(place);
                if last_reader[number].is_none() {
                    // Nobody reads it: the place is free for the next deed, but not for this one's other outputs.
                    last_reader[number] = Some(index);
                }
            }
            for value in &mut *deed.from {
                if let Value::Between(number) = *value {
                    *value = Value::Between(place_of[number]);
                }
            }
            for (number, last) in last_reader.iter().enumerate() {
                if *last == Some(index) {
                    free[place_of[number]] = true;
                }
            }
        }
        Places(places)
    }

    /// Values of a sample in the largest place.
    pub(super) fn largest(&self) -> usize {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Values of a sample in all places together.
    pub(super) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Where a place begins in memory that holds all places, one behind the other, of `n` samples.
    fn offset(&self, n: usize, place: usize) -> usize {
        n * self.0[..place].iter().sum::<usize>()
    }

    /// All places, for reading.
    pub(super) fn all<'a>(&'a self, n: usize, memory: &'a [f32]) -> Inner<'a> {
        Inner::Around {
            places: self,
            n,
            before: memory,
            after: &[],
            target: self.0.len(),
        }
    }

    /// One place for writing, the others for reading.
    pub(super) fn around<'a>(
        &'a self,
        n: usize,
        target: usize,
        memory: &'a mut [f32],
    ) -> (&'a mut [f32], Inner<'a>) {
        let (before, rest) = memory.split_at_mut(self.offset(n, target));
        let (values, after) = rest.split_at_mut(n * self.0[target]);
        let inner = Inner::Around {
            places: self,
            n,
            before,
            after,
            target,
        };
        (values, inner)
    }

    /// Every place by itself.
    pub(super) fn slices<'a>(&self, n: usize, mut memory: &'a mut [f32]) -> Vec<&'a mut [f32]> {
        let slice = |&size: &usize| {
            let (slice, rest) = std::mem::take(&mut memory).split_at_mut(n * size);
            memory = rest;
            slice
        };
        self.0.iter().map(slice).collect()
    }
}

/// Places between the parts of a stage, for reading: all but those that are being written.
#[derive(Clone, Copy)]
pub(super) enum Inner<'a> {
    Around {
        places: &'a Places,
        n: usize,
        before: &'a [f32],
        after: &'a [f32],
        /// The place between the two.
        target: usize,
    },
    Slices(&'a [&'a mut [f32]]),
}

impl<'a> Inner<'a> {
    fn get(self, place: usize) -> &'a [f32] {
        match self {
            Inner::Around {
                places,
                n,
                before,
                after,
                target,
            } => {
                let first = places.offset(n, place);
                if place < target {
                    &before[first..]
                } else {
                    &after[first - places.offset(n, target + 1)..]
                }
            }
            Inner::Slices(slices) => slices[place],
        }
    }
}

/// What a stage has written of its outputs already, for reading.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'a> {
    before: &'a [&'a mut [f32]],
    after: &'a [&'a mut [f32]],
}

impl<'a> Outputs<'a> {
    pub(super) fn all(outputs: &'a [&'a mut [f32]]) -> Self {
        Outputs {
            before: outputs,
            after: &[],
        }
    }

    /// One for writing, the others for reading.
    pub(super) fn around<'b: 'a>(
        target: usize,
        outputs: &'a mut [&'b mut [f32]],
    ) -> (&'a mut [f32], Self) {
        let (before, rest) = outputs.split_at_mut(target);
        match rest {
            [target, after @ ..] => (&mut **target, Outputs { before, after }),
            [] => (&mut [], Outputs { before, after: &[] }),
        }
    }

    fn get(self, index: usize) -> &'a [f32] {
        match self.before.get(index) {
            Some(output) => output,
            None => self.after[index - self.before.len() - 1],
        }
    }
}

/// The inputs of a stage, from one of the samples on.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    /// Where they are among the model's values.
    pub(super) from: &'a [Value],
    /// Those of the model.
    pub(super) inputs: &'a [&'a [f32]],
    pub(super) between: &'a [Option<Buffer<f32>>],
    /// Values of a sample of each.
    pub(super) sizes: &'a [usize],
    pub(super) first: usize,
}

impl<'a> Inputs<'a> {
    /// From a later sample on.
    pub(super) fn from(self, first: usize) -> Self {
        Inputs {
            first: self.first + first,
            ..self
        }
    }

    fn get(self, index: usize) -> &'a [f32] {
        let values = find(self.from[index], self.inputs, self.between);
        &values[self.first * self.sizes[index]..]
    }
}

/// What a part of a stage reads.
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    /// Samples.
    pub(super) n: usize,
    /// Values of a sample of each input.
    pub(super) sizes: &'a [usize],
    pub(super) from: &'a [Value],
    pub(super) inputs: Inputs<'a>,
    pub(super) inner: Inner<'a>,
    pub(super) outputs: Outputs<'a>,
}

impl<'a> Reads<'a> {
    /// The values of one input.
    pub(super) fn get(self, index: usize) -> &'a [f32] {
        let values = match self.from[index] {
            Value::Input(input) => self.inputs.get(input),
            Value::Between(place) => self.inner.get(place),
            Value::Output(output) => self.outputs.get(output),
        };
        &values[..self.n * self.sizes[index]]
    }

    /// The values of each input.
    pub fn iter(self) -> impl Iterator<Item = &'a [f32]> {
        (0..self.from.len()).map(move |index| self.get(index))
    }
}

/// What lies between deeds and between the steps of each task, taken once.
#[derive(Debug)]
pub(super) struct Memory {
    /// A place is empty only while it is written.
    pub(super) between: Vec<Option<Buffer<f32>>>,
    pub(super) tasks: Buffer<f32>,
}

impl Memory {
    /// Enough for batches of `max_batch`, with so many values of working memory for so many tasks.
    pub(super) fn new(places: &Places, max_batch: usize, tasks: [usize; 2]) -> Result<Memory> {
        let between = places.0.iter().map(|&size| [max_batch, size]);
        let mut total = 0usize;
        for length in between.clone().chain([tasks]) {
            let sum = config::elements(&length).and_then(|n| total.checked_add(n));
            total = sum.filter(|&n| n <= isize::MAX as usize / 8).ok_or_else(|| {
                let message = format!("batches of {max_batch} need more memory than there can be; prepare fewer samples at once");
                Error::layer("prepare", message)
            })?;
        }
        Ok(Memory {
            between: between
                .map(|[n, each]| Some(Buffer::zeros(n * each)))
                .collect(),
            tasks: Buffer::zeros(tasks[0] * tasks[1]),
        })
    }
}

/// The values at a place, for reading.
fn find<'a>(value: Value, inputs: &[&'a [f32]], between: &'a [Option<Buffer<f32>>]) -> &'a [f32] {
    match value {
        Value::Input(index) => inputs[index],
        // A place that is being written is not read by the same deed; an output by none.
        Value::Between(place) => between[place].as_deref().unwrap_or(&[]),
        Value::Output(_) => &[],
    }
}
