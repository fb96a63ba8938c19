//! Models that are graphs, against the numbers of Keras in `fixtures/golden/keras_graph.json`: shared layers, several
//! inputs and outputs, a residual block, towers, inner outputs, freezing, a normalization that is called twice.

use serde_json::Value;
use std::collections::BTreeMap;
use taper_nn::{Functional, Loss, Losses, Step, Wire, junctions, layers, losses};
use taper_tensor::{Element, Scalar};
use taper_train::moments;
use taper_train::prelude::*;

/// f32 within 1e-5, f64 within 1e-9, relative to the value and to the largest of its tensor.
trait Precision: Element {
    const TOLERANCE: f64;
}

impl Precision for f32 {
    const TOLERANCE: f64 = 1e-5;
}

impl Precision for f64 {
    const TOLERANCE: f64 = 1e-9;
}

fn cases() -> &'static serde_json::Map<String, Value> {
    static GOLDEN: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    let golden = GOLDEN.get_or_init(|| {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../fixtures/golden/keras_graph.json"
        );
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    });
    golden["cases"].as_object().unwrap()
}

fn numbers(json: &Value) -> Vec<f64> {
    let numbers = json.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

fn tensor<E: Element>(json: &Value) -> Tensor<E> {
    let shape: Vec<usize> = numbers(&json["shape"])
        .iter()
        .map(|n| *n as usize)
        .collect();
    let values = numbers(&json["values"]);
    let values = values.iter().map(|v| E::from_f64(*v)).collect();
    Tensor::from_vec(shape, values).unwrap()
}

fn tensors<E: Element>(json: &Value) -> Vec<Tensor<E>> {
    json.as_array().unwrap().iter().map(tensor).collect()
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap()
}

fn close<E: Precision>(what: &str, got: &Tensor<E>, want: &Value) {
    let want = tensor::<f64>(want);
    assert_eq!(got.shape(), want.shape(), "{what}");
    let want = want.to_vec();
    let largest = want.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    for (i, (got, want)) in got.to_vec().iter().zip(want).enumerate() {
        let got = Scalar::to_f64(*got);
        let near = (got - want).abs() <= E::TOLERANCE * (want.abs() + largest);
        assert!(near, "{what}[{i}]: {got}, Keras has {want}");
    }
}

fn near<E: Precision>(what: &str, got: f64, want: &Value) {
    let want = want.as_f64().unwrap();
    let near = (got - want).abs() <= E::TOLERANCE * want.abs().max(1.0);
    assert!(near, "{what}: {got}, Keras has {want}");
}

/// The case's network, wire by wire, with Keras's first weights.
fn model<E: Element>(case: &Value, fuse: bool) -> Model<E> {
    let mut net = Functional::<E>::of();
    let mut wires: BTreeMap<String, Wire> = BTreeMap::new();
    for input in case["inputs"].as_array().unwrap() {
        let shape: Vec<usize> = numbers(&input["shape"])
            .iter()
            .map(|n| *n as usize)
            .collect();
        let wire = net.input(text(&input["name"]), shape);
        wires.insert(serde_json::json!([input["name"], 0, 0]).to_string(), wire);
    }
    let mut shared = BTreeMap::new();
    for layer in case["layers"].as_array().unwrap() {
        let class = text(&layer["class_name"]);
        let mut config = layer["config"].clone();
        if class != "Flatten" {
            config["name"] = layer["name"].clone();
        }
        if let Some(l2) = config["kernel_regularizer"].get("config").cloned() {
            config["kernel_regularizer"] = l2;
        } else {
            config.as_object_mut().unwrap().remove("kernel_regularizer");
        }
        let known = layers::all::<E>().iter().any(|row| row.class_name == class);
        let made = match known {
            true => net.layer_boxed(layers::from_config(class, &config).unwrap()),
            false => net.junction_boxed(junctions::from_config(class, &config).unwrap()),
        };
        shared.insert(text(&layer["name"]), (made, &layer["calls"]));
    }
    for call in case["order"].as_array().unwrap() {
        let (name, number) = (text(&call[0]), call[1].as_u64().unwrap() as usize);
        let (layer, calls) = shared[name];
        let inputs = calls[number].as_array().unwrap().iter();
        let inputs: Vec<Wire> = inputs.map(|place| wires[&place.to_string()]).collect();
        let wire = net.call(layer, &inputs);
        wires.insert(serde_json::json!([name, number, 0]).to_string(), wire);
    }
    let outputs = case["outputs"].as_array().unwrap().iter();
    let outputs: Vec<Wire> = outputs.map(|place| wires[&place.to_string()]).collect();
    let mut model = net.outputs(&outputs).fuse(fuse).build(Seed(0)).unwrap();
    for layer in case["layers"].as_array().unwrap() {
        if layer["trainable"] == false {
            model.set_trainable(text(&layer["name"]), false).unwrap();
        }
    }
    let weights = case["weights"].as_array().unwrap().iter();
    let weights = weights.map(|w| (text(&w["name"]).to_owned(), tensor(w)));
    model.set_weights(weights).unwrap();
    model
}

/// The losses of the outputs, with their weights.
struct Terms<E: Element>(Vec<(Box<dyn Loss<E>>, f64)>);

impl<E: Element> Terms<E> {
    fn of(case: &Value) -> Self {
        let term = |loss: &Value| {
            let class = text(&loss["class_name"]);
            let made = losses::from_config(class, &loss["config"]).unwrap();
            (made, loss["weight"].as_f64().unwrap())
        };
        Terms(
            case["losses"]
                .as_array()
                .unwrap()
                .iter()
                .map(term)
                .collect(),
        )
    }

    fn losses(&self) -> Losses<'_, E> {
        let terms: Vec<(&dyn Loss<E>, f64)> = self.0.iter().map(|(l, w)| (&**l, *w)).collect();
        terms.into()
    }
}

