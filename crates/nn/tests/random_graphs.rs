//! Random graphs of 2 to 12 nodes: every way to run, describe and restore them gives the same.

mod common;

use common::{Graph, Kinds, by_hand, random};
use taper_nn::{Loss, MeanSquaredError, Model, Registry, Seed, Step};
use taper_tensor::{Element, Scalar, Stream, Tensor};

const CASES: u64 = 150;

/// The model of a graph, with weights that leave nothing at zero.
fn build<E: Element>(case: u64, kinds: Kinds, fuse: bool) -> (Graph<E>, Model<E>) {
    let graph = Graph::<E>::random(case, kinds);
    let again = Graph::<E>::random(case, kinds);
    let mut model = again.network.fuse(fuse).build(Seed(case)).unwrap();
    for (i, parameter) in model.parameters_mut().iter_mut().enumerate() {
        let key = Seed(case).key(Stream::User(3), i as u64);
        let shape = parameter.value.shape();
        parameter.value = if parameter.name.ends_with("variance") {
            Tensor::uniform(shape, 0.5, 2.0, key)
        } else {
            Tensor::normal(shape, 0.1, 0.4, key)
        };
    }
    (graph, model)
}

fn close<E: Element>(a: &[Tensor<E>], b: &[Tensor<E>], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.shape(), b.shape(), "{what}");
        let largest = b
            .to_vec()
            .iter()
            .fold(1.0f64, |m, x| m.max(Scalar::to_f64(*x).abs()));
        let difference = a.max_abs_difference(b).unwrap();
        assert!(
            difference <= tolerance * largest,
            "{what}: {difference} for {largest}"
        );
    }
}

/// A step with the mean of squares of every output, each with a weight of its own.
fn step<E: Element>(model: &mut Model<E>, x: &[Tensor<E>], case: u64) -> Step<E> {
    let shapes: Vec<Vec<usize>> = model.output_shapes().map(<[usize]>::to_vec).collect();
    let n = x[0].shape()[0];
    let y = shapes.iter().enumerate();
    let y: Vec<Tensor<E>> = y
        .map(|(i, s)| random(n, s, case + 1000, i as u64))
        .collect();
    let loss: &dyn Loss<E> = &MeanSquaredError;
    let losses: Vec<_> = (0..y.len())
        .map(|i| (loss, 1.0 / (1.0 + i as f64)))
        .collect();
    model
        .train_batch(x, y.as_slice(), losses, Seed(case), 3)
        .unwrap()
}

#[test]
fn predictions_are_those_of_the_nodes_by_hand() {
    for case in 0..CASES {
        for fuse in [true, false] {
            let (graph, model) = build::<f64>(case, Kinds::All, fuse);
            let x = graph.x(3, case);
            let wanted = by_hand(&graph, &model, &x).unwrap();
            let found = model.predict_all(&x).unwrap();
            close(&found, &wanted, 1e-12, &format!("case {case}, fuse {fuse}"));
        }
    }
}

#[test]
fn prepared_graphs_predict_what_the_model_predicts() {
    for case in 0..CASES {
        let (graph, model) = build::<f32>(case, Kinds::All, true);
        let mut prepared = model.prepare(4).unwrap();
        for n in [1, 3, 9, 0] {
            let x = graph.x(n, case);
            let wanted = model.predict_all(&x).unwrap();
            let found = prepared.predict_all(&x).unwrap();
            let what = format!("case {case}, {n} samples: {prepared:?}");
            close(&found, &wanted, 1e-5, &what);
        }
    }
}

/// Dropout and batch normalization included: a training step, fused and unfused.
#[test]
fn training_steps_are_the_same_fused_and_unfused() {
    for case in 0..CASES {
        let (graph, mut fused) = build::<f64>(case, Kinds::All, true);
        let (_, mut plain) = build::<f64>(case, Kinds::All, false);
        let x = graph.x(4, case);
        let (a, b) = (step(&mut fused, &x, case), step(&mut plain, &x, case));
        let what = format!("case {case}");
        close(&a.outputs, &b.outputs, 1e-9, &what);
        assert!(
            (a.loss - b.loss).abs() <= 1e-9 * b.loss.abs().max(1.0),
            "{what}"
        );
        assert!((a.penalty - b.penalty).abs() <= 1e-9, "{what}");
        let flat = |step: Step<f64>| step.gradients.into_iter().flatten().collect::<Vec<_>>();
        close(&flat(a), &flat(b), 1e-9, &what);
        let values = |m: &Model<f64>| m.parameters().iter().map(|p| p.value.clone()).collect();
        let (moved, wanted): (Vec<_>, Vec<_>) = (values(&fused), values(&plain));
        close(&moved, &wanted, 1e-9, &what);
    }
}

