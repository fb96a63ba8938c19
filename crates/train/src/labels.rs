//! Which class a sample is and which one the model says, told from the shapes of outputs and targets as Keras tells it.

use crate::{Error, Result, prediction::first_greatest};
use taper_tensor::Tensor;

/// How targets name classes, told from the shapes of a batch as Keras tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Classes {
    /// Output [n, …, c], target of the same shape: the class is the position of the largest value (none with a NaN).
    OneHot(usize),
    /// Output [n, …, c], target [n, …] or [n, …, 1]: the class is the value.
    Sparse(usize),
    /// Output [n, …, 1] or [n], target likewise: one probability, halved at 0.5.
    Binary,
}

/// Predicted and true classes of a batch, position by position (one position a sample, unless outputs are maps).
pub(crate) struct Labelled<'a> {
    classes: Classes,
    output: &'a [f32],
    target: &'a [f32],
}

impl Labelled<'_> {
    /// Calls `each` with the scores of every position (one, if binary) and its true class (`None`: no class at all).
    pub(crate) fn for_each(&self, mut each: impl FnMut(&[f32], Option<usize>)) {
        match self.classes {
            Classes::OneHot(c) => {
                let pairs = self.output.chunks_exact(c).zip(self.target.chunks_exact(c));
                pairs.for_each(|(scores, target)| each(scores, first_greatest(target)));
            }
            Classes::Sparse(c) => {
                let pairs = self.output.chunks_exact(c).zip(self.target);
                pairs.for_each(|(scores, &label)| each(scores, class(label, c)));
            }
            Classes::Binary => {
                let pairs = self.output.chunks_exact(1).zip(self.target);
                pairs.for_each(|(score, &label)| each(score, class(label, 2)));
            }
        }
    }
}

