//! Recurrent layers in models: masks that travel, states that go on, and one operation over a sequence that is the same as its
//! steps one behind the other.

use taper_nn::layers::{
    Activation, Bidirectional, Dense, Dropout, Embedding, Flatten, GRU, LSTM, Masking, RNN,
    SimpleRNN, TimeDistributed,
};
use taper_nn::recurrent::{GRUCell, LSTMCell, StackedRNNCells};
use taper_nn::{
    Functional, Layer, MeanSquaredError, Model, Registry, Relu, Seed, Sequential, junctions,
};
use taper_tensor::{Stream, Tensor};

fn random(shape: &[usize]) -> Tensor {
    Tensor::uniform(shape, -1.0, 1.0, Seed(3).key(Stream::User(1), 0))
}

/// Prediction, prepared and unprepared, and the gradients of a batch.
fn run(model: &mut Model, x: &Tensor) -> (Tensor, Vec<Vec<f32>>) {
    let y = model.predict(x).unwrap();
    let prepared = model.prepare(7).unwrap().predict(x).unwrap();
    let difference = y.max_abs_difference(&prepared).unwrap();
    assert!(difference <= 1e-6, "prepared: {difference}");
    let step = model
        .train_batch(x, &Tensor::zeros(y.shape()), &MeanSquaredError, Seed(1), 0)
        .unwrap();
    let gradients = step.gradients.into_iter().flatten();
    (y, gradients.map(|gradient| gradient.to_vec()).collect())
}

fn assert_near(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let largest = b.iter().fold(0.0f32, |most, b| most.max(b.abs()));
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5 * largest, "{what}: {a} and {b}");
    }
}

/// More samples than one task takes, all of the ways over a sequence, with masks: a stack of one cell goes step by step.
#[test]
fn one_operation_is_its_steps() {
    let x = random(&[70, 6, 3]);
    let x = x.map(|x| if x > 0.4 { 0.0 } else { x });
    for backwards in [false, true] {
        for sequences in [false, true] {
            let lstm = LSTM::new(5)
                .go_backwards(backwards)
                .return_sequences(sequences);
            let cells = StackedRNNCells::new().add(LSTMCell::new(5));
            let steps = RNN::new(cells)
                .go_backwards(backwards)
                .return_sequences(sequences);
            same_as_steps(lstm, steps, &x);
            let gru = GRU::new(5)
                .go_backwards(backwards)
                .return_sequences(sequences);
            let cells = StackedRNNCells::new().add(GRUCell::new(5));
            let steps = RNN::new(cells)
                .go_backwards(backwards)
                .return_sequences(sequences);
            same_as_steps(gru, steps, &x);
        }
    }
}

fn same_as_steps(whole: impl Layer, steps: impl Layer, x: &Tensor) {
    let model = |layer: Box<dyn Layer>| {
        Sequential::new([6, 3])
            .add(Masking::new(0.0))
            .add_boxed(layer)
            .build(Seed(5))
            .unwrap()
    };
    let (mut whole, mut steps) = (model(Box::new(whole)), model(Box::new(steps)));
    let (y, gradients) = run(&mut whole, x);
    let (wanted, other) = run(&mut steps, x);
    assert_near(&y.to_vec(), &wanted.to_vec(), "output");
    for (gradient, other) in gradients.iter().zip(&other) {
        assert_near(gradient, other, "gradient");
    }
}

/// What stands behind the end of a sequence changes nothing, through layers that pass masks on.
#[test]
fn masks_travel_with_the_values() {
    let model = |mask: bool| {
        let layer = Masking::new(if mask { 0.0 } else { 9.0 });
        Sequential::new([5, 2])
            .add(layer)
            .add(Dense::new(4).activation(Relu))
            .add(Dropout::new(0.0))
            .add(Activation::new(taper_nn::Tanh))
            .add(TimeDistributed::new(Dense::new(3)))
            .add(Bidirectional::new(LSTM::new(3).return_sequences(true)))
            .add(SimpleRNN::new(2))
            .build(Seed(4))
            .unwrap()
    };
    let long = random(&[3, 5, 2]);
    let short = long.slice(1, 0..3).unwrap();
    let padded = short.pad(&[(0, 0), (0, 2), (0, 0)], 0.0).unwrap();
    let unlike = model(false).predict(&padded).unwrap();
    let mut masked = model(true);
    let (y, _) = run(&mut masked, &padded);
    assert!(y.max_abs_difference(&unlike).unwrap() > 1e-4);
    // A model of the shorter sequences with the same weights.
    let config = masked.config().to_string().replace("[5,2]", "[3,2]");
    let weights = masked
        .parameters()
        .iter()
        .map(|p| (p.name.clone(), p.value.clone()));
    let shorter = Model::restore_from_text(&config, &Registry::of(), weights).unwrap();
    assert_near(
        &y.to_vec(),
        &shorter.predict(&short).unwrap().to_vec(),
        "padded",
    );
}

