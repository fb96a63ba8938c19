//! With the same weights and the same data the figures of training, of validation and of `evaluate` are the same, whatever
//! is penalized: a learning rate of 0, no dropout, and the loss, the penalties and the metrics stand under the same names.

use serde_json::{Value, json};
use taper_autograd::gradcheck::Sampler;
use taper_nn::{layers, regularizers};
use taper_tensor::Stream;
use taper_train::{Evaluation, prelude::*};

const SAMPLES: usize = 10;

/// Layers that act otherwise in training.
fn differs_in_training(class_name: &str) -> bool {
    [
        "Normalization",
        "Dropout",
        "Noise",
        "Random",
        "Solarization",
    ]
    .iter()
    .any(|kind| class_name.contains(kind))
}

fn near(what: &str, a: f64, b: f64) {
    let near = (a - b).abs() <= 2e-6 * a.abs().max(1.0);
    assert!(near, "{what}: {a} and {b}");
}

/// Every figure of a record of an epoch without learning against its counterparts at the epoch's end.
fn assert_equal_figures(what: &str, record: &EpochRecord, evaluation: &Evaluation) {
    near(what, record.loss, record.val_loss.unwrap());
    near(what, record.loss, evaluation.loss);
    near(what, record.data_loss, record.val_data_loss.unwrap());
    near(what, record.data_loss, record.train_data_loss.unwrap());
    near(what, record.data_loss, evaluation.data_loss);
    near(what, record.penalty, record.end_penalty);
    near(what, record.penalty, evaluation.penalty);
    near(what, record.loss, record.data_loss + record.penalty);
    assert_eq!(record.accuracy, record.val_accuracy, "{what}");
    assert_eq!(record.accuracy, record.train_accuracy, "{what}");
    assert_eq!(record.accuracy, evaluation.accuracy, "{what}");
    for (name, value) in &evaluation.metrics {
        for prefix in ["", "val_", "train_"] {
            let found = record.get(&format!("{prefix}{name}")).unwrap();
            near(&format!("{what}: {prefix}{name}"), found, *value);
        }
    }
}

/// Sets what a layer, or one that it holds, drops in training to nothing.
fn without_dropout(config: &mut Value) {
    match config {
        Value::Object(entries) => entries.iter_mut().for_each(|(name, value)| {
            if name.ends_with("dropout") {
                *value = json!(0.0);
            }
            without_dropout(value);
        }),
        Value::Array(items) => items.iter_mut().for_each(without_dropout),
        _ => {}
    }
}

/// What the layer is with this regularizer wherever it takes one, and without dropout.
fn regularized(layer: &dyn Layer, regularizer: Regularizer) -> Box<dyn Layer> {
    let class = layer.class_name();
    let mut config = layer.config();
    without_dropout(&mut config);
    for of in ["kernel", "bias", "activity", "gamma", "beta"] {
        let key = format!("{of}_regularizer");
        let mut with = config.clone();
        with[&key] = json!(regularizer);
        if layers::from_config::<f32>(class, &with).is_ok() {
            config = with;
        }
    }
    layers::from_config(class, &config).unwrap()
}

