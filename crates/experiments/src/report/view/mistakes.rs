//! What a network takes for what: the confusion matrix and the worst mistakes.

use serde::Serialize;

use crate::figures::thousands;
use crate::run::{JobResult, Mistake};

#[derive(Serialize)]
pub(super) struct Confusion {
    classes: Vec<String>,
    rows: Vec<ConfusionRow>,
    wrong: String,
    total: String,
    often: Option<String>,
    /// Whether there is a last column, of those without a prediction.
    some_are_none: bool,
}

#[derive(Serialize)]
pub(super) struct ConfusionRow {
    class: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
pub(super) struct Cell {
    count: u32,
    right: bool,
    /// 0…100: how strongly it is coloured.
    heat: u32,
}

#[derive(Serialize)]
pub(super) struct MistakeView {
    png: String,
    index: usize,
    truth: String,
    predicted: String,
    probability: String,
    truth_probability: String,
}

fn class_name(classes: &[String], class: usize) -> String {
    classes
        .get(class)
        .cloned()
        .unwrap_or_else(|| class.to_string())
}

impl Confusion {
    pub(super) fn of(result: &JobResult, classes: &[String]) -> Option<Confusion> {
        let matrix = &result.confusion;
        let cells = || {
            matrix
                .iter()
                .enumerate()
                .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, &n)| (i, j, n)))
        };
        let none_of = |class: usize| result.unpredicted.get(class).copied().unwrap_or(0);
        let none: u32 = (0..matrix.len()).map(none_of).sum();
        let total: u32 = cells().map(|(_, _, n)| n).sum::<u32>() + none;
        let missed = cells().filter(|(i, j, _)| i != j).map(|(_, _, n)| n);
        let wrong = missed.sum::<u32>() + none;
        let worst = cells()
            .filter(|(i, j, n)| i != j && *n > 0)
            .max_by_key(|(_, _, n)| *n);
        // Above some 26 classes a table is too large to read.
        if matrix.is_empty() || matrix.len() > 26 {
            return None;
        }
        let most_none = (0..matrix.len()).map(none_of).max().unwrap_or(0);
        let most = f64::from(worst.map_or(1, |(_, _, n)| n).max(most_none));
        let rows = matrix.iter().enumerate().map(|(i, row)| {
            let of_class = row.iter().sum::<u32>() + none_of(i);
            let cell = |(j, &count): (usize, &u32)| {
                let share = if i == j {
                    f64::from(count) / f64::from(of_class.max(1))
                } else {
                    f64::from(count) / most
                };
                Cell {
                    count,
                    right: i == j,
                    heat: (share.sqrt() * 100.0).round() as u32,
                }
            };
            ConfusionRow {
                class: class_name(classes, i),
                cells: row
                    .iter()
                    .enumerate()
                    .map(cell)
                    .chain((none > 0).then(|| cell((usize::MAX, &none_of(i)))))
                    .collect(),
            }
        });
        let often = worst.map(|(i, j, n)| {
            let times = if n == 1 {
                "once".to_owned()
            } else {
                format!("{n} times")
            };
            format!(
                "Most frequent: {} taken for {}, {times}.",
                class_name(classes, i),
                class_name(classes, j)
            )
        });
        let classes = (0..matrix.len())
            .map(|class| class_name(classes, class))
            .collect();
        Some(Confusion {
            classes,
            rows: rows.collect(),
            wrong: thousands(wrong as usize),
            total: thousands(total as usize),
            often: match none {
                0 => often,
                none => {
                    let count = thousands(none as usize);
                    let nothing = format!("For {count} of them it gives no prediction.");
                    Some(
                        [Some(nothing), often]
                            .into_iter()
                            .flatten()
                            .collect::<Vec<_>>()
                            .join(" "),
                    )
                }
            },
            some_are_none: none > 0,
        })
    }
}

pub(super) fn mistakes(mistakes: &[Mistake], classes: &[String]) -> Vec<MistakeView> {
    let view = |mistake: &Mistake| MistakeView {
        png: mistake.png.clone(),
        index: mistake.index,
        truth: class_name(classes, mistake.truth),
        predicted: match mistake.predicted {
            Some(class) => class_name(classes, class),
            None => "none".to_owned(),
        },
        probability: match mistake.predicted {
            Some(_) if mistake.probability.is_finite() => {
                format!("{:.1} %", mistake.probability * 100.0)
            }
            Some(_) => "not a number".to_owned(),
            None => "no prediction".to_owned(),
        },
        truth_probability: match mistake.truth_probability * 100.0 {
            _ if mistake.predicted.is_none() => "–".to_owned(),
            tiny if tiny < 0.05 => "< 0.1 %".to_owned(),
            share if share.is_finite() => format!("{share:.1} %"),
            _ => "not a number".to_owned(),
        },
    };
    mistakes.iter().map(view).collect()
}
