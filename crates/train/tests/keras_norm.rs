//! The numbers of Keras 3 for BatchNormalization and average pooling: losses, gradients, weights and moving statistics
//! over twelve steps, and inference with these statistics. `fixtures/golden/keras_norm.py` made them.

use serde_json::Value;
use std::{ops::ControlFlow, sync::OnceLock};
use taper_datasets::InMemory;
use taper_tensor::Pool2dSpec;
use taper_train::predict;
use taper_train::prelude::*;

#[path = "common/golden.rs"]
mod file;

use file::{
    assert_close, assert_tensor_close, assert_weights_close, named, numbers, one_hot, tensor,
};

fn golden() -> &'static Value {
    static GOLDEN: OnceLock<Value> = OnceLock::new();
    GOLDEN.get_or_init(|| file::read("keras_norm.json"))
}

fn model(fuse: bool) -> Model {
    let l2 = L2(golden()["l2"].as_f64().unwrap());
    let relu = || Activation::new(Relu);
    let conv = |filters, size| Conv2D::new(filters, size).use_bias(false);
    let mut model = Sequential::new([10, 10, 1])
        .add(conv(4, 3).padding(Padding::Same))
        .add(BatchNormalization::new())
        .add(relu())
        .add(conv(6, 3).strides(2).padding(Padding::Same))
        .add(
            BatchNormalization::new()
                .momentum(0.8)
                .epsilon(0.01)
                .gamma_regularizer(l2),
        )
        .add(relu())
        .add(AveragePooling2D::new(2).padding(Padding::Same))
        .add(conv(8, 2))
        .add(BatchNormalization::new().center(false).scale(false))
        .add(relu())
        .add(GlobalAveragePooling2D::new())
        .add(Dense::new(5).activation(Softmax))
        .fuse(fuse)
        .build(Seed(0))
        .unwrap();
    let fused = |(name, _): &(Option<&str>, Vec<&str>)| *name == Some("batch_normalization");
    assert_eq!(
        model.stages().iter().filter(|s| fused(s)).count(),
        if fuse { 3 } else { 0 }
    );
    model
        .set_weights(named(&golden()["initial_weights"]))
        .unwrap();
    model
}

/// Inputs and targets.
fn tensors(prefix: &str) -> (Tensor, Tensor) {
    let data = &golden()["data"];
    let targets = one_hot(&data[format!("{prefix}labels")], &golden()["classes"]);
    (tensor(&data[format!("{prefix}x")]), targets)
}

fn first_batch() -> (Tensor, Tensor) {
    let (size, (x, y)) = (batch_size(), tensors(""));
    (x.slice(0, 0..size).unwrap(), y.slice(0, 0..size).unwrap())
}

fn batch_size() -> usize {
    golden()["batch_size"].as_u64().unwrap() as usize
}

fn data((x, y): (Tensor, Tensor)) -> InMemory {
    InMemory::new(x, y).unwrap()
}

/// Losses of the batches.
#[derive(Default)]
struct Losses(Vec<f64>);
impl Callback for Losses {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        if let Event::BatchEnded { batch_loss, .. } = event {
            self.0.push(*batch_loss);
        }
        ControlFlow::Continue(())
    }
}

fn train_as_keras_did(name: &str, fuse: bool) {
    let run = &golden()["runs"][name];
    let class = run["optimizer"]["class_name"].as_str().unwrap();
    let optimizer =
        || taper_optim::optimizers::from_config(class, &run["optimizer"]["config"]).unwrap();
    let trainer = || {
        Trainer::boxed(optimizer(), Box::new(CategoricalCrossentropy))
            .batch_size(batch_size())
            .shuffle(false)
    };

    let mut first = model(fuse);
    trainer()
        .epochs(1)
        .fit(&mut first, &data(first_batch()))
        .unwrap();
    assert_weights_close(
        &format!("{name}, first step"),
        &first,
        &run["first_weights"],
    );

    let (mut model, mut losses) = (model(fuse), Losses::default());
    trainer()
        .epochs(golden()["epochs"].as_u64().unwrap())
        .callback(&mut losses)
        .fit(&mut model, &data(tensors("")))
        .unwrap();
    let what = format!("{name}: batch losses");
    assert_close(&what, &losses.0, &numbers(&run["batch_losses"]));
    assert_weights_close(name, &model, &run["weights"]);
    let predictions = predict(&model, &data(tensors("val_")), 4).unwrap();
    assert_tensor_close(
        &format!("{name}: predictions"),
        &predictions,
        &run["predictions"],
    );
}

#[test]
fn adam() {
    train_as_keras_did("adam", true);
    train_as_keras_did("adam", false);
}

#[test]
fn sgd_momentum() {
    train_as_keras_did("sgd_momentum", true);
    train_as_keras_did("sgd_momentum", false);
}

#[test]
fn no_run_is_left_out() {
    let names: Vec<&String> = golden()["runs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["adam", "sgd_momentum"]);
}

#[test]
fn output_and_gradients_of_the_first_batch() {
    let (run, mut model) = (&golden()["runs"]["adam"], model(true));
    let (x, y) = first_batch();
    let before: Vec<Tensor> = model.parameters().iter().map(|p| p.value.clone()).collect();
    let step = model
        .train_batch(&x, &y, &CategoricalCrossentropy, Seed(0), 0)
        .unwrap();
    assert_tensor_close("output", step.output(), &run["first_output"]);
    let mut wanted = run["first_gradients"].as_array().unwrap().iter();
    for ((parameter, value), gradient) in model.parameters().iter().zip(before).zip(&step.gradients)
    {
        assert_eq!(
            gradient.is_some(),
            parameter.trainable,
            "{}",
            parameter.name
        );
        let Some(gradient) = gradient else { continue };
        let want = wanted.next().unwrap();
        assert_eq!(parameter.name, want["name"].as_str().unwrap());
        let penalty = parameter.regularizer.map_or(0.0, |r| 2.0 * r.l2 as f32);
        let gradient = gradient.add(&value.scale(penalty)).unwrap();
        assert_tensor_close(&parameter.name, &gradient, want);
    }
    assert!(wanted.next().is_none());
}

#[test]
fn average_pooling() {
    let cases = golden()["average_pooling"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let pair = |key: &str| [0, 1].map(|i| case[key][i].as_u64().unwrap() as usize);
        let spec = Pool2dSpec {
            size: pair("size"),
            strides: pair("strides"),
            padding: match case["padding"].as_str().unwrap() {
                "same" => Padding::Same,
                _ => Padding::Valid,
            },
        };
        let x = tensor(&case["input"]);
        let what = format!("average pooling {spec:?}");
        assert_tensor_close(&what, &x.average_pool2d(&spec).unwrap(), &case["output"]);
        let back = tensor(&case["output_gradient"]).average_pool2d_gradient(x.shape(), &spec);
        assert_tensor_close(&what, &back.unwrap(), &case["input_gradient"]);
    }
}
