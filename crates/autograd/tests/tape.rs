//! What the tape promises: gradients add up, nothing needless is recorded or kept, and misuse is named.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taper_autograd::{Op, Tape, Var};
use taper_tensor::ops::{Dropout, Epilogue, Fusible};
use taper_tensor::{Conv2dSpec, Element, Result, Seed, Stream, Tensor};

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).expect("a length that fits")
}

fn normal<E: Element>(shape: &[usize], step: u64) -> Tensor<E> {
    Tensor::normal(shape, 0.0, 1.0, Seed(11).key(Stream::User(0), step))
}

/// y = x, for watching the tape: counts its life and notes its walk back.
struct Probe {
    name: &'static str,
    alive: Rc<Cell<usize>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

impl Op<f64> for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<f64>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<f64>>>> {
        let line = format!("{} {wanted:?} with {} alive", self.name, self.alive.get());
        self.log.borrow_mut().push(line);
        Ok(wanted
            .iter()
            .map(|&wanted| wanted.then(|| gradient.clone()))
            .collect())
    }
}

/// Makes probes, and knows how many are alive.
#[derive(Clone, Default)]
struct Watch {
    alive: Rc<Cell<usize>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Watch {
    fn probe(&self, name: &'static str, inputs: &[&Var<f64>]) -> Result<Var<f64>> {
        inputs[0]
            .tape()
            .record(inputs, inputs[0].value().clone(), || {
                self.alive.set(self.alive.get() + 1);
                Probe {
                    name,
                    alive: Rc::clone(&self.alive),
                    log: Rc::clone(&self.log),
                }
            })
    }
}

#[test]
fn a_variable_used_twice_gets_the_sum_of_its_gradients() -> Result<()> {
    let tape = Tape::new();
    let x = tape.parameter(&vector(&[2.0, 3.0]));
    let gradients = x.mul(&x)?.add(&x)?.sum().backward()?;
    assert_eq!(gradients[&x].to_vec(), [5.0, 7.0]);
    Ok(())
}

#[test]
fn a_diamond_is_walked_once() -> Result<()> {
    let (tape, watch) = (Tape::new(), Watch::default());
    let x = tape.parameter(&vector(&[2.0]));
    let top = watch.probe("top", &[&x])?;
    let (left, right) = (top.scale(3.0), top.square());
    let gradients = left.mul(&right)?.sum().backward()?;
    assert_eq!(gradients[&x].to_vec(), [9.0 * 4.0]); // (3x³)′ = 9x²
    assert_eq!(watch.log.borrow().len(), 1);
    Ok(())
}

#[test]
fn accumulation_leaves_shared_gradients_alone() -> Result<()> {
    // The gradient of an addition is one tensor for both sides; adding to one must not change the other.
    let tape = Tape::new();
    let (a, b) = (
        tape.parameter(&vector(&[1.0, 1.0])),
        tape.parameter(&vector(&[1.0, 1.0])),
    );
    let early = a.scale(10.0);
    let gradients = a.add(&b)?.add(&early)?.sum().backward()?;
    assert_eq!(gradients[&a].to_vec(), [11.0, 11.0]);
    assert_eq!(gradients[&b].to_vec(), [1.0, 1.0]);
    Ok(())
}

#[test]
fn a_seed_gradient_is_not_written_to() -> Result<()> {
    let tape = Tape::new();
    let x = tape.parameter(&vector(&[1.0, 1.0]));
    let seed = vector(&[1.0, 2.0]);
    let gradients = x.add(&x)?.backward_with(&seed)?;
    assert_eq!(gradients[&x].to_vec(), [2.0, 4.0]);
    assert_eq!(seed.to_vec(), [1.0, 2.0]);
    Ok(())
}

#[test]
fn only_wanted_gradients_are_asked_for() -> Result<()> {
    let (tape, watch) = (Tape::new(), Watch::default());
    let (x, w) = (
        tape.constant(&vector(&[1.0])),
        tape.parameter(&vector(&[2.0])),
    );
    let gradients = watch.probe("mixed", &[&x, &w])?.sum().backward()?;
    assert_eq!(*watch.log.borrow(), ["mixed [false, true] with 1 alive"]);
    assert!(gradients.get(&x).is_none());
    assert_eq!(gradients[&w].to_vec(), [1.0]);
    Ok(())
}

#[test]
fn nothing_is_recorded_for_constants() -> Result<()> {
    let (tape, watch) = (Tape::new(), Watch::default());
    let x = tape.constant(&normal(&[2, 6, 6, 1], 0));
    let (kernel, bias) = (
        tape.constant(&normal(&[3, 3, 1, 2], 1)),
        tape.constant(&normal(&[2], 2)),
    );
    let epilogue = Epilogue::relu(true);
    let y = x.conv2d_pooled(&kernel, Some(&bias), &epilogue, &Conv2dSpec::default())?;
    let y = watch.probe("constant", &[&y.flatten()?.softmax(1)?.exp().mean()])?;
    assert!(!y.wants_gradient());
    assert!(tape.is_empty());
    assert_eq!(watch.alive.get(), 0);
    Ok(())
}

#[test]
fn saved_values_are_freed_on_the_way_back() -> Result<()> {
    let (tape, watch) = (Tape::new(), Watch::default());
    let x = tape.parameter(&vector(&[1.0]));
    let first = watch.probe("first", &[&x])?;
    let second = watch.probe("second", &[&first])?;
    let beside = watch.probe("beside", &[&first])?;
    let loss = second.sum();
    let after = watch.probe("after", &[&loss])?;
    assert_eq!(watch.alive.get(), 4);
    loss.backward()?;
    // What came after the loss was dropped at once, what lies beside it when it was passed.
    assert_eq!(
        *watch.log.borrow(),
        ["second [true] with 2 alive", "first [true] with 1 alive"]
    );
    assert_eq!(watch.alive.get(), 0);
    assert!(tape.is_empty());
    drop((beside, after));
    Ok(())
}

#[test]
fn a_tape_that_is_never_walked_frees_everything_when_dropped() -> Result<()> {
    let watch = Watch::default();
    {
        let tape = Tape::new();
        let y = watch.probe("only", &[&tape.parameter(&vector(&[1.0]))])?;
        assert!(y.wants_gradient() && watch.alive.get() == 1);
    }
    assert_eq!(watch.alive.get(), 0);
    Ok(())
}

#[test]
fn a_dropped_step_leaves_the_weights_unshared() -> Result<()> {
    let mut weights = normal::<f32>(&[4, 4], 0);
    let address = weights.as_slice().expect("contiguous").as_ptr();
    let gradient = {
        let tape = Tape::new();
        let w = tape.parameter(&weights);
        tape.constant(&normal(&[2, 4], 1))
            .matmul(&w)?
            .relu()
            .mean()
            .backward()?
            .take(&w)
    };
    let gradient = gradient.expect("the loss depends on w");
    for (w, g) in weights
        .as_mut_slice()
        .iter_mut()
        .zip(gradient.as_slice().expect("contiguous"))
    {
        *w -= 0.1 * g;
    }
    assert_eq!(
        weights.as_slice().expect("contiguous").as_ptr(),
        address,
        "the update copied the weights"
    );
    Ok(())
}

#[test]
fn gradients_are_contiguous() -> Result<()> {
    let tape = Tape::new();
    let (a, b) = (
        tape.parameter(&normal::<f64>(&[2, 3], 0)),
        tape.parameter(&normal(&[2, 3], 1)),
    );
    let gradients = a.sum().add(&b.transpose().square().sum())?.backward()?;
    assert_eq!(gradients[&a].as_slice(), Some(&[1.0; 6][..]));
    let expected: Vec<f64> = b.value().to_vec().iter().map(|b| 2.0 * b).collect();
    assert_eq!(gradients[&b].as_slice(), Some(&expected[..]));
    Ok(())
}

#[test]
fn gradients_can_be_taken_once() -> Result<()> {
    let tape = Tape::new();
    let (x, unused) = (
        tape.parameter(&vector(&[1.0, 2.0])),
        tape.parameter(&vector(&[1.0])),
    );
    let y = x.square();
    let mut gradients = y.sum().backward()?;
    assert!(
        gradients.get(&y).is_none(),
        "intermediate gradients are not kept"
    );
    assert!(
        gradients.get(&unused).is_none(),
        "the loss does not depend on it"
    );
    let elsewhere = Tape::new().parameter(&vector(&[1.0, 2.0]));
    assert!(gradients.get(&elsewhere).is_none(), "it is on another tape");
    assert_eq!(gradients.take(&x).map(|g| g.to_vec()), Some(vec![2.0, 4.0]));
    assert!(gradients.take(&x).is_none());
    Ok(())
}

#[test]
#[should_panic(expected = "no gradient for this variable of shape [1]")]
fn indexing_by_a_variable_without_gradient_panics() {
    let tape = Tape::new();
    let (x, unused) = (
        tape.parameter(&vector(&[1.0, 2.0])),
        tape.parameter(&vector(&[1.0])),
    );
    let gradients = x.sum().backward().expect("a loss");
    let _ = &gradients[&unused];
}

/// The message of an error that must be.
fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("this must fail").to_string()
}

