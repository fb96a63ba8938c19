//! What the predictions of a run can carry: how good each variant is, how it differs from the reference, and whether that
//! can be told from chance.

use serde::{Deserialize, Serialize};
use taper_nn::Seed;
use taper_train::number;

use super::predictions::Answers;
use super::recorded::{JobData, RunData};
use crate::statistics::{
    CONFIDENCE, DRAWS, Interval, SIGNIFICANCE, Table, Verdict, beats_on_new_seed, estimate, holm,
    mcnemar, seeds_needed, sign_flip, wilson,
};

/// The section `evidence` of `summary.json`: figures of the last epoch's networks on the validation images, as functions
/// of the predictions that a run keeps. Accuracies and differences are shares (0.01 is a point).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The variant that the others are compared with; `None` if there is none.
    pub reference: Option<String>,
    /// How often intervals hold: 0.95.
    #[serde(with = "number")]
    pub confidence: f64,
    /// Below this corrected p a difference is called one: 0.05.
    #[serde(with = "number")]
    pub significance: f64,
    /// How often seeds and images were drawn again for an interval.
    pub draws: usize,
    /// The seed of those draws.
    pub seed: u64,
    /// How many differences [Holm's correction](holm) is over.
    pub comparisons: usize,
    /// One a variant, in the order of the study.
    pub variants: Vec<VariantEvidence>,
}

/// What can be said of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantEvidence {
    /// Name in the study.
    pub name: String,
    /// How good it is; `None` without predictions of all its trainings that are done.
    pub accuracy: Option<Accuracy>,
    /// How it differs from the reference; `None` for the reference, and where nothing can be said.
    pub difference: Option<Difference>,
    /// Why nothing can be said of its difference; `None` if something is, or it is the reference.
    pub silence: Option<Silence>,
}

/// The accuracy of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The seeds of its trainings, as far as they are done.
    pub seeds: Vec<u64>,
    /// How many validation images each was judged on.
    pub images: usize,
    /// The mean over seeds.
    #[serde(with = "number")]
    pub value: f64,
    /// Its 95 % interval: Wilson's for one seed, else by the bootstrap over seeds and images.
    pub interval: Interval,
}

/// How a variant differs from the reference, with the seeds that both are done with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What it speaks of.
    pub scope: Scope,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Accuracy minus that of the reference, a seed each.
    #[serde(with = "number")]
    pub by_seed: Vec<f64>,
    /// Their mean.
    #[serde(with = "number")]
    pub value: f64,
    /// Its 95 % interval by the bootstrap: over images, and over seeds if there are several.
    pub interval: Interval,
    /// Images that one of two networks has right and the other not; `None` of several seeds.
    pub count: Option<Count>,
    /// McNemar's exact p of one seed, the sign-flip test's of several; `None` where seeds are too few for the latter.
    #[serde(with = "number", default)]
    pub p: Option<f64>,
    /// Student's t of several seeds, with a standard error that takes images as drawn, too ([`p`](crate::statistics::Estimate::p)): the sign-flip test takes them as they are. `None` where `p` is, and of one seed.
    #[serde(with = "number", default)]
    pub p_images: Option<f64>,
    /// The larger of `p` and `p_images`, corrected for the number of comparisons.
    #[serde(with = "number", default)]
    pub corrected: Option<f64>,
    /// How many seeds the test needs so that its corrected p can fall below 0.05; `None` of one seed.
    pub seeds_needed: Option<usize>,
    /// The probability that it beats the reference with a seed that was not tried; `None` of one seed, and if all gave
    /// the same difference.
    #[serde(with = "number", default)]
    pub beats_on_new_seed: Option<f64>,
    /// The word for it.
    pub verdict: Verdict,
}

/// What a difference speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Of two trained networks: another seed would give others.
    Networks,
    /// Of the two ways to train, whatever the seed.
    Method,
}

/// How many images only one of two networks has right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Only the variant's.
    pub variant: u64,
    /// Only the reference's.
    pub reference: u64,
}

/// Why nothing can be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// No variant leaves the layers as they are and has not diverged.
    NoReference,
    /// Its training has diverged.
    Diverged,
    /// There is no seed with which both it and the reference are done.
    NotDone,
    /// Trainings of it or of the reference are done, but their predictions were not kept: the run is of a version before
    /// that, at least in part.
    NotKept,
    /// Predictions of it or of the reference were kept and cannot be read.
    Unreadable,
    /// It and the reference were judged on different images.
    OtherImages,
}

/// Every run has the same: figures are functions of the predictions.
const SEED: u64 = 0;

impl Evidence {
    /// Of what a run has recorded. Every variant but those that have `diverged` is compared with `reference`.
    #[must_use]
    pub fn of(run: &RunData, reference: Option<&str>, diverged: &[&str]) -> Evidence {
        let names = run.study.variants.iter().map(|(name, _)| name);
        let mut variants: Vec<VariantEvidence> = names
            .enumerate()
            .map(|(number, name)| {
                let diverged = diverged.contains(&name);
                VariantEvidence::of(run, (name, diverged), reference, number as u32)
            })
            .collect();
        correct(&mut variants);
        Evidence {
            reference: reference.map(str::to_owned),
            confidence: CONFIDENCE,
            significance: SIGNIFICANCE,
            draws: DRAWS,
            seed: SEED,
            comparisons: variants.iter().filter(|v| v.difference.is_some()).count(),
            variants,
        }
    }

