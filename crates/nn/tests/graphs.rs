//! Graphs: what is refused and how, what is shared, frozen, taken out and loaded, and layers of a program's own.

use serde_json::{Value, json};
use taper_autograd::Var;
use taper_nn::junctions::{Add, Concatenate};
use taper_nn::layers::{Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten};
use taper_nn::{
    Context, Describe, DescribeJunction, FreezeExt, Functional, Initializer, Junction, L2, Layer,
    Loss, MeanSquaredError, Model, Padding, Registry, Relu, Result, Seed, Sequential, Softmax,
    Step, WeightSpec,
};
use taper_tensor::{Element, Stream, Tensor};

fn x(shape: &[usize]) -> Tensor {
    Tensor::normal(shape, 0.0, 1.0, Seed(3).key(Stream::User(1), 0))
}

/// Two inputs through one tower, joined.
fn towers() -> Model {
    let mut net = Functional::new();
    let (left, right) = (net.input("left", [5]), net.input("right", [5]));
    let tower = net.layer(Dense::new(6).activation(Relu).name("tower"));
    let (a, b) = (net.call(tower, left), net.call(tower, right));
    let both = net.join(Concatenate::new(), &[a, b]);
    let y = net.apply(Dense::new(2).activation(Softmax), both);
    net.outputs(&[y]).build(Seed(7)).unwrap()
}

#[test]
fn what_does_not_fit_is_named() {
    let message = |describe: fn(&mut Functional) -> taper_nn::Wire| {
        let mut net = Functional::new();
        let y = describe(&mut net);
        net.outputs(&[y]).build(Seed(1)).unwrap_err().to_string()
    };
    let add = message(|net| {
        let (a, b) = (net.input("a", [3]), net.input("b", [4]));
        let sum = net.join(Add::new(), &[a, b]);
        net.apply(Dense::new(2), sum) // what comes behind does not hide the cause
    });
    assert_eq!(
        add,
        "add (layer 0): inputs [3] and [4] cannot be added; they must have the same shape"
    );
    let shared = message(|net| {
        let (a, b) = (net.input("a", [3]), net.input("b", [4]));
        let dense = net.layer(Dense::new(2).name("twin"));
        let (a, b) = (net.call(dense, a), net.call(dense, b));
        net.join(Add::new(), &[a, b])
    });
    assert!(
        shared.starts_with("twin (layer 0): its first call wants the weights kernel [3, 2]"),
        "{shared}"
    );
    let unused = message(|net| {
        net.input("b", [4]);
        let a = net.input("a", [3]);
        net.apply(Dense::new(2), a)
    });
    assert_eq!(unused, "input \"b\" leads to no output");
    let stranger = message(|net| {
        net.input("a", [3]);
        let mut other = Functional::new();
        other.input("a", [3])
    });
    assert!(stranger.contains("another network"), "{stranger}");
    let taken = message(|net| {
        let a = net.input("a", [3]);
        net.apply(Dense::new(2).name("a"), a)
    });
    assert_eq!(taken, "layer 0: another layer is already called \"a\"");
    let parts = message(|net| {
        let a = net.input("a", [3]);
        let [y, _] = net.split(Add::new(), &[a, a]);
        y
    });
    assert!(
        parts.contains("it has 1 outputs, and 2 are taken"),
        "{parts}"
    );
    let none = Functional::new().outputs(&[]).build(Seed(1)).unwrap_err();
    assert!(none.to_string().contains("at least one output"));
}

#[test]
fn inputs_are_checked_by_name() {
    let model = towers();
    let error = |x: &[&Tensor]| model.predict(x).unwrap_err().to_string();
    let (five, four) = (x(&[3, 5]), x(&[3, 4]));
    assert_eq!(
        error(&[&five]),
        "model: 2 inputs are wanted (left [5], right [5]), 1 are given"
    );
    assert_eq!(
        error(&[&five, &four]),
        "model: input \"right\" is to be [n, 5], it is [3, 4]"
    );
    assert!(error(&[&five, &x(&[2, 5])]).contains("input \"right\" has 2 samples"));
    let targets = [&x(&[3, 2]), &x(&[3, 2])];
    let error = model.evaluate_batch([&five, &five], targets, &MeanSquaredError);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("2 targets and 1 losses")
    );
}

