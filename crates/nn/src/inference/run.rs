//! Running what is to be done: which memory it reads and writes, and who runs it.

use super::junctions::Reads;
use super::places::{Deed, Memory, Task, Value};
use super::steps::{Then, Work};
use crate::Error;
use taper_tensor::buffer::Buffer;
use taper_tensor::prepared::{Cut, Pieces, TASK_PRODUCTS, by_samples, in_pool};

/// Work, and what follows it in place.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// The nodes that it covers.
    pub(super) nodes: Vec<usize>,
    /// Values of one input.
    pub(super) inputs: usize,
    /// Values of one output.
    pub(super) outputs: usize,
    pub(super) work: Box<dyn Work>,
    pub(super) then: Vec<Then>,
}

impl Step {
    /// Whether it may run sample by sample, any samples beside any others.
    pub(super) fn is_local(&self) -> bool {
        self.work.is_local() && self.inputs > 0 && self.outputs > 0
    }

    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Run {
        let result = self.work.run(n, x, y, cut);
        result.map_err(|error| (self.nodes.first().copied().unwrap_or(0), error))?;
        self.then.iter().for_each(|then| then.apply(y));
        Ok(())
    }
}

/// The error says which node it comes from.
pub(super) type Run = Result<(), (usize, Error)>;

/// Steps that run one behind the other on the same samples.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) steps: Vec<Step>,
    /// Whether samples may be handed to different tasks; otherwise there is one step, which sees the whole batch.
    pub(super) is_local: bool,
}

/// A batch is cut into at most this many tasks, whatever the number of threads.
const TASKS: usize = 16;
/// Fewer samples than this are cut inside each layer instead.
const FEW: usize = 4;
/// Samples that go through a stage together have at most this many values between two layers: they stay in the L2 cache.
const TOGETHER: usize = 1 << 16;
/// More samples than this gain nothing from going together.
const MOST_TOGETHER: usize = 8;

impl Stage {
    pub(super) fn inputs(&self) -> usize {
        self.steps.first().map_or(0, |step| step.inputs)
    }

    pub(super) fn outputs(&self) -> usize {
        self.steps.last().map_or(0, |step| step.outputs)
    }

    /// The most values of a sample between two steps.
    fn between(&self) -> usize {
        let inner = &self.steps[..self.steps.len() - 1];
        inner.iter().map(|step| step.outputs).max().unwrap_or(0)
    }

    /// Samples that go through the steps together.
    fn together(&self) -> usize {
        (TOGETHER / self.between().max(1)).clamp(1, MOST_TOGETHER)
    }

    /// Working memory of a task: two places between steps, which take turns.
    fn memory(&self) -> usize {
        2 * self.together() * self.between()
    }

    fn products(&self) -> usize {
        self.steps.iter().map(|step| step.work.products()).sum()
    }

    /// Whether samples of a batch of `n` are handed to tasks.
    fn is_cut_by_samples(&self, n: usize) -> bool {
        self.is_local && n >= FEW && n * self.products() > TASK_PRODUCTS
    }

    /// Whether a batch of `n` is work for more than one thread.
    pub(super) fn is_cut(&self, n: usize) -> bool {
        self.is_cut_by_samples(n)
            || (!self.is_local || n < FEW) && self.steps.iter().any(|step| step.work.is_cut(n))
    }

