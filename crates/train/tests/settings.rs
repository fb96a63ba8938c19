//! Every setting of training, drawn from what is hardly ever meant: an error before the first batch that names it, or a run that
//! works. And what is legal and hardly ever meant is told as an event.

mod common;

use common::{Bars, Own, network, weights};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taper_datasets::{Dataset, InMemory};
use taper_nn::losses;
use taper_optim::{Clipping, schedules::CosineDecay};
use taper_train::metrics;
use taper_train::prelude::*;

const NUMBERS: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    -1e-300,
    0.0,
    -0.0,
    0.5,
    1.0,
    1.0 + f64::EPSILON,
    1e30,
    f64::MAX,
];

/// Stops at the first batch: what was refused, was refused before it.
struct FirstBatch(Arc<Mutex<usize>>);

impl Callback for FirstBatch {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded { .. } = event {
            *self.0.lock().unwrap() += 1;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// An error before the first batch that has this word, or a run.
fn refused(mut trainer: Trainer<'_>, data: &dyn Dataset, word: &str) -> bool {
    let (mut model, batches) = (network(), Arc::default());
    let before = weights(&model);
    trainer = trainer.callback(FirstBatch(Arc::clone(&batches)));
    let result = trainer.fit(&mut model, data);
    let batches = *batches.lock().unwrap();
    match result {
        Ok(_) => false,
        // A first step that is large enough is legal, and leads to no numbers.
        Err(Error::NotFinite { .. }) => false,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(word), "{word}: {message}");
            assert_eq!(batches, 0, "{message}");
            assert_eq!(weights(&model), before, "{message}");
            true
        }
    }
}

