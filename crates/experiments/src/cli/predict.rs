//! `taper predict`: what a trained network sees in pictures.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use taper_checkpoint::Checkpoint;
use taper_nn::Prepared;
use taper_train::{CheckpointExt, prediction::ranked};

use super::{Done, message};
use crate::console::{complain, look, say};
use crate::picture;

#[derive(Args)]
pub(super) struct Predict {
    /// A checkpoint
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// PNG pictures, grey or colour, of up to 25 million pixels; what is done to make them fit is said
    #[arg(value_name = "IMAGE.png", required = true)]
    images: Vec<PathBuf>,
    /// How many classes to show, the likeliest first
    #[arg(long, value_name = "N", default_value = "3", value_parser = super::positive)]
    top: usize,
    /// Whether dark and bright are exchanged (grey networks only)
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    invert: picture::Invert,
    /// Neither cut out, centre nor invert: pictures are scaled to the network's size, and those of that size go in as the
    /// samples of a data set do
    #[arg(long, conflicts_with = "invert")]
    as_is: bool,
    /// Do not show what the network sees
    #[arg(long)]
    no_picture: bool,
}

impl Predict {
    pub(super) fn run(&self) -> Done {
        let checkpoint = Checkpoint::load_weights(&self.checkpoint)?;
        let classes = checkpoint.read_class_names();
        let model = checkpoint
            .into_model()
            .with_context(|| self.checkpoint.display().to_string())?;
        let mut model = model.prepare(1)?;
        let mut answered = true;
        for path in &self.images {
            // One that cannot be read does not keep the others from being answered.
            if let Err(error) = self.predict(&mut model, &classes, path) {
                complain(format!("error: {}", message(&error)));
                answered = false;
            }
        }
        Ok(if answered {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn predict(
        &self,
        model: &mut Prepared,
        classes: &[String],
        path: &std::path::Path,
    ) -> anyhow::Result<()> {
        let preparation = picture::Preparation {
            as_is: self.as_is,
            invert: self.invert,
        };
        let picture = picture::prepare(path, model.input_shape(), preparation)?;
        let notes = if picture.notes.is_empty() {
            String::new()
        } else {
            format!(" ({})", picture.notes.join("; "))
        };
        say(format!("{}{notes}", path.display()));
        if !self.no_picture {
            say(picture::to_terminal(&picture, look::draws()).trim_end_matches('\n'));
        }
        let mut output = vec![0.0; model.output_shape().iter().product()];
        model.predict_into(&picture.values, &mut output)?;
        let Some(ranked) = ranked(&output) else {
            bail!(
                "{}: the network gives no prediction, because not all of its outputs are numbers; has its training diverged?",
                path.display()
            );
        };
        for (place, (class, probability)) in ranked.into_iter().take(self.top).enumerate() {
            let name = classes
                .get(class)
                .cloned()
                .unwrap_or_else(|| class.to_string());
            let mark = if place == 0 { "→" } else { " " };
            say(format!("{mark} {name:<12} {:6.2} %", probability * 100.0));
        }
        Ok(())
    }
}