#[test]
fn a_shared_layer_stands_once() {
    let model = towers();
    let names: Vec<&str> = model.parameters().iter().map(|p| p.name.as_str()).collect();
    let wanted = ["tower/kernel", "tower/bias", "dense/kernel", "dense/bias"];
    assert_eq!(names, wanted);
    assert!(model.layer_names().eq(["tower", "concatenate", "dense"]));
    // The same input on both sides gives both halves alike.
    let inner = model.with_outputs([("tower", 0), ("tower", 1)]).unwrap();
    let same = inner.predict_all([&x(&[4, 5]), &x(&[4, 5])]).unwrap();
    assert_eq!(same[0].to_vec(), same[1].to_vec());
}

#[test]
fn inner_outputs_keep_what_they_need() {
    let model = towers();
    let right = model.with_outputs([("tower", 1)]).unwrap();
    assert!(right.inputs().eq([("right", &[5][..])]));
    assert_eq!(right.parameters().len(), 2);
    let y = right.predict(&x(&[2, 5])).unwrap();
    assert_eq!(y.shape(), [2, 6]);
    for (name, call) in [("tower", 2), ("concatenat", 0)] {
        let error = model.with_outputs([(name, call)]).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    // Weights are shared until one of the two changes them.
    let mut right = right;
    right.parameter_mut("tower/bias").unwrap().value = Tensor::ones([6]);
    assert_eq!(
        model.parameter("tower/bias").unwrap().value.to_vec(),
        [0.0; 6]
    );
}

#[test]
fn a_clone_is_a_model_of_its_own() {
    let model = towers();
    let mut clone = model.clone();
    clone.set_trainable("tower", false).unwrap();
    clone.parameters_mut()[0].value.as_mut_slice()[0] += 1.0;
    assert_eq!(model.is_trainable("tower"), Some(true));
    let input = x(&[2, 5]);
    let differ = model.predict([&input, &input]).unwrap().to_vec()
        != clone.predict([&input, &input]).unwrap().to_vec();
    assert!(differ);
}

/// Freezing is written down: of a layer, and of single weights.
#[test]
fn freezing_lives_in_descriptions() {
    let dense = || Dense::new(3).kernel_regularizer(L2(0.5));
    let mut model = Sequential::new([4])
        .add(dense().frozen())
        .add(dense())
        .build(Seed(1))
        .unwrap();
    model.parameter_mut("dense_1/bias").unwrap().trainable = false;
    let config = model.config();
    assert_eq!(config["config"]["layers"][0]["config"]["trainable"], false);
    let frozen = &config["config"]["layers"][1]["config"]["frozen_weights"];
    assert_eq!(*frozen, json!(["bias"]));
    let again = Model::from_config(&config, Seed(1)).unwrap();
    let flags =
        |model: &Model| -> Vec<bool> { model.parameters().iter().map(|p| p.trainable).collect() };
    assert_eq!(flags(&again), [false, false, true, false]);
    assert_eq!(again.config(), config);
    // Only what learns is penalized.
    let square = |name: &str| -> f64 {
        let values = again.parameter(name).unwrap().value.to_vec();
        values.iter().map(|&w| f64::from(w) * f64::from(w)).sum()
    };
    assert!((again.penalty() - 0.5 * square("dense_1/kernel")).abs() < 1e-6);
    let error = model.set_trainable("dens", true).unwrap_err().to_string();
    assert!(
        error.contains("dens") && error.contains("dense_1"),
        "{error}"
    );
    model.set_trainable("dense", true).unwrap();
    model.set_trainable("dense_1", true).unwrap();
    assert!(!model.config().to_string().contains("trainable"));
    assert_eq!(flags(&model), [true; 4]);
}

#[test]
fn a_frozen_normalization_stands_still() {
    let build = |frozen: bool| {
        let layer = BatchNormalization::new();
        let net = Sequential::new([3]).add(Dense::new(3));
        match frozen {
            true => net.add(layer.frozen()),
            false => net.add(layer),
        }
        .build(Seed(1))
        .unwrap()
    };
    let (input, target) = (x(&[8, 3]), x(&[8, 3]));
    for (frozen, moves) in [(true, false), (false, true)] {
        let mut model = build(frozen);
        let before = model.predict(&input).unwrap().to_vec();
        let step = model.train_batch(&input, &target, &MeanSquaredError, Seed(1), 0);
        let step = step.unwrap();
        assert_eq!(step.output().to_vec() == before, !moves);
        let mean = model.parameter("batch_normalization/moving_mean").unwrap();
        assert_eq!(mean.value.to_vec() != [0.0; 3], moves);
        assert_eq!(step.gradients[2].is_some(), moves);
    }
}

#[test]
fn weights_are_loaded_in_part() {
    let mut model = towers();
    let other = Sequential::new([5])
        .add(Dense::new(6).name("tower"))
        .add(Dense::new(3))
        .build(Seed(9))
        .unwrap();
    let weights = other.parameters().iter();
    let weights: Vec<_> = weights.map(|p| (p.name.clone(), p.value.clone())).collect();
    let loaded = model.load_weights(weights.clone()).unwrap();
    assert_eq!(loaded.taken, ["tower/kernel", "tower/bias"]);
    assert!(loaded.missing.is_empty() && loaded.left_over.is_empty());
    let shapes: Vec<_> = loaded.misfits.iter().map(|m| m.0.as_str()).collect();
    assert_eq!(shapes, ["dense/kernel", "dense/bias"]);
    assert_eq!(loaded.misfits[1].1, [3]);
    assert_eq!(loaded.misfits[1].2, [2]);
    let twice = model.load_weights([weights.clone(), weights].concat());
    assert!(twice.unwrap_err().to_string().contains("given twice"));
}

/// A block of the program's own: two dropouts around a sum, with weights whose names are made at run time.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Block {
    parts: usize,
}

