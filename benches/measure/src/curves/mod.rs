//! `cargo xtask bench curves`: what an image costs over batch sizes, channel widths, image sizes and epochs. A size that
//! is slower than its neighbours without a reason is a cliff, and is named.

mod chart;
mod curve;
mod families;
mod page;
mod ticks;

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use taper_experiments::run::{Environment, StudyData};
use taper_experiments::study::{Overrides, Study};
use taper_nn::Seed;

use crate::epoch::epochs;
use crate::mode::Mode;
use crate::pool::{in_pool, threads};
use crate::record;
use crate::statistics::Spread;
use crate::usage::positive;
use crate::work::Work;
use chart::{Chart, Line};
use curve::{CLIFF, Cliff, GROWTH, Point, cliffs, growth};
use families::{FAMILIES, Family, Over};
use page::Section;

/// Its options.
#[derive(Args)]
pub(crate) struct Curves {
    /// Only these, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Over>,
    /// Few sizes, one round, eight short epochs: whether it works, not what it shows
    #[arg(long)]
    quick: bool,
    /// Where the data set's files are, or go [default: data/ in the workspace, or here]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Threads [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// How often every size is measured; the median counts
    #[arg(long, value_name = "N", default_value = "5", value_parser = positive)]
    rounds: usize,
    /// Where to write: PREFIX-curves.md, PREFIX-curves.jsonl, PREFIX-curves-batch.svg, …
    /// [default: benches/results/ with date and machine]
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
}

