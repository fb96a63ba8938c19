//! Directions at right angles to each other: the factor Q of a matrix of normal values, the other factor's diagonal being
//! positive, so that every orientation is equally likely.

use taper_tensor::{Element, Key, Tensor};

/// A tensor whose last axis is the columns of a matrix: `gain · Q`, or its transpose where there are more columns than rows.
/// All zeros if there is only one axis, or none.
pub(super) fn tensor<E: Element>(shape: &[usize], gain: f64, key: Key) -> Tensor<E> {
    let &[ref outer @ .., columns] = shape else {
        return Tensor::zeros(shape);
    };
    let rows: usize = outer.iter().product();
    if outer.is_empty() || rows * columns == 0 {
        return Tensor::zeros(shape);
    }
    let (long, short) = (rows.max(columns), rows.min(columns));
    // A direction after the other, each of `long` numbers.
    let mut directions = Tensor::<f64>::normal([short, long], 0.0, 1.0, key);
    orthonormalize(directions.as_mut_slice(), long);
    let matrix = match rows < columns {
        true => directions,
        false => directions.transpose().contiguous(),
    };
    let values = matrix.to_vec();
    Tensor::from_fn(shape, |i| E::from_f64(gain * values[i]))
}

/// Gram's and Schmidt's process, each direction twice, which is enough for every digit of f64 (Giraud et al. 2005). In plain
/// f64, so that it is the same everywhere.
fn orthonormalize(directions: &mut [f64], length: usize) {
    for at in (0..directions.len()).step_by(length) {
        let (done, rest) = directions.split_at_mut(at);
        let new = &mut rest[..length];
        for _ in 0..2 {
            for other in done.chunks_exact(length) {
                let along = dot(other, new);
                new.iter_mut().zip(other).for_each(|(n, o)| *n -= along * o);
            }
        }
        let norm = dot(new, new).sqrt();
        if norm > 0.0 {
            new.iter_mut().for_each(|n| *n /= norm);
        }
    }
}

/// In eight sums side by side, whatever the machine.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}