#[test]
fn gradients_agree_with_differences() {
    for case in 0..CASES {
        let (graph, model) = build::<f64>(case, Kinds::Smooth, true);
        let x = graph.x(3, case);
        let total = |model: &Model<f64>, x: &[Tensor<f64>]| {
            let step = step(&mut model.clone(), x, case);
            step.loss + step.penalty
        };
        let gradients = step(&mut model.clone(), &x, case).gradients;
        for (index, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let element = (case as usize + index) % gradient.len();
            let at = |delta: f64| {
                let mut moved = model.clone();
                moved.parameters_mut()[index].value.as_mut_slice()[element] += delta;
                total(&moved, &x)
            };
            let h = 1e-5;
            let difference = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let taped = gradient.to_vec()[element];
            let error = (difference - taped).abs() / taped.abs().max(1.0);
            let name = &model.parameters()[index].name;
            assert!(
                error <= 1e-6,
                "case {case}, {name}: {difference} for {taped}"
            );
        }
    }
}

#[test]
fn gradients_towards_inputs_agree_with_differences() {
    for case in 0..40 {
        let (graph, model) = build::<f64>(case, Kinds::Smooth, true);
        let x = graph.x(2, case);
        let shapes: Vec<Vec<usize>> = model.output_shapes().map(<[usize]>::to_vec).collect();
        let y = shapes.iter().enumerate();
        let y: Vec<Tensor<f64>> = y.map(|(i, s)| random(2, s, case + 9, i as u64)).collect();
        let loss: &dyn Loss<f64> = &MeanSquaredError;
        let losses: Vec<_> = y.iter().map(|_| (loss, 0.5)).collect();
        let gradients = model.input_gradients(&x, &y, losses.clone()).unwrap();
        for input in 0..x.len() {
            let at = |delta: f64| {
                let mut moved = x.clone();
                moved[input].as_mut_slice()[1] += delta;
                let measured = model.evaluate_batch(&moved, &y, losses.clone()).unwrap();
                measured.loss + measured.activity_penalty
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            let taped = gradients[input].to_vec()[1];
            assert!(
                (difference - taped).abs() <= 1e-7,
                "case {case}: {difference} for {taped}"
            );
        }
    }
}

/// A description restores the graph: outputs, and a training step with its random numbers, to the bit.
#[test]
fn descriptions_restore_graphs_to_the_bit() {
    for case in 0..CASES {
        let (graph, mut model) = build::<f32>(case, Kinds::All, true);
        let name = model.layer_names().next().map(str::to_owned);
        if case % 3 == 0 {
            model.set_trainable(&name.unwrap(), false).unwrap();
        }
        let text = model.config().to_string();
        let config = serde_json::from_str(&text).unwrap();
        let weights = model.parameters().iter();
        let weights = weights.map(|p| (p.name.clone(), p.value.clone()));
        let mut again = Model::restore(&config, &Registry::new(), weights).unwrap();
        assert_eq!(again.config(), model.config(), "case {case}");
        assert_eq!(again.summary(), model.summary(), "case {case}");
        let x = graph.x(3, case);
        let (a, b) = (step(&mut model, &x, case), step(&mut again, &x, case));
        assert_eq!(a.loss.to_bits(), b.loss.to_bits(), "case {case}");
        for (a, b) in a.gradients.iter().zip(&b.gradients) {
            let bits = |t: &Option<Tensor>| t.as_ref().map(Tensor::to_vec);
            assert_eq!(bits(a), bits(b), "case {case}");
        }
        close(
            &again.predict_all(&x).unwrap(),
            &model.predict_all(&x).unwrap(),
            0.0,
            "predict",
        );
        assert!(!text.contains("Sequential"));
    }
}

/// Every layer stands in the summary, with all that it is connected to.
#[test]
fn summaries_name_every_layer() {
    for case in 0..40 {
        let (_, model) = build::<f32>(case, Kinds::All, true);
        let summary = model.summary();
        for name in model.layer_names() {
            assert!(
                summary.contains(&format!(" {name} (")),
                "{name} in\n{summary}"
            );
        }
        let widths: Vec<usize> = summary
            .lines()
            .filter(|line| line.starts_with('│'))
            .map(|line| line.chars().count())
            .collect();
        assert!(
            widths.windows(2).all(|pair| pair[0] == pair[1]),
            "{summary}"
        );
    }
}
