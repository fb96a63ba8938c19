//! Stages: which samples go through which parts together, and who runs them.

use super::junctions::{Meeting, Reads};
use super::places::{Ends, Inner, Inputs, Outputs, Places, Value};
use super::steps::{Run, Then, Work};
use taper_tensor::prepared::{Cut, Pieces, TASK_PRODUCTS, by_samples, samples_of};

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
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Run {
        let result = self.work.run(n, x, y, cut);
        result.map_err(|error| (self.nodes.first().copied().unwrap_or(0), error))?;
        self.then.iter().for_each(|then| then.apply(y));
        Ok(())
    }
}

#[derive(Debug)]
pub(super) enum Task {
    /// From one value to one.
    Step(Step),
    /// A junction.
    Meeting(Meeting),
}

impl Task {
    /// Name and nodes.
    pub(super) fn covers(&self) -> (&'static str, &[usize]) {
        match self {
            Task::Step(step) => (step.name, &step.nodes),
            Task::Meeting(meeting) => (meeting.name, &meeting.nodes),
        }
    }

    /// What is done in place behind it.
    pub(super) fn then(&mut self) -> &mut Vec<Then> {
        match self {
            Task::Step(step) => &mut step.then,
            Task::Meeting(meeting) => &mut meeting.then,
        }
    }

    /// Values of a sample of each input.
    pub(super) fn inputs(&self) -> &[usize] {
        match self {
            Task::Step(step) => std::slice::from_ref(&step.inputs),
            Task::Meeting(meeting) => &meeting.inputs,
        }
    }

    /// Values of a sample of each output.
    fn outputs(&self) -> &[usize] {
        match self {
            Task::Step(step) => std::slice::from_ref(&step.outputs),
            Task::Meeting(meeting) => &meeting.outputs,
        }
    }

    /// Whether it may run sample by sample, any samples beside any others.
    fn is_local(&self) -> bool {
        let is_local = match self {
            Task::Step(step) => step.work.is_local(),
            Task::Meeting(meeting) => meeting.work.is_local(),
        };
        is_local && !self.inputs().contains(&0) && !self.outputs().contains(&0)
    }

    fn products(&self) -> usize {
        match self {
            Task::Step(step) => step.work.products(),
            Task::Meeting(meeting) => meeting.work.products(),
        }
    }

    fn is_cut(&self, n: usize) -> bool {
        match self {
            Task::Step(step) => step.work.is_cut(n),
            Task::Meeting(meeting) => meeting.work.is_cut(n),
        }
    }
}

/// Something that is done, and the values from which and to which: those of the model while it is put together, those
/// of its stage in the end.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) task: Task,
    pub(super) from: Vec<Value>,
    pub(super) to: Vec<Value>,
}

impl Part {
    /// Runs `n` samples, the inputs' from `x`, the outputs' to `y`, what lies between parts in `memory`.
    fn run(
        &self,
        places: &Places,
        n: usize,
        x: Inputs<'_>,
        y: &mut [&mut [f32]],
        memory: &mut [f32],
        cut: Cut,
    ) -> Run {
        match self.to[..] {
            [Value::Between(place)] => {
                let (target, inner) = places.around(n, place, memory);
                let reads = self.reads(n, x, inner, Outputs::all(y));
                self.compute(reads, &mut [target], cut)
            }
            [Value::Output(index)] => {
                let (target, outputs) = Outputs::around(index, y);
                let reads = self.reads(n, x, places.all(n, memory), outputs);
                self.compute(reads, &mut [target], cut)
            }
            _ => self.run_several(places, n, x, y, memory, cut),
        }
    }

    /// The same with any number of outputs. This one does allocate.
    fn run_several(
        &self,
        places: &Places,
        n: usize,
        x: Inputs<'_>,
        y: &mut [&mut [f32]],
        memory: &mut [f32],
        cut: Cut,
    ) -> Run {
        let mut slices = places.slices(n, memory);
        let mut outputs: Vec<&mut [f32]> = y.iter_mut().map(|y| &mut **y).collect();
        let take = |to: &Value| match *to {
            Value::Between(place) => std::mem::take(&mut slices[place]),
            Value::Output(index) => std::mem::take(&mut outputs[index]),
            Value::Input(_) => &mut [], // inputs are not written
        };
        let mut targets: Vec<&mut [f32]> = self.to.iter().map(take).collect();
        let reads = self.reads(n, x, Inner::Slices(&slices), Outputs::all(&outputs));
        self.compute(reads, &mut targets, cut)
    }

    fn reads<'a>(
        &'a self,
        n: usize,
        inputs: Inputs<'a>,
        inner: Inner<'a>,
        outputs: Outputs<'a>,
    ) -> Reads<'a> {
        Reads {
            n,
            sizes: self.task.inputs(),
            from: &self.from,
            inputs,
            inner,
            outputs,
        }
    }

    /// From what is read to the targets, which may be longer than the samples.
    fn compute(&self, reads: Reads<'_>, targets: &mut [&mut [f32]], cut: Cut) -> Run {
        let n = reads.n;
        match (&self.task, targets) {
            (Task::Step(step), [y]) => step.run(n, reads.get(0), &mut y[..n * step.outputs], cut),
            (Task::Meeting(meeting), [y]) => {
                meeting.run(reads, &mut [&mut y[..n * meeting.outputs[0]]], cut)
            }
            (Task::Meeting(meeting), several) => {
                let targets = several.iter_mut().zip(&meeting.outputs);
                let mut y: Vec<&mut [f32]> = targets.map(|(y, size)| &mut y[..n * size]).collect();
                meeting.run(reads, &mut y, cut)
            }
            // A step has one output.
            (Task::Step(_), _) => Ok(()),
        }
    }
}

