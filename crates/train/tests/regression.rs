//! Losses that tell no classes apart, and losses of one's own with targets of another shape than the output.

use taper_datasets::{Dataset, InMemory};
use taper_nn::{Loss, Result};
use taper_train::prelude::*;
use taper_train::{DataLoss, evaluate, evaluate_with};

/// y = 2 x₀ − x₁ of 40 samples, or something else of them.
fn data(target: &[usize], y: impl Fn(f32, f32, usize) -> f32) -> InMemory {
    let x = |i: usize| ((i * 37) % 83) as f32 / 83.0;
    let inputs = Tensor::from_fn([40, 2], x);
    let width: usize = target.iter().product();
    let values = |i: usize| y(x(i / width * 2), x(i / width * 2 + 1), i % width);
    InMemory::new(inputs, Tensor::from_fn([&[40], target].concat(), values)).unwrap()
}

fn line(outputs: usize) -> Model {
    let model = Sequential::new([2]).add(Dense::new(outputs));
    model.build(Seed(3)).unwrap()
}

#[test]
fn a_regression_has_no_accuracy_and_no_cross_entropy() {
    let (data, mut model) = (data(&[1], |a, b, _| 2.0 * a - b), line(1));
    let fit = Trainer::new(SGD::new(0.5), MeanSquaredError)
        .epochs(40)
        .validation(&data)
        .measure_training_set(true)
        .callback(EarlyStopping::on("val_data_loss").patience(40))
        .fit(&mut model, &data)
        .unwrap();
    let last = fit.last().unwrap();
    assert_eq!(
        (last.accuracy, last.val_accuracy, last.train_accuracy),
        (None, None, None)
    );
    assert_eq!(last.data_loss_kind, DataLoss::Other);
    assert!(last.names().contains(&"val_data_loss"));
    assert!(last.val_loss < Some(1e-3), "{last:?}");
    let measured = evaluate(&model, &data, &MeanSquaredError, 32).unwrap();
    assert_eq!((measured.accuracy, measured.confusion), (None, None));
    assert_eq!(Some(measured.data_loss), last.val_data_loss);
}

#[test]
fn accuracy_and_confusion_are_measured_when_asked_for() {
    let data = data(&[3], |a, b, i| [1.0, a, b][i]);
    let asked = Evaluate::new(&MeanSquaredError)
        .metric(Accuracy)
        .confusion(true)
        .run(&line(3), &data)
        .unwrap();
    assert!(asked.accuracy.is_some());
    assert_eq!(asked.confusion.unwrap().classes(), 3);
    let declined = Evaluate::new(&CategoricalCrossentropy).confusion(false);
    assert_eq!(declined.run(&line(3), &data).unwrap().confusion, None);
    let fit = Trainer::new(SGD::new(0.1), MeanSquaredError)
        .metric(Accuracy)
        .fit(&mut line(3), &data)
        .unwrap();
    assert!(fit.epochs[0].accuracy.is_some() && fit.epochs[0].metrics.is_empty());
}

#[test]
fn a_confusion_matrix_of_very_many_classes_is_not_made_unasked() {
    let data = data(&[1001], |_, _, i| f32::from(u8::from(i == 5)));
    let model = line(1001);
    let measured = evaluate(&model, &data, &CategoricalCrossentropy, 40).unwrap();
    assert!(measured.accuracy.is_some() && measured.confusion.is_none());
    let asked = Evaluate::new(&CategoricalCrossentropy).confusion(true);
    let confusion = asked.run(&model, &data).unwrap().confusion.unwrap();
    assert_eq!(confusion.classes(), 1001);
}

/// ½·ln σ² + (y − μ)²/2σ² of two heads (μ₀, μ₁, ln σ₀², ln σ₁²) against [y₀, y₁].
#[derive(Debug)]
struct Gaussian;
impl Loss for Gaussian {
    fn name(&self) -> &'static str {
        "gaussian"
    }
    fn per_sample(&self, output: &Heads, target: &Tensor) -> Result<Heads> {
        let (mean, log) = (output.slice(1, 0..2)?, output.slice(1, 2..4)?);
        let error = mean.sub(&output.tape().constant(target))?.square();
        let losses = error.mul(&log.neg().exp())?.add(&log)?.scale(0.5);
        Ok(losses.sum_axes(&[1], false)?)
    }
    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        match (output, target) {
            ([4], [2]) => Ok(()),
            _ => Err(taper_nn::Error::loss(
                "gaussian",
                "it takes outputs [4] against targets [2]",
            )),
        }
    }
}
type Heads = taper_autograd::Var;

#[test]
fn a_loss_says_which_targets_it_takes() {
    let data = data(&[2], |a, b, i| [a - b, a + b][i]);
    let mut model = line(4);
    let fit = Trainer::new(Adam::new(0.05), Gaussian)
        .epochs(20)
        .batch_size(8)
        .validation(&data)
        .fit(&mut model, &data)
        .unwrap();
    let losses = fit.get("val_loss");
    assert!(losses[19] < losses[0] - 0.5, "{losses:?}");
    assert_eq!(fit.last().unwrap().val_accuracy, None);
    let measured = evaluate(&model, &data, &Gaussian, 7).unwrap();
    assert!((measured.loss - losses[19]).abs() <= 1e-5);

    // What it does not take is refused before the first batch, with the loss's own words.
    let error = Trainer::new(Adam::new(0.05), Gaussian)
        .fit(&mut line(3), &data)
        .unwrap_err()
        .to_string();
    for words in [
        "output [3]",
        "targets [2]",
        "outputs [4] against targets [2]",
    ] {
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_metric_that_cannot_read_the_pair_is_an_error_that_names_it() {
    let data = data(&[2], |a, b, i| [a - b, a + b][i]);
    let fit = Trainer::new(Adam::new(0.05), Gaussian)
        .metric(TopKAccuracy::new(2))
        .fit(&mut line(4), &data);
    let metrics: [Box<dyn Metric>; 1] = [Box::new(TopKAccuracy::new(2))];
    let evaluation = evaluate_with(&line(4), &data, &Gaussian, 8, &metrics);
    for error in [fit.unwrap_err(), evaluation.unwrap_err()] {
        let error = error.to_string();
        assert!(
            error.starts_with("top_2_accuracy") && error.contains("[4]"),
            "{error}"
        );
    }
    assert_eq!(data.target_shape(), [2]);
}
