//! `fit` learns, keeps books as Keras does, and says clearly what is wrong.

mod common;

use common::{Bars, network, trainer};
use std::ops::ControlFlow;
use taper_datasets::{Dataset, Sample};
use taper_train::prelude::*;
use taper_train::{evaluate, predict};

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(1e-3)
}

#[test]
fn a_small_network_learns() {
    let (data, validation, mut model) = (Bars::new(600, 1), Bars::new(150, 2), network());
    let history = trainer()
        .metric(Accuracy)
        .epochs(12)
        .validation(&validation)
        .measure_training_set(true)
        .fit(&mut model, &data)
        .unwrap();
    let (first, last) = (&history.epochs[0], history.last().unwrap());
    assert_eq!(history.get("val_loss").len(), 12);
    assert!(last.loss < first.loss && last.val_loss < first.val_loss);
    assert!(
        last.val_accuracy > Some(0.95) && last.train_accuracy > Some(0.95),
        "{last:?}"
    );
    assert_eq!(last.metrics.len(), 0, "accuracy is not a further metric");
    assert!(last.seconds > 0.0 && last.images_per_second > 0.0);
}

/// With a learning rate of 0 and without dropout, every figure can be computed from the predictions.
#[test]
fn the_last_partial_batch_counts_with_its_samples() {
    let data = Bars::new(21, 1);
    let l2 = L2(0.01);
    let mut model = Sequential::new([8, 8, 1])
        .add(Flatten)
        .add(Dense::new(5).activation(Relu).kernel_regularizer(l2))
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(3))
        .unwrap();
    let (mut cross_entropy, mut right, mut second) = (0.0, 0.0, 0.0);
    let output = predict(&model, &data, 4).unwrap();
    assert_eq!(output.shape(), [21, 3]);
    for (index, p) in output.to_vec().chunks(3).enumerate() {
        let class = data.label(index).unwrap();
        cross_entropy -= f64::from(p[class]).ln() / 21.0;
        let above = p.iter().filter(|q| **q > p[class]).count();
        right += f64::from(u8::from(above == 0)) / 21.0;
        second += f64::from(u8::from(above < 2)) / 21.0;
    }
    let kernel = &model.parameters()[0].value;
    let penalty = 0.01
        * kernel
            .to_vec()
            .iter()
            .map(|w| f64::from(*w).powi(2))
            .sum::<f64>();

    let still = SGD::new(0.0);
    let fit = Trainer::new(still, CategoricalCrossentropy)
        .metric(TopKAccuracy::new(2))
        .batch_size(8) // 8, 8 and 5
        .validation(&data)
        .measure_training_set(true)
        .fit(&mut model, &data)
        .unwrap();
    let record = fit.last().unwrap();
    let wanted = [
        ("cross_entropy", cross_entropy),
        ("penalty", penalty),
        ("loss", cross_entropy + penalty),
        ("accuracy", right),
        ("top_2_accuracy", second),
        ("val_cross_entropy", cross_entropy),
        ("val_loss", cross_entropy + penalty),
        ("val_accuracy", right),
        ("val_top_2_accuracy", second),
        ("train_cross_entropy", cross_entropy),
        ("train_accuracy", right),
        ("train_top_2_accuracy", second),
        ("end_penalty", penalty),
        ("learning_rate", 0.0),
    ];
    for (name, value) in wanted {
        let found = record.get(name).unwrap();
        assert!(close(found, value, 1e-5), "{name}: {found}, wanted {value}");
    }
}

