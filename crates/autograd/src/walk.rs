//! The walk back over a tape, which frees as it goes: each operation hands the gradient of its output on to its inputs.

use crate::tape::{Node, Tape};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Tape<E> {
    /// Walks back from `last`, whose gradient is `seed`, and leaves the tape empty. Returns the gradients of the
    /// parameters by their positions (`None` at other places).
    pub(crate) fn walk_back(
        &self,
        last: Option<usize>,
        seed: Tensor<E>,
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let mut recording = self.recording.borrow_mut();
        if recording.spent {
            return Err(Error::shape(
                "backward",
                "this tape has been walked back already, and what it recorded is gone; \
                 add the losses up and call backward once, or record again on a new tape",
            ));
        }
        let Some(last) = last else {
            return Err(Error::shape(
                "backward",
                "the loss depends on no parameter, so there is nothing to differentiate; \
                 put what you want the gradient of on the tape by `tape.parameter(&tensor)`",
            ));
        };
        recording.spent = true;
        let mut nodes = std::mem::take(&mut recording.nodes);
        drop(recording);
        // What was computed after the loss, or beside it, has no part in it.
        nodes.truncate(last + 1);
        differentiate(nodes, seed)
    }
}

/// The gradients of the parameters among `nodes` (`None` at other places), when that of the last node is `seed`.
fn differentiate<E: Element>(
    mut nodes: Vec<Node<E>>,
    seed: Tensor<E>,
) -> Result<Vec<Option<Tensor<E>>>> {
    let mut gradients: Vec<Option<Tensor<E>>> = vec![None; nodes.len() - 1];
    gradients.push(Some(seed));
    while let Some(Node { op, inputs, .. }) = nodes.pop() {
        let Some(op) = op else { continue };
        // Taking the gradient out of the list frees it once the operation has used it.
        let Some(gradient) = gradients[nodes.len()].take() else {
            continue;
        };
        let name = op.name();
        let wanted: Vec<bool> = inputs.iter().map(Option::is_some).collect();
        let so_far = match inputs.first() {
            Some(&Some(first)) => &mut gradients[first],
            _ => &mut None,
        };
        let back = op.backward_onto(gradient, &wanted, so_far)?;
        if back.len() != inputs.len() {
            let message = format!(
                "its backward returned {} gradients for {} inputs",
                back.len(),
                inputs.len()
            );
            return Err(Error::shape(name, message));
        }
        for (input, gradient) in inputs.into_iter().zip(back) {
            if let (Some(input), Some(gradient)) = (input, gradient) {
                accumulate(&mut gradients[input], gradient, &nodes[input].shape, name)?;
            }
        }
    }
    // Whoever updates parameters reads row-major slices; a stretched or transposed gradient is packed here, once.
    Ok(gradients
        .into_iter()
        .map(|gradient| gradient.map(|gradient| gradient.contiguous()))
        .collect())
}

/// Adds `gradient` to `slot`, in place where possible.
fn accumulate<E: Element>(
    slot: &mut Option<Tensor<E>>,
    mut gradient: Tensor<E>,
    shape: &[usize],
    operation: &'static str,
) -> Result<()> {
    if gradient.shape() != shape {
        let message = format!(
            "its backward returned a gradient {:?} for an input {shape:?}",
            gradient.shape()
        );
        return Err(Error::shape(operation, message));
    }
    match slot {
        None => *slot = Some(gradient),
        Some(sum) => {
            // A stretched view cannot be added to in place; its packed partner can.
            if !sum.is_contiguous() && gradient.is_contiguous() {
                std::mem::swap(sum, &mut gradient);
            }
            sum.add_assign(&gradient)?;
        }
    }
    Ok(())
}
