//! In words: what a variant's curves show.

use taper_train::EpochRecord;

use super::verdict;
use crate::figures::{percent, points};
use crate::run::{RunData, Stat, Summary, VariantSummary, curve, diverged};
use crate::study::Variant;

/// Validation loss this much above its minimum, over the last two epochs, counts as overfitting.
const RISE: f64 = 1.15;

/// Two to three sentences on what the curves of a variant show. `reference` is the variant it is compared with.
pub fn sentences(
    run: &RunData,
    summary: &Summary,
    variant: &VariantSummary,
    reference: Option<&VariantSummary>,
) -> Vec<String> {
    if variant.diverged {
        return vec![divergence(run, variant)];
    }
    if variant.figures.is_none() {
        return vec!["It has not finished an epoch yet.".into()];
    }
    let changes = run.study.variants.get(&variant.name);
    let parts = [
        gap(variant, changes),
        course(run, variant),
        cost(summary, variant, reference, changes),
    ];
    parts.into_iter().flatten().collect()
}

/// That its figures mean nothing, and with which seeds.
fn divergence(run: &RunData, variant: &VariantSummary) -> String {
    let jobs = run
        .jobs
        .iter()
        .filter(|job| job.job.variant == variant.name);
    let (lost, all) = jobs.fold((0, 0), |(lost, all), job| {
        (lost + usize::from(diverged(job)), all + 1)
    });
    let which = if lost < all {
        format!(" with {lost} of {all} seeds")
    } else {
        String::new()
    };
    format!(
        "Its loss is no longer a number: training has diverged{which}, and its figures are left out of all comparisons. \
         A smaller learning rate may help."
    )
}

/// How much better it is at what it has seen, and whether the running figure hides it.
fn gap(variant: &VariantSummary, changes: Option<&Variant>) -> Option<String> {
    let figures = variant.figures.as_ref()?;
    let (seen, unseen) = (figures.accuracy?.mean, figures.val_accuracy?.mean);
    match figures.train_accuracy.map(|stat| stat.mean) {
        Some(clean) if clean - seen >= 0.005 && unseen > seen => {
            let dropout = changes.is_some_and(|changes| changes.options.has("dropout"));
            let (why, again) = if dropout {
                (
                    "while dropout silences part of the network",
                    "with nothing silenced",
                )
            } else {
                (
                    "averaged over an epoch in which it was still learning",
                    "at the end of that epoch",
                )
            };
            Some(format!(
                "Its training accuracy of {}, {why}, is below the {} on images it has never seen; measured again {again}, \
                 the weights reach {} on the training images, so the true gap is {}.",
                percent(seen),
                percent(unseen),
                percent(clean),
                points(clean - unseen)
            ))
        }
        clean => {
            let seen = clean.unwrap_or(seen);
            let relation = if seen - unseen >= 0.005 {
                "a gap of"
            } else {
                "a gap of only"
            };
            Some(format!(
                "It ends at {} on the images it was trained on and {} on images it has never seen: {relation} {}.",
                percent(seen),
                percent(unseen),
                points(seen - unseen)
            ))
        }
    }
}

/// Whether and from when it overfits; otherwise whether it is still learning.
fn course(run: &RunData, variant: &VariantSummary) -> Option<String> {
    let of = |figure: fn(&EpochRecord) -> Option<f64>| curve(run, &variant.name, figure);
    let mut validation = of(|record| record.val_data_loss);
    if validation.is_empty() {
        validation = of(|record| record.val_loss);
    }
    let epochs = validation.len();
    if epochs == 0 {
        return None;
    }
    if epochs < 3 {
        let count = if epochs == 1 {
            "One epoch is"
        } else {
            "Two epochs are"
        };
        return Some(format!("{count} too few to say whether it overfits."));
    }
    let mean = |(_, stat): &(u64, Stat)| stat.mean;
    let (best, lowest) = validation
        .iter()
        .enumerate()
        .map(|(i, point)| (i, mean(point)))
        .filter(|(_, loss)| !loss.is_nan())
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let end = (mean(&validation[epochs - 1]) + mean(&validation[epochs - 2])) / 2.0;
    let training = of(|record| Some(record.data_loss));
    let keeps_falling =
        training.len() == epochs && mean(&training[epochs - 1]) < mean(&training[best]);
    let best_epoch = validation[best].0;
    if keeps_falling && end > lowest * RISE {
        return Some(format!(
            "Its validation cross-entropy is lowest after epoch {best_epoch} and {:.0} % higher over the last two \
             epochs, while on the training images it keeps falling: from epoch {} on it overfits, growing surer of \
             what it has seen without getting better at what it has not.",
            (end / lowest - 1.0) * 100.0,
            best_epoch + 1
        ));
    }
    if best == epochs - 1 {
        return Some(format!(
            "Its validation cross-entropy is lowest at the very end, so it does not overfit in these {epochs} epochs \
             and may still gain from more of them."
        ));
    }
    Some(format!(
        "Its validation cross-entropy reaches its lowest, {lowest:.3}, after epoch {best_epoch} and stays near it: it \
         has levelled off without turning upwards, no sign of overfitting."
    ))
}

/// What regularization gives and takes, against the variant without it.
fn cost(
    summary: &Summary,
    variant: &VariantSummary,
    reference: Option<&VariantSummary>,
    changes: Option<&Variant>,
) -> Option<String> {
    let reference = reference.filter(|other| other.name != variant.name && !other.diverged)?;
    let (own, other) = (variant.figures.as_ref()?, reference.figures.as_ref()?);
    let (gap, gap_before) = match (own.clean_gap, other.clean_gap) {
        (Some(own), Some(other)) => (own.mean, other.mean),
        _ => (own.gap?.mean, other.gap?.mean),
    };
    let narrower = gap_before.abs() - gap.abs();
    let effect = if narrower.abs() < 0.0005 {
        format!("leaves the gap at {}", points(gap))
    } else {
        let verb = if narrower > 0.0 { "narrows" } else { "widens" };
        format!(
            "{verb} the gap from {} to {}",
            points(gap_before),
            points(gap)
        )
    };
    let accuracies = own.val_accuracy.zip(other.val_accuracy);
    let observed = accuracies.map(|(own, other)| own.mean - other.mean);
    let price = verdict::price(summary.evidence_of(&variant.name), observed)?;
    let share = own.penalty.mean / own.loss.mean;
    let penalty = match changes {
        Some(_) if share >= 0.05 => format!(
            " ({:.0} % of its final training loss is the penalty on its weights)",
            share * 100.0
        ),
        _ => String::new(),
    };
    Some(format!(
        "Against “{}” it {effect}{penalty}; {price}.",
        reference.label
    ))
}