/// Collects what batches come to.
#[derive(Default)]
struct Listen {
    batches: Vec<(usize, f64, f64, f64)>,
    events: Vec<&'static str>,
}
impl Callback for Listen {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        self.events.push(match event {
            Event::TrainingStarted { .. } => "training",
            Event::EpochStarted { .. } => "epoch",
            Event::BatchEnded {
                images,
                loss,
                accuracy,
                batch_loss,
                ..
            } => {
                self.batches
                    .push((*images, *loss, accuracy.unwrap(), *batch_loss));
                "batch"
            }
            Event::ValidationStarted { .. } => "validation",
            Event::EpochEnded(record) => {
                assert_eq!(view.history.last(), Some(*record));
                "record"
            }
            Event::TrainingEnded { stopped: false } => "end",
            _ => "?",
        });
        ControlFlow::Continue(())
    }
}

#[test]
fn running_means_are_weighted_by_samples_while_weights_move() {
    let (data, mut model, mut listen) = (Bars::new(37, 1), network(), Listen::default());
    let fit = trainer()
        .epochs(1)
        .callback(&mut listen)
        .fit(&mut model, &data)
        .unwrap();
    let (mut sum, mut samples) = (0.0, 0.0);
    for (images, loss, _, batch_loss) in &listen.batches {
        sum += *images as f64 * batch_loss;
        samples += *images as f64;
        assert!(close(*loss, sum / samples, 1e-12));
    }
    assert_eq!(
        listen.batches.iter().map(|b| b.0).collect::<Vec<_>>(),
        [16, 16, 5]
    );
    let record = fit.last().unwrap();
    assert!(close(record.loss, sum / 37.0, 1e-12));
    assert!(close(record.loss, record.data_loss + record.penalty, 1e-12));
    assert_eq!(record.accuracy, Some(listen.batches[2].2));
    assert_eq!(
        listen.events,
        [
            "training",
            "epoch",
            "batch",
            "batch",
            "batch",
            "validation",
            "record",
            "end"
        ]
    );
}

#[test]
fn every_epoch_shuffles_anew_and_sees_every_sample() {
    /// Counts how often each sample is read, and in which order.
    struct Counted(Bars, std::sync::Mutex<Vec<usize>>);
    impl Dataset for Counted {
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
            self.1.lock().unwrap().push(at.index);
            self.0.read_input(at, out)
        }
        fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
            self.0.read_target(at, out)
        }
        fn name(&self) -> &str {
            "counted"
        }
    }
    let data = Counted(Bars::new(40, 1), std::sync::Mutex::default());
    trainer().epochs(2).fit(&mut network(), &data).unwrap();
    let order = data.1.into_inner().unwrap();
    assert_eq!(order.len(), 80);
    let sorted = |part: &[usize]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part
    };
    let all: Vec<usize> = (0..40).collect();
    assert_eq!(
        (sorted(&order[..40]), sorted(&order[40..])),
        (all.clone(), all)
    );
    assert_ne!(order[..40], order[40..]);
    // At sample level: the first batch is no run of neighbours.
    assert_ne!(
        sorted(&order[..16]),
        (order[0]..order[0] + 16).collect::<Vec<_>>()
    );
}

#[test]
fn evaluation_agrees_with_prediction() {
    let (data, model) = (Bars::new(50, 5), network());
    let whole = evaluate(&model, &data, &CategoricalCrossentropy, 50).unwrap();
    let parts = evaluate(&model, &data, &CategoricalCrossentropy, 7).unwrap();
    assert!(close(whole.loss, parts.loss, 1e-6) && close(whole.data_loss, parts.data_loss, 1e-6));
    assert_eq!(whole.accuracy, parts.accuracy);
    assert_eq!(whole.samples, 50);
    assert!(close(whole.loss, whole.data_loss + whole.penalty, 1e-12));
    let confusion = whole.confusion.unwrap();
    assert!(close(
        confusion.accuracy().unwrap(),
        whole.accuracy.unwrap(),
        1e-12
    ));
    assert_eq!(confusion.rows().iter().flatten().sum::<u64>(), 50);
    assert_eq!(confusion.rows()[0].iter().sum::<u64>(), 17);
}

