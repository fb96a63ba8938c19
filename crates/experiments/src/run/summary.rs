//! From histories to figures: final values, mean and standard deviation over seeds.

use serde::{Deserialize, Serialize};
use taper_train::{EpochRecord, number};

use super::{Environment, Evidence, JobData, RunData, VariantEvidence};
use crate::study::Study;

/// Mean and sample standard deviation over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stat {
    /// Arithmetic mean.
    #[serde(with = "number")]
    pub mean: f64,
    /// Sample standard deviation (n − 1); 0 for one seed.
    #[serde(with = "number")]
    pub sd: f64,
    /// How many seeds.
    pub n: usize,
}

/// Final figures of a variant: those of the last epoch that all its seeds have reached.
///
/// Accuracies are shares (0…1), losses include penalties as Keras's do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantSummary {
    /// Name in the study.
    pub name: String,
    /// How tables call it.
    pub label: String,
    /// Weights of the network, if a job is done.
    pub parameters: Option<usize>,
    /// Seeds that have reached `epoch`.
    pub seeds: usize,
    /// The epoch the figures belong to; 0 when there is none yet.
    pub epoch: u64,
    /// Whether all its jobs are done.
    pub complete: bool,
    /// Whether training has [diverged](diverged) with any of its seeds. Its figures are then no measure of anything, and
    /// it takes no part in comparisons.
    #[serde(default)]
    pub diverged: bool,
    /// The figures; `None` when no epoch is finished.
    pub figures: Option<Figures>,
}

/// The figures of one epoch, over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Running training accuracy: dropout on, weights of the moment.
    pub accuracy: Option<Stat>,
    /// Accuracy on the training set at the end of the epoch, dropout off.
    pub train_accuracy: Option<Stat>,
    /// Accuracy on the validation set.
    pub val_accuracy: Option<Stat>,
    /// `accuracy − val_accuracy`.
    pub gap: Option<Stat>,
    /// `train_accuracy − val_accuracy`.
    pub clean_gap: Option<Stat>,
    /// Running training loss, penalty included.
    pub loss: Stat,
    /// Its part from the data.
    pub cross_entropy: Stat,
    /// Its part from penalties.
    pub penalty: Stat,
    /// Cross-entropy on the training set at the end of the epoch, dropout off.
    pub train_cross_entropy: Option<Stat>,
    /// Validation loss, penalty included.
    pub val_loss: Option<Stat>,
    /// Its part from the data.
    pub val_cross_entropy: Option<Stat>,
    /// Its part from penalties.
    pub end_penalty: Stat,
    /// Highest validation accuracy of any epoch.
    pub best_val_accuracy: Option<Stat>,
    /// Seconds of all epochs up to this one.
    pub seconds: Stat,
}

/// What `summary.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The study, overrides included.
    pub study: Study,
    /// Where and when.
    pub environment: Environment,
    /// Whether every job is done.
    pub complete: bool,
    /// One a variant, in the order of the study.
    pub variants: Vec<VariantSummary>,
    /// What differences between variants can carry; `None` in summaries of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Stat {
    /// Of these values; `None` of none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Stat> {
        if values.is_empty() {
            return None;
        }
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = if n > 1 {
            (squares / (n - 1) as f64).sqrt()
        } else {
            0.0
        };
        Some(Stat { mean, sd, n })
    }
}

impl Summary {
    /// Of what a run has recorded.
    #[must_use]
    pub fn of(run: &RunData) -> Summary {
        let variants: Vec<_> = run
            .study
            .variants
            .iter()
            .map(|(name, _)| VariantSummary::of(run, name))
            .collect();
        Summary {
            study: run.study.clone(),
            environment: run.environment.clone(),
            complete: variants.iter().all(|variant| variant.complete),
            evidence: Some(evidence(run, &variants)),
            variants,
        }
    }

    /// What can be said of a variant; `None` of a summary without such figures.
    #[must_use]
    pub fn evidence_of(&self, variant: &str) -> Option<&VariantEvidence> {
        self.evidence.as_ref()?.variant(variant)
    }
}

/// The variant others are compared with: the first that changes nothing in the layers and has not diverged.
#[must_use]
pub fn reference<'a>(run: &RunData, variants: &'a [VariantSummary]) -> Option<&'a VariantSummary> {
    let plain = |v: &&VariantSummary| {
        let changes = run.study.variants.get(&v.name);
        changes.is_some_and(|changes| !changes.changes_layers() && !v.diverged)
    };
    variants.iter().find(plain)
}

fn evidence(run: &RunData, variants: &[VariantSummary]) -> Evidence {
    let reference = reference(run, variants).map(|variant| &*variant.name);
    let diverged = variants.iter().filter(|variant| variant.diverged);
    let diverged: Vec<&str> = diverged.map(|variant| &*variant.name).collect();
    Evidence::of(run, reference, &diverged)
}

