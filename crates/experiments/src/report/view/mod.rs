//! What the template shows, as plain values: every figure already a text, every chart already drawn.

mod curves;
mod evidence;
mod figures;
mod mistakes;
mod settings;
mod variant;

use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::chart::Ink;
use crate::Result;
use crate::figures::{percent, points, thousands};
use crate::run::{Figures, RunData, Summary, reference};
use curves::{Captioned, Key, Ranges, gap_charts, key};
use evidence::EvidenceView;
use variant::VariantView;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    about: String,
    facts: Vec<String>,
    unfinished: Option<String>,
    tiles: Vec<Tile>,
    evidence: Option<EvidenceView>,
    gap_charts: Vec<Captioned>,
    gap_legend: Vec<Key>,
    several_seeds: bool,
    has_clean: bool,
    has_validation: bool,
    has_penalty: bool,
    variants: Vec<VariantView>,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    study_toml: String,
    version: String,
}

/// A figure that stands out.
#[derive(Serialize)]
struct Tile {
    name: &'static str,
    figure: String,
    of: String,
}

impl Page {
    pub(super) fn of(run: &RunData) -> Result<Value> {
        let summary = Summary::of(run);
        let reference = reference(run, &summary.variants);
        let ranges = Ranges::of(run);
        let views = 0..summary.variants.len();
        let variants: Result<Vec<_>> = views
            .map(|i| VariantView::of(run, &summary, i, reference, &ranges))
            .collect();
        let has = |test: &dyn Fn(&Figures) -> bool| {
            summary
                .variants
                .iter()
                .filter_map(|v| v.figures.as_ref())
                .any(test)
        };
        let page = Page {
            title: run.study.headline().to_owned(),
            about: run.study.about.clone(),
            facts: facts(run),
            unfinished: unfinished(run),
            tiles: tiles(&summary),
            evidence: EvidenceView::of(run, &summary),
            gap_charts: gap_charts(run)?,
            gap_legend: summary
                .variants
                .iter()
                .enumerate()
                .map(|(i, v)| key(Ink::Variant(i as u8), &v.label))
                .collect(),
            several_seeds: run.study.base().seeds.len() > 1,
            has_clean: has(&|figures| figures.train_accuracy.is_some()),
            has_validation: has(&|figures| figures.val_accuracy.is_some()),
            has_penalty: has(&|figures| figures.penalty.mean > 0.0),
            variants: variants?,
            settings: settings::settings(run),
            environment: settings::environment(&run.environment),
            study_toml: run.study.to_toml()?,
            version: run.environment.version.clone(),
        };
        Ok(Value::from(Serde(page)))
    }
}

fn facts(run: &RunData) -> Vec<String> {
    let environment = &run.environment;
    let seeds = match run.study.base().seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds", seeds.len()),
    };
    let plural = |n: u64, noun: &str| {
        if n == 1 {
            format!("1 {noun}")
        } else {
            format!("{n} {noun}s")
        }
    };
    vec![
        environment.dataset.clone(),
        format!("{} training images", thousands(environment.train_images)),
        format!("{} validation images", thousands(environment.test_images)),
        plural(run.study.base().epochs, "epoch"),
        seeds,
        environment.started.clone(),
    ]
}

fn unfinished(run: &RunData) -> Option<String> {
    let done = run.jobs.iter().filter(|job| job.result.is_some()).count();
    let all = run.jobs.len();
    let failed: Vec<String> = run
        .jobs
        .iter()
        .filter(|job| job.failure.is_some())
        .map(|job| job.job.to_string())
        .collect();
    let failed = match failed.is_empty() {
        true => String::new(),
        false => format!(" Failed: {}.", failed.join(", ")),
    };
    (done < all).then(|| format!("{done} of {all} trainings are finished; what is below shows how far the others have come.{failed}"))
}

/// The best of the variants that have not diverged.
fn tiles(summary: &Summary) -> Vec<Tile> {
    let compared = || summary.variants.iter().filter(|variant| !variant.diverged);
    let of = |figure: &dyn Fn(&Figures) -> Option<f64>| -> Vec<(String, f64)> {
        let values =
            compared().filter_map(|v| Some((v.label.clone(), figure(v.figures.as_ref()?)?)));
        values.filter(|(_, value)| value.is_finite()).collect()
    };
    let accuracy = of(&|figures| Some(figures.val_accuracy?.mean));
    let gaps = of(&|figures| Some(figures.clean_gap.or(figures.gap)?.mean));
    let largest =
        |values: &[(String, f64)]| values.iter().max_by(|a, b| a.1.total_cmp(&b.1)).cloned();
    let smallest = |values: &[(String, f64)]| {
        values
            .iter()
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
            .cloned()
    };
    let tile = |name, of: Option<(String, f64)>, text: fn(f64) -> String| {
        of.map(|(label, value)| Tile {
            name,
            figure: text(value),
            of: label,
        })
    };
    let found = [
        tile("Best on unseen images", largest(&accuracy), percent),
        tile("Smallest gap", smallest(&gaps), points),
        tile("Largest gap", largest(&gaps), points),
    ];
    let enough = compared().count() > 1;
    found
        .into_iter()
        .flatten()
        .take(if enough { 3 } else { 2 })
        .collect()
}
