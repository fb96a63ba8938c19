//! Rows of the tables of figures.

use std::collections::BTreeMap;

use serde::Serialize;
use taper_train::EpochRecord;

use crate::figures::{percent, signed, thousands, with_deviation};
use crate::run::{Figures, RunData, Stat, curve};

/// One row of the table of final figures.
#[derive(Serialize)]
pub(super) struct FinalFigures {
    accuracy: String,
    train_accuracy: String,
    val_accuracy: String,
    gap: String,
    clean_gap: String,
    best: String,
    loss: String,
    cross_entropy: String,
    penalty: String,
    val_loss: String,
    val_cross_entropy: String,
    end_penalty: String,
    seconds: String,
}

#[derive(Serialize)]
pub(super) struct EpochRow {
    epoch: u64,
    loss: String,
    accuracy: String,
    train_accuracy: String,
    val_loss: String,
    val_accuracy: String,
    gap: String,
}

impl FinalFigures {
    pub(super) fn of(figures: &Figures) -> FinalFigures {
        let share =
            |stat: Option<Stat>| stat.map_or("–".into(), |stat| spread(stat, 100.0, 2, " %"));
        let gap = |stat: Option<Stat>| stat.map_or("–".into(), |stat| spread(stat, 100.0, 2, ""));
        let loss = |stat: Option<Stat>| stat.map_or("–".into(), |stat| spread(stat, 1.0, 4, ""));
        FinalFigures {
            accuracy: share(figures.accuracy),
            train_accuracy: share(figures.train_accuracy),
            val_accuracy: share(figures.val_accuracy),
            gap: gap(figures.gap),
            clean_gap: gap(figures.clean_gap),
            best: share(figures.best_val_accuracy),
            loss: loss(Some(figures.loss)),
            cross_entropy: loss(Some(figures.cross_entropy)),
            penalty: loss(Some(figures.penalty)),
            val_loss: loss(figures.val_loss),
            val_cross_entropy: loss(figures.val_cross_entropy),
            end_penalty: loss(Some(figures.end_penalty)),
            seconds: format!("{} s", thousands(figures.seconds.mean.round() as usize)),
        }
    }
}

/// What stands where a figure is not finite.
const NO_NUMBER: &str = "not a number";

/// `98.83 %`, or `98.83 ± 0.11 %` over several seeds.
fn spread(stat: Stat, factor: f64, digits: usize, unit: &str) -> String {
    if !stat.mean.is_finite() {
        return NO_NUMBER.into();
    }
    let mean = stat.mean * factor;
    let text = signed(mean, &format!("{:.digits$}", mean.abs()));
    with_deviation(text, stat, factor, digits) + unit
}

pub(super) fn epoch_rows(run: &RunData, variant: &str) -> Vec<EpochRow> {
    // Each curve once, not once an epoch.
    let of = |figure: fn(&EpochRecord) -> Option<f64>| -> BTreeMap<u64, Stat> {
        curve(run, variant, figure).into_iter().collect()
    };
    let loss = |stat: Option<&Stat>| match stat {
        Some(stat) if stat.mean.is_finite() => format!("{:.4}", stat.mean),
        Some(_) => NO_NUMBER.into(),
        None => "–".into(),
    };
    let share = |stat: Option<&Stat>| stat.map_or("–".into(), |stat| percent(stat.mean));
    let accuracy = of(|r| r.accuracy);
    let train_accuracy = of(|r| r.train_accuracy);
    let val_loss = of(|r| r.val_loss);
    let val_accuracy = of(|r| r.val_accuracy);
    let gap = of(|r| Some(r.accuracy? - r.val_accuracy?));
    let row = |(epoch, stat): (&u64, &Stat)| EpochRow {
        epoch: *epoch,
        loss: loss(Some(stat)),
        accuracy: share(accuracy.get(epoch)),
        train_accuracy: share(train_accuracy.get(epoch)),
        val_loss: loss(val_loss.get(epoch)),
        val_accuracy: share(val_accuracy.get(epoch)),
        gap: gap.get(epoch).map_or("–".into(), |stat| {
            spread(Stat { n: 1, ..*stat }, 100.0, 2, "")
        }),
    };
    of(|r| Some(r.loss)).iter().map(row).collect()
}
