//! Tests over the table of losses.

use super::*;
use taper_autograd::Tape;

/// The value of a loss of an output, and from logits if there is an activation.
pub(super) fn value(
    loss: &dyn Loss<f64>,
    output: (&[usize], &[f64]),
    target: (&[usize], &[f64]),
) -> f64 {
    let output = Tape::new().constant(&Tensor::from_slice(output.0, output.1).unwrap());
    let target = Tensor::from_slice(target.0, target.1).unwrap();
    loss.forward(&output, &target)
        .unwrap()
        .value()
        .item()
        .unwrap()
}

pub(super) fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
}

#[test]
fn no_file_is_missing_from_the_table() {
    let rows: Vec<_> = all::<f32>().iter().map(|row| row.file).collect();
    crate::testing::assert_complete("losses", &rows);
    let source = include_str!("mod.rs");
    for row in all::<f32>() {
        let name = format!("::{};", row.class_name);
        assert!(
            source.contains(&name),
            "{} is not in `kinds`",
            row.class_name
        );
    }
}

/// From logits and from the activation's output, a loss is the same.
#[test]
fn joint_forms_equal_the_separate_ones() {
    for row in all::<f64>() {
        for case in 0..20 {
            let sample = (row.sample)(&mut Sampler::new(11, case));
            let Some(activation) = sample.activation else {
                continue;
            };
            let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
            let logits = Tape::new().constant(&sample.output);
            let separate = loss
                .forward(&activation.apply(&logits).unwrap(), &sample.target)
                .unwrap();
            let joint = loss
                .from_logits(&logits, &sample.target, activation)
                .unwrap()
                .unwrap();
            close(
                joint.value().item().unwrap(),
                separate.value().item().unwrap(),
            );
            assert!(
                loss.from_logits(&logits, &sample.target, ActivationKind::Tanh)
                    .is_none()
            );
        }
    }
}

/// The mean over samples is the loss, by either way; weights multiply what each sample contributes.
#[test]
fn losses_of_samples_add_up_to_the_loss() {
    for row in all::<f64>() {
        for case in 0..20 {
            let sample = (row.sample)(&mut Sampler::new(12, case));
            let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
            let scalar = |loss: Result<Var<f64>>| loss.unwrap().value().item().unwrap();
            let samples = sample.output.shape()[0];
            let weights = Tensor::from_fn([samples], |i| [0.5, 0.0, 3.0][i % 3]);
            let by_hand = |losses: &[f64]| {
                let weighted = losses.iter().enumerate();
                let sum: f64 = weighted.map(|(i, l)| [0.5, 0.0, 3.0][i % 3] * l).sum();
                sum / samples as f64
            };
            let logits = Tape::new().constant(&sample.output);
            let output = match sample.activation {
                Some(activation) => activation.apply(&logits).unwrap(),
                None => logits.clone(),
            };
            let target = &sample.target;
            let losses = loss.per_sample(&output, target).unwrap();
            assert_eq!(losses.shape(), [samples], "{}", row.name);
            let whole = scalar(loss.forward(&output, target));
            close(scalar(Ok(losses.mean())), whole);
            close(
                scalar(loss.forward_weighted(&output, target, &weights)),
                by_hand(&losses.value().to_vec()),
            );
            let Some(activation) = sample.activation else {
                continue;
            };
            let joint = loss.per_sample_from_logits(&logits, target, activation);
            let joint = joint.unwrap().unwrap();
            for (a, b) in joint.value().to_vec().iter().zip(losses.value().to_vec()) {
                close(*a, b);
            }
            let weighted = loss.from_logits_weighted(&logits, target, &weights, activation);
            close(scalar(weighted.unwrap()), by_hand(&losses.value().to_vec()));
            let other = ActivationKind::Tanh;
            assert!(
                loss.per_sample_from_logits(&logits, target, other)
                    .is_none()
            );
        }
    }
}

/// Weighted losses have the gradients of what they compute, also where logits are exactly 0.
#[test]
fn weights_scale_the_gradients_of_their_samples() {
    for row in all::<f64>() {
        let sample = (row.sample)(&mut Sampler::new(13, 4));
        let loss = from_config::<f64>(row.class_name, &sample.config).unwrap();
        let samples = sample.output.shape()[0];
        let zeros = Tensor::<f64>::zeros(sample.output.shape());
        for at in [&sample.output, &zeros] {
            let gradient = |factor: f64| {
                let tape = Tape::new();
                let logits = tape.parameter(at);
                let weights = Tensor::full([samples], factor);
                let joint = sample.activation.map(|activation| match factor {
                    0.0 => loss.from_logits(&logits, &sample.target, activation),
                    _ => loss.from_logits_weighted(&logits, &sample.target, &weights, activation),
                });
                let value = match (joint.flatten(), factor) {
                    (Some(value), _) => value,
                    (None, 0.0) => loss.forward(&logits, &sample.target),
                    (None, _) => loss.forward_weighted(&logits, &sample.target, &weights),
                };
                value.unwrap().backward().unwrap()[&logits].to_vec()
            };
            // A factor of 0 stands for the loss without weights.
            for (a, b) in gradient(2.0).iter().zip(gradient(0.0)) {
                close(*a, 2.0 * b);
            }
        }
    }
}

