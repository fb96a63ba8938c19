//! A run made of known curves, for tests that need no training.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use taper_experiments::run::{
    Answers, Environment, JobData, JobResult, Mistake, Predictions, RunData, RunFolder,
};
use taper_experiments::study::{Overrides, Study};
use taper_train::{DataLoss, EpochRecord};

#[derive(Deserialize)]
struct Reference {
    variants: BTreeMap<String, Curves>,
}

#[derive(Deserialize)]
struct Curves {
    accuracy: Vec<f64>,
    loss: Vec<f64>,
    val_accuracy: Vec<f64>,
    val_loss: Vec<f64>,
}

/// The regularization study with the curves that Keras gave, and made-up confusion matrices and mistakes.
///
/// What Keras does not report (the penalty's part, accuracy with dropout off) is set to plausible values.
pub(crate) fn run(seeds: &[u64]) -> RunData {
    let changes = Overrides::default().set("seeds", Some(seeds));
    let study = changes
        .and_then(|changes| Study::regularization().with(&changes))
        .expect("seeds are valid");
    let reference: Reference = serde_json::from_str(include_str!("../data/keras-histories.json"))
        .expect("the reference is JSON");
    let jobs = study.jobs().into_iter().map(|job| {
        let history = history(&reference.variants[&job.variant], &job.variant, job.seed);
        let predictions = predictions(&history, &job.variant, job.seed);
        JobData {
            history,
            result: Some(result(&predictions)),
            answers: Answers::Kept(predictions.right()),
            changes: Vec::new(),
            failure: None,
            job,
        }
    });
    RunData {
        environment: environment(),
        jobs: jobs.collect(),
        study,
    }
}

/// Writes a run as a run folder.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn write(run: &RunData, parent: &Path) -> RunFolder {
    let folder = RunFolder::create(parent, &run.study).expect("a new folder");
    for job in &run.jobs {
        folder.prepare(&job.job).expect("a folder for the job");
        for record in &job.history {
            folder.append(&job.job, record).expect("a line of history");
        }
        if let Some(result) = &job.result {
            let predictions = predictions(&job.history, &job.job.variant, job.job.seed);
            folder
                .write_predictions(&job.job, &predictions)
                .expect("predictions");
            folder.write_result(&job.job, result).expect("a result");
        }
    }
    folder.write_summary(&run.environment).expect("a summary");
    folder
}

fn history(curves: &Curves, variant: &str, seed: u64) -> Vec<EpochRecord> {
    let epochs = curves.loss.len();
    let record = |i: usize| {
        let wobble = seed as f64 * 0.0004 * (1.0 + i as f64 * 0.3).sin();
        let clean = match variant {
            "baseline" => curves.accuracy[i] + 0.004 * (1.0 - i as f64 / 8.0),
            _ => curves.val_accuracy[i] + 0.002,
        };
        // A cross-entropy that goes with the accuracy; the rest of the loss is penalty.
        let split = |loss: f64, accuracy: f64| {
            if variant == "baseline" {
                loss
            } else {
                loss.min(3.2 * (1.0 - accuracy))
            }
        };
        let cross_entropy = split(curves.loss[i], curves.accuracy[i]);
        let val_cross_entropy = split(curves.val_loss[i], curves.val_accuracy[i]);
        EpochRecord {
            epoch: i as u64 + 1,
            loss: curves.loss[i],
            accuracy: Some(curves.accuracy[i] + wobble),
            data_loss: cross_entropy,
            data_loss_kind: DataLoss::CrossEntropy,
            penalty: curves.loss[i] - cross_entropy,
            val_loss: Some(curves.val_loss[i]),
            val_accuracy: Some(curves.val_accuracy[i] + wobble),
            val_data_loss: Some(val_cross_entropy),
            end_penalty: curves.val_loss[i] - val_cross_entropy,
            train_accuracy: Some((clean + wobble).min(1.0)),
            train_data_loss: Some(curves.loss[i] * 0.8),
            metrics: BTreeMap::new(),
            learning_rate: 0.001,
            seconds: 12.5,
            images_per_second: 4_800.0,
            changes: Vec::new(),
        }
    };
    (0..epochs).map(record).collect()
}

/// Predictions for 10,000 images that are as good as the history says in the end: most of the wrong ones are hard for all
/// variants, the others for this variant and seed.
pub(crate) fn predictions(history: &[EpochRecord], variant: &str, seed: u64) -> Predictions {
    const IMAGES: usize = 10_000;
    let last = history.last().and_then(|record| record.val_accuracy);
    let wrong = ((1.0 - last.expect("a figure")) * IMAGES as f64).round() as usize;
    let hard = wrong * 6 / 10;
    let own = variant.len() * 1_009 + seed as usize * 2_003;
    let mut right = vec![true; IMAGES];
    right[..hard].fill(false);
    for i in 0..wrong - hard {
        right[1_000 + (own + 13 * i) % 9_000] = false;
    }
    let (mut scores, mut truths) = (Vec::new(), Vec::new());
    for (image, right) in right.into_iter().enumerate() {
        let truth = image % 10;
        let said = if right {
            truth
        } else {
            (truth + 1 + image / 10 % 3) % 10
        };
        scores.extend((0..10).map(|class| if class == said { 0.91 } else { 0.01 }));
        truths.push(truth as i32);
    }
    Predictions::new(10, scores, truths).expect("of the same images")
}

fn result(predictions: &Predictions) -> JobResult {
    let (confusion, unpredicted) = predictions.counts();
    let mistake = |i: usize| {
        Mistake {
        index: 100 * i + 7,
        truth: (i * 7) % 10,
        predicted: Some((i * 7 + 5) % 10),
        probability: 0.999 - 0.03 * i as f64,
        truth_probability: 0.0001 + 0.002 * i as f64,
        // One grey pixel, 1 × 1.
        png: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==".into(),
    }
    };
    JobResult {
        parameters: 1_216_394,
        network: "Layer (type)      Output shape      Param #\nconv2d (Conv2D)   (26, 26, 32)          320".into(),
        confusion,
        unpredicted,
        mistakes: (0..12).map(mistake).collect(),
    }
}

fn environment() -> Environment {
    Environment {
        version: "0.1.0".into(),
        cpu: "A processor".into(),
        system: "linux x86_64".into(),
        instruction_set: "avx512".into(),
        threads: 2,
        jobs: 1,
        started: "2026-01-31 14:25:30 UTC".into(),
        dataset: "MNIST".into(),
        digest: Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db".into()),
        train_images: 60_000,
        test_images: 10_000,
        classes: (0..10).map(|class: u32| class.to_string()).collect(),
        peak_memory: Some(123_000_000),
    }
}
