//! A batch that no optimizer can learn from leaves the model as it was, also in loops that are not `fit`.

use taper_nn::layers::{BatchNormalization, Dense};
use taper_nn::{Error, MeanSquaredError, Model, Seed, Sequential};
use taper_tensor::Tensor;

fn bits(model: &Model) -> Vec<u32> {
    let all = model.parameters().iter().flat_map(|p| p.value.to_vec());
    all.map(f32::to_bits).collect()
}

/// A batch of four samples of two numbers, one of the inputs and one of the targets given.
fn train(model: &mut Model, input: f32, target: f32) -> Result<f64, Error> {
    let x = [0.5, -1.0, 2.0, 0.25, input, 1.0, -0.5, 0.75];
    let x = Tensor::from_slice([4, 2], &x).unwrap();
    let y = Tensor::from_slice([4, 1], &[0.0, target, 0.5, -1.0]).unwrap();
    let step = model.train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)?;
    Ok(step.loss)
}

#[test]
fn statistics_move_only_with_a_batch_that_is_finite() {
    let model = Sequential::new([2])
        .add(BatchNormalization::new())
        .add(Dense::new(1));
    let mut model = model.build(Seed(3)).unwrap();
    let before = bits(&model);
    assert!(train(&mut model, 1.0, 1.0).unwrap().is_finite());
    let after = bits(&model);
    assert_ne!(before, after);
    for (input, target) in [
        (f32::NAN, 1.0),
        (f32::INFINITY, 1.0),
        (f32::NEG_INFINITY, 1.0),
        (1e38, 1.0),
        (-3e38, 1.0),
        (1.0, f32::NAN),
        (1.0, f32::INFINITY),
        (1.0, 3e38),
    ] {
        let told = match train(&mut model, input, target) {
            Ok(loss) => !loss.is_finite(),
            Err(Error::NotFinite { weight, .. }) => weight == "batch_normalization/moving_variance",
            Err(other) => panic!("{other}"),
        };
        assert!(told, "{input}, {target}");
        assert_eq!(bits(&model), after, "{input}, {target}");
    }
}

/// The square of a prediction of some 1e17 is finite, that prediction times a kernel of 1e25 is not.
#[test]
fn gradients_that_are_not_finite_keep_statistics_from_moving() {
    let model = Sequential::new([2])
        .add(BatchNormalization::new())
        .add(Dense::new(1));
    let mut model = model.build(Seed(3)).unwrap();
    let kernel = model.parameters().len() - 2;
    let shape = model.parameters()[kernel].value.shape().to_vec();
    model.parameters_mut()[kernel].value = Tensor::full(shape, 1e25);
    model.parameters_mut()[0].value = Tensor::full([2], 1e-9); // γ
    model.parameters_mut()[1].value = Tensor::full([2], 1e-8); // β
    let before = bits(&model);
    let x = Tensor::from_slice([2, 2], &[0.5, -1.0, 2.0, 0.25]).unwrap();
    let y = Tensor::zeros([2, 1]);
    let step = model.train_batch(&x, &y, &MeanSquaredError, Seed(1), 0);
    let step = step.unwrap();
    assert!(step.loss.is_finite(), "{}", step.loss);
    let finite = |g: &Tensor| g.is_finite();
    assert!(!step.gradients.iter().flatten().all(finite));
    assert_eq!(bits(&model), before);
}
