//! The charts of the page, their legends, and the scales that they share.

use std::ops::Range;

use serde::Serialize;
use taper_train::EpochRecord;

use super::super::chart::{Chart, Ink, Line, Scale, nice_step};
use crate::Result;
use crate::run::{RunData, Stat, VariantSummary, curve};

#[derive(Serialize)]
pub(super) struct Captioned {
    pub(super) title: String,
    pub(super) svg: String,
    pub(super) note: &'static str,
}

/// One entry of a legend.
#[derive(Serialize)]
pub(super) struct Key {
    pub(super) label: String,
    pub(super) color: String,
    pub(super) dashes: &'static str,
}

/// Lowest and highest values over all variants, so that their charts can be compared at a glance.
pub(super) struct Ranges {
    accuracy: Range<f64>,
    loss: Range<f64>,
}

impl Ranges {
    pub(super) fn of(run: &RunData) -> Ranges {
        let records = || run.jobs.iter().flat_map(|job| &job.history);
        let accuracies = records()
            .flat_map(|r| [r.accuracy, r.val_accuracy, r.train_accuracy])
            .flatten();
        let penalties = records()
            .map(|r| r.penalty)
            .filter(|&penalty| penalty > 0.0);
        let losses = records()
            .flat_map(|r| [Some(r.loss), r.val_loss])
            .flatten()
            .chain(penalties);
        let (low, high) = extent(accuracies).unwrap_or((0.0, 1.0));
        let step = nice_step((high - low).max(0.002));
        let bottom = ((low / step - 1e-9).floor() * step).max(0.0);
        let (least, most) = extent(losses.filter(|&loss| loss > 0.0)).unwrap_or((0.1, 1.0));
        Ranges {
            accuracy: bottom..1.0f64.max(high),
            loss: least / 1.15..most * 1.15,
        }
    }
}

pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.filter(|value| value.is_finite());
    finite.fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((f64::min(low, value), f64::max(high, value)))
    })
}

/// How many epochs the charts have room for: those that are planned, or, of a run that was broken off long before, so many
/// that what there is can be seen.
fn shown_epochs(run: &RunData) -> u64 {
    let last = |history: &Vec<EpochRecord>| history.last().map_or(0, |record| record.epoch);
    let done = run.jobs.iter().map(|job| last(&job.history)).max();
    let room = done.unwrap_or(0).saturating_mul(10).max(50);
    run.study.base().epochs.min(room)
}

/// More points than a chart is wide would only make the page heavy.
const POINTS: usize = 460;

pub(super) fn line(ink: Ink, curve: &[(u64, Stat)]) -> Option<Line> {
    let finite: Vec<&(u64, Stat)> = curve
        .iter()
        .filter(|(_, stat)| stat.mean.is_finite())
        .collect();
    // Of a long run every so many, counted from its end.
    let each = finite.len().div_ceil(POINTS).max(1);
    let shown = || {
        let last = finite.len().saturating_sub(1);
        finite
            .iter()
            .enumerate()
            .filter_map(move |(i, point)| (last - i).is_multiple_of(each).then_some(*point))
    };
    let points: Vec<(f64, f64)> = shown()
        .map(|&(epoch, stat)| (epoch as f64, stat.mean))
        .collect();
    let spread = shown().map(|(_, stat)| stat.sd).collect();
    (!points.is_empty()).then_some(Line {
        ink,
        points,
        spread,
    })
}

pub(super) fn key(ink: Ink, label: &str) -> Key {
    Key {
        label: label.to_owned(),
        color: ink.variable(),
        dashes: ink.dashes(),
    }
}