impl Curves {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let threads = threads(self.threads);
        let environment = Environment::here(threads, 1);
        let stem = self.out.clone().map_or_else(record::stem, Ok)?;
        let wanted = |over: Over| self.only.is_empty() || self.only.contains(&over);
        let mut sections = Vec::new();
        for family in FAMILIES.iter().filter(|family| wanted(family.over)) {
            sections.push(in_pool(threads, || self.family(family))??);
        }
        if wanted(Over::Epochs) {
            sections.push(in_pool(threads, || self.epochs())??);
        }
        page::write(&stem, &self.command(), &sections, &environment)
    }

    fn family(&self, family: &Family) -> anyhow::Result<Section> {
        let mut text = String::new();
        let mut lines = Vec::new();
        let mut found = Vec::new();
        let mut curves = Vec::new();
        for mode in [Mode::Train, Mode::Infer] {
            let points = self.measure(family, mode)?;
            for cliff in cliffs(&points, CLIFF) {
                found.push((mode, cliff));
            }
            for point in &points {
                lines.push(
                    json!({ "over": family.over.name(), "mode": mode.name(), "point": point }),
                );
            }
            curves.push((mode, points));
        }
        writeln!(text, "{}", family.about)?;
        writeln!(
            text,
            "\n| {} | train: µs an image | ns a MFLOP (lowest – highest) | infer: µs an image | ns a MFLOP (lowest – highest) |",
            family.axis
        )?;
        writeln!(text, "| ---: | ---: | --- | ---: | --- |")?;
        for (train, infer) in curves[0].1.iter().zip(&curves[1].1) {
            writeln!(
                text,
                "| {} | {} | {} |",
                train.size,
                cells(train),
                cells(infer)
            )?;
        }
        writeln!(text, "\n{}", verdict(&found))?;
        lines.extend(found.iter().map(|(mode, cliff)| {
            json!({ "over": family.over.name(), "mode": mode.name(), "cliff": cliff })
        }));
        // Where the size changes the work of an image, cost is counted by the work.
        let per_image = family.over == Over::Batch;
        let cost = |point: &Point| {
            if per_image {
                point.image()
            } else {
                point.cost()
            }
        };
        let chart = Chart {
            title: family.title,
            x: family.axis,
            y: if per_image {
                "µs an image"
            } else {
                "ns for a million operations"
            },
            sizes: curves[0].1.iter().map(|point| point.size).collect(),
            lines: curves
                .iter()
                .map(|(mode, points)| Line {
                    name: mode.name(),
                    values: points.iter().map(cost).collect(),
                })
                .collect(),
        };
        Ok(Section {
            name: family.over.name(),
            text,
            lines,
            svg: chart.svg()?,
        })
    }

    /// Every size once a round, so that a slow minute of the machine does not fall on one size alone.
    fn measure(&self, family: &Family, mode: Mode) -> anyhow::Result<Vec<Point>> {
        let sizes: Vec<usize> = match self.quick {
            true => family.sizes.iter().copied().take(4).collect(),
            false => family.sizes.to_vec(),
        };
        let rounds = if self.quick { 1 } else { self.rounds };
        let mut seconds = vec![Vec::new(); sizes.len()];
        for _ in 0..rounds {
            for (size, seconds) in sizes.iter().zip(&mut seconds) {
                let model = (family.network)(*size).build(Seed(7))?;
                let mut work = Work::new(model, (family.batch)(*size))?;
                seconds.push(work.seconds(mode, if self.quick { 0.02 } else { 0.25 })?);
            }
        }
        let points = sizes.iter().zip(&seconds).map(|(&size, seconds)| {
            let Spread {
                median,
                lowest,
                highest,
            } = Spread::of(seconds);
            let images = (family.batch)(size);
            Point {
                size,
                mflop: family.mflop(size, mode),
                images,
                seconds: median,
                lowest,
                highest,
            }
        });
        Ok(points.collect())
    }

    /// Training with L2 drives many weights towards zero: an epoch must not become slower for it.
    fn epochs(&self) -> anyhow::Result<Section> {
        let (count, images) = if self.quick { (8, 256) } else { (20, 6_400) };
        let changes = Overrides {
            variants: Some(vec!["l2".into()]),
            ..Overrides::default()
        };
        let changes = changes
            .set("epochs", Some(count))?
            .set("train_size", Some(images))?
            .set("test_size", Some(images / 10))?;
        let study = Study::regularization().with(&changes)?;
        let data = StudyData::open(&study, self.data_dir.as_deref())?;
        let seconds = epochs(&study, &data, "l2")?;
        let growth = growth(&seconds).context("eight epochs at least")?;
        let mut text = format!(
            "The study's variant `l2` on {images} images, {count} epochs; the last quarter takes {growth:.2} times as long as the second.\n\n"
        );
        if growth <= GROWTH {
            writeln!(text, "Epochs do not become slower (limit: {GROWTH}).")?;
        } else {
            writeln!(text, "**Epochs become slower** (limit: {GROWTH}).")?;
        }
        let chart = Chart {
            title: "Seconds an epoch, with L2",
            x: "epoch",
            y: "seconds",
            sizes: (1..=seconds.len()).collect(),
            lines: vec![Line {
                name: "l2",
                values: seconds.clone(),
            }],
        };
        let lines = vec![json!({ "over": "epochs", "seconds": seconds, "growth": growth })];
        Ok(Section {
            name: "epochs",
            text,
            lines,
            svg: chart.svg()?,
        })
    }

    /// The command line, without where it writes.
    fn command(&self) -> String {
        let mut line = "cargo xtask bench curves".to_owned();
        if !self.only.is_empty() {
            let names: Vec<&str> = self.only.iter().map(|over| over.name()).collect();
            line += &format!(" --only {}", names.join(","));
        }
        if self.quick {
            line += " --quick";
        } else {
            line += &format!(" --rounds {}", self.rounds);
        }
        line + &self
            .threads
            .map_or(String::new(), |threads| format!(" --threads {threads}"))
    }
}

/// A point's two cells of the table.
fn cells(point: &Point) -> String {
    let cost = |seconds: f64| 1e9 * seconds / point.mflop;
    let (lowest, highest) = (cost(point.lowest), cost(point.highest));
    format!(
        "{:.1} | {:.1} ({lowest:.1} – {highest:.1})",
        point.image(),
        point.cost()
    )
}

fn verdict(found: &[(Mode, Cliff)]) -> String {
    if found.is_empty() {
        return "No cliffs.".to_owned();
    }
    let name = |(mode, cliff): &(Mode, Cliff)| {
        let Cliff { from, to, ratio } = cliff;
        format!("{} {from} → {to} ({ratio:.2}×)", mode.name())
    };
    let names: Vec<String> = found.iter().map(name).collect();
    format!("**Cliffs**: {}.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cliffs_are_named() {
        assert_eq!(verdict(&[]), "No cliffs.");
        let cliff = Cliff {
            from: 8,
            to: 17,
            ratio: 1.5,
        };
        assert_eq!(
            verdict(&[(Mode::Infer, cliff)]),
            "**Cliffs**: infer 8 → 17 (1.50×)."
        );
    }
}
