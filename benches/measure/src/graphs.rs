//! `cargo xtask bench graphs`: graphs against chains of the same products, in one run and in turns. What a graph's own
//! bookkeeping costs (sums, joins, weights used twice) is what the ratio falls short of 1.

use clap::Args;
use taper_nn::Seed;

use crate::mode::Mode;
use crate::output::say;
use crate::pool::{in_pool, threads};
use crate::statistics::{Spread, ratios};
use crate::usage::positive;
use crate::work::Work;
use crate::zoo;

/// Each graph with the chain that does the same products for an image.
const PAIRS: [(&str, &str); 3] = [
    ("residual", "plain"),
    ("towers-mlp", "mlp"),
    ("towers-cnn", "cnn"),
];

/// Its options.
#[derive(Args)]
pub(crate) struct Graphs {
    /// Samples a step
    #[arg(long, value_name = "N", default_value = "64", value_parser = positive)]
    batch: usize,
    /// Threads [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Turns of each pair, of which the median counts
    #[arg(long, value_name = "N", default_value = "9", value_parser = positive)]
    rounds: usize,
}

impl Graphs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let threads = threads(self.threads);
        say(format!(
            "taper {}, {}, {threads} threads, batch {}, {} rounds: images a second of a graph / of its chain",
            env!("CARGO_PKG_VERSION"),
            taper_tensor::simd::instruction_set(),
            self.batch,
            self.rounds,
        ));
        for (graph, chain) in PAIRS {
            for mode in [Mode::Train, Mode::Infer] {
                let rates = in_pool(threads, || self.pair([graph, chain], mode))??;
                let [graphs, chains] = rates.each_ref().map(|rates| Spread::of(rates).median);
                let ratio = Spread::of(&ratios(&rates[0], &rates[1]));
                say(format!(
                    "{graph:<11}{:<6} {graphs:>9.0} / {chain:<6}{chains:>9.0} = {:.3} (lowest {:.3}, highest {:.3})",
                    mode.name(),
                    ratio.median,
                    ratio.lowest,
                    ratio.highest
                ));
            }
        }
        Ok(())
    }

    /// Images a second of two networks that take turns, a figure a round.
    fn pair(&self, names: [&str; 2], mode: Mode) -> anyhow::Result<[Vec<f64>; 2]> {
        let work = |name| Work::new(zoo::find(name)?.build(Seed(7))?, self.batch);
        let mut works = [work(names[0])?, work(names[1])?];
        let mut rates = [Vec::new(), Vec::new()];
        for work in &mut works {
            work.seconds(mode, 0.2)?; // allocate, warm up
        }
        for round in 0..self.rounds {
            for turn in 0..2 {
                let which = (round + turn) % 2;
                let images = works[which].images() as f64;
                rates[which].push(images / works[which].seconds(mode, 0.5)?);
            }
        }
        Ok(rates)
    }
}