#[test]
fn misuse_is_named() -> Result<()> {
    let tape = Tape::new();
    let x = tape.parameter(&vector(&[1.0, 2.0]));
    assert!(message(x.square().backward()).contains("reduce it by `sum()` or `mean()`"));
    assert!(message(x.backward_with(&vector(&[1.0]))).contains("[1]"));
    assert!(
        message(tape.constant(&vector(&[1.0])).sum().backward())
            .contains("depends on no parameter")
    );
    assert!(message(x.add(&Tape::new().constant(&vector(&[1.0])))).contains("different tapes"));
    assert!(message(Var::<f64>::concat(&[], 0)).contains("no parts"));
    assert!(message(x.max_pool1d(2, 2, Default::default())).contains("max_pool1d"));
    assert!(message(x.sum().flatten()).contains("flatten"));
    assert!(message(x.softmax_cross_entropy(&vector(&[1.0]))).contains("softmax_cross_entropy"));
    assert!(
        message(x.sigmoid_binary_cross_entropy(&vector(&[1.0])))
            .contains("sigmoid_binary_cross_entropy")
    );
    // None of these has spent the tape.
    assert_eq!(x.sum().backward()?[&x].to_vec(), [1.0, 1.0]);
    Ok(())
}

#[test]
fn a_second_walk_back_is_an_error() -> Result<()> {
    let tape = Tape::new();
    let x = tape.parameter(&vector(&[1.0, 2.0]));
    let loss = x.sum();
    loss.backward()?;
    assert!(message(loss.backward()).contains("walked back already"));
    // What is computed on a spent tape has a value, but no gradient.
    let late = x.square().sum();
    assert_eq!(late.value().item()?, 5.0);
    assert!(tape.is_empty());
    assert!(message(late.backward()).contains("walked back already"));
    Ok(())
}