    fn run(&self, n: usize, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Run {
        if let ([step], false) = (&self.steps[..], self.is_local) {
            return step.run(n, x, y, Cut::Tasks);
        }
        if !self.is_cut_by_samples(n) {
            let cut = if n < FEW { Cut::Tasks } else { Cut::Whole };
            return self.samples(x, y, memory, cut);
        }
        let pieces = Pieces {
            samples: n.div_ceil(TASKS),
            inputs: self.inputs(),
            outputs: self.outputs(),
            memory: self.memory().max(1),
        };
        by_samples(pieces, x, y, memory, |x, y, memory| {
            self.samples(x, y, memory, Cut::Whole)
        })
    }

    /// All samples of a task, some together.
    fn samples(&self, x: &[f32], y: &mut [f32], memory: &mut [f32], cut: Cut) -> Run {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let together = if cut == Cut::Tasks {
            1
        } else {
            self.together()
        };
        let parts = x
            .chunks(together * inputs)
            .zip(y.chunks_mut(together * outputs));
        for (x, y) in parts {
            self.through(x.len() / inputs, x, y, memory, cut)?;
        }
        Ok(())
    }

    /// `n` samples through all steps: from `x` to one half of the memory, from there to the other, …, to `y`.
    fn through(&self, n: usize, x: &[f32], y: &mut [f32], memory: &mut [f32], cut: Cut) -> Run {
        let (mut from, mut to) = memory.split_at_mut(n * self.between());
        let last = self.steps.len() - 1;
        for (i, step) in self.steps.iter().enumerate() {
            let (inputs, outputs) = (n * step.inputs, n * step.outputs);
            let x = if i == 0 { x } else { &from[..inputs] };
            if i == last {
                step.run(n, x, &mut *y, cut)?;
            } else {
                step.run(n, x, &mut to[..outputs], cut)?;
            }
            std::mem::swap(&mut from, &mut to);
        }
        Ok(())
    }
}

/// The working memory that the tasks of these deeds need: how many tasks, and values of each.
pub(super) fn task_memory(deeds: &[Deed], max_batch: usize) -> [usize; 2] {
    let stage = |deed: &Deed| match &deed.task {
        Task::Stage(stage) => stage.memory(),
        Task::Meeting(_) => 0,
    };
    let most = deeds.iter().map(stage).max().unwrap_or(0);
    [TASKS.min(max_batch).max(1), most.max(1)]
}

/// Takes `n` samples, no more than there is memory for, through all deeds.
pub(super) fn run(
    deeds: &[Deed],
    n: usize,
    inputs: &[&[f32]],
    outputs: &mut [&mut [f32]],
    memory: &mut Memory,
) -> Run {
    if deeds.iter().any(|deed| deed.is_cut(n)) {
        in_pool(|| all(deeds, n, inputs, outputs, memory))
    } else {
        all(deeds, n, inputs, outputs, memory)
    }
}

fn all(
    deeds: &[Deed],
    n: usize,
    inputs: &[&[f32]],
    outputs: &mut [&mut [f32]],
    memory: &mut Memory,
) -> Run {
    for deed in deeds {
        match (&deed.task, &deed.to[..]) {
            (Task::Stage(stage), &[to]) => {
                let mut target = Target::take(to, outputs, memory);
                let y = &mut target.values()[..n * stage.outputs()];
                let x = find(deed.from[0], inputs, &memory.between);
                let x = &x[..n * stage.inputs()];
                let done = stage.run(n, x, y, &mut memory.tasks);
                target.give_back(to, outputs, memory);
                done?;
            }
            (Task::Meeting(meeting), &[to]) => {
                let mut target = Target::take(to, outputs, memory);
                let y = &mut target.values()[..n * meeting.outputs[0]];
                let reads = Reads::new(n, meeting, &deed.from, inputs, &memory.between);
                let done = meeting.run(n, reads, &mut [y]);
                target.give_back(to, outputs, memory);
                done?;
            }
            (Task::Meeting(meeting), several) => {
                let take = |&to: &Value| Target::take(to, outputs, memory);
                let mut targets: Vec<Target<'_>> = several.iter().map(take).collect();
                let sizes = meeting.outputs.iter();
                let mut y: Vec<&mut [f32]> = targets
                    .iter_mut()
                    .zip(sizes)
                    .map(|(target, size)| &mut target.values()[..n * size])
                    .collect();
                let reads = Reads::new(n, meeting, &deed.from, inputs, &memory.between);
                let done = meeting.run(n, reads, &mut y);
                for (target, &to) in targets.into_iter().zip(several) {
                    target.give_back(to, outputs, memory);
                }
                done?;
            }
            // A stage has one output: see `Deed::stage`.
            (Task::Stage(_), _) => {}
        }
    }
    Ok(())
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