impl VariantSummary {
    /// Of the jobs of one variant.
    #[must_use]
    pub fn of(run: &RunData, name: &str) -> VariantSummary {
        let all: Vec<&JobData> = run
            .jobs
            .iter()
            .filter(|job| job.job.variant == name)
            .collect();
        let begun: Vec<&JobData> = all
            .iter()
            .copied()
            .filter(|job| !job.history.is_empty())
            .collect();
        let epoch = begun
            .iter()
            .filter_map(|job| job.history.last())
            .map(|record| record.epoch)
            .min()
            .unwrap_or(0);
        let histories: Vec<&[EpochRecord]> =
            begun.iter().map(|job| until(&job.history, epoch)).collect();
        VariantSummary {
            name: name.to_owned(),
            label: run.study.variants.label(name).to_owned(),
            parameters: all
                .iter()
                .find_map(|job| job.result.as_ref())
                .map(|result| result.parameters),
            seeds: begun.len(),
            epoch,
            complete: all.iter().all(|job| job.result.is_some()),
            diverged: all.iter().any(|job| diverged(job)),
            figures: Figures::of(&histories),
        }
    }
}

impl Figures {
    fn of(histories: &[&[EpochRecord]]) -> Option<Figures> {
        // A figure counts when every seed has it: a mean over some of them would mislead.
        let stat = |figure: &dyn Fn(&EpochRecord) -> Option<f64>| -> Option<Stat> {
            let values: Option<Vec<f64>> = histories
                .iter()
                .map(|history| figure(history.last()?))
                .collect();
            Stat::of(&values?)
        };
        let best = |history: &&[EpochRecord]| {
            history
                .iter()
                .filter_map(|record| record.val_accuracy)
                .filter(|accuracy| !accuracy.is_nan())
                .max_by(f64::total_cmp)
        };
        let best: Option<Vec<f64>> = histories.iter().map(best).collect();
        let seconds: Vec<f64> = histories
            .iter()
            .map(|history| history.iter().map(|record| record.seconds).sum())
            .collect();
        Some(Figures {
            accuracy: stat(&|r| r.accuracy),
            train_accuracy: stat(&|r| r.train_accuracy),
            val_accuracy: stat(&|r| r.val_accuracy),
            gap: stat(&|r| Some(r.accuracy? - r.val_accuracy?)),
            clean_gap: stat(&|r| Some(r.train_accuracy? - r.val_accuracy?)),
            loss: stat(&|r| Some(r.loss))?,
            cross_entropy: stat(&|r| Some(r.data_loss))?,
            penalty: stat(&|r| Some(r.penalty))?,
            train_cross_entropy: stat(&|r| r.train_data_loss),
            val_loss: stat(&|r| r.val_loss),
            val_cross_entropy: stat(&|r| r.val_data_loss),
            end_penalty: stat(&|r| Some(r.end_penalty))?,
            best_val_accuracy: best.and_then(|values| Stat::of(&values)),
            seconds: Stat::of(&seconds)?,
        })
    }
}

/// Whether a training has diverged: it ended with a number that is none, one of its losses is no longer a finite number
/// after the last epoch that it has recorded, or its network gives no prediction for some of the images. Accuracies stay numbers when that happens, and
/// gaps between them become small, so that they must not be asked.
#[must_use]
pub fn diverged(job: &JobData) -> bool {
    let lost = job.history.last().is_some_and(|record| {
        let losses = [Some(record.loss), record.val_loss, record.train_data_loss];
        losses.into_iter().flatten().any(|loss| !loss.is_finite())
    });
    let result = job.result.as_ref();
    let failed = job.failure.as_ref().is_some_and(|failure| failure.diverged);
    failed || lost || result.is_some_and(|result| result.unpredicted.iter().any(|&count| count > 0))
}

/// A figure of every epoch, over the seeds of a variant; epochs that not all of them have are left out.
#[must_use]
pub fn curve(
    run: &RunData,
    variant: &str,
    figure: impl Fn(&EpochRecord) -> Option<f64>,
) -> Vec<(u64, Stat)> {
    let jobs = || {
        run.jobs
            .iter()
            .filter(|job| job.job.variant == variant && !job.history.is_empty())
    };
    let epochs = jobs().map(|job| job.history.len()).min().unwrap_or(0);
    let of_epoch = |index: usize| {
        let values: Option<Vec<f64>> = jobs().map(|job| figure(&job.history[index])).collect();
        Some((jobs().next()?.history[index].epoch, Stat::of(&values?)?))
    };
    (0..epochs).filter_map(of_epoch).collect()
}

fn until(history: &[EpochRecord], epoch: u64) -> &[EpochRecord] {
    let end = history
        .iter()
        .rposition(|record| record.epoch <= epoch)
        .map_or(0, |last| last + 1);
    &history[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_of_known_values() {
        assert_eq!(Stat::of(&[]), None);
        assert_eq!(
            Stat::of(&[2.0]),
            Some(Stat {
                mean: 2.0,
                sd: 0.0,
                n: 1
            })
        );
        let stat = Stat::of(&[1.0, 2.0, 4.0, 5.0]).expect("four values");
        assert!(
            (stat.mean - 3.0).abs() <= 1e-12 && (stat.sd - (10.0f64 / 3.0).sqrt()).abs() <= 1e-12,
            "{stat:?}"
        );
    }
}
