//! A run that is interrupted anywhere and resumed from its file ends as one that was not, to the bit.

mod common;

use common::{Bars, moments, network, normalized_network, timeless, trainer, weights};
use std::ops::ControlFlow;
use taper_datasets::{Dataset, Sample};
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
        "batch_size was 16 and is 8",
    );
    refused(
        trainer(),
        &mut model,
        &Bars::new(48, 1),
        "data.samples was 50 and is 48",
    );
    refused(
        trainer().metric(TopKAccuracy::new(2)),
        &mut model,
        &data,
        "metrics was",
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

/// Between epochs, too; all at once; and a change that is asked for is noted.
#[test]
fn what_the_result_depends_on_is_compared_between_epochs_and_changed_by_name() {
    let (data, mut model) = (Bars::new(50, 1), network());
    let with = |rate: f64, smoothing: f64| {
        let loss = CategoricalCrossentropySmoothed(smoothing).boxed();
        let optimizer = Box::new(Adam::new(rate));
        Trainer::boxed(optimizer, loss).batch_size(16)
    };
    let fit = with(1e-3, 0.0).provenance("who", "first").epochs(1);
    let checkpoint = { fit }.fit(&mut model, &data).unwrap().checkpoint(&model);
    assert_eq!(checkpoint.provenance["who"], "first");

    let changed = || {
        with(1e-4, 0.1)
            .batch_size(8)
            .shuffle(false)
            .class_weight([(0, 2.0)])
            .metric(TopKAccuracy::new(2))
            .epochs(2)
    };
    let resumed = changed().resume(&checkpoint).unwrap().seed(Seed(8));
    let error = { resumed }
        .fit(&mut model, &Bars::new(48, 1))
        .unwrap_err()
        .to_string();
    for part in [
        "optimizer.learning_rate was 0.001 and is 0.0001",
        "loss.label_smoothing was 0.0 and is 0.1",
        "batch_size was 16 and is 8",
        "shuffle was true and is false",
        "class_weight was",
        "metrics was",
        "seed was",
        "data.samples was 50 and is 48",
    ] {
        assert!(error.contains(part), "no {part:?} in: {error}");
    }

    let rate = || with(1e-4, 0.0).epochs(2).provenance("who", "second");
    let error = rate().resume(&checkpoint).unwrap().fit(&mut model, &data);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("accept: optimizer.learning_rate"), "{error}");
    let mut trainer = rate().resume(&checkpoint).unwrap().accept("learning_rate");
    let fit = trainer.fit(&mut model, &data).unwrap();
    assert_eq!(fit.last().unwrap().learning_rate, 1e-4);
    let told = ["optimizer.learning_rate: 0.001 → 0.0001"];
    assert_eq!(fit.last().unwrap().changes, told);
    assert!(fit.history.epochs[0].changes.is_empty());
    let later = fit.checkpoint(&model);
    assert_eq!(later.provenance["who"], "first");
    assert_eq!(later.provenance["resumed_who"], "second");
    let changes = &later.provenance["changes"];
    assert!(
        changes.contains("learning_rate") && changes.contains("0.001"),
        "{changes}"
    );

    // The change holds from now on, and its note stays.
    let mut again = rate().epochs(3).resume(&later).unwrap();
    let last = again.fit(&mut model, &data).unwrap().checkpoint(&model);
    assert_eq!(&last.provenance["changes"], changes);
}

/// Categorical cross-entropy with its settings.
struct CategoricalCrossentropySmoothed(f64);

impl CategoricalCrossentropySmoothed {
    fn boxed(&self) -> Box<dyn taper_nn::Loss> {
        let config = serde_json::json!({ "label_smoothing": self.0 });
        taper_nn::losses::from_config("categorical_crossentropy", &config).unwrap()
    }
}

/// A checkpoint measures as its validation did; a loss of the user's own is named, and the rest is measured.
#[test]
fn a_checkpoint_keeps_the_loss_with_its_settings_and_the_metrics() {
    #[derive(Debug)]
    struct Own;
    impl taper_nn::Loss for Own {
        fn name(&self) -> &'static str {
            "own"
        }
        fn forward(
            &self,
            output: &taper_autograd::Var,
            target: &Tensor,
        ) -> taper_nn::Result<taper_autograd::Var> {
            taper_nn::losses::CategoricalCrossentropy::default().forward(output, target)
        }
        fn is_classification(&self) -> bool {
            true
        }
    }
    let (data, validation) = (Bars::new(50, 1), Bars::new(20, 2));
    for own in [false, true] {
        let mut model = network();
        let loss = match own {
            true => Box::new(Own),
            false => CategoricalCrossentropySmoothed(0.1).boxed(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.taper");
        let mut trainer = Trainer::boxed(Box::new(Adam::default()), loss)
            .metric(TopKAccuracy::new(2))
            .validation(&validation)
            .callback(ModelCheckpoint::last(&path));
        let fit = trainer.fit(&mut model, &data).unwrap();
        let checkpoint = Checkpoint::load_weights(&path).unwrap();
        let (evaluate, unknown) = taper_train::Measures::of(&checkpoint)
            .unwrap()
            .evaluate(&model);
        let measured = evaluate.run(&model, &validation).unwrap();
        let last = fit.last().unwrap();
        assert_eq!(measured.accuracy, last.val_accuracy);
        assert_eq!(
            measured.metrics.get("top_2_accuracy").copied(),
            last.get("val_top_2_accuracy")
        );
        if own {
            assert_eq!(unknown, ["the loss own"]);
            assert!(measured.loss.is_nan());
        } else {
            assert!(unknown.is_empty());
            assert!((measured.loss - last.val_loss.unwrap()).abs() < 1e-6);
        }
    }
}

/// Bars that say what is in them, and count how often they are asked.
struct Marked(Bars, &'static str, std::sync::atomic::AtomicUsize);

impl Dataset for Marked {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.0.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.0.target_shape()
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        self.0.read_input(at, out)
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        self.0.read_target(at, out)
    }
    fn name(&self) -> &str {
        "marked"
    }
    fn fingerprint(&self) -> Option<String> {
        self.2.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(self.1.into())
    }
}

/// It may take a look at all samples.
#[test]
fn what_is_in_the_data_is_asked_once_a_run_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let marked = |mark| Marked(Bars::new(50, 1), mark, 0.into());
    let asked = |data: &Marked| data.2.load(std::sync::atomic::Ordering::Relaxed);
    let always = || ModelCheckpoint::last(&path).every(std::time::Duration::ZERO);
    let (data, mut model) = (marked("one"), network());
    let first = trainer().epochs(1).callback(always());
    { first }.fit(&mut model, &data).unwrap();
    assert_eq!(asked(&data), 1);

    let checkpoint = Checkpoint::load(&path).unwrap();
    let go_on = || trainer().epochs(2).resume(&checkpoint).unwrap();
    let data = marked("another");
    let error = go_on().fit(&mut model, &data).unwrap_err().to_string();
    assert!(
        error.contains("data.fingerprint was \"one\" and is \"another\""),
        "{error}"
    );
    let accepting = go_on().accept("fingerprint").callback(always());
    let fit = { accepting }.fit(&mut model, &data).unwrap();
    assert_eq!(asked(&data), 2, "once in each of two runs");
    assert_eq!(
        fit.last().unwrap().changes,
        ["data.fingerprint: one → another"]
    );
}
