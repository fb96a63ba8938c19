//! `cargo xtask bench fit`: `fit` as a user calls it, from outside of any thread pool, against the same steps by themselves
//! within one: what metrics, events and the way into the pool cost.

use std::time::Instant;

use clap::Args;
use taper_datasets::{Dataset, InMemory};
use taper_nn::{CategoricalCrossentropy, Model, Seed};
use taper_optim::Adam;
use taper_tensor::Tensor;
use taper_train::Trainer;

use crate::mode::Mode;
use crate::output::say;
use crate::pool::{in_pool, threads};
use crate::statistics::{Spread, ratios};
use crate::usage::{positive, wrong};
use crate::work::{Work, noise};
use crate::zoo;

/// Its options.
#[derive(Args)]
pub(crate) struct Fit {
    /// Networks of the zoo, of one input
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        default_value = "digits,mlp,cnn"
    )]
    models: Vec<String>,
    /// Samples a step
    #[arg(long, value_name = "N", default_value = "64", value_parser = positive)]
    batch: usize,
    /// Turns, of which the median counts
    #[arg(long, value_name = "N", default_value = "5", value_parser = positive)]
    rounds: usize,
}

/// Steps of an epoch.
const STEPS: usize = 50;
/// What a turn should take, in seconds.
const TURN: f64 = 0.5;

impl Fit {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let threads = threads(None);
        say(format!(
            "taper {}, {}, {threads} threads, batch {}, {} rounds: images a second, fit / steps alone",
            env!("CARGO_PKG_VERSION"),
            taper_tensor::simd::instruction_set(),
            self.batch,
            self.rounds,
        ));
        for name in &self.models {
            let entry = zoo::find(name)?;
            let mut model = entry.build(Seed(7))?;
            let (images, targets) = noise(&model, STEPS * self.batch)?;
            let [images] = <[Tensor; 1]>::try_from(images).map_err(|images| {
                wrong(format!(
                    "{name} has {} inputs; fit is measured with one",
                    images.len()
                ))
            })?;
            let data = InMemory::new(images, targets)?;
            let mut work = Work::new(entry.build(Seed(7))?, self.batch)?;
            // To warm up, and to see how many epochs make a turn.
            let rate = fit(&mut model, &data, self.batch, 1)?;
            let epochs = ((TURN * rate / data.len() as f64) as u64).max(1);
            let mut rates = [Vec::new(), Vec::new()];
            for _ in 0..self.rounds {
                let mut model = entry.build(Seed(7))?;
                rates[0].push(fit(&mut model, &data, self.batch, epochs)?);
                let seconds = in_pool(threads, || work.seconds(Mode::Train, TURN))??;
                rates[1].push(self.batch as f64 / seconds);
            }
            let [fits, steps] = rates.each_ref().map(|rates| Spread::of(rates).median);
            let ratio = Spread::of(&ratios(&rates[0], &rates[1]));
            say(format!(
                "{name:<8} {fits:>9.0} / {steps:>9.0} = {:.3} (lowest {:.3}, highest {:.3})",
                ratio.median, ratio.lowest, ratio.highest
            ));
        }
        Ok(())
    }
}

/// Images a second.
fn fit(model: &mut Model, data: &InMemory, batch: usize, epochs: u64) -> anyhow::Result<f64> {
    let started = Instant::now();
    Trainer::new(Adam::default(), CategoricalCrossentropy::default())
        .batch_size(batch)
        .epochs(epochs)
        .fit(model, data)?;
    Ok((epochs * data.len() as u64) as f64 / started.elapsed().as_secs_f64())
}