#[test]
fn an_operation_that_returns_nonsense_is_named() -> Result<()> {
    struct Nonsense(Vec<Option<Tensor<f64>>>);
    impl Op<f64> for Nonsense {
        fn name(&self) -> &'static str {
            "nonsense"
        }
        fn backward(
            self: Box<Self>,
            _gradient: Tensor<f64>,
            _wanted: &[bool],
        ) -> Result<Vec<Option<Tensor<f64>>>> {
            Ok(self.0)
        }
    }
    let backward = |gradients: Vec<Option<Tensor<f64>>>| {
        let tape = Tape::new();
        let x = tape.parameter(&vector(&[1.0, 2.0]));
        tape.record(&[&x], x.value().sum(), || Nonsense(gradients))?
            .backward()
    };
    assert!(
        message(backward(vec![]))
            .starts_with("nonsense: its backward returned 0 gradients for 1 inputs")
    );
    assert!(
        message(backward(vec![Some(vector(&[1.0]))])).contains("a gradient [1] for an input [2]")
    );
    Ok(())
}

#[test]
fn a_parameter_is_its_own_loss() -> Result<()> {
    let tape = Tape::new();
    let x = tape.parameter(&Tensor::scalar(3.0));
    assert_eq!(x.backward()?[&x].item()?, 1.0);
    Ok(())
}

