//! Models of several inputs and outputs: fields are found by name, a resumed run ends to the bit as an uninterrupted one,
//! monitors may name an output's figures, and what does not fit is told with both lists of names.

mod common;

use common::{moments, timeless, weights};
use std::ops::ControlFlow;
use taper_train::prelude::*;
use taper_train::{evaluate, predict, predict_all};

/// Two inputs, and two outputs called `kind` and `size`.
fn model() -> Model {
    let mut net = Functional::new();
    let (image, age) = (net.input("image", [6, 6, 1]), net.input("age", [2]));
    let maps = net.apply(Conv2D::new(3, 3).activation(Relu), image);
    let flat = net.apply(Flatten, maps);
    let both = net.join(Concatenate::new(), &[flat, age]);
    let dense = Dense::new(6).activation(Tanh).kernel_regularizer(L2(0.01));
    let features = net.apply(dense, both);
    let features = net.apply(Dropout::new(0.25), features);
    let kind = net.apply(Dense::new(3).activation(Softmax).name("kind"), features);
    let size = net.apply(Dense::new(1).name("size"), features);
    net.outputs(&[kind, size]).build(Seed(7)).unwrap()
}

fn images(samples: usize) -> Tensor {
    Tensor::from_fn([samples, 6, 6, 1], |i| ((i * 37) % 101) as f32 / 101.0)
}

fn ages(samples: usize) -> Tensor {
    Tensor::from_fn([samples, 2], |i| ((i * 53) % 17) as f32 / 17.0)
}

fn kinds(samples: usize) -> Tensor {
    let classes: Vec<usize> = (0..samples).map(|i| (i * i) % 3).collect();
    Tensor::one_hot(&classes, 3).unwrap()
}

fn sizes(samples: usize) -> Tensor {
    Tensor::from_fn([samples, 1], |i| (i % 5) as f32 / 5.0)
}

/// The model's fields in another order than the model's, beside some that nobody wants; samples count differently.
fn data(samples: usize) -> InMemory {
    let data = InMemory::named(
        [
            ("noise", Tensor::zeros([samples, 4])),
            ("age", ages(samples)),
            ("image", images(samples)),
        ],
        [
            ("size", sizes(samples)),
            ("colour", Tensor::zeros([samples, 2])),
            ("kind", kinds(samples)),
        ],
    );
    let counts = Tensor::from_fn([samples], |i| (i % 4) as f32 / 2.0);
    data.unwrap().with_sample_weights(counts).unwrap()
}

fn trainer<'a>() -> Trainer<'a> {
    Trainer::new(Adam::new(0.01), CategoricalCrossentropy)
        .loss_for("size", MeanSquaredError)
        .loss_weight("size", 0.3)
        .metric_for("kind", TopKAccuracy::new(2))
        .metric_for("size", MeanAbsoluteError)
        .weighted_metric_for("kind", Accuracy)
        .epochs(3)
        .batch_size(16)
        .seed(Seed(11))
}

#[test]
fn every_output_has_its_figures() {
    let (train, validation, mut model) = (data(40), data(20), model());
    let fit = trainer()
        .validation(&validation)
        .measure_training_set(true)
        .fit(&mut model, &train)
        .unwrap();
    for name in [
        "kind_loss",
        "size_loss",
        "kind_accuracy",
        "kind_top_2_accuracy",
        "kind_weighted_accuracy",
        "size_mean_absolute_error",
    ] {
        for prefix in ["", "val_", "train_"] {
            assert_eq!(
                fit.get(&format!("{prefix}{name}")).len(),
                3,
                "{prefix}{name}"
            );
        }
    }
    for record in &fit.epochs {
        let sum = |prefix: &str| {
            let of = |name: &str| record.get(&format!("{prefix}{name}_loss")).unwrap();
            of("kind") + 0.3 * of("size")
        };
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-6, "{a} is not {b}");
        near(record.data_loss, sum(""));
        near(record.loss, sum("") + record.penalty);
        near(record.val_loss.unwrap(), sum("val_") + record.end_penalty);
        near(record.train_data_loss.unwrap(), sum("train_"));
        assert_eq!(record.accuracy, None);
        let line = serde_json::to_string(record).unwrap();
        assert_eq!(&serde_json::from_str::<EpochRecord>(&line).unwrap(), record);
    }
    let checkpoint = fit.checkpoint(&model);
    assert_eq!(
        checkpoint.provenance["loss"],
        "kind: categorical_crossentropy, size: 0.3 × mean_squared_error"
    );
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let ordered = InMemory::named(
        [("image", images(40)), ("age", ages(40))],
        [("kind", kinds(40)), ("size", sizes(40))],
    );
    let counts = Tensor::from_fn([40], |i| (i % 4) as f32 / 2.0);
    let ordered = ordered.unwrap().with_sample_weights(counts).unwrap();
    let (mut one, mut other) = (model(), model());
    let first = trainer().fit(&mut one, &ordered).unwrap();
    let second = trainer().fit(&mut other, &data(40)).unwrap();
    assert_eq!(weights(&one), weights(&other));
    assert_eq!(timeless(&first), timeless(&second));
}