#[test]
fn weights_of_another_number_of_samples_are_refused() {
    let output = Tape::new().constant(&Tensor::<f32>::ones([4, 1]));
    let error = MeanSquaredError
        .forward_weighted(&output, &Tensor::ones([4, 1]), &Tensor::ones([3]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("[4]") && error.contains("[3]"), "{error}");
}

/// Losses of class numbers.
const SPARSE: [&str; 3] = [
    "categorical_generalized_cross_entropy",
    "circle",
    "sparse_categorical_crossentropy",
];

#[test]
fn every_loss_says_which_targets_it_takes() {
    for row in all::<f64>() {
        for case in 0..20 {
            let sample = (row.sample)(&mut Sampler::new(14, case));
            let loss = (row.from_config)(&sample.config).unwrap();
            let (output, target) = (&sample.output.shape()[1..], &sample.target.shape()[1..]);
            loss.check_target(output, target).unwrap();
            let error = loss.check_target(output, &[7, 7]).unwrap_err().to_string();
            assert!(
                error.starts_with(row.name) && error.contains("[7, 7]"),
                "{error}"
            );
        }
        let loss = (row.from_config)(&Value::Null).unwrap();
        assert_eq!(loss.is_cross_entropy(), row.name.ends_with("crossentropy"));
        // What `check_target` takes, `forward` takes.
        let sparse = loss.check_target(&[3], &[]).is_ok();
        assert_eq!(sparse, SPARSE.contains(&row.name), "{}", row.name);
        let dense = loss.check_target(&[3], &[3]).is_ok();
        assert_eq!(dense, !sparse && row.name != "ctc", "{}", row.name);
    }
}

/// A loss of one's own needs one method, and may compare shapes that no built-in loss would.
#[test]
fn one_method_makes_a_loss() {
    /// ½·ln σ² + (y − μ)²/2σ², of outputs (μ, ln σ²) against y.
    #[derive(Debug)]
    struct Gaussian;
    impl Loss<f64> for Gaussian {
        fn name(&self) -> &'static str {
            "gaussian"
        }
        fn per_sample(&self, output: &Var<f64>, target: &Tensor<f64>) -> Result<Var<f64>> {
            let (mean, log) = (output.slice(1, 0..1)?, output.slice(1, 1..2)?);
            let error = mean.sub(&output.tape().constant(target))?.square();
            let losses = error.mul(&log.neg().exp())?.add(&log)?.scale(0.5);
            means_of_samples(&losses)
        }
        fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
            match (output, target) {
                ([2], [1]) => Ok(()),
                _ => Err(Error::loss(
                    "gaussian",
                    "it takes outputs [2] against targets [1]",
                )),
            }
        }
    }
    let output = (&[2, 2][..], &[1.0, 0.0, 3.0, 0.0][..]);
    close(value(&Gaussian, output, (&[2, 1], &[0.0, 1.0])), 1.25);
    assert!(Gaussian.check_target(&[2], &[1]).is_ok());
    assert!(Gaussian.check_target(&[2], &[2]).is_err());

    /// Neither method: there is a message and no endless recursion.
    #[derive(Debug)]
    struct Nothing;
    impl Loss<f64> for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }
    }
    let output = Tape::new().constant(&Tensor::ones([1, 1]));
    let error = Nothing.forward(&output, &Tensor::ones([1, 1])).unwrap_err();
    assert!(error.to_string().contains("per_sample"), "{error}");
}

#[test]
fn settings_survive_json_and_nonsense_is_refused() {
    for row in all::<f64>() {
        let sample = (row.sample)(&mut Sampler::new(2, 0));
        let loss = from_config::<f64>(row.name, &sample.config).unwrap();
        assert_eq!(loss.name(), row.name);
        assert_eq!(loss.config(), sample.config);
        let error = from_config::<f64>(row.name, &serde_json::json!({"labl": 1}))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(row.class_name) && error.contains("labl"),
            "{error}"
        );
    }
    let smoothing = serde_json::json!({"label_smoothing": 1.5});
    let error = from_config::<f32>("BinaryCrossentropy", &smoothing)
        .unwrap_err()
        .to_string();
    assert!(error.contains("1.5"), "{error}");
    let error = from_config::<f32>("triplet", &Value::Null)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("triplet") && error.contains("mean_squared_error"),
        "{error}"
    );
}

