//! Running what is to be done, one deed behind the other: which memory each reads and writes.

use super::junctions::{Meeting, Reads};
use super::places::{Memory, Value, find};
use super::stage::{Run, Stage, TASKS};
use taper_tensor::buffer::Buffer;
use taper_tensor::prepared::in_pool;

/// Something that is done: from values to values.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) task: Task,
    pub(super) from: Vec<Value>,
    pub(super) to: Vec<Value>,
}

#[derive(Debug)]
pub(super) enum Task {
    /// Steps one behind the other, from one value to one.
    Stage(Stage),
    /// A junction.
    Meeting(Meeting),
}

impl Deed {
    pub(super) fn stage(stage: Stage, from: Value, to: Value) -> Deed {
        Deed {
            task: Task::Stage(stage),
            from: vec![from],
            to: vec![to],
        }
    }

    /// Whether `n` samples are work for more than one thread.
    pub(super) fn is_cut(&self, n: usize) -> bool {
        match &self.task {
            Task::Stage(stage) => stage.is_cut(n),
            Task::Meeting(meeting) => meeting.work.is_cut(n),
        }
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
