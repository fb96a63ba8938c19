//! What junctions that merge element by element share: how inputs of different shapes fit each other.

use super::at_least_two;
use crate::{Error, Result};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;

/// The shape that inputs of these shapes are stretched to.
pub(super) fn shape(class_name: &str, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    at_least_two(class_name, inputs)?;
    let rank = inputs.iter().map(|input| input.len()).max().unwrap_or(0);
    let mut output = vec![1; rank];
    for input in inputs {
        for (length, &other) in output.iter_mut().rev().zip(input.iter().rev()) {
            if *length != other && *length != 1 && other != 1 {
                let message = format!(
                    "inputs {inputs:?} do not fit each other: matched from the last axis, lengths must be equal or 1"
                );
                return Err(Error::layer(class_name, message));
            }
            if *length == 1 {
                *length = other;
            }
        }
    }
    Ok(output)
}

/// An error unless there are two inputs.
pub(super) fn exactly_two(class_name: &str, inputs: &[&[usize]]) -> Result<()> {
    if inputs.len() == 2 {
        return Ok(());
    }
    let message = format!("{} inputs; exactly 2 are wanted", inputs.len());
    Err(Error::layer(class_name, message))
}

/// What `both` makes of the inputs, from the first one on; the only output. Missing axes are put in behind the batch.
pub(super) fn fold<E: Element>(
    inputs: &[&Var<E>],
    both: impl Fn(&Var<E>, &Var<E>) -> Result<Var<E>>,
) -> Result<Vec<Var<E>>> {
    let rank = inputs.iter().map(|x| x.shape().len()).max().unwrap_or(0);
    let fitting = |x: &Var<E>| -> Result<Var<E>> {
        let shape = x.shape();
        let Some((&batch, sample)) = shape.split_first().filter(|_| shape.len() < rank) else {
            return Ok(x.clone());
        };
        let missing = vec![1; rank - shape.len()];
        Ok(x.reshape([&[batch], &missing[..], sample].concat())?)
    };
    let (first, rest) = inputs
        .split_first()
        .ok_or_else(|| Error::layer("merge", "there are no inputs"))?;
    let mut result = fitting(first)?;
    for x in rest {
        result = both(&result, &fitting(x)?)?;
    }
    Ok(vec![result])
}

/// Two to `most` inputs that fit each other.
pub(super) fn drawn(sampler: &mut Sampler, most: usize) -> Vec<Vec<usize>> {
    let shape = sampler.shape(1, 3, 3);
    let count = sampler.integer(2, most);
    let mut inputs: Vec<_> = (0..count)
        .map(|_| match sampler.coin() {
            true => shape.clone(),
            // At least one axis is left.
            false => sampler.until(|s| s.broadcastable(&shape), |shape| !shape.is_empty()),
        })
        .collect();
    let at = sampler.integer(0, count - 1);
    inputs[at] = shape;
    inputs
}

#[cfg(test)]
mod tests {
    use crate::junctions::{Average, Maximum, Subtract};
    use crate::{Context, DescribeJunction, Junction};
    use taper_autograd::Tape;
    use taper_tensor::Tensor;

    #[test]
    fn what_does_not_fit_is_named() {
        let error = Maximum::new().output_shapes(&[&[3, 4], &[3]]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("[3, 4]") && message.contains("[3]"),
            "{message}"
        );
        let three = Subtract::new().output_shapes(&[&[3], &[3], &[3]]);
        assert!(three.unwrap_err().to_string().contains("exactly 2"));
        assert!(Average::new().output_shapes(&[&[3]]).is_err());
    }

    /// A vector a sample meets a matrix a sample: the vector of the same sample, not of the same row.
    #[test]
    fn missing_axes_stand_behind_the_batch() {
        let tape = Tape::<f64>::new();
        let a = Tensor::from_fn([2, 2, 2], |i| i as f64);
        let b = Tensor::from_vec([2, 2], vec![10.0, 20.0, 30.0, 40.0]).unwrap();
        let (a, b) = (tape.constant(&a), tape.constant(&b));
        let inputs = [&a, &b];
        let y = Subtract::new().forward(&inputs, &[], &mut Context::inference());
        let y = y.unwrap()[0].value().to_vec();
        assert_eq!(y, [-10.0, -19.0, -8.0, -17.0, -26.0, -35.0, -24.0, -33.0]);
    }
}
