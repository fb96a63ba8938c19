//! LSTM and GRU over whole sequences: f32 against f64, more samples than a task takes, any number of threads.

use taper_tensor::ops::{Recurrence, RecurrentGradients, RecurrentWeights};
use taper_tensor::{Element, Result, Seed, Stream, Tensor};

const SHAPE: [usize; 3] = [70, 5, 9];
const UNITS: usize = 21;

fn random(shape: &[usize], index: u64) -> Tensor {
    Tensor::uniform(shape, -0.5, 0.5, Seed(index).key(Stream::User(2), 0))
}

/// All that comes out: outputs, and gradients of everything.
fn run<E: Element>(gates: usize, masked: bool) -> Result<Vec<Tensor<E>>> {
    let [n, steps, features] = SHAPE;
    let wide = gates * UNITS;
    let bias: &[usize] = if gates == 3 { &[2, wide] } else { &[wide] };
    let weights = RecurrentWeights {
        kernel: random(&[features, wide], 1).cast::<E>(),
        recurrent: random(&[UNITS, wide], 2).cast(),
        bias: Some(random(bias, 3).cast()),
    };
    let mask = random(&[n, steps], 4).map(|x| if x > -0.2 { 1.0 } else { 0.0 });
    let how = Recurrence {
        sequences: true,
        states: true,
        backwards: masked,
        mask: masked.then(|| mask.cast()),
        zero_output: false,
    };
    let states = [random(&[n, UNITS], 5).cast(), random(&[n, UNITS], 6).cast()];
    let x = random(&SHAPE, 7).cast::<E>();
    let (
        y,
        RecurrentGradients {
            input,
            kernel,
            recurrent,
            bias,
            initial,
        },
    ) = if gates == 3 {
        let (y, trace) = x.gru(&weights, &states[..1], &how)?;
        let dy = random(y.shape(), 8).cast();
        (y, trace.gru_gradients(&dy, true)?)
    } else {
        let (y, trace) = x.lstm(&weights, &states, &how)?;
        let dy = random(y.shape(), 8).cast();
        (y, trace.lstm_gradients(&dy, true)?)
    };
    let mut all = vec![y, kernel, recurrent];
    all.extend(input.into_iter().chain(bias).chain(initial));
    Ok(all)
}

#[test]
fn f32_is_f64_to_rounding() {
    for gates in [3, 4] {
        for masked in [false, true] {
            let (found, wanted) = (
                run::<f32>(gates, masked).unwrap(),
                run::<f64>(gates, masked).unwrap(),
            );
            assert_eq!(found.len(), wanted.len());
            for (index, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                let near = found.cast::<f64>().all_close(wanted, 1e-4, 1e-5).unwrap();
                assert!(near, "{gates} gates, masked: {masked}, value {index}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let bits = |threads: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let all = pool
            .unwrap()
            .install(|| [run::<f32>(3, true), run::<f32>(4, false)]);
        let all = all.into_iter().flat_map(|all| all.unwrap());
        all.map(|x| x.to_vec().iter().map(|x| x.to_bits()).collect())
            .collect()
    };
    let one = bits(1);
    for threads in [2, 3, 8] {
        assert_eq!(bits(threads), one, "{threads} threads");
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let weights = RecurrentWeights::<f32> {
        kernel: Tensor::zeros([2, 12]),
        recurrent: Tensor::zeros([3, 12]),
        bias: None,
    };
    let how = Recurrence::default();
    let message = |x: &[usize], states: &[Tensor]| {
        let result = Tensor::<f32>::zeros(x).lstm(&weights, states, &how);
        result.map(|_| ()).unwrap_err().to_string()
    };
    assert!(message(&[4, 2], &[]).contains("[4, 2]"));
    assert!(message(&[4, 3, 5], &[]).contains("kernel"));
    assert!(message(&[4, 0, 2], &[]).contains("0 steps"));
    assert!(message(&[4, 3, 2], &[Tensor::zeros([4, 3])]).contains("1 states"));
    assert!(message(&[4, 3, 2], &[Tensor::zeros([4, 4])]).contains("first state"));
}
