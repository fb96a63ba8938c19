//! Callbacks that write, set, swap and end, in a real `fit`: what they do, and that a resumed run does the same.

mod common;

use common::{Bars, moments, network, timeless, trainer, weights};
use std::ops::ControlFlow;
use taper_train::LrFinder;
use taper_train::prelude::*;

/// Checkpoints at the end of every batch and epoch, as if the process had died there.
#[derive(Default)]
struct Record(Vec<Vec<u8>>);
impl Callback for Record {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded { .. } | Event::EpochEnded(_) = event {
            self.0.push(view.checkpoint().to_bytes().unwrap());
        }
        ControlFlow::Continue(())
    }
}

/// Trains, and goes on from every moment of it: the ends are the same to the bit.
fn resumes_exactly(new: impl Fn() -> Trainer<'static>) -> Fit {
    let (data, mut model, mut record) = (Bars::new(40, 1), network(), Record::default());
    let whole = new().callback(&mut record).fit(&mut model, &data).unwrap();
    for bytes in record.0 {
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        let mut resumed = checkpoint.clone().into_model().unwrap();
        let mut fit = new().resume(&checkpoint).unwrap();
        let fit = fit.fit(&mut resumed, &data).unwrap();
        assert_eq!(weights(&resumed), weights(&model));
        assert_eq!(moments(&fit), moments(&whole));
        assert_eq!(timeless(&fit), timeless(&whole));
    }
    // Behind the end, too: two more epochs are those of a training that was told so at once.
    let checkpoint = whole.checkpoint(&model);
    let mut longer = network();
    let all = new().epochs(5).fit(&mut longer, &data).unwrap();
    let mut resumed = checkpoint.clone().into_model().unwrap();
    let mut trainer = new().epochs(5).resume(&checkpoint).unwrap();
    let fit = trainer.fit(&mut resumed, &data).unwrap();
    assert_eq!(weights(&resumed), weights(&longer));
    assert_eq!(timeless(&fit), timeless(&all));
    whole
}

#[test]
fn a_function_sets_the_rate_of_every_epoch() {
    let (data, mut model) = (Bars::new(40, 1), network());
    let fit = {
        let schedule = LearningRateScheduler::new(|epoch, rate| rate / (epoch + 1) as f64);
        trainer().callback(schedule).fit(&mut model, &data).unwrap()
    };
    assert_eq!(
        fit.get("learning_rate"),
        [0.01, 0.01 / 2.0, 0.01 / 2.0 / 3.0]
    );
    resumes_exactly(|| {
        trainer().callback(LearningRateScheduler::new(|epoch, rate| {
            rate / (epoch + 1) as f64
        }))
    });
    let wrong = trainer()
        .callback(LearningRateScheduler::new(|_, _| f64::NAN))
        .fit(&mut network(), &data);
    assert!(wrong.unwrap_err().to_string().contains("learning rate"));
}

fn averaging<'a>() -> Trainer<'a> {
    let adam = Adam::new(0.05).use_ema(true).ema_momentum(0.9);
    Trainer::new(adam, CategoricalCrossentropy)
        .epochs(3)
        .batch_size(16)
        .seed(Seed(11))
}

#[test]
fn fit_ends_with_the_averages_and_can_go_on() {
    resumes_exactly(averaging);
    let (data, mut model, mut averages) = (Bars::new(40, 1), network(), Vec::new());
    let last = LambdaCallback::new().on_train_end(|view| {
        let slots = view.checkpoint().optimizer.unwrap().slots;
        let of = slots
            .into_iter()
            .filter(|(name, _)| name.ends_with("/average"));
        averages.extend(of.map(|(_, value)| value.to_vec()));
        assert_ne!(view.model.parameters()[0].value.to_vec(), averages[0]);
    });
    averaging().callback(last).fit(&mut model, &data).unwrap();
    let found: Vec<Vec<f32>> = model
        .parameters()
        .iter()
        .map(|p| p.value.to_vec())
        .collect();
    assert_eq!(found, averages);
}

