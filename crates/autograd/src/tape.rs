//! The tape: a list of what was computed, in the order in which it was computed, and the walk back over it. It knows
//! positions and tensors; `var.rs` puts values on it, `gradients.rs` says whose the gradients are.

use crate::Op;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use taper_tensor::{Element, Error, Result, Tensor};

/// Records operations on [`Var`](crate::Var)s, for one walk back.
///
/// A tape serves one step: make it, put parameters and constants on it, compute a loss, call
/// [`Var::backward`](crate::Var::backward). Cloning it is cheap and yields another handle to the same tape. A tape stays in its thread
/// (the kernels below it use all threads).
pub struct Tape<E: Element = f32> {
    recording: Rc<RefCell<Recording<E>>>,
    id: u64,
}

/// What a tape holds.
struct Recording<E: Element> {
    nodes: Vec<Node<E>>,
    /// Set by the walk back: from then on nothing is recorded.
    spent: bool,
}

/// A parameter, or the output of an operation. A node stands after all nodes that it depends on.
pub(crate) struct Node<E: Element> {
    /// `None` for a parameter.
    pub(crate) op: Option<Box<dyn Op<E>>>,
    /// Where the inputs stand; `None` for an input that wants no gradient.
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) shape: Vec<usize>,
}

/// Tells the tapes of a process apart.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl<E: Element> Tape<E> {
    /// An empty tape.
    pub fn new() -> Self {
        let recording = Recording {
            nodes: Vec::new(),
            spent: false,
        };
        Tape {
            recording: Rc::new(RefCell::new(recording)),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Number of parameters and operations that the tape holds at the moment.
    pub fn len(&self) -> usize {
        self.recording.borrow().nodes.len()
    }

    /// Whether the tape holds nothing: it is new, has seen constants only, or has been walked back.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells it from all other tapes; handles to the same tape have the same.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Appends a node and returns its position; a spent tape takes none.
    pub(crate) fn push(&self, node: impl FnOnce() -> Node<E>) -> Option<usize> {
        if self.recording.borrow().spent {
            return None;
        }
        // `node` runs outside of any borrow: it may look at the tape.
        let node = node();
        let nodes = &mut self.recording.borrow_mut().nodes;
        nodes.push(node);
        Some(nodes.len() - 1)
    }

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

impl<E: Element> Default for Tape<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Element> Clone for Tape<E> {
    fn clone(&self) -> Self {
        Tape {
            recording: Rc::clone(&self.recording),
            id: self.id,
        }
    }
}

impl<E: Element> fmt::Debug for Tape<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        if let Ok(recording) = self.recording.try_borrow() {
            for node in &recording.nodes {
                let name = node.op.as_ref().map_or("parameter", |op| op.name());
                list.entry(&format_args!(
                    "{name} {:?} of {:?}",
                    node.shape, node.inputs
                ));
            }
        }
        list.finish()
    }
}
