//! Tables for the terminal.

use crate::console::look::letters;
use crate::figures::with_deviation;
use crate::report::verdict;
use crate::run::{Scope, Stat, Summary};

/// The variants side by side, as at the end of `taper train`.
pub(super) fn comparison(summary: &Summary) -> String {
    let head = [
        "variant", "epoch", "loss", "acc", "acc*", "val_loss", "val_acc", "gap", "gap*",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for variant in &summary.variants {
        let mut row = vec![variant.name.clone(), variant.epoch.to_string()];
        match &variant.figures {
            Some(figures) => row.extend([
                loss(Some(figures.loss)),
                share(figures.accuracy, " %"),
                share(figures.train_accuracy, " %"),
                loss(figures.val_loss),
                share(figures.val_accuracy, " %"),
                share(figures.gap, ""),
                share(figures.clean_gap, ""),
            ]),
            None => row.extend(std::iter::repeat_n("–".to_owned(), head.len() - 2)),
        }
        rows.push(row);
    }
    let mut text = aligned(&rows);
    text.push_str("* measured at the end of the epoch with dropout off; gap = acc − val_acc in percentage points\n");
    let diverged = summary.variants.iter().filter(|variant| variant.diverged);
    let diverged: Vec<&str> = diverged.map(|variant| &*variant.name).collect();
    if !diverged.is_empty() {
        text.push_str(&format!(
            "  diverged, so that its figures mean nothing: {}\n",
            diverged.join(", ")
        ));
    }
    if summary.study.base().seeds.len() > 1 {
        text.push_str("  mean ± standard deviation over seeds\n");
    }
    text
}

/// What can be told of the differences, as at the end of `taper train`; empty where nothing can.
pub(super) fn evidence(summary: &Summary) -> String {
    let Some(evidence) = &summary.evidence else {
        return String::new();
    };
    let (Some(reference), 1..) = (&evidence.reference, evidence.comparisons) else {
        return String::new();
    };
    let mut rows = vec![
        ["against", "val_acc", "95 %", "p*", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows[0][0] = format!("against {reference}");
    let differences = || {
        let variants = evidence.variants.iter();
        variants.filter_map(|variant| Some((variant, variant.difference.as_ref()?)))
    };
    for (variant, found) in differences() {
        let p = found.corrected.map_or("–".into(), verdict::probability);
        let (value, range) = (
            verdict::change(found.value, 2),
            verdict::range(found.interval),
        );
        let word = verdict::word(found.verdict).to_owned();
        rows.push(vec![variant.name.clone(), value, range, p, word]);
    }
    let mut text = aligned(&rows);
    let mut differences = differences().map(|(_, found)| found);
    let networks = differences
        .clone()
        .any(|found| found.scope == Scope::Networks);
    text.push_str(match networks {
        true => "* McNemar's exact test, Holm's correction; of these trained networks: another seed would give others\n",
        false => "* sign-flip test over seeds, Holm's correction\n",
    });
    if let Some(few) = differences.find_map(verdict::too_few) {
        text.push_str(&format!("  {few}\n"));
    }
    text
}

fn share(stat: Option<Stat>, unit: &str) -> String {
    stat.map_or_else(|| "–".into(), |stat| spread(stat, 100.0, 2) + unit)
}

fn loss(stat: Option<Stat>) -> String {
    stat.map_or_else(|| "–".into(), |stat| spread(stat, 1.0, 4))
}

fn spread(stat: Stat, factor: f64, digits: usize) -> String {
    let mean = without_sign_of_zero(format!("{:.digits$}", stat.mean * factor));
    with_deviation(mean, stat, factor, digits)
}

/// What rounds to zero has no sign.
fn without_sign_of_zero(figure: String) -> String {
    match figure.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest.to_owned(),
        _ => figure,
    }
}

/// Columns under each other: the first to the left, the others to the right; a rule under the head.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    // Before they are measured: in some locales a letter becomes several.
    let cell = |cell: &String| letters(cell).into_owned();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(cell).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == 0 {
                line.push_str(&format!("{cell:<width$}"));
            } else {
                line.push_str(&format!("  {cell:>width$}"));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if number == 0 {
            let width = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
            text.push_str(&"─".repeat(width));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        for (figure, wanted) in [
            ("-0.00", "0.00"),
            ("-0.01", "-0.01"),
            ("0.00", "0.00"),
            ("-0", "0"),
        ] {
            assert_eq!(without_sign_of_zero(figure.to_owned()), wanted);
        }
    }

    #[test]
    fn columns_are_aligned_by_letters_not_bytes() {
        let rows = [vec!["a".into(), "±±".into()], vec!["bb".into(), "c".into()]];
        assert_eq!(aligned(&rows), "a   ±±\n──────\nbb   c\n");
    }
}