#[test]
fn an_embedding_masks_zero() {
    let model = |mask| {
        Sequential::new([4])
            .add(Embedding::new(6, 3).mask_zero(mask))
            .add(GRU::new(2))
            .build(Seed(4))
            .unwrap()
    };
    let end = Tensor::from_vec([1, 4], vec![3.0, 5.0, 0.0, 0.0]).unwrap();
    let begin = Tensor::from_vec([1, 4], vec![0.0, 3.0, 0.0, 5.0]).unwrap();
    let mut masked = model(true);
    assert_eq!(
        run(&mut masked, &end).0.to_vec(),
        masked.predict(&begin).unwrap().to_vec()
    );
    let plain = model(false);
    assert_ne!(
        plain.predict(&end).unwrap().to_vec(),
        plain.predict(&begin).unwrap().to_vec()
    );
}

/// Behind a layer that does not keep the steps apart there is no mask, and where wires meet there is one where all have one.
#[test]
fn masks_end_and_meet() {
    let flat = Sequential::new([4, 2])
        .add(Masking::new(0.0))
        .add(Flatten)
        .add(Dense::new(2));
    flat.build(Seed(1))
        .unwrap()
        .predict(&random(&[3, 4, 2]))
        .unwrap();
    let mut net = Functional::new();
    let x = net.input("x", [4, 2]);
    let masked = net.apply(Masking::new(0.0), x);
    let both = net.join(junctions::Concatenate::new(), &[masked, x]);
    let sum = net.join(junctions::Add::new(), &[masked, masked]);
    let both = net.apply(LSTM::new(2), both);
    let sum = net.apply(LSTM::new(2), sum);
    let model = net.outputs(&[both, sum]).build(Seed(7)).unwrap();
    let padded = Tensor::from_vec([1, 4, 2], vec![1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let other = Tensor::from_vec([1, 4, 2], vec![0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0]).unwrap();
    let (a, b) = (
        model.predict_all(&padded).unwrap(),
        model.predict_all(&other).unwrap(),
    );
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.to_vec(), b.to_vec());
    }
}

/// The first half of a sequence, and the second from the states behind it, are the whole.
#[test]
fn states_go_on() {
    let mut net = Functional::new();
    let (first, second) = (net.input("first", [3, 2]), net.input("second", [2, 2]));
    let cut = net.junction(LSTM::new(4).return_state(true));
    let [_, h, c] = net.call_split(cut, first);
    let [y, ..]: [_; 3] = net.call_split(cut, [second, h, c]);
    let model = net.outputs(&[y]).build(Seed(9)).unwrap();
    let x = random(&[3, 5, 2]);
    let halves = [x.slice(1, 0..3).unwrap(), x.slice(1, 3..5).unwrap()];
    let y = model.predict(&[&halves[0], &halves[1]][..]).unwrap();
    let whole = Sequential::new([5, 2])
        .add(LSTM::new(4))
        .build(Seed(9))
        .unwrap();
    assert_near(
        &y.to_vec(),
        &whole.predict(&x).unwrap().to_vec(),
        "in halves",
    );
    let again: Model = Model::from_config(&model.config(), Seed(9)).unwrap();
    assert_eq!(again.config(), model.config());
    let prepared = model
        .prepare(2)
        .unwrap()
        .predict(&[&halves[0], &halves[1]][..])
        .unwrap();
    assert_near(&prepared.to_vec(), &y.to_vec(), "prepared");
}