#[test]
fn averages_are_measured_where_it_is_asked_for() {
    static DATA: std::sync::OnceLock<Bars> = std::sync::OnceLock::new();
    let data = DATA.get_or_init(|| Bars::new(40, 1));
    for until_next_epoch in [false, true] {
        let new = || {
            let swap = SwapEMAWeights::new().swap_on_epoch(until_next_epoch);
            averaging().validation(data).callback(swap)
        };
        let fit = resumes_exactly(new);
        // The last validation is of what the model has in the end.
        let mut model = network();
        new().fit(&mut model, data).unwrap();
        let measured = evaluate_of(&model, data);
        assert_eq!(fit.last().unwrap().val_loss, Some(measured));
        let plain = averaging()
            .validation(data)
            .fit(&mut network(), data)
            .unwrap();
        assert_eq!(plain.get("loss"), fit.get("loss"), "training goes its way");
        assert_ne!(plain.get("val_loss"), fit.get("val_loss"));
    }
    let error = trainer()
        .callback(SwapEMAWeights::new())
        .fit(&mut network(), data);
    assert!(error.unwrap_err().to_string().contains("use_ema"));
}

fn evaluate_of(model: &Model, data: &Bars) -> f64 {
    taper_train::evaluate(model, data, &CategoricalCrossentropy, 16)
        .unwrap()
        .loss
}

#[test]
fn a_table_has_each_epoch_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path().join("history.csv"), Bars::new(40, 1));
    let rows = || {
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let log = || CSVLogger::new(&path);
    let (mut model, mut record) = (network(), Record::default());
    let fit = trainer()
        .callback(log())
        .callback(&mut record)
        .fit(&mut model, &data)
        .unwrap();
    let whole = rows();
    assert_eq!(whole.len(), 4);
    assert!(
        whole[0].starts_with("epoch,accuracy,cross_entropy,"),
        "{}",
        whole[0]
    );
    let place = whole[0].split(',').position(|name| name == "loss").unwrap();
    for (epoch, row) in whole[1..].iter().enumerate() {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells[0], epoch.to_string());
        assert_eq!(cells[place].parse::<f64>().unwrap(), fit.epochs[epoch].loss);
    }
    // From the middle of the second epoch, with the file that was left then and with none.
    let checkpoint = Checkpoint::from_bytes(&record.0[5]).unwrap();
    for remove in [false, true] {
        if remove {
            std::fs::remove_file(&path).unwrap();
        }
        let mut model = checkpoint.clone().into_model().unwrap();
        let mut resumed = trainer().callback(log()).resume(&checkpoint).unwrap();
        resumed.fit(&mut model, &data).unwrap();
        assert_eq!(rows(), whole);
    }
    // Behind another training's rows, once, however often it is resumed.
    let (mut model, mut record) = (network(), Record::default());
    let append = || log().append(true);
    trainer()
        .callback(append())
        .callback(&mut record)
        .fit(&mut model, &data)
        .unwrap();
    let both = rows();
    assert_eq!(both, [&whole[..], &whole[1..]].concat());
    let checkpoint = Checkpoint::from_bytes(&record.0[5]).unwrap();
    let mut model = checkpoint.clone().into_model().unwrap();
    let mut resumed = trainer().callback(append()).resume(&checkpoint).unwrap();
    resumed.fit(&mut model, &data).unwrap();
    assert_eq!(rows(), both);
    let nowhere = CSVLogger::new(folder.path().join("no/such/folder.csv"));
    let error = trainer()
        .callback(nowhere)
        .fit(&mut network(), &data)
        .unwrap_err();
    assert!(error.to_string().contains("folder.csv"), "{error}");
}

#[test]
fn training_that_diverges_can_end_without_an_error() {
    let (data, mut model) = (Bars::new(40, 1), network());
    let wild = || {
        Trainer::new(SGD::new(1e30), CategoricalCrossentropy)
            .epochs(3)
            .batch_size(16)
    };
    let error = wild().fit(&mut network(), &data).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    let mut raised = wild().callback(TerminateOnNaN::new().raise_error(true));
    assert!(raised.fit(&mut network(), &data).is_err());
    let mut told = Vec::new();
    let warnings = LambdaCallback::new().on_event(|event, _| {
        if let Event::Warning(message) = event {
            told.push((*message).to_owned());
        }
        ControlFlow::Continue(())
    });
    let mut trainer = wild().callback(TerminateOnNaN::new()).callback(warnings);
    let fit = trainer.fit(&mut model, &data).unwrap();
    drop(trainer);
    assert!(fit.stopped && fit.history.epochs.is_empty());
    assert!(
        told.iter()
            .any(|message| message.contains("was not learnt from")),
        "{told:?}"
    );
    assert!(model.parameters().iter().all(|p| p.value.is_finite()));
}