    /// What can be said of a variant.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&VariantEvidence> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl VariantEvidence {
    fn of(
        run: &RunData,
        (name, diverged): (&str, bool),
        reference: Option<&str>,
        number: u32,
    ) -> VariantEvidence {
        let jobs = done(run, name);
        let compared = match reference {
            Some(reference) if reference == name => Ok(None),
            _ if diverged => Err(Silence::Diverged),
            None => Err(Silence::NoReference),
            Some(reference) => difference(&jobs, &done(run, reference), 2 * number + 1).map(Some),
        };
        let (difference, silence) = match compared {
            Ok(difference) => (difference, None),
            Err(silence) => (None, Some(silence)),
        };
        VariantEvidence {
            name: name.to_owned(),
            accuracy: accuracy(&jobs, 2 * number).filter(|_| !diverged),
            difference,
            silence,
        }
    }
}

/// The jobs of a variant that have a result.
fn done<'a>(run: &'a RunData, variant: &str) -> Vec<&'a JobData> {
    let jobs = run.jobs.iter();
    jobs.filter(|job| job.job.variant == variant && job.result.is_some())
        .collect()
}

fn accuracy(jobs: &[&JobData], stream: u32) -> Option<Accuracy> {
    let kept = jobs.iter().map(|job| match &job.answers {
        Answers::Kept(right) => Some(right),
        _ => None,
    });
    let kept: Vec<&Vec<bool>> = kept.collect::<Option<_>>()?;
    let rows = kept
        .iter()
        .map(|right| right.iter().map(|&right| i8::from(right)).collect());
    let table = Table::of(&rows.collect::<Vec<_>>())?;
    let interval = match table.sums()[..] {
        [right] => wilson(right.unsigned_abs(), table.images())?,
        _ => estimate(&table, DRAWS, Seed(SEED), stream)
            .interval
            .within(0.0, 1.0),
    };
    Some(Accuracy {
        seeds: jobs.iter().map(|job| job.job.seed).collect(),
        images: table.images() as usize,
        value: table.mean(),
        interval,
    })
}

/// What the trainings that both are done with say.
fn difference(
    variant: &[&JobData],
    reference: &[&JobData],
    stream: u32,
) -> Result<Difference, Silence> {
    let (mut seeds, mut rows) = (Vec::new(), Vec::new());
    for job in variant {
        let seed = job.job.seed;
        if let Some(other) = reference.iter().find(|other| other.job.seed == seed) {
            rows.push(row(&job.answers, &other.answers)?);
            seeds.push(seed);
        }
    }
    if seeds.is_empty() {
        return Err(Silence::NotDone);
    }
    let table = Table::of(&rows).ok_or(Silence::OtherImages)?;
    let found = estimate(&table, DRAWS, Seed(SEED), stream);
    let one = seeds.len() == 1;
    let only = |sign: i8| rows[0].iter().filter(|&&value| value == sign).count() as u64;
    let count = one.then(|| Count {
        variant: only(1),
        reference: only(-1),
    });
    let by_seed = table.means();
    let p = match count {
        Some(count) => Some(mcnemar(count.variant, count.reference)),
        // Below that no p can be small.
        None if seeds.len() < seeds_needed(1) => None,
        None => Some(sign_flip(&table.sums())),
    };
    Ok(Difference {
        scope: if one { Scope::Networks } else { Scope::Method },
        value: found.mean,
        interval: found.interval.within(-1.0, 1.0),
        p_images: p.filter(|_| !one).map(|_| found.p()),
        p,
        count,
        corrected: None,
        seeds_needed: None,
        beats_on_new_seed: beats_on_new_seed(&by_seed),
        verdict: Verdict::CannotTell,
        by_seed,
        seeds,
    })
}

/// An image each: 1 if only the variant has it right, −1 if only the reference has.
fn row(variant: &Answers, reference: &Answers) -> Result<Vec<i8>, Silence> {
    match (variant, reference) {
        (Answers::Kept(own), Answers::Kept(other)) if own.len() == other.len() => {
            let both = own.iter().zip(other);
            Ok(both
                .map(|(&own, &other)| i8::from(own) - i8::from(other))
                .collect())
        }
        (Answers::Kept(_), Answers::Kept(_)) => Err(Silence::OtherImages),
        (Answers::Unreadable(_), _) | (_, Answers::Unreadable(_)) => Err(Silence::Unreadable),
        _ => Err(Silence::NotKept),
    }
}

/// Corrects every p for how many comparisons there are, those without a p included, and finds the words.
fn correct(variants: &mut [VariantEvidence]) {
    let differences = || variants.iter().filter_map(|v| v.difference.as_ref());
    let comparisons = differences().count();
    // One that cannot be tested yet may be when more seeds are done: it counts as a test.
    let larger = |d: &Difference| Some(d.p?.max(d.p_images.unwrap_or(0.0)));
    let p: Vec<f64> = differences().map(|d| larger(d).unwrap_or(1.0)).collect();
    let corrected = holm(&p);
    let differences = variants.iter_mut().filter_map(|v| v.difference.as_mut());
    for (difference, corrected) in differences.zip(corrected) {
        difference.corrected = difference.p.map(|_| corrected);
        let several = difference.scope == Scope::Method;
        difference.seeds_needed = several.then(|| seeds_needed(comparisons));
        difference.verdict = Verdict::of(difference.interval, difference.corrected);
    }
}
