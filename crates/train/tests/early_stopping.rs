//! Early stopping over resumes: it stays stopped, and brings back the best weights of before.

mod common;

use common::{Bars, Own, network, trainer, weights};
use std::ops::ControlFlow;
use taper_train::prelude::*;

/// Breaks training off after so many epochs.
struct After(u64);
impl Callback for After {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::EpochEnded(record) if record.epoch == self.0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// So high a learning rate that validation soon stops to improve.
fn restless<'a>() -> Trainer<'a> {
    Trainer::new(Adam::new(0.1), CategoricalCrossentropy)
        .epochs(50)
        .batch_size(16)
        .seed(Seed(11))
}

fn stopping() -> EarlyStopping {
    EarlyStopping::on("val_loss").patience(3)
}

/// As from a file.
fn reread(checkpoint: &Checkpoint) -> Checkpoint {
    Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap()
}

#[test]
fn a_run_that_has_stopped_does_not_train_on() {
    let (data, validation) = (Bars::new(64, 1), Bars::new(32, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let make = || restless().validation(&validation);
    for restore in [false, true] {
        let mut model = network();
        let first = make()
            .callback(stopping().restore_best_weights(restore))
            .callback(ModelCheckpoint::last(&path))
            .fit(&mut model, &data)
            .unwrap();
        let epochs = first.epochs.len();
        assert!(first.stopped && epochs < 50);
        let before = std::fs::read(&path).unwrap();
        // From the file, and from what `fit` gave; once, and once more.
        let checkpoints = [Checkpoint::load(&path).unwrap(), first.checkpoint(&model)];
        for mut checkpoint in checkpoints {
            for _ in 0..2 {
                checkpoint = reread(&checkpoint);
                let mut again = make()
                    .callback(stopping().restore_best_weights(restore))
                    .resume(&checkpoint)
                    .unwrap();
                let mut resumed = checkpoint.into_model().unwrap();
                let fit = again.fit(&mut resumed, &data).unwrap();
                assert!(fit.stopped);
                assert_eq!(fit.history, first.history);
                assert_eq!(fit.optimizer.iterations, first.optimizer.iterations);
                assert_eq!(weights(&resumed), weights(&model), "restore: {restore}");
                checkpoint = fit.checkpoint(&resumed);
            }
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);

        // More patience is another matter, and so is no early stopping at all.
        let checkpoint = Checkpoint::load(&path).unwrap();
        let patient = stopping().patience(5);
        for (trainer, more) in [
            (make().callback(patient), 2),
            (make().epochs(epochs as u64 + 4), 4),
        ] {
            let mut model = checkpoint.clone().into_model().unwrap();
            let fit = { trainer }.resume(&checkpoint).unwrap();
            let fit = { fit }.fit(&mut model, &data).unwrap();
            assert!(
                fit.epochs.len() >= epochs + more.min(2),
                "{}",
                fit.epochs.len()
            );
        }
    }
}

#[test]
fn each_of_several_gets_its_own_weights_back() {
    let (data, validation) = (Bars::new(64, 1), Bars::new(32, 2));
    let make = |epochs| {
        let restoring = |figure| {
            let stopping = EarlyStopping::on(figure).patience(40);
            stopping.restore_best_weights(true)
        };
        restless()
            .epochs(epochs)
            .validation(&validation)
            .callback(stopping().patience(30))
            .callback(restoring("val_accuracy"))
            // The last one to give its weights.
            .callback(restoring("val_loss"))
    };
    let (mut whole, mut seen) = (network(), Vec::new());
    let fit = make(6).fit(&mut whole, &data).unwrap();
    let losses = fit.get("val_loss");
    let best = |a: &usize, b: &usize| losses[*a].total_cmp(&losses[*b]);
    let best = (0..6).min_by(best).unwrap() as u64;
    assert!(best < 5, "{losses:?}");
    for epoch in 1..=6 {
        let mut model = network();
        let half = make(6)
            .callback(After(epoch))
            .fit(&mut model, &data)
            .unwrap();
        let checkpoint = reread(&half.checkpoint(&model));
        let mut resumed = checkpoint.clone().into_model().unwrap();
        let rest = make(6)
            .resume(&checkpoint)
            .unwrap()
            .fit(&mut resumed, &data)
            .unwrap();
        assert_eq!(rest.epochs.len(), 6);
        assert_eq!(weights(&resumed), weights(&whole), "after epoch {epoch}");
        seen.push(weights(&model));
    }
    assert_eq!(weights(&whole), seen[best as usize]);
}

#[test]
fn a_figure_that_was_not_measured_is_no_epoch_without_improvement() {
    // A measurement of nothing.
    let nothing = Own("nothing", f64::NAN);
    let data = Bars::new(20, 1);
    let mut model = network();
    let half = trainer().epochs(5).fit(&mut model, &data).unwrap();
    // Five epochs without the figure, then three of NaN, which are all its patience.
    let checkpoint = reread(&half.checkpoint(&model));
    let fit = trainer()
        .epochs(20)
        .metric(nothing)
        .callback(EarlyStopping::on("nothing").patience(3))
        .resume(&checkpoint)
        .unwrap()
        .accept("metrics")
        .fit(&mut model, &data)
        .unwrap();
    assert_eq!(fit.epochs.len(), 8);
    let back = reread(&fit.checkpoint(&model)).read_history().unwrap();
    assert_eq!(back.get("nothing").len(), 3);
    assert_eq!(back.epochs[4].get("nothing"), None);
    assert!(back.epochs[5].get("nothing").unwrap().is_nan());
}

#[test]
fn checkpoints_without_best_weights_are_read_and_wrong_ones_refused() {
    let (data, validation) = (Bars::new(64, 1), Bars::new(32, 2));
    let make = || {
        let stopping = stopping().restore_best_weights(true);
        restless().validation(&validation).callback(stopping)
    };
    let mut model = network();
    let half = make().callback(After(3)).fit(&mut model, &data).unwrap();
    let whole = half.checkpoint(&model);
    let own = |name: &str| name.starts_with("/callbacks/0/");
    let slots = |checkpoint: &Checkpoint| checkpoint.optimizer.clone().unwrap().slots;
    let kept = slots(&whole).iter().filter(|(name, _)| own(name)).count();
    assert_eq!(kept, model.parameters().len());
    assert!(half.optimizer.slots.iter().all(|(name, _)| !own(name)));

    // As an earlier version wrote it: the run goes on, and what is best from then on is brought back.
    let mut old = whole.clone();
    old.optimizer
        .as_mut()
        .unwrap()
        .slots
        .retain(|(name, _)| !own(name));
    let mut notes: serde_json::Value =
        serde_json::from_str(&old.position.as_ref().unwrap().progress).unwrap();
    notes.as_object_mut().unwrap().remove("callbacks").unwrap();
    old.position.as_mut().unwrap().progress = notes.to_string();
    let mut trainer = make().resume(&reread(&old)).unwrap();
    let fit = trainer
        .fit(&mut old.clone().into_model().unwrap(), &data)
        .unwrap();
    assert!(fit.epochs.len() > 3);
    // And without the callback, what it remembered is left out.
    let trainer = restless().epochs(4).validation(&validation);
    let fit = trainer
        .resume(&reread(&whole))
        .unwrap()
        .fit(&mut model, &data)
        .unwrap();
    let later = fit.checkpoint(&model);
    assert!(slots(&later).iter().all(|(name, _)| !own(name)));

    let refused = |change: fn(&mut Vec<(String, Tensor)>)| {
        let mut wrong = whole.clone();
        change(&mut wrong.optimizer.as_mut().unwrap().slots);
        let mut model = wrong.clone().into_model().unwrap();
        let before = weights(&model);
        let error = make()
            .resume(&wrong)
            .unwrap()
            .fit(&mut model, &data)
            .unwrap_err();
        assert!(matches!(error, Error::Resume(_)), "{error}");
        assert_eq!(weights(&model), before);
        error.to_string()
    };
    let one_less = refused(|slots| _ = slots.pop());
    assert!(
        one_less.contains("best epoch are not those of this model"),
        "{one_less}"
    );
    let shape = refused(|slots| slots.last_mut().unwrap().1 = Tensor::ones([1]));
    assert!(shape.contains("EarlyStopping(val_loss)"), "{shape}");
}
