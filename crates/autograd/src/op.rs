//! What the tape knows about an operation: its name and how a gradient goes back through it.

use taper_tensor::{Element, Result, Tensor};

/// The way back through one recorded operation.
///
/// A value of this type is made after the forward computation and holds what the gradient needs, nothing more
/// (see [`Tape::record`](crate::Tape::record)). Walking back consumes it, so that what it holds is free as soon as
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
}
