//! `taper bench step`: how long a training or inference step takes.

use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;
use taper_nn::{CategoricalCrossentropy, Model, Prepared, Seed};
use taper_optim::{Adam, Optimizer, Penalty, State, Weight, apply};
use taper_tensor::{Stream, Tensor};

use super::spread;
use crate::cli::{Done, Usage, in_pool, positive, say, threads};
use crate::zoo;

#[derive(Args)]
pub(super) struct Step {
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
    /// Time every step by itself; a chunk's figure comes from the median
    #[arg(long)]
    latency: bool,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    Train,
    Infer,
}

/// What was measured: images a second of every chunk.
struct Rates {
    steps: usize,
    chunks: Vec<f64>,
}

impl Step {
    pub(super) fn run(&self) -> Done {
        let entry = zoo::find(&self.model).map_err(|error| Usage(error.to_string()))?;
        let threads = threads(self.threads);
        let rates = in_pool(threads, || -> anyhow::Result<Rates> {
            let mut work = Work::new(entry.build(Seed(7))?, self.batch)?;
            self.measure(|| work.step(self.mode))
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
        let mut chunk = || -> anyhow::Result<f64> {
            if !self.latency {
                return Ok((self.batch * steps) as f64 / timed(steps)?);
            }
            let laps = (0..steps)
                .map(|_| timed(1))
                .collect::<anyhow::Result<Vec<_>>>()?;
            Ok(self.batch as f64 / spread(&laps).1)
        };
        let chunks = (0..self.chunks)
            .map(|_| chunk())
            .collect::<anyhow::Result<_>>()?;
        Ok(Rates { steps, chunks })
    }

    fn result(&self, rates: &Rates, threads: usize) -> String {
        let (lowest, median, highest) = spread(&rates.chunks);
        let milliseconds = 1000.0 * self.batch as f64 / median;
        let mode = self.mode.name();
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

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::Train => "train",
            Mode::Infer => "infer",
        }
    }
}

/// A model, an optimizer and a batch that stays the same.
pub(super) struct Work {
    model: Model,
    adam: Adam,
    state: State,
    images: Tensor,
    targets: Tensor,
    step: u64,
    /// The model prepared for inference, with room for its outputs: made by the first step of inference.
    prepared: Option<(Prepared, Vec<f32>)>,
}

impl Work {
    pub(super) fn new(model: Model, batch: usize) -> anyhow::Result<Work> {
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
            prepared: None,
        })
    }

    pub(super) fn step(&mut self, mode: Mode) -> anyhow::Result<()> {
        match mode {
            Mode::Train => self.train(),
            Mode::Infer => self.infer(),
        }
    }

    /// Seconds of a step: the mean over as many as take about `least` seconds, once it is warm.
    pub(super) fn seconds(&mut self, mode: Mode, least: f64) -> anyhow::Result<f64> {
        let mut steps = 1;
        loop {
            let start = Instant::now();
            for _ in 0..steps {
                self.step(mode)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            // The first, short runs allocate and warm up.
            if seconds >= least && steps >= 3 {
                return Ok(seconds / steps as f64);
            }
            let needed = (1.2 * least / seconds.max(1e-9)).min(1e6) * steps as f64;
            steps = (needed as usize).clamp(2 * steps, 100 * steps);
        }
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

    fn infer(&mut self) -> anyhow::Result<()> {
        let (prepared, output) = match &mut self.prepared {
            Some(prepared) => prepared,
            none => {
                let batch = self.images.shape()[0];
                let output = vec![0.0; self.targets.len()];
                none.insert((self.model.prepare(batch)?, output))
            }
        };
        prepared.predict_into(self.images.as_slice().unwrap_or_default(), output)?;
        std::hint::black_box(output);
        Ok(())
    }
}