#[test]
fn a_target_of_another_shape_is_refused() {
    let output = Tape::new().constant(&Tensor::<f32>::ones([4, 3]));
    for row in all::<f32>() {
        let loss = (row.from_config)(&Value::Null).unwrap();
        let error = loss
            .forward(&output, &Tensor::ones([5, 3]))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(row.name) && error.contains("[4, 3]") && error.contains("[5, 3]"),
            "{error}"
        );
    }
}

/// What all losses may be asked for, and what only some have.
#[test]
fn options_stand_around_a_loss() {
    let read = |name: &str, config: Value| from_config::<f64>(name, &config);
    // Keras's words for what is the default anyway change nothing.
    let plain =
        serde_json::json!({"reduction": "sum_over_batch_size", "axis": -1, "from_logits": false});
    let loss = read("CosineSimilarity", plain).unwrap();
    assert_eq!(loss.config(), serde_json::json!({}));
    let whole = serde_json::json!({
        "label_smoothing": 0.25, "from_logits": true, "axis": 1, "reduction": "mean_with_sample_weight"
    });
    let loss = read("categorical_crossentropy", whole.clone()).unwrap();
    assert_eq!(loss.config(), whole);
    assert!(loss.is_cross_entropy() && loss.check().is_ok());
    // Another axis is another place in the target's shape.
    assert!(loss.check_target(&[3, 7], &[3, 7]).is_ok());
    let sparse = read(
        "sparse_categorical_crossentropy",
        serde_json::json!({"axis": 1}),
    )
    .unwrap();
    assert!(sparse.check_target(&[3, 7], &[7]).is_ok());
    assert!(sparse.check_target(&[3, 7], &[3]).is_err());
    for (name, config, part) in [
        (
            "Hinge",
            serde_json::json!({"from_logits": true}),
            "from_logits",
        ),
        ("Huber", serde_json::json!({"axis": 1}), "axis"),
        ("KLDivergence", serde_json::json!({"axis": 0}), "axis"),
        ("Poisson", serde_json::json!({"reduction": "none"}), "none"),
        ("Poisson", serde_json::json!({"reduction": 3}), "Poisson"),
        ("CTC", serde_json::json!({"from_logit": true}), "from_logit"),
    ] {
        let error = read(name, config).unwrap_err().to_string();
        assert!(error.starts_with(name) && error.contains(part), "{error}");
    }
    // Made in code, they are told of before the first batch.
    let made: Adapted<f64> = MeanSquaredError.of_logits();
    assert!(made.check().is_err());
    let made: Adapted<f64> = CategoricalCrossentropy.along(0);
    assert!(made.check().is_err());
}

/// With a last layer that is linear, and with one that has the activation function, the loss is the same.
#[test]
fn logits_by_option_and_by_activation_are_the_same() {
    for row in all::<f64>() {
        let sample = (row.sample)(&mut Sampler::new(17, 3));
        let loss = (row.from_config)(&sample.config).unwrap();
        let Some(activation) = sample.activation else {
            assert!(loss.activation_of_logits().is_none(), "{}", row.name);
            continue;
        };
        assert_eq!(
            loss.activation_of_logits(),
            Some(activation),
            "{}",
            row.name
        );
        let logits = Tape::new().constant(&sample.output);
        let weights = Tensor::from_fn([sample.output.shape()[0]], |i| 0.5 + i as f64);
        let adapted = Adapted::new(loss).of_logits();
        let loss = (row.from_config)(&sample.config).unwrap();
        let joint = loss.from_logits(&logits, &sample.target, activation);
        let value = |loss: Result<Var<f64>>| loss.unwrap().value().item().unwrap();
        let wanted = value(joint.unwrap());
        close(value(adapted.forward(&logits, &sample.target)), wanted);
        // The model's softmax behind it would be a second one.
        assert!(
            adapted
                .from_logits(&logits, &sample.target, activation)
                .is_none()
        );
        let weighted = loss.from_logits_weighted(&logits, &sample.target, &weights, activation);
        let found = adapted.forward_weighted(&logits, &sample.target, &weights);
        close(value(found), value(weighted.unwrap()));
    }
}

#[test]
fn a_sum_is_the_mean_times_its_terms() {
    for row in all::<f64>() {
        for case in 0..10 {
            let sample = (row.sample)(&mut Sampler::new(18, case));
            let output = Tape::new().constant(&sample.output);
            let value = |loss: &dyn Loss<f64>| {
                let loss = loss.forward(&output, &sample.target).unwrap();
                loss.value().item().unwrap()
            };
            let loss = (row.from_config)(&sample.config).unwrap();
            let (mean, terms) = (value(&*loss), loss.terms(&sample.output, &sample.target));
            let sum = Adapted::new(loss).reduction(Reduction::Sum);
            let samples = sample.output.shape()[0] as f64;
            close(value(&sum), mean * terms.unwrap() * samples);
        }
    }
}