impl Describe for Block {
    fn class_name(&self) -> &'static str {
        "Block"
    }

    fn config(&self) -> Value {
        json!({"parts": self.parts})
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        let spec = |part: usize| WeightSpec {
            name: format!("part_{part}/shift").into(),
            shape: input.to_vec(),
            initializer: Initializer::Ones,
            regularizer: None,
            trainable: true,
        };
        Ok((0..self.parts).map(spec).collect())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Block {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        let drop = Dropout::new(0.5);
        let mut y = x.clone();
        for weight in weights {
            y = drop.forward(&y, &[], context)?.add(weight)?;
        }
        Ok(y)
    }
}

/// Both halves of the input, and the sum of them.
#[derive(Debug, Clone, serde::Deserialize)]
struct Halves {}

impl DescribeJunction for Halves {
    fn class_name(&self) -> &'static str {
        "Halves"
    }

    fn config(&self) -> Value {
        json!({})
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let half = inputs[0][0] / 2;
        Ok(vec![vec![half], vec![half]])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Junction<E> for Halves {
    fn forward(&self, inputs: &[&Var<E>], _: &[Var<E>], _: &mut Context<E>) -> Result<Vec<Var<E>>> {
        let half = inputs[0].shape()[1] / 2;
        let part = |from: usize| inputs[0].slice(1, from..from + half);
        Ok(vec![part(0)?, part(half)?])
    }
}

fn own() -> Model {
    let mut net = Functional::new();
    let input = net.input("input", [6]);
    let x = net.apply(Block { parts: 2 }, input);
    let [a, b] = net.split(Halves {}, &[x]);
    let sum = net.join(Add::new(), &[a, b]);
    let flat = net.apply(Flatten, sum);
    net.outputs(&[flat, b]).build(Seed(5)).unwrap()
}

#[test]
fn layers_of_the_program_run_and_are_loaded() {
    let model = own();
    let names: Vec<&str> = model.parameters().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["block/part_0/shift", "block/part_1/shift"]);
    let config = model.config();
    let error = Model::<f32>::from_config(&config, Seed(5)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("Block") && message.contains("Registry"),
        "{message}"
    );
    let registry = Registry::new()
        .layer::<Block>("Block")
        .junction_from("Halves", |_| Ok(Box::new(Halves {})));
    let again = Model::from_config_with(&config, &registry, Seed(5)).unwrap();
    assert_eq!(again.config(), config);
    let input = x(&[3, 6]);
    let wanted = model.predict_all(&input).unwrap();
    let found = again.predict_all(&input).unwrap();
    let prepared = again.prepare(2).unwrap().predict_all(&input).unwrap();
    for ((wanted, found), prepared) in wanted.iter().zip(&found).zip(&prepared) {
        assert_eq!(wanted.to_vec(), found.to_vec());
        assert_eq!(wanted.to_vec(), prepared.to_vec());
    }
}