/// Parts that run one behind the other on the same samples.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) parts: Vec<Part>,
    /// Values of a sample of each input.
    inputs: Vec<usize>,
    /// Values of a sample of each output.
    outputs: Vec<usize>,
    /// What lies between the parts.
    places: Places,
    /// Whether samples may be handed to different tasks; otherwise there is one part, which sees the whole batch.
    is_local: bool,
}

/// A batch is cut into at most this many tasks, whatever the number of threads.
pub(super) const TASKS: usize = 16;
/// Fewer samples than this are cut inside each layer instead.
const FEW: usize = 4;
/// Samples that go through a stage together have at most this many values between two layers: they stay in the L2 cache.
const TOGETHER: usize = 1 << 16;
/// More samples than this gain nothing from going together.
const MOST_TOGETHER: usize = 8;

impl Stage {
    /// Whether these two may be in one stage.
    pub(super) fn takes(last: &Part, next: &Part) -> bool {
        last.task.is_local() && next.task.is_local()
    }

    /// Of parts whose values are the model's; `is_read` says of one between parts whether anybody else reads it. Also
    /// which of the model's values are the stage's inputs and outputs, in order.
    pub(super) fn new(
        mut parts: Vec<Part>,
        is_read: impl Fn(Value) -> bool,
    ) -> (Stage, Vec<Value>, Vec<Value>) {
        let is_local = parts.iter().all(|part| part.task.is_local());
        let (mut from, mut inputs) = (Vec::new(), Vec::new());
        let (mut to, mut outputs) = (Vec::new(), Vec::new());
        let (mut inner, mut sizes) = (Vec::new(), Vec::new());
        let at = |list: &[Value], value: &Value| list.iter().position(|other| other == value);
        for part in &mut parts {
            for (value, &size) in part.from.iter_mut().zip(part.task.inputs()) {
                *value = if let Some(number) = at(&inner, value) {
                    Value::Between(number)
                } else if let Some(number) = at(&to, value) {
                    Value::Output(number)
                } else {
                    Value::Input(at(&from, value).unwrap_or_else(|| {
                        from.push(*value);
                        inputs.push(size);
                        from.len() - 1
                    }))
                };
            }
            for (value, &size) in part.to.iter_mut().zip(part.task.outputs()) {
                if matches!(value, Value::Output(_)) || is_read(*value) {
                    to.push(*value);
                    outputs.push(size);
                    *value = Value::Output(to.len() - 1);
                } else {
                    inner.push(*value);
                    sizes.push(size);
                    *value = Value::Between(inner.len() - 1);
                }
            }
        }
        let ends = parts.iter_mut().map(|part| Ends {
            from: &mut part.from,
            to: &mut part.to,
        });
        let places = Places::new(&mut ends.collect::<Vec<_>>(), &sizes);
        let stage = Stage {
            parts,
            inputs,
            outputs,
            places,
            is_local,
        };
        (stage, from, to)
    }

    /// The most values of a sample between two parts.
    fn between(&self) -> usize {
        self.places.largest()
    }

    /// Samples that go through the parts together.
    fn together(&self) -> usize {
        (TOGETHER / self.between().max(1)).clamp(1, MOST_TOGETHER)
    }

    /// Working memory of a task.
    pub(super) fn memory(&self) -> usize {
        self.together() * self.places.total()
    }

    /// Products of a sample.
    pub(super) fn products(&self) -> usize {
        self.parts.iter().map(|part| part.task.products()).sum()
    }

    /// Whether samples of a batch of `n` are handed to tasks.
    fn is_cut_by_samples(&self, n: usize) -> bool {
        self.is_local && n >= FEW && n * self.products() > TASK_PRODUCTS
    }

    /// Whether a batch of `n` is work for more than one thread.
    pub(super) fn is_cut(&self, n: usize) -> bool {
        self.is_cut_by_samples(n)
            || (!self.is_local || n < FEW) && self.parts.iter().any(|part| part.task.is_cut(n))
    }

    /// Takes `n` samples, from the first of the inputs on, through all parts.
    pub(super) fn run(
        &self,
        n: usize,
        x: Inputs<'_>,
        y: &mut [&mut [f32]],
        memory: &mut [f32],
        cut: Cut,
    ) -> Run {
        let x = Inputs {
            sizes: &self.inputs,
            ..x
        };
        if !self.is_local {
            return self.through(n, x, y, memory, cut);
        }
        if cut == Cut::Whole || !self.is_cut_by_samples(n) {
            let cut = if n < FEW { cut } else { Cut::Whole };
            return self.samples(n, x, y, memory, cut);
        }
        let pieces = Pieces {
            samples: n.div_ceil(TASKS),
            outputs: &self.outputs,
            memory: self.memory().max(1),
        };
        by_samples(pieces, n, y, memory, |first, n, y, memory| {
            self.samples(n, x.from(first), y, memory, Cut::Whole)
        })
    }

    /// All samples of a task, some together.
    fn samples(
        &self,
        n: usize,
        x: Inputs<'_>,
        y: &mut [&mut [f32]],
        memory: &mut [f32],
        cut: Cut,
    ) -> Run {
        let together = if cut == Cut::Tasks {
            1
        } else {
            self.together()
        };
        for first in (0..n).step_by(together) {
            let count = together.min(n - first);
            samples_of(first..first + count, &self.outputs, y, |y| {
                self.through(count, x.from(first), y, memory, cut)
            })?;
        }
        Ok(())
    }

    /// `n` samples through all parts.
    fn through(
        &self,
        n: usize,
        x: Inputs<'_>,
        y: &mut [&mut [f32]],
        memory: &mut [f32],
        cut: Cut,
    ) -> Run {
        self.parts
            .iter()
            .try_for_each(|part| part.run(&self.places, n, x, y, memory, cut))
    }
}