fn with(optimizer: impl Optimizer + 'static) -> Trainer<'static> {
    Trainer::new(optimizer, CategoricalCrossentropy).batch_size(16)
}

#[test]
fn optimizers_are_checked_before_the_first_batch() {
    let data = Bars::new(32, 1);
    type Set = fn(f64) -> Trainer<'static>;
    let all: [(&str, Set); 9] = [
        ("learning_rate", |x| with(Adam::new(x))),
        ("beta_1", |x| with(Adam::default().beta_1(x))),
        ("epsilon", |x| with(Adam::default().epsilon(x))),
        ("weight_decay", |x| with(AdamW::default().weight_decay(x))),
        ("momentum", |x| with(SGD::default().momentum(x))),
        ("rho", |x| with(RMSprop::default().rho(x))),
        ("clipnorm", |x| {
            with(SGD::default().clipping(Clipping::Norm(x)))
        }),
        ("decay_steps", |x| with(SGD::new(CosineDecay::new(0.1, x)))),
        ("initial_learning_rate", |x| {
            with(SGD::new(CosineDecay::new(x, 10.0)))
        }),
    ];
    for (name, set) in all {
        for x in NUMBERS {
            let refused = refused(set(x), &data, name);
            assert!(refused || x >= 0.0 && x.is_finite(), "{name} = {x}");
            // 0 is a learning rate, a momentum, a decay.
            assert!(
                !refused || x != 0.0 || ["epsilon", "clipnorm", "decay_steps"].contains(&name),
                "{name}"
            );
        }
    }
}

#[test]
fn the_loss_is_checked_before_the_first_batch() {
    let data = Bars::new(32, 1);
    for label_smoothing in NUMBERS {
        let boxed: [Box<dyn Loss>; 2] = [
            Box::new(CategoricalCrossentropy { label_smoothing }),
            Box::new(BinaryCrossentropy { label_smoothing }),
        ];
        for loss in boxed {
            let trainer = Trainer::boxed(Box::new(Adam::default()), loss);
            let allowed = (0.0..=1.0).contains(&label_smoothing);
            assert_eq!(
                refused(trainer, &data, "label_smoothing"),
                !allowed,
                "{label_smoothing}"
            );
        }
        // As a description.
        for row in losses::all::<f32>() {
            let config = serde_json::json!({ "label_smoothing": label_smoothing });
            if let Err(error) = (row.from_config)(&config) {
                assert!(error.to_string().contains("label_smoothing"), "{error}");
            }
        }
    }
}

#[test]
fn callbacks_are_checked_before_the_first_batch() {
    let data = Bars::new(32, 1);
    for x in NUMBERS {
        let finite = x.is_finite();
        let early = with(Adam::default()).callback(EarlyStopping::on("loss").min_delta(x));
        assert_eq!(refused(early, &data, "EarlyStopping: min_delta"), !finite);
        let plateau = || ReduceLROnPlateau::on("loss");
        let min_delta = with(Adam::default()).callback(plateau().min_delta(x));
        assert_eq!(
            refused(min_delta, &data, "ReduceLROnPlateau: min_delta"),
            !finite
        );
        let factor = with(Adam::default()).callback(plateau().factor(x));
        assert_eq!(
            refused(factor, &data, "ReduceLROnPlateau: factor"),
            !(0.0..1.0).contains(&x)
        );
        let min_lr = with(Adam::default()).callback(plateau().min_lr(x));
        assert_eq!(
            refused(min_lr, &data, "ReduceLROnPlateau: min_lr"),
            !(finite && x >= 0.0)
        );
    }
    let folder = tempfile::tempdir().unwrap();
    for n in [0, 1, 1 << 40, usize::MAX] {
        let n64 = n as u64;
        let patient = with(Adam::default())
            .callback(EarlyStopping::on("loss").patience(n))
            .callback(ReduceLROnPlateau::on("loss").patience(n64).cooldown(n64))
            .callback(
                ModelCheckpoint::last(folder.path().join("last"))
                    .every_batches(n)
                    .every(Duration::MAX),
            );
        assert!(!refused(patient, &data, ""));
    }
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_the_first_batch() {
    let data = Bars::new(32, 1);
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("model.taper");
    for path in [missing, folder.path().to_path_buf()] {
        for save in [
            ModelCheckpoint::last(&path),
            ModelCheckpoint::best(&path).monitor("loss"),
        ] {
            assert!(refused(
                with(Adam::default()).callback(save),
                &data,
                &path.display().to_string()
            ));
        }
    }
    let misspelt = ModelCheckpoint::last(folder.path().join("m")).monitor("los");
    assert!(refused(
        with(Adam::default()).callback(misspelt),
        &data,
        "los is not measured; there is loss"
    ));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn weights_of_classes_and_samples_are_checked_before_the_first_batch() {
    let data = Bars::new(32, 1);
    struct Weighted(Bars, f32);
    impl Dataset for Weighted {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn input_shape(&self) -> &[usize] {
            self.0.input_shape()
        }
        fn target_shape(&self) -> &[usize] {
            self.0.target_shape()
        }
        fn read_input(
            &self,
            at: taper_datasets::Sample,
            out: &mut [f32],
        ) -> taper_datasets::Result<()> {
            self.0.read_input(at, out)
        }
        fn read_target(
            &self,
            at: taper_datasets::Sample,
            out: &mut [f32],
        ) -> taper_datasets::Result<()> {
            self.0.read_target(at, out)
        }
        fn has_sample_weights(&self) -> bool {
            true
        }
        fn sample_weight(&self, index: usize) -> f32 {
            if index == 17 { self.1 } else { 1.0 }
        }
        fn name(&self) -> &str {
            "weighted"
        }
    }
    for x in NUMBERS {
        let allowed = x.is_finite() && x >= 0.0;
        let class = with(Adam::default()).class_weight([(1, x)]);
        assert_eq!(
            refused(class, &data, "class_weight: the weight of class 1 is"),
            !allowed,
            "{x}"
        );
        let weighted = Weighted(Bars::new(32, 1), x as f32);
        let refused = refused(
            with(Adam::default()),
            &weighted,
            "weighted: the weight of sample 17 is",
        );
        assert_eq!(refused, !((x as f32).is_finite() && x as f32 >= 0.0), "{x}");
    }
    let none = with(Adam::default()).class_weight([(usize::MAX, 1.0)]);
    assert!(refused(none, &data, "class_weight"));
}

#[test]
fn sizes_and_numbers_of_epochs_are_no_trap() {
    let data = Bars::new(32, 1);
    assert!(refused(
        with(Adam::default()).batch_size(0),
        &data,
        "batch size must be at least 1"
    ));
    for n in [1, 33, 1 << 40, usize::MAX] {
        assert!(!refused(
            with(Adam::default()).batch_size(n).validation(&data),
            &data,
            ""
        ));
        assert!(!refused(with(Adam::default()).epochs(n as u64), &data, ""));
        let measured = Evaluate::new(&CategoricalCrossentropy)
            .batch_size(n)
            .run(&network(), &data);
        assert_eq!(measured.unwrap().samples, 32);
    }
    let fit = with(Adam::default())
        .epochs(0)
        .fit(&mut network(), &data)
        .unwrap();
    assert!(fit.epochs.is_empty());
}

#[test]
fn metrics_have_names_of_their_own() {
    let data = Bars::new(32, 1);
    let taken = [
        "loss",
        "val_loss",
        "accuracy",
        "val_accuracy",
        "train_accuracy",
        "data_loss",
        "cross_entropy",
        "val_cross_entropy",
        "train_data_loss",
        "penalty",
        "end_penalty",
        "learning_rate",
        "epoch",
        "seconds",
        "images_per_second",
        "val_f1",
        "train_f1",
        "",
    ];
    for name in taken {
        let own = || Own(name, 0.5);
        assert!(
            refused(
                with(Adam::default()).metric(own()),
                &data,
                &format!("{name:?}")
            ),
            "{name}"
        );
        let evaluated = Evaluate::new(&CategoricalCrossentropy)
            .metric(own())
            .run(&network(), &data);
        assert!(evaluated.unwrap_err().to_string().contains("another name") || name.is_empty());
    }
    let twice = |a, b| with(Adam::default()).metric(a).metric(b);
    assert!(refused(
        twice(Own("f1", 0.5), Own("f1", 0.6)),
        &data,
        "\"f1\", and so is another one"
    ));
    assert!(!refused(twice(Own("f1", 0.5), Own("f1", 0.5)), &data, ""));
    assert!(!refused(
        twice(Own("f1", 0.5), Own("f2", 0.5)).metric(Accuracy),
        &data,
        ""
    ));
    // What a record says of itself is what is refused.
    let fit = with(Adam::default())
        .metric(Own("f1", 0.5))
        .validation(&data)
        .measure_training_set(true)
        .fit(&mut network(), &data);
    let record = serde_json::to_value(&fit.unwrap().epochs[0]).unwrap();
    for name in record
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !name.ends_with("f1"))
    {
        let name: &'static str = Box::leak(name.clone().into_boxed_str());
        assert!(
            refused(with(Adam::default()).metric(Own(name, 0.5)), &data, name),
            "{name}"
        );
    }
}

#[test]
fn settings_of_metrics_are_checked_in_both_entrances() {
    use serde_json::json;
    let batch = (Tensor::full([4, 1], 0.25), Tensor::zeros([4, 1]));
    let sizes = [0, 1, 2, 1_000_000, 1_000_001, 1 << 40, usize::MAX];
    for n in sizes {
        let built = [
            AUC {
                num_thresholds: n,
                ..AUC::new()
            }
            .measure(&batch.0, &batch.1),
            TopKAccuracy::new(n).measure(&batch.0, &batch.1),
        ];
        let read = [
            metrics::from_config("AUC", &json!({"num_thresholds": n})),
            metrics::from_config("TopKAccuracy", &json!({"k": n})),
        ];
        for ((built, read), word) in built
            .into_iter()
            .zip(read)
            .zip(["AUC: num_thresholds is", "TopKAccuracy: k is"])
        {
            assert_eq!(built.is_ok(), read.is_ok(), "{word} {n}");
            for error in built.err().into_iter().chain(read.err()) {
                assert!(error.to_string().starts_with(word), "{error}");
            }
        }
    }
    for threshold in NUMBERS {
        let allowed = (0.0..=1.0).contains(&threshold);
        let built = [
            Precision { threshold }.measure(&batch.0, &batch.1),
            Recall { threshold }.measure(&batch.0, &batch.1),
        ];
        for (built, class) in built.into_iter().zip(["Precision", "Recall"]) {
            let read = metrics::from_config(class, &json!({ "thresholds": threshold }));
            assert_eq!(
                (built.is_ok(), read.is_ok()),
                (allowed, allowed),
                "{class} {threshold}"
            );
            for error in built.err().into_iter().chain(read.err()) {
                assert!(error.to_string().contains("thresholds"), "{error}");
            }
        }
    }
}

/// A callback that cannot go on, after the first epoch.
struct Fails;

impl Callback for Fails {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        match event {
            Event::EpochEnded(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
    fn finish(&mut self, _: &mut Model) -> taper_train::Result<()> {
        Err(Error::Other("no space left on device".into()))
    }
}

#[test]
fn an_error_does_not_throw_the_history_away() {
    let data = Bars::new(32, 1);
    let whole = with(Adam::default())
        .epochs(1)
        .fit(&mut network(), &data)
        .unwrap();
    let mut trainer = with(Adam::default()).epochs(3).callback(Fails);
    let error = trainer.fit(&mut network(), &data).unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    assert_eq!(
        common::timeless(trainer.history()),
        common::timeless(&whole.history)
    );
    // An error in the midst of training, too.
    let mut trainer = with(SGD::new(Late)).epochs(3);
    trainer.fit(&mut network(), &data).unwrap_err();
    assert_eq!(trainer.history().epochs.len(), 1);
}

/// A rate that is none from the second epoch on.
#[derive(Debug)]
struct Late;

impl taper_optim::Schedule for Late {
    fn class_name(&self) -> &'static str {
        "Late"
    }
    fn config(&self) -> serde_json::Value {
        serde_json::json!({})
    }
    fn at(&self, steps: u64) -> f64 {
        if steps < 3 { 0.01 } else { f64::NAN }
    }
}

/// What is told of a network of these last layers with this loss and these targets.
fn warnings(
    last: Vec<Box<dyn taper_nn::Layer>>,
    loss: Box<dyn Loss>,
    targets: Tensor,
) -> Vec<String> {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    struct Heard(Arc<Mutex<Vec<String>>>, usize);
    impl Callback for Heard {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            match event {
                Event::Warning(text) => {
                    assert_eq!(self.1, 0, "before the first batch");
                    self.0.lock().unwrap().push((*text).to_owned());
                }
                Event::BatchEnded { .. } => self.1 += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let samples = targets.shape()[0];
    let data = InMemory::new(Tensor::ones([samples, 4]), targets).unwrap();
    let mut model = Sequential::new([4]).add(Dense::new(5).activation(Relu));
    for layer in last {
        model = model.add_boxed(layer);
    }
    let mut model = model.build(Seed(1)).unwrap();
    // What the loss says of such labels is its own affair.
    let _ = Trainer::boxed(Box::new(SGD::default()), loss)
        .callback(Heard(Arc::clone(&heard), 0))
        .fit(&mut model, &data);
    let heard = heard.lock().unwrap();
    heard.clone()
}

fn dense(units: usize, activation: taper_nn::ActivationKind) -> Vec<Box<dyn Layer>> {
    vec![Box::new(Dense::new(units).activation(activation))]
}

#[test]
fn what_is_hardly_ever_meant_is_told() {
    use taper_nn::Elu;
    let column = |values: &[f32]| Tensor::from_slice([values.len(), 1], values).unwrap();
    let one_hot = || Tensor::one_hot(&[0, 2, 1], 3).unwrap();
    let labels = || column(&[0.0, 1.0, 1.0]);
    type Case = (Vec<Box<dyn Layer>>, Box<dyn Loss>, Tensor, &'static str);
    let cases: Vec<Case> = vec![
        (
            dense(1, Softmax),
            Box::new(CategoricalCrossentropy),
            labels(),
            "one output",
        ),
        (
            dense(1, Sigmoid),
            Box::new(CategoricalCrossentropy),
            labels(),
            "one output",
        ),
        (
            dense(1, Softmax),
            Box::new(SparseCategoricalCrossentropy),
            labels(),
            "binary_crossentropy",
        ),
        (
            dense(1, Softmax),
            Box::new(BinaryCrossentropy),
            labels(),
            "always 1",
        ),
        (
            dense(1, Softmax),
            Box::new(MeanSquaredError),
            labels(),
            "always 1",
        ),
        (
            dense(3, Linear),
            Box::new(CategoricalCrossentropy),
            one_hot(),
            "dense_1) ends in linear",
        ),
        (
            dense(3, Elu),
            Box::new(CategoricalCrossentropy),
            one_hot(),
            "activation softmax",
        ),
        (
            dense(3, Relu),
            Box::new(SparseCategoricalCrossentropy),
            labels(),
            "activation softmax",
        ),
        (
            dense(1, Tanh),
            Box::new(BinaryCrossentropy),
            labels(),
            "activation sigmoid",
        ),
        (
            vec![
                Box::new(Dense::new(3)),
                Box::new(Dropout::new(0.5)),
                Box::new(Flatten),
            ],
            Box::new(CategoricalCrossentropy),
            one_hot(),
            "ends in linear",
        ),
        (
            vec![Box::new(Dense::new(3)), Box::new(Activation::new(Relu))],
            Box::new(CategoricalCrossentropy),
            one_hot(),
            "(activation) ends in relu",
        ),
        (
            dense(1, Sigmoid),
            Box::new(BinaryCrossentropy),
            column(&[-1.0, 1.0]),
            "-1 and 1",
        ),
        (
            dense(1, Sigmoid),
            Box::new(BinaryCrossentropy),
            column(&[0.0, 1.0, 2.0]),
            "sparse_categorical_crossentropy",
        ),
        (
            dense(3, Softmax),
            Box::new(CategoricalCrossentropy),
            Tensor::from_vec([2, 3], vec![1.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap(),
            "sums to 2",
        ),
    ];
    for (last, loss, targets, part) in cases {
        let told = format!("{last:?} {loss:?}");
        let warnings = warnings(last, loss, targets);
        assert!(
            warnings.len() == 1 && warnings[0].contains(part),
            "{told}: {warnings:?}"
        );
    }
    type Sound = (Vec<Box<dyn Layer>>, Box<dyn Loss>, Tensor);
    let sound: Vec<Sound> = vec![
        (
            dense(3, Softmax),
            Box::new(CategoricalCrossentropy),
            one_hot(),
        ),
        (
            dense(3, Softmax),
            Box::new(SparseCategoricalCrossentropy),
            labels(),
        ),
        (dense(1, Sigmoid), Box::new(BinaryCrossentropy), labels()),
        (dense(3, Sigmoid), Box::new(BinaryCrossentropy), one_hot()),
        (
            dense(1, Linear),
            Box::new(MeanSquaredError),
            column(&[-3.0, 7.5]),
        ),
        (
            vec![Box::new(Dense::new(3)), Box::new(Activation::new(Softmax))],
            Box::new(CategoricalCrossentropy),
            one_hot(),
        ),
    ];
    for (last, loss, targets) in sound {
        let told = format!("{last:?} {loss:?}");
        let warnings = warnings(last, loss, targets);
        assert!(warnings.is_empty(), "{told}: {warnings:?}");
    }
}

/// What cannot be trained is an error that names the way out.
#[test]
fn errors_of_shapes_name_what_is_meant() {
    let classes = Tensor::from_vec([3, 1], vec![0.0, 1.0, 2.0]).unwrap();
    let data = InMemory::new(Tensor::ones([3, 4, 4, 1]), classes).unwrap();
    let flat = Sequential::new([4, 4, 1])
        .add(Flatten)
        .add(Dense::new(3).activation(Softmax));
    let image = Sequential::new([4, 4, 1]).add(Dense::new(3).activation(Softmax));
    for (model, loss, part) in [
        (
            flat,
            Box::new(CategoricalCrossentropy) as Box<dyn Loss>,
            "sparse_categorical_crossentropy",
        ),
        (
            image,
            Box::new(SparseCategoricalCrossentropy),
            "is a Flatten layer missing",
        ),
    ] {
        let mut model = model.build(Seed(1)).unwrap();
        let mut trainer = Trainer::boxed(Box::new(Adam::default()), loss);
        let error = trainer.fit(&mut model, &data).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