/// Two dropouts inside one layer have masks of their own, the same in every run.
#[test]
fn random_streams_have_sub_keys() {
    let mut context = Context::<f32>::training(Seed(1), 0);
    let tape = taper_autograd::Tape::new();
    let ones = tape.constant(&Tensor::ones([1, 100]));
    let drop = Dropout::new(0.5);
    let mut mask = || {
        drop.forward(&ones, &[], &mut context)
            .unwrap()
            .value()
            .to_vec()
    };
    assert_ne!(mask(), mask());
    let mut model = own();
    let (input, a, b) = (x(&[3, 6]), x(&[3, 3]), x(&[3, 3]));
    let mut output = |step| {
        let loss: &dyn taper_nn::Loss = &MeanSquaredError;
        let losses = [(loss, 1.0), (loss, 1.0)];
        let step = model
            .train_batch(&input, [&a, &b], losses, Seed(1), step)
            .unwrap();
        step.outputs[0].to_vec()
    };
    assert_eq!(output(0), output(0));
    assert_ne!(output(0), output(1));
}

#[test]
fn descriptions_that_are_none_are_refused() {
    let error = |config: Value| {
        Model::<f32>::from_config(&config, Seed(1))
            .unwrap_err()
            .to_string()
    };
    let graph = |layers: Value, outputs: Value| json!({"class_name": "Functional", "config": {"layers": layers, "input_layers": [["x", 0, 0]], "output_layers": outputs}});
    let input = json!({"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [null, 3]}, "inbound_nodes": []});
    let dense = |from: &str| json!({"class_name": "Dense", "name": "d", "config": {"units": 2}, "inbound_nodes": [[[from, 0, 0, {}]]]});
    let good = graph(json!([input, dense("x")]), json!(["d", 0, 0]));
    assert_eq!(
        Model::<f32>::from_config(&good, Seed(1))
            .unwrap()
            .output_shape(),
        [2]
    );
    assert!(error(graph(json!([input, dense("d")]), json!([["d", 0, 0]]))).contains("call 0 of d"));
    assert!(error(graph(json!([input, dense("x")]), json!([["e", 0, 0]]))).contains("\"e\""));
    assert!(error(json!({"class_name": "Graph"})).contains("Graph"));
    let open = json!({"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [null, null]}, "inbound_nodes": []});
    assert!(error(graph(json!([open]), json!([["x", 0, 0]]))).contains("open"));
}

/// A residual block whose sum of `inputs` values has relu behind it.
fn residual(inputs: usize, fuse: bool) -> Model {
    let mut net = Functional::new();
    let input = net.input("input", [5]);
    let x = net.apply(Dense::new(4).activation(Relu), input);
    let mut wires = vec![x];
    for _ in 1..inputs {
        wires.push(net.apply(Dense::new(4), x));
    }
    let sum = net.join(Add::new(), &wires);
    let block = net.apply(Activation::new(Relu), sum);
    let y = net.apply(Dense::new(2), block);
    net.outputs(&[y, block]).fuse(fuse).build(Seed(9)).unwrap()
}

#[test]
fn a_sum_and_relu_run_in_one_pass_to_the_same_bits() {
    for inputs in 2..5 {
        let (fused, plain) = (residual(inputs, true), residual(inputs, false));
        assert!(
            fused
                .stages()
                .contains(&(Some("junction_relu"), vec!["add", "activation"]))
        );
        let step = assert_same_step(fused, plain, 0.0, &format!("{inputs} inputs"));
        assert!(
            step.outputs[1].to_vec().contains(&0.0),
            "relu has cut nothing"
        );
    }
}

/// A training step of two models that differ in how they run alone, on six samples. Outputs have the same bits, gradients are
/// as far apart as `tolerance` says.
fn assert_same_step(mut fused: Model, mut plain: Model, tolerance: f32, what: &str) -> Step {
    let input = random_batch(fused.input_shape());
    let targets: Vec<Tensor> = fused
        .output_shapes()
        .map(|shape| Tensor::full([&[6], shape].concat(), 0.5))
        .collect();
    let step = |model: &mut Model| {
        let loss: &dyn Loss = &MeanSquaredError;
        let losses: Vec<_> = (0..targets.len())
            .map(|i| (loss, 1.0 / (1.0 + i as f64)))
            .collect();
        model
            .train_batch(&input, &targets[..], losses, Seed(1), 0)
            .unwrap()
    };
    let (a, b) = (step(&mut fused), step(&mut plain));
    let values = |tensors: &[Tensor]| {
        tensors
            .iter()
            .flat_map(|t| t.to_vec())
            .collect::<Vec<f32>>()
    };
    assert!(values(&a.outputs) == values(&b.outputs), "{what}");
    let gradients =
        |step: &Step| values(&step.gradients.iter().flatten().cloned().collect::<Vec<_>>());
    for (a, b) in gradients(&a).iter().zip(gradients(&b)) {
        assert!((a - b).abs() <= tolerance, "{what}: {a}, {b}");
    }
    a
}

fn random_batch(shape: &[usize]) -> Tensor {
    Tensor::normal(
        [&[6], shape].concat(),
        0.0,
        1.0,
        Seed(4).key(Stream::User(1), 0),
    )
}

/// A block whose end is a sum of a convolution with something else, in the ways that this can be.
fn convolution_and_sum(kind: &str, fuse: bool) -> Model {
    let conv = || Conv2D::new(4, 3).padding(Padding::Same);
    let mut net = Functional::new();
    let input = net.input("input", [6, 5, 3]);
    let x = net.apply(conv().activation(Relu), input);
    let inner = net.apply(conv().activation(Relu), x);
    let shared = net.layer(conv());
    let y = net.call(shared, inner);
    let mut outputs = Vec::new();
    let sum = match kind {
        "first" => net.join(Add::new(), &[y, x]),
        "last" => net.join(Add::new(), &[x, y]),
        "shortcut" => {
            let shortcut = net.apply(Conv2D::new(4, 1).use_bias(false), x);
            net.join(Add::new(), &[y, shortcut])
        }
        "shared" => {
            let other = net.call(shared, x);
            net.join(Add::new(), &[y, other])
        }
        "later" => {
            let other = net.apply(conv().activation(Relu), x);
            net.join(Add::new(), &[y, other])
        }
        "read" => {
            outputs.push(y);
            net.join(Add::new(), &[x, y])
        }
        "twice" => net.join(Add::new(), &[y, y]),
        "dropped" => {
            let dropped = net.apply(Dropout::new(0.5), y);
            net.join(Add::new(), &[x, dropped])
        }
        "three" => net.join(Add::new(), &[x, y, inner]),
        _ => unreachable!(),
    };
    let block = if kind == "last" {
        sum
    } else {
        net.apply(Activation::new(Relu), sum)
    };
    let tail = net.apply(conv(), block);
    let flat = net.apply(Flatten, tail);
    let y = net.apply(Dense::new(2), flat);
    outputs.extend([y, block]);
    net.outputs(&outputs).fuse(fuse).build(Seed(9)).unwrap()
}

#[test]
fn a_convolution_and_its_sum_run_in_one_pass_to_the_same_bits() {
    for kind in [
        "first", "last", "shortcut", "shared", "later", "read", "twice", "dropped", "three",
    ] {
        let build = |fuse| convolution_and_sum(kind, fuse);
        let found = build(true)
            .stages()
            .iter()
            .any(|(name, _)| *name == Some("conv2d_sum"));
        let alone = ["first", "last", "shortcut", "shared", "later"].contains(&kind);
        assert_eq!(found, alone, "{kind}: {:?}", build(true).stages());
        // The first layer's bias is summed in another order without fusion.
        assert_same_step(build(true), build(false), 1e-6, kind);

        let model = build(true);
        let mut prepared = model.prepare(6).unwrap();
        let found = prepared
            .steps()
            .iter()
            .any(|(name, _)| *name == "conv2d_sum");
        assert_eq!(found, alone || kind == "dropped", "{kind}: {prepared:?}");
        let x = random_batch(model.input_shape());
        let (wanted, found) = (
            model.predict_all(&x).unwrap(),
            prepared.predict_all(&x).unwrap(),
        );
        for (wanted, found) in wanted.iter().zip(&found) {
            assert!(wanted.max_abs_difference(found).unwrap() <= 1e-5, "{kind}");
        }
    }
}