/// Cases of plain losses; weighted ones have tests of their own.
fn plain() -> impl Iterator<Item = (&'static String, &'static Value)> {
    let weighted =
        |case: &Value| case.get("sample_weight").is_some() || case.get("class_weight").is_some();
    cases().iter().filter(move |(_, case)| !weighted(case))
}

fn normalizes(case: &Value) -> bool {
    let layers = case["layers"].as_array().unwrap();
    layers
        .iter()
        .any(|l| l["class_name"] == "BatchNormalization")
}

fn first_step<E: Precision>() {
    for (name, case) in plain() {
        for fuse in [true, false] {
            let mut model = model::<E>(case, fuse);
            let (x, y) = (tensors::<E>(&case["x"]), tensors::<E>(&case["y"]));
            let (first, terms) = (&case["first"], Terms::of(case));
            let found = model.predict_all(&x).unwrap();
            for (found, want) in found.iter().zip(first["inference"].as_array().unwrap()) {
                close(&format!("{name}: inference"), found, want);
            }
            if !normalizes(case) {
                let found = model.input_gradients(&x, &y, terms.losses()).unwrap();
                let wanted = first["input_gradients"].as_array().unwrap();
                assert_eq!(found.len(), wanted.len());
                for (found, want) in found.iter().zip(wanted) {
                    close(
                        &format!("{name}: gradient of {}", want["name"]),
                        found,
                        want,
                    );
                }
            }
            let before: Vec<Tensor<E>> =
                model.parameters().iter().map(|p| p.value.clone()).collect();
            let step = model
                .train_batch(&x, &y, terms.losses(), Seed(0), 0)
                .unwrap();
            for (found, want) in step
                .outputs
                .iter()
                .zip(first["outputs"].as_array().unwrap())
            {
                close(&format!("{name}: output"), found, want);
            }
            for (found, want) in step
                .losses
                .iter()
                .zip(first["output_losses"].as_array().unwrap())
            {
                near::<E>(&format!("{name}: loss of an output"), *found, want);
            }
            near::<E>(&format!("{name}: penalty"), step.penalty, &first["penalty"]);
            near::<E>(
                &format!("{name}: loss"),
                step.loss + step.penalty,
                &first["loss"],
            );
            gradients(name, &model, &before, &step, &first["gradients"]);
        }
    }
}

