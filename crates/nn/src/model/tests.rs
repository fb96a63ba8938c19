use super::*;
use crate::layers::{Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Reshape};
use crate::{
    BinaryCrossentropy, CategoricalCrossentropy, L1L2, L2, MeanSquaredError, Relu, Sigmoid,
    Softmax, SparseCategoricalCrossentropy, Tanh,
};
use crate::{Context, Describe, Layer, Loss, Sequential};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::Stream;

fn random<E: Element>(shape: impl Into<Vec<usize>>, number: u32) -> Tensor<E> {
    Tensor::normal(shape, 0.0, 1.0, Seed(99).key(Stream::User(number), 0))
}

fn assert_close<E: Element>(a: &Tensor<E>, b: &Tensor<E>, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    let difference = a.max_abs_difference(b).unwrap();
    assert!(difference <= tolerance, "{difference}: {a:?} and {b:?}");
}

/// The network of the regularization notebook.
fn notebook() -> Sequential {
    Sequential::new([28, 28])
        .add(Reshape::new([28, 28, 1]))
        .add(Conv2D::new(32, 3).activation(Relu))
        .add(Conv2D::new(64, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

/// What Keras 3.15 prints for the same network.
#[test]
fn the_summary_is_that_of_keras() {
    let expected = include_str!("summary.txt");
    assert_eq!(
        notebook().build(Seed(1)).unwrap().summary(),
        expected.trim_end()
    );
}

#[test]
fn the_notebook_runs_in_five_kernels() {
    let model = notebook().build(Seed(1)).unwrap();
    let kernels: Vec<_> = model
        .stages()
        .into_iter()
        .filter_map(|(kernel, _)| kernel)
        .collect();
    assert_eq!(
        kernels,
        ["conv2d_fused", "conv2d_pooled", "dense", "dense"],
        "softmax stays a layer of its own"
    );
    assert_eq!(
        notebook()
            .fuse(false)
            .build(Seed(1))
            .unwrap()
            .stages()
            .len(),
        8
    );
}

#[test]
fn a_description_makes_the_same_model() {
    let model = notebook().build(Seed(3)).unwrap();
    let text = model.config().to_string();
    let again = Model::<f32>::from_config(&serde_json::from_str(&text).unwrap(), Seed(3)).unwrap();
    assert_eq!(again.config(), model.config());
    let x = random([3, 28, 28], 0);
    assert_eq!(
        again.predict(&x).unwrap().to_vec(),
        model.predict(&x).unwrap().to_vec()
    );
    assert_eq!(
        model.config()["config"]["layers"][2]["config"]["name"],
        "conv2d_1"
    );
}

fn small<E: Element>() -> Sequential<E> {
    Sequential::of([4])
        .add(Dense::new(6).activation(Tanh))
        .add(Dense::new(3).activation(Softmax))
}

#[test]
fn prediction_does_not_depend_on_the_batches() {
    let model = small::<f64>().build(Seed(3)).unwrap();
    let x = random([600, 4], 1);
    let whole = model.predict(&x).unwrap();
    assert_eq!(whole.shape(), [600, 3]);
    for row in [0, 255, 256, 599] {
        let one = model.predict(&x.slice(0, row..row + 1).unwrap()).unwrap();
        assert_close(&one, &whole.slice(0, row..row + 1).unwrap(), 1e-12);
    }
    assert_eq!(
        model.predict(&Tensor::zeros([0, 4])).unwrap().shape(),
        [0, 3]
    );
}

#[test]
fn inputs_of_another_shape_are_refused() {
    let mut model = small::<f32>().build(Seed(3)).unwrap();
    let (x, y) = (Tensor::ones([5, 7]), Tensor::ones([5, 3]));
    let wanted = "model: inputs [n, 4] are wanted, these are [5, 7]";
    assert_eq!(model.predict(&x).unwrap_err().to_string(), wanted);
    assert_eq!(
        model
            .evaluate_batch(&x, &y, &MeanSquaredError)
            .unwrap_err()
            .to_string(),
        wanted
    );
    assert_eq!(
        model
            .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
            .unwrap_err()
            .to_string(),
        wanted
    );
    let error = model.predict(&Tensor::scalar(1.0)).unwrap_err().to_string();
    assert!(error.ends_with("these are []"), "{error}");
}

/// Loss and gradients of every pairing of a last activation with a loss equal those that differences give.
#[test]
fn gradients_of_a_model_agree_with_differences() {
    let losses: [(&dyn Loss<f64>, _); 5] = [
        (&CategoricalCrossentropy, Softmax),
        (&CategoricalCrossentropy, Sigmoid),
        (&BinaryCrossentropy, Sigmoid),
        (&MeanSquaredError, Softmax),
        (&MeanSquaredError, Tanh),
    ];
    for (loss, activation) in losses {
        let last: [Box<dyn Layer<f64>>; 2] = [
            Box::new(Dense::new(3).activation(activation)),
            Box::new(Activation::new(activation)),
        ];
        for last in last {
            let mut model = Sequential::<f64>::of([4])
                .add(Dense::new(3).activation(Tanh))
                .add_boxed(last);
            model = model.fuse(true);
            check_gradients(&mut model.build(Seed(5)).unwrap(), loss);
        }
    }
}

fn check_gradients(model: &mut Model<f64>, loss: &dyn Loss<f64>) {
    let x = random([5, 4], 2);
    let y = random::<f64>([5, 3], 3).softmax(1).unwrap();
    let step = model.train_batch(&x, &y, loss, Seed(1), 0).unwrap();
    assert_close(step.output(), &model.predict(&x).unwrap(), 1e-12);
    let measured = model.evaluate_batch(&x, &y, loss).unwrap();
    let value = measured.loss;
    assert_close(step.output(), measured.output(), 1e-12);
    assert!(
        (value - step.loss).abs() <= 1e-12,
        "{value} and {}",
        step.loss
    );
    for index in 0..model.parameters().len() {
        let gradient = step.gradients[index].as_ref().unwrap();
        let original = model.parameters()[index].value.clone();
        let mut at = |delta: f64| {
            let mut moved = original.clone();
            moved.as_mut_slice()[1] += delta;
            model.parameters_mut()[index].value = moved;
            model.evaluate_batch(&x, &y, loss).unwrap().loss
        };
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        let taped = gradient.to_vec()[1];
        assert!(
            (difference - taped).abs() <= 1e-8,
            "{}: {difference} and {taped}",
            loss.name()
        );
        model.parameters_mut()[index].value = original;
    }
}

/// With the loss from logits, a hopeless mistake still has a gradient and a finite loss.
#[test]
fn losses_from_logits_survive_saturation() {
    for last in [Softmax, Sigmoid] {
        let mut model = Sequential::new([1])
            .add(Dense::new(2).activation(last))
            .build(Seed(1))
            .unwrap();
        model.parameters_mut()[0].value = Tensor::from_vec([1, 2], vec![400.0, -400.0]).unwrap();
        let loss: &dyn Loss = if last == Softmax {
            &CategoricalCrossentropy
        } else {
            &BinaryCrossentropy
        };
        let y = Tensor::from_vec([1, 2], vec![0.0, 1.0]).unwrap();
        let step = model
            .train_batch(&Tensor::ones([1, 1]), &y, loss, Seed(1), 0)
            .unwrap();
        assert!(
            (step.loss - if last == Softmax { 800.0 } else { 400.0 }).abs() <= 1e-3,
            "{}",
            step.loss
        );
        assert!(step.gradients[0].as_ref().unwrap().to_vec()[1] < -0.4);
    }
}

#[test]
fn sparse_targets_give_the_same_as_one_hot_ones() {
    let mut model = small::<f64>().build(Seed(3)).unwrap();
    let x = random([4, 4], 4);
    let one_hot = Tensor::one_hot(&[2, 0, 1, 1], 3).unwrap();
    let sparse = Tensor::from_vec([4], vec![2.0, 0.0, 1.0, 1.0]).unwrap();
    let a = model
        .train_batch(&x, &one_hot, &CategoricalCrossentropy, Seed(1), 0)
        .unwrap();
    let b = model
        .train_batch(&x, &sparse, &SparseCategoricalCrossentropy, Seed(1), 0)
        .unwrap();
    assert_eq!(a.loss, b.loss);
    assert_close(
        a.gradients[0].as_ref().unwrap(),
        b.gradients[0].as_ref().unwrap(),
        1e-15,
    );
}

#[test]
fn penalties_of_weights_are_beside_the_loss_and_the_gradients() {
    let build = |factor| {
        let dense = Dense::new(3)
            .kernel_regularizer(L2(factor))
            .bias_regularizer(L1L2 {
                l1: factor,
                l2: 0.0,
            });
        Sequential::<f64>::of([4])
            .add(dense)
            .build(Seed(4))
            .unwrap()
    };
    let (x, y) = (random([5, 4], 5), random([5, 3], 6));
    let (mut plain, mut heavy) = (build(0.0), build(0.5));
    heavy.parameters_mut()[1].value = Tensor::full([3], -2.0);
    plain.parameters_mut()[1].value = Tensor::full([3], -2.0);
    let squares: f64 = heavy.parameters()[0]
        .value
        .to_vec()
        .iter()
        .map(|w| w * w)
        .sum();
    let expected = 0.5 * squares + 0.5 * 6.0;
    assert!(
        (heavy.penalty() - expected).abs() <= 1e-12,
        "{} for {expected}",
        heavy.penalty()
    );
    let a = plain
        .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
        .unwrap();
    let b = heavy
        .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
        .unwrap();
    assert_eq!((a.loss, a.penalty), (b.loss, 0.0));
    assert_eq!(b.penalty, heavy.penalty());
    assert_close(
        a.gradients[0].as_ref().unwrap(),
        b.gradients[0].as_ref().unwrap(),
        0.0,
    );
}

/// Keras 3.15: Σ of the output's penalty over the batch, divided by the batch size.
#[test]
fn penalties_of_outputs_are_on_the_tape_and_divided_by_the_batch() {
    let build = |layer: Dense| {
        Sequential::<f64>::of([4])
            .add(layer)
            .build(Seed(4))
            .unwrap()
    };
    let mut plain = build(Dense::new(3).activation(Relu));
    let mut penal = build(Dense::new(3).activation(Relu).activity_regularizer(L2(0.1)));
    assert_eq!(
        penal.stages(),
        [(None, vec!["dense"])],
        "a regularized output is not fused away"
    );
    let (x, y) = (random([5, 4], 5), random([5, 3], 6));
    let a = plain
        .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
        .unwrap();
    let b = penal
        .train_batch(&x, &y, &MeanSquaredError, Seed(1), 0)
        .unwrap();
    let expected: f64 = b.output().to_vec().iter().map(|y| 0.1 * y * y).sum::<f64>() / 5.0;
    assert!(
        (a.loss - b.loss).abs() <= 1e-12,
        "{} and {}",
        a.loss,
        b.loss
    );
    assert!(
        (b.penalty - expected).abs() <= 1e-12,
        "{} for {expected}",
        b.penalty
    );
    let evaluated = penal.evaluate_batch(&x, &y, &MeanSquaredError).unwrap();
    assert_eq!(evaluated.loss, b.loss);
    assert_eq!(evaluated.activity_penalty, b.penalty);
    // Its gradient: that of Σ 0.1·y²/5 is 0.04·y per output, through relu and the product with x.
    let ones = b.output().scale(0.04);
    let through = x
        .transpose()
        .matmul(&ones)
        .unwrap()
        .add(a.gradients[0].as_ref().unwrap())
        .unwrap();
    assert_close(&through, b.gradients[0].as_ref().unwrap(), 1e-12);
}

#[test]
fn dropout_is_on_in_training_only_and_follows_seed_and_step() {
    let model = || {
        Sequential::<f64>::of([4])
            .add(Dense::new(50))
            .add(Activation::new(Relu))
            .add(Dropout::new(0.5))
    };
    let mut model = model().build(Seed(2)).unwrap();
    let (x, y) = (random([3, 4], 7), Tensor::zeros([3, 50]));
    let mut output = |seed, step| {
        model
            .train_batch(&x, &y, &MeanSquaredError, Seed(seed), step)
            .unwrap()
            .output()
            .to_vec()
    };
    assert_eq!(output(1, 0), output(1, 0));
    assert_ne!(output(1, 0), output(1, 1));
    assert_ne!(output(1, 0), output(2, 0));
    assert_eq!(
        model.predict(&x).unwrap().to_vec(),
        model.predict(&x).unwrap().to_vec()
    );
}

#[test]
fn a_model_without_weights_has_no_gradients() {
    let mut model = Sequential::new([2, 2]).add(Flatten).build(Seed(1)).unwrap();
    let step = model.train_batch(
        &Tensor::ones([3, 2, 2]),
        &Tensor::ones([3, 4]),
        &MeanSquaredError,
        Seed(1),
        0,
    );
    let step = step.unwrap();
    assert_eq!((step.loss, step.gradients.len()), (0.0, 0));
    let model = Sequential::new([2]).build(Seed(1)).unwrap();
    assert_eq!(
        model.predict(&Tensor::ones([3, 2])).unwrap().to_vec(),
        [1.0; 6]
    );
}

fn weights_of(model: &Model) -> Vec<(String, Tensor)> {
    model
        .parameters()
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
        .collect()
}

#[test]
fn weights_go_from_model_to_model_by_name() {
    let (from, mut to) = (
        small().build(Seed(1)).unwrap(),
        small().build(Seed(2)).unwrap(),
    );
    let x = random([3, 4], 8);
    assert_ne!(
        from.predict(&x).unwrap().to_vec(),
        to.predict(&x).unwrap().to_vec()
    );
    let mut weights = weights_of(&from);
    weights.reverse();
    to.set_weights(weights).unwrap();
    assert_eq!(
        from.predict(&x).unwrap().to_vec(),
        to.predict(&x).unwrap().to_vec()
    );
    let built = small().build_with(weights_of(&from)).unwrap();
    assert_eq!(
        from.predict(&x).unwrap().to_vec(),
        built.predict(&x).unwrap().to_vec()
    );
}

#[test]
fn weights_that_do_not_fit_change_nothing() {
    let mut model = small().build(Seed(1)).unwrap();
    let before = model.predict(&Tensor::ones([1, 4])).unwrap().to_vec();
    let good = || weights_of(&small().build(Seed(2)).unwrap());
    let mut refuse = |weights: Vec<(String, Tensor)>, expected: &str| {
        let error = model.set_weights(weights.clone()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(
            small::<f32>().build_with(weights).unwrap_err().to_string(),
            error
        );
        assert_eq!(
            model.predict(&Tensor::ones([1, 4])).unwrap().to_vec(),
            before
        );
    };
    refuse(good()[..3].to_vec(), "weights: dense_1/bias [3] is missing");
    refuse(
        [good(), good()].concat(),
        "weights: dense/kernel is given twice",
    );
    refuse(
        [good(), vec![("odd".into(), Tensor::ones([1]))]].concat(),
        "weights: the model has no odd",
    );
    let mut wrong = good();
    wrong[2].1 = Tensor::ones([3, 6]);
    refuse(
        wrong,
        "weights: dense_1/kernel is [6, 3] in the model, [3, 6] is given",
    );
}

/// A layer with a running statistic, as BatchNormalization has.
#[derive(Debug)]
struct Counter;

impl Describe for Counter {
    fn class_name(&self) -> &'static str {
        "Counter"
    }

    fn config(&self) -> Value {
        json!({})
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn weights(&self, _input: &[usize]) -> Result<Vec<crate::WeightSpec>> {
        let initializer = crate::Initializer::Zeros;
        Ok(vec![crate::WeightSpec {
            name: "count".into(),
            shape: vec![],
            initializer,
            regularizer: None,
            trainable: false,
        }])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Counter {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>> {
        if context.training {
            context.update(0, weights[0].value().shift(E::one()));
        }
        Ok(x.add(&weights[0])?)
    }
}

#[test]
fn weights_that_are_not_trainable_are_updated_by_their_layer() {
    let mut model = Sequential::new([2])
        .add(Dense::new(2))
        .add(Counter)
        .add(Dense::new(2))
        .build(Seed(1))
        .unwrap();
    let (x, y) = (Tensor::ones([1, 2]), Tensor::ones([1, 2]));
    for step in 0..3 {
        let step = model
            .train_batch(&x, &y, &MeanSquaredError, Seed(1), step)
            .unwrap();
        let wanted: Vec<bool> = step.gradients.iter().map(Option::is_some).collect();
        assert_eq!(wanted, [true, true, false, true, true]);
    }
    model.evaluate_batch(&x, &y, &MeanSquaredError).unwrap();
    assert_eq!(model.parameters()[2].name, "counter/count");
    assert_eq!(model.parameters()[2].value.item().unwrap(), 3.0);
    assert!(model.summary().ends_with(" Total params: 13 (52.00 B)\n Trainable params: 12 (48.00 B)\n Non-trainable params: 1 (4.00 B)"));
}

#[test]
fn errors_while_running_name_the_layer() {
    let mut model = small::<f32>().build(Seed(1)).unwrap();
    model.parameters_mut()[2].value = Tensor::ones([5, 3]);
    let error = model
        .predict(&Tensor::ones([1, 4]))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("dense_1 (layer 1): "), "{error}");
}
