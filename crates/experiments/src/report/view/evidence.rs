//! What can be said of the differences between variants, as a table and what it rests on.

use serde::Serialize;

use super::super::chart::Ink;
use super::super::verdict::{change, percents, probability, range, silence, too_few, word};
use super::curves::{Key, key};
use crate::figures::{percent, thousands};
use crate::run::{Difference, RunData, Scope, Summary};
use crate::statistics::Verdict;

#[derive(Serialize)]
pub(super) struct EvidenceView {
    /// What all figures speak of.
    about: String,
    rows: Vec<EvidenceRow>,
    reference: String,
    several: bool,
    one: bool,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct EvidenceRow {
    key: Key,
    label: String,
    accuracy: String,
    accuracy_interval: String,
    is_reference: bool,
    difference: Option<DifferenceView>,
    /// Why there is no difference.
    silence: Option<&'static str>,
}

#[derive(Serialize)]
struct DifferenceView {
    value: String,
    interval: String,
    count: String,
    p: String,
    corrected: String,
    new_seed: String,
    word: &'static str,
    told: bool,
}

impl EvidenceView {
    /// `None` before anything is done.
    pub(super) fn of(run: &RunData, summary: &Summary) -> Option<EvidenceView> {
        let evidence = summary.evidence.as_ref()?;
        if run.jobs.iter().all(|job| job.result.is_none()) {
            return None;
        }
        let label = |name: &str| run.study.variants.label(name).to_owned();
        let variants = evidence.variants.iter().enumerate();
        let rows = variants.map(|(number, variant)| {
            let label = label(&variant.name);
            let accuracy = variant.accuracy.as_ref();
            EvidenceRow {
                key: key(Ink::Variant(number as u8), &label),
                accuracy: accuracy.map_or("–".into(), |found| percent(found.value)),
                accuracy_interval: accuracy.map_or("–".into(), |found| percents(found.interval)),
                is_reference: evidence.reference.as_deref() == Some(&*variant.name),
                difference: variant.difference.as_ref().map(DifferenceView::of),
                silence: variant.silence.map(silence),
                label,
            }
        });
        let differences = || {
            evidence
                .variants
                .iter()
                .filter_map(|v| v.difference.as_ref())
        };
        let has = |scope: Scope| differences().any(|found| found.scope == scope);
        let few = differences().filter_map(too_few).next();
        let mut notes = Vec::new();
        if differences().next().is_some() {
            notes.push(format!(
                "“Better” and “worse” are said where p, corrected for {} (Holm), is below {} and the interval leaves out 0; “cannot tell” is no proof \
                 that there is no difference: the interval says how large it may be.",
                match evidence.comparisons {
                    1 => "the one comparison there is".to_owned(),
                    many => format!("{many} comparisons"),
                },
                evidence.significance,
            ));
        }
        if has(Scope::Networks) {
            notes.push(
                "p is that of McNemar’s exact test on the images that only one of two networks has right.".into(),
            );
        }
        if has(Scope::Method) {
            notes.push(format!(
                "Differences are paired by seed; intervals come from {} draws of seeds and images.",
                thousands(evidence.draws)
            ));
            let tested = differences().any(|d| d.scope == Scope::Method && d.p.is_some());
            if tested {
                notes.push("p is that of the exact sign-flip test over seeds; corrected is the larger of it and of Student’s t, which takes images as drawn, too.".into());
            }
            notes.push(
                "The probability with a new seed takes the differences of seeds to be normally distributed.".into(),
            );
        }
        if let Some(few) = few {
            notes.push(format!("{}{}.", few[..1].to_uppercase(), &few[1..]));
        }
        Some(EvidenceView {
            about: about(has(Scope::Networks), has(Scope::Method)),
            rows: rows.collect(),
            reference: evidence.reference.as_deref().map(label).unwrap_or_default(),
            several: has(Scope::Method),
            one: has(Scope::Networks),
            notes,
        })
    }
}

/// What the figures speak of.
fn about(networks: bool, method: bool) -> String {
    let of = match (networks, method) {
        (true, false) => {
            "Each variant was trained once. What is said here speaks of these trained networks on images like these, not of \
             the methods: another seed would give other networks, and how much they differ cannot be known from one."
        }
        (false, true) => {
            "Each variant was trained with several seeds. What is said here speaks of the methods, with seeds and images \
             like these."
        }
        (true, true) => {
            "Where a row has but one seed so far, it speaks of two trained networks, not of the methods."
        }
        (false, false) => "No difference between variants can be judged here.",
    };
    of.into()
}

impl DifferenceView {
    fn of(found: &Difference) -> DifferenceView {
        let none = || "–".to_owned();
        DifferenceView {
            value: change(found.value, 2),
            interval: range(found.interval),
            count: found.count.map_or_else(none, |count| {
                format!("{} : {}", count.variant, count.reference)
            }),
            p: found.p.map_or_else(none, probability),
            corrected: found.corrected.map_or_else(none, probability),
            new_seed: found
                .beats_on_new_seed
                .map_or_else(none, |share| format!("{:.0} %", share * 100.0)),
            word: word(found.verdict),
            told: found.verdict != Verdict::CannotTell,
        }
    }
}
