//! Early stopping, saving and stopping from outside, in a real `fit`.

mod common;

use common::{Bars, Bits, network, trainer, weights};
use std::{ops::ControlFlow, time::Duration};
use taper_train::prelude::*;

/// Weights after every epoch.
#[derive(Default)]
struct Weights(Vec<Bits>);
impl Callback for Weights {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        if let Event::EpochEnded(_) = event {
            self.0.push(weights(view.model));
        }
        ControlFlow::Continue(())
    }
}

/// So high a learning rate that validation soon stops to improve.
fn restless<'a>() -> Trainer<'a> {
    let adam = Adam::new(0.1);
    Trainer::new(adam, CategoricalCrossentropy)
        .epochs(50)
        .batch_size(16)
        .seed(Seed(11))
}

fn best(values: &[f64]) -> usize {
    (0..values.len())
        .min_by(|a, b| values[*a].total_cmp(&values[*b]))
        .unwrap()
}

#[test]
fn early_stopping_waits_for_its_patience() {
    let (data, validation, mut model) = (Bars::new(64, 1), Bars::new(32, 2), network());
    let fit = restless()
        .validation(&validation)
        .callback(EarlyStopping::on("val_loss").patience(3))
        .fit(&mut model, &data)
        .unwrap();
    let losses = fit.get("val_loss");
    assert!(fit.stopped && losses.len() < 50);
    assert_eq!(losses.len(), best(&losses) + 1 + 3, "{losses:?}");
}

#[test]
fn early_stopping_brings_back_the_best_weights() {
    let (data, validation, mut model, mut seen) = (
        Bars::new(64, 1),
        Bars::new(32, 2),
        network(),
        Weights::default(),
    );
    let stop = EarlyStopping::on("val_loss")
        .patience(2)
        .restore_best_weights(true);
    let fit = restless()
        .validation(&validation)
        .callback(&mut seen)
        .callback(stop)
        .fit(&mut model, &data)
        .unwrap();
    let losses = fit.get("val_loss");
    assert_ne!(best(&losses), losses.len() - 1);
    assert_eq!(weights(&model), seen.0[best(&losses)]);
}

