//! Steps, and the stages that they form: which samples go through them together, and who runs them.

use super::steps::{Then, Work};
use crate::Error;
use taper_tensor::prepared::{Cut, Pieces, TASK_PRODUCTS, by_samples};

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
pub(super) const TASKS: usize = 16;
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
    pub(super) fn memory(&self) -> usize {
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

    pub(super) fn run(&self, n: usize, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Run {
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