#[test]
fn a_loss_that_is_not_finite_stops_training_with_advice() {
    /// One broken label.
    struct Broken(Bars);
    impl Dataset for Broken {
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
            self.0.read_target(at, out)?;
            if at.index == 33 {
                out.fill(f32::NAN);
            }
            Ok(())
        }
        fn name(&self) -> &str {
            "broken"
        }
    }
    let mut model = network();
    let error = trainer()
        .fit(&mut model, &Broken(Bars::new(48, 1)))
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFinite {
                epoch: 1,
                batches: 3,
                ..
            }
        ),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains("in epoch 1"), "{text}");
    assert!(text.contains("the target of sample 33 holds NaN"), "{text}");
    assert!(!text.contains("learning rate"), "{text}");
    let finite = |model: &Model| {
        model
            .parameters()
            .iter()
            .all(|p| p.value.to_vec().iter().all(|w| w.is_finite()))
    };
    assert!(finite(&model), "the broken batch moved the weights");

    // A run that diverges: the penalty overflows.
    let data = Bars::new(48, 1);
    let error = Trainer::new(SGD::new(1e30), CategoricalCrossentropy)
        .fit(&mut network(), &data)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFinite {
                epoch: 1,
                batch: 2,
                ..
            }
        ),
        "{error}"
    );
}

/// One layer.
fn linear() -> Sequential {
    Sequential::new([8, 8, 1])
        .add(Flatten)
        .add(Dense::new(3).activation(Softmax))
}

#[test]
fn what_does_not_fit_is_named() {
    let data = Bars::new(10, 1);
    let fit = |model: Sequential, trainer: Trainer<'_>, data: &dyn Dataset| {
        { trainer }
            .fit(&mut model.build(Seed(1)).unwrap(), data)
            .unwrap_err()
            .to_string()
    };
    let text = fit(
        Sequential::new([8, 8, 1]).add(Flatten).add(Dense::new(4)),
        trainer(),
        &data,
    );
    assert!(
        text.contains("output [4] does not fit the targets [3] of bars"),
        "{text}"
    );
    let text = fit(Sequential::new([64]).add(Dense::new(3)), trainer(), &data);
    assert!(
        text.contains("samples of shape [64], but those of bars are [8, 8, 1]; begin"),
        "{text}"
    );
    let text = fit(linear(), trainer(), &Bars::new(0, 1));
    assert!(text.contains("fit: the data set bars is empty"), "{text}");
    let text = fit(linear(), trainer().validation(&Bars::new(0, 1)), &data);
    assert!(
        text.contains("validation: the data set bars is empty"),
        "{text}"
    );
    let text = fit(linear(), trainer().batch_size(0), &data);
    assert!(text.contains("batch size must be at least 1"), "{text}");
}

#[test]
fn no_epochs_change_nothing() {
    let (data, mut model) = (Bars::new(10, 1), network());
    let before = common::weights(&model);
    let fit = trainer().epochs(0).fit(&mut model, &data).unwrap();
    assert!(fit.epochs.is_empty() && !fit.stopped);
    assert_eq!(common::weights(&model), before);
}

#[test]
fn a_sample_that_cannot_be_read_ends_training_with_its_name() {
    /// One picture is gone.
    struct Torn(Bars);
    impl Dataset for Torn {
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
            if at.index == 33 {
                return Err(taper_datasets::Error::sample("torn", 33, "no such file"));
            }
            self.0.read_input(at, out)
        }
        fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
            self.0.read_target(at, out)
        }
        fn name(&self) -> &str {
            "torn"
        }
    }
    let (data, mut model) = (Torn(Bars::new(48, 1)), network());
    let loss = CategoricalCrossentropy;
    for error in [
        trainer().fit(&mut model, &data).unwrap_err(),
        evaluate(&model, &data, &loss, 16).unwrap_err(),
        taper_train::predict(&model, &data, 16).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Data(_)), "{error}");
        assert_eq!(error.to_string(), "torn: sample 33: no such file");
    }
}