#[test]
fn early_stopping_leaves_the_weights_when_something_else_stopped() {
    struct After(u64);
    impl Callback for After {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            match event {
                Event::EpochEnded(record) if record.epoch == self.0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let (data, validation, mut model, mut seen) = (
        Bars::new(64, 1),
        Bars::new(32, 2),
        network(),
        Weights::default(),
    );
    let stop = EarlyStopping::on("val_loss")
        .patience(40)
        .restore_best_weights(true);
    let trainer = restless()
        .validation(&validation)
        .callback(After(6))
        .callback(&mut seen)
        .callback(stop);
    let fit = { trainer }.fit(&mut model, &data).unwrap();
    assert_ne!(best(&fit.get("val_loss")), 5);
    assert_eq!(weights(&model), seen.0[5]);
}

#[test]
fn watching_what_is_not_measured_is_an_error() {
    let data = Bars::new(20, 1);
    let folder = tempfile::tempdir().unwrap();
    let early = trainer()
        .callback(EarlyStopping::on("val_loss"))
        .fit(&mut network(), &data);
    let saving = trainer()
        .callback(ModelCheckpoint::best(folder.path().join("best")))
        .fit(&mut network(), &data);
    for error in [early.unwrap_err(), saving.unwrap_err()] {
        assert!(matches!(error, Error::UnknownFigure { .. }), "{error}");
        assert!(
            error.to_string().contains("val_loss is not measured"),
            "{error}"
        );
    }
}

#[test]
fn a_misspelt_figure_is_an_error_before_the_first_batch() {
    /// Counts what it is told.
    #[derive(Default)]
    struct Count(usize);
    impl Callback for Count {
        fn on_event(&mut self, _: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
    }
    let (data, folder) = (Bars::new(20, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("last.taper");
    let (mut model, mut count) = (network(), Count::default());
    let before = weights(&model);
    let error = trainer()
        .validation(&data)
        .callback(&mut count)
        .callback(ModelCheckpoint::last(&path))
        .callback(EarlyStopping::on("val_accurracy"))
        .fit(&mut model, &data)
        .unwrap_err();
    assert!(matches!(error, Error::UnknownFigure { .. }), "{error}");
    assert!(error.to_string().contains("val_accuracy"), "{error}");
    assert_eq!((count.0, weights(&model)), (0, before));
    assert!(!path.exists());

    let error = trainer()
        .callback(EarlyStopping::on("learning_rate"))
        .fit(&mut model, &data)
        .unwrap_err();
    assert!(matches!(error, Error::UnknownMode { .. }), "{error}");
    let told = EarlyStopping::on("learning_rate").mode(Mode::Min);
    let fit = trainer().callback(told).fit(&mut model, &data).unwrap();
    assert_eq!(fit.epochs.len(), 2, "it does not fall");
}

#[test]
fn a_metric_says_which_of_its_values_is_best() {
    /// Rises from epoch to epoch; nothing in its name says that this is good.
    #[derive(Debug)]
    struct Score(std::sync::atomic::AtomicU64);
    impl Metric for Score {
        fn name(&self) -> String {
            "score".into()
        }
        fn mode(&self) -> Mode {
            Mode::Max
        }
        fn sums(&self, _: &[usize], _: &[usize]) -> taper_train::Result<usize> {
            Ok(1)
        }
        fn add(
            &self,
            sums: &mut [f64],
            _: &Tensor,
            _: &Tensor,
            _: Option<&Tensor>,
        ) -> taper_train::Result<()> {
            sums[0] = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as f64;
            Ok(())
        }
        fn value(&self, sums: &[f64]) -> f64 {
            sums[0]
        }
    }
    let (data, folder) = (Bars::new(20, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("best.taper");
    trainer()
        .metric(Score(Default::default()))
        .validation(&data)
        .callback(ModelCheckpoint::best(&path).monitor("val_score"))
        .fit(&mut network(), &data)
        .unwrap();
    let saved = Checkpoint::load(&path).unwrap().read_history().unwrap();
    assert_eq!(
        saved.epochs.len(),
        3,
        "the last epoch has the highest score"
    );
}

#[test]
fn the_best_epoch_is_saved_also_over_a_resume() {
    let (data, validation, mut model, mut seen) = (
        Bars::new(64, 1),
        Bars::new(32, 2),
        network(),
        Weights::default(),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best.taper");
    let save = || ModelCheckpoint::best(&path).monitor("val_accuracy");
    let make = |epochs| restless().epochs(epochs).validation(&validation);
    let half = make(4)
        .callback(save())
        .callback(&mut seen)
        .fit(&mut model, &data)
        .unwrap()
        .checkpoint(&model);
    let rest = make(10).resume(&half).unwrap();
    let fit = rest
        .callback(save())
        .callback(&mut seen)
        .fit(&mut model, &data)
        .unwrap();
    let wrong: Vec<f64> = fit.get("val_accuracy").iter().map(|a| -a).collect();
    let saved = Checkpoint::load(&path).unwrap();
    assert_eq!(saved.read_history().unwrap().epochs.len(), best(&wrong) + 1);
    assert_eq!(weights(&saved.into_model().unwrap()), seen.0[best(&wrong)]);
}

#[test]
fn the_best_epoch_that_could_not_be_saved_is_saved_by_the_resume() {
    /// Makes the best epoch's place one that cannot be written to, while an epoch is measured.
    struct Obstacle(std::path::PathBuf, u64);
    impl Callback for Obstacle {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            if matches!(event, Event::ValidationStarted { epoch } if *epoch == self.1) {
                let _ = std::fs::remove_file(&self.0);
                std::fs::create_dir(&self.0).unwrap();
            }
            ControlFlow::Continue(())
        }
    }
    let (data, validation) = (Bars::new(64, 1), Bars::new(32, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let make = |epochs, name: &str| {
        let best = ModelCheckpoint::best(path(name)).monitor("val_accuracy");
        let last = ModelCheckpoint::last(path("last.taper"));
        let trainer = restless().epochs(epochs).validation(&validation);
        trainer.callback(best).callback(last)
    };
    let fit = make(10, "whole.taper").fit(&mut network(), &data).unwrap();
    let wrong: Vec<f64> = fit.get("val_accuracy").iter().map(|a| -a).collect();
    let whole = Checkpoint::load(path("whole.taper")).unwrap();
    // The best of all, and the first, which is the best of those so far; with epochs to come, or none.
    for (epoch, epochs) in [(best(&wrong) as u64 + 1, 10), (1, 1), (1, 10)] {
        let failed = make(epochs, "best.taper")
            .callback(Obstacle(path("best.taper"), epoch))
            .fit(&mut network(), &data);
        assert!(failed.is_err(), "the file could not be written");
        std::fs::remove_dir(path("best.taper")).unwrap();
        let last = Checkpoint::load(path("last.taper")).unwrap();
        assert_eq!(last.position.as_ref().unwrap().epoch, epoch);
        let mut rest = make(epochs, "best.taper").resume(&last).unwrap();
        let mut model = last.into_model().unwrap();
        rest.fit(&mut model, &data).unwrap();
        let saved = Checkpoint::load(path("best.taper")).unwrap();
        if epochs == 10 {
            assert_eq!(saved.position, whole.position, "epoch {epoch} of {epochs}");
            let model = saved.into_model().unwrap();
            assert_eq!(
                weights(&model),
                weights(&whole.clone().into_model().unwrap())
            );
        } else {
            assert_eq!(saved.position.unwrap().epoch, 1);
        }
    }
    // One that is there already stays as it is.
    let kept = std::fs::metadata(path("best.taper"))
        .unwrap()
        .modified()
        .unwrap();
    let last = Checkpoint::load(path("last.taper")).unwrap();
    let mut done = make(10, "best.taper").resume(&last).unwrap();
    done.fit(&mut last.into_model().unwrap(), &data).unwrap();
    let now = std::fs::metadata(path("best.taper")).unwrap().modified();
    assert_eq!(now.unwrap(), kept);
}

#[test]
fn the_latest_state_is_saved_by_batches_and_by_time() {
    /// How many batches were done when the file was last written.
    struct Look(std::path::PathBuf, Vec<Option<u64>>);
    impl Callback for Look {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            if let Event::BatchEnded { .. } = event {
                let iterations = |c: Checkpoint| c.optimizer.unwrap().iterations;
                self.1.push(Checkpoint::load(&self.0).ok().map(iterations));
            }
            ControlFlow::Continue(())
        }
    }
    let data = Bars::new(16 * 5, 1);
    let folder = tempfile::tempdir().unwrap();
    let last = |name: &str| ModelCheckpoint::last(folder.path().join(name));
    let saved = |save: ModelCheckpoint, name: &str| {
        let mut look = Look(folder.path().join(name), Vec::new());
        trainer()
            .epochs(1)
            .callback(save)
            .callback(&mut look)
            .fit(&mut network(), &data)
            .unwrap();
        (
            look.1,
            Checkpoint::load(look.0)
                .unwrap()
                .optimizer
                .unwrap()
                .iterations,
        )
    };
    assert_eq!(saved(last("a"), "a"), (vec![None; 5], 5));
    assert_eq!(
        saved(last("b").every_batches(2), "b"),
        (vec![None, Some(2), Some(2), Some(4), Some(4)], 5)
    );
    assert_eq!(
        saved(last("c").every(Duration::ZERO), "c"),
        ((1..6).map(Some).collect(), 5)
    );
    assert_eq!(
        saved(last("d").every(Duration::from_secs(3600)), "d"),
        (vec![None; 5], 5)
    );
}

#[test]
fn a_save_that_fails_ends_training_with_its_error() {
    let data = Bars::new(64, 1);
    let folder = tempfile::tempdir().unwrap();
    let save =
        ModelCheckpoint::last(folder.path().join("missing").join("last.taper")).every_batches(1);
    let error = trainer()
        .callback(save)
        .fit(&mut network(), &data)
        .unwrap_err();
    assert!(matches!(error, Error::Checkpoint(_)), "{error}");
    assert!(error.to_string().contains("last.taper"), "{error}");
}

#[test]
fn a_flag_stops_after_the_batch_and_the_state_is_saved() {
    struct Press(StopFlag);
    impl Callback for Press {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            if let Event::BatchEnded {
                epoch: 2, batch: 3, ..
            } = event
            {
                self.0.stop();
            }
            ControlFlow::Continue(())
        }
    }
    let (data, mut model, flag) = (Bars::new(16 * 5, 1), network(), StopFlag::new());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let fit = trainer()
        .callback(Press(flag.clone()))
        .callback(flag)
        .callback(ModelCheckpoint::last(&path))
        .provenance("cpu", "abacus")
        .fit(&mut model, &data)
        .unwrap();
    assert!(fit.stopped);
    let saved = Checkpoint::load(&path).unwrap();
    let position = saved.position.as_ref().unwrap();
    assert_eq!((position.seed, position.epoch, position.batch), (11, 1, 3));
    assert_eq!(saved.read_history().unwrap(), fit.history);
    assert_eq!(saved.read_class_names(), ["across", "down", "aslant"]);
    for (key, value) in [
        ("dataset", "bars"),
        ("dataset_sha256", "c0ffee"),
        ("cpu", "abacus"),
        ("batch_size", "16"),
    ] {
        assert_eq!(saved.provenance[key], value);
    }
    assert_eq!(weights(&saved.into_model().unwrap()), weights(&model));
}
