//! One variant: what it changes, what its curves show, its charts and mistakes.

use serde::Serialize;

use super::super::chart::Ink;
use super::super::words::sentences;
use super::curves::{Captioned, Key, Ranges, key, variant_charts};
use super::figures::{EpochRow, FinalFigures, epoch_rows};
use super::mistakes::{Confusion, MistakeView, mistakes};
use crate::Result;
use crate::figures::thousands;
use crate::run::{RunData, Summary, VariantSummary};
use crate::study::Variant;

#[derive(Serialize)]
pub(super) struct VariantView {
    name: String,
    label: String,
    about: String,
    key: Key,
    changes: String,
    sentences: Vec<String>,
    status: Option<String>,
    final_figures: Option<FinalFigures>,
    charts: Vec<Captioned>,
    legend: Vec<Key>,
    epochs: Vec<EpochRow>,
    confusion: Option<Confusion>,
    mistakes: Vec<MistakeView>,
    judged: String,
    parameters: Option<String>,
    network: Option<String>,
}

impl VariantView {
    pub(super) fn of(
        run: &RunData,
        summary: &Summary,
        number: usize,
        reference: Option<&VariantSummary>,
        ranges: &Ranges,
    ) -> Result<VariantView> {
        let variant = &summary.variants[number];
        let name = &variant.name;
        let changes = run.study.variants.get(name);
        let done = run
            .jobs
            .iter()
            .find(|job| job.job.variant == *name && job.result.is_some());
        let result = done.and_then(|job| job.result.as_ref());
        let classes = &run.environment.classes;
        let (charts, legend) = variant_charts(run, variant, ranges)?;
        let failed = failures(run, name).next().is_some();
        let progress = (!variant.complete).then(|| match variant.epoch {
            0 if failed => "failed".to_owned(),
            epoch if failed => format!("failed after {epoch} epochs"),
            0 => "not begun".to_owned(),
            epoch => format!("{epoch} of {} epochs", run.study.base().epochs),
        });
        let diverged = variant.diverged.then(|| "diverged".to_owned());
        let status: Vec<String> = diverged.into_iter().chain(progress).collect();
        let judged = match (done, run.study.base().seeds.len()) {
            (Some(job), 2..) => format!("after the last epoch, seed {}", job.job.seed),
            _ => "after the last epoch".to_owned(),
        };
        Ok(VariantView {
            name: name.clone(),
            label: variant.label.clone(),
            about: changes
                .and_then(|changes| changes.about.clone())
                .unwrap_or_default(),
            key: key(Ink::Variant(number as u8), &variant.label),
            changes: changes_in_words(changes),
            sentences: failures(run, name)
                .chain(changed(run, name))
                .chain(sentences(run, summary, variant, reference))
                .collect(),
            status: (!status.is_empty()).then(|| status.join(", ")),
            final_figures: variant.figures.as_ref().map(FinalFigures::of),
            charts,
            legend,
            epochs: epoch_rows(run, name),
            confusion: result.and_then(|result| Confusion::of(result, classes)),
            mistakes: result
                .map(|result| mistakes(&result.mistakes, classes))
                .unwrap_or_default(),
            judged,
            parameters: result.map(|result| thousands(result.parameters)),
            network: result.map(|result| result.network.clone()),
        })
    }
}

/// Why trainings of a variant failed.
fn failures<'a>(run: &'a RunData, variant: &'a str) -> impl Iterator<Item = String> + 'a {
    let jobs = run
        .jobs
        .iter()
        .filter(move |job| job.job.variant == variant);
    jobs.filter_map(|job| {
        let failure = job.failure.as_ref()?;
        let reason = failure.message.trim_end_matches('.');
        Some(format!(
            "Its training with seed {} failed: {reason}.",
            job.job.seed
        ))
    })
}

/// What was changed while trainings of a variant were on their way.
fn changed<'a>(run: &'a RunData, variant: &'a str) -> impl Iterator<Item = String> + 'a {
    let jobs = run
        .jobs
        .iter()
        .filter(move |job| job.job.variant == variant);
    jobs.flat_map(|job| {
        let epochs = job.history.last().map_or(0, |line| line.epoch);
        let late = job.changes.iter();
        let late = late.filter(move |change| job.result.is_some() && change.epochs_done >= epochs);
        let late: Vec<String> = late.map(ToString::to_string).collect();
        let late = (!late.is_empty()).then(|| {
            format!(
                "Its training with seed {} was done before the study was changed: {}.",
                job.job.seed,
                late.join("; ")
            )
        });
        let changed = job.history.iter().filter(|line| !line.changes.is_empty());
        let changed = changed.map(|line| {
            format!(
                "Its training with seed {} was gone on with in epoch {} with changes: {}.",
                job.job.seed,
                line.epoch,
                line.changes.join("; ")
            )
        });
        changed.chain(late)
    })
}

fn changes_in_words(changes: Option<&Variant>) -> String {
    let Some(changes) = changes else {
        return String::new();
    };
    let options = changes.options.iter();
    let parts: Vec<String> = options
        .filter_map(|given| given.setting().of_variant())
        .collect();
    if parts.is_empty() {
        "the network as it is".into()
    } else {
        parts.join("; ")
    }
}
