//! Losses with options and all metrics at work: in training, in records, in checkpoints and after them.

mod common;

use common::*;
use std::ops::ControlFlow;
use taper_train::metrics::{Average, MetricExt};
use taper_train::prelude::*;
use taper_train::{Measures, metrics};

fn linear() -> Model {
    let flat = Sequential::new([8, 8, 1]).add(Flatten);
    flat.add(Dense::new(3)).build(Seed(7)).unwrap()
}

fn with_softmax() -> Model {
    let flat = Sequential::new([8, 8, 1]).add(Flatten);
    let model = flat.add(Dense::new(3).activation(Softmax));
    model.build(Seed(7)).unwrap()
}

fn of<'a>(loss: impl Loss + 'static) -> Trainer<'a> {
    Trainer::new(SGD::new(0.05), loss)
        .epochs(2)
        .batch_size(16)
        .seed(Seed(3))
}

/// As Keras's `from_logits=True` behind a linear layer.
#[test]
fn logits_train_as_a_softmax_does() {
    let data = Bars::new(50, 1);
    let (mut a, mut b) = (linear(), with_softmax());
    let loss = || CategoricalFocalCrossentropy.gamma(1.5);
    let with = of(loss().of_logits()).fit(&mut a, &data).unwrap();
    let without = of(loss()).fit(&mut b, &data).unwrap();
    assert_eq!(weights(&a), weights(&b));
    let (with, without) = (with.last().unwrap(), without.last().unwrap());
    assert_eq!((with.loss, with.accuracy), (without.loss, without.accuracy));
}

/// A sum is the mean of a learning rate that is as many times larger.
#[test]
fn a_sum_over_samples_has_their_gradients_added_up() {
    let data = Bars::new(48, 1);
    let (mut a, mut b) = (with_softmax(), with_softmax());
    let sum = CategoricalCrossentropy.reduction(Reduction::Sum);
    let summed = of(sum).fit(&mut a, &data).unwrap();
    let mut mean = Trainer::new(SGD::new(0.05 * 16.0), CategoricalCrossentropy)
        .epochs(2)
        .batch_size(16)
        .seed(Seed(3));
    let mean = mean.fit(&mut b, &data).unwrap();
    let (summed, mean) = (summed.last().unwrap().loss, mean.last().unwrap().loss);
    assert!(
        (summed - 16.0 * mean).abs() <= 1e-3 * summed,
        "{summed}, {mean}"
    );
}

#[test]
fn settings_out_of_range_are_refused_before_the_first_batch() {
    let data = Bars::new(48, 1);
    let refuse = |mut trainer: Trainer<'_>, part: &str| {
        let error = trainer.fit(&mut with_softmax(), &data).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    refuse(of(CategoricalFocalCrossentropy.gamma(f64::NAN)), "gamma");
    refuse(of(CategoricalCrossentropy.along(0)), "axis");
    refuse(of(Hinge.of_logits()), "from_logits");
    refuse(of(Huber { delta: -1.0 }), "delta");
    let metric = BinaryAccuracy::new().threshold(f64::NAN);
    refuse(of(CategoricalCrossentropy).metric(metric), "threshold");
}

/// Every metric that can measure such outputs, and some with options.
fn measuring<'a>() -> (Trainer<'a>, Vec<String>) {
    let mut trainer = of(CategoricalCrossentropy);
    let mut names = Vec::new();
    let mut all: Vec<Box<dyn Metric>> = vec![
        Box::new(Precision::new().of_class(1)),
        Box::new(Recall::new().top_k(2)),
        Box::new(AUC::new().each_class()),
        Box::new(
            FBetaScore::new(2.0)
                .average(Average::Weighted)
                .threshold(0.25),
        ),
        Box::new(BinaryCrossentropy {
            label_smoothing: 0.25,
        }),
    ];
    let taken: Vec<String> = all.iter().map(|metric| metric.name()).collect();
    for row in metrics::all() {
        let metric = metrics::from_config(row.class_name, &serde_json::Value::Null).unwrap();
        let is_new = row.name != "accuracy" && !taken.contains(&metric.name());
        // Those of three classes have to be told so.
        let fits = metric.sums(&[3], &[3]).is_ok() && !row.class_name.ends_with("IoU");
        if is_new && fits {
            all.push(metric);
        }
    }
    all.push(Box::new(OneHotMeanIoU::new(3)));
    for metric in all {
        names.push(metric.name());
        trainer = trainer.metric_boxed(metric);
    }
    (trainer, names)
}

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

#[test]
fn a_run_that_is_resumed_measures_the_same_and_so_does_its_checkpoint() {
    let (data, validation) = (Bars::new(50, 1), Bars::new(20, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.taper");
    let make = || {
        let (trainer, names) = measuring();
        (trainer.validation(&validation), names)
    };
    let (mut whole, names) = make();
    assert!(names.len() >= 30, "{names:?}");
    let mut model = with_softmax();
    let reference = whole.fit(&mut model, &data).unwrap();
    let record = reference.last().unwrap();
    for name in &names {
        let found = (record.get(name), record.get(&format!("val_{name}")));
        let finite = |value: Option<f64>| value.is_some_and(f64::is_finite);
        assert!(finite(found.0) && finite(found.1), "{name}: {found:?}");
    }

    let within = |event: &Event<'_>| {
        matches!(
            event,
            Event::BatchEnded {
                epoch: 2,
                batch: 2,
                ..
            }
        )
    };
    let (trainer, _) = make();
    let mut trainer = trainer
        .callback(BreakAt(within))
        .callback(ModelCheckpoint::last(&path));
    assert!(trainer.fit(&mut with_softmax(), &data).unwrap().stopped);
    let checkpoint = Checkpoint::load(&path).unwrap();
    let mut second = make().0.resume(&checkpoint).unwrap();
    let mut again = checkpoint.into_model().unwrap();
    let resumed = second.fit(&mut again, &data).unwrap();
    assert_eq!(timeless(&resumed), timeless(&reference));

    // What the file says is enough to measure the same.
    let (evaluate, unknown) = Measures::of(&resumed.checkpoint(&again))
        .unwrap()
        .evaluate(&again);
    assert!(unknown.is_empty(), "{unknown:?}");
    let measured = evaluate.run(&again, &validation).unwrap();
    for name in &names {
        let wanted = record.get(&format!("val_{name}")).unwrap();
        let found = measured.metrics[name];
        let close = (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0);
        assert!(close, "{name}: {found}, {wanted}");
    }
}
