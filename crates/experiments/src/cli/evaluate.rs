//! `taper evaluate`: how well a trained network does on a data set.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use taper_checkpoint::Checkpoint;
use taper_datasets::{Dataset, Subset};
use taper_train::{Accuracy, CheckpointExt, Measures};

use super::{Done, in_pool, positive, table, thread_count, threads};
use crate::console::say;
use crate::figures::{percent, thousands};

#[derive(Args)]
pub(super) struct Evaluate {
    /// A checkpoint
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Data set of the catalog [default: the one it was trained on]
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Which images
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    /// Only the first N images
    #[arg(long, value_name = "N", value_parser = positive)]
    test_size: Option<usize>,
    /// Images at once
    #[arg(long, value_name = "N", value_parser = positive, default_value = "256")]
    batch_size: usize,
    /// Where the data set's files are, or go
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Threads, at most 1024 [default: all]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Split {
    Test,
    Train,
}

impl Evaluate {
    pub(super) fn run(&self) -> Done {
        let checkpoint = Checkpoint::load_weights(&self.checkpoint)?;
        let note = |key: &str| checkpoint.provenance.get(key).cloned();
        let name = self.dataset.clone().or_else(|| note("catalog_name"));
        let Some(name) = name else {
            bail!(
                "{} does not say what it was trained on; name a data set with --dataset",
                self.checkpoint.display()
            );
        };
        let measures = Measures::of(&checkpoint)?;
        let model = checkpoint
            .into_model()
            .with_context(|| self.checkpoint.display().to_string())?;
        let (title, splits) = crate::run::open(&name, self.data_dir.as_deref())?;
        let images = if self.split == Split::Test {
            splits.test()
        } else {
            splits.train()
        };
        let images = Subset::first(images, self.test_size.unwrap_or(usize::MAX));
        let (evaluate, unknown) = measures.evaluate(&model);
        let mut evaluate = evaluate.batch_size(self.batch_size);
        // Images with labels have an accuracy, whatever the loss.
        if images.label(0).is_some() {
            evaluate = evaluate.metric(Accuracy).confusion(true);
        }
        let measured = in_pool(threads(self.threads), || evaluate.run(&model, &images))??;

        say(format!(
            "{title}, {} images ({})",
            thousands(images.len()),
            images.name()
        ));
        if let Some(accuracy) = measured.accuracy {
            say(format!("accuracy  {:.2} %", accuracy * 100.0));
        }
        let (loss, data, penalty) = (measured.loss, measured.data_loss, measured.penalty);
        if unknown.iter().any(|what| what.starts_with("the loss ")) {
            say(format!("loss      not measured; penalty {penalty:.4}"));
        } else {
            say(format!(
                "loss      {loss:.4} = {data:.4} + {penalty:.4} penalty"
            ));
        }
        for (name, value) in measured.metrics.iter().filter(|(_, value)| !value.is_nan()) {
            say(format!("{name:<9} {value:.4}"));
        }
        for what in &unknown {
            say(format!(
                "note      {what} is not one of this program: it was trained with a program of its own, and is not measured here"
            ));
        }
        if let Some(confusion) = &measured.confusion {
            let class = |class: usize| {
                images
                    .class_names()
                    .get(class)
                    .cloned()
                    .unwrap_or_else(|| class.to_string())
            };
            let mut rows = vec![vec![
                "true class".to_owned(),
                "images".into(),
                "right".into(),
                "most often taken for".into(),
            ]];
            for (truth, row) in confusion.rows().iter().enumerate() {
                let nothing = [("none".to_owned(), confusion.unpredicted(truth))];
                let others = row
                    .iter()
                    .enumerate()
                    .filter(|(predicted, _)| *predicted != truth)
                    .map(|(predicted, &count)| (class(predicted), count))
                    .chain(nothing)
                    .filter(|(_, count)| *count > 0);
                let worst = others.max_by_key(|(_, count)| *count);
                let worst =
                    worst.map_or_else(String::new, |(name, count)| format!("{name} ({count})"));
                let right = confusion.recall(truth).map_or_else(|| "–".into(), percent);
                rows.push(vec![
                    class(truth),
                    confusion.samples(truth).to_string(),
                    right,
                    worst,
                ]);
            }
            say(format!("\n{}", table::aligned(&rows).trim_end()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