/// The gradients of a small network with everything that the notebook's has.
fn network<E: Element>() -> Result<Vec<Tensor<f64>>> {
    let weights: [Tensor<f64>; 4] = [
        normal(&[3, 3, 1, 4], 1),
        normal(&[4], 2),
        normal(&[3 * 3 * 4, 5], 3),
        normal(&[5], 4),
    ];
    let tape = Tape::<E>::new();
    let [kernel, bias, dense, dense_bias] = weights.map(|w| tape.parameter(&w.cast::<E>()));
    let x = tape.constant(&normal::<f64>(&[3, 8, 8, 1], 0).cast::<E>());
    let targets = Tensor::one_hot(&[0, 4, 2], 5)?;
    let dropout = Some(Dropout {
        rate: 0.3,
        key: Seed(1).key(Stream::Dropout(0), 0),
    });
    let loss = x
        .conv2d_pooled(
            &kernel,
            Some(&bias),
            &Epilogue {
                activation: Some(Fusible::Relu),
                dropout,
            },
            &Conv2dSpec::default(),
        )?
        .flatten()?
        .dense(&dense, Some(&dense_bias), &Epilogue::default())?
        .softmax_cross_entropy(&targets)?;
    let gradients = loss.backward()?;
    Ok([kernel, bias, dense, dense_bias]
        .iter()
        .map(|w| gradients[w].cast())
        .collect())
}

#[test]
fn f32_gradients_are_those_of_f64_rounded() -> Result<()> {
    for (single, double) in network::<f32>()?.iter().zip(network::<f64>()?) {
        for (single, double) in single.to_vec().iter().zip(double.to_vec()) {
            let error = (single - double).abs() / double.abs().max(1.0);
            assert!(error <= 1e-4, "{single} and {double}");
        }
    }
    Ok(())
}

#[test]
fn a_fused_operation_has_the_gradients_of_its_parts() -> Result<()> {
    let dropout = Dropout {
        rate: 0.4,
        key: Seed(5).key(Stream::Dropout(1), 9),
    };
    let weights: [Tensor<f64>; 3] = [normal(&[4, 6], 0), normal(&[6, 5], 1), normal(&[5], 2)];
    for (relu, with_dropout) in [(false, false), (false, true), (true, false), (true, true)] {
        let epilogue = Epilogue {
            activation: relu.then_some(Fusible::Relu),
            dropout: with_dropout.then_some(dropout),
        };
        let gradients = |fused: bool| -> Result<Vec<Vec<f64>>> {
            let tape = Tape::new();
            let [x, kernel, bias] = [0, 1, 2].map(|i| tape.parameter(&weights[i]));
            let output = if fused {
                x.dense(&kernel, Some(&bias), &epilogue)?
            } else {
                let mut y = x.matmul(&kernel)?.add(&bias)?;
                y = if relu { y.relu() } else { y };
                if with_dropout {
                    y.dropout(&dropout)?
                } else {
                    y
                }
            };
            let gradients = output.square().sum().backward()?;
            Ok([x, kernel, bias]
                .iter()
                .map(|v| gradients[v].to_vec())
                .collect())
        };
        for (fused, parts) in gradients(true)?
            .iter()
            .flatten()
            .zip(gradients(false)?.iter().flatten())
        {
            assert!(
                (fused - parts).abs() <= 1e-10 * parts.abs().max(1.0),
                "{epilogue:?}: {fused} and {parts}"
            );
        }
    }
    Ok(())
}