/// Hands the classes of a batch to `read`, and the number of positions in a sample.
pub(crate) fn with_classes<T>(
    operation: &str,
    output: &Tensor,
    target: &Tensor,
    read: impl FnOnce(&Labelled<'_>, usize) -> T,
) -> Result<T> {
    let classes = classes(operation, output.shape(), target.shape())?;
    let (output, target) = (output.contiguous(), target.contiguous());
    let (output_values, target_values) = (
        output.as_slice().unwrap_or_default(),
        target.as_slice().unwrap_or_default(),
    );
    let width = match classes {
        Classes::OneHot(c) | Classes::Sparse(c) => c,
        Classes::Binary => 1,
    };
    let positions = output_values.len() / width / output.shape()[0].max(1);
    Ok(read(
        &Labelled {
            classes,
            output: output_values,
            target: target_values,
        },
        positions.max(1),
    ))
}

/// Adds to `[right, all]` the share of the positions of each sample for which `right` holds, times the sample's weight.
pub(crate) fn add_shares(
    sums: &mut [f64],
    operation: &str,
    (output, target): (&Tensor, &Tensor),
    weights: Option<Vec<f32>>,
    mut right: impl FnMut(&[f32], Option<usize>) -> bool,
) -> Result<()> {
    with_classes(operation, output, target, |batch, positions| {
        let Some(weights) = weights else {
            let mut count = 0_u64;
            batch.for_each(|scores, class| count += u64::from(right(scores, class)));
            sums[0] += count as f64 / positions as f64;
            sums[1] += output.shape()[0] as f64;
            return;
        };
        let mut position = 0;
        batch.for_each(|scores, class| {
            let weight = weights.get(position / positions).copied().unwrap_or(0.0);
            if right(scores, class) {
                sums[0] += f64::from(weight) / positions as f64;
            }
            position += 1;
        });
        sums[1] += weights.iter().map(|weight| f64::from(*weight)).sum::<f64>();
    })
}

/// `[part, all]` as a share, or `[sum, weights]` as a mean; 0 of nothing.
pub(crate) fn share(sums: &[f64]) -> f64 {
    if sums[1] == 0.0 {
        0.0
    } else {
        sums[0] / sums[1]
    }
}

/// Whether the shapes of a sample tell classes.
///
/// # Errors
/// They do not.
pub(crate) fn check_classes(operation: &str, output: &[usize], target: &[usize]) -> Result<()> {
    classes(
        operation,
        &[&[1], output].concat(),
        &[&[1], target].concat(),
    )
    .map(|_| ())
    .map_err(|_| does_not_fit(operation, output, target))
}

/// How many classes there are where samples have these shapes (without the batch axis).
///
/// # Errors
/// They are no classes.
pub(crate) fn number_of_classes(
    operation: &str,
    output: &[usize],
    target: &[usize],
) -> Result<usize> {
    check_classes(operation, output, target)?;
    let batch = |sample: &[usize]| [&[1], sample].concat();
    match classes(operation, &batch(output), &batch(target))? {
        Classes::OneHot(c) | Classes::Sparse(c) => Ok(c),
        Classes::Binary => Ok(2),
    }
}

/// The true class of each sample of a batch, where outputs have one row of scores a sample.
pub(crate) fn classes_of_samples(
    operation: &str,
    output: &[usize],
    target: &Tensor,
) -> Result<Vec<Option<usize>>> {
    let classes = classes(operation, output, target.shape())?;
    let values = target.to_vec();
    Ok(match classes {
        Classes::OneHot(c) => values.chunks_exact(c).map(first_greatest).collect(),
        Classes::Sparse(c) => values.iter().map(|&label| class(label, c)).collect(),
        Classes::Binary => values.iter().map(|&label| class(label, 2)).collect(),
    })
}

fn does_not_fit(operation: &str, output: &[usize], target: &[usize]) -> Error {
    let message = format!("the model's output {output:?} does not fit the targets {target:?}");
    Error::shapes(operation, message)
}

/// Tells from the shapes of a batch how its targets name classes.
pub(crate) fn classes(operation: &str, output: &[usize], target: &[usize]) -> Result<Classes> {
    let width = if output.len() < 2 {
        1
    } else {
        output[output.len() - 1]
    };
    let rows = if output.len() < 2 {
        output
    } else {
        &output[..output.len() - 1]
    };
    let narrow = target == rows || target.split_last() == Some((&1, rows));
    match (width, narrow) {
        (0, _) => {}
        (1, true) if !output.is_empty() => return Ok(Classes::Binary),
        (1, _) => {}
        (c, true) => return Ok(Classes::Sparse(c)),
        (c, false) if output == target => return Ok(Classes::OneHot(c)),
        _ => {}
    }
    Err(does_not_fit(operation, output, target))
}

/// The class that a sparse label means.
fn class(label: f32, classes: usize) -> Option<usize> {
    let index = label as usize;
    (index < classes && index as f32 == label).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_tell_how_classes_are_named() {
        let of = |output: &[usize], target: &[usize]| classes("test", output, target).ok();
        assert_eq!(of(&[5, 10], &[5, 10]), Some(Classes::OneHot(10)));
        assert_eq!(of(&[5, 10], &[5]), Some(Classes::Sparse(10)));
        assert_eq!(of(&[5, 10], &[5, 1]), Some(Classes::Sparse(10)));
        assert_eq!(of(&[5, 1], &[5, 1]), Some(Classes::Binary));
        assert_eq!(of(&[5, 1], &[5]), Some(Classes::Binary));
        assert_eq!(of(&[5], &[5]), Some(Classes::Binary));
        assert_eq!(of(&[5, 7, 7, 3], &[5, 7, 7]), Some(Classes::Sparse(3)));
        for (output, target) in [
            (&[5, 10][..], &[5, 12][..]),
            (&[5, 10], &[4, 10]),
            (&[5, 0], &[5, 0]),
            (&[], &[]),
        ] {
            assert_eq!(of(output, target), None, "{output:?} {target:?}");
        }
    }

    #[test]
    fn broken_labels_are_no_class() {
        let output = Tensor::full([2, 2], 0.5);
        let target = Tensor::from_slice([2, 2], &[1.0, f32::NAN, 0.0, 1.0]).unwrap();
        let mut classes = Vec::new();
        with_classes("test", &output, &target, |batch, _| {
            batch.for_each(|_, class| classes.push(class));
        })
        .unwrap();
        assert_eq!(classes, [None, Some(1)]);
        assert_eq!(
            classes_of_samples("test", &[2, 2], &target).unwrap(),
            classes
        );
        assert_eq!(class(-1.0, 3), None);
        assert_eq!(class(0.5, 3), None);
        assert_eq!(class(3.0, 3), None);
        assert_eq!(class(f32::NAN, 3), None);
    }
}