/// Keras's gradients contain the penalties'; ours come without them.
fn gradients<E: Precision>(
    name: &str,
    model: &Model<E>,
    before: &[Tensor<E>],
    step: &Step<E>,
    wanted: &Value,
) {
    let wanted = wanted.as_array().unwrap();
    let mut seen = 0;
    for ((parameter, value), gradient) in model.parameters().iter().zip(before).zip(&step.gradients)
    {
        assert_eq!(
            gradient.is_some(),
            parameter.trainable,
            "{name}: {}",
            parameter.name
        );
        let Some(gradient) = gradient else { continue };
        let want = wanted
            .iter()
            .find(|w| w["name"] == parameter.name.as_str())
            .unwrap();
        let penalty = parameter.regularizer.map(|r| r.gradient(value));
        let gradient = match penalty {
            Some(penalty) => gradient.add(&penalty).unwrap(),
            None => gradient.clone(),
        };
        close(&format!("{name}: {}", parameter.name), &gradient, want);
        seen += 1;
    }
    assert_eq!(seen, wanted.len(), "{name}");
}

#[test]
fn first_steps_in_f64() {
    first_step::<f64>();
}

#[test]
fn first_steps_in_f32() {
    first_step::<f32>();
}

fn all_weights<E: Precision>(what: &str, model: &Model<E>, wanted: &Value) {
    let wanted = wanted.as_array().unwrap();
    for want in wanted {
        let parameter = model.parameter(text(&want["name"])).unwrap();
        close(
            &format!("{what}: {}", parameter.name),
            &parameter.value,
            want,
        );
    }
}

/// Moving statistics after one and three steps, where the case has them.
fn statistics<E: Precision>(name: &str, model: &Model<E>, run: &Value, steps: usize) {
    if let Some(wanted) = run["moving_statistics"].get(format!("after_{steps}")) {
        all_weights(&format!("{name}, {steps} steps"), model, wanted);
    }
}

#[test]
fn five_steps_of_both_optimizers_in_f32() {
    for (name, case) in plain() {
        for optimizer in ["sgd", "adam"] {
            let (mut model, run) = (model::<f32>(case, true), &case[optimizer]);
            let (x, y) = (tensors(&case["x"]), tensors(&case["y"]));
            let terms = Terms::of(case);
            let (class, config) = (
                text(&run["optimizer"]["class_name"]),
                &run["optimizer"]["config"],
            );
            let optimizer = taper_optim::optimizers::from_config(class, config).unwrap();
            let mut state = moments::fresh(&*optimizer, &model);
            for (i, want) in run["losses"].as_array().unwrap().iter().enumerate() {
                let step = model
                    .train_batch(&x, &y, terms.losses(), Seed(0), i as u64)
                    .unwrap();
                near::<f32>(&format!("{name}, {class}"), step.loss + step.penalty, want);
                let rate = optimizer.learning_rate_at(state.iterations);
                let gradients = step.gradients;
                moments::step(&*optimizer, &mut state, &mut model, rate, gradients).unwrap();
                statistics(name, &model, run, i + 1);
            }
            all_weights(&format!("{name}, {class}"), &model, &run["weights"]);
        }
    }
}

/// SGD by hand, so that it runs in f64: w −= 0.1 · (gradient + penalty's gradient).
#[test]
fn five_steps_of_sgd_in_f64() {
    for (name, case) in plain() {
        let (mut model, run) = (model::<f64>(case, true), &case["sgd"]);
        assert_eq!(run["optimizer"]["config"]["learning_rate"], 0.1);
        let (x, y) = (tensors(&case["x"]), tensors(&case["y"]));
        let terms = Terms::of(case);
        for (i, want) in run["losses"].as_array().unwrap().iter().enumerate() {
            let step = model
                .train_batch(&x, &y, terms.losses(), Seed(0), i as u64)
                .unwrap();
            near::<f64>(name, step.loss + step.penalty, want);
            for (parameter, gradient) in model.parameters_mut().iter_mut().zip(&step.gradients) {
                let Some(gradient) = gradient else { continue };
                let penalty = parameter.regularizer.map(|r| r.gradient(&parameter.value));
                let total = penalty.map_or(gradient.clone(), |p| gradient.add(&p).unwrap());
                parameter.value = parameter.value.sub(&total.scale(0.1)).unwrap();
            }
            statistics(name, &model, run, i + 1);
        }
        all_weights(name, &model, &run["weights"]);
    }
}

