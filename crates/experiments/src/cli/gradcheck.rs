//! `taper gradcheck`: every gradient against central differences, in f64.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use taper_autograd::gradcheck::{self, Report};

use super::{Done, Usage, table};
use crate::console::say;

/// The worst relative error that passes.
const TOLERANCE: f64 = 1e-6;

#[derive(Args)]
pub(super) struct Gradcheck {
    /// Only what has this in its name: an operation, layer, activation, loss or regularizer
    #[arg(long, value_name = "NAME")]
    op: Option<String>,
    /// Random samples of each
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..))]
    cases: u64,
    /// Seed of the samples
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
}

/// One row of the tables of the crates.
struct Row {
    kind: &'static str,
    name: String,
    formula: String,
    run: Box<dyn Fn(u64, u64) -> Report>,
}

impl Gradcheck {
    pub(super) fn run(&self) -> Done {
        let rows = self.chosen()?;
        let mut shown = vec![
            ["kind", "name", "cases", "worst relative error", ""]
                .map(str::to_owned)
                .to_vec(),
        ];
        let mut failed = Vec::new();
        for row in &rows {
            let report = (row.run)(self.cases, self.seed);
            let passed = report.worst <= TOLERANCE;
            let verdict = if passed { "ok" } else { "FAILED" };
            shown.push(vec![
                row.kind.to_owned(),
                row.name.clone(),
                report.cases.to_string(),
                format!("{:.1e}", report.worst),
                verdict.to_owned(),
            ]);
            if !passed {
                failed.push(format!(
                    "{} {} = {}: {}",
                    row.kind, row.name, row.formula, report.description
                ));
            }
        }
        say(table::aligned(&shown).trim_end());
        if !failed.is_empty() {
            bail!(
                "{} of {} are wrong by more than {TOLERANCE:e}\n{}",
                failed.len(),
                rows.len(),
                failed.join("\n")
            );
        }
        let count = rows.len();
        say(format!(
            "\n{count} checked, {} samples each, every one within {TOLERANCE:e}",
            self.cases
        ));
        Ok(ExitCode::SUCCESS)
    }

    fn chosen(&self) -> Result<Vec<Row>, Usage> {
        let Some(wanted) = &self.op else {
            return Ok(all());
        };
        let lower = wanted.to_lowercase();
        let exact: Vec<Row> = all()
            .into_iter()
            .filter(|row| row.name.to_lowercase() == lower)
            .collect();
        if !exact.is_empty() {
            return Ok(exact);
        }
        let similar: Vec<Row> = all()
            .into_iter()
            .filter(|row| row.name.to_lowercase().contains(&lower))
            .collect();
        if similar.is_empty() {
            let names: Vec<String> = all().into_iter().map(|row| row.name).collect();
            return Err(Usage(format!(
                "nothing is called `{wanted}`; there are: {}",
                names.join(", ")
            )));
        }
        Ok(similar)
    }
}

fn all() -> Vec<Row> {
    let ops = taper_autograd::ops::all().iter().map(|&spec| Row {
        kind: "operation",
        name: spec.name.to_owned(),
        formula: spec.formula.to_owned(),
        run: Box::new(move |cases, seed| gradcheck::run(&spec, cases, seed)),
    });
    let nn = taper_nn::gradcheck::all().into_iter().map(|check| Row {
        kind: check.kind,
        name: check.name.clone(),
        formula: check.formula.to_owned(),
        run: Box::new(move |cases, seed| check.run(cases, seed)),
    });
    ops.chain(nn).collect()
}
