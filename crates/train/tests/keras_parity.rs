//! The numbers of Keras 3: losses, gradients, weights after ten steps, and the figures of an epoch with a partial last
//! batch. `fixtures/golden/keras_cnn.py` made them, `fixtures/golden/README.md` says what is what.

use serde_json::Value;
use std::{collections::BTreeMap, ops::ControlFlow, sync::OnceLock};
use taper_datasets::InMemory;
use taper_nn::{Parameter, Regularizer};
use taper_train::prelude::*;
use taper_train::{evaluate, predict};

#[path = "common/golden.rs"]
mod file;

use file::{
    assert_close, assert_tensor_close, assert_weights_close, named, numbers, one_hot, tensor,
};

fn golden() -> &'static Value {
    static GOLDEN: OnceLock<Value> = OnceLock::new();
    GOLDEN.get_or_init(|| file::read("keras_cnn.json"))
}

fn data(prefix: &str) -> InMemory {
    let data = &golden()["data"];
    InMemory::new(
        tensor(&data[format!("{prefix}x")]),
        one_hot(&data[format!("{prefix}labels")], &golden()["classes"]),
    )
    .unwrap()
}

fn model(activity: Option<f64>) -> Model {
    let l2 = L2(golden()["l2"].as_f64().unwrap());
    let mut dense = Dense::new(12).activation(Relu).kernel_regularizer(l2);
    dense.activity_regularizer = activity.map(|l2| Regularizer::from(L2(l2)));
    let mut model = Sequential::new([10, 10, 1])
        .add(Conv2D::new(4, 3).activation(Relu).kernel_regularizer(l2))
        .add(Conv2D::new(6, 3).activation(Relu).kernel_regularizer(l2))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(dense)
        .add(Dense::new(8).activation(Relu).kernel_regularizer(l2))
        .add(Dense::new(5).activation(Softmax))
        .build(Seed(0))
        .unwrap();
    model
        .set_weights(named(&golden()["initial_weights"]))
        .unwrap();
    model
}

fn activity(run: &Value) -> Option<f64> {
    run.get("activity_regularizer")
        .map(|r| r["l2"].as_f64().unwrap())
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

fn train_as_keras_did(name: &str) {
    let (golden, run) = (golden(), &golden()["runs"][name]);
    let (training, validation, mut model, mut losses) = (
        data(""),
        data("val_"),
        model(activity(run)),
        Losses::default(),
    );
    let (class, config) = (
        run["optimizer"]["class_name"].as_str().unwrap(),
        &run["optimizer"]["config"],
    );
    let optimizer = taper_optim::optimizers::from_config(class, config).unwrap();
    let history = Trainer::boxed(optimizer, Box::new(CategoricalCrossentropy))
        .epochs(golden["epochs"].as_u64().unwrap())
        .batch_size(golden["batch_size"].as_u64().unwrap() as usize)
        .shuffle(false)
        .validation(&validation)
        .callback(&mut losses)
        .fit(&mut model, &training)
        .unwrap();

    assert_close(
        &format!("{name}: batch losses"),
        &losses.0,
        &numbers(&run["batch_losses"]),
    );
    for figure in ["loss", "accuracy", "val_loss", "val_accuracy"] {
        assert_close(
            &format!("{name}: {figure}"),
            &history.get(figure),
            &numbers(&run["fit"][figure]),
        );
    }
    assert_weights_close(name, &model, &run["weights"]);
    if let Some(predictions) = run.get("predictions") {
        assert_tensor_close(
            &format!("{name}: predictions"),
            &predict(&model, &validation, 4).unwrap(),
            predictions,
        );
    }
    let last = numbers(&run["fit"]["val_loss"])[1];
    let measured = evaluate(&model, &validation, &CategoricalCrossentropy, 8).unwrap();
    assert_close(&format!("{name}: evaluate"), &[measured.loss], &[last]);
}

#[test]
fn adam() {
    train_as_keras_did("adam");
}

#[test]
fn adamw() {
    train_as_keras_did("adamw");
}

#[test]
fn sgd() {
    train_as_keras_did("sgd");
}

#[test]
fn sgd_momentum() {
    train_as_keras_did("sgd_momentum");
}

#[test]
fn sgd_nesterov() {
    train_as_keras_did("sgd_nesterov");
}

#[test]
fn adam_with_an_activity_penalty() {
    train_as_keras_did("adam_activity_l2");
}

#[test]
fn no_run_is_left_out() {
    let names: Vec<&String> = golden()["runs"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "adam",
            "adam_activity_l2",
            "adamw",
            "sgd",
            "sgd_momentum",
            "sgd_nesterov"
        ]
    );
}

#[test]
fn the_initial_penalty() {
    assert_close(
        "penalty",
        &[model(None).penalty()],
        &[golden()["initial_penalty"].as_f64().unwrap()],
    );
}

/// The gradient of a weight's penalty, which the optimizer adds in its own pass.
fn with_penalty(parameter: &Parameter, gradient: &Tensor) -> Tensor {
    match parameter.regularizer {
        Some(r) => gradient
            .add(&parameter.value.scale(2.0 * r.l2 as f32))
            .unwrap(),
        None => gradient.clone(),
    }
}

#[test]
fn output_losses_and_gradients_of_the_first_batch() {
    for name in ["adam", "adam_activity_l2"] {
        let run = &golden()["runs"][name];
        let mut model = model(activity(run));
        let size = golden()["batch_size"].as_u64().unwrap() as usize;
        let labels: Vec<usize> = numbers(&golden()["data"]["labels"])[..size]
            .iter()
            .map(|n| *n as usize)
            .collect();
        let x = tensor(&golden()["data"]["x"]).slice(0, 0..size).unwrap();
        let y = Tensor::one_hot(&labels, 5).unwrap();
        let step = model
            .train_batch(&x, &y, &CategoricalCrossentropy, Seed(0), 0)
            .unwrap();
        assert_tensor_close("output", step.output(), &run["first_output"]);
        assert_close(
            "cross-entropy",
            &[step.loss],
            &numbers(&run["batch_cross_entropies"])[..1],
        );
        assert_close(
            "loss",
            &[step.loss + step.penalty],
            &numbers(&run["batch_losses"])[..1],
        );
        let accuracy = Accuracy.measure(step.output(), &y).unwrap();
        assert_close(
            "accuracy",
            &[accuracy],
            &numbers(&run["batch_accuracies"])[..1],
        );

        let wanted: BTreeMap<&str, &Value> = run["first_gradients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| (g["name"].as_str().unwrap(), g))
            .collect();
        assert_eq!(wanted.len(), model.parameters().len());
        for (parameter, gradient) in model.parameters().iter().zip(&step.gradients) {
            let gradient = with_penalty(parameter, gradient.as_ref().unwrap());
            assert_tensor_close(
                &format!("{name}: gradient of {}", parameter.name),
                &gradient,
                wanted[parameter.name.as_str()],
            );
        }
    }
}