/// Breaks training off after a batch.
struct BreakAfter(u64, usize);

impl Callback for BreakAfter {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded {
            epoch, batch, loss, ..
        } = *event
        {
            assert_eq!(view.running("loss"), Some(loss));
            assert!(view.running("kind_loss").unwrap() > 0.0);
            assert!(view.running("size_mean_absolute_error").is_some());
            assert_eq!(view.running("val_kind_loss"), None);
            if (epoch, batch) == (self.0, self.1) {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn a_run_resumed_within_an_epoch_ends_to_the_bit_as_an_uninterrupted_one() {
    let (train, validation) = (data(50), data(20));
    let make = || trainer().validation(&validation).measure_training_set(true);
    let mut whole = model();
    let reference = make().fit(&mut whole, &train).unwrap();
    for (epoch, batch) in [(1, 1), (2, 2), (2, 4), (3, 3)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.taper");
        let first = make()
            .callback(BreakAfter(epoch, batch))
            .callback(ModelCheckpoint::last(&path))
            .fit(&mut model(), &train)
            .unwrap();
        assert!(first.stopped);
        assert_eq!(first.position.batch, batch as u64);
        let checkpoint = Checkpoint::load(&path).unwrap();
        let mut second = make().resume(&checkpoint).unwrap();
        let mut model = checkpoint.into_model().unwrap();
        let fit = second.fit(&mut model, &train).unwrap();
        assert_eq!(weights(&model), weights(&whole));
        assert_eq!(moments(&fit), moments(&reference));
        assert_eq!(timeless(&fit), timeless(&reference));
    }
}

#[test]
fn a_checkpoint_of_other_outputs_or_metrics_is_refused_within_an_epoch() {
    let mut trained = model();
    let fit = trainer()
        .callback(BreakAfter(1, 2))
        .fit(&mut trained, &data(50))
        .unwrap();
    let checkpoint = fit.checkpoint(&trained);
    let mut second = Trainer::new(Adam::new(0.01), CategoricalCrossentropy)
        .loss_for("size", MeanSquaredError)
        .batch_size(16)
        .resume(&checkpoint)
        .unwrap();
    let error = second.fit(&mut trained, &data(50)).unwrap_err().to_string();
    assert!(error.contains("metrics was"), "{error}");
    assert!(error.contains("loss.size.weight was 0.3"), "{error}");
}

#[test]
fn monitors_name_figures_of_outputs() {
    let (train, validation) = (data(40), data(20));
    let watching = |figure: &str| {
        trainer()
            .epochs(20)
            .validation(&validation)
            .callback(EarlyStopping::on(figure).min_delta(10.0).patience(1))
            .fit(&mut model(), &train)
    };
    for figure in [
        "val_kind_loss",
        "size_loss",
        "val_size_mean_absolute_error",
        "val_kind_weighted_accuracy",
    ] {
        let fit = watching(figure).unwrap();
        assert!(
            fit.stopped && fit.epochs.len() == 2,
            "{figure}: {}",
            fit.epochs.len()
        );
    }
    let error = watching("val_colour_loss").unwrap_err().to_string();
    assert!(error.contains("val_kind_loss, val_size_loss"), "{error}");
}

#[test]
fn predictions_have_names() {
    let (data, model) = (data(21), model());
    let predicted = predict_all(&model, &data, 8).unwrap();
    let names: Vec<&str> = predicted.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kind", "size"]);
    let wanted = model.predict_all([&images(21), &ages(21)]).unwrap();
    for (wanted, (name, found)) in wanted.iter().zip(&predicted) {
        assert_eq!(found.shape(), wanted.shape());
        for (found, wanted) in found.to_vec().iter().zip(wanted.to_vec()) {
            assert!((found - wanted).abs() <= 1e-5, "{name}: {found}, {wanted}");
        }
    }
    assert!(predicted.get("colour").is_none());
    let error = predict(&model, &data, 8).unwrap_err().to_string();
    assert!(
        error.contains("kind, size") && error.contains("predict_all"),
        "{error}"
    );
}

#[test]
fn every_output_of_classes_has_a_confusion_matrix() {
    let measured = Evaluate::new(&CategoricalCrossentropy).loss_for("size", MeanSquaredError);
    let found = measured.run(&model(), &data(21)).unwrap();
    assert!(found.confusion.is_none() && found.accuracy.is_none());
    assert_eq!(found.confusions.keys().collect::<Vec<_>>(), ["kind"]);
    let accuracy = found.confusions["kind"].accuracy().unwrap();
    assert!((accuracy - found.metrics["kind_accuracy"]).abs() < 1e-12);
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(
        serde_json::from_str::<taper_train::Evaluation>(&json).unwrap(),
        found
    );
}

/// What is wrong is told with the names on both sides and with what to do.
#[test]
fn what_does_not_fit_is_named() {
    let both = |inputs: [&'static str; 2], targets: [&'static str; 2]| {
        InMemory::named(
            [(inputs[0], images(8)), (inputs[1], ages(8))],
            [(targets[0], kinds(8)), (targets[1], sizes(8))],
        )
        .unwrap()
    };
    let right = both(["image", "age"], ["kind", "size"]);
    let fit = |trainer: Trainer<'_>, data: &dyn Dataset| {
        let mut trainer = trainer;
        let mut model = model();
        trainer.fit(&mut model, data).unwrap_err().to_string()
    };
    let says = |error: String, all: &[&str]| {
        for text in all {
            assert!(error.contains(text), "{text:?} is not in: {error}");
        }
    };
    let wrong = both(["photo", "age"], ["kind", "size"]);
    let names = [
        "image [6, 6, 1], age [2]",
        "photo [6, 6, 1], age [2]",
        "none is called image",
        "Functional::input",
    ];
    says(fit(trainer(), &wrong), &names);
    says(
        predict_all(&model(), &wrong, 8).unwrap_err().to_string(),
        &names,
    );
    says(
        evaluate(&model(), &wrong, &MeanSquaredError, 8)
            .unwrap_err()
            .to_string(),
        &names,
    );
    let wrong = both(["image", "age"], ["class", "length"]);
    says(
        fit(trainer(), &wrong),
        &[
            "kind [3], size [1]",
            "class [3], length [1]",
            "none is called kind or size",
            ".name(",
        ],
    );
    let mut validated = trainer().validation(&wrong);
    let error = validated.fit(&mut model(), &right).unwrap_err().to_string();
    says(error, &["validation: ", "kind or size"]);
    let one = InMemory::new(images(8), kinds(8)).unwrap();
    says(
        fit(trainer(), &one),
        &["image [6, 6, 1], age [2]", "input [6, 6, 1]"],
    );
    // Shapes: of an input, of a target, and a loss that was not chosen for its output.
    let narrow = InMemory::named(
        [("image", images(8)), ("age", Tensor::zeros([8, 3]))],
        [("kind", kinds(8)), ("size", sizes(8))],
    );
    says(fit(trainer(), &narrow.unwrap()), &["[2]", "age", "[3]"]);
    let wide = InMemory::named(
        [("image", images(8)), ("age", ages(8))],
        [("kind", kinds(8)), ("size", Tensor::zeros([8, 4]))],
    );
    says(fit(trainer(), &wide.unwrap()), &["size [1]", "size [4]"]);
    let wide = InMemory::named(
        [("image", images(8)), ("age", ages(8))],
        [("kind", sizes(8)), ("size", Tensor::zeros([8, 4]))],
    );
    let plain = || Trainer::new(Adam::new(0.01), MeanSquaredError);
    says(
        fit(
            plain().loss_for("kind", SparseCategoricalCrossentropy),
            &wide.unwrap(),
        ),
        &["loss_for(\"size\""],
    );
    // Names of outputs that there are not, weights that are none, metrics that do not fit.
    for (trainer, setter) in [
        (plain().loss_for("colour", MeanSquaredError), "loss_for"),
        (plain().loss_weight("colour", 1.0), "loss_weight"),
        (plain().metric_for("colour", Accuracy), "metric_for"),
        (
            plain().weighted_metric_for("colour", Accuracy),
            "weighted_metric_for",
        ),
    ] {
        says(fit(trainer, &right), &[setter, "colour", "kind, size"]);
    }
    for weight in [f64::NAN, f64::INFINITY] {
        says(
            fit(plain().loss_weight("size", weight), &right),
            &["size", "weight"],
        );
    }
    let classes = InMemory::named(
        [("image", images(8)), ("age", ages(8))],
        [("kind", Tensor::zeros([8])), ("size", sizes(8))],
    );
    let sparse = plain().loss_for("kind", SparseCategoricalCrossentropy);
    says(
        fit(sparse.metric(MeanAbsoluteError), &classes.unwrap()),
        &["mean_absolute_error", "output kind", "metric_for"],
    );
    says(
        fit(plain().class_weight([(0, 2.0)]), &right),
        &["class_weight", "kind, size"],
    );
}

/// Figures of outputs must not be taken for those of the whole.
#[test]
fn outputs_are_not_called_as_figures_are() {
    for name in ["val", "data"] {
        let mut net = Functional::new();
        let x = net.input("x", [2]);
        let one = net.apply(Dense::new(1).name(name), x);
        let two = net.apply(Dense::new(1).name("size"), x);
        let mut model = net.outputs(&[one, two]).build(Seed(1)).unwrap();
        let data = InMemory::named([("x", ages(8))], [(name, sizes(8)), ("size", sizes(8))]);
        let error = Trainer::new(SGD::new(0.1), MeanSquaredError)
            .fit(&mut model, &data.unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("{name}_loss")), "{error}");
        assert!(error.contains("another name"), "{error}");
    }
}

/// One output takes the same settings by its name, and its figures keep their plain names.
#[test]
fn one_output_has_plain_names() {
    let chain = || {
        let chain = Sequential::new([2]).add(Dense::new(1).name("size"));
        chain.build(Seed(3)).unwrap()
    };
    let data = InMemory::new(ages(20), sizes(20)).unwrap();
    let (mut one, mut other) = (chain(), chain());
    let named = Trainer::new(SGD::new(0.1), CategoricalCrossentropy)
        .loss_for("size", MeanSquaredError)
        .metric_for("size", MeanAbsoluteError)
        .fit(&mut one, &data)
        .unwrap();
    let plain = Trainer::new(SGD::new(0.1), MeanSquaredError)
        .metric(MeanAbsoluteError)
        .fit(&mut other, &data)
        .unwrap();
    assert_eq!(weights(&one), weights(&other));
    assert_eq!(timeless(&named), timeless(&plain));
    assert_eq!(named.get("mean_absolute_error").len(), 1);
}

/// A layer that is called twice makes two outputs, and names for them.
#[test]
fn outputs_of_one_layer_have_names_of_their_own() {
    let mut net = Functional::new();
    let (left, right) = (net.input("left", [2]), net.input("right", [2]));
    let tower = net.layer(Dense::new(1).name("tower"));
    let outputs = [net.call(tower, left), net.call(tower, right)];
    let mut model = net.outputs(&outputs).build(Seed(1)).unwrap();
    assert_eq!(model.output_names(), ["tower", "tower_1"]);
    let data = InMemory::named(
        [("left", ages(8)), ("right", ages(8))],
        [("tower", sizes(8)), ("tower_1", sizes(8))],
    );
    let fit = Trainer::new(SGD::new(0.1), MeanSquaredError)
        .fit(&mut model, &data.unwrap())
        .unwrap();
    assert_eq!(fit.get("tower_loss"), fit.get("tower_1_loss"));
}