#[test]
fn closures_are_told_what_they_asked_for() {
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |what: String| told.lock().unwrap().push(what);
    let callback = LambdaCallback::new()
        .on_train_begin(|_| tell("begin".into()))
        .on_epoch_begin(|epoch, _| tell(format!("epoch {epoch}")))
        .on_train_batch_end(|batch, loss, _| {
            assert!(loss > 0.0);
            tell(format!("batch {batch}"));
        })
        .on_epoch_end(|record, view| {
            assert_eq!(view.history.last(), Some(record));
            tell(format!("record {}", record.epoch));
        })
        .on_train_end(|_| tell("end".into()));
    let data = Bars::new(20, 1);
    trainer()
        .epochs(1)
        .callback(callback)
        .fit(&mut network(), &data)
        .unwrap();
    let wanted = ["begin", "epoch 1", "batch 1", "batch 2", "record 1", "end"];
    assert_eq!(*told.lock().unwrap(), wanted);
}

#[test]
fn the_last_files_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let data = Bars::new(40, 1);
    let path = folder.path().join("epoch-{epoch:02}.taper");
    let save = ModelCheckpoint::last(&path).every_epochs(2).keep_last(2);
    trainer()
        .epochs(7)
        .callback(save)
        .fit(&mut network(), &data)
        .unwrap();
    assert_eq!(names(), ["epoch-04.taper", "epoch-06.taper"]);
    let checkpoint = Checkpoint::load(folder.path().join("epoch-06.taper")).unwrap();
    assert_eq!(checkpoint.read_history().unwrap().epochs.len(), 6);
    // Gone on from, it removes what has become too many.
    let mut model = checkpoint.clone().into_model().unwrap();
    let save = ModelCheckpoint::last(&path).every_epochs(2).keep_last(2);
    let mut trainer = trainer()
        .epochs(8)
        .callback(save)
        .resume(&checkpoint)
        .unwrap();
    trainer.fit(&mut model, &data).unwrap();
    assert_eq!(names(), ["epoch-06.taper", "epoch-08.taper"]);
    for (wrong, word) in [
        (ModelCheckpoint::last(&path).keep_last(0), "keep_last"),
        (ModelCheckpoint::last(&path).every_epochs(0), "every_epochs"),
        (
            ModelCheckpoint::last(folder.path().join("a.taper")).keep_last(2),
            "keep_last",
        ),
    ] {
        let error = common::trainer()
            .callback(wrong)
            .fit(&mut network(), &data)
            .unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn rates_are_tried_and_the_model_is_as_before() {
    let (data, mut model) = (Bars::new(40, 1), network());
    let before = weights(&model);
    let mut sgd = Trainer::new(SGD::new(0.1), CategoricalCrossentropy).batch_size(8);
    let finder = LrFinder::new(1e-5, 1e5).batches(40).smoothing(0.8);
    let curve = finder.find(&mut sgd, &mut model, &data).unwrap();
    assert_eq!(weights(&model), before);
    assert!(curve.rates.len() <= 40 && curve.rates.len() == curve.losses.len());
    assert!((curve.rates[0] - 1e-5).abs() <= 1e-12);
    assert!((curve.rates[1] / curve.rates[0] - 10f64.powf(10.0 / 39.0)).abs() <= 1e-9);
    let (suggested, minimum) = (curve.suggestion().unwrap(), curve.at_minimum().unwrap());
    assert!(
        suggested <= minimum && suggested > 1e-4 && minimum < 1e3,
        "{suggested}, {minimum}"
    );
    // The trainer is as before, too.
    let fit = sgd.fit(&mut model, &data).unwrap();
    assert_eq!(fit.epochs.len(), 1);
    for (wrong, word) in [
        (LrFinder::new(0.0, 1.0), "low"),
        (LrFinder::new(1.0, 0.1), "low"),
        (LrFinder::new(0.1, f64::NAN), "high"),
        (LrFinder::new(0.1, 1.0).batches(1), "batches"),
        (LrFinder::new(0.1, 1.0).smoothing(1.0), "smoothing"),
    ] {
        let error = wrong
            .find(&mut sgd, &mut model, &data)
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{error}");
    }
}
