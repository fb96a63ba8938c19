//! Where values lie between the things that are done: places that are taken again as soon as their last reader is done.
//! A chain needs two, which take turns.

use crate::{Error, Result, config};
use taper_tensor::buffer::Buffer;

/// A value, by where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// An input of the model.
    Input(usize),
    /// One that lies between deeds: its number, and once there are places, its place.
    Between(usize),
    /// An output of the model.
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
pub(super) fn find<'a>(
    value: Value,
    inputs: &[&'a [f32]],
    between: &'a [Option<Buffer<f32>>],
) -> &'a [f32] {
    match value {
        Value::Input(index) => inputs[index],
        // A place that is being written is not read by the same deed; an output by none.
        Value::Between(place) => between[place].as_deref().unwrap_or(&[]),
        Value::Output(_) => &[],
    }
}
