//! `taper bench step`: how long a training or inference step takes. `taper bench start` is in `start.rs`.

use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use taper_nn::{CategoricalCrossentropy, Model, Prepared, Seed};
use taper_optim::{Adam, Optimizer, Penalty, State, Weight, apply};
use taper_tensor::{Stream, Tensor};

use super::start::Start;
use super::{Done, Usage, in_pool, positive, say, threads};
use crate::zoo;

#[derive(Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Time a step: forward, backward and Adam on a fixed batch; or prepared inference
    Step(Step),
    /// Time whole processes: from start to the first prediction of a checkpoint
    Start(Start),
}

#[derive(Args)]
struct Step {
    /// Network of the zoo: cnn, lenet5, mlp, vgg
    #[arg(long, default_value = "cnn")]
    model: String,
    /// Training step or inference
    #[arg(long, value_enum, default_value = "train")]
    mode: Mode,
    /// Images a step
    #[arg(long, value_name = "N", default_value = "64", value_parser = positive)]
    batch: usize,
    /// Threads [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Steps a chunk; 0: as many as take about a second
    #[arg(long, value_name = "N", default_value = "0")]
    steps: usize,
    /// Chunks, of which the median counts
    #[arg(long, value_name = "N", default_value = "5", value_parser = positive)]
    chunks: usize,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Train,
    Infer,
}

/// What was measured: images a second of every chunk.
struct Rates {
    steps: usize,
    chunks: Vec<f64>,
}

impl Bench {
    pub(super) fn run(&self) -> Done {
        match &self.command {
            Command::Step(step) => step.run(),
            Command::Start(start) => start.run(),
        }
    }
}

impl Step {
    fn run(&self) -> Done {
        let entry = zoo::find(&self.model).map_err(|error| Usage(error.to_string()))?;
        let threads = threads(self.threads);
        let rates = in_pool(threads, || -> anyhow::Result<Rates> {
            let model = entry.build(Seed(7))?;
            match self.mode {
                Mode::Train => {
                    let mut work = Work::new(model, self.batch)?;
                    self.measure(|| work.train())
                }
                Mode::Infer => {
                    let mut work = Inference::new(&model, self.batch)?;
                    self.measure(|| work.predict())
                }
            }
        })??;
        say(self.result(&rates, threads))?;
        Ok(ExitCode::SUCCESS)
    }

    fn measure(&self, mut step: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Rates> {
        let mut timed = |steps: usize| -> anyhow::Result<f64> {
            let start = Instant::now();
            for _ in 0..steps {
                step()?;
            }
            Ok(start.elapsed().as_secs_f64())
        };
        timed(3)?; // allocate, warm up
        let mut steps = self.steps;
        if steps == 0 {
            steps = ((1.0 / (timed(5)? / 5.0)).round() as usize).clamp(3, 100_000);
            timed((steps / 4).max(3))?;
        }
        let images = (self.batch * steps) as f64;
        let chunks = (0..self.chunks)
            .map(|_| Ok(images / timed(steps)?))
            .collect::<anyhow::Result<_>>()?;
        Ok(Rates { steps, chunks })
    }

    fn result(&self, rates: &Rates, threads: usize) -> String {
        let (lowest, median, highest) = spread(&rates.chunks);
        let milliseconds = 1000.0 * self.batch as f64 / median;
        let mode = if self.mode == Mode::Train {
            "train"
        } else {
            "infer"
        };
        let instruction_set = taper_tensor::simd::instruction_set();
        let version = env!("CARGO_PKG_VERSION");
        if self.json {
            let line = json!({
                "peer": "taper", "setting": format!("f32, {instruction_set}"), "version": version,
                "instruction_set": instruction_set, "model": self.model, "mode": mode, "batch": self.batch,
                "threads": threads, "steps": rates.steps, "images_per_second": median, "ms_per_step": milliseconds,
                "lowest": lowest, "highest": highest, "chunks": rates.chunks,
            });
            return line.to_string();
        }
        format!(
            "taper {version}, {instruction_set}, {threads} threads: {} {mode}, batch {}, {} chunks of {} steps\n\
             {median:.0} images/s (lowest {lowest:.0}, highest {highest:.0}), {milliseconds:.2} ms a step",
            self.model, self.batch, self.chunks, rates.steps
        )
    }
}

/// Lowest, median, highest.
pub(super) fn spread(rates: &[f64]) -> (f64, f64, f64) {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}

/// A model, an optimizer and a batch that stays the same.
struct Work {
    model: Model,
    adam: Adam,
    state: State,
    images: Tensor,
    targets: Tensor,
    step: u64,
}

impl Work {
    fn new(model: Model, batch: usize) -> anyhow::Result<Work> {
        let shape = [&[batch], model.input_shape()].concat();
        let classes = model.output_shape().iter().product();
        let key = Seed(1).key(Stream::User(0), 0);
        let labels: Vec<usize> = (0..batch)
            .map(|i| key.below(i as u64, classes as u64) as usize)
            .collect();
        let adam = Adam::default();
        let shapes = model
            .parameters()
            .iter()
            .map(|parameter| parameter.trainable.then(|| parameter.value.shape()));
        let state = State::new(&adam, shapes);
        let (images, targets) = (
            Tensor::uniform(shape, 0.0, 1.0, key),
            Tensor::one_hot(&labels, classes)?,
        );
        Ok(Work {
            model,
            adam,
            state,
            images,
            targets,
            step: 0,
        })
    }

    fn train(&mut self) -> anyhow::Result<()> {
        let step = self.model.train_batch(
            &self.images,
            &self.targets,
            &CategoricalCrossentropy,
            Seed(7),
            self.step,
        )?;
        self.step += 1;
        let rate = <Adam as Optimizer>::learning_rate_at(&self.adam, self.state.iterations);
        let weights = self
            .model
            .parameters_mut()
            .iter_mut()
            .zip(step.gradients)
            .map(|(parameter, gradient)| Weight {
                penalty: parameter
                    .regularizer
                    .map_or_else(Penalty::default, |r| Penalty { l1: r.l1, l2: r.l2 }),
                value: &mut parameter.value,
                gradient,
            });
        Ok(apply(&self.adam, &mut self.state, rate, weights)?)
    }
}

/// A prepared model, and a batch that stays the same.
struct Inference {
    model: Prepared,
    images: Tensor,
    output: Vec<f32>,
}

impl Inference {
    fn new(model: &Model, batch: usize) -> anyhow::Result<Inference> {
        let shape = [&[batch], model.input_shape()].concat();
        let outputs: usize = model.output_shape().iter().product();
        Ok(Inference {
            model: model.prepare(batch)?,
            images: Tensor::uniform(shape, 0.0, 1.0, Seed(1).key(Stream::User(0), 0)),
            output: vec![0.0; batch * outputs],
        })
    }

    fn predict(&mut self) -> anyhow::Result<()> {
        let images = self.images.as_slice().unwrap_or_default();
        self.model.predict_into(images, &mut self.output)?;
        std::hint::black_box(&self.output);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_of_odd_and_even_counts() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), (1.0, 2.5, 4.0));
    }
}
