//! `taper inspect`: what is in a checkpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use taper_checkpoint::{Checkpoint, FORMAT_VERSION};
use taper_train::CheckpointExt;

use super::{Done, table};
use crate::console::say;
use crate::figures::{percent, thousands};

#[derive(Args)]
pub(super) struct Inspect {
    /// A checkpoint
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The architecture as JSON, and nothing else
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(&self) -> Done {
        let checkpoint = Checkpoint::load(&self.checkpoint)?;
        if self.json {
            say(&checkpoint.architecture);
            return Ok(ExitCode::SUCCESS);
        }
        let bytes = std::fs::metadata(&self.checkpoint).map_or(0, |file| file.len());
        say(format!(
            "{}: format {FORMAT_VERSION}, {} bytes\n",
            self.checkpoint.display(),
            thousands(bytes as usize)
        ));
        say(state(&checkpoint)?);
        let model = checkpoint
            .into_model()
            .with_context(|| self.checkpoint.display().to_string())?;
        say(model.summary().trim_end());
        let mut rows = vec![
            [
                "weight",
                "shape",
                "values",
                "smallest",
                "largest",
                "mean square",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for parameter in model.parameters() {
            let values = parameter.value.to_vec();
            let (low, high) = values
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
                    (low.min(v), high.max(v))
                });
            let square = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>()
                / values.len().max(1) as f64;
            rows.push(vec![
                parameter.name.clone(),
                format!("{:?}", parameter.value.shape()),
                thousands(values.len()),
                format!("{low:.4}"),
                format!("{high:.4}"),
                format!("{square:.3e}"),
            ]);
        }
        say(format!("\n{}", table::aligned(&rows).trim_end()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Everything but the network.
fn state(checkpoint: &Checkpoint) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name:<18}{value}\n"));
    match &checkpoint.position {
        // How many epochs were asked for is not in the file: whether another one is to come, it cannot say.
        Some(position) if position.batch == 0 => line(
            "position",
            &format!("{} epochs done; seed {}", position.epoch, position.seed),
        ),
        Some(position) => line(
            "position",
            &format!(
                "epoch {}, batch {} is next; seed {}",
                position.epoch + 1,
                position.batch + 1,
                position.seed
            ),
        ),
        None => line("position", "none: for inference only"),
    }
    if let Some(optimizer) = &checkpoint.optimizer {
        let steps = thousands(optimizer.iterations as usize);
        line(
            "optimizer",
            &format!(
                "{} {}, {steps} steps",
                optimizer.class_name, optimizer.config
            ),
        );
    }
    for record in &checkpoint.read_history()?.epochs {
        let share = |name: &str, share: Option<f64>| {
            share.map_or_else(String::new, |share| format!(", {name} {}", percent(share)))
        };
        line(
            &format!("epoch {}", record.epoch),
            &format!(
                "loss {:.4}{}{}",
                record.loss,
                share("acc", record.accuracy),
                share("val_acc", record.val_accuracy)
            ),
        );
    }
    for (key, value) in &checkpoint.provenance {
        line(key, value);
    }
    Ok(text)
}