/// The inner output of a model is the model that ends there.
#[test]
fn inner_outputs_are_models() {
    let (whole, end) = (&cases()["inner"], &cases()["inner_end"]);
    let inner = model::<f64>(whole, true).with_outputs(["dense_1"]).unwrap();
    let x = tensors::<f64>(&end["x"]);
    close(
        "inner",
        &inner.predict(&x).unwrap(),
        &end["first"]["inference"][0],
    );
    assert_eq!(inner.parameters().len(), 4);
}

fn data(case: &Value) -> InMemory {
    InMemory::new(tensor(&case["x"][0]), tensor(&case["y"][0])).unwrap()
}

/// Two epochs in order, in batches of 4, 4 and 2, as `fit` of Keras ran them.
fn fit_as_keras_did(
    case: &Value,
    data: &dyn Dataset,
    trainer: impl Fn(Trainer<'_>) -> Trainer<'_>,
) {
    let (mut model, run) = (model::<f32>(case, true), &case["fit"]);
    let (class, config) = (
        text(&run["optimizer"]["class_name"]),
        &run["optimizer"]["config"],
    );
    let optimizer = taper_optim::optimizers::from_config(class, config).unwrap();
    let losses = numbers(&run["loss"]);
    let plain = Trainer::boxed(optimizer, Box::new(CategoricalCrossentropy))
        .epochs(losses.len() as u64)
        .batch_size(4)
        .weighted_metric(Accuracy)
        .shuffle(false);
    let fit = trainer(plain).fit(&mut model, data).unwrap();
    for (record, loss) in fit.epochs.iter().zip(losses) {
        let near = (record.loss - loss).abs() <= 1e-5 * loss.abs();
        assert!(near, "{}, Keras has {loss}", record.loss);
    }
    for name in ["accuracy", "weighted_accuracy"] {
        same_history(name, &fit, &run[name]);
    }
    all_weights("fit", &model, &run["weights"]);
}

/// A figure of every epoch, within 1e-5.
fn same_history(name: &str, history: &History, wanted: &Value) {
    let (found, wanted) = (history.get(name), numbers(wanted));
    assert_eq!(found.len(), wanted.len(), "{name}");
    for (found, wanted) in found.iter().zip(wanted) {
        near::<f32>(name, *found, &wanted.into());
    }
}

/// Inputs and targets by name, in the other order than the model's.
fn named_data(case: &Value, samples: usize) -> InMemory {
    let rows = |value: &Value| tensor::<f32>(value).slice(0, 0..samples).unwrap();
    let x = case["x"].as_array().unwrap().iter().rev();
    let outputs = case["outputs"].as_array().unwrap().iter();
    let y = outputs.zip(case["y"].as_array().unwrap()).rev();
    let data = InMemory::named(
        x.map(|x| (text(&x["name"]), rows(x))),
        y.map(|(output, y)| (text(&output[0]), rows(y))),
    );
    let Some(weights) = case.get("sample_weight") else {
        return data.unwrap();
    };
    let weights = numbers(weights);
    let weights = Tensor::from_fn([samples], |i| weights[i] as f32);
    data.unwrap().with_sample_weights(weights).unwrap()
}

/// Three epochs of a network with two inputs and two outputs: every figure that Keras's `fit` has, under its name.
#[test]
fn fit_of_several_inputs_and_outputs() {
    for name in ["two_headed", "two_headed_weighted"] {
        let case = &cases()[name];
        let (mut model, run) = (model::<f32>(case, true), &case["fit"]);
        let size = |name: &str| case[name].as_u64().unwrap() as usize;
        let samples = tensor::<f32>(&case["y"][0]).shape()[0];
        let (data, validation) = (
            named_data(case, samples),
            named_data(case, size("validation")),
        );
        let (class, config) = (
            text(&run["optimizer"]["class_name"]),
            &run["optimizer"]["config"],
        );
        let optimizer = taper_optim::optimizers::from_config(class, config).unwrap();
        let weight = case["losses"][1]["weight"].as_f64().unwrap();
        let fit = Trainer::boxed(optimizer, Box::new(CategoricalCrossentropy))
            .loss_for("size", MeanSquaredError)
            .loss_weight("size", weight)
            .metric_for("size", MeanAbsoluteError)
            .weighted_metric_for("kind", Accuracy)
            .weighted_metric_for("size", MeanAbsoluteError)
            .validation(&validation)
            .batch_size(run["batch_size"].as_u64().unwrap() as usize)
            .epochs(run["epochs"].as_u64().unwrap())
            .shuffle(false)
            .fit(&mut model, &data)
            .unwrap();
        let history = run["history"].as_object().unwrap();
        assert_eq!(history.len(), 14);
        for (figure, wanted) in history {
            same_history(figure, &fit, wanted);
        }
        all_weights(name, &model, &run["weights"]);

        let evaluation = Evaluate::new(&CategoricalCrossentropy)
            .loss_for("size", MeanSquaredError)
            .loss_weight("size", weight)
            .metric_for("size", MeanAbsoluteError)
            .weighted_metric_for("kind", Accuracy)
            .weighted_metric_for("size", MeanAbsoluteError)
            .batch_size(3)
            .run(&model, &validation)
            .unwrap();
        let last = |figure: &str| numbers(&history[&format!("val_{figure}")])[2].into();
        near::<f32>("loss", evaluation.loss, &last("loss"));
        assert_eq!(evaluation.metrics.len(), 6);
        for (figure, found) in &evaluation.metrics {
            near::<f32>(figure, *found, &last(figure));
        }
    }
}

#[test]
fn weights_of_samples() {
    let case = &cases()["weighted"];
    let weights: Vec<f32> = numbers(&case["sample_weight"])
        .iter()
        .map(|w| *w as f32)
        .collect();
    let weights = Tensor::from_vec([weights.len()], weights).unwrap();
    let mut model = model::<f32>(case, true);
    let (x, y, first) = (tensors(&case["x"]), tensors(&case["y"]), &case["first"]);
    let losses = Losses::from(&CategoricalCrossentropy).sample_weights(Some(&weights));
    let measured = model.evaluate_batch(&x, &y, losses.clone()).unwrap();
    near::<f32>("loss", measured.loss, &first["loss"]);
    let before: Vec<Tensor> = model.parameters().iter().map(|p| p.value.clone()).collect();
    let step = model.train_batch(&x, &y, losses, Seed(0), 0).unwrap();
    near::<f32>("loss", step.loss, &first["loss"]);
    gradients("weighted", &model, &before, &step, &first["gradients"]);
    let data = data(case).with_sample_weights(weights).unwrap();
    fit_as_keras_did(case, &data, |trainer| trainer);
}

#[test]
fn weights_of_classes() {
    let case = &cases()["class_weighted"];
    let weights: Vec<f64> = numbers(&case["class_weight"]);
    fit_as_keras_did(case, &data(case), |trainer| {
        trainer.class_weight(weights.iter().copied().enumerate())
    });
}

/// Both at once are multiplied.
#[test]
fn weights_of_samples_and_classes_are_multiplied() {
    let case = &cases()["class_weighted"];
    let weights: Vec<f64> = numbers(&case["class_weight"]);
    let ones = Tensor::ones([tensor::<f32>(&case["y"][0]).shape()[0]]);
    let data = data(case).with_sample_weights(ones).unwrap();
    fit_as_keras_did(case, &data, |trainer| {
        trainer.class_weight(weights.iter().copied().enumerate())
    });
}
