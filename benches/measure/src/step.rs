//! `cargo xtask bench step`: how long a training or inference step takes.

use std::time::Instant;

use clap::Args;
use serde_json::json;
use taper_nn::Seed;

use crate::mode::Mode;
use crate::output::say;
use crate::pool::{in_pool, threads};
use crate::statistics::{Spread, median};
use crate::usage::positive;
use crate::work::Work;
use crate::zoo;

/// Its options.
#[derive(Args)]
pub(crate) struct Step {
    /// Network of the zoo: cnn, lenet5, mlp, vgg, tanh, digits, lstm, gru, separable, resnet8, transformer,
    /// plain, residual, towers-mlp, towers-cnn
    #[arg(long, default_value = "cnn")]
    model: String,
    /// Training step or inference
    #[arg(long, value_enum, default_value = "train")]
    mode: Mode,
    /// Samples a step; a network of two inputs takes twice as many images
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

/// What was measured: images a second of every chunk.
struct Rates {
    /// Images a step.
    images: f64,
    steps: usize,
    chunks: Vec<f64>,
}

impl Step {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let entry = zoo::find(&self.model)?;
        let threads = threads(self.threads);
        let rates = in_pool(threads, || -> anyhow::Result<Rates> {
            let mut work = Work::new(entry.build(Seed(7))?, self.batch)?;
            let images = work.images() as f64;
            self.measure(images, || work.step(self.mode))
        })??;
        say(self.result(&rates, threads));
        Ok(())
    }

    /// `images`: how many a step takes, those of all inputs.
    fn measure(
        &self,
        images: f64,
        mut step: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Rates> {
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
                return Ok(images * steps as f64 / timed(steps)?);
            }
            let laps = (0..steps)
                .map(|_| timed(1))
                .collect::<anyhow::Result<Vec<_>>>()?;
            Ok(images / median(&laps))
        };
        let chunks = (0..self.chunks)
            .map(|_| chunk())
            .collect::<anyhow::Result<_>>()?;
        Ok(Rates {
            images,
            steps,
            chunks,
        })
    }

    fn result(&self, rates: &Rates, threads: usize) -> String {
        let Spread {
            median,
            lowest,
            highest,
        } = Spread::of(&rates.chunks);
        let milliseconds = 1000.0 * rates.images / median;
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
