//! `cargo xtask bench epoch`: epochs of the study as the notebook runs them, training and validation and nothing else.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;
use taper_experiments::run::StudyData;
use taper_experiments::study::{Overrides, Study};
use taper_nn::Seed;
use taper_train::Trainer;

use crate::output::say;
use crate::pool::{in_pool, threads};
use crate::statistics::Spread;
use crate::usage::{positive, wrong};

/// Its options.
#[derive(Args)]
pub(crate) struct Epoch {
    /// Only these variants of the regularization study, separated by commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    variants: Option<Vec<String>>,
    /// Epochs of each
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = positive)]
    train_size: Option<usize>,
    /// Validate on the first N images only
    #[arg(long, value_name = "N", value_parser = positive)]
    test_size: Option<usize>,
    /// Where the data set's files are, or go [default: data/ in the workspace, or here]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

impl Epoch {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let changes = Overrides {
            variants: self.variants.clone(),
            ..Overrides::default()
        };
        let changes = changes
            .set("epochs", Some(self.epochs))?
            .set("train_size", self.train_size)?
            .set("test_size", self.test_size)?;
        let study = Study::regularization()
            .with(&changes)
            .map_err(|error| wrong(error.to_string()))?;
        let data = StudyData::open(&study, self.data_dir.as_deref())?;
        let threads = threads(self.threads);
        let mut variants = Vec::new();
        for (name, _) in study.variants.iter() {
            let seconds = in_pool(threads, || epochs(&study, &data, name))??;
            if !self.json {
                let Spread {
                    median,
                    lowest,
                    highest,
                } = Spread::of(&seconds);
                say(format!(
                    "{name}: {median:.2} s an epoch (lowest {lowest:.2}, highest {highest:.2})"
                ));
            }
            variants.push(json!({ "variant": name, "epochs": seconds }));
        }
        if self.json {
            let seconds = started.elapsed().as_secs_f64();
            say(
                json!({ "seconds": seconds, "threads": threads, "variants": variants }).to_string(),
            );
        }
        Ok(())
    }
}

/// Seconds of every epoch of one variant.
pub(crate) fn epochs(study: &Study, data: &StudyData, variant: &str) -> anyhow::Result<Vec<f64>> {
    let plan = study.plan(variant)?;
    let seed = Seed(plan.seeds.first().copied().unwrap_or_default());
    let mut model = study.build(variant, seed)?;
    let fit = Trainer::boxed(plan.optimizer.build()?, plan.loss.build()?)
        .epochs(plan.epochs)
        .batch_size(plan.batch_size)
        .seed(seed)
        .validation(&data.test)
        .fit(&mut model, &data.train)?;
    Ok(fit
        .history
        .epochs
        .iter()
        .map(|epoch| epoch.seconds)
        .collect())
}
