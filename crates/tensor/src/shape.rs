//! Shapes and strides: how many elements, where they lie, and NumPy's broadcasting rule.
//!
//! Strides count elements, not bytes. Views made by this crate have strides of zero (broadcast axes) or more.

use crate::{Error, Result};

/// NumPy's rule: shapes are aligned at their last axes; axes of equal length go together, and an axis of length 1 (or
/// a missing one) is stretched to the other's length.
///
/// ```
/// use taper_tensor::shape::broadcast;
///
/// assert_eq!(broadcast("add", &[64, 1, 10], &[3, 1])?, [64, 3, 10]);
/// assert!(broadcast("add", &[2], &[3]).is_err());
/// # Ok::<(), taper_tensor::Error>(())
/// ```
///
/// # Errors
/// If two axes differ and neither is 1; the message starts with `operation` and names both shapes and the axis.
pub fn broadcast(operation: &'static str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let axis_of = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (axis_of(a, axis), axis_of(b, axis)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            (x, y) => Err(Error::shape(
                operation,
                format!("{a:?} and {b:?} do not broadcast: axis {axis} has {x} and {y}"),
            )),
        })
        .collect()
}

/// The most elements for which a tensor has memory: 2³⁶, which are 256 GiB of f32 (where addresses are short, what fits them).
/// Operations that would make a larger one return an error, before they ask for memory. Views, which have none of their own, may
/// be larger.
pub const MAX_ELEMENTS: usize = match 1usize.checked_shl(36) {
    Some(most) if most < ADDRESSABLE => most,
    _ => ADDRESSABLE,
};

/// As many elements of 8 bytes as there are addresses for.
const ADDRESSABLE: usize = isize::MAX as usize / size_of::<f64>();

/// The number of elements of `shape`.
///
/// # Errors
/// If the product of the axes (those of length 0 left out, so that strides cannot overflow either) is above
/// [`MAX_ELEMENTS`].
pub fn element_count(operation: &'static str, shape: &[usize]) -> Result<usize> {
    count_within(operation, shape, MAX_ELEMENTS)
}

/// The same for a view, whose elements need not have memory each.
///
/// # Errors
/// If they are more than there are addresses for.
pub(crate) fn viewed_count(operation: &'static str, shape: &[usize]) -> Result<usize> {
    count_within(operation, shape, ADDRESSABLE)
}

fn count_within(operation: &'static str, shape: &[usize], most: usize) -> Result<usize> {
    let product = shape
        .iter()
        .try_fold(1usize, |product, &axis| product.checked_mul(axis.max(1)));
    match product {
        Some(product) if product <= most => Ok(if shape.contains(&0) { 0 } else { product }),
        _ => Err(Error::shape(
            operation,
            format!("shape {shape:?} has more than {most} elements, the most that there can be"),
        )),
    }
}

/// The strides of a contiguous tensor in row-major order: the last axis moves fastest.
pub fn row_major_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        // Of shapes that no tensor has, too: they are refused elsewhere.
        strides[axis - 1] = isize::saturating_mul(strides[axis], shape[axis].max(1) as isize);
    }
    strides
}

/// Whether elements follow each other in memory in row-major order. Strides of axes of length 1 play no role, and a
/// tensor without elements is contiguous.
pub fn is_contiguous(shape: &[usize], strides: &[isize]) -> bool {
    let mut expected = 1;
    for (&axis, &stride) in shape.iter().zip(strides).rev() {
        match axis {
            0 => return true,
            1 => {}
            _ if stride != expected => return shape.contains(&0),
            _ => expected = isize::saturating_mul(expected, axis as isize),
        }
    }
    true
}

/// The strides that let a view of `shape` and `strides` be read as `target`: 0 on axes that are added or stretched.
pub(crate) fn broadcast_strides(
    operation: &'static str,
    shape: &[usize],
    strides: &[isize],
    target: &[usize],
) -> Result<Vec<isize>> {
    let does_not_fit = || {
        Error::shape(
            operation,
            format!("{shape:?} cannot be broadcast to {target:?}"),
        )
    };
    let added = target
        .len()
        .checked_sub(shape.len())
        .ok_or_else(does_not_fit)?;
    let mut result = vec![0; target.len()];
    for (axis, (&own, &stride)) in shape.iter().zip(strides).enumerate() {
        match target[added + axis] {
            wanted if wanted == own => result[added + axis] = stride,
            _ if own == 1 => {}
            _ => return Err(does_not_fit()),
        }
    }
    Ok(result)
}

/// An error if `axis` is not one of `shape`'s.
pub(crate) fn check_axis(operation: &'static str, axis: usize, shape: &[usize]) -> Result<()> {
    if axis < shape.len() {
        Ok(())
    } else {
        Err(Error::shape(
            operation,
            format!(
                "axis {axis} does not exist in {shape:?}, which has {} axes",
                shape.len()
            ),
        ))
    }
}

/// Which axes are named in `axes`; each must exist and be named once.
pub(crate) fn axis_flags(
    operation: &'static str,
    axes: &[usize],
    shape: &[usize],
) -> Result<Vec<bool>> {
    let mut flags = vec![false; shape.len()];
    for &axis in axes {
        check_axis(operation, axis, shape)?;
        if std::mem::replace(&mut flags[axis], true) {
            return Err(Error::shape(
                operation,
                format!("axis {axis} is named twice in {axes:?}"),
            ));
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let ok = |a: &[usize], b: &[usize]| broadcast("test", a, b).unwrap();
        assert_eq!(ok(&[], &[]), Vec::<usize>::new());
        assert_eq!(ok(&[], &[2, 3]), [2, 3]);
        assert_eq!(ok(&[8, 1, 6, 1], &[7, 1, 5]), [8, 7, 6, 5]);
        assert_eq!(ok(&[0], &[1]), [0]);
        assert_eq!(ok(&[3, 0], &[1, 1]), [3, 0]);
        let error = broadcast("mul", &[5, 4], &[3, 4]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mul: [5, 4] and [3, 4] do not broadcast: axis 0 has 5 and 3"
        );
        assert!(broadcast("mul", &[0], &[2]).is_err());
    }

    #[test]
    fn counts_are_checked_for_overflow() {
        assert_eq!(element_count("test", &[]), Ok(1));
        assert_eq!(element_count("test", &[2, 0, 3]), Ok(0));
        assert_eq!(element_count("test", &[2, 3]), Ok(6));
        for shape in [
            vec![usize::MAX, 2],
            vec![1 << 40, 1 << 40],
            vec![isize::MAX as usize],
            vec![0, 1 << 40, 1 << 40],
        ] {
            assert!(element_count("test", &shape).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn contiguity_ignores_axes_of_length_one() {
        assert!(is_contiguous(&[2, 1, 3], &[3, 77, 1]));
        assert!(!is_contiguous(&[2, 3], &[1, 2]));
        assert!(!is_contiguous(&[2, 3], &[0, 1]));
        assert!(is_contiguous(&[0, 3], &[1, 2]));
        assert!(is_contiguous(&[], &[]));
    }
}
