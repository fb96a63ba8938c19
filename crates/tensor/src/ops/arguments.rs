//! What every operation does with its arguments: pack views, check a bias and a dropout rate.

use crate::kernels::{Dropout, Epilogue, Fusible};
use crate::{Element, Error, Result, Tensor};

/// The values of `tensor` in row-major order, packed first if it is a strided view.
pub(super) fn packed<E: Element>(tensor: &Tensor<E>) -> Tensor<E> {
    tensor.contiguous()
}

/// The slice of a tensor that [`packed`] has made.
pub(super) fn values<E: Element>(tensor: &Tensor<E>) -> &[E] {
    tensor.as_slice().expect("packed")
}

/// Checks that `bias`, if there is one, has the shape `[channels]`, and packs it.
pub(super) fn checked_bias<E: Element>(
    operation: &'static str,
    bias: Option<&Tensor<E>>,
    channels: usize,
) -> Result<Option<Tensor<E>>> {
    match bias {
        Some(b) if b.shape() != [channels] => {
            let found = b.shape();
            Err(Error::shape(
                operation,
                format!("the bias must be [{channels}], it is {found:?}"),
            ))
        }
        other => Ok(other.map(packed)),
    }
}

/// Checks that an epilogue's dropout makes sense, and that the output tells where it dropped.
pub(super) fn checked_epilogue(operation: &'static str, epilogue: &Epilogue) -> Result<()> {
    match (epilogue.activation, epilogue.dropout) {
        (Some(activation), Some(_)) if activation != Fusible::Relu => Err(Error::shape(
            operation,
            format!(
                "dropout behind {activation:?} is an operation of its own: only relu's output tells what was dropped"
            ),
        )),
        (_, dropout) => checked_dropout(operation, dropout),
    }
}

/// The activation function, without which the output does not tell where gradient passes.
pub(super) fn checked_activation(operation: &'static str, epilogue: &Epilogue) -> Result<Fusible> {
    let none = "the epilogue has no activation function, so the output does not tell where gradient passes";
    epilogue
        .activation
        .ok_or_else(|| Error::shape(operation, none))
}

/// Checks that dropout's rate makes sense.
pub(super) fn checked_dropout(operation: &'static str, dropout: Option<Dropout>) -> Result<()> {
    match dropout {
        Some(d) if !(0.0..1.0).contains(&d.rate) => Err(Error::shape(
            operation,
            format!("the dropout rate must be in [0, 1), it is {}", d.rate),
        )),
        _ => Ok(()),
    }
}
