//! `taper inspect`: what is in a checkpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use taper_checkpoint::{Checkpoint, FORMAT_VERSION, Position};
use taper_train::{CheckpointExt, Measures};

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

/// Where training stands, in words: what is next only where something is.
fn place(checkpoint: &Checkpoint, position: &Position) -> String {
    let planned = checkpoint.provenance.get("epochs");
    let planned = planned.and_then(|text| text.parse::<u64>().ok());
    let (epoch, batch) = (position.epoch, position.batch + 1);
    match planned {
        Some(planned) if epoch >= planned => format!("all {planned} epochs are done"),
        Some(planned) => format!("epoch {} of {planned}, batch {batch} is next", epoch + 1),
        // An earlier version's, which may be the last.
        None if position.batch == 0 && epoch > 0 => format!("epoch {epoch} is done"),
        None => format!("epoch {}, batch {batch} is next", epoch + 1),
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
            &format!("{}; seed {}", place(checkpoint, position), position.seed),
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
    let changes = checkpoint.read_changes();
    for (epoch, change) in &changes {
        line("changed", &format!("{change}, from epoch {epoch} on"));
    }
    // What cannot be read is shown as it stands there.
    let measures = Measures::of(checkpoint).map(|measures| measures.in_words());
    let measures = measures.unwrap_or_default();
    if checkpoint.provenance.contains_key("loss") {
        for (name, value) in &measures {
            line(name, value);
        }
    }
    let said = |key: &str| match key {
        "loss" | "loss_config" | "measures" => !measures.is_empty(),
        "changes" => !changes.is_empty(),
        _ => false,
    };
    for (key, value) in checkpoint.provenance.iter().filter(|(key, _)| !said(key)) {
        line(key, value);
    }
    Ok(text)
}