#[test]
fn training_and_measuring_say_the_same_for_every_layer_and_regularizer() {
    let (mut tried, mut penalized) = (0, 0);
    for row in layers::all::<f32>() {
        if differs_in_training(row.class_name) {
            continue;
        }
        for kind in regularizers::all() {
            for case in 0..4 {
                let sampler = &mut Sampler::new(31, case);
                let layers::Sample { layer, input } = (row.sample)(sampler);
                let regularizer = (kind.sample)(sampler);
                let what = format!("{} with {regularizer:?}, case {case}", row.class_name);
                let shape = layer.output_shape(&input).unwrap();
                if input.contains(&0) || shape.contains(&0) {
                    continue;
                }
                let last = Dense::new(3)
                    .activation(Softmax)
                    .activity_regularizer(regularizer);
                let chain = Sequential::new(input.clone())
                    .add_boxed(regularized(&*layer, regularizer))
                    .add(Flatten)
                    .add(last);
                let mut model = chain.build(Seed(case)).unwrap();
                let key = Seed(32).key(Stream::User(0), case);
                let x = Tensor::uniform([&[SAMPLES], &*input].concat(), 0.0, 1.0, key);
                let classes: Vec<usize> = (0..SAMPLES).map(|i| (i * i) % 3).collect();
                let data = InMemory::new(x, Tensor::one_hot(&classes, 3).unwrap()).unwrap();
                let fit = Trainer::new(SGD::new(0.0), CategoricalCrossentropy)
                    .metric(TopKAccuracy::new(2))
                    .batch_size(4)
                    .shuffle(false)
                    .validation(&data)
                    .measure_training_set(true)
                    .fit(&mut model, &data)
                    .unwrap();
                let evaluation = Evaluate::new(&CategoricalCrossentropy)
                    .metric(TopKAccuracy::new(2))
                    .batch_size(4)
                    .run(&model, &data)
                    .unwrap();
                let record = fit.last().unwrap();
                assert_equal_figures(&what, record, &evaluation);
                tried += 1;
                penalized += usize::from(record.penalty > 0.0);
            }
        }
    }
    assert!(tried > 80 && penalized == tried, "{penalized} of {tried}");
}

/// The same of a network with two outputs, whose samples count differently.
#[test]
fn training_and_measuring_say_the_same_for_several_outputs() {
    let mut net = Functional::new();
    let (left, right) = (net.input("left", [2]), net.input("right", [3]));
    let both = net.join(Concatenate::new(), &[left, right]);
    let dense = Dense::new(4).activation(Tanh);
    let dense = dense
        .kernel_regularizer(L2(0.1))
        .activity_regularizer(L1(0.2));
    let features = net.apply(dense, both);
    let kind = net.apply(Dense::new(3).activation(Softmax).name("kind"), features);
    let size = Dense::new(1).activity_regularizer(L2(0.3)).name("size");
    let size = net.apply(size, features);
    let mut model = net.outputs(&[kind, size]).build(Seed(5)).unwrap();
    let random = |width: usize, case| {
        let key = Seed(33).key(Stream::User(0), case);
        Tensor::uniform([SAMPLES, width], -1.0, 1.0, key)
    };
    let classes: Vec<usize> = (0..SAMPLES).map(|i| (i * i) % 3).collect();
    let data = InMemory::named(
        [("right", random(3, 1)), ("left", random(2, 2))],
        [
            ("size", random(1, 3)),
            ("kind", Tensor::one_hot(&classes, 3).unwrap()),
        ],
    );
    let counts = Tensor::from_fn([SAMPLES], |i| (i % 3) as f32);
    let data = data.unwrap().with_sample_weights(counts).unwrap();
    let fit = Trainer::new(SGD::new(0.0), CategoricalCrossentropy)
        .loss_for("size", MeanSquaredError)
        .loss_weight("size", 0.3)
        .weighted_metric_for("kind", Accuracy)
        .metric_for("size", MeanAbsoluteError)
        .batch_size(4)
        .shuffle(false)
        .validation(&data)
        .measure_training_set(true)
        .fit(&mut model, &data)
        .unwrap();
    let evaluation = Evaluate::new(&CategoricalCrossentropy)
        .loss_for("size", MeanSquaredError)
        .loss_weight("size", 0.3)
        .weighted_metric_for("kind", Accuracy)
        .metric_for("size", MeanAbsoluteError)
        .batch_size(4)
        .run(&model, &data)
        .unwrap();
    assert_eq!(evaluation.metrics.len(), 5);
    assert_equal_figures("two outputs", fit.last().unwrap(), &evaluation);
    assert!(evaluation.penalty > model.penalty());
}
