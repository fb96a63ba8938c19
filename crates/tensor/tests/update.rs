//! The pass of optimizers: a rule on vectors against the same rule on plain numbers, on every instruction set.

mod common;

use common::on_every_instruction_set;
use taper_tensor::kernels::magnitudes;
use taper_tensor::kernels::update::{Numbers, Penalty, Rule, Slot};
use taper_tensor::{Seed, Stream, Tensor};

#[test]
fn every_instruction_set() {
    on_every_instruction_set();
}

/// Every operation that rules can use.
#[derive(Clone, Copy)]
struct Everything;

impl Rule<3> for Everything {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, [a, b, c]: &mut [Slot<V>; 3]) -> V {
        let a = a.set(a.get().add_scaled(g - a.get(), 0.1));
        let b = b.set(b.get().larger(g.abs()));
        let c = c.set(c.get() * 0.9 + (g * -1.0).where_positive(w.all(0.25)) * a);
        w.less(0.03) - (a * a + 0.5).sqrt() * g / (b + 1e-3) + c
    }
}

/// No slots.
#[derive(Clone, Copy)]
struct Descent(f64);

impl Rule<0> for Descent {
    #[inline(always)]
    fn step<V: Numbers>(self, w: V, g: V, []: &mut [Slot<V>; 0]) -> V {
        w - g * self.0
    }
}

const LENGTHS: [usize; 7] = [0, 1, 15, 16, 1000, 1 << 15, 70_001];
const PENALTIES: [Penalty; 3] = [
    Penalty { l1: 0.0, l2: 0.0 },
    Penalty { l1: 0.0, l2: 0.02 },
    Penalty { l1: 0.01, l2: 0.02 },
];

/// Weight, gradient and slots.
fn values(len: usize) -> [Tensor<f32>; 5] {
    [0, 1, 2, 3, 4].map(|n| Tensor::uniform([len], -1.0, 1.0, Seed(5).key(Stream::User(n), 0)))
}

/// Weight and slots after a step of [`Everything`].
fn run(len: usize, penalty: Penalty) -> Vec<f32> {
    let [mut w, g, mut a, mut b, mut c] = values(len).map(|t| t.to_vec());
    Everything.update(&mut w, &g, &mut [&mut a, &mut b, &mut c], penalty);
    [w, a, b, c].concat()
}

#[test]
fn vectors_do_what_plain_numbers_do() {
    for len in LENGTHS {
        for penalty in PENALTIES {
            let [mut w, g, mut a, mut b, mut c] = values(len).map(|t| t.cast::<f64>().to_vec());
            Everything.update(&mut w, &g, &mut [&mut a, &mut b, &mut c], penalty);
            for (found, expected) in run(len, penalty).into_iter().zip([w, a, b, c].concat()) {
                let error = (f64::from(found) - expected).abs();
                assert!(
                    error <= 1e-5 * (1.0 + expected.abs()),
                    "{len} numbers, {penalty:?}: {found} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn the_gradient_of_the_penalty_is_added() {
    let mut w = [2.0f64, -3.0, 0.0];
    let penalty = Penalty { l1: 0.5, l2: 0.25 };
    Descent(1.0).update(&mut w, &[1.0; 3], &mut [], penalty);
    assert_eq!(w, [2.0 - 2.5, -3.0 + 1.0, -1.0]);
}

#[test]
fn subnormals_become_zero() {
    let mut w = [1e-39f32; 21];
    let (mut a, mut b, mut c) = ([1e-39f32; 21], [-1e-39f32; 21], [1e-39f32; 21]);
    Everything.update(
        &mut w,
        &[0.0; 21],
        &mut [&mut a, &mut b, &mut c],
        Penalty::default(),
    );
    assert_eq!([w, a, b, c], [[0.0; 21]; 4]);
}

/// Products with a weight that is next to nothing are subnormal, which is slow; slots may hold squares, which are small.
#[test]
fn weights_next_to_nothing_become_zero_and_slots_stay() {
    for (weight, kept) in [(5e-20f32, 0.0), (-5e-20, 0.0), (6e-20, 6e-20)] {
        let mut w = [weight; 21];
        Descent(0.0).update(&mut w, &[0.0; 21], &mut [], Penalty::default());
        assert_eq!(w, [kept; 21]);
    }
    let (mut w, mut a, mut b, mut c) = ([0.0f32; 21], [0.0; 21], [1e-25f32; 21], [0.0; 21]);
    let slots = &mut [&mut a[..], &mut b[..], &mut c[..]];
    Everything.update(&mut w, &[0.0; 21], slots, Penalty::default());
    assert_eq!(b, [1e-25; 21]);
    let mut w = [1e-30f64];
    Descent(0.0).update(&mut w, &[0.0], &mut [], Penalty::default());
    assert_eq!(w, [1e-30]);
}

#[test]
fn nan_is_not_swallowed() {
    let mut w = [1.0f32; 21];
    let mut slots = [[0.0f32; 21]; 3];
    let [a, b, c] = &mut slots;
    let gradient = [f32::NAN; 21];
    Everything.update(&mut w, &gradient, &mut [a, b, c], Penalty::default());
    assert!(w.iter().chain(slots.as_flattened()).all(|x| x.is_nan()));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let bits = || run(200_001, PENALTIES[2]).into_iter().map(f32::to_bits);
        pool.unwrap().install(|| bits().collect::<Vec<_>>())
    };
    let one = with(1);
    for threads in [2, 3, 5] {
        assert!(one == with(threads), "{threads} threads differ from one");
    }
}

#[test]
#[should_panic(expected = "the rule has 3 slots, 1 are given")]
fn slots_are_counted() {
    let (mut w, mut a) = ([1.0f32], [0.0f32]);
    Everything.update(&mut w, &[1.0], &mut [&mut a], Penalty::default());
}

#[test]
#[should_panic(expected = "lengths differ")]
fn lengths_are_compared() {
    let mut w = [1.0f32; 2];
    Descent(0.1).update(&mut w, &[1.0], &mut [], Penalty::default());
}

#[test]
fn the_largest_magnitude_is_found_wherever_it_is_and_nan_above_all() {
    for len in LENGTHS {
        let [x, ..] = values(len);
        let x = x.to_vec();
        let expected = x.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let doubles: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        assert_eq!(magnitudes(&[&x]), [f64::from(expected)]);
        assert_eq!(magnitudes(&[&doubles]), [f64::from(expected)]);
        for at in [0, len / 3, len / 2, len.saturating_sub(1)] {
            if at >= len {
                continue;
            }
            for (value, expected) in [(-2.0, 2.0), (f32::NEG_INFINITY, f64::INFINITY)] {
                let mut odd = x.clone();
                odd[at] = value;
                assert_eq!(magnitudes(&[&odd, &[]]), [expected, 0.0], "{len} at {at}");
                odd[len - 1 - at] = -f32::NAN;
                let found = magnitudes(&[&x[..], &odd]);
                assert!(
                    found[0] <= 1.0 && found[1].is_nan(),
                    "{len} at {at}: {found:?}"
                );
            }
        }
    }
}
