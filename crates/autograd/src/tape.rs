//! The tape, the variables on it, and what it knows about an operation: each is made of the others. The tape is a list of
//! what was computed, in the order in which it was computed. `var.rs` puts values on it, `walk.rs` goes back over it, and
//! `gradients.rs` and `again.rs` say whose the gradients are.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use taper_tensor::{Element, Error, Result, Tensor};

/// The way back through one recorded operation.
///
/// A value of this type is made after the forward computation and holds what the gradient needs, nothing more
/// (see [`Tape::record`]). Walking back consumes it, so that what it holds is free as soon as
/// it has been used.
///
/// # Example
/// An operation of one's own: x³, saving x.
/// ```
/// use taper_autograd::{Op, Tape, Var};
/// use taper_tensor::{Element, Result, Tensor};
///
/// struct Cube<E: Element> { x: Tensor<E> }
///
/// impl<E: Element> Op<E> for Cube<E> {
///     fn name(&self) -> &'static str { "cube" }
///     fn backward(self: Box<Self>, gradient: Tensor<E>, _wanted: &[bool]) -> Result<Vec<Option<Tensor<E>>>> {
///         let slope = self.x.square().scale(E::from_f64(3.0));
///         Ok(vec![Some(gradient.mul(&slope)?)])
///     }
/// }
///
/// fn cube<E: Element>(x: &Var<E>) -> Result<Var<E>> {
///     let value = x.value().map(|x| x * x * x);
///     x.tape().record(&[x], value, || Cube { x: x.value().clone() })
/// }
///
/// # fn main() -> Result<()> {
/// let tape = Tape::new();
/// let x = tape.parameter(&Tensor::from_vec([2], vec![1.0, 2.0])?);
/// let gradients = cube(&x)?.sum().backward()?;
/// assert_eq!(gradients[&x].to_vec(), [3.0, 12.0]);
/// # Ok(())
/// # }
/// ```
pub trait Op<E: Element>: 'static {
    /// The operation's name in error messages.
    fn name(&self) -> &'static str;

    /// The gradients of the inputs, given the `gradient` of the output (which has the output's shape).
    ///
    /// Returns one entry an input, in the order in which they were recorded, each of the shape of its input.
    /// Where `wanted` is false nobody will look: return `None` and spare the work. `None` for a wanted input means
    /// a gradient of zero.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>>;

    /// [`backward`](Self::backward), with what other readers of the first input have already sent back to it. An
    /// operation that can add to it while it writes takes it, and returns the sum; what it leaves is added by the tape,
    /// to the same bits (the default).
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn backward_onto(
        self: Box<Self>,
        gradient: Tensor<E>,
        wanted: &[bool],
        _so_far: &mut Option<Tensor<E>>,
    ) -> Result<Vec<Option<Tensor<E>>>> {
        self.backward(gradient, wanted)
    }

    /// The gradients as [`backward`](Self::backward) has them, but computed by operations on the tape, so that they can be
    /// differentiated again: for [`Var::gradients`]. `place` makes variables of what the operation has saved.
    ///
    /// ```
    /// use taper_autograd::{Op, Place, Var};
    /// use taper_tensor::{Element, Result, Tensor};
    ///
    /// struct Cube<E: Element> { x: Tensor<E> }
    ///
    /// impl<E: Element> Op<E> for Cube<E> {
    /// #   fn name(&self) -> &'static str { "cube" }
    /// #   fn backward(self: Box<Self>, _: Tensor<E>, _: &[bool]) -> Result<Vec<Option<Tensor<E>>>> { Ok(vec![None]) }
    ///     // … and besides:
    ///     fn backward_on_tape(&self, gradient: &Var<E>, place: &Place<'_, E>) -> Result<Vec<Option<Var<E>>>> {
    ///         let x = place.input(0, &self.x); // the input again, not a constant of its value
    ///         Ok(vec![Some(gradient.mul(&x.square().scale(E::from_f64(3.0)))?)])
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// When an operation fails; by default always: the operation has no second derivative.
    fn backward_on_tape(
        &self,
        _gradient: &Var<E>,
        _place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        Err(Error::shape(
            self.name(),
            "its gradient cannot be differentiated again, because it is not made of operations on the tape; \
             where second derivatives are wanted, use operations that have them (see `ops::without_second_derivatives`)",
        ))
    }
}

/// Where an operation stands on its tape: makes variables of the values that it saved.
pub struct Place<'a, E: Element = f32> {
    tape: &'a Tape<E>,
    node: usize,
    inputs: &'a [Option<usize>],
    wanted: &'a [bool],
}

impl<'a, E: Element> Place<'a, E> {
    pub(crate) fn new(
        tape: &'a Tape<E>,
        node: usize,
        inputs: &'a [Option<usize>],
        wanted: &'a [bool],
    ) -> Self {
        Place {
            tape,
            node,
            inputs,
            wanted,
        }
    }

    /// Input number `index` of the operation, whose value it has saved.
    pub fn input(&self, index: usize, value: &Tensor<E>) -> Var<E> {
        let node = self.inputs.get(index).copied().flatten();
        self.tape.var(node, value.clone())
    }

    /// The operation's output, which it has saved.
    pub fn output(&self, value: &Tensor<E>) -> Var<E> {
        self.tape.var(Some(self.node), value.clone())
    }

    /// A value that depends on no variable, such as a mask.
    pub fn constant(&self, value: &Tensor<E>) -> Var<E> {
        self.tape.var(None, value.clone())
    }

    /// Whether the gradient of input number `index` is asked for.
    pub fn wants(&self, index: usize) -> bool {
        self.wanted.get(index).copied().unwrap_or(false)
    }
}

/// Records operations on [`Var`]s, for one walk back.
///
/// A tape serves one step: make it, put parameters and constants on it, compute a loss, call
/// [`Var::backward`]. Cloning it is cheap and yields another handle to the same tape. A tape stays in its thread
/// (the kernels below it use all threads).
pub struct Tape<E: Element = f32> {
    pub(crate) recording: Rc<RefCell<Recording<E>>>,
    id: u64,
}

/// What a tape holds.
pub(crate) struct Recording<E: Element> {
    pub(crate) nodes: Vec<Node<E>>,
    /// Set by the walk back: from then on nothing is recorded.
    pub(crate) spent: bool,
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

    /// The value at this position of the tape.
    pub(crate) fn var(&self, node: Option<usize>, value: Tensor<E>) -> Var<E> {
        Var {
            tape: self.clone(),
            node,
            value,
        }
    }
}

/// A tensor on a [`Tape`]: the result of every operation knows how it was computed.
///
/// Cheap to clone. It keeps its tensor alive; drop the variables of a step before updating weights in place, or
/// the update must copy what they still share.
pub struct Var<E: Element = f32> {
    pub(crate) tape: Tape<E>,
    /// Position on the tape; `None` when no gradient is wanted.
    pub(crate) node: Option<usize>,
    pub(crate) value: Tensor<E>,
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

impl<E: Element> Clone for Var<E> {
    fn clone(&self) -> Self {
        Var {
            tape: self.tape.clone(),
            node: self.node,
            value: self.value.clone(),
        }
    }
}

impl<E: Element> fmt::Debug for Var<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Var")
            .field("node", &self.node)
            .field("value", &self.value)
            .finish()
    }
}
