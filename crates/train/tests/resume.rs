//! A run that is interrupted anywhere and resumed from its file ends as one that was not, to the bit.

mod common;

use common::{Bars, moments, network, normalized_network, timeless, trainer, weights};
use std::ops::ControlFlow;
use taper_train::prelude::*;

/// Breaks training off at one event of each kind.
struct BreakAt(fn(&Event<'_>) -> bool);
impl Callback for BreakAt {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        if (self.0)(event) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// 50 samples: three batches of 16 and one of 2 in every epoch.
fn whole(network: fn() -> Model) -> (Model, Fit) {
    let (data, validation, mut model) = (Bars::new(50, 1), Bars::new(20, 2), network());
    let fit = trainer()
        .metric(TopKAccuracy::new(2))
        .validation(&validation)
        .measure_training_set(true);
    let fit = { fit }.fit(&mut model, &data).unwrap();
    (model, fit)
}

fn interrupted(at: fn(&Event<'_>) -> bool, done: u64, batch: u64) {
    for network in [network, normalized_network] {
        resumes_to_the_same_end(network, at, done, batch);
    }
}

fn resumes_to_the_same_end(
    network: fn() -> Model,
    at: fn(&Event<'_>) -> bool,
    done: u64,
    batch: u64,
) {
    let (data, validation, mut model) = (Bars::new(50, 1), Bars::new(20, 2), network());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let make = || {
        trainer()
            .metric(TopKAccuracy::new(2))
            .validation(&validation)
            .measure_training_set(true)
    };
    let first = make()
        .callback(BreakAt(at))
        .callback(ModelCheckpoint::last(&path))
        .fit(&mut model, &data)
        .unwrap();
    assert!(first.stopped);
    assert_eq!((first.position.epoch, first.position.batch), (done, batch));
    assert_eq!(first.epochs.len() as u64, done);
    drop(model);

    let checkpoint = Checkpoint::load(&path).unwrap();
    // The seed is the checkpoint's, whatever the new trainer says.
    let mut second = make().seed(Seed(99)).resume(&checkpoint).unwrap();
    let mut model = checkpoint.into_model().unwrap();
    let fit = second.fit(&mut model, &data).unwrap();

    let (uninterrupted, reference) = whole(network);
    assert!(!fit.stopped);
    assert_eq!(weights(&model), weights(&uninterrupted));
    assert_eq!(moments(&fit), moments(&reference));
    assert_eq!(fit.optimizer.iterations, 12);
    assert_eq!(timeless(&fit), timeless(&reference));
}

#[test]
fn within_an_epoch() {
    interrupted(
        |e| {
            matches!(
                e,
                Event::BatchEnded {
                    epoch: 2,
                    batch: 2,
                    ..
                }
            )
        },
        1,
        2,
    );
}

#[test]
fn after_the_first_batch() {
    interrupted(
        |e| {
            matches!(
                e,
                Event::BatchEnded {
                    epoch: 1,
                    batch: 1,
                    ..
                }
            )
        },
        0,
        1,
    );
}

#[test]
fn after_the_last_batch_before_the_epoch_is_measured() {
    interrupted(
        |e| {
            matches!(
                e,
                Event::BatchEnded {
                    epoch: 1,
                    batch: 4,
                    ..
                }
            )
        },
        0,
        4,
    );
}

#[test]
fn while_an_epoch_is_measured_it_is_completed_first() {
    interrupted(|e| matches!(e, Event::ValidationStarted { epoch: 1 }), 1, 0);
}

#[test]
fn between_epochs() {
    interrupted(
        |e| matches!(e, Event::EpochEnded(record) if record.epoch == 2),
        2,
        0,
    );
}

#[test]
fn before_the_first_batch() {
    interrupted(|e| matches!(e, Event::TrainingStarted { .. }), 0, 0);
}

#[test]
fn at_the_end_there_is_nothing_left_to_stop() {
    let (data, mut model) = (Bars::new(50, 1), network());
    let last = BreakAt(|e| matches!(e, Event::EpochEnded(record) if record.epoch == 3));
    let fit = trainer().callback(last).fit(&mut model, &data).unwrap();
    assert!(!fit.stopped);
    assert_eq!(fit.epochs.len(), 3);
}

#[test]
fn the_checkpoint_of_a_fit_can_be_trained_further() {
    let data = Bars::new(50, 1);
    let (mut once, mut twice) = (network(), network());
    let whole = trainer().epochs(4).fit(&mut once, &data).unwrap();
    let half = trainer().epochs(2).fit(&mut twice, &data).unwrap();
    assert!(!half.stopped);
    let checkpoint = Checkpoint::from_bytes(&half.checkpoint(&twice).to_bytes().unwrap()).unwrap();
    let rest = trainer()
        .epochs(4)
        .resume(&checkpoint)
        .unwrap()
        .fit(&mut twice, &data)
        .unwrap();
    assert_eq!(weights(&once), weights(&twice));
    assert_eq!(timeless(&whole), timeless(&rest));
}

/// Earlier versions kept one sum a metric, and accuracy apart.
#[test]
fn a_position_within_an_epoch_of_an_earlier_version_is_read() {
    let (data, mut model) = (Bars::new(50, 1), network());
    let make = || trainer().metric(TopKAccuracy::new(2));
    let mut reference = network();
    let whole = make().fit(&mut reference, &data).unwrap();
    let at = BreakAt(|e| {
        matches!(
            e,
            Event::BatchEnded {
                epoch: 2,
                batch: 2,
                ..
            }
        )
    });
    let half = make().callback(at).fit(&mut model, &data).unwrap();
    let mut checkpoint = half.checkpoint(&model);

    let position = checkpoint.position.as_mut().unwrap();
    let mut notes: serde_json::Value = serde_json::from_str(&position.progress).unwrap();
    let running = notes["running"].as_object_mut().unwrap();
    let metrics = running.remove("metrics").unwrap();
    assert_eq!(metrics[0][0], "accuracy");
    running.insert("accuracy".into(), metrics[0][1][0].clone());
    running.insert("metrics".into(), vec![metrics[1][1][0].clone()].into());
    running.remove("learning_rate");
    position.progress = notes.to_string();

    let rest = make()
        .resume(&checkpoint)
        .unwrap()
        .fit(&mut model, &data)
        .unwrap();
    assert_eq!(weights(&model), weights(&reference));
    assert_eq!(timeless(&rest), timeless(&whole));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (data, mut model) = (Bars::new(50, 1), network());
    let at = BreakAt(|e| matches!(e, Event::BatchEnded { batch: 2, .. }));
    let checkpoint = trainer()
        .callback(at)
        .fit(&mut model, &data)
        .unwrap()
        .checkpoint(&model);
    let refused = |trainer: Trainer<'_>, model: &mut Model, data: &Bars, words: &str| {
        let error = { trainer }
            .resume(&checkpoint)
            .unwrap()
            .fit(model, data)
            .unwrap_err();
        assert!(matches!(error, Error::Resume(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(
        trainer().batch_size(8),
        &mut model,
        &data,
        "50 samples in batches of 8",
    );
    refused(
        trainer(),
        &mut model,
        &Bars::new(48, 1),
        "48 samples in batches of 16",
    );
    refused(
        trainer().metric(TopKAccuracy::new(2)),
        &mut model,
        &data,
        "other metrics",
    );
    refused(
        Trainer::new(SGD::default(), CategoricalCrossentropy),
        &mut model,
        &data,
        "Adam",
    );
    let mut other = Sequential::new([8, 8, 1])
        .add(Flatten)
        .add(Dense::new(3))
        .build(Seed(1))
        .unwrap();
    refused(
        trainer(),
        &mut other,
        &data,
        "is it a checkpoint of this model?",
    );

    let weights_only = Checkpoint::of(&model);
    let error = trainer().resume(&weights_only).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("weights only"), "{error}");
}