/// The gap of all variants: as it is usually drawn, and without what dropout hides.
pub(super) fn gap_charts(run: &RunData) -> Result<Vec<Captioned>> {
    type Gap = fn(&EpochRecord) -> Option<f64>;
    let kinds: [(&str, Gap, &'static str); 2] = [
        (
            "Running training accuracy − validation accuracy",
            |r| Some(r.accuracy? - r.val_accuracy?),
            "As it is usually reported: training accuracy is averaged over the epoch, dropout on. Dropout pushes it below zero.",
        ),
        (
            "With dropout off: training − validation accuracy",
            |r| Some(r.train_accuracy? - r.val_accuracy?),
            "At the end of each epoch, nothing silenced: how much better the network really is at what it has seen.",
        ),
    ];
    let lines_of = |gap: Gap| -> Vec<Line> {
        let variants = run.study.variants.iter().enumerate();
        variants
            .filter_map(|(i, (name, _))| line(Ink::Variant(i as u8), &curve(run, name, gap)))
            .collect()
    };
    let mut charts = Vec::new();
    for (title, gap, note) in kinds {
        let lines = lines_of(gap);
        let values = lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|point| point.1)
            .chain([0.0]);
        let Some((low, high)) = extent(values).filter(|_| !lines.is_empty()) else {
            continue;
        };
        let room = ((high - low) * 0.08).max(0.001);
        let chart = Chart {
            title,
            description: "One line a variant over the epochs, in percentage points; the table below has the figures.",
            scale: Scale::Points,
            range: low - room..high + room,
            epochs: shown_epochs(run),
            lines,
        };
        charts.push(Captioned {
            title: title.to_owned(),
            svg: chart.svg()?,
            note,
        });
    }
    Ok(charts)
}

/// Loss and accuracy of one variant, and the legend of both.
pub(super) fn variant_charts(
    run: &RunData,
    variant: &VariantSummary,
    ranges: &Ranges,
) -> Result<(Vec<Captioned>, Vec<Key>)> {
    let of = |ink, figure: fn(&EpochRecord) -> Option<f64>| {
        line(ink, &curve(run, &variant.name, figure))
    };
    let accuracy = [
        of(Ink::Train, |r| r.accuracy),
        of(Ink::Clean, |r| r.train_accuracy),
        of(Ink::Validation, |r| r.val_accuracy),
    ];
    let loss = [
        of(Ink::Penalty, |r| (r.penalty > 0.0).then_some(r.penalty)),
        of(Ink::Train, |r| Some(r.loss)),
        of(Ink::Validation, |r| r.val_loss),
    ];
    let shown = |ink: Ink| {
        accuracy
            .iter()
            .chain(&loss)
            .flatten()
            .any(|line| line.ink == ink)
    };
    let names = [
        (Ink::Train, "training"),
        (Ink::Clean, "training, dropout off"),
        (Ink::Validation, "validation"),
        (Ink::Penalty, "penalty’s part of the loss"),
    ];
    let legend = names
        .into_iter()
        .filter(|(ink, _)| shown(*ink))
        .map(|(ink, name)| key(ink, name))
        .collect();
    let kinds = [
        (
            "Accuracy",
            Scale::Percent,
            ranges.accuracy.clone(),
            accuracy,
        ),
        (
            "Loss (logarithmic scale)",
            Scale::Log,
            ranges.loss.clone(),
            loss,
        ),
    ];
    let mut charts = Vec::new();
    for (title, scale, range, lines) in kinds {
        let lines: Vec<Line> = lines.into_iter().flatten().collect();
        if lines.is_empty() {
            continue;
        }
        let name = format!("{title}: {}", variant.label);
        let description =
            "Training and validation over the epochs; the table of epochs has the figures.";
        let chart = Chart {
            title: &name,
            description,
            scale,
            range,
            epochs: shown_epochs(run),
            lines,
        };
        charts.push(Captioned {
            title: title.to_owned(),
            svg: chart.svg()?,
            note: "",
        });
    }
    Ok((charts, legend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_end() {
        let curve = |epochs: u64| -> Vec<(u64, Stat)> {
            let stat = |epoch| Stat {
                mean: epoch as f64,
                sd: 0.0,
                n: 1,
            };
            (1..=epochs).map(|epoch| (epoch, stat(epoch))).collect()
        };
        for (epochs, shown) in [(1, 1), (460, 460), (461, 231), (20_000, 455)] {
            let line = line(Ink::Train, &curve(epochs)).expect("points");
            assert_eq!((line.points.len(), line.spread.len()), (shown, shown));
            assert_eq!(line.points.last(), Some(&(epochs as f64, epochs as f64)));
        }
        assert!(line(Ink::Train, &[]).is_none());
    }
}
