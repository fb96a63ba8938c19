//! After every step weights are what their constraints make of them, as in Keras; and what couples the numbers of a weight in a
//! penalty moves it as the tape says.

use serde_json::Value;
use std::path::Path;
use taper_nn::layers::Dense;
use taper_nn::regularizers::Mode;
use taper_nn::{
    Constraint, MaxNorm, MeanSquaredError, MinMaxNorm, Model, NonNeg, OrthogonalRegularizer, Seed,
    Sequential, UnitNorm,
};
use taper_optim::{Adam, Optimizer, SGD};
use taper_tensor::Tensor;
use taper_train::moments;

fn tensor(described: &Value) -> Tensor {
    let list = |name: &str| described[name].as_array().unwrap().iter();
    let shape: Vec<usize> = list("shape")
        .map(|n| n.as_u64().unwrap() as usize)
        .collect();
    let values = list("values")
        .map(|value| value.as_f64().unwrap() as f32)
        .collect();
    Tensor::from_vec(shape, values).unwrap()
}

/// Steps on one batch.
fn train(model: &mut Model, optimizer: &dyn Optimizer, x: &Tensor, y: &Tensor, steps: u64) {
    let mut state = moments::fresh(optimizer, model);
    for step in 0..steps {
        let gradients = model
            .train_batch(x, y, &MeanSquaredError, Seed(1), step)
            .unwrap()
            .gradients;
        let rate = optimizer.learning_rate_at(step);
        moments::step(optimizer, &mut state, model, rate, gradients).unwrap();
    }
}

#[test]
fn five_steps_are_those_of_keras() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/constraints.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let golden = &file["dense"];
    let layer = Dense::new(3)
        .kernel_constraint(MaxNorm::new(1.0))
        .bias_constraint(NonNeg);
    let mut model = Sequential::new([4]).add(layer).build(Seed(1)).unwrap();
    for (parameter, name) in model.parameters_mut().iter_mut().zip(["kernel", "bias"]) {
        parameter.value = tensor(&golden[name]);
    }
    let optimizer = SGD::new(0.1).momentum(0.9);
    let steps = golden["steps"].as_u64().unwrap();
    train(
        &mut model,
        &optimizer,
        &tensor(&golden["x"]),
        &tensor(&golden["y"]),
        steps,
    );
    for (parameter, name) in model.parameters().iter().zip(["kernel", "bias"]) {
        let wanted = tensor(&golden["after"][name]);
        let apart = parameter.value.max_abs_difference(&wanted).unwrap();
        assert!(apart <= 1e-5, "{name}: {apart}");
    }
}

fn data() -> (Tensor, Tensor) {
    let x = Tensor::from_fn([8, 4], |i| ((i * 7) as f32 * 0.37).sin());
    let y = Tensor::from_fn([8, 3], |i| ((i * 5) as f32 * 0.91).cos() * 3.0);
    (x, y)
}

/// Each holds after every step, frozen weights stay, and a description carries it.
#[test]
fn each_holds_after_every_step() {
    let (x, y) = data();
    let all: [Constraint; 4] = [
        MaxNorm::new(0.5).into(),
        MinMaxNorm::new(2.0, 2.5).into(),
        NonNeg.into(),
        UnitNorm::default().into(),
    ];
    for constraint in all {
        let layer = Dense::new(3).kernel_constraint(constraint.clone());
        let built = Sequential::new([4]).add(layer).build(Seed(3)).unwrap();
        let mut model: Model = Model::from_config(&built.config(), Seed(3)).unwrap();
        assert_eq!(model.parameters()[0].constraint, Some(constraint.clone()));
        for steps in 1..6 {
            train(&mut model, &Adam::new(0.1), &x, &y, steps);
            let value = &model.parameters()[0].value;
            let mut again = value.clone();
            constraint.apply(&mut again);
            let apart = value.max_abs_difference(&again).unwrap();
            assert!(apart <= 1e-5, "{constraint:?}: {apart}");
        }
    }
}

/// A penalty on directions turns columns away from each other, three of four numbers until they are at right angles.
#[test]
fn penalties_that_couple_numbers_reach_the_step() {
    let (x, y) = data();
    let layer = Dense::new(3)
        .use_bias(false)
        .kernel_regularizer(OrthogonalRegularizer::new(0.5).mode(Mode::Columns));
    let mut model = Sequential::new([4]).add(layer).build(Seed(5)).unwrap();
    let weight = model.parameters()[0].clone();
    let gradient = model
        .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
        .unwrap()
        .gradients;
    let gradient = gradient[0].clone().unwrap();
    let penalty = weight.regularizer.unwrap().gradient(&weight.value);
    assert!(penalty.magnitude() > 1e-3);
    let wanted = weight
        .value
        .sub(&gradient.add(&penalty).unwrap().scale(0.1))
        .unwrap();
    train(&mut model, &SGD::new(0.1), &x, &y, 1);
    let apart = model.parameters()[0]
        .value
        .max_abs_difference(&wanted)
        .unwrap();
    assert!(apart <= 1e-6, "{apart}");
    let before = model.penalty();
    train(
        &mut model,
        &SGD::new(0.01),
        &Tensor::zeros([8, 4]),
        &Tensor::zeros([8, 3]),
        200,
    );
    assert!(
        model.penalty() < 0.4 * before,
        "{before} to {}",
        model.penalty()
    );
}
