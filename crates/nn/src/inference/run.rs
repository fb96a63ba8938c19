//! Running what is to be done, one stage behind the other: which memory each reads and writes.

use super::places::{Inputs, Memory, Value};
use super::stage::{Stage, TASKS};
use super::steps::Run;
use taper_tensor::buffer::Buffer;
use taper_tensor::prepared::{Cut, in_pool};

/// A stage, and the model's values from which and to which it works.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) stage: Stage,
    pub(super) from: Vec<Value>,
    pub(super) to: Vec<Value>,
}

/// The working memory that the tasks of these deeds need: how many tasks, and values of each.
pub(super) fn task_memory(deeds: &[Deed], max_batch: usize) -> [usize; 2] {
    let most = deeds.iter().map(|deed| deed.stage.memory()).max();
    [TASKS.min(max_batch).max(1), most.unwrap_or(0).max(1)]
}

/// Below this many products a batch stays on the thread that has it: to wake the pool from outside, and to sleep until it is
/// done, takes longer.
const POOL_PRODUCTS: usize = 1 << 21;

/// Takes `n` samples, no more than there is memory for, through all deeds.
pub(super) fn run(
    deeds: &[Deed],
    n: usize,
    inputs: &[&[f32]],
    outputs: &mut [&mut [f32]],
    memory: &mut Memory,
) -> Run {
    let products: usize = deeds.iter().map(|deed| deed.stage.products()).sum();
    let is_cut = n.saturating_mul(products) > POOL_PRODUCTS;
    if is_cut && deeds.iter().any(|deed| deed.stage.is_cut(n)) {
        in_pool(|| all(deeds, n, inputs, outputs, memory, Cut::Tasks))
    } else {
        all(deeds, n, inputs, outputs, memory, Cut::Whole)
    }
}

fn all(
    deeds: &[Deed],
    n: usize,
    inputs: &[&[f32]],
    outputs: &mut [&mut [f32]],
    memory: &mut Memory,
    cut: Cut,
) -> Run {
    for deed in deeds {
        if let [to] = deed.to[..] {
            let mut target = Target::take(to, outputs, memory);
            let done = deed.run(n, inputs, &mut [target.values()], memory, cut);
            target.give_back(to, outputs, memory);
            done?;
            continue;
        }
        let take = |&to: &Value| Target::take(to, outputs, memory);
        let mut targets: Vec<Target<'_>> = deed.to.iter().map(take).collect();
        let mut y: Vec<&mut [f32]> = targets.iter_mut().map(Target::values).collect();
        let done = deed.run(n, inputs, &mut y, memory, cut);
        for (target, &to) in targets.into_iter().zip(&deed.to) {
            target.give_back(to, outputs, memory);
        }
        done?;
    }
    Ok(())
}

impl Deed {
    fn run(
        &self,
        n: usize,
        inputs: &[&[f32]],
        y: &mut [&mut [f32]],
        memory: &mut Memory,
        cut: Cut,
    ) -> Run {
        let x = Inputs {
            from: &self.from,
            inputs,
            between: &memory.between,
            sizes: &[],
            first: 0,
        };
        self.stage.run(n, x, y, &mut memory.tasks, cut)
    }
}

/// Memory that is taken out of its place while it is written.
enum Target<'a> {
    Between(Option<Buffer<f32>>),
    Output(&'a mut [f32]),
}

impl<'a> Target<'a> {
    fn take(to: Value, outputs: &mut [&'a mut [f32]], memory: &mut Memory) -> Self {
        match to {
            Value::Between(place) => Target::Between(memory.between[place].take()),
            Value::Output(index) => Target::Output(std::mem::take(&mut outputs[index])),
            Value::Input(_) => Target::Between(None), // inputs are not written
        }
    }

    fn values(&mut self) -> &mut [f32] {
        match self {
            Target::Between(buffer) => buffer.as_deref_mut().unwrap_or_default(),
            Target::Output(values) => values,
        }
    }

    fn give_back(self, to: Value, outputs: &mut [&'a mut [f32]], memory: &mut Memory) {
        match (self, to) {
            (Target::Between(buffer), Value::Between(place)) => memory.between[place] = buffer,
            (Target::Output(values), Value::Output(index)) => outputs[index] = values,
            _ => {}
        }
    }
}
